"""A real scikit-learn training under `cairn exec`, read back through MLflow's client and GraphQL."""

import json
import subprocess
import sys
from pathlib import Path

import cairntest
import mlflow
import pytest
from autolog.exec import Exec, children, graphql, logged_models, runs, train

SCRIPT = """
import sys
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

X, y = load_iris(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = RandomForestClassifier(20, random_state=42).fit(X_train, y_train)
print("accuracy", accuracy_score(y_test, model.predict(X_test)))
print("score", model.score(X_test, y_test), file=sys.stderr)
make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
grid = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 2, 3, 4]}
GridSearchCV(DecisionTreeClassifier(random_state=0), grid, cv=3).fit(X_train, y_train)
cross_val_score(DecisionTreeClassifier(random_state=0), X, y, cv=4)
"""


@pytest.fixture(scope="module")
def trained(shared_server, tmp_path_factory):
    directory = tmp_path_factory.mktemp("training")
    return train(
        shared_server.url, directory, SCRIPT, "--experiment", "iris", "--run-name", "first", "--tag", "team=a",
        API_TOKEN="hunter2-hunter2",
    )


@pytest.fixture(scope="module")
def recorded(trained, shared_client):
    """The four runs of the training: forest, pipeline, search, cross-validation."""
    found = runs(shared_client, "iris")
    names = [run.data.tags.get("estimator_name") for run in found]
    assert names == ["RandomForestClassifier", "Pipeline", "GridSearchCV", "DecisionTreeClassifier"]
    return found


def test_output_is_the_training_s_own(trained):
    assert trained.done.stdout.startswith("accuracy 0.97")
    assert trained.done.stderr.startswith("score 0.97")
    assert trained.done.stderr.count("\n") == 1


def test_params_metrics_and_tags(recorded):
    run = recorded[0]
    assert run.info.run_name == "first"
    assert run.info.status == "FINISHED"
    assert run.data.params["n_estimators"] == "20"
    assert len(run.data.params) == 19
    metrics = run.data.metrics
    for name in ("accuracy_score", "precision_score", "recall_score", "f1_score", "log_loss", "roc_auc", "score"):
        assert "training_" + name in metrics
    assert metrics["accuracy_score_X_test"] == metrics["RandomForestClassifier_score_X_test"] == pytest.approx(37 / 38)
    assert metrics["fit_time"] > 0
    tags = run.data.tags
    assert tags["team"] == "a"
    assert tags["mlflow.autologging"] == "sklearn"
    assert tags["estimator_class"] == "sklearn.ensemble._forest.RandomForestClassifier"
    assert tags["cairn.seed"] == "42"
    assert tags["mlflow.source.type"] == "LOCAL"
    assert "train.py" in tags["cairn.command"]
    assert "cairn.autolog.warnings" not in tags


def test_later_fits_are_siblings_of_the_same_exec(recorded):
    assert len({run.data.tags["cairn.exec_id"] for run in recorded}) == 1
    assert all(run.info.status == "FINISHED" for run in recorded)
    assert recorded[1].data.params["logisticregression__C"] == "1.0"
    assert recorded[1].data.params["standardscaler__with_mean"] == "True"


def test_dataset_is_an_input(recorded):
    inputs = {i.tags[0].value: i.dataset for i in recorded[0].inputs.dataset_inputs}
    assert set(inputs) == {"train", "eval"}
    assert inputs["train"].name == "X_train"
    assert len(inputs["train"].digest) == 32
    assert json.loads(inputs["train"].profile)["num_rows"] == 112
    columns = json.loads(inputs["train"].schema)["mlflow_colspec"]
    assert columns[0] == {"type": "double", "name": "sepal length (cm)", "required": True}
    assert inputs["eval"].name == "X_test"


def test_model_loads_as_any_model_of_mlflow(recorded, shared_server):
    from sklearn.datasets import load_iris

    X, _ = load_iris(return_X_y=True, as_frame=True)
    for run in recorded[:3]:
        address = model_address(shared_server, run)
        model = mlflow.pyfunc.load_model(address)
        assert len(model.predict(X)) == 150
        assert model.metadata.run_id == run.info.run_id
        assert [c.name for c in model.metadata.signature.inputs.inputs] == list(X.columns)
        assert model.metadata.signature.outputs is not None
        assert len(model.input_example) == 5
        requirements = mlflow.artifacts.download_artifacts(f"{address}/requirements.txt")
        assert "scikit-learn==" in open(requirements).read()
    native = mlflow.sklearn.load_model(model_address(shared_server, recorded[0]))
    assert native.random_state == 42


def model_address(server, run):
    """Where mlflow finds the model of a run. Its versions before 3 look among the run's own artifacts only, on every
    server; they read a model from where its files lie."""
    if mlflow.__version__.startswith("2."):
        (model,) = logged_models(server.url, run)
        return model["artifactLocation"]
    return f"runs:/{run.info.run_id}/model"


@pytest.mark.since("mlflow", "3.0", "clients of logged models came with it")
def test_logged_model_has_its_params_and_tags(recorded, shared_client):
    (model,) = shared_client.search_logged_models([recorded[0].info.experiment_id],
                                                  f"source_run_id = '{recorded[0].info.run_id}'")
    assert model.name == "model"
    assert str(model.status) in ("READY", "LoggedModelStatus.READY")
    assert model.tags["cairn.model.serialization"] == "cloudpickle"
    # Those of its training, and those that the script computed afterwards.
    of_model = {metric.key: metric.value for metric in model.metrics}
    for key in ("training_accuracy_score", "accuracy_score_X_test"):
        assert of_model[key] == recorded[0].data.metrics[key]
    assert "fit_time" not in of_model
    assert recorded[0].data.tags["cairn.model.serialization"] == "cloudpickle"
    assert model.params["n_estimators"] == "20"


def test_artifacts(recorded, shared_client, tmp_path):
    run = recorded[0].info.run_id
    names = {artifact.path for artifact in shared_client.list_artifacts(run)}
    assert {
        "training_confusion_matrix.json", "training_confusion_matrix.svg", "feature_importance.json",
        "feature_importance.svg", "metric_info.json", "requirements.txt",
    } <= names
    matrix = json.load(open(shared_client.download_artifacts(run, "training_confusion_matrix.json", tmp_path)))
    assert sum(map(sum, matrix["counts"])) == 112
    calls = json.load(open(shared_client.download_artifacts(run, "metric_info.json", tmp_path)))
    assert calls["accuracy_score_X_test"].startswith("accuracy_score(y_true=y_test")
    packages = open(shared_client.download_artifacts(run, "requirements.txt", tmp_path)).read()
    assert "scikit-learn==" in packages


def test_every_candidate_of_the_search_is_a_child(recorded, shared_client):
    search = recorded[2]
    candidates = children(shared_client, search)
    assert len(candidates) == 12
    assert {(c.data.params["max_depth"], c.data.params["min_samples_leaf"]) for c in candidates} == {
        (str(depth), str(leaf)) for depth in (1, 2, 3) for leaf in (1, 2, 3, 4)
    }
    for candidate in candidates:
        assert candidate.info.status == "FINISHED"
        assert len(candidate.data.params) == 13
        assert {"mean_test_score", "std_test_score", "split0_test_score", "split2_test_score", "rank_test_score",
                "mean_fit_time"} <= set(candidate.data.metrics)
    (best,) = [c for c in candidates if c.data.tags.get("cairn.search.best") == "true"]
    assert search.data.metrics["best_cv_score"] == best.data.metrics["mean_test_score"]
    assert search.data.params["best_max_depth"] == best.data.params["max_depth"]
    assert "cv_results.csv" in {a.path for a in shared_client.list_artifacts(search.info.run_id)}


def test_folds_of_a_cross_validation_are_children(recorded, shared_client):
    folds = children(shared_client, recorded[3])
    assert len(folds) == 4
    scores = [fold.data.metrics["test_score"] for fold in folds]
    assert recorded[3].data.metrics["mean_test_score"] == pytest.approx(sum(scores) / 4)


def test_times_are_measurements_and_scores_results(recorded, shared_server):
    query = "query($id: ID!) { run(id: $id) { metrics { key role } } }"
    found = graphql(shared_server.url, query, id=recorded[0].info.run_id)
    roles = {metric["key"]: metric["role"] for metric in found["run"]["metrics"]}
    assert roles["fit_time"] == "MEASUREMENT"
    assert roles["training_accuracy_score"] == "RESULT"


def test_console_output_is_kept(recorded, shared_server):
    query = "query($id: ID!) { run(id: $id) { log { stream text } } }"
    pieces = graphql(shared_server.url, query, id=recorded[0].info.run_id)["run"]["log"]
    said = {stream: "".join(p["text"] for p in pieces if p["stream"] == stream) for stream in ("STDOUT", "STDERR")}
    assert said["STDOUT"].startswith("accuracy 0.97")
    assert said["STDERR"].startswith("score 0.97")


def test_secrets_are_masked(shared_server, shared_client, tmp_path):
    script = "import os; print('token is', os.environ['API_TOKEN'])"
    ended = train(shared_server.url, tmp_path, script, "--experiment", "masked", API_TOKEN="hunter2-hunter2")
    assert ended.done.stdout == "token is hunter2-hunter2\n"
    (run,) = runs(shared_client, "masked")
    query = "query($id: ID!) { run(id: $id) { log { text } tags { key value } } }"
    assert "hunter2" not in json.dumps(graphql(shared_server.url, query, id=run.info.run_id))


@pytest.mark.parametrize("code", [0, 3])
def test_exit_code_is_passed_on(shared_server, shared_client, tmp_path, code):
    command = [sys.executable, "-c", f"raise SystemExit({code})"]
    ended = Exec(shared_server.url, tmp_path, command, "--experiment", f"code{code}")
    assert ended.done.returncode == code
    (run,) = runs(shared_client, f"code{code}")
    assert run.info.status == ("FINISHED" if code == 0 else "FAILED")


def test_command_that_does_not_exist_gives_127(shared_server, tmp_path):
    ended = Exec(shared_server.url, tmp_path, ["no-such-command-anywhere"])
    assert ended.done.returncode == 127
    assert "no-such-command-anywhere" in ended.done.stderr


def test_standard_input_reaches_the_command(shared_server, tmp_path):
    ended = Exec(shared_server.url, tmp_path, [sys.executable, "-c", "print(input())"], stdin="hello\n")
    assert ended.done.stdout == "hello\n"


def test_fit_that_fails_is_recorded_and_fails_as_before(shared_server, shared_client, tmp_path):
    (tmp_path / "train.py").write_text("from sklearn.svm import SVC\nSVC(C=-1).fit([[0], [1]], [0, 1])")
    ended = Exec(shared_server.url, tmp_path, [sys.executable, "train.py"], "--experiment", "failing")
    assert ended.done.returncode == 1
    assert "InvalidParameterError" in ended.done.stderr
    (run,) = runs(shared_client, "failing")
    assert run.info.status == "FAILED"
    assert run.data.params["C"] == "-1"
    assert "fit of SVC failed" in run.data.tags["cairn.autolog.warnings"]


def test_the_user_s_own_run_and_value_win(shared_server, shared_client, tmp_path):
    script = """
import mlflow
from sklearn.tree import DecisionTreeClassifier
with mlflow.start_run(run_name="mine") as run:
    mlflow.log_param("max_depth", "my own")
    DecisionTreeClassifier(max_depth=2).fit([[0], [1]], [0, 1])
with mlflow.start_run(run_name="second"):
    DecisionTreeClassifier(max_depth=3).fit([[0], [1]], [0, 1])
"""
    train(shared_server.url, tmp_path, script, "--experiment", "own", "--tag", "team=vision")
    first, second = runs(shared_client, "own")
    assert first.info.run_name == "mine"
    assert first.data.params["max_depth"] == "my own"
    assert first.data.params["criterion"] == "gini"
    assert second.info.run_name == "second"
    assert second.data.params["max_depth"] == "3"
    # Each run that the script opens is one of the command's.
    assert first.data.tags["cairn.exec_id"] == second.data.tags["cairn.exec_id"]
    for run in first, second:
        assert run.data.tags["team"] == "vision"
        assert "train.py" in run.data.tags["cairn.command"]
        requirements = shared_client.download_artifacts(run.info.run_id, "requirements.txt", str(tmp_path))
        assert "scikit-learn==" in Path(requirements).read_text()
        query = "query($id: ID!) { run(id: $id) { fingerprint { commandHash dependenciesHash hardwareHash } } }"
        fingerprint = graphql(shared_server.url, query, id=run.info.run_id)["run"]["fingerprint"]
        assert all(fingerprint.values()), fingerprint


@pytest.mark.parametrize(
    "log, metric",
    [
        ("mlflow.log_param(key, value)", "mlflow.log_metric('training_score', 0.25)"),
        ("mlflow.log_params({key: value})", "mlflow.log_metrics({'training_score': 0.25})"),
        ("cairn.params({key: value})", "cairn.log({'training_score': 0.25})"),
    ],
)
@pytest.mark.parametrize("order", ["before", "after"])
def test_the_user_s_own_values_win_in_both_orders(shared_server, shared_client, tmp_path, log, metric, order):
    own = f"""
key, value = 'max_depth', 'my own'
{log}
mlflow.set_tag('estimator_name', 'mine')
{metric}
"""
    # What the agent was sent is on the server before mlflow writes, as after any longer fit.
    arrived = """
import time
client, until = mlflow.MlflowClient(), time.monotonic() + 30
while "training_score" not in client.get_run(run.info.run_id).data.metrics and time.monotonic() < until:
    time.sleep(0.01)
"""
    fit = "DecisionTreeClassifier(max_depth=2).fit([[0], [1]], [0, 1])\n"
    body = own + "\n" + fit if order == "before" else fit + arrived + own
    package = str(Path(cairntest.ROOT) / "python")
    script = f"""
import sys; sys.path.insert(0, {package!r})
import cairn, mlflow
from sklearn.tree import DecisionTreeClassifier
run = mlflow.start_run()
{body}
mlflow.end_run()
"""
    experiment = f"{order} {log.partition('(')[0]}"
    ended = train(shared_server.url, tmp_path, script, "--experiment", experiment)
    assert "max_depth" not in ended.done.stderr
    (run,) = runs(shared_client, experiment)
    assert run.data.params["max_depth"] == "my own"
    assert run.data.params["criterion"] == "gini"
    assert run.data.tags["estimator_name"] == "mine"
    (point,) = shared_client.get_metric_history(run.info.run_id, "training_score")
    assert point.value == 0.25
    assert run.data.metrics["training_accuracy_score"] == 1
    assert run.data.tags["estimator_class"] == "sklearn.tree._classes.DecisionTreeClassifier"
    assert run.info.status == "FINISHED"


def test_untracked_files_join_the_diff_where_they_were_imported(shared_server, shared_client, tmp_path):
    work = tmp_path / "work"
    (work / "lib").mkdir(parents=True)

    def git(*arguments):
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=work, check=True, capture_output=True)

    git("init", "-q")
    (work / "train.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\nimport lib.features\n"
        "DecisionTreeClassifier().fit([[0], [1]], [0, 1])\n"
        "import lib.late\n"
    )
    git("add", ".")
    git("commit", "-q", "-m", "first")
    for name in ("features", "late", "unused"):
        (work / "lib" / (name + ".py")).write_text("NAME = '%s'\n" % name)
    ended = Exec(shared_server.url, work, [sys.executable, "train.py"], "--experiment", "imports")
    assert ended.done.returncode == 0, ended.done.stderr
    (run,) = runs(shared_client, "imports")
    assert run.data.tags["cairn.git.dirty"] == "true"
    diff = Path(shared_client.download_artifacts(run.info.run_id, "cairn/code.diff", str(tmp_path))).read_text()
    assert [line for line in diff.splitlines() if line.startswith("+NAME")] == ["+NAME = 'features'", "+NAME = 'late'"]
