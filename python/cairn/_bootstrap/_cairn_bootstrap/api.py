"""The object that a hook works with."""

import functools
import itertools
import os
import sys
import time

from . import calls, fits, frames, models, patch, pipelines, quiet, runs, tabular, torches
from .clock import Clock
from .points import Points

_files = itertools.count(1)

# What a hook may spend on one fit beside the fit itself: a share of the fit's own time, or a fixed time if that is longer.
BUDGET_SHARE = 0.10
BUDGET_SECONDS = 0.2


class Cairn:
    """What an adapter's hook may do: send observations, and be stopped from ever disturbing the training.

    calls, fits, frames, models, patch, pipelines, quiet, tabular and torches are the modules of the same name: calls that
    train, which fits go on, names of variables, models as files, wrappers in place of functions, data in batches, isolation
    of work of ours from the user's random numbers, warnings and output, descriptions of datasets, and what hooks of PyTorch
    share.
    """

    BUDGET_SECONDS = BUDGET_SECONDS
    Clock = Clock
    Points = Points
    calls = calls
    fits = fits
    frames = frames
    models = models
    patch = patch
    pipelines = pipelines
    quiet = quiet
    tabular = tabular
    torches = torches

    def __init__(self, session, adapter):
        self._session = session
        self._adapter = adapter
        self._reported = set()

    @property
    def options(self):
        """Options of the run, for example {"models": "on"}."""
        return self._session.options

    @property
    def files_dir(self):
        """Directory for files that observations name; it belongs to the agent, which removes them after delivery."""
        return self._session.welcome.get("files_dir", "")

    @property
    def worker(self):
        """True in a child process that a training started."""
        return self._session.worker

    def file(self, name):
        """A path in files_dir that nobody else has."""
        return os.path.join(self.files_dir, "%d-%d-%s" % (os.getpid(), next(_files), name))

    def new_fit(self):
        """An id for a top-level fit, unique in this process."""
        return fits.new_id()

    def nested(self):
        """True inside a call that a hook records already: what runs here belongs to that."""
        return fits.nested(self.worker)

    def active_run(self):
        """The run that the user opened with cairn.run() or mlflow.start_run(), else ""."""
        return runs.active(self._session)

    @staticmethod
    def run_token():
        """Changes when the user opens or closes a run. Cheap enough to be asked at each step of a training."""
        return runs.token()

    def budget(self, fit_seconds):
        """Seconds that may be spent on recording a fit that took fit_seconds."""
        return max(BUDGET_SECONDS, BUDGET_SHARE * fit_seconds)

    def emit(self, kind, fit=None, payload=None, files=None, run=None):
        """Sends an observation. Returns at once; payload is serialised before that, so it may change afterwards."""
        self._session.send(
            {
                "t": "obs",
                "adapter": self._adapter,
                "kind": kind,
                "time_ms": int(time.time() * 1000),
                "fit": fit or "",
                "run": run or "",
                "payload": payload or {},
                "files": files or {},
            },
            numbered=True,
        )

    def warn(self, message, fit="", run=""):
        """Says on the run that something was left out, sampled or failed. The training's own output stays untouched."""
        self._session.send({"t": "warn", "message": str(message)[:2000], "fit": fit, "run": run})

    def background(self, function, *arguments):
        """Runs function(*arguments) later, on a thread of the bootstrap. Only for what nobody changes meanwhile."""
        self._session.background(self.guard(function), *arguments)

    def after_import(self, module, callback):
        """Calls callback(module) when the module has been imported, at once if it has."""
        self._session.watcher.after(module, self.guard(callback))

    def failed(self, what, error):
        """Reports an error of ours, once for each kind."""
        key = (what, type(error).__name__)
        if key in self._reported:
            return
        self._reported.add(key)
        where = ""
        trace = error.__traceback__
        while trace is not None:
            where = "%s:%d" % (os.path.basename(trace.tb_frame.f_code.co_filename), trace.tb_lineno)
            trace = trace.tb_next
        said = "%s: %s (%s)" % (type(error).__name__, error, where)
        self.warn("%s: not recorded, since %s failed: %s" % (self._adapter, what, said))

    def guard(self, function):
        """function, without its exceptions: they are reported on the run and the call gives None."""

        @functools.wraps(function)
        def guarded(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except Exception as error:
                try:
                    self.failed(getattr(function, "__name__", "a hook"), error)
                except Exception:
                    pass
                return None

        return guarded

    @staticmethod
    def module(name):
        """A module that the training has imported, else None. Hooks import nothing that the user did not."""
        return sys.modules.get(name)
