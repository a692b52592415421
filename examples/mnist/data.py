# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""10,000 + 5,000 MNIST digits as float32 arrays."""

import os
from pathlib import Path

import numpy as np

CLASSES = tuple("0123456789")

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def shared_folder() -> Path:
    """Return the folder with the shared data: $NNOM_SHARED, else `shared` beside the repository."""
    default = Path(__file__).resolve().parents[2].parent / "shared"
    return Path(os.environ.get("NNOM_SHARED", default))


def load() -> Split:
    """Return (x_train [10000, 28, 28, 1], y_train [10000], x_test [5000, 28, 28, 1], y_test [5000]).

    x is float32 in 0..1 (ink is 1), y is int32 in 0..9.
    """
    path = shared_folder() / "data" / "mnist.npz"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; set NNOM_SHARED to the folder that holds data/mnist.npz")
    with np.load(path) as archive:
        x_train, x_test = (archive[k][..., None].astype(np.float32) / np.float32(255) for k in ("X_train", "X_test"))
        y_train, y_test = (archive[k].astype(np.int32) for k in ("y_train", "y_test"))
    return x_train, y_train, x_test, y_test
