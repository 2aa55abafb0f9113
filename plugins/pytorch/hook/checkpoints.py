"""Files that the user writes with torch.save."""

import os
import shutil

from . import cairn
from .state import calls, state

# What of a training's time may go into copies of its checkpoints, and the largest that is copied.
MAX_BYTES = 256 << 20
COPY_RATE = 5e8  # bytes a second that may safely be assumed


@cairn.guard
def checkpoint(file):
    """Records a file that was written during a loop: itself, where copying it costs little."""
    if calls() or state.loop is None or not isinstance(file, (str, os.PathLike)):
        return
    loop, path = state.loop, os.fspath(file)
    size = os.path.getsize(path)
    facts = {"name": os.path.basename(path), "size": size, "step": max(loop.step - 1, 0)}
    if size > MAX_BYTES or size / COPY_RATE > loop.copying_left() or not cairn.models.wanted(cairn):
        loop.fit.emit("checkpoint", facts)
        return
    copy = cairn.file(facts["name"])
    shutil.copyfile(path, copy)
    loop.copied += size / COPY_RATE
    loop.fit.emit("checkpoint", facts, files={"checkpoint": copy})
