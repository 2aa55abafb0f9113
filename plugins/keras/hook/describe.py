"""What is trained, and how, in words."""

import inspect
import sys

from . import cairn

text = cairn.calls.text
MAX_SUMMARY = 1 << 18
MAX_ARCHITECTURE = 1 << 20
# Arguments of fit that are params where they are set; MLflow has the same names.
SETTINGS = (
    "batch_size", "epochs", "validation_split", "shuffle", "class_weight", "initial_epoch", "steps_per_epoch",
    "validation_steps", "validation_batch_size", "validation_freq",
)


def class_name(value):
    return type(value).__module__ + "." + type(value).__name__


def describe_fit(model, given, signature, callbacks):
    """Before the fit: its arguments, and what was compiled."""
    facts = describe_model(model)
    params = facts["params"]
    for name in SETTINGS:
        value = given.get(name)
        if value is not None and (name == "epochs" or value != signature.parameters[name].default):
            params[name] = text(value)
    params.setdefault("epochs", text(signature.parameters["epochs"].default))
    if hasattr(given.get("x"), "shape"):
        params.setdefault("batch_size", "32")  # Keras' own, where arrays are given and no size
    if given.get("sample_weight") is not None:
        params["sample_weight"] = "True"
    params.update(describe_callbacks(callbacks) or {})
    return facts


def describe_model(model):
    facts = {
        "estimator": type(model).__name__,
        "class": class_name(model),
        "version": sys.modules["keras"].__version__,
        "params": {"model_name": str(model.name), "backend": sys.modules["keras.src.backend"].backend()},
        "seeds": seeds(),
    }
    for described in (describe_optimizer(model), describe_compiled(model)):
        facts["params"].update(described or {})
    return facts


UNSEEDED = 67280421310721  # of PyTorch's generator, while nobody seeded it


def seeds():
    """Of keras.utils.set_random_seed, if it was called, else of the backend's own."""
    state = sys.modules.get("keras.src.backend.common.global_state")
    seed = state.get_global_attribute("global_random_seed") if state is not None else None
    if seed is not None:
        return {"seed": str(seed)}
    backend = sys.modules["keras.src.backend"].backend()
    if backend == "torch":
        seed = sys.modules["torch"].initial_seed()
        return {"torch": str(seed)} if seed != UNSEEDED else {}
    if backend == "tensorflow":
        seed = sys.modules["tensorflow.python.eager.context"].global_seed()
        return {"tensorflow": str(seed)} if seed is not None else {}
    return {}


@cairn.guard
def describe_optimizer(model):
    """Its settings, of a schedule of the learning rate those too."""
    optimizer = getattr(model, "optimizer", None)
    return optimizer_params(optimizer, "optimizer_") if optimizer is not None else {}


def optimizer_params(optimizer, prefix):
    found = {prefix + "name": type(optimizer).__name__}
    for key, value in optimizer.get_config().items():
        if key != "name" and value is not None and not (key == "ema_momentum" and not optimizer.use_ema):
            settle(found, prefix + key, value)
    return found


def settle(found, key, value):
    """A value of a configuration; of an object in it, its class and its own configuration."""
    if isinstance(value, dict) and "class_name" in value:
        found[key] = str(value["class_name"])
        for name, inner in (value.get("config") or {}).items():
            if name != "name" and inner is not None:
                settle(found, "%s_%s" % (key, name), inner)
    elif isinstance(value, float):
        found[key] = short(value)
    else:
        found[key] = text(value)


def short(value):
    """A float that lay in 32 bits as it was written: 0.001, not 0.0010000000474974513."""
    import numpy

    narrow = numpy.float32(value)
    return str(narrow) if float(narrow) == value else str(value)


@cairn.guard
def describe_compiled(model):
    """The loss with its settings, and the metrics."""
    found = {}
    loss = getattr(model, "loss", None)
    if hasattr(loss, "get_config") and not isinstance(loss, type):
        found["loss"] = type(loss).__name__
        for key, value in loss.get_config().items():
            if key not in ("name", "reduction", "fn") and isinstance(value, (bool, int, float, str)):
                settle(found, "loss_" + key, value)
    elif loss is not None:
        found["loss"] = named(loss)
    config = getattr(getattr(model, "_compile_config", None), "config", None) or {}
    if config.get("metrics"):
        found["metrics"] = named(config["metrics"])
    for key in ("loss_weights", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile"):
        value = config.get(key)
        if value not in (None, False, 1, "auto"):
            found[key] = named(value)
    return found


def named(value):
    """Losses and metrics, alone or in lists and dicts, by their names."""
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config")
        name = inner.get("name") if isinstance(inner, dict) else inner
        return str(name or value["class_name"])
    if isinstance(value, dict):
        return ", ".join("%s: %s" % (key, named(inner)) for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(named(inner) for inner in value)
    if hasattr(value, "get_config") and hasattr(value, "name"):
        return str(value.name)
    return text(value)


@cairn.guard
def describe_callbacks(callbacks):
    """Names of the user's callbacks, and what they were made with, where that is a plain value other than the default."""
    found = {}
    if callbacks:
        found["callbacks"] = ", ".join(type(callback).__name__ for callback in callbacks)
    for callback in callbacks:
        for name, parameter in inspect.signature(type(callback)).parameters.items():
            value = getattr(callback, name, None)
            if name != "verbose" and isinstance(value, (bool, int, float, str)) and value != parameter.default:
                found["%s_%s" % (type(callback).__name__, name)] = text(value)
    return found


def learning_rate(model):
    """The rate that the optimizer is at."""
    optimizer = getattr(model, "optimizer", None)
    rate = getattr(optimizer, "learning_rate", None)
    if rate is None:
        return None
    return float(sys.modules["keras.src.backend"].convert_to_numpy(rate))


def describe_built(model, params):
    """When the fit begins, and all layers have their shapes."""
    parts = model.count_params() if model.built else 0
    trainable = sum(size(weight) for weight in model.trainable_weights)
    found = {"n_parameters": str(parts), "n_trainable_parameters": str(trainable), "n_layers": str(len(model.layers))}
    if params.get("steps") is not None:
        found["steps_per_epoch"] = str(params["steps"])
    return {"params": found, "summary": summary(model) or "", "architecture": architecture(model) or ""}


def size(weight):
    total = 1
    for length in weight.shape:
        total *= length
    return total


@cairn.guard
def summary(model):
    lines = []
    # The same width in every terminal.
    model.summary(line_length=100, print_fn=lambda line, *_, **__: lines.append(line))
    return "\n".join(lines)[:MAX_SUMMARY]


def architecture(model):
    """As Keras makes the model of it again; None where it cannot."""
    try:
        found = model.to_json(indent=1)
    except Exception:  # a class of the user's that does not tell its configuration
        return None
    return found if len(found) <= MAX_ARCHITECTURE else None
