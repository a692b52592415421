# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX Runtime, where it is installed: what a model gives there, with all of its optimisations off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ToolError
from ...graph import Graph
from ...layouts import as_file, as_model

_TYPES = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16", "tensor(int64)": "int64",
    "tensor(int32)": "int32", "tensor(int16)": "int16", "tensor(int8)": "int8", "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}  # fmt: skip


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as e:
        raise ToolError("ONNX Runtime is not installed, its results are not compared: pip install onnxruntime") from e
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as e:  # its own classes of errors have no base of their own
        raise _unable(e) from e


def _unable(e: Exception) -> ToolError:
    text = (str(e).splitlines() or [""])[0]
    return ToolError(f"ONNX Runtime cannot run this model, its results are not compared: {text}")


def outputs(path: Path, graph: Graph, data: list[np.ndarray]) -> list[np.ndarray]:
    """Outputs [n, ...] of samples [n, h, w, c] per input of the graph, in its order of axes."""
    session = _session(path)
    ports = session.get_inputs()
    if len(ports) != len(graph.inputs):
        raise ToolError(f"ONNX Runtime asks for {len(ports)} inputs, the model has {len(graph.inputs)}: not compared")
    runs = []
    for i in range(len(data[0])):
        feeds = {}
        for port, name, x in zip(ports, graph.inputs, data, strict=True):
            feeds[port.name] = as_file(x[i], graph.layouts.get(name)).astype(_TYPES.get(port.type, "float32"))
        try:
            runs.append(session.run(None, feeds))
        except Exception as e:
            raise _unable(e) from e
    return [_stacked(graph, k, [_numbers(r, k, graph) for r in runs]) for k in range(len(graph.outputs))]


def _numbers(run: list[Any], k: int, graph: Graph) -> np.ndarray:
    """Output k of those that hold numbers; a dictionary's values in the order of its keys."""
    found = []
    for value in run:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = np.array([[row[key] for key in row] for row in value], np.float32)
        value = np.asarray(value)
        if value.dtype.kind in "fiub":
            found.append(value)
    if len(found) != len(graph.outputs):
        raise ToolError(f"ONNX Runtime gives {len(found)} outputs of numbers, the model {len(graph.outputs)}")
    return found[k]


def _stacked(graph: Graph, k: int, runs: list[np.ndarray]) -> np.ndarray:
    layout = graph.layouts.get(graph.outputs[k])
    return np.stack([as_model(r, layout).reshape(-1) for r in runs]).astype(np.float64)
