"""The time that recording one fit may take."""

import time


class Clock:
    """Counts from its making. seconds: how long the work may take."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def spent(self):
        # On a busy machine the wall clock counts others' time, with many threads the processor's counts too much.
        return min(time.perf_counter() - self._wall, time.process_time() - self._cpu)

    def left(self):
        return self.seconds - self.spent()
