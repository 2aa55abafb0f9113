"""Lets the first mlflow.start_run() of a script continue the run that `cairn exec` opened for it."""

import functools
import os
import sys
import time

from . import runs

# How long the run may take to appear on the server: it is created beside the start of the training.
_APPEAR_SECONDS = 2.0
_REQUEST_SECONDS = 1.0


def install(session):
    """Watches for mlflow, where exec pointed it to this server. Children of this process do not adopt the run too."""
    wanted = os.environ.pop("CAIRN_MLFLOW_ADOPT", "")
    if wanted == "1" and os.environ.get("CAIRN_RUN_ID") and not session.worker:
        session.watcher.after("mlflow.tracking.fluent", _wrap)


def _wrap(fluent):
    original = fluent.start_run
    left = [os.environ["CAIRN_RUN_ID"]]
    given = os.environ.get("MLFLOW_EXPERIMENT_ID")  # mlflow.set_experiment() changes the variable

    @functools.wraps(original)
    def start_run(*args, **kwargs):
        if _elsewhere(fluent, given):
            del os.environ["MLFLOW_RUN_ID"]
            left.clear()
        run = _adoptable(fluent, left, args, kwargs)
        if not run:
            return original(*args, **kwargs)
        started = original(**dict(kwargs, run_id=run))
        _rename(run, kwargs.get("run_name"))
        return started

    fluent.start_run = start_run


def _adoptable(fluent, left, args, kwargs):
    """The run to continue; "" where the script says itself which run or experiment it wants."""
    try:
        if not left or args or any(kwargs.get(name) for name in ("run_id", "experiment_id", "nested", "parent_run_id")):
            return ""
        if os.environ.get("MLFLOW_RUN_ID") or fluent._active_run_stack.get():
            return ""
        run = left.pop()
        if fluent._active_experiment_id is not None or not runs.on_this_server():
            return ""
        return run if _appears(run) else ""
    except Exception:  # another mlflow than those we know: it goes its own way
        return ""


def _elsewhere(fluent, given):
    """Whether `cairn run` told mlflow its run and the script chose another experiment: mlflow refuses both together, and the
    script's word counts."""
    run = os.environ.get("MLFLOW_RUN_ID")
    chosen = getattr(fluent, "_active_experiment_id", None)
    return bool(run) and run == os.environ.get("CAIRN_RUN_ID") and chosen not in (None, given)


def _appears(run):
    from urllib import error, request

    server = os.environ["CAIRN_SERVER"].rstrip("/")
    if not server.startswith(("http://", "https://")):
        return False
    asked = request.Request(server + "/api/2.0/mlflow/runs/get?run_id=" + run)  # noqa: S310
    token = os.environ.get("CAIRN_TOKEN") or os.environ.get("MLFLOW_TRACKING_TOKEN")
    if token:
        asked.add_header("Authorization", "Bearer " + token)
    deadline = time.monotonic() + _APPEAR_SECONDS
    while time.monotonic() < deadline:
        try:
            with request.urlopen(asked, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310
                return answer.status == 200
        except error.HTTPError as failure:
            if failure.code != 404:
                return False
        time.sleep(0.05)
    return False


def _rename(run, name):
    if not name:
        return
    try:
        sys.modules["mlflow"].MlflowClient().update_run(run, name=name)
    except Exception:  # the run keeps the name that exec gave it
        pass
