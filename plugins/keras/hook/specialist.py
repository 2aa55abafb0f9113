"""What is special about Keras' models, for the hook of a framework in whose own loops they are trained."""

from . import cairn
from .describe import describe_built, optimizer_params
from .epochs import Epochs
from .light import light
from .memory import memory
from .model import record_model, save_model


class Specialist:
    """Each method may fail: then the loop is recorded without that part."""

    def __init__(self, kind):
        self._kind = kind

    def is_model(self, value):
        return isinstance(value, self._kind)

    @cairn.guard
    def optimizer(self, optimizer, prefix):
        with light():
            return optimizer_params(optimizer, prefix)

    @cairn.guard
    def begun(self, fit, model):
        """A loop trains a model: what is saved of it and evaluated later belongs to that."""
        ours = fit.seen_by(cairn)
        known = memory.know(model, ours, 0)
        known.epochs = Epochs(ours)
        with light():
            ours.emit("built", describe_built(model, {}))

    @cairn.guard
    def ended(self, fit, model, rows, clock):
        ours = fit.seen_by(cairn)
        saved = save_model(ours, model, clock)
        if saved is not None:
            record_model(ours, model, rows, None, saved)
