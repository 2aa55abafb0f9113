"""What a Trainer does: every step's loss, all that it logs, its evaluations, its model."""

import functools
import os
import time
import weakref

from . import cairn
from .describe import describe, record_data

torches = cairn.torches
recorders = {}  # id of a Trainer → Recorder of the call that goes on
_fits = weakref.WeakKeyDictionary()  # Trainer → its last training
SPEEDS = ("runtime", "samples_per_second", "steps_per_second", "tokens_per_second")
MEASUREMENTS = (
    *torches.RATES,
    "total_flos",
    "step_time",
    *("%s_%s" % (stage, speed) for stage in ("train", "eval", "test") for speed in SPEEDS),
)


# In place of the Trainer's methods.


def stepping(original):
    @functools.wraps(original)
    def training_step(self, *args, **kwargs):
        loss = original(self, *args, **kwargs)
        recorder = recorders.get(id(self))
        if recorder is not None:
            recorder.step(self, loss)
        return loss

    return training_step


def logging(original):
    @functools.wraps(original)
    def log(self, logs, *args, **kwargs):
        result = original(self, logs, *args, **kwargs)
        recorder = recorders.get(id(self))
        if recorder is not None:
            recorder.log(self, logs)
        return result

    return log


def checkpointing(original):
    @functools.wraps(original)
    def _save_checkpoint(self, model, trial, *args, **kwargs):
        result = original(self, model, trial, *args, **kwargs)
        recorder = recorders.get(id(self))
        if recorder is not None:
            recorder.saved(self, trial)
        return result

    return _save_checkpoint


@cairn.guard
def begin_training(original, args, kwargs, frame):
    if cairn.nested():
        return None
    trainer = args[0]
    if trainer.args.process_index != 0:
        return Silent(cairn, None, args, kwargs)
    watch = Training(trainer, args, kwargs)
    _fits[trainer] = watch.fit
    return watch


@cairn.guard
def begin_evaluation(original, args, kwargs, frame):
    """An evaluation behind a training belongs to its run; one during it is a part of it."""
    if cairn.nested():
        return None
    trainer, fit = args[0], _fits.get(args[0])
    if trainer.args.process_index != 0:
        return Silent(cairn, None, args, kwargs)
    if fit is None or fit.run != cairn.active_run():
        return None
    return Evaluation(trainer, fit, args, kwargs)


class Training(cairn.calls.Watch):
    """One call of Trainer.train."""

    def __init__(self, trainer, args, kwargs):
        super().__init__(cairn, cairn.fits.Fit(cairn), args, kwargs)
        self._trainer, self.recorder = trainer, Recorder(self.fit)
        recorders[id(trainer)] = self.recorder

    def examine(self, result, clock):
        self.recorder.flush()
        self.recorder.conclude(self._trainer)
        self.recorder.save(self._trainer, clock)

    def conclude(self):
        recorders.pop(id(self._trainer), None)
        self.recorder.tell(self._trainer)
        self.recorder.flush()
        self._trainer = self.args = self.kwargs = None


class Evaluation(cairn.calls.PartWatch):
    """One call of evaluate or predict."""

    def __init__(self, trainer, fit, args, kwargs):
        super().__init__(cairn, fit, args, kwargs)
        self._trainer, self._data = trainer, args[1] if len(args) > 1 else None
        self._recorder = Recorder(self.part)
        self._recorder.told = True
        recorders[id(trainer)] = self._recorder

    def examine(self, result, clock):
        metrics = getattr(result, "metrics", None)  # predict gives them, and does not log them
        if isinstance(metrics, dict):
            self._recorder.log(self._trainer, metrics)
        record_data(self.part, self._data, "test" if metrics else "eval", clock)

    def conclude(self):
        recorders.pop(id(self._trainer), None)
        self._recorder.flush()
        self._trainer = self._data = self.args = self.kwargs = None


class Silent(cairn.calls.Watch):
    """A call of a rank whose part another one records."""

    def _failed(self, error):
        pass

    def _ended(self):
        pass


class Recorder:
    """Steps are the Trainer's, after which the optimizer has stepped."""

    def __init__(self, fit):
        self.fit, self.told = fit, False
        self._points = cairn.Points(fit, measurements=MEASUREMENTS)
        self._late = torches.Late(self._points)
        self._rates = torches.Rates(self._points)
        self._batches, self._epoch = 0, None

    @cairn.guard
    def step(self, trainer, loss):
        if not self.told:
            self.tell(trainer)
        self._batches += 1
        if hasattr(loss, "numel") and loss.numel() == 1:
            self._late.record("step_loss", trainer.state.global_step, loss)
        now = time.time()
        if now >= self._rates.due:
            self._late.read()
            self._rates.record(now, self._batches)
        self._points.tick(now, 1)

    @cairn.guard
    def log(self, trainer, logs):
        callbacks = [type(one).__name__ for one in trainer.callback_handler.callbacks]
        if "MLflowCallback" in callbacks and self.fit.run and self.fit.run == cairn.active_run():
            return  # it logs the same into the run that the user opened for both
        values = {name: value for name, value in logs.items() if isinstance(value, (int, float)) and name != "step"}
        if values.get("epoch") == self._epoch:
            values.pop("epoch", None)  # all that is logged comes with it
        self._epoch = values.get("epoch", self._epoch)
        self._points.add(trainer.state.global_step, values)

    @cairn.guard
    def saved(self, trainer, trial):
        step = trainer.state.global_step
        folder = os.path.join(trainer._get_output_dir(trial=trial), "checkpoint-%d" % step)
        files = [entry for entry in os.scandir(folder) if entry.is_file()]
        facts = {"name": os.path.basename(folder), "size": sum(entry.stat().st_size for entry in files), "step": step}
        self.fit.emit("checkpoint", facts)

    @cairn.guard
    def tell(self, trainer):
        """Says what is trained: a Trainer may make its model only when it begins."""
        if self.told:
            return
        self.told = True
        self.fit.emit("fit.start", describe(trainer))
        self._rates.batch_size = trainer.args.train_batch_size
        clock = cairn.Clock(cairn.BUDGET_SECONDS)
        record_data(self.fit, trainer.train_dataset, "train", clock)
        record_data(self.fit, trainer.eval_dataset, "eval", clock)

    @cairn.guard
    def conclude(self, trainer):
        state = trainer.state
        if state.best_metric is not None:
            self.fit.emit("fit.metrics", {"metrics": {"best_metric": float(state.best_metric)}})
        if state.best_model_checkpoint:
            self.fit.emit("fit.params", {"params": {"best_model": os.path.basename(state.best_model_checkpoint)}})

    @cairn.guard
    def save(self, trainer, clock):
        saved = torches.saved(cairn, self.fit, trainer.model, clock)
        if saved is not None:
            facts = torches.facts(cairn, trainer.model, saved, needs=("transformers",))
            self.fit.emit("fit.model", facts, files=saved.files)

    def flush(self):
        self._late.read()
        self._points.flush()
