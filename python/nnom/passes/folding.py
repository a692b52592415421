# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Passes over float graphs: moves that change nothing, padding into the windows that follow, clamps into sums.

Each looks at one node, changes the graph around it in place, and returns whether it did.
"""

from __future__ import annotations

from ..graph import Graph, Node
from .base import NO_PADDING, merge_into, sole_consumer, sole_producer, take_out


def drop_identity(graph: Graph, node: Node) -> bool:
    """Shape changes that change nothing, paddings and croppings of nothing."""
    same = graph.tensors[node.inputs[0]].shape == graph.tensors[node.output].shape
    moves_none = node.op in ("zero_padding", "cropping") and same
    if not (moves_none or (node.entry.view and same)) or node.output in graph.kept:
        return False
    take_out(graph, node)
    return True


def drop_view(graph: Graph, node: Node) -> bool:
    """Reshapes that only dense layers or other reshapes read."""
    readers = graph.consumers(node.output)
    blind = readers and all(r.op == "dense" or r.entry.view for r in readers)
    if not node.entry.view or not blind or node.output in graph.kept:
        return False
    take_out(graph, node)
    return True


def fold_padding(graph: Graph, node: Node) -> bool:
    """Zero padding goes into the window that follows."""
    after = sole_consumer(graph, node.output) if node.op == "zero_padding" else None
    plain = not any(node.attrs.get("channels", (0, 0))) and float(node.attrs.get("value", 0.0)) == 0.0
    if after is None or not plain or not _takes_padding(graph, node, after):
        return False
    old = after.attrs.get("padding", NO_PADDING)
    after.attrs["padding"] = tuple(a + b for a, b in zip(old, node.attrs["padding"], strict=True))
    take_out(graph, node)
    return True


def _takes_padding(graph: Graph, node: Node, after: Node) -> bool:
    """Convolutions and sums pad with zeros. A maximum ignores its padding: the same if no value is negative."""
    if after.entry.pads_zero:
        return True
    if after.op != "max_pool" or not _never_negative(graph, node.inputs[0]):
        return False
    (kh, kw), (top, bottom, left, right) = after.attrs["kernel"], node.attrs["padding"]
    return max(top, bottom) < kh and max(left, right) < kw and not any(after.attrs.get("padding", NO_PADDING))


def _never_negative(graph: Graph, tensor: str) -> bool:
    node = graph.producer(tensor)
    if node is None:
        return False
    kind = node.attrs.get("kind") if node.op == "activation" else node.activation
    return kind in ("relu", "relu6", "sigmoid")


def hoist_clamp(graph: Graph, node: Node) -> bool:
    """A clamp after max pooling or a reshape goes before it, where it can be fused."""
    if not node.clamp:
        return False
    pool = sole_producer(graph, node)
    if pool is None or not (pool.op == "max_pool" or pool.entry.view) or pool.activation != "none":
        return False
    before = sole_producer(graph, pool)
    if before is None or not before.entry.sums or before.activation != "none":
        return False
    before.attrs["activation"] = node.clamp
    merge_into(graph, pool, node)
    return True


def fuse_clamp(graph: Graph, node: Node) -> bool:
    """A clamp goes into the sum before it."""
    if not node.clamp:
        return False
    before = sole_producer(graph, node)
    if before is None or not before.entry.sums or before.activation != "none":
        return False
    before.attrs["activation"] = node.clamp
    merge_into(graph, before, node)
    return True
