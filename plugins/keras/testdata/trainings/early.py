import os

os.environ["KERAS_BACKEND"] = "torch"

import keras  # noqa: E402
import numpy as np  # noqa: E402

x_train = np.random.default_rng(1).normal(size=(96, 4)).astype("float32")
y_train = (x_train[:, 0] > 0).astype("int64")
x_test, y_test = x_train[:32] + 1, y_train[:32]
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(
    x_train,
    y_train,
    validation_data=(x_test, y_test),
    epochs=6,
    verbose=0,
    callbacks=[
        keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", min_delta=9, patience=1, factor=0.5),
        keras.callbacks.ModelCheckpoint("best.weights.h5", save_weights_only=True, save_best_only=True),
    ],
)
model.evaluate(x_test, y_test, verbose=0)
model.predict(x_test, verbose=0)
