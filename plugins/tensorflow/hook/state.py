"""Which loop goes on, and which tf.functions train."""

import atexit
import sys
import weakref

from . import cairn
from .loop import Loop
from .traced import Traced

calls = cairn.fits.depth  # asked at each step: of what goes on inside another hook's fit, that hook tells


class State:
    """Of this process. A loop begins with the first gradient of a variable that is taken, and ends when one of others is
    taken after another optimizer was made, when the user opens another run, or when the process ends."""

    def __init__(self):
        self.loop = None
        self.function = None  # the outermost tf.function that is being called
        self.trained = {}  # id of a tf.function → Traced, of those that take gradients
        self.optimizers_made = 0
        self.updating = 0  # calls of metrics that go on
        self._dataset = None  # the one whose iteration began last
        self._registered = False

    @cairn.guard
    def gradient(self, target, sources, frame):
        variables = variables_of(sources)
        if not variables:
            return  # of a penalty on gradients, or of an input
        if hasattr(target, "graph") and not hasattr(target, "numpy"):
            if self.function is None:
                return  # a graph of TensorFlow 1
            known = self.trained.get(id(self.function))
            if known is None or known.function() is not self.function:
                known = self.trained[id(self.function)] = Traced(self.function)
            known.add(target, variables, frame)
            return
        loop = self.at(variables)
        loop.tell(variables, frame)
        loop.loss(target, frame)

    @cairn.guard
    def called(self, function, result):
        """A tf.function was called that may train."""
        known = self.trained.get(id(function))
        if known is not None and known.function() is function:
            loop = self.at(known.variables)
            loop.tell(known.variables, known.frame)
            known.frame = None
            loop.returned(known, result)

    def at(self, variables):
        """The loop that a step on these variables belongs to."""
        loop = self.loop
        if loop is None or loop.run_token != cairn.run_token() or loop.is_over_with(variables, self.optimizers_made):
            self.close()
            loop = self.loop = Loop(self.optimizers_made)
            if not self._registered:
                self._registered = True
                atexit.register(self.at_exit)
        if self._dataset is not None:
            dataset, self._dataset = self._dataset, None
            loop.epoch(dataset)
        return loop

    @cairn.guard
    def iterated(self, dataset):
        self._dataset = dataset

    @cairn.guard
    def applied(self, optimizer):
        if self.function is not None:
            known = self.trained.get(id(self.function))
            if known is not None:
                known.optimizers.append(weakref.ref(optimizer))
        elif self.loop is not None:
            self.loop.stepped(optimizer)

    def rate_changed(self):
        if self.loop is not None:
            self.loop.rates_due = 0

    @cairn.guard
    def metric(self, metric, value):
        if self.loop is not None:
            self.loop.metric(metric, value)

    @cairn.guard
    def close(self, error=None):
        if self.loop is None:
            return
        loop, self.loop = self.loop, None
        loop.end(error)

    @cairn.guard
    def at_exit(self):
        from .summaries import summaries

        summaries.close()
        self.close(getattr(sys, "last_value", None))


def variables_of(sources):
    """The variables among the sources of a gradient, in whatever structure."""
    if isinstance(sources, (list, tuple)):
        return [variable for source in sources for variable in variables_of(source)]
    if isinstance(sources, dict):
        return variables_of(list(sources.values()))
    return [sources] if hasattr(sources, "assign") else []


state = State()
