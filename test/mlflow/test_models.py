"""Logged models: what log_model, load_model and autolog of scikit-learn ask of a server."""

import json

import mlflow
import numpy as np
import pytest
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split

# Given, so that the client does not spend seconds on finding them by itself in each test.
REQUIREMENTS = ["scikit-learn", "cloudpickle"]


@pytest.fixture(scope="module")
def iris():
    x, y = load_iris(return_X_y=True)
    return train_test_split(x, y, random_state=0)


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_log_and_load_a_model(client, experiment, iris):
    x, x_test, y, _ = iris
    model = LogisticRegression(max_iter=500).fit(x, y)
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            input_example=x[:3],
            signature=infer_signature(x, model.predict(x)),
            params={"family": "linear"},
            tags={"purpose": "test"},
            pip_requirements=REQUIREMENTS,
        )
        assert info.model_id.startswith("m-")
    logged = mlflow.get_logged_model(info.model_id)
    assert logged.name == "model"
    assert str(logged.status) == "READY"
    assert logged.source_run_id == run.info.run_id
    assert logged.experiment_id == experiment
    assert logged.params == {"family": "linear"}
    assert logged.tags["purpose"] == "test"
    assert logged.artifact_location == f"mlflow-artifacts:/{experiment}/models/{info.model_id}/artifacts"
    outputs = client.get_run(run.info.run_id).outputs.model_outputs
    assert [o.model_id for o in outputs] == [info.model_id]
    expected = model.predict(x_test)
    for uri in (info.model_uri, f"runs:/{run.info.run_id}/model", f"models:/{info.model_id}"):
        np.testing.assert_array_equal(mlflow.pyfunc.load_model(uri).predict(x_test), expected)
    np.testing.assert_array_equal(mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model").predict(x_test), expected)
    files = {f.path for f in client.list_logged_model_artifacts(info.model_id)}
    assert {"MLmodel", "requirements.txt", "conda.yaml", "python_env.yaml"} <= files


def test_tree_ensemble_as_cloudpickle(client, experiment, iris, caplog):
    x, x_test, y, _ = iris
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(x, y)
    with mlflow.start_run() as run:
        # By the name that this argument has in every version.
        mlflow.sklearn.log_model(
            forest, artifact_path="forest", serialization_format="cloudpickle", pip_requirements=REQUIREMENTS)
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/forest")
    np.testing.assert_array_equal(loaded.predict(x_test), forest.predict(x_test))
    if mlflow.__version__.startswith("2."):  # which tells the server in the run's tags what it stored
        assert "failed" not in caplog.text
        (told,) = json.loads(client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"])
        assert told["artifact_path"] == "forest"
        assert told["flavors"]["sklearn"]["serialization_format"] == "cloudpickle"


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_logged_models_by_hand(client, experiment):
    model = mlflow.initialize_logged_model(name="by-hand", tags={"a": "1"}, model_type="agent")
    assert str(model.status) == "PENDING"
    mlflow.set_logged_model_tags(model.model_id, {"b": "2"})
    mlflow.log_model_params({"p": "v"}, model_id=model.model_id)
    mlflow.delete_logged_model_tag(model.model_id, "a")
    done = mlflow.finalize_logged_model(model.model_id, "READY")
    assert str(done.status) == "READY"
    got = mlflow.get_logged_model(model.model_id)
    assert got.tags["b"] == "2" and "a" not in got.tags
    assert got.params == {"p": "v"}
    assert got.model_type == "agent"
    client.delete_logged_model(model.model_id)
    assert mlflow.search_logged_models([experiment], output_format="list") == []


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_metrics_of_a_logged_model(client, experiment):
    model = mlflow.initialize_logged_model(name="measured")
    with mlflow.start_run() as run:
        mlflow.log_metric("accuracy", 0.5, step=1, model_id=model.model_id)
        mlflow.log_metrics({"f1": 0.25}, step=2, model_id=model.model_id)
    metrics = {m.key: (m.value, m.step, m.run_id) for m in mlflow.get_logged_model(model.model_id).metrics}
    assert metrics == {"accuracy": (0.5, 1, run.info.run_id), "f1": (0.25, 2, run.info.run_id)}
    assert client.get_run(run.info.run_id).data.metrics == {"accuracy": 0.5, "f1": 0.25}


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_search_logged_models(client, experiment):
    made = {}
    for name, quality in (("first", 1), ("second", 2), ("third", 3)):
        with mlflow.start_run() as run:
            model = mlflow.initialize_logged_model(name=name, tags={"quality": str(quality)})
            mlflow.log_metric("score", quality / 10, model_id=model.model_id)
        made[name] = (model.model_id, run.info.run_id)
    by_name = mlflow.search_logged_models([experiment], "name = 'second'", output_format="list")
    assert [m.model_id for m in by_name] == [made["second"][0]]
    by_run = mlflow.search_logged_models([experiment], f"source_run_id = '{made['third'][1]}'", output_format="list")
    assert [m.name for m in by_run] == ["third"]
    ordered = mlflow.search_logged_models(
        [experiment], order_by=[{"field_name": "metrics.score", "ascending": False}], output_format="list"
    )
    assert [m.name for m in ordered] == ["third", "second", "first"]
    assert len(mlflow.search_logged_models([experiment], output_format="list", max_results=50_000)) == 3
    limited = mlflow.search_logged_models([experiment], "tags.quality = '1'", output_format="list", max_results=1)
    assert [m.name for m in limited] == ["first"]


def test_autolog_with_grid_search(client, experiment, iris):
    x, _, y, _ = iris
    mlflow.sklearn.autolog(serialization_format="cloudpickle")
    try:
        with mlflow.start_run() as run:
            search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.01, 0.1, 1.0, 10.0]}, cv=3).fit(x, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    parent = client.get_run(run.info.run_id)
    assert parent.data.params["best_C"] == str(search.best_params_["C"])
    assert parent.data.metrics["best_cv_score"] == search.best_score_
    assert 0.9 < parent.data.metrics["training_accuracy_score"] <= 1
    assert parent.data.tags["estimator_name"] == "GridSearchCV"
    assert parent.inputs.dataset_inputs
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert sorted(c.data.params["C"] for c in children) == ["0.01", "0.1", "1.0", "10.0"]
    assert all("mean_test_score" in c.data.metrics for c in children)
    paths = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert {"cv_results.csv", "estimator.html", "training_confusion_matrix.png"} <= paths
    best = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/best_estimator")
    np.testing.assert_array_equal(best.predict(x), search.predict(x))
    if not mlflow.__version__.startswith("2."):
        assert len(mlflow.search_logged_models([experiment], output_format="list")) == 2


def test_autolog_of_a_single_estimator(client, experiment, iris):
    x, x_test, y, y_test = iris
    mlflow.sklearn.autolog(log_models=False)
    try:
        with mlflow.start_run() as run:
            LogisticRegression(max_iter=500).fit(x, y).score(x_test, y_test)
    finally:
        mlflow.sklearn.autolog(disable=True)
    data = client.get_run(run.info.run_id).data
    assert data.params["max_iter"] == "500"
    assert "training_score" in data.metrics
    assert "LogisticRegression_score_x_test" in data.metrics
