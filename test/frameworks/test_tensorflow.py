"""Loops of TensorFlow's own under `cairn exec`: nothing is imported or called for it."""

import json
import os
import re
import subprocess
import sys

import mlflow
import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")  # of the models that are loaded here; those of test/mlflow have the same

pytestmark = pytest.mark.since("tensorflow-cpu", "2.16", "test/env/frameworks.in has it")

DATA = """
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
tf.keras.utils.set_random_seed(5)
X = tf.random.stateless_normal((96, 4), (1, 2))
y = tf.cast(X[:, :1] > 0, "float32")
batches = tf.data.Dataset.from_tensor_slices((X, y)).shuffle(96, seed=1).batch(32).prefetch(1)
def net():
    layers = [tf.keras.Input((4,)), tf.keras.layers.Dense(8, "relu"), tf.keras.layers.Dense(1)]
    return tf.keras.Sequential(layers, name="net")
"""
LOOP = DATA + """
model, optimizer = net(), tf.keras.optimizers.Adam(0.01)
seen = tf.keras.metrics.Mean(name="mean_loss")
writer = tf.summary.create_file_writer("logs/train")
tests = tf.summary.create_file_writer("logs/test")

@tf.function
def train_step(features, targets):
    with tf.GradientTape() as tape:
        squared = tf.square(model(features, training=True) - targets)
        loss = tf.reduce_mean(squared)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    with writer.as_default(step=optimizer.iterations):
        tf.summary.scalar("inside", 2 * loss)
    seen.update_state(loss)
    return tf.shape(features)[0], loss

losses, means, tested = [], [], []
for epoch in range(3):
    if epoch == 2:
        optimizer.learning_rate = 0.001
    seen.reset_state()
    for features, targets in batches:
        _, value = train_step(features, targets)
        losses.append(float(value))
    means.append(float(seen.result()))
    with writer.as_default(step=epoch):
        tf.summary.scalar("epoch_loss", means[-1])
    with tests.as_default(step=epoch):
        tf.summary.scalar("epoch_loss", tf.reduce_mean(tf.square(model(X) - y)))
    tested.append(float(tf.reduce_mean(tf.square(model(X) - y))))
weights = [w.tolist() for w in model.get_weights()]
print(json.dumps({"losses": losses, "means": means, "tested": tested, "weights": weights}))
"""


def test_loop_in_a_graph(exec_train, tmp_path):
    trained = exec_train(LOOP, KERAS_BACKEND="tensorflow")
    run, said = trained.run, trained.printed()
    assert "cairn.autolog.warnings" not in run.data.tags
    assert trained.points(run, "loss") == list(enumerate(said["losses"])), "every step's loss"
    assert trained.points(run, "mean_loss") == list(zip([2, 5, 8], said["means"], strict=True))
    assert trained.points(run, "epoch_loss") == list(enumerate(said["means"]))
    assert [value for _, value in trained.points(run, "test/epoch_loss")] == pytest.approx(said["tested"])
    assert trained.points(run, "inside") == [(step + 1, 2 * value) for step, value in enumerate(said["losses"])]
    assert [(step, pytest.approx(rate)) for step, rate in trained.points(run, "learning_rate")] == [(0, 0.01), (6, 0.001)]
    assert run.data.tags["estimator_name"] == "Sequential"
    assert trained.points(run, "epoch") == [(0, 0), (3, 1), (6, 2)]
    expected = {
        "optimizer_name": "Adam", "optimizer_learning_rate": "0.01", "n_parameters": "49", "n_trainable_parameters": "49",
        "data_pipeline": "TensorSlice > Shuffle > Batch > Prefetch", "batch_size": "32", "dataset_batches": "3",
    }
    assert {key: run.data.params.get(key) for key in expected} == expected
    assert run.data.tags["cairn.seed"] == "tensorflow=5"
    ((_, data),) = [(i.tags[0].value, i.dataset) for i in run.inputs.dataset_inputs]
    assert data.name == "batches"
    assert json.loads(data.profile)["features_shape"] == [96, 4]
    model = mlflow.keras.load_model(trained.model(run))
    assert [w.tolist() for w in model.get_weights()] == said["weights"]
    plain = tmp_path / "plain"
    plain.mkdir()
    command, environment = [sys.executable, "-c", LOOP], dict(os.environ, KERAS_BACKEND="tensorflow")
    done = subprocess.run(command, cwd=plain, env=environment, capture_output=True, text=True, check=True)
    assert trained.exec.done.stdout == done.stdout
    assert untimed(trained.exec.done.stderr) == untimed(done.stderr)


def untimed(said):
    """What TensorFlow says of itself has a time and the process in it."""
    return re.sub(r"I0000 [0-9:.]+ +[0-9]+ ", "", said)


def test_other_loops(exec_train):
    """Eager, two losses and optimizers in one run, variables without a model, train_on_batch, and a fit, told once."""
    trained = exec_train(DATA + """
maker, judge = net(), net()
of_maker, of_judge = tf.keras.optimizers.SGD(0.1), tf.keras.optimizers.Adam(0.01)
for _ in range(3):
    with tf.GradientTape(persistent=True) as tape:
        loss_judge = tf.reduce_mean(judge(X) ** 2)
        loss_maker = tf.reduce_mean(maker(X) ** 2)
    of_judge.apply_gradients(zip(tape.gradient(loss_judge, judge.trainable_variables), judge.trainable_variables))
    of_maker.apply_gradients(zip(tape.gradient(loss_maker, maker.trainable_variables), maker.trainable_variables))

import cairn
with cairn.run("by hand"):
    weight = tf.Variable(3.0)
    for _ in range(2):
        with tf.GradientTape() as tape:
            cost = weight * weight
        weight.assign_sub(0.1 * tape.gradient(cost, weight))

with cairn.run("batches"):
    model = net()
    model.compile("sgd", "mse")
    said = [float(model.train_on_batch(X, y)) for _ in range(3)]

with cairn.run("fit"):
    model = net()
    model.compile("sgd", "mse")
    said += model.fit(batches, epochs=2, verbose=0, callbacks=[tf.keras.callbacks.TensorBoard("logs")]).history["loss"]
    model.evaluate(batches, verbose=0)
print(json.dumps(said))
""", KERAS_BACKEND="tensorflow", PYTHONPATH=python_package())
    found = {run.info.run_name: run for run in trained.runs}
    (two,) = [run for run in trained.runs if "loss_judge" in run.data.metrics]
    assert [step for step, _ in trained.points(two, "loss_judge")] == [0, 2, 4]
    assert [step for step, _ in trained.points(two, "loss_maker")] == [1, 3, 5]
    assert (two.data.params["optimizer_name"], two.data.params["optimizer_2_name"]) == ("Adam", "SGD")
    assert [value for _, value in trained.points(found["by hand"], "cost")] == pytest.approx([9, 5.76])
    said = trained.printed()
    assert trained.points(found["batches"], "loss") == list(enumerate(said[:3]))
    fit = found["fit"]
    assert trained.points(fit, "loss") == list(enumerate(said[3:])), "once"
    assert set(fit.data.metrics) >= {"loss", "learning_rate", "loss_batches"}
    assert not [key for key in fit.data.metrics if key.startswith(("epoch_loss", "batch_loss", "validation/"))]
    assert fit.data.params["data_pipeline"] == "TensorSlice > Shuffle > Batch > Prefetch"
    assert {i.dataset.name for i in fit.inputs.dataset_inputs} == {"batches"}
    assert np.isfinite(fit.data.metrics["loss_batches"])
    assert len(trained.runs) == 4, "with the command's own, which has the first loop"


def python_package():
    import cairntest

    return cairntest.ROOT / "python"
