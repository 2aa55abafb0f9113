"""A live chart of metrics in a notebook. It needs anywidget, which nothing else of this package does."""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import math
import time
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cairn._columns import unpack_float64
from cairn._errors import CairnError
from cairn._query import ask
from cairn._series import SERIES, steps_of
from cairn._watch import Points, Watch

# Rows of one line. Where there are more, neighbours are joined, and keep their least and greatest value.
ROWS = 1000
FIRST_ROWS = 500
UPDATES_A_SECOND = 4.0
MAX_LINES = 40


class Line:
    """One series as it is drawn: for some neighbouring points each their first step, least and greatest value."""

    def __init__(self) -> None:
        self.steps, self.low, self.high = array("d"), array("d"), array("d")
        self._each = 1  # points of a row
        self._last = 0  # points of the last row

    def begin(self, steps: Iterable[float], low: Iterable[float], high: Iterable[float], each: int) -> None:
        """Takes rows that the server joined, of about so many points each."""
        self.steps, self.low, self.high = array("d", steps), array("d", low), array("d", high)
        self._each = self._last = max(1, each)

    def add(self, steps: Iterable[float], values: Iterable[float]) -> None:
        for step, value in zip(steps, values):
            if self.steps and self._last < self._each:
                self._last += 1
                self.low[-1] = _least(self.low[-1], value)
                self.high[-1] = -_least(-self.high[-1], -value)
                continue
            if len(self.steps) == ROWS:
                self._halve()
            self._last = 1
            self.steps.append(step)
            self.low.append(value)
            self.high.append(value)

    def _halve(self) -> None:
        self.steps = self.steps[::2]
        self.low = array("d", map(_least, self.low[::2], self.low[1::2]))
        self.high = array("d", (-_least(-one, -other) for one, other in zip(self.high[::2], self.high[1::2])))
        self._each *= 2


class Chart:
    """A live chart, shown by a notebook when it stands at the end of a cell.

    `status` is "live", "ended" or "failed: " with the reason. `await chart.finished()` waits until the runs have ended, and
    raises what went wrong; `stop()` ends it before.
    """

    def __init__(self, watch: Watch, height: int) -> None:
        self.widget = _widget()(height=height, label=", ".join(run[:8] for run in watch.runs[:3]))
        self.lines: dict[tuple[str, str], Line] = {}
        self._watch = watch
        self._task = asyncio.ensure_future(self._follow())
        # Who shows a chart need not wait for it: its reason stands in the chart then.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def status(self) -> str:
        return self.widget.status

    async def finished(self) -> None:
        try:
            await asyncio.shield(self._task)
        finally:
            # What a task sends belongs to the cell that began it. Who executes a notebook without a browser, as nbconvert
            # does, listens to the cell that is executed only, and would store the chart as it was at first.
            self.widget.send_state()

    def stop(self) -> None:
        self._task.cancel()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    async def _follow(self) -> None:
        try:
            await self._begin()
            sent = 0.0
            async for update in self._watch:
                for points in update.series:
                    self._add(points)
                # What came before comes in many events at once, which need not be drawn one by one.
                if time.monotonic() - sent >= 0.5 / UPDATES_A_SECOND:
                    self._show()
                    sent = time.monotonic()
            self._show()
            self.widget.status = "ended"
        except asyncio.CancelledError:
            self.widget.status = "ended"
            raise
        except Exception as failure:
            self.widget.status = "failed: %s" % failure
            raise

    async def _begin(self) -> None:
        """What is there, joined by the server, and the cursor behind it."""
        watch = self._watch
        if watch.cursor is not None:
            return
        asked = {"runs": watch.runs, "keys": watch.keys, "axis": "STEP", "range": None, "maxPoints": FIRST_ROWS}
        loop = asyncio.get_running_loop()
        found = (await loop.run_in_executor(None, ask, SERIES, asked, 60.0))["metricSeries"]
        for one in found["series"][:MAX_LINES]:
            line = self.lines.setdefault((one["runId"], one["key"]), Line())
            rows = steps_of(one)
            if len(rows):
                line.begin(rows, unpack_float64(one["min"]), unpack_float64(one["max"]), one["totalPoints"] // len(rows))
        watch.cursor = found["cursor"]
        self._show()

    def _add(self, points: Points) -> None:
        key = (points.run_id, points.key)
        if key in self.lines or len(self.lines) < MAX_LINES:
            self.lines.setdefault(key, Line()).add(points.steps, points.values)

    def _show(self) -> None:
        several = len({run for run, _ in self.lines}) > 1
        self.widget.series = [
            {
                "name": "%s %s" % (run[:8], key) if several else key,
                "steps": line.steps.tobytes(),
                "low": line.low.tobytes(),
                "high": line.high.tobytes(),
            }
            for (run, key), line in self.lines.items()
        ]


def show(watch: Watch) -> None:
    """What a notebook shows of a Watch: its chart, and its name where there is no anywidget."""
    display = importlib.import_module("IPython.display").display
    if importlib.util.find_spec("anywidget"):
        display(watch.chart())
    else:
        display({"text/plain": "%r (pip install anywidget to see it as a chart)" % watch}, raw=True)


def _least(one: float, other: float) -> float:
    """The lesser of two numbers, of which NaN is none."""
    if math.isnan(one):
        return other
    return one if math.isnan(other) else min(one, other)


@functools.cache
def _widget() -> Any:
    """The widget's class, which is made when it is first asked for: so anywidget is only needed then."""
    if not importlib.util.find_spec("anywidget"):
        raise CairnError("a live chart needs anywidget: pip install anywidget")
    anywidget, traitlets = importlib.import_module("anywidget"), importlib.import_module("traitlets")

    class CairnChart(anywidget.AnyWidget):
        _esm = (Path(__file__).parent / "_chart.js").read_text(encoding="utf-8")
        series = traitlets.List().tag(sync=True)
        status = traitlets.Unicode("live").tag(sync=True)
        label = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int(240).tag(sync=True)

    return CairnChart
