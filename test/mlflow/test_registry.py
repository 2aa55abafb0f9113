"""The model registry: what the fluent API, MlflowClient and models: URIs ask of a server."""

import json
import threading
import uuid

import mlflow
import numpy as np
import pytest
import requests
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflowtest import refused
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, train_test_split

# Given, so that the client does not spend seconds on finding them by itself in each test.
REQUIREMENTS = ["scikit-learn", "cloudpickle"]
FAR = "s3://models/iris"

pytestmark = pytest.mark.filterwarnings("ignore:.*transition_model_version_stage.*", "ignore:.*get_latest_versions.*")


@pytest.fixture(scope="module")
def iris():
    x, y = load_iris(return_X_y=True)
    return train_test_split(x, y, random_state=0)


@pytest.fixture
def name():
    """The name of a model that no other test has."""
    return "model-" + uuid.uuid4().hex


def log(iris, c=1.0, **options):
    """Logs a small model; gives its run and the model."""
    x, _, y, _ = iris
    model = LogisticRegression(C=c, max_iter=500).fit(x, y)
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(model, artifact_path="model", signature=infer_signature(x, model.predict(x)),
                                 pip_requirements=REQUIREMENTS, **options)
    return run.info.run_id, model


def version(client, name, **options):
    return client.create_model_version(name, FAR, **options).version


def stages(client, name):
    return {v.version: v.current_stage for v in client.search_model_versions(f"name = '{name}'")}


def test_register_and_load(client, experiment, iris, name):
    x_test = iris[1]
    run, first = log(iris)
    made = mlflow.register_model(f"runs:/{run}/model", name, tags={"git_sha": "6c2da07"})
    assert (made.name, made.version, made.run_id, made.status) == (name, "1", run, "READY")
    assert made.tags == {"git_sha": "6c2da07"}
    _, second = log(iris, c=0.001, registered_model_name=name)
    assert client.get_model_version(name, "2").current_stage == "None"
    client.transition_model_version_stage(name, 1, "Production")
    client.set_registered_model_alias(name, "challenger", "2")
    expected = {"/1": first, "/2": second, "/Production": first, "/latest": second, "@challenger": second}
    for reference, model in expected.items():
        loaded = mlflow.pyfunc.load_model(f"models:/{name}{reference}")
        np.testing.assert_array_equal(loaded.predict(x_test), model.predict(x_test), err_msg=reference)
    assert mlflow.sklearn.load_model(f"models:/{name}/1").get_params()["C"] == 1.0
    # A version of a version: what it was then.
    copied = client.copy_model_version(f"models:/{name}@challenger", name + "-copy")
    assert (copied.name, copied.version, copied.run_id) == (name + "-copy", "1", client.get_model_version(name, "2").run_id)
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(f"models:/{name}-copy/1").predict(x_test), second.predict(x_test))


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_a_logged_model_knows_its_versions(client, experiment, iris, name):
    run, _ = log(iris, registered_model_name=name)
    model = client.get_run(run).outputs.model_outputs[0].model_id
    mlflow.register_model(f"models:/{model}", name)
    told = json.loads(mlflow.get_logged_model(model).tags["mlflow.modelVersions"])
    assert {(v["name"], str(v["version"])) for v in told} == {(name, "1"), (name, "2")}
    assert client.get_model_version(name, "2").run_id == run


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_a_version_of_a_logged_model_is_named_at_the_model(client, experiment, name):
    """By the server, where the client says of what model a version is: create_model_version sets no tag itself."""
    model = client.create_logged_model(experiment, "model").model_id
    client.create_registered_model(name)
    client.create_registered_model(name + "-other")
    for registered in (name, name, name + "-other"):
        client.create_model_version(registered, f"models:/{model}", model_id=model)
    told = json.loads(client.get_logged_model(model).tags["mlflow.modelVersions"])
    assert [(v["name"], str(v["version"])) for v in told] == [(name, "1"), (name, "2"), (name + "-other", "1")]
    client.create_model_version(name, FAR)
    assert json.loads(client.get_logged_model(model).tags["mlflow.modelVersions"]) == told, "of no logged model"
    client.delete_model_version(name, "1")
    assert json.loads(client.get_logged_model(model).tags["mlflow.modelVersions"]) == told, "the tag tells what was made"


@pytest.mark.since("mlflow", "3.0", "they were elsewhere before")
def test_prompts(client, name):
    """They are registered models with a tag, whose versions have their texts in tags, and no files."""
    first = mlflow.genai.register_prompt(name=name, template="Name {{flower}}.", tags={"team": "red"})
    assert first.version == 1
    mlflow.genai.register_prompt(name=name, template="Name {{flower}} in Latin.")
    mlflow.genai.set_prompt_alias(name, alias="best", version=1)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@best").format(flower="iris") == "Name iris."
    assert mlflow.genai.load_prompt(name, version=2).template == "Name {{flower}} in Latin."
    assert name in [p.name for p in mlflow.genai.search_prompts(f"name = '{name}'")]
    assert [m.name for m in client.search_registered_models(f"name = '{name}'")] == []
    for source in ("dummy-source", "dummy", "./dummy-source"):
        with refused("INVALID_PARAMETER_VALUE"):
            tags = {} if source == "dummy-source" else {"mlflow.prompt.is_prompt": "true"}
            client.create_model_version(name, source, tags=tags)


def test_registered_models(client, name):
    made = client.create_registered_model(name, tags={"team": "a"}, description="flowers")
    assert (made.name, made.description, made.tags) == (name, "flowers", {"team": "a"})
    with refused("RESOURCE_ALREADY_EXISTS", name):
        client.create_registered_model(name)
    assert client.update_registered_model(name, "blossoms").description == "blossoms"
    client.set_registered_model_tag(name, "team", "b")
    client.set_registered_model_tag(name, "gone", 1)
    client.delete_registered_model_tag(name, "gone")
    client.delete_registered_model_tag(name, "gone")
    got = client.get_registered_model(name)
    assert (got.description, got.tags, got.aliases, got.latest_versions) == ("blossoms", {"team": "b"}, {}, [])
    assert 0 < got.creation_timestamp <= got.last_updated_timestamp
    client.create_model_version(name, FAR)
    client.set_registered_model_alias(name, "best", "1")
    client.rename_registered_model(name, name + "-new")
    with refused("RESOURCE_DOES_NOT_EXIST", name):
        client.get_registered_model(name)
    assert client.get_registered_model(name + "-new").aliases == {"best": "1"}
    assert client.get_model_version_by_alias(name + "-new", "best").name == name + "-new"
    client.create_registered_model(name)
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.rename_registered_model(name, name + "-new")
    client.delete_registered_model(name + "-new")
    for ask in (lambda: client.delete_registered_model(name + "-new"), lambda: client.get_model_version(name + "-new", "1")):
        with refused("RESOURCE_DOES_NOT_EXIST"):
            ask()


def test_versions(client, name):
    client.create_registered_model(name)
    made = client.create_model_version(
        name, FAR, run_id="ab" * 16, tags={"a": "1"}, run_link="https://other/run", description="one")
    assert (made.version, made.source, made.run_id, made.run_link) == ("1", FAR, "ab" * 16, "https://other/run")
    assert (made.description, made.tags, made.status, made.current_stage) == ("one", {"a": "1"}, "READY", "None")
    assert client.get_model_version_download_uri(name, "1") == FAR
    assert client.update_model_version(name, "1", "first").description == "first"
    client.set_model_version_tag(name, "1", "data_hash", "ab")
    client.delete_model_version_tag(name, "1", "a")
    assert client.get_model_version(name, "1").tags == {"data_hash": "ab"}
    assert [version(client, name) for _ in range(2)] == ["2", "3"]
    client.delete_model_version(name, "1")
    client.delete_model_version(name, "3")
    assert version(client, name) == "4", "numbers are not given again"
    assert set(stages(client, name)) == {"2", "4"}
    with refused("RESOURCE_DOES_NOT_EXIST", "version=3"):
        client.get_model_version(name, "3")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.create_model_version(name + "-none", FAR)


def test_stages(client, name):
    client.create_registered_model(name)
    for _ in range(5):
        version(client, name)
    moves = [("1", "production", False), ("2", "PRODUCTION", False), ("3", "Staging", True), ("4", "Production", True)]
    for n, stage, archive in moves:
        moved = client.transition_model_version_stage(name, n, stage, archive_existing_versions=archive)
        assert moved.current_stage == stage.capitalize()
    assert stages(client, name) == {"1": "Archived", "2": "Archived", "3": "Staging", "4": "Production", "5": "None"}

    def latest(*asked):
        return {v.current_stage: v.version for v in client.get_latest_versions(name, list(asked) or None)}

    assert latest() == {"None": "5", "Staging": "3", "Production": "4", "Archived": "2"}
    assert latest("production", "archived") == {"Production": "4", "Archived": "2"}
    assert {v.version for v in client.get_registered_model(name).latest_versions} == {"2", "3", "4", "5"}
    with refused("INVALID_PARAMETER_VALUE", "Sideways"):
        client.transition_model_version_stage(name, "4", "Sideways")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.transition_model_version_stage(name, "9", "Production")
    with pytest.raises(MlflowException):
        client.transition_model_version_stage(name, "4", "Archived", archive_existing_versions=True)
    with pytest.raises(MlflowException):
        mlflow.pyfunc.load_model(f"models:/{name}/Sideways")
    client.delete_model_version(name, "4")
    assert latest("Production") == {}


def test_aliases(client, name):
    client.create_registered_model(name)
    for _ in range(2):
        version(client, name)
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "two-words_2", "1")
    client.set_registered_model_alias(name, "champion", "2")
    assert client.get_model_version_by_alias(name, "champion").version == "2"
    assert client.get_model_version(name, "1").aliases == ["two-words_2"]
    assert client.get_registered_model(name).aliases == {"champion": "2", "two-words_2": "1"}
    assert client.get_model_version_by_alias(name, "latest").version == "2"
    for wrong in ("latest", "LATEST", "v1", "V2", "a b", "a.b", ""):
        with refused("INVALID_PARAMETER_VALUE"):
            client.set_registered_model_alias(name, wrong, "1")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.set_registered_model_alias(name, "champion", "9")
    client.delete_registered_model_alias(name, "two-words_2")
    client.delete_registered_model_alias(name, "two-words_2")
    client.delete_model_version(name, "2")
    assert client.get_registered_model(name).aliases == {}
    with pytest.raises(MlflowException, match="champion"):
        client.get_model_version_by_alias(name, "champion")


def test_search(server, client, name):
    for n, suffix in enumerate(("a", "B", "c_1")):
        client.create_registered_model(f"{name}-{suffix}", tags={"n": str(n)})
        for m in range(3):
            client.create_model_version(f"{name}-{suffix}", f"{FAR}/{suffix}/{m}", tags={"m": str(m)}, run_id=f"{n}{m}" * 16)
    prompt = {"name": f"{name}-prompt", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}
    requests.post(f"{server.url}/api/2.0/mlflow/registered-models/create", json=prompt, timeout=60).raise_for_status()

    def models(condition="", **options):
        found = client.search_registered_models(f"name LIKE '{name}%'{condition}", **options)
        return [m.name.removeprefix(name + "-") for m in found], found.token

    assert models()[0] == ["B", "a", "c_1"], "prompts are not shown, nor are models without that tag left out"
    assert models(" AND tags.n = '1'")[0] == ["B"]
    assert models(" AND name ILIKE '%-b'")[0] == ["B"]
    assert models(" AND name LIKE '%-b'")[0] == []
    assert models(order_by=["name DESC"])[0] == ["c_1", "a", "B"]
    page, token = models(max_results=2)
    assert (page, bool(token)) == (["B", "a"], True)
    assert models(max_results=2, page_token=token) == (["c_1"], "")
    found = client.search_registered_models(f"name = '{name}-a'")[0]
    assert [(v.version, v.tags) for v in found.latest_versions] == [("3", {"m": "2"})]
    assert [m.name for m in mlflow.search_registered_models(filter_string=f"name = '{name}-a'")] == [name + "-a"]

    def versions(condition="", **options):
        found = client.search_model_versions(f"name LIKE '{name}%'{condition}", **options)
        return [v.name.removeprefix(name + "-") + v.version for v in found], found.token

    in_order = ["name", "version_number DESC"]
    assert versions(order_by=in_order)[0] == ["B3", "B2", "B1", "a3", "a2", "a1", "c_13", "c_12", "c_11"]
    assert versions(" AND tags.m = '1'", order_by=["name"])[0] == ["B2", "a2", "c_12"]
    assert versions(f" AND run_id = '{'12' * 16}'")[0] == ["B3"]
    assert set(versions(f" AND run_id IN ('{'12' * 16}', '{'00' * 16}')")[0]) == {"B3", "a1"}
    assert versions(f" AND source_path = '{FAR}/c_1/0'")[0] == ["c_11"]
    assert versions(" AND version_number > 2", order_by=["name"])[0] == ["B3", "a3", "c_13"]
    page, token = versions(max_results=5, order_by=in_order)
    rest, end = versions(max_results=5, order_by=in_order, page_token=token)
    assert (page + rest, end) == (["B3", "B2", "B1", "a3", "a2", "a1", "c_13", "c_12", "c_11"], "")
    client.update_model_version(name + "-a", "1", "touched")
    assert versions()[0][0] == "a1", "the last updated comes first"
    for wrong in ("name = ", "metrics.m > 1", "name = 'a' OR"):
        with refused("INVALID_PARAMETER_VALUE"):
            client.search_registered_models(wrong)
        with refused("INVALID_PARAMETER_VALUE"):
            client.search_model_versions(wrong)
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_registered_models(max_results=1001)
    for wrong in (200_001, 0):
        with refused("INVALID_PARAMETER_VALUE"):
            client.search_model_versions(max_results=wrong)


def test_what_is_wrong_is_told(client, experiment, name, tmp_path):
    (tmp_path / "MLmodel").write_text("canary")
    client.create_registered_model(name)
    run = client.create_run(experiment).info.run_id
    for source in (str(tmp_path), f"file://{tmp_path}", f"runs:/{run}/../../{tmp_path}", "mlflow-artifacts:/../../etc",
                   f"mlflow-artifacts:/{experiment}/{run}/artifacts/%2e%2e/%2e%2e", "s3://bucket/../other"):
        for run_id in (None, run):
            with refused("INVALID_PARAMETER_VALUE"):
                client.create_model_version(name, source, run_id=run_id)
    with refused("INVALID_PARAMETER_VALUE"):
        client.create_model_version(name, f"runs:/{run}/model", run_id=client.create_run(experiment).info.run_id)
    for wrong in ("a/b", "a:b", "", "../x"):
        with pytest.raises(MlflowException):
            client.create_registered_model(wrong)
    with refused("INVALID_PARAMETER_VALUE"):
        client.set_registered_model_tag(name, "k" * 251, "v")
    with refused("INVALID_PARAMETER_VALUE"):
        client.set_registered_model_tag(name, "k", "v" * 100_001)
    assert client.search_model_versions(f"name = '{name}'") == []
    client.delete_run(run)


def test_many_register_at_once(server, client, name, monkeypatch):
    """32 clients make one model, register versions of it and bring each into Production.

    Numbers are given once and without a gap, whoever looks meanwhile sees at most one version in Production, and no
    request fails: the clients send none twice, which would hide a 5xx.
    """
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    clients, rounds = 32, 3
    made, creators, failures, over = [], [], [], threading.Event()

    def train():
        mine = mlflow.MlflowClient(server.url)
        try:
            mine.create_registered_model(name)
            creators.append(mine)
        except MlflowException as e:
            if e.error_code != "RESOURCE_ALREADY_EXISTS":
                failures.append(e)
        try:
            for _ in range(rounds):
                v = mine.create_model_version(name, FAR).version
                made.append(int(v))
                moved = mine.transition_model_version_stage(name, v, "Production", archive_existing_versions=True)
                assert moved.current_stage == "Production"
        except Exception as e:
            failures.append(e)

    def watch():
        try:
            while not over.is_set():
                seen.append(list(stages(client, name).values()).count("Production"))
        except Exception as e:
            failures.append(e)

    seen = []
    watcher = threading.Thread(target=watch)
    threads = [threading.Thread(target=train) for _ in range(clients)]
    for thread in [watcher, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    watcher.join()
    assert failures == []
    assert len(creators) == 1
    assert sorted(made) == list(range(1, clients * rounds + 1))
    assert seen and max(seen) == 1
    last = stages(client, name)
    assert sorted(last, key=int) == [str(n + 1) for n in range(clients * rounds)]
    assert sorted(last.values()) == ["Archived"] * (clients * rounds - 1) + ["Production"]


def test_the_tutorial(client, experiment, iris):
    """From the first forest to the way back, in the words that tutorials have."""
    X_train, X_test, y_train, y_test = iris
    model_name = "iris-classifier-" + uuid.uuid4().hex

    # Five forests are compared.
    runs = {}
    for n_estimators in [5, 10, 20, 40, 80]:
        with mlflow.start_run(run_name=f"rf-{n_estimators}") as run:
            forest = RandomForestClassifier(n_estimators=n_estimators, max_depth=3, random_state=42)
            forest.fit(X_train, y_train)
            mlflow.log_params({"n_estimators": n_estimators, "max_depth": 3})
            mlflow.log_metric("accuracy", accuracy_score(y_test, forest.predict(X_test)))
            mlflow.set_tag("git_sha", "6c2da07")
            mlflow.set_tag("data_hash", "9f86d081")
            mlflow.sklearn.log_model(
                forest, artifact_path="model", serialization_format="cloudpickle", pip_requirements=REQUIREMENTS)
            runs[run.info.run_id] = forest
    table = mlflow.search_runs([experiment], order_by=["metrics.accuracy DESC"])
    assert len(table) == 5
    assert set(table["tags.git_sha"]) == {"6c2da07"}
    assert list(table["metrics.accuracy"]) == sorted(table["metrics.accuracy"], reverse=True)
    best_run_id = table.iloc[0].run_id

    # The best becomes version 1, and goes into production.
    v1 = mlflow.register_model(f"runs:/{best_run_id}/model", model_name)
    client.transition_model_version_stage(name=model_name, version=v1.version, stage="Production")
    model_v1 = mlflow.pyfunc.load_model(f"models:/{model_name}/Production")
    np.testing.assert_array_equal(model_v1.predict(X_test), runs[best_run_id].predict(X_test))

    # A search of twelve candidates under autolog gives version 2.
    mlflow.sklearn.autolog(max_tuning_runs=12, serialization_format="cloudpickle")
    try:
        with mlflow.start_run(run_name="grid-search") as run:
            grid = {"n_estimators": [5, 10, 20], "max_depth": [2, 3, 4, 5]}
            search = GridSearchCV(RandomForestClassifier(random_state=42), grid, cv=3)
            search.fit(X_train, y_train)
    finally:
        mlflow.sklearn.autolog(disable=True)
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert len(children) == 12
    v2 = mlflow.register_model(f"runs:/{run.info.run_id}/best_estimator", model_name)
    assert v2.version == "2"
    client.transition_model_version_stage(
        name=model_name, version=v2.version, stage="Production", archive_existing_versions=True)

    # Both are compared on the same data.
    model_v1 = mlflow.pyfunc.load_model(f"models:/{model_name}/1")
    model_v2 = mlflow.pyfunc.load_model(f"models:/{model_name}/Production")
    np.testing.assert_array_equal(model_v2.predict(X_test), search.predict(X_test))
    assert (model_v1.predict(X_test) == model_v2.predict(X_test)).mean() > 0.9
    client.set_model_version_tag(model_name, v2.version, "git_sha", "6c2da07")
    client.set_model_version_tag(model_name, v2.version, "data_hash", "9f86d081")
    found = client.search_model_versions(f"name = '{model_name}' AND tags.data_hash = '9f86d081'")
    assert [(v.version, v.current_stage) for v in found] == [("2", "Production")]

    # And the way back: version 1 into production again.
    client.transition_model_version_stage(
        name=model_name, version=v1.version, stage="Production", archive_existing_versions=True)
    assert stages(client, model_name) == {"1": "Production", "2": "Archived"}
    back = mlflow.pyfunc.load_model(f"models:/{model_name}/Production")
    np.testing.assert_array_equal(back.predict(X_test), model_v1.predict(X_test))
    assert isinstance(client.get_latest_versions(model_name, stages=["Production"])[0], ModelVersion)
