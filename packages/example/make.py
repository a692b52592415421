# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The model in the packages' examples: does a signal of 16 values rise, fall, or stay? Small enough for an 8-bit board.

    KERAS_BACKEND=jax .venv/bin/python packages/example/make.py        slope.keras, slope.c, slope.h

Nothing is trained: two filters find what rises and what falls, and the last layer weighs them.
"""

from __future__ import annotations

from pathlib import Path

import keras
import nnom
import numpy as np

FOLDER = Path(__file__).resolve().parent
STEPS = 16


def model() -> keras.Model:
    """[16, 1] values of about -1 to 1 to three probabilities: rises, falls, stays."""
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((STEPS, 1), name="signal"),
            layers.Conv1D(2, 3, activation="relu", name="slopes"),
            layers.GlobalAveragePooling1D(name="mean"),
            layers.Dense(3, name="weigh"),
            layers.Softmax(name="which"),
        ],
        name="slope",
    )
    net.get_layer("slopes").set_weights(
        [np.array([[[-1, 1]], [[0, 0]], [[1, -1]]], np.float32), np.zeros(2, np.float32)]
    )
    net.get_layer("weigh").set_weights(
        [np.array([[20, -20, 0], [-20, 20, 0]], np.float32), np.array([0, 0, 1], np.float32)]
    )
    return net


def signals(n: int, seed: int = 1) -> np.ndarray:
    """[n, 16, 1]: lines of every slope with a little noise."""
    rng = np.random.default_rng(seed)
    slopes = rng.uniform(-1, 1, (n, 1)) * np.linspace(-1, 1, STEPS)
    return (slopes + rng.normal(0, 0.02, slopes.shape))[..., None].astype(np.float32)


def write(folder: Path) -> None:
    """slope.c and slope.h of slope.keras."""
    made = nnom.convert(folder / "slope.keras", signals(64), name="slope", command="packages/example/make.py")
    (folder / "slope.c").write_text(made.source.replace('"model.h"', '"slope.h"').replace("see model.h", "see slope.h"))
    (folder / "slope.h").write_text(made.header)


if __name__ == "__main__":
    model().save(FOLDER / "slope.keras")
    write(FOLDER)
