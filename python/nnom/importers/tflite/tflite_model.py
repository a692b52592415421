# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TensorFlow Lite models (.tflite) to the graph.

    graph = load_tflite("model.tflite")

    tflite_reader.py   verifies the file and reads it into plain objects
    tflite_walk.py     goes through its operators; tflite_context.py is the state of this
    tflite_fold.py     computes what depends on constants and shapes only
    tflite_layers.py   translates operators that compute, tflite_windows.py those with weights or windows,
                       tflite_moves.py, tflite_picks.py those that move values about, tflite_spectrum.py transforms
    tflite_split.py    weights that need nine bits
    tflite_variables.py  state in variables, tflite_recurrent.py in recurrent operators

uint8 values become int8 with zero points lower by 128.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import ModelError, ToolError
from ...graph import Graph
from ..ends import cut_ends


def load_tflite(source: str | Path | bytes, *, int8_io: bool = False, dequantize_weights: bool = False) -> Graph:
    """Reads a TensorFlow Lite model.

    source: path of a .tflite file, or its bytes.
    int8_io: cut quantize and dequantize nodes off the model's ends, so that it takes and gives int8.
    dequantize_weights: turn a model with float32 activations and int8 weights into a float32 model.
    Returns the graph: float32, or int8 with quantised weights.
    Errors: ModelError if the file is damaged, UnsupportedError naming all operators that have no counterpart,
    ToolError if the package `tflite` is absent.
    """
    try:
        from .tflite_reader import read_model
        from .tflite_split import split_wide_weights
        from .tflite_walk import Walk
    except ImportError as e:
        raise ToolError("reading .tflite files needs the package 'tflite': pip install tflite") from e
    if isinstance(source, bytes | bytearray | memoryview):
        data, label = bytes(source), "model.tflite"
    else:
        label = str(source)
        try:
            data = Path(source).read_bytes()
        except OSError as e:
            raise ModelError(f"{label}: can not be read: {e.strerror}") from e
    graph = Graph(name=Path(label).stem, source=label)
    Walk(read_model(data, label), dequantize_weights, graph).run()
    split_wide_weights(graph)
    if int8_io:
        cut_ends(graph)
    return graph
