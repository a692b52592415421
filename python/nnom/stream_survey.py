# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What streams of a graph of windows: which tensors have rows in time, and which rows of them each layer reads."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import UnsupportedError
from .graph import Graph, Node
from .passes.base import copy_graph

NO_PADDING = (0, 0, 0, 0)


@dataclass(frozen=True)
class Reach:
    """Output row y reads rows [stride * y + begin, stride * y + begin + length) of each input."""

    stride: int = 1
    begin: int = 0
    length: int = 1


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
                f"layer '{node.name}' ({node.op}) begins anew with each window, its state zeros, so that windows that "
                "overlap have no step in common"
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


def check(graph: Graph) -> None:
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
