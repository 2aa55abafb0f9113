"""Runs of one's own, through the agent: a server that is away costs nothing and loses nothing."""

from __future__ import annotations

import contextlib
import importlib
import math
import operator
import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from cairn._autolog import bootstrap, session
from cairn._errors import CairnError

_STEP = object()


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
        values: dict[str, float | str] = {}
        for key, value in metrics.items():
            # The usual kinds first: this is called at each step of a training.
            number = value if type(value) is float else _number(value, key)
            values[key if type(key) is str else str(key)] = number if -math.inf < number < math.inf else _name(number)
        message = {"t": "log", "run": self.id, "step": _step(step), "time_ms": _now(), "values": values}
        session().send(message, numbered=True, ready=True)

    def params(self, values: Mapping[str, Any]) -> None:
        """Sets params. A param that is set already must keep its value."""
        _send(self.id, params={str(key): str(value) for key, value in values.items()})

    def tags(self, values: Mapping[str, Any]) -> None:
        """Sets tags, new or anew."""
        _send(self.id, tags={str(key): str(value) for key, value in values.items()})

    def artifact(self, file: str | os.PathLike[str] | bytes, path: str = "") -> None:
        """Records a file under its own name, or under path (relative, with "/"). bytes are the content itself; then path is
        needed.

        It is copied at once, and delivered beside the training: afterwards the file may change or go. Raises OSError
        where it cannot be read, ValueError for a path that leaves the run's artifacts, and CairnError where nothing is
        recorded.
        """
        here = session()
        target = path or ("" if isinstance(file, bytes) else os.path.basename(os.fspath(file)))
        _check_path(target)
        files = here.welcome.get("files_dir") or ""
        if not files:
            raise CairnError("nothing can be recorded here: the agent gave no directory for files")
        copy = os.path.join(files, "user-" + uuid.uuid4().hex)
        if isinstance(file, bytes):
            with open(copy, "wb") as out:
                out.write(file)
        else:
            shutil.copyfile(file, copy)
        _post({"t": "artifact", "run": self.id, "name": target, "files": {"artifact": copy}})


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


def artifact(file: str | os.PathLike[str] | bytes, path: str = "") -> None:
    """Records a file of the run that is open here, else of that of `cairn exec`; see Run.artifact."""
    _current().artifact(file, path)


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not path or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"path must be relative, with names between its slashes, not {path!r:.200}")


def _current() -> Run:
    return Run(_module("runs").active(session()))


def _send(run_id: str, **what: Any) -> None:
    _post({"t": "log", "run": run_id, **what})


def _post(message: dict[str, Any]) -> None:
    session().send(message, numbered=True)


def _module(name: str) -> Any:
    full = bootstrap().__name__ + "." + name
    loaded = sys.modules.get(full)
    return loaded if loaded is not None else importlib.import_module(full)


def _number(value: Any, key: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        what = "step" if key is _STEP else f"the metric {str(key)!r}"
        raise ValueError(f"{what} must be a number, not {value!r:.80}") from None


def _name(number: float) -> str:
    """What JSON has no number for."""
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _step(step: Any) -> int | float:
    """The step as the agent reads it."""
    if step is None:
        return 0
    if type(step) is int and -(2**63) <= step < 2**63:
        return step
    try:
        exact: int | float = operator.index(step)
    except TypeError:
        decimal = _number(step, _STEP)
        if not math.isfinite(decimal):
            raise ValueError(f"step must be a finite number, not {decimal}") from None
        exact = int(decimal) if decimal.is_integer() else round(decimal, 6)
    if abs(exact) >= 2**63:
        raise ValueError(f"step must fit 64 bits, not {step!r:.40}")
    return exact


def _now() -> int:
    return int(time.time() * 1000)
