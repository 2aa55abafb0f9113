"""evaluate and predict outside of a fit: they belong to the run in which the model was trained."""

import inspect
import sys
import time

from . import cairn
from .data import Data
from .describe import describe_model
from .epochs import given_callbacks
from .light import light
from .memory import memory
from .training import leads

MAX_EVALUATIONS = 100
MAX_PREDICTIONS = 20


@cairn.guard
def begin_evaluation(original, args, kwargs, frame):
    """What watches a call of evaluate; None inside a fit, which tells of its validation itself."""
    if cairn.nested() or not leads():
        return None
    bound = inspect.signature(original).bind(*args, **kwargs)
    known = memory.of(bound.arguments["self"])
    if known is not None and known.evaluations >= MAX_EVALUATIONS:
        known.warn_once("of the many evaluations of one model the first %d are recorded" % MAX_EVALUATIONS)
        return None
    return Evaluation(bound, frame, known)


@cairn.guard
def begin_prediction(original, args, kwargs, frame):
    """What watches a call of predict, of a model that this process trained or evaluated."""
    known = memory.of(args[0]) if args else None
    if known is None or known.predictions >= MAX_PREDICTIONS or cairn.nested() or not leads():
        return None
    known.predictions += 1
    bound = inspect.signature(original).bind(*args, **kwargs)
    return Prediction(bound, bound.args, bound.kwargs, frame, known)


class Later(cairn.calls.Watch):
    """A call that belongs to a fit that is over: it does not end it again."""

    def __init__(self, bound, args, kwargs, frame, known):
        given = bound.arguments
        self.known = known
        value = given.get("x")
        self.name = known.name_data(value, frame)
        self.data = Data(value, given.get("y"), self.context, frame, self.name)
        super().__init__(cairn, known.fit, args, kwargs)

    def examine(self, result, clock):
        if self.data.key() not in self.known.described:
            self.known.described.add(self.data.key())
            self.data.record(self.fit, clock)

    def conclude(self):
        self.data = None

    def _failed(self, error):
        pass

    def _ended(self):
        pass


class Evaluation(Later):
    """Its values are named after the data: loss_x_test. A model that was not trained here has a run for its evaluation."""

    context = "eval"

    def __init__(self, bound, frame, known):
        model = bound.arguments["self"]
        self._own = known is None
        if self._own:
            known = memory.know(model, cairn.fits.Fit(cairn, model), 0)
        known.evaluations += 1
        self._logs = {}
        super().__init__(bound, *self._with_callback(bound), frame, known)
        if self._own:
            with light():
                self.fit.emit("fit.start", describe_model(model))

    def _with_callback(self, bound):
        base, seen = sys.modules["keras.src.callbacks.callback"].Callback, self._logs

        class Cairn(base):
            async_safe = True

            def on_test_end(self, logs=None):
                seen.update(logs or {})

        if hasattr(bound.arguments.get("callbacks"), "callbacks"):
            return bound.args, bound.kwargs  # a CallbackList of the user's: evaluate gives the loss alone by name
        bound.arguments["callbacks"] = [*given_callbacks(bound.arguments.get("callbacks")), Cairn()]
        return bound.args, bound.kwargs

    def examine(self, result, clock):
        values = self._logs or (result if isinstance(result, dict) else {})
        metrics = {self.known.metric_key(str(key), self.name): float(value) for key, value in values.items()}
        self.fit.emit("eval.metrics", {"metrics": metrics})
        super().examine(result, clock)

    def _failed(self, error):
        if self._own:
            cairn.calls.Watch._failed(self, error)

    def _ended(self):
        if self._own:
            cairn.calls.Watch._ended(self)


class Prediction(Later):
    context = "predict"

    def examine(self, result, clock):
        super().examine(result, clock)
        points = cairn.Points(self.fit, measurements=("predict_time",))
        points.series("predict_time").add(self.known.predictions - 1, int(time.time() * 1000), self.seconds)
        points.flush()
