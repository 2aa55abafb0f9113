"""xgboost.train and xgboost.cv."""

import inspect
import sys

from . import cairn
from .data import first_rows, record_data
from .model import record_importance, record_model, save_model

text = cairn.calls.text

# Arguments that say how the training goes; those with data, functions and results in them are told otherwise.
SETTINGS = (
    "num_boost_round", "early_stopping_rounds", "maximize", "nfold", "stratified", "metrics", "shuffle", "as_pandas", "seed",
)


@cairn.guard
def begin(original, args, kwargs, frame):
    """What watches a call of train or cv; None where nothing is to be recorded."""
    bound = inspect.signature(original).bind(*args, **kwargs)
    if not cairn.nested():
        return (Training if original.__name__ == "train" else CrossValidation)(bound, frame)
    enclosing = cairn.fits.enclosing()
    if enclosing is not None and cairn.fits.last_step(enclosing.subject(), "xgboost"):
        return Part(bound, enclosing)
    return None


class CrossValidation(cairn.calls.Watch):
    """One call of cv: mean and deviation over the folds, round by round."""

    def __init__(self, bound, frame):
        fit = cairn.fits.Fit(cairn)
        given = bound.arguments
        self._data, self._evals = given["dtrain"], list(given.get("evals") or ())
        self._name = cairn.frames.variable_name(self._data, frame, "dtrain")
        self._rounds = Rounds(fit)
        fit.emit("fit.start", describe(given, bound.signature))
        super().__init__(cairn, fit, *with_callback(bound, self._rounds))

    def examine(self, result, clock):
        self.record_inputs(clock)

    def record_inputs(self, clock):
        """Gives the schema of the training data."""
        self._rounds.close()
        schema = record_data(self.fit, self._data, self._name, "train", clock)
        for matrix, name in self._evals:
            if matrix is not self._data:
                record_data(self.fit, matrix, str(name), "eval", clock)
        return schema

    def conclude(self):
        self._rounds.close()
        self._data, self._evals = None, []


class Training(CrossValidation):
    """One call of train."""

    def examine(self, booster, clock):
        rows = first_rows(self._data)
        saved = save_model(self.fit, booster, clock)
        schema = self.record_inputs(clock)
        record_best(self.fit, booster, self._rounds)
        record_importance(self.fit, booster)
        if saved is not None:
            record_model(self.fit, booster, rows, schema, saved)


class Part(cairn.calls.PartWatch):
    """The training of a booster inside an estimator's fit: its rounds are added to that."""

    def __init__(self, bound, enclosing):
        self._rounds = Rounds(enclosing.seen_by(cairn))
        super().__init__(cairn, enclosing, *with_callback(bound, self._rounds))

    def examine(self, booster, clock):
        record_best(self.part, booster, self._rounds)

    def conclude(self):
        self._rounds.close()


class Rounds:
    """What the callback sees of each round."""

    def __init__(self, fit):
        self._points = cairn.Points(fit)
        self.count = 0

    @cairn.guard
    def add(self, epoch, log):
        values = {}
        for data, metrics in log.items():
            for metric, history in metrics.items():
                if isinstance(history[-1], tuple):  # of a cross-validation: mean and standard deviation over the folds
                    values["%s-%s-mean" % (data, metric)], values["%s-%s-std" % (data, metric)] = history[-1]
                else:
                    values["%s-%s" % (data, metric)] = history[-1]
        self.count = epoch + 1
        if values:
            self._points.add(epoch, values)

    def close(self):
        self._points.flush()


def with_callback(bound, rounds):
    """The arguments of the call with one callback more. It comes first: after one that ends the training none is asked."""
    base = sys.modules["xgboost.callback"].TrainingCallback

    class Recorder(base):
        def after_iteration(self, model, epoch, evals_log):
            rounds.add(epoch, evals_log)
            return False

    given = dict(bound.arguments)
    given["callbacks"] = [Recorder(), *(given.get("callbacks") or ())]
    bound.arguments = given
    return bound.args, bound.kwargs


@cairn.guard
def record_best(fit, booster, rounds):
    """The best round, where the training looked for one, and the last."""
    best = booster.attr("best_iteration")
    if best is not None:
        score = booster.attr("best_score")
        values = {"best_iteration": int(best), "stopped_iteration": rounds.count - 1}
        if score is not None:
            values["best_score"] = float(score)
        fit.emit("fit.metrics", {"metrics": values})


def describe(given, signature):
    """What the user set: the booster's params, and how it is trained."""
    params = given.get("params") or {}
    if isinstance(params, (list, tuple)):  # pairs; a name may come twice
        params = dict(params)
    params = {str(key): text(value) for key, value in params.items() if value is not None}
    for name in SETTINGS:
        if given.get(name) is not None:
            params.setdefault(name, text(given[name]))
    rounds = signature.parameters.get("num_boost_round")
    if rounds is not None:
        params.setdefault("num_boost_round", text(rounds.default))
    seeds = {name: params[name] for name in ("seed", "random_state") if name in params}
    return {
        "estimator": "Booster",
        "class": "xgboost.core.Booster",
        "params": params,
        "seeds": seeds,
        "version": sys.modules["xgboost"].__version__,
    }
