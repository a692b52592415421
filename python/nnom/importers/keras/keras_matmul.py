# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Products of matrices in Keras models: of two tensors, or of one with a constant, which is a layer with weights."""

from __future__ import annotations

import numpy as np

from ...errors import ModelError
from ...graph import Weight
from ..workbench import Refused
from .keras_args import Arguments
from .keras_build import Builder, Value
from .keras_shapes import transposed
from .keras_spec import Layer, numbers


def matmul(b: Builder, layer: Layer, given: Arguments) -> Value:
    """x1 @ x2, of each sample by itself."""
    one, two = given["x1"], given["x2"]
    turned = [name in given and given.flag(name) for name in ("transpose_a", "transpose_b")]
    if isinstance(one, Value) and isinstance(two, Value):
        return _of_tensors(b, layer, one, two, turned)
    if isinstance(one, Value):
        one = _swapped(b, layer, one) if turned[0] else one
        return by_constant(b, layer.where, layer.name, one, _matrix(layer, two, turned[1]))
    if isinstance(two, Value):
        two = two if turned[1] else _swapped(b, layer, two)
        made = by_constant(b, layer.where, f"{layer.name}_product", two, _matrix(layer, one, turned[0]).T)
        return _swapped(b, layer, made)
    raise Refused("its operands are no tensors of the model", "compute it before")


def _matrix(layer: Layer, value: object, turned: bool) -> np.ndarray:
    data = numbers(value, f"{layer.where}: a constant")
    if data.ndim != 2:
        raise Refused(f"a product with a constant of shape {data.shape}", "use a matrix")
    with np.errstate(over="ignore"):
        data = (data.T if turned else data).astype(np.float32)
    if not np.isfinite(data).all():
        raise ModelError(f"{layer.where}: its constant is beyond the range of float32")
    return data


def _swapped(b: Builder, layer: Layer, x: Value) -> Value:
    rank = len(x.shape)
    if rank < 2:
        raise Refused(f"a product over the batch, of shape (batch, {str(x.shape)[1:]}", "use matrices of each sample")
    return transposed(b, f"{layer.name}_turned", x, [*range(rank - 2), rank - 1, rank - 2])


def by_constant(
    b: Builder, where: str, name: str, x: Value, matrix: np.ndarray, bias: np.ndarray | None = None
) -> Value:
    """x @ matrix + bias over the last axis: a dense layer, or a 1x1 convolution. where: for messages."""
    if not x.shape or x.shape[-1] != matrix.shape[0]:
        raise ModelError(f"{where}: multiplies {list(x.shape)} by {list(matrix.shape)}; the sides do not fit")
    weights, shape = np.ascontiguousarray(matrix.T), (*x.shape[:-1], matrix.shape[1])
    more = {} if bias is None else {"bias": Weight(bias)}
    if len(x.shape) == 1:
        return b.node("dense", name, [x], shape, {"activation": "none"}, {"weights": Weight(weights), **more})
    attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0), "activation": "none"}
    return b.node("conv2d", name, [x], shape, attrs, {"weights": Weight(weights[:, None, None]), **more})


def _of_tensors(b: Builder, layer: Layer, one: Value, two: Value, turned: list[bool]) -> Value:
    """(..., m, k) @ (..., k, n): of one matrix each, or of as many."""
    if min(len(one.shape), len(two.shape)) < 2:
        raise Refused(f"a product of {list(one.shape)} and {list(two.shape)}", "use matrices of each sample")
    if len(one.shape) != len(two.shape):
        raise Refused(f"its inputs have {len(one.shape) + 1} and {len(two.shape) + 1} dimensions", "use Reshape")
    sides = [v.shape[:-3:-1] if t else v.shape[-2:] for v, t in zip((one, two), turned, strict=True)]
    lead = [v.shape[:-2] or (1,) for v in (one, two)]
    if sides[0][1] != sides[1][0] or (lead[0] != lead[1] and (1,) not in lead):
        raise ModelError(f"{layer.where}: multiplies {list(one.shape)} by {list(two.shape)}; the sides do not fit")
    named = zip((f"{layer.name}_1", f"{layer.name}_2"), (one, two), lead, strict=True)
    pair = [b.reshaped(name, v, (*n, *v.shape[-2:])) for name, v, n in named]
    shape = (max(lead[0][0], lead[1][0]), sides[0][0], sides[1][1])
    made = b.node("batch_matmul", layer.name, pair, shape, {"adj_x": turned[0], "adj_y": turned[1]})
    return made if len(one.shape) == 3 else b.reshaped(f"{layer.name}_squeeze", made, shape[1:])
