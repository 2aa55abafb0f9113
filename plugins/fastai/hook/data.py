"""The data of a loader as an input of the run."""

from . import cairn


@cairn.guard
def record_data(fit, loader, context, clock):
    data = loader.dataset
    name = type(data).__name__
    if hasattr(data, "xs") and hasattr(data, "ys"):  # tables, as procs made them
        features, targets = data.xs, data.ys
    elif getattr(data, "tensors", None):
        arrays = [tensor.detach().cpu().numpy() for tensor in data.tensors]
        features, targets = arrays[0], arrays[1] if len(arrays) > 1 else None
    else:
        size = len(data) if hasattr(data, "__len__") else 0
        facts = {"name": name, "class": cairn.torches.class_name(data), "rows": size, "context": context}
        fit.emit("data.opaque", facts)
        return
    facts = cairn.tabular.describe(features, targets, name, max(clock.left(), 0.01))
    if facts["sampled"]:
        fit.warn("the digest of %s is that of a sample of its rows: reading all takes too long" % name)
    fit.emit("fit.data", dict(facts, context=context))
