# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A float interpreter of nnom.graph in plain numpy: slow, short, the tests' judge of what importers emit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from nnom.graph import Graph, Node

_erf = np.vectorize(math.erf)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x))))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


FUNCTIONS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
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


def _windows(x: np.ndarray, node: Node, kernel: tuple[int, int], fill: float) -> tuple[np.ndarray, np.ndarray]:
    """([oh, ow, kh, kw, c] values, the same of ones and zeros for what lies inside)."""
    top, bottom, left, right = node.attrs["padding"]
    sides = ((top, bottom), (left, right), (0, 0))
    stride, dilation = node.attrs["stride"], node.attrs.get("dilation", (1, 1))
    padded, inside = np.pad(x, sides, constant_values=fill), np.pad(np.ones_like(x), sides)
    size = [(p - (k - 1) * d - 1) // s + 1 for p, k, s, d in zip(padded.shape, kernel, stride, dilation, strict=False)]
    rows, cols = (
        np.arange(n)[:, None] * s + np.arange(k)[None] * d
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    )
    pick = (rows[:, None, :, None], cols[None, :, None, :])
    return padded[pick], inside[pick]


def _bias(node: Node) -> Any:
    return node.weights["bias"].data if "bias" in node.weights else 0.0


def _conv2d(node: Node, x: np.ndarray) -> np.ndarray:
    w = node.weights["weights"].data
    return np.tensordot(_windows(x, node, w.shape[1:3], 0.0)[0], w, ((2, 3, 4), (1, 2, 3))) + _bias(node)


def _depthwise(node: Node, x: np.ndarray) -> np.ndarray:
    w = node.weights["weights"].data
    repeated = np.repeat(x, w.shape[2] // x.shape[2], axis=2)
    return np.einsum("abklc,klc->abc", _windows(repeated, node, w.shape[:2], 0.0)[0], w) + _bias(node)


def _conv2d_transpose(node: Node, x: np.ndarray) -> np.ndarray:
    w = node.weights["weights"].data
    (sh, sw), (top, bottom, left, right) = node.attrs["stride"], node.attrs["padding"]
    full = np.zeros(((x.shape[0] - 1) * sh + w.shape[1], (x.shape[1] - 1) * sw + w.shape[2], w.shape[0]))
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            full[i * sh : i * sh + w.shape[1], j * sw : j * sw + w.shape[2]] += np.moveaxis(w @ x[i, j], 0, 2)
    return full[top : full.shape[0] - bottom, left : full.shape[1] - right] + _bias(node)


def _pool(node: Node, x: np.ndarray) -> np.ndarray:
    if node.op == "max_pool":
        return _windows(x, node, node.attrs["kernel"], -np.inf)[0].max(axis=(2, 3))
    values, inside = _windows(x, node, node.attrs["kernel"], 0.0)
    total = values.sum(axis=(2, 3))
    return total if node.op == "sum_pool" else total / inside.sum(axis=(2, 3))


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _batch_norm(node: Node, x: np.ndarray) -> np.ndarray:
    gamma, beta, mean, variance = (node.weights[k].data for k in ("gamma", "beta", "mean", "variance"))
    return (x - mean) / np.sqrt(variance + node.attrs["epsilon"]) * gamma + beta


def _slice(node: Node, x: np.ndarray) -> np.ndarray:
    begin, size, stride = (node.attrs[k] for k in ("begin", "size", "stride"))
    return x[tuple(slice(b, b + (n - 1) * s + 1, s) for b, n, s in zip(begin, size, stride, strict=True))]


def _pad(node: Node, x: np.ndarray) -> np.ndarray:
    top, bottom, left, right = node.attrs["padding"]
    return np.pad(x, ((top, bottom), (left, right), (0, 0)), constant_values=node.attrs.get("value", 0.0))


def _crop(node: Node, x: np.ndarray) -> np.ndarray:
    top, bottom, left, right = node.attrs["padding"]
    return x[top : x.shape[0] - bottom, left : x.shape[1] - right]


def _resize(node: Node, x: np.ndarray) -> np.ndarray:
    """Half-pixel centres only, which is what the importer emits."""
    assert node.attrs["half_pixel_centers"] and not node.attrs["align_corners"]
    for axis in (0, 1):
        n, out = x.shape[axis], node.attrs["shape"][axis]
        at = (np.arange(out) + 0.5) * n / out
        if node.op == "resize_nearest":
            x = np.take(x, np.minimum(np.floor(at).astype(int), n - 1), axis)
            continue
        low = np.floor(at - 0.5)
        part = (at - 0.5 - low).reshape([-1 if a == axis else 1 for a in range(3)])
        first, second = (np.take(x, np.clip(low + d, 0, n - 1).astype(int), axis) for d in (0, 1))
        x = first * (1 - part) + second * part
    return x


_BINARY = {"add": np.add, "sub": np.subtract, "mult": np.multiply, "maximum": np.maximum, "minimum": np.minimum}
_KINDS = {"mean": np.mean, "sum": np.sum, "max": np.max, "min": np.min, "avg": np.mean}

_UNARY: dict[str, Callable[..., np.ndarray]] = {
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise,
    "conv2d_transpose": _conv2d_transpose,
    "dense": lambda n, x: (n.weights["weights"].data @ x.ravel() + _bias(n)).reshape(1, 1, -1),
    **dict.fromkeys(("max_pool", "avg_pool", "sum_pool"), _pool),
    "flatten": lambda n, x: x.reshape(1, 1, -1),
    "reshape": lambda n, x: x.reshape(n.attrs["shape"]),
    "softmax": lambda n, x: _softmax(x),
    "log_softmax": lambda n, x: np.log(_softmax(x)),
    "activation": lambda n, x: FUNCTIONS[n.attrs["kind"]](x, n.attrs.get("alpha", 0.0)),
    "prelu": lambda n, x, *slopes: np.where(x > 0, x, x * (slopes[0] if slopes else n.weights["alpha"].data)),
    "batch_norm": _batch_norm,
    "zero_padding": _pad,
    "cropping": _crop,
    "upsample": lambda n, x: x.repeat(n.attrs["kernel"][0], 0).repeat(n.attrs["kernel"][1], 1),
    "slice": _slice,
    "transpose": lambda n, x: x.transpose(n.attrs["perm"]),
    "resize_nearest": _resize,
    "resize_bilinear": _resize,
    "tile": lambda n, x: np.tile(x, n.attrs["multiples"]),
    "reduce": lambda n, x: _KINDS[n.attrs["kind"]](x, axis=n.attrs["axes"], keepdims=True),
}


def _node(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
    if node.op == "concat":
        return np.concatenate(inputs, axis=node.attrs["axis"])
    if node.op in _BINARY:
        return _BINARY[node.op](*inputs)
    if node.op.startswith("global_"):
        return _KINDS[node.op.split("_")[1]](inputs[0], axis=(0, 1), keepdims=True)
    return _UNARY[node.op](node, *inputs)


def run(graph: Graph, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """One record through a float graph: arrays [h, w, c] in the order of graph.inputs -> those of graph.outputs."""
    values = {name: t.data.astype(np.float64) for name, t in graph.tensors.items() if t.data is not None}
    for name, array in zip(graph.inputs, inputs, strict=True):
        values[name] = np.asarray(array, dtype=np.float64).reshape(graph.tensors[name].shape)
    for node in graph.nodes:
        result = FUNCTIONS[node.activation](_node(node, [values[n] for n in node.inputs]), 0.0)
        assert result.shape == graph.tensors[node.output].shape, (node.op, node.name, result.shape)
        values[node.output] = result
    return [values[name] for name in graph.outputs]
