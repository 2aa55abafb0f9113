"""LightGBM under `cairn exec`."""

import json
import subprocess
import sys

import mlflow
import numpy as np
import pytest

pytestmark = pytest.mark.since("lightgbm", "4.0", "test/env/frameworks.in has it")

DATA = """
import json, numpy as np, lightgbm as lgb
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4))
y = (X[:, 0] - X[:, 1] + 0.4 * rng.normal(size=300) > 0).astype(int)
X_train, X_test, y_train, y_test = X[:200], X[200:], y[:200], y[200:]
"""
ROWS = np.random.default_rng(0).normal(size=(300, 4))[:6]


def test_native_training(exec_train):
    trained = exec_train(DATA + """
train_set = lgb.Dataset(X_train, y_train)
log = {}
params = {"objective": "binary", "num_leaves": 4, "learning_rate": 0.9, "seed": 5, "verbose": -1,
          "metric": ["binary_error", "binary_logloss"]}
booster = lgb.train(params, train_set, 60, valid_sets=[train_set, lgb.Dataset(X_test, y_test, reference=train_set)],
                    valid_names=["train", "test"],
                    callbacks=[lgb.early_stopping(5, verbose=False), lgb.record_evaluation(log)])
print(json.dumps({"log": log, "best": booster.best_iteration, "predicted": booster.predict(X[:6]).tolist(),
                  "gain": booster.feature_importance("gain").tolist()}))
""")
    run, said = trained.run, trained.printed()
    for data, metrics in said["log"].items():
        for metric, values in metrics.items():
            assert trained.points(run, f"{data}-{metric}") == list(enumerate(values)), "every round once"
    rounds = len(said["log"]["test"]["binary_logloss"])
    assert rounds < 60
    assert run.data.metrics["best_iteration"] == said["best"]
    assert run.data.metrics["stopped_iteration"] == rounds
    assert run.data.params == {
        "objective": "binary", "num_leaves": "4", "learning_rate": "0.9", "seed": "5", "verbose": "-1",
        "metric": "['binary_error', 'binary_logloss']", "num_boost_round": "60",
    }
    assert run.data.tags["cairn.seed"] == "5"
    assert run.data.tags["mlflow.autologging"] == "lightgbm"
    assert "cairn.autolog.warnings" not in run.data.tags
    inputs = {i.tags[0].value: i.dataset for i in run.inputs.dataset_inputs}
    assert {context: data.name for context, data in inputs.items()} == {"train": "train_set", "eval": "test"}
    assert json.loads(inputs["train"].profile)["features_shape"] == [200, 4]
    gain = json.loads(trained.file(run, "feature_importance_gain.json"))
    assert gain["values"] == said["gain"]
    assert "<svg" in trained.file(run, "feature_importance_split.svg")
    booster = mlflow.lightgbm.load_model(trained.model(run))
    assert booster.predict(ROWS).tolist() == said["predicted"]
    generic = mlflow.pyfunc.load_model(trained.model(run))
    assert generic.predict(ROWS).tolist() == said["predicted"]
    assert len(generic.input_example) == 5


def test_estimator(exec_train):
    trained = exec_train(DATA + """
from sklearn.metrics import accuracy_score
model = lgb.LGBMClassifier(n_estimators=8, num_leaves=4, random_state=3, verbose=-1)
model.fit(X_train, y_train, eval_set=[(X_train, y_train), (X_test, y_test)])
print(json.dumps({"log": model.evals_result_, "accuracy": accuracy_score(y_test, model.predict(X_test)),
                  "predicted": model.predict(X[:6]).tolist()}))
""")
    run, said = trained.run, trained.printed()
    for data, metrics in said["log"].items():
        for metric, values in metrics.items():
            assert trained.points(run, f"{data}-{metric}") == list(enumerate(values))
    assert run.data.params == {"n_estimators": "8", "num_leaves": "4", "random_state": "3", "verbose": "-1"}
    assert run.data.metrics["accuracy_score_X_test"] == said["accuracy"]
    assert "training_accuracy_score" in run.data.metrics
    assert run.data.tags["estimator_name"] == "LGBMClassifier"
    assert run.data.tags["mlflow.autologging"] == "lightgbm"
    assert run.data.tags["cairn.model.serialization"] == "cloudpickle"
    loaded = mlflow.lightgbm.load_model(trained.model(run))
    assert type(loaded).__name__ == "LGBMClassifier"
    assert loaded.predict(ROWS).tolist() == said["predicted"]
    assert mlflow.pyfunc.load_model(trained.model(run)).predict(ROWS).tolist() == said["predicted"]


def test_cross_validation(exec_train):
    trained = exec_train(DATA + """
found = lgb.cv({"num_leaves": 4, "metric": "l2", "verbose": -1}, lgb.Dataset(X_train, y_train), num_boost_round=6, nfold=3,
               stratified=False)
print(json.dumps({"mean": found["valid l2-mean"], "std": found["valid l2-stdv"]}))
""")
    said = trained.printed()
    assert trained.points(trained.run, "valid-l2-mean") == list(enumerate(said["mean"]))
    assert trained.points(trained.run, "valid-l2-std") == list(enumerate(said["std"]))
    assert trained.run.data.params["nfold"] == "3"
    assert not trained.client.get_run(trained.run.info.run_id).outputs.model_outputs


def test_rounds_of_a_pipeline_belong_to_it_and_those_of_a_search_do_not(exec_train):
    trained = exec_train(DATA + """
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
model = lgb.LGBMRegressor(n_estimators=4, verbose=-1)
make_pipeline(StandardScaler(), model).fit(X_train, y_train, lgbmregressor__eval_set=[(X_train, y_train)])
GridSearchCV(lgb.LGBMRegressor(n_estimators=3, verbose=-1), {"num_leaves": [3, 4]}, cv=2).fit(X_train, y_train)
""")
    pipeline, search = trained.runs
    assert [step for step, _ in trained.points(pipeline, "valid_0-l2")] == [0, 1, 2, 3]
    assert not [key for key in search.data.metrics if key.startswith("valid_")]
    assert search.data.params["best_num_leaves"] in ("3", "4")


def test_what_the_training_prints_and_makes_is_its_own(exec_train):
    script = DATA + """
def stop(env):
    if env.iteration == 4:
        raise lgb.callback.EarlyStopException(4, env.evaluation_result_list)
train_set = lgb.Dataset(X_train, y_train)
booster = lgb.train({"bagging_fraction": 0.5, "bagging_freq": 1, "seed": 2, "verbose": -1, "metric": "l2"}, train_set, 10,
                    valid_sets=[train_set], callbacks=[stop, lgb.log_evaluation()])
print(json.dumps({"rounds": booster.current_iteration(), "model": booster.model_to_string(), "next": rng.random()}))
"""
    plain = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    trained = exec_train(script)
    assert trained.exec.done.stdout == plain.stdout
    assert trained.exec.done.stderr == plain.stderr
    assert [step for step, _ in trained.points(trained.run, "training-l2")] == [0, 1, 2, 3, 4]
