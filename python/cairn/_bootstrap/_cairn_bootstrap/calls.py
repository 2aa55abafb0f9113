"""A library's call that trains: the user's call in the middle, ours guarded around it."""

import functools
import sys
import time

from . import fits

MAX_TEXT = 6000


def watched(original, begin):
    """original, with a Watch around each call of it.

    begin(original, args, kwargs, frame) gives the Watch; None, also where it fails, means: as if Cairn were not there.
    """

    @functools.wraps(original)
    def call(*args, **kwargs):
        watch = begin(original, args, kwargs, sys._getframe(1))
        if watch is None:
            return original(*args, **kwargs)
        try:
            with fits.inside(watch.fit, training=True):
                result = original(*watch.args, **watch.kwargs)
        except BaseException as error:
            watch.fail(error)
            raise
        watch.end(result)
        return result

    return call


class Watch:
    """What is recorded of one call. args and kwargs are those that the library's function is called with.

    A hook overrides examine and conclude, which are guarded: they may fail.
    """

    def __init__(self, cairn, fit, args, kwargs):
        self.cairn, self.fit = cairn, fit
        self.args, self.kwargs = args, kwargs
        self.seconds = 0.0
        self._started = time.perf_counter()

    def examine(self, result, clock):
        """Records what came of a call that succeeded, before the fit ends. Isolated from the user's random numbers."""

    def conclude(self):
        """Sends what was collected, and lets go of the user's data; called however the call ends."""

    def fail(self, error):
        self.seconds = time.perf_counter() - self._started
        self.cairn.guard(self.conclude)()
        self.cairn.guard(self._failed)(error)

    def _failed(self, error):
        said = "%s: %s" % (type(error).__name__, text(error))
        self.fit.emit("fit.end", {"status": "FAILED", "seconds": self.seconds, "error": said})

    def end(self, result):
        self.seconds = time.perf_counter() - self._started
        self.cairn.guard(self._examine)(result)
        self.cairn.guard(self.conclude)()
        self.cairn.guard(self._ended)()

    def _examine(self, result):
        from . import quiet

        with fits.inside(), quiet.work():
            self.examine(result, self.cairn.Clock(self.cairn.budget(self.seconds)))

    def _ended(self):
        self.fit.emit("fit.end", {"status": "FINISHED", "seconds": self.seconds})


class PartWatch(Watch):
    """A call inside a fit that another hook records: what is told of it belongs to that, which ends by itself."""

    def __init__(self, cairn, enclosing, args, kwargs):
        super().__init__(cairn, None, args, kwargs)
        self.part = enclosing.seen_by(cairn)

    def _failed(self, error):
        pass

    def _ended(self):
        pass


def text(value):
    """A setting as text: what can be called by its name, anything else as it prints."""
    name = getattr(value, "__name__", None)
    return str(name if callable(value) and name else value)[:MAX_TEXT]
