# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The UCI HAR windows (Anguita et al., 2013) as float32 arrays."""

import os
from pathlib import Path

import numpy as np

CLASSES = ("walking", "upstairs", "downstairs", "sitting", "standing", "laying")
SCALE = np.float32(1.0 / 4096.0)  # the stored int16 values times this are g and rad/s

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def shared_folder() -> Path:
    """Return the folder with the shared data: $NNOM_SHARED, else `shared` beside the repository."""
    default = Path(__file__).resolve().parents[2].parent / "shared"
    return Path(os.environ.get("NNOM_SHARED", default))


def load() -> Split:
    """Return (x_train [2400, 128, 9], y_train [2400], x_test [600, 128, 9], y_test [600]).

    x is float32 in g and rad/s (channels: body acceleration, gyroscope, total acceleration, each x y z),
    y is int32 in 0..5. Both halves keep the order of the official split: subject by subject.
    """
    path = shared_folder() / "data" / "uci_har.npz"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; set NNOM_SHARED to the folder that holds data/uci_har.npz")
    with np.load(path) as archive:
        x_train, x_test = (archive[k].astype(np.float32) * SCALE for k in ("X_train", "X_test"))
        y_train, y_test = (archive[k].astype(np.int32) for k in ("y_train", "y_test"))
    return x_train, y_train, x_test, y_test
