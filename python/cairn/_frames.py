"""Tables in what the user has: pandas, polars, or neither."""

from __future__ import annotations

import datetime
import importlib
import importlib.util
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cairn._errors import CairnError

# What numpy's datetime64 takes for no time.
NO_TIME = -(2**63)
FRAMES = ("auto", "pandas", "polars", "rows")


def chosen(frame: str) -> str:
    """The kind of table that a call gives; raises ValueError for a name of none, CairnError for one that is not
    installed.
    """
    if frame not in FRAMES:
        raise ValueError("frame must be one of %s, not %r" % (", ".join(FRAMES), frame))
    if frame == "auto":
        return next((name for name in ("pandas", "polars") if importlib.util.find_spec(name)), "rows")
    if frame != "rows" and not importlib.util.find_spec(frame):
        raise CairnError("%s is not installed: pip install %s, or ask for frame='rows'" % (frame, frame))
    return frame


def table(frame: str, columns: Mapping[str, Any], categories: Collection[str] = (), times: Collection[str] = ()) -> Any:
    """A table of columns of equal length. times are columns of Unix milliseconds or None; categories have few values."""
    if frame == "pandas":
        return _pandas(columns, categories, times)
    if frame == "polars":
        return _polars(columns, categories, times)
    plain = {name: values.tolist() if hasattr(values, "tolist") else values for name, values in columns.items()}
    for name in times:
        plain[name] = [_moment(value) for value in plain[name]]
    return [dict(zip(plain, row)) for row in zip(*plain.values())]


def _moment(milliseconds: int | None) -> datetime.datetime | None:
    if milliseconds is None:
        return None
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=milliseconds)


def _pandas(columns: Mapping[str, Any], categories: Collection[str], times: Collection[str]) -> Any:
    pandas, numpy = importlib.import_module("pandas"), importlib.import_module("numpy")
    made = {}
    for name, values in columns.items():
        if name in times:
            # Not by nanoseconds, which end in 2262.
            numbers = [NO_TIME if value is None else value for value in values] if isinstance(values, list) else values
            column = pandas.Series(numpy.asarray(numbers, "int64").view("M8[ms]")).dt.tz_localize("UTC")
        elif name in categories:
            column = pandas.Series(values, dtype="category")
        else:
            column = values if isinstance(values, list) else numpy.asarray(values)
        made[name] = column
    return pandas.DataFrame(made)


def _polars(columns: Mapping[str, Any], categories: Collection[str], times: Collection[str]) -> Any:
    polars = importlib.import_module("polars")
    made = []
    for name, values in columns.items():
        column = polars.Series(name, values if hasattr(values, "dtype") else list(values), strict=False)
        if name in times:
            column = column.cast(polars.Int64).cast(polars.Datetime("ms", "UTC"))
        elif name in categories:
            column = column.cast(polars.Categorical)
        made.append(column)
    return polars.DataFrame(made)


def ids_of(runs: Any) -> list[str]:
    """The ids of what a user calls runs: an id, a Run, a table with a column run_id, rows, or several of these."""
    if isinstance(runs, str):
        return [runs]
    if isinstance(runs, Mapping):
        return [str(runs["run_id"])]
    if "run_id" in getattr(runs, "columns", ()):
        return [str(value) for value in runs["run_id"]]
    if isinstance(getattr(runs, "id", None), str):
        return [runs.id]
    try:
        several = list(runs)
    except TypeError:
        raise ValueError("runs must be ids, runs, or what cairn.runs() gave, not %.80r" % (runs,)) from None
    found = dict.fromkeys(run for one in several for run in ids_of(one))
    return list(found)


def texts(values: str | Iterable[str] | None) -> list[str] | None:
    """One text or several, as a list; None stays."""
    if values is None or isinstance(values, str):
        return None if values is None else [values]
    return [str(value) for value in values]
