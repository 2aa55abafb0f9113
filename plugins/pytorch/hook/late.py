"""Values on other devices than the processor. To read one is to wait until the device is done with all that was asked of it
before, so they are read together, some time later."""

import time

from . import cairn

MAX_WAITING = 2000


def immediate(tensor):
    """True for a value that can be read without waiting for a device."""
    return tensor.is_cpu


class Late:
    """Values that wait to be read: (series, step, milliseconds, tensor)."""

    def __init__(self, points):
        self._points = points
        self._waiting = []

    def add(self, series, step, milliseconds, tensor):
        # A copy, on the device: the user may change the tensor in place. It is made without waiting.
        self._waiting.append((series, step, milliseconds, tensor.detach().clone().reshape(())))
        if len(self._waiting) >= MAX_WAITING:
            self.read()

    def record(self, key, step, value):
        """A number of now, or a tensor of one: at once where that can be read, else later."""
        now = int(time.time() * 1000)
        if not hasattr(value, "item") or immediate(value):
            self._points.series(key).add(step, now, float(value))
        else:
            self.add(self._points.series(key), step, now, value)

    def read(self):
        """Reads what waits, a transfer for each kind of tensor."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        torch = cairn.module("torch")
        kinds = {}
        for item in waiting:
            kinds.setdefault((item[3].device, item[3].dtype), []).append(item)
        for items in kinds.values():
            values = torch.stack([item[3] for item in items]).cpu().tolist()
            for (series, step, milliseconds, _), value in zip(items, values):
                series.add(step, milliseconds, value)
