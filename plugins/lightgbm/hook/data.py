"""What a Dataset was made of. LightGBM lets go of it when the training begins, and so does this hook."""

import sys

from . import cairn

# References to data that nobody but the Dataset holds: the Dataset's own, the local variable's and getrefcount's.
OWN_REFERENCES = 3
BEFORE_SECONDS = 0.1


class Data:
    """The data of one Dataset: a few rows, and the facts for its record."""

    def __init__(self, dataset, name):
        self.name = name
        self.rows = self.facts = None
        self._features = self._labels = cairn.fits.reference(None)
        self._take(dataset)

    @cairn.guard
    def _take(self, dataset):
        features, labels = dataset.data, dataset.label
        if not hasattr(features, "shape"):
            return
        self.rows = cairn.tabular.head(features)
        if sys.getrefcount(features) <= OWN_REFERENCES and dataset.free_raw_data:
            self.facts = cairn.tabular.describe(features, labels, self.name, BEFORE_SECONDS)
        self._features, self._labels = cairn.fits.reference(features), cairn.fits.reference(labels)

    @cairn.guard
    def record(self, fit, context, clock):
        """Records the data as an input of the run; gives their schema."""
        facts, features = self.facts, self._features()
        if facts is None and features is not None:
            facts = cairn.tabular.describe(features, self._labels(), self.name, max(clock.left() / 2, 0.01))
        if facts is None:
            return None
        if facts["sampled"]:
            fit.warn("the digest of %s is that of a sample of its rows: reading all takes too long" % self.name)
        fit.emit("fit.data" if context == "train" else "eval.data", dict(facts, context=context))
        return facts["schema"]
