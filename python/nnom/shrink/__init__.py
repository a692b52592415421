# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Graphs made smaller without losing a bit.

    small, reports = shrink(graph)
    for row in format_report(reports): print(*row)

Every pass is a function run(graph) that changes a graph in place and returns a line for each change:

    tidy        nodes that change nothing, shape changes and transpositions that cancel, slices put together again
    steps       quantise steps and functions without effect, or that can be joined
    constants   nodes of constants only, computed by the core
    padding     padding layers folded into the windows that follow
    clamps      ReLU, ReLU6, ReLU-1..1 fused into the layer before
    duplicates  branches and constants that are the same
    channels    channels that are constant or that no one reads
    rows        (1, steps, c) parts of a model of (steps, 1, c) turned, so that time is rows

Outputs stay the same in every byte for every input of an int8 graph; float graphs keep their values. The zero point
of the input is folded into the bias by the core itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..fold import copy_graph
from ..graph import Graph
from . import channels, clamps, constants, duplicates, padding, rows, steps, tidy
from .base import PassReport, Sizes, measure

__all__ = ["PASSES", "PassReport", "Sizes", "apply_pass", "format_report", "measure", "shrink"]

Pass = Callable[[Graph], list[str]]
PASSES: dict[str, Pass] = {
    "tidy": tidy.run,
    "constants": constants.run,
    "steps": steps.run,
    "padding": padding.run,
    "clamps": clamps.run,
    "duplicates": duplicates.run,
    "rows": rows.run,
    "channels": channels.run,
}
_ROUNDS = 8  # passes open the way for others; few rounds are ever needed


def apply_pass(graph: Graph, name: str) -> tuple[Graph, PassReport]:
    """One pass on a copy of a graph: (the new graph, what was done)."""
    result = copy_graph(graph)
    before = measure(graph)
    changes = PASSES[name](result)
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


def _difference(a: Sizes, b: Sizes) -> tuple[int, int, int]:
    return a.macs - b.macs, a.weight_bytes - b.weight_bytes, a.activation_bytes - b.activation_bytes


def format_report(reports: Iterable[PassReport]) -> list[tuple[str, int, int, int, int]]:
    """A table's rows, one per pass: (pass, changes, MACs saved, weight bytes saved, activation bytes saved)."""
    table = {name: (0, 0, 0, 0) for name in PASSES}
    for r in reports:
        changes, macs, weights, activations = table[r.name]
        gain = _difference(r.before, r.after)
        table[r.name] = (changes + len(r.changes), macs + gain[0], weights + gain[1], activations + gain[2])
    return [(name, *row) for name, row in table.items()]
