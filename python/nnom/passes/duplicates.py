# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Branches that compute the same, and constants that hold the same, are merged."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from typing import Any

import numpy as np

from ..graph import Graph, Node, Tensor, Weight


def run(graph: Graph) -> list[str]:
    """Merges equal nodes and constants, in place. Returns a line for each."""
    lines: list[str] = []
    for tensor in _repeated([t for t in graph.tensors.values() if t.data is not None], _constant_key):
        graph.redirect(*tensor)
        lines.append(f"{tensor[0]}: the same constant as {tensor[1]}")
    seen: dict[Hashable, Node] = {}
    for node in list(graph.nodes):
        first = seen.setdefault(_node_key(graph, node), node)
        if first is not node and _merge(graph, first, node):
            lines.append(f"{node.name}: computes the same as {first.name}")
    graph.prune()
    return lines


def _repeated(tensors: list[Tensor], key: Any) -> list[tuple[str, str]]:
    seen: dict[Hashable, str] = {}
    pairs = [(t.name, seen.setdefault(key(t), t.name)) for t in tensors]
    return [(name, first) for name, first in pairs if name != first]


def _merge(graph: Graph, first: Node, node: Node) -> bool:
    """Readers of `node` read `first`. An output of the model keeps its node."""
    if node.output in graph.kept:
        return False
    graph.remove(node)
    graph.redirect(node.output, first.output)
    return True


def _array_key(array: np.ndarray | None) -> Hashable:
    """Shape, type and a digest of the contents: the contents themselves would be held twice."""
    if array is None:
        return None
    return array.shape, array.dtype.str, hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=32).digest()


def _weight_key(weight: Weight) -> Hashable:
    return _array_key(weight.data), _array_key(weight.scale), weight.bits


def _plain(value: Any) -> Hashable:
    """Attributes as something that can be compared."""
    if isinstance(value, np.ndarray | list | tuple):
        return tuple(_plain(v) for v in value)
    return value.item() if isinstance(value, np.generic) else value


def _tensor_key(tensor: Tensor) -> Hashable:
    return tensor.shape, tensor.dtype, tensor.quant


def _constant_key(tensor: Tensor) -> Hashable:
    return _tensor_key(tensor), _array_key(tensor.data)


def _node_key(graph: Graph, node: Node) -> Hashable:
    inputs = tuple(sorted(node.inputs) if node.entry.commutes else node.inputs)
    attrs = tuple(sorted((k, repr(_plain(v))) for k, v in node.attrs.items()))
    weights = tuple(sorted((k, _weight_key(w)) for k, w in node.weights.items()))
    return node.op, inputs, attrs, weights, _tensor_key(graph.tensors[node.output])
