"""Points of metrics on their way: collected for a moment, so that a step of a training costs little and charts follow."""

import time

FLUSH_SECONDS = 0.25
FLUSH_POINTS = 2000


class Points:
    """Points of one fit. Columns of equal length travel; a metric without a value at a step has None there.

    measurements: metrics that are no results, such as times and throughput.
    """

    def __init__(self, fit, kind="fit.points", measurements=()):
        self._fit = fit
        self._kind = kind
        self._measurements = frozenset(measurements)
        self._clear(time.monotonic())

    def _clear(self, now):
        self._steps, self._times, self._values = [], [], {}
        self._due = now + FLUSH_SECONDS

    def add(self, step, values):
        """values: {metric: number}, measured now."""
        at = len(self._steps)
        self._steps.append(step)
        self._times.append(int(time.time() * 1000))
        for name, value in values.items():
            column = self._values.get(name)
            if column is None:
                column = self._values[name] = [None] * at
            elif len(column) < at:
                column.extend([None] * (at - len(column)))
            column.append(float(value))
        now = time.monotonic()
        if now >= self._due or at * len(self._values) >= FLUSH_POINTS:
            self.flush()

    def flush(self):
        """Sends what was collected."""
        steps, times, values = self._steps, self._times, self._values
        self._clear(time.monotonic())
        if not steps:
            return
        for column in values.values():
            column.extend([None] * (len(steps) - len(column)))
        measurements = sorted(self._measurements.intersection(values))
        self._fit.emit(self._kind, {"steps": steps, "times": times, "values": values, "measurements": measurements})
