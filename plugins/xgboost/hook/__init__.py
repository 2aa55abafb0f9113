"""Cairn's hook for XGBoost: runs inside the training and sends what it sees to the adapter.

What it changes: xgboost.train and xgboost.cv, which get one more callback, and the making of a DMatrix, which is remembered
with the data that it was made of. Estimators of xgboost.sklearn are fitted under scikit-learn's hook; here stands what is
special about them.
"""

import sys

from .data import remember
from .estimators import Specialist
from .training import begin


def install(cairn):
    """Called once, right after xgboost.training has been executed."""
    training, core = sys.modules["xgboost.training"], sys.modules["xgboost.core"]
    cairn.fits.specialize("xgboost", Specialist())
    for name in ("DMatrix", "QuantileDMatrix", "ExtMemQuantileDMatrix"):
        kind = getattr(core, name, None)
        if kind is not None and "__init__" in vars(kind):
            kind.__init__ = remember(kind.__init__)
    for name in ("train", "cv"):
        original = getattr(training, name)
        wrapper = cairn.calls.watched(original, begin)
        setattr(training, name, wrapper)
        cairn.patch.everywhere(original, wrapper)
