"""Points of metrics as they are logged."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cairn import _query
from cairn._columns import unpack_float64, unpack_int64
from cairn._errors import QueryError
from cairn._events import BrokenError, events
from cairn._frames import chosen, ids_of, table, texts
from cairn._series import array, joined, steps_of

if TYPE_CHECKING:
    from cairn._chart import Chart

CONNECT_SECONDS = 10.0
# Between two attempts to connect again: twice as long each time, from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0

APPENDED = """subscription CairnWatch(
  $runs: [ID!]!, $keys: [String!], $after: String, $maxRate: Float, $untilEnded: Boolean!
) {
  metricsAppended(runs: $runs, keys: $keys, after: $after, maxRate: $maxRate, untilEnded: $untilEnded) {
    cursor incompleteRuns series { runId key stepScale steps times values } } }"""


class Points(NamedTuple):
    """New points of one metric of one run, in the order in which they came.

    Columns are numpy arrays where numpy is installed, else arrays of the standard library. `steps` are int64, or float64
    where steps have decimals; `times` are Unix milliseconds.
    """

    run_id: str
    key: str
    steps: Any
    times: Any
    values: Any


class Update(NamedTuple):
    """What came at once: new points by run and key.

    `cursor` is where watch(after=...) goes on behind them. `incomplete_runs` are ids of runs of which points are missing up
    to here, because what holds them is damaged on the server.
    """

    series: list[Points]
    cursor: str
    incomplete_runs: list[str]

    def frame(self, frame: str = "auto") -> Any:
        """A table with a row for each point: run_id, key, step, time (UTC), value. frame is as of metric_series."""
        columns: dict[str, Any] = {
            "run_id": [one.run_id for one in self.series for _ in range(len(one.steps))],
            "key": [one.key for one in self.series for _ in range(len(one.steps))],
            "step": joined([one.steps for one in self.series]),
            "time": joined([one.times for one in self.series]),
            "value": joined([one.values for one in self.series]),
        }
        return table(chosen(frame), columns, ("run_id", "key"), ("time",))


class Watch:
    """Points of some runs as they come; made by cairn.watch().

    `async for update in watch` gives each Update, and so does a plain `for` where no event loop runs. A loop that is left
    and begun again goes on where it was: `cursor` is that of the last update. In a notebook, a Watch at the end of a cell
    is a live chart, as `chart()` gives it.
    """

    def __init__(
        self,
        runs: list[str],
        keys: list[str] | None,
        cursor: str | None,
        rate: float | None,
        until_ended: bool,
        patience: float,
    ) -> None:
        self.runs = runs
        self.keys = keys
        self.cursor = cursor
        self._rate = rate
        self._until_ended = until_ended
        self._patience = patience

    def __repr__(self) -> str:
        return "Watch(runs=%r, keys=%r, cursor=%r)" % (self.runs, self.keys, self.cursor)

    async def __aiter__(self) -> AsyncGenerator[Update, None]:
        connected = False
        lost, pause = 0.0, FIRST_PAUSE
        while True:
            stream = events(APPENDED, self._variables(), CONNECT_SECONDS)
            try:
                async for data in stream:
                    connected, lost, pause = True, 0.0, FIRST_PAUSE
                    update = _update(data["metricsAppended"])
                    # Before it is handed over: who leaves the loop with it has it.
                    self.cursor = update.cursor
                    yield update
                return
            except (OSError, BrokenError, QueryError) as failure:
                if isinstance(failure, QueryError) and failure.code != "UNAVAILABLE":
                    raise
                connected = connected or isinstance(failure, BrokenError) and failure.begun
                lost = lost or time.monotonic()
                if not connected or time.monotonic() - lost > self._patience:
                    if isinstance(failure, QueryError):
                        raise
                    raise _query.unreachable(_query.server(), failure) from failure
            finally:
                await stream.aclose()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 so that not all come back at the same time
            pause = min(2 * pause, LAST_PAUSE)

    def __iter__(self) -> Iterator[Update]:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._here()
        raise RuntimeError("an event loop runs here, as in a notebook: write `async for`")

    def _here(self) -> Iterator[Update]:
        loop = asyncio.new_event_loop()
        updates = self.__aiter__()
        try:
            while True:
                try:
                    update = loop.run_until_complete(updates.__anext__())
                except StopAsyncIteration:
                    return
                yield update
        finally:
            loop.run_until_complete(updates.aclose())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def chart(self, *, height: int = 240) -> Chart:
        """A live chart for a notebook, which draws what comes until the runs have ended. height is in pixels.

        Raises CairnError where anywidget is not installed.
        """
        from cairn._chart import Chart

        return Chart(self, height)

    def _ipython_display_(self) -> None:
        from cairn._chart import show

        show(self)

    def _variables(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "keys": self.keys,
            "after": self.cursor,
            "maxRate": self._rate,
            "untilEnded": self._until_ended,
        }


def watch(
    runs: Any,
    keys: str | Iterable[str] | None = None,
    *,
    after: str | None = None,
    max_rate: float | None = None,
    until_ended: bool = True,
    patience: float = 300.0,
) -> Watch:
    """Follows metrics while they are logged: first all points that are there, then each as it comes, every one once.

        async for update in cairn.watch(run, ["loss"]):
            for points in update.series:
                print(points.key, points.steps, points.values)

    runs is an id, a Run, several of them (at most 1,000), or what cairn.runs() gave; keys those of the metrics, all
    without. It ends when all came of runs that have all ended, or, with until_ended=False, never. after is the cursor of an
    update, behind which it begins. max_rate is how many updates a second come at most, 0.01 to 50; points that come
    meanwhile come together.

    A connection that breaks is made again, and goes on behind the last update, for `patience` seconds. Of a slow reader the
    server waits, and sends what came meanwhile together.

    Raises, while it is iterated, NotFoundError for a run that is not there, QueryError for a cursor that is too old or
    forged, and UnreachableError when no server answers, at first or for longer than patience.
    """
    return Watch(ids_of(runs), texts(keys), after, max_rate, until_ended, patience)


def _update(event: dict[str, Any]) -> Update:
    series = [
        Points(
            one["runId"], one["key"], steps_of(one), array(unpack_int64(one["times"])), array(unpack_float64(one["values"]))
        )
        for one in event["series"]
    ]
    return Update(series, event["cursor"], event["incompleteRuns"])
