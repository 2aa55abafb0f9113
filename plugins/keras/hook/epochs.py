"""What a callback sees of a fit: every value of every epoch once, and those of batches where that is asked for."""

import sys
import threading
import time

from . import cairn
from .describe import describe_built, learning_rate
from .light import light

MEASUREMENTS = ("epoch_time", "steps_per_second")


class Epochs:
    """The points of one fit. An epoch's are at the epoch, as Keras counts them; those of batches, with `batch_` before their
    names as in Keras' TensorBoard, at the number of the batch in this fit."""

    def __init__(self, fit):
        self.fit = fit
        self.last = None  # the last epoch that ended
        self.planned = 0
        self.current = 0
        self.copied = 0.0  # seconds that copies of checkpoints took
        self.every = max(0, int(cairn.options.get("every_n_steps") or 0))
        self.began = time.time()
        self._points = cairn.Points(fit, measurements=MEASUREMENTS)
        self._epoch_began = time.time()
        self._rate = None
        self._steps = None
        self._base = self._due = self._batches = 0
        # Keras may tell of batches on several threads.
        self._lock = threading.Lock()

    @cairn.guard
    def train_begin(self, model, params):
        self._steps, self.planned = params.get("steps"), params.get("epochs") or 0
        with light():
            self.fit.emit("built", describe_built(model, params))

    @cairn.guard
    def epoch_begin(self, model, epoch):
        self.current, self._epoch_began = epoch, time.time()
        self._rate = learning_rate(model)

    @cairn.guard
    def epoch_end(self, epoch, logs):
        seconds = time.time() - self._epoch_began
        values = {str(key): value for key, value in (logs or {}).items() if is_number(value)}
        if self._rate is not None:
            values.setdefault("learning_rate", self._rate)
        values["epoch_time"] = seconds
        if self._steps and seconds:
            values["steps_per_second"] = self._steps / seconds
        with self._lock:
            self._points.add(epoch, values)
            self._base += self._batches
            self._batches = 0
        self.last = epoch

    @cairn.guard
    def batch_end(self, batch, logs):
        with self._lock:
            self._batches = max(self._batches, batch + 1)
            step = self._base + batch
            if step < self._due:
                return
            self._due = step - step % self.every + self.every
            self._points.add(step, {"batch_" + str(key): value for key, value in logs.items() if is_number(value)})

    def copying_left(self):
        """Seconds that copies of checkpoints may still take."""
        return cairn.budget(time.time() - self.began) - self.copied

    def close(self):
        with self._lock:
            self._points.flush()


def is_number(value):
    return isinstance(value, (int, float)) or getattr(value, "ndim", None) == 0


def given_callbacks(callbacks):
    """The user's callbacks as a list."""
    if callbacks is None:
        return []
    if hasattr(callbacks, "callbacks"):  # a CallbackList
        callbacks = callbacks.callbacks
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]


def with_callback(bound, epochs):
    """The arguments of the call with one callback more. It comes last: others add to what is logged. The user's own list
    stays as it is."""
    given = dict(bound.arguments)
    callbacks, ours = given.get("callbacks"), callback(epochs)
    if hasattr(callbacks, "callbacks"):
        callbacks.callbacks.append(ours)
        ours.set_model(given["self"])
        ours.set_params(callbacks.params)
    else:
        given["callbacks"] = [*given_callbacks(callbacks), ours]
        bound.arguments = given
    return bound.args, bound.kwargs


def callback(epochs):
    base = sys.modules["keras.src.callbacks.callback"].Callback

    class Cairn(base):
        # Keras tells a callback that says so of batches while the next one is trained, as without it.
        async_safe = True

        def on_train_begin(self, logs=None):
            epochs.train_begin(self._model, self.params or {})

        def on_epoch_begin(self, epoch, logs=None):
            epochs.epoch_begin(self._model, epoch)

        def on_epoch_end(self, epoch, logs=None):
            epochs.epoch_end(epoch, logs)

        if epochs.every:

            def on_train_batch_end(self, batch, logs=None):
                epochs.batch_end(batch, logs or {})

    return Cairn()
