# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Steps that repeat: layers that use the same weights, and what is computed from them alike.

An unrolled recurrent network uses its weights once per step. If its steps have the same scales, they share the int8
weights, biases, multipliers and tables too, and a model of fifty steps takes no more flash for them than one of one.

    classes = twins(graph)      # lists of tensors that stand at the same place of such steps
    share_arrays(graph)         # equal arrays become one object
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable

import numpy as np

from .graph import Graph, Node

_SIMILAR = 1 / 8  # of the widest range: less wide ones keep their own scale, they would lose more than three bits


def share_arrays(graph: Graph) -> None:
    """Weights and constants with the same type, shape and contents become one array, in place."""
    arrays: dict[Hashable, np.ndarray] = {}
    by_id: dict[int, np.ndarray] = {}

    def one(array: np.ndarray) -> np.ndarray:
        if id(array) not in by_id:
            digest = hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=32).digest()
            by_id[id(array)] = arrays.setdefault((array.dtype.str, array.shape, digest), array)
        return by_id[id(array)]

    kept = [w.data for n in graph.nodes for w in n.weights.values()]  # ids stay unique while the arrays live
    for node in graph.nodes:
        for weight in node.weights.values():
            weight.data = one(weight.data)
    for tensor in graph.tensors.values():
        if tensor.data is not None:
            tensor.data = one(tensor.data)
    del kept


def _plain(value: object) -> Hashable:
    return value.tobytes() if isinstance(value, np.ndarray) else repr(value)


def _alike(graph: Graph, node: Node) -> Hashable:
    attrs = tuple(sorted((k, _plain(v)) for k, v in node.attrs.items()))
    return node.op, attrs, graph.tensors[node.output].shape


def _shared(graph: Graph) -> list[list[Node]]:
    """Nodes that use the same arrays alike: two and more."""
    users: dict[Hashable, list[Node]] = {}
    for node in graph.nodes:
        if node.weights:
            arrays = tuple(sorted((k, id(w.data)) for k, w in node.weights.items()))
            users.setdefault((arrays, _alike(graph, node)), []).append(node)
    return [nodes for nodes in users.values() if len(nodes) > 1]


def twins(graph: Graph) -> list[list[str]]:
    """Tensors of the same place: what nodes of the same weights read and make, and what follows from it alike.

    A node with several inputs follows the one nearest to such weights: the state of a recurrent layer comes from
    the step before, and does not tell which step it is.
    """
    found: dict[Hashable, list[str]] = {}
    place: dict[str, tuple[int, Hashable]] = {}  # tensor -> distance from shared weights, class
    for number, nodes in enumerate(_shared(graph)):
        for k in range(len(nodes[0].inputs)):
            found[("reads", number, k)] = list(dict.fromkeys(n.inputs[k] for n in nodes))
        for node in nodes:
            place[node.output] = (0, number)
            found.setdefault(number, []).append(node.output)
    numbers: dict[Hashable, int] = {}
    for node in graph.nodes if place else ():
        known = [(place[t][0], k) for k, t in enumerate(node.inputs) if t in place]
        if node.output in place or not known:
            continue
        distance, k = min(known)
        key = ("follows", k, place[node.inputs[k]][1], _alike(graph, node))
        number = numbers.setdefault(key, -1 - len(numbers))
        place[node.output] = (distance + 1, number)
        found.setdefault(number, []).append(node.output)
    return [names for names in found.values() if len(names) > 1]


def wide_enough(names: list[str], widths: list[float]) -> list[str]:
    """Those of some tensors whose ranges are wide enough to share one scale."""
    least = _SIMILAR * max(widths)
    return [name for name, width in zip(names, widths, strict=True) if width >= least]
