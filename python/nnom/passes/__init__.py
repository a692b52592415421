# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Graphs made cheaper: the list of passes (PASSES), each with a line that says what it does.

    folded = fold(graph)            # float graphs, before quantisation: the same function
    small, reports = shrink(graph)  # int8 graphs: the same bytes for every input; float graphs keep their values
    for row in format_report(reports): print(*row)

runner.py applies them. Names of inputs and outputs, their shapes and quantisation stay. The zero point of the input
is folded into the bias by the core itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from .base import PassReport, Sizes, copy_graph, measure
from .catalogue import FOLDING, PASSES, FoldingPass, Pass
from .runner import apply_pass, fold, shrink

__all__ = [
    "FOLDING", "PASSES", "FoldingPass", "Pass", "PassReport", "Sizes", "apply_pass", "copy_graph", "fold",
    "format_report", "measure", "shrink",
]  # fmt: skip


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
