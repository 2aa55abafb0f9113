"""Watches imports: runs a callback right after a watched module has been executed."""

import sys


class Watcher:
    """A meta path finder that finds nothing itself. It is first on sys.meta_path, so every cost here is every import's."""

    def __init__(self, session):
        self._session = session
        self._packages = {}  # top-level package → whether an adapter may want it
        self._callbacks = {}  # module → callbacks that hooks asked for
        self._announced = set()

    def after(self, name, callback):
        """Calls callback(module) after the module's import, at once if that lies behind."""
        module = sys.modules.get(name)
        if module is not None:
            if not _importing(module):
                callback(module)
                return
            _at_end(module, lambda: self._called_back(name, module))
        self._callbacks.setdefault(name, []).append(callback)
        self._packages[name.partition(".")[0]] = True

    def find_spec(self, name, path=None, target=None):
        package = name.partition(".")[0]
        wanted = self._packages.get(package)
        if wanted is None:
            wanted = self._packages[package] = self._session.may_watch(package)
        if not wanted:
            return None
        try:
            return self._find(name, package, path, target)
        except Exception:  # the import goes on as without us
            return None

    def _find(self, name, package, path, target):
        if package not in self._announced:
            self._announced.add(package)
            self._session.hooks.announce(package)
        watched = self._session.hooks.watches(name)
        if not watched and name not in self._callbacks:
            return None
        spec = None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                break
        if spec is not None and spec.loader is not None:
            self._wrap(spec.loader, name)
        return spec

    def _wrap(self, loader, name):
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module):
            del loader.exec_module  # only once, and nobody finds it changed afterwards
            execute(module)
            self._executed(name, module)

        # On the instance, which belongs to this spec alone: its type and everything else about it stay as they are.
        loader.exec_module = exec_module

    def _executed(self, name, module):
        try:
            self._called_back(name, module)
            self._session.hooks.imported(name)
        except Exception:
            pass

    def _called_back(self, name, module):
        for callback in self._callbacks.pop(name, ()):
            callback(module)


def _importing(module):
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _at_end(module, function):
    """Calls function() when the import of a module that goes on is over, unless it fails. Its loader is at work and cannot
    be wrapped any more; that Python says so to the module's spec is all that is left to be seen."""
    spec = module.__spec__
    plain = type(spec)

    class Spec(plain):
        @property
        def _initializing(self):
            return True

        @_initializing.setter
        def _initializing(self, going_on):
            self.__class__ = plain  # once, and nobody finds it changed afterwards
            self._initializing = going_on
            try:
                if sys.modules.get(spec.name) is module:
                    function()
            except Exception:  # the import goes on as without us
                pass

    spec.__class__ = Spec
