# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The smallest and largest int8 value that each channel of each tensor can take, whatever the model's input.

Accumulators are bounded exactly, for every way in which a window can hang over the border; padding counts as the zero
point that it is. What the core makes of a bound is asked of the core. Functions that never fall when an input rises
take their bounds from the inputs' bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..graph import Graph, Node
from .base import window_patterns
from .evaluate import channel_tables, requantised, table, try_evaluate

MOST_CHANNELS = 2**18  # more are not looked at one by one: a file of a few bytes can name 2^26


@dataclass(frozen=True)
class Range:
    """lo, hi: int64 [channels], lo <= hi."""

    lo: np.ndarray
    hi: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """bool [channels]: the channel holds one value everywhere."""
        return self.lo == self.hi


def full(channels: int) -> Range:
    """Anything that int8 can hold."""
    return Range(np.broadcast_to(np.int64(-128), channels), np.broadcast_to(np.int64(127), channels))


def _of(values: np.ndarray) -> Range:
    """The range of samples of a tensor: [..., channels]."""
    flat = values.reshape(-1, values.shape[-1])
    return Range(flat.min(axis=0).astype(np.int64), flat.max(axis=0).astype(np.int64))


# ---- Layers with weights ----


def tap_weights(graph: Graph, node: Node) -> tuple[np.ndarray, np.ndarray]:
    """(weights int64 [taps, out, in], bool [cases, taps]: which taps lie inside the input) of conv2d and dense."""
    w = node.weights["weights"].data.astype(np.int64)
    channels = graph.tensors[node.inputs[0]].shape[2]
    if node.op == "dense":
        taps = w.reshape(len(w), -1, channels).transpose(1, 0, 2)
        return taps, np.ones((1, len(taps)), bool)
    cases = window_patterns(graph, node, w.shape[1:3])
    return w.reshape(len(w), -1, channels).transpose(1, 0, 2), cases.reshape(len(cases), -1)


def _bias(node: Node, channels: int) -> np.ndarray:
    bias = node.weights.get("bias")
    return np.zeros(channels, np.int64) if bias is None else bias.data.astype(np.int64)


def _sums(graph: Graph, node: Node, source: Range) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of the accumulators, less the zero point's part: int64 [out] each."""
    zero = graph.quant(node.inputs[0]).zero_point
    lo, hi = source.lo - zero, source.hi - zero
    if node.op == "depthwise_conv2d":
        w = node.weights["weights"].data.astype(np.int64)
        cases = window_patterns(graph, node, w.shape[:2]).reshape(-1, w.shape[0] * w.shape[1])
        w = w.reshape(-1, w.shape[2])
        lo, hi = (np.repeat(x, w.shape[1] // len(x)) for x in (lo, hi))
        least, most = np.minimum(w * lo, w * hi), np.maximum(w * lo, w * hi)
    else:
        w, cases = tap_weights(graph, node)
        above, below = np.maximum(w, 0), np.minimum(w, 0)
        least, most = above @ lo + below @ hi, above @ hi + below @ lo
    bias = _bias(node, least.shape[1])
    inside = cases.astype(np.int64)
    return (inside @ least).min(axis=0) + bias, (inside @ most).max(axis=0) + bias


def _wraps(graph: Graph, node: Node, sums: np.ndarray) -> np.ndarray:
    """bool [out]: a shift to the left could lose bits of an accumulator, so that larger ones may give less."""
    ratio = graph.quant(node.inputs[0]).scale / graph.quant(node.output).scale
    scale = np.broadcast_to(node.weights["weights"].steps, sums.shape[1]).astype(np.float64)
    shift = [max(0, math.frexp(float(s) * ratio)[1] + 1) for s in scale]
    return np.abs(sums).max(axis=0) * 2.0 ** np.array(shift) >= 2.0**31


def _weighted(graph: Graph, node: Node, inputs: list[Range]) -> Range | None:
    if node.weights["weights"].scale is None:
        return None
    sums = np.stack(_sums(graph, node, inputs[0]))
    if np.abs(sums).max() >= 2**31:
        return None
    values = requantised(graph, node, sums)
    if values is None:
        return None
    wraps, lo, hi = _wraps(graph, node, sums), *values.astype(np.int64)
    return Range(np.where(wraps, -128, lo), np.where(wraps, 127, hi))


# ---- Other layers ----


def _shifts_far(graph: Graph, node: Node) -> bool:
    """True if a shift to the left could lose bits of what the node adds up: larger inputs may then give less."""
    out, cells = graph.quant(node.output), 1
    for name in node.inputs:
        cells = max(cells, graph.tensors[name].elements if node.op == "reduce" else 1)
    return any(255 * cells * graph.quant(t).scale >= 2**29 * out.scale for t in node.inputs)


def _rising(graph: Graph, node: Node, inputs: list[Range]) -> Range | None:
    """Both ends of every input's range, through the core."""
    if _shifts_far(graph, node):
        return None
    shapes = [graph.tensors[t].shape for t in node.inputs]
    ends = [
        [np.broadcast_to(getattr(r, end), s).astype(np.int8) for r, s in zip(inputs, shapes, strict=True)]
        for end in ("lo", "hi")
    ]
    for sample in ends:
        for k, name in enumerate(node.inputs):
            if graph.tensors[name].data is not None:
                sample[k] = graph.tensors[name].values.reshape(shapes[k])
    values = try_evaluate(graph, node, ends)
    return None if values is None else _of(np.concatenate(values))


def _two(graph: Graph, node: Node, inputs: list[Range]) -> Range | None:
    """Sums, differences and products are extreme where both inputs are."""
    channels = graph.tensors[node.output].shape[2]
    a, b = ([np.broadcast_to(x, channels).astype(np.int8) for x in (r.lo, r.hi)] for r in inputs)
    corners = [[x.reshape(1, 1, -1), y.reshape(1, 1, -1)] for x in a for y in b]
    values = try_evaluate(graph, node, corners)
    return None if values is None else _of(np.concatenate(values))


def _extremes(values: np.ndarray, source: Range) -> Range:
    """Of a table [256, channels] over each channel's range."""
    q = np.arange(-128, 128)[:, None]
    inside = (q >= source.lo) & (q <= source.hi)
    wide = values.astype(np.int64)
    return Range(np.where(inside, wide, 127).min(axis=0), np.where(inside, wide, -128).max(axis=0))


def _one(graph: Graph, node: Node, inputs: list[Range]) -> Range | None:
    """One table for all channels, so that only the different ranges are looked at."""
    values = table(graph, node)
    if values is None:
        return None
    ends, index = np.unique(256 * inputs[0].lo + inputs[0].hi, return_inverse=True)
    lo = (ends + 128) // 256
    found = _extremes(values[:, None], Range(lo, ends - 256 * lo))
    return Range(found.lo[index], found.hi[index])


def _prelu(graph: Graph, node: Node, inputs: list[Range]) -> Range | None:
    if len(node.inputs) > 1:
        return None
    values = channel_tables(graph, node, len(inputs[0].lo))
    return None if values is None else _extremes(values, inputs[0])


_RULES: dict[str, Callable[[Graph, Node, list[Range]], Range | None]] = {  # Operator.ranges
    "sums": _weighted,
    "rising": _rising,
    "corners": _two,
    "table": _one,
    "slopes": _prelu,
}


def _range(graph: Graph, node: Node, known: dict[str, Range]) -> Range | None:
    rule = _RULES.get(node.entry.ranges)
    if rule is None or any(graph.tensors[t].dtype != "int8" for t in node.inputs):
        return None
    if max(graph.tensors[t].shape[2] for t in (*node.inputs, node.output)) > MOST_CHANNELS:
        return None
    return rule(graph, node, [known[t] for t in node.inputs])


def ranges(graph: Graph) -> dict[str, Range]:
    """The ranges of all int8 tensors."""
    known: dict[str, Range] = {}
    for name, tensor in graph.tensors.items():
        if tensor.dtype == "int8" and tensor.data is not None:
            known[name] = _of(tensor.data.reshape(tensor.shape))
    for name in graph.sources:
        known[name] = full(graph.tensors[name].shape[2])
    for node in graph.nodes:
        out = graph.tensors[node.output]
        if out.dtype == "int8":
            known[node.output] = _range(graph, node, known) or full(out.shape[2])
    return known
