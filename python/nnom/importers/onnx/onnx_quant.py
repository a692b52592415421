# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Quantised ONNX models: QuantizeLinear and DequantizeLinear around operators (QDQ).

A DequantizeLinear makes no node: its result is a real value whose tensor in the graph is int8. An operator between
such values and a QuantizeLinear computes in int8, if all that it needs is known (`form_of`); what only moves values
moves int8; everything else gets its operands as float32 (Importer.value), and its result is quantised where the file
says so. uint8 is int8 with a zero point lower by 128.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...graph import Quant
from ...ops import FUNCTIONS, OPERATORS
from ..workbench import Refused
from .onnx_context import SHIFTS, Form, Stored, Value
from .onnx_functions import KINDS, clamp_of
from .onnx_places import Importer
from .onnx_reader import FileNode

# Operators that only move or choose values: their int8 results are their int8 operands.
MOVING = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout", "Slice", "Split", "Gather",
    "Expand", "Tile", "MaxPool", "GlobalMaxPool", "DepthToSpace", "SpaceToDepth", "Upsample", "Pad",
}  # fmt: skip


@dataclass(frozen=True)
class _Op:
    """An operator that computes in int8. weighed: input 1 holds weights. kind: the graph's, of a fixed quantisation."""

    weighed: bool = False
    kind: str = ""
    clamps: bool = True


_OPS: dict[str, _Op] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul"), _Op(weighed=True)),
    **dict.fromkeys(("AveragePool", "GlobalAveragePool", "Add", "Sub", "Mul"), _Op()),
    "ReduceMean": _Op(clamps=False),
    "Softmax": _Op(kind="softmax", clamps=False),
    **{op: _Op(kind=kind, clamps=False) for op, kind in KINDS.items()},
    **dict.fromkeys(("LeakyRelu", "Elu", "HardSigmoid"), _Op(clamps=False)),
}


def quantize(imp: Importer, node: FileNode) -> None:
    """QuantizeLinear that no operator has taken along."""
    quant, kind = imp.quant_and_type(node)
    x = imp.given(node, 0)
    if not x.is_real:
        raise Refused(f"from {x.dtype}; expected float")
    before = imp.graph.tensors[x.name]
    name = x.name
    if before.dtype != "int8" or before.quant != quant:
        name = imp.node(node.outputs[0], "quantize", [x.name], before.shape, dtype="int8", quant=quant)
    imp.define(node, 0, Value(x.shape, kind, name, x.axes))


def dequantize(imp: Importer, node: FileNode) -> None:
    """DequantizeLinear: the same tensor, seen as real numbers."""
    quant, _ = imp.quant_and_type(node)
    x = imp.given(node, 0)
    tensor = imp.graph.tensors[x.name]
    if tensor.dtype != "int8":
        raise Refused(f"from {x.dtype}; expected int8 or uint8")
    if tensor.quant != quant:
        raise Refused(f"scale {quant.scale:g}, zero point {quant.zero_point} of a tensor that was quantised otherwise")
    imp.define(node, 0, Value(x.shape, "float32", x.name, x.axes))


QUANT: dict[str, Callable[[Importer, FileNode], None]] = {"QuantizeLinear": quantize, "DequantizeLinear": dequantize}


# ---- operators in int8 ----


def form_of(imp: Importer, node: FileNode) -> Form | None:
    """How an operator computes in int8; None if it computes in float or only moves values."""
    op = _OPS.get(node.op) if not node.domain else None
    if op is None or not node.outputs:
        return None
    values = [imp.values.get(n) for n in node.inputs if n]
    acts = [v for v in values if v is not None and v.data is None]
    if None in values or not acts or not all(imp.is_int8(v) for v in acts):
        return None
    constants = [v for v in values if v is not None and v.data is not None]
    if op.weighed:
        fits = (
            len(acts) == 1 and constants and values[1] is constants[0] and _symmetric(constants[0].stored) is not None
        )
        if not fits or (
            node.op == "Gemm" and (imp.attr_real(node, "alpha", 1.0), imp.attr_real(node, "beta", 1.0)) != (1.0, 1.0)
        ):
            return None
    elif node.op in ("Add", "Sub", "Mul") and any(_plain(v.stored) is None for v in constants):
        return None
    ends = _ends(imp, node, op)
    if ends is None:
        return None
    activation, tail, readers = ends
    quant, kind = imp.quant_and_type(readers[0])
    fixed = (OPERATORS[op.kind].quant if op.kind in OPERATORS else FUNCTIONS[op.kind].quant) if op.kind else None
    if fixed is not None and (fixed != quant or activation != "none"):
        return None
    return Form(quant, kind, activation, tail, readers)


def _ends(imp: Importer, node: FileNode, op: _Op) -> tuple[str, list[FileNode], list[FileNode]] | None:
    """(clamp, nodes between, the QuantizeLinears) behind an operator."""
    last, tail, activation = node, list[FileNode](), "none"
    if node.op == "MatMul":
        weights = imp.values[node.inputs[1]]
        found = imp.added(node, weights.shape[-1], 32, 0)
        last = node if found is None else found[1]  # MatMul takes it along as its bias
    after = imp.sole_reader(last)
    if op.clamps and after is not None and not after.domain and after.op in ("Relu", "Clip"):
        activation = clamp_of(imp, after)
        if activation:
            last, tail = after, [after]
        else:
            activation = "none"
    name = last.outputs[0]
    readers = imp.readers.get(name, [])
    if not readers or name in imp.results or any(r.op != "QuantizeLinear" or r.inputs[0] != name for r in readers):
        return None
    try:
        same = {imp.quant_and_type(r) for r in readers}
    except Refused:
        return None
    return (activation, tail, readers) if len(same) == 1 else None


def _symmetric(stored: Stored | None) -> tuple[np.ndarray, np.ndarray] | None:
    """int8 values around 0 and their scales; None if the weights were not quantised so."""
    if stored is None or stored.data.dtype.name not in SHIFTS or np.any(stored.scale <= 0):
        return None
    if not np.any(stored.zero) and stored.data.dtype == np.int8:
        return stored.data, stored.scale
    if stored.zero.size != 1:
        return None
    wide = stored.data.astype(np.int16) - int(stored.zero.reshape(-1)[0])
    return (wide.astype(np.int8), stored.scale) if wide.min() >= -128 and wide.max() <= 127 else None


def _plain(stored: Stored | None) -> tuple[np.ndarray, Quant] | None:
    """int8 values of an operand and its one quantisation."""
    if stored is None or stored.data.dtype.name not in SHIFTS or stored.scale.size != 1 or stored.zero.size != 1:
        return None
    shift = SHIFTS[stored.data.dtype.name]
    data = stored.data if not shift else (stored.data.astype(np.int16) - shift).astype(np.int8)
    return data, Quant(float(stored.scale.reshape(-1)[0]), int(stored.zero.reshape(-1)[0]) - shift)
