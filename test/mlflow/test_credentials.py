"""How clients say who they are: a token as MLFLOW_TRACKING_TOKEN, or as the password of a user of any name."""

import os
import subprocess

import mlflow
import pytest
import requests
from cairntest import Server, cairn_bin
from mlflowtest import refused


@pytest.fixture(scope="module")
def guarded(database, tmp_path_factory):
    """A server that wants tokens, and one of each role."""
    with Server(tmp_path_factory.mktemp("guarded"), *database()) as server:
        secrets, env = {}, {**os.environ, "CAIRN_SERVER": server.url}
        for role in ("admin", "editor", "viewer"):
            command = [cairn_bin(), "tokens", "create", role, "--role", role]
            made = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
            secrets[role] = made.stdout.strip()
            env["CAIRN_TOKEN"] = secrets["admin"]
        server.secrets = secrets
        yield server


@pytest.fixture
def client(guarded, monkeypatch):
    """The client of somebody whom the environment names."""

    def client(**environment):
        for name in ("TOKEN", "USERNAME", "PASSWORD"):
            monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
        mlflow.set_tracking_uri(guarded.url)
        return mlflow.MlflowClient()

    return client


def test_a_token(guarded, client):
    mine = client(TOKEN=guarded.secrets["editor"])
    run = mine.create_run("0").info.run_id
    mine.log_text(run, "mine", "note.txt")
    assert mlflow.artifacts.load_text(f"runs:/{run}/note.txt") == "mine"


def test_a_token_as_a_password(guarded, client):
    mine = client(USERNAME="anybody", PASSWORD=guarded.secrets["editor"])
    run = mine.create_run("0").info.run_id
    assert mine.get_run(run).info.run_id == run


def test_who_only_looks(guarded, client):
    mine = client(TOKEN=guarded.secrets["viewer"])
    assert mine.get_experiment("0").name == "Default"
    with refused("PERMISSION_DENIED", "EDITOR"):
        mine.create_run("0")


@pytest.mark.parametrize("environment", [{}, {"TOKEN": "wrong"}, {"USERNAME": "admin", "PASSWORD": "password"},
                                         {"USERNAME": "admin", "PASSWORD": ""}, {"TOKEN": "cairn_" + "0" * 40}], ids=str)
def test_strangers(client, environment):
    with refused("UNAUTHENTICATED"):
        client(**environment).get_experiment("0")


def test_status_of_a_stranger(guarded):
    for path in ("/api/2.0/mlflow/experiments/get?experiment_id=0", "/ajax-api/2.0/mlflow/runs/get?run_id=x",
                 "/api/2.0/mlflow-artifacts/artifacts", "/get-artifact?run_id=x&path=y", "/api/3.0/mlflow/server-info"):
        assert requests.get(guarded.url + path, timeout=60).status_code == 401, path
