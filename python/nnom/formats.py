# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The list of model formats. A new one is a folder of importers/ that gives a FORMAT, and its line here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from .importers.format import Format
from .importers.kinds import kind_of

_FOLDERS = (
    "keras",
    "onnx",
    "tflite",
)
FORMATS: tuple[Format, ...] = tuple(import_module(f".importers.{name}", __package__).FORMAT for name in _FOLDERS)


def format_of(model: Any) -> Format:
    """The format of a file, or of a live model. ModelError, if it is none, says what it is and what to do."""
    if isinstance(model, str | Path):
        return kind_of(Path(model), FORMATS)
    return next(f for f in FORMATS if f.objects)
