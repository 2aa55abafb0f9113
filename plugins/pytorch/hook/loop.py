"""A plain training loop: losses, learning rates, gradient norms and epochs, step by step."""

import os
import time

from . import cairn, writers
from .data import record_data
from .describe import describe_criterion, describe_loader, describe_model, describe_optimizer, describe_scheduler
from .model import record_model, save_model

torches = cairn.torches

# Every how many steps the norm of the gradients is computed, unless the option every_n_steps says otherwise.
NORM_STEPS = 100


class Loop:
    """Everything in it may raise: who calls it is guarded. step counts the losses that went backward, from 0: it is the x
    of all that is recorded, so that accumulated gradients, several losses and several optimizers lie on one axis."""

    def __init__(self, seen, schedulers):
        self.fit = cairn.fits.Fit(cairn)
        self.run_token = cairn.run_token()
        self.step = 0
        self._seen = seen
        self._schedulers = schedulers
        self._started = time.time()
        self._points = cairn.Points(self.fit, measurements=torches.RATES)
        self._late = torches.Late(self._points)
        self._rates = torches.Rates(self._points)
        self._names = {}  # place of a call of backward → series of its loss
        self._known = {}  # id of optimizer → Optimizer
        self._epochs = None  # (id of the loader, epochs that began)
        self._loader = None
        self._model = self._rows = self._outputs = None
        self._parameters = set()
        self._told = False
        self._clipped = False
        self._norm_steps = max(1, int(cairn.options.get("every_n_steps") or NORM_STEPS))
        self.board = None  # what is written for TensorBoard
        self.copied = 0.0  # seconds that copies of checkpoints took
        self.recorded = not (os.environ.get("RANK") or "0").strip("0")  # of several ranks the first records

    # At each step.

    def loss(self, tensor, frame):
        step = self.step
        self.step = step + 1
        if not self.recorded or tensor.numel() != 1:
            return
        place = frame.f_code, frame.f_lasti
        series = self._names.get(place)
        if series is None:
            series = self._names[place] = self._points.series(self._name(tensor, frame))
        now = time.time()
        scaled = getattr(tensor, "_cairn_unscaled", None)
        if scaled is not None:
            tensor = scaled
        if torches.immediate(tensor):
            series.add(step, int(now * 1000), tensor.item())
        else:
            self._late.add(series, step, int(now * 1000), tensor)
        if self._told:
            if now >= self._rates.due:
                self._late.read()
                self._rates.record(now, self.step)
            self._points.tick(now, 1)

    def stepped(self, optimizer):
        known = self._known.get(id(optimizer))
        if known is None or known.optimizer() is not optimizer:
            known = self._meet(optimizer)
        at = max(self.step - 1, 0)
        groups = optimizer.param_groups
        for index, group in enumerate(groups):
            rate = group["lr"]
            if rate is not known.rates[index]:
                known.changed(self._points, at, index, rate)
        known.steps += 1
        if known.steps % self._norm_steps == 1 and not self._clipped:
            self._norm(at, groups)

    # Now and then.

    def epoch(self, loader):
        """An iteration of a loader began, and losses go backward in it."""
        if self._epochs is None:
            self._epochs = [id(loader), 0]
            self._rates.batch_size = getattr(loader, "batch_size", None)
            self._loader = loader
        elif self._epochs[0] == id(loader):
            self._epochs[1] += 1
        else:
            return
        self._points.add(self.step, {"epoch": self._epochs[1]})

    def clipped(self, norm):
        """The user clips gradients: the norm before that is known, and needs no computation of ours."""
        self._clipped = True
        self._late.record("grad_norm", max(self.step - 1, 0), norm)

    def copying_left(self):
        """Seconds that copies of checkpoints may still take."""
        return cairn.budget(time.time() - self._started) - self.copied

    def own(self, key):
        """Whether a series of that name is recorded."""
        return key in torches.RATES or self._points.has(key)

    def scheduler_made(self, scheduler):
        self.fit.emit("scheduler", describe_scheduler(scheduler))

    def is_over_with(self, optimizer):
        """True if an optimizer that was just made trains other parameters than this loop, which has stepped."""
        if not self._known:
            return False
        return not any(id(p) in self._parameters for group in optimizer.param_groups for p in group["params"])

    def end(self, error):
        seconds = time.time() - self._started
        if self.recorded:
            self._conclude(seconds, error)

    @cairn.guard
    def _conclude(self, seconds, error):
        self._tell()
        self._late.read()
        self._points.flush()
        writers.ended(self)
        if self._model is not None:
            with cairn.fits.inside(), cairn.quiet.work():
                self._save(cairn.Clock(cairn.budget(seconds)))
        facts = {"status": "FINISHED", "seconds": seconds}
        if error is not None:
            said = "%s: %s" % (type(error).__name__, cairn.calls.text(error))
            facts = {"status": "FAILED", "seconds": seconds, "error": said}
        self.fit.emit("fit.end", facts)

    @cairn.guard
    def _save(self, clock):
        saved = save_model(self.fit, self._model, clock)
        if saved is not None:
            record_model(self.fit, self._model, self._rows, self._outputs, saved)

    # What is told once.

    def _name(self, tensor, frame):
        """The name of a loss: its variable's in the script, "loss" for one without, and for those that are called so too."""
        name = cairn.frames.variable_name(tensor, frame, "loss")
        taken = {series.key for series in self._names.values()}
        return name if name not in taken else "%s_%d" % (name, len(taken) + 1)

    def _meet(self, optimizer):
        """The first step of an optimizer."""
        known = self._known[id(optimizer)] = Optimizer(optimizer, len(self._known) + 1)
        self._parameters.update(id(p) for group in optimizer.param_groups for p in group["params"])
        if not self._told:
            self._tell(optimizer)
        else:
            self.fit.emit("optimizer", describe_optimizer(optimizer, known.number))
        return known

    @cairn.guard
    def _tell(self, optimizer=None):
        """Says what is trained, and how, once that has been seen."""
        if self._told or not self.recorded:
            return
        self._told = True
        seen, self._seen = self._seen, None
        model = seen.model(self._parameters) if seen is not None else None
        criterion = seen.criterion() if seen is not None else None
        self.fit.emit("fit.start", describe_model(model, seen, optimizer, describe_criterion(criterion)))
        for scheduler in self._schedulers:
            self.scheduler_made(scheduler)
        self._schedulers = []
        loader, self._loader = self._loader, None
        if loader is not None:
            self.fit.emit("loader", describe_loader(loader))
            record_data(self.fit, loader.dataset, cairn.Clock(cairn.BUDGET_SECONDS))
        if model is not None:
            self._keep(model, *seen.tensors(model))

    @cairn.guard
    def _keep(self, model, argument, result):
        """Keeps the model to save it in the end, and a few rows of what it takes. On another device than the processor a
        model is not kept alive: its memory may be needed."""
        on_processor = all(parameter.device.type == "cpu" for parameter in model.parameters())
        self._model = (lambda: model) if on_processor else cairn.fits.reference(model)
        if hasattr(argument, "detach"):
            self._rows = argument.detach()[: cairn.tabular.EXAMPLE_ROWS].cpu().numpy().copy()
            if self._epochs is None:
                record_data(self.fit, whole(argument), cairn.Clock(cairn.BUDGET_SECONDS))
        if hasattr(result, "detach"):
            self._outputs = result.detach()[: cairn.tabular.EXAMPLE_ROWS].cpu().numpy()

    def _norm(self, at, groups):
        torch = cairn.module("torch")
        gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None and not p.grad.is_sparse]
        if gradients and len({(g.device, g.dtype) for g in gradients}) == 1:
            with torch.no_grad():
                self._late.record("grad_norm", at, torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))


class Optimizer:
    """What is remembered of an optimizer: the learning rates that were recorded."""

    def __init__(self, optimizer, number):
        self.optimizer = cairn.fits.reference(optimizer)
        self.number = number
        self.steps = 0
        self.rates = _Growing()

    def changed(self, points, step, index, rate):
        self.rates[index] = rate
        key = "learning_rate" if self.number == 1 else "learning_rate_%d" % self.number
        value = rate.item() if hasattr(rate, "item") else float(rate)
        points.add(step, {key if index == 0 else "%s/group_%d" % (key, index): value})


class _Growing(dict):
    """Learning rates by group; groups may be added while the training goes on."""

    def __missing__(self, key):
        return None


def whole(tensor):
    """The data that a batch is a part of: what it is a view of, else itself."""
    base = tensor._base
    return base if base is not None and base.shape[1:] == tensor.shape[1:] else tensor
