# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Time becomes rows: parts of a graph that work on (1, steps, c) though the series came as (steps, 1, c).

The core computes row by row and keeps few rows in memory, so time should be rows. Kernels, strides, paddings and axes
are exchanged; the bytes are the same. The change of shape in front then changes nothing and goes. Graphs whose input is
(1, steps, c) are left alone: the core exchanges those itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..graph import Graph, Node, Tensor
from .base import bypass


@dataclass
class _Region:
    """tensors: (1, steps > 1, c), joined by `nodes`. views: changes of shape at its ends."""

    tensors: set[str] = field(default_factory=set)
    nodes: dict[Node, None] = field(default_factory=dict)
    views: dict[Node, None] = field(default_factory=dict)


def run(graph: Graph) -> list[str]:
    """Exchanges height and width of such parts, in place. Returns a line for each change of shape that went."""
    lines = []
    for node in list(graph.nodes):
        if node not in graph or not node.entry.view:
            continue
        flat = _flat_end(graph, node)
        region = _region(graph, flat) if flat else None
        if region is not None:
            lines += _exchange(graph, region)
    return lines


def _flat_end(graph: Graph, node: Node) -> str | None:
    """The (1, steps, c) side of a change of shape from or to (steps, 1, c)."""
    a, b = graph.tensors[node.inputs[0]].shape, graph.tensors[node.output].shape
    if a == (b[1], b[0], b[2]) and a != b and 1 in a[:2]:
        return node.inputs[0] if a[0] == 1 else node.output
    return None


def _wide(tensor: Tensor) -> bool:
    return tensor.shape[1] > 1


def _region(graph: Graph, start: str) -> _Region | None:
    """Everything that must be exchanged together; None if something cannot be."""
    region, waiting = _Region(), [start]
    while waiting:
        name = waiting.pop()
        tensor = graph.tensors[name]
        if name in region.tensors or not _wide(tensor):
            continue
        if tensor.shape[0] != 1 or name in graph.sources:
            return None
        region.tensors.add(name)
        producer = graph.producer(name)
        for node in [*graph.consumers(name), *([producer] if producer else [])]:
            if node.entry.view:
                region.views[node] = None
            elif node.op != "dense" and node not in region.nodes:
                if not node.entry.turns or any(graph.tensors[t].shape[0] != 1 for t in (*node.inputs, node.output)):
                    return None
                region.nodes[node] = None
                waiting += [*node.inputs, node.output]
    return region


def _exchange(graph: Graph, region: _Region) -> list[str]:
    for name in region.tensors:
        _exchange_tensor(graph.tensors[name])
    for node in region.nodes:
        _exchange_node(node)
    for name in region.tensors & set(graph.kept):
        _restore_output(graph, name)
    lines = []
    for view in region.views:
        if view.op == "reshape":
            view.attrs["shape"] = graph.tensors[view.output].shape
        if graph.tensors[view.inputs[0]].shape == graph.tensors[view.output].shape and bypass(graph, view):
            lines.append(f"{view.name}: {view.op} removed, {len(region.nodes)} layers work on rows")
        elif view.op == "flatten" and graph.tensors[view.output].shape[:2] != (1, 1):
            view.op, view.attrs = "reshape", {"shape": graph.tensors[view.output].shape}
    return lines


def _exchange_tensor(tensor: Tensor) -> None:
    h, w, c = tensor.shape
    tensor.shape = (w, h, c)
    if tensor.data is not None:
        tensor.data = tensor.data.reshape(tensor.shape)


def _exchange_node(node: Node) -> None:
    a = node.attrs
    for key in ("kernel", "stride", "dilation", "begin", "size", "shape", "multiples"):
        if key in a:
            a[key] = (a[key][1], a[key][0], *a[key][2:])
    if "padding" in a:
        top, bottom, left, right = a["padding"]
        a["padding"] = (left, right, top, bottom)
    if a.get("axis") in (0, 1):
        a["axis"] = 1 - a["axis"]
    if "axes" in a:
        a["axes"] = tuple(sorted(1 - k if k < 2 else k for k in a["axes"]))
    if "weights" in node.weights:
        old, first = node.weights["weights"], 0 if node.op == "depthwise_conv2d" else 1
        swapped = np.ascontiguousarray(np.swapaxes(old.data, first, first + 1))
        node.weights = dict(node.weights, weights=replace(old, data=swapped))


def _restore_output(graph: Graph, name: str) -> None:
    """The model's output keeps its shape: a change of shape after the exchanged tensor."""
    old = graph.tensors[name]
    inner = graph.unique(f"{name}_rows")
    producer = graph.producer(name)
    assert producer is not None
    graph.tensors[inner] = Tensor(inner, old.shape, old.dtype, old.quant)
    graph.redirect(name, inner)
    producer.output = inner
    h, w, c = old.shape
    graph.tensors[name] = Tensor(name, (w, h, c), old.dtype, old.quant)
    graph.nodes.append(Node("reshape", f"{name}_shape", [inner], name, {"shape": (w, h, c)}))
