"""Large files in parts and past the server, as the client sends and gets them by itself."""

import pathlib
import subprocess
import uuid
from urllib.parse import quote

import mlflow
import pytest
from cairntest import ROOT, Server

PART = 5 * 1024 * 1024  # the least that S3 takes


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """The URL of an S3 server with a bucket, artifacts."""
    program = tmp_path_factory.mktemp("s3") / "s3server"
    subprocess.run(["go", "build", "-o", program, "./test/s3server"], cwd=ROOT, check=True)
    process = subprocess.Popen([program, "artifacts"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(timeout=30)


@pytest.fixture(scope="session", params=["folder", "s3"])
def store(request, database, tmp_path_factory):
    """A server whose artifacts lie in a folder, or in a bucket."""
    arguments, env = database(), {}
    if request.param == "s3":
        endpoint = request.getfixturevalue("s3")
        arguments += ["--artifacts", f"s3://artifacts/team?use_path_style=true&endpoint={quote(endpoint, safe='')}"]
        env = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    with Server(tmp_path_factory.mktemp("parts"), *arguments, env=env) as cairn:
        yield request.param, cairn


@pytest.fixture
def in_parts(store, monkeypatch):
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(PART))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(PART))
    monkeypatch.setenv("MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE", str(PART))
    monkeypatch.setenv("MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE", str(PART))
    kind, server = store
    mlflow.set_tracking_uri(server.url)
    mlflow.set_experiment("parts-" + uuid.uuid4().hex)
    return kind, server


@pytest.mark.parametrize("told", [
    pytest.param(None, marks=pytest.mark.since("mlflow", "3.0", "clients of MLflow 2 do not ask the server")),
    "true",
    "false",
])
def test_large_files(in_parts, tmp_path, monkeypatch, told):
    """What the server says of itself decides, unless the user does."""
    kind, server = in_parts
    asked = []
    if told is not None:
        monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", told)
    real = mlflow.store.artifact.http_artifact_repo.HttpArtifactRepository.create_multipart_upload

    def noted(self, *args, **kwargs):
        asked.append(args)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(mlflow.store.artifact.http_artifact_repo.HttpArtifactRepository, "create_multipart_upload", noted)
    content = bytes(range(256)) * (3 * PART // 256 + 10)
    large, small = tmp_path / "large file.bin", tmp_path / "small"
    large.write_bytes(content)
    small.write_bytes(b"small")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(large), "deep/er")
        mlflow.log_artifact(str(small))
    assert len(asked) == (0 if told == "false" else 1)
    client = mlflow.MlflowClient()
    listed = client.list_artifacts(run.info.run_id, "deep/er")
    assert [(f.path, f.file_size) for f in listed] == [("deep/er/large file.bin", len(content))]
    down = client.download_artifacts(run.info.run_id, "deep", str(tmp_path))
    assert (pathlib.Path(down) / "er" / "large file.bin").read_bytes() == content


def test_a_failed_part_leaves_nothing(in_parts, tmp_path, monkeypatch):
    kind, server = in_parts
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")

    def fails(credential, local_file, size, start_byte):
        raise OSError("the network went away")

    monkeypatch.setattr(mlflow.store.artifact.http_artifact_repo.HttpArtifactRepository, "_upload_part", staticmethod(fails))
    large = tmp_path / "large"
    large.write_bytes(b"x" * 2 * PART)
    with mlflow.start_run() as run, pytest.raises(Exception, match="Failed to upload"):
        mlflow.log_artifact(str(large))
    assert mlflow.MlflowClient().list_artifacts(run.info.run_id) == []
    if kind == "folder":
        uploads = server.directory / "data" / "artifacts" / ".cairn-uploads"
        assert list(uploads.iterdir()) == []


@pytest.mark.parametrize("size", [100_000, 3 * 1024 * 1024])  # smaller ones are in the database for some seconds too
def test_damage_fails_the_download(in_parts, tmp_path, size):
    """What rotted on disk is no download that seems whole."""
    kind, server = in_parts
    if kind != "folder":
        pytest.skip("a bucket's objects are not reached past it here")
    path = tmp_path / "weights"
    path.write_bytes(b"x" * size)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(path))
    client = mlflow.MlflowClient()
    client.download_artifacts(run.info.run_id, "weights", str(tmp_path))
    root = server.directory / "data" / "artifacts"
    stored = root / run.info.artifact_uri.removeprefix("mlflow-artifacts:/") / "weights"
    stored.write_bytes(b"x" * (size - 1) + b"y")
    (tmp_path / "again").mkdir()
    # The client's own words for any cause, in MLflow 3 and 2.
    with pytest.raises(Exception, match="Failed to download artifacts|failures occurred while downloading"):
        client.download_artifacts(run.info.run_id, "weights", str(tmp_path / "again"))
    assert "is not what was uploaded" in server.log.read_text()
