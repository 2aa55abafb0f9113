"""What the hook remembers: which calls go on, which estimators and predictions it knows, and what a fit has named."""

import functools
import threading
import time
import weakref

from . import cairn


class Local(threading.local):
    depth = 0


class Inner:
    """`with Inner():` marks calls from here on as parts of the one that goes on."""

    def __init__(self, fit=False):
        self._fit = fit

    def __enter__(self):
        recorder.local.depth += 1
        if self._fit:
            recorder.active[id(self)] = True

    def __exit__(self, *exception):
        recorder.local.depth -= 1
        if self._fit:
            recorder.active.pop(id(self), None)
        return False


class Recorder:
    """What the hook remembers of this process."""

    def __init__(self):
        self.local = Local()
        # Fits that go on, in all threads. No lock guards it: a fork in the middle could leave that locked in the child.
        self.active = {}
        self.fits = {}  # id(estimator) → (weak reference, Fit)
        self.predictions = {}  # id(array) → (weak reference, Fit, name of the data, weak reference to the data)

    def know(self, estimator, fit):
        key = id(estimator)
        self.fits[key] = (weakref.ref(estimator, lambda _: self.fits.pop(key, None)), fit)

    def fit_of(self, estimator):
        return self.fits[id(estimator)][1]

    def know_prediction(self, result, fit, name, data, seconds):
        root = result
        while getattr(root, "base", None) is not None and root.base is not data:
            root = root.base
        # A column of a prediction is a view of the array at its root, which often nobody else has.
        for value in (result, root):
            key = id(value)
            try:
                held = weakref.ref(value, functools.partial(self.forget, key))
            except TypeError:
                return  # lists of predictions cannot be recognised later
            self.predictions[key] = (held, fit, name, reference(data), seconds)

    def forget(self, key, _):
        self.predictions.pop(key, None)

    def prediction_among(self, values):
        """The prediction that one of values is, or is a view of: (Fit, name of the data, reference, seconds)."""
        for value in values:
            while value is not None:
                found = self.predictions.get(id(value))
                if found is not None and found[0]() is value:
                    return found[1:]
                value = getattr(value, "base", None)
        return None


class Fit:
    """One top-level fit: its id, the run the user had open, its data and the names that its later metrics have taken."""

    def __init__(self, estimator, run):
        self.id = cairn.new_fit()
        self.run = run
        self.estimator = type(estimator).__name__
        self.X = self.y = self.weight = self.predicted = None
        self.data_name = ""
        self.calls = {}  # metric → number of calls
        self.data = {}  # name → ids of the different data of that name
        self.described = set()
        self.schema = None  # of X, from all of its rows or a sample of them
        self.data_seconds = 0.0  # that the digest of X could take
        self._described_X = reference(None)

    def described_as(self, X, seconds):
        self._described_X, self.data_seconds = reference(X), seconds

    def seconds_for(self, data, seconds):
        """How long the digest of evaluation data may take: that of the training data once more is to come out the same."""
        return max(seconds, self.data_seconds) if data is self._described_X() else seconds

    def emit(self, kind, payload, files=None):
        cairn.emit(kind, fit=self.id, payload=payload, files=files, run=self.run)

    def warn(self, message):
        cairn.warn(message, fit=self.id, run=self.run)

    def name_data(self, value, frame):
        """The name of evaluation data: its variable's, with -2, -3 … for further data of the same name."""
        name = cairn.frames.variable_name(value, frame)
        known = self.data.setdefault(name, [])
        if id(value) not in known:
            known.append(id(value))
        at = known.index(id(value))
        return name if at == 0 else "%s-%d" % (name, at + 1)

    def metric_key(self, metric, data):
        """<metric>[-<n>]_<data>: n counts the calls of the metric for this fit, from the second on."""
        count = self.calls[metric] = self.calls.get(metric, 0) + 1
        return "%s_%s" % (metric if count == 1 else "%s-%d" % (metric, count), data)


class Clock:
    """The time that recording one fit may take."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def spent(self):
        # On a busy machine the wall clock counts others' time, with many threads the processor's counts too much.
        return min(time.perf_counter() - self._wall, time.process_time() - self._cpu)

    def left(self):
        return self.seconds - self.spent()


def reference(value):
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: None


# Of this process.
recorder = Recorder()
