"""Metrics that the user computes after the fit, under the names of the data they were given."""

import inspect
import sys

from . import cairn
from .memory import recorder

EVAL_DATA_SECONDS = 0.05


def is_number(value):
    numpy = sys.modules["numpy"]
    return isinstance(value, (int, float, numpy.number)) and not isinstance(value, (bool, numpy.bool_))


@cairn.guard
def record_prediction(estimator, result, args, kwargs, frame, seconds):
    fit = recorder.fit_of(estimator)
    data = args[0] if args else next(iter(kwargs.values()), None)
    recorder.know_prediction(result, fit, fit.name_data(data, frame), data, seconds)


@cairn.guard
def record_metric(function, name, value, args, kwargs, frame):
    found = recorder.prediction_among([*args, *kwargs.values()])
    if found is None or not is_number(value):
        return
    fit, data_name, data, seconds = found
    record_value(fit, name, value, data_name, command(name, function, args, kwargs, frame, 0))
    record_eval_data(fit, data_name, data(), targets(args, kwargs, 0, "y_true"), seconds)


@cairn.guard
def record_score(function, estimator, value, args, kwargs, frame):
    if not is_number(value):
        return
    fit = recorder.fit_of(estimator)
    data = args[0] if args else kwargs.get("X")
    data_name = fit.name_data(data, frame)
    said = command(type(estimator).__name__ + ".score", function, args, kwargs, frame, 1)
    record_value(fit, type(estimator).__name__ + "_score", value, data_name, said)
    record_eval_data(fit, data_name, data, targets(args, kwargs, 1, "y"), 0.0)


@cairn.guard
def record_scorer(scorer, estimator, value, args, kwargs, frame):
    if not is_number(value):
        return
    fit = recorder.fit_of(estimator)
    function = scorer._score_func
    data = args[0] if args else kwargs.get("X")
    data_name = fit.name_data(data, frame)
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    said = "%s(%s)" % (name, type(estimator).__name__)
    record_value(fit, name, value * getattr(scorer, "_sign", 1), data_name, said)
    record_eval_data(fit, data_name, data, targets(args, kwargs, 1, "y_true"), 0.0)


def record_value(fit, metric, value, data_name, said):
    fit.emit("eval.metric", {"key": fit.metric_key(metric, data_name), "value": float(value), "call": said})


def targets(args, kwargs, at, name):
    """What the call was given as the true values."""
    return args[at] if len(args) > at else kwargs.get(name)


def record_eval_data(fit, name, data, y, seconds):
    """The data of an evaluation as an input of the run, once: with the targets, so that data with the same of both have the
    same digest, whatever they were used for."""
    if data is None or name in fit.described:
        return
    fit.described.add(name)
    with cairn.quiet.work():
        if y is not None and cairn.tabular.rows(y) != cairn.tabular.rows(data):
            y = None
        limit = fit.seconds_for(data, max(EVAL_DATA_SECONDS, 0.1 * seconds))
        facts = cairn.tabular.describe(data, y, name, limit)
    fit.emit("eval.data", dict(facts, context="eval"))


def command(name, function, args, kwargs, frame, skip):
    """The call as the user might have written it, with names for data."""
    names = list(inspect.signature(function).parameters)[skip:]
    given = [*zip(names, args), *kwargs.items()]
    return "%s(%s)" % (name, ", ".join("%s=%s" % (key, argument(value, frame)) for key, value in given))


def argument(value, frame):
    if value is None or isinstance(value, (bool, int, float, str)):
        shown = repr(value)
        return shown if len(shown) <= 40 else shown[:37] + "..."
    return cairn.frames.variable_name(value, frame, "<%s>" % type(value).__name__)
