"""Ends processes that a test started, or that those started, with SIGKILL, again and again."""

import os
import random
import signal
import subprocess
import threading

# `make test` kills a few times, to see that the tests themselves hold; `make test-full` until luck is no explanation.
FULL = bool(os.environ.get("CAIRN_TEST_FULL"))


def below(ancestor, wanted):
    """The processes that descend from ancestor and whose command line, a list, is wanted."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [(int(pid), int(parent), args.split()) for pid, parent, args in
            (line.split(None, 2) for line in table.splitlines() if len(line.split(None, 2)) == 3)]
    descendants, found = {ancestor}, {ancestor}
    while found:
        found = {pid for pid, parent, _ in rows if parent in found} - descendants
        descendants |= found
    return [pid for pid, _, args in rows if pid in descendants and wanted(args)]


def adapter(args):
    return "cairn-adapter-" in args[0]


def agent(args):
    return os.path.basename(args[0]) == "cairn" and args[1:2] == ["agent"]


def pauses(span, seed):
    """Lengths of pauses, at random between two, the same again for the same seed."""
    chosen = random.Random(seed)
    while True:
        yield chosen.uniform(*span)


class Killer:
    """Kills what is wanted below a process, after pauses of random length, until that process has ended.

    after: not before there is this file. most: so many kills at most. The seed makes the pauses the same again; what they
    hit is the machine's luck.
    """

    def __init__(self, wanted, span, seed, after, most=10**9):
        self._wanted = wanted
        self._pauses = pauses(span, seed)
        self._after = after
        self._most = most
        self.kills = 0

    def __call__(self, process):
        ended = threading.Event()
        waiting = threading.Thread(target=lambda: (process.wait(), ended.set()), daemon=True)
        waiting.start()
        while not self._after.exists() and not ended.wait(0.01):
            pass
        while self.kills < self._most and not ended.wait(next(self._pauses)):
            for pid in below(process.pid, self._wanted):
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
                except ProcessLookupError:
                    pass  # it ended by itself in the meantime
