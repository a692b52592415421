# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Weights with a zero point of their own: uint8 models of the first converters.

Without the zero point they have nine bits. A layer sums products w x; with w = a + b, both of eight bits, it is exactly
the same sum over an input that holds every value twice. It costs twice the multiplications.
"""

from __future__ import annotations

import numpy as np

from ...errors import UnsupportedError
from ...graph import Graph, Node, Tensor, Weight


def split_wide_weights(graph: Graph) -> None:
    """Rewrites the layers whose weights are int16 with values of -256 to 254."""
    nodes: list[Node] = []
    for node in graph.nodes:
        w = node.weights.get("weights")
        if w is not None and node.entry.linear is not None and w.data.dtype == np.int16:
            nodes.append(_split(graph, node, w))
        nodes.append(node)
    graph.nodes = nodes


def _halves(graph: Graph, node: Node, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = w // 2
    b = w - a
    if b.max(initial=0) > 127 or a.min(initial=0) < -128:
        raise UnsupportedError(
            f"{graph.source}: layer '{node.name}' has weights from {w.min()} to {w.max()} steps; expected -256 to 254"
        )
    return a.astype(np.int8), b.astype(np.int8)


def _split(graph: Graph, node: Node, w: Weight) -> Node:
    """Gives the node its weights in eight bits; returns the node that makes its input."""
    a, b = _halves(graph, node, w.data)
    rows = node.op == "depthwise_conv2d"
    twice = _each_row_twice if rows else _channels_twice
    source = graph.tensors[node.inputs[0]]
    h, w_, c = source.shape
    name = graph.unique(f"{node.name}_twice")
    made = Tensor(name, (2 * h, w_, c) if rows else (h, w_, 2 * c), source.dtype, source.quant)
    graph.add_tensor(made)
    node.weights["weights"] = Weight(twice(graph, node, a, b), w.scale)
    node.inputs = [name, *node.inputs[1:]]
    if rows:
        return Node("upsample", name, [source.name], name, {"kernel": (2, 1)})
    return Node("concat", name, [source.name, source.name], name, {"axis": 2})


def _channels_twice(graph: Graph, node: Node, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[units, ..., c] and [units, ..., c] as [units, ..., 2 c]; of a dense layer [units, h w c] likewise."""
    c = graph.tensors[node.inputs[0]].shape[2]
    parts = [w.reshape(w.shape[0], -1, c) for w in (a, b)]
    return np.concatenate(parts, axis=2).reshape((*a.shape[:-1], 2 * a.shape[-1]))


def _each_row_twice(graph: Graph, node: Node, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[kh, kw, c] as taps of rows that come twice; a dilation of rows becomes taps of 0."""
    dilation = node.attrs.get("dilation", (1, 1))
    stride, padding = node.attrs.get("stride", (1, 1)), node.attrs.get("padding", (0, 0, 0, 0))
    kernel = np.zeros((2 * ((a.shape[0] - 1) * dilation[0] + 1), *a.shape[1:]), np.int8)
    kernel[:: 2 * dilation[0]] = a
    kernel[1 :: 2 * dilation[0]] = b
    node.attrs |= {
        "dilation": (1, dilation[1]),
        "stride": (2 * stride[0], stride[1]),
        "padding": (2 * padding[0], 2 * padding[1], *padding[2:]),
    }
    return kernel
