"""What the hook remembers: the models that it knows, and what was recorded of each."""

import weakref

from . import cairn


class Known:
    """A model and its last fit."""

    def __init__(self, fit, fits):
        self.fit, self.fits = fit, fits
        self.epochs = None  # of the fit that goes on, or the last
        self.described = set()  # data that are inputs of the run already
        self._calls = {}  # metric → number of calls
        self.evaluations = self.predictions = 0
        self._data = {}  # name → ids of the different data of that name
        self._warned = set()

    def name_data(self, value, frame):
        """The name of data: the variable's, with -2, -3 … for further data of the same name."""
        name = cairn.frames.variable_name(value, frame)
        known = self._data.setdefault(name, [])
        if id(value) not in known:
            known.append(id(value))
        at = known.index(id(value))
        return name if at == 0 else "%s-%d" % (name, at + 1)

    def metric_key(self, metric, data):
        """<metric>[-<n>]_<data>, as scikit-learn's later metrics: n counts the calls, from the second on."""
        count = self._calls[metric] = self._calls.get(metric, 0) + 1
        return "%s_%s" % (metric if count == 1 else "%s-%d" % (metric, count), data)

    def warn_once(self, text):
        if text not in self._warned:
            self._warned.add(text)
            self.fit.warn(text)


class Memory:
    """Of this process."""

    def __init__(self):
        self._known = {}  # id(model) → (weak reference, Known)

    def know(self, model, fit, fits):
        key = id(model)
        known = Known(fit, fits)
        self._known[key] = (weakref.ref(model, lambda _: self._known.pop(key, None)), known)
        return known

    def of(self, model):
        held, known = self._known.get(id(model), (None, None))
        return known if held is not None and held() is model else None


memory = Memory()
