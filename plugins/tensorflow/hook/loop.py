"""A training loop of the user's own: losses, learning rates, metrics and epochs, step by step."""

import sys
import time

from . import cairn
from .describe import describe, find_model
from .traced import is_scalar, name_of

# Every how many steps learning rates are looked at that nobody set, unless the option every_n_steps says otherwise.
RATE_STEPS = 100
RATE_SECONDS = 1.0
RATES = ("steps_per_second", "samples_per_second")
MAX_WAITING = 2000


class Loop:
    """Everything in it may raise: who calls it is guarded. step counts the losses whose gradients were taken, or calls of a
    tf.function that takes some, from 0: it is the x of all that is recorded."""

    def __init__(self, optimizers_made):
        self.fit = cairn.fits.Fit(cairn)
        self.run_token = cairn.run_token()
        self.step = 0
        self.rates_due = 0  # the step at which learning rates are looked at again
        self._made = optimizers_made
        self._started = self._told_rates = time.time()
        self._told_steps = 0
        self._points = cairn.Points(self.fit, measurements=RATES)
        self._late = []  # (series, step, milliseconds, tensor) on other devices than the processor
        self._names = {}  # place of a call of gradient → name of its loss
        self._optimizers = []  # (optimizer, the rate that was recorded)
        self._read = {}  # metric → (step, value) that was recorded last
        self._variables = set()
        self._dataset = self._epochs = self._batch_size = self._rows = None
        self._model = None
        self._told = False
        self._every = max(1, int(cairn.options.get("every_n_steps") or RATE_STEPS))

    # At each step.

    def loss(self, target, frame):
        step, now = self.step, time.time()
        self.step = step + 1
        if is_scalar(target):
            place = frame.f_code, frame.f_lasti
            name = self._names.get(place)
            if name is None:
                name = name_of(target, frame)
                if name in self._names.values():
                    name = "%s_%d" % (name, len(self._names) + 1)
                self._names[place] = name
            self._value(name, step, now, target)
        self._stepped(now)

    def returned(self, traced, result):
        """A tf.function that trains was called, and gave this."""
        step, now = self.step, time.time()
        self.step = step + 1
        for held in traced.optimizers:
            self._meet(held())
        traced.optimizers = []
        for name, value in traced.values(result):
            self._value(name, step, now, value)
        self._stepped(now)

    def _value(self, name, step, now, tensor):
        series = self._points.series(name)
        if "CPU" in tensor.device:
            series.add(step, int(now * 1000), float(tensor.numpy()))
        else:
            self._late.append((series, step, int(now * 1000), tensor))
            if len(self._late) >= MAX_WAITING:
                self._read_late()

    def _stepped(self, now):
        if self.step > self.rates_due:
            self._learning_rates()
        if now - self._told_rates >= RATE_SECONDS:
            self._throughput(now)
        self._points.tick(now, 1)

    # Now and then.

    def stepped(self, optimizer):
        self._meet(optimizer)

    def _meet(self, optimizer):
        if optimizer is not None and not any(known[0] is optimizer for known in self._optimizers):
            self._optimizers.append([optimizer, None])
            self.rates_due = 0
            number = len(self._optimizers)
            self.fit.emit("fit.params", {"params": describe.optimizer(optimizer, number)})
            self._learning_rates()

    def _learning_rates(self):
        step = max(self.step - 1, 0)
        self.rates_due = step + self._every
        for number, known in enumerate(self._optimizers, 1):
            rate = float(sys.modules["keras.src.backend"].convert_to_numpy(known[0].learning_rate))
            if rate != known[1]:
                known[1] = rate
                self._points.add(step, {"learning_rate" if number == 1 else "learning_rate_%d" % number: rate})

    def epoch(self, dataset):
        """An iteration of a tf.data.Dataset began, and gradients are taken in it."""
        if self._epochs is None:
            self._epochs = [id(dataset), 0]
            self._dataset = dataset
        elif self._epochs[0] == id(dataset):
            self._epochs[1] += 1
        else:
            return
        self.rates_due = 0
        self._points.add(self.step, {"epoch": self._epochs[1]})

    def metric(self, metric, value):
        """The user read a metric: what it is at the last step."""
        step = max(self.step - 1, 0)
        if not is_scalar(value):
            return
        value = float(value.numpy())
        if self._read.get(metric.name) != (step, value):
            self._read[metric.name] = step, value
            self._points.add(step, {metric.name: value})

    def is_over_with(self, variables, optimizers_made):
        """True if a step on these variables belongs to another training: to none of the variables of this one, and since it
        began another optimizer was made."""
        if not self.step or optimizers_made == self._made:
            return False
        if any(id(variable) in self._variables for variable in variables):
            return False
        return True

    def tell(self, variables, frame):
        """Says what is trained, once that is known."""
        if not self._told:
            self._told = True
            self._variables.update(map(id, variables))
            self._tell(variables, frame)
        elif frame is not None:
            self._variables.update(map(id, variables))

    @cairn.guard
    def _tell(self, variables, frame):
        model = find_model(variables, frame)
        with cairn.quiet.work():
            self.fit.emit("fit.start", describe.start(model, variables))
            keras = cairn.fits.specialist("keras.Model")
            if keras is not None and keras.is_model(model):
                self._model = model
                keras.begun(self.fit, model)
        if self._dataset is not None:
            self._describe_data()

    @cairn.guard
    def _describe_data(self):
        pipelines = cairn.pipelines
        pipeline = pipelines.of(self._dataset)
        self._batch_size = pipeline.batch_size
        params = pipelines.params(pipeline)
        params["element_spec"] = str(self._dataset.element_spec)[:500]
        self.fit.emit("fit.params", {"params": params})
        name = describe.name_of_data(self._dataset)
        if not pipeline.tensors:
            kind = type(self._dataset)
            facts = {"name": name, "class": kind.__module__ + "." + kind.__name__, "rows": pipeline.rows}
            self.fit.emit("data.opaque", facts)
            return
        arrays = [pipelines.array(tensor) for tensor in pipeline.tensors[:2]]
        targets = arrays[1] if len(arrays) > 1 else None
        facts = cairn.tabular.describe(arrays[0], targets, name, cairn.BUDGET_SECONDS)
        if facts["sampled"]:
            self.fit.warn("the digest of %s is that of a sample of its rows: reading all takes too long" % name)
        self.fit.emit("fit.data", dict(facts, context="train"))
        self._rows = cairn.tabular.head(arrays[0])

    def _read_late(self):
        waiting, self._late = self._late, []
        for series, step, milliseconds, tensor in waiting:
            series.add(step, milliseconds, float(tensor.numpy()))

    def _throughput(self, now):
        """Since the last time."""
        self._read_late()
        seconds, self._told_rates = now - self._told_rates, now
        steps, self._told_steps = self.step - self._told_steps, self.step
        rates = {"steps_per_second": steps / seconds}
        if self._batch_size:
            rates["samples_per_second"] = rates["steps_per_second"] * self._batch_size
        self._points.add(self.step - 1, rates)

    def end(self, error):
        seconds = time.time() - self._started
        self._conclude(seconds)
        facts = {"status": "FINISHED", "seconds": seconds}
        if error is not None:
            said = "%s: %s" % (type(error).__name__, cairn.calls.text(error))
            facts = {"status": "FAILED", "seconds": seconds, "error": said}
        self.fit.emit("fit.end", facts)

    @cairn.guard
    def _conclude(self, seconds):
        self._read_late()
        self._points.flush()
        keras = cairn.fits.specialist("keras.Model")
        if self._model is not None and keras is not None:
            with cairn.fits.inside(), cairn.quiet.work():
                keras.ended(self.fit, self._model, self._rows, cairn.Clock(cairn.budget(seconds)))
