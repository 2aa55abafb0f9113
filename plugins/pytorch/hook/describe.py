"""What the parts of a training are, in words: model, criterion, optimizer, scheduler, loader."""

import sys

from . import cairn

text = cairn.calls.text
torches = cairn.torches
# Settings of PyTorch's that say how to compute, not what.
TECHNICAL = ("foreach", "maximize", "capturable", "differentiable", "fused", "decoupled_weight_decay")


def describe_model(model, seen, optimizer, criterion):
    torch = sys.modules["torch"]
    model = torches.unwrap(model) if model is not None else None
    params = dict(criterion)
    facts = {"estimator": "model", "class": "torch.nn.Module", "version": str(torch.__version__)}
    if optimizer is not None:
        params.update(describe_optimizer(optimizer, 1))
    if model is not None:
        facts.update(estimator=type(model).__name__, **{"class": torches.class_name(model)})
        params.update(torches.sizes(model))
        facts["summary"] = torches.summary(model, seen.shape)
    facts["seeds"] = torches.seeds()
    return dict(facts, params=params)


def describe_optimizer(optimizer, number):
    """Name and settings; of a second optimizer and further ones with their number before them."""
    prefix = "" if number == 1 else "optimizer_%d_" % number
    found = {"optimizer_name" if number == 1 else prefix + "name": type(optimizer).__name__}
    for key, value in optimizer.defaults.items():
        if value is not None and key not in TECHNICAL:
            found[prefix + key] = text(value.item() if hasattr(value, "item") else value)
    return found


def describe_criterion(criterion):
    if criterion is None:
        return {}
    found = {"criterion": type(criterion).__name__}
    for key, value in vars(criterion).items():
        if not key.startswith("_") and key != "training" and isinstance(value, (bool, int, float, str)):
            found["criterion_" + key] = text(value)
    return found


@cairn.guard
def describe_scheduler(scheduler):
    found = {"scheduler_name": type(scheduler).__name__}
    for key, value in vars(scheduler).items():
        if key.startswith("_") or key in ("last_epoch", "verbose", "base_lrs", "optimizer"):
            continue
        if isinstance(value, (bool, int, float, str)) or key == "milestones":
            found["scheduler_" + key] = text(sorted(value) if key == "milestones" else value)
    return {"params": found}


@cairn.guard
def describe_loader(loader):
    found = {"batch_size": text(loader.batch_size), "num_workers": text(loader.num_workers)}
    sampler = type(loader.sampler).__name__
    if sampler in ("RandomSampler", "SequentialSampler"):
        found["shuffle"] = str(sampler == "RandomSampler")
    else:
        found["sampler"] = sampler
    found["drop_last"] = text(loader.drop_last)
    if hasattr(loader.dataset, "__len__"):
        found["dataset_size"] = str(len(loader.dataset))
    return {"params": found}
