"""Autologging of mlflow itself, unmodified, of the frameworks in an environment of their own: test/env/frameworks.in."""

import json
import os
import pathlib

# Before keras is imported: the backend that the environment has.
os.environ.setdefault("KERAS_BACKEND", "jax")

import mlflow
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

pytestmark = pytest.mark.since("xgboost-cpu", "3.2", "test/env/frameworks.in has it, with lightgbm and keras")

ROUNDS = 12


@pytest.fixture(scope="module")
def iris():
    x, y = load_iris(return_X_y=True)
    return train_test_split(x.astype("float32"), y, random_state=0)


@pytest.fixture
def autolog():
    """Turns on what mlflow logs of one framework, as a user does, and off again."""
    flavors = []

    def on(flavor, **options):
        flavors.append(flavor)
        flavor.autolog(**options)

    yield on
    for flavor in flavors:
        flavor.autolog(disable=True)


def histories(client, run, keys):
    """What was logged of some metrics, by step: the client sends from several threads, and not always in order."""
    return {key: sorted((m.step, m.value) for m in client.get_metric_history(run, key)) for key in keys}


def the_model(client, run):
    """The one model of a run, with its files up."""
    (output,) = client.get_run(run).outputs.model_outputs
    logged = mlflow.get_logged_model(output.model_id)
    assert (logged.name, str(logged.status), logged.source_run_id) == ("model", "READY", run)
    return logged


def points(model):
    """What was measured of a logged model, step by step."""
    return {(m.key, m.step, m.value) for m in model.metrics}


def datasets(client, run):
    """The contexts of the datasets that a run read."""
    inputs = client.get_run(run).inputs.dataset_inputs
    return sorted(tag.value for i in inputs for tag in i.tags if tag.key == "mlflow.data.context")


def load_json(client, run, path, folder):
    return json.loads(pathlib.Path(client.download_artifacts(run, path, str(folder))).read_text())


def test_xgboost(client, experiment, iris, autolog, tmp_path):
    import xgboost

    x, x_test, y, y_test = iris
    autolog(mlflow.xgboost)
    train, test = xgboost.DMatrix(x, y), xgboost.DMatrix(x_test, y_test)
    params = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "eta": 0.3,
              "eval_metric": ["mlogloss", "merror"]}
    told = {}
    with mlflow.start_run() as run:
        booster = xgboost.train(params, train, num_boost_round=ROUNDS, evals=[(train, "train"), (test, "test")],
                                evals_result=told, verbose_eval=False)
    run = run.info.run_id
    data = client.get_run(run).data
    assert {k: data.params[k] for k in ("objective", "num_class", "max_depth", "eta", "num_boost_round")} == {
        "objective": "multi:softprob", "num_class": "3", "max_depth": "2", "eta": "0.3", "num_boost_round": str(ROUNDS)}
    assert data.params["eval_metric"] == "['mlogloss', 'merror']"
    keys = {f"{name}-{metric}": told[name][metric] for name in ("train", "test") for metric in ("mlogloss", "merror")}
    assert histories(client, run, keys) == {key: list(enumerate(values)) for key, values in keys.items()}
    assert data.metrics == {key: values[-1] for key, values in keys.items()}
    assert datasets(client, run) == ["eval", "eval", "train"]
    assert load_json(client, run, "feature_importance_weight.json", tmp_path) == booster.get_score(importance_type="weight")
    assert "feature_importance_weight.png" in {f.path for f in client.list_artifacts(run)}

    model = the_model(client, run)
    assert points(model) == {(key, step, value) for key, values in keys.items() for step, value in enumerate(values)}
    expected = booster.predict(test)
    np.testing.assert_array_equal(mlflow.xgboost.load_model(model.model_uri).predict(test), expected)
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(f"runs:/{run}/model").predict(x_test), expected)


def test_xgboost_stops_early(client, experiment, iris, autolog):
    import xgboost

    x, x_test, y, y_test = iris
    autolog(mlflow.xgboost, log_models=False)
    train, test = xgboost.DMatrix(x, y), xgboost.DMatrix(x_test, y_test)
    told = {}
    with mlflow.start_run() as run:
        booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "eta": 1.0}, train, num_boost_round=200,
                                evals=[(test, "test")], early_stopping_rounds=3, evals_result=told, verbose_eval=False)
    run = run.info.run_id
    rounds = told["test"]["mlogloss"]
    data = client.get_run(run).data
    assert len(rounds) < 200
    assert (data.metrics["best_iteration"], data.metrics["stopped_iteration"]) == (booster.best_iteration, len(rounds) - 1)
    # The best round once more, one step behind the last, as this autologging has it.
    want = [*enumerate(rounds), (len(rounds), rounds[booster.best_iteration])]
    assert histories(client, run, ["test-mlogloss"]) == {"test-mlogloss": want}
    assert client.get_run(run).outputs.model_outputs == [], "it was told not to"


def test_xgboost_as_an_estimator_of_sklearn(client, experiment, iris, autolog):
    import xgboost

    x, x_test, y, y_test = iris
    autolog(mlflow.xgboost)
    with mlflow.start_run() as run:
        estimator = xgboost.XGBClassifier(n_estimators=ROUNDS, max_depth=2)
        estimator.fit(x, y, eval_set=[(x_test, y_test)], verbose=False)
    run = run.info.run_id
    data = client.get_run(run).data
    # Those of the booster's training, where n_estimators has its other name.
    assert {k: data.params[k] for k in ("num_boost_round", "max_depth", "objective", "learning_rate")} == {
        "num_boost_round": str(ROUNDS), "max_depth": "2", "objective": "multi:softprob", "learning_rate": "None"}
    want = list(enumerate(estimator.evals_result()["validation_0"]["mlogloss"]))
    assert histories(client, run, ["validation_0-mlogloss"]) == {"validation_0-mlogloss": want}
    loaded = mlflow.pyfunc.load_model(the_model(client, run).model_uri)
    np.testing.assert_array_equal(loaded.predict(x_test), estimator.predict(x_test))


def test_lightgbm(client, experiment, iris, autolog, tmp_path):
    import lightgbm

    x, x_test, y, y_test = iris
    autolog(mlflow.lightgbm)
    train = lightgbm.Dataset(x, y)
    test = lightgbm.Dataset(x_test, y_test, reference=train)
    params = {"objective": "multiclass", "num_class": 3, "metric": ["multi_logloss", "multi_error"], "learning_rate": 0.2,
              "verbosity": -1, "num_threads": 1}
    told = {}
    with mlflow.start_run() as run:
        booster = lightgbm.train(params, train, num_boost_round=ROUNDS, valid_sets=[train, test],
                                 valid_names=["train", "test"], callbacks=[lightgbm.record_evaluation(told)])
    run = run.info.run_id
    data = client.get_run(run).data
    assert {k: data.params[k] for k in ("objective", "num_class", "learning_rate", "num_boost_round")} == {
        "objective": "multiclass", "num_class": "3", "learning_rate": "0.2", "num_boost_round": str(ROUNDS)}
    metrics = ("multi_logloss", "multi_error")
    keys = {f"{name}-{metric}": told[name][metric] for name in ("train", "test") for metric in metrics}
    assert histories(client, run, keys) == {key: list(enumerate(values)) for key, values in keys.items()}
    assert datasets(client, run) == ["eval", "eval", "train"]
    importance = dict(zip(booster.feature_name(), booster.feature_importance("gain").tolist(), strict=True))
    assert load_json(client, run, "feature_importance_gain.json", tmp_path) == importance
    files = {f"feature_importance_{kind}.{suffix}" for kind in ("gain", "split") for suffix in ("json", "png")}
    assert files <= {f.path for f in client.list_artifacts(run)}

    model = the_model(client, run)
    assert points(model) == {(key, step, value) for key, values in keys.items() for step, value in enumerate(values)}
    expected = booster.predict(x_test)
    np.testing.assert_array_equal(mlflow.lightgbm.load_model(model.model_uri).predict(x_test), expected)
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(f"runs:/{run}/model").predict(x_test), expected)


def test_keras(client, experiment, iris, autolog, tmp_path):
    import keras

    x, x_test, y, _ = iris
    autolog(mlflow.keras)
    keras.utils.clear_session()  # or the optimizer is named adam_1 the second time
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
    network.compile(optimizer=keras.optimizers.Adam(0.01), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                    metrics=["accuracy"])
    with mlflow.start_run() as run:
        history = network.fit(x, y, epochs=3, batch_size=16, validation_split=0.25, verbose=0, callbacks=[]).history
    run = run.info.run_id
    data = client.get_run(run).data
    assert {k: data.params[k] for k in ("epochs", "batch_size", "validation_split", "optimizer_name")} == {
        "epochs": "3", "batch_size": "16", "validation_split": "0.25", "optimizer_name": "adam"}
    assert float(data.params["optimizer_learning_rate"]) == pytest.approx(0.01)
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert histories(client, run, history) == {key: list(enumerate(values)) for key, values in history.items()}
    assert "train" in datasets(client, run)
    summary = pathlib.Path(client.download_artifacts(run, "model_summary.txt", str(tmp_path))).read_text()
    assert "Trainable params: 67" in summary

    model = the_model(client, run)
    assert points(model) >= {(key, step, value) for key, values in history.items() for step, value in enumerate(values)}
    expected = network.predict(x_test, verbose=0)
    np.testing.assert_array_equal(mlflow.keras.load_model(model.model_uri).predict(x_test, verbose=0), expected)
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(f"runs:/{run}/model").predict(x_test), expected)


def test_autolog_registers(client, experiment, iris, autolog):
    """What is trained is version 1 of a registered model, and what is trained again version 2."""
    import lightgbm

    x, x_test, y, _ = iris
    name = "boosted-" + experiment
    autolog(mlflow.lightgbm, registered_model_name=name)
    params = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
    boosters = [lightgbm.train(params | {"num_leaves": n}, lightgbm.Dataset(x, y), num_boost_round=2) for n in (2, 8)]
    versions = client.search_model_versions(f"name = '{name}'", order_by=["version_number"])
    assert [v.version for v in versions] == ["1", "2"]
    assert len({v.run_id for v in versions}) == 2
    # A run that the user has not started is the autologging's own.
    assert {client.get_run(v.run_id).data.tags["mlflow.autologging"] for v in versions} == {"lightgbm"}
    for version, booster in zip(versions, boosters, strict=True):
        loaded = mlflow.pyfunc.load_model(f"models:/{name}/{version.version}")
        np.testing.assert_array_equal(loaded.predict(x_test), booster.predict(x_test))
