# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Runs a graph of nnom (python/nnom/graph.py) in numpy: slow, written for reading, the tests' judge of importers.

    outputs = run_graph(graph, [array, ...])              arrays (h, w, c), tensors of the graph's types
    outputs = run_graph(graph, [array, ...], np.float64)  the graph in float, exact

Operators that only move values about also take int8. It shows whether an importer has got shapes, axes and padding
right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nnom.graph import Graph, Node

Array = np.ndarray

_erf = np.vectorize(math.erf, otypes=[float])


def _sigmoid(x: Array) -> Array:
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x))))


def _softplus(x: Array) -> Array:
    return np.logaddexp(0, x)


_FUNCTIONS: dict[str, Callable[[Array, float], Array]] = {
    "none": lambda x, a: x,
    "relu": lambda x, a: np.maximum(x, 0),
    "relu6": lambda x, a: np.clip(x, 0, 6),
    "relu_n1_to_1": lambda x, a: np.clip(x, -1, 1),
    "leaky_relu": lambda x, a: np.where(x > 0, x, a * x),
    "tanh": lambda x, a: np.tanh(x),
    "sigmoid": lambda x, a: _sigmoid(x),
    "elu": lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
    "celu": lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0) / a)),
    "selu": lambda x, a: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "softplus": lambda x, a: _softplus(x),
    "softsign": lambda x, a: x / (1 + np.abs(x)),
    "silu": lambda x, a: x * _sigmoid(x),
    "gelu": lambda x, a: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x, a: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "hard_sigmoid": lambda x, a: np.clip(a * x + 0.5, 0, 1),
    "hard_swish": lambda x, a: x * np.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x, a: x * np.tanh(_softplus(x)),
    "log_sigmoid": lambda x, a: -_softplus(-x),
    "tanh_shrink": lambda x, a: x - np.tanh(x),
    "soft_shrink": lambda x, a: np.sign(x) * np.maximum(np.abs(x) - a, 0),
    "hard_shrink": lambda x, a: np.where(np.abs(x) > a, x, 0),
    "squareplus": lambda x, a: (x + np.sqrt(x * x + a)) / 2,
    "sparse_plus": lambda x, a: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x, a: np.clip((x + 1) / 2, 0, 1),
    "exp": lambda x, a: np.exp(x),
    "log": lambda x, a: np.log(x),
    "sqrt": lambda x, a: np.sqrt(x),
    "rsqrt": lambda x, a: 1 / np.sqrt(x),
    "abs": lambda x, a: np.abs(x),
    "neg": lambda x, a: -x,
    "square": lambda x, a: x * x,
}


def _padded(x: Array, padding: Sequence[int], value: float) -> Array:
    top, bottom, left, right = padding
    return np.pad(x, ((top, bottom), (left, right), (0, 0)), constant_values=value)


def _patches(
    x: Array,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    value: float,
):
    """[out h, out w, kernel h, kernel w, c]."""
    x = _padded(x, padding, value)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    all_ = np.lib.stride_tricks.sliding_window_view(x, reach, (0, 1))
    return all_[:: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]].transpose(0, 1, 3, 4, 2)


def _bias(node: Node) -> Array | float:
    return node.weights["bias"].data if "bias" in node.weights else 0.0


def _conv2d(node: Node, x: Array) -> Array:
    a, w = node.attrs, node.weights["weights"].data
    p = _patches(x, w.shape[1:3], a["stride"], a["dilation"], a["padding"], 0)
    return np.einsum("hwijc,oijc->hwo", p, w) + _bias(node)


def _depthwise(node: Node, x: Array) -> Array:
    a, w = node.attrs, node.weights["weights"].data
    p = _patches(np.repeat(x, w.shape[2] // x.shape[2], 2), w.shape[:2], a["stride"], a["dilation"], a["padding"], 0)
    return np.einsum("hwijc,ijc->hwc", p, w) + _bias(node)


def _transposed(node: Node, x: Array) -> Array:
    a, w = node.attrs, node.weights["weights"].data
    (sh, sw), (top, bottom, left, right) = a["stride"], a["padding"]
    (h, wd, _), (units, kh, kw, _) = x.shape, w.shape
    big = np.zeros(
        ((h - 1) * sh + kh + max(-bottom, 0), (wd - 1) * sw + kw + max(-right, 0), units), np.result_type(x, np.float32)
    )
    for y in range(h):
        for z in range(wd):
            big[y * sh : y * sh + kh, z * sw : z * sw + kw] += np.einsum("c,oijc->ijo", x[y, z], w)
    bottom, right = max(bottom, 0), max(right, 0)
    return big[top : big.shape[0] - bottom, left : big.shape[1] - right] + _bias(node)


def _pool(node: Node, x: Array) -> Array:
    a = node.attrs
    args = (a["kernel"], a["stride"], (1, 1), a["padding"])
    if node.op == "max_pool":
        return _patches(x, *args, -np.inf).max((2, 3))
    count = _patches(np.ones_like(x), *args, 0).sum((2, 3))
    return _patches(x, *args, 0).sum((2, 3)) / (count if node.op == "avg_pool" else 1)


def _batch_norm(node: Node, x: Array) -> Array:
    gamma, beta, mean, variance = (node.weights[k].data for k in ("gamma", "beta", "mean", "variance"))
    return (x - mean) / np.sqrt(variance + node.attrs["epsilon"]) * gamma + beta


def _crop(node: Node, x: Array) -> Array:
    top, bottom, left, right = node.attrs["padding"]
    return x[top : x.shape[0] - bottom, left : x.shape[1] - right]


def _source(n: int, out: int, a: dict[str, Any]) -> Array:
    """Coordinates in the input of a resized axis."""
    align = a["align_corners"] and out > 1
    scale = np.float32((n - 1) / (out - 1) if align else n / out)
    i = np.arange(out, dtype=np.float32)
    return (i + np.float32(0.5)) * scale - np.float32(0.5) if a["half_pixel_centers"] else i * scale


def _bilinear(node: Node, x: Array) -> Array:
    for axis in (0, 1):
        n, at = x.shape[axis], _source(x.shape[axis], node.attrs["shape"][axis], node.attrs)
        low = np.floor(at)
        part = (at - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        first, second = np.clip(low, 0, n - 1).astype(int), np.clip(low + 1, 0, n - 1).astype(int)
        if not node.attrs["half_pixel_centers"]:
            part = np.where(low.reshape(part.shape) >= n - 1, 0, part)
        x = x.take(first, axis) * (1 - part) + x.take(second, axis) * part
    return x


def _nearest(node: Node, x: Array) -> Array:
    a = node.attrs
    for axis in (0, 1):
        n, out = x.shape[axis], a["shape"][axis]
        align = a["align_corners"] and out > 1
        scale = np.float32((n - 1) / (out - 1) if align else n / out)
        at = (np.arange(out, dtype=np.float32) + np.float32(0.5 if a["half_pixel_centers"] else 0)) * scale
        index = np.floor(at + np.float32(0.5)) if align else np.floor(at)
        x = x.take(np.clip(index, 0, n - 1).astype(int), axis)
    return x


def _reduce(node: Node, x: Array) -> Array:
    axes = tuple(node.attrs["axes"])
    return {"mean": np.mean, "sum": np.sum, "max": np.max, "min": np.min}[node.attrs["kind"]](
        x, axis=axes, keepdims=True
    )


def _softmax(node: Node, x: Array) -> Array:
    z = (x - x.max(-1, keepdims=True)) * node.attrs.get("beta", 1.0)
    logs = z - np.log(np.exp(z).sum(-1, keepdims=True))
    return logs if node.op == "log_softmax" else np.exp(logs)


def _matmul(node: Node, x: Array, y: Array) -> Array:
    x = x.transpose(0, 2, 1) if node.attrs["adj_x"] else x
    return x @ (y.transpose(0, 2, 1) if node.attrs["adj_y"] else y)


def _space_to_depth(x: Array, b: int) -> Array:
    h, w, c = x.shape
    return x.reshape(h // b, b, w // b, b, c).transpose(0, 2, 1, 3, 4).reshape(h // b, w // b, b * b * c)


def _depth_to_space(x: Array, b: int) -> Array:
    h, w, c = x.shape
    return x.reshape(h, w, b, b, c // (b * b)).transpose(0, 2, 1, 3, 4).reshape(h * b, w * b, c // (b * b))


def _slice(node: Node, x: Array) -> Array:
    a = node.attrs
    return x[
        tuple(slice(b, b + (s - 1) * t + 1, t) for b, s, t in zip(a["begin"], a["size"], a["stride"], strict=True))
    ]


_OPERATORS = {
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise,
    "conv2d_transpose": _transposed,
    "dense": lambda n, x: (n.weights["weights"].data @ x.reshape(-1) + _bias(n)).reshape(1, 1, -1),
    "max_pool": _pool,
    "avg_pool": _pool,
    "sum_pool": _pool,
    "global_avg_pool": lambda n, x: x.mean((0, 1), keepdims=True),
    "global_max_pool": lambda n, x: x.max((0, 1), keepdims=True),
    "global_sum_pool": lambda n, x: x.sum((0, 1), keepdims=True),
    "batch_norm": _batch_norm,
    "flatten": lambda n, x: x.reshape(1, 1, -1),
    "reshape": lambda n, x: x.reshape(n.attrs["shape"]),
    "softmax": _softmax,
    "log_softmax": _softmax,
    "activation": lambda n, x: _FUNCTIONS[n.attrs["kind"]](x, n.attrs.get("alpha", 0.0)),
    "prelu": lambda n, x, *a: np.where(x >= 0, x, x * (a[0] if a else n.weights["alpha"].data)),
    "concat": lambda n, *x: np.concatenate(x, n.attrs["axis"]),
    "add": lambda n, x, y: x + y,
    "sub": lambda n, x, y: x - y,
    "squared_difference": lambda n, x, y: (x - y) ** 2,
    "mult": lambda n, x, y: x * y,
    "maximum": lambda n, x, y: np.maximum(x, y),
    "minimum": lambda n, x, y: np.minimum(x, y),
    "zero_padding": lambda n, x: _padded(x, n.attrs["padding"], n.attrs.get("value", 0.0)),
    "cropping": _crop,
    "upsample": lambda n, x: x.repeat(n.attrs["kernel"][0], 0).repeat(n.attrs["kernel"][1], 1),
    "mirror_pad": lambda n, x: np.pad(
        x, (*np.reshape(n.attrs["padding"], (2, 2)).tolist(), (0, 0)), mode=n.attrs["mode"]
    ),
    "slice": _slice,
    "transpose": lambda n, x: x.transpose(n.attrs["perm"]),
    "gather": lambda n, x: x.take(n.attrs["indices"], n.attrs["axis"]),
    "resize_nearest": _nearest,
    "resize_bilinear": _bilinear,
    "tile": lambda n, x: np.tile(x, n.attrs["multiples"]),
    "reduce": _reduce,
    "arg_max": lambda n, x: np.expand_dims(x.argmax(n.attrs["axis"]), n.attrs["axis"]).astype(np.int32),
    "arg_min": lambda n, x: np.expand_dims(x.argmin(n.attrs["axis"]), n.attrs["axis"]).astype(np.int32),
    "l2_norm": lambda n, x: x / np.sqrt(np.maximum((x * x).sum(-1, keepdims=True), 1e-6)),
    "batch_matmul": _matmul,
    "space_to_depth": lambda n, x: _space_to_depth(x, n.attrs["block"]),
    "depth_to_space": lambda n, x: _depth_to_space(x, n.attrs["block"]),
}
MOVES = {
    "flatten",
    "reshape",
    "concat",
    "slice",
    "transpose",
    "gather",
    "tile",
    "max_pool",
    "maximum",
    "minimum",
    "mirror_pad",
    "space_to_depth",
    "depth_to_space",
    "arg_max",
    "arg_min",
    "resize_nearest",
}


def run_graph(graph: Graph, inputs: Sequence[Array], dtype: type | None = None) -> list[Array]:
    """inputs: one array per input of the graph, (h, w, c). The outputs, (h, w, c), of the graph's types or `dtype`."""
    values = {k: t.data.astype(dtype or t.data.dtype) for k, t in graph.tensors.items() if t.data is not None}
    for name, array in zip(graph.inputs, inputs, strict=True):
        values[name] = np.asarray(array, dtype).reshape(graph.tensors[name].shape)
    for node in graph.nodes:
        result = _OPERATORS[node.op](node, *(values[n] for n in node.inputs))
        result = _FUNCTIONS[node.activation](result, 0.0)
        tensor = graph.tensors[node.output]
        if result.shape != tensor.shape or math.prod(result.shape) != tensor.elements:
            raise AssertionError(f"{node.op} {node.name} makes {result.shape}, the graph says {tensor.shape}")
        values[node.output] = result.astype(dtype or tensor.dtype)
    return [values[n] for n in graph.outputs]
