# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's operators that are made of layers which others have, too: truths, running sums, sums of many, rows by index.

Every function takes the importer and the operator and defines the operator's outputs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import ModelError
from ...graph import Node, Quant, Shape, Tensor
from ..workbench import Refused
from .tflite_context import Importer, Value
from .tflite_layers import broadcast
from .tflite_picks import look_up
from .tflite_windows import Handler, image, window


def _need_float(op: Any, value: Value) -> None:
    if value.dtype != "FLOAT32":
        raise Refused(f"{value.dtype.lower()}; expected float32")


def _inner(
    imp: Importer, op: Any, kind: str, inputs: list[str], shape: Shape, attrs: dict[str, Any] | None = None
) -> str:
    """A node on the way to output 0, of its type; the name of what it makes."""
    dtype, quant = imp.type_of(imp.tensor(op))
    name = imp.graph.unique(f"{imp.tensor(op).name}_{kind}")
    return imp.graph.add(Node(kind, name, inputs, name, attrs or {}), shape, dtype, quant)


# ---- Truths: 1 or 0 in the type of what was compared ----


def _truth_of(imp: Importer, op: Any, *names: str) -> tuple[str, Quant | None]:
    """The type that all tensors and then output 0 have."""
    types = {(imp.graph.tensors[n].dtype, imp.graph.tensors[n].quant) for n in names}
    if len(types) != 1:
        raise Refused("truths of comparisons of different types; expected one type")
    imp.truth[op.outputs[0]] = next(iter(types))
    return next(iter(types))


def logical_two(imp: Importer, op: Any) -> None:
    """LOGICAL_AND, LOGICAL_OR: the smaller, the larger of both."""
    a, b = imp.value(op, 0), imp.value(op, 1)
    shape, axes = broadcast(imp, op, a, b)
    names = [imp.view(v, len(shape), axes) for v in (a, b)]
    _truth_of(imp, op, *names)
    imp.emit(op, "minimum" if op.op == "LOGICAL_AND" else "maximum", names, shape, made=axes.place(shape))


def logical_not(imp: Importer, op: Any) -> None:
    """LOGICAL_NOT: equal to 0."""
    source = imp.value(op, 0)
    name = imp.name(source)
    dtype, quant = _truth_of(imp, op, name)
    zero = imp.graph.unique("constant")
    imp.graph.add_tensor(Tensor(zero, (1, 1, 1), dtype, quant, np.zeros((1, 1, 1), dtype)))
    imp.emit(op, "compare", [name, zero], source.shape, attrs={"relation": "equal"})


def every(imp: Importer, op: Any) -> None:
    """REDUCE_ALL, REDUCE_ANY: the smallest, the largest along axes."""
    source = imp.value(op, 0)
    rank = len(source.shape)
    chosen = {imp.axis(op, a, rank) for a in imp.integers(op, 1, "axes")}
    shape = tuple(1 if i in chosen else n for i, n in enumerate(source.shape) if op.options.KeepDims or i not in chosen)
    mapped = imp.axes(source.shape, chosen)
    before = mapped.place(source.shape)
    axes = tuple(sorted({at for a in chosen if (at := mapped[a]) is not None}))
    h, w, c = (1 if i in axes else n for i, n in enumerate(before))
    name = imp.name(source, before)
    _truth_of(imp, op, name)
    if not axes:
        imp.finish(op, name, shape)
        return
    attrs = {"kind": "min" if op.op == "REDUCE_ALL" else "max", "axes": axes}
    imp.emit(op, "reduce", [name], shape, made=(h, w, c), attrs=attrs)


# ---- Sums ----


def add_n(imp: Importer, op: Any) -> None:
    """ADD_N in float: from the first to the last, as the reference adds."""
    values = [imp.value(op, k) for k in range(len(op.inputs))]
    for v in values:
        _need_float(op, v)
        if v.shape != values[0].shape:
            raise ModelError(f"{imp.at(op)}: inputs {[list(x.shape) for x in values[:8]]}; expected one shape")
    if len(values) == 1:
        imp.alias(op, values[0], values[0].shape)
        return
    made, total = imp.shape_of(values[0]), imp.name(values[0])
    for v in values[1:-1]:
        total = _inner(imp, op, "add", [total, imp.name(v)], made)
    imp.emit(op, "add", [total, imp.name(values[-1])], values[0].shape)


def running_sum(imp: Importer, op: Any) -> None:
    """CUMSUM in float: a matrix of ones and zeros times the axis."""
    source = imp.value(op, 0)
    _need_float(op, source)
    axis = imp.axis(op, imp.integers(op, 1, "axis", 1)[0], len(source.shape))
    n = source.shape[axis]
    ones = np.tril(np.ones((n, n), np.float32), -1 if op.options.Exclusive else 0)
    matrix = imp.graph.unique("constant")
    data = ones[::-1, ::-1] if op.options.Reverse else ones
    imp.graph.add_tensor(Tensor(matrix, (1, n, n), "float32", None, np.ascontiguousarray(data).reshape(1, n, n)))
    made = (math.prod(source.shape[:axis]), n, math.prod(source.shape[axis + 1 :]))
    attrs = {"adj_x": False, "adj_y": False}
    imp.emit(op, "batch_matmul", [matrix, imp.name(source, made)], source.shape, made=made, attrs=attrs)


def l2_pool(imp: Importer, op: Any) -> None:
    """L2_POOL_2D in float: the root of the mean of squares."""
    source = imp.value(op, 0)
    _need_float(op, source)
    h, w, c = image(imp, op, source)
    kernel = (op.options.FilterHeight, op.options.FilterWidth)
    attrs, (out_h, out_w) = window(imp, op, (h, w), kernel)
    del attrs["dilation"]
    activation = attrs.pop("activation", "none")
    squares = _inner(imp, op, "activation", [imp.name(source)], (h, w, c), {"kind": "square"})
    means = _inner(imp, op, "avg_pool", [squares], (out_h, out_w, c), {"kernel": kernel, **attrs})
    shape = (*source.shape[:-3], out_h, out_w, c)
    if activation != "none":
        means = _inner(imp, op, "activation", [means], (out_h, out_w, c), {"kind": "sqrt"})
    imp.emit(op, "activation", [means], shape, attrs={"kind": "sqrt" if activation == "none" else activation})


def floor_div(imp: Importer, op: Any) -> None:
    """FLOOR_DIV in float."""
    a, b = imp.value(op, 0), imp.value(op, 1)
    _need_float(op, a)
    _need_float(op, b)
    shape, axes = broadcast(imp, op, a, b)
    made = axes.place(shape)
    quotient = _inner(imp, op, "div", [imp.view(v, len(shape), axes) for v in (a, b)], made)
    imp.emit(op, "activation", [quotient], shape, made=made, attrs={"kind": "floor"})


# ---- Rows by index ----


def embedding(imp: Importer, op: Any) -> None:
    """EMBEDDING_LOOKUP: GATHER of rows, the indices first."""
    look_up(imp, op, imp.value(op, 1), 0)


def gather_nd(imp: Importer, op: Any) -> None:
    """GATHER_ND: constant indices, or computed ones of rows of a constant."""
    source, indices = imp.value(op, 0), imp.value(op, 1)
    depth = indices.shape[-1] if indices.shape else 0
    if not 1 <= depth <= len(source.shape):
        raise ModelError(f"{imp.at(op)}: indices {list(indices.shape)} into shape {list(source.shape)}")
    rest, picked = source.shape[depth:], indices.shape[:-1]
    if indices.data is None:
        if depth > 1:
            raise Refused(f"computed indices of {depth} axes; expected one axis, or constant indices")
        look_up(imp, op, source, 1, (*picked, *rest))
        return
    data = imp.constant(op, 1, "indices").reshape(-1, depth)
    if data.size > 65536 or data.size == 0 or (data < 0).any() or (data >= np.array(source.shape[:depth])).any():
        raise ModelError(f"{imp.at(op)}: {data.size} indices into {list(source.shape[:depth])}; one is outside")
    imp.same_quant(op, source)
    flat = np.ravel_multi_index(tuple(data.T), source.shape[:depth])
    rows = (math.prod(source.shape[:depth]), 1, math.prod(rest))
    attrs = {"axis": 0, "indices": flat.tolist()}
    imp.emit(op, "gather", [imp.name(source, rows)], (*picked, *rest), made=(len(flat), 1, rows[2]), attrs=attrs)


COMPOSED: dict[str, Handler] = {
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_OR"), logical_two),
    "LOGICAL_NOT": logical_not,
    **dict.fromkeys(("REDUCE_ALL", "REDUCE_ANY"), every),
    "ADD_N": add_n,
    "CUMSUM": running_sum,
    "L2_POOL_2D": l2_pool,
    "FLOOR_DIV": floor_div,
    "EMBEDDING_LOOKUP": embedding,
    "GATHER_ND": gather_nd,
}
