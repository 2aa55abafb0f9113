"""Cairn's hook for scikit-learn: runs inside the training and sends what it sees to the adapter.

What it changes: the methods fit, predict, score and their like of every class below BaseEstimator, the functions of
sklearn.metrics, scorers, and the cross-validation functions. What it never changes: a result, a random number, an
exception, a line of output, how classes pickle. Each wrapper calls the user's method exactly once with the user's
arguments; all that is ours stands before or after it, under `cairn.guard`.
"""

import sys

from .wrapping import wrap_after_output, wrap_class, wrap_cross_validation, wrap_metrics, wrap_scorers


def install(cairn):
    """Called once, right after sklearn.base has been executed."""
    base = sys.modules["sklearn.base"].BaseEstimator

    def __init_subclass__(cls, **kwargs):
        super(base, cls).__init_subclass__(**kwargs)
        wrap_class(cls)

    base.__init_subclass__ = classmethod(__init_subclass__)
    wrap_after_output(sys.modules.get("sklearn.utils._set_output"))
    waiting = [base]
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        wrap_class(cls)
    cairn.after_import("sklearn.metrics", wrap_metrics)
    cairn.after_import("sklearn.metrics._scorer", wrap_scorers)
    cairn.after_import("sklearn.model_selection._validation", wrap_cross_validation)
