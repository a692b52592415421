# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Quantise steps and functions of one value: those without effect go, two in a row become one where all results agree.

What a node makes of each of the 256 values is asked of the core; nothing is assumed about rounding.
"""

from __future__ import annotations

import numpy as np

from ..graph import Graph, Node
from .base import bypass, drop_unread, same_quant, sole_consumer
from .evaluate import evaluate, table
from .ranges import Range, ranges


def run(graph: Graph) -> list[str]:
    """Removes and joins steps in place. Returns a line for each."""
    lines: list[str] = []
    known = ranges(graph)
    for node in list(graph.nodes):
        if node in graph:
            text = _without_effect(graph, node, known) or _joined(graph, node)
            lines += [f"{node.name}: {text}"] if text else []
    return lines


def _on_int8(graph: Graph, node: Node) -> bool:
    return all(graph.tensors[t].dtype == "int8" for t in (node.inputs[0], node.output))


def _without_effect(graph: Graph, node: Node, known: dict[str, Range]) -> str:
    """A function that gives back every value that its input can have."""
    if node.entry.ranges != "table" or not _on_int8(graph, node) or not same_quant(graph, node.inputs[0], node.output):
        return ""
    values = table(graph, node)
    source = known.get(node.inputs[0])
    if values is None or source is None:
        return ""
    q = np.arange(source.lo.min(), source.hi.max() + 1)
    if not np.array_equal(values[q + 128], q):
        return ""
    kind = node.attrs.get("kind", node.op)
    return f"{kind} without effect removed" if bypass(graph, node) else ""


def _joined(graph: Graph, second: Node) -> str:
    """first, second -> one node from first's input to second's output, if that gives the same 256 results."""
    first = graph.producer(second.inputs[0])
    if first is None or not _pair(graph, first, second):
        return ""
    candidates = [second] if first.op in ("quantize", "dequantize") else []
    if second.op == "quantize" and sole_consumer(graph, first.output) is second:
        candidates.append(first)
    middle = graph.tensors[first.output]
    for one in candidates:
        joint = Node(one.op, one.name, [first.inputs[0]], second.output, dict(one.attrs), dict(one.weights))
        if one.op == "dequantize":
            continue
        direct = table(graph, joint)
        if direct is None or not np.array_equal(direct, _both(graph, first, second)):
            continue
        second.op, second.inputs, second.attrs = joint.op, joint.inputs, joint.attrs
        drop_unread(graph, first)
        return f"{first.op} from {middle.name} joined"
    return ""


def _pair(graph: Graph, first: Node, second: Node) -> bool:
    ends = [graph.tensors[t].dtype for t in (first.inputs[0], second.output)]
    known = (first.entry.ranges == "table" or first.op == "dequantize") and second.entry.ranges == "table"
    return known and ends == ["int8", "int8"] and len(first.inputs) == len(second.inputs) == 1


def _both(graph: Graph, first: Node, second: Node) -> np.ndarray:
    """[256] results of two nodes in a row."""
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 256)
    middle = evaluate(graph, first, [[every]])[0]
    return evaluate(graph, second, [[middle]])[0].reshape(256)
