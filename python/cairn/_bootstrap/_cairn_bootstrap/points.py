"""Points of metrics on their way: collected for a moment, so that a step of a training costs little and charts follow."""

import sys
import time
from array import array

FLUSH_SECONDS = 0.25
FLUSH_POINTS = 20_000


class Series:
    """Points of one metric that wait to be sent: steps, times in milliseconds since 1970, and values."""

    __slots__ = ("key", "measurement", "steps", "times", "values")

    def __init__(self, key, measurement):
        self.key, self.measurement = key, measurement
        self.steps, self.times, self.values = array("q"), array("q"), array("d")

    def add(self, step, milliseconds, value):
        # The value first: what is no number is refused before it could leave columns of unequal length.
        self.values.append(value)
        self.steps.append(step)
        self.times.append(milliseconds)

    def take(self):
        """What waits, for an observation; nothing waits afterwards."""
        taken = {"key": self.key, "measurement": self.measurement}
        taken.update(steps=packed(self.steps), times=packed(self.times), values=packed(self.values))
        self.steps, self.times, self.values = array("q"), array("q"), array("d")
        return taken


def packed(column):
    """A column as text: base64 of its numbers, eight bytes each, the lowest first."""
    from binascii import b2a_base64

    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return b2a_base64(column, newline=False).decode("ascii")


class Points:
    """Points of one fit, sent a few times a second.

    measurements: metrics that are no results, such as times and throughput.
    """

    def __init__(self, fit, kind="fit.points", measurements=()):
        self._fit = fit
        self._kind = kind
        self._measurements = frozenset(measurements)
        self._series = {}
        self._due = time.time() + FLUSH_SECONDS
        self._count = 0

    def series(self, key):
        """The series of a metric, for callers in a hurry: they add to it, and call tick() after that."""
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series(key, key in self._measurements)
        return found

    def has(self, key):
        """Whether there is a series of that metric."""
        return key in self._series

    def add(self, step, values):
        """values: {metric: number}, measured now."""
        now = time.time()
        for key, value in values.items():
            self.series(key).add(step, int(now * 1000), float(value))
        self.tick(now, len(values))

    def tick(self, now, added):
        """Sends what waits, if it is time. now: time.time(); added: how many points were added since the last call."""
        self._count += added
        if now >= self._due or now < self._due - 2 * FLUSH_SECONDS or self._count >= FLUSH_POINTS:
            self.flush()

    def flush(self):
        """Sends what waits."""
        waiting = [series for series in list(self._series.values()) if series.steps]
        self._due, self._count = time.time() + FLUSH_SECONDS, 0
        if waiting:
            self._fit.emit(self._kind, {"series": [series.take() for series in waiting]})
