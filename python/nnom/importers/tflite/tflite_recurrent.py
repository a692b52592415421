# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's recurrent operators and what keeps a value from run to run."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import ModelError
from ...graph import Node, Quant, Shape, Tensor, Weight
from ..workbench import Refused
from .tflite_context import Importer, Value

# Inputs of UNIDIRECTIONAL_SEQUENCE_LSTM. Gates: input, forget, cell, output.
_WEIGHTS, _RECURRENT, _BIASES = range(1, 5), range(5, 9), range(12, 16)
_PEEPHOLES, _PROJECTION, _NORM = range(9, 12), range(16, 18), range(20, 24)
_HIDDEN, _CELL = 18, 19
_TANH = 4  # of ActivationFunctionType
_BIAS_TYPES = {"FLOAT32": "FLOAT32", "INT8": "INT32", "INT16": "INT64"}  # by type of the input


def state(imp: Importer, tensor: Any, dtype: str, quant: Quant | None, shape: Shape) -> str:
    """The graph's tensor for a variable tensor of the file."""
    name = imp.graph.unique(tensor.name)
    imp.graph.add_tensor(Tensor(name, shape, dtype, quant))
    return name


def lstm(imp: Importer, op: Any) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM: hidden state and cell go on from run to run, as in the reference."""
    for group, what in ((_PEEPHOLES, "peepholes"), (_PROJECTION, "a projection"), (_NORM, "layer normalisation")):
        if any(imp.has(op, k) for k in group):
            raise Refused(f"an LSTM with {what}; expected a plain one")
    if not imp.has(op, _WEIGHTS[0]):
        raise Refused("an LSTM whose input gate is coupled with the forget gate; expected one with four gates")
    source = imp.value(op, 0)
    options = op.options
    if options.FusedActivationFunction != _TANH or options.ProjClip:
        raise Refused(
            f"activation {options.FusedActivationFunction}, projection clip {options.ProjClip}; expected tanh"
        )
    if source.dtype not in _BIAS_TYPES:
        raise Refused(f"an LSTM over {source.dtype}; expected INT8, INT16 or FLOAT32")
    steps, features = _sequence(imp, op, source, options.TimeMajor)
    count, kind = imp.value(op, _RECURRENT[0]).shape[-1], "FLOAT32" if source.dtype == "FLOAT32" else "INT8"
    weights = {
        "weights": _stacked(imp, op, _WEIGHTS, (count, features), kind),
        "recurrent": _stacked(imp, op, _RECURRENT, (count, count), kind),
        "bias": _biases(imp, op, count, _BIAS_TYPES[source.dtype]),
    }
    hidden, cell = (_variable(imp, op, k, count) for k in (_HIDDEN, _CELL))
    attrs: dict[str, Any] = {
        "kind": "tanh",
        "sequence": True,
        "cell_clip": float(options.CellClip),
    }
    quants: list[tuple[str, Quant | None]] = [("float32", None)] * 2
    if source.dtype != "FLOAT32":
        quants = [_state_quant(imp, hidden), _state_quant(imp, cell)]
        attrs |= _state_attrs(quants)
    shape = (1, 1, count)
    states = [state(imp, t, *q, shape) for t, q in zip((hidden, cell), quants, strict=True)]
    made = (steps, 1, count)
    name = imp.node(op, "lstm", [imp.name(source, (steps, 1, features)), *states], made, attrs=attrs, weights=weights)
    for i, (read, (dtype, quant)) in enumerate(zip(states, quants, strict=True), 1):
        part = imp.graph.unique(f"{read}_next")
        imp.graph.states[read] = imp.graph.add(Node("part", part, [name], part, {"index": i}), shape, dtype, quant)
    imp.finish(op, name, (*source.shape[:-1], count))


def svdf(imp: Importer, op: Any) -> None:
    """SVDF: a step. The reference for int8 knows no fused activation."""
    source, features, time = (imp.value(op, k) for k in range(3))
    weights = {"weights": imp.constant(op, 1, "weights"), "time": imp.constant(op, 2, "weights of time")}
    rank, (filters, memory) = op.options.Rank, time.shape
    if source.shape[0] != 1 or len(source.shape) != 2:
        raise Refused(f"input of shape {list(source.shape)}; expected one row, without a batch")
    if rank < 1 or filters % rank or features.shape != (filters, source.shape[1]):
        raise ModelError(f"{imp.at(op)}: weights {list(features.shape)} and {list(time.shape)} do not fit rank {rank}")
    wanted = ("FLOAT32",) * 3 if source.dtype == "FLOAT32" else ("INT8", "INT8", "INT16")
    if (source.dtype, features.dtype, time.dtype) != wanted:
        raise Refused(f"{source.dtype}, weights {features.dtype} and {time.dtype}; expected INT8, INT8 and INT16")
    made = {n: _svdf_weight(v, w) for v, (n, w) in zip((features, time), weights.items(), strict=True)}
    if imp.has(op, 3):
        made["bias"] = Weight(imp.constant(op, 3, "bias"))
    variable = _variable(imp, op, 4, filters * memory)
    dtype, quant = ("float32", None) if source.dtype == "FLOAT32" else _state_quant(imp, variable)
    if (dtype, quant and quant.zero_point) not in (("float32", None), ("int16", 0)):
        raise Refused(f"a state of type {variable.dtype}; expected INT16 with zero point 0")
    shape = (1, 1, filters * memory)
    read = state(imp, variable, dtype, quant, shape)
    row, units = imp.name(source, (1, 1, source.shape[1])), (1, 1, filters // rank)
    name = imp.node(op, "svdf", [row, read], units, attrs={"rank": rank}, weights=made)
    part = imp.graph.unique(f"{read}_next")
    imp.graph.states[read] = imp.graph.add(Node("part", part, [name], part, {"index": 1}), shape, dtype, quant)
    kind = imp.activation(op) if source.dtype == "FLOAT32" else "none"
    if kind != "none":
        act = imp.graph.unique(f"{name}_{kind}")
        name = imp.graph.add(Node("activation", act, [name], act, {"kind": kind}), units)
    imp.finish(op, name, (1, units[2]))


def _svdf_weight(value: Value, data: np.ndarray) -> Weight:
    if value.dtype == "FLOAT32":
        return Weight(data)
    if value.quant is None or len(value.quant.scale) != 1 or np.any(value.quant.zero_point):
        raise Refused("weights without one scale, or with a zero point; expected one scale and 0")
    return Weight(data, np.array(value.quant.scale, np.float32))


def _sequence(imp: Importer, op: Any, source: Value, time_major: bool) -> tuple[int, int]:
    """(steps, features) of one sequence."""
    if len(source.shape) != 3:
        raise ModelError(f"{imp.at(op)}: input of shape {list(source.shape)}; expected three axes")
    batch, steps = source.shape[:2] if not time_major else source.shape[1::-1]
    if batch != 1:
        raise Refused(f"{batch} sequences at once; expected one")
    return steps, source.shape[2]


def _variable(imp: Importer, op: Any, k: int, count: int) -> Any:
    """The file's variable tensor that is input k."""
    tensor = imp.model.tensors[op.inputs[k]] if imp.has(op, k) else None
    if tensor is None or not tensor.variable or math.prod(tensor.shape) != count:
        raise ModelError(f"{imp.at(op)}: expected a variable tensor of {count} numbers as input {k}")
    return tensor


def _gate(imp: Importer, op: Any, k: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """A constant of one gate."""
    value, data = imp.value(op, k), imp.constant(op, k, "weights")
    if value.dtype != dtype:
        raise Refused(f"input {k} of type {value.dtype}; expected {dtype}")
    if value.shape != shape:
        raise ModelError(f"{imp.at(op)}: input {k} has shape {list(value.shape)}; expected {list(shape)}")
    return data


def _stacked(imp: Importer, op: Any, inputs: range, shape: tuple[int, int], dtype: str) -> Weight:
    """The matrices of all gates, one below the other, with a scale for each gate if they are quantised."""
    together = np.concatenate([_gate(imp, op, k, shape, dtype) for k in inputs])
    if dtype == "FLOAT32":
        return Weight(together)
    quants = [imp.value(op, k).quant for k in inputs]
    for q in quants:
        if q is None or len(q.scale) != 1 or np.any(q.zero_point):
            raise Refused("weights without one scale, or with a zero point; expected one scale and 0")
    return Weight(together, np.array([q.scale[0] for q in quants], np.float32))


def _biases(imp: Importer, op: Any, count: int, dtype: str) -> Weight:
    data = np.concatenate([_gate(imp, op, k, (count,), dtype) for k in _BIASES])
    if dtype == "INT64":
        if np.abs(data.astype(np.float64)).max() > np.iinfo(np.int32).max:
            raise Refused("biases beyond 32 bits")
        data = data.astype(np.int32)
    return Weight(data)


def _state_quant(imp: Importer, tensor: Any) -> tuple[str, Quant]:
    q = tensor.quant
    if tensor.dtype not in ("INT8", "INT16") or q is None or len(q.scale) != 1:
        raise Refused(f"state '{tensor.name}' of type {tensor.dtype} without one scale; expected INT8 or INT16")
    return tensor.dtype.lower(), Quant(float(q.scale[0]), int(q.zero_point[0]))


def _state_attrs(quants: list[tuple[str, Quant | None]]) -> dict[str, Any]:
    (dtype, hidden), (cell_dtype, cell) = quants
    assert hidden is not None and cell is not None
    if cell_dtype != "int16" or not np.isclose(np.log2(cell.scale), round(np.log2(cell.scale)), atol=1e-3):
        raise Refused(f"a cell of type {cell_dtype}, scale {cell.scale}; expected int16 and a power of two")
    return {
        "state": dtype, "state_scale": hidden.scale, "state_zero_point": hidden.zero_point, "cell_scale": cell.scale,
        "tflite_curves": True,
    }  # fmt: skip


RECURRENT = {"SVDF": svdf, "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm}
