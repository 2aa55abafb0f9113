"""Starts Cairn's bootstrap in a Python that `cairn exec` runs, then hands over to the user's own sitecustomize.

This file alone must parse on every Python, 2.7 included: an interpreter that is too old for the hook says so to the
agent and then runs the training untouched.
"""

import os
import sys

_OLDEST = (3, 9)
_HERE = os.path.dirname(os.path.abspath(__file__))


def _tell_too_old():
    import json
    import socket
    import struct

    have = "%d.%d" % sys.version_info[:2]
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(1.0)
        sock.connect(os.environ["CAIRN_AGENT_SOCKET"])
        for message in (
            {
                "t": "hello",
                "proto": 1,
                "pid": os.getpid(),
                "ppid": os.getppid(),
                "python": "%d.%d.%d" % sys.version_info[:3],
                "executable": sys.executable or "",
                "argv": [],
                "cwd": os.getcwd(),
                "main": "",
                "rank": None,
                "worker": False,
            },
            {
                "t": "warn",
                "unrecorded": True,
                "message": "Python %s is too old for Cairn's hook, which needs Python %d.%d or newer: the training ran, "
                "but nothing was recorded automatically" % ((have,) + _OLDEST),
            },
            {"t": "bye", "dropped": 0},
        ):
            body = json.dumps(message).encode("utf-8")
            sock.sendall(struct.pack(">I", len(body)) + body)
        sock.recv(1)  # the agent has begun to read: it will not end before it has read all
    finally:
        sock.close()


def _start():
    if not os.environ.get("CAIRN_AGENT_SOCKET"):
        return
    if sys.version_info[:2] < _OLDEST:
        _tell_too_old()
        return
    sys.path.insert(0, _HERE)
    try:
        import _cairn_bootstrap
    finally:
        sys.path.remove(_HERE)
    _cairn_bootstrap.start()


def _chain():
    """Runs the sitecustomize that this one hides. Its errors are the user's own and stay as they are without Cairn."""
    if sys.version_info[0] < 3:
        import imp

        try:
            found = imp.find_module("sitecustomize", sys.path)
        except ImportError:
            return
        imp.load_module("sitecustomize", *found)
        return
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec  # which loads re and typing in Python 3.9

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


# The user sees the sys.path of a run without Cairn. Child processes find the bootstrap by PYTHONPATH, which stays.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _HERE]
try:
    _start()
except Exception:  # Training is sacred: an interpreter starts as if Cairn were not there.
    pass
_chain()
