"""What is asked in the middle of the user's calls. A decision that fails means: do as if Cairn were not there."""

import functools

from . import cairn
from .memory import recorder

# Fits of these prepare data. Alone they are no training and open no run; in a pipeline they are part of its params.
PREPARATION = ("sklearn.preprocessing", "sklearn.impute", "sklearn.feature_extraction", "sklearn.feature_selection")
PREPARATION_CLASSES = ("ColumnTransformer", "FeatureUnion")


def decision(answer):
    """Decorates a question that is asked in the middle of the user's calls; answer is taken when asking fails."""

    def decorate(function):
        @functools.wraps(function)
        def asked(*args):
            try:
                return function(*args)
            except Exception:
                return answer

        return asked

    return decorate


@decision(True)
def nested():
    """True inside another fit: in the same thread, or in a thread or child that scikit-learn works with."""
    return cairn.nested()


@decision(False)
def want_fit(estimator):
    return not cairn.fits.depth()


@decision(False)
def want_known(estimator):
    """True for an estimator whose fit was recorded, outside of other calls."""
    return id(estimator) in recorder.fits and not cairn.fits.depth()


@decision(False)
def listening():
    return bool(recorder.predictions) and not cairn.fits.depth()


@decision(False)
def trains(estimator):
    """False for estimators that only prepare data."""
    cls = type(estimator)
    if cls.__module__.startswith(PREPARATION) or cls.__name__ in PREPARATION_CLASSES:
        return False
    if cls.__module__.startswith("sklearn."):
        return True
    return hasattr(cls, "predict") or hasattr(cls, "score") or not hasattr(cls, "transform")
