# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Channels that hold one value whatever the input, but stay: their weights become 0, their numbers ordinary ones.

Training leaves such channels with scales of 1e-30 and biases near 2^31, whose shifts and sums no fast kernel takes: one
of them made a whole layer fall back to the plain kernel. The bias alone gives the value now: 4 (value - zero point),
times 1/4.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..graph import Graph, Node, Weight
from .evaluate import requantised
from .ranges import MOST_CHANNELS, Range, ranges

_OPS = ("conv2d", "depthwise_conv2d", "dense")
_RATIO = 0.25  # of the accumulator's scale to the output's


def run(graph: Graph) -> list[str]:
    """Quietens channels of int8 layers in place. Returns a line for each layer."""
    if sum(tensor.shape[2] for tensor in graph.tensors.values()) > MOST_CHANNELS:
        return []
    known = ranges(graph)
    lines = []
    for node in graph.nodes:
        if node.op in _OPS and graph.tensors[node.output].dtype == "int8":
            count = _quieten(graph, node, known[node.output])
            lines += [f"{node.name}: weights of {count} constant channels are 0"] if count else []
    return lines


def _by_channel(node: Node, weights: np.ndarray) -> np.ndarray:
    """A view [out, taps] of a layer's weights, or [taps, out] turned."""
    if node.op == "depthwise_conv2d":
        return weights.reshape(-1, weights.shape[-1]).T
    return weights.reshape(len(weights), -1)


def _quieten(graph: Graph, node: Node, known: Range) -> int:
    """The number of channels that were changed."""
    old, channels = node.weights["weights"], graph.tensors[node.output].shape[2]
    if old.scale is None or old.scale.size != channels or not known.constant.any():
        return 0
    into, out = graph.quant(node.inputs[0]), graph.quant(node.output)
    step = np.float32(_RATIO * out.scale / into.scale)
    quiet = known.constant & (_by_channel(node, old.data).any(axis=1) | (old.scale != step))
    if not quiet.any() or not np.isfinite(step) or step <= 0:
        return 0
    data = old.data.copy()
    _by_channel(node, data)[quiet] = 0
    scale = np.where(quiet, step, old.scale).astype(np.float32)
    before = node.weights.get("bias", Weight(np.zeros(channels, np.int32), np.float32(into.scale) * old.scale))
    bias = np.where(quiet, np.rint((known.lo - out.zero_point) / _RATIO), before.data).astype(before.data.dtype)
    steps = (
        np.float32(into.scale) * old.scale if before.scale is None else before.scale
    )  # that of the sums, if none is told
    weights = {
        **node.weights,
        "weights": replace(old, data=data, scale=scale),
        "bias": Weight(bias, np.where(quiet, np.float32(into.scale) * step, steps).astype(np.float32)),
    }
    values = requantised(graph, replace(node, weights=weights), bias.astype(np.int64)[np.newaxis])
    if values is None or not np.array_equal(values[0][quiet], known.lo[quiet]):
        return 0
    node.weights = weights
    return int(quiet.sum())
