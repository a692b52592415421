# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ReLU, ReLU6 and ReLU-1..1 as layers of their own go into the layer before.

Exact where both tensors have one quantisation: the limits are the same numbers then, and bringing a value from a
quantisation to itself changes nothing. Layers that only move or choose values may lie between: a rising function of one
value may be applied before or after them.
"""

from __future__ import annotations

from ..graph import Graph, Node
from .base import same_quant, sole_consumer, sole_producer

_JOINT = {("relu", "relu6"): "relu6", ("relu6", "relu"): "relu6"}


def run(graph: Graph) -> list[str]:
    """Fuses clamps in place. Returns a line for each."""
    lines = []
    for node in list(graph.nodes):
        if node.clamp:
            before = _fuse(graph, node)
            lines += [f"{node.name}: {node.clamp} goes into {before.name}"] if before else []
    return lines


def _joint(before: Node, kind: str) -> str | None:
    """The one clamp that does what the layer's clamp and `kind` do."""
    if before.activation in ("none", kind):
        return kind
    return _JOINT.get((before.activation, kind))


def _clamping(graph: Graph, node: Node) -> Node | None:
    """The layer that can do a node's clamp: before it, or before layers that move values."""
    before = sole_producer(graph, node)
    while before is not None and same_quant(graph, before.output, node.output):
        if before.entry.clamps and _joint(before, node.clamp):
            return before
        if not before.entry.moves or before.activation != "none" or len(before.inputs) != 1:
            return None
        before = sole_producer(graph, before)
    return None


def _fuse(graph: Graph, node: Node) -> Node | None:
    target = _clamping(graph, node)
    if target is None:
        return None
    last = graph.producer(node.inputs[0])
    assert last is not None and sole_consumer(graph, last.output) is node
    target.attrs["activation"] = _joint(target, node.clamp)
    graph.tensors.pop(last.output)
    graph.remove(node)
    last.output = node.output
    return target
