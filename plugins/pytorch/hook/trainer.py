"""What a Lightning Trainer does, as it is recorded: steps, epochs, evaluations, callbacks, checkpoints."""

import os
import sys
import time
import weakref

from . import cairn, writers
from .checkpoints import record_file
from .data import record_data
from .describe import describe_criterion, describe_loader, describe_model, describe_scheduler
from .loop import Optimizer
from .model import record_model, save_model
from .observer import Observer

text = cairn.calls.text
torches = cairn.torches
recorders = weakref.WeakKeyDictionary()  # Trainer → Recorder of what it does now

# Settings of a Trainer that say where files go and what is shown, or that are told otherwise.
UNTOLD = (
    "callbacks", "logger", "default_root_dir", "enable_progress_bar", "enable_model_summary", "enable_checkpointing",
    "log_every_n_steps", "max_epochs", "accelerator", "devices", "strategy", "precision", "num_nodes",
)  # fmt: skip
SHOWN = ("TQDMProgressBar", "RichProgressBar", "ModelSummary", "RichModelSummary")
MAX_HPARAMS = 1000


class Fitting(cairn.calls.Watch):
    """One call of Trainer.fit."""

    def __init__(self, trainer, model, given, args, kwargs):
        super().__init__(cairn, cairn.fits.Fit(cairn), args, kwargs)
        self.recorder = Recorder(self.fit, trainer, model, given, Observer())
        recorders[trainer] = self.recorder

    def examine(self, result, clock):
        recorder = self.recorder
        recorder.tell()
        recorder.record_outcome()
        recorder.save(clock)

    def conclude(self):
        self.recorder.tell()
        self.recorder.close()
        recorders.pop(self.recorder.trainer, None)
        self.args = self.kwargs = None


class Evaluation(cairn.calls.Watch):
    """One call of Trainer.validate or Trainer.test: of the run of the model's fit, where there was one."""

    def __init__(self, trainer, model, fit, name, args, kwargs):
        self._part = fit is not None
        self._context = "test" if name == "test" else "validation"
        super().__init__(cairn, None if self._part else cairn.fits.Fit(cairn), args, kwargs)
        self.recorder = Recorder(fit.seen_by(cairn) if self._part else self.fit, trainer, model, {}, None)
        self.recorder.told = self._part
        recorders[trainer] = self.recorder

    def examine(self, result, clock):
        self.recorder.tell()
        trainer = self.recorder.trainer
        loaders = trainer.test_dataloaders if self._context == "test" else trainer.val_dataloaders
        self.recorder.record_loaders(loaders, self._context, clock)

    def conclude(self):
        self.recorder.close()
        recorders.pop(self.recorder.trainer, None)
        self.args = self.kwargs = None

    def _failed(self, error):
        if not self._part:
            super()._failed(error)

    def _ended(self):
        if not self._part:
            super()._ended()


def writing():
    """The recorder of the fit that goes on in this thread."""
    fit = cairn.fits.enclosing()
    return next((recorder for recorder in list(recorders.values()) if recorder.fit is fit), None) if fit else None


writers.ask(writing)


class Silent(cairn.calls.Watch):
    """A call of a rank whose part another one records."""

    def _failed(self, error):
        pass

    def _ended(self):
        pass


@cairn.guard
def worker_recorder(trainer):
    """Of a Trainer that a launcher brought into a process of its own: the first rank's steps are those of the run."""
    if trainer.world_size < 2 or not trainer.is_global_zero or trainer.state.fn != "fit":
        return None
    recorders[trainer] = found = Recorder(cairn.fits.Fit(cairn), trainer, trainer.lightning_module, {}, None)
    return found


class Recorder:
    """step: the batches after which optimizers have stepped, as Lightning's loggers count. Everything in it may raise."""

    def __init__(self, fit, trainer, model, given, seen):
        self.fit, self.told = fit, False
        self.board = None  # what is written for TensorBoard beside Lightning's own loggers
        self.copied = 0.0  # seconds that copies of checkpoints took
        self._trainer, self._model = weakref.ref(trainer), cairn.fits.reference(model)
        self._given, self._seen = given, seen
        self._started = time.time()
        self._points = cairn.Points(fit, measurements=torches.RATES)
        self._late = torches.Late(self._points)
        self._rates = torches.Rates(self._points)
        self._last = {}  # key → the tensor that was recorded last
        self._evaluated = {}
        self._optimizers = []
        self._epoch = None
        self._rows = self._outputs = None

    @property
    def trainer(self):
        return self._trainer()

    @property
    def step(self):
        trainer = self.trainer
        counted = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", None)
        return int(trainer.global_step if counted is None else counted)

    # At each step.

    def batch_started(self):
        trainer, step = self.trainer, self.step
        if not self._optimizers:
            self._optimizers = [Optimizer(optimizer, at + 1) for at, optimizer in enumerate(trainer.optimizers)]
        if self._epoch != trainer.current_epoch:
            self._epoch = trainer.current_epoch
            self._add(step, "epoch", self._epoch)
        for known in self._optimizers:
            for index, group in enumerate(known.optimizer().param_groups):
                if group["lr"] is not known.rates[index]:
                    known.changed(self._points, step, index, group["lr"])

    def step_logged(self):
        if not self.told:
            self.tell()
        step = self.step
        self.log(step, True)
        now = time.time()
        if now >= self._rates.due:
            self._late.read()
            self._rates.record(now, step + 1)
        self._points.tick(now, len(self._last))

    def log(self, step, on_step):
        for key, value in self._logged(on_step):
            self._add(step, key, value)

    def collect(self):
        """Values of an evaluation come in parts, some of them twice."""
        if not self.trainer.sanity_checking:
            self._evaluated.update(self._logged(False))

    def collected(self):
        evaluated, self._evaluated = self._evaluated, {}
        for key, value in evaluated.items():
            self._add(self.step, key, value)

    def _logged(self, on_step):
        """The values that self.log was given since the last time, by Lightning's names: loss, or loss_step and loss_epoch.

        Lightning keeps the last value of a key that is not logged in each step. It is not logged again.
        """
        results = self.trainer._results
        for _, item in list(results.valid_items()) if results is not None else ():
            value = results._get_cache(item, on_step)
            held = item._forward_cache if on_step else value
            key = results._forked_name(item, on_step)[1]
            if value is None or value.numel() != 1 or on_step and self._last.get(key) is held:
                continue
            if on_step:
                self._last[key] = held
            yield key, value

    def _add(self, step, key, value):
        self._late.record(key, step, value)

    # Now and then.

    @cairn.guard
    def saved(self, path):
        path = os.fspath(path)
        if os.path.isfile(path) and self.trainer.is_global_zero:
            record_file(self, path, self.step)

    def own(self, key):
        """Whether a series of that name is recorded."""
        return key in torches.RATES or self._points.has(key)

    def copying_left(self):
        return cairn.budget(time.time() - self._started) - self.copied

    @cairn.guard
    def tell(self):
        """Says what is trained, and how, once it is known."""
        if self.told:
            return
        self.told = True
        trainer, model, seen = self.trainer, self._model(), self._seen
        if seen is not None:
            seen.stop()
        optimizers = list(getattr(trainer, "optimizers", None) or ())
        criterion = describe_criterion(seen.criterion()) if seen is not None else {}
        facts = describe_model(model, seen or Unseen(), optimizers[0] if optimizers else None, criterion)
        facts["params"].update(describe_trainer(trainer, self._given))
        facts["params"].update(hyperparameters(model, trainer.datamodule))
        self.fit.emit("fit.start", facts)
        for config in getattr(trainer, "lr_scheduler_configs", None) or ():
            self.fit.emit("scheduler", describe_scheduler(config.scheduler))
        self.record_loaders(trainer.train_dataloader, "train", cairn.Clock(cairn.BUDGET_SECONDS))
        if self._seen is not None:
            argument, result = seen.tensors(model)
            if hasattr(argument, "detach") and hasattr(result, "detach"):
                self._rows = argument.detach()[: cairn.tabular.EXAMPLE_ROWS].cpu().numpy().copy()
                self._outputs = result.detach()[: cairn.tabular.EXAMPLE_ROWS].cpu().numpy().copy()
        self._seen = None

    @cairn.guard
    def record_loaders(self, loaders, context, clock):
        """The data of one loader or of several, and how the training's is read."""
        if isinstance(loaders, dict):
            loaders = loaders.values()
        for loader in loaders if isinstance(loaders, (list, tuple, type({}.values()))) else [loaders]:
            if hasattr(loader, "dataset"):
                if context == "train":
                    self._rates.batch_size = getattr(loader, "batch_size", None)
                    self.fit.emit("loader", describe_loader(loader))
                record_data(self.fit, loader.dataset, clock, context)

    # In the end.

    @cairn.guard
    def record_outcome(self):
        """What the callbacks found."""
        trainer, values, params = self.trainer, {}, {}
        self.record_loaders(trainer.val_dataloaders, "validation", cairn.Clock(cairn.BUDGET_SECONDS))
        for callback in trainer.callbacks:
            kinds = kinds_of(callback)
            if "EarlyStopping" in kinds and callback.stopped_epoch:
                values["stopped_epoch"] = callback.stopped_epoch
            if "ModelCheckpoint" in kinds:
                if callback.best_model_score is not None and "best_model_score" not in values:
                    values["best_model_score"] = float(callback.best_model_score)
                if callback.best_model_path:
                    params.setdefault("best_model", os.path.basename(callback.best_model_path))
        if values:
            self.fit.emit("fit.metrics", {"metrics": values})
        if params:
            self.fit.emit("fit.params", {"params": params})

    @cairn.guard
    def save(self, clock):
        saved = save_model(self.fit, self._model, clock)
        if saved is not None:
            record_model(self.fit, self._model, self._rows, self._outputs, saved)

    def flush(self):
        self._late.read()
        self._points.flush()
        writers.ended(self)

    def close(self):
        if self._seen is not None:
            self._seen.stop()
        self.flush()
        self._last = {}


class Unseen:
    """In place of an Observer where nothing was observed."""

    def shape(self, module):
        return None


def kinds_of(callback):
    """Names of a callback's class and its bases: the two packages of Lightning have classes of their own."""
    return {cls.__name__ for cls in type(callback).__mro__}


def describe_trainer(trainer, given):
    params = {name: setting(value) for name, value in given.items() if name not in UNTOLD}
    params["epochs"] = text(trainer.max_epochs)  # as MLflow's autolog has it
    params["accelerator"] = type(trainer.accelerator).__name__
    params["strategy"] = type(trainer.strategy).__name__
    params["precision"] = text(trainer.precision)
    params["devices"] = text(trainer.num_devices)
    if trainer.world_size > 1:
        params["world_size"] = text(trainer.world_size)
    callbacks = [callback for callback in trainer.callbacks if not kinds_of(callback) & set(SHOWN)]
    if callbacks:
        params["callbacks"] = ",".join(type(callback).__name__ for callback in callbacks)
    for callback in callbacks:
        kinds = kinds_of(callback)
        if "EarlyStopping" in kinds:
            params.update({name: text(getattr(callback, name)) for name in ("monitor", "mode", "patience")})
            params["min_delta"] = text(abs(callback.min_delta))  # which it negates for metrics that shall fall
        if "ModelCheckpoint" in kinds:
            names = ("monitor", "mode", "save_top_k", "save_last")
            held = {name: getattr(callback, name, None) for name in names}
            params.update({"checkpoint_" + name: text(value) for name, value in held.items() if value is not None})
    return params


def setting(value):
    return text(value) if isinstance(value, (str, int, float, bool, list, tuple, dict)) else torches.class_name(value)


def hyperparameters(model, datamodule):
    """What save_hyperparameters kept, nested names joined by slashes."""
    found = {}
    for holder in (datamodule, model):
        flatten(getattr(holder, "hparams", None) or {}, "", found)
    return found


def flatten(values, prefix, found):
    for name, value in dict(values).items():
        if len(found) >= MAX_HPARAMS or name == "_class_path":
            continue
        if hasattr(value, "items"):
            flatten(value, prefix + str(name) + "/", found)
        elif not isinstance(value, sys.modules["torch"].nn.Module):
            found[prefix + str(name)] = text(value)
