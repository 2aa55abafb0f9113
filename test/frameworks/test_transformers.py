"""The Trainer of transformers under `cairn exec`, with a tiny model that is made from a configuration."""

import json
import subprocess
import sys

import mlflow
import pytest

pytestmark = pytest.mark.since("transformers", "4.40", "test/env/frameworks.in has it")

SCRIPT = """
import json, torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, logging
logging.disable_progress_bar()
torch.manual_seed(3)
config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
    max_position_embeddings=8)
rows = [{"input_ids": torch.randint(0, 20, (6,)), "labels": torch.tensor(at % 2)} for at in range(16)]
losses = []
class Keeping(Trainer):
    def training_step(self, *args, **kwargs):
        loss = super().training_step(*args, **kwargs)
        losses.append(loss.item())
        return loss
def trainer(**more):
    given = TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=8, logging_steps=2, report_to="none",
        use_cpu=True, disable_tqdm=True, seed=3, **more)
    return Keeping(BertForSequenceClassification(config), given, train_dataset=rows, eval_dataset=rows[:8])
first = trainer(eval_strategy="epoch", save_strategy="epoch", load_best_model_at_end=True, warmup_steps=1)
first.train()
tested = first.predict(rows[:4]).metrics["test_loss"]
kept = list(losses)
second = trainer(save_strategy="no", gradient_accumulation_steps=2)
second.train()
class Broken(Trainer):
    def compute_loss(self, *args, **kwargs):
        raise ValueError("enough")
try:
    Broken(first.model, first.args, train_dataset=rows, eval_dataset=rows).train()
except ValueError:
    pass
logged = [entry for entry in first.state.log_history if "eval_loss" in entry]
print(json.dumps({"losses": kept, "eval": [[entry["step"], entry["eval_loss"]] for entry in logged], "tested": tested,
    "weights": [p.tolist() for p in first.model.parameters()], "next": torch.rand(2).tolist()}))
"""


def test_trainer(exec_train, tmp_path):
    alone = tmp_path / "plain"
    alone.mkdir()
    plain = subprocess.run([sys.executable, "-c", SCRIPT], cwd=alone, capture_output=True, text=True, check=True)
    trained = exec_train(SCRIPT)
    said = trained.printed()
    expected = json.loads(plain.stdout.splitlines()[-1])
    assert (said["losses"], said["weights"], said["next"]) == (expected["losses"], expected["weights"], expected["next"])
    run, second, broken = trained.runs
    assert trained.points(run, "step_loss") == list(enumerate(said["losses"])), "not every second as the Trainer logs"
    assert trained.points(run, "eval_loss") == [tuple(point) for point in said["eval"]]
    assert [step for step, _ in trained.points(run, "loss")] == [2, 4]
    assert trained.points(run, "epoch") == [(2, 1.0), (4, 2.0)]
    assert run.data.metrics["test_loss"] == said["tested"]
    assert run.data.metrics["best_metric"] == min(loss for _, loss in said["eval"])
    params = {
        "model": "BertForSequenceClassification", "model_type": "bert", "num_train_epochs": "2", "learning_rate": "5e-05",
        "per_device_train_batch_size": "8", "warmup_steps": "1", "load_best_model_at_end": "True", "seed": "3",
    }  # fmt: skip
    assert {key: run.data.params.get(key) for key in params} == params
    assert run.data.tags["cairn.seed"] == "3"
    assert json.loads(trained.file(run, "model_config.json"))["vocab_size"] == 20
    assert [saved["name"] for saved in json.loads(trained.file(run, "checkpoints.json"))] == ["checkpoint-2", "checkpoint-4"]
    assert [i.tags[0].value for i in run.inputs.dataset_inputs] == ["train", "eval", "test"]
    assert "cairn.autolog.warnings" not in run.data.tags
    model = mlflow.pytorch.load_model(trained.model(run))
    assert [p.tolist() for p in model.parameters()] == said["weights"]
    assert second.data.params["gradient_accumulation_steps"] == "2"
    # Its second class, on a model of the first run.
    assert broken.info.status == "FAILED"
    assert "enough" in broken.data.tags["cairn.autolog.warnings"]
