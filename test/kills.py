"""Ends processes that a test started, or that those started, with SIGKILL, again and again."""

import os
import random
import signal
import subprocess
import threading

# `make test` kills a few times, to see that the tests themselves hold; `make test-full` until luck is no explanation.
FULL = bool(os.environ.get("CAIRN_TEST_FULL"))
# Where the lengths of pauses begin: `make test-full` takes others each time, and says which.
SEED = int(os.environ.get("CAIRN_TEST_SEED", "0"))


def seeds(rounds):
    """The seeds of some rounds of a test."""
    return range(SEED, SEED + rounds)


def descendants(ancestor, wanted):
    """The processes that descend from a process and whose command line, a list, is wanted."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [(int(pid), int(parent), args.split()) for pid, parent, args in
            (line.split(None, 2) for line in table.splitlines() if len(line.split(None, 2)) == 3)]
    descending, found = {ancestor}, {ancestor}
    while found:
        found = {pid for pid, parent, _ in rows if parent in found} - descending
        descending |= found
    return [pid for pid, _, args in rows if pid in descending and wanted(args)]


def is_adapter(args):
    return "cairn-adapter-" in args[0]


def is_agent(args):
    return os.path.basename(args[0]) == "cairn" and args[1:2] == ["agent"]


def pauses(span, seed):
    """Lengths of pauses, at random between two, the same again for the same seed."""
    chosen = random.Random(seed)
    while True:
        yield chosen.uniform(*span)


class Progress:
    """How far a training has come: it adds a byte to a file with every fit."""

    def __init__(self, path, fits):
        self.path = path
        self._fits = fits

    def begun(self):
        return self.path.exists()

    def amid(self):
        """Whether it has begun, and has a fit yet to do."""
        return self.begun() and self.path.stat().st_size < self._fits


class Killer:
    """Harms what goes on below a process after pauses of random length, from the first fit until the process has ended.

    harm(process) gives how many it killed. The seed makes the pauses the same again; what they hit is the machine's luck,
    so it is counted: `amid` are the kills before the last fit.
    """

    def __init__(self, harm, span, seed, progress, most=10**9):
        self._harm = harm
        self._pauses = pauses(span, seed)
        self._progress = progress
        self._most = most
        self.kills = self.amid = 0

    def __call__(self, process):
        ended = threading.Event()
        threading.Thread(target=lambda: (process.wait(), ended.set()), daemon=True).start()
        while not self._progress.begun() and not ended.wait(0.01):
            pass
        while self.kills < self._most and not ended.wait(next(self._pauses)):
            amid = self._progress.amid()
            killed = self._harm(process)
            self.kills += killed
            self.amid += killed if amid else 0


def below(wanted):
    """Harm to what descends from a process and whose command line is wanted."""
    def harm(process):
        killed = 0
        for pid in descendants(process.pid, wanted):
            try:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass  # it ended by itself in the meantime
        return killed

    return harm
