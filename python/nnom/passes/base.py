# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What all passes share: sizes of a graph, reports, surgery on nodes."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from ..graph import Graph, Node, Tensor

NO_PADDING = (0, 0, 0, 0)


@dataclass(frozen=True)
class Sizes:
    """Multiplications, bytes of weights and constants, bytes of all activations together (views take none)."""

    macs: int
    weight_bytes: int
    activation_bytes: int


@dataclass(frozen=True)
class PassReport:
    """What one pass did. changes: lines for people, empty if nothing; `before` and `after`: the graph's sizes."""

    name: str
    changes: list[str]
    before: Sizes
    after: Sizes


def node_macs(graph: Graph, node: Node) -> int:
    """Multiply-accumulates of a node, as the C core counts them."""
    macs, weights = node.entry.macs, node.weights.get("weights")
    if macs is None:
        return 0
    before, after = graph.tensors[node.inputs[0]].shape, graph.tensors[node.output].shape
    return macs(before, after, weights.data.shape if weights else ())


def tensor_bytes(tensor: Tensor) -> int:
    """Bytes of an activation or constant."""
    return tensor.elements * np.dtype(tensor.dtype).itemsize


def weight_bytes(node: Node) -> int:
    """Bytes of a node's arrays: int8 weights, perhaps two in a byte, and int32 bias, or float32."""
    return sum((w.data.nbytes + 1) // 2 if w.bits == 4 else w.data.nbytes for w in node.weights.values())


def measure(graph: Graph) -> Sizes:
    """The sizes of a graph."""
    constants = sum(tensor_bytes(t) for t in graph.tensors.values() if t.data is not None)
    made = [*graph.sources, *(n.output for n in graph.nodes if not n.entry.view)]
    return Sizes(
        sum(node_macs(graph, n) for n in graph.nodes),
        sum(weight_bytes(n) for n in graph.nodes) + constants,
        sum(tensor_bytes(graph.tensors[t]) for t in made),
    )


# ---- Surgery ----


def copy_graph(graph: Graph) -> Graph:
    """A copy whose nodes and tensors may be changed; arrays are shared."""
    result = Graph(
        graph.name, graph.source, inputs=list(graph.inputs), outputs=list(graph.outputs), states=dict(graph.states)
    )
    result.sequence, result.warm_up = graph.sequence, graph.warm_up
    result.int16, result.int4 = graph.int16, graph.int4
    result.layouts, result.data_layout = dict(graph.layouts), graph.data_layout
    result.tensors = {k: copy.copy(t) for k, t in graph.tensors.items()}
    result.nodes = [
        Node(n.op, n.name, n.inputs, n.output, dict(n.attrs), {k: copy.copy(w) for k, w in n.weights.items()})
        for n in graph.nodes
    ]
    return result


def is_constant(graph: Graph, tensor: str) -> bool:
    """True for tensors that hold data."""
    return graph.tensors[tensor].data is not None


def sole_consumer(graph: Graph, tensor: str) -> Node | None:
    """The node that alone reads a tensor, once; None if there are others or it is an output."""
    readers = graph.consumers(tensor)
    single = len(readers) == 1 and readers[0].inputs.count(tensor) == 1 and tensor not in graph.kept
    return readers[0] if single else None


def sole_producer(graph: Graph, node: Node) -> Node | None:
    """The node that makes a node's first input, if no one else reads that."""
    before = graph.producer(node.inputs[0])
    return before if before is not None and sole_consumer(graph, before.output) is node else None


def take_out(graph: Graph, node: Node) -> None:
    """Takes a node of one input out: its readers read its input."""
    graph.remove(node)
    graph.redirect(node.output, node.inputs[0])


def merge_into(graph: Graph, first: Node, second: Node) -> None:
    """`second`, which alone reads `first`, vanishes; `first` makes what `second` made."""
    graph.remove(second)
    first.output = second.output


def same_quant(graph: Graph, *names: str) -> bool:
    """True if the tensors have one type and one quantisation."""
    return len({(graph.tensors[t].dtype, graph.tensors[t].quant) for t in names}) == 1


def drop(graph: Graph, node: Node) -> None:
    """Takes a node out, and the tensor that it made."""
    graph.remove(node)
    graph.tensors.pop(node.output, None)


def bypass(graph: Graph, node: Node) -> bool:
    """Takes a node out whose output equals its first input. False if it joins an input or constant to an output."""
    source = node.inputs[0]
    if node.output in graph.kept:
        before = graph.producer(source)
        if before is None or source in graph.kept:
            return False
        graph.remove(node)
        graph.redirect(source, node.output)  # the output's name stays
        old = graph.tensors[node.output]
        graph.tensors[node.output] = Tensor(old.name, old.shape, old.dtype, old.quant)
        before.output = node.output
        graph.tensors.pop(source)
        return True
    drop(graph, node)
    graph.redirect(node.output, source)
    return True


def drop_unread(graph: Graph, node: Node) -> None:
    """Takes a node out if no one reads it any more, and what only it has read."""
    waiting = [node.output]
    while waiting:
        name = waiting.pop()
        if graph.consumers(name) or name in graph.kept or name in graph.sources:
            continue
        maker = graph.producer(name)
        if maker is None:
            graph.tensors.pop(name, None)
        else:
            drop(graph, maker)
            waiting += maker.inputs


def drop_unused(graph: Graph) -> None:
    """Removes tensors that no one uses."""
    used = {*graph.sources, *graph.kept, *(t for n in graph.nodes for t in (*n.inputs, n.output))}
    graph.tensors = {k: t for k, t in graph.tensors.items() if k in used}


# ---- Windows ----


def axis_patterns(size: int, out: int, kernel: int, stride: int, dilation: int, before: int) -> np.ndarray:
    """Which cells of a window lie inside the input, along one axis: the distinct cases, bool [cases, kernel]."""
    cells = np.arange(out)[:, None] * stride - before + np.arange(kernel)[None, :] * dilation
    return np.unique((cells >= 0) & (cells < size), axis=0)


def window_patterns(graph: Graph, node: Node, kernel: tuple[int, int]) -> np.ndarray:
    """Which cells of a node's windows lie inside the input: the distinct cases, bool [cases, kernel h, kernel w]."""
    source, out, a = graph.tensors[node.inputs[0]].shape, graph.tensors[node.output].shape, node.attrs
    pads, stride, dilation = a.get("padding", NO_PADDING), a.get("stride", (1, 1)), a.get("dilation", (1, 1))
    rows, columns = (axis_patterns(source[i], out[i], kernel[i], stride[i], dilation[i], pads[2 * i]) for i in range(2))
    return (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, *kernel)
