"""The data of a loop as an input of its run."""

from . import cairn


@cairn.guard
def record_data(fit, data, clock, context="train"):
    """data: a Dataset, or a tensor that batches were taken of."""
    features, targets = parts(data)
    name = type(data).__name__ if not hasattr(data, "detach") else "tensor"
    if features is None:
        size = len(data) if hasattr(data, "__len__") else 0
        kind = type(data).__module__ + "." + name
        fit.emit("data.opaque", {"name": name, "class": kind, "rows": size, "context": context})
        return
    facts = cairn.tabular.describe(features, targets, name, max(clock.left(), 0.01))
    if facts["sampled"]:
        fit.warn("the digest of %s is that of a sample of its rows: reading all takes too long" % name)
    fit.emit("fit.data", dict(facts, context=context))


def parts(data):
    """Features and targets of what holds them in memory; (None, None) for a Dataset that makes its items when asked."""
    subset = getattr(data, "indices", None)
    if subset is not None and hasattr(data, "dataset"):
        features, targets = parts(data.dataset)
        index = list(subset)
        return (cairn.tabular.take(part, index) if part is not None else None for part in (features, targets))
    tensors = getattr(data, "tensors", None)
    if tensors:
        return array(tensors[0]), array(tensors[1]) if len(tensors) > 1 else None
    if hasattr(data, "detach"):
        return array(data), None
    features, targets = getattr(data, "data", None), getattr(data, "targets", None)  # of torchvision's
    if features is not None and hasattr(features, "shape"):
        return array(features), array(targets) if hasattr(targets, "shape") or isinstance(targets, list) else None
    return None, None


def array(value):
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value
