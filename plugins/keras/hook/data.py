"""The data of a call as inputs of its run."""

from . import cairn

pipelines, tabular = cairn.pipelines, cairn.tabular
MAX_PARTS = 20


class Data:
    """What a call was given as x and y."""

    def __init__(self, x, y, context, frame, name=None):
        self.x, self.y, self.context = x, y, context
        self.name = name or cairn.frames.variable_name(x, frame)
        self._pipeline = cairn.guard(pipelines.of)(x)

    def key(self):
        """Tells data apart, as long as they live."""
        return id(self.x), id(self.y)

    @cairn.guard
    def record_pipeline(self, fit):
        if self._pipeline is not None:
            fit.emit("fit.params", {"params": pipelines.params(self._pipeline)})

    @cairn.guard
    def record(self, fit, clock):
        """Records them; gives the schema of the features, where there is one array or table of them."""
        with cairn.quiet.work():
            parts = self._parts()
            if parts is None:
                rows = self._pipeline.rows if self._pipeline is not None else 0
                kind = type(self.x)
                facts = {"name": self.name, "class": kind.__module__ + "." + kind.__name__, "rows": rows}
                fit.emit("data.opaque", dict(facts, context=self.context))
                return None
            schemas = [self._record_part(fit, *part, max(clock.left() / len(parts), 0.01)) for part in parts[:MAX_PARTS]]
        return schemas[0] if len(parts) == 1 else None

    def _record_part(self, fit, name, features, targets, seconds):
        facts = tabular.describe(features, targets, name, seconds)
        if facts["sampled"]:
            fit.warn("the digest of %s is that of a sample of its rows: reading all takes too long" % name)
        fit.emit("fit.data" if self.context == "train" else "eval.data", dict(facts, context=self.context))
        return facts["schema"]

    def _parts(self):
        """[(name, features, targets), …], several where a model takes several inputs; None where they are not at hand."""
        x, y = self.x, self.y
        if self._pipeline is not None:
            tensors = self._pipeline.tensors
            if not tensors:
                return None
            x, y = tensors[0], tensors[1] if len(tensors) > 1 else None
        if isinstance(x, dict):
            named = [("%s[%s]" % (self.name, key), value) for key, value in x.items()]
        elif isinstance(x, (list, tuple)) and x and all(hasattr(value, "shape") for value in x):
            named = [("%s[%d]" % (self.name, at), value) for at, value in enumerate(x)]
        else:
            named = [(self.name, x)]
        if not all(hasattr(value, "shape") or isinstance(value, (list, tuple)) for _, value in named):
            return None
        first = pipelines.array(y) if hasattr(y, "shape") or isinstance(y, list) else None
        parts = [(name, pipelines.array(value), first if at == 0 else None) for at, (name, value) in enumerate(named)]
        if isinstance(y, dict):
            parts += [("%s targets[%s]" % (self.name, key), pipelines.array(value), None) for key, value in y.items()]
        return parts

    @cairn.guard
    def rows(self):
        """A few rows, where there is one array or table of features."""
        parts = self._parts()
        return tabular.head(parts[0][1]) if parts and len(parts) == 1 else None
