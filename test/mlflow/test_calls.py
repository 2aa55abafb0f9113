"""Calls of MLflow's REST API that its Python client does not make by itself: its pages do, or clients of other languages."""

import json

import mlflow
import pytest
import requests
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

PREFIXES = ["/api", "/ajax-api"]
both_prefixes = pytest.mark.parametrize("prefix", PREFIXES)


@pytest.fixture
def run(client, experiment):
    return client.create_run(experiment).info


def ask(server, method, path, **options):
    return requests.request(method, server.url + path, timeout=60, **options)


def answered(server, method, path, **options):
    """The JSON of an answer that tells of no error."""
    answer = ask(server, method, path, **options)
    assert answer.status_code == 200, answer.text
    return answer.json() if answer.content else {}


def failed(server, method, path, **options):
    """Status and code of an error."""
    answer = ask(server, method, path, **options)
    return answer.status_code, answer.json()["error_code"]


@both_prefixes
def test_server_info(server, prefix):
    info = answered(server, "GET", prefix + "/3.0/mlflow/server-info")
    assert info["store_type"] == "SqlStore"
    assert info.get("artifact_serving_enabled", True) is True
    for name in ("workspaces_enabled", "trace_archival_enabled", "multipart_downloads_enabled", "artifacts_presigned_only"):
        assert info.get(name, False) is False, name
    assert isinstance(info["multipart_uploads_enabled"], bool)


@both_prefixes
def test_search_experiments_by_get(server, client, experiment, prefix):
    name = client.get_experiment(experiment).name
    path = prefix + "/2.0/mlflow/experiments/search"
    found = answered(server, "GET", path, params={"max_results": 5, "filter": f"name = '{name}'"})
    assert [e["experiment_id"] for e in found["experiments"]] == [experiment]
    assert failed(server, "GET", path, params={"max_results": 0}) == (400, "INVALID_PARAMETER_VALUE")


def test_search_datasets(server, client, experiment):
    contexts = ["train", "train", "test"]
    for context in contexts:
        made = client.create_run(experiment).info.run_id
        tags = [InputTag("mlflow.data.context", context)]
        client.log_inputs(made, [DatasetInput(Dataset("iris", "abc", "local", "{}"), tags)])
    path = "/ajax-api/2.0/mlflow/experiments/search-datasets"
    found = answered(server, "POST", path, json={"experiment_ids": [experiment]})
    told = sorted((d["experiment_id"], d["name"], d["digest"], d["context"]) for d in found["dataset_summaries"])
    assert told == [(experiment, "iris", "abc", "test"), (experiment, "iris", "abc", "train")]


@both_prefixes
def test_models_of_older_clients(server, client, run, prefix):
    """What a client of MLflow 2 tells once it has stored a model among a run's artifacts."""
    description = {"artifact_path": "model", "run_id": run.run_id, "utc_time_created": "2026-11-26 10:00:00.000000",
                   "flavors": {"sklearn": {"code": None}}}
    path = prefix + "/2.0/mlflow/runs/log-model"
    for name in ("model", "second"):
        text = json.dumps(description | {"artifact_path": name})
        answered(server, "POST", path, json={"run_id": run.run_id, "model_json": text})
    told = json.loads(client.get_run(run.run_id).data.tags["mlflow.log-model.history"])
    assert [m["artifact_path"] for m in told] == ["model", "second"]
    for wrong in ("no JSON", json.dumps({"artifact_path": "model"})):
        asked = {"run_id": run.run_id, "model_json": wrong}
        assert failed(server, "POST", path, json=asked) == (400, "INVALID_PARAMETER_VALUE")


@both_prefixes
def test_list_artifacts_of_a_run(server, client, run, prefix):
    client.log_text(run.run_id, "12345", "one.txt")
    client.log_text(run.run_id, "1", "deep/er/two.txt")
    path = prefix + "/2.0/mlflow/artifacts/list"
    listed = answered(server, "GET", path, params={"run_id": run.run_id})
    assert listed["root_uri"] == run.artifact_uri
    files = sorted((f["path"], f["is_dir"], f.get("file_size")) for f in listed["files"])
    assert files == [("deep", True, None), ("one.txt", False, 5)]
    deeper = answered(server, "GET", path, params={"run_uuid": run.run_id, "path": "deep/er"})
    assert [f["path"] for f in deeper["files"]] == ["deep/er/two.txt"]
    assert failed(server, "GET", path, params={"run_id": "0" * 32}) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_delete_artifacts(client, run):
    for name in ("kept.txt", "gone.txt", "folder/one", "folder/two"):
        client.log_text(run.run_id, "x", name)
    files = get_artifact_repository(run.artifact_uri)
    files.delete_artifacts("gone.txt")
    files.delete_artifacts("folder")
    files.delete_artifacts("never there")
    assert [f.path for f in client.list_artifacts(run.run_id)] == ["kept.txt"]


def test_one_file_of_a_run(server, client, run):
    up = {"run_uuid": run.run_id, "path": "plots/page.html"}
    answered(server, "POST", "/ajax-api/2.0/mlflow/upload-artifact", params=up, data=b"<b>page</b>")
    for named in ("run_id", "run_uuid"):
        got = ask(server, "GET", "/get-artifact", params={named: run.run_id, "path": "plots/page.html"})
        assert (got.status_code, got.content) == (200, b"<b>page</b>")
        assert got.headers["Content-Disposition"].startswith("attachment")
        assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert ask(server, "GET", "/get-artifact", params={"run_id": run.run_id, "path": "absent"}).status_code == 404


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_one_file_of_a_model(server, client, experiment):
    model = mlflow.initialize_logged_model(name="by-hand")
    get_artifact_repository(model.artifact_location).log_artifact(__file__, "data")
    mlflow.finalize_logged_model(model.model_id, "READY")
    name = "of-" + model.model_id
    client.create_registered_model(name)
    client.create_model_version(name, f"models:/{model.model_id}", model_id=model.model_id)
    content = open(__file__, "rb").read()
    file = "data/test_calls.py"
    for path, asked in (
        (f"/ajax-api/2.0/mlflow/logged-models/{model.model_id}/artifacts/files", {"artifact_file_path": file}),
        ("/model-versions/get-artifact", {"name": name, "version": "1", "path": file}),
    ):
        got = ask(server, "GET", path, params=asked)
        assert (got.status_code, got.content) == (200, content), path
        assert got.headers["Content-Disposition"].startswith("attachment")
        key = next(k for k in asked if k.endswith("path"))
        assert ask(server, "GET", path, params=asked | {key: "absent"}).status_code == 404


@both_prefixes
def test_parts_of_a_file(server, client, run, prefix):
    """A file in two parts, and one that is given up."""
    base = f"{prefix}/2.0/mlflow-artifacts/mpu"
    folder = run.artifact_uri.removeprefix("mlflow-artifacts:/")

    def begin():
        return answered(server, "POST", f"{base}/create/{folder}", json={"path": "large.bin", "num_parts": 2})

    begun = begin()
    parts = []
    assert len(begun["credentials"]) == 2
    for credential, content in zip(begun["credentials"], (b"first ", b"second")):
        sent = requests.put(credential["url"], data=content, headers=credential.get("headers", {}), timeout=60)
        sent.raise_for_status()
        parts.append({"part_number": credential["part_number"], "etag": sent.headers["ETag"], "url": credential["url"]})
    assert client.list_artifacts(run.run_id) == []
    whole = {"path": "large.bin", "upload_id": begun["upload_id"], "parts": parts}
    answered(server, "POST", f"{base}/complete/{folder}", json=whole)
    assert mlflow.artifacts.load_text(run.artifact_uri + "/large.bin") == "first second"

    begun = begin()
    answered(server, "POST", f"{base}/abort/{folder}", json={"path": "large.bin", "upload_id": begun["upload_id"]})
    gone = {"path": "large.bin", "upload_id": begun["upload_id"], "parts": parts}
    assert failed(server, "POST", f"{base}/complete/{folder}", json=gone) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert mlflow.artifacts.load_text(run.artifact_uri + "/large.bin") == "first second"


@both_prefixes
def test_urls_past_the_server(server, client, run, prefix):
    """A folder of files gives no URLs of its own: clients are told so, and go through the server."""
    client.log_text(run.run_id, "x", "one.txt")
    file = run.artifact_uri.removeprefix("mlflow-artifacts:/") + "/one.txt"
    assert failed(server, "GET", f"{prefix}/2.0/mlflow-artifacts/presigned/{file}") == (501, "NOT_IMPLEMENTED")
    for verb in ("upload", "download"):
        asked = {"run_id": run.run_id, "path": "one.txt"}
        status, code = failed(server, "POST", f"{prefix}/2.0/mlflow/artifacts/presigned-{verb}-url", json=asked)
        assert (status, code) in ((400, "INVALID_PARAMETER_VALUE"), (501, "NOT_IMPLEMENTED"))


@both_prefixes
def test_latest_versions_by_get(server, client, experiment, prefix):
    name = "latest-" + prefix.strip("/") + experiment
    client.create_registered_model(name)
    for stage in ("Production", "Staging", None):
        version = client.create_model_version(name, "s3://models/iris").version
        if stage:
            client.transition_model_version_stage(name, version, stage)
    path = prefix + "/2.0/mlflow/registered-models/get-latest-versions"
    for stages, want in (([], {"1", "2", "3"}), (["production"], {"1"}), (["Production", "None"], {"1", "3"})):
        found = answered(server, "GET", path, params={"name": name, "stages": stages})
        assert {v["version"] for v in found["model_versions"]} == want, stages


def test_paths_that_are_none(server):
    for path in ("/api/2.0/mlflow/nonsense", "/ajax-api/2.0/mlflow/runs/nonsense", "/api/2.0/nonsense",
                 "/api/1.0/mlflow/runs/get"):
        for method in ("GET", "POST"):
            assert ask(server, method, path, json={}).status_code in (404, 405), path
