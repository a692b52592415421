# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The 1,797 handwritten digits of 8 x 8 pixels (UCI optdigits), read from the file inside scikit-learn.

`pip install --no-deps scikit-learn==1.9.1` is enough: the package is only looked up, never imported.
"""

import gzip
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

PACKAGE = "scikit-learn"
VERSION = "1.9.1"
CLASSES = tuple("0123456789")
TOTAL, TRAIN, SIDE = 1797, 1437, 8

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def locate() -> Path:
    """Return the path of digits.csv.gz inside the installed package, without importing it."""
    advice = f"run: pip install --no-deps {PACKAGE}=={VERSION}"
    try:
        installed = distribution(PACKAGE)
    except PackageNotFoundError:
        raise FileNotFoundError(f"digits.csv.gz: package {PACKAGE} is not installed; {advice}") from None
    path = Path(str(installed.locate_file("sklearn/datasets/data/digits.csv.gz")))
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not in {PACKAGE} {installed.version}; {advice}")
    return path


def load() -> Split:
    """Return (x_train [1437, 8, 8, 1], y_train [1437], x_test [360, 8, 8, 1], y_test [360]).

    x is float32 in 0..1 (the file's 0..16 divided by 16), y is int32 in 0..9. The file's order is kept:
    its end is the test part.
    """
    path = locate()
    with gzip.open(path, "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float32)
    if table.shape != (TOTAL, SIDE * SIDE + 1):
        expected = (TOTAL, SIDE * SIDE + 1)
        raise ValueError(f"{path}: table of {table.shape}, expected {expected}; use {PACKAGE} {VERSION}")
    x = table[:, :-1].reshape(-1, SIDE, SIDE, 1) / np.float32(16)
    y = table[:, -1].astype(np.int32)
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]
