"""What only the user knows, logged with the `cairn` package under `cairn exec`."""

import math

import cairntest
import mlflow
import pytest
from autolog.exec import runs, train

SCRIPT = """
import os, cairn
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
cairn.params({"note": "mine"})
for step in range(3):
    cairn.log({"loss": 1 / (step + 1), "odd": float("nan")}, step=step)
cairn.log({"loss": 7}, step=2.5)
open("plot.txt", "w").write("first")
cairn.artifact("plot.txt")
open("plot.txt", "w").write("changed afterwards")
cairn.artifact(b"\\0bytes", "deep/raw.bin")
os.remove("plot.txt")
for wrong in ("../up", "/root", "a//b", ""):
    try:
        cairn.artifact(b"x", wrong)
    except ValueError as error:
        print(error)
with cairn.run("second") as run:
    run.artifact(b"of the second", "which.txt")
LogisticRegression().fit(*load_iris(return_X_y=True))
"""


@pytest.fixture
def trained(cairn_server, client, tmp_path):
    ended = train(cairn_server.url, tmp_path, SCRIPT, "--experiment", "own", PYTHONPATH=cairntest.ROOT / "python")
    assert ended.done.stdout.count("path must be relative") == 4
    return runs(client, "own")


def test_what_the_user_logs_and_what_is_trained_are_one_run(trained, client):
    first, second = trained
    assert first.data.params["note"] == "mine"
    assert first.data.tags["estimator_name"] == "LogisticRegression"
    loss = sorted((m.step, m.value) for m in client.get_metric_history(first.info.run_id, "loss"))
    assert loss == [(0, 1.0), (1, 0.5), (2, 1 / 3), (2, 7)], "MLflow shows integers"
    assert all(math.isnan(m.value) for m in client.get_metric_history(first.info.run_id, "odd"))
    assert second.info.run_name == "second"


def test_artifacts_are_those_at_the_time_of_the_call(trained):
    first, second = (run.info.run_id for run in trained)
    assert content(first, "plot.txt") == b"first"
    assert content(first, "deep/raw.bin") == b"\0bytes"
    assert content(second, "which.txt") == b"of the second"


def content(run, path):
    with open(mlflow.artifacts.download_artifacts(run_id=run, artifact_path=path), "rb") as file:
        return file.read()
