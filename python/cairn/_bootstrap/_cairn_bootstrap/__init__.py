"""Cairn's bootstrap: what runs inside a training.

It connects to the agent, watches imports, loads the hook of a framework when that framework is imported, and sends what
the hook observes. It never raises into the training, never waits long, and costs next to nothing while no framework is
imported: the standard library's heavier modules are imported only when they are first needed.
"""

import os

# The one session of this process, None while Cairn is not recording.
_session = None


def start():
    """Connects to the agent that CAIRN_AGENT_SOCKET names and begins to watch imports. Does nothing where it must not."""
    from . import process

    if process.is_helper():
        return None
    socket_path = os.environ.get("CAIRN_AGENT_SOCKET")
    if not socket_path:
        return None
    return attach(socket_path)


def attach(socket_path):
    """Makes this process a training that the agent at socket_path records; gives the session, or None if there is none."""
    global _session
    from . import session

    if _session is not None:
        return _session
    opened = session.Session(socket_path)
    if not opened.connect():
        return None
    _session = opened
    opened.watch()
    return opened


def current():
    """The session of this process, or None."""
    return _session
