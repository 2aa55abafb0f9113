"""What a Learner is, in words."""

import sys

from . import cairn

text = cairn.calls.text
torches = cairn.torches
MAX_NAMES = 1000
DEFAULT_CALLBACKS = ("TrainEvalCallback", "Recorder", "CastToTensor", "ProgressCallback")
# Settings of callbacks that are told.
SETTINGS = ("monitor", "patience", "min_delta", "factor", "min_lr", "every_epoch", "fname", "alpha", "max_norm", "n_acc")


def describe(learner, method, given):
    """method and given: the call that trains, and its arguments."""
    model = learner.model
    params = dict(torches.sizes(model), fit_method=method)
    for name, value in given.items():
        if name not in ("self", "cbs") and value is not None:
            params[name] = spelled(value)
    params["optimizer_name"] = spelled(getattr(learner.opt_func, "func", learner.opt_func))
    params["loss_func"] = named(learner.loss_func)
    for name in ("wd", "moms", "train_bn", "wd_bn_bias"):
        if getattr(learner, name, None) is not None:
            params.setdefault(name, spelled(getattr(learner, name)))
    if learner.metrics:
        params["metrics"] = ",".join(metric.name for metric in learner.metrics)
    params["batch_size"] = text(learner.dls.train.bs)
    if hasattr(learner.dls.train.dataset, "__len__"):
        params["dataset_size"] = str(len(learner.dls.train.dataset))
    callbacks = [callback for callback in learner.cbs if type(callback).__name__ not in DEFAULT_CALLBACKS]
    if callbacks:
        params["callbacks"] = ",".join(type(callback).__name__ for callback in callbacks)
    for callback in callbacks:
        name = type(callback).__name__
        scheds = vars(callback).get("scheds")
        if isinstance(scheds, dict):
            params["schedules"] = ",".join(sorted(scheds))
        for key in SETTINGS:
            value = vars(callback).get(key)
            if value is not None:
                # Of a metric that shall fall a tracker negates min_delta.
                params["%s_%s" % (name, key)] = text(abs(value) if key == "min_delta" else value)
    return {
        "estimator": type(model).__name__,
        "class": torches.class_name(model),
        "version": str(sys.modules["fastai"].__version__),
        "summary": torches.summary(model),
        "seeds": torches.seeds(),
        "params": params,
    }


def spelled(value):
    if isinstance(value, slice):
        return "slice(%s)" % ", ".join(text(part) for part in (value.start, value.stop) if part is not None)
    return text(value)


def named(value):
    """Functions by their name, objects by that of their class."""
    return getattr(value, "__name__", None) or type(value).__name__


@cairn.guard
def describe_data(dls):
    """How the data are made: what a DataBlock became."""
    train = dls.train
    found = {"class": type(dls).__name__, "loaders": [rows(loader) for loader in dls.loaders], "batch_size": train.bs}
    for name in ("after_item", "before_batch", "after_batch"):
        steps = [text(step) for step in getattr(getattr(train, name, None), "fs", ())]
        if steps:
            found[name] = steps
    data = train.dataset
    for name in ("cat_names", "cont_names", "y_names"):
        if hasattr(data, name):
            found[name] = [text(column) for column in getattr(data, name)][:MAX_NAMES]
    if hasattr(data, "procs"):
        found["procs"] = [named(step) for step in getattr(data.procs, "fs", ())]
    if hasattr(data, "tls"):
        found["transforms"] = [[named(step) for step in tl.tfms.fs] for tl in data.tls]
    vocab = getattr(dls, "vocab", None)
    if vocab is not None and not isinstance(vocab, dict):
        found["vocab"] = [text(word) for word in list(vocab)[:MAX_NAMES]]
    return found


def rows(loader):
    return len(loader.dataset) if hasattr(loader.dataset, "__len__") else None
