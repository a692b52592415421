# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A model of windows becomes a model of steps: from a signal without end it computes only what is new.

    stream = streamed(graph, 8)     stream.graph takes 8 rows (h) a run, and keeps what it needs of those before
    wide = widened(graph)           wide.graph: the form without padding in time, where `graph` cannot stream

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

from .errors import DataError, UnsupportedError
from .graph import Graph, Node, Tensor
from .messages import Setting, Text
from .passes.base import copy_graph
from .recurrent import state_quants, units

NO_PADDING = (0, 0, 0, 0)


@dataclass(frozen=True)
class Reach:
    """Output row y reads rows [stride * y + begin, stride * y + begin + length) of each input."""

    stride: int = 1
    begin: int = 0
    length: int = 1


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


# ---- What a node does to rows ----


def padding_of(node: Node) -> tuple[int, int]:
    """Rows that it pads above and below."""
    padding = node.attrs.get("padding", NO_PADDING) if node.op != "cropping" else NO_PADDING
    return padding[0], padding[1]


def reach_of(graph: Graph, node: Node) -> Reach | None:
    """Which rows an output row reads, as if the signal went on beyond the window; None: more than some near ones."""
    a, shape = node.attrs, graph.tensors[node.output].shape
    before = graph.tensors[node.inputs[0]].shape
    if node.entry.window:
        kernel = a["kernel"][0] if node.entry.pool else node.weights["weights"].data.shape[_KERNEL_AXIS[node.op]]
        dilation = a.get("dilation", (1, 1))[0]
        return Reach(a.get("stride", (1, 1))[0], -padding_of(node)[0], (kernel - 1) * dilation + 1)
    if node.op in ("zero_padding", "mirror_pad", "cropping"):
        top = a["padding"][0]
        return Reach(begin=top if node.op == "cropping" else -top)
    if node.op == "slice" and a.get("stride", (1, 1, 1))[0] > 0:
        return Reach(a.get("stride", (1, 1, 1))[0], a["begin"][0])
    if node.entry.view and before[0] == shape[0] > 1:
        return Reach()
    return Reach() if node.entry.by_rows and not _takes_rows(node) else None


_KERNEL_AXIS = {"conv2d": 1, "depthwise_conv2d": 0}


def _takes_rows(node: Node) -> bool:
    """Whether attributes make an operator that works by rows mix them."""
    a = node.attrs
    mixed = {
        "concat": lambda: a["axis"] == 0,
        "gather": lambda: a["axis"] == 0,
        "reduce": lambda: 0 in a["axes"],
        "slice": lambda: True,
        "tile": lambda: a["multiples"][0] != 1,
        "transpose": lambda: a["perm"][0] != 0,
    }
    return node.op in mixed and mixed[node.op]()


def _is_tall(graph: Graph, name: str) -> bool:
    return graph.tensors[name].shape[0] > 1


# ---- Which tensors stream ----


class Survey:
    """Which nodes of a graph make rows as they come (`rows`), which need the whole window, and what cannot stream."""

    def __init__(self, graph: Graph, causal: bool = False):
        self.graph, self.causal = graph, causal
        self.rows: dict[Node, Reach] = {}
        self.carried: set[Node] = set()  # recurrent layers whose states go on
        self.series = {graph.inputs[0]}  # tensors of which rows come
        self.problems: list[str] = []  # that another form of the model solves
        self.obstacles: list[str] = []  # that none does
        for node in graph.nodes:
            self._judge(node)

    def _judge(self, node: Node) -> None:
        """A window that makes one row of all there are counts as a layer of whole windows: it runs once a hop."""
        graph, comes = self.graph, [t for t in node.inputs if t in self.series]
        if not comes:
            if _is_tall(graph, node.output) and not (node.entry.view or node.entry.moves) and self._is_made(node):
                self._refuse(node, "makes rows of what whole windows made (global statistics)")
            return
        reach = Reach() if node.entry.gates else reach_of(graph, node)
        if node.entry.gates:
            self._carry(node)
        if reach is None or not _is_tall(graph, node.output):
            return
        others = [t for t in node.inputs if t not in self.series and graph.tensors[t].data is None]
        tall = [t for t in node.inputs if t not in self.series and _is_tall(graph, t)]
        if others:
            self._refuse(node, f"joins rows with '{others[0]}', made of a whole window (global statistics)")
        elif tall:
            self._refuse(node, f"reads constant '{tall[0]}', which has a row for each row of the window")
        else:
            self.rows[node] = reach
            self.series.add(node.output)
            self._check_padding(node)

    def _carry(self, node: Node) -> None:
        """A recurrent layer goes on where the last hop ended, if it may."""
        a = node.attrs
        if a.get("backwards") or a.get("reverse"):
            self._refuse(node, "begins at the window's end")
        elif len(node.inputs) > 1:
            self._refuse(node, "gets its state from another layer")
        elif not self.causal:
            self.problems.append(
                f"layer '{node.name}' ({node.op}) begins anew with each window: its state would have to go on"
            )
        self.carried.add(node)

    def _is_made(self, node: Node) -> bool:
        """Whether it depends on the signal."""
        return any(self.graph.tensors[t].data is None for t in node.inputs)

    def _refuse(self, node: Node, text: str) -> None:
        self.obstacles.append(f"layer '{node.name}' ({node.op}) {text}")

    def _check_padding(self, node: Node) -> None:
        top, bottom = padding_of(node)
        if node.op == "mirror_pad" and (top or bottom):
            self._refuse(node, f"mirrors {top} rows above the window and {bottom} below, where a signal has others")
        elif top or bottom:
            self.problems.append(
                f"layer '{node.name}' ({node.op}) pads in time: {top} rows above each window and {bottom} below, where "
                "the signal has rows"
            )

    def ends(self) -> list[str]:
        """Tensors of rows that outputs, and layers of whole windows, read."""
        whole = (n for n in self.graph.nodes if n not in self.rows and n not in self.carried)
        read = [t for n in whole for t in n.inputs] + self.graph.outputs
        return [t for t in dict.fromkeys(read) if t in self.series]


def _check(graph: Graph) -> None:
    """What no stream can be made of."""
    where = graph.source or graph.name
    if len(graph.inputs) != 1:
        raise UnsupportedError(f"{where}: a stream needs a model of one input, this one has {len(graph.inputs)}")
    if graph.has_memory:
        raise UnsupportedError(f"{where}: it keeps states from run to run: it is a model of steps already")
    if graph.tensors[graph.inputs[0]].shape[0] < 2:
        raise UnsupportedError(
            f"{where}: its input {graph.tensors[graph.inputs[0]].shape} has one row; a stream needs rows (h) of time"
        )


def rows_first(graph: Graph) -> Graph:
    """A copy whose input has the rows that a change of shape behind it gives it: the same bytes."""
    result = copy_graph(graph)
    source = result.tensors[result.inputs[0]]
    readers = result.consumers(source.name)
    if source.shape[0] == 1 and len(readers) == 1 and readers[0].entry.view and readers[0].output not in result.outputs:
        source.shape = result.tensors[readers[0].output].shape
        result.remove(readers[0])
        result.redirect(readers[0].output, source.name)
        del result.tensors[readers[0].output]
    return result


def refused(graph: Graph, survey: Survey) -> UnsupportedError:
    """Every layer that cannot stream, and what to do."""
    lines = [*survey.obstacles, *survey.problems]
    return UnsupportedError(f"{graph.source or graph.name}: {len(lines)} cannot stream:", lines=lines)


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
    _check(graph)
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


# ---- The form without padding ----


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
    _check(graph)
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
