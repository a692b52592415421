# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX's operators that move values about: shapes, order, parts, joins.

Reshape and Transpose change a value's map alone. Every function takes the importer and the node and defines the node's
outputs. Padding and resizing of images are in onnx_images.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..axis_map import AxisMap
from ..workbench import Refused
from .onnx_context import REALS, WHOLES, Value
from .onnx_fold import reshaped_shape, slices, split_sizes
from .onnx_norms import dropped
from .onnx_places import Importer
from .onnx_reader import TYPES, FileNode
from .onnx_windows import Handler


def reshape(imp: Importer, node: FileNode) -> None:
    """Reshape, Flatten, Squeeze, Unsqueeze: memory stays, unless an axis would need a piece of what lies apart."""
    x = imp.value(node, 0)
    shape = reshaped_shape(imp, node, x.shape)
    where = x.axes.reshaped(shape)
    if where is None:
        straight = AxisMap.of(x.shape)
        name = imp.turned(x, straight.parts)
        whole = AxisMap.of((math.prod(shape),))
        where = whole.reshaped(shape)
        assert where is not None  # one part takes any factors
        x = Value(x.shape, x.dtype, name, straight)
    imp.alias(node, x, where)


def transpose(imp: Importer, node: FileNode) -> None:
    """Transpose."""
    x = imp.value(node, 0)
    rank = len(x.shape)
    perm = imp.attr_ints(node, "perm", rank) or tuple(range(rank))[::-1]
    if sorted(perm) != list(range(rank)):
        imp.fail(node, f"permutation {list(perm)} of {rank} axes")
    imp.alias(node, x, x.axes.transposed(perm))


def same(imp: Importer, node: FileNode) -> None:
    """Identity, Dropout."""
    if imp.wants(node, 1):
        raise Refused("its mask is used; export the model for inference")
    imp.alias(node, imp.value(node, 0))


def cast(imp: Importer, node: FileNode) -> None:
    """Cast between types that the graph holds alike; to whole numbers by rounding towards 0."""
    x = imp.value(node, 0)
    to = imp.value(node, 1).dtype if node.op == "CastLike" else TYPES.get(imp.attr_int(node, "to", 0), "?")
    before = imp.graph.tensors[x.name].dtype
    if to in REALS:
        after = "float32"
        if to == "float16":
            imp.graph.note("computes with float16 in the file: the model computes in float32")
    elif to in WHOLES or to == "bool":
        after = "int32" if x.dtype != "bool" and to in WHOLES else before
    else:
        raise Refused(f"from {x.dtype} to {to}; expected float, whole numbers or bool")
    if to == "bool" and x.dtype != "bool":
        raise Refused(f"from {x.dtype} to bool; compare with 0 instead")
    if after == before:
        imp.alias(node, x, dtype=to)
        return
    shape = imp.graph.tensors[x.name].shape
    name = imp.node(node.outputs[0], "cast", [x.name], shape, dtype=after)
    imp.finish(node, name, x.axes, dtype=to)


def one_type(imp: Importer, node: FileNode, values: Sequence[Value]) -> str:
    """The type of all operands."""
    kinds = {v.dtype for v in values}
    if len(kinds) != 1 and not kinds <= set(REALS) and not kinds <= set(WHOLES):
        imp.fail(node, f"mixes types {', '.join(sorted(kinds))}")
    return values[0].dtype


def concat(imp: Importer, node: FileNode) -> None:
    """Concat: all operands lie as the first activation."""
    values = _joined(imp, node)
    rank = len(values[0].shape)
    dtype = one_type(imp, node, values)
    axis = imp.axis(node, imp.attr_int(node, "axis", 0), rank)
    for v in values:
        if len(v.shape) != rank or any(n != m for i, (n, m) in enumerate(zip(v.shape, values[0].shape, strict=True))
                                       if i != axis):  # fmt: skip
            imp.fail(node, f"inputs {[list(x.shape) for x in values[:8]]} differ in more than axis {axis}")
    total = sum(v.shape[axis] for v in values)
    values = [v for v in values if v.shape[axis]]
    if len(values) == 1:
        imp.alias(node, values[0])
        return
    lead = max((v for v in values if v.data is None), key=lambda v: len(v.axes.parts))
    place = imp.loose(lead, (axis,))
    at = place.side[axis]
    names = []
    for v in values:
        parts = [p._replace(size=v.shape[axis]) if p.axis == axis else p for p in place.map.parts]
        names.append(place.name if v is lead else imp.placed(v, parts, place.made({axis: v.shape[axis]})))
    where = place.map.resized({axis: total})
    imp.emit(node, "concat", names, place.made({axis: total}), where, attrs={"axis": at}, dtype=dtype)


def _joined(imp: Importer, node: FileNode) -> list[Value]:
    """The operands of a Concat: int8 if all are, of the quantisation of its result, or of one that they share."""
    values = [imp.given(node, k) for k in range(len(node.inputs))]
    if not values or not all(imp.is_int8(v) for v in values):
        return [imp.value(node, k) for k in range(len(node.inputs))]
    after = imp.sole_reader(node)
    quants = {imp.graph.quant(v.name) for v in values}
    if after is not None and after.op == "QuantizeLinear" and len(quants) > 1:
        quants = {imp.quant_of(after)}
    if len(quants) > 1:
        return [imp.value(node, k) for k in range(len(node.inputs))]
    (quant,) = quants
    made = []
    for v in values:
        tensor = imp.graph.tensors[v.name]
        name = v.name
        if tensor.quant != quant:
            name = imp.node(f"{v.name}_again", "quantize", [v.name], tensor.shape, dtype="int8", quant=quant)
        made.append(Value(v.shape, v.dtype, name, v.axes))
    return made


def cut(imp: Importer, node: FileNode, x: Value, found: dict[int, slice], k: int = 0) -> Value:
    """A part of `x`, for output k: what `found` takes of some axes."""
    ranges = {a: range(x.shape[a])[s] for a, s in found.items()}
    if any(len(r) == 0 for r in ranges.values()):
        raise Refused(f"takes nothing of shape {list(x.shape)}")
    touched = [a for a, r in ranges.items() if r != range(x.shape[a])]
    shape = tuple(len(ranges[a]) if a in ranges else n for a, n in enumerate(x.shape))
    if not touched:
        return x
    name, where = "", x.axes
    while touched:  # at most two axes at a time, so that the others find a place
        now, touched = touched[:2], touched[2:]
        place = imp.loose(Value(where.shape, x.dtype, name or x.name, where), now)
        sizes = {a: len(ranges[a]) for a in now}
        attrs = {
            "begin": place.spread({a: ranges[a].start for a in now}, 0),
            "size": place.made(sizes),
            "stride": place.spread({a: ranges[a].step if sizes[a] > 1 else 1 for a in now}, 1),
        }
        wanted = node.outputs[k] if k < len(node.outputs) else f"{x.name}_part"
        name = imp.node(wanted, "slice", [place.name], place.made(sizes), attrs)
        where = place.map.resized(sizes)
    return Value(shape, x.dtype, name, where.joined())


def slice_(imp: Importer, node: FileNode) -> None:
    """Slice."""
    x = imp.value(node, 0)
    imp.alias(node, cut(imp, node, x, slices(imp, node, x.shape)))


def split(imp: Importer, node: FileNode) -> None:
    """Split: a slice per output."""
    x = imp.value(node, 0)
    axis = imp.axis(node, imp.attr_int(node, "axis", 0), len(x.shape))
    first = 0
    for k, n in enumerate(split_sizes(imp, node, x.shape[axis])):
        imp.alias(node, cut(imp, node, x, {axis: slice(first, first + n)}, k), k=k)
        first += n


def gather(imp: Importer, node: FileNode) -> None:
    """Gather with constant indices, or of rows of a constant table by computed ones."""
    x, indices = imp.value(node, 0), imp.value(node, 1)
    axis = imp.axis(node, imp.attr_int(node, "axis", 0), len(x.shape))
    if indices.data is None:
        _look_up(imp, node, x, indices, axis)
        return
    n = x.shape[axis]
    found = [i + n if i < 0 else i for i in imp.integers(node, 1, "indices")]
    if not found or not 0 <= min(found) <= max(found) < n:
        imp.fail(node, f"indices outside 0 to {n - 1}")
    steps = {b - a for a, b in zip(found, found[1:], strict=False)}
    if len(steps) <= 1 and steps != {0}:
        step = next(iter(steps), 1)
        last = found[-1] + (1 if step > 0 else -1)
        y = cut(imp, node, x, {axis: slice(found[0], None if last < 0 else last, step)})
    else:
        place = imp.loose(x, (axis,))
        attrs: dict[str, Any] = {"axis": place.side[axis], "indices": found}
        made = place.made({axis: len(found)})
        name = imp.node(node.outputs[0], "gather", [place.name], made, attrs)
        where = place.map.resized({axis: len(found)})
        y = Value(where.shape, x.dtype, name, where.joined())
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    made_map = dropped(y.axes, (axis,)) if not indices.shape else y.axes.reshaped(shape)
    assert made_map is not None  # an axis of its own is cut in pieces
    imp.alias(node, y, made_map)


def _look_up(imp: Importer, node: FileNode, table: Value, indices: Value, axis: int) -> None:
    """An embedding."""
    if table.data is None or axis or not table.is_real or not indices.axes.straight:
        raise Refused("computed indices into an activation, or not along the first axis; expected a constant's rows")
    if imp.graph.tensors[indices.name].dtype != "int32":
        raise Refused(f"indices of type {indices.dtype}; expected whole numbers")
    units, count = math.prod(table.shape[1:]), math.prod(indices.shape)
    rest = range(1, len(table.shape))
    names = [imp.sided(indices, range(len(indices.shape)), (), ()), imp.sided(table, (0,), (), rest)]
    made = (count, 1, units)
    name = imp.node(node.outputs[0], "look_up", names, made, dtype="float32")
    imp.finish(node, name, AxisMap.of((*indices.shape, *table.shape[1:])))


def repeat(imp: Importer, node: FileNode) -> None:
    """Expand and Tile."""
    x = imp.value(node, 0)
    numbers = imp.integers(node, 1, "shape" if node.op == "Expand" else "repeats")
    rank = max(len(numbers), len(x.shape))
    where = x.axes.padded(rank)
    wide = (1,) * (rank - len(numbers)) + numbers
    times = dict(enumerate(wide))
    if node.op == "Expand":
        if any(1 not in (n, m) and n != m for n, m in zip(where.shape, wide, strict=True)) or min(wide) < 1:
            imp.fail(node, f"{list(x.shape)} can not become {list(numbers)}")
        times = {a: n if where.shape[a] == 1 else 1 for a, n in times.items()}
    if min(times.values(), default=1) < 1 or max(times.values(), default=1) > 65535:
        imp.fail(node, f"repeats {list(numbers[:16])} of shape {list(x.shape)}; expected 1 to 65535")
    y = Value(where.shape, x.dtype, x.name, where)
    for axis, n in times.items():
        if n > 1:
            place = imp.loose(y, (axis,))
            sizes = {axis: n * y.shape[axis]}
            attrs = {"multiples": place.spread({axis: n}, 1)}
            name = imp.node(node.outputs[0], "tile", [place.name], place.made(sizes), attrs)
            made = place.map.resized(sizes)
            y = Value(made.shape, x.dtype, name, made.joined())
    imp.alias(node, y)


MOVES: dict[str, Handler] = {
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), reshape),
    "Transpose": transpose,
    **dict.fromkeys(("Identity", "Dropout"), same),
    **dict.fromkeys(("Cast", "CastLike"), cast),
    "Concat": concat,
    "Slice": slice_,
    "Split": split,
    "Gather": gather,
    **dict.fromkeys(("Expand", "Tile"), repeat),
}
