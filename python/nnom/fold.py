# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Float graphs made cheaper without changing what they compute, before quantisation.

Batch normalisation goes into the neighbouring convolution or dense layer, padding into the following window, clamps
into the layer before; reshapes in front of dense layers and identities vanish. Sums and products with constants
per channel are treated as batch normalisation. What remains of it becomes a 1x1 depthwise convolution.

    folded = fold(graph)        # a new graph; arrays of the old one are not changed
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import numpy as np

from .graph import Graph, Node, Weight
from .twins import share_arrays

_NO_PADDING = (0, 0, 0, 0)


def fold(graph: Graph) -> Graph:
    """The same function with fewer nodes. Only for float32 graphs. Names of inputs and outputs stay."""
    result = copy_graph(graph)
    for node in result.nodes:
        _as_batch_norm(result, node)
    passes = (_drop_identity, _drop_view, _fold_padding, _fold_into_producer, _fold_into_consumer, _hoist, _fuse_clamp)
    order = {node: k for k, node in enumerate(result.nodes)}
    _repeat(result, passes, order, result.nodes)
    for norm in [n for n in result.nodes if n.op == "batch_norm"]:
        if norm in result:  # else an earlier one, made a convolution, has taken it in
            _as_depthwise(norm)
            _repeat(result, passes, order, _near(result, [norm]))
    prune(result)
    share_arrays(result)
    return result


def copy_graph(graph: Graph) -> Graph:
    """A copy whose nodes and tensors may be changed; arrays are shared."""
    result = Graph(graph.name, graph.source, inputs=list(graph.inputs), outputs=list(graph.outputs))
    result.tensors = {k: copy.copy(t) for k, t in graph.tensors.items()}
    result.nodes = [
        Node(n.op, n.name, n.inputs, n.output, dict(n.attrs), {k: copy.copy(w) for k, w in n.weights.items()})
        for n in graph.nodes
    ]
    return result


def prune(graph: Graph) -> None:
    """Removes tensors that no one uses."""
    used = {*graph.inputs, *graph.outputs, *(t for n in graph.nodes for t in (*n.inputs, n.output))}
    graph.tensors = {k: t for k, t in graph.tensors.items() if k in used}


def _repeat(
    graph: Graph,
    passes: tuple[Callable[[Graph, Node], bool], ...],
    order: dict[Node, int],
    nodes: Iterable[Node],
) -> None:
    """Applies the passes until none changes anything: to `nodes`, then to what lies near the nodes that changed."""
    waiting = list(nodes)
    graph.edited()
    while waiting:
        for one in passes:
            for node in waiting:
                if node in graph:
                    one(graph, node)
        changed = [n for n in graph.edited() if n in graph]
        waiting = sorted(_near(graph, changed), key=order.__getitem__)


def _near(graph: Graph, changed: Iterable[Node]) -> set[Node]:
    """The nodes that a pass may judge anew after others changed.

    Passes look no further than two nodes before and behind a node, and at whether a tensor has one reader.
    """
    found = set(changed)
    for node in list(found):
        for name in node.inputs:
            readers = graph.consumers(name)
            found.update(readers if len(readers) <= 2 else ())
    edge = found
    for _ in range(2):
        before = {p for n in edge for t in n.inputs if (p := graph.producer(t)) is not None}
        edge = {*before, *(r for n in edge for r in graph.consumers(n.output))} - found
        found = found | edge
    return found


# ---- Surgery ----


def _sole_consumer(graph: Graph, tensor: str) -> Node | None:
    """The node that alone reads a tensor, once; None if there are others or it is an output."""
    readers = graph.consumers(tensor)
    single = len(readers) == 1 and readers[0].inputs.count(tensor) == 1 and tensor not in graph.outputs
    return readers[0] if single else None


def _remove(graph: Graph, node: Node) -> None:
    """Takes a node of one input out: its readers read its input."""
    graph.remove(node)
    graph.redirect(node.output, node.inputs[0])


def _merge_into(graph: Graph, first: Node, second: Node) -> None:
    """`second`, which alone reads `first`, vanishes; `first` makes what `second` made."""
    graph.remove(second)
    first.output = second.output


def _sole_producer(graph: Graph, node: Node) -> Node | None:
    """The node whose output only `node` reads."""
    before = graph.producer(node.inputs[0])
    return before if before is not None and _sole_consumer(graph, before.output) is node else None


# ---- Passes: each returns whether it changed the graph ----


def _drop_identity(graph: Graph, node: Node) -> bool:
    """Shape changes that change nothing, paddings and croppings of nothing."""
    same = graph.tensors[node.inputs[0]].shape == graph.tensors[node.output].shape
    moves_none = node.op in ("zero_padding", "cropping") and same
    if not (moves_none or (node.entry.view and same)) or node.output in graph.outputs:
        return False
    _remove(graph, node)
    return True


def _drop_view(graph: Graph, node: Node) -> bool:
    """Reshapes that only dense layers or other reshapes read."""
    readers = graph.consumers(node.output)
    blind = readers and all(r.op == "dense" or r.entry.view for r in readers)
    if not node.entry.view or not blind or node.output in graph.outputs:
        return False
    _remove(graph, node)
    return True


def _fold_padding(graph: Graph, node: Node) -> bool:
    after = _sole_consumer(graph, node.output) if node.op == "zero_padding" else None
    plain = not any(node.attrs.get("channels", (0, 0))) and float(node.attrs.get("value", 0.0)) == 0.0
    if after is None or not plain or not _takes_padding(graph, node, after):
        return False
    old = after.attrs.get("padding", _NO_PADDING)
    after.attrs["padding"] = tuple(a + b for a, b in zip(old, node.attrs["padding"], strict=True))
    _remove(graph, node)
    return True


def _takes_padding(graph: Graph, node: Node, after: Node) -> bool:
    """Convolutions and sums pad with zeros. A maximum ignores its padding: the same if no value is negative."""
    if after.entry.pads_zero:
        return True
    if after.op != "max_pool" or not _never_negative(graph, node.inputs[0]):
        return False
    (kh, kw), (top, bottom, left, right) = after.attrs["kernel"], node.attrs["padding"]
    return max(top, bottom) < kh and max(left, right) < kw and not any(after.attrs.get("padding", _NO_PADDING))


def _never_negative(graph: Graph, tensor: str) -> bool:
    node = graph.producer(tensor)
    if node is None:
        return False
    kind = node.attrs.get("kind") if node.op == "activation" else node.activation
    return kind in ("relu", "relu6", "sigmoid")


def _hoist(graph: Graph, node: Node) -> bool:
    """A clamp after max pooling or a reshape goes before it, where it can be fused."""
    if not node.clamp:
        return False
    pool = _sole_producer(graph, node)
    if pool is None or not (pool.op == "max_pool" or pool.entry.view) or pool.activation != "none":
        return False
    before = _sole_producer(graph, pool)
    if before is None or not before.entry.sums or before.activation != "none":
        return False
    before.attrs["activation"] = node.clamp
    _merge_into(graph, pool, node)
    return True


def _fuse_clamp(graph: Graph, node: Node) -> bool:
    if not node.clamp:
        return False
    before = _sole_producer(graph, node)
    if before is None or not before.entry.sums or before.activation != "none":
        return False
    before.attrs["activation"] = node.clamp
    _merge_into(graph, before, node)
    return True


# ---- Batch normalisation ----


def _scale_shift(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """batch_norm as y = x * scale + shift, float64 [c]."""
    g, b, m, v = (node.weights[k].data.astype(np.float64) for k in ("gamma", "beta", "mean", "variance"))
    scale = g / np.sqrt(v + node.attrs["epsilon"])
    return scale, b - m * scale


def _as_batch_norm(graph: Graph, node: Node) -> None:
    """Sums, differences and products with a constant per channel become batch_norm; others stay."""
    if node.entry.ranges != "corners":
        return
    constants = [graph.tensors[t].data is not None for t in node.inputs]
    if sum(constants) != 1:
        return
    k = constants.index(True)
    x, value = graph.tensors[node.inputs[1 - k]], graph.tensors[node.inputs[k]]
    shape = graph.tensors[node.output].shape
    if value.shape[:2] != (1, 1) or x.shape != shape or value.dtype != "float32":
        return
    c = np.broadcast_to(value.values.reshape(-1), shape[2:]).astype(np.float32)
    one, zero = np.ones_like(c), np.zeros_like(c)
    gamma, beta = {"mult": (c, zero), "add": (one, c), "sub": (one, -c) if k == 1 else (-one, c)}[node.op]
    parts = {"gamma": gamma, "beta": beta, "mean": zero, "variance": one}
    node.op, node.inputs = "batch_norm", [node.inputs[1 - k]]
    node.weights = {name: Weight(array) for name, array in parts.items()}
    node.attrs = {"epsilon": 0.0, "activation": node.activation}


def _fold_into_producer(graph: Graph, node: Node) -> bool:
    """Scales the output channels of the layer before."""
    before = _sole_producer(graph, node) if node.op == "batch_norm" else None
    if before is None or before.entry.linear is None or before.activation != "none":
        return False
    scale, shift = _scale_shift(node)
    axis = before.entry.linear
    w = before.weights["weights"].data.astype(np.float64)
    along = [-1 if a == axis else 1 for a in range(w.ndim)]
    bias = before.weights["bias"].data.astype(np.float64) if "bias" in before.weights else np.zeros_like(scale)
    before.weights = _float_weights(w * scale.reshape(along), bias * scale + shift)
    before.attrs["activation"] = node.activation
    _merge_into(graph, before, node)
    return True


def _fold_into_consumer(graph: Graph, node: Node) -> bool:
    """Scales the input channels of the layer after; a shift only where no padding lies between."""
    after = _sole_consumer(graph, node.output) if node.op == "batch_norm" and node.activation == "none" else None
    if after is None or after.entry.ranges != "sums":
        return False
    scale, shift = _scale_shift(node)
    if any(after.attrs.get("padding", _NO_PADDING)) and shift.any():
        return False
    w = after.weights["weights"].data.astype(np.float64)
    scaled, constant = _scaled_inputs(after.op, w, scale, shift)
    bias = after.weights["bias"].data.astype(np.float64) if "bias" in after.weights else np.zeros_like(constant)
    after.weights = _float_weights(scaled, bias + constant)
    _remove(graph, node)
    return True


def _scaled_inputs(op: str, w: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(weights for the unscaled input, what the shift adds to each output channel)."""
    if op == "depthwise_conv2d":
        multiplier = w.shape[2] // len(scale)
        scale, shift = np.repeat(scale, multiplier), np.repeat(shift, multiplier)
        return w * scale, (w * shift).sum(axis=(0, 1))
    by_channel = w.reshape(len(w), -1, len(scale))
    return (by_channel * scale).reshape(w.shape), (by_channel * shift).sum(axis=(1, 2))


def _float_weights(weights: np.ndarray, bias: np.ndarray) -> dict[str, Weight]:
    return {"weights": Weight(weights.astype(np.float32)), "bias": Weight(bias.astype(np.float32))}


def _as_depthwise(node: Node) -> None:
    """What could not be folded: one multiplication and addition per value."""
    scale, shift = _scale_shift(node)
    node.op = "depthwise_conv2d"
    node.weights = _float_weights(scale.reshape(1, 1, -1), shift)
    node.attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": _NO_PADDING, "activation": node.activation}
