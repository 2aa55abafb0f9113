"""Puts wrappers around what the user calls. A wrapper passes for what it wraps, also to inspect and pickle."""

import functools
import inspect
import operator
import sys
import types

from . import cairn
from .calls import call_cross_validation, call_fit, call_predict, call_score
from .decisions import listening, want_fit, want_known
from .later import record_metric, record_scorer

FITS = ("fit", "fit_transform", "fit_predict")
PREDICTS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
CROSS_VALIDATIONS = ("cross_validate", "cross_val_predict", "learning_curve", "validation_curve", "permutation_test_score")


class Method:
    """Stands in a class for one of its methods. Seen from the class, from a subclass's inspection or from pickle it is
    the original; only an instance's method is ours, and that only when there is something to see."""

    def __init__(self, original, name, call, wanted):
        self.original = original
        self.name = name
        self._wanted = wanted
        function = getattr(original, "fn", original)

        @functools.wraps(function)
        def method(estimator, *args, **kwargs):
            return call(original.__get__(estimator, type(estimator)), function, estimator, name, args, kwargs)

        self._method = method

    def __get__(self, estimator, owner=None):
        bound = self.original.__get__(estimator, owner)
        if estimator is None or not self._wanted(estimator):
            return bound
        return types.MethodType(self._method, estimator)

    @property
    def __isabstractmethod__(self):
        return getattr(self.original, "__isabstractmethod__", False)

    def __reduce__(self):
        # A class of the user's script is pickled with its contents, and must load where there is no Cairn.
        return operator.itemgetter(0), ((self.original,),)


@cairn.guard
def wrap_class(cls):
    """Wraps the methods of cls where they are defined, mixins included."""
    for home in cls.__mro__[:-1]:
        try:
            wrap_methods(home)
        except Exception:
            continue  # a class that cannot be changed is not recorded


def wrap_methods(home):
    for names, call, wanted in (
        (FITS, call_fit, want_fit),
        (PREDICTS, call_predict, want_known),
        (("score",), call_score, want_known),
    ):
        for name in names:
            original = home.__dict__.get(name)
            if isinstance(original, types.FunctionType) or hasattr(original, "fn") and hasattr(original, "check"):
                setattr(home, name, Method(original, name, call, wanted))


def wrap_after_output(module):
    """set_output() puts wrappers of its own around transform and fit_transform of each new class, over ours."""
    mixin = getattr(module, "_SetOutputMixin", None)
    if mixin is None:
        return
    original = mixin.__dict__["__init_subclass__"].__func__

    @functools.wraps(original)
    def __init_subclass__(cls, *args, **kwargs):
        original(cls, *args, **kwargs)
        wrap_class(cls)

    mixin.__init_subclass__ = classmethod(__init_subclass__)


def wrap_metrics(metrics):
    """Replaces the metric functions in sklearn.metrics. Their home modules keep the originals, and the wrappers say
    that they live in sklearn.metrics: so both pickle by name, as scorers do on their way to workers."""
    late = "sklearn.model_selection" in sys.modules
    for name in list(metrics.__all__):
        original = getattr(metrics, name, None)
        if inspect.isfunction(original) and name not in ("get_scorer", "make_scorer", "check_scoring", "get_scorer_names"):
            wrapper = metric_wrapper(original, name)
            setattr(metrics, name, wrapper)
            if late:
                cairn.patch.everywhere(original, wrapper, apart=("sklearn",))


def metric_wrapper(original, name):
    @functools.wraps(original)
    def metric(*args, **kwargs):
        if not listening():
            return original(*args, **kwargs)
        with cairn.fits.inside():
            value = original(*args, **kwargs)
        record_metric(original, name, value, args, kwargs, sys._getframe(1))
        return value

    metric.__module__ = "sklearn.metrics"
    return metric


def wrap_scorers(scorers):
    original = scorers._BaseScorer.__call__

    @functools.wraps(original)
    def __call__(scorer, estimator, *args, **kwargs):
        if not want_known(estimator):
            return original(scorer, estimator, *args, **kwargs)
        with cairn.fits.inside():
            value = original(scorer, estimator, *args, **kwargs)
        record_scorer(scorer, estimator, value, args, kwargs, sys._getframe(1))
        return value

    scorers._BaseScorer.__call__ = __call__


def wrap_cross_validation(validation):
    late = "sklearn.model_selection" in sys.modules and hasattr(sys.modules["sklearn.model_selection"], "cross_validate")
    for name in CROSS_VALIDATIONS:
        original = getattr(validation, name, None)
        if original is None:
            continue
        wrapper = cross_validation_wrapper(original, name)
        setattr(validation, name, wrapper)
        if late:
            setattr(sys.modules["sklearn.model_selection"], name, wrapper)
            cairn.patch.everywhere(original, wrapper, apart=("sklearn",))


def cross_validation_wrapper(original, name):
    @functools.wraps(original)
    def cross_validation(*args, **kwargs):
        return call_cross_validation(original, name, args, kwargs)

    return cross_validation
