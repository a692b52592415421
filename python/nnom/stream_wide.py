# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The form of a graph of windows that pads nowhere in time: where that cannot stream, this one can."""

from __future__ import annotations

from dataclasses import dataclass

from .graph import Graph, Node, Tensor
from .stream_survey import Survey, check, refused, rows_first


@dataclass(frozen=True)
class Widened:
    """A graph without padding in time, whose window has `before` rows more above and `after` rows more below.

    Less than 0: rows that nothing reads are gone.
    """

    graph: Graph
    before: int
    after: int

    @property
    def grown(self) -> bool:
        """Whether the window tells of more rows."""
        return self.before > 0 or self.after > 0


def widened(graph: Graph) -> Widened:
    """Rows of the signal stand where padding was: the window grows, weights and outputs stay as they are.

    UnsupportedError, if layers cannot stream for other reasons. A graph without padding comes back as it was. Recurrent
    layers see a longer window, too.
    """
    graph = rows_first(graph)
    check(graph)
    survey = Survey(graph, causal=True)
    if survey.obstacles:
        raise refused(graph, survey)
    return _Wide(graph, survey).make()


class _Wide:
    def __init__(self, graph: Graph, survey: Survey):
        self.old, self.survey = graph, survey
        self.need: dict[str, tuple[int, int]] = {}  # rows [lo, hi), counted from the old window's first
        self.new = Graph(graph.name, graph.source, inputs=list(graph.inputs), outputs=list(graph.outputs))
        last = [n.inputs[0] for n in survey.carried if n not in survey.rows]
        for name in [*survey.ends(), *(t for t in last if t in survey.series)]:
            self._want(name, 0, graph.tensors[name].shape[0])
        for node in reversed(graph.nodes):
            if node in survey.rows and node.output in self.need:
                lo, hi = self._reads(node)
                for name in node.inputs:
                    if name in survey.series:
                        self._want(name, lo, hi)

    def _want(self, name: str, lo: int, hi: int) -> None:
        old = self.need.get(name, (lo, hi))
        self.need[name] = min(lo, old[0]), max(hi, old[1])

    def _reads(self, node: Node) -> tuple[int, int]:
        (lo, hi), reach = self.need[node.output], self.survey.rows[node]
        return reach.stride * lo + reach.begin, reach.stride * (hi - 1) + reach.begin + reach.length

    def make(self) -> Widened:
        """The new graph."""
        source = self.old.inputs[0]
        self._add_tensor(source)
        for tensor in self.old.tensors.values():
            if tensor.data is not None:
                self.new.tensors[tensor.name] = tensor
        for node in self.old.nodes:
            if node in self.survey.rows and node.output in self.need:
                self._make_rows(node)
            elif node not in self.survey.rows:
                inputs = [self._part(t, 0, self.old.tensors[t].shape[0]) for t in node.inputs]
                self.new.tensors[node.output] = self.old.tensors[node.output]
                self.new.nodes.append(Node(node.op, node.name, inputs, node.output, dict(node.attrs), node.weights))
        lo, hi = self.need[source]
        return Widened(self.new, -lo, hi - self.old.tensors[source].shape[0])

    def _add_tensor(self, name: str) -> None:
        old, (lo, hi) = self.old.tensors[name], self.need[name]
        self.new.add_tensor(Tensor(name, (hi - lo, *old.shape[1:]), old.dtype, old.quant))

    def _make_rows(self, node: Node) -> None:
        a, rows = dict(node.attrs), self.need[node.output][1] - self.need[node.output][0]
        inputs = [self._part(t, *self._reads(node)) for t in node.inputs]
        if "padding" in a:
            a["padding"] = (0, 0, *a["padding"][2:])
        if node.op == "slice":
            a["begin"], a["size"] = (0, *a["begin"][1:]), (rows, *a["size"][1:])
        if node.op == "reshape":
            a["shape"] = (rows, *a["shape"][1:])
        self._add_tensor(node.output)
        self.new.nodes.append(Node(node.op, node.name, inputs, node.output, a, node.weights))

    def _part(self, name: str, lo: int, hi: int) -> str:
        """Those rows of a tensor, which may have more."""
        if name not in self.survey.series or self.need[name] == (lo, hi):
            return name
        first, last = self.need[name]
        made, old = self.new.unique(f"{name}_part"), self.new.tensors[name]
        self.new.add_tensor(Tensor(made, (hi - lo, *old.shape[1:]), old.dtype, old.quant))
        self.new.nodes.append(Node("cropping", made, [name], made, {"padding": (lo - first, last - hi, 0, 0)}))
        return made
