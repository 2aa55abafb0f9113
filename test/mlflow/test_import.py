"""A database that the installed mlflow made, imported: its client sees in Cairn what it saw before."""

import json
import math
import signal
import subprocess
import sys

import mlflow
import pytest
import requests
from cairntest import Server, cairn_bin
from mlflow.entities import Metric, Param, RunTag, ViewType

MAXIMUM = sys.float_info.max


def fill(client):
    """Records what an import could get wrong, and gives the ids of the runs."""
    client.set_experiment_tag("0", "owner", "ada")
    iris = client.create_experiment("iris", tags={"team": "red"})
    gone = client.create_experiment("gone")
    runs = []
    for number in range(30):
        experiment = ["0", iris, gone][number % 3]
        tags = {"mlflow.parentRunId": runs[0]} if number == 5 else {"note": "多行\ntext", "empty": ""}
        run = client.create_run(experiment, start_time=1000 + number, run_name=f"лауф {number}", tags=tags).info.run_id
        runs.append(run)
        points = [Metric("loss", 1 / (step + 1), 5000 + step, step - 2) for step in range(7 * number)]
        points += [Metric("loss", 0.5, 5000, 1), Metric("loss", 0.75, 5000, 1)]
        points += [Metric("学习率", value, 6000 + i, i) for i, value in enumerate([math.nan, math.inf, -math.inf, 5e-324])]
        client.log_batch(run, points, [Param("depth", str(number)), Param("long", "x" * 500)], [RunTag("seed", "1")])
        if number % 4:
            client.set_terminated(run, ["FINISHED", "FAILED", "KILLED"][number % 3], 9000 + number)
        if number in (6, 7):
            client.delete_run(run)
    client.delete_experiment(gone)
    client.create_registered_model("iris", tags={"owner": "ada"}, description="花")
    for number in range(4):
        source = f"s3://models/iris/{number}"
        client.create_model_version("iris", source, runs[number], tags={"n": str(number)}, description=f"v{number}")
    client.transition_model_version_stage("iris", "1", "Archived")
    client.transition_model_version_stage("iris", "3", "Production")
    client.set_registered_model_alias("iris", "best", "3")
    client.delete_model_version("iris", "2")
    return runs


def seen(client, runs):
    """What a client sees, as one value that can be compared."""
    names = {}
    out = {"experiments": {}}
    for e in client.search_experiments(ViewType.ALL):
        names[e.experiment_id] = e.name
        out["experiments"][e.name] = (e.lifecycle_stage, e.tags)
    for run_id in runs:
        run = client.get_run(run_id)
        info = run.info
        assert info.run_name == run.data.tags["mlflow.runName"]
        histories = {
            key: sorted((m.step, m.timestamp, infinite(m.value)) for m in client.get_metric_history(run_id, key))
            for key in run.data.metrics
        }
        out[run_id] = (
            names[info.experiment_id],
            (info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage, info.user_id),
            run.data.params,
            run.data.tags,
            {key: infinite(value) for key, value in run.data.metrics.items()},
            histories,
        )
    return out


def infinite(value):
    """A value as text; the largest number is how MLflow's databases hold an infinite one."""
    return repr(math.copysign(math.inf, value) if abs(value) == MAXIMUM else value)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    uri = f"sqlite:///{folder}/mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=uri)
    runs = fill(client)
    return uri, runs, seen(client, runs)


@pytest.fixture
def target(database, tmp_path):
    """A server that is not running, and the arguments that name its database."""
    arguments = database()
    server = Server(tmp_path, *arguments)
    return server, ["--data-dir", str(tmp_path / "data"), *arguments]


def cairn(*arguments):
    return subprocess.run([str(cairn_bin()), *arguments], capture_output=True, text=True, check=False)


def bring(uri, arguments):
    done = cairn("import", "mlflow", uri, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(server, original):
    _, runs, before = original
    server.start()
    try:
        after = seen(mlflow.MlflowClient(tracking_uri=server.url), runs)
        assert after["experiments"] == before["experiments"]
        for run_id in runs:
            assert after[run_id] == before[run_id]
        query = '{ modelVersion(name: "iris", alias: "best") { version stage source runId description tags { key value } } }'
        answer = requests.post(server.url + "/graphql", json={"query": query}, timeout=30).json()
        assert answer["data"]["modelVersion"] == {
            "version": 3,
            "stage": "Production",
            "source": "s3://models/iris/2",
            "runId": runs[2],
            "description": "v2",
            "tags": [{"key": "n", "value": "2"}],
        }
    finally:
        server.stop()


def test_import(original, target):
    uri, runs, _ = original
    server, arguments = target
    report = bring(uri, arguments)
    assert report["runs"] == {"mlflow": len(runs), "cairn": len(runs), "new": len(runs)}
    assert report["points"]["mlflow"] == report["points"]["cairn"] == report["points"]["new"] > 3000
    assert report["registeredModels"] == {"mlflow": 1, "cairn": 1, "new": 1}
    assert report["modelVersions"] == {"mlflow": 3, "cairn": 3, "new": 3}
    assert report["experiments"] == {"mlflow": 3, "cairn": 3, "new": 2}
    assert bring(uri, arguments)["runs"] == {"mlflow": len(runs), "cairn": len(runs), "new": 0}
    check(server, original)
    checked = cairn("db", "check", *arguments)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_run_that_mlflow_went_on_with_is_reported(target, tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=uri)
    run = client.create_run("0").info.run_id
    client.log_metric(run, "loss", 1.0)
    _, arguments = target
    assert bring(uri, arguments)["runs"]["new"] == 1
    client.log_metric(run, "loss", 0.5)
    done = cairn("import", "mlflow", uri, *arguments)
    assert done.returncode == 1
    assert run in done.stderr and "MLflow went on" in done.stderr
    assert done.stdout.splitlines()[2].split() == ["runs", "1", "1", "0"]


def test_kills(original, target):
    """An import that is killed again and again, each time a little later, is whole in the end."""
    uri, runs, _ = original
    server, arguments = target
    kills = 0
    for wait in [0.03 * 1.5**attempt for attempt in range(12)]:
        command = [str(cairn_bin()), "import", "mlflow", uri, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=wait)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    assert kills > 0
    report = bring(uri, arguments)
    assert report["runs"]["cairn"] == len(runs)
    assert report["points"]["cairn"] == report["points"]["mlflow"]
    check(server, original)
