"""What a DMatrix was made of: its own form is not that in which the user knows the data."""

import functools
import weakref

from . import cairn

_known = {}  # id(DMatrix) → (weak reference to it, reference to the features, reference to the labels)


def remember(original):
    @functools.wraps(original)
    def __init__(self, data, label=None, *args, **kwargs):
        original(self, data, label, *args, **kwargs)
        keep(self, data, label)

    return __init__


@cairn.guard
def keep(matrix, data, label):
    key = id(matrix)
    forget = functools.partial(_known.pop, key)
    held = weakref.ref(matrix, lambda _: forget(None))
    _known[key] = (held, cairn.fits.reference(data), cairn.fits.reference(label))


def source(matrix):
    """Features and labels that a DMatrix was made of, each None if it is gone."""
    held, features, labels = _known.get(id(matrix), (None, None, None))
    if held is None or held() is not matrix:
        return None, None
    return features(), labels()


@cairn.guard
def record_data(fit, matrix, name, context, clock):
    """Records a DMatrix as an input of the run; gives the features, if the user still has them, and their schema."""
    features, labels = source(matrix)
    seconds = max(clock.left() / 2, 0.01)
    if not hasattr(features, "shape"):
        if matrix.num_row() * matrix.num_col() * 8 / 3e8 > seconds:
            fit.warn("the data %s were not described: reading them out of the DMatrix takes too long" % name)
            return None
        features = matrix.get_data()
    if labels is None or cairn.tabular.rows(labels) != cairn.tabular.rows(features):
        found = matrix.get_label()
        labels = found if len(found) else None
    facts = cairn.tabular.describe(features, labels, name, seconds)
    if facts["sampled"]:
        fit.warn("the digest of %s is that of a sample of its rows: reading all takes too long" % name)
    fit.emit("fit.data" if context == "train" else "eval.data", dict(facts, context=context))
    return facts["schema"]


@cairn.guard
def first_rows(matrix):
    """A few rows as an example: in the user's own form, or what the DMatrix holds of them where that is gone."""
    features, _ = source(matrix)
    if features is not None and hasattr(features, "__getitem__"):
        return cairn.tabular.head(features)
    count = min(matrix.num_row(), cairn.tabular.EXAMPLE_ROWS)
    rows = matrix.slice(list(range(count)), allow_groups=True).get_data().toarray()
    if not matrix.feature_names:
        return rows
    # A booster that knows names takes data with names alone.
    pandas = cairn.module("pandas")
    return pandas.DataFrame(rows, columns=matrix.feature_names) if pandas is not None else None
