"""Plain PyTorch loops under `cairn exec`: nothing is imported or called for it."""

import json
import subprocess
import sys

import mlflow
import numpy as np
import pytest

pytestmark = pytest.mark.since("torch", "2.0", "test/env/frameworks.in has it")

DATA = """
import json, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(3)
X = torch.randn(96, 4)
y = (X[:, 0] > 0).long()
def net():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
"""
LOOP = DATA + """
model = net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
losses = []
for epoch in range(3):
    for features, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(features), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
torch.save(model.state_dict(), "last.pt")
weights = [p.tolist() for p in model.parameters()]
print(json.dumps({"losses": losses, "weights": weights, "next": torch.rand(3).tolist(),
                  "predicted": model(X[:6]).tolist(), "rows": X[:6].tolist()}))
"""


def test_loop(exec_train):
    trained = exec_train(LOOP)
    run, said = trained.run, trained.printed()
    assert trained.points(run, "loss") == list(enumerate(said["losses"])), "every step's loss"
    assert trained.points(run, "learning_rate") == [(0, 0.01), (3, 0.005), (6, 0.0025)]
    assert trained.points(run, "epoch") == [(0, 0), (3, 1), (6, 2)]
    assert [step for step, _ in trained.points(run, "grad_norm")] == [0]
    params = run.data.params
    expected = {
        "model": "Sequential", "n_parameters": "58", "n_trainable_parameters": "58", "device": "cpu",
        "optimizer_name": "Adam", "lr": "0.01", "betas": "(0.9, 0.999)",
        "scheduler_name": "StepLR", "scheduler_step_size": "1", "scheduler_gamma": "0.5",
        "criterion": "CrossEntropyLoss", "criterion_label_smoothing": "0.1",
        "batch_size": "32", "shuffle": "True", "num_workers": "0", "dataset_size": "96",
    }
    assert {key: params.get(key) for key in expected} == expected
    assert run.data.tags["cairn.seed"] == "torch=3"
    assert "cairn.autolog.warnings" not in run.data.tags
    ((_, data),) = [(i.tags[0].value, i.dataset) for i in run.inputs.dataset_inputs]
    assert data.name == "TensorDataset"
    assert json.loads(data.profile)["features_shape"] == [96, 4]
    assert "58 parameters" in trained.file(run, "model_summary.txt")
    assert json.loads(trained.file(run, "checkpoints.json"))[0]["name"] == "last.pt"
    import torch

    checkpoint = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="checkpoints/last.pt")
    assert [p.tolist() for p in torch.load(checkpoint).values()] == said["weights"]
    model = mlflow.pytorch.load_model(trained.model(run))
    assert [p.tolist() for p in model.parameters()] == said["weights"]
    generic = mlflow.pyfunc.load_model(trained.model(run))
    rows = np.array(said["rows"], dtype="float32")
    assert generic.predict(rows) == pytest.approx(np.array(said["predicted"]), abs=1e-6)
    assert generic.metadata.signature.inputs.input_types()[0] == np.dtype("float32")


def test_weights_random_numbers_and_output_are_those_without_cairn(exec_train, tmp_path):
    plain = subprocess.run([sys.executable, "-c", LOOP], cwd=tmp_path, capture_output=True, text=True, check=True)
    trained = exec_train(LOOP)
    assert trained.exec.done.stdout == plain.stdout
    assert trained.exec.done.stderr == plain.stderr


def test_several_models_are_several_runs(exec_train):
    trained = exec_train(DATA + """
def fit(rate):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(4):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()
for rate in (0.1, 0.2):
    fit(rate)
""")
    assert [run.data.params["lr"] for run in trained.runs] == ["0.1", "0.2"]
    for run in trained.runs:
        assert [step for step, _ in trained.points(run, "loss")] == [0, 1, 2, 3]
        assert run.data.params["optimizer_name"] == "SGD"
        assert [i.dataset.name for i in run.inputs.dataset_inputs] == ["tensor"]
        mlflow.pytorch.load_model(trained.model(run))


def test_two_losses_and_two_optimizers_are_one_run(exec_train):
    trained = exec_train(DATA + """
maker, judge = nn.Linear(2, 4), nn.Linear(4, 1)
of_maker = torch.optim.Adam(maker.parameters(), lr=0.01)
of_judge = torch.optim.SGD(judge.parameters(), lr=0.1)
for _ in range(3):
    loss_judge = judge(maker(torch.randn(8, 2)).detach()).mean() - judge(X[:8]).mean()
    of_judge.zero_grad(); loss_judge.backward(); of_judge.step()
    loss_maker = -judge(maker(torch.randn(8, 2))).mean()
    of_maker.zero_grad(); loss_maker.backward(); of_maker.step()
""")
    run = trained.run
    assert [step for step, _ in trained.points(run, "loss_judge")] == [0, 2, 4]
    assert [step for step, _ in trained.points(run, "loss_maker")] == [1, 3, 5]
    assert (run.data.params["optimizer_name"], run.data.params["optimizer_2_name"]) == ("SGD", "Adam")
    assert run.data.metrics["learning_rate_2"] == 0.01


def test_accumulated_and_clipped_gradients(exec_train):
    trained = exec_train(DATA + """
model = net()
optimizer = torch.optim.SGD([{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters()}], lr=0.01)
norms = []
for step in range(6):
    loss = nn.functional.cross_entropy(model(X), y) / 2
    loss.backward()
    if step % 2:
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), 0.5).item())
        optimizer.step()
        optimizer.zero_grad()
print(json.dumps(norms))
""")
    run = trained.run
    assert [step for step, _ in trained.points(run, "loss")] == [0, 1, 2, 3, 4, 5]
    assert trained.points(run, "grad_norm") == list(zip([1, 3, 5], trained.printed(), strict=True))
    assert (run.data.metrics["learning_rate"], run.data.metrics["learning_rate/group_1"]) == (0.1, 0.01)


def test_a_loop_that_fails_has_failed(exec_train, tmp_path):
    script = DATA + """
model = net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    nn.functional.cross_entropy(model(X), y).backward()
    optimizer.step()
raise ValueError("enough")
"""
    from autolog.exec import Exec, runs

    (tmp_path / "train.py").write_text(script)
    import cairntest

    with cairntest.Server(tmp_path / "server") as server:
        ended = Exec(server.url, tmp_path, [sys.executable, "train.py"], "--experiment", "failed")
        (run,) = runs(mlflow.MlflowClient(server.url), "failed")
    assert ended.done.returncode == 1
    assert ended.done.stderr.endswith("ValueError: enough\n")
    assert run.info.status == "FAILED"
    assert "ValueError: enough" in run.data.tags["cairn.autolog.warnings"]
    assert run.data.params["optimizer_name"] == "SGD"


def test_runs_that_the_user_opens_have_their_loops(exec_train):
    trained = exec_train("import cairn\n" + DATA + """
for name in ("a", "b"):
    with cairn.run(name):
        model = net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(2):
            nn.functional.cross_entropy(model(X), y).backward()
            optimizer.step()
""", PYTHONPATH=python_package())
    found = {run.info.run_name: run for run in trained.runs}
    for name in ("a", "b"):
        assert len(trained.points(found[name], "loss")) == 2


def python_package():
    import cairntest

    return cairntest.ROOT / "python"
