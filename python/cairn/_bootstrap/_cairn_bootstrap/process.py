"""What kind of process this is."""

import os
import sys

_RANK_VARIABLES = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")


def _command_line():
    """The arguments that this interpreter was started with, its own options and `-m MODULE` included."""
    line = getattr(sys, "orig_argv", None)
    return _command_line_of_39() if line is None else line


def _command_line_of_39():
    """Python 3.9 keeps them too, and tells only its C callers."""
    import ctypes

    count, values = ctypes.c_int(), ctypes.POINTER(ctypes.c_wchar_p)()
    ctypes.pythonapi.Py_GetArgcArgv(ctypes.byref(count), ctypes.byref(values))
    return [values[i] for i in range(count.value)]


def is_helper():
    """True for processes that run parts of somebody else's fit or only keep books: they never connect."""
    line = _command_line()
    return any(
        "joblib.externals.loky" in part
        or "resource_tracker" in part
        or "semaphore_tracker" in part
        or part.startswith("LokyProcess")
        for part in line[1:]
    )


def is_worker():
    """True for children that multiprocessing started by spawn or forkserver. Forked ones are told by the fork."""
    line = _command_line()
    return "--multiprocessing-fork" in line or any("multiprocessing.forkserver" in part for part in line[1:])


def main():
    """What was started: a script's path, `-m module` or `-c`."""
    line = list(_command_line())
    argv = getattr(sys, "argv", None) or [""]
    if argv[0] not in ("-m", "-c"):
        return argv[0]
    if argv[0] == "-m" and "-m" in line:
        at = line.index("-m")
        if at + 1 < len(line):
            return "-m " + line[at + 1]
    return argv[0]


def rank():
    """This process's rank in a distributed training, or None."""
    for name in _RANK_VARIABLES:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return None
