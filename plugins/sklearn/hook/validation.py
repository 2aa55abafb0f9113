"""Records a cross-validation."""

import inspect

from . import cairn
from .estimator import describe_estimator, text
from .fits import record_data
from .memory import Fit, recorder


@cairn.guard
def begin_cross_validation(original, name, args, kwargs, frame):
    call = inspect.signature(original).bind(*args, **kwargs).arguments
    estimator = call["estimator"]
    fit = Fit(estimator)
    fit.X, fit.y = call.get("X"), call.get("y")
    fit.data_name = cairn.frames.variable_name(fit.X, frame, "dataset")
    facts = describe_estimator(estimator, estimator.get_params(deep=True))
    for key in ("cv", "scoring"):
        if call.get(key) is not None:
            facts["params"].setdefault(key, text(call[key]))
    fit.emit("fit.start", dict(facts, method=name))
    return fit


@cairn.guard
def end_cross_validation(fit, name, result, seconds):
    if fit is None:
        return
    clock = cairn.Clock(cairn.budget(seconds))
    with cairn.fits.inside(), cairn.quiet.work():
        record_data(fit, clock)
        record_folds(fit, name, result)
    fit.emit("fit.end", {"status": "FINISHED", "seconds": seconds})
    if name != "cross_val_predict":
        fit.X = None
    fit.y = None


@cairn.guard
def record_folds(fit, name, result):
    if name == "cross_validate":
        scores = {key: [float(v) for v in values] for key, values in result.items() if is_scores(values)}
        fit.emit("cv.folds", {"results": scores})
    elif name == "cross_val_predict":
        recorder.know_prediction(result, fit, fit.data_name, fit.X, 0.0)
    elif name == "permutation_test_score":
        fit.emit("cv.point", {"metrics": {"test_score": float(result[0]), "pvalue": float(result[2])}, "step": 0})
    else:
        learning = name == "learning_curve"
        train, test = (result[1], result[2]) if learning else (result[0], result[1])
        for at in range(len(test)):
            scores = {"mean_train_score": float(train[at].mean()), "mean_test_score": float(test[at].mean())}
            fit.emit("cv.point", {"metrics": scores, "step": int(result[0][at]) if learning else at})


def is_scores(values):
    return getattr(getattr(values, "dtype", None), "kind", "") in "iuf"
