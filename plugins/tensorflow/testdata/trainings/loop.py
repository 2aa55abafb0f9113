import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf  # noqa: E402

X = tf.random.stateless_normal((96, 4), (1, 2))
y = tf.cast(X[:, :1] > 0, "float32")
batches = tf.data.Dataset.from_tensor_slices((X, y)).batch(32)
model = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(1)])
optimizer = tf.keras.optimizers.SGD(0.1)
writer = tf.summary.create_file_writer("logs")


@tf.function
def train_step(features, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(features) - targets))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    return loss


for epoch in range(2):
    for features, targets in batches:
        loss = train_step(features, targets)
    with writer.as_default(step=epoch):
        tf.summary.scalar("epoch_loss", loss)
