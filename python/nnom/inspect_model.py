# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What a model file holds and would cost, without data: shapes, quantisation, MACs, memory, what is unsupported."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from . import mapping
from .convert import Plan, load
from .errors import CoreError, UnsupportedError
from .fold import fold
from .graph import Graph, Node, Quant
from .quantise import sketch


@dataclass(frozen=True)
class InspectedLayer:
    """One node. quant is None in float; weight_bytes as the int8 form stores weights and biases."""

    name: str
    op: str
    activation: str
    shape: tuple[int, int, int]
    dtype: str
    quant: Quant | None
    macs: int
    weight_bytes: int


@dataclass
class Inspection:
    """What was found. If something is unsupported, arena_bytes is None, and layers and totals are of the rest.

    arena_bytes: the core's plan for int8. form: "float", "int8", or "unreadable" if not even a part could be read.
    """

    source: str
    form: str
    layers: list[InspectedLayer] = field(default_factory=list)
    macs: int = 0
    weight_bytes: int = 0
    arena_bytes: int | None = None
    unsupported: list[str] = field(default_factory=list)


def inspect(model: Any, int8_io: bool = False) -> Inspection:
    """Looks at a model, as for `load`. Unsupported layers are listed, not raised; ModelError if the file is damaged.

    Float models are looked at as they will be after folding, and planned as int8.
    """
    try:
        graph = load(model, int8_io)
    except UnsupportedError as e:
        lines = [line.strip() for line in str(e).splitlines()]
        result = Inspection(str(model), "unreadable", unsupported=lines[1:] or lines)
        if e.partial is not None and e.partial.nodes:
            _list(result, e.partial)
        return result
    is_float = graph.is_float
    graph = fold(graph) if is_float else graph
    result = Inspection(graph.source, "", unsupported=mapping.unsupported(graph))
    _list(result, graph)
    if not result.unsupported:
        _plan(result, sketch(graph) if is_float else graph)
    return result


def _list(result: Inspection, graph: Graph) -> None:
    result.form = "int8" if any(t.dtype == "int8" for t in graph.tensors.values()) else "float"
    result.layers = [_layer(graph, n) for n in graph.nodes]
    result.macs = sum(n.macs for n in result.layers)
    result.weight_bytes = sum(n.weight_bytes for n in result.layers)


def _plan(result: Inspection, graph: Graph) -> None:
    """Takes the totals from the core, which will be those of the converted model."""
    try:
        totals = Plan().compile(graph).totals
    except CoreError as e:
        result.unsupported.append(str(e))
        return
    result.macs, result.weight_bytes, result.arena_bytes = totals.macs, totals.weight_bytes, totals.arena_bytes


def _layer(graph: Graph, node: Node) -> InspectedLayer:
    t = graph.tensors[node.output]
    cost = (macs(graph, node), _weight_bytes(node))
    return InspectedLayer(node.name, node.op, node.activation, t.shape, t.dtype, t.quant, *cost)


def macs(graph: Graph, node: Node) -> int:
    """Multiplications with weights that one run of a node takes."""
    if "weights" not in node.weights:
        return 0
    w, out = node.weights["weights"].data, graph.tensors[node.output]
    if node.op == "dense":
        return w.size
    if node.op == "depthwise_conv2d":
        return out.shape[0] * out.shape[1] * w.size
    if node.op == "conv2d_transpose":
        return math.prod(graph.tensors[node.inputs[0]].shape[:2]) * w.size
    return out.shape[0] * out.shape[1] * w.size


def _weight_bytes(node: Node) -> int:
    return sum(w.data.size * (4 if key == "bias" else 1) for key, w in node.weights.items())
