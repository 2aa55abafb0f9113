"""What scripts write for TensorBoard, under `cairn exec`."""

import json
import struct

import mlflow
import pytest

pytestmark = pytest.mark.since("tensorboard", "2.0", "test/env/frameworks.in has it")

LOOP = """
import math, torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(3)
writer = SummaryWriter("events")
writer.add_text("note", "before **anything** is trained")
writer.add_hparams({"width": 8, "kind": "small"}, {"hparam/best": 0.5})
X = torch.randn(32, 4)
y = (X[:, 0] > 0).long()
model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(X), y)
    loss.backward()
    optimizer.step()
    writer.add_scalar("loss", loss.item() * 2, step * 10)
    writer.add_scalar("exact", 0.1 + step, step)
    writer.add_scalar("nothing", math.nan)
    writer.add_scalars("both", {"a": step, "b": -step}, step)
    writer.add_image("picture/../one", torch.rand(3, 5, 7), step)
writer.add_histogram("weights", model.weight, 7)
for step in range(300):
    writer.add_histogram("many", model.weight, step, bins="auto")
writer.close()
"""


def test_loop(exec_train):
    trained = exec_train(LOOP)
    run = trained.run
    assert trained.points(run, "exact") == [(0, 0.1), (1, 1.1), (2, 2.1)], "as it was given, not with 32 bits"
    assert [step for step, _ in trained.points(run, "nothing")] == [0, 1, 2]
    assert trained.points(run, "both/b") == [(0, 0), (1, -1), (2, -2)]
    own = trained.points(run, "loss")
    assert [step for step, _ in own] == [0, 1, 2]
    assert trained.points(run, "tensorboard/loss") == [(step * 10, value * 2) for step, value in own]
    assert trained.points(run, "hparam/best") == [(0, 0.5)]
    assert (run.data.params["width"], run.data.params["kind"], run.data.params["lr"]) == ("8", "small", "0.1")
    assert trained.file(run, "tensorboard/text/note/0.txt") == "before **anything** is trained"
    histogram = json.loads(trained.file(run, "tensorboard/histograms/weights/7.json"))
    assert histogram["num"] == 8 and sum(histogram["bucket"]) == 8
    picture = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="tensorboard/images/picture/one/2.png"
    )
    with open(picture, "rb") as file:
        assert struct.unpack(">ii", file.read(24)[16:]) == (7, 5)
    assert "200 pictures, histograms and texts" in run.data.tags["cairn.autolog.warnings"]


def test_scalars_without_a_training_have_the_command_run(exec_train):
    trained = exec_train("""
import torch
from torch.utils.tensorboard import SummaryWriter
with SummaryWriter("events") as writer:
    writer.add_scalar("reward", torch.tensor(2.5), 4)
""")
    assert trained.points(trained.run, "reward") == [(4, 2.5)]


def test_lightning_values_are_recorded_once(exec_train):
    trained = exec_train("""
import torch, lightning as L
from torch.utils.data import DataLoader, TensorDataset
class Net(L.LightningModule):
    def __init__(self, width=2):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Linear(4, width)
    def training_step(self, batch, batch_idx):
        loss = self.net(batch[0]).square().mean()
        self.log("loss", loss)
        self.logger.experiment.add_scalar("mine", 1.0, batch_idx)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
data = DataLoader(TensorDataset(torch.randn(8, 4)), batch_size=4)
L.Trainer(accelerator="cpu", max_epochs=1, log_every_n_steps=1, enable_progress_bar=False, enable_checkpointing=False,
    callbacks=[L.pytorch.callbacks.LearningRateMonitor()]).fit(Net(), data)
""")
    run = trained.run
    assert [step for step, _ in trained.points(run, "loss")] == [0, 1]
    assert trained.points(run, "mine") == [(0, 1.0), (1, 1.0)]
    assert "hp_metric" not in run.data.metrics
    assert run.data.metrics["lr-SGD"] == 0.1
    assert not [key for key in run.data.metrics if key.startswith("tensorboard/")]
    assert "cairn.autolog.warnings" not in run.data.tags
