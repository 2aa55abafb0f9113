"""Fitted models as files, and what is told of them. The adapter makes MLflow's model directory of it."""

import os
import sys

from . import packages, tabular

# What a model may take on disk unless the option max_model_bytes says otherwise.
MAX_BYTES = 1 << 30
# The largest checkpoint of the user's that is copied, and how fast that surely goes, in bytes a second.
MAX_CHECKPOINT_BYTES = 256 << 20
COPY_RATE = 5e8


class TooLong(Exception):
    """Saving the model takes longer than it may."""


class TooLarge(Exception):
    """The model is larger than it may be."""


class Writer:
    """A file that a model is written to: gives up when the time is over or the size too large, counts and digests."""

    def __init__(self, path, clock, limit):
        import hashlib

        self.path = path
        self._file = open(path, "wb")
        self._clock = clock
        self._limit = limit
        self._hash = hashlib.blake2b(digest_size=16)
        self.size = 0

    def write(self, data):
        if self._clock.left() < 0:
            raise TooLong("it takes longer than %.2g s" % self._clock.seconds)
        data = memoryview(data)
        self.size += data.nbytes
        if self.size > self._limit:
            raise TooLarge("it is larger than %d bytes" % self._limit)
        self._hash.update(data)
        return self._file.write(data)

    def flush(self):
        self._file.flush()

    def digest(self):
        return self._hash.hexdigest()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()
        return False


class Saved:
    """A model on disk: {path in its directory: file}, its size in bytes and its digest."""

    def __init__(self, files, size, digest):
        self.files, self.size, self.digest = files, size, digest


def wanted(cairn):
    """Whether models are to be recorded."""
    return cairn.options.get("models", "on") != "off"


def limit(cairn):
    """The largest model in bytes."""
    try:
        return int(cairn.options.get("max_model_bytes") or MAX_BYTES)
    except ValueError:
        return MAX_BYTES


def written(cairn, fit, name, write, clock):
    """Saves a model by write(file): a Saved with the one file `name`, or None, with a warning on the run."""
    if not wanted(cairn):
        return None
    path = cairn.file(name.rpartition("/")[2])
    try:
        with Writer(path, clock, limit(cairn)) as file:
            write(file)
    except Exception as error:
        _give_up(fit, [path], error)
        return None
    return Saved({name: path}, file.size, file.digest())


def saved(cairn, fit, name, save):
    """Saves a model by save(path), for libraries that write a file by themselves: a Saved, or None, with a warning."""
    if not wanted(cairn):
        return None
    # Libraries tell formats by the ending.
    path = cairn.file(name.rpartition("/")[2])
    try:
        save(path)
        size, digest = _measure(path, limit(cairn))
    except Exception as error:
        _give_up(fit, [path], error)
        return None
    return Saved({name: path}, size, digest)


def checkpoint(cairn, fit, path, step, left):
    """Records a file that the user saved in a training: itself, where copying it takes no longer than `left` seconds. Gives
    the seconds that it takes."""
    import shutil

    size = os.path.getsize(path)
    facts = {"name": os.path.basename(path), "size": size, "step": step}
    seconds = size / COPY_RATE
    if size > MAX_CHECKPOINT_BYTES or seconds > left or not wanted(cairn):
        fit.emit("checkpoint", facts)
        return 0.0
    copy = cairn.file(facts["name"])
    shutil.copyfile(path, copy)
    fit.emit("checkpoint", facts, files={"checkpoint": copy})
    return seconds


def pickled(cairn, fit, name, model, clock):
    """Pickles a model: a Saved, or None, with a warning."""
    from pickle import DEFAULT_PROTOCOL

    return written(cairn, fit, name, lambda file: pickler().dump(model, file, protocol=DEFAULT_PROTOCOL), clock)


def pickler():
    """cloudpickle, which takes along what a user's script defines: the user's own, or the one that joblib brings."""
    try:
        import cloudpickle
    except ImportError:
        from joblib.externals import cloudpickle
    return cloudpickle


def _measure(path, most):
    import hashlib

    size = os.path.getsize(path)
    if size > most:
        raise TooLarge("it has %d bytes, more than %d" % (size, most))
    hasher = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            hasher.update(part)
    return size, hasher.hexdigest()


def _give_up(fit, paths, error):
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            pass
    fit.warn("the model was not saved: %s: %s" % (type(error).__name__, str(error)[:500]))


def describe(saved, rows=None, whole=None, outputs=None, requirements=None, **special):
    """The facts of a saved model for its observation.

    rows: a few rows of what the model takes, or None; whole: the schema of all of that, if known; outputs: the schema of
    what the model gives; special: facts that the adapter knows.
    """
    return dict(
        special,
        size=saved.size,
        digest=saved.digest,
        requirements=requirements or {},
        python="%d.%d.%d" % sys.version_info[:3],
        inputs=_inputs(rows, whole),
        outputs=outputs,
        example=tabular.example(rows) if rows is not None else None,
        mlflow=getattr(sys.modules.get("mlflow"), "__version__", ""),
    )


def _inputs(rows, whole):
    """The schema of what the model takes. A column is optional where any row of the training data lacks a value, which
    the few rows need not show."""
    found = tabular.schema(rows) if rows is not None else None
    if found and whole and "columns" in found and len(found["columns"]) == len(whole.get("columns", ())):
        for column, same in zip(found["columns"], whole["columns"]):
            column["required"] = column["required"] and same["required"]
    return found


def outputs_of(predict, rows):
    """The schema of predict(rows); None if that cannot be told. A model that cannot predict five rows still is a model."""
    if rows is None:
        return None
    try:
        return tabular.schema(predict(rows))
    except Exception:
        return None


def versions(*tops):
    """{distribution: version} of the imported packages among these top-level names."""
    found, known = {}, packages.installed()
    for top in sorted(set(tops)):
        module = sys.modules.get(top)
        if module is None or top == "__main__":
            continue
        name, version = packages.distribution_of(top, known)
        version = version or getattr(module, "__version__", None)
        if isinstance(version, str):
            found[name or top.replace("_", "-")] = version
    return found
