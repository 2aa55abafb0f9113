"""A Learner's fit, however it is called, and its evaluations afterwards."""

import inspect
import os
import time
import weakref

from . import cairn
from .data import record_data
from .describe import describe, describe_data
from .export import save
from .learners import recorders

torches = cairn.torches
_fits = weakref.WeakKeyDictionary()  # Learner → its last fit
NO_EVALUATION = ("gather_preds", "lr_finder")


@cairn.guard
def begin_fit(original, args, kwargs, frame):
    """What watches the outermost call: fine_tune fits twice, and is one run."""
    if cairn.nested():
        return None
    learner = args[0]
    if (os.environ.get("RANK") or "0").strip("0"):
        return Silent(cairn, None, args, kwargs)
    watch = Fitting(learner, original, args, kwargs)
    _fits[learner] = watch.fit
    return watch


@cairn.guard
def begin_validate(original, args, kwargs, frame):
    learner = args[0]
    fit = _fits.get(learner)
    if cairn.nested() or fit is None or fit.run != cairn.active_run():
        return None
    bound = inspect.signature(original).bind(*args, **kwargs)
    loader = bound.arguments.get("dl")
    index = bound.arguments.get("ds_idx", 1)
    name = ("train", "valid")[index] if index in (0, 1) else str(index)
    if loader is not None:
        name = cairn.frames.variable_name(loader, frame, "dl")
    return Validation(learner, fit, name, loader, args, kwargs)


class Fitting(cairn.calls.Watch):
    """One call of fit or a variant."""

    def __init__(self, learner, original, args, kwargs):
        super().__init__(cairn, cairn.fits.Fit(cairn), args, kwargs)
        self._learner = learner
        given = dict(inspect.signature(original).bind(*args, **kwargs).arguments)
        given.update(given.pop("kwargs", {}))
        self.recorder = Recorder(self.fit, original.__name__, given)
        recorders[id(learner)] = self.recorder

    def examine(self, result, clock):
        self.recorder.conclude(self._learner)
        save(self.fit, self._learner, self.recorder, clock)

    def conclude(self):
        recorders.pop(id(self._learner), None)
        self.recorder.close()
        self._learner = self.args = self.kwargs = None


class Silent(cairn.calls.Watch):
    """A call of a rank whose part another one records."""

    def _failed(self, error):
        pass

    def _ended(self):
        pass


class Validation(cairn.calls.PartWatch):
    """A call of validate behind a fit, whose run it belongs to."""

    def __init__(self, learner, fit, name, loader, args, kwargs):
        super().__init__(cairn, fit, args, kwargs)
        self._learner, self._name, self._loader = learner, name, loader

    def examine(self, result, clock):
        names = [name.replace("valid_", "", 1) for name in recorded_names(self._learner.recorder) if "train_" not in name]
        values = {"%s_%s" % (name, self._name): float(value) for name, value in zip(names, result or ())}
        self.part.emit("eval.metrics", {"metrics": values})
        if self._loader is not None:
            record_data(self.part, self._loader, "eval", clock)

    def conclude(self):
        self._learner = self._loader = self.args = self.kwargs = None


class Recorder:
    """Batches and epochs are counted from 0, through all fits of one call."""

    def __init__(self, fit, method, given):
        self.fit, self.copied = fit, 0.0
        self.rows = self.outputs = None
        self._method, self._given = method, given
        self._points = cairn.Points(fit, measurements=(*torches.RATES, "epoch_time"))
        self._late = torches.Late(self._points)
        self._rates = torches.Rates(self._points)
        self._started = self._epoch_began = time.time()
        self._batch = self._epoch = 0
        self._batches = self._epochs = 0  # of this fit, those that fastai's Recorder has seen
        self._wanted = 0  # epochs that the fits were to go
        self._hypers = {}
        self._described = False

    # At each batch.

    @cairn.guard
    def told(self, learner, event):
        handle = self._handlers.get(event)
        if handle is not None:
            handle(self, learner)

    def _before_fit(self, learner):
        self._wanted += learner.n_epoch
        self._batches = self._epochs = 0
        if not self._described:
            self._described = True
            self.fit.emit("fit.start", dict(describe(learner, self._method, self._given), data=describe_data(learner.dls)))
            self._rates.batch_size = getattr(learner.dls.train, "bs", None)
            clock = cairn.Clock(cairn.BUDGET_SECONDS)
            record_data(self.fit, learner.dls.train, "train", clock)
            if len(learner.dls.loaders) > 1:
                record_data(self.fit, learner.dls.valid, "validation", clock)

    def _before_epoch(self, learner):
        self._epoch_began = time.time()
        self._points.add(self._batch, {"epoch": self._epoch})

    def _after_pred(self, learner):
        """The first batch is an example of what the model takes."""
        if self.rows is None and learner.training and len(learner.xb) == 1 and hasattr(learner.pred, "detach"):
            most = cairn.tabular.EXAMPLE_ROWS
            self.rows = array(learner.xb[0][:most]) if hasattr(learner.xb[0], "detach") else None
            self.outputs = array(learner.pred[:most])

    def _after_batch(self, learner):
        if not learner.training or learner.loss is None:
            return
        step, self._batch = self._batch, self._batch + 1
        loss = learner.loss
        if hasattr(loss, "numel") and loss.numel() == 1:
            self._late.record("loss", step, torches_tensor(loss))
        recorder = getattr(learner, "recorder", None)
        if recorder is not None and len(recorder.losses) > self._batches:
            self._batches = len(recorder.losses)
            self._late.record("smooth_loss", step, torches_tensor(recorder.losses[-1]))
        groups = learner.opt.hypers
        for index, group in enumerate(groups):
            for name in ("lr", "mom"):
                value, key = group.get(name), name if index == len(groups) - 1 else "%s/group_%d" % (name, index)
                if value is not None and self._hypers.get(key) != value:
                    self._hypers[key] = value
                    self._points.series(key).add(step, int(time.time() * 1000), float(value))
        now = time.time()
        if now >= self._rates.due:
            self._late.read()
            self._rates.record(now, self._batch)
        self._points.tick(now, 4)

    def _after_epoch(self, learner):
        recorder, epoch = getattr(learner, "recorder", None), self._epoch
        self._epoch += 1
        values = {"epoch_time": time.time() - self._epoch_began}
        if recorder is not None and len(recorder.values) > self._epochs:
            self._epochs = len(recorder.values)
            pairs = zip(recorded_names(recorder), recorder.values[-1])
            values.update({name: float(value) for name, value in pairs if value is not None})
        self._points.add(epoch, values)

    _handlers = {
        "before_fit": _before_fit,
        "before_epoch": _before_epoch,
        "after_pred": _after_pred,
        "after_batch": _after_batch,
        "after_epoch": _after_epoch,
    }

    # Now and then.

    @cairn.guard
    def saved(self, path):
        left = cairn.budget(time.time() - self._started) - self.copied
        self.copied += cairn.models.checkpoint(cairn, self.fit, os.fspath(path), max(self._batch - 1, 0), left)

    @cairn.guard
    def conclude(self, learner):
        """What callbacks made of it. Those of one call alone are gone by now."""
        values = {}
        if self._epoch < self._wanted:
            values["stopped_epoch"] = self._epoch - 1
        self.close()
        for callback in self._callbacks(learner):
            best = getattr(callback, "best", None)
            if best is not None and hasattr(callback, "monitor"):
                values.setdefault("best_" + callback.monitor, float(best))
        if values:
            self.fit.emit("fit.metrics", {"metrics": values})

    def _callbacks(self, learner):
        given = self._given.get("cbs") or ()
        return [*learner.cbs, *(given if hasattr(given, "__iter__") else [given])]

    def close(self):
        self._late.read()
        self._points.flush()


def recorded_names(recorder):
    """The names of what a Recorder keeps of each epoch."""
    return [name for name in list(recorder.metric_names)[1:] if name != "time"]


def torches_tensor(value):
    """A plain tensor: those of fastai's own classes go through its dispatch at each operation."""
    return value.as_subclass(cairn.module("torch").Tensor) if hasattr(value, "as_subclass") else value


def array(tensor):
    return torches_tensor(tensor.detach()).cpu().numpy().copy()
