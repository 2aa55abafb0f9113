"""Puts a wrapper in the place of a function that others may hold already."""

import sys


def everywhere(original, wrapper, apart=()):
    """Modules that took a function by its name get the wrapper instead. apart: packages that keep the original."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if not isinstance(names, dict) or str(getattr(module, "__name__", "")).partition(".")[0] in apart:
            continue
        for name, held in list(names.items()):
            if held is original:
                names[name] = wrapper
