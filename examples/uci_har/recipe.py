# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How the two HAR networks are trained: augmentation, schedule, weight averaging, evaluation.

2,400 windows of few people are little data. The network overfits to how those people wore the phone, so the
augmentation turns the sensor axes, changes the vigour of the movement and the moment where the window starts.
None of it is repeated on the device: the network is fed plain g and rad/s.
"""

import argparse
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from data import CLASSES, load

os.environ.setdefault("KERAS_BACKEND", "jax")

BATCH = 64
SEED = 2019
DEFAULT_EPOCHS = 60


def rotations(rng: np.random.Generator, count: int, sigma: float) -> np.ndarray:
    """Return [count, 3, 3] random rotations; the angle about a random axis is normal with `sigma` radians."""
    axis = rng.normal(size=(count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = rng.normal(scale=sigma, size=(count, 1, 1))
    x, y, z = axis.T
    zero = np.zeros(count)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(count, 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)  # Rodrigues


def augment(rng: np.random.Generator, x: np.ndarray, tilt: float = 0.1) -> np.ndarray:
    """Return a randomly changed copy of windows x [N, 128, 9]: tilt, vigour, time shift, noise.

    The three triads share one rotation, as they come from one rigid device. Only the movement is scaled,
    gravity (total minus body acceleration) is not.
    """
    count = len(x)
    triads = x.reshape(count, -1, 3, 3)
    turned = np.einsum("ntcj,nij->ntci", triads, rotations(rng, count, tilt), optimize=True)
    body, gyro, total = turned[:, :, 0], turned[:, :, 1], turned[:, :, 2]
    gain = rng.normal(1.0, 0.1, size=(count, 1, 1))
    moved = np.concatenate([body * gain, gyro * gain, total + body * (gain - 1.0)], axis=2)
    moved += rng.normal(scale=0.01, size=moved.shape)
    steps = (np.arange(x.shape[1]) + rng.integers(0, x.shape[1], size=(count, 1))) % x.shape[1]
    return np.take_along_axis(moved, steps[:, :, None], axis=1).astype(np.float32)


def mix(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted means of random pairs of windows x [N, 128, 9] and of their targets y [N, classes] (mixup)."""
    share = rng.beta(0.4, 0.4, size=(len(x), 1)).astype(np.float32)
    other = rng.permutation(len(x))
    return share[:, :, None] * x + (1 - share[:, :, None]) * x[other], share * y + (1 - share) * y[other]


def batches(x: np.ndarray, y: np.ndarray, epochs: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield augmented, shuffled batches: x [BATCH, 128, 9], y [BATCH, classes] shares of the classes."""
    rng = np.random.default_rng(SEED)
    targets = np.eye(len(CLASSES), dtype=np.float32)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            yield mix(rng, augment(rng, x[chosen]), targets[y[chosen]])


def fit(build: Callable[[], object], x: np.ndarray, y: np.ndarray, epochs: int):
    """Train build() on x [N, 128, 9], y [N]; return an uncompiled keras.Model with the averaged weights."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = build()
    steps = len(x) // BATCH
    rate = keras.optimizers.schedules.CosineDecay(4e-3, epochs * steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1.0, use_ema=True, ema_momentum=0.995)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile(optimizer, loss, metrics=["accuracy"])
    # fit() puts the moving average of the weights in place when it ends
    model.fit(batches(x, y, epochs), epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0)
    final = build()  # without the optimizer's state
    final.set_weights(model.get_weights())
    return final


def evaluate(model, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return (share of right answers, confusion [classes, classes] with the truth in rows)."""
    guess = np.argmax(model.predict(x, batch_size=200, verbose=0), axis=1)
    confusion = np.zeros((len(CLASSES), len(CLASSES)), dtype=int)
    np.add.at(confusion, (y, guess), 1)
    return float(np.mean(guess == y)), confusion


def save_small(model, path: Path) -> None:
    """Save model as .keras file `path` and compress it: Keras stores the weights in the archive as they are."""
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts:
            archive.writestr(name, content)


def main(build: Callable[[], object], description: str, out: Path) -> None:
    """Train build(), save it (by default as file `out`), print the accuracy on the 600 test windows."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--epochs", type=int, default=DEFAULT_EPOCHS, help="passes over the data (default %(default)s)")
    parser.add_argument("--out", type=Path, default=out, help="file to write (default model.keras beside the script)")
    options = parser.parse_args()

    x_train, y_train, x_test, y_test = load()
    model = fit(build, x_train, y_train, options.epochs)
    save_small(model, options.out)
    share, confusion = evaluate(model, x_test, y_test)
    print(f"{options.out}: {model.count_params()} parameters, {options.out.stat().st_size} bytes")
    for name, row in zip(CLASSES, confusion, strict=True):
        print(f"{name:>12}", *(f"{count:4d}" for count in row))
    print(f"test accuracy {share:.4f} ({round(share * len(y_test))} of {len(y_test)})")
