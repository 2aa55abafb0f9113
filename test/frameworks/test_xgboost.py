"""XGBoost under `cairn exec`."""

import json
import subprocess
import sys

import mlflow
import numpy as np
import pytest

pytestmark = pytest.mark.since("xgboost-cpu", "2.0", "test/env/frameworks.in has it")

DATA = """
import json, numpy as np, xgboost as xgb
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4))
y = (X[:, 0] - X[:, 1] + 0.4 * rng.normal(size=300) > 0).astype(int)
X_train, X_test, y_train, y_test = X[:200], X[200:], y[:200], y[200:]
"""
ROWS = np.random.default_rng(0).normal(size=(300, 4))[:6]


def test_native_training(exec_train):
    trained = exec_train(DATA + """
dtrain, dtest = xgb.DMatrix(X_train, y_train), xgb.DMatrix(X_test, y_test)
log = {}
params = {"objective": "binary:logistic", "max_depth": 2, "eta": 0.9, "seed": 5, "eval_metric": ["error", "logloss"]}
booster = xgb.train(params, dtrain, 60, evals=[(dtrain, "train"), (dtest, "test")], early_stopping_rounds=5,
                    evals_result=log, verbose_eval=False)
print(json.dumps({"log": log, "best": booster.best_iteration, "predicted": booster.predict(xgb.DMatrix(X[:6])).tolist(),
                  "gain": booster.get_score(importance_type="gain")}))
""")
    run, said = trained.run, trained.printed()
    for data, metrics in said["log"].items():
        for metric, values in metrics.items():
            assert trained.points(run, f"{data}-{metric}") == list(enumerate(values)), "every round once"
    assert len(said["log"]["test"]["logloss"]) < 60
    assert run.data.metrics["best_iteration"] == said["best"]
    assert run.data.metrics["stopped_iteration"] == len(said["log"]["test"]["logloss"]) - 1
    assert run.data.params == {
        "objective": "binary:logistic", "max_depth": "2", "eta": "0.9", "seed": "5", "eval_metric": "['error', 'logloss']",
        "num_boost_round": "60", "early_stopping_rounds": "5",
    }
    assert run.data.tags["cairn.seed"] == "5"
    assert run.data.tags["mlflow.autologging"] == "xgboost"
    assert "cairn.autolog.warnings" not in run.data.tags
    assert {i.tags[0].value: i.dataset.name for i in run.inputs.dataset_inputs} == {"train": "dtrain", "eval": "test"}
    gain = json.loads(trained.file(run, "feature_importance_gain.json"))
    assert dict(zip(gain["features"], gain["values"], strict=True)) == pytest.approx(said["gain"])
    assert "<svg" in trained.file(run, "feature_importance_weight.svg")
    booster = mlflow.xgboost.load_model(trained.model(run))
    import xgboost

    assert booster.predict(xgboost.DMatrix(ROWS)).tolist() == pytest.approx(said["predicted"], abs=1e-6)
    generic = mlflow.pyfunc.load_model(trained.model(run))
    assert generic.predict(ROWS).tolist() == pytest.approx(said["predicted"], abs=1e-6)
    assert len(generic.input_example) == 5


def test_estimator(exec_train):
    trained = exec_train(DATA + """
from sklearn.metrics import accuracy_score
model = xgb.XGBClassifier(n_estimators=8, max_depth=2, random_state=3)
model.fit(X_train, y_train, eval_set=[(X_train, y_train), (X_test, y_test)], verbose=False)
print(json.dumps({"log": model.evals_result(), "accuracy": accuracy_score(y_test, model.predict(X_test)),
                  "predicted": model.predict(X[:6]).tolist()}))
""")
    run, said = trained.run, trained.printed()
    for data, metrics in said["log"].items():
        for metric, values in metrics.items():
            assert trained.points(run, f"{data}-{metric}") == list(enumerate(values))
    assert run.data.params == {"n_estimators": "8", "max_depth": "2", "random_state": "3", "objective": "binary:logistic"}
    assert run.data.metrics["accuracy_score_X_test"] == said["accuracy"]
    assert "training_accuracy_score" in run.data.metrics
    assert run.data.tags["estimator_name"] == "XGBClassifier"
    assert run.data.tags["mlflow.autologging"] == "xgboost"
    loaded = mlflow.xgboost.load_model(trained.model(run))
    assert type(loaded).__name__ == "XGBClassifier"
    assert loaded.predict(ROWS).tolist() == said["predicted"]
    assert mlflow.pyfunc.load_model(trained.model(run)).predict(ROWS).tolist() == said["predicted"]


def test_cross_validation(exec_train):
    trained = exec_train(DATA + """
data = xgb.DMatrix(X_train, y_train)
print(json.dumps(xgb.cv({"max_depth": 2, "eta": 0.5}, data, num_boost_round=6, nfold=3, seed=1, as_pandas=False)))
""")
    for key, values in trained.printed().items():
        assert trained.points(trained.run, key) == list(enumerate(values))
    assert trained.run.data.params["nfold"] == "3"
    assert not trained.client.get_run(trained.run.info.run_id).outputs.model_outputs


def test_rounds_of_a_pipeline_belong_to_it_and_those_of_a_search_do_not(exec_train):
    trained = exec_train(DATA + """
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
model = xgb.XGBRegressor(n_estimators=4)
make_pipeline(StandardScaler(), model).fit(X_train, y_train, xgbregressor__eval_set=[(X_train, y_train)],
                                           xgbregressor__verbose=False)
GridSearchCV(xgb.XGBRegressor(n_estimators=3), {"max_depth": [1, 2]}, cv=2).fit(X_train, y_train)
""")
    pipeline, search = trained.runs
    assert [step for step, _ in trained.points(pipeline, "validation_0-rmse")] == [0, 1, 2, 3]
    assert not [key for key in search.data.metrics if key.startswith("validation")]
    assert search.data.params["best_max_depth"] in ("1", "2")


def test_what_the_training_prints_and_makes_is_its_own(exec_train):
    script = DATA + """
class Stop(xgb.callback.TrainingCallback):
    def after_iteration(self, model, epoch, evals_log):
        return epoch == 4
dtrain = xgb.DMatrix(X_train, y_train)
booster = xgb.train({"subsample": 0.5, "seed": 2}, dtrain, 10, evals=[(dtrain, "train")], callbacks=[Stop()])
raw = bytes(booster.save_raw("json")).hex()
print(json.dumps({"rounds": booster.num_boosted_rounds(), "raw": raw, "next": rng.random()}))
"""
    plain = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    trained = exec_train(script)
    assert trained.exec.done.stdout == plain.stdout
    assert trained.exec.done.stderr == plain.stderr
    assert [step for step, _ in trained.points(trained.run, "train-rmse")] == [0, 1, 2, 3, 4]
