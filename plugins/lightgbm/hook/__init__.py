"""Cairn's hook for LightGBM: runs inside the training and sends what it sees to the adapter.

What it changes: lightgbm.train and lightgbm.cv, which get one more callback. Estimators of lightgbm.sklearn are fitted under
scikit-learn's hook; here stands what is special about them.
"""

import sys

from .estimators import Specialist
from .training import begin


def install(cairn):
    """Called once, right after lightgbm.engine has been executed."""
    engine = sys.modules["lightgbm.engine"]
    cairn.fits.specialize("lightgbm", Specialist())
    for name in ("train", "cv"):
        original = getattr(engine, name)
        wrapper = cairn.calls.watched(original, begin)
        setattr(engine, name, wrapper)
        cairn.patch.everywhere(original, wrapper)
