"""The classes of faults by which others' servers gave away, or lost, what lies outside of their stores. Each is tried under
both prefixes, with canaries planted outside of the store: they must neither come out nor change.
server/mlflow/attack_test.go and artifact_test.go try more spellings."""

import uuid
from urllib.parse import quote

import mlflow
import pytest
import requests

CANARY = "canary-9f86d081"
PREFIXES = ["api", "ajax-api"]
both_prefixes = pytest.mark.parametrize("prefix", PREFIXES)

# Ways to write a path that leads to a canary, or nowhere.
ESCAPES = [
    "../canary",
    "%2e%2e/canary",
    "..%2fcanary",
    "%252e%252e%252fcanary",
    "%25252e%25252e%25252fcanary",
    "..%5ccanary",
    "a/%2e%2e/%2e%2e/canary",
    "a%00b",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
]


@pytest.fixture(autouse=True)
def canaries(server):
    """Files in the folders around the store, the first one beside it."""
    store = server.directory / ("data" if (server.directory / "data").exists() else "") / "artifacts"
    store.mkdir(exist_ok=True)
    planted = [folder / "canary" for folder in (store.parent, server.directory, server.directory.parent)]
    folder = store.parent / "secret"
    folder.mkdir(exist_ok=True)
    planted.append(folder / "MLmodel")
    for file in planted:
        file.write_text(CANARY)
    before = {path for path in server.directory.iterdir() if path != store}
    yield planted
    for file in planted:
        assert file.read_text() == CANARY
        assert {path.name for path in file.parent.iterdir()} >= {file.name}
    assert {path for path in server.directory.iterdir() if path != store} == before


@pytest.fixture
def run(client, experiment):
    made = client.create_run(experiment).info
    client.log_text(made.run_id, "of the run", "model/one.txt")
    return made


def raw(session, method, url, **options):
    """Sends a URL as it is written: requests would clean the path away."""
    request = requests.Request(method, "http://127.0.0.1/", **options).prepare()
    request.url = url
    return session.send(request, timeout=60, allow_redirects=False)


def refused(answer):
    assert CANARY not in answer.text
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text


@pytest.mark.parametrize("escape", ESCAPES)
@both_prefixes
def test_artifact_paths_that_leave_their_root(server, run, prefix, escape):
    root = run.artifact_uri.removeprefix("mlflow-artifacts:/")
    url = f"{server.url}/{prefix}/2.0/mlflow-artifacts/artifacts"
    with requests.Session() as session:
        for method in ("PUT", "GET", "DELETE"):
            body = b"x" if method == "PUT" else None
            for path in (f"{root}/{escape}", f"{root}/{'../' * 8}{escape}", f"{root}/model/{'%2e%2e/' * 5}{escape}", escape):
                refused(raw(session, method, f"{url}/{path}", data=body))
        for path in (f"{root}/{escape}", escape):
            refused(raw(session, "GET", f"{url}?path={path}"))
        refused(raw(session, "GET", f"{server.url}/{prefix}/2.0/mlflow/artifacts/list?run_id={run.run_id}&path={escape}"))
        refused(raw(session, "GET", f"{server.url}/get-artifact?run_id={run.run_id}&path={escape}"))
        up = f"{server.url}/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run.run_id}&path={escape}"
        refused(raw(session, "POST", up, data=b"x"))


@both_prefixes
def test_what_is_decoded_twice_deletes_nothing(server, client, run, prefix):
    """As a run's file, and as all of a run that is not the one named."""
    other = client.create_run(run.experiment_id).info
    client.log_text(other.run_id, "kept", "kept.txt")
    root = run.artifact_uri.removeprefix("mlflow-artifacts:/")
    up = "../../" + other.run_id + "/artifacts/kept.txt"
    url = f"{server.url}/{prefix}/2.0/mlflow-artifacts/artifacts/{root}"
    with requests.Session() as session:
        for times in range(4):
            spelled = up
            for _ in range(times):
                spelled = quote(spelled.replace(".", "%2e") if times == 1 else spelled, safe="%" if times == 1 else "")
            refused(raw(session, "DELETE", f"{url}/{spelled}"))
    assert client.list_artifacts(other.run_id)[0].path == "kept.txt"


def hostile(folder, run):
    """URIs that lead to a folder of the server, or out of a run's artifacts."""
    root = run.artifact_uri
    up = "../" * 30
    return [
        f"{folder}", f"file://{folder}", f"file:{folder}", f"file://localhost{folder}", f"file:///{up}{folder}", "./secret",
        "../secret", f"runs:/{run.run_id}/{up}{folder}", f"runs:/{run.run_id}/%2e%2e/%2e%2e/secret",
        f"mlflow-artifacts:/{up}{folder}", f"{root}/../../../../secret", f"{root}/%2e%2e/%2e%2e/secret",
        f"{root}/..%2f..%2fsecret", f"{root}/%252e%252e/secret", f"{root}/a%00b",
    ]


@both_prefixes
def test_sources_of_versions_stay_inside(server, client, run, canaries, prefix):
    """A version names no file of the server, also not as a prompt, which is not held against a run or a model."""
    name = "inside-" + uuid.uuid4().hex
    client.create_registered_model(name)
    url = f"{server.url}/{prefix}/2.0/mlflow/model-versions/create"
    prompt = {"tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}
    for source in hostile(canaries[-1].parent, run):
        for more in ({}, {"run_id": run.run_id}, prompt, prompt | {"run_id": run.run_id}):
            refused(requests.post(url, json={"name": name, "source": source} | more, timeout=60))
    assert client.search_model_versions(f"name = '{name}'") == []


@both_prefixes
def test_artifact_locations_stay_inside(server, client, run, canaries, prefix):
    url = f"{server.url}/{prefix}/2.0/mlflow/experiments/create"
    stem = "inside-" + uuid.uuid4().hex
    for i, location in enumerate(hostile(canaries[-1].parent, run)):
        refused(requests.post(url, json={"name": f"{stem}-{i}", "artifact_location": location}, timeout=60))
    assert client.search_experiments(filter_string=f"name LIKE '{stem}%'") == []


@both_prefixes
def test_names_of_models_are_no_paths(server, client, prefix):
    """One name is one object, and no name leads anywhere."""
    base = f"{server.url}/{prefix}/2.0/mlflow"
    name = "Iris-" + uuid.uuid4().hex
    client.create_registered_model(name)
    client.create_model_version(name, "s3://models/iris")
    with requests.Session() as session:
        for wrong in (f"../{name}", f"a/../{name}", f"{name}/", "/etc/passwd", "a:b", f"{name}\0", ".", ".."):
            for path in ("registered-models/create", "model-versions/create"):
                refused(session.post(f"{base}/{path}", json={"name": wrong, "source": "s3://models/iris"}, timeout=60))
            refused(session.post(f"{base}/registered-models/rename", json={"name": name, "new_name": wrong}, timeout=60))
        for other in (f" {name}", f"{name} ", name.lower(), name.upper(), f"{name}%00", f"{name}%2e"):
            answer = session.get(f"{base}/model-versions/get", params={"name": other, "version": "1"}, timeout=60)
            assert answer.status_code in (400, 404), answer.text
    assert client.get_registered_model(name).latest_versions[0].version == "1"


def test_files_of_a_version_stay_inside(server, client, run):
    name = "files-" + uuid.uuid4().hex
    client.create_registered_model(name)
    client.create_model_version(name, run.artifact_uri + "/model", run_id=run.run_id)
    got = f"{server.url}/model-versions/get-artifact?name={name}&version=1&path="
    with requests.Session() as session:
        assert raw(session, "GET", got + "one.txt").text == "of the run"
        for escape in ESCAPES:
            refused(raw(session, "GET", got + escape))


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
@both_prefixes
def test_files_of_a_logged_model_stay_inside(server, client, experiment, prefix):
    model = mlflow.initialize_logged_model(name="by-hand", experiment_id=experiment).model_id
    of_model = f"2.0/mlflow/logged-models/{model}/artifacts"
    with requests.Session() as session:
        for escape in ESCAPES:
            refused(raw(session, "GET", f"{server.url}/{prefix}/{of_model}/directories?artifact_directory_path={escape}"))
            refused(raw(session, "GET", f"{server.url}/ajax-api/{of_model}/files?artifact_file_path={escape}"))


@both_prefixes
def test_parts_of_a_file_stay_inside(server, run, prefix):
    base = f"{server.url}/{prefix}/2.0/mlflow-artifacts/mpu/create"
    root = run.artifact_uri.removeprefix("mlflow-artifacts:/")
    with requests.Session() as session:
        for escape in ESCAPES:
            refused(raw(session, "POST", f"{base}/{root}/{escape}", json={"path": "x", "num_parts": 1}))
        # The file's own name alone counts: clients send the path that it has with them.
        for path in ("..", "%2e%2e", "%252e%252e", "a\0b"):
            refused(raw(session, "POST", f"{base}/{root}", json={"path": path, "num_parts": 1}))


def test_a_page_does_not_run(client, server, run):
    """What a training uploads is no page of the server's origin."""
    for name in ("page.html", "picture.svg", "page.xhtml", "MLmodel", "model.pkl"):
        client.log_text(run.run_id, "<script>alert(1)</script>", name)
        root = run.artifact_uri.removeprefix("mlflow-artifacts:/")
        for url in (f"/api/2.0/mlflow-artifacts/artifacts/{root}/{name}", f"/get-artifact?run_id={run.run_id}&path={name}"):
            got = requests.get(server.url + url, timeout=60)
            assert got.status_code == 200
            assert got.headers["X-Content-Type-Options"] == "nosniff"
            assert got.headers["Content-Disposition"].startswith("attachment")
            assert "html" not in got.headers["Content-Type"] and "svg" not in got.headers["Content-Type"], name
