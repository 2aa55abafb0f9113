"""The name under which the user knows a value."""

import inspect

UNKNOWN = "unknown_dataset"


def variable_name(value, frame, fallback=UNKNOWN):
    """Name of the variable that holds value, seen from frame outwards.

    While a frame got the value as an argument the name is its caller's business, so the search goes on there; the first
    frame that did not get it decides. MLflow names the same data in the same way.
    """
    if value is None:
        return fallback
    while frame is not None:
        code, names = frame.f_code, frame.f_locals
        if _among_arguments(value, code, names):
            frame = frame.f_back
            continue
        for name, held in names.items():
            if held is value:
                return name
        return fallback
    return fallback


def _among_arguments(value, code, names):
    count = code.co_argcount + code.co_kwonlyargcount
    if any(names.get(name) is value for name in code.co_varnames[:count]):
        return True
    at = count
    if code.co_flags & inspect.CO_VARARGS:
        if any(held is value for held in names.get(code.co_varnames[at], ())):
            return True
        at += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        return any(held is value for held in names.get(code.co_varnames[at], {}).values())
    return False


def inside(frame, module, limit=100):
    """True if one of the frames from frame outwards runs code of the module."""
    while frame is not None and limit:
        if frame.f_globals.get("__name__") == module:
            return True
        frame, limit = frame.f_back, limit - 1
    return False
