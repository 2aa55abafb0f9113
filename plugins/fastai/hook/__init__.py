"""Cairn's hook for fastai: runs inside the training and sends what it sees to the adapter.

What it changes: fit and its variants, validate and lr_find, which are watched; Learner.save, after which the file is
recorded; and the place through which a Learner tells its callbacks what goes on. No callback of ours is among the user's:
they would be exported with the Learner.
"""

import sys

from . import cairn, learners
from .training import begin_fit, begin_validate

VARIANTS = ("fit", "fit_one_cycle", "fit_flat_cos", "fit_sgdr", "fine_tune")


def install(cairn):
    """Called once, right after fastai.learner has been executed."""
    if cairn.worker:
        return
    learner = sys.modules["fastai.learner"].Learner
    learner._call_one = learners.telling(learner._call_one)
    learner.save = learners.saving(learner.save)
    learner.validate = cairn.calls.watched(learner.validate, begin_validate)
    learner.fit = cairn.calls.watched(learner.fit, begin_fit)
    cairn.after_import("fastai.callback.schedule", schedules)


def schedules(module):
    learner = sys.modules["fastai.learner"].Learner
    for name in VARIANTS[1:]:
        if hasattr(learner, name):
            setattr(learner, name, cairn.calls.watched(getattr(learner, name), begin_fit))
    if hasattr(learner, "lr_find"):
        learner.lr_find = learners.aside(learner.lr_find)
