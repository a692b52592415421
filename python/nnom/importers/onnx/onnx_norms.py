# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX's normalisations, softmax and reductions.

Normalisations with statistics of the sample are put together of plain operators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph import Weight
from ..axis_map import AxisMap
from ..workbench import Refused
from .onnx_context import Value
from .onnx_functions import activation, with_number
from .onnx_places import Importer
from .onnx_reader import FileNode
from .onnx_windows import Handler, expect_real

_REDUCTIONS = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min"}


def batch_norm(imp: Importer, node: FileNode) -> None:
    """BatchNormalization with what it learnt; it is folded into its neighbours later."""
    x = imp.value(node, 0)
    expect_real(node, x)
    if imp.attr_int(node, "training_mode", 0) or imp.wants(node, 1):
        raise Refused("normalises with the statistics of the batch; call model.eval() before the export")
    if len(x.shape) < 2:
        imp.fail(node, f"input of shape {list(x.shape)}; expected channels as axis 1")
    channels = x.shape[1]
    arrays = [imp.real(node, k, what) for k, what in enumerate(("scale", "bias", "mean", "variance"), 1)]
    if any(a.size != channels for a in arrays):
        imp.fail(node, f"{[a.size for a in arrays]} numbers for {channels} channels")
    names = ("gamma", "beta", "mean", "variance")
    weights = {n: Weight(a.reshape(channels)) for n, a in zip(names, arrays, strict=True)}
    order = [p for p in dict.fromkeys(p.axis for p in x.axes.parts) if p != 1]
    sides = (order[:1], order[1:], [1])
    name = imp.sided(x, *sides)
    made = imp.graph.tensors[name].shape
    attrs = {"epsilon": imp.attr_real(node, "epsilon", 1e-5)}
    imp.emit(node, "batch_norm", [name], made, AxisMap.of(x.shape, (*order, 1)), attrs=attrs, weights=weights)


def instance_norm(imp: Importer, node: FileNode) -> None:
    """InstanceNormalization: each channel by itself."""
    x = imp.value(node, 0)
    expect_real(node, x)
    if len(x.shape) < 3 or x.shape[0] != 1:
        raise Refused(f"input of shape {list(x.shape)}; expected [1, C, ...]")
    y = standardised(imp, node, x, range(2, len(x.shape)), imp.attr_real(node, "epsilon", 1e-5))
    shape = (x.shape[1], *(1,) * (len(x.shape) - 2))
    _scaled(imp, node, y, [(1, shape), (2, shape)])


def layer_norm(imp: Importer, node: FileNode) -> None:
    """LayerNormalization over the last axes, RMSNormalization."""
    x = imp.value(node, 0)
    expect_real(node, x)
    rank = len(x.shape)
    if imp.wants(node, 1) or imp.wants(node, 2):
        raise Refused("gives its mean or deviation, too; expected the values alone")
    axis = imp.axis(node, imp.attr_int(node, "axis", -1), rank)
    centre = node.op == "LayerNormalization"
    y = standardised(imp, node, x, range(axis, rank), imp.attr_real(node, "epsilon", 1e-5), centre)
    _scaled(imp, node, y, [(k, None) for k in (1, 2) if imp.has(node, k)])


def group_norm(imp: Importer, node: FileNode) -> None:
    """GroupNormalization: channels in groups. Of opset 18 a scale for each group, later for each channel."""
    x, groups = imp.value(node, 0), imp.attr_int(node, "num_groups", 0)
    expect_real(node, x)
    if len(x.shape) < 3 or x.shape[0] != 1 or groups < 1 or x.shape[1] % groups:
        raise Refused(f"{groups} groups of an input of shape {list(x.shape)}; expected [1, C, ...]")
    parted = x.axes.reshaped((1, groups, x.shape[1] // groups, *x.shape[2:]))
    assert parted is not None  # an axis of its own is cut in two
    y = Value(parted.shape, "float32", x.name, parted)
    y = standardised(imp, node, y, range(2, len(parted.shape)), imp.attr_real(node, "epsilon", 1e-5))
    ones = (1,) * (len(x.shape) - 2)
    if imp.opset < 21:
        _scaled(imp, node, y, [(k, (groups, 1, *ones)) for k in (1, 2)])
    else:
        _scaled(imp, node, y, [(k, (groups, x.shape[1] // groups, *ones)) for k in (1, 2)])
    y = imp.values.pop(node.outputs[0])
    back = y.axes.reshaped(x.shape)
    assert back is not None
    imp.alias(node, y, back)


def standardised(
    imp: Importer, node: FileNode, x: Value, axes: Sequence[int], epsilon: float, centre: bool = True
) -> Value:
    """(x - mean) / sqrt(variance + epsilon) over axes; without centre x / sqrt(mean(x ** 2) + epsilon)."""
    wanted = node.outputs[0]
    if centre:
        x = _two(imp, node, "sub", f"{wanted}_centred", x, reduced(imp, x, axes, "mean", f"{wanted}_mean"))
    squares = Value(x.shape, "float32", activation(imp, x, f"{wanted}_square", "square"), x.axes)
    variance = reduced(imp, squares, axes, "mean", f"{wanted}_variance")
    raised = with_number(imp, "add", variance.name, f"{wanted}_raised", epsilon)
    variance.name = raised
    variance.name = activation(imp, variance, f"{wanted}_rsqrt", "rsqrt")
    return _two(imp, node, "mult", f"{wanted}_normalised", x, variance)


def _two(imp: Importer, node: FileNode, kind: str, wanted: str, a: Value, b: Value) -> Value:
    names, made, where = imp.aligned(node, [a, b])
    return Value(where.shape, "float32", imp.node(wanted, kind, names, made), where.joined())


def _scaled(imp: Importer, node: FileNode, y: Value, operands: Sequence[tuple[int, tuple[int, ...] | None]]) -> None:
    """Times the first, plus the second of the inputs named, in the shapes named."""
    for (k, shape), kind in zip(operands, ("mult", "add"), strict=False):
        data = imp.real(node, k, "scale" if k == 1 else "bias")
        if shape is not None and data.size != math.prod(shape):
            imp.fail(node, f"input {k} of {data.size} numbers; expected {math.prod(shape)}")
        data = data if shape is None else data.reshape(shape)
        y = _two(imp, node, kind, f"{node.outputs[0]}_{kind}", y, Value(data.shape, "float32", data=data))
    imp.define(node, 0, y)


def reduced(imp: Importer, x: Value, axes: Sequence[int], kind: str, wanted: str) -> Value:
    """A mean, sum, maximum or minimum over axes, which stay with size 1."""
    chosen = [a for a in axes if x.shape[a] != 1]
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    if not chosen:
        return Value(shape, "float32", x.name, AxisMap(shape, x.axes.parts))
    place = imp.together(x, chosen)
    sides = tuple(1 if side in place.side.values() else n for side, n in enumerate(place.shape))
    h, w, c = sides
    where = AxisMap(shape, tuple(p for p in place.map.parts if p.axis not in axes)).joined()
    before = place.shape
    if kind == "mean" and (h, w, c) == (1, 1, before[2]):
        return Value(shape, "float32", imp.node(wanted, "global_avg_pool", [place.name], (h, w, c)), where)
    attrs = {"kind": kind, "axes": tuple(sorted(set(place.side.values())))}
    return Value(shape, "float32", imp.node(wanted, "reduce", [place.name], (h, w, c), attrs), where)


def reduce(imp: Importer, node: FileNode) -> None:
    """ReduceMean, ReduceSum, ReduceMax, ReduceMin, and norms: ReduceL1, ReduceL2, ReduceSumSquare."""
    x = imp.value(node, 0)
    expect_real(node, x)
    rank = len(x.shape)
    axes = imp.axes_of(node, 1, 13 if node.op == "ReduceSum" else 18, rank)
    if not axes:
        if axes is not None and imp.attr_int(node, "noop_with_empty_axes", 0):
            imp.alias(node, x)
            return
        axes = tuple(range(rank))
    before = {"ReduceL1": "abs", "ReduceL2": "square", "ReduceSumSquare": "square", "ReduceLogSumExp": "exp"}.get(
        node.op
    )
    if before is not None:
        x = Value(x.shape, "float32", activation(imp, x, f"{node.outputs[0]}_{before}", before), x.axes)
    y = reduced(imp, x, axes, _REDUCTIONS.get(node.op, "sum"), node.outputs[0])
    after = {"ReduceL2": "sqrt", "ReduceLogSum": "log", "ReduceLogSumExp": "log"}.get(node.op)
    if after is not None:
        y.name = activation(imp, y, f"{node.outputs[0]}_{after}", after)
    keep = bool(imp.attr_int(node, "keepdims", 1))
    imp.alias(node, y, y.axes if keep else dropped(y.axes, axes))


def dropped(where: AxisMap, axes: Sequence[int]) -> AxisMap:
    """The map without axes of size 1."""
    shape = tuple(n for a, n in enumerate(where.shape) if a not in axes)
    made = where.reshaped(shape)
    assert made is not None  # only axes of size 1 go
    return made


def softmax(imp: Importer, node: FileNode) -> None:
    """Softmax, LogSoftmax. Before opset 13 all axes from `axis` on are one."""
    x = imp.value(node, 0)
    expect_real(node, x)
    rank = len(x.shape)
    last = imp.opset >= 13
    axis = imp.axis(node, imp.attr_int(node, "axis", -1 if last else 1), max(rank, 1)) if rank else 0
    over = [axis] if last else list(range(axis, rank))
    rest = [a for a in dict.fromkeys(p.axis for p in x.axes.parts) if a not in over]
    name = imp.sided(x, rest[:1], rest[1:], over)
    kind = "softmax" if node.op == "Softmax" else "log_softmax"
    where = AxisMap.of(x.shape, (*rest, *over))
    imp.emit(node, kind, [name], imp.graph.tensors[name].shape, where)


def arg(imp: Importer, node: FileNode) -> None:
    """ArgMax, ArgMin: whole numbers."""
    x = imp.value(node, 0)
    expect_real(node, x)
    axis = imp.axis(node, imp.attr_int(node, "axis", 0), len(x.shape))
    if imp.attr_int(node, "select_last_index", 0):
        raise Refused("the last of equal values; expected the first (select_last_index 0)")
    place = imp.loose(x, (axis,))
    where = place.map.resized({axis: 1})
    if not imp.attr_int(node, "keepdims", 1):
        where = dropped(where, (axis,))
    attrs: dict[str, Any] = {"axis": place.side[axis]}
    made = place.made({axis: 1})
    kind = "arg_max" if node.op == "ArgMax" else "arg_min"
    name = imp.node(node.outputs[0], kind, [place.name], made, attrs, dtype="int32")
    imp.finish(node, name, where, dtype="int64")


def top_k(imp: Importer, node: FileNode) -> None:
    """TopK: values and places of the largest, sorted."""
    x = imp.value(node, 0)
    expect_real(node, x)
    rank = len(x.shape)
    axis = imp.axis(node, imp.attr_int(node, "axis", -1), rank)
    k = imp.attr_int(node, "k", 0) if imp.opset < 10 else imp.integers(node, 1, "count", 1)[0]
    if not imp.attr_int(node, "largest", 1):
        raise Refused("the smallest values; expected the largest")
    if not 1 <= k <= x.shape[axis]:
        imp.fail(node, f"the {k} largest of an axis of {x.shape[axis]}")
    rest = list(dict.fromkeys(p.axis for p in x.axes.parts if p.axis != axis))
    name = imp.sided(x, rest, (), (axis,))
    rows = imp.graph.tensors[name].shape[0]
    shape = tuple(k if a == axis else n for a, n in enumerate(x.shape))
    for i, dtype in ((0, "float32"), (1, "int64")):
        if imp.wants(node, i):
            attrs = {"count": k, "indices": i == 1}
            made = imp.node(node.outputs[i], "top_k", [name], (rows, 1, k), attrs, dtype="int32" if i else "float32")
            imp.finish(node, made, AxisMap.of(shape, (*rest, axis)), i, dtype)


def scaler(imp: Importer, node: FileNode) -> None:
    """Scaler of scikit-learn: (x - offset) * scale, a normalisation."""
    x = imp.value(node, 0)
    expect_real(node, x)
    features = x.shape[-1] if x.shape else 1
    offset, scale = (imp.attr_reals(node, name) for name in ("offset", "scale"))
    offset = np.zeros(1, np.float32) if offset is None else offset
    scale = np.ones(1, np.float32) if scale is None else scale
    if offset.size not in (1, features) or scale.size not in (1, features):
        imp.fail(node, f"{offset.size} offsets and {scale.size} scales for {features} features")
    gamma = np.broadcast_to(scale, (features,)).astype(np.float32)
    zeros = np.zeros(features, np.float32)
    beta = (-gamma.astype(np.float64) * offset).astype(np.float32)
    weights = {"gamma": gamma, "beta": beta, "mean": zeros, "variance": zeros + 1}
    rest = list(range(len(x.shape) - 1))
    name = imp.sided(x, rest, (), (len(x.shape) - 1,))
    made, where = imp.graph.tensors[name].shape, AxisMap.of(x.shape)
    arrays = {k: Weight(v) for k, v in weights.items()}
    imp.emit(node, "batch_norm", [name], made, where, attrs={"epsilon": 0.0}, weights=arrays)


NORMS: dict[str, Handler] = {
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), layer_norm),
    "GroupNormalization": group_norm,
    **dict.fromkeys(
        (*_REDUCTIONS, "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"), reduce
    ),
    **dict.fromkeys(("Softmax", "LogSoftmax"), softmax),
    **dict.fromkeys(("ArgMax", "ArgMin"), arg),
    "TopK": top_k,
}
