"""Every test here runs the unmodified mlflow client: against Cairn on SQLite and PostgreSQL, most against MLflow itself."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid

# Before mlflow is imported: no telemetry, no progress bars, and a retry that does not hide a failure for minutes.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
# What a model needs is found by starting another Python, for seconds: after one, the client takes its own list.
os.environ.setdefault("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import mlflow
import mlflowsurface as surface
import pytest
from cairntest import Server, free_port
from postgrestest import DATABASES

START_SECONDS = 60
# It makes its tables and loads all of itself first.
MLFLOW_START_SECONDS = 150


class MLflowServer:
    """MLflow's own server, as pip installed it, on SQLite and a folder of files."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "server.log"
        self.process = None

    def __enter__(self):
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
                   "--workers", "1", "--backend-store-uri", f"sqlite:///{self.directory}/mlflow.db",
                   "--artifacts-destination", str(self.directory / "artifacts"), "--serve-artifacts"]
        # Its programs are found beside Python; those that run jobs are not needed.
        env = {**os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
               "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.directory, env=env, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + MLFLOW_START_SECONDS
        while not Server.healthy(self):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"MLflow's server did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        # With the processes that it started.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=START_SECONDS)


@pytest.fixture
def mlflow_server(tmp_path):
    """MLflow's own server, with nothing in it."""
    with MLflowServer(tmp_path) as original:
        yield original


@pytest.fixture(scope="session", params=[
    *[f"cairn-{name}" for name in DATABASES],
    pytest.param("mlflow", marks=pytest.mark.since("mlflow", "3.17", "its differences are known of this server")),
])
def server(request, tmp_path_factory):
    """The servers that all assertions are made of: Cairn on each database, and MLflow's own."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "mlflow":
        with MLflowServer(folder) as original:
            yield original
        return
    database = []  # SQLite in the data directory
    if request.param == "cairn-postgres":
        database = ["--database", request.getfixturevalue("postgres").database("t" + uuid.uuid4().hex)]
    with Server(folder, *database) as cairn:
        yield cairn


def of_original(item):
    """Whether a test is one of MLflow's own server."""
    return getattr(item, "callspec", None) is not None and item.callspec.params.get("server") == "mlflow"


LEFT_OUT = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter, config):
    if left_out := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"{left_out} cases were not asked of MLflow's own server: they are Cairn's alone")


def pytest_collection_modifyitems(config, items):
    """Leaves out of MLflow's server what is for Cairn alone, and expects the known differences to fail there."""
    left_out = [item for item in items if of_original(item) and surface.cairn_only(item)]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = len(left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        if of_original(item) and (reason := surface.difference(item)):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        if of_original(item) and item.path.name == "test_frameworks.py":
            item.add_marker(pytest.mark.full("MLflow's own server starts once more, for what Cairn is asked"))


@pytest.fixture
def client(server):
    mlflow.set_tracking_uri(server.url)
    return mlflow.MlflowClient()


@pytest.fixture
def experiment(client):
    """A fresh experiment, made the current one; its id."""
    made = mlflow.set_experiment("test-" + uuid.uuid4().hex)
    yield made.experiment_id
    while mlflow.active_run() is not None:
        mlflow.end_run()
