"""Saves the fitted model."""

import sys

from . import cairn
from .estimator import text


class TooLong(Exception):
    """Saving the model takes longer than it may."""


class ModelFile:
    """The file that a model is pickled to: gives up when the time is over, counts and digests what is written."""

    def __init__(self, path, clock):
        import hashlib

        self.path = path
        self.pickler = ""  # version of cloudpickle
        self._file = open(path, "wb")
        self._clock = clock
        self._hash = hashlib.blake2b(digest_size=16)
        self.size = 0

    def write(self, data):
        if self._clock.left() < 0:
            raise TooLong("the model takes longer to save than %.2g s" % self._clock.seconds)
        data = memoryview(data)
        self._hash.update(data)
        self.size += data.nbytes
        return self._file.write(data)

    def digest(self):
        return self._hash.hexdigest()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()
        return False


@cairn.guard
def save_model(fit, estimator, clock):
    """Pickles the model: the closed ModelFile, or None. It comes first, as the part that matters most."""
    if cairn.options.get("models", "on") == "off":
        return None
    import pickle

    try:
        import cloudpickle as pickler
    except ImportError:
        from joblib.externals import cloudpickle as pickler

    path = cairn.file("model.pkl")
    try:
        with ModelFile(path, clock) as file:
            pickler.dump(estimator, file, protocol=pickle.DEFAULT_PROTOCOL)
    except Exception as error:
        import os

        os.unlink(path)
        fit.warn("the model was not saved: %s" % text(error))
        return None
    file.pickler = pickler.__version__
    return file


@cairn.guard
def record_model(fit, estimator, rows, file):
    facts = {
        "size": file.size,
        "digest": file.digest(),
        "format": "cloudpickle",
        "requirements": requirements(estimator, fit, file.pickler),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "predicts": hasattr(estimator, "predict"),
        "inputs": inputs(fit, rows),
        "outputs": outputs(fit, estimator, rows),
        "example": cairn.tabular.example(rows) if rows is not None else None,
        "mlflow": getattr(sys.modules.get("mlflow"), "__version__", ""),
    }
    fit.emit("fit.model", facts, files={"model": file.path})


def inputs(fit, rows):
    """The schema of what the model takes. A column is optional where any row of the training data lacks a value, which
    the few rows need not show."""
    found = cairn.tabular.schema(rows) if rows is not None else None
    whole = fit.schema
    if found and whole and "columns" in found and len(found["columns"]) == len(whole.get("columns", ())):
        for column, same in zip(found["columns"], whole["columns"]):
            column["required"] = column["required"] and same["required"]
    return found


def outputs(fit, estimator, rows):
    """The schema of what the model gives, None if that cannot be told."""
    if fit.predicted is not None:
        return cairn.tabular.schema(fit.predicted)
    for name in ("predict", "transform"):
        if rows is not None and hasattr(estimator, name):
            try:
                return cairn.tabular.schema(getattr(estimator, name)(rows))
            except Exception:  # a model that cannot predict five rows still is a model
                return None
    return None


def requirements(estimator, fit, pickler):
    """{distribution: version} of what the model needs to be loaded and used: the packages of its parts, of scikit-learn
    beneath them, and of the data it takes."""
    tops = {"sklearn", "numpy", "scipy", "joblib"}
    if cairn.tabular.is_frame(fit.X):
        tops.add("pandas")
    for value in [estimator, *estimator.get_params(deep=True).values()]:
        for part in value if isinstance(value, (list, tuple)) else (value,):
            part = part[1] if isinstance(part, tuple) and len(part) > 1 else part
            home = getattr(part, "__module__", None) or type(part).__module__
            tops.add(str(home).partition(".")[0])
    found = {"cloudpickle": pickler}
    for top in sorted(tops):
        version = getattr(sys.modules.get(top), "__version__", None)
        if isinstance(version, str) and top != "__main__":
            found["scikit-learn" if top == "sklearn" else top.replace("_", "-")] = version
    return found
