# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What all importers are built with: refusals, collected and reported at once, and names.

The rest is the graph's own: Graph.add checks every node against the book of operators, Graph.unique finds a free name,
Graph.prune takes out what leads to no output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..graph import Graph


class Refused(Exception):
    """A layer or operator that cannot be converted: collected, so that all of them are reported at once.

    The text says why, and what to do; empty if something that it depends on has said it already.
    """

    def __init__(self, reason: str, advice: str = ""):
        super().__init__(f"{reason}; {advice}" if advice else reason)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What can not be translated. kind: what the thing is ("operator ADD"), number: which, name: its tensors."""

    kind: str
    number: int
    name: str
    reason: str


def listing(refusals: list[Refusal]) -> list[str]:
    """One line for all refusals of the same kind of thing and reason."""
    groups: dict[tuple[str, str], list[Refusal]] = {}
    for r in refusals:
        groups.setdefault((r.kind, r.reason), []).append(r)
    lines = []
    for (kind, reason), same in groups.items():
        what, _, op = kind.partition(" ")
        line = " ".join(w for w in (what, str(same[0].number), op, same[0].name) if w) + f": {reason}"
        if len(same) > 1:
            numbers = ", ".join(str(r.number) for r in same[1:9]) + (" ..." if len(same) > 9 else "")
            line += f" (and {len(same) - 1} more like it: {what}{'s' if len(same) > 2 else ''} {numbers})"
        lines.append(line)
    return lines


def rename(graph: Graph, old: str, new: str) -> None:
    """Gives a tensor another name, which must be free."""
    tensor = graph.tensors[old]
    tensor.name = new
    graph.tensors = {new if k == old else k: t for k, t in graph.tensors.items()}
    for node in graph.nodes:
        node.inputs = [new if i == old else i for i in node.inputs]
        node.output = new if node.output == old else node.output
    graph.inputs, graph.outputs = ([new if n == old else n for n in end] for end in (graph.inputs, graph.outputs))
    graph.states = {new if k == old else k: new if v == old else v for k, v in graph.states.items()}


def c_identifier(name: str) -> str:
    """`name` with everything but ASCII letters, digits and _ replaced."""
    text = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "model"
    return f"model_{text}" if text[0].isdigit() else text
