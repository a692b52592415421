# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras layers that multiply tensors of the model with each other, and tables whose rows are looked up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import ModelError, UnsupportedError
from ...graph import Graph
from ..workbench import Refused
from .keras_build import Act, Builder, Value, arrays, cached, expect_rank
from .keras_config import is_int
from .keras_matmul import by_constant
from .keras_reduce import normalised, reduced
from .keras_shapes import transposed
from .keras_spec import Layer

# Where .keras archives keep the weights below the layer's own path; in Keras 2 the names begin with "_".
_DENSE = ("query_dense", "key_dense", "value_dense", "output_dense")
FOLDERS: dict[str, tuple[str, ...]] = {"MultiHeadAttention": (*_DENSE, *(f"_{name}" for name in _DENSE))}


def _product(b: Builder, name: str, one: Value, two: Value, turned: bool = False) -> Value:
    """[m, k] @ [k, n], or with turned @ [n, k].T, of one matrix each or of as many."""
    count = two.shape[-2] if turned else two.shape[-1]
    pair = [b.reshaped(f"{name}_{i}", v, (1, *v.shape)) if len(v.shape) == 2 else v for i, v in enumerate((one, two))]
    shape = (*pair[0].shape[:-1], count)
    made = b.node("batch_matmul", name, pair, shape, {"adj_x": False, "adj_y": turned})
    return b.reshaped(f"{name}_squeeze", made, (*one.shape[:-1], count))


# ---- Dot ----


def dot(b: Builder, layer: Layer, xs: list[Value]) -> list[Value]:
    """Dot: sums products along one axis of each; what is left of the first, then of the second."""
    if len(xs) != 2:
        raise ModelError(f"{layer.where}: has {len(xs)} inputs; expected 2")
    given = layer.config.get("axes")
    axes = given if isinstance(given, list) else [given, given]
    if len(axes) != 2 or not all(is_int(a) for a in axes):
        raise layer.config.fail("axes", "an axis, or one of each input")
    rows = [_rows(b, layer, i, x, a) for i, (x, a) in enumerate(zip(xs, axes, strict=True))]
    (one, left), (two, right) = rows
    if one.shape[1] != two.shape[1]:
        raise ModelError(f"{layer.where}: axes of {one.shape[1]} and {two.shape[1]} elements; expected the same")
    made = _product(b, layer.name, one, two, turned=True)
    return [b.reshaped(f"{layer.name}_shape", made, (*left, *right) or (1,))]


def _rows(b: Builder, layer: Layer, i: int, x: Value, axis: int) -> tuple[Value, tuple[int, ...]]:
    """`x` with `axis` last and all others joined, and their sizes."""
    rank, name = len(x.shape), f"{layer.name}_side{i}"
    if not -rank - 1 <= axis <= rank or axis % (rank + 1) == 0:
        raise Refused(f"products along axis {axis}", f"use an axis of the data: 1 to {rank}")
    at = axis % (rank + 1) - 1
    if layer.config.flag("normalize", False):
        x = normalised(b, f"{name}_unit", x, [at], 1e-12)
    left = (*x.shape[:at], *x.shape[at + 1 :])
    last = transposed(b, name, x, [*(j for j in range(rank) if j != at), at])
    return b.reshaped(f"{name}_rows", last, (math.prod(left), x.shape[at])), left


# ---- Attention ----


def attention(b: Builder, layer: Layer, xs: list[Value]) -> list[Value]:
    """Attention and AdditiveAttention: query, value and perhaps key (steps, channels)."""
    query, value, key = _three(layer, xs)
    scores = _scores(b, layer, query, key)
    return [_taken(b, layer.name, scores, value)]


def _three(layer: Layer, xs: list[Value]) -> tuple[Value, Value, Value]:
    if len(xs) not in (2, 3):
        raise ModelError(f"{layer.where}: has {len(xs)} inputs; expected query and value, or these and key")
    for x in xs:
        expect_rank(layer, x, 2)
    query, value, key = xs[0], xs[1], xs[-1]
    if value.shape[0] != key.shape[0]:
        raise ModelError(f"{layer.where}: {value.shape[0]} values for {key.shape[0]} keys; expected as many")
    return query, value, key


def _taken(b: Builder, name: str, scores: Value, value: Value) -> Value:
    """The mean of the values, weighted by softmax(scores)."""
    return _product(b, name, b.node("softmax", f"{name}_softmax", [scores], scores.shape), value)


def _scores(b: Builder, layer: Layer, query: Value, key: Value) -> Value:
    """(queries, keys)."""
    name, use_scale = layer.name, layer.config.flag("use_scale", layer.cls == "AdditiveAttention")
    if query.shape[1] != key.shape[1]:
        raise ModelError(f"{layer.where}: query and key have {query.shape[1]} and {key.shape[1]} channels")
    added = layer.cls == "AdditiveAttention"
    concat = not added and layer.config.text("score_mode", "dot") == "concat"
    kept = [("scale", query.shape[1:] if added else ())] if use_scale else []
    found = arrays(layer, *kept, *([("concat_score_weight", ())] if concat else []))
    scale = found[0] if use_scale else np.ones((), np.float32)
    if added:
        return _added_scores(b, name, query, key, None, scale)
    if concat:
        return _added_scores(b, name, query, key, float(scale), np.broadcast_to(found[-1], query.shape[1:]))
    return _times(b, name, _product(b, f"{name}_scores", query, key, turned=True), float(scale))


def _times(b: Builder, name: str, x: Value, factor: float) -> Value:
    if factor == 1.0:
        return x
    return b.chain("mult", f"{name}_scaled", [x, b.constant(f"{name}_scale", np.array(factor))])


def _added_scores(
    b: Builder, name: str, query: Value, key: Value, before: float | None, weight: np.ndarray
) -> Value:  # fmt: skip
    """Sums over the channels of weight * tanh(before * (query + key))."""
    wide = b.reshaped(f"{name}_query", query, (query.shape[0], 1, query.shape[1]))
    total = b.chain("add", f"{name}_sum", [wide, b.reshaped(f"{name}_key", key, (1, *key.shape))])
    if before is not None:
        total = _times(b, name, total, before)
    curve = b.activation(f"{name}_tanh", total, Act("tanh"))
    weighted = b.chain("mult", f"{name}_weighted", [curve, b.constant(f"{name}_weight", weight)])
    return b.reshaped(f"{name}_scores", reduced(b, f"{name}_total", weighted, "sum", [2]), curve.shape[:2])


# ---- Many heads ----


def multi_head(b: Builder, layer: Layer, xs: list[Value]) -> list[Value]:
    """MultiHeadAttention: each head sees projections of query, key and value of its own."""
    query, value, key = _three(layer, xs)
    heads, size = layer.config.integer("num_heads"), layer.config.integer("key_dim")
    depth = layer.config.integer("value_dim", size)
    given = layer.config.get("output_shape")
    wanted = [given] if is_int(given) else given
    if wanted is not None and (not isinstance(wanted, list) or len(wanted) != 1 or not is_int(wanted[0])):
        raise layer.config.fail("output_shape", "one size, or none")
    out = wanted[0] if wanted else query.shape[1]
    made = cached(layer, lambda: _projections(layer, (query, key, value), heads, (size, size, depth), out))
    parts = [
        _headed(b, layer, what, x, made[what], heads) for what, x in (("query", query), ("key", key), ("value", value))
    ]
    taken = _taken(b, f"{layer.name}_heads", _product(b, f"{layer.name}_scores", parts[0], parts[1], True), parts[2])
    joined = transposed(b, f"{layer.name}_steps", taken, [1, 0, 2])
    flat = b.reshaped(f"{layer.name}_joined", joined, (query.shape[0], heads * depth))
    return [by_constant(b, layer.where, layer.name, flat, *made["output"])]


Projection = tuple[np.ndarray, np.ndarray | None]  # matrix [in, out], bias [out]


def _projections(
    layer: Layer, xs: tuple[Value, Value, Value], heads: int, sizes: tuple[int, int, int], out: int
) -> dict[str, Projection]:
    """Of query, key, value and output. The query's holds the scale of the scores, too."""
    bias = layer.config.flag("use_bias", True)
    expected: list[tuple[str, tuple[int, ...] | None]] = []
    for what, x, size in zip(("query", "key", "value"), xs, sizes, strict=True):
        expected += [(f"{what} kernel", (x.shape[1], heads, size)), (f"{what} bias", (heads, size))][: 1 + bias]
    expected += [("output kernel", (heads, sizes[2], out)), ("output bias", (out,))][: 1 + bias]
    found = iter(arrays(layer, *expected))
    made: dict[str, Projection] = {}
    for what in ("query", "key", "value", "output"):
        kernel = next(found)
        rows = kernel.shape[0] if what != "output" else heads * sizes[2]
        made[what] = kernel.reshape(rows, -1), next(found).reshape(-1) if bias else None
    matrix, shift = made["query"]
    scale = np.float32(1.0 / math.sqrt(sizes[0]))
    made["query"] = matrix * scale, None if shift is None else shift * scale
    return made


def _headed(b: Builder, layer: Layer, what: str, x: Value, projection: Projection, heads: int) -> Value:
    """(steps, channels) as (heads, steps, size of a head)."""
    name = f"{layer.name}_{what}"
    wide = by_constant(b, layer.where, f"{name}_dense", x, *projection)
    parted = b.reshaped(f"{name}_parted", wide, (x.shape[0], heads, wide.shape[1] // heads))
    return transposed(b, f"{name}_heads", parted, [1, 0, 2])


# ---- Embedding ----


def embedding(b: Builder, layer: Layer, xs: list[Value]) -> list[Value]:
    """Embedding: rows of a table by whole numbers, which an input of the model holds as int32."""
    x = xs[0]
    count, size = layer.config.integer("input_dim"), layer.config.integer("output_dim")
    if len(x.shape) > 2:
        raise Refused(f"indices of shape (batch, {str(x.shape)[1:]}", "use (batch, steps)")
    tensor = b.graph.tensors[x.name]
    if x.name not in b.graph.inputs and tensor.dtype != "int32":
        raise Refused("indices that the model computes", "use indices that are an input of the model")
    tensor.dtype = "int32"
    (rows,) = arrays(layer, ("embeddings", (count, size)))
    if "table" not in layer.cache:
        layer.cache["table"] = b.constant(f"{layer.name}_table", rows[:, None])
    steps = math.prod(x.shape)
    indices = b.reshaped(f"{layer.name}_indices", x, (steps, 1, 1))
    table: Value = layer.cache["table"]
    made = b.node("look_up", layer.name, [indices, table], (steps, 1, size), like=table)
    return [b.reshaped(f"{layer.name}_rows", made, (*x.shape, size))]


def check_indices(graph: Graph) -> None:
    """Refuses inputs of whole numbers that something else than an Embedding reads, too."""
    for name in graph.inputs:
        readers = graph.consumers(name) if graph.tensors[name].dtype == "int32" else []
        for node in readers:
            if node.op not in ("look_up", "reshape", "flatten"):
                raise UnsupportedError(
                    f"{graph.source}: input '{name}' holds the indices of an Embedding, and layer '{node.name}' "
                    f"({node.op}) computes with them; expected an input of its own for each"
                )


HANDLERS: dict[str, Any] = {
    "Dot": dot,
    "Attention": attention,
    "AdditiveAttention": attention,
    "MultiHeadAttention": multi_head,
    "Embedding": embedding,
}
