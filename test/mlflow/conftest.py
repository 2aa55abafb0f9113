"""Every test here runs the unmodified mlflow client against Cairn on SQLite and on PostgreSQL."""

import os
import uuid

# Before mlflow is imported: no telemetry, no progress bars, and a retry that does not hide a failure for minutes.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import mlflow  # noqa: E402
import pytest  # noqa: E402
from servers import Cairn, Postgres  # noqa: E402

DATABASES = ["sqlite", "postgres"]


@pytest.fixture(scope="session")
def postgres():
    server = Postgres()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session", params=DATABASES)
def database(request):
    """A function that gives the URL of a fresh database; None stands for the default, SQLite in the data directory."""
    if request.param == "sqlite":
        return lambda: None
    cluster = request.getfixturevalue("postgres")
    return lambda: cluster.database("t" + uuid.uuid4().hex)


@pytest.fixture(scope="session")
def server(database, tmp_path_factory):
    # Another server that speaks MLflow's REST may stand in, to compare what the tests say of it.
    if other := os.environ.get("CAIRN_TEST_TRACKING_URI"):
        yield type("Other", (), {"url": other})()
        return
    cairn = Cairn(tmp_path_factory.mktemp("cairn"), database())
    try:
        yield cairn.start()
    finally:
        cairn.stop()


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
