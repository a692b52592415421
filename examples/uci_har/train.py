# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Train the sequential HAR network on UCI HAR; prints the accuracy on the 600 test windows."""

from pathlib import Path

import recipe
from data import CLASSES


def build():
    """Return the untrained keras.Model: [128, 9] to 6 probabilities."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((128, 9), name="motion"),
            layers.Conv1D(16, 9, strides=2, padding="same", name="conv1"),
            layers.ReLU(name="relu1"),
            layers.MaxPooling1D(4, 4, padding="valid", name="pool1"),
            layers.Flatten(name="flatten"),  # [16, 16]
            layers.Dropout(0.5, name="drop1"),  # acts while training only
            layers.Dense(128, name="dense1"),
            layers.ReLU(name="relu2"),
            layers.Dropout(0.5, name="drop2"),
            layers.Dense(len(CLASSES), name="dense2"),
            layers.Softmax(name="softmax"),
        ],
        name="uci_har",
    )


if __name__ == "__main__":
    recipe.main(build, __doc__, Path(__file__).with_name("model.keras"))
