"""Which fits go on in this process, whatever adapter records them.

The outermost call is the one that is recorded; what runs inside belongs to it. A hook asks nested() before it opens a fit,
and marks the user's call with `with inside(fit, training=True):`.
"""

import itertools
import sys
import threading
import weakref

_ids = itertools.count(1)


def new_id():
    """An id for a top-level fit, unique in this process."""
    return "f%d" % next(_ids)


class _Local(threading.local):
    def __init__(self):
        self.calls = []  # the fits that go on in this thread, outermost first; None for a call that is no fit


_local = _Local()
# Fits that go on, in all threads. No lock guards it: a fork in the middle could leave that locked in the child.
_active = {}
# Top-level package → Specialist
_specialists = {}


class Fit:
    """One top-level fit or training loop: its id, the run the user had open when it began, and what is fitted."""

    def __init__(self, cairn, subject=None):
        self.id = cairn.new_fit()
        self.run = cairn.active_run()
        self.subject = reference(subject)
        self._cairn = cairn

    def emit(self, kind, payload=None, files=None):
        self._cairn.emit(kind, fit=self.id, payload=payload, files=files, run=self.run)

    def warn(self, message):
        self._cairn.warn(message, fit=self.id, run=self.run)

    def seen_by(self, cairn):
        """This fit for another adapter's observations: they go to the same run."""
        return Part(cairn, self)


class Part(Fit):
    """What one adapter adds to a fit that another opened."""

    def __init__(self, cairn, whole):
        self.id, self.run, self.subject = whole.id, whole.run, whole.subject
        self._cairn = cairn


class inside:
    """`with inside(fit, training=True):` marks calls from here on as parts of the one that goes on.

    fit is None when that is no fit, or one that could not be recorded. training: threads that the call starts belong to it.
    """

    def __init__(self, fit=None, training=False):
        self._fit = fit
        self._training = training

    def __enter__(self):
        _local.calls.append(self._fit)
        if self._training:
            _active[id(self)] = True

    def __exit__(self, *exception):
        _local.calls.pop()
        if self._training:
            _active.pop(id(self), None)
        return False


def depth():
    """How many of the calls that go on in this thread are known to hooks."""
    return len(_local.calls)


def enclosing():
    """The innermost fit that goes on in this thread, or None."""
    for fit in reversed(_local.calls):
        if fit is not None:
            return fit
    return None


def nested(worker):
    """True inside another call: in the same thread, or in a thread or a child process that scikit-learn works with.

    worker: whether this process is a child of a training.
    """
    from . import frames

    if _local.calls:
        return True
    here = sys._getframe(1)
    if _active and frames.inside(here, "sklearn.utils.parallel"):
        return True
    return worker and frames.inside(here, "joblib.parallel")


def specialize(package, specialist):
    """Has a hook say what is special about estimators of a package, to the hook that records their fits."""
    _specialists[package] = specialist


def specialist(package):
    """What specialize() was told of a package; None if nothing."""
    return _specialists.get(package)


def specialist_of(estimator):
    """The specialist for an estimator's class or the nearest of its bases that has one; None if none has."""
    if _specialists:
        for cls in type(estimator).__mro__:
            found = _specialists.get(cls.__module__.partition(".")[0])
            if found is not None:
                return found
    return None


def last_step(estimator, package):
    """True for an estimator of a package whose fit goes on, and for a pipeline that ends with one: what happens in it is the
    run's. In a search or an ensemble many are trained, and their rounds would mix."""
    if hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    return estimator is not None and specialist_of(estimator) is _specialists.get(package)


def reference(value):
    """A weak reference; for what takes none, and for None, a function that gives None."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: None
