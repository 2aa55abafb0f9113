"""The trained model in Keras' own format."""

import sys

from . import cairn
from .describe import class_name
from .light import light

FILE = "data/model.keras"
SAVE_RATE = 1e8  # bytes a second that may safely be assumed


@cairn.guard
def save_model(fit, model, clock):
    """Saves it as a .keras file, which MLflow loads without unpickling anything: a Saved, or None."""
    size = sum(weight.nbytes if hasattr(weight, "nbytes") else 4 * count(weight) for weight in model.weights)
    if size / SAVE_RATE > clock.left():
        if cairn.models.wanted(cairn):
            fit.warn("the model was not saved: writing %d bytes takes longer than %.2g s" % (size, clock.seconds))
        return None
    if size > cairn.models.limit(cairn):
        fit.warn("the model was not saved: it is larger than %d bytes" % cairn.models.limit(cairn))
        return None
    with light():
        return cairn.models.saved(cairn, fit, FILE, model.save)


def count(weight):
    total = 1
    for size in weight.shape:
        total *= size
    return total


@cairn.guard
def record_model(fit, model, rows, schema, saved):
    backend = sys.modules["keras.src.backend"].backend()
    needed = ["keras", "numpy", backend] + (["pandas"] if cairn.tabular.is_frame(rows) else [])
    facts = cairn.models.describe(
        saved,
        rows=rows,
        whole=schema,
        outputs=outputs(model),
        requirements=cairn.models.versions(*needed),
        model_class=class_name(model),
        version=sys.modules["keras"].__version__,
        backend=backend,
    )
    fit.emit("fit.model", facts, files=saved.files)


@cairn.guard
def outputs(model):
    """The schema of the one output of a model that was made of its inputs and outputs; None for others."""
    found = getattr(model, "outputs", None)
    if not found or len(found) != 1:
        return None
    shape = [-1 if size is None else int(size) for size in found[0].shape]
    return {"tensor": {"dtype": str(found[0].dtype), "shape": shape}}
