# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Columns at the right that no one reads are not computed: those that a stride or a slice leaves over.

Rows that no one reads the planner leaves out; a column is part of a row's length, so here the tensor gets narrower.
What reads a tensor says how many columns it needs, from the outputs back. A window gets narrower by padding less, a
slice by taking less, and what works cell by cell as its inputs do. The input of the model stays as it is, so a window
that reads it and has no padding at the right makes all columns that it can.
"""

from __future__ import annotations

from ..graph import Graph, Node, window_size
from .base import NO_PADDING

_CELLS = ("activation", "quantize", "add", "sub", "mult", "maximum", "minimum", "prelu")
_WEIGHTS_AXIS = {"conv2d": 2, "depthwise_conv2d": 1}  # of a window's width in its weights


def run(graph: Graph) -> list[str]:
    """Narrows tensors in place. Returns a line for each layer that got narrower."""
    least: dict[str, int] = {}  # columns that a tensor keeps because its neighbours do
    while True:
        widths = _widths(graph, _needed(graph, least))
        short = {t: w for t, w in _conflicts(graph, widths).items() if least.get(t, 0) < w}
        if not short:
            break
        least |= short
    lines = []
    for node in graph.nodes:
        before, after = graph.tensors[node.output].shape[1], widths[node.output]
        if after < before:
            _narrow(graph, node, widths)
            lines.append(f"{node.name}: {before} -> {after} columns")
    for node in graph.nodes:
        h, _, c = graph.tensors[node.output].shape
        graph.tensors[node.output].shape = (h, widths[node.output], c)
    return lines


def _width(graph: Graph, name: str) -> int:
    return graph.tensors[name].shape[1]


def _is_window(node: Node) -> bool:
    return node.op in _WEIGHTS_AXIS or (node.entry.pool and not node.entry.global_pool)


def _reach(node: Node) -> tuple[int, int, int, int]:
    """(cells from a window's first to its last, stride, padding at the left, at the right)."""
    axis = _WEIGHTS_AXIS.get(node.op)
    kernel = node.attrs["kernel"][1] if axis is None else node.weights["weights"].data.shape[axis]
    pads = node.attrs.get("padding", NO_PADDING)
    return (kernel - 1) * node.attrs.get("dilation", (1, 1))[1] + 1, node.attrs.get("stride", (1, 1))[1], *pads[2:]


def _reads(graph: Graph, node: Node, name: str, made: int) -> int:
    """Columns of an input that a node needs for the first `made` of its output."""
    width = _width(graph, name)
    if _is_window(node):
        reach, stride, left, _ = _reach(node)
        return min(max((made - 1) * stride - left + reach, 1), width)
    if node.op == "slice" and node.attrs.get("stride", (1, 1, 1))[1] > 0:
        return int(node.attrs["begin"][1] + (made - 1) * node.attrs.get("stride", (1, 1, 1))[1] + 1)
    return made if node.op in _CELLS and width == _width(graph, node.output) else width


def _needed(graph: Graph, least: dict[str, int]) -> dict[str, int]:
    """Columns of each tensor that its readers need."""
    needed = {name: least.get(name, 1) for name in graph.tensors}
    for name in (*graph.kept, *graph.sources):
        needed[name] = _width(graph, name)
    for node in reversed(graph.nodes):
        for name in node.inputs:
            needed[name] = max(needed[name], _reads(graph, node, name, needed[node.output]))
    return needed


def _made(graph: Graph, node: Node, needed: int, widths: dict[str, int]) -> int:
    """Columns that a node will make, at least those needed: as few as its kind can."""
    given, width = widths[node.inputs[0]], _width(graph, node.output)
    if _is_window(node):
        reach, stride, left, right = _reach(node)
        sizes = (window_size(given, reach, stride, 1, left, after) for after in range(right + 1))
        return min((size for size in sizes if size >= needed), default=width)
    if node.op == "slice":
        return needed
    if node.op in _CELLS:
        return max((widths[t] for t in node.inputs if _width(graph, t) == width), default=width)
    return width


def _widths(graph: Graph, needed: dict[str, int]) -> dict[str, int]:
    """Columns that each tensor will have."""
    widths = {name: _width(graph, name) for name in graph.tensors}
    for node in graph.nodes:
        widths[node.output] = min(_made(graph, node, needed[node.output], widths), widths[node.output])
    return widths


def _conflicts(graph: Graph, widths: dict[str, int]) -> dict[str, int]:
    """Inputs that are narrower than what their reader makes of them needs: how wide they must be."""
    short: dict[str, int] = {}
    for node in graph.nodes:
        for name in node.inputs:
            need = _reads(graph, node, name, widths[node.output])
            if widths[name] < need:
                short[name] = max(short.get(name, 0), need)
    return short


def _narrow(graph: Graph, node: Node, widths: dict[str, int]) -> None:
    """Sets the attributes of a node whose output gets narrower."""
    made = widths[node.output]
    if _is_window(node):
        reach, stride, left, right = _reach(node)
        given = widths[node.inputs[0]]
        after = next(p for p in range(right + 1) if window_size(given, reach, stride, 1, left, p) == made)
        node.attrs["padding"] = (*node.attrs.get("padding", NO_PADDING)[:3], after)
    elif node.op == "slice":
        h, _, c = node.attrs["size"]
        node.attrs["size"] = (h, made, c)
