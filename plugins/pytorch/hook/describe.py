"""What the parts of a training are, in words: model, criterion, optimizer, scheduler, loader."""

import sys

from . import cairn

text = cairn.calls.text
MAX_LINES = 2000
# Settings of PyTorch's that say how to compute, not what.
TECHNICAL = ("foreach", "maximize", "capturable", "differentiable", "fused", "decoupled_weight_decay")
UNSEEDED = 67280421310721  # of a generator that nobody touched


def describe_model(model, seen, optimizer, criterion):
    torch = sys.modules["torch"]
    model = unwrap(model) if model is not None else None
    params = dict(criterion)
    facts = {"estimator": "model", "class": "torch.nn.Module", "version": str(torch.__version__)}
    if optimizer is not None:
        params.update(describe_optimizer(optimizer, 1))
    if model is not None:
        facts.update(estimator=type(model).__name__, **{"class": class_name(model)})
        parameters = list(model.parameters())
        params["model"] = type(model).__name__
        params["n_parameters"] = str(sum(p.numel() for p in parameters))
        params["n_trainable_parameters"] = str(sum(p.numel() for p in parameters if p.requires_grad))
        params["device"] = str(parameters[0].device) if parameters else "cpu"
        facts["summary"] = summary(model, seen)
    seed = torch.initial_seed()
    facts["seeds"] = {"torch": str(seed)} if seed != UNSEEDED else {}
    return dict(facts, params=params)


def unwrap(model):
    """The user's own module, inside what DistributedDataParallel and torch.compile make of it."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and type(model).__name__ in ("DistributedDataParallel", "DataParallel"):
            inner = model.module
        if inner is None:
            return model
        model = inner


def class_name(value):
    return type(value).__module__ + "." + type(value).__name__


def summary(model, seen):
    """A table of the modules, each with the shape of what it gave and its own parameters."""
    lines = [("module", "class", "output", "parameters")]
    for name, module in model.named_modules():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        shape = seen.shape(module)
        lines.append((name or "(model)", type(module).__name__, "x".join(map(str, shape)) if shape else "", str(own)))
        if len(lines) > MAX_LINES:
            lines.append(("…", "", "", ""))
            break
    widths = [max(len(line[at]) for line in lines) for at in range(4)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    total = sum(p.numel() for p in model.parameters())
    return "\n".join([*table, "", "%d parameters" % total, ""])


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
