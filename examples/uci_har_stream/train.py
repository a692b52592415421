# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Train a HAR network that streams sample by sample on UCI HAR; prints the accuracy on the 600 test windows."""

from pathlib import Path

from data import CLASSES, neighbour


def build():
    """Return the untrained keras.Model: [128, 9] to 6 probabilities, without padding and strides in time."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((128, 9), name="motion"),
            layers.Conv1D(16, 9, padding="valid", name="conv1"),
            layers.ReLU(name="relu1"),
            layers.Conv1D(16, 5, dilation_rate=4, padding="valid", name="conv2"),
            layers.ReLU(name="relu2"),
            layers.Conv1D(24, 5, dilation_rate=8, padding="valid", name="conv3"),
            layers.ReLU(name="relu3"),
            layers.GlobalAveragePooling1D(name="mean"),  # of 72 rows
            layers.Dropout(0.2, name="drop1"),  # acts while training only
            layers.Dense(len(CLASSES), name="scores"),
            layers.Softmax(name="softmax"),
        ],
        name="uci_har_stream",
    )


if __name__ == "__main__":
    neighbour("recipe").main(build, __doc__, Path(__file__).with_name("model.keras"))
