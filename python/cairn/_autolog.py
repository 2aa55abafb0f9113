"""Starts recording inside a Python that `cairn exec` did not start: a notebook, a REPL, a service."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cairn import _query
from cairn._errors import CairnError

START_SECONDS = 10.0
_BOOTSTRAP = Path(__file__).parent / "_bootstrap"

_lock = threading.Lock()
_agent: subprocess.Popen[bytes] | None = None


def bootstrap() -> Any:
    """The package _cairn_bootstrap: the one that exec loaded, else the one beside this file."""
    loaded = sys.modules.get("_cairn_bootstrap")
    if loaded is not None:
        return loaded
    sys.path.insert(0, str(_BOOTSTRAP))
    try:
        import _cairn_bootstrap
    finally:
        sys.path.remove(str(_BOOTSTRAP))
    return _cairn_bootstrap


def session() -> Any:
    """The session of this process. Raises CairnError where nothing is recorded."""
    found = bootstrap().current()
    if found is None:
        raise CairnError("nothing is recorded here: call cairn.autolog() first, or start the script with `cairn exec`")
    return found


def autolog(
    server: str | None = None,
    experiment: str | None = None,
    run_name: str | None = None,
    *,
    models: bool | None = None,
    every_n_steps: int | None = None,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
) -> None:
    """Records what is trained in this process from here on, also with frameworks that are imported already.

    server is a Cairn server's address (else CAIRN_SERVER, then MLFLOW_TRACKING_URI); with none running, everything is
    kept on disk until `cairn sync`. experiment and run_name are for the runs it opens.

    models: whether models are recorded. every_n_steps: how often that is recorded which is not at each step. include and
    exclude: patterns of the names of metrics, params and artifacts that frameworks' adapters record, with * for any text.
    What is not given is as cairn.toml says, in the working directory or the nearest above it.

    Under `cairn exec`, and when called again, models and every_n_steps count for what is trained from here on, and the rest
    is as it was. Raises CairnError if the program `cairn` is not to be found.
    """
    global _agent
    with _lock:
        going_on = bootstrap().current()
        if going_on is not None:
            going_on.choose(models, every_n_steps)
            return
        address = server or _query.server()
        command = [_program(), "agent", "--serve", "--server", address]
        command += ["--experiment", experiment] if experiment else []
        command += ["--run-name", run_name] if run_name else []
        command += ["--autolog-models", "on" if models else "off"] if models is not None else []
        command += ["--autolog-every-n-steps", str(every_n_steps)] if every_n_steps is not None else []
        command += ["--autolog-include=" + pattern for pattern in include or ()]
        command += ["--autolog-exclude=" + pattern for pattern in exclude or ()]
        # A session of its own: Ctrl-C in a notebook is for the cell. The agent ends when this pipe does.
        agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        try:
            told = _first_line(agent)
            os.environ["CAIRN_SERVER"] = str(told.get("server") or address)
            opened = bootstrap().attach(told["socket"])
            if opened is None:
                raise CairnError("the agent started, but did not answer on %s" % told["socket"])
        except BaseException:
            agent.kill()
            agent.wait()
            raise
        _agent = agent
        opened.catch_up()


def _program() -> str:
    chosen = os.environ.get("CAIRN_BIN") or shutil.which("cairn")
    if not chosen or not os.access(chosen, os.X_OK):
        raise CairnError(
            "the program `cairn` was not found: put it on PATH, or set CAIRN_BIN to it (`make build` makes bin/cairn)"
        )
    return chosen


def _first_line(agent: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert agent.stdout is not None
    ready, _, _ = select.select([agent.stdout], [], [], START_SECONDS)
    line = agent.stdout.readline() if ready else b""
    try:
        told = json.loads(line)
        told["socket"]
    except (ValueError, KeyError, TypeError):
        raise CairnError("the agent did not start within %g s" % START_SECONDS) from None
    return told
