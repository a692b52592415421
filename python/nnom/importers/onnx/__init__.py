# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The format of ONNX. See onnx_model.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...graph import Graph
from ..format import Format, Ports


def load_onnx(
    source: str | Path | bytes,
    *,
    int8_io: bool = False,
    shapes: Mapping[str, Sequence[int]] | None = None,
    keep_io_layout: bool = False,
) -> Graph:
    """As onnx_model.load_onnx, which is imported when it is first used."""
    from .onnx_model import load_onnx

    return load_onnx(source, int8_io=int8_io, shapes=shapes, keep_io_layout=keep_io_layout)


def _load(model: Any, int8_io: bool, ports: Ports) -> Graph:
    return load_onnx(model, int8_io=int8_io, shapes=ports.shapes, keep_io_layout=ports.keep_layout)


def _outputs(model: Any, graph: Graph, data: list[np.ndarray], raw: bool, int8_io: bool) -> list[np.ndarray]:
    from .onnx_original import outputs

    return outputs(Path(model), graph, data)


def _is_onnx(head: bytes) -> bool:
    """ir_version, and behind it another field of ModelProto. A SavedModel begins with version 1."""
    return (
        len(head) > 3 and head[0] == 8 and 3 <= head[1] < 64 and head[2] in (0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42)
    )


FORMAT = Format(
    what="ONNX (.onnx)",
    endings=(".onnx",),
    sniff=_is_onnx,
    load=_load,
    runtime="ONNX Runtime",
    outputs=_outputs,
    ports=True,
)
