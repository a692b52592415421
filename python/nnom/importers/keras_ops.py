# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Bare operations in functional models: keras.ops of Keras 3 and the TFOpLambda layers of tf.keras."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..errors import ModelError
from .keras_build import FUNCTIONS, Act, Builder, Refusal, Value, ir_axis
from .keras_file import snake_case
from .keras_shapes import clipped, concatenated, padded, reshape_target, transposed
from .keras_spec import Layer, is_int, is_real, numbers

LAMBDAS = ("TFOpLambda", "SlicingOpLambda")

# Other names of the same operation: TensorFlow's, and keras.ops's where it has two.
_SAME = {
    "sub": "subtract", "mul": "multiply", "truediv": "divide", "true_divide": "divide", "div": "divide",
    "concat": "concatenate", "reduce_mean": "mean", "reduce_max": "max", "reduce_min": "min", "reduce_sum": "sum",
    "clip_by_value": "clip", "getitem": "get_item", "exponential": "exp",
    "stop_gradient": "identity", "cast": "identity",
    "hard_swish": "hard_silu",
}  # fmt: skip
_BINARY = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mult",
    "maximum": "maximum",
    "minimum": "minimum",
    "bias_add": "add",
}


class Arguments:
    """Arguments of an operation by position or name; tensors are Values already."""

    def __init__(self, layer: Layer, args: list[Any], named: dict[str, Any]):
        self.layer, self.args, self.named = layer, args, named

    def get(self, position: int, *names: str, default: Any = None) -> Any:
        """An argument by one of its names, else by position; None counts as absent."""
        for name in names:
            if self.named.get(name) is not None:
                return self.named[name]
        return self.args[position] if position < len(self.args) else default

    def tensor(self) -> Value:
        """The operation's first argument, a tensor."""
        value = self.get(0, "x", "inputs", "features", "input", "input_tensor", "tensor", "a")
        if not isinstance(value, Value):
            raise Refusal("its first argument is not a tensor of the model", "use a layer instead")
        return value


def operation_name(layer: Layer) -> str:
    """'math.reduce_mean', 'TrueDivide' ... -> 'mean', 'divide'."""
    name = layer.config.text("function", "") if layer.cls in LAMBDAS else snake_case(layer.cls)
    name = name.rsplit(".", 1)[-1].lower()
    return _SAME.get(name, name)


def convert(b: Builder, layer: Layer, args: list[Any], kwargs: dict[str, Any]) -> Value:
    """`args`, `kwargs`: as in the call, with Values in place of tensors."""
    settings = (
        {} if layer.cls in LAMBDAS else {k: v for k, v in layer.config.values.items() if k not in ("name", "dtype")}
    )
    given = Arguments(layer, args, {**settings, **{k: v for k, v in kwargs.items() if k != "name"}})
    name = operation_name(layer)
    if name in _BINARY:
        return _binary(b, layer, given, _BINARY[name])
    if name in FUNCTIONS:
        return b.activation(layer.name, given.tensor(), _function(b, layer, given, name))
    if name in _REDUCTIONS:
        return _reduce(b, layer, given, name)
    return _OTHERS[name](b, layer, given)


def supported(layer: Layer) -> bool:
    """Whether `convert` knows the operation."""
    name = operation_name(layer)
    return name in _BINARY or name in FUNCTIONS or name in _REDUCTIONS or name in _OTHERS


def names() -> list[str]:
    """All operations, for messages."""
    return sorted({*_BINARY, *FUNCTIONS, *_REDUCTIONS, *_OTHERS})


def _operand(b: Builder, layer: Layer, value: Any, rank: int) -> Value:
    """A tensor of the same rank, or a constant for values of `rank`."""
    if isinstance(value, Value):
        if len(value.shape) != rank:
            raise Refusal(
                f"its inputs have {rank + 1} and {len(value.shape) + 1} dimensions",
                "use a layer such as Add, or Reshape",
            )
        return value
    data = numbers(value, f"{layer.where}: a constant")
    if data.ndim == rank + 1 and data.shape[0] == 1:
        data = data[0]
    if data.ndim > rank:
        raise Refusal(
            f"a constant of shape {data.shape} beside a tensor of {rank + 1} dimensions",
            "give it a shape without the batch",
        )
    return b.constant(f"{layer.name}_constant", data.reshape((1,) * (rank - data.ndim) + data.shape))


def _operands(b: Builder, layer: Layer, given: Arguments) -> list[Value]:
    pair = [given.get(0, "x", "x1", "value"), given.get(1, "y", "x2", "bias")]
    ranks = [len(v.shape) for v in pair if isinstance(v, Value)]
    if not ranks or any(v is None for v in pair):
        raise Refusal("its operands are no tensors of the model", "use a layer such as Add or Multiply")
    return [_operand(b, layer, v, max(ranks)) for v in pair]


def _binary(b: Builder, layer: Layer, given: Arguments, op: str) -> Value:
    return b.chain(op, layer.name, _operands(b, layer, given))


def _divide(b: Builder, layer: Layer, given: Arguments) -> Value:
    """By a constant: a multiplication."""
    divisor = given.get(1, "y", "x2")
    if isinstance(divisor, Value) or divisor is None:
        raise Refusal("division by a tensor", "only division by a constant is supported")
    data = numbers(divisor, f"{layer.where}: its divisor")
    if not data.all():
        raise ModelError(f"{layer.where}: divides by zero")
    factors = Arguments(layer, [given.get(0, "x", "x1"), 1 / data], {})
    return _binary(b, layer, factors, "mult")


def _function(b: Builder, layer: Layer, given: Arguments, name: str) -> Act:
    kind, alpha = FUNCTIONS[name]
    if name == "gelu" and given.get(1, "approximate", default=b.v3):
        return Act("gelu_tanh")
    if alpha is None:
        return Act(kind)
    if name == "hard_sigmoid":
        return Act(kind, alpha if b.v3 else 0.2)
    value = given.get(1, "negative_slope", "alpha", "b", "threshold", default=alpha)
    if not is_real(value):
        raise ModelError(f"{layer.where}: parameter {str(value)[:60]}; expected a number")
    return Act(kind, float(value))


_REDUCTIONS = ("mean", "max", "min", "sum")


def _axes(layer: Layer, value: Any, rank: int) -> list[int]:
    """Axes as Keras counts them (0 is the batch) -> without the batch, from 0."""
    axes = value if isinstance(value, list) else [value]
    if value is None or not all(is_int(a) and -rank - 1 <= a <= rank and a % (rank + 1) for a in axes):
        raise Refusal(f"axes {value}", "name axes of the data, without the batch (0)")
    return sorted({a % (rank + 1) - 1 for a in axes})


def _reduce(b: Builder, layer: Layer, given: Arguments, name: str) -> Value:
    x = given.tensor()
    axes = _axes(layer, given.get(1, "axis"), len(x.shape))
    kept = tuple(1 if i in axes else s for i, s in enumerate(x.shape))
    if len(x.shape) > 1 and axes == list(range(len(x.shape) - 1)) and name != "min":
        y = b.node(f"global_{'avg' if name == 'mean' else name}_pool", layer.name, [x], kept)
    else:
        found = {"kind": name, "axes": tuple(ir_axis(a, len(x.shape)) for a in axes)}
        y = b.node("reduce", layer.name, [x], kept, found)
    if given.get(2, "keepdims", default=False):
        return y
    return b.reshaped(f"{layer.name}_squeeze", y, [s for i, s in enumerate(x.shape) if i not in axes])


def _softmax(b: Builder, layer: Layer, given: Arguments) -> Value:
    x = given.tensor()
    if given.get(1, "axis", default=-1) not in (-1, len(x.shape)):
        raise Refusal("softmax over another axis than the last", "transpose before and after")
    return b.activation(layer.name, x, Act(operation_name(layer)))


def _reshape(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, target = given.tensor(), given.get(1, "newshape", "shape")
    if not isinstance(target, list) or len(target) < 2:
        raise Refusal(f"target shape {str(target)[:60]}", "use a Reshape layer")
    sides = target[1:]
    if is_int(target[0]) and target[0] not in (-1, 1) or target.count(-1) > 1:
        raise Refusal(f"target shape {target} changes the batch", "use a Reshape layer, or -1 for the batch")
    return b.reshaped(
        layer.name, x, reshape_target(layer.where, [-1 if s is None else s for s in sides], math.prod(x.shape))
    )


def _transpose(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axes = given.tensor(), given.get(1, "axes", "perm")
    rank = len(x.shape)
    if not isinstance(axes, list) or sorted(str(a) for a in axes) != [str(a) for a in range(rank + 1)] or axes[0] != 0:
        raise Refusal(f"transposition {axes}", "keep the batch in place: use a Permute layer")
    return transposed(b, layer.name, x, [a - 1 for a in axes[1:]])


def _concatenate(b: Builder, layer: Layer, given: Arguments) -> Value:
    items = given.args if given.args and isinstance(given.args[0], Value) else given.get(0, "xs", "values")
    if not isinstance(items, list) or not items or not all(isinstance(v, Value) for v in items):
        raise Refusal("concatenation with a constant", "use a Concatenate layer of tensors")
    return concatenated(b, layer, items, given.named.get("axis", -1))


def _clip(b: Builder, layer: Layer, given: Arguments) -> Value:
    low, high = (given.get(1, "x_min", "clip_value_min", "min"), given.get(2, "x_max", "clip_value_max", "max"))
    if not all(v is None or is_real(v) for v in (low, high)):
        raise Refusal("clipping to tensors", "use numbers as bounds")
    kind = {(0, 6): "relu6", (-1, 1): "relu_n1_to_1", (0, None): "relu"}.get((low, high))
    if kind is not None:
        return b.activation(layer.name, given.tensor(), Act(kind))
    return clipped(b, layer.name, given.tensor(), low, high)


def _squeeze(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axes = given.tensor(), given.get(1, "axis")
    drop = [i for i, s in enumerate(x.shape) if s == 1] if axes in (None, []) else _axes(layer, axes, len(x.shape))
    if any(x.shape[i] != 1 for i in drop):
        raise ModelError(f"{layer.where}: squeezes axis {axes} of {list(x.shape)}; expected size 1")
    return b.reshaped(layer.name, x, [s for i, s in enumerate(x.shape) if i not in drop])


def _expand_dims(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axis = given.tensor(), given.get(1, "axis")
    places = axis if isinstance(axis, list) else [axis]
    if len(places) != 1:
        raise Refusal(f"axes {axis}", "use one axis at a time, or a Reshape layer")
    (index,) = _axes(layer, places[0], len(x.shape) + 1)
    return b.reshaped(layer.name, x, [*x.shape[:index], 1, *x.shape[index:]])


def _pad(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, widths = given.tensor(), given.get(1, "pad_width", "paddings")
    value = given.get(3, "constant_values", default=0)
    table = numbers(widths, f"{layer.where}: its padding")
    if table.shape != (len(x.shape) + 1, 2) or (table < 0).any() or (table > 2**20).any() or len(x.shape) < 2:
        raise Refusal(f"padding {str(widths)[:60]}", "use ZeroPadding1D or ZeroPadding2D")
    mode = given.get(2, "mode", default="constant")
    if str(mode).lower() != "constant" or not is_real(value) or table[[0, -1]].any():
        raise Refusal(f"padding mode '{mode}' or padding of batch or channels", "pad rows and columns with a constant")
    sides = [int(v) for v in table[1:-1].ravel()] + [0, 0]
    return padded(b, layer.name, x, (sides[0], sides[1], sides[2], sides[3]), float(value))


def _get_item(b: Builder, layer: Layer, given: Arguments) -> Value:
    """Slices with positive steps; an index drops its dimension."""
    x, keys = given.tensor(), given.get(1, "key", "slice_spec")
    keys = keys if isinstance(keys, list) else [keys]
    keys = [slice(*(k.get(n) for n in ("start", "stop", "step"))) if isinstance(k, dict) else k for k in keys]
    if not keys or keys[0] != slice(None) or len(keys) > len(x.shape) + 1:
        raise Refusal("an index into the batch, or of an unknown kind", "keep the batch: x[:, ...] with plain slices")
    picks = [_pick(layer, *p) for p in zip([*keys[1:], *[slice(None)] * len(x.shape)], x.shape, strict=False)]
    by_axis = {ir_axis(i, len(x.shape)): p for i, p in enumerate(picks)}
    begin, size, stride = (tuple(by_axis.get(a, (0, 1, 1))[n] for a in range(3)) for n in range(3))
    kept = tuple(p[1] for p in picks)
    y = b.node("slice", layer.name, [x], kept, {"begin": begin, "size": size, "stride": stride})
    dropped = [is_int(k) for k in keys[1:]] + [False] * len(x.shape)
    return b.reshaped(f"{layer.name}_squeeze", y, [s for s, drop in zip(kept, dropped, strict=False) if not drop])


def _pick(layer: Layer, key: Any, size: int) -> tuple[int, int, int]:
    """(begin, number of elements, step) of one index or slice of `size` elements."""
    if is_int(key) and -size <= key < size:
        return key % size, 1, 1
    if not isinstance(key, slice) or not all(v is None or is_int(v) for v in (key.start, key.stop, key.step)):
        raise Refusal(f"index {str(key)[:60]}", "use plain slices")
    if (key.step or 1) < 0:
        raise Refusal("a slice with a negative step", "use positive steps")
    picked = range(size)[key if key.step != 0 else slice(None)]
    if not picked:
        raise ModelError(f"{layer.where}: slice {key} of {size} elements is empty")
    return picked.start, len(picked), picked.step


_OTHERS: dict[str, Callable[[Builder, Layer, Arguments], Value]] = {
    "divide": _divide,
    "softmax": _softmax,
    "log_softmax": _softmax,
    "reshape": _reshape,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "clip": _clip,
    "squeeze": _squeeze,
    "expand_dims": _expand_dims,
    "pad": _pad,
    "get_item": _get_item,
    "identity": lambda b, layer, given: given.tensor(),
}
