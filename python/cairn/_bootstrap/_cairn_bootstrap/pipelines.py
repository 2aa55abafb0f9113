"""Data that come in batches: what a tf.data pipeline or a DataLoader of PyTorch is made of. Nothing is read of it."""

MAX_STAGES = 100


class Pipeline:
    """stages: what is done to the data, in that order; tensors: what it begins with, where that lies in memory; batch_size
    and batches: None where that is not known."""

    def __init__(self, stages, tensors, batch_size, batches, rows=None):
        self.stages, self.tensors = stages, tensors
        self.batch_size, self.batches = batch_size, batches
        self.rows = rows if rows is not None else (batches or 0) * (batch_size or 1)


def of(value):
    """The Pipeline of a tf.data.Dataset, a DataLoader or a PyDataset; None for anything else."""
    if hasattr(value, "element_spec") and hasattr(value, "_variant_tensor"):
        return _tensorflow(value)
    if hasattr(value, "dataset") and hasattr(value, "sampler"):
        return _torch(value)
    if hasattr(value, "num_batches") and hasattr(value, "__getitem__"):
        batches = value.num_batches
        return Pipeline([type(value).__name__], None, getattr(value, "batch_size", None), batches)
    return None


def _tensorflow(dataset):
    stages, tensors, batch_size = [], None, None
    inner = dataset
    while inner is not None and len(stages) < MAX_STAGES:
        stages.append(type(inner).__name__.strip("_").replace("Dataset", ""))
        if batch_size is None and hasattr(inner, "_batch_size"):
            batch_size = _number(inner._batch_size)
        tensors = getattr(inner, "_tensors", None)
        # A DatasetV1Adapter has what it adapts under another name.
        inner = getattr(inner, "_input_dataset", None) or getattr(inner, "_dataset", None)
    stages.reverse()
    batches = _number(dataset.cardinality())
    rows = None
    if tensors and stages[0] == "TensorSlice":
        rows = int(tensors[0].shape[0])
    return Pipeline(stages, tensors, batch_size, batches if batches is not None and batches >= 0 else None, rows)


def _number(tensor):
    """The number in a tensor; None in one of a graph."""
    return int(tensor.numpy()) if hasattr(tensor, "numpy") else None


def _torch(loader):
    data = loader.dataset
    rows = len(data) if hasattr(data, "__len__") else None
    batches = len(loader) if rows is not None else None
    return Pipeline([type(data).__name__], getattr(data, "tensors", None), loader.batch_size, batches, rows)


def params(pipeline):
    """As params of a run."""
    found = {"data_pipeline": " > ".join(pipeline.stages)}
    if pipeline.batch_size is not None:
        found["batch_size"] = str(pipeline.batch_size)
    if pipeline.batches is not None:
        found["dataset_batches"] = str(pipeline.batches)
    return found


def array(value):
    """A tensor of any framework as an array, without a copy where that can be; what is none stays as it is."""
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if type(value).__module__.partition(".")[0] in ("tensorflow", "jax", "jaxlib") and hasattr(value, "__array__"):
        import numpy

        return numpy.asarray(value)
    return value
