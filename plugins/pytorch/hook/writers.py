"""What the user writes for TensorBoard, with torch.utils.tensorboard or tensorboardX.

Scalars are taken as add_scalar gets them: the event file has 32 bits of each. Pictures and histograms are taken on their way
to the file, where they have been encoded already.
"""

import atexit
import functools
import time

from . import cairn

# What is recorded of one training beside its scalars, and how long scalars wait for a training to begin.
MAX_FILES = 200
MAX_BYTES = 64 << 20
MAX_TEXT = 64 << 10
WAITING = 200
WAITING_SECONDS = 10.0

_muted = []  # one for each call inside which what is written is known already
_holder_of = []  # asked for what goes on: functions that give a loop or a Lightning recorder, or None


def install():
    for module in ("torch.utils.tensorboard.writer", "tensorboardX.writer"):
        cairn.after_import(module, writers)


def writers(module):
    writer, file_writer = module.SummaryWriter, module.FileWriter
    for name, told in (("add_scalar", scalar), ("add_scalars", scalars), ("add_text", text), ("add_hparams", hparams)):
        if hasattr(writer, name):
            setattr(writer, name, telling(getattr(writer, name), told, name == "add_hparams"))
    file_writer.add_summary = telling(file_writer.add_summary, summary, False)


def telling(original, told, mutes):
    """mutes: the original writes by further calls what told() records."""

    @functools.wraps(original)
    def method(self, *args, **kwargs):
        if _muted:
            return original(self, *args, **kwargs)
        if mutes:
            with muted():
                result = original(self, *args, **kwargs)
        else:
            result = original(self, *args, **kwargs)
        told(*args, **kwargs)
        return result

    return method


class muted:
    """`with muted():` what is written inside is recorded in another way."""

    def __enter__(self):
        _muted.append(True)

    def __exit__(self, *exception):
        _muted.pop()
        return False


def muting(original):
    @functools.wraps(original)
    def method(*args, **kwargs):
        with muted():
            return original(*args, **kwargs)

    return method


@cairn.guard
def scalar(tag, scalar_value, global_step=None, walltime=None, *_, **__):
    _to_board("scalar", str(tag), number(scalar_value), global_step, walltime)


@cairn.guard
def scalars(main_tag, tag_scalar_dict, global_step=None, walltime=None, *_, **__):
    for tag, value in tag_scalar_dict.items():
        _to_board("scalar", "%s/%s" % (main_tag, tag), number(value), global_step, walltime)


@cairn.guard
def text(tag, text_string, global_step=None, *_, **__):
    _to_board("file", "text/%s" % tag, global_step, ".txt", str(text_string)[:MAX_TEXT].encode())


@cairn.guard
def hparams(hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None, global_step=None, *_, **__):
    _to_board("params", {str(name): cairn.calls.text(value) for name, value in hparam_dict.items()})
    for tag, value in metric_dict.items():
        _to_board("scalar", str(tag), number(value), global_step, None)


@cairn.guard
def summary(written, global_step=None, *_, **__):
    """written: a Summary, whose values have the fields of TensorBoard's format."""
    for value in getattr(written, "value", ()):
        if value.HasField("image"):
            _to_board("file", "images/%s" % value.tag, global_step, ".png", value.image.encoded_image_string)
        elif value.HasField("histo"):
            _to_board("file", "histograms/%s" % value.tag, global_step, ".json", histogram(value.histo))


def histogram(histo):
    import json

    fields = {name: getattr(histo, name) for name in ("min", "max", "num", "sum", "sum_squares")}
    fields.update(bucket_limit=list(histo.bucket_limit), bucket=list(histo.bucket))
    return json.dumps(fields).encode()


def number(value):
    return float(value.item() if hasattr(value, "item") else value)


class Board:
    """What was written during one training."""

    def __init__(self, fit, own):
        """own(key): whether the training's own recording has a series of that name."""
        self._fit, self._own = fit, own
        self._points = cairn.Points(fit)
        self._counts = {}
        self._files = self._bytes = 0
        self._full = False

    def scalar(self, tag, value, step, walltime):
        # A tag that is called as a loss which is recorded already keeps its points apart from those.
        key = "tensorboard/" + tag if self._own(tag) else tag
        now = walltime or time.time()
        self._points.series(key).add(self._step(tag, step), int(now * 1000), value)
        self._points.tick(time.time(), 1)

    def _step(self, tag, step):
        """The step, or the number of what was written under that tag where none is given."""
        count = self._counts[tag] = self._counts.get(tag, -1) + 1
        return int(step) if step is not None else count

    def params(self, values):
        self._fit.emit("fit.params", {"params": values})

    def file(self, path, step, suffix, content):
        if self._files >= MAX_FILES or self._bytes + len(content) > MAX_BYTES:
            if not self._full:
                self._full = True
                self._fit.warn("of what a SummaryWriter got, %d pictures, histograms and texts are recorded" % self._files)
            return
        self._files += 1
        self._bytes += len(content)
        copy = cairn.file("written" + suffix)
        with open(copy, "wb") as file:
            file.write(content)
        facts = {"path": "%s/%d%s" % (path, self._step(path, step), suffix)}
        self._fit.emit("writer.file", facts, files={"content": copy})

    def flush(self):
        self._points.flush()


class _Waiting:
    """What was written while no training went on: it belongs to the next one, if that begins soon."""

    def __init__(self):
        self.items = []
        self._since = 0.0
        self.board = None  # of a script that trains nothing which is seen
        self._registered = False

    def add(self, item):
        if not self.items:
            self._since = time.time()
            if not self._registered:
                self._registered = True
                atexit.register(self.at_exit)
        self.items.append(item)
        if len(self.items) > WAITING or time.time() - self._since > WAITING_SECONDS:
            self.alone()

    def alone(self):
        self.board = Board(cairn.fits.Fit(cairn), lambda key: False)
        self.hand_to(self.board)

    def hand_to(self, board):
        items, self.items = self.items, []
        for name, arguments in items:
            getattr(board, name)(*arguments)

    @cairn.guard
    def at_exit(self):
        if self.items:
            self.alone()
        if self.board is not None:
            self.board.flush()


_waiting = _Waiting()


def ask(holder):
    """holder() gives what goes on, with its fit, own(key) and a place for its board; None where nothing does, False where
    what is written then is not recorded. Who asks last is answered first."""
    _holder_of.insert(0, holder)


def _to_board(name, *arguments):
    for ask_for in _holder_of:
        holder = ask_for()
        if holder is False:
            return
        if holder is not None:
            getattr(board_of(holder), name)(*arguments)
            return
    if _waiting.board is not None:
        getattr(_waiting.board, name)(*arguments)
    else:
        _waiting.add((name, arguments))


def board_of(holder):
    if holder.board is None:
        holder.board = Board(holder.fit, holder.own)
        _waiting.hand_to(holder.board)
    return holder.board


@cairn.guard
def began(holder):
    """A training began: what was written before it is handed to it."""
    if _waiting.items:
        board_of(holder)


@cairn.guard
def ended(holder):
    if holder.board is not None:
        holder.board.flush()
