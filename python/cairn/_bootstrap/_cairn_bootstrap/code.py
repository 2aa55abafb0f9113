"""Which source files of the user's this process has imported."""

import os
import sys

MAX_FILES = 5000

_PYTHON = os.path.dirname(os.__file__) + os.sep
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_INSTALLED = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)


def _is_users(file):
    if not file.endswith(".py") or file.startswith((_PYTHON, _OWN)):
        return False
    return not any(part in file for part in _INSTALLED)


class Imported:
    """Looks at what sys.modules holds, a millisecond's work for thousands of modules, and at nothing while it holds no
    more than the last time."""

    def __init__(self):
        self._modules = 0
        self._told = set()
        # Python takes the script's name from its module before it ends, and the process may leave its directory.
        script = (getattr(sys, "argv", None) or [""])[0]
        self._script = os.path.abspath(script) if script.endswith(".py") else ""

    def news(self):
        """Source files that were not told before, those of Python and of installed packages left out."""
        if len(sys.modules) == self._modules:
            return []
        modules = list(sys.modules.values())
        found = {self._script: None} if self._script and self._script not in self._told else {}
        for module in modules:
            try:
                # Past the module's own ideas of attributes: one that loads when it is touched stays unloaded.
                file = object.__getattribute__(module, "__dict__").get("__file__")
            except Exception:
                continue
            if type(file) is str and file not in self._told and _is_users(file):
                found[file] = None
        self._modules = len(modules)
        return list(found)[: max(0, MAX_FILES - len(self._told))]

    def told(self, files):
        """These arrived, or will."""
        self._told.update(files)
