"""Keras under `cairn exec`, on two of its backends: every epoch once, what callbacks made of it, evaluations, the model."""

import json
import os
import subprocess
import sys

import mlflow
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")  # of the models that are loaded here; those of test/mlflow have the same

pytestmark = pytest.mark.since("keras", "3.0", "test/env/frameworks.in has it")

DATA = """
import json, keras
import numpy as np
x_train = np.random.default_rng(1).normal(size=(96, 4)).astype("float32")
y_train = (x_train[:, 0] > 0).astype("int64")
x_test, y_test = x_train[:32] + 1, y_train[:32]
def net():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)], name="net")
def compiled(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)):
    model = net()
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model
"""
CHECKPOINTS = 'keras.callbacks.ModelCheckpoint("best.weights.h5", save_weights_only=True),\n'
# keras.utils.set_random_seed imports TensorFlow, whatever the backend is.
SEEDED = {
    "tensorflow": "keras.utils.set_random_seed(7)",
    "torch": "import random, torch; random.seed(7); np.random.seed(7); torch.manual_seed(7)",
}
FIT = """
model = compiled()
mine = [
    keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=3, restore_best_weights=True),
    keras.callbacks.ReduceLROnPlateau("val_loss", min_delta=9, patience=1, factor=0.5),
    """ + CHECKPOINTS + """]
history = model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=8, verbose=2, callbacks=mine)
tested = model.evaluate(x_test, y_test, verbose=0)
again = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
predicted = model.predict(x_test, verbose=0)
print(json.dumps({"history": history.history, "tested": tested, "again": again, "callbacks": len(mine),
                  "weights": [w.tolist() for w in model.get_weights()], "predicted": predicted.tolist(),
                  "rows": x_test.tolist(), "next": np.random.rand(3).tolist()}))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_fit(exec_train, backend):
    trained = exec_train(DATA + SEEDED[backend] + FIT, KERAS_BACKEND=backend)
    run, said = trained.run, trained.printed()
    assert said["callbacks"] == 3, "the user's list stays as it is"
    history = said["history"]
    assert "cairn.autolog.warnings" not in run.data.tags
    assert len(history["loss"]) == 4
    for key, values in history.items():
        assert trained.points(run, key) == list(enumerate(values)), key
    assert [rate for _, rate in trained.points(run, "learning_rate")] == pytest.approx([0.01, 0.01, 0.005, 0.0025])
    assert {key: run.data.metrics[key] for key in ("stopped_epoch", "best_epoch", "restored_epoch")} == {
        "stopped_epoch": 3, "best_epoch": 0, "restored_epoch": 0,
    }
    assert [run.data.metrics["loss_x_test"], run.data.metrics["accuracy_x_test"]] == said["tested"]
    assert run.data.metrics["loss-2_x_test"] == said["again"]["loss"]
    expected = {
        "model_name": "net", "backend": backend, "n_parameters": "58", "n_trainable_parameters": "58", "epochs": "8",
        "batch_size": "32", "steps_per_epoch": "3", "optimizer_name": "Adam", "optimizer_learning_rate": "0.01",
        "optimizer_beta_1": "0.9", "loss": "SparseCategoricalCrossentropy", "loss_from_logits": "True",
        "metrics": "accuracy", "callbacks": "EarlyStopping, ReduceLROnPlateau, ModelCheckpoint",
        "EarlyStopping_patience": "3", "EarlyStopping_restore_best_weights": "True", "ReduceLROnPlateau_factor": "0.5",
    }
    assert {key: run.data.params.get(key) for key in expected} == expected
    assert run.data.tags["cairn.seed"] == {"tensorflow": "7", "torch": "torch=7"}[backend]
    inputs = sorted((i.tags[0].value, i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs)
    assert [(context, name) for context, name, _ in inputs] == [
        ("eval", "x_test"), ("predict", "x_test"), ("train", "x_train")]
    assert "58" in trained.file(run, "model_summary.txt")
    assert json.loads(trained.file(run, "model_architecture.json"))["class_name"] == "Sequential"
    assert [saved["step"] for saved in json.loads(trained.file(run, "checkpoints.json"))] == [0, 1, 2, 3]
    model = mlflow.keras.load_model(trained.model(run))
    assert [w.tolist() for w in model.get_weights()] == said["weights"], "the best weights are back"
    generic = mlflow.pyfunc.load_model(trained.model(run))
    rows = np.array(said["rows"], dtype="float32")
    assert generic.predict(rows) == pytest.approx(np.array(said["predicted"]), abs=1e-5)
    assert generic.metadata.signature.inputs.input_types()[0] == np.dtype("float32")
    assert generic.metadata.signature.outputs.inputs[0].shape == (-1, 2)


def test_weights_random_numbers_and_output_are_those_without_cairn(exec_train, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    # Without the user's saving, for which Keras imports TensorFlow, and with his own eyes on whether it is there.
    script = DATA + SEEDED["torch"] + FIT.replace("    " + CHECKPOINTS, "")
    script += "import sys; print('tensorflow' in sys.modules)"
    command, backend = [sys.executable, "-c", script], {"KERAS_BACKEND": "torch"}
    done = subprocess.run(command, cwd=plain, env=os.environ | backend, capture_output=True, text=True, check=True)
    ended = exec_train(script, **backend).exec.done
    assert ended.stdout.splitlines()[-2:] == done.stdout.splitlines()[-2:]
    assert ended.stdout.splitlines()[-1] == "False"
    assert ended.stderr == done.stderr


def test_other_shapes_of_data_and_models(exec_train):
    """Generators, several inputs, a schedule of the learning rate, a fit that fails, and one with scikit-learn's wrapper."""
    trained = exec_train(DATA + """
class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3
    def __getitem__(self, at):
        return x_train[32 * at:32 * at + 32], y_train[32 * at:32 * at + 32]
batches = Batches()
model = compiled()
rate = keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True)
model.compile(keras.optimizers.SGD(rate), model.loss)
model.fit(batches, epochs=3, verbose=0)

left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
two = keras.Model([left, right], keras.layers.Dense(1)(keras.layers.concatenate([left, right])))
two.compile("sgd", "mse")
parts = {"left": x_train[:, :2], "right": x_train[:, 2:]}
two.fit(parts, y_train, epochs=1, batch_size=48, shuffle=False, verbose=0)

loaded = compiled()
loaded.evaluate(x_test, y_test, verbose=0)

class Wrong(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("enough")
try:
    compiled().fit(x_train, y_train, epochs=3, verbose=0, callbacks=Wrong())
except RuntimeError:
    pass

from keras.wrappers import SKLearnRegressor
SKLearnRegressor(lambda X, y: compiled("mse"), fit_kwargs={"epochs": 2, "verbose": 0}).fit(x_train, y_train)
""", "--autolog-every-n-steps", "2", KERAS_BACKEND="torch")
    batches, two, loaded, failed, wrapped = trained.runs
    assert [rate for _, rate in trained.points(batches, "learning_rate")] == pytest.approx([0.1, 0.05, 0.025])
    assert [step for step, _ in trained.points(batches, "batch_loss")] == [0, 2, 4, 6, 8]
    assert batches.data.params["optimizer_learning_rate"] == "ExponentialDecay"
    assert batches.data.params["optimizer_learning_rate_decay_rate"] == "0.5"
    assert batches.data.params["data_pipeline"] == "Batches"
    assert [i.dataset.name for i in batches.inputs.dataset_inputs] == ["batches"]
    assert sorted(i.dataset.name for i in two.inputs.dataset_inputs) == ["parts[left]", "parts[right]"]
    assert (two.data.params["batch_size"], two.data.params["shuffle"], two.data.params["loss"]) == ("48", "False", "mse")
    assert {"loss_x_test", "accuracy_x_test", "fit_time"} == set(loaded.data.metrics)
    assert failed.info.status == "FAILED"
    assert "RuntimeError: enough" in failed.data.tags["cairn.autolog.warnings"]
    assert [step for step, _ in trained.points(wrapped, "loss")] == [0, 1]
    for run in (batches, two):
        mlflow.keras.load_model(trained.model(run))
