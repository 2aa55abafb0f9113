"""Files that callbacks and the user save models and weights to."""

import functools
import os
import sys

from . import cairn
from .memory import memory


def saving(original):
    @functools.wraps(original)
    def save(self, filepath, *args, **kwargs):
        result = original(self, filepath, *args, **kwargs)
        record(self, filepath, sys._getframe(1))
        return result

    return save


@cairn.guard
def record(model, path, frame):
    """Records a file that was written of a model during its fit or later, at the epoch. What BackupAndRestore writes is gone
    when the fit is over."""
    known = memory.of(model)
    if known is None or known.epochs is None or not isinstance(path, (str, os.PathLike)):
        return
    path = os.fspath(path)
    if cairn.frames.inside(frame, "keras.src.callbacks.backup_and_restore", 5) or path.startswith(cairn.files_dir):
        return
    epochs = known.epochs
    if os.path.isfile(path):
        epochs.copied += cairn.models.checkpoint(cairn, known.fit, path, epochs.current, epochs.copying_left())
