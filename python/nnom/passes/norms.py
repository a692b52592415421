# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Passes over float graphs: batch normalisation into the convolution or dense layer beside it.

Sums and products with constants per channel are treated as batch normalisation. What remains of it becomes a 1x1
depthwise convolution. Each pass looks at one node and returns whether it changed the graph.
"""

from __future__ import annotations

import numpy as np

from ..graph import Graph, Node, Weight
from .base import NO_PADDING, merge_into, sole_consumer, sole_producer, take_out


def _scale_shift(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """batch_norm as y = x * scale + shift, float64 [c]."""
    g, b, m, v = (node.weights[k].data.astype(np.float64) for k in ("gamma", "beta", "mean", "variance"))
    scale = g / np.sqrt(v + node.attrs["epsilon"])
    return scale, b - m * scale


def as_batch_norm(graph: Graph, node: Node) -> None:
    """Sums, differences and products with a constant per channel become batch_norm; others stay."""
    if node.entry.ranges != "corners":
        return
    constants = [graph.tensors[t].data is not None for t in node.inputs]
    if sum(constants) != 1:
        return
    k = constants.index(True)
    x, value = graph.tensors[node.inputs[1 - k]], graph.tensors[node.inputs[k]]
    shape = graph.tensors[node.output].shape
    if value.shape[:2] != (1, 1) or x.shape != shape or value.dtype != "float32":
        return
    c = np.broadcast_to(value.values.reshape(-1), shape[2:]).astype(np.float32)
    one, zero = np.ones_like(c), np.zeros_like(c)
    gamma, beta = {"mult": (c, zero), "add": (one, c), "sub": (one, -c) if k == 1 else (-one, c)}[node.op]
    parts = {"gamma": gamma, "beta": beta, "mean": zero, "variance": one}
    node.op, node.inputs = "batch_norm", [node.inputs[1 - k]]
    node.weights = {name: Weight(array) for name, array in parts.items()}
    node.attrs = {"epsilon": 0.0, "activation": node.activation}


def fold_into_producer(graph: Graph, node: Node) -> bool:
    """Scales the output channels of the layer before."""
    before = sole_producer(graph, node) if node.op == "batch_norm" else None
    if before is None or before.entry.linear is None or before.activation != "none":
        return False
    scale, shift = _scale_shift(node)
    axis = before.entry.linear
    w = before.weights["weights"].data.astype(np.float64)
    along = [-1 if a == axis else 1 for a in range(w.ndim)]
    bias = before.weights["bias"].data.astype(np.float64) if "bias" in before.weights else np.zeros_like(scale)
    before.weights = _float_weights(w * scale.reshape(along), bias * scale + shift)
    before.attrs["activation"] = node.activation
    merge_into(graph, before, node)
    return True


def fold_into_consumer(graph: Graph, node: Node) -> bool:
    """Scales the input channels of the layer after; a shift only where no padding lies between."""
    after = sole_consumer(graph, node.output) if node.op == "batch_norm" and node.activation == "none" else None
    if after is None or after.entry.ranges != "sums":
        return False
    scale, shift = _scale_shift(node)
    if any(after.attrs.get("padding", NO_PADDING)) and shift.any():
        return False
    w = after.weights["weights"].data.astype(np.float64)
    scaled, constant = _scaled_inputs(after.op, w, scale, shift)
    bias = after.weights["bias"].data.astype(np.float64) if "bias" in after.weights else np.zeros_like(constant)
    after.weights = _float_weights(scaled, bias + constant)
    take_out(graph, node)
    return True


def _scaled_inputs(op: str, w: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(weights for the unscaled input, what the shift adds to each output channel)."""
    if op == "depthwise_conv2d":
        multiplier = w.shape[2] // len(scale)
        scale, shift = np.repeat(scale, multiplier), np.repeat(shift, multiplier)
        return w * scale, (w * shift).sum(axis=(0, 1))
    by_channel = w.reshape(len(w), -1, len(scale))
    return (by_channel * scale).reshape(w.shape), (by_channel * shift).sum(axis=(1, 2))


def _float_weights(weights: np.ndarray, bias: np.ndarray) -> dict[str, Weight]:
    return {"weights": Weight(weights.astype(np.float32)), "bias": Weight(bias.astype(np.float32))}


def as_depthwise(node: Node) -> None:
    """What could not be folded: one multiplication and addition per value."""
    scale, shift = _scale_shift(node)
    node.op = "depthwise_conv2d"
    node.weights = _float_weights(scale.reshape(1, 1, -1), shift)
    node.attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": NO_PADDING, "activation": node.activation}
