"""What is known of a tf.function that takes gradients: which of the values that it gives are losses."""

import sys

from . import cairn

MAX_LOSSES = 20


class Traced:
    def __init__(self, function):
        self.function = cairn.fits.reference(function)
        self.variables = []
        self.frame = None  # of the trace, where the model is to be found; let go of at the first call
        self.optimizers = []
        self._losses = []  # (tensor of the graph, name)
        self._names = None  # of the values that it gives, None for those that are no losses

    def add(self, target, variables, frame):
        known = {id(variable) for variable in self.variables}
        self.variables += [variable for variable in variables if id(variable) not in known]
        self.frame = users_frame(frame)
        self._names = None
        if len(self._losses) < MAX_LOSSES:
            self._losses.append((target, name_of(target, frame)))

    def values(self, result):
        """[(name, tensor), …] of a call's result: the losses, and whatever has a name in a dict."""
        nest = sys.modules["tensorflow.python.util.nest"]
        flat = nest.flatten(result)
        if self._names is None or len(self._names) != len(flat):
            self._names = self._match(nest, result, flat)
        return [(name, value) for name, value in zip(self._names, flat) if name is not None and is_scalar(value)]

    def _match(self, nest, result, flat):
        names = [None] * len(flat)
        if isinstance(result, dict):
            paths = nest.flatten_with_joined_string_paths(result)
            names = [str(path) for path, _ in paths]
        for target, name in self._losses:
            outputs = self._outputs(nest, target)
            for at, output in enumerate(outputs if len(outputs) == len(flat) else ()):
                if names[at] is None and origin(output) is target:
                    names[at] = name if name not in names else "%s_%d" % (name, at)
        return names

    @staticmethod
    def _outputs(nest, target):
        """What the outermost function of a tensor's graph gives."""
        graph = target.graph
        while hasattr(getattr(graph, "outer_graph", None), "structured_outputs"):
            graph = graph.outer_graph
        return nest.flatten(graph.structured_outputs) if graph.structured_outputs is not None else []


def origin(tensor):
    """What a function's output was before TensorFlow marked it as one."""
    operation = getattr(tensor, "op", None)
    return operation.inputs[0] if operation is not None and operation.type == "Identity" else tensor


def is_scalar(value):
    return hasattr(value, "numpy") and value.shape.rank == 0 and (value.dtype.is_floating or value.dtype.is_integer)


def users_frame(frame):
    """The first frame outwards that is none of TensorFlow's or Keras' own."""
    while frame is not None:
        home = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if home not in ("tensorflow", "keras") and not frame.f_code.co_name.startswith("tf__"):
            return frame
        frame = frame.f_back
    return None


def name_of(value, frame, limit=20):
    """The name of the variable that holds a value, "loss" if none does. Between a function that AutoGraph made of the user's
    and what it calls lie frames of TensorFlow's."""
    while frame is not None and limit:
        for name, held in frame.f_locals.items():
            if held is value and name not in ("target", "tensor", "value", "self"):
                return name
        frame, limit = frame.f_back, limit - 1
    return "loss"
