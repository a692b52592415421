# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Train the little network of three convolutions over time; prints the accuracy on the 400 test sounds."""

import argparse
import os
from pathlib import Path

import numpy as np
from data import CLASSES, load

os.environ.setdefault("KERAS_BACKEND", "jax")

SEED = 2019


def build():
    """Return the untrained keras.Model: rows [49, 40] to 4 probabilities."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((49, 40), name="rows"),
            layers.Conv1D(16, 3, strides=2, padding="valid", name="conv1"),
            layers.ReLU(name="relu1"),
            layers.Conv1D(24, 5, strides=2, padding="valid", name="conv2"),
            layers.ReLU(name="relu2"),
            layers.Conv1D(24, 5, strides=1, padding="valid", name="conv3"),
            layers.ReLU(name="relu3"),
            layers.GlobalMaxPooling1D(name="peak"),
            layers.Dropout(0.3, name="drop"),  # acts while training only
            layers.Dense(len(CLASSES), name="scores"),
            layers.Softmax(name="softmax"),
        ],
        name="keyword_spotting",
    )


def fit(x: np.ndarray, y: np.ndarray, epochs: int):
    """Train on x [N, 49, 40], y [N]; return an uncompiled keras.Model (saved without the optimizer's state)."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = build()
    rate = keras.optimizers.schedules.CosineDecay(3e-3, epochs * len(x) // 32)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.05)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01), loss)
    model.fit(x, np.eye(len(CLASSES), dtype=np.float32)[y], batch_size=32, epochs=epochs, verbose=0)
    final = build()
    final.set_weights(model.get_weights())
    return final


def main() -> None:
    """Train, evaluate, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60, help="passes over the 1,200 sounds (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("model.keras"), help="file to write")
    options = parser.parse_args()

    x_train, y_train, x_test, y_test = load()
    model = fit(x_train, y_train, options.epochs)
    model.save(options.out)
    right = np.argmax(model.predict(x_test, verbose=0), axis=1) == y_test
    print(f"{options.out}: {model.count_params()} parameters, {options.out.stat().st_size} bytes")
    print(f"test accuracy {right.mean():.4f} ({right.sum()} of {len(right)})")


if __name__ == "__main__":
    main()
