"""Lightning, as lightning.pytorch and as pytorch_lightning: what a Trainer is asked to do, and each value that is logged.

What this changes: Trainer's making, whose arguments are remembered; fit, validate, test and predict, which are watched;
save_checkpoint, after which the file is recorded; and the place through which all that self.log was given goes to
Lightning's loggers. No callback and no logger of ours is added to the user's.
"""

import functools
import weakref

from . import cairn, writers
from .trainer import Evaluation, Fitting, Silent, recorders, worker_recorder

_given = weakref.WeakKeyDictionary()  # Trainer → the arguments that it was made with
_fits = weakref.WeakKeyDictionary()  # LightningModule → its last fit
CONNECTOR = ".trainer.connectors.logger_connector.logger_connector"


def install(worker):
    """In a worker only what a Trainer that came with it does is recorded: it is one of several ranks."""
    for package in ("pytorch_lightning", "lightning.pytorch"):
        cairn.after_import(package + CONNECTOR, connectors)
        cairn.after_import(package + ".trainer.trainer", functools.partial(trainers, worker))
        cairn.after_import(package + ".tuner.tuning", tuners)


def trainers(worker, module):
    trainer = module.Trainer
    trainer.save_checkpoint = saving(trainer.save_checkpoint)
    if worker:
        return
    trainer.__init__ = making(trainer.__init__)
    trainer.fit = cairn.calls.watched(trainer.fit, begin_fit)
    for name in ("validate", "test"):
        setattr(trainer, name, cairn.calls.watched(getattr(trainer, name), begin_evaluation))
    trainer.predict = aside(trainer.predict)
    if hasattr(module, "_log_hyperparams"):
        module._log_hyperparams = writers.muting(module._log_hyperparams)


def tuners(module):
    """What a Tuner tries is no training."""
    for name in ("lr_find", "scale_batch_size"):
        if hasattr(module.Tuner, name):
            setattr(module.Tuner, name, aside(getattr(module.Tuner, name)))


def aside(original):
    @functools.wraps(original)
    def method(*args, **kwargs):
        with cairn.fits.inside():
            return original(*args, **kwargs)

    return method


def making(original):
    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        remember(self, kwargs)
        return result

    return __init__


@cairn.guard
def remember(trainer, given):
    _given[trainer] = {name: value for name, value in given.items() if value is not None}


def saving(original):
    @functools.wraps(original)
    def save_checkpoint(self, filepath, *args, **kwargs):
        result = original(self, filepath, *args, **kwargs)
        recorder = recorders.get(self)
        if recorder is not None:
            recorder.saved(filepath)
        return result

    return save_checkpoint


# What begins.


@cairn.guard
def begin_fit(original, args, kwargs, frame):
    if cairn.nested():
        return None
    trainer = args[0]
    if not trainer.is_global_zero:
        return Silent(cairn, None, args, kwargs)
    model = kwargs["model"] if "model" in kwargs else args[1]
    model = getattr(model, "_orig_mod", model)
    watch = Fitting(trainer, model, _given.get(trainer) or {}, args, kwargs)
    _fits[model] = watch.fit
    return watch


@cairn.guard
def begin_evaluation(original, args, kwargs, frame):
    """What is validated and tested after a fit belongs to its run."""
    if cairn.nested():
        return None
    trainer = args[0]
    if not trainer.is_global_zero:
        return Silent(cairn, None, args, kwargs)
    model = kwargs.get("model", args[1] if len(args) > 1 else None) or trainer.lightning_module
    model = getattr(model, "_orig_mod", model)
    fit = _fits.get(model)
    if fit is not None and fit.run != cairn.active_run():
        fit = None
    watch = Evaluation(trainer, model, fit, original.__name__, args, kwargs)
    if model is not None:
        _fits[model] = watch.recorder.fit
    return watch


# What is logged.


def connectors(module):
    connector = module._LoggerConnector
    connector.log_metrics = writers.muting(connector.log_metrics)  # what a TensorBoardLogger writes is recorded here
    for name, told, before in (
        ("on_batch_start", batch_started, True),
        ("update_train_step_metrics", step_logged, True),
        # Behind it the values of the epoch are gone.
        ("update_train_epoch_metrics", epoch_logged, True),
        ("update_eval_step_metrics", evaluation_step_logged, True),
        ("update_eval_epoch_metrics", evaluation_logged, False),
        ("log_eval_end_metrics", evaluation_ended, False),
        ("teardown", torn_down, False),
    ):
        setattr(connector, name, telling(getattr(connector, name), told, before))


def telling(original, told, before):
    @functools.wraps(original)
    def method(self, *args, **kwargs):
        recorder = recorders.get(self.trainer)
        if recorder is None and cairn.worker:
            recorder = worker_recorder(self.trainer)
        if recorder is not None and before:
            told(recorder, *args)
        result = original(self, *args, **kwargs)
        if recorder is not None and not before:
            told(recorder, *args)
        return result

    return method


@cairn.guard
def batch_started(recorder, *_):
    if recorder.trainer.training:
        recorder.batch_started()


@cairn.guard
def step_logged(recorder):
    recorder.step_logged()


@cairn.guard
def epoch_logged(recorder):
    recorder.log(recorder.step, False)


@cairn.guard
def evaluation_step_logged(recorder, step, *_):
    recorder.log(int(step), True)


@cairn.guard
def evaluation_logged(recorder):
    recorder.collect()


@cairn.guard
def evaluation_ended(recorder, *_):
    recorder.collected()


@cairn.guard
def torn_down(recorder):
    recorder.flush()
