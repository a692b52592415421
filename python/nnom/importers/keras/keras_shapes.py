# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras layers without windows: activations, merging, shapes, padding, scaling; those idle at inference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ModelError
from ..layout import rotations
from ..workbench import Refused
from .keras_build import (
    Act,
    Builder,
    Handler,
    Value,
    arrays,
    expect_rank,
    leaky_activation,
    parse_activation,
    relu_activation,
)
from .keras_config import is_int, numbers
from .keras_settings import AUGMENTATIONS
from .keras_spec import Layer

# Layers that pass their input on unchanged at inference.
DROPPED = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "ActivityRegularization", "Identity", *(name for name in AUGMENTATIONS if name != "RandomCrop"),
)  # fmt: skip

MERGES = {
    "Add": "add", "Subtract": "sub", "Multiply": "mult", "Maximum": "maximum", "Minimum": "minimum", "Average": "add",
}  # fmt: skip


def reshape_target(where: str, sides: Any, elements: int) -> tuple[int, ...]:
    """`sides` with at most one -1, resolved for `elements`; ModelError if they do not fit."""
    sides = [sides] if is_int(sides) else sides
    if not isinstance(sides, (list, tuple)) or not all(is_int(s) and (s == -1 or s >= 1) for s in sides):
        raise ModelError(f"{where}: target shape {str(sides)[:60]}; expected sizes >= 1 and at most one -1")
    known = math.prod(s for s in sides if s != -1)
    open_sides = sum(s == -1 for s in sides)
    if open_sides > 1 or elements % known or (open_sides == 0 and known != elements):
        raise ModelError(f"{where}: target shape {tuple(sides)} does not fit {elements} elements")
    return tuple(elements // known if s == -1 else s for s in sides)


def transposed(b: Builder, name: str, x: Value, order: Sequence[int]) -> Value:
    """`order`: of Keras's axes without the batch, from 0. Of more than three axes by several nodes."""
    shape = tuple(x.shape[a] for a in order)
    if len(shape) > 3:
        for i, (h, w, c) in enumerate(rotations(x.shape, tuple(order))):
            parted = b.reshaped(f"{name}_parts{i}", x, (h, w, c))
            x = b.node("transpose", f"{name}_turn{i}", [parted], (h, c, w), {"perm": (0, 2, 1)})
        return b.reshaped(name, x, shape)
    axes = [x.axes[a] for a in order]
    perm = {1: (0, 1, 2), 2: (axes[0], 1, axes[-1]), 3: tuple(axes)}[len(axes)]
    return x if perm == (0, 1, 2) else b.node("transpose", name, [x], shape, {"perm": perm})


def concatenated(b: Builder, layer: Layer, xs: list[Value], axis: Any) -> Value:
    """`axis` counts the batch as 0; negative from the end."""
    rank = len(xs[0].shape)
    if not is_int(axis) or not -rank - 1 <= axis <= rank:
        raise layer.config.fail("axis", f"an axis of {rank + 1} dimensions")
    index = axis - 1 if axis >= 0 else axis + rank
    if index < 0:
        raise Refused("concatenation along the batch", "use an axis of the data, such as -1")
    rests = {(*x.shape[:index], *x.shape[index + 1 :]) for x in xs}
    if len(rests) != 1 or any(len(x.shape) != rank for x in xs):
        raise ModelError(f"{layer.where}: shapes {[x.shape for x in xs]} differ in more than axis {axis}")
    if len(xs) == 1:
        return xs[0]
    shape = (*xs[0].shape[:index], sum(x.shape[index] for x in xs), *xs[0].shape[index + 1 :])
    return b.node("concat", layer.name, xs, shape, {"axis": xs[0].axes[index]})


def _merge(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    if layer.cls == "Subtract" and len(xs) != 2:
        raise ModelError(f"{layer.where}: has {len(xs)} inputs; expected 2")
    total = b.chain(MERGES[layer.cls], layer.name, xs)
    if layer.cls != "Average" or len(xs) == 1:
        return total
    share = b.constant(f"{layer.name}_share", np.array(1 / len(xs)))
    return b.node("mult", f"{layer.name}_mean", [total, share], total.shape, {"activation": "none"})


def _relu(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    return b.activation(layer.name, xs[0], relu_activation(layer.config, b.v3))


def _softmax(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    """Over one axis, or over all of the data."""
    axes = layer.config.get("axis", -1)
    return softmax_over(b, layer, xs[0], "softmax", axes if isinstance(axes, list) else [axes])


def softmax_over(b: Builder, layer: Layer, x: Value, op: str, axes: list[Any]) -> Value:
    """softmax or log_softmax over axes as Keras counts them (0 is the batch): moved to the end, and back."""
    rank = len(x.shape)
    if not all(is_int(a) and -rank - 1 <= a <= rank and a % (rank + 1) for a in axes) or not axes:
        raise Refused(f"softmax over axis {axes}", f"use axes of the data: 1 to {rank}, or -{rank} to -1")
    over = sorted({a % (rank + 1) - 1 for a in axes})
    kept = [i for i in range(rank) if i not in over]
    order = [*kept, *over]
    moved = transposed(b, f"{layer.name}_moved", x, order)
    shape = (*(x.shape[i] for i in kept), math.prod(x.shape[i] for i in over))
    y = b.node(op, layer.name, [b.reshaped(f"{layer.name}_joined", moved, shape)], shape)
    back = b.reshaped(f"{layer.name}_parted", y, moved.shape)
    return transposed(b, f"{layer.name}_back", back, [order.index(i) for i in range(rank)])


def _random_crop(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    """Of an image of its own size: nothing happens. Keras passes others on, in a shape that it does not announce."""
    size = (layer.config.integer("height"), layer.config.integer("width"))
    if xs[0].shape[:-1] != size:
        raise Refused(f"RandomCrop to {size} of {xs[0].shape[:-1]}", "crop or resize before the model")
    return xs[0]


def clipped(b: Builder, name: str, x: Value, low: float | None, high: float | None) -> Value:
    """min(max(x, low), high) with constants."""
    for op, bound in (("maximum", low), ("minimum", high)):
        if bound is not None:
            constant = b.constant(f"{name}_{op}", np.array(bound))
            x = b.node(op, name, [x, constant], x.shape, {"activation": "none"})
    return x


def _reshape(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    x = xs[0]
    return b.reshaped(layer.name, x, reshape_target(layer.where, layer.config.get("target_shape"), math.prod(x.shape)))


def _flatten(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    x = xs[0]
    shape = (math.prod(x.shape),)
    return Value(x.name, shape) if len(x.shape) == 1 else b.node("flatten", layer.name, [x], shape)


def _permute(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    rank = len(xs[0].shape)
    dims = layer.config.integers("dims", rank)
    if sorted(dims) != list(range(1, rank + 1)):
        raise layer.config.fail("dims", f"the numbers 1 to {rank} in some order")
    return transposed(b, layer.name, xs[0], [d - 1 for d in dims])


def _repeat(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    expect_rank(layer, xs[0], 1)
    n, c = layer.config.integer("n"), xs[0].shape[0]
    return b.node("tile", layer.name, xs, (n, c), {"multiples": (n, 1, 1)})


def _sides(layer: Layer, key: str, rank: int) -> tuple[int, int, int, int]:
    """The padding or cropping of a layer: n, (h, w) or ((top, bottom), (left, right)); 1-D: n or (before, after)."""
    value = layer.config.get(key, 1)
    value = [value] * 2 if is_int(value) else value
    rows = [value] if rank == 1 else value
    if isinstance(rows, list) and len(rows) == rank:
        rows = [[r, r] if is_int(r) else r for r in rows]
        if all(isinstance(r, list) and len(r) == 2 and all(is_int(v) and 0 <= v < 2**20 for v in r) for r in rows):
            rows += [[0, 0]] * (2 - rank)
            return rows[0][0], rows[0][1], rows[1][0], rows[1][1]
    raise layer.config.fail(key, "numbers >= 0: n, (h, w) or ((top, bottom), (left, right))")


def padded(b: Builder, name: str, x: Value, sides: tuple[int, int, int, int], value: float = 0.0) -> Value:
    """`x` with (top, bottom, left, right) rows and columns of `value` around."""
    h, w, c = x.sides
    out = (h + sides[0] + sides[1], w + sides[2] + sides[3])
    shape = (out[0], c) if len(x.shape) == 2 else (*out, c)
    return b.node("zero_padding", name, [x], shape, {"padding": sides, "value": value})


def _pad(b: Builder, layer: Layer, xs: list[Value], rank: int) -> Value:
    expect_rank(layer, xs[0], rank + 1)
    return padded(b, layer.name, xs[0], _sides(layer, "padding", rank))


def _crop(b: Builder, layer: Layer, xs: list[Value], rank: int) -> Value:
    expect_rank(layer, xs[0], rank + 1)
    sides = _sides(layer, "cropping", rank)
    h, w, c = xs[0].sides
    out = (h - sides[0] - sides[1], w - sides[2] - sides[3])
    if min(out) < 1:
        raise ModelError(f"{layer.where}: crops {sides} from {h} x {w}: nothing is left")
    return b.node("cropping", layer.name, xs, (out[0], c) if rank == 1 else (*out, c), {"padding": sides})


def _upsample(b: Builder, layer: Layer, xs: list[Value], rank: int) -> Value:
    expect_rank(layer, xs[0], rank + 1)
    factors = layer.config.integers("size", rank, 2)
    kernel = (factors[0], factors[1] if rank == 2 else 1)
    h, w, c = xs[0].sides
    out = (h * kernel[0], w * kernel[1])
    mode = layer.config.text("interpolation", "nearest")
    if mode != "nearest":
        return resized(b, layer, xs[0], out, mode)
    return b.node("upsample", layer.name, xs, (out[0], c) if rank == 1 else (*out, c), {"kernel": kernel})


def resized(b: Builder, layer: Layer, x: Value, out: tuple[int, int], mode: str) -> Value:
    """An image with sides `out`; `mode` "nearest" or "bilinear", centres of pixels on each other."""
    if mode not in ("nearest", "bilinear"):
        raise Refused(f"interpolation '{mode}'", "use 'nearest' or 'bilinear'")
    shape = (*out, x.shape[-1])
    attrs = {"shape": shape, "align_corners": False, "half_pixel_centers": True}
    return b.node(f"resize_{mode}", layer.name, [x], shape, attrs)


def _resizing(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    expect_rank(layer, xs[0], 3)
    for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        if layer.config.flag(key, False):
            raise Refused(f"Resizing with {key}", "resize without it, or before the model")
    out = (layer.config.integer("height"), layer.config.integer("width"))
    return resized(b, layer, xs[0], out, layer.config.text("interpolation", "bilinear"))


def scaled(b: Builder, name: str, x: Value, scale: np.ndarray, offset: np.ndarray) -> Value:
    """x * scale + offset with constants of rank <= that of x; parts that change nothing are left out."""
    for op, data, neutral in (("mult", scale, 1.0), ("add", offset, 0.0)):
        if (data == neutral).all():
            continue
        aligned = data.reshape((1,) * (len(x.shape) - data.ndim) + data.shape)  # at the end, as numpy does it
        x = b.chain(op, name, [x, b.constant(f"{name}_{op}_by", aligned)])
    return x


def _fitting(layer: Layer, name: str, data: np.ndarray, x: Value) -> np.ndarray:
    """`data` without a leading batch of 1; ModelError unless it can be broadcast to x."""
    if data.ndim == len(x.shape) + 1 and data.shape[0] == 1:
        data = data[0]
    if data.ndim > len(x.shape) or any(d not in (1, s) for d, s in zip(data.shape[::-1], x.shape[::-1], strict=False)):
        raise ModelError(f"{layer.where}: {name} of shape {list(data.shape)} does not fit its input of {list(x.shape)}")
    return data


def _rescaling(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    scale = _fitting(layer, "scale", layer.config.reals("scale", 1.0), xs[0])
    offset = _fitting(layer, "offset", layer.config.reals("offset", 0.0), xs[0])
    return scaled(b, layer.name, xs[0], scale, offset)


def _normalization(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    """(x - mean) / max(sqrt(variance), 1e-7), or its inverse."""
    x, where = xs[0], layer.where
    axes = layer.config.get("axis", -1)
    axes = [] if axes is None else axes if isinstance(axes, list) else [axes]
    rank = len(x.shape) + 1
    if not all(is_int(a) and -rank <= a < rank and a % rank for a in axes):
        raise Refused(f"normalisation over axis {axes}", "use axes of the data, such as -1")
    kept = sorted(a % rank - 1 for a in axes)
    if layer.config.get("mean") is not None:
        mean, variance = (numbers(layer.config.get(k), f"{where}: setting '{k}'") for k in ("mean", "variance"))
    else:
        mean, variance, _ = (
            a.astype(np.float64) for a in arrays(layer, ("mean", None), ("variance", None), ("count", None))
        )
    shape = tuple(s if i in kept else 1 for i, s in enumerate(x.shape))
    mean, variance = _statistic(where, "mean", mean, shape), _statistic(where, "variance", variance, shape)
    deviation = np.maximum(np.sqrt(np.maximum(variance, 0)), 1e-7)
    if layer.config.flag("invert", False):
        return scaled(b, layer.name, x, deviation, mean)
    return scaled(b, layer.name, x, 1 / deviation, -mean / deviation)


def _statistic(where: str, name: str, data: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`data` as `shape`: a learned one has just the kept axes, a given one is broadcast."""
    if data.size == math.prod(shape):
        return data.reshape(shape)
    try:
        return np.broadcast_to(data, (1, *shape))[0]
    except ValueError:
        raise ModelError(f"{where}: {name} has shape {list(data.shape)}; expected {list(shape)}") from None


def _activation(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    return b.activation(layer.name, xs[0], parse_activation(layer.config.get("activation"), layer.where, b.v3))


def _ranked(handler: Callable[[Builder, Layer, list[Value], int], Value], rank: int) -> Handler:
    return lambda b, layer, xs: handler(b, layer, xs, rank)


def _table() -> dict[str, Handler]:
    table: dict[str, Handler] = {name: lambda b, layer, xs: xs[0] for name in DROPPED}
    table.update({name: _merge for name in MERGES})
    table["LeakyReLU"] = lambda b, layer, xs: b.activation(layer.name, xs[0], leaky_activation(layer.config, b.v3))
    table["ELU"] = lambda b, layer, xs: b.activation(layer.name, xs[0], Act("elu", layer.config.real("alpha", 1.0)))
    for rank in (1, 2):
        for name, handler in (("ZeroPadding", _pad), ("Cropping", _crop), ("UpSampling", _upsample)):
            table[f"{name}{rank}D"] = _ranked(handler, rank)
    return table | {
        "Activation": _activation, "ReLU": _relu, "Softmax": _softmax, "RandomCrop": _random_crop,
        "Reshape": _reshape, "Flatten": _flatten, "Permute": _permute,
        "RepeatVector": _repeat, "Resizing": _resizing, "Rescaling": _rescaling, "Normalization": _normalization,
        "Concatenate": lambda b, layer, xs: concatenated(b, layer, xs, layer.config.get("axis", -1)),
    }  # fmt: skip


HANDLERS = _table()
MANY_INPUTS = (*MERGES, "Concatenate")
