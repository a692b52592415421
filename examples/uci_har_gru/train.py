# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Train the HAR network with a GRU on UCI HAR; prints the accuracy on the 600 test windows."""

from pathlib import Path

from data import CLASSES, neighbour


def build():
    """Return the untrained keras.Model: [128, 9] to 6 probabilities."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((128, 9), name="motion"),
            layers.Conv1D(16, 5, strides=2, name="conv1"),  # [62, 16]: no padding, so that it streams
            layers.ReLU(name="relu1"),
            layers.GRU(24, name="gru"),
            layers.Dropout(0.3, name="drop1"),  # acts while training only
            layers.Dense(len(CLASSES), name="dense1"),
            layers.Softmax(name="softmax"),
        ],
        name="uci_har_gru",
    )


if __name__ == "__main__":
    neighbour("recipe").main(build, __doc__, Path(__file__).with_name("model.keras"))
