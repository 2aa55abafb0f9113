"""Files of checkpoints that a training writes."""

import os

from . import cairn
from .state import calls, state


@cairn.guard
def checkpoint(file):
    """Records a file that was written during a loop with torch.save."""
    if calls() or state.loop is None or not isinstance(file, (str, os.PathLike)):
        return
    record_file(state.loop, os.fspath(file), max(state.loop.step - 1, 0))


def record_file(training, path, step):
    """Records a file of a training: itself, where copying it costs little."""
    training.copied += cairn.models.checkpoint(cairn, training.fit, path, step, training.copying_left())
