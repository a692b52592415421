# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How values come into the places that an operator wants, and how nodes are added.

An operator that tells axes apart says which of them are h, w and c (`sided`), or which it touches, while the others
stay as they lie (`loose`); operands of one another are aligned (`aligned`). A transpose is made only if memory lies
otherwise; reshapes of the graph move nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...graph import Node, Quant, Shape, Tensor, Weight
from ...ops import known
from ..axis_map import AxisMap, Part, cut
from ..layout import rotations
from ..workbench import Refused
from .onnx_context import Context, Stored, Value, broadcast
from .onnx_reader import FileNode


@dataclass(slots=True)
class Loose:
    """A value with the axes that an operator touches apart. side: of each of these 0 (h), 1 (w) or 2 (c)."""

    name: str
    shape: Shape
    map: AxisMap
    side: dict[int, int]

    def spread(self, numbers: dict[int, Any], rest: Any) -> tuple[Any, Any, Any]:
        """What `numbers` says of touched axes, for h, w and c."""
        found = {self.side[a]: n for a, n in numbers.items()}
        return found.get(0, rest), found.get(1, rest), found.get(2, rest)

    def made(self, sizes: dict[int, int]) -> Shape:
        """(h, w, c) once touched axes have other sizes."""
        sides = list(self.shape)
        for a, n in sizes.items():
            sides[self.side[a]] = n
        return sides[0], sides[1], sides[2]


@dataclass
class Importer(Context):
    """Context, with the graph's side."""

    _root: dict[str, str] = field(default_factory=dict)
    _same_bytes: dict[tuple[str, Shape], str] = field(default_factory=dict)

    # ---- nodes ----

    def node(
        self,
        wanted: str,
        kind: str,
        inputs: Sequence[str],
        made: Shape,
        attrs: dict[str, Any] | None = None,
        weights: dict[str, Weight] | None = None,
        dtype: str | None = None,
        quant: Quant | None = None,
    ) -> str:
        """Adds a node that makes (h, w, c) `made`; returns its tensor's name.

        Without `dtype` in the type of its first input; where the file's node computes in int8, in the type of its
        result, if it does not only move values.
        """
        self.room.take(f"'{wanted}' ({kind})", made)
        name, attrs = self.graph.unique(wanted), attrs or {}
        source = self.graph.tensors[inputs[0]]
        made_type = dtype or source.dtype
        if made_type == "int8" and quant is None:
            quant = source.quant
            if self.form is not None and not known(kind).same_quant and kind != "concat":
                quant = self.form.quant
                if known(kind).clamps and self.form.activation != "none":
                    attrs = {**attrs, "activation": self.form.activation}
        return self.graph.add(Node(kind, name, inputs, name, attrs, weights or {}), made, made_type, quant)

    def emit(
        self,
        node: FileNode,
        kind: str,
        inputs: Sequence[str],
        made: Shape,
        where: AxisMap,
        *,
        k: int = 0,
        attrs: dict[str, Any] | None = None,
        weights: dict[str, Weight] | None = None,
        dtype: str = "float32",
    ) -> None:
        """Adds a node for output k of the file's `node`. where: the map of what it makes."""
        name = self.node(node.outputs[k], kind, inputs, made, attrs, weights)
        self.finish(node, name, where, k, dtype)

    def finish(self, node: FileNode, name: str, where: AxisMap, k: int = 0, dtype: str = "float32") -> None:
        """Output k of the file's node is the graph's tensor `name`."""
        if self.graph.tensors[name].elements != math.prod(where.shape):
            self.fail(node, f"makes {list(self.graph.tensors[name].shape)}, expected {list(where.shape)}")
        self.define(node, k, Value(where.shape, dtype, name, where.joined()))

    def alias(self, node: FileNode, value: Value, where: AxisMap | None = None, k: int = 0, dtype: str = "") -> None:
        """Output k holds the same bytes as `value`, whose map is `where` now."""
        where = where or value.axes
        data = None if value.data is None else value.data.reshape(where.shape)
        self.define(node, k, replace(value, shape=where.shape, map=where, data=data, dtype=dtype or value.dtype))

    def add_constant(self, data: np.ndarray) -> str:
        """A constant [h, w, c] of the graph; real numbers and truth as float32, whole ones as int32."""
        kind = "float32" if data.dtype.kind in "fb" else "int32"
        if data.dtype.kind not in "fbiu" or data.size == 0:
            raise Refused(f"an operand of type {data.dtype}, shape {list(data.shape)}; expected numbers")
        if kind == "int32" and (data.min() < -(2**31) or data.max() >= 2**31):
            raise Refused("an operand beyond 32 bits")
        if data.dtype != kind:
            self.memory.take(4 * data.size)
        name = self.graph.unique("constant")
        h, w, c = data.shape
        self.graph.add_tensor(Tensor(name, (h, w, c), kind, None, np.ascontiguousarray(data, kind)))
        return name

    def add_stored(self, stored: Stored, where: AxisMap, shape: Shape) -> str:
        """A constant that was quantised, as int8."""
        shift = 128 if stored.data.dtype == np.uint8 else 0
        data = where.arranged(stored.data.astype(np.int16) - shift).reshape(shape).astype(np.int8)
        self.memory.take(3 * data.size)
        name = self.graph.unique("constant")
        quant = Quant(float(stored.scale.reshape(-1)[0]), int(stored.zero.reshape(-1)[0]) - shift)
        self.graph.add_tensor(Tensor(name, shape, "int8", quant, data))
        return name

    def reshaped(self, name: str, shape: Shape) -> str:
        """The tensor with the same bytes as `name` in another shape: one that exists, or a reshape node's output."""
        tensor = self.graph.tensors[name]
        if tensor.shape == shape:
            return name
        root = self._root.get(name, name)
        if self.graph.tensors[root].shape == shape:
            return root
        if (root, shape) not in self._same_bytes:
            op, attrs = ("flatten", {}) if shape[:2] == (1, 1) else ("reshape", {"shape": shape})
            new = self.node(f"{root}_{'x'.join(map(str, shape))}", op, [root], shape, attrs)
            self._root[new], self._same_bytes[root, shape] = root, new
        return self._same_bytes[root, shape]

    def permuted(self, name: str, sizes: Sequence[int], order: Sequence[int]) -> str:
        """The tensor with the parts of its memory, of `sizes`, in another order."""
        runs: list[list[int]] = []
        for i in order:
            if runs and runs[-1][-1] + 1 == i:
                runs[-1].append(i)
            else:
                runs.append([i])
        if len(runs) <= 1:
            return name
        first = sorted(run[0] for run in runs)
        perm = tuple(first.index(run[0]) for run in runs)
        shape = tuple(math.prod(sizes[i] for i in sorted(runs, key=lambda r: r[0])[k]) for k in range(len(runs)))
        if len(runs) > 3:
            for h, w, c in rotations(shape, perm):
                name = self.node(f"{name}_turned", "transpose", [self.reshaped(name, (h, w, c))], (h, c, w),
                                 {"perm": (0, 2, 1)})  # fmt: skip
            return name
        pad = 3 - len(runs)
        h, w, c = (1,) * pad + shape
        i, j, k = (*range(pad), *(p + pad for p in perm))
        before = (h, w, c)
        made = (before[i], before[j], before[k])
        return self.node(f"{name}_turned", "transpose", [self.reshaped(name, before)], made, {"perm": (i, j, k)})

    def bias(
        self, node: FileNode, value: Value | None, data: np.ndarray, source: str, scale: np.ndarray | None
    ) -> Weight:
        """A bias [units], float32, for weights of these scales; None: in float.

        value: the file's, which may have been whole numbers. source: the tensor that the weights read.
        """
        if scale is None:
            return Weight(data)
        step = self.graph.quant(source).scale * scale.astype(np.float64)
        made = np.rint(data.astype(np.float64) / step)
        stored = None if value is None else value.stored
        if stored is not None and stored.data.size == data.size and np.allclose(stored.scale, step, rtol=1e-5, atol=0):
            made = stored.data.reshape(-1).astype(np.int64)
        if np.abs(made).max(initial=0) >= 2**31:
            self.fail(node, "a bias beyond 32 bits")
        return Weight(made.astype(np.int32), step.astype(np.float32))

    def added(self, node: FileNode, units: int, rank: int, behind: int) -> tuple[Value, FileNode] | None:
        """The Add of a constant for each channel that alone reads a result of `rank` axes: (the constant, the Add).

        behind: how many axes follow the channels.
        """
        after = self.sole_reader(node)
        if (
            after is None
            or after.op != "Add"
            or after.domain
            or len(after.inputs) != 2
            or after.outputs[0] in self.values
        ):
            return None
        other = self.values.get(after.inputs[1 if after.inputs[0] == node.outputs[0] else 0])
        if other is None or other.data is None or other.data.dtype.kind != "f" or other.data.size != units:
            return None
        fits = behind < len(other.shape) <= rank and other.shape[len(other.shape) - 1 - behind] == units
        return (other, after) if fits else None

    def with_add(
        self, node: FileNode, arrays: dict[str, Weight], weight: Weight, source: str, rank: int, behind: int
    ) -> tuple[dict[str, Weight], FileNode]:
        """Of a layer without a bias: such an Add becomes it. (bias, the node whose result the layer makes)."""
        found = None if arrays else self.added(node, weight.data.shape[0], rank, behind)
        if found is None:
            return dict(arrays), node
        other, after = found
        data = np.ascontiguousarray(other.values.reshape(-1), np.float32)
        self.values[node.outputs[0]] = Value(other.shape)  # nobody else asks for it
        self.taken.add(id(after))
        return {"bias": self.bias(node, other, data, source, weight.scale)}, after

    # ---- places ----

    def placed(self, value: Value, parts: Sequence[Part], shape: Shape) -> str:
        """The graph's tensor of `shape` that holds `value` with `parts` as the order of memory."""
        wanted = AxisMap(value.shape, tuple(p for p in parts if p.size != 1))
        wanted = wanted.numbered([(p.axis, 1000 * p.place + i, p.size) for i, p in enumerate(wanted.parts)])
        if value.data is not None and value.stored is not None and self.form is not None:
            return self.add_stored(value.stored, wanted, shape)
        if value.data is not None:
            return self.add_constant(wanted.arranged(value.data).reshape(shape))
        own = value.axes
        both = _alike(own, wanted)
        if both is None:
            straight = AxisMap.of(value.shape)
            value = replace(value, name=self.turned(value, straight.parts), map=straight)
            both = _alike(straight, wanted)
            assert both is not None  # one part for each axis takes any factors
        own, wanted = both
        order = [own.parts.index(p) for p in wanted.parts]
        name = self.permuted(value.name, [p.size for p in own.parts], order)
        return self.reshaped(name, shape)

    def turned(self, value: Value, parts: Sequence[Part]) -> str:
        """An activation's tensor with whole axes in the order of `parts`."""
        own = value.axes
        rank = {p.axis: i for i, p in enumerate(parts)}
        order = sorted(range(len(own.parts)), key=lambda i: (rank[own.parts[i].axis], own.parts[i].place))
        return self.permuted(value.name, [p.size for p in own.parts], order)

    def sided(self, value: Value, *sides: Sequence[int]) -> str:
        """The graph's tensor with these axes of the file as h, w and c; those of size 1 need not be named."""
        h, w, c = (math.prod(value.shape[a] for a in side) for side in sides)
        parts = [Part(a, 0, value.shape[a]) for side in sides for a in side]
        return self.placed(value, parts, (h, w, c))

    def loose(self, value: Value, touched: Sequence[int]) -> Loose:
        """The value with each axis in `touched` as one side of its own; all others stay where they lie, if they can."""
        where = value.axes.whole(touched)
        prefer = self.graph.tensors[value.name].shape if value.name else (0, 0, 0)
        parts = list(where.parts)
        for a in touched:
            if value.shape[a] == 1:
                parts.insert(_free_place(parts, prefer), Part(a, 0, 1))
        marks = [p.axis if p.axis in touched else None for p in parts]
        sides = cut(parts, marks, prefer)
        if sides is None:  # one after the other: what is not touched in front
            parts.sort(key=lambda p: p.axis in touched)
            sides = cut(parts, [p.axis if p.axis in touched else None for p in parts], (0, 0, 0))
        if sides is None:
            raise Refused(f"tells more than three axes of shape {list(value.shape)} apart; expected up to three")
        h, w, c = (math.prod(p.size for p in side) for side in sides)
        side = {p.axis: i for i, s in enumerate(sides) for p in s if p.axis in touched}
        flat = [p for s in sides for p in s]
        name = self.placed(value, flat, (h, w, c))
        made = AxisMap(value.shape, ()).numbered([(p.axis, 1000 * p.place + i, p.size) for i, p in enumerate(flat)])
        return Loose(name, (h, w, c), made, side)

    def together(self, value: Value, touched: Sequence[int]) -> Loose:
        """The value with the axes in `touched` apart from the others, one from another not; side: of each 0, 1, 2."""
        parts = list(value.axes.parts)
        prefer = self.graph.tensors[value.name].shape
        sides = cut(parts, [p.axis in touched for p in parts], prefer)
        if sides is None:
            parts.sort(key=lambda p: p.axis in touched)
            sides = cut(parts, [p.axis in touched for p in parts], (0, 0, 0)) or [[], [], []]
        h, w, c = (math.prod(p.size for p in side) for side in sides)
        flat = [p for s in sides for p in s]
        name = self.placed(value, flat, (h, w, c))
        made = AxisMap(value.shape, ()).numbered([(p.axis, 1000 * p.place + i, p.size) for i, p in enumerate(flat)])
        side = {i: i for i, s in enumerate(sides) if any(p.axis in touched for p in s)}
        return Loose(name, (h, w, c), made, side)

    def repeated(self, value: Value, shape: tuple[int, ...]) -> Value:
        """The value repeated along axes of 1 until it has a shape."""
        if value.data is not None:
            self.memory.take(4 * math.prod(shape))
            return Value(shape, value.dtype, data=np.broadcast_to(value.data, shape))
        y = Value((1,) * (len(shape) - len(value.shape)) + value.shape, value.dtype, value.name)
        y.map = value.axes.padded(len(shape))
        for axis, n in enumerate(shape):
            if y.shape[axis] != n:
                place = self.loose(y, (axis,))
                attrs = {"multiples": place.spread({axis: n}, 1)}
                name = self.node(f"{value.name}_repeated", "tile", [place.name], place.made({axis: n}), attrs)
                y.map, y.name = place.map.resized({axis: n}).joined(), name
                y.shape = y.map.shape
        return y

    def aligned(self, node: FileNode, values: Sequence[Value]) -> tuple[list[str], Shape, AxisMap]:
        """Operands that are repeated along one another's axes: (their tensors, (h, w, c) and map of the result)."""
        shape = broadcast(self, node, values)
        lead = max(values, key=lambda v: (math.prod(v.shape), v.data is None))
        where = lead.axes.padded(len(shape))
        prefer = self.graph.tensors[lead.name].shape if lead.name else (0, 0, 0)
        parts = list(where.parts)
        for a in range(len(shape)):
            if where.shape[a] != shape[a]:
                parts.insert(_free_place(parts, prefer), Part(a, 0, shape[a]))
                prefer = (0, 0, 0)
        where = AxisMap(shape, tuple(parts))
        for v in values:
            where = _refined(where, v.axes.padded(len(shape)))
        operands = [replace(v, shape=(1,) * (len(shape) - len(v.shape)) + v.shape) for v in values]
        marks = [tuple(v.shape[p.axis] == 1 for v in operands) for p in where.parts]
        sides = cut(where.parts, marks, prefer)
        if sides is None:  # too many axes apart: the first that is repeated is written out
            k = next(k for k, v in enumerate(operands) if v.shape != shape)
            return self.aligned(node, [self.repeated(v, shape) if i == k else v for i, v in enumerate(values)])
        names = []
        for v, old in zip(operands, values, strict=True):
            v.map = None if old.map is None else old.map.padded(len(shape))
            v.data = None if old.data is None else old.data.reshape(v.shape)
            if old.stored is not None:
                v.stored = replace(old.stored, data=old.stored.data.reshape(v.shape))
            own = [[p for p in side if v.shape[p.axis] != 1] for side in sides]
            h, w, c = (math.prod(p.size for p in side) for side in own)
            names.append(self.placed(v, [p for side in own for p in side], (h, w, c)))
        h, w, c = (math.prod(p.size for p in side) for side in sides)
        return names, (h, w, c), where


def _refined(where: AxisMap, other: AxisMap) -> AxisMap:
    """A map with its axes in factors as fine as another's, where they divide one another."""
    for a in range(len(where.shape)):
        sizes = [p.size for p in other.axis(a)]
        if len(sizes) > 1:
            where = where.split(a, sizes) or where
    return where


def _alike(a: AxisMap, b: AxisMap) -> tuple[AxisMap, AxisMap] | None:
    """Both maps with the same factors of each axis; None if those do not divide one another."""
    for axis in range(len(a.shape)):
        for_b, for_a = [p.size for p in a.axis(axis)], [p.size for p in b.axis(axis)]
        if for_a != for_b:
            one, other = a.split(axis, for_a), b.split(axis, for_b)
            if one is None or other is None:
                return None
            a, b = one, other
    return a, b


def _free_place(parts: Sequence[Part], shape: Shape) -> int:
    """Where among parts in memory order a new axis may lie: on a side of `shape` that is 1, c before w before h."""
    if shape[2] == 1 or math.prod(shape) == 0 or shape[1] != 1:
        return 0 if shape[2] != 1 and shape[0] == 1 else len(parts)
    rows, i = shape[0], 0
    while i < len(parts) and rows > 1:
        rows //= parts[i].size
        i += 1
    return i
