"""Series of metrics as tables and arrays, straight from the packed columns."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any, NamedTuple

from cairn._columns import unpack_float64, unpack_int64
from cairn._errors import NotFoundError
from cairn._frames import chosen, ids_of, table, texts
from cairn._query import ask

AXES = ("STEP", "TIME", "RELATIVE_TIME")
# Bounds of one request: rows of all its series together, and runs.
ROWS = 1_000_000
RUNS = 100
PAGE = 100_000

SERIES = """query CairnSeries($runs: [ID!]!, $keys: [String!], $axis: MetricAxis!, $range: MetricRange, $maxPoints: Int!) {
  metricSeries(runs: $runs, keys: $keys, axis: $axis, range: $range, maxPoints: $maxPoints) {
    cursor series { runId key exact incomplete totalPoints stepScale steps times last min max mean counts } } }"""
HISTORY = """query CairnHistory($run: ID!, $key: String!, $first: Int!, $after: String) {
  metricHistory(run: $run, key: $key, first: $first, after: $after) {
    stepScale steps times values endCursor incomplete } }"""
KEYS = """query CairnKeys($run: ID!, $after: String) {
  run(id: $run) { metricColumns(after: $after) { keys hasNextPage } } }"""


class Series(NamedTuple):
    """One metric of one run. Columns are numpy arrays where numpy is installed, else arrays of the standard library.

    A row is a bucket of neighbouring points, and one point each where `exact` is true. `steps` are int64, or float64 where
    the metric has steps with decimals; `times` are Unix milliseconds; `values` the last value of each bucket, and `min`,
    `max` and `mean` are over its points that are not NaN. `counts` says how many points a row has, `total` how many the
    series. `incomplete` is true where points are missing because what holds them is damaged on the server.
    """

    run_id: str
    key: str
    steps: Any
    times: Any
    values: Any
    min: Any
    max: Any
    mean: Any
    counts: Any
    total: int
    exact: bool
    incomplete: bool


def metric_series(
    runs: Any,
    keys: str | Iterable[str] | None = None,
    *,
    axis: str = "STEP",
    start: float | None = None,
    end: float | None = None,
    max_points: int | None = 1000,
    frame: str = "auto",
    timeout: float = 60.0,
) -> Any:
    """Series of metrics of some runs, for charts and calculations.

    runs is an id, a Run, several of them, or what cairn.runs() gave. keys are those of the metrics; all of each run
    without. max_points is how many rows a series has at most, 1 to 100,000: of more points neighbours are joined into rows
    that keep the least and the greatest value. None gives every point as it was recorded, in the order in which they came.
    axis is what rows are ordered and joined by: STEP, TIME (Unix milliseconds) or RELATIVE_TIME (milliseconds since the
    run's start); start and end bound it, both included.

    The table has a row for each bucket: run_id, key, step, time (UTC), value (the last of the bucket), min, max, mean and
    count. frame is "pandas", "polars", "rows" (a list of dicts), "arrays" (a list of Series, numpy's where it is
    installed), or "auto", the first of the tables that is installed. timeout is in seconds for each request.

    Raises NotFoundError for a run that is not there, QueryError for a bound that is passed, UnreachableError when there is
    no server, and ValueError for arguments that are none. A metric that a run has no points of has no rows.
    """
    if frame != "arrays":
        frame = chosen(frame)
    if axis not in AXES:
        raise ValueError("axis must be one of %s, not %r" % (", ".join(AXES), axis))
    ids, names = ids_of(runs), texts(keys)
    if max_points is None:
        if axis != "STEP" or start is not None or end is not None:
            raise ValueError("axis, start and end need max_points: without it every point comes, in the order of recording")
        found = [
            one
            for run in ids
            for key in (_keys(run, timeout) if names is None else names)
            for one in _history(run, key, timeout)
        ]
    else:
        found = _series(ids, names, axis, start, end, max_points, timeout)
    return found if frame == "arrays" else _table(frame, found)


def _series(
    ids: list[str], keys: list[str] | None, axis: str, start: float | None, end: float | None, points: int, timeout: float
) -> list[Series]:
    together = max(1, min(RUNS, ROWS // max(1, points * len(keys or range(20)))))
    bounds = {name: value for name, value in (("from", start), ("to", end)) if value is not None}
    found = []
    for at in range(0, len(ids), together):
        asked = {"runs": ids[at : at + together], "keys": keys, "axis": axis, "range": bounds or None, "maxPoints": points}
        for one in ask(SERIES, asked, timeout)["metricSeries"]["series"]:
            last, least, greatest, mean = (array(unpack_float64(one[name])) for name in ("last", "min", "max", "mean"))
            found.append(
                Series(
                    run_id=one["runId"],
                    key=one["key"],
                    steps=steps_of(one),
                    times=array(unpack_int64(one["times"])),
                    values=last,
                    min=least,
                    max=greatest,
                    mean=mean,
                    counts=array(unpack_int64(one["counts"])),
                    total=one["totalPoints"],
                    exact=one["exact"],
                    incomplete=one["incomplete"],
                )
            )
    return found


def _keys(run: str, timeout: float) -> list[str]:
    keys: list[str] = []
    more = True
    while more:
        found = ask(KEYS, {"run": run, "after": keys[-1] if keys else None}, timeout)["run"]
        if found is None:
            raise NotFoundError("Run with id=%s not found" % run, "NOT_FOUND", "runs")
        keys += found["metricColumns"]["keys"]
        more = found["metricColumns"]["hasNextPage"]
    return keys


def _history(run: str, key: str, timeout: float) -> list[Series]:
    """Every point of one series; an empty list where there is none."""
    pages: list[dict[str, Any]] = []
    after = None
    while not pages or after:
        pages.append(ask(HISTORY, {"run": run, "key": key, "first": PAGE, "after": after}, timeout)["metricHistory"])
        after = pages[-1]["endCursor"]
    scale = max(page["stepScale"] for page in pages)
    units, times, values = unpack_int64(""), unpack_int64(""), unpack_float64("")
    for page in pages:
        factor = 10 ** (scale - page["stepScale"])
        units.extend(unpack_int64(page["steps"]) if factor == 1 else (n * factor for n in unpack_int64(page["steps"])))
        times.extend(unpack_int64(page["times"]))
        values.extend(unpack_float64(page["values"]))
    if not values:
        return []
    ones = unpack_int64("")
    ones.extend([1] * len(values))
    exact = array(values)
    incomplete = any(page["incomplete"] for page in pages)
    return [
        Series(
            run,
            key,
            _steps(units, scale),
            array(times),
            exact,
            exact,
            exact,
            exact,
            array(ones),
            len(values),
            True,
            incomplete,
        )
    ]


def _table(frame: str, found: list[Series]) -> Any:
    columns: dict[str, Any] = {
        "run_id": [one.run_id for one in found for _ in range(len(one.steps))],
        "key": [one.key for one in found for _ in range(len(one.steps))],
        "step": joined([one.steps for one in found]),
        "time": joined([one.times for one in found]),
        "value": joined([one.values for one in found]),
        "min": joined([one.min for one in found]),
        "max": joined([one.max for one in found]),
        "mean": joined([one.mean for one in found]),
        "count": joined([one.counts for one in found]),
    }
    return table(frame, columns, ("run_id", "key"), ("time",))


def array(values: Any) -> Any:
    """The same numbers as an array of numpy's, without a copy, where that is installed."""
    return importlib.import_module("numpy").asarray(values) if importlib.util.find_spec("numpy") else values


def steps_of(packed: dict[str, Any]) -> Any:
    """The steps of a packed series: integers, or floats where they have decimals."""
    return _steps(unpack_int64(packed["steps"]), packed["stepScale"])


def _steps(units: Any, scale: int) -> Any:
    if not scale:
        return array(units)
    steps = unpack_float64("")
    steps.extend(n / 10**scale for n in units)
    return array(steps)


def joined(columns: list[Any]) -> Any:
    """Columns one behind the other."""
    if importlib.util.find_spec("numpy") and columns:
        return importlib.import_module("numpy").concatenate(columns)
    return [value for column in columns for value in column]
