"""Throughput and memory of a training, once a second."""

import time

from . import cairn

SECONDS = 1.0
RATES = ("steps_per_second", "samples_per_second", "device_memory_bytes")


class Rates:
    """due: when record is to be called next, as time.time() has it."""

    def __init__(self, points):
        self.due = time.time()
        self.batch_size = None
        self._points = points
        self._step = 0

    def record(self, now, step):
        """step: how many steps were done."""
        seconds, self.due = now - (self.due - SECONDS), now + SECONDS
        steps, self._step = step - self._step, step
        rates = {"steps_per_second": steps / seconds}
        if self.batch_size:
            rates["samples_per_second"] = rates["steps_per_second"] * self.batch_size
        cuda = cairn.module("torch").cuda
        if cuda.is_initialized():
            rates["device_memory_bytes"] = cuda.max_memory_allocated()
        self._points.add(step - 1, rates)
