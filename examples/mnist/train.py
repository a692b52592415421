# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Train a small CNN on MNIST digits and save it as a .keras file; prints the accuracy on the 5,000 test digits."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from data import CLASSES, load

os.environ.setdefault("KERAS_BACKEND", "jax")

BATCH = 100
SEED = 2019


def build():
    """Return the untrained keras.Model: [28, 28, 1] to 10 probabilities."""
    from keras import Input, Sequential, layers

    stack = [Input((28, 28, 1), name="digit")]
    for number, filters in enumerate((8, 24, 32), start=1):
        stack += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{number}"),
            layers.BatchNormalization(name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
            layers.MaxPooling2D(2, 2, name=f"pool{number}"),
        ]
    stack += [
        layers.Flatten(name="flatten"),  # [3, 3, 32]
        layers.Dropout(0.2, name="drop"),  # acts while training only
        layers.Dense(48, name="dense1"),
        layers.ReLU(name="relu4"),
        layers.Dense(len(CLASSES), name="dense2"),
        layers.Softmax(name="softmax"),
    ]
    return Sequential(stack, name="mnist")


def augment(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Return digits x [N, 28, 28, 1], each turned, sheared, scaled and shifted a little (bilinear, 0 outside)."""
    count, height, width = x.shape[:3]
    angle, shear = rng.uniform(-0.15, 0.15, count), rng.uniform(-0.1, 0.1, count)
    scale = rng.uniform(0.92, 1.08, (2, count))
    shift = rng.uniform(-1.5, 1.5, (2, count, 1, 1))
    cos, sin = np.cos(angle), np.sin(angle)
    # source = matrix @ (target - centre) + centre + shift
    a, b = cos * scale[0], (shear - sin) * scale[0]
    c, d = sin * scale[1], (cos + shear * sin) * scale[1]
    row, col = np.mgrid[0:height, 0:width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    a, b, c, d = (v[:, None, None] for v in (a, b, c, d))
    source_row = a * row + b * col + (height - 1) / 2 + shift[0]
    source_col = c * row + d * col + (width - 1) / 2 + shift[1]
    return bilinear(x[..., 0], source_row, source_col)[..., None]


def bilinear(x: np.ndarray, row: np.ndarray, col: np.ndarray) -> np.ndarray:
    """Return x [N, H, W] read at fractional positions row, col [N, H, W], float32; 0 outside of the image."""
    count, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 2), (1, 2)))
    row, col = np.clip(row + 1, 0, height + 1), np.clip(col + 1, 0, width + 1)
    r, c = row.astype(int), col.astype(int)
    fr, fc = row - r, col - c
    n = np.arange(count)[:, None, None]
    top = padded[n, r, c] * (1 - fc) + padded[n, r, c + 1] * fc
    bottom = padded[n, r + 1, c] * (1 - fc) + padded[n, r + 1, c + 1] * fc
    return (top * (1 - fr) + bottom * fr).astype(np.float32)


def batches(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for ever: augmented x [BATCH, 28, 28, 1] and y one-hot [BATCH, 10], epoch after epoch."""
    rng = np.random.default_rng(SEED)
    targets = np.eye(len(CLASSES), dtype=np.float32)
    while True:
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            yield augment(rng, x[chosen]), targets[y[chosen]]


def fit(x: np.ndarray, y: np.ndarray, epochs: int):
    """Train on x [N, 28, 28, 1], y [N]; return an uncompiled keras.Model (saved without the optimizer's state)."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = build()
    steps = len(x) // BATCH
    rate = keras.optimizers.schedules.CosineDecay(4e-3, epochs * steps)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.05)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01), loss)
    model.fit(batches(x, y), epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0)
    final = build()
    final.set_weights(model.get_weights())
    return final


def main() -> None:
    """Train, evaluate, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30, help="passes over the 10,000 digits (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("model.keras"), help="file to write")
    options = parser.parse_args()

    x_train, y_train, x_test, y_test = load()
    model = fit(x_train, y_train, options.epochs)
    model.save(options.out)
    right = np.argmax(model.predict(x_test, batch_size=250, verbose=0), axis=1) == y_test
    print(f"{options.out}: {model.count_params()} parameters, {options.out.stat().st_size} bytes")
    print(f"test accuracy {right.mean():.4f} ({right.sum()} of {len(right)})")


if __name__ == "__main__":
    main()
