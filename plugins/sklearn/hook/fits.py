"""Records a fit: what it is given, and what came of it."""

import inspect

from . import cairn
from .estimator import describe_estimator, generators, prints, text
from .evaluation import record_evaluation
from .importance import record_importance
from .memory import Fit, recorder
from .model import record_model, save_model
from .search import record_search


@cairn.guard
def begin_fit(function, estimator, method, args, kwargs, frame):
    fit = Fit(estimator)
    fit.X, fit.y, fit.weight = training_data(function, args, kwargs)
    fit.data_name = cairn.frames.variable_name(fit.X, frame, "dataset")
    params = estimator.get_params(deep=True)
    facts = dict(describe_estimator(estimator, params), method=method)
    if fit.specialist is not None:
        facts.update(fit.specialist.facts(estimator) or {})
    fit.emit("fit.start", facts)
    return fit


def training_data(function, args, kwargs):
    """X, y and sample_weight of a call."""
    names = list(inspect.signature(function).parameters)[1:]
    values = dict(zip(names, args))
    values.update(kwargs)
    return (
        values.get(names[0]) if names else None,
        values.get(names[1]) if len(names) > 1 and names[1] not in ("sample_weight", "kwargs") else None,
        values.get("sample_weight"),
    )


@cairn.guard
def fail_fit(fit, error, seconds):
    if fit is not None:
        said = "%s: %s" % (type(error).__name__, text(error))
        fit.emit("fit.end", {"status": "FAILED", "seconds": seconds, "error": said})
        fit.X = fit.y = fit.weight = None


@cairn.guard
def end_fit(fit, estimator, seconds):
    """Records a fit that has succeeded. Each part is guarded by itself: one that fails leaves the others alone."""
    if fit is not None:
        examine(fit, estimator, seconds)
        settle(fit, estimator, seconds)


@cairn.guard
def examine(fit, estimator, seconds):
    clock = cairn.Clock(cairn.budget(seconds))
    with cairn.fits.inside(), cairn.quiet.work(generators(estimator), mute=prints(estimator)):
        rows = first_rows(fit.X)
        special = fit.specialist
        model = (special.save if special else save_model)(fit, estimator, clock)
        record_data(fit, clock)
        record_evaluation(fit, estimator, clock)
        (special.importance if special else record_importance)(fit, estimator, clock)
        record_search(fit, estimator)
        if model is not None:  # after the metrics, which belong to the model too
            (special.record if special else record_model)(fit, estimator, rows, model)


@cairn.guard
def settle(fit, estimator, seconds):
    fit.emit("fit.end", {"status": "FINISHED", "seconds": seconds})
    fit.X = fit.y = fit.weight = fit.predicted = None
    recorder.know(estimator, fit)


@cairn.guard
def first_rows(X):
    """A few rows of X as an example; None where there are none to be had."""
    return cairn.tabular.head(X) if X is not None and hasattr(X, "__getitem__") else None


@cairn.guard
def record_data(fit, clock):
    if fit.X is None:
        return
    fit.described_as(fit.X, max(clock.left() / 2, 0.01))
    facts = cairn.tabular.describe(fit.X, fit.y, fit.data_name, fit.data_seconds)
    if facts["sampled"]:
        fit.warn("the digest of %s is that of a sample of its rows: reading all takes too long" % fit.data_name)
    fit.schema = facts["schema"]
    fit.emit("fit.data", dict(facts, context="train"))
