"""Scalars that are written with tf.summary."""

import os
import sys
import time
import weakref

from . import cairn
from .state import calls, state

MAX_FILE = 64 << 20
MAX_DIRECTORIES = 50


class Summaries:
    """Metrics have the names of their tags; those of a second log directory and further ones, its last part before them.

    What is written inside of a tf.function is read from the files at the end.
    """

    def __init__(self):
        self._directories = {}  # log directory → prefix of its metrics
        self._writers = {}  # id of a writer → (weak reference, log directory)
        self._points = None  # (Fit, Points)
        self._in_graphs = {}  # log directory → (tags that are written in graphs, writer)
        self._own = None  # where summaries are written, and nothing is trained
        self._began = time.time()

    @cairn.guard
    def created(self, writer, directory):
        directory = str(directory.numpy().decode() if hasattr(directory, "numpy") else directory)
        self._writers[id(writer)] = weakref.ref(writer), directory

    @cairn.guard
    def written(self, module, tag, tensor, step, frame):
        writer = module._summary_state.writer
        if writer is None or cairn.frames.inside(frame, "keras.src.callbacks.tensorboard", 20):
            return  # what Keras' own callback writes is recorded already
        _, directory = self._writers.get(id(writer), (None, ""))
        if hasattr(tensor, "graph") and not hasattr(tensor, "numpy"):
            tags, _ = self._in_graphs.setdefault(directory, (set(), writer))
            tags.add(scoped(tag))
            return
        value = tensor.numpy() if hasattr(tensor, "numpy") else tensor
        step = module.get_step() if step is None else step
        if getattr(value, "ndim", 0) != 0 or isinstance(value, (bytes, str)) or step is None:
            return
        self._add(directory, str(tag), int(step), float(value), time.time())

    def _add(self, directory, tag, step, value, seconds):
        if directory not in self._directories:
            if len(self._directories) >= MAX_DIRECTORIES:
                return
            last = os.path.basename(directory.rstrip("/"))
            self._directories[directory] = last + "/" if self._directories else ""
        points = self._at()
        points.series(self._directories[directory] + tag).add(step, int(seconds * 1000), value)
        points.tick(time.time(), 1)

    def _at(self):
        """The points of the fit that goes on."""
        enclosing = cairn.fits.enclosing() if calls() else None
        fit = enclosing if enclosing is not None else state.loop.fit if state.loop is not None else self._alone()
        if self._points is None or self._points[0] is not fit:
            self.flush()
            self._points = fit, cairn.Points(fit.seen_by(cairn))
        return self._points[1]

    def _alone(self):
        import atexit

        if self._own is None:
            self._own = cairn.fits.Fit(cairn)
            atexit.register(state.at_exit)
        return self._own

    def flush(self):
        if self._points is not None:
            self._points[1].flush()

    @cairn.guard
    def close(self):
        for directory, (tags, writer) in self._in_graphs.items():
            writer.flush()
            self._read(directory, tags)
        self._in_graphs = {}
        self.flush()
        if self._own is not None:
            own, self._own = self._own, None
            own.emit("fit.end", {"status": "FINISHED", "seconds": time.time() - self._began})

    @cairn.guard
    def _read(self, directory, tags):
        event = sys.modules["tensorflow.core.util.event_pb2"].Event
        to_array = sys.modules["tensorflow.python.framework.tensor_util"].MakeNdarray
        for name in sorted(os.listdir(directory)):
            path = os.path.join(directory, name)
            if ".tfevents." not in name or os.path.getmtime(path) < self._began or os.path.getsize(path) > MAX_FILE:
                continue
            for record in records(path):
                found = event.FromString(record)
                for value in found.summary.value:
                    if value.tag in tags:
                        array = to_array(value.tensor)
                        if array.ndim == 0 and array.dtype.kind in "fiu":
                            self._add(directory, value.tag, found.step, float(array), found.wall_time)


def scoped(tag):
    return tag.numpy().decode() if hasattr(tag, "numpy") else str(tag)


def records(path):
    """The records of a file of TensorFlow's: length, its checksum, content, its checksum."""
    with open(path, "rb") as file:
        while True:
            head = file.read(12)
            if len(head) < 12:
                return
            size = int.from_bytes(head[:8], "little")
            content = file.read(size)
            if len(content) < size or len(file.read(4)) < 4:
                return
            yield content


summaries = Summaries()
