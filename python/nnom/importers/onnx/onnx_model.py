# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX models (.onnx) to the graph.

graph = load_onnx("model.onnx")

onnx_wire.py       the wire format; onnx_reader.py the messages; onnx_arrays.py the numbers of constants
onnx_walk.py       goes through the nodes; onnx_context.py is the state of this, onnx_ports.py the model's ends;
                   onnx_names.py who reads what
onnx_fold.py       computes what depends on constants and shapes only
onnx_places.py     brings values into the places that an operator wants (axis_map.py says where they lie)
onnx_windows.py    convolutions and pools; onnx_dense.py products of matrices; onnx_functions.py functions of values;
                   onnx_norms.py normalisations and reductions; onnx_moves.py, onnx_images.py what moves values;
                   onnx_recurrent.py; onnx_learn.py what scikit-learn adds; onnx_patterns.py several nodes as one;
                   onnx_quant.py int8 between quantised values, onnx_qoperator.py operators that take and give such
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...graph import Graph
from ...untrusted import read_file
from ..ends import cut_ends
from .onnx_reader import read_model
from .onnx_walk import Walk


def load_onnx(
    source: str | Path | bytes,
    *,
    int8_io: bool = False,
    shapes: Mapping[str, Sequence[int]] | None = None,
    keep_io_layout: bool = False,
) -> Graph:
    """Reads an ONNX model.

    source: path of an .onnx file, or its bytes. int8_io: cut quantize and dequantize nodes off the model's ends, so
    that it takes and gives int8. shapes: of inputs with open axes, by name; an open batch is 1 by
    itself. keep_io_layout: inputs and outputs lie as in the file, else channels last.
    Errors: ModelError if the file is damaged, UnsupportedError naming all operators that have no counterpart.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data, label, folder = bytes(source), "model.onnx", None
    else:
        path = Path(source)
        data, label, folder = read_file(path), str(source), path.parent
    model = read_model(data, label, folder)
    model.size += sum(_outside(model.folder, t.outside) for t in model.graph.constants if t.outside)
    graph = Graph(name=Path(label).stem, source=label)
    Walk(model, graph, shapes=shapes or {}, keep_io=keep_io_layout).run()
    if int8_io:
        cut_ends(graph)
    return graph


def _outside(folder: Path | None, outside: Mapping[str, str]) -> int:
    """Bytes that a constant beside the file has, as far as it says so."""
    text = outside.get("length", "")
    return min(int(text), 2**31) if folder is not None and text.isascii() and text.isdigit() and len(text) < 12 else 0
