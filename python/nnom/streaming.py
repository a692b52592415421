# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A model of windows becomes a model of steps: from a signal without end it computes only what is new.

    stream = streamed(graph, 8)     stream.graph takes 8 rows (h) a run, and keeps what it needs of those before

stream_survey.py finds what streams; where a layer pads in time, stream_wide.py makes the form that does not.

The graph of windows takes T rows. Run on rows [n * hop, n * hop + T) for n = 0, 1, ..., it gives the same bytes as the
stream, which gives its first output when the first window is complete. Layers that work row by row, and windows (of
convolutions and pools) without padding in time, make the rows that are new; `slide` nodes keep the rows that they read
again. What needs a whole window (a dense layer, a global pool), and all behind it, runs once a hop on rows that are
kept.

A recurrent layer begins anew with each window. With `causal` its state goes on from hop to hop instead: then the stream
is not compared with windows, but with one run over the whole signal, which is a stream of one long hop.

A tensor of the stream holds rows [step * n - lag, step * (n + 1) - lag) of the signal's in run n, counted as the graph
of windows counts them: lag is how many are still missing, since windows reach ahead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import DataError
from .graph import Graph, Node, Tensor
from .messages import Setting, Text
from .recurrent import state_quants, units
from .stream_survey import Reach, Survey, check, refused, rows_first


@dataclass(frozen=True)
class Flow:
    """How a tensor streams. every: rows of the signal for one of its rows."""

    step: int
    lag: int
    every: int


@dataclass(frozen=True)
class Stream:
    """A graph of steps. outputs: in run n, the first of them being 0, output i holds what outputs[i] says.

    (ago, first): rows from `first` on of what window n - ago gives.
    """

    graph: Graph
    hop: int
    outputs: list[tuple[int, int]]


# ---- The stream ----


def least_hop(graph: Graph) -> int:
    """The rows of which every hop must be a multiple: the strides in time, one times the other."""
    survey = Survey(graph)
    every = {graph.inputs[0]: 1}
    for node, reach in survey.rows.items():
        first = next(t for t in node.inputs if t in survey.series)
        every[node.output] = every[first] * reach.stride
    return math.lcm(*every.values())


def streamed(graph: Graph, hop: int, causal: bool = False, first_rows: int = 0) -> Stream:
    """The graph that takes `hop` rows a run: see above. The graph given is int8 or float, and stays as it is.

    causal: states of recurrent layers go on. first_rows: from a window's first row until its output; 0: as few as the
    hop allows. Raises DataError (a hop that does not divide), UnsupportedError with every
    layer that cannot stream.
    """
    graph = rows_first(graph)
    check(graph)
    survey = Survey(graph, causal)
    if survey.problems or survey.obstacles:
        raise refused(graph, survey)
    return _Stream(graph, survey, hop, first_rows).make()


class _Stream:
    def __init__(self, graph: Graph, survey: Survey, hop: int, first_rows: int):
        self.old, self.survey, self.hop = graph, survey, hop
        if hop < 1:
            raise DataError(Text(Setting.STREAM, f" {hop}: expected 1 row or more"))
        source = graph.tensors[graph.inputs[0]]
        self.flow = {source.name: Flow(hop, 0, 1)}
        for node, reach in survey.rows.items():
            self.flow[node.output] = self._flow_of(node, reach)
        seen = [*survey.ends(), *(n.inputs[0] for n in survey.carried)]
        self.first_rows = first_rows or hop * max(self._hops_of(t) for t in seen)  # until the first window is complete
        self.hops = -(-self.first_rows // hop)
        self.new = Graph(graph.name, graph.source, inputs=list(graph.inputs), outputs=list(graph.outputs))
        self.slides: dict[tuple[str, int], str] = {}

    # ---- lags ----

    def _flow_of(self, node: Node, reach: Reach) -> Flow:
        comes = [self.flow[t] for t in node.inputs if t in self.survey.series]
        step, every = comes[0].step, comes[0].every * reach.stride
        if step % reach.stride:
            least = least_hop(self.old)
            raise DataError(
                Text(
                    Setting.STREAM,
                    f" {self.hop}: layer '{node.name}' ({node.op}) makes a row for each {every} rows of the signal; "
                    f"expected a multiple of {least}, the least hop",
                )
            )
        lag = max(f.lag for f in comes)
        ahead = lag + reach.length + reach.begin
        return Flow(step // reach.stride, -(-ahead // reach.stride) - 1, every)

    def _hops_of(self, name: str) -> int:
        """Runs until the first window's rows of a tensor are there; of an output of rows until its first ones are."""
        flow = self.flow[name]
        whole = any(n not in self.survey.rows and n not in self.survey.carried for n in self.old.consumers(name))
        rows = self.old.tensors[name].shape[0] if whole else flow.step
        return -(-(flow.lag + rows) // flow.step)

    # ---- nodes ----

    def make(self) -> Stream:
        """The graph of steps."""
        self._add_tensor(self.old.inputs[0], self.hop)
        for tensor in self.old.tensors.values():
            if tensor.data is not None:
                self.new.tensors[tensor.name] = tensor
        for node in self.old.nodes:
            if node in self.survey.carried:
                self._go_on(node)
            elif node in self.survey.rows:
                self._make_rows(node, self.survey.rows[node])
            else:
                self._copy(node, [self._window(t) for t in node.inputs], self.old.tensors[node.output].shape[0])
        self.new.sequence = True
        self.new.warm_up = self.hops - 1
        return Stream(self.new, self.hop, [self._place(name) for name in self.new.outputs])

    def _place(self, name: str) -> tuple[int, int]:
        """Of an output: whole windows, or rows that are new."""
        flow = self.flow.get(name)
        if flow is None:
            return self.hops - 1, 0
        ago = -(-flow.lag // flow.step)
        return ago, ago * flow.step - flow.lag

    def _add_tensor(self, name: str, rows: int, like: str | None = None) -> None:
        old = self.old.tensors[like or name]
        self.new.add_tensor(Tensor(name, (rows, *old.shape[1:]), old.dtype, old.quant))

    def _copy(self, node: Node, inputs: Sequence[str], rows: int, **attrs: object) -> None:
        self._add_tensor(node.output, rows)
        self.new.nodes.append(Node(node.op, node.name, inputs, node.output, {**node.attrs, **attrs}, node.weights))

    def _make_rows(self, node: Node, reach: Reach) -> None:
        """The node on the rows that its new ones read."""
        flow, inputs = self.flow[node.output], []
        for name in node.inputs:
            if name not in self.survey.series:
                inputs.append(name)
                continue
            lag = self.flow[name].lag
            spare = reach.stride * (flow.lag + 1) - lag - reach.begin - reach.length
            rows = reach.stride * (flow.step - 1) + reach.length
            rows, spare = (rows + spare, 0) if node.entry.window else (rows, spare)  # too few for one more of its rows
            inputs.append(self._past(name, rows, spare))
        if node.op in ("cropping", "zero_padding", "mirror_pad"):
            self._crop_sides(node, inputs, flow.step)
        elif node.op == "slice":
            a = node.attrs
            size = (flow.step, *a["size"][1:])
            self._copy(node, inputs, flow.step, begin=(0, *a["begin"][1:]), size=size)
        elif node.op == "reshape":
            self._copy(node, inputs, flow.step, shape=(flow.step, *self.old.tensors[node.output].shape[1:]))
        else:
            self._copy(node, inputs, flow.step)

    def _go_on(self, node: Node) -> None:
        """A recurrent layer over the rows that are new, its states those that the last run left."""
        shape, states = (1, 1, units(node)), []
        source = self.old.tensors[node.inputs[0]]
        kinds = state_quants(node) if source.dtype != "float32" else [("float32", None)] * (node.entry.inputs[1] - 1)
        for dtype, quant in kinds:
            states.append(self.new.unique(f"{node.output}_state"))
            self.new.add_tensor(Tensor(states[-1], shape, dtype, quant))
        rows = self.flow[node.output].step if node in self.survey.rows else 1
        self._copy(node, [node.inputs[0], *states], rows)
        for i, (state, (dtype, quant)) in enumerate(zip(states, kinds, strict=True), 1):
            left = self.new.unique(f"{state}_next")
            self.new.add_tensor(Tensor(left, shape, dtype, quant))
            self.new.nodes.append(Node("part", left, [node.output], left, {"index": i}))
            self.new.states[state] = left

    def _crop_sides(self, node: Node, inputs: Sequence[str], rows: int) -> None:
        """Columns and channels as they were; rows come as they are."""
        self._copy(node, inputs, rows, padding=(0, 0, *node.attrs["padding"][2:]))

    def _past(self, name: str, rows: int, spare: int) -> str:
        """The last `rows` rows before the newest `spare` ones."""
        step, kept = self.flow[name].step, rows + spare
        source = name if kept <= step else self._slide(name, kept)
        return self._cropped(source, max(step - kept, 0), spare, f"{name}_past")

    def _slide(self, name: str, rows: int) -> str:
        found = self.slides.get((name, rows))
        if found is None:
            found = self.new.unique(f"{name}_kept")
            self._add_tensor(found, rows, name)
            self.new.nodes.append(Node("slide", found, [name], found, {"rows": rows}))
            self.slides[name, rows] = found
        return found

    def _cropped(self, source: str, top: int, bottom: int, name: str) -> str:
        if not (top or bottom):
            return source
        made, old = self.new.unique(name), self.new.tensors[source]
        shape = (old.shape[0] - top - bottom, *old.shape[1:])
        self.new.add_tensor(Tensor(made, shape, old.dtype, old.quant))
        self.new.nodes.append(Node("cropping", made, [source], made, {"padding": (top, bottom, 0, 0)}))
        return made

    def _window(self, name: str) -> str:
        """The rows of the newest window that is complete everywhere; other tensors as they are."""
        if name not in self.survey.series:
            return name
        flow, rows = self.flow[name], self.old.tensors[name].shape[0]
        return self._past(name, rows, self.first_rows // flow.every - flow.lag - rows)
