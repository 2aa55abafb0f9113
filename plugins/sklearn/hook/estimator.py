"""What an estimator says of itself."""

import sys

MAX_TEXT = 6000


def describe_estimator(estimator, params):
    cls = type(estimator)
    seeds = {
        key: str(value)
        for key, value in params.items()
        if key.rpartition("__")[2] == "random_state" and isinstance(value, int) and not isinstance(value, bool)
    }
    return {
        "estimator": cls.__name__,
        "class": cls.__module__ + "." + cls.__name__,
        "params": {key: text(value) for key, value in params.items()},
        "seeds": seeds,
        "version": sys.modules["sklearn"].__version__,
    }


def text(value):
    return str(value)[:MAX_TEXT]


def generators(estimator):
    """Random generators of the user's that predicting might draw from."""
    random = sys.modules.get("numpy.random")
    kinds = (random.RandomState, random.Generator)
    return [value for value in estimator.get_params(deep=True).values() if isinstance(value, kinds)]


def prints(estimator):
    """True for estimators whose predict may print: they are verbose, or the user's own."""
    if not type(estimator).__module__.startswith("sklearn."):
        return True
    params = estimator.get_params(deep=True)
    return any(
        key.rpartition("__")[2] == "verbose" and value
        or hasattr(value, "get_params") and not type(value).__module__.startswith("sklearn.")
        for key, value in params.items()
    )
