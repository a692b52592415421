# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX's products of matrices: Gemm and MatMul.

One vector times constant weights is a dense layer, whose weights are put into the order in which the vector's memory
lies; several vectors are a 1 x 1 convolution. Two activations are a batch_matmul.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...graph import Weight
from ..axis_map import AxisMap
from ..workbench import Refused
from .onnx_context import Value
from .onnx_places import Importer
from .onnx_reader import FileNode
from .onnx_windows import Handler, expect_real


def gemm(imp: Importer, node: FileNode) -> None:
    """Gemm: alpha * A B + beta * C."""
    a, b = imp.value(node, 0), imp.value(node, 1)
    expect_real(node, a, b)
    alpha, beta = imp.attr_real(node, "alpha", 1.0), imp.attr_real(node, "beta", 1.0)
    if len(a.shape) != 2 or len(b.shape) != 2:
        imp.fail(node, f"operands of shapes {list(a.shape)} and {list(b.shape)}; expected two axes")
    if imp.attr_int(node, "transA", 0):
        a = replace(a, shape=a.shape[::-1], map=a.axes.transposed((1, 0)), data=None if a.data is None else a.data.T)
    if a.data is not None or b.data is None:
        raise Refused("its second operand is computed when the model runs; use MatMul and Add")
    weights, scale = imp.weights(node, 1, "weight tensor")
    weights = weights.T if not imp.attr_int(node, "transB", 0) else weights
    units = weights.shape[0]
    if alpha != 1.0:
        imp.memory.take(weights.nbytes)
        weights = (weights * np.float32(alpha)).astype(np.float32)
    arrays = {}
    if imp.has(node, 2) and beta != 0.0:
        other = imp.value(node, 2)
        if other.data is None or other.data.size not in (1, units) or other.shape[-1:] not in ((), (other.data.size,)):
            _gemm_and_add(imp, node, a, Weight(weights, scale), other, beta)
            return
        c = imp.real(node, 2, "bias")
        data = (np.float32(beta) * np.broadcast_to(c.reshape(-1), (units,))).astype(np.float32)
        arrays["bias"] = imp.bias(node, other, data, a.name, scale)
    product(imp, node, a, Weight(weights, scale), (a.shape[0], units), arrays)


def _gemm_and_add(imp: Importer, node: FileNode, a: Value, weight: Weight, other: Value, beta: float) -> None:
    """A Gemm whose third operand is no bias: it is added to the product."""
    if imp.form is not None:
        raise Refused(f"a third operand of shape {list(other.shape)} in int8; expected a bias")
    inner = replace(node, outputs=[f"{node.outputs[0]}:product"], inputs=node.inputs[:2])
    product(imp, inner, a, weight, (a.shape[0], weight.data.shape[0]), {})
    if beta != 1.0:
        if other.data is None:
            raise Refused(f"beta {beta} times an operand that is computed when the model runs; expected 1")
        other = Value(other.shape, "float32", data=(np.float32(beta) * other.data).astype(np.float32))
    names, made, where = imp.aligned(node, [imp.values[inner.outputs[0]], other])
    imp.emit(node, "add", names, made, where)


def matmul(imp: Importer, node: FileNode) -> None:
    """MatMul, of it constants on either side."""
    a, b = imp.value(node, 0), imp.value(node, 1)
    expect_real(node, a, b)
    if b.data is None or len(b.shape) > 2:
        _two_activations(imp, node, a, b)
        return
    weights, scale = imp.weights(node, 1, "weight tensor")
    shape = (*a.shape[:-1], *b.shape[1:])
    weights = weights.reshape(weights.shape[0], -1).T
    product(imp, node, a, Weight(weights, scale), shape, {})


def product(
    imp: Importer,
    node: FileNode,
    a: Value,
    weight: Weight,
    shape: tuple[int, ...],
    arrays: dict[str, Weight],
) -> None:
    """A [.., K] times weights [units, K]: a result of `shape`."""
    weights, scale = weight.data, weight.scale
    if not a.shape or a.shape[-1] != weights.shape[1] or weights.size == 0:
        imp.fail(node, f"{list(a.shape)} times {list(weights.shape[::-1])} do not fit")
    units, last = weights.shape[0], len(a.shape) - 1
    rows = math.prod(a.shape[:-1])
    arrays, where = imp.with_add(node, arrays, weight, a.name, len(shape), 0)
    name = where.outputs[0]
    if rows == 1:
        own = AxisMap.of((units, *a.shape), None)
        parts = tuple(p._replace(axis=p.axis + 1) for p in a.axes.parts)
        turned = AxisMap(own.shape, (*(p for p in own.parts if p.axis == 0), *parts)).arranged(
            weights.reshape(own.shape)
        )
        arrays["weights"] = Weight(np.ascontiguousarray(turned.reshape(units, -1)), scale)
        source = a.name or imp.sided(a, (), (), (last,))
        made = imp.node(name, "dense", [source], (1, 1, units), None, arrays)
        imp.finish(where, made, AxisMap.of(shape))
        return
    order = _rows(a, last)
    sides: tuple[tuple[int, ...], ...] = (order[:1], order[1:], (last,))
    source = imp.sided(a, *sides)
    h, w, _ = imp.graph.tensors[source].shape
    arrays["weights"] = Weight(np.ascontiguousarray(weights).reshape(units, 1, 1, -1), scale)
    attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0)}
    made = imp.node(name, "conv2d", [source], (h, w, units), attrs, arrays)
    imp.finish(where, made, AxisMap.of(shape, (*order, last) if len(shape) > last else order))


def _rows(a: Value, last: int) -> tuple[int, ...]:
    """The axes but the last one in the order in which they lie."""
    found = dict.fromkeys(p.axis for p in a.axes.parts if p.axis != last)
    return tuple(found)


def _two_activations(imp: Importer, node: FileNode, a: Value, b: Value) -> None:
    """[.., M, K] x [.., K, N], at most one leading axis of more than 1: h counts matrices, w and c are their axes."""
    if min(len(a.shape), len(b.shape)) < 2:
        raise Refused(f"operands of shapes {list(a.shape)} and {list(b.shape)}; expected matrices")
    names: list[str] = []
    leads: list[tuple[int, ...]] = []
    for v in (a, b):
        if sum(n != 1 for n in v.shape[:-2]) > 1 and not v.axes.straight:
            raise Refused(f"operand of shape {list(v.shape)}; expected matrices with at most one leading axis")
        rank = len(v.shape)
        names.append(imp.sided(v, tuple(range(rank - 2)), (rank - 2,), (rank - 1,)))
        leads.append(v.shape[:-2])
    (na, m, k), (nb, k2, n) = (imp.graph.tensors[name].shape for name in names)
    if k != k2:
        imp.fail(node, f"operands {list(a.shape)} and {list(b.shape)} do not fit")
    if leads[0] != leads[1] and 1 not in (na, nb):
        raise Refused(f"operands of shapes {list(a.shape)} and {list(b.shape)} repeat each other's matrices")
    lead = np.broadcast_shapes(*leads)
    attrs = {"adj_x": False, "adj_y": False}
    imp.emit(node, "batch_matmul", names, (max(na, nb), m, n), AxisMap.of((*lead, m, n)), attrs=attrs)


DENSE: dict[str, Handler] = {"Gemm": gemm, "MatMul": matmul}
