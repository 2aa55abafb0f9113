"""A database or a file store that the installed mlflow made, imported: its client sees in Cairn what it saw before."""

import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import uuid

import mlflow
import numpy
import pytest
import requests
from cairntest import Server, cairn_bin
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

# Logged models came with MLflow 3; the stores of MLflow 2 have none.
MODELS = not mlflow.__version__.startswith("2.")
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
    data = mlflow.data.from_numpy(numpy.arange(6.0).reshape(3, 2), name="flowers")
    told = DatasetInput(data._to_mlflow_entity(), [InputTag("mlflow.data.context", "training")])
    client.log_inputs(runs[1], datasets=[told])
    models = fill_models(client, iris, runs, data.digest) if MODELS else []
    client.delete_experiment(gone)
    client.create_registered_model("iris", tags={"owner": "ada"}, description="花")
    for number in range(4):
        source = f"s3://models/iris/{number}"
        client.create_model_version("iris", source, runs[number], tags={"n": str(number)}, description=f"v{number}")
    client.transition_model_version_stage("iris", "1", "Archived")
    client.transition_model_version_stage("iris", "3", "Production")
    client.set_registered_model_alias("iris", "best", "3")
    client.delete_model_version("iris", "2")
    return runs, models


def fill_models(client, experiment, runs, digest):
    """Records logged models, and gives the ids of those that are not deleted."""
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    model = client.create_logged_model(
        experiment, "forest", runs[1], tags={"team": "red"}, params={"depth": "3"}, model_type="sklearn"
    )
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(runs[1], [LoggedModelOutput(model.model_id, 2)])
    client.log_inputs(runs[3], models=[LoggedModelInput(model.model_id)])
    # At step 0: of a point that names a dataset, MLflow does not read the step that it wrote to a file.
    client.log_batch(
        runs[1],
        [Metric("accuracy", 0.5, 7000, 0, model_id=model.model_id, dataset_name="flowers", dataset_digest=digest)],
    )
    left = client.create_logged_model(experiment, "unfinished")
    client.delete_logged_model(client.create_logged_model(experiment, "gone").model_id)
    return [model.model_id, left.model_id]


def seen(client, recorded):
    """What a client sees, as one value that can be compared."""
    runs, models = recorded
    names = {}
    out = {"experiments": {}}
    for model_id in models:
        m = client.get_logged_model(model_id)
        points = [
            (p.key, p.value, p.timestamp, p.step, p.run_id, p.dataset_name or "", p.dataset_digest or "")
            for p in m.metrics or []
        ]
        out[model_id] = (
            m.name,
            m.model_type or "",
            m.source_run_id or "",
            str(m.status),
            m.creation_timestamp,
            m.last_updated_timestamp,
            m.artifact_location,
        )
        out[model_id] += (m.params, m.tags, points)
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
            sorted((i.dataset.to_dictionary(), [(t.key, t.value) for t in i.tags]) for i in run.inputs.dataset_inputs),
            [m.model_id for m in run.inputs.model_inputs] if MODELS else [],
            [(m.model_id, m.step) for m in run.outputs.model_outputs] if MODELS and run.outputs else [],
        )
    return out


def infinite(value):
    """A value as text; the largest number is how MLflow's databases hold an infinite one."""
    return repr(math.copysign(math.inf, value) if abs(value) == MAXIMUM else value)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "files"])
def original(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    if request.param == "postgresql":
        made = request.getfixturevalue("postgres").database("m" + uuid.uuid4().hex)
        uri = made.replace("postgres://", "postgresql+psycopg2://")
    else:
        uri = f"sqlite:///{folder}/mlflow.db" if request.param == "sqlite" else f"file://{folder}/mlruns"
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # for the files, which newer clients refuse without
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    recorded = fill(client)
    return uri, recorded, seen(client, recorded)


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
    _, recorded, before = original
    server.start()
    try:
        client = mlflow.MlflowClient(tracking_uri=server.url)
        after = seen(client, recorded)
        assert after["experiments"] == before["experiments"]
        runs, models = recorded
        for each in runs + models:
            assert after[each] == before[each]
        if MODELS:
            found = client.search_logged_models([e.experiment_id for e in client.search_experiments(ViewType.ALL)])
            assert {m.model_id for m in found} == set(models)
        shown = cairn("runs", "show", runs[0], "--server", server.url)
        assert shown.returncode == 0, shown.stderr
        assert "outside of this server" in shown.stdout, "its artifacts stayed where they were"
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
    uri, (runs, _), _ = original
    server, arguments = target
    report = bring(uri, arguments)
    assert report["runs"] == {"mlflow": len(runs), "cairn": len(runs), "new": len(runs)}
    assert report["points"]["mlflow"] == report["points"]["cairn"] == report["points"]["new"] > 3000
    assert report["registeredModels"] == {"mlflow": 1, "cairn": 1, "new": 1}
    assert report["modelVersions"] == {"mlflow": 3, "cairn": 3, "new": 3}
    assert report["experiments"] == {"mlflow": 3, "cairn": 3, "new": 2}
    models, inputs = (3, 3) if MODELS else (0, 1)
    assert report["loggedModels"] == {"mlflow": models, "cairn": models, "new": models}
    assert report["inputs"] == {"mlflow": inputs, "cairn": inputs, "new": inputs}
    assert bring(uri, arguments)["runs"] == {"mlflow": len(runs), "cairn": len(runs), "new": 0}
    check(server, original)
    server.start()
    client = mlflow.MlflowClient(tracking_uri=server.url)
    gone = client.get_experiment_by_name("gone").experiment_id
    client.restore_experiment(gone)
    assert len(client.search_runs([gone])) == 10, "the runs that went with an experiment come back with it"
    server.stop()
    checked = cairn("db", "check", *arguments)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def train(tracking):
    """Logs a model and a file with MLflow, registers the model, and gives the run and what the model predicts."""
    mlflow.set_tracking_uri(tracking)
    x = numpy.arange(20.0).reshape(10, 2)
    model = LogisticRegression().fit(x, [0] * 5 + [1] * 5)
    mlflow.set_experiment("copied")
    with mlflow.start_run() as run:
        mlflow.log_text("够了", "notes/a b.txt")
        mlflow.sklearn.log_model(model, artifact_path="model", signature=infer_signature(x, model.predict(x)),
                                 pip_requirements=["scikit-learn", "cloudpickle"], registered_model_name="forest")
    mlflow.register_model(f"runs:/{run.info.run_id}/model", "forest")
    return run.info.run_id, x, model.predict(x)


@pytest.fixture(params=["database", "files", "server"])
def trained(request, tmp_path, monkeypatch):
    """A store with artifacts, where these lie, and what train gave."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    if request.param == "server":  # whose runs name places below mlflow-artifacts:/
        server = request.getfixturevalue("mlflow_server")
        return f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "artifacts", train(server.url)
    root = tmp_path / "mlruns"
    uri = root.as_uri() if request.param == "files" else f"sqlite:///{tmp_path}/mlflow.db"
    if request.param == "database":
        mlflow.MlflowClient(tracking_uri=uri).create_experiment("copied", artifact_location=(root / "7").as_uri())
    return uri, root, train(uri)


def test_artifacts_are_copied(trained, target):
    """Models load from Cairn when nothing is left of MLflow, whether they were copied with the import or after it."""
    uri, root, (run, x, predicted) = trained
    server, arguments = target
    assert bring(uri, arguments)["artifacts"] == {"mlflow": 0, "cairn": 0, "new": 0}
    dry = bring(uri, [*arguments, "--copy-artifacts", str(root), "--dry-run"])["artifacts"]
    assert (dry["mlflow"], dry["cairn"]) == (dry["new"], 0)
    report = bring(uri, [*arguments, "--copy-artifacts", str(root)])
    files = report["artifacts"]
    assert files["mlflow"] == files["cairn"] == files["new"] == dry["new"] > 4
    assert report["artifactsElsewhere"] == 0
    again = bring(uri, [*arguments, "--copy-artifacts", str(root)])
    assert again["artifacts"] == {**files, "new": 0}
    shutil.rmtree(root)
    server.start()
    try:
        mlflow.set_tracking_uri(server.url)
        for source in (f"runs:/{run}/model", "models:/forest/1", "models:/forest/2"):
            numpy.testing.assert_array_equal(mlflow.pyfunc.load_model(source).predict(x), predicted, err_msg=source)
        assert mlflow.artifacts.load_text(f"runs:/{run}/notes/a b.txt") == "够了"
        query = """{ modelVersions { edges { node { manifestProblem signature { inputs { type } } } } } }"""
        answer = requests.post(server.url + "/graphql", json={"query": query}, timeout=30).json()
        versions = [edge["node"] for edge in answer["data"]["modelVersions"]["edges"]]
        assert len(versions) == 2
        for version in versions:
            assert version["manifestProblem"] == ""
            assert version["signature"]["inputs"]
    finally:
        server.stop()
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
    uri, (runs, _), _ = original
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


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_files_of_the_machine_stay_unread(target, tmp_path):
    """Places on this machine are kept, for clients on it. The server gives nothing of them, however it is asked."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "MLmodel").write_text("canary-of-a-file: [unclosed")
    (outside / "canary").write_text("canary-of-a-file")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("far", artifact_location=outside.as_uri())
    run = client.create_run(experiment).info.run_id
    model = client.create_logged_model(experiment, "far", run).model_id
    client.create_registered_model("far")
    sources = [str(outside), outside.as_uri(), f"models:/{model}", f"runs:/{run}/model"]
    for _ in sources:
        client.create_model_version("far", "s3://models/far", run)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("UPDATE runs SET artifact_uri = ?", (outside.as_uri(),))
        database.execute("UPDATE logged_models SET artifact_location = ?", (str(outside),))
        for number, source in enumerate(sources, 1):
            change = "UPDATE model_versions SET source = ?, storage_location = ? WHERE version = ?"
            database.execute(change, (source, str(outside), number))
    server, arguments = target
    assert bring(uri, arguments)["modelVersions"]["cairn"] == 4
    server.start()
    try:
        asked = [
            f"get-artifact?run_uuid={run}&path={{}}",
            f"ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path={{}}",
        ]
        asked += [f"model-versions/get-artifact?name=far&version={n}&path={{}}" for n in (1, 2, 3, 4)]
        asked += [
            f"api/2.0/mlflow/artifacts/list?run_id={run}&path={{}}",
            f"api/2.0/mlflow/logged-models/{model}/artifacts/directories",
        ]
        asked += [f"api/2.0/mlflow-artifacts/artifacts{outside}/{{}}", f"api/2.0/mlflow-artifacts/artifacts?path={outside}"]
        asked += [f"artifacts/{run}/{{}}", f"artifacts/models/{model}/{{}}"]
        for question in asked:
            for path in ("canary", str(outside / "canary"), "../outside/canary"):
                answer = requests.get(f"{server.url}/{question.format(path)}", timeout=30)
                assert answer.status_code != 200 or "canary" not in answer.text, question
                assert "canary-of-a-file" not in answer.text, question
        query = f"""{{ run(id: "{run}") {{ artifacts {{ edges {{ node {{ path }} }} }} }}
            modelVersions {{ edges {{ node {{ manifestProblem requirements
            signature {{ inputs {{ name }} }} }} }} }} }}"""
        answer = requests.post(server.url + "/graphql", json={"query": query}, timeout=30)
        assert "canary" not in answer.text
        versions = [edge["node"] for edge in answer.json()["data"]["modelVersions"]["edges"]]
        assert len(versions) == 4
        assert all(v["manifestProblem"] == "" and v["signature"] is None for v in versions), "no file was read"
    finally:
        server.stop()
