"""fastai under `cairn exec`."""

import json
import subprocess
import sys

import mlflow
import pytest

pytestmark = pytest.mark.since("fastai", "2.7", "test/env/frameworks.in has it")

DATA = """
import json, warnings
warnings.simplefilter("ignore")
from fastai.basics import *
from fastai.callback.all import *
from torch.utils.data import TensorDataset
set_seed(3)
X = torch.randn(96, 4)
y = (X[:, 0] > 0).long()
dls = DataLoaders.from_dsets(TensorDataset(X[:64], y[:64]), TensorDataset(X[64:], y[64:]), bs=16, device="cpu")
held = DataLoader(TensorDataset(X[:32], y[:32]), bs=16)
def learner(**more):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    learn = Learner(dls, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy, **more)
    learn.remove_cb(ProgressCallback)
    learn.logger = noop
    return learn
"""
FIT = DATA + """
losses, rates = [], []
class Keep(Callback):
    order = 70
    def after_batch(self):
        if self.training:
            losses.append(self.loss.item())
            rates.append(self.opt.hypers[-1]["lr"])
learn = learner(cbs=[Keep(), GradientClip(0.5)])
learn.lr_find(num_it=6, show_plot=False)
losses.clear(), rates.clear()
learn.fine_tune(2, 0.01, cbs=SaveModelCallback(monitor="accuracy", fname="best"))
values = [list(map(float, row)) for row in learn.recorder.values]
tested = list(map(float, learn.validate(dl=held)))
print(json.dumps({"losses": losses, "rates": rates, "values": values, "tested": tested, "next": torch.rand(3).tolist(),
    "callbacks": [cb.name for cb in learn.cbs], "weights": [p.tolist() for p in learn.model.parameters()]}))
"""


def test_fine_tune(exec_train, tmp_path):
    alone = tmp_path / "plain"
    alone.mkdir()
    plain = subprocess.run([sys.executable, "-c", FIT], cwd=alone, capture_output=True, text=True, check=True)
    trained = exec_train(FIT)
    assert trained.exec.done.stdout == plain.stdout
    run, said = trained.run, trained.printed()
    assert trained.points(run, "loss") == list(enumerate(said["losses"])), "every batch of both fits, none of lr_find's"
    rates = said["rates"]
    changes = [(step, rate) for step, rate in enumerate(rates) if step == 0 or rate != rates[step - 1]]
    assert trained.points(run, "lr") == changes
    assert len(trained.points(run, "smooth_loss")) == 12
    assert trained.points(run, "epoch") == [(0, 0), (4, 1), (8, 2)]
    for at, name in enumerate(["train_loss", "valid_loss", "accuracy"]):
        assert trained.points(run, name)[1:] == [(epoch + 1, row[at]) for epoch, row in enumerate(said["values"])]
        assert trained.points(run, name)[0][0] == 0
    assert (run.data.metrics["loss_held"], run.data.metrics["accuracy_held"]) == tuple(said["tested"])
    assert run.data.metrics["best_accuracy"] == max(row[2] for row in said["values"])
    expected = {
        "fit_method": "fine_tune", "epochs": "2", "base_lr": "0.01", "optimizer_name": "Adam", "metrics": "accuracy",
        "loss_func": "CrossEntropyLossFlat", "batch_size": "16", "model": "Sequential", "n_parameters": "58",
        "SaveModelCallback_monitor": "accuracy", "GradientClip_max_norm": "0.5", "schedules": "lr,mom",
    }  # fmt: skip
    assert {key: run.data.params.get(key) for key in expected} == expected
    assert run.data.tags["cairn.seed"] == "torch=3"
    assert "cairn.autolog.warnings" not in run.data.tags
    assert json.loads(trained.file(run, "data_block.json"))["loaders"] == [64, 32]
    assert {file["name"] for file in json.loads(trained.file(run, "checkpoints.json"))} == {"best.pth"}
    assert [i.tags[0].value for i in run.inputs.dataset_inputs] == ["train", "validation", "eval"]
    address = trained.model(run)
    model = mlflow.pytorch.load_model(address)
    assert [p.tolist() for p in model.parameters()] == said["weights"]



def test_several_fits_one_that_stops_and_one_that_fails(exec_train):
    trained = exec_train(DATA + """
learn = learner()
learn.fit(1, 0.1)
learn.fit_flat_cos(3, 0.001, cbs=EarlyStoppingCallback(min_delta=100.0, patience=1))
class Broken(Callback):
    def after_batch(self):
        raise ValueError("enough")
try:
    learn.fit_one_cycle(1, cbs=Broken())
except ValueError:
    pass
def row(at): return X[at]
def label(at): return y[at]
dls = Datasets(range_of(X), [[row], [label]], splits=[list(range(64)), list(range(64, 96))]).dataloaders(bs=16, device="cpu")
learn = learner()
learn.fit(1)
print(json.dumps([p.tolist() for p in learn.model.parameters()]))
""")
    first, stopped, broken, made = trained.runs
    assert [run.data.params["fit_method"] for run in trained.runs] == ["fit", "fit_flat_cos", "fit_one_cycle", "fit"]
    assert [step for step, _ in trained.points(first, "valid_loss")] == [0]
    assert stopped.data.metrics["stopped_epoch"] == 1
    assert (first.info.status, broken.info.status) == ("FINISHED", "FAILED")
    assert "enough" in broken.data.tags["cairn.autolog.warnings"]
    import torch

    learn = torch.load(mlflow.artifacts.download_artifacts(trained.model(made)) + "/data/learner.pkl", weights_only=False)
    assert [p.tolist() for p in learn.model.parameters()] == trained.printed()
    assert (len(learn.dls.train_ds), learn.opt) == (0, None), "data and optimizer are not in it"
    assert learn.recorder.learn is learn
    assert "cairn.autolog.warnings" not in made.data.tags
