# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Bare operations in functional models: keras.ops of Keras 3, the TFOpLambda and TensorFlowOpLayer of tf.keras.

Which arguments they take stands in keras_signatures.py; here and in keras_moves.py is what they become.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from ...errors import ModelError
from ..workbench import Refused
from . import keras_nodes, keras_signatures
from .keras_args import Arguments, plain_list, scalar, type_name
from .keras_build import ANY_RANK, FUNCTIONS, Act, Builder, Value, few_axes, relu_activation
from .keras_file import snake_case
from .keras_layers import pool
from .keras_matmul import matmul
from .keras_moves import HANDLERS as MOVING
from .keras_moves import Operation, part
from .keras_reduce import HANDLERS as REDUCING
from .keras_shapes import clipped, softmax_over
from .keras_signatures import FLOATS, TYPE_SETTINGS, Signature
from .keras_spec import Config, Layer, is_int, is_real, numbers, short

LAMBDAS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")

_BINARY = {"add": "add", "subtract": "sub", "multiply": "mult", "maximum": "maximum", "minimum": "minimum"}
_LAMBDA_SETTINGS = ("name", "trainable", "dtype", "function", "node_def", "constants")
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")

# Operations of whole numbers whose result is theirs too, whatever their type: nothing is computed.
_ANY_TYPE = (*MOVING, "identity", "cast", "maximum", "minimum", "max", "min", "max_pool", "argmax", "argmin", "divide")


def operation_name(layer: Layer) -> str:
    """'nn.relu', 'GetItem', 'AddV2' ... as in the tables."""
    if layer.cls == "TensorFlowOpLayer":
        return keras_nodes.operation_name(layer)
    name = layer.config.text("function", "") if layer.cls in LAMBDAS else snake_case(layer.cls)
    return name.rsplit(".", 1)[-1].lower()


def _signature(layer: Layer) -> Signature | None:
    tables = keras_signatures.TENSORFLOW if layer.cls in LAMBDAS else keras_signatures.KERAS
    return tables.get(operation_name(layer))


def supported(layer: Layer) -> bool:
    """Whether `convert` knows the operation."""
    if layer.cls == "TensorFlowOpLayer":
        return keras_nodes.supported(layer)
    return _signature(layer) is not None


def names() -> list[str]:
    """All operations, for messages."""
    return sorted({*keras_signatures.KERAS, *keras_signatures.TENSORFLOW})


def convert(b: Builder, layer: Layer, args: list[Any], kwargs: dict[str, Any]) -> list[Value]:
    """The outputs. `args`, `kwargs`: as in the call, with Values in place of tensors."""
    given = _arguments(layer, args, kwargs)
    if given.signature.kind not in ANY_RANK:
        few_axes([args, kwargs])
    _check_types(layer, given.signature.kind, [*args, *kwargs.values()])
    made = HANDLERS[given.signature.kind](b, layer, given)
    given.finish()
    return made if isinstance(made, list) else [made]


def _arguments(layer: Layer, args: list[Any], kwargs: dict[str, Any]) -> Arguments:
    if layer.cls in LAMBDAS:
        extra = [k for k in layer.config.values if k not in _LAMBDA_SETTINGS]
        if extra:
            raise Refused(f"setting '{extra[0]}' ({short(layer.config.get(extra[0]))}) is not known", "leave it away")
    if layer.cls == "TensorFlowOpLayer":
        return keras_nodes.arguments(layer, args)
    signature = _signature(layer)
    assert signature is not None
    if layer.cls in LAMBDAS:
        return Arguments(signature, args, kwargs, none_is_default=True)
    known = {name for param in signature.params for name in param.names}
    settings = {k: v for k, v in layer.config.values.items() if k != "name"}
    if "dtype" not in known and type_name(settings.pop("dtype", None)) not in ("None", *TYPE_SETTINGS):
        raise Refused(f"setting 'dtype' is {short(layer.config.get('dtype'))}", "build it in float32")
    twice = [k for k in kwargs if k in settings]
    if twice:
        raise ModelError(f"{layer.where}: '{twice[0]}' is a setting and an argument; the file is damaged")
    return Arguments(signature, args, {**settings, **kwargs})


def _check_types(layer: Layer, kind: str, values: list[Any]) -> None:
    """Whole numbers may be moved, compared and cast; arithmetic of them can overflow, which floats do not."""
    flat = [v for value in values for v in (value if isinstance(value, list) else [value])]
    types = {v.dtype for v in flat if isinstance(v, Value) and v.dtype != "float32"}
    if types and kind not in _ANY_TYPE:
        real = any(isinstance(v, float) or (isinstance(v, Value) and v.dtype == "float32") for v in flat)
        if kind not in _BINARY or not real or "int32" in types:
            raise Refused(f"computes with whole numbers ({min(types)})", "cast them to float32 before")


# ---- arithmetic ----------------------------------------------------------------------------------------------------


def _operand(b: Builder, layer: Layer, value: Any, rank: int) -> Value:
    """A tensor of the same rank, or a constant for values of `rank`."""
    if isinstance(value, Value):
        if len(value.shape) != rank:
            raise Refused(
                f"its inputs have {rank + 1} and {len(value.shape) + 1} dimensions",
                "use a layer such as Add, or Reshape",
            )
        return value
    data = numbers(value, f"{layer.where}: a constant")
    if data.ndim == rank + 1 and data.shape[0] == 1:
        data = data[0]
    if data.ndim > rank:
        raise Refused(
            f"a constant of shape {data.shape} beside a tensor of {rank + 1} dimensions",
            "give it a shape without the batch",
        )
    return b.constant(f"{layer.name}_constant", data.reshape((1,) * (rank - data.ndim) + data.shape))


def _binary(b: Builder, layer: Layer, given: Arguments) -> Value:
    pair = [given["x1"], given["x2"]]
    if "data_format" in given:
        given["data_format"]
    return _combined(b, layer, _BINARY[given.signature.kind], pair)


def _combined(b: Builder, layer: Layer, op: str, pair: list[Any]) -> Value:
    ranks = [len(v.shape) for v in pair if isinstance(v, Value)]
    if not ranks or any(v is None for v in pair):
        raise Refused("its operands are no tensors of the model", "use a layer such as Add or Multiply")
    made = b.chain(op, layer.name, [_operand(b, layer, v, max(ranks)) for v in pair])
    real = any(v.dtype == "float32" if isinstance(v, Value) else isinstance(v, float) for v in pair)
    return made._replace(dtype="float32") if real else made


def _divide(b: Builder, layer: Layer, given: Arguments) -> Value:
    """By a constant: a multiplication."""
    divisor = given["x2"]
    if isinstance(divisor, Value) or divisor is None:
        raise Refused("division by a tensor", "only division by a constant is supported")
    data = numbers(divisor, f"{layer.where}: its divisor")
    if not data.all():
        raise ModelError(f"{layer.where}: divides by zero")
    return _combined(b, layer, "mult", [given["x1"], 1 / data])._replace(dtype="float32")


def _power(b: Builder, layer: Layer, given: Arguments) -> Value:
    """x ** n with n 0.5, -0.5 or a whole number from 1 to 16; n ** x with n > 0."""
    x, exponent = given["x1"], scalar(given["x2"])
    if isinstance(exponent, Value):
        base = scalar(x)
        if not is_real(base) or base <= 0:
            raise Refused("a power of tensors", "only a number > 0 to a tensor, and a tensor to a number")
        return b.activation(layer.name, _times(b, f"{layer.name}_log", exponent, math.log(base)), Act("exp"))
    roots = {0.5: "sqrt", -0.5: "rsqrt"}
    if not isinstance(x, Value) or not is_real(exponent):
        raise given.refusal("x2", "a number is expected")
    if exponent in roots:
        return b.activation(layer.name, x, Act(roots[exponent]))
    if exponent != int(exponent) or not 1 <= exponent <= 16:
        raise given.refusal("x2", "only 0.5, -0.5 and 1 to 16 are supported")
    return _whole_power(b, layer.name, x, int(exponent))


def _whole_power(b: Builder, name: str, x: Value, exponent: int) -> Value:
    """By squaring: x ** 5 = (x ** 2) ** 2 * x."""
    result = x
    for i, bit in enumerate(bin(exponent)[3:]):
        result = b.activation(f"{name}_square{i}", result, Act("square"))
        if bit == "1":
            result = b.chain("mult", f"{name}_times{i}", [result, x])
    return result


def _times(b: Builder, name: str, x: Value, factor: float) -> Value:
    return x if factor == 1 else b.chain("mult", name, [x, _number(b, name, x, factor)])


def _plus(b: Builder, name: str, x: Value, term: float) -> Value:
    return b.chain("add", name, [x, _number(b, name, x, term)])


def _number(b: Builder, name: str, x: Value, value: float) -> Value:
    return b.constant(f"{name}_constant", np.full((1,) * len(x.shape), value))


# ---- functions of one value ----------------------------------------------------------------------------------------


def _parameter(name: str) -> Operation:
    """A function with a parameter of this name."""
    return lambda b, layer, given: b.activation(
        layer.name, given.tensor(), Act(FUNCTIONS[given.signature.kind][0], given.real(name))
    )


def _function(b: Builder, layer: Layer, given: Arguments) -> Value:
    kind, alpha = FUNCTIONS[given.signature.kind]
    if given.signature.kind == "hard_sigmoid" and not b.v3:
        alpha = 0.2
    if "beta" in given:
        given["beta"]
    return b.activation(layer.name, given.tensor(), Act(kind, alpha))


def _gelu(b: Builder, layer: Layer, given: Arguments) -> Value:
    return b.activation(layer.name, given.tensor(), Act("gelu_tanh" if given.flag("approximate") else "gelu"))


def _relu(b: Builder, layer: Layer, given: Arguments) -> Value:
    """keras.activations.relu with its parameters."""
    values = {name: given[name] for name in ("negative_slope", "max_value", "threshold")}
    return b.activation(layer.name, given.tensor(), relu_activation(Config(layer.where, values), b.v3))


def _glu(b: Builder, layer: Layer, given: Arguments) -> Value:
    x, axis = given.tensor(), given.axis("axis", len(given.tensor().shape))
    half = x.shape[axis] // 2
    if x.shape[axis] % 2:
        raise ModelError(f"{layer.where}: {x.shape[axis]} elements have no halves")
    gate = part(b, f"{layer.name}_gate", x, axis, range(half, 2 * half))
    gate = b.activation(f"{layer.name}_sigmoid", gate, Act("sigmoid"))
    return b.chain("mult", layer.name, [part(b, f"{layer.name}_value", x, axis, range(half)), gate])


def _scaled(before: tuple[float, float] | None, act: str, after: tuple[float, float] | None) -> Operation:
    """act(x * before[0] + before[1]) * after[0] + after[1]."""

    def make(b: Builder, layer: Layer, given: Arguments) -> Value:
        x = given.tensor()
        for where, pair in (("before", before), ("", None), ("after", after)):
            if not where:
                x = b.activation(layer.name, x, Act(act))
            elif pair is not None:
                x = _times(b, f"{layer.name}_{where}", x, pair[0])
                x = _plus(b, f"{layer.name}_{where}_plus", x, pair[1]) if pair[1] else x
        return x

    return make


def _softmax(b: Builder, layer: Layer, given: Arguments) -> Value:
    axes = plain_list(given["axis"])
    return softmax_over(b, layer, given.tensor(), given.signature.kind, axes if isinstance(axes, list) else [axes])


def _clip(b: Builder, layer: Layer, given: Arguments) -> Value:
    low, high = (scalar(given[name]) for name in ("x_min", "x_max"))
    if not all(v is None or is_real(v) for v in (low, high)):
        raise Refused("clips to something that is no number", "use numbers as bounds")
    kind = {(0, 6): "relu6", (-1, 1): "relu_n1_to_1", (0, None): "relu"}.get((low, high))
    if kind is not None:
        return b.activation(layer.name, given.tensor(), Act(kind))
    return clipped(b, layer.name, given.tensor(), low, high)


def _cast(b: Builder, layer: Layer, given: Arguments) -> Value:
    """To floats: whole numbers are floats in the graph already. To whole numbers they would be cut or wrapped."""
    x, dtype = given.tensor(), given["dtype"]
    if dtype is None or type_name(dtype) == x.dtype:
        return x
    if type_name(dtype) not in FLOATS:
        raise given.refusal("dtype", "only float32 is supported")
    if b.graph.tensors[x.name].dtype != "float32":
        raise Refused(f"casts the {x.dtype} of argmax", "end the model with argmax")
    return x._replace(dtype="float32")


# ---- windows -------------------------------------------------------------------------------------------------------


def _pool(b: Builder, layer: Layer, given: Arguments) -> Value:
    """As the layer of the same window; TensorFlow names batch and channels too."""
    x = given.tensor()
    rank = len(x.shape) - 1
    padding = given["padding"]
    if rank not in (1, 2) or str(padding).lower() not in ("valid", "same"):
        raise given.refusal("padding", "'valid' or 'same', of (steps, channels) or (height, width, channels)")
    sides = {name: _window_sides(given, name, rank) for name in ("pool_size", "strides")}
    sides["strides"] = sides["strides"] or sides["pool_size"]
    kind = "MaxPooling" if given.signature.kind == "max_pool" else "AveragePooling"
    config = Config(layer.where, {**sides, "padding": padding})
    return pool(b, dataclasses.replace(layer, cls=f"{kind}{rank}D", config=config), x, rank)


def _window_sides(given: Arguments, name: str, rank: int) -> list[int] | None:
    value = plain_list(given[name])
    if value is None and name == "strides":
        return None
    value = value if isinstance(value, list) else [value]
    if len(value) == rank + 2 and value[0] == value[-1] == 1:
        value = value[1:-1]
    value = value * rank if len(value) == 1 else value
    if len(value) != rank or not all(is_int(v) and 1 <= v < 2**16 for v in value):
        raise given.refusal(name, f"{rank} whole number(s) >= 1 are expected")
    return value


HANDLERS: dict[str, Operation] = {
    **{name: _function for name in FUNCTIONS},
    **{name: _binary for name in _BINARY},
    **MOVING, **REDUCING,
    "re_lu": _relu, "leaky_relu": _parameter("negative_slope"), "elu": _parameter("alpha"),
    "celu": _parameter("alpha"), "soft_shrink": _parameter("threshold"), "hard_shrink": _parameter("threshold"),
    "squareplus": _parameter("b"), "gelu": _gelu, "glu": _glu,
    "log1p": _scaled((1, 1), "log", None), "expm1": _scaled(None, "exp", (1, -1)),
    "log2": _scaled(None, "log", (1 / math.log(2), 0)), "log10": _scaled(None, "log", (1 / math.log(10), 0)),
    "exp2": _scaled((math.log(2), 0), "exp", None), "deg2rad": _scaled((math.pi / 180, 0), "linear", None),
    "rad2deg": _scaled((180 / math.pi, 0), "linear", None),
    "divide": _divide, "power": _power, "softmax": _softmax, "log_softmax": _softmax, "clip": _clip, "cast": _cast,
    "identity": lambda b, layer, given: given.tensor(), "matmul": matmul,
    "max_pool": _pool, "average_pool": _pool,
}  # fmt: skip
