"""The user's call in the middle, ours guarded around it."""

import sys
import time

from . import cairn
from .decisions import nested, trains
from .fits import begin_fit, end_fit, fail_fit
from .later import record_prediction, record_score
from .validation import begin_cross_validation, end_cross_validation


def call_fit(bound, function, estimator, name, args, kwargs):
    if nested() or not trains(estimator):
        with cairn.fits.inside():
            return bound(*args, **kwargs)
    fit = begin_fit(function, estimator, name, args, kwargs, sys._getframe(2))
    started = time.perf_counter()
    try:
        with cairn.fits.inside(fit, training=True):
            result = bound(*args, **kwargs)
    except BaseException as error:
        fail_fit(fit, error, time.perf_counter() - started)
        raise
    end_fit(fit, estimator, time.perf_counter() - started)
    return result


def call_predict(bound, function, estimator, name, args, kwargs):
    started = time.perf_counter()
    with cairn.fits.inside():
        result = bound(*args, **kwargs)
    record_prediction(estimator, result, args, kwargs, sys._getframe(2), time.perf_counter() - started)
    return result


def call_score(bound, function, estimator, name, args, kwargs):
    with cairn.fits.inside():
        value = bound(*args, **kwargs)
    record_score(function, estimator, value, args, kwargs, sys._getframe(2))
    return value


def call_cross_validation(original, name, args, kwargs):
    if nested():
        return original(*args, **kwargs)
    fit = begin_cross_validation(original, name, args, kwargs, sys._getframe(2))
    started = time.perf_counter()
    try:
        with cairn.fits.inside(fit, training=True):
            result = original(*args, **kwargs)
    except BaseException as error:
        fail_fit(fit, error, time.perf_counter() - started)
        raise
    end_cross_validation(fit, name, result, time.perf_counter() - started)
    return result
