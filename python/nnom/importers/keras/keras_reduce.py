# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Operations of Keras models over axes: sums, extremes, variances, norms and their places."""

from __future__ import annotations

import numpy as np

from .keras_args import Arguments, scalar
from .keras_build import Act, Builder, Value
from .keras_moves import Operation
from .keras_spec import Layer, is_int


def reduced(b: Builder, name: str, x: Value, kind: str, axes: list[int]) -> Value:
    """`kind` mean, max, min or sum; the axes stay with size 1."""
    kept = tuple(1 if i in axes else s for i, s in enumerate(x.shape))
    if len(x.shape) > 1 and sorted(axes) == list(range(len(x.shape) - 1)) and kind != "min":
        return b.node(f"global_{'avg' if kind == 'mean' else kind}_pool", name, [x], kept)
    found = {"kind": kind, "axes": tuple(x.axes[a] for a in sorted(axes))}
    made = b.node("reduce", name, [x], kept, found)
    return made._replace(dtype=x.dtype) if kind in ("max", "min") else made


def _finished(b: Builder, layer: Layer, given: Arguments, y: Value, axes: list[int]) -> Value:
    """Without the axes that were reduced, unless they are to be kept."""
    if "keepdims" in given and given.flag("keepdims"):
        return y
    return b.reshaped(f"{layer.name}_squeeze", y, [s for i, s in enumerate(y.shape) if i not in axes])


def _reduce(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axes = given.tensor(), given.axes("axis", len(given.tensor().shape))
    return _finished(b, layer, given, reduced(b, layer.name, x, given.signature.kind, axes), axes)


def _variance(b: Builder, layer: Layer, given: Arguments) -> Value:
    """mean((x - mean(x)) ** 2), and its root."""
    x, axes, name = given.tensor(), given.axes("axis", len(given.tensor().shape)), layer.name
    centred = b.chain("sub", f"{name}_centred", [x, reduced(b, f"{name}_mean", x, "mean", axes)])
    y = reduced(b, name, b.activation(f"{name}_square", centred, Act("square")), "mean", axes)
    if given.signature.kind == "std":
        y = b.activation(f"{name}_sqrt", y, Act("sqrt"))
    return _finished(b, layer, given, y, axes)


def _ptp(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axes = given.tensor(), given.axes("axis", len(given.tensor().shape))
    ends = [reduced(b, f"{layer.name}_{kind}", x, kind, axes) for kind in ("max", "min")]
    return _finished(b, layer, given, b.chain("sub", layer.name, ends), axes)


def _logsumexp(b: Builder, layer: Layer, given: Arguments) -> Value:
    """max + log(sum(exp(x - max)))."""
    x, axes, name = given.tensor(), given.axes("axis", len(given.tensor().shape)), layer.name
    top = reduced(b, f"{name}_max", x, "max", axes)
    powers = b.activation(f"{name}_exp", b.chain("sub", f"{name}_below", [x, top]), Act("exp"))
    y = b.activation(f"{name}_log", reduced(b, f"{name}_sum", powers, "sum", axes), Act("log"))
    return _finished(b, layer, given, b.chain("add", name, [y, top]), axes)


def _arg(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axis = given.tensor(), given.axis("axis", len(given.tensor().shape))
    kept = tuple(1 if i == axis else s for i, s in enumerate(x.shape))
    op = f"arg_{given.signature.kind[3:]}"
    return _finished(b, layer, given, b.node(op, layer.name, [x], kept, {"axis": x.axes[axis]}), [axis])


def _squares(b: Builder, name: str, x: Value, axes: list[int]) -> Value:
    return reduced(b, f"{name}_sum", b.activation(f"{name}_square", x, Act("square")), "sum", axes)


def _normalize(b: Builder, layer: Layer, given: Arguments) -> Value:
    """x * min(1 / norm, 1 / epsilon), or with TensorFlow's epsilon x / sqrt(max(norm ** 2, epsilon))."""
    x, axes, name = given.tensor(), given.axes("axis", len(given.tensor().shape)), layer.name
    epsilon = 1e-7 if given["epsilon"] is None else given.real("epsilon")
    if epsilon <= 0:
        raise given.refusal("epsilon", "a number > 0 is expected")
    return normalised(b, name, x, axes, epsilon if given.signature.kind == "normalize_sum" else epsilon**2)


def normalised(b: Builder, name: str, x: Value, axes: list[int], floor: float) -> Value:
    """x / sqrt(max(sum of squares over axes, floor))."""
    if axes == [len(x.shape) - 1] and floor <= 1e-12:
        return b.node("l2_norm", name, [x], x.shape)
    squares = _squares(b, name, x, axes)
    lowest = b.constant(f"{name}_floor", np.full((1,) * len(x.shape), floor))
    least = b.chain("maximum", f"{name}_max", [squares, lowest])
    return b.chain("mult", name, [x, b.activation(f"{name}_rsqrt", least, Act("rsqrt"))])


def _norm(b: Builder, layer: Layer, given: Arguments) -> Value:
    """Of vectors: the root of the sum of squares, the sum of the magnitudes, the largest magnitude."""
    x, axis, order = given.tensor(), given.axis("axis", len(given.tensor().shape)), scalar(given["ord"])
    if order in (None, "euclidean") or (is_int(order) or isinstance(order, float)) and order == 2:
        y = b.activation(layer.name, _squares(b, layer.name, x, [axis]), Act("sqrt"))
    elif is_int(order) and order == 1:
        y = reduced(b, layer.name, b.activation(f"{layer.name}_abs", x, Act("abs")), "sum", [axis])
    else:
        raise given.refusal("ord", "only 1 and 2 are supported")
    return _finished(b, layer, given, y, [axis])


HANDLERS: dict[str, Operation] = {
    **{name: _reduce for name in ("mean", "sum", "max", "min")},
    "var": _variance, "std": _variance, "ptp": _ptp, "logsumexp": _logsumexp, "argmax": _arg, "argmin": _arg,
    "normalize": _normalize, "normalize_sum": _normalize, "norm": _norm,
}  # fmt: skip
