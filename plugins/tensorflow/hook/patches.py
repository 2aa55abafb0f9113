"""What stands in the place of TensorFlow's and Keras' own functions. Each calls the original exactly once with the user's
arguments."""

import functools
import os
import sys

from . import cairn
from .state import calls, state
from .summaries import summaries as recorded_summaries


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


def gradient(original):
    @functools.wraps(original)
    def gradient(self, target, sources, *args, **kwargs):
        result = original(self, target, sources, *args, **kwargs)
        if not calls():
            state.gradient(target, sources, sys._getframe(1))
        return result

    return gradient


def functions(module):
    original = module.Function.__call__

    @functools.wraps(original)
    def __call__(self, *args, **kwargs):
        if calls() or state.function is not None:
            return original(self, *args, **kwargs)
        state.function = self
        try:
            result = original(self, *args, **kwargs)
        finally:
            state.function = None
        if state.trained:
            state.called(self, result)
        return result

    module.Function.__call__ = __call__


def datasets(module):
    original = module.DatasetV2.__iter__

    @functools.wraps(original)
    def __iter__(self):
        result = original(self)
        if not calls() and state.function is None:
            state.iterated(self)
        return result

    module.DatasetV2.__iter__ = __iter__


def optimizers(module):
    kind = module.BaseOptimizer
    make, apply, rate = kind.__init__, kind.apply, kind.learning_rate

    @functools.wraps(make)
    def __init__(self, *args, **kwargs):
        make(self, *args, **kwargs)
        if not calls():
            state.optimizers_made += 1

    @functools.wraps(apply)
    def applied(self, *args, **kwargs):
        result = apply(self, *args, **kwargs)
        if not calls():
            state.applied(self)
        return result

    def set_rate(self, value):
        rate.fset(self, value)
        state.rate_changed()

    kind.__init__, kind.apply = __init__, applied
    if isinstance(rate, property) and rate.fset is not None:
        kind.learning_rate = property(rate.fget, set_rate, rate.fdel, rate.__doc__)


def metrics(module):
    """Each class of metrics has a result of its own; what calls itself gives it too, which is no reading of the user's."""
    base = module.Metric
    called, made = base.__call__, vars(base).get("__init_subclass__")

    @functools.wraps(called)
    def __call__(self, *args, **kwargs):
        state.updating += 1
        try:
            return called(self, *args, **kwargs)
        finally:
            state.updating -= 1

    def __init_subclass__(cls, **kwargs):
        if made is not None:
            made.__get__(None, cls)(**kwargs)
        else:
            super(base, cls).__init_subclass__(**kwargs)
        reading(cls)

    base.__call__ = __call__
    base.__init_subclass__ = classmethod(__init_subclass__)
    waiting = [base]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            reading(cls)
            waiting.append(cls)


@cairn.guard
def reading(cls):
    original = vars(cls).get("result")
    if not callable(original):
        return

    @functools.wraps(original)
    def result(self):
        state.updating += 1  # a result may be made of another class's
        try:
            value = original(self)
        finally:
            state.updating -= 1
        if not state.updating and not calls() and state.function is None:
            state.metric(self, value)
        return value

    cls.result = result


def summaries(module):
    write, create = module.write, module.create_file_writer_v2

    @functools.wraps(write)
    def recorded(tag, tensor, step=None, *args, **kwargs):
        given = []  # whether it is written at all is decided inside

        def seen():
            given.append(tensor() if callable(tensor) else tensor)
            return given[-1]

        result = write(tag, seen, step, *args, **kwargs)
        if given:
            recorded_summaries.written(module, tag, given[-1], step, sys._getframe(1))
        return result

    @functools.wraps(create)
    def created(logdir, *args, **kwargs):
        writer = create(logdir, *args, **kwargs)
        recorded_summaries.created(writer, logdir)
        return writer

    for original, ours in ((write, recorded), (create, created)):
        setattr(module, original.__name__, ours)
        cairn.patch.everywhere(original, ours)
