"""Work of ours inside the training leaves no trace there: random numbers, warnings and output are the user's."""

import _thread
import functools
import random
import re
import sys
import warnings


class _OnlyThread:
    """In place of a warning filter's pattern: matches every text, but only on one thread, so that the warnings of the
    user's other threads are shown meanwhile."""

    # Frameworks copy the filters to where they do parts of our work, by this attribute or by pickle: a pattern that
    # matches every text.
    pattern = ""

    def __init__(self):
        self._thread = _thread.get_ident()

    def match(self, text):
        return _thread.get_ident() == self._thread

    def __reduce__(self):
        return re.compile, ("",)


class _Muted:
    """A stream that swallows what one thread writes and hands everything else on."""

    def __init__(self, stream):
        self._stream = stream
        self._thread = _thread.get_ident()
        self.active = True

    def write(self, text):
        if self.active and _thread.get_ident() == self._thread:
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


class work:
    """`with work(generators, mute=True):` runs code whose effects nobody sees afterwards.

    generators: numpy RandomState or Generator objects of the user's that the code may draw from. mute: also swallow what
    is printed, for estimators that print.

    The warning filter is added to the list itself: warnings.catch_warnings would make Python forget which of the user's
    warnings it has shown, and they would show twice.
    """

    def __init__(self, generators=(), mute=False):
        self._generators = generators
        self._mute = mute

    def __enter__(self):
        self._undo = []
        try:
            self._enter()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _enter(self):
        undo = self._undo.append
        state = random.getstate()
        undo(lambda: random.setstate(state))
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is not None:
            numpy_state = numpy_random.get_state()
            undo(lambda: numpy_random.set_state(numpy_state))
        for generator in self._generators:
            undo(functools.partial(_restore, generator, _state(generator)))
        filters, ours = warnings.filters, ("ignore", _OnlyThread(), Warning, None, 0)
        filters.insert(0, ours)
        undo(functools.partial(_remove, filters, ours))
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if self._mute and stream is not None:
                muted = _Muted(stream)
                setattr(sys, name, muted)
                undo(functools.partial(_unmute, name, muted, stream))

    def __exit__(self, *exception):
        failed = None
        while self._undo:
            try:
                self._undo.pop()()
            except Exception as error:  # the others are undone all the same
                failed = error
        if failed is not None:
            raise failed
        return False


def _remove(filters, ours):
    for at, item in enumerate(filters):
        if item is ours:
            del filters[at]
            return


def _unmute(name, muted, stream):
    muted.active = False
    if getattr(sys, name) is muted:
        setattr(sys, name, stream)


def _state(generator):
    bits = getattr(generator, "bit_generator", None)
    return bits.state if bits is not None else generator.get_state()


def _restore(generator, state):
    bits = getattr(generator, "bit_generator", None)
    if bits is not None:
        bits.state = state
    else:
        generator.set_state(state)
