# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Where a converted model comes from, for the comment in its header. Nothing of it depends on the place or the hour."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def of_call(file: str, options: Mapping[str, Any]) -> str:
    """A call of nnom.convert(): the file and the options that are not the defaults."""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"nnom.convert({Path(file).name!r}, ...{given})"


def of_file(source: str) -> str:
    """Name and hash of a model's file; "" for a model that is in no file."""
    path = Path(source)
    if not source or not path.is_file():
        return ""
    return f"{path.name}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def of_accuracy(samples: int, accuracy_float: float | None, accuracy_int8: float | None) -> str:
    """Measured with labels, else ""."""
    if accuracy_int8 is None:
        return ""
    before = f"float {accuracy_float:.2%}, " if accuracy_float is not None else ""
    return f"accuracy on {samples} calibration samples: {before}int8 {accuracy_int8:.2%}"
