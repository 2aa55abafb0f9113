"""What the user chooses to have recorded, in the command, in cairn.toml and in Python."""

import sys

import cairntest
from autolog.exec import Exec, logged_models, runs, train

TRAIN = """
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
X, y = load_iris(return_X_y=True)
DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y).score(X, y)
"""


def recorded(server, client, experiment):
    (run,) = runs(client, experiment)
    assert "cairn.autolog.warnings" not in run.data.tags
    return run, [model["name"] for model in logged_models(server.url, run)]


def test_command(shared_server, shared_client, tmp_path):
    train(shared_server.url, tmp_path, TRAIN, "--experiment", "chosen-command", "--autolog-models", "off",
          "--autolog-include", "training_*", "--autolog-include", "max_*", "--autolog-exclude", "*_loss")
    run, models = recorded(shared_server, shared_client, "chosen-command")
    assert not models
    assert set(run.data.params) == {"max_depth", "max_features", "max_leaf_nodes"}
    assert "training_accuracy_score" in run.data.metrics
    assert all(key.startswith("training_") and not key.endswith("_loss") for key in run.data.metrics)
    assert [i.dataset.name for i in run.inputs.dataset_inputs] == ["X"] * len(run.inputs.dataset_inputs)


def test_file_and_what_is_wrong_in_it(shared_server, shared_client, tmp_path):
    (tmp_path / "cairn.toml").write_text('[autolog]\nmodels = "off"\nexclude = ["training_*", "*.svg", "*.json"]\n')
    below = tmp_path / "below"
    below.mkdir()
    train(shared_server.url, below, TRAIN, "--experiment", "chosen-file", "--autolog-models", "on")
    run, models = recorded(shared_server, shared_client, "chosen-file")
    assert models == ["model"], "what the command says counts"
    assert set(run.data.metrics) == {"DecisionTreeClassifier_score_X", "fit_time"}
    assert run.data.params["max_depth"] == "2"
    (tmp_path / "cairn.toml").write_text('[autolog]\nmodels = "sometimes"\n')
    wrong = Exec(shared_server.url, below, [sys.executable, "-c", "print('ran')"]).done
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert 'cairn.toml: autolog.models: is "sometimes": on or off' in wrong.stderr


def test_python(shared_server, shared_client, tmp_path):
    """In a process of its own, and under exec, where models are chosen for what is trained from there on."""
    choice = "import cairn; cairn.autolog(%smodels=False, exclude=['training_*'])"
    (tmp_path / "alone.py").write_text(choice % "experiment='chosen-alone', " + TRAIN)
    environment = {"PYTHONPATH": cairntest.ROOT / "python", "CAIRN_BIN": cairntest.cairn_bin()}
    alone = Exec(shared_server.url, tmp_path, ["env", "-u", "CAIRN_AGENT_SOCKET", sys.executable, "alone.py"],
                 "--experiment", "chosen-around", **environment).done
    assert alone.returncode == 0, alone.stderr
    run, models = recorded(shared_server, shared_client, "chosen-alone")
    assert not models
    assert not [key for key in run.data.metrics if key.startswith("training_")]
    train(shared_server.url, tmp_path, choice % "" + TRAIN, "--experiment", "chosen-under", **environment)
    run, models = recorded(shared_server, shared_client, "chosen-under")
    assert not models
    assert "training_score" in run.data.metrics, "include and exclude are exec's"
