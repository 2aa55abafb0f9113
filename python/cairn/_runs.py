"""Runs of one's own, through the agent: a server that is away costs nothing and loses nothing."""

from __future__ import annotations

import contextlib
import math
import operator
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from cairn._autolog import bootstrap, session


class Run:
    """An open run. `id` is the one that every API of Cairn and MLflow knows it by."""

    def __init__(self, run_id: str) -> None:
        self.id = run_id

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    def log(self, metrics: Mapping[str, float], step: float | None = None) -> None:
        """Logs a point of each metric. step is an integer, or a decimal of which 6 places are kept.

        Raises ValueError for what is no number, and nothing of the call is recorded then.
        """
        now, at = _now(), _step(step)
        points = [
            {"key": str(key), "value": _number(value, f"the metric {str(key)!r}"), "step": at, "time_ms": now}
            for key, value in metrics.items()
        ]
        _send(self.id, metrics=points)

    def params(self, values: Mapping[str, Any]) -> None:
        """Sets params. A param that is set already must keep its value."""
        _send(self.id, params={str(key): str(value) for key, value in values.items()})

    def tags(self, values: Mapping[str, Any]) -> None:
        """Sets tags, new or anew."""
        _send(self.id, tags={str(key): str(value) for key, value in values.items()})


@contextlib.contextmanager
def run(
    name: str = "", *, experiment: str = "", nested: bool = False, tags: Mapping[str, Any] | None = None
) -> Iterator[Run]:
    """Opens a run; what is trained and logged in the block goes to it. nested: below the run that is open here.

    Afterwards the run is FINISHED, FAILED if the block raised, KILLED if it was interrupted. Raises CairnError where
    nothing is recorded.
    """
    runs = _module("runs")
    opened = Run(uuid.uuid4().hex)
    parent = runs.active(session()) if nested else ""
    _post(
        {
            "t": "run",
            "run": opened.id,
            "name": name,
            "experiment": experiment,
            "parent": parent,
            "time_ms": _now(),
            "tags": {str(key): str(value) for key, value in (tags or {}).items()},
        }
    )
    entered = runs.enter(opened.id)
    status = "FINISHED"
    try:
        yield opened
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    except BaseException:
        status = "FAILED"
        raise
    finally:
        runs.leave(entered)
        _post({"t": "run.end", "run": opened.id, "status": status, "time_ms": _now()})


def log(metrics: Mapping[str, float], step: float | None = None) -> None:
    """Logs a point of each metric to the run that is open here, else to that of `cairn exec`."""
    _current().log(metrics, step)


def params(values: Mapping[str, Any]) -> None:
    """Sets params of the run that is open here, else of that of `cairn exec`."""
    _current().params(values)


def tags(values: Mapping[str, Any]) -> None:
    """Sets tags of the run that is open here, else of that of `cairn exec`."""
    _current().tags(values)


def _current() -> Run:
    return Run(_module("runs").active(session()))


def _send(run_id: str, **what: Any) -> None:
    _post({"t": "log", "run": run_id, "params": {}, "tags": {}, "metrics": [], **what})


def _post(message: dict[str, Any]) -> None:
    session().send(message, numbered=True)


def _module(name: str) -> Any:
    import importlib

    return importlib.import_module(bootstrap().__name__ + "." + name)


def _number(value: Any, what: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be a number, not {value!r:.80}") from None


def _step(step: Any) -> int | float:
    """The step as the agent reads it."""
    if step is None:
        return 0
    try:
        exact = operator.index(step)
    except TypeError:
        decimal = _number(step, "step")
        if not math.isfinite(decimal):
            raise ValueError(f"step must be a finite number, not {decimal}") from None
        exact = int(decimal) if decimal.is_integer() else round(decimal, 6)
    if abs(exact) >= 2**63:
        raise ValueError(f"step must fit 64 bits, not {step!r:.40}")
    return exact


def _now() -> int:
    return int(time.time() * 1000)
