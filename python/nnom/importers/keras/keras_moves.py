# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Operations of Keras models that move values: shapes, slices, joins, padding, repetition, resizing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ModelError
from ..limits import MAX_MADE
from ..workbench import Refused
from .keras_args import Arguments, plain_list, scalar
from .keras_build import Builder, Value
from .keras_shapes import concatenated, reshape_target, resized, transposed
from .keras_spec import Layer, is_int, is_real, numbers, short

Result = Value | list[Value]
Operation = Callable[[Builder, Layer, Arguments], Result]


def _reshape(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, target = given.tensor(), plain_list(given["newshape"])
    if not isinstance(target, list) or len(target) < 2:
        raise given.refusal("newshape", "use a Reshape layer")
    sides = target[1:]
    if is_int(target[0]) and target[0] not in (-1, 1) or target.count(-1) > 1:
        raise Refused(f"target shape {target} changes the batch", "use a Reshape layer, or -1 for the batch")
    wanted = reshape_target(layer.where, [-1 if s is None else s for s in sides], math.prod(x.shape))
    return b.reshaped(layer.name, x, wanted)


def _transpose(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axes = given.tensor(), plain_list(given["axes"])
    rank = len(x.shape)
    order = [a % (rank + 1) if is_int(a) and -rank - 1 <= a <= rank else a for a in axes or []]
    if not all(is_int(a) for a in order) or sorted(order) != list(range(rank + 1)) or order[0] != 0:
        raise given.refusal("axes", "keep the batch in place: use a Permute layer")
    return transposed(b, layer.name, x, [a - 1 for a in order[1:]])


def _moveaxis(b: Builder, layer: Layer, given: Arguments) -> Value:
    x = given.tensor()
    rank = len(x.shape)
    source, target = given.axes("source", rank), given.axes("destination", rank)
    if len(source) != len(target):
        raise given.refusal("destination", "as many axes as in 'source' are expected")
    order = [a for a in range(rank) if a not in source]
    for to, at in sorted(zip(target, source, strict=True)):
        order.insert(to, at)
    return transposed(b, layer.name, x, order)


def _swapaxes(b: Builder, layer: Layer, given: Arguments) -> Value:
    x = given.tensor()
    one, two = given.axis("axis1", len(x.shape)), given.axis("axis2", len(x.shape))
    order = list(range(len(x.shape)))
    order[one], order[two] = two, one
    return transposed(b, layer.name, x, order)


def _squeeze(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, rank = given.tensor(), len(given.tensor().shape)
    every = given["axis"] is None or given["axis"] == []
    drop = [i for i, s in enumerate(x.shape) if s == 1] if every else given.axes("axis", rank)
    if any(x.shape[i] != 1 for i in drop):
        raise ModelError(f"{layer.where}: squeezes axis {given['axis']} of {list(x.shape)}; expected size 1")
    return b.reshaped(layer.name, x, [s for i, s in enumerate(x.shape) if i not in drop])


def _expand_dims(b: Builder, layer: Layer, given: Arguments) -> Value:
    x = given.tensor()
    count = len(given["axis"]) if isinstance(given["axis"], list) else 1
    new = given.axes("axis", len(x.shape) + count)
    sides = iter(x.shape)
    return b.reshaped(layer.name, x, [1 if i in new else next(sides) for i in range(len(x.shape) + count)])


def values_of(given: Arguments, name: str) -> list[Value]:
    """A list of tensors of the model."""
    items = given[name]
    if not isinstance(items, list) or not items or not all(isinstance(v, Value) for v in items):
        raise Refused(f"argument '{name}' is no list of tensors of the model", "constants can not be joined")
    return items


def joined(b: Builder, layer: Layer, xs: list[Value], index: int) -> Value:
    """A concatenation along an axis that is counted without the batch."""
    if len({x.dtype for x in xs}) > 1:
        raise Refused("joins floats and whole numbers", "cast them to float32 before")
    return concatenated(b, layer, xs, index + 1)


def _concatenate(b: Builder, layer: Layer, given: Arguments) -> Value:
    xs = values_of(given, "xs")
    return joined(b, layer, xs, given.axis("axis", len(xs[0].shape)))


def _stack(b: Builder, layer: Layer, given: Arguments) -> Value:
    xs = values_of(given, "xs")
    at = given.axis("axis", len(xs[0].shape) + 1)
    if len({x.shape for x in xs}) > 1:
        raise ModelError(f"{layer.where}: stacks shapes {[x.shape for x in xs[:8]]}; expected equal ones")
    wide = [b.reshaped(f"{layer.name}_{i}", x, (*x.shape[:at], 1, *x.shape[at:])) for i, x in enumerate(xs)]
    return joined(b, layer, wide, at)


def cut(b: Builder, name: str, x: Value, picks: list[range]) -> Value:
    """A range per axis, none empty; steps may be negative."""
    if all(p == range(s) for p, s in zip(picks, x.shape, strict=True)):
        return x
    parts = x.axes.spread({i: (p.start, len(p), p.step) for i, p in enumerate(picks)}, (0, 1, 1))
    begin, size, stride = zip(*parts, strict=True)
    return b.node("slice", name, [x], [len(p) for p in picks], {"begin": begin, "size": size, "stride": stride})


def part(b: Builder, name: str, x: Value, axis: int, pick: range) -> Value:
    """A range of one axis."""
    return cut(b, name, x, [pick if i == axis else range(s) for i, s in enumerate(x.shape)])


def _parts(b: Builder, layer: Layer, x: Value, axis: int, edges: list[int]) -> list[Value]:
    """x[edges[0]:edges[1]], x[edges[1]:edges[2]] ..."""
    if any(to <= at for at, to in zip(edges, edges[1:], strict=False)) or len(edges) > 4096:
        raise Refused(f"splits {x.shape[axis]} elements at {edges[1:-1][:16]}: a part is empty", "use parts of >= 1")
    pairs = zip(edges, edges[1:], strict=False)
    return [part(b, f"{layer.name}_{k}", x, axis, range(at, to)) for k, (at, to) in enumerate(pairs)]


def _even(layer: Layer, size: int, count: int) -> list[int]:
    if count < 1 or size % count:
        raise ModelError(f"{layer.where}: {size} elements can not be split into {count} equal parts")
    return list(range(0, size + 1, size // count))


def _split(b: Builder, layer: Layer, given: Arguments) -> list[Value]:
    """Into equal parts, or at these places."""
    x, axis = given.tensor(), given.axis("axis", len(given.tensor().shape))
    size, places = x.shape[axis], plain_list(given["indices_or_sections"])
    if not isinstance(places, list):
        return _parts(b, layer, x, axis, _even(layer, size, given.integer("indices_or_sections")))
    if not all(is_int(p) and -size <= p <= size for p in places):
        raise given.refusal("indices_or_sections", f"places within {size} elements are expected")
    return _parts(b, layer, x, axis, [0, *(p + size if p < 0 else p for p in places), size])


def _split_sizes(b: Builder, layer: Layer, given: Arguments) -> list[Value]:
    """TensorFlow's: into equal parts, or into parts of these sizes."""
    x, axis = given.tensor(), given.axis("axis", len(given.tensor().shape))
    size, sizes = x.shape[axis], plain_list(given["sizes"])
    if not isinstance(sizes, list):
        return _parts(b, layer, x, axis, _even(layer, size, given.integer("sizes")))
    if not all(is_int(s) for s in sizes) or sizes.count(-1) > 1:
        raise given.refusal("sizes", "whole numbers are expected, at most one of them -1")
    rest = size - sum(s for s in sizes if s != -1)
    edges = [0, *np.cumsum([rest if s == -1 else s for s in sizes]).tolist()]
    if edges[-1] != size:
        raise ModelError(f"{layer.where}: splits {size} elements into {sizes}")
    return _parts(b, layer, x, axis, edges)


def _unstack(b: Builder, layer: Layer, given: Arguments) -> list[Value]:
    x, axis = given.tensor(), given.axis("axis", len(given.tensor().shape))
    count = x.shape[axis]
    if given["num"] is not None and given.integer("num") != count:
        raise ModelError(f"{layer.where}: unstacks {given['num']} of {count} elements")
    rest = [s for i, s in enumerate(x.shape) if i != axis]
    parts = _parts(b, layer, x, axis, list(range(count + 1)))
    return [b.reshaped(f"{layer.name}_{k}_squeeze", p, rest) for k, p in enumerate(parts)]


def picked(b: Builder, name: str, x: Value, axis: int, indices: list[int]) -> Value:
    """The elements of one axis at these indices."""
    if indices == list(range(x.shape[axis])):
        return x
    shape = tuple(len(indices) if i == axis else s for i, s in enumerate(x.shape))
    if math.prod(shape) > MAX_MADE:
        raise Refused(f"makes {math.prod(shape)} elements", "use at most 2^24")
    return b.node("gather", name, [x], shape, {"axis": x.axes[axis], "indices": indices})


def _repeat(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axis = given.tensor(), given.axis("axis", len(given.tensor().shape))
    size, counts = x.shape[axis], plain_list(given["repeats"])
    counts = [scalar(c) for c in counts] if isinstance(counts, list) else [given.integer("repeats")]
    counts = counts * size if len(counts) == 1 else counts
    if len(counts) != size or not all(is_int(c) and 0 <= c < 2**16 for c in counts) or not any(counts):
        raise given.refusal("repeats", f"a whole number, or {size} of them, is expected")
    return picked(b, layer.name, x, axis, [i for i, c in enumerate(counts) for _ in range(c)])


def _roll(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axis = given.tensor(), given.axis("axis", len(given.tensor().shape))
    shift, size = scalar(given["shift"]), x.shape[axis]
    if not is_int(shift):
        raise given.refusal("shift", "one whole number is expected")
    return picked(b, layer.name, x, axis, [(i - shift) % size for i in range(size)])


def _take(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axis = given.tensor(), given.axis("axis", len(given.tensor().shape))
    if isinstance(given["indices"], Value):
        raise Refused("argument 'indices' is a tensor of the model", "only constant indices are supported")
    found, size = numbers(given["indices"], f"{layer.where}: its indices"), x.shape[axis]
    if found.ndim > 1 or not found.size or (found % 1).any() or (found < -size).any() or (found >= size).any():
        raise given.refusal("indices", f"one, or a list, of whole numbers from {-size} to {size - 1} is expected")
    y = picked(b, layer.name, x, axis, [int(i) % size for i in found.ravel()])
    return y if found.ndim else b.reshaped(f"{layer.name}_squeeze", y, [s for i, s in enumerate(x.shape) if i != axis])


def _flip(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axes = given.tensor(), given.axes("axis", len(given.tensor().shape))
    return cut(b, layer.name, x, [range(s)[::-1] if i in axes else range(s) for i, s in enumerate(x.shape)])


def _tile(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, counts = given.tensor(), plain_list(given["repeats"])
    rank = len(x.shape)
    counts = [scalar(c) for c in counts] if isinstance(counts, list) else [scalar(counts)]
    if len(counts) <= rank + 1:
        counts = [1] * (rank + 1 - len(counts)) + counts
    if len(counts) != rank + 1 or not all(is_int(c) and 1 <= c < 2**16 for c in counts) or counts[0] != 1:
        raise given.refusal("repeats", f"{rank + 1} whole numbers are expected, 1 for the batch")
    if counts == [1] * (rank + 1):
        return x
    shape = [s * c for s, c in zip(x.shape, counts[1:], strict=True)]
    return b.node("tile", layer.name, [x], shape, {"multiples": x.axes.spread(dict(enumerate(counts[1:])), 1)})


def _pad(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, rank = given.tensor(), len(given.tensor().shape)
    table = numbers(given["pad_width"], f"{layer.where}: its padding")
    if table.shape != (rank + 1, 2) or ((table < 0) | (table > 2**16) | (table % 1 != 0)).any() or table[0].any():
        raise given.refusal("pad_width", f"{rank + 1} pairs of whole numbers are expected, (0, 0) for the batch")
    widths = [(int(p), int(q)) for p, q in table[1:]]
    sides = x.axes.spread(dict(enumerate(widths)), (0, 0))
    attrs: dict[str, Any] = {"padding": (*sides[0], *sides[1])} | ({"channels": sides[2]} if any(sides[2]) else {})
    shape = [s + p + q for s, (p, q) in zip(x.shape, widths, strict=True)]
    mode = str(given["mode"]).lower()
    if mode == "constant":
        value = scalar(given["constant_values"])
        if value is not None and not is_real(value):
            raise given.refusal("constant_values", "a number is expected")
        return b.node("zero_padding", layer.name, [x], shape, attrs | {"value": float(value or 0)})
    if mode not in ("reflect", "symmetric"):
        raise given.refusal("mode", "use 'constant', 'reflect' or 'symmetric'")
    if any(max(w) > s - (mode == "reflect") for s, w in zip(x.shape, widths, strict=True)):
        raise given.refusal("pad_width", f"more than {x.shape} has to mirror")
    return b.node("mirror_pad", layer.name, [x], shape, attrs | {"mode": mode})


def _is_kind(key: Any, name: str) -> bool:
    return key is Ellipsis if name == "ellipsis" and not isinstance(key, dict) else (
        isinstance(key, dict) and key.get("class_name") == f"__{name}__"
    )  # fmt: skip


def _get_item(b: Builder, layer: Layer, given: Arguments) -> Value:
    """Slices, of either direction; an index drops its dimension, None makes one, an Ellipsis stands for all others."""
    x, keys = given.tensor(), given["key"]
    keys = list(keys) if isinstance(keys, (list, tuple)) else [keys]
    keys = [slice(*(k[n] for n in ("start", "stop", "step"))) if _is_slice(k) else scalar(k) for k in keys]
    rank, named = len(x.shape) + 1, sum(k is not None and not _is_kind(k, "ellipsis") for k in keys)
    dots = [i for i, k in enumerate(keys) if _is_kind(k, "ellipsis")]
    if named > rank or len(dots) > 1:
        raise Refused(f"{len(keys)} indices of {rank} dimensions", "use as many as there are dimensions")
    at = dots[0] if dots else len(keys)
    keys = [*keys[:at], *[slice(None)] * (rank - named), *keys[at + 1 :]]
    if not _is_all(keys[0]):
        raise Refused(f"its first index is {short(keys[0])}: the batch", "keep the batch: x[:, ...] with plain slices")
    sides = iter(x.shape)
    picks = [(k, None if k is None else _pick(layer, k, next(sides))) for k in keys[1:]]
    y = cut(b, layer.name, x, [p for _, p in picks if p is not None])
    shape = [1 if p is None else len(p) for k, p in picks if not is_int(k)]
    return b.reshaped(f"{layer.name}_squeeze", y, shape)


def _is_all(key: Any) -> bool:
    return isinstance(key, slice) and key.start in (None, 0) and key.stop is None and key.step in (None, 1)


def _is_slice(key: Any) -> bool:
    return isinstance(key, dict) and set(key) == {"start", "stop", "step"}


def _pick(layer: Layer, key: Any, size: int) -> range:
    """One index or slice of `size` elements."""
    if is_int(key) and -size <= key < size:
        return range(key % size, key % size + 1)
    if not isinstance(key, slice):
        raise Refused(f"index {short(key)} of {size} elements", "use plain slices and whole numbers within the shape")
    edges = [scalar(v) for v in (key.start, key.stop, key.step)]
    if not all(v is None or is_int(v) for v in edges) or edges[2] == 0:
        raise Refused(f"index {short(key)}", "use plain slices with steps other than 0")
    found = range(size)[slice(*edges)]
    if not found:
        raise ModelError(f"{layer.where}: slice {key} of {size} elements is empty")
    return found if len(found) > 1 else range(found.start, found.start + 1)


def _resize(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, size = given.tensor(), plain_list(given["size"])
    if len(x.shape) != 3 or not isinstance(size, list) or len(size) != 2:
        raise given.refusal("size", "an image (height, width, channels) and two sides are expected")
    if not all(is_int(s) and 1 <= s < 2**16 for s in size):
        raise given.refusal("size", "whole numbers >= 1 are expected")
    mode = given["interpolation"]
    if mode not in ("nearest", "bilinear"):
        raise given.refusal("interpolation", "use 'nearest' or 'bilinear'")
    return resized(b, layer, x, (size[0], size[1]), mode)


def _blocks(op: str) -> Operation:
    def make(b: Builder, layer: Layer, given: Arguments) -> Value:
        x, n = given.tensor(), given.integer("block_size")
        if len(x.shape) != 3:
            raise Refused(f"{len(x.shape) + 1} dimensions", "use an image (height, width, channels)")
        h, w, c = x.sides
        grows = op == "depth_to_space"
        if (c % (n * n)) if grows else (h % n or w % n):
            raise ModelError(f"{layer.where}: blocks of {n} do not fit {x.shape}")
        shape = (h * n, w * n, c // n // n) if grows else (h // n, w // n, c * n * n)
        return x if n == 1 else b.node(op, layer.name, [x], shape, {"block": n})

    return make


HANDLERS: dict[str, Operation] = {
    "reshape": _reshape, "transpose": _transpose, "moveaxis": _moveaxis, "swapaxes": _swapaxes, "squeeze": _squeeze,
    "expand_dims": _expand_dims, "concatenate": _concatenate, "stack": _stack, "split": _split,
    "split_sizes": _split_sizes, "unstack": _unstack, "repeat": _repeat, "roll": _roll, "take": _take, "flip": _flip,
    "tile": _tile, "pad": _pad, "get_item": _get_item, "resize": _resize,
    "depth_to_space": _blocks("depth_to_space"), "space_to_depth": _blocks("space_to_depth"),
}  # fmt: skip
