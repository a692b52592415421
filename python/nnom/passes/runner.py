# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Applies the passes of catalogue.py until none finds anything: near what changed while folding, in rounds after."""

from __future__ import annotations

from collections.abc import Iterable

from ..graph import Graph, Node
from ..twins import share_arrays
from . import norms
from .base import PassReport, copy_graph, drop_unused, measure
from .catalogue import FOLDING, PASSES

_ROUNDS = 8  # passes open the way for others; few rounds are ever needed


# ---- Folding ----


def fold(graph: Graph) -> Graph:
    """The same function with fewer nodes. Only for float32 graphs. Names of inputs and outputs stay.

    A new graph; arrays of the old one are not changed.
    """
    result = copy_graph(graph)
    for node in result.nodes:
        norms.as_batch_norm(result, node)
    order = {node: k for k, node in enumerate(result.nodes)}
    _fold_near(result, order, result.nodes)
    for norm in [n for n in result.nodes if n.op == "batch_norm"]:
        if norm in result:  # else an earlier one, made a convolution, has taken it in
            norms.as_depthwise(norm)
            _fold_near(result, order, _near(result, [norm]))
    drop_unused(result)
    share_arrays(result)
    return result


def _fold_near(graph: Graph, order: dict[Node, int], nodes: Iterable[Node]) -> None:
    """Folds until no pass changes anything: to `nodes`, then to what lies near the nodes that changed."""
    waiting = list(nodes)
    graph.edited()
    while waiting:
        for one in FOLDING.values():
            for node in waiting:
                if node in graph:
                    one.run(graph, node)
        changed = [n for n in graph.edited() if n in graph]
        waiting = sorted(_near(graph, changed), key=order.__getitem__)


def _near(graph: Graph, changed: Iterable[Node]) -> set[Node]:
    """The nodes that a pass may judge anew after others changed.

    Passes look no further than two nodes before and behind a node, and at whether a tensor has one reader.
    """
    found = set(changed)
    for node in list(found):
        for name in node.inputs:
            readers = graph.consumers(name)
            found.update(readers if len(readers) <= 2 else ())
    edge = found
    for _ in range(2):
        before = {p for n in edge for t in n.inputs if (p := graph.producer(t)) is not None}
        edge = {*before, *(r for n in edge for r in graph.consumers(n.output))} - found
        found = found | edge
    return found


# ---- Shrinking ----


def apply_pass(graph: Graph, name: str) -> tuple[Graph, PassReport]:
    """One pass on a copy of a graph: (the new graph, what was done)."""
    result = copy_graph(graph)
    before = measure(graph)
    changes = PASSES[name].run(result)
    return result, PassReport(name, changes, before, measure(result))


def shrink(graph: Graph) -> tuple[Graph, list[PassReport]]:
    """All passes until none finds anything. Returns a new graph and a report for every pass that changed something.

    Names of inputs and outputs, their shapes and quantisation stay.
    """
    reports: list[PassReport] = []
    for _ in range(_ROUNDS):
        found = False
        for name in PASSES:
            graph, report = apply_pass(graph, name)
            if report.changes:
                reports.append(report)
                found = True
        if not found:
            break
    return graph, reports
