"""The trained model in MLflow's format."""

from . import cairn


@cairn.guard
def save_model(fit, reference, clock):
    """The model as torch.save writes it, or None."""
    model = reference()
    if model is None:
        fit.warn("the model was not saved: it was gone when the loop ended")
        return None
    return cairn.torches.saved(cairn, fit, model, clock)


@cairn.guard
def record_model(fit, reference, rows, outputs, saved):
    fit.emit("fit.model", cairn.torches.facts(cairn, reference(), saved, rows, outputs), files=saved.files)
