"""Which run the user opened."""

import contextvars
import os
import sys

# The innermost cairn.run() of this context.
_opened = contextvars.ContextVar("cairn_run", default="")


def enter(run_id):
    return _opened.set(run_id)


def leave(token):
    _opened.reset(token)


def token():
    """The id of the run that the user opened, wherever mlflow logs to; "" if none."""
    own = _opened.get()
    if own:
        return own
    fluent = sys.modules.get("mlflow.tracking.fluent")
    if fluent is None:
        return ""
    try:
        stack = fluent._active_run_stack.get()
        return stack[-1].info.run_id if stack else ""
    except Exception:  # another mlflow than those we know, or one that is being imported
        return ""


def active(session):
    """The id of the run that cairn.run() or, on the same server, mlflow.start_run() opened; "" if none."""
    own = _opened.get()
    if own:
        return own
    try:
        return _mlflow_run()
    except Exception:  # another mlflow than those we know
        return ""


def _mlflow_run():
    fluent = sys.modules.get("mlflow.tracking.fluent")
    if fluent is None:
        return ""
    stack = fluent._active_run_stack.get()
    return stack[-1].info.run_id if stack and on_this_server() else ""


def on_this_server():
    """True if mlflow logs to the server that this training is recorded on."""
    server = os.environ.get("CAIRN_SERVER", "")
    return bool(server) and _address(sys.modules["mlflow"].get_tracking_uri()) == _address(server)


def _address(url):
    return str(url).rstrip("/").replace("//localhost", "//127.0.0.1")
