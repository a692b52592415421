# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What lossless shrinking took away from a model, in numbers and in one sentence, the same for all commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .graph import Graph
from .passes import PassReport, measure


@dataclass(frozen=True)
class Removed:
    """Figures of the graph as it was read (and folded, if float) and as it is converted, both in int8.

    weight_bytes: weights, biases and constants, without the multipliers and tables that the core adds. changes: how
    many each pass made, by its name.
    """

    layers_read: int
    layers: int
    macs_read: int
    macs: int
    weight_bytes_read: int
    weight_bytes: int
    changes: dict[str, int]

    @property
    def sentence(self) -> str:
        """Both figures, and what happened in between."""
        if not self.changes:
            return f"nothing to shrink: {self.layers} layers, {self.macs:,} MACs, weights {self.weight_bytes:,} B"
        passes = ", ".join(f"{name} {n}" for name, n in self.changes.items())
        return (
            f"shrunk, no output bit changed: layers {self.layers_read} -> {self.layers}, MACs {self.macs_read:,} -> "
            f"{self.macs:,}, weights {self.weight_bytes_read:,} -> {self.weight_bytes:,} B ({passes})"
        )


def removed(before: Graph, after: Graph, reports: Sequence[PassReport]) -> Removed:
    """Of an int8 graph before and after shrink()."""
    changes: dict[str, int] = {}
    for r in reports:
        changes[r.name] = changes.get(r.name, 0) + len(r.changes)
    a, b = measure(before), measure(after)
    layers = (len(before.nodes), len(after.nodes))
    return Removed(*layers, a.macs, b.macs, a.weight_bytes, b.weight_bytes, changes)
