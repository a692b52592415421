# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's operators that move values about: shapes, padding, transposition, resizing.

Every function takes the importer and the operator and defines the operator's outputs. Axes of the file become axes of
(h, w, c) by the maps of importers/layout.py.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ModelError
from ...graph import Node, Shape, Tensor
from ..layout import channels_last, permutation, rotations
from ..workbench import Refused
from .tflite_context import Importer, Phases, Value
from .tflite_layers import join
from .tflite_picks import PICKS
from .tflite_windows import Handler, emit_images, finish_phases, image


def _only_ones_differ(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return [n for n in a if n != 1] == [n for n in b if n != 1]


def reshape(imp: Importer, op: Any) -> None:
    """RESHAPE, SQUEEZE and EXPAND_DIMS: the bytes stay."""
    waiting = imp.values.get(op.inputs[0]) if op.inputs else None
    if waiting is not None and waiting.phases is not None:
        shape = imp.tensor(op).shape
        if not _only_ones_differ(waiting.shape, shape):
            raise Refused("between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND only axes of size 1 may come and go")
        imp.define(op, 0, Value(shape, waiting.dtype, quant=waiting.quant, phases=waiting.phases))
        return
    source = imp.value(op, 0, complex_too=True)
    shape = _new_shape(imp, op, source)
    if source.imag:
        imp.check_shape(op, imp.tensor(op), shape)
        imp.define(op, 0, replace(source, shape=shape))
        return
    imp.alias(op, source, shape)


def _new_shape(imp: Importer, op: Any, source: Value) -> tuple[int, ...]:
    old = source.shape
    if op.op == "SQUEEZE":
        chosen = [imp.axis(op, a, len(old)) for a in op.options.SqueezeDims] or [i for i, n in enumerate(old) if n == 1]
        return tuple(n for i, n in enumerate(old) if i not in chosen)
    if op.op == "EXPAND_DIMS":
        axis = imp.axis(op, imp.integers(op, 1, "axis", 1)[0], len(old) + 1)
        return (*old[:axis], 1, *old[axis:])
    wanted = list(imp.integers(op, 1, "new shape") if imp.has(op, 1) else op.options.NewShape)
    total, rest = math.prod(old), math.prod(n for n in wanted if n != -1)
    if wanted.count(-1) == 1 and rest > 0:
        wanted[wanted.index(-1)] = total // rest
    if min(wanted, default=1) < 1 or math.prod(wanted) != total:
        raise ModelError(f"{imp.at(op)}: {list(old)} can not become {wanted}")
    return tuple(wanted)


def pack(imp: Importer, op: Any) -> None:
    """PACK: concatenation along a new axis."""
    values = [imp.value(op, k) for k in range(len(op.inputs))]
    axis = imp.axis(op, op.options.Axis, len(values[0].shape) + 1)
    one = (*values[0].shape[:axis], 1, *values[0].shape[axis:])
    shape = (*values[0].shape[:axis], len(values), *values[0].shape[axis:])
    parts = []
    for v in values:
        imp.same_quant(op, v)
        if v.shape != values[0].shape:
            raise ModelError(
                f"{imp.at(op)}: inputs of shapes {list(values[0].shape)} and {list(v.shape)}; expected equal ones"
            )
        parts.append(Value(one, v.dtype, "" if v.data is not None else imp.name(v), v.data, v.quant))
    join(imp, op, parts, shape, axis)


def transpose(imp: Importer, op: Any) -> None:
    """TRANSPOSE."""
    source = imp.value(op, 0)
    rank = len(source.shape)
    perm = tuple(imp.axis(op, p, rank) for p in imp.integers(op, 1, "permutation", rank))
    if len(set(perm)) != rank:
        raise ModelError(f"{imp.at(op)}: permutation {list(perm)} names an axis twice")
    imp.same_quant(op, source)
    shape = tuple(source.shape[p] for p in perm)
    moved = [p for p in perm if source.shape[p] != 1]
    if moved == sorted(moved):
        imp.alias(op, source, shape)
        return
    order = permutation(source.shape, perm, channels_last(source.shape), channels_last(shape))
    if order is not None:
        imp.emit(op, "transpose", [imp.name(source)], shape, attrs={"perm": order})
        return
    if len(moved) > 3:
        _rotate(imp, op, source, shape, perm)
        return
    real = sorted(moved)
    h, w, c = (1, 1, 1, *(source.shape[p] for p in real))[-3:]
    before: Shape = (h, w, c)
    i, j, k = (*range(3 - len(real)), *(real.index(p) + 3 - len(real) for p in moved))
    order, made = (i, j, k), (before[i], before[j], before[k])
    imp.emit(op, "transpose", [imp.name(source, before)], shape, made=made, attrs={"perm": order})


def _rotate(imp: Importer, op: Any, source: Value, shape: tuple[int, ...], perm: tuple[int, ...]) -> None:
    """A permutation of more than three axes: several nodes, each exchanges the last two of (h, w, c)."""
    name = imp.name(source)
    for h, w, c in rotations(source.shape, perm):
        name = imp.node(op, "transpose", [imp.reshaped(name, (h, w, c))], (h, c, w), 0, {"perm": (0, 2, 1)})
    imp.finish(op, name, shape)


def pad(imp: Importer, op: Any) -> None:
    """PAD, PADV2, MIRROR_PAD. Channels are padded by concatenating constants."""
    source = imp.value(op, 0)
    rank = len(source.shape)
    flat = imp.integers(op, 1, "paddings", 2 * rank)
    if min(flat, default=0) < 0 or max(flat, default=0) > 65535:
        raise ModelError(f"{imp.at(op)}: paddings {list(flat)}; expected 0 to 65535")
    imp.same_quant(op, source)
    shape = tuple(n + flat[2 * i] + flat[2 * i + 1] for i, n in enumerate(source.shape))
    touched = {i: (flat[2 * i], flat[2 * i + 1]) for i in range(rank) if flat[2 * i] or flat[2 * i + 1]}
    axes = imp.apart(source.shape, *touched)
    around = axes.spread(touched, (0, 0))
    before = axes.place(source.shape)
    attrs: dict[str, Any] = {"padding": (*around[0], *around[1])}
    if op.op == "MIRROR_PAD":
        if any(around[2]):
            raise Refused("mirrors channels; expected padding of height and width")
        attrs["mode"] = "symmetric" if op.options.Mode else "reflect"
        imp.emit(op, "mirror_pad", [imp.name(source, before)], shape, made=axes.place(shape), attrs=attrs)
        return
    attrs["value"], stored = _pad_value(imp, op, source)
    name = imp.name(source, before)
    if any(around[2]):
        name = _pad_channels(imp, op, name, around[2], stored, last=not any(attrs["padding"]))
    if any(attrs["padding"]):
        imp.emit(op, "zero_padding", [name], shape, made=axes.place(shape), attrs=attrs)
    else:
        imp.alias(op, source, shape, name=name)


def _pad_value(imp: Importer, op: Any, source: Value) -> tuple[float, int | float]:
    """(real number, stored number) that is padded with."""
    _, quant = imp.type_of(imp.tensor(op))
    zero = quant.zero_point if quant else 0
    if op.op != "PADV2":
        return 0.0, zero
    data, value = imp.constant(op, 2, "value"), imp.value(op, 2)
    if data.size != 1 or value.dtype != source.dtype:
        raise ModelError(f"{imp.at(op)}: {data.size} values of type {value.dtype}; expected one of {source.dtype}")
    stored = data.reshape(-1)[0].item() - (128 if source.dtype == "UINT8" else 0)
    return (quant.scale * (stored - zero) if quant else float(stored)), stored


def _pad_channels(imp: Importer, op: Any, name: str, around: tuple, stored: float, last: bool) -> str:
    """Concatenates constant channels before and after; returns the tensor's name."""
    source = imp.graph.tensors[name]
    h, w, c = source.shape
    parts = [name]
    for at, count in ((0, around[0]), (1, around[1])):
        if count:
            imp.memory.take(h * w * count * (4 if source.dtype == "float32" else 1))
            data = np.full((h, w, count), stored, source.dtype)
            new = imp.graph.unique("padding")
            imp.graph.add_tensor(Tensor(new, data.shape, source.dtype, source.quant, data))
            parts.insert(0 if at == 0 else len(parts), new)
    made = imp.graph.unique(imp.tensor(op).name if last else f"{imp.tensor(op).name}_channels")
    return imp.graph.add(
        Node("concat", made, parts, made, {"axis": 2}), (h, w, c + sum(around)), source.dtype, source.quant
    )


def tile(imp: Importer, op: Any) -> None:
    """TILE and BROADCAST_TO."""
    source = imp.value(op, 0)
    numbers = imp.integers(op, 1, "multiples")
    if op.op == "BROADCAST_TO":
        old = (1,) * (len(numbers) - len(source.shape)) + source.shape
        if len(old) != len(numbers) or any(n % o for n, o in zip(numbers, old, strict=True)):
            raise ModelError(f"{imp.at(op)}: {list(source.shape)} can not become {list(numbers)}")
        numbers = tuple(n // o for n, o in zip(numbers, old, strict=True))
    else:
        old = source.shape
    if len(numbers) != len(old) or not min(numbers, default=1) >= 1 or max(numbers, default=1) > 65535:
        raise ModelError(
            f"{imp.at(op)}: multiples {list(numbers[:16])} of shape {list(old)}; expected 1 to 65535 for each axis"
        )
    imp.same_quant(op, source)
    shape = tuple(n * m for n, m in zip(old, numbers, strict=True))
    touched = [i for i, n in enumerate(numbers) if n > 1]
    if not touched:
        imp.alias(op, source, shape)
        return
    if len([n for n in shape if n > 1]) > 3:
        _tile_by_axis(imp, op, source, old, numbers)
        return
    axes = imp.axes(shape, touched)
    attrs = {"multiples": axes.place(numbers)}
    imp.emit(op, "tile", [imp.view(source, len(shape), axes)], shape, made=axes.place(shape), attrs=attrs)


def _tile_by_axis(imp: Importer, op: Any, source: Value, old: tuple[int, ...], numbers: tuple[int, ...]) -> None:
    """Any number of axes, one after the other: what is before it and behind it each taken together."""
    name, shape = imp.name(source), list(old)
    for i, number in enumerate(numbers):
        if number > 1:
            before, size, after = math.prod(shape[:i]), shape[i], math.prod(shape[i + 1 :])
            shape[i] *= number
            piece = imp.reshaped(name, (before, size, after))
            name = imp.node(op, "tile", [piece], (before, shape[i], after), attrs={"multiples": (1, number, 1)})
    imp.finish(op, name, tuple(shape))


def resize(imp: Importer, op: Any) -> None:
    """RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR."""
    source = imp.value(op, 0)
    c = image(imp, op, source)[2]
    h, w = imp.integers(op, 1, "size", 2)
    if not (1 <= h <= 65535 and 1 <= w <= 65535):
        raise ModelError(f"{imp.at(op)}: size {[h, w]}; expected 1 to 65535")
    imp.same_quant(op, source)
    o = op.options
    attrs = {"shape": (h, w, c), "align_corners": bool(o.AlignCorners), "half_pixel_centers": bool(o.HalfPixelCenters)}
    kind = "resize_bilinear" if op.op == "RESIZE_BILINEAR" else "resize_nearest"
    emit_images(imp, op, kind, source, (h, w, c), attrs)


def space_depth(imp: Importer, op: Any) -> None:
    """SPACE_TO_DEPTH, DEPTH_TO_SPACE."""
    source, b = imp.value(op, 0), op.options.BlockSize
    h, w, c = image(imp, op, source)
    imp.same_quant(op, source)
    down = op.op == "SPACE_TO_DEPTH"
    if b < 1 or (h % b or w % b if down else c % (b * b)):
        raise ModelError(f"{imp.at(op)}: block {b} does not divide {[h, w, c]}")
    shape = (h // b, w // b, c * b * b) if down else (h * b, w * b, c // (b * b))
    emit_images(imp, op, op.op.lower(), source, shape, {"block": b})


def space_to_batch(imp: Importer, op: Any) -> None:
    """Notes the phases; the convolution and BATCH_TO_SPACE_ND that follow make one dilated convolution."""
    source = imp.value(op, 0)
    block, pads = _blocks(imp, op, source, "paddings")
    imp.same_quant(op, source)
    if source.shape[0] != 1 or source.data is not None:
        raise Refused(f"input of shape {list(source.shape)}; expected an activation without a batch")
    tensor = imp.tensor(op)
    imp.define(op, 0, Value(tensor.shape, tensor.dtype, quant=tensor.quant, phases=Phases(source, block, pads)))


def _blocks(imp: Importer, op: Any, source: Value, what: str) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    """(block (h, w), numbers (top, bottom, left, right)) of an operator of rank 3 or 4."""
    spatial = len(source.shape) - 2
    if spatial not in (1, 2):
        raise Refused(f"shape {list(source.shape)}; expected three or four axes")
    block, around = imp.integers(op, 1, "block", spatial), imp.integers(op, 2, what, 2 * spatial)
    if min(*block, *around, 1) < 0 or 0 in block or max(*block, *around) > 65535:
        raise ModelError(f"{imp.at(op)}: block {list(block)}, {what} {list(around)}")
    (h, w), (top, bottom, left, right) = (1, *block)[-2:], (0, 0, *around)[-4:]
    return (h, w), (top, bottom, left, right)


def batch_to_space(imp: Importer, op: Any) -> None:
    """The end of what SPACE_TO_BATCH_ND began."""
    value = imp.values.get(op.inputs[0]) if op.inputs else None
    if value is None or value.phases is None:
        imp.value(op, 0)
        raise Refused("without a SPACE_TO_BATCH_ND and a convolution before it")
    block, crops = _blocks(imp, op, value, "crops")
    if block != value.phases.block:
        raise Refused(f"block {list(block)}; expected {list(value.phases.block)} as in SPACE_TO_BATCH_ND")
    finish_phases(imp, op, value, crops)


MOVES: dict[str, Handler] = {
    **PICKS,
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), reshape),
    "PACK": pack,
    "TRANSPOSE": transpose,
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), pad),
    **dict.fromkeys(("TILE", "BROADCAST_TO"), tile),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), resize),
    **dict.fromkeys(("SPACE_TO_DEPTH", "DEPTH_TO_SPACE"), space_depth),
    "SPACE_TO_BATCH_ND": space_to_batch,
    "BATCH_TO_SPACE_ND": batch_to_space,
}
