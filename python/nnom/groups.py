# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Which tensors of a float graph share a quantisation, and whose values decide its range.

Layers that only move values have one quantisation on both sides. Where they also commute with saturation (a clip, a
maximum pool, a slice), what they read need not be covered: if the range fits the result, the layer before saturates at
the clip's own limits and the clip costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from .errors import UnsupportedError
from .graph import Graph, Node, Quant
from .ops import function
from .twins import twins, wide_enough


def fixed_quant(node: Node | None) -> Quant | None:
    """The quantisation that an operator's int8 output always has, or None."""
    if node is None:
        return None
    return function(node.attrs["kind"]).quant if node.op == "activation" else node.entry.quant


class Groups:
    """Sets of float tensors that share a quantisation.

    width(name): the size of a tensor's range. Beside what must share, those share that lose little by it: what stands
    at the same place of steps that repeat (same tables), what a clip reads (no clip), inputs of concatenations (no
    rescaling).
    """

    def __init__(self, graph: Graph, width: Callable[[str], float]):
        self._graph = graph
        self._parent = {t.name: t.name for t in graph.tensors.values() if t.dtype == "float32"}
        self._producer = {n.output: n for n in graph.nodes}
        self._readers: dict[str, list[Node]] = {}
        self._fixed = {n.output for n in graph.nodes if fixed_quant(n)}  # roots of groups with such a tensor
        for node in graph.nodes:
            for name in set(node.inputs):
                self._readers.setdefault(name, []).append(node)
        for node in graph.nodes:
            if node.entry.same_quant:
                for name in (t for t in node.inputs if t in self._parent):  # indices have no range
                    self._union(name, node.output)
        for pair in graph.states.items():
            if all(name in self._parent for name in pair):
                self._union(*pair)
        self._unite_twins(width)
        self._unite_clips(width)
        self._unite_concats(width)

    def find(self, name: str) -> str:
        """The tensor that stands for a tensor's group."""
        while self._parent[name] != name:
            self._parent[name] = self._parent[self._parent[name]]
            name = self._parent[name]
        return name

    def _union(self, a: str, b: str) -> None:
        a, b = self.find(a), self.find(b)
        self._parent[a] = b
        if a in self._fixed:
            self._fixed.add(b)

    def all(self) -> list[list[str]]:
        """All groups."""
        groups: dict[str, list[str]] = {}
        for name in self._parent:
            groups.setdefault(self.find(name), []).append(name)
        return list(groups.values())

    def _private(self, name: str) -> bool:
        """True if one node alone reads it, and no user."""
        inside = name not in self._graph.kept and name not in self._graph.sources
        return inside and len(self._readers.get(name, ())) == 1

    def _unite_twins(self, width: Callable[[str], float]) -> None:
        for names in twins(self._graph):
            free = [t for t in names if t in self._parent and self.find(t) not in self._fixed]
            alike = wide_enough(free, [width(t) for t in free]) if free else []
            for name in alike[1:]:
                self._union(name, alike[0])

    def _unite_clips(self, width: Callable[[str], float]) -> None:
        for node in self._graph.nodes:
            if not node.entry.rescales and not node.clamp:
                continue
            for name in node.inputs:
                similar = node.entry.rescales and width(name) <= 2 * width(node.output)
                if (self._private(name) or similar) and self.find(name) not in self._fixed:
                    self._union(name, node.output)

    def _unite_concats(self, width: Callable[[str], float]) -> None:
        for node in (n for n in self._graph.nodes if n.op == "concat"):
            for name in node.inputs:
                alone = len(self._readers[name]) == 1 and name not in self._graph.kept
                similar = width(name) >= 0.5 * width(node.output)
                if (alone or similar) and self.find(name) not in self._fixed:
                    self._union(name, node.output)

    def saturates(self, name: str) -> bool:
        """True if all that reads a tensor gives the same when the tensor saturates at the ends of its group's range."""
        if name in self._graph.kept or name in self._graph.sources or not self._readers.get(name):
            return False
        return all(_keeps_order(n) and self.find(n.output) == self.find(name) for n in self._readers[name])

    def deciding(self, members: list[str]) -> list[str]:
        """The members of a group whose values its range has to cover."""
        return [m for m in members if not self.saturates(m)]

    def fixed(self, members: list[str]) -> Quant | None:
        """The fixed quantisation of a group. Softmax's and the like win over those of functions, which can adapt."""
        nodes = {name: self._producer.get(name) for name in members}
        found = {name: q for name, node in nodes.items() if (q := fixed_quant(node))}
        rigid = {q for name, q in found.items() if (n := nodes[name]) is None or n.op != "activation"}
        if len(rigid) > 1:
            where = f"{self._graph.source}: layers {', '.join(found)}"
            raise UnsupportedError(f"{where} share a quantisation, but each has its own")
        if rigid:
            return rigid.pop()
        bound = [node for name, node in nodes.items() if name not in found]
        free = any(node is None or not node.entry.same_quant for node in bound)
        return found.popitem()[1] if len(set(found.values())) == 1 and not free else None


def _keeps_order(node: Node) -> bool:
    """Whether saturating before the node or after it is the same: it moves, chooses or clips values."""
    return node.entry.keeps_order or bool(node.clamp)


def saturating(graph: Graph) -> set[str]:
    """Tensors of a quantised graph that may saturate without harm, as in Groups.saturates."""
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    kept = {*graph.sources, *graph.kept}
    quant = {name: t.quant for name, t in graph.tensors.items()}
    return {
        name
        for name, nodes in readers.items()
        if name not in kept and quant[name] and all(_keeps_order(n) and quant[n.output] == quant[name] for n in nodes)
    }
