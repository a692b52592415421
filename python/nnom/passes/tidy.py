# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Nodes that change nothing, shape changes and transpositions that cancel, pieces put together again."""

from __future__ import annotations

import numpy as np

from ..graph import Graph, Node
from .base import NO_PADDING, bypass, drop, drop_unread, same_quant, sole_producer

_ONES = (1, 1, 1)


def run(graph: Graph) -> list[str]:
    """Takes needless nodes out, in place. Returns a line for each."""
    lines = []
    changed = True
    while changed:
        changed = False
        for node in list(graph.nodes):
            if node not in graph:
                continue
            for rule in (_identity, _view_of_view, _blind_view, _transposes, _pieces):
                text = rule(graph, node)
                if text:
                    lines.append(f"{node.name}: {text}")
                    changed = True
                    break
    if graph.prune():
        lines.append("layers that lead to no output removed")
    return lines


# ---- Nodes that do nothing ----


def _unit_window(node: Node) -> bool:
    a = node.attrs
    flat = a["kernel"] == (1, 1) and a.get("stride", (1, 1)) == (1, 1) and not any(a.get("padding", NO_PADDING))
    return flat and node.activation == "none" and node.op != "sum_pool"


def _does_nothing(graph: Graph, node: Node) -> bool:
    """Its output is its first input, byte for byte. Shapes and quantisation are known to agree."""
    op, a = node.op, node.attrs
    if node.entry.still:
        return True
    if op == "slice":
        return tuple(a.get("stride", _ONES)) == _ONES
    if op == "transpose":
        return _moves_only_ones(graph.tensors[node.inputs[0]].shape, a["perm"])
    if op == "gather":
        return np.array_equal(
            np.asarray(a["indices"]).reshape(-1), np.arange(graph.tensors[node.output].shape[a["axis"]])
        )
    if op == "concat":
        return len(node.inputs) == 1
    if node.entry.rescales:
        return node.activation == "none" and (node.inputs[0] == node.inputs[1] or _clips_nothing(graph, node))
    return node.entry.pool and _unit_window(node)


def _clips_nothing(graph: Graph, node: Node) -> bool:
    """A bound that no int8 value crosses: the tensors' range ends there."""
    bound, end = graph.tensors[node.inputs[1]], -128 if node.op == "maximum" else 127
    if bound.data is None or bound.dtype != "int8" or not same_quant(graph, bound.name, node.output):
        return False
    return bool((bound.data == end).all())


def _constant_last(graph: Graph, node: Node) -> None:
    """The operand that a clip may keep comes first: both are commutative."""
    if node.entry.rescales and graph.tensors[node.inputs[0]].data is not None:
        node.inputs = node.inputs[::-1]


def _identity(graph: Graph, node: Node) -> str:
    _constant_last(graph, node)
    source, out = (graph.tensors[t] for t in (node.inputs[0], node.output))
    if source.shape != out.shape or not same_quant(graph, source.name, out.name) or not _does_nothing(graph, node):
        return ""
    if node.op == "quantize" and source.dtype not in ("int8", "uint8"):
        return ""
    return f"{node.op} that changes nothing removed" if bypass(graph, node) else ""


# ---- Shapes ----


def _view_of_view(graph: Graph, node: Node) -> str:
    before = graph.producer(node.inputs[0])
    if not node.entry.view or before is None or not before.entry.view:
        return ""
    node.inputs = list(before.inputs)
    node.op, node.attrs = "reshape", {"shape": graph.tensors[node.output].shape}
    drop_unread(graph, before)
    return "two changes of shape joined"


def _blind_view(graph: Graph, node: Node) -> str:
    """Dense layers take any shape as one vector."""
    readers = graph.consumers(node.output)
    if not node.entry.view or not readers or any(r.op != "dense" for r in readers) or node.output in graph.kept:
        return ""
    return f"{node.op} before a dense layer removed" if bypass(graph, node) else ""


def _moves_only_ones(shape: tuple[int, int, int], perm: tuple[int, int, int]) -> bool:
    """The axes longer than 1 stay in order: the bytes do not move."""
    order = [p for p in perm if shape[p] > 1]
    return order == sorted(order)


def _transposes(graph: Graph, node: Node) -> str:
    if node.op != "transpose":
        return ""
    before = graph.producer(node.inputs[0])
    if before is not None and before.op == "transpose":
        node.inputs = list(before.inputs)
        node.attrs["perm"] = tuple(before.attrs["perm"][p] for p in node.attrs["perm"])
        drop_unread(graph, before)
        return "two transpositions joined"
    if _moves_only_ones(graph.tensors[node.inputs[0]].shape, node.attrs["perm"]):
        node.op, node.attrs = "reshape", {"shape": graph.tensors[node.output].shape}
        return "transposition that moves no byte made a change of shape"
    return ""


# ---- Pieces ----


def _piece(graph: Graph, name: str, axis: int) -> tuple[str, int, int] | None:
    """(source, begin, size) of a slice along `axis` alone."""
    node = graph.producer(name)
    if node is None or node.op != "slice" or tuple(node.attrs.get("stride", _ONES)) != _ONES:
        return None
    shape, begin, size = graph.tensors[node.inputs[0]].shape, node.attrs["begin"], node.attrs["size"]
    if any((begin[k], size[k]) != (0, shape[k]) for k in range(3) if k != axis):
        return None
    return node.inputs[0], begin[axis], size[axis]


def _pieces(graph: Graph, node: Node) -> str:
    """A concat of neighbouring slices is one slice; a concat within a concat is part of it."""
    if node.op != "concat" or not same_quant(graph, *node.inputs, node.output):
        return ""
    axis = node.attrs["axis"]
    parts = [p for t in node.inputs if (p := _piece(graph, t, axis)) is not None]
    if len(parts) == len(node.inputs) and len({p[0] for p in parts}) == 1:
        end = parts[0][1]
        for _, begin, size in parts:
            if begin != end:
                return ""
            end += size
        first = [0, 0, 0]
        first[axis] = parts[0][1]
        node.op, node.inputs = "slice", [parts[0][0]]
        node.attrs = {"begin": tuple(first), "size": graph.tensors[node.output].shape, "stride": _ONES}
        return "neighbouring slices put together again"
    before = sole_producer(graph, node)
    if before is None or before.op != "concat" or before.attrs["axis"] != axis:
        return ""
    if same_quant(graph, *before.inputs, before.output):
        node.inputs = [*before.inputs, *node.inputs[1:]]
        drop(graph, before)
        return "concat within a concat joined"
    return ""
