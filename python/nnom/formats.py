# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The list of model formats: how each is loaded, and what runs the original. A new format adds its entry here.

What a file is, its content says (importers/kinds.py). Importers and runtimes are imported where they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .graph import Graph
from .importers.kinds import kind_of


@dataclass(frozen=True)
class Format:
    """load(file or object, int8_io): its graph. runtime: the name of what runs the original.

    outputs(file or object, data, raw, int8_io): what that gives on samples [n, h, w, c] per input, real values; raw:
    data are stored values. ToolError if it is not installed or does not run the model. int8_io as in conversion.load.
    """

    load: Callable[[Any, bool], Graph]
    runtime: str
    outputs: Callable[[Any, list[np.ndarray], bool, bool], list[np.ndarray]]


def _load_keras(model: Any, int8_io: bool) -> Graph:
    from .importers.keras import load_keras

    return load_keras(model)


def _run_keras(model: Any, data: list[np.ndarray], raw: bool, int8_io: bool) -> list[np.ndarray]:
    from .validation import keras_outputs

    return keras_outputs(model, data)


def _load_tflite(model: Any, int8_io: bool) -> Graph:
    from .importers.tflite import load_tflite

    return load_tflite(model, int8_io=int8_io, dequantize_weights=True)


def _run_tflite(model: Any, data: list[np.ndarray], raw: bool, int8_io: bool) -> list[np.ndarray]:
    from .validation import Tflite

    return Tflite(Path(model)).outputs(data, raw=raw, int8_io=int8_io)


FORMATS: dict[str, Format] = {
    "keras": Format(_load_keras, "Keras", _run_keras),
    "tflite": Format(_load_tflite, "LiteRT reference", _run_tflite),
}


def format_of(model: Any) -> Format:
    """The format of a file, or of a live model. ModelError, if it is none, says what it is and what to do."""
    return FORMATS[kind_of(Path(model)) if isinstance(model, str | Path) else "keras"]
