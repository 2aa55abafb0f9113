"""Fixtures of the autolog tests."""

import mlflow
import pytest


@pytest.fixture
def client(cairn_server):
    """The unmodified mlflow client of a server of the test's own."""
    return mlflow.MlflowClient(tracking_uri=cairn_server.url)


@pytest.fixture(scope="module")
def shared_client(shared_server):
    """The unmodified mlflow client of the module's server."""
    return mlflow.MlflowClient(tracking_uri=shared_server.url)


@pytest.fixture
def tracking(monkeypatch):
    """Points mlflow's fluent functions in this process at a server: tracking(url)."""
    before = mlflow.get_tracking_uri()

    def point(url):
        mlflow.set_tracking_uri(url)

    yield point
    mlflow.set_tracking_uri(before)
