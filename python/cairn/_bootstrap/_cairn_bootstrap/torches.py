"""What hooks of PyTorch and of what is built on it share: values on devices, throughput, models in words and as files."""

import os
import sys
import time
import types

MAX_WAITING = 2000
MAX_LINES = 2000
SECONDS = 1.0
RATES = ("steps_per_second", "samples_per_second", "device_memory_bytes")
UNSEEDED = 67280421310721  # of a generator that nobody touched


def immediate(tensor):
    """True for a value that can be read without waiting for a device."""
    return tensor.is_cpu


class Late:
    """Values on other devices than the processor: (series, step, milliseconds, tensor). To read one is to wait until the
    device is done with all that was asked of it before, so they are read together, some time later."""

    def __init__(self, points):
        self._points = points
        self._waiting = []

    def add(self, series, step, milliseconds, tensor):
        # A copy, on the device: the user may change the tensor in place. It is made without waiting.
        self._waiting.append((series, step, milliseconds, tensor.detach().clone().reshape(())))
        if len(self._waiting) >= MAX_WAITING:
            self.read()

    def record(self, key, step, value):
        """A number of now, or a tensor of one: at once where that can be read, else later."""
        now = int(time.time() * 1000)
        if not hasattr(value, "item") or immediate(value):
            self._points.series(key).add(step, now, float(value))
        else:
            self.add(self._points.series(key), step, now, value)

    def read(self):
        """Reads what waits, a transfer for each kind of tensor."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        torch = sys.modules["torch"]
        kinds = {}
        for item in waiting:
            kinds.setdefault((item[3].device, item[3].dtype), []).append(item)
        for items in kinds.values():
            values = torch.stack([item[3] for item in items]).cpu().tolist()
            for (series, step, milliseconds, _), value in zip(items, values):
                series.add(step, milliseconds, value)


class Rates:
    """Throughput and memory of a training, once a second. due: when record is to be called next, as time.time() has it."""

    def __init__(self, points):
        self.due = time.time()
        self.batch_size = None
        self._points = points
        self._step = 0

    def record(self, now, step):
        """step: how many steps were done."""
        seconds, self.due = now - (self.due - SECONDS), now + SECONDS
        steps, self._step = step - self._step, step
        rates = {"steps_per_second": steps / seconds}
        if self.batch_size:
            rates["samples_per_second"] = rates["steps_per_second"] * self.batch_size
        cuda = sys.modules["torch"].cuda
        if cuda.is_initialized():
            rates["device_memory_bytes"] = cuda.max_memory_allocated()
        self._points.add(step - 1, rates)


def unwrap(model):
    """The user's own module, inside what DistributedDataParallel and torch.compile make of it."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and type(model).__name__ in ("DistributedDataParallel", "DataParallel"):
            inner = model.module
        if inner is None:
            return model
        model = inner


def class_name(value):
    return type(value).__module__ + "." + type(value).__name__


def summary(model, shape_of=lambda module: None):
    """A table of the modules, each with the shape of what it gave and its own parameters. shape_of(module): that shape, if
    it is known."""
    lines = [("module", "class", "output", "parameters")]
    for name, module in model.named_modules():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        shape = shape_of(module)
        lines.append((name or "(model)", type(module).__name__, "x".join(map(str, shape)) if shape else "", str(own)))
        if len(lines) > MAX_LINES:
            lines.append(("…", "", "", ""))
            break
    widths = [max(len(line[at]) for line in lines) for at in range(4)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    total = sum(p.numel() for p in model.parameters())
    return "\n".join([*table, "", "%d parameters" % total, ""])


def seeds():
    """What the user seeded PyTorch with."""
    seed = sys.modules["torch"].initial_seed()
    return {"torch": str(seed)} if seed != UNSEEDED else {}


def sizes(model):
    """Name, size and device of a module, as params."""
    parameters = list(model.parameters())
    return {
        "model": type(model).__name__,
        "n_parameters": str(sum(p.numel() for p in parameters)),
        "n_trainable_parameters": str(sum(p.numel() for p in parameters if p.requires_grad)),
        "device": str(parameters[0].device) if parameters else "cpu",
    }


def picklers():
    """cloudpickle in the form that torch.save asks for, so that classes of the user's script are taken along."""
    try:
        import cloudpickle
    except ImportError:
        import pickle

        return pickle
    module = types.ModuleType("mlflow.pytorch.pickle_module")
    module.__dict__.update({name: value for name, value in vars(cloudpickle).items() if not name.startswith("__")})
    module.Pickler = cloudpickle.CloudPickler
    return module


def local_modules():
    """Top-level modules that belong to the user's script: they are not installed, but imported from its directory."""
    here = os.getcwd()
    files = {name: str(getattr(module, "__file__", None) or "") for name, module in list(sys.modules.items())}
    return {"__main__"} | {name for name, file in files.items() if file.startswith(here) and "site-packages" not in file}


def saved(cairn, fit, model, clock):
    """The model as torch.save writes it, where mlflow.pytorch looks for it: a Saved, or None, with a warning."""
    torch, module = sys.modules["torch"], picklers()
    return cairn.models.written(
        cairn, fit, "data/model.pth", lambda file: torch.save(unwrap(model), file, pickle_module=module), clock
    )


def facts(cairn, model, saved, rows=None, outputs=None, needs=()):
    """What is told of a saved model. rows: of what it takes; outputs: what it gave for them; needs: packages beside
    PyTorch."""
    model = unwrap(model)
    home = type(model).__module__.partition(".")[0]
    needs = {"torch", "numpy", "cloudpickle", home, *needs} - local_modules()
    return cairn.models.describe(
        saved,
        rows=rows,
        outputs=cairn.tabular.schema(outputs) if outputs is not None else None,
        requirements=cairn.models.versions(*needs),
        model_class=class_name(model),
        pickle_module=picklers().__name__,
        version=str(sys.modules["torch"].__version__),
    )
