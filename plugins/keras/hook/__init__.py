"""Cairn's hook for Keras 3, on whichever backend: runs inside the training and sends what it sees to the adapter.

What it changes: fit and evaluate of models, which get one more callback; predict, and the saving of models and weights,
which are told of. Validation and predictions inside a fit are the fit's own, and not told twice.
"""

import sys

from . import later, saving, specialist, training


def install(cairn):
    """Called once, right after keras.src.models.model has been executed."""
    model = sys.modules["keras.src.models.model"].Model
    cairn.fits.specialize("keras.Model", specialist.Specialist(model))
    for name, begin in (("fit", training.begin), ("evaluate", later.begin_evaluation), ("predict", later.begin_prediction)):
        owner = next((cls for cls in model.__mro__ if name in vars(cls)), None)
        if owner is not None:
            setattr(owner, name, cairn.calls.watched(vars(owner)[name], begin))
    for name in ("save", "save_weights"):
        setattr(model, name, saving.saving(getattr(model, name)))
