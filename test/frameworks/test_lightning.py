"""Lightning under `cairn exec`, as both of its packages."""

import subprocess
import sys

import mlflow
import pytest

pytestmark = pytest.mark.since("lightning", "2.0", "test/env/frameworks.in has it")

# Saved to files, since launchers start the script again, or import it.
MODULE = """
import json, logging, warnings
warnings.simplefilter("ignore")
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
import PACKAGE as L
from PACKAGE.callbacks import EarlyStopping, ModelCheckpoint
for name in ("PACKAGE", "lightning.fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)
class Net(L.LightningModule):
    def __init__(self, width=8, rate=0.01):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 2))
        self.losses = []
    def forward(self, x):
        return self.net(x)
    def training_step(self, batch, batch_idx):
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        if batch_idx == 1:
            self.log("seldom", float(self.global_step))
        self.losses.append(loss.item())
        return loss
    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self.log("val_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))
        self.log("hidden", 1.0, logger=False)
    def test_step(self, batch, batch_idx):
        self.log("test_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams.rate)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]
def trainer(**more):
    return L.Trainer(accelerator="cpu", enable_progress_bar=False, enable_model_summary=False, logger=False, **more)
L.seed_everything(3, verbose=False)
X = torch.randn(96, 4)
y = (X[:, 0] > 0).long()
loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
held = DataLoader(TensorDataset(X[:32], y[:32]), batch_size=16)
"""
FIT = MODULE + """
stop = EarlyStopping("val_loss", patience=1, min_delta=10.0)
best = ModelCheckpoint("saved", monitor="val_loss", save_top_k=2)
model = Net()
runner = trainer(max_epochs=5, callbacks=[stop, best], gradient_clip_val=1.0)
runner.fit(model, loader, held)
runner.validate(model, [held, held], verbose=False)
(tested,) = runner.test(model, held, verbose=False)
print(json.dumps({"losses": model.losses, "next": torch.rand(3).tolist(), "tested": tested["test_loss"],
    "best": best.best_model_score.item(), "weights": [p.tolist() for p in model.parameters()]}))
"""


def test_fit(exec_train, tmp_path):
    script = FIT.replace("PACKAGE", "lightning.pytorch")
    alone = tmp_path / "plain"
    alone.mkdir()
    plain = subprocess.run([sys.executable, "-c", script], cwd=alone, capture_output=True, text=True, check=True)
    trained = exec_train(script)
    assert trained.exec.done.stdout.splitlines()[-1] == plain.stdout.splitlines()[-1]
    run, said = trained.run, trained.printed()
    losses = said["losses"]
    assert trained.points(run, "train_loss_step") == [(at, pytest.approx(loss)) for at, loss in enumerate(losses)]
    means = [sum(losses[at : at + 3]) / 3 for at in (0, 3)]
    assert trained.points(run, "train_loss_epoch") == [(2, pytest.approx(means[0])), (5, pytest.approx(means[1]))]
    assert trained.points(run, "seldom") == [(1, 1.0), (4, 4.0)], "what is not logged in a step is not repeated there"
    assert [step for step, _ in trained.points(run, "val_loss")] == [2, 5], "neither the sanity check nor a repetition"
    assert [step for step, _ in trained.points(run, "hidden")] == [2, 5]
    assert trained.points(run, "epoch") == [(0, 0), (3, 1)]
    assert trained.points(run, "learning_rate") == [(0, 0.01), (3, 0.005)]
    assert run.data.metrics["test_loss"] == pytest.approx(said["tested"])
    assert [step for step, _ in trained.points(run, "val_loss/dataloader_idx_1")] == [6]
    assert run.data.metrics["best_model_score"] == pytest.approx(said["best"])
    assert run.data.metrics["stopped_epoch"] == 1
    expected = {
        "width": "8", "rate": "0.01", "lr": "0.01", "epochs": "5", "gradient_clip_val": "1.0", "optimizer_name": "SGD",
        "callbacks": "EarlyStopping,ModelCheckpoint", "monitor": "val_loss", "patience": "1", "min_delta": "10.0",
        "checkpoint_save_top_k": "2", "scheduler_name": "StepLR", "batch_size": "32", "model": "Net", "n_parameters": "58",
    }  # fmt: skip
    assert {key: run.data.params.get(key) for key in expected} == expected
    assert run.data.params["best_model"].startswith("epoch=")
    assert "cairn.autolog.warnings" not in run.data.tags
    assert [i.tags[0].value for i in run.inputs.dataset_inputs] == ["train", "validation", "test"]
    files = {file.path for file in trained.client.list_artifacts(run.info.run_id, "checkpoints")}
    assert files == {"checkpoints/epoch=0-step=3.ckpt", "checkpoints/epoch=1-step=6.ckpt"}
    model = mlflow.pytorch.load_model(trained.model(run))
    assert [p.tolist() for p in model.parameters()] == said["weights"]


def test_several_fits_and_one_that_fails(exec_train):
    trained = exec_train(MODULE.replace("PACKAGE", "pytorch_lightning") + """
class Broken(Net):
    def training_step(self, batch, batch_idx):
        raise ValueError("enough")
trainer(max_epochs=1, enable_checkpointing=False).fit(Net(width=8), loader)
trainer(max_steps=2, enable_checkpointing=False).fit(Net(width=9), loader)
try:
    trainer(max_epochs=1, enable_checkpointing=False).fit(Broken(), loader)
except ValueError:
    pass
trainer(enable_checkpointing=False).test(Net(), held, verbose=False)
""")
    first, second, broken, tested = trained.runs
    assert (first.data.params["width"], second.data.params["width"]) == ("8", "9")
    assert [step for step, _ in trained.points(second, "train_loss_step")] == [0, 1]
    assert (broken.info.status, second.info.status) == ("FAILED", "FINISHED")
    assert "enough" in broken.data.tags["cairn.autolog.warnings"]
    assert "test_loss" in tested.data.metrics


SPAWN = pytest.mark.full("starts three processes that import everything")


@pytest.mark.parametrize("strategy", ["ddp", pytest.param("ddp_spawn", marks=SPAWN)])
def test_two_ranks_are_one_run(exec_train, strategy):
    trained = exec_train(MODULE.replace("PACKAGE", "lightning.pytorch") + f"""
if __name__ == "__main__":
    fitted = trainer(max_epochs=2, devices=2, strategy="{strategy}", enable_checkpointing=False)
    fitted.fit(Net(), loader, held)
""")
    run = trained.run
    assert [step for step, _ in trained.points(run, "train_loss_step")] == [0, 1, 2, 3]
    assert [step for step, _ in trained.points(run, "val_loss")] == [1, 3]
    assert run.data.params["world_size"] == "2"
    assert "cairn.autolog.warnings" not in run.data.tags
    mlflow.pytorch.load_model(trained.model(run))
