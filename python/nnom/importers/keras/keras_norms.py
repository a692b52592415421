# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras layers that normalise with statistics of the sample: what they compute is put together of plain operators."""

from __future__ import annotations

import math

import numpy as np

from ...errors import ModelError
from ..workbench import Refused
from .keras_build import Act, Builder, Value, arrays
from .keras_config import is_int
from .keras_reduce import normalised, reduced
from .keras_shapes import scaled
from .keras_spec import Layer


def _axes(layer: Layer, x: Value) -> list[int]:
    """The setting `axis`, counted from 0 without the batch."""
    given = layer.config.get("axis", -1)
    axes, rank = given if isinstance(given, list) else [given], len(x.shape)
    if not axes or not all(is_int(a) and -rank - 1 <= a <= rank and a % (rank + 1) for a in axes):
        raise Refused(f"normalisation over axis {axes}", f"use axes of the data: 1 to {rank}, or -{rank} to -1")
    return sorted({a % (rank + 1) - 1 for a in axes})


def _standardised(b: Builder, name: str, x: Value, axes: list[int], epsilon: float, centre: bool = True) -> Value:
    """(x - mean) / sqrt(variance + epsilon) over axes; without centre x / sqrt(mean(x ** 2) + epsilon)."""
    if centre:
        x = b.chain("sub", f"{name}_centred", [x, reduced(b, f"{name}_mean", x, "mean", axes)])
    squares = b.activation(f"{name}_square", x, Act("square"))
    variance = reduced(b, f"{name}_variance", squares, "mean", axes)
    raised = b.chain("add", f"{name}_raised", [variance, b.constant(f"{name}_epsilon", np.array(epsilon))])
    return b.chain("mult", f"{name}_normalised", [x, b.activation(f"{name}_rsqrt", raised, Act("rsqrt"))])


def _learned(layer: Layer, shape: tuple[int, ...], keys: dict[str, bool]) -> dict[str, np.ndarray]:
    """Arrays of `shape` by the name of the setting that says whether they are there."""
    names = [name for name, default in keys.items() if layer.config.flag(name, default)]
    found = dict(zip(names, arrays(layer, *((name, shape) for name in names)), strict=True))
    return {"scale": np.ones(shape, np.float32), "center": np.zeros(shape, np.float32), **found}


def _placed(data: np.ndarray, axes: list[int], x: Value) -> np.ndarray:
    """An array of the sizes of `axes` as one that broadcasts over x."""
    return data.reshape([s if i in axes else 1 for i, s in enumerate(x.shape)])


def layer_norm(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    """LayerNormalization, and RMSNormalization, which neither centres nor shifts."""
    x, rms = xs[0], layer.cls == "RMSNormalization"
    axes, epsilon = _axes(layer, x), layer.config.real("epsilon", 1e-6 if rms else 1e-3)
    shape = tuple(x.shape[a] for a in axes)
    if rms:
        found = {"scale": arrays(layer, ("scale", shape))[0], "center": np.zeros(shape, np.float32)}
    else:
        found = _learned(layer, shape, {"scale": True, "center": True})
    y = _standardised(b, layer.name, x, axes, epsilon, centre=not rms)
    return scaled(b, layer.name, y, _placed(found["scale"], axes, x), _placed(found["center"], axes, x))


def group_norm(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    """GroupNormalization over the channels: of (positions, groups, channels of a group) each group by itself."""
    x, channels = xs[0], xs[0].shape[-1]
    if _axes(layer, x) != [len(x.shape) - 1]:
        raise Refused("groups of another axis than the channels", "use axis -1")
    groups = layer.config.integer("groups", 32, least=-1)
    groups = channels if groups == -1 else groups
    if groups < 1 or channels % groups:
        raise ModelError(f"{layer.where}: {groups} groups do not divide {channels} channels")
    parted = (math.prod(x.shape[:-1]), groups, channels // groups)
    found = _learned(layer, (channels,), {"scale": True, "center": True})
    y = b.reshaped(f"{layer.name}_parted", x, parted)
    y = _standardised(b, layer.name, y, [0, 2], layer.config.real("epsilon", 1e-3))
    return scaled(b, layer.name, b.reshaped(f"{layer.name}_joined", y, x.shape), found["scale"], found["center"])


def unit_norm(b: Builder, layer: Layer, xs: list[Value]) -> Value:
    """UnitNormalization: vectors of length 1."""
    return normalised(b, layer.name, xs[0], _axes(layer, xs[0]), 1e-12)


HANDLERS = {
    "LayerNormalization": layer_norm,
    "RMSNormalization": layer_norm,
    "GroupNormalization": group_norm,
    "UnitNormalization": unit_norm,
}
