# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What a model file holds and would cost, without data: shapes, quantisation, MACs, memory, what is unsupported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import mapping
from .conversion import Plan, load
from .errors import CoreError, UnsupportedError
from .graph import Graph, Node, Quant, Tensor
from .passes import fold, shrink
from .passes.base import node_macs
from .quantise import sketch
from .removed import Removed, removed
from .text import visible


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


@dataclass(frozen=True)
class End:
    """An input or output of the file. quant: None in float."""

    name: str
    shape: tuple[int, int, int]
    dtype: str
    quant: Quant | None


@dataclass(frozen=True)
class Converted:
    """Totals of the int8 form after shrinking, from the core: those of plan, report and convert.

    weight_bytes: with multipliers and tables.
    """

    layers: int
    macs: int
    weight_bytes: int
    arena_bytes: int


@dataclass
class Inspection:
    """What was found. If something is unsupported, arena_bytes is None, and layers and totals are of the rest.

    layers: as read; macs, weight_bytes: their sums; constant_bytes: of constants that are
    no layer's. arena_bytes, converted, removed: of the form that is converted.
    form: "float", "int8", or "unsupported" if not even a part is known.
    """

    source: str
    form: str
    inputs: list[End] = field(default_factory=list)
    outputs: list[End] = field(default_factory=list)
    layers: list[InspectedLayer] = field(default_factory=list)
    macs: int = 0
    weight_bytes: int = 0
    constant_bytes: int = 0
    arena_bytes: int | None = None
    converted: Converted | None = None
    removed: Removed | None = None
    unsupported: list[str] = field(default_factory=list)


def inspect(model: Any, int8_io: bool = False, **ports: Any) -> Inspection:
    """Looks at a model, as for `load`. Unsupported layers are listed, not raised; ModelError if the file is damaged.

    ports: as of load (shapes, keep_io_layout).
    Float models are looked at as they will be after folding, and planned as int8.
    """
    try:
        graph = load(model, int8_io, **ports)
    except UnsupportedError as e:
        lines = [visible(line) for line in e.lines] or [e.text]
        result = Inspection(str(model), "unsupported", unsupported=lines)
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
    result.inputs, result.outputs = _ends(graph, graph.inputs), _ends(graph, graph.outputs)
    result.form = "int8" if any(t.dtype == "int8" for t in graph.tensors.values()) else "float"
    result.layers = [_layer(graph, n) for n in graph.nodes]
    result.macs = sum(n.macs for n in result.layers)
    result.weight_bytes = sum(n.weight_bytes for n in result.layers)
    result.constant_bytes = sum(_constant_bytes(t) for t in graph.tensors.values() if t.data is not None)


def _plan(result: Inspection, graph: Graph) -> None:
    """Takes the totals from the core, which will be those of the converted model."""
    small, reports = shrink(graph)
    try:
        t = Plan().compile(small).totals
    except CoreError as e:
        result.unsupported.append(e.text)
        return
    result.removed = removed(graph, small, reports)
    result.converted = Converted(len(small.nodes), t.macs, t.weight_bytes, t.arena_bytes)
    result.arena_bytes = t.arena_bytes


def _ends(graph: Graph, names: list[str]) -> list[End]:
    tensors = [graph.tensors[name] for name in names if name in graph.tensors]
    return [End(t.name, t.shape, t.dtype, t.quant) for t in tensors]


def _layer(graph: Graph, node: Node) -> InspectedLayer:
    t = graph.tensors[node.output]
    cost = (node_macs(graph, node), _weight_bytes(node))
    return InspectedLayer(node.name, node.op, node.activation, t.shape, t.dtype, t.quant, *cost)


def _constant_bytes(t: Tensor) -> int:
    """In the int8 form, as all bytes here."""
    return t.elements * (1 if t.dtype == "float32" else np.dtype(t.dtype).itemsize)


def _weight_bytes(node: Node) -> int:
    return sum(w.data.size * (4 if key == "bias" else 1) for key, w in node.weights.items())
