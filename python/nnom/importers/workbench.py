# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What all importers are built with: refusals, collected and reported at once, fused activations, names.

The rest is the graph's own: Graph.add checks every node against the book of operators, Graph.unique finds a free name,
Graph.prune takes out what leads to no output.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import UnsupportedError
from ..graph import Graph
from ..ops import CLAMPS


class Refused(Exception):
    """A layer or operator that cannot be converted: collected, so that all of them are reported at once.

    The text says why, and what to do; empty if something that it depends on has said it already.
    """

    def __init__(self, reason: str, advice: str = ""):
        super().__init__(f"{reason}; {advice}" if advice else reason)


class Thing(NamedTuple):
    """What can not be translated: "operator ADD" or "layer 'a' (Conv3D)", which in the file, the tensors' names."""

    kind: str
    number: int | None = None
    name: str = ""


class Refusals:
    """What an importer can not translate: every thing once, all of them reported together.

    one, many: what the report says behind their count. most: that are looked for; None: all.
    """

    def __init__(self, graph: Graph, one: str, many: str, most: int | None = None):
        self.graph = graph
        self.one, self.many, self.most = one, many, most
        self._reasons: dict[Thing, str] = {}

    def __contains__(self, thing: Thing) -> bool:
        return thing in self._reasons

    def __len__(self) -> int:
        return len(self._reasons)

    def refuse(self, thing: Thing, refused: Refused | str) -> None:
        """Notes why; nothing if something else has said it already. Stops at the most that are looked for."""
        if reason := str(refused):
            self._reasons[thing] = reason
            if len(self) == self.most:
                self.stop_if_refused()

    def stop_if_refused(self, *after: str) -> None:
        """UnsupportedError with a line for each, and with what came `after`, if anything is refused."""
        if self._reasons:
            least = "at least " if len(self) == self.most else ""
            count = f"{least}{len(self)} {self.one if len(self) == 1 else self.many}"
            raise UnsupportedError(f"{self.graph.source}: {count}:", self.graph, [*self._lines(), *after]) from None

    def _lines(self) -> list[str]:
        """One line for all things of the same kind and reason."""
        groups: dict[tuple[str, str], list[Thing]] = {}
        for thing, reason in self._reasons.items():
            groups.setdefault((thing.kind, reason), []).append(thing)
        lines = []
        for (kind, reason), same in groups.items():
            what, _, op = kind.partition(" ")
            number = "" if same[0].number is None else str(same[0].number)
            line = " ".join(w for w in (what, number, op, same[0].name) if w) + f": {reason}"
            if len(same) > 1:
                numbers = ", ".join(str(t.number) for t in same[1:9]) + (" ..." if len(same) > 9 else "")
                line += f" (and {len(same) - 1} more like it: {what}{'s' if len(same) > 2 else ''} {numbers})"
            lines.append(line)
        return lines


def fused_clamp(kind: str) -> str:
    """What a node takes over of an activation that the file has fused into it: a clamp, or "none".

    What it does not take over follows as a node of its own.
    """
    return kind if kind in CLAMPS else "none"


def rename(graph: Graph, old: str, new: str) -> None:
    """Gives a tensor another name, which must be free."""
    tensor = graph.tensors[old]
    tensor.name = new
    graph.tensors = {new if k == old else k: t for k, t in graph.tensors.items()}
    for node in graph.nodes:
        node.inputs = [new if i == old else i for i in node.inputs]
        node.output = new if node.output == old else node.output
    graph.inputs, graph.outputs = ([new if n == old else n for n in end] for end in (graph.inputs, graph.outputs))
    graph.layouts = {new if k == old else k: v for k, v in graph.layouts.items()}
    graph.states = {new if k == old else k: new if v == old else v for k, v in graph.states.items()}


def c_identifier(name: str) -> str:
    """`name` with everything but ASCII letters, digits and _ replaced."""
    text = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "model"
    return f"model_{text}" if text[0].isdigit() else text
