"""Work of ours inside the training leaves no trace there: random numbers, warnings and output are the user's."""

import _thread
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
        self._active = True

    def write(self, text):
        if self._active and _thread.get_ident() == self._thread:
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
        self._random = random.getstate()
        numpy_random = sys.modules.get("numpy.random")
        self._numpy = numpy_random.get_state() if numpy_random is not None else None
        self._states = [(generator, _state(generator)) for generator in self._generators]
        self._filters = warnings.filters
        self._filter = ("ignore", _OnlyThread(), Warning, None, 0)
        self._filters.insert(0, self._filter)
        self._streams = []
        if self._mute:
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if stream is not None:
                    muted = _Muted(stream)
                    setattr(sys, name, muted)
                    self._streams.append((name, stream, muted))
        return self

    def __exit__(self, *exception):
        for name, stream, muted in self._streams:
            muted._active = False
            if getattr(sys, name) is muted:
                setattr(sys, name, stream)
        for at, item in enumerate(self._filters):
            if item is self._filter:
                del self._filters[at]
                break
        for generator, state in self._states:
            _restore(generator, state)
        random.setstate(self._random)
        if self._numpy is not None:
            sys.modules["numpy.random"].set_state(self._numpy)
        return False


def _state(generator):
    bits = getattr(generator, "bit_generator", None)
    return bits.state if bits is not None else generator.get_state()


def _restore(generator, state):
    bits = getattr(generator, "bit_generator", None)
    if bits is not None:
        bits.state = state
    else:
        generator.set_state(state)
