"""What the hook remembers: which estimators and predictions it knows, and what a fit has named."""

import functools
import weakref

from . import cairn


class Recorder:
    """What the hook remembers of this process."""

    def __init__(self):
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
            self.predictions[key] = (held, fit, name, cairn.fits.reference(data), seconds)

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


class Fit(cairn.fits.Fit):
    """One top-level fit with its data, and the names that its later metrics have taken."""

    def __init__(self, estimator):
        super().__init__(cairn, estimator)
        self.specialist = cairn.fits.specialist_of(estimator)
        self.X = self.y = self.weight = self.predicted = None
        self.data_name = ""
        self.calls = {}  # metric → number of calls
        self.data = {}  # name → ids of the different data of that name
        self.described = set()
        self.schema = None  # of X, from all of its rows or a sample of them
        self.data_seconds = 0.0  # that the digest of X could take
        self._described_X = cairn.fits.reference(None)

    def described_as(self, X, seconds):
        self._described_X, self.data_seconds = cairn.fits.reference(X), seconds

    def seconds_for(self, data, seconds):
        """How long the digest of evaluation data may take: that of the training data once more is to come out the same."""
        return max(seconds, self.data_seconds) if data is self._described_X() else seconds

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


# Of this process.
recorder = Recorder()
