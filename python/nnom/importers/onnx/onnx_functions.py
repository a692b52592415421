# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX's functions of single values, of one operand and of several, and comparisons.

Every function takes the importer and the node and defines the node's outputs. What some exporters write as several
nodes (x sigmoid(x), GELU by Erf) is found in onnx_patterns.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...graph import Weight
from ..workbench import Refused
from .onnx_context import Value
from .onnx_places import Importer
from .onnx_reader import FileNode
from .onnx_windows import Handler, expect_real

KINDS = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "HardSwish": "hard_swish", "Softplus": "softplus",
    "Softsign": "softsign", "Mish": "mish", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Abs": "abs", "Neg": "neg",
    "Sin": "sin", "Cos": "cos", "Floor": "floor", "Ceil": "ceil", "Round": "round", "Sign": "sign",
}  # fmt: skip
_SELU = (1.67326319217681884765625, 1.05070102214813232421875)
CLAMPS = {"relu": (0.0, math.inf), "relu6": (0.0, 6.0), "relu_n1_to_1": (-1.0, 1.0)}
_BINARY = {"Add": "add", "Sub": "sub", "Mul": "mult", "Div": "div", "Max": "maximum", "Min": "minimum"}
_RELATIONS = {
    "Equal": "equal", "Less": "less", "LessOrEqual": "less_equal", "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
}  # fmt: skip


def activation(imp: Importer, value: Value, wanted: str, kind: str, alpha: float | None = None) -> str:
    """A function of each value, as it lies; the tensor's name."""
    shape = imp.graph.tensors[value.name].shape
    attrs: dict[str, Any] = {"kind": kind} | ({} if alpha is None else {"alpha": alpha})
    return imp.node(wanted, "activation", [value.name], shape, attrs)


def _finish(imp: Importer, node: FileNode, source: Value, name: str) -> None:
    imp.finish(node, name, source.axes)


def unary(imp: Importer, node: FileNode) -> None:
    """Functions without parameters."""
    x = imp.value(node, 0)
    expect_real(node, x)
    _finish(imp, node, x, activation(imp, x, node.outputs[0], KINDS[node.op]))


def _with_alpha(kind: str, default: float) -> Handler:
    def convert(imp: Importer, node: FileNode) -> None:
        x, alpha = imp.value(node, 0), imp.attr_real(node, "alpha", default)
        expect_real(node, x)
        if kind == "celu" and alpha == 0.0:
            imp.fail(node, "alpha is 0; expected another number")
        _finish(imp, node, x, activation(imp, x, node.outputs[0], kind, alpha))

    return convert


def selu(imp: Importer, node: FileNode) -> None:
    """Selu."""
    x = imp.value(node, 0)
    expect_real(node, x)
    alpha, gamma = imp.attr_real(node, "alpha", _SELU[0]), imp.attr_real(node, "gamma", _SELU[1])
    if np.allclose((alpha, gamma), _SELU, rtol=1e-6):
        _finish(imp, node, x, activation(imp, x, node.outputs[0], "selu"))
        return
    y = activation(imp, x, f"{node.outputs[0]}_elu", "elu", alpha)
    _finish(imp, node, x, scaled(imp, y, node.outputs[0], gamma))


def hard_sigmoid(imp: Importer, node: FileNode) -> None:
    """HardSigmoid: max(0, min(1, alpha x + beta))."""
    x = imp.value(node, 0)
    expect_real(node, x)
    alpha, beta = imp.attr_real(node, "alpha", 0.2), imp.attr_real(node, "beta", 0.5)
    if beta == 0.5:
        _finish(imp, node, x, activation(imp, x, node.outputs[0], "hard_sigmoid", alpha))
        return
    y = scaled(imp, x.name, f"{node.outputs[0]}_scaled", alpha)
    y = with_number(imp, "add", y, f"{node.outputs[0]}_raised", beta)
    _finish(imp, node, x, clipped(imp, y, node.outputs[0], 0.0, 1.0))


def gelu(imp: Importer, node: FileNode) -> None:
    """Gelu."""
    x = imp.value(node, 0)
    expect_real(node, x)
    about = imp.attr_text(node, "approximate", "none")
    if about not in ("none", "tanh"):
        imp.fail(node, f"approximate '{about}'; expected none or tanh")
    _finish(imp, node, x, activation(imp, x, node.outputs[0], "gelu_tanh" if about == "tanh" else "gelu"))


def thresholded(imp: Importer, node: FileNode) -> None:
    """ThresholdedRelu: x above alpha, else 0."""
    x, alpha = imp.value(node, 0), imp.attr_real(node, "alpha", 1.0)
    expect_real(node, x)
    above = with_number(imp, "compare", x.name, f"{node.outputs[0]}_above", alpha, {"relation": "greater"})
    shape = imp.graph.tensors[x.name].shape
    _finish(imp, node, x, imp.node(node.outputs[0], "mult", [x.name, above], shape))


def reciprocal(imp: Importer, node: FileNode) -> None:
    """Reciprocal."""
    x = imp.value(node, 0)
    expect_real(node, x)
    _finish(imp, node, x, activation(imp, x, node.outputs[0], "pow", -1.0))


def with_number(
    imp: Importer, kind: str, name: str, wanted: str, number: float, attrs: dict[str, Any] | None = None
) -> str:
    """An operator of a tensor and one number."""
    constant = imp.add_constant(np.full((1, 1, 1), number, np.float32))
    return imp.node(wanted, kind, [name, constant], imp.graph.tensors[name].shape, attrs)


def scaled(imp: Importer, name: str, wanted: str, factor: float) -> str:
    """A tensor times a number."""
    return with_number(imp, "mult", name, wanted, factor)


def clipped(imp: Importer, name: str, wanted: str, low: float, high: float) -> str:
    """A tensor within bounds, which may be infinite."""
    shape = imp.graph.tensors[name].shape
    for kind, limits in CLAMPS.items():
        if (low, high) == limits:
            return imp.node(wanted, "activation", [name], shape, {"kind": kind})
    if low > -math.inf:
        name = with_number(imp, "maximum", name, wanted if high == math.inf else f"{wanted}_low", low)
    if high < math.inf:
        name = with_number(imp, "minimum", name, wanted, high)
    return name


def bounds(imp: Importer, node: FileNode) -> tuple[float, float]:
    """Of a Clip; infinite where it has none."""
    if imp.opset < 11:
        low = imp.attr_real(node, "min", 0.0) if "min" in node.attrs else -math.inf
        high = imp.attr_real(node, "max", 0.0) if "max" in node.attrs else math.inf
    else:
        low, high = imp.scalar(node, 1, "min", -math.inf), imp.scalar(node, 2, "max", math.inf)
    low, high = (b if abs(b) < 3.4e38 else math.copysign(math.inf, b) for b in (low, high))
    if math.isnan(low) or math.isnan(high):
        imp.fail(node, "a bound is no number")
    return min(low, high), high  # as ONNX Runtime: the upper bound wins


def clamp_of(imp: Importer, node: FileNode) -> str:
    """The clamp that a Relu or Clip is; "" if it is another one."""
    found = (0.0, math.inf) if node.op == "Relu" else bounds(imp, node)
    return next((kind for kind, limits in CLAMPS.items() if limits == found), "")


def clip(imp: Importer, node: FileNode) -> None:
    """Clip: bounds as attributes before opset 11, as inputs since."""
    x = imp.value(node, 0)
    expect_real(node, x)
    low, high = bounds(imp, node)
    name = clipped(imp, x.name, node.outputs[0], low, high)
    if name == x.name:
        imp.alias(node, x)
    else:
        _finish(imp, node, x, name)


def prelu(imp: Importer, node: FileNode) -> None:
    """PRelu: a slope for each channel is a weight, any other a second operand."""
    x, slope = imp.value(node, 0), imp.value(node, 1)
    expect_real(node, x, slope)
    if slope.data is None:
        raise Refused("slopes that are computed when the model runs; expected constants")
    imp.real(node, 1, "slope")
    names, made, where = imp.aligned(node, [x, slope])
    if where.shape != x.shape:
        imp.fail(node, f"slopes of shape {list(slope.shape)} for an input of shape {list(x.shape)}")
    data = imp.graph.tensors[names[1]].values
    if data.shape[:2] == (1, 1):
        weight = Weight(np.ascontiguousarray(np.broadcast_to(data.reshape(-1), made[2:])))
        imp.emit(node, "prelu", names[:1], made, where, weights={"alpha": weight})
    else:
        imp.emit(node, "prelu", names, made, where)


def _fold_many(imp: Importer, node: FileNode, kind: str, values: Sequence[Value]) -> None:
    """Two operands, or one after the other."""
    if len(values) == 1:
        imp.alias(node, values[0])
        return
    done = values[0]
    for i, v in enumerate(values[1:], 2):
        last = i == len(values)
        names, made, where = imp.aligned(node, [done, v])
        name = imp.node(node.outputs[0] if last else f"{node.outputs[0]}_{i}", kind, names, made)
        done = Value(where.shape, "float32", name, where.joined())
    imp.define(node, 0, done)


def binary(imp: Importer, node: FileNode) -> None:
    """Add, Sub, Mul, Div, Max, Min, Sum, Mean; a Div by constants multiplies."""
    values = [imp.value(node, k) for k in range(len(node.inputs))]
    expect_real(node, *values)
    if not values or (node.op in ("Add", "Sub", "Mul", "Div") and len(values) != 2):
        imp.fail(node, f"{len(values)} inputs")
    kind = {**_BINARY, "Sum": "add", "Mean": "add"}[node.op]
    if node.op == "Div" and values[1].data is not None:
        divisor = imp.real(node, 1, "divisor")
        if np.any(divisor == 0):
            imp.fail(node, "divides by 0")
        imp.memory.take(4 * divisor.size)
        values[1] = Value(values[1].shape, "float32", data=(np.float32(1) / divisor).astype(np.float32))
        kind = "mult"
    _fold_many(imp, node, kind, values)
    if node.op == "Mean" and len(values) > 1:
        total = imp.values.pop(node.outputs[0])
        _finish(imp, node, total, scaled(imp, total.name, node.outputs[0], 1.0 / len(values)))


def power(imp: Importer, node: FileNode) -> None:
    """Pow: one constant exponent makes it a function of one value."""
    x, exponent = imp.value(node, 0), imp.value(node, 1)
    expect_real(node, x)
    if x.data is None and exponent.data is not None and exponent.data.size == 1 and len(exponent.shape) <= len(x.shape):
        e = imp.scalar(node, 1, "exponent", 1.0)
        kind, alpha = {2.0: ("square", None), 0.5: ("sqrt", None)}.get(e, ("pow", e))
        _finish(imp, node, x, activation(imp, x, node.outputs[0], kind, alpha))
        return
    expect_real(node, exponent)
    names, made, where = imp.aligned(node, [x, exponent])
    imp.emit(node, "pow", names, made, where)


def compare(imp: Importer, node: FileNode) -> None:
    """Equal, Less ...: truth is 1 or 0."""
    values = [imp.value(node, 0), imp.value(node, 1)]
    expect_real(node, *values)
    names, made, where = imp.aligned(node, values)
    imp.emit(node, "compare", names, made, where, attrs={"relation": _RELATIONS[node.op]}, dtype="bool")


def logic(imp: Importer, node: FileNode) -> None:
    """And, Or, Xor, Not of truth values, which are 1 or 0."""
    values = [imp.value(node, k) for k in range(len(node.inputs))]
    if any(v.dtype != "bool" for v in values) or len(values) != (1 if node.op == "Not" else 2):
        imp.fail(node, f"operands of types {', '.join(v.dtype for v in values)}; expected bool")
    if node.op == "Not":
        values.append(Value((), "bool", data=np.zeros((), np.float32)))
    kind, attrs = {
        "And": ("mult", {}),
        "Or": ("maximum", {}),
        "Xor": ("compare", {"relation": "not_equal"}),
        "Not": ("compare", {"relation": "equal"}),
    }[node.op]
    names, made, where = imp.aligned(node, values)
    imp.emit(node, kind, names, made, where, attrs=attrs, dtype="bool")


def where_(imp: Importer, node: FileNode) -> None:
    """Where."""
    values = [imp.value(node, k) for k in range(3)]
    expect_real(node, *values[1:])
    names, made, where = imp.aligned(node, values)
    imp.emit(node, "select", names, made, where)


FUNCTIONS: dict[str, Callable[[Importer, FileNode], None]] = {
    **dict.fromkeys(KINDS, unary),
    "LeakyRelu": _with_alpha("leaky_relu", 0.01),
    "Elu": _with_alpha("elu", 1.0),
    "Celu": _with_alpha("celu", 1.0),
    "Selu": selu,
    "HardSigmoid": hard_sigmoid,
    "Gelu": gelu,
    "ThresholdedRelu": thresholded,
    "Reciprocal": reciprocal,
    "Clip": clip,
    "PRelu": prelu,
    **dict.fromkeys((*_BINARY, "Sum", "Mean"), binary),
    "Pow": power,
    **dict.fromkeys(_RELATIONS, compare),
    **dict.fromkeys(("And", "Or", "Xor", "Not"), logic),
    "Where": where_,
}
