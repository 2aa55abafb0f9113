"""Fixtures of all Python tests."""

import os
import uuid

import cairntest
import postgrestest
import pytest

# Set before a test imports mlflow, which would report to its makers.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(scope="session")
def cairn_bin():
    """The path of the program under test."""
    return cairntest.cairn_bin()


@pytest.fixture
def cairn_server(tmp_path):
    """A running Cairn on an empty SQLite database; see cairntest.Server."""
    with cairntest.Server(tmp_path / "server") as server:
        yield server


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """As cairn_server, one for all tests of a module that do not mind each other's data."""
    with cairntest.Server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres():
    server = postgrestest.Postgres()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session", params=postgrestest.DATABASES)
def database(request):
    """A function that gives the arguments of a server on a fresh database."""
    if request.param == "sqlite":
        return lambda: []  # the default, in the data directory
    cluster = request.getfixturevalue("postgres")
    return lambda: ["--database", cluster.database("t" + uuid.uuid4().hex)]
