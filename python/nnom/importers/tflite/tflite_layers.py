# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's operators that compute: arithmetic, reductions, functions of one value, products of matrices.

Every function takes the importer and the operator and defines the operator's outputs. Convolutions, dense layers and
pooling are in tflite_windows.py.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ModelError
from ...graph import Node, Quant, Shape, Weight
from ..layout import Axes, channels_last, merged
from ..workbench import Refused
from .tflite_context import TRUTH, Importer, Value
from .tflite_spectrum import SPECTRUM
from .tflite_windows import QUANTISED, WINDOWS, Handler, same_type

_BINARY = {
    "ADD": "add",
    "SUB": "sub",
    "MUL": "mult",
    "MAXIMUM": "maximum",
    "MINIMUM": "minimum",
    "SQUARED_DIFFERENCE": "squared_difference",
    "DIV": "div",
    "POW": "pow",
}


def binary(imp: Importer, op: Any) -> None:
    """Functions of two values; smaller operands are aligned at the last axis and broadcast."""
    a, b = imp.value(op, 0), imp.value(op, 1)
    same_type(imp, op, a, b)
    shape, axes = broadcast(imp, op, a, b)
    attrs = {}
    if op.op in ("MAXIMUM", "MINIMUM"):
        imp.same_quant(op, a)
        imp.same_quant(op, b)
    elif hasattr(op.options, "FusedActivationFunction"):
        attrs["activation"] = imp.activation(op)
    names = [imp.view(v, len(shape), axes) for v in (a, b)]
    imp.emit(op, _BINARY[op.op], names, shape, made=axes.place(shape), attrs=attrs)


_RELATIONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")


def compare(imp: Importer, op: Any) -> None:
    """EQUAL, LESS ...: truth is 1 or 0 in the operands' type."""
    a, b = imp.value(op, 0), imp.value(op, 1)
    if a.dtype != b.dtype:
        raise Refused(f"compares {a.dtype} with {b.dtype}; expected one type")
    shape, axes = broadcast(imp, op, a, b)
    names = [imp.view(v, len(shape), axes) for v in (a, b)]
    dtype = imp.graph.tensors[names[0]].dtype
    imp.truth[op.outputs[0]] = (dtype, TRUTH if dtype == "int8" else None)
    attrs = {"relation": op.op.lower()}
    imp.emit(op, "compare", names, shape, made=axes.place(shape), attrs=attrs)


def select(imp: Importer, op: Any) -> None:
    """SELECT, SELECT_V2."""
    values = [imp.value(op, k) for k in range(3)]
    same_type(imp, op, *values[1:])
    imp.same_quant(op, values[1])
    imp.same_quant(op, values[2])
    if op.op == "SELECT" and len(values[0].shape) == 1 < len(values[1].shape):  # chooses whole parts of the first axis
        values[0] = replace(values[0], shape=values[0].shape + (1,) * (len(values[1].shape) - 1))
    shape, axes = broadcast(imp, op, *values)
    names = [imp.view(v, len(shape), axes) for v in values]
    imp.emit(op, "select", names, shape, made=axes.place(shape))


def top_k(imp: Importer, op: Any) -> None:
    """TOPK_V2: values and indices, over the last axis."""
    source, (k,) = imp.value(op, 0), imp.integers(op, 1, "count", 1)
    if not source.shape or not 1 <= k <= source.shape[-1]:
        raise ModelError(f"{imp.at(op)}: the {k} largest of shape {list(source.shape)}")
    imp.same_quant(op, source)
    h, w, c = imp.shape_of(source)
    made, name = (h * w, 1, k), imp.name(source, (h * w, 1, c))
    for i in range(len(op.outputs)):
        attrs = {"count": k, "indices": i == 1}
        imp.emit(op, "top_k", [name], (*source.shape[:-1], k), made=made, k=i, attrs=attrs)


def power(imp: Importer, op: Any) -> None:
    """POW: one constant exponent makes it a function of one value."""
    source, exponent = imp.value(op, 0), imp.value(op, 1)
    if source.data is not None or exponent.data is None or exponent.data.size != 1 or source.dtype != "FLOAT32":
        binary(imp, op)
        return
    same_type(imp, op, source, exponent)
    shape, _ = broadcast(imp, op, source, exponent)
    attrs = {"kind": "pow", "alpha": float(exponent.data.reshape(-1)[0])}
    imp.emit(op, "activation", [imp.name(source)], shape, attrs=attrs)


def broadcast(imp: Importer, op: Any, *values: Value) -> tuple[tuple[int, ...], Axes]:
    """(shape of the result, mapping of its axes) of operands aligned at the last axis."""
    try:
        shape = np.broadcast_shapes(*(v.shape for v in values))
    except ValueError:
        text = " and ".join(str(list(v.shape)) for v in values)
        raise ModelError(f"{imp.at(op)}: operands {text} do not broadcast") from None
    padded = [(1,) * (len(shape) - len(v.shape)) + v.shape for v in values]
    repeats = ["".join(str(k) for k, p in enumerate(padded) if p[i] != n) for i, n in enumerate(shape)]
    axes = channels_last(shape) or merged(shape, repeats)
    if axes is None:
        raise Refused(f"repeats operands {', '.join(str(list(v.shape)) for v in values)} along too many axes apart")
    return shape, axes


_UNARY: dict[str, dict[str, Any]] = {
    "RELU": {"kind": "relu"},
    "RELU6": {"kind": "relu6"},
    "RELU_N1_TO_1": {"kind": "relu_n1_to_1"},
    "LOGISTIC": {"kind": "sigmoid"},
    "TANH": {"kind": "tanh"},
    "ELU": {"kind": "elu", "alpha": 1.0},
    "HARD_SWISH": {"kind": "hard_swish"},
    "GELU": {"kind": "gelu"},
    **{
        name: {"kind": name.lower()}
        for name in "ABS NEG EXP SQRT RSQRT LOG SQUARE SIN COS FLOOR CEIL ROUND SIGN".split()
    },
}

# Functions of each element alone, besides those of two operands.
ELEMENTWISE = {*_BINARY, *_UNARY, "LEAKY_RELU", "PRELU", "QUANTIZE", "DEQUANTIZE"}


def unary(imp: Importer, op: Any) -> None:
    """Functions of one value."""
    source = imp.value(op, 0)
    same_type(imp, op, source)
    attrs = {"kind": "gelu_tanh"} if getattr(op.options, "Approximate", False) else dict(_UNARY[op.op])
    imp.emit(op, "activation", [imp.name(source)], source.shape, attrs=attrs)


def leaky_relu(imp: Importer, op: Any) -> None:
    """LEAKY_RELU."""
    source, alpha = imp.value(op, 0), float(op.options.Alpha)
    same_type(imp, op, source)
    if not np.isfinite(alpha):
        raise ModelError(f"{imp.at(op)}: alpha is {alpha}; expected a number")
    imp.emit(op, "activation", [imp.name(source)], source.shape, attrs={"kind": "leaky_relu", "alpha": alpha})


def _slopes(imp: Importer, op: Any, source: Value) -> tuple[Value, np.ndarray]:
    """The constant alpha and its data; int8 beside an input of int16 becomes int16, which changes no slope."""
    data, value = imp.constant(op, 1, "alpha"), imp.value(op, 1)
    if source.dtype == "INT16" and value.dtype == "INT8":
        quant = imp.quant_of(imp.model.tensors[op.inputs[1]])
        data = data.astype(np.int16) - np.int16(quant.zero_point)
        value = replace(value, dtype="INT16", data=data, quant=replace(value.quant, zero_point=np.zeros(1, np.int64)))
    return value, data


def prelu(imp: Importer, op: Any) -> None:
    """alpha per channel is a weight (if asymmetric with attribute alpha_zero_point), else a second operand."""
    source = imp.value(op, 0)
    value, data = _slopes(imp, op, source)
    same_type(imp, op, source, value)
    channels = source.shape[-1] if source.shape else 1
    if data.size not in (1, channels) or (data.ndim and data.shape[-1] != data.size):
        if np.broadcast_shapes(source.shape, data.shape) != source.shape:
            raise ModelError(f"{imp.at(op)}: alpha of shape {list(data.shape)} for an input {list(source.shape)}")
        slopes = imp.view(value, len(source.shape), imp.axes(source.shape))
        imp.emit(op, "prelu", [imp.name(source), slopes], source.shape)
        return
    weight, attrs = Weight(np.broadcast_to(data.reshape(-1), (channels,))), {}
    if value.dtype in (*QUANTISED, "INT16"):
        q = imp.quant_of(imp.model.tensors[op.inputs[1]])
        zero = 0 if value.dtype == "INT16" else q.zero_point
        weight.scale, attrs["alpha_zero_point"] = np.array([q.scale], np.float32), zero
        if value.dtype == "UINT8":
            weight.data = (weight.data.astype(np.int16) - 128).astype(np.int8)
    imp.emit(op, "prelu", [imp.name(source)], source.shape, attrs=attrs, weights={"alpha": weight})


def softmax(imp: Importer, op: Any) -> None:
    """SOFTMAX, LOG_SOFTMAX, L2_NORMALIZATION, over the last axis."""
    source = imp.value(op, 0)
    same_type(imp, op, source)
    beta = float(op.options.Beta) if op.op == "SOFTMAX" else 1.0
    if not 0.0 < beta < np.inf:
        raise ModelError(f"{imp.at(op)}: beta is {beta}; expected a number above 0")
    kind = {"SOFTMAX": "softmax", "LOG_SOFTMAX": "log_softmax", "L2_NORMALIZATION": "l2_norm"}[op.op]
    if kind == "l2_norm" and imp.activation(op) != "none":
        raise Refused("a fused activation; expected none")
    imp.emit(op, kind, [imp.name(source)], source.shape, attrs={"beta": beta} if beta != 1.0 else {})


def reduce(imp: Importer, op: Any) -> None:
    """MEAN, SUM, REDUCE_MAX, REDUCE_MIN; a float mean over height and width is global_avg_pool."""
    source = imp.value(op, 0)
    same_type(imp, op, source)
    rank = len(source.shape)
    chosen = {imp.axis(op, a, rank) for a in imp.integers(op, 1, "axes")}
    keep = op.options.KeepDims
    shape = tuple(1 if i in chosen else n for i, n in enumerate(source.shape) if keep or i not in chosen)
    mapped = channels_last(source.shape) or merged(
        source.shape, ["reduced" if i in chosen else "" for i in range(rank)]
    )
    if mapped is None:
        raise Refused(f"reduces axes {sorted(chosen)} of shape {list(source.shape)}; expected up to three parts")
    axes = tuple(sorted({at for a in chosen if (at := mapped[a]) is not None}))
    before = mapped.place(source.shape)
    h, w, c = (1 if i in axes else n for i, n in enumerate(before))
    made = (h, w, c)
    kind = {"MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "max", "REDUCE_MIN": "min"}[op.op]
    if kind in ("max", "min"):
        imp.same_quant(op, source)
    if not axes and source.dtype == "FLOAT32":
        imp.alias(op, source, shape)
    elif kind == "mean" and source.dtype == "FLOAT32" and made == (1, 1, before[2]):
        imp.emit(op, "global_avg_pool", [imp.name(source, before)], shape, made=made)
    else:
        imp.emit(op, "reduce", [imp.name(source, before)], shape, made=made, attrs={"kind": kind, "axes": axes})


def arg(imp: Importer, op: Any) -> None:
    """ARG_MAX, ARG_MIN."""
    source = imp.value(op, 0)
    axis = imp.axis(op, imp.integers(op, 1, "axis", 1)[0], len(source.shape))
    shape = source.shape[:axis] + source.shape[axis + 1 :]
    axes = imp.apart(source.shape, axis)
    mapped = axes[axis]
    h, w, c = (1 if i == mapped else n for i, n in enumerate(axes.place(source.shape)))
    kind = "arg_max" if op.op == "ARG_MAX" else "arg_min"
    name = imp.name(source, axes.place(source.shape))
    imp.emit(op, kind, [name], shape, made=(h, w, c), attrs={"axis": mapped})


def quantize(imp: Importer, op: Any) -> None:
    """Between float32, int8, int16 and uint8; where nothing changes the tensor is passed on.

    CAST takes the stored number: of a tensor with scale 1 and the file's zero point 0 that is its value.
    """
    source, tensor = imp.value(op, 0), imp.tensor(op)
    dtype, quant = imp.type_of(tensor)
    name = imp.name(source)
    before = imp.graph.tensors[name]
    if (before.dtype, before.quant) == (dtype, quant):
        imp.check_shape(op, tensor, source.shape)
        imp.define(op, 0, Value(source.shape, tensor.dtype, name, quant=tensor.quant))
        return
    plain = before.quant == Quant(1.0, -128 if source.dtype == "UINT8" else 0)
    kind = {"QUANTIZE": "quantize", "DEQUANTIZE": "dequantize", "CAST": "dequantize" if plain else "cast"}[op.op]
    good = {
        "quantize": ("float32 int8 int16", "int8 int16"),
        "dequantize": ("int8 int16", "float32"),
        "cast": ("float32 int32", "float32 int32"),
    }
    if before.dtype not in good[kind][0].split() or dtype not in good[kind][1].split():
        raise Refused(f"from {source.dtype} to {tensor.dtype}; expected from {good[kind][0]} to {good[kind][1]}")
    imp.emit(op, kind, [name], source.shape)


def batch_matmul(imp: Importer, op: Any) -> None:
    """[.., M, K] x [.., K, N], at most one leading axis with a size > 1: h counts matrices, w and c are their axes."""
    a, b = imp.value(op, 0), imp.value(op, 1)
    same_type(imp, op, a, b)
    matrices: list[Shape] = []
    for v in (a, b):
        if len(v.shape) < 2 or sum(n != 1 for n in v.shape[:-2]) > 1:
            raise Refused(f"operand of shape {list(v.shape)}; expected matrices with at most one leading axis")
        matrices.append((math.prod(v.shape[:-2]), v.shape[-2], v.shape[-1]))
    (na, ra, ca), (nb, rb, cb) = matrices
    m, k = (ca, ra) if op.options.AdjX else (ra, ca)
    k2, n = (cb, rb) if op.options.AdjY else (rb, cb)
    if k != k2 or (na != nb and 1 not in (na, nb)):
        raise ModelError(f"{imp.at(op)}: operands {list(a.shape)} and {list(b.shape)} do not fit")
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    names = [imp.name(v, s) for v, s in zip((a, b), matrices, strict=True)]
    attrs = {"adj_x": bool(op.options.AdjX), "adj_y": bool(op.options.AdjY)}
    imp.emit(op, "batch_matmul", names, (*lead, m, n), made=(max(na, nb), m, n), attrs=attrs)


def concatenation(imp: Importer, op: Any) -> None:
    """CONCATENATION."""
    values = [imp.value(op, k) for k in range(len(op.inputs))]
    rank = len(values[0].shape)
    axis = imp.axis(op, op.options.Axis, rank)
    shape = list(values[0].shape)
    for v in values:
        imp.same_quant(op, v)
        if len(v.shape) != rank or any(v.shape[i] != shape[i] for i in range(rank) if i != axis):
            raise ModelError(
                f"{imp.at(op)}: inputs {[list(x.shape) for x in values[:8]]} differ in more than axis {axis}"
            )
    shape[axis] = sum(v.shape[axis] for v in values)
    join(imp, op, values, tuple(shape), axis)


def join(imp: Importer, op: Any, values: list[Value], shape: tuple[int, ...], axis: int) -> None:
    """Concatenates along `axis` of the result's `shape`; values of the same rank."""
    if len(values) == 1:
        imp.alias(op, values[0], shape)
        return
    axes = imp.apart(shape, axis)
    names = [imp.view(v, len(shape), axes) for v in values if math.prod(v.shape)]
    made = axes.place(shape)
    activation = imp.activation(op) if hasattr(op.options, "FusedActivationFunction") else "none"
    attrs = {"axis": axes[axis]}
    if activation == "none":
        imp.emit(op, "concat", names, shape, made=made, attrs=attrs)
        return
    dtype, quant = imp.type_of(imp.tensor(op))
    name = imp.graph.unique(f"{imp.tensor(op).name}_linear")
    imp.graph.add(Node("concat", name, names, name, attrs), made, dtype, quant)
    imp.emit(op, "activation", [name], shape, made=made, attrs={"kind": activation})


LAYERS: dict[str, Handler] = {
    **WINDOWS,
    **SPECTRUM,
    **dict.fromkeys(_BINARY, binary),
    "POW": power,
    **dict.fromkeys(_RELATIONS, compare),
    **dict.fromkeys(("SELECT", "SELECT_V2"), select),
    "TOPK_V2": top_k,
    **dict.fromkeys(_UNARY, unary),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), reduce),
    **dict.fromkeys(("SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION"), softmax),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), arg),
    **dict.fromkeys(("QUANTIZE", "DEQUANTIZE", "CAST"), quantize),
    "LEAKY_RELU": leaky_relu,
    "PRELU": prelu,
    "BATCH_MATMUL": batch_matmul,
    "CONCATENATION": concatenation,
}
