"""One call of fit."""

import inspect
import os
import sys

from . import cairn
from .data import Data
from .describe import describe_fit
from .epochs import Epochs, given_callbacks, with_callback
from .light import light
from .memory import memory
from .model import record_model, save_model

# Of a model that is fitted again and again, as in reinforcement learning, so many fits are recorded.
MAX_FITS = 20


@cairn.guard
def begin(original, args, kwargs, frame):
    """What watches a call of fit; None where nothing is to be recorded."""
    if not leads():
        return None
    bound = inspect.signature(original).bind(*args, **kwargs)
    if cairn.nested():
        enclosing = cairn.fits.enclosing()
        # A wrapper of Keras' own inside scikit-learn's fit: of a search and the like many are trained, and epochs would mix.
        subject = enclosing.subject() if enclosing is not None else None
        return Part(bound, enclosing) if type(subject).__module__.partition(".")[0] == "keras" else None
    known = memory.of(bound.arguments["self"])
    if known is not None and known.fits >= MAX_FITS:
        known.warn_once("of the many fits of one model the first %d are recorded" % MAX_FITS)
        return None
    return Training(bound, frame, known.fits if known is not None else 0)


def leads():
    """Of several ranks, or workers of TensorFlow's, the first records."""
    if (os.environ.get("RANK") or "0").strip("0"):
        return False
    cluster = os.environ.get("TF_CONFIG")
    if not cluster:
        return True
    import json

    task = json.loads(cluster).get("task") or {}
    return task.get("type", "chief") == "chief" or (task.get("type") == "worker" and not task.get("index"))


class Training(cairn.calls.Watch):
    def __init__(self, bound, frame, before):
        given = bound.arguments
        self._model = given["self"]
        fit = cairn.fits.Fit(cairn, self._model)
        self._known = memory.know(self._model, fit, before + 1)
        self._data = [Data(given.get("x"), given.get("y"), "train", frame)]
        validation = given.get("validation_data")
        if isinstance(validation, (tuple, list)) and len(validation) > 1:
            self._data.append(Data(validation[0], validation[1], "eval", frame))
        elif validation is not None:
            self._data.append(Data(validation, None, "eval", frame))
        self._callbacks = given_callbacks(given.get("callbacks"))
        self._epochs = self._known.epochs = Epochs(fit)
        with light():
            fit.emit("fit.start", describe_fit(self._model, given, bound.signature, self._callbacks))
        self._data[0].record_pipeline(fit)
        super().__init__(cairn, fit, *with_callback(bound, self._epochs))

    def examine(self, result, clock):
        saved = save_model(self.fit, self._model, clock)
        self._epochs.close()
        schema = None
        for data in self._data:
            found = data.record(self.fit, clock)
            self._known.described.add(data.key())
            schema = schema or found
        record_effects(self.fit, self._epochs, self._callbacks)
        if saved is not None:
            record_model(self.fit, self._model, self._data[0].rows(), schema, saved)

    def conclude(self):
        self._epochs.close()
        self._data, self._callbacks = [], []


class Part(cairn.calls.PartWatch):
    """A fit inside another framework's: its epochs are added to that."""

    def __init__(self, bound, enclosing):
        self._epochs = Epochs(enclosing.seen_by(cairn))
        super().__init__(cairn, enclosing, *with_callback(bound, self._epochs))

    def conclude(self):
        self._epochs.close()


@cairn.guard
def record_effects(fit, epochs, callbacks):
    """What callbacks made of the training: where it stopped early, and the best epoch, whose weights may be back."""
    values = {}
    if epochs.last is not None and epochs.last + 1 < epochs.planned:
        values["stopped_epoch"] = epochs.last
    stopping = sys.modules["keras.src.callbacks.early_stopping"].EarlyStopping
    for callback in callbacks:
        if isinstance(callback, stopping) and callback.best is not None:
            values["best_epoch"], values["best_score"] = callback.best_epoch, float(callback.best)
            if callback.restore_best_weights and callback.best_weights is not None:
                values["restored_epoch"] = callback.best_epoch
    if values:
        fit.emit("fit.metrics", {"metrics": values})
