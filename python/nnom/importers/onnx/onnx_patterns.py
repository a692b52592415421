# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Several nodes that are one function of a value.

x sigmoid(x) is silu, x hard_sigmoid(x) and x relu6(x + 3) / 6 are hard_swish, x tanh(softplus(x)) is mish, and
x (1 + erf(x / sqrt(2))) / 2 is GELU. Only where nothing else reads what lies between.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .onnx_context import Value
from .onnx_functions import activation
from .onnx_places import Importer
from .onnx_reader import FileNode

Found = tuple[str, list[FileNode]]  # kind of activation, the nodes behind the first


def _other(node: FileNode, name: str) -> str:
    """The other of a node's two inputs; "" if it has no two, or not this one."""
    if len(node.inputs) != 2 or name not in node.inputs:
        return ""
    return node.inputs[1] if node.inputs[0] == name else node.inputs[0]


def _number(imp: Importer, name: str) -> float:
    """A constant of one number; NaN if it is none."""
    value = imp.values.get(name)
    if value is None or value.data is None or value.data.size != 1 or value.data.dtype.kind != "f":
        return math.nan
    return float(value.data.reshape(-1)[0])


def _next(imp: Importer, node: FileNode, *ops: str) -> FileNode | None:
    """The only node that reads a node's result, if it is one of these."""
    after = imp.sole_reader(node)
    return after if after is not None and after.op in ops and not after.domain else None


def _times_itself(imp: Importer, node: FileNode, x: str) -> FileNode | None:
    """The Mul of a node's result and x."""
    after = _next(imp, node, "Mul")
    return after if after is not None and _other(after, node.outputs[0]) == x else None


def _gated(imp: Importer, node: FileNode, x: str) -> Found | None:
    """Sigmoid or HardSigmoid times its input; Softplus, Tanh and the same."""
    if node.op == "HardSigmoid":
        alpha, beta = imp.attr_real(node, "alpha", 0.2), imp.attr_real(node, "beta", 0.5)
        if not (math.isclose(alpha, 1 / 6, rel_tol=1e-5) and beta == 0.5):
            return None
    if node.op == "Softplus":
        curve = _next(imp, node, "Tanh")
        last = None if curve is None else _times_itself(imp, curve, x)
        return None if curve is None or last is None else ("mish", [curve, last])
    last = _times_itself(imp, node, x)
    return None if last is None else ("silu" if node.op == "Sigmoid" else "hard_swish", [last])


def _shifted(imp: Importer, node: FileNode, x: str) -> Found | None:
    """Add 3, Clip to 0 to 6, then times x and by 6 in either order."""
    if _number(imp, _other(node, x)) != 3.0:
        return None
    limit = _next(imp, node, "Clip")
    if limit is None or _bounds(imp, limit) != (0.0, 6.0):
        return None
    first = _next(imp, limit, "Mul", "Div")
    second = None if first is None else _next(imp, first, "Mul", "Div")
    if first is None or second is None:
        return None
    for times, sixth, before_times, before_sixth in (
        (first, second, limit, first),
        (second, first, first, limit),
    ):
        right = times.op == "Mul" and _other(times, before_times.outputs[0]) == x
        if right and _is_factor(imp, sixth, before_sixth.outputs[0], 1 / 6):
            return "hard_swish", [limit, first, second]
    return None


def _bounds(imp: Importer, node: FileNode) -> tuple[float, float]:
    if imp.opset < 11:
        return imp.attr_real(node, "min", math.inf), imp.attr_real(node, "max", -math.inf)
    low, high = ((node.inputs[k] if imp.has(node, k) else "") for k in (1, 2))
    return _number(imp, low), _number(imp, high)


def _is_factor(imp: Importer, node: FileNode, name: str, factor: float) -> bool:
    """Whether a node is `name` times a number."""
    number = _number(imp, _other(node, name))
    if node.op == "Div":
        number = 1 / number if node.inputs[0] == name and number else math.nan
    return node.op in ("Mul", "Div") and math.isclose(number, factor, rel_tol=1e-4)


def _gelu(imp: Importer, node: FileNode, x: str) -> Found | None:
    """x / sqrt(2), Erf, Add 1, times x, by 2."""
    if not _is_factor(imp, node, x, math.sqrt(0.5)):
        return None
    erf = _next(imp, node, "Erf")
    one = None if erf is None else _next(imp, erf, "Add")
    if erf is None or one is None or _number(imp, _other(one, erf.outputs[0])) != 1.0:
        return None
    first = _next(imp, one, "Mul")
    second = None if first is None else _next(imp, first, "Mul", "Div")
    if first is None or second is None:
        return None
    if _other(first, one.outputs[0]) == x and _is_factor(imp, second, first.outputs[0], 0.5):
        return "gelu", [erf, one, first, second]
    halved = _is_factor(imp, first, one.outputs[0], 0.5)
    if halved and second.op == "Mul" and _other(second, first.outputs[0]) == x:
        return "gelu", [erf, one, first, second]
    return None


_BEGINNINGS: dict[str, Callable[[Importer, FileNode, str], Found | None]] = {
    **dict.fromkeys(("Sigmoid", "HardSigmoid", "Softplus"), _gated),
    "Add": _shifted,
    **dict.fromkeys(("Mul", "Div"), _gelu),
}


def match(imp: Importer, node: FileNode) -> bool:
    """Translates the function that begins with `node`, if it is one. Returns whether it did."""
    begins = _BEGINNINGS.get(node.op) if not node.domain else None
    for x in dict.fromkeys(node.inputs) if begins is not None else ():
        value = imp.values.get(x)
        if begins is None or value is None or not value.name or not value.is_real:
            continue
        found = begins(imp, node, x)
        if found is not None and _same_shapes(imp, value, [node, *found[1]]):
            kind, nodes = found
            name = activation(imp, value, nodes[-1].outputs[0], kind)
            imp.finish(nodes[-1], name, value.axes)
            imp.taken.update(id(n) for n in nodes)
            for n in (node, *nodes[:-1]):
                imp.values[n.outputs[0]] = Value(value.shape)  # nobody else asks for it
            return True
    return False


def _same_shapes(imp: Importer, x: Value, nodes: list[FileNode]) -> bool:
    """Whether no constant among the operands makes the shape another."""
    for node in nodes:
        for name in node.inputs:
            value = imp.values.get(name)
            if value is not None and value.data is not None and len(value.shape) > len(x.shape):
                return False
        if len(node.outputs) != 1 or node.outputs[0] in imp.values:
            return False
    return bool(np.all([n > 0 for n in x.shape]))
