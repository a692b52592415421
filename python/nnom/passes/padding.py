# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Padding as a layer of its own goes into the windows that read it, where they pad with the same value.

Convolutions and sums take padding as the zero point, that is as 0. A maximum ignores its padding: the same if no value
of the tensor is below it and every window holds a cell of the tensor. A mean over a padded tensor divides by all cells,
with padding of its own only by those inside: never the same.
"""

from __future__ import annotations

import numpy as np

from ..graph import Graph, Node
from .base import NO_PADDING, bypass, window_patterns
from .evaluate import try_evaluate
from .ranges import Range, ranges


def run(graph: Graph) -> list[str]:
    """Folds padding layers in place, if all their readers take them. Returns a line for each."""
    found = [n for n in graph.nodes if n.op == "zero_padding" and not any(n.attrs.get("channels", (0, 0)))]
    known = ranges(graph) if found else {}
    lines = []
    for node in found:
        readers = graph.consumers(node.output)
        if node.output in graph.kept or not readers or not all(_takes(graph, node, r, known) for r in readers):
            continue
        for reader in readers:
            reader.attrs["padding"] = _sum(node, reader)
        bypass(graph, node)
        lines.append(f"{node.name}: padding {node.attrs['padding']} goes into {', '.join(r.name for r in readers)}")
    return lines


def _sum(node: Node, reader: Node) -> tuple[int, ...]:
    old = reader.attrs.get("padding", NO_PADDING)
    return tuple(int(a) + int(b) for a, b in zip(old, node.attrs["padding"], strict=True))


def _value(graph: Graph, node: Node) -> float | None:
    """What the padding holds, as stored; None if the core cannot tell."""
    source = graph.tensors[node.inputs[0]]
    if source.dtype == "float32":
        return float(np.float32(node.attrs.get("value", 0.0)))
    made = try_evaluate(graph, node, [[np.full(source.shape, q, source.dtype)] for q in (0, 1)])
    if made is None:
        return None
    same = made[0][made[0] == made[1]]  # the cells that do not depend on the input
    return float(same[0]) if same.size else None


def _takes(graph: Graph, node: Node, reader: Node, known: dict[str, Range]) -> bool:
    source, value = graph.tensors[node.inputs[0]], _value(graph, node)
    if value is None or source.dtype not in ("int8", "float32"):
        return False
    if reader.entry.pads_zero:
        fits = value == (source.quant.zero_point if source.quant else 0)
        return fits and (reader.op != "sum_pool" or _every_window_reads(graph, node, reader))
    if reader.op != "max_pool" or source.dtype != "int8":
        return False
    return value <= known[source.name].lo.min() and _every_window_reads(graph, node, reader)


def _every_window_reads(graph: Graph, node: Node, reader: Node) -> bool:
    """Also what the core demands of a pool: less padding before than a window has cells."""
    padding, kernel = _sum(node, reader), reader.attrs["kernel"]
    if padding[0] >= kernel[0] or padding[2] >= kernel[1]:
        return False
    folded = Node(reader.op, reader.name, [node.inputs[0]], reader.output, {**reader.attrs, "padding": padding})
    return bool(window_patterns(graph, folded, kernel).any(axis=(1, 2)).all())
