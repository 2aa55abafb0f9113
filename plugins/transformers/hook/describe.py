"""What a Trainer trains, and how, in words."""

import dataclasses
import sys

from . import cairn

text = cairn.calls.text
torches = cairn.torches
# Told also where they are left as they are.
ALWAYS = (
    "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
    "weight_decay", "optim", "lr_scheduler_type", "max_grad_norm", "seed",
)  # fmt: skip
# Where files go, what is shown, and where else it is reported.
UNTOLD = ("output_dir", "logging_dir", "run_name", "report_to", "disable_tqdm", "hub_token", "hub_model_id", "push_to_hub")


def describe(trainer):
    model = torches.unwrap(trainer.model)
    params = dict(torches.sizes(model), **arguments(trainer.args))
    facts = {
        "estimator": type(model).__name__,
        "class": torches.class_name(model),
        "version": str(sys.modules["transformers"].__version__),
        "summary": torches.summary(model),
        "seeds": {"seed": text(trainer.args.seed)},
        "params": params,
    }
    config = getattr(model, "config", None)
    if config is not None and hasattr(config, "to_json_string"):
        import json

        params["model_type"] = text(config.model_type)
        facts["config"] = json.loads(config.to_json_string())
    callbacks = [type(one).__name__ for one in trainer.callback_handler.callbacks]
    params["callbacks"] = ",".join(name for name in callbacks if name not in ("DefaultFlowCallback", "ProgressCallback"))
    return dict(facts, params={name: value for name, value in params.items() if value})


def arguments(given):
    """The TrainingArguments that were set, and some that are always of interest."""
    found = {}
    for field in dataclasses.fields(given):
        value = getattr(given, field.name, None)
        if value is None or field.name in UNTOLD or field.name.startswith("_"):
            continue
        if field.name in ALWAYS or (field.default is not dataclasses.MISSING and value != field.default and plain(value)):
            found[field.name] = text(getattr(value, "value", value))
    return found


def plain(value):
    return isinstance(value, (bool, int, float, str)) or hasattr(value, "value")


@cairn.guard
def record_data(fit, data, context, clock):
    """An input of the run, or several by their names."""
    if isinstance(data, dict):
        for one in data.values():
            record_data(fit, one, context, clock)
        return
    if data is None or isinstance(data, str):
        return
    tensors = getattr(data, "tensors", None)
    if not tensors:
        size = len(data) if hasattr(data, "__len__") else 0
        name = type(data).__name__
        fit.emit("data.opaque", {"name": name, "class": torches.class_name(data), "rows": size, "context": context})
        return
    arrays = [tensor.detach().cpu().numpy() for tensor in tensors]
    targets = arrays[1] if len(arrays) > 1 else None
    facts = cairn.tabular.describe(arrays[0], targets, type(data).__name__, max(clock.left(), 0.01))
    fit.emit("fit.data", dict(facts, context=context))
