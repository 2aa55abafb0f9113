"""The trained model in MLflow's format."""

import os
import sys
import types

from . import cairn
from .describe import class_name, unwrap


@cairn.guard
def save_model(fit, reference, clock):
    """The model as torch.save writes it, or None."""
    model = reference()
    if model is None:
        fit.warn("the model was not saved: it was gone when the loop ended")
        return None
    torch = sys.modules["torch"]
    module = picklers()
    return cairn.models.written(
        cairn, fit, "data/model.pth", lambda file: torch.save(unwrap(model), file, pickle_module=module), clock
    )


def picklers():
    """cloudpickle in the form that torch.save asks for, so that classes of the user's script are taken along."""
    try:
        import cloudpickle
    except ImportError:
        import pickle

        return pickle
    module = types.ModuleType("mlflow.pytorch.pickle_module")
    module.__dict__.update({name: value for name, value in vars(cloudpickle).items() if not name.startswith("__")})
    module.Pickler = cloudpickle.CloudPickler
    return module


@cairn.guard
def record_model(fit, reference, rows, outputs, saved):
    model = unwrap(reference())
    home = type(model).__module__.partition(".")[0]
    facts = cairn.models.describe(
        saved,
        rows=rows,
        outputs=cairn.tabular.schema(outputs) if outputs is not None else None,
        requirements=cairn.models.versions("torch", "numpy", "cloudpickle", *([] if home in local_modules() else [home])),
        model_class=class_name(model),
        pickle_module=picklers().__name__,
        version=str(sys.modules["torch"].__version__),
    )
    fit.emit("fit.model", facts, files=saved.files)


def local_modules():
    """Top-level modules that belong to the user's script: they are not installed, but imported from its directory."""
    here = os.getcwd()
    files = {name: str(getattr(module, "__file__", None) or "") for name, module in list(sys.modules.items())}
    return {"__main__"} | {name for name, file in files.items() if file.startswith(here) and "site-packages" not in file}
