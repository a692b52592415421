# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras layers with windows and weights: convolutions, dense, pooling, normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...errors import ModelError
from ...graph import Weight, same_padding, window_size
from ..workbench import Refused
from .keras_build import Builder, Handler, Value, arrays, cached, expect_rank, layer_activation
from .keras_settings import BATCH_NORMS
from .keras_spec import Layer

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]


class Window(NamedTuple):
    """A sliding window resolved for one input: (h, w) each; `out` is the output's (h, w)."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: Padding
    out: Pair

    def attrs(self) -> dict[str, Any]:
        """What a convolution node needs of the window."""
        return {"stride": self.stride, "dilation": self.dilation, "padding": self.padding}


def pair(layer: Layer, key: str, rank: int, default: Any = None) -> Pair:
    """A setting of a 1-D layer (n) -> (n, 1), of a 2-D layer (h, w)."""
    values = layer.config.integers(key, rank, default)
    return (values[0], 1) if rank == 1 else (values[0], values[1])


def spatial(shape: tuple[int, ...], out: Pair, channels: int) -> tuple[int, ...]:
    """Keras's shape of a result with sides `out`: (T, C) or (H, W, C) like the input."""
    return (out[0], channels) if len(shape) == 2 else (*out, channels)


def window(layer: Layer, x: Value, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Window:
    """Resolves the layer's padding for the input `x`; kernel, stride, dilation: (h, w)."""
    mode = layer.config.text("padding", "valid").lower()
    sides = x.sides[:2]
    if mode == "same":
        pads = [same_padding(*s) for s in zip(sides, kernel, stride, dilation, strict=True)]
    elif mode == "causal" and len(x.shape) == 2:
        pads = [((kernel[0] - 1) * dilation[0], 0), (0, 0)]
    elif mode == "valid":
        pads = [(0, 0), (0, 0)]
    else:
        raise layer.config.fail("padding", "'valid' or 'same' ('causal' in 1-D)")
    out = [window_size(*s, *p) for s, p in zip(zip(sides, kernel, stride, dilation, strict=True), pads, strict=True)]
    if min(out) < 1:
        raise ModelError(f"{layer.where}: window {kernel} does not fit its input of {sides}")
    return Window(kernel, stride, dilation, (*pads[0], *pads[1]), (out[0], out[1]))


def conv_window(layer: Layer, x: Value, rank: int) -> Window:
    """The window of a convolution of `rank` spatial dimensions."""
    expect_rank(layer, x, rank + 1)
    kernel = pair(layer, "kernel_size", rank)
    return window(layer, x, kernel, pair(layer, "strides", rank, 1), pair(layer, "dilation_rate", rank, 1))


def kernel_side(kernel: Pair, rank: int) -> tuple[int, ...]:
    """A kernel's sides as Keras stores them: (k) in 1-D, (kh, kw) in 2-D."""
    return kernel[:1] if rank == 1 else kernel


def _bias(layer: Layer, channels: int) -> list[tuple[str, tuple[int, ...] | None]]:
    return [("bias", (channels,))] if layer.config.flag("use_bias", True) else []


def _weights(kernel: np.ndarray, bias: list[np.ndarray]) -> dict[str, Weight]:
    """`bias`: none or one array."""
    made = {"weights": Weight(np.ascontiguousarray(kernel))}
    return {**made, "bias": Weight(bias[0])} if bias else made


def _outputs_first(kernel: np.ndarray) -> np.ndarray:
    """[kh, kw, in, out] -> [out, kh, kw, in]."""
    return np.moveaxis(kernel, -1, 0)


def conv(b: Builder, layer: Layer, x: Value, rank: int) -> Value:
    """Conv1D and Conv2D: one node; with groups a depthwise one, or one per group."""
    win = conv_window(layer, x, rank)
    channels, filters, groups = x.shape[-1], layer.config.integer("filters"), layer.config.integer("groups", 1)
    if channels % groups or filters % groups:
        raise ModelError(f"{layer.where}: {groups} groups do not divide {channels} channels and {filters} filters")
    shape = (*kernel_side(win.kernel, rank), channels // groups, filters)
    kernel, *bias = arrays(layer, ("kernel", shape), *_bias(layer, filters))
    kernel = kernel.reshape(*win.kernel, channels // groups, filters)
    out = spatial(x.shape, win.out, filters)
    if groups == 1:
        weights = cached(layer, lambda: _weights(_outputs_first(kernel), bias))
        return b.activated("conv2d", layer, x, out, win.attrs(), weights)
    if groups == channels:
        weights = cached(layer, lambda: _weights(kernel[:, :, 0], bias))
        return b.activated("depthwise_conv2d", layer, x, out, win.attrs(), weights)
    return _grouped(b, layer, x, win, (kernel, bias, groups))


def _grouped(
    b: Builder, layer: Layer, x: Value, win: Window, weights: tuple[np.ndarray, list[np.ndarray], int]
) -> Value:
    """One slice and one convolution per group, then a concatenation: as many multiplications as in Keras."""
    kernel, bias, groups = weights
    size, per = x.shape[-1] // groups, kernel.shape[-1] // groups
    made = cached(layer, lambda: [
        _weights(_outputs_first(kernel[..., g * per : (g + 1) * per]), [v[g * per : (g + 1) * per] for v in bias])
        for g in range(groups)
    ])  # fmt: skip
    h, w, _ = x.sides
    act = layer_activation(layer, b.v3)
    attrs = {**win.attrs(), "activation": act.clamp}
    parts = []
    for g in range(groups):
        piece = {"begin": (0, 0, g * size), "size": (h, w, size), "stride": (1, 1, 1)}
        part = b.node("slice", f"{layer.name}_group{g}", [x], (*x.shape[:-1], size), piece)
        out = spatial(x.shape, win.out, per)
        parts.append(b.node("conv2d", f"{layer.name}_conv{g}", [part], out, attrs, made[g]))
    y = b.node("concat", layer.name, parts, spatial(x.shape, win.out, per * groups), {"axis": 2})
    return b.finished(layer, y, act)


def depthwise(b: Builder, layer: Layer, x: Value, rank: int) -> Value:
    """DepthwiseConv1D and 2D: [kh, kw, in, multiplier] -> [kh, kw, in * multiplier]."""
    win = conv_window(layer, x, rank)
    multiplier = layer.config.integer("depth_multiplier", 1)
    shape = (*kernel_side(win.kernel, rank), x.shape[-1], multiplier)
    channels = x.shape[-1] * multiplier
    kernel, *bias = arrays(layer, ("kernel", shape), *_bias(layer, channels))
    weights = cached(layer, lambda: _weights(kernel.reshape(*win.kernel, channels), bias))
    return b.activated("depthwise_conv2d", layer, x, spatial(x.shape, win.out, channels), win.attrs(), weights)


def separable(b: Builder, layer: Layer, x: Value, rank: int) -> Value:
    """A depthwise convolution without bias, then a 1x1 convolution."""
    win = conv_window(layer, x, rank)
    multiplier, filters = layer.config.integer("depth_multiplier", 1), layer.config.integer("filters")
    middle = x.shape[-1] * multiplier
    first, second, *bias = arrays(
        layer,
        ("depthwise kernel", (*kernel_side(win.kernel, rank), x.shape[-1], multiplier)),
        ("pointwise kernel", (*(1,) * rank, middle, filters)),
        *_bias(layer, filters),
    )
    made = cached(layer, lambda: (
        _weights(first.reshape(*win.kernel, middle), []),
        _weights(_outputs_first(second.reshape(1, 1, middle, filters)), bias),
    ))  # fmt: skip
    attrs = {**win.attrs(), "activation": "none"}
    y = b.node("depthwise_conv2d", f"{layer.name}_depthwise", [x], spatial(x.shape, win.out, middle), attrs, made[0])
    return b.activated("conv2d", layer, y, spatial(x.shape, win.out, filters), _pointwise(), made[1])


def _pointwise() -> dict[str, Any]:
    return {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0)}


def conv_transpose(b: Builder, layer: Layer, x: Value, rank: int) -> Value:
    """Dilation and padding at the output become zero taps of the kernel, so that the node needs neither."""
    expect_rank(layer, x, rank + 1)
    size, stride = pair(layer, "kernel_size", rank), pair(layer, "strides", rank, 1)
    dilation = pair(layer, "dilation_rate", rank, 1)
    filters, channels = layer.config.integer("filters"), x.shape[-1]
    if layer.config.integer("groups", 1) != 1:
        raise Refused("a transposed convolution with groups", "use one without groups")
    shape = (*kernel_side(size, rank), filters, channels)
    kernel, *bias = arrays(layer, ("kernel", shape), *_bias(layer, filters))
    kernel = _dilated(kernel.reshape(*size, filters, channels), dilation)
    extra = layer.config.get("output_padding")
    extras = (None, None) if extra is None else pair_from_zero(layer, "output_padding", rank)
    plans = [_transposed(layer, *s) for s in zip(x.sides[:2], kernel.shape[:2], stride, extras, strict=True)]
    taps = [(0, p[2]) for p in plans]
    made = cached(layer, lambda: _weights(np.moveaxis(np.pad(kernel, (*taps, (0, 0), (0, 0))), 2, 0), bias))
    out = (plans[0][3], plans[1][3])
    attrs = {"stride": stride, "padding": (*plans[0][:2], *plans[1][:2])}
    return b.activated("conv2d_transpose", layer, x, spatial(x.shape, out, filters), attrs, made)


def pair_from_zero(layer: Layer, key: str, rank: int) -> Pair:
    """Like `pair` for numbers from 0, which stay 0 in the dimension that a 1-D layer lacks."""
    values = layer.config.integers(key, rank, 0, least=0)
    return (values[0], 0) if rank == 1 else (values[0], values[1])


def _dilated(kernel: np.ndarray, dilation: Pair) -> np.ndarray:
    """[kh, kw, ...] with zeros between the taps."""
    kh, kw = ((k - 1) * d + 1 for k, d in zip(kernel.shape[:2], dilation, strict=True))
    if kh * kw > 2**20:
        raise Refused(f"a dilated kernel of {kh} x {kw} taps", "use at most 2^20")
    result = np.zeros((kh, kw, *kernel.shape[2:]), np.float32)
    result[:: dilation[0], :: dilation[1]] = kernel
    return result


def _transposed(layer: Layer, size: int, kernel: int, stride: int, extra: int | None) -> tuple[int, int, int, int]:
    """One side of a transposed convolution: (padding before, padding after, zero taps to append, output size)."""
    same = layer.config.text("padding", "valid").lower() == "same"
    full = (size - 1) * stride + kernel
    if extra is None:
        out = size * stride if same else full + max(stride - kernel, 0)
    else:
        out = full + extra - (kernel // 2 * 2 if same else 0)
    before = max(full - out, 0) // 2 if same else 0
    after = full - before - out
    if out < 1:
        raise ModelError(f"{layer.where}: its output would have {out} rows or columns")
    return before, max(after, 0), max(-after, 0), out


def dense(b: Builder, layer: Layer, x: Value) -> Value:
    """On vectors a dense node; on (T, C) and (H, W, C) a 1x1 convolution, as Keras applies it to the last axis."""
    expect_rank(layer, x, 1, 2, 3)
    units, channels = layer.config.integer("units"), x.shape[-1]
    kernel, *bias = arrays(layer, ("kernel", (channels, units)), *_bias(layer, units))
    transposed = cached(layer, lambda: _weights(kernel.T, bias))
    if len(x.shape) == 1:
        return b.activated("dense", layer, x, (units,), {}, transposed)
    weights = {**transposed, "weights": Weight(transposed["weights"].data.reshape(units, 1, 1, channels))}
    return b.activated("conv2d", layer, x, (*x.shape[:-1], units), _pointwise(), weights)


def pool(b: Builder, layer: Layer, x: Value, rank: int) -> Value:
    """Max and average pooling; padded positions count in neither."""
    expect_rank(layer, x, rank + 1)
    kernel = pair(layer, "pool_size", rank, 2)
    win = window(layer, x, kernel, pair(layer, "strides", rank, list(kernel[:rank])))
    op = "max_pool" if layer.cls.startswith("Max") else "avg_pool"
    attrs = {"kernel": kernel, "stride": win.stride, "padding": win.padding, "activation": "none"}
    return b.node(op, layer.name, [x], spatial(x.shape, win.out, x.shape[-1]), attrs)


def global_pool(b: Builder, layer: Layer, x: Value, rank: int) -> Value:
    """Global max and average pooling, with or without the dimensions kept."""
    expect_rank(layer, x, rank + 1)
    op = "global_max_pool" if "Max" in layer.cls else "global_avg_pool"
    kept = (1,) * rank if layer.config.flag("keepdims", False) else ()
    return b.node(op, layer.name, [x], (*kept, x.shape[-1]))


def batch_norm(b: Builder, layer: Layer, x: Value) -> Value:
    """Batch normalisation over channels at inference: four arrays [c]."""
    expect_rank(layer, x, 1, 2, 3)
    axis = layer.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(x.shape)):
        raise Refused(f"batch normalisation over axis {axis}", "use the channels, the last axis (-1)")
    c = (x.shape[-1],)
    learned = [(name, c) for name, key in (("gamma", "scale"), ("beta", "center")) if layer.config.flag(key, True)]
    expected = [*learned, ("mean", c), ("variance", c)]
    found = dict(zip([name for name, _ in expected], arrays(layer, *expected), strict=True))
    if (found["variance"] < 0).any():
        raise ModelError(f"{layer.where}: the variance has negative values; the weights are damaged")

    def make() -> dict[str, Weight]:
        defaults = {"gamma": np.ones(c, np.float32), "beta": np.zeros(c, np.float32)}
        return {name: Weight(array) for name, array in {**defaults, **found}.items()}

    return b.node(
        "batch_norm", layer.name, [x], x.shape, {"epsilon": layer.config.real("epsilon", 1e-3)}, cached(layer, make)
    )


def prelu(b: Builder, layer: Layer, x: Value) -> Value:
    """Slopes per channel belong to the node; slopes that differ between positions are its second input."""
    (alpha,) = arrays(layer, ("alpha", None))
    if alpha.ndim != len(x.shape) or any(a not in (1, s) for a, s in zip(alpha.shape, x.shape, strict=True)):
        raise ModelError(f"{layer.where}: alpha has shape {list(alpha.shape)}; its input has {list(x.shape)}")
    rows = alpha.reshape(-1, alpha.shape[-1])
    if (rows == rows[0]).all():
        weights = cached(layer, lambda: {"alpha": Weight(np.broadcast_to(rows[0], x.shape[-1:]).copy())})
        return b.node("prelu", layer.name, [x], x.shape, {}, weights)
    return b.node("prelu", layer.name, [x, b.constant(f"{layer.name}_alpha", alpha)], x.shape)


def _ranked(handler: Any, rank: int) -> Handler:
    return lambda b, layer, xs: handler(b, layer, xs[0], rank)


def _plain(handler: Callable[[Builder, Layer, Value], Value]) -> Handler:
    return lambda b, layer, xs: handler(b, layer, xs[0])


def _table() -> dict[str, Handler]:
    table: dict[str, Handler] = {}
    for rank in (1, 2):
        for name, handler in (
            ("Conv", conv), ("Convolution", conv), ("DepthwiseConv", depthwise), ("SeparableConv", separable),
            ("SeparableConvolution", separable), ("MaxPooling", pool), ("AveragePooling", pool),
            ("GlobalMaxPooling", global_pool), ("GlobalAveragePooling", global_pool),
        ):  # fmt: skip
            table[f"{name}{rank}D"] = _ranked(handler, rank)
        table[f"Conv{rank}DTranspose"] = _ranked(conv_transpose, rank)
    for name, plain in (("Dense", dense), ("PReLU", prelu), *((name, batch_norm) for name in BATCH_NORMS)):
        table[name] = _plain(plain)
    return table


HANDLERS = _table()
