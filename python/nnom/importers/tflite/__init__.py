# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The format of TensorFlow Lite. See tflite_model.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...graph import Graph
from ..format import Format, Original


def load_tflite(source: str | Path | bytes, *, int8_io: bool = False, dequantize_weights: bool = False) -> Graph:
    """As tflite_model.load_tflite, which is imported when it is first used."""
    from .tflite_model import load_tflite

    return load_tflite(source, int8_io=int8_io, dequantize_weights=dequantize_weights)


def _open(model: Any) -> Original:
    from .tflite_original import Tflite

    return Tflite(Path(model))


def _outputs(model: Any, graph: Graph, data: list[np.ndarray], raw: bool, int8_io: bool) -> list[np.ndarray]:
    from .tflite_original import Tflite

    return Tflite(Path(model)).outputs(data, raw=raw, int8_io=int8_io)


FORMAT = Format(
    what="TensorFlow Lite (.tflite)",
    endings=(".tflite",),
    sniff=lambda head: head[4:8] == b"TFL3",
    load=lambda model, int8_io, ports: load_tflite(model, int8_io=int8_io, dequantize_weights=True),
    runtime="LiteRT reference",
    outputs=_outputs,
    open=_open,
)
