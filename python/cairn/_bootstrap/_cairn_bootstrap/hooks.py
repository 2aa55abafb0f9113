"""Loads the hooks that adapters send and gives each the object it works with."""

import _thread
import time

from .session import HOOK_SECONDS


class Hooks:
    """The hooks of this process, by watched module."""

    def __init__(self, session):
        self._session = session
        self._fresh()
        self._installed = set()

    def _fresh(self):
        self._lock = _thread.allocate_lock()
        self._answered = {}  # watched module → hook messages for it
        self._passed = set()  # watched modules whose import is over: a hook that comes now installs itself
        self._patience = HOOK_SECONDS  # what imports may still wait, all of them together
        self._told = False
        self._gone = False

    def forked(self):
        """In the child of a fork: installed hooks stay, what the parent waited for is asked for anew."""
        self._fresh()

    def disconnected(self):
        self._gone = True

    def watches(self, name):
        return name in self._session.welcome.get("modules", ())

    def announce(self, package):
        """Tells the agent that a package is being imported, so that the adapter starts while the rest still loads."""
        session = self._session
        for module in session.welcome.get("modules", ()):
            if module == package or module.startswith(package + "."):
                from . import packages

                distribution, version = packages.distribution_of(package)
                session.send({"t": "import", "module": module, "distribution": distribution, "version": version})
        session.background(session.send_environment)

    def imported(self, name):
        """A watched module has been executed: installs its hook, for which it waits, and not long."""
        if not self.watches(name):
            return
        began = time.monotonic()
        deadline = began + self._patience
        pause = 0.0002
        while name not in self._answered and not self._gone and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(pause * 2, 0.005)
        self._patience = max(0.0, self._patience - (time.monotonic() - began))
        if name not in self._answered and not self._gone and not self._told:
            self._told = True
            self._session.send(
                {
                    "t": "warn",
                    "message": "the hook for %s did not come within %g s of its import: fits before it came are not recorded"
                    % (name, HOOK_SECONDS),
                }
            )
        with self._lock:
            self._passed.add(name)
            messages = list(self._answered.get(name, ()))
        for message in messages:
            self._install(message)

    def arrived(self, message):
        late = False
        with self._lock:
            for module in message.get("modules", ()):
                self._answered.setdefault(module, []).append(message)
                late = late or module in self._passed
        if late:
            self._install(message)

    def refused(self, message):
        with self._lock:
            self._answered.setdefault(message.get("module", ""), [])

    def _install(self, message):
        name = str(message.get("adapter", ""))
        with self._lock:
            if name in self._installed:
                return
            self._installed.add(name)
        from . import sources
        from .api import Cairn

        cairn = Cairn(self._session, name)
        try:
            sources.load(name, message["source"], message.get("sources") or {}, cairn).install(cairn)
        except Exception as error:
            cairn.warn("the hook of adapter %s could not be installed: %s: %s" % (name, type(error).__name__, error))
