# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Train the BasicMotions network and save it as a .keras file; prints the accuracy on the 40 test windows."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from data import CHANNELS, CLASSES, STEPS, load

os.environ.setdefault("KERAS_BACKEND", "jax")

BATCH = 40
SEED = 2019


def build():
    """Return the untrained keras.Model: [100, 6] to 4 probabilities."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((STEPS, CHANNELS), name="motion"),
            layers.Conv1D(16, 7, strides=2, padding="same", name="conv1"),
            layers.ReLU(name="relu1"),
            layers.MaxPooling1D(2, 2, name="pool1"),
            layers.Conv1D(24, 5, padding="same", name="conv2"),
            layers.ReLU(name="relu2"),
            layers.MaxPooling1D(2, 2, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.3, name="drop"),  # acts while training only
            layers.Dense(32, name="dense1"),
            layers.ReLU(name="relu3"),
            layers.Dense(len(CLASSES), name="dense2"),
            layers.Softmax(name="softmax"),
        ],
        name="basic_motions",
    )


def augment(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Return a copy of windows x [N, 100, 6] with another start, vigour and noise: 40 windows alone are too few."""
    steps = (np.arange(STEPS) + rng.integers(0, STEPS, size=(len(x), 1))) % STEPS
    moved = np.take_along_axis(x, steps[:, :, None], axis=1)
    gain = rng.normal(1.0, 0.15, size=(len(x), 1, 1))
    return (moved * gain + rng.normal(scale=0.1, size=x.shape)).astype(np.float32)


def batches(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for ever: augmented x [BATCH, 100, 6] and y one-hot [BATCH, 4]."""
    rng = np.random.default_rng(SEED)
    targets = np.eye(len(CLASSES), dtype=np.float32)
    while True:
        chosen = rng.permutation(len(x))[:BATCH]
        yield augment(rng, x[chosen]), targets[y[chosen]]


def fit(x: np.ndarray, y: np.ndarray, epochs: int):
    """Train on x [N, 100, 6], y [N]; return an uncompiled keras.Model (saved without the optimizer's state)."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = build()
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.05)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.02), loss)
    # one batch holds all 40 windows, so a step is an epoch
    model.fit(batches(x, y), epochs=1, steps_per_epoch=epochs, shuffle=False, verbose=0)
    final = build()
    final.set_weights(model.get_weights())
    return final


def main() -> None:
    """Train, evaluate, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=600, help="passes over the 40 windows (default %(default)s)")
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
