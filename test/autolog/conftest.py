"""Fixtures of the autolog tests."""

import contextlib

import mlflow
import pytest


@contextlib.contextmanager
def client_of(server):
    """The unmodified mlflow client of a server. mlflow's functions, and what clients of mlflow 2 do with artifacts, go to
    that server too."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(server.url)
    yield mlflow.MlflowClient(tracking_uri=server.url)
    mlflow.set_tracking_uri(before)


@pytest.fixture
def client(cairn_server):
    """The client of a server of the test's own."""
    with client_of(cairn_server) as client:
        yield client


@pytest.fixture(scope="module")
def shared_client(shared_server):
    """The client of the module's server."""
    with client_of(shared_server) as client:
        yield client
