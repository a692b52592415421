# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Nodes whose inputs are all constants, computed by the core now instead of in every run."""

from __future__ import annotations

from ..graph import Graph, Node
from .base import drop, is_constant, tensor_bytes, weight_bytes
from .evaluate import try_evaluate

GROWTH = 4096  # bytes that a constant may take more than what it is computed from


def run(graph: Graph) -> list[str]:
    """Replaces such nodes by constants, in place; not those that make the model's outputs. Returns a line for each."""
    lines = []
    for node in list(graph.nodes):
        pure = node.op != "slide" and node.output not in graph.kept
        if pure and all(is_constant(graph, t) for t in node.inputs) and _fold(graph, node):
            lines.append(f"{node.name}: {node.op} of constants computed")
    graph.prune()
    return lines


def _fold(graph: Graph, node: Node) -> bool:
    out = graph.tensors[node.output]
    sources = [graph.tensors[t] for t in node.inputs]
    if tensor_bytes(out) > weight_bytes(node) + sum(map(tensor_bytes, sources)) + GROWTH:
        return False
    result = try_evaluate(graph, node, [[t.values.reshape(t.shape) for t in sources]])
    if result is None:
        return False
    drop(graph, node)
    out.data = result[0]
    graph.tensors[out.name] = out
    return True
