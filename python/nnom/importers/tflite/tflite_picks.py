# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's operators that take parts of a tensor: slices, splits, elements by index, backwards.

Every function takes the importer and the operator and defines the operator's outputs.
"""

from __future__ import annotations

import math
from typing import Any

from ...errors import ModelError
from ..workbench import Refused
from .tflite_context import Importer, Value
from .tflite_windows import Handler


def cut(imp: Importer, op: Any, source: Value, begin: list, size: list, step: list, shape: tuple, k: int = 0) -> None:
    """Output k is a part of `source`.

    begin, size, step: per axis of `source`. shape: of the result, axes of size 1 dropped or not.
    """
    imp.same_quant(op, source, k)
    for n, b, s, t in zip(source.shape, begin, size, step, strict=True):
        if s < 1 or t == 0 or not 0 <= b < n or not 0 <= b + (s - 1) * t < n:
            raise ModelError(
                f"{imp.at(op)}: begin {begin}, size {size}, stride {step} leave shape {list(source.shape)}"
            )
    touched = [i for i, n in enumerate(source.shape) if size[i] != n or (step[i] < 0 and n > 1)]
    if not touched:
        imp.alias(op, source, shape, k)
        return
    axes = imp.axes(source.shape, touched)
    made = axes.place(tuple(size))
    first, stride = (axes.spread({i: numbers[i] for i in touched}, n) for numbers, n in ((begin, 0), (step, 1)))
    attrs = {"begin": first, "size": made, "stride": stride}
    name = imp.name(source, axes.place(source.shape))
    imp.emit(op, "slice", [name], shape, made=made, k=k, attrs=attrs)


def slice_(imp: Importer, op: Any) -> None:
    """SLICE."""
    source = imp.value(op, 0)
    rank = len(source.shape)
    begin, size = list(imp.integers(op, 1, "begin", rank)), list(imp.integers(op, 2, "size", rank))
    size = [n - b if s == -1 else s for n, b, s in zip(source.shape, begin, size, strict=True)]
    cut(imp, op, source, begin, size, [1] * rank, tuple(size))


def strided_slice(imp: Importer, op: Any) -> None:
    """STRIDED_SLICE with all of its masks."""
    source, o = imp.value(op, 0), op.options
    if o.Offset:
        raise Refused("ends given relative to the begins; expected absolute ones")
    begin, end, step = (imp.integers(op, k, what) for k, what in ((1, "begin"), (2, "end"), (3, "strides")))
    if not len(begin) == len(end) == len(step):
        raise ModelError(
            f"{imp.at(op)}: {len(begin)} begins, {len(end)} ends, {len(step)} strides; expected as many of each"
        )
    if 0 in step:
        raise ModelError(f"{imp.at(op)}: strides {list(step)}; expected none of 0")
    named = sum(1 for i in range(len(begin)) if not (o.EllipsisMask | o.NewAxisMask) >> i & 1)
    b_out: list[int] = []
    s_out: list[int] = []
    t_out: list[int] = []
    shape: list[int] = []

    def take(count: int) -> None:
        for n in source.shape[len(b_out) : len(b_out) + count]:
            b_out.append(0)
            s_out.append(n)
            t_out.append(1)
            shape.append(n)

    for i, (b, e, t) in enumerate(zip(begin, end, step, strict=True)):
        bit = 1 << i
        if o.EllipsisMask & bit:
            take(len(source.shape) - named)
        elif o.NewAxisMask & bit:
            shape.append(1)
        else:
            n = source.shape[len(b_out)]
            if o.ShrinkAxisMask & bit:
                first, size, t = b + n if b < 0 else b, 1, 1
            else:
                indices = range(n)[slice(None if o.BeginMask & bit else b, None if o.EndMask & bit else e, t)]
                first, size = indices.start, len(indices)
                shape.append(size)
            b_out.append(first)
            s_out.append(size)
            t_out.append(t)
    take(len(source.shape) - len(b_out))
    cut(imp, op, source, b_out, s_out, t_out, tuple(shape))


def split(imp: Importer, op: Any) -> None:
    """SPLIT and SPLIT_V: a slice per output."""
    at, axis_at = (1, 0) if op.op == "SPLIT" else (0, 2)
    source = imp.value(op, at)
    axis = imp.axis(op, imp.integers(op, axis_at, "axis", 1)[0], len(source.shape))
    n, count = source.shape[axis], len(op.outputs)
    sizes = [n // max(count, 1)] * count if op.op == "SPLIT" else list(imp.integers(op, 1, "sizes", count))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = n - sum(s for s in sizes if s != -1)
    if sum(sizes) != n or min(sizes, default=0) < 1:
        raise ModelError(f"{imp.at(op)}: axis {axis} of {n} can not be split into {sizes[:16]}")
    rank, first = len(source.shape), 0
    for k, s in enumerate(sizes):
        begin, size = [0] * rank, list(source.shape)
        begin[axis], size[axis] = first, s
        cut(imp, op, source, begin, size, [1] * rank, tuple(size), k)
        first += s


def unpack(imp: Importer, op: Any) -> None:
    """UNPACK: a slice per output."""
    source = imp.value(op, 0)
    rank = len(source.shape)
    axis = imp.axis(op, op.options.Axis, rank)
    if len(op.outputs) != source.shape[axis]:
        raise ModelError(f"{imp.at(op)}: {len(op.outputs)} outputs for axis {axis} of shape {list(source.shape)}")
    size = [1 if i == axis else n for i, n in enumerate(source.shape)]
    for k in range(len(op.outputs)):
        begin = [k if i == axis else 0 for i in range(rank)]
        cut(imp, op, source, begin, size, [1] * rank, tuple(n for i, n in enumerate(source.shape) if i != axis), k)


def reverse(imp: Importer, op: Any) -> None:
    """REVERSE_V2: a slice with strides of -1."""
    source = imp.value(op, 0)
    chosen = {imp.axis(op, a, len(source.shape)) for a in imp.integers(op, 1, "axes")}
    begin = [n - 1 if i in chosen else 0 for i, n in enumerate(source.shape)]
    step = [-1 if i in chosen else 1 for i in range(len(source.shape))]
    cut(imp, op, source, begin, list(source.shape), step, source.shape)


def gather(imp: Importer, op: Any) -> None:
    """GATHER with constant indices."""
    source = imp.value(op, 0)
    if imp.value(op, 1).data is None:
        if op.options.BatchDims or imp.axis(op, op.options.Axis, len(source.shape)):
            raise Refused("computed indices not along the first axis; expected a constant's rows")
        look_up(imp, op, source, 1)
        return
    data = imp.constant(op, 1, "index tensor")
    indices = imp.integers(op, 1, "indices")
    axis = imp.axis(op, op.options.Axis, len(source.shape))
    if op.options.BatchDims:
        raise Refused(f"{op.options.BatchDims} batch axes of indices; expected none")
    n = source.shape[axis]
    if not indices or not 0 <= min(indices) <= max(indices) < n:
        raise ModelError(f"{imp.at(op)}: indices outside 0 to {n - 1}")
    imp.same_quant(op, source)
    shape = (*source.shape[:axis], *data.shape, *source.shape[axis + 1 :])
    if indices == tuple(range(n)):
        imp.alias(op, source, shape)
        return
    axes = imp.apart(source.shape, axis)
    wide = tuple(len(indices) if i == axis else m for i, m in enumerate(source.shape))
    attrs = {"axis": axes[axis], "indices": list(indices)}
    name = imp.name(source, axes.place(source.shape))
    imp.emit(op, "gather", [name], shape, made=axes.place(wide), attrs=attrs)


def look_up(imp: Importer, op: Any, source: Value, at: int, shape: tuple[int, ...] = ()) -> None:
    """Rows of a constant table by computed indices, input `at`: an embedding. shape: of the result, if not theirs."""
    indices = imp.value(op, at)
    if source.data is None:
        raise Refused("computed indices into an activation; expected a constant's rows")
    if imp.type_of(imp.model.tensors[op.inputs[at]])[0] != "int32":
        raise Refused(f"indices of type {indices.dtype}; expected int32")
    imp.same_quant(op, source)
    units, count = math.prod(source.shape[1:]), math.prod(indices.shape)
    table = imp.name(source, (source.shape[0], 1, units))
    names = [imp.name(indices, (count, 1, 1)), table]
    imp.emit(op, "look_up", names, shape or (*indices.shape, *source.shape[1:]), made=(count, 1, units))


PICKS: dict[str, Handler] = {
    "SLICE": slice_,
    "STRIDED_SLICE": strided_slice,
    **dict.fromkeys(("SPLIT", "SPLIT_V"), split),
    "UNPACK": unpack,
    "GATHER": gather,
    "REVERSE_V2": reverse,
}
