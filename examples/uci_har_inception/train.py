# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Train the Inception-like HAR network on UCI HAR; prints the accuracy on the 600 test windows."""

from pathlib import Path

from data import CLASSES, neighbour


def build():
    """Return the untrained keras.Model: [128, 9] to 6 probabilities, with three parallel branches."""
    from keras import Input, Model, layers

    motion = Input((128, 9), name="motion")
    x = layers.Conv1D(16, 9, strides=2, padding="same", name="conv1")(motion)
    x = layers.ReLU(name="relu1")(x)
    x = layers.MaxPooling1D(2, 2, name="pool1")(x)  # [32, 16]

    branches = []
    for number, width in ((2, 5), (3, 3)):
        y = layers.Conv1D(16, width, padding="same", name=f"conv{number}")(x)
        y = layers.ReLU(name=f"relu{number}")(y)
        branches.append(layers.MaxPooling1D(2, 2, name=f"pool{number}")(y))
    branches.append(layers.MaxPooling1D(2, 2, name="pool4")(x))

    x = layers.Concatenate(axis=-1, name="concat")(branches)  # [16, 48]
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.5, name="drop1")(x)  # acts while training only
    x = layers.Dense(128, name="dense1")(x)
    x = layers.ReLU(name="relu4")(x)
    x = layers.Dropout(0.5, name="drop2")(x)
    x = layers.Dense(len(CLASSES), name="dense2")(x)
    return Model(motion, layers.Softmax(name="softmax")(x), name="uci_har_inception")


if __name__ == "__main__":
    neighbour("recipe").main(build, __doc__, Path(__file__).with_name("model.keras"))
