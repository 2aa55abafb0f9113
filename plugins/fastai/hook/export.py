"""The trained model as mlflow.pytorch loads it, with the exported Learner beside it, as load_learner does."""

import copy
import sys

from . import cairn

torches = cairn.torches


@cairn.guard
def save(fit, learner, recorder, clock):
    saved = torches.saved(cairn, fit, learner.model, clock)
    if saved is None:
        return
    exported = export(fit, learner, clock)
    if exported is not None:
        saved.files.update(exported.files)
        saved.size += exported.size
    facts = torches.facts(cairn, learner.model, saved, recorder.rows, recorder.outputs, needs=("fastai",))
    fit.emit("fit.model", facts, files=saved.files)


@cairn.guard
def export(fit, learner, clock):
    """What Learner.export writes. That takes the Learner apart and puts it together anew; this is done with a copy of it."""
    if not all(hasattr(loader.dataset, "new_empty") for loader in learner.dls.loaders):
        return None  # Learner.export cannot take its data out either
    torch = sys.modules["torch"]
    alone = copy.copy(learner)
    alone.dls, alone.opt = learner.dls.new_empty(), None
    alone.cbs = type(learner.cbs)()
    for callback in learner.cbs:
        twin = copy.copy(callback)
        vars(twin)["learn"] = alone
        alone.cbs.append(twin)
        vars(alone)[callback.name] = twin
    module = torches.picklers()
    return cairn.models.written(
        cairn, fit, "data/learner.pkl", lambda file: torch.save(alone, file, pickle_module=module), clock
    )
