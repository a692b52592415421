# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Random quantised ONNX models of one operator: QDQ, and QOperator where ONNX has one.

made, feeds, step = qdq("Conv", rng): the result comes in multiples of `step`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx_cases import Made, Rng, chance, image, model, one_of, reals, window

OPS = (
    "Conv", "ConvTranspose", "Gemm", "MatMul", "MatMulAdd", "Add", "Mul", "Sub", "AveragePool", "GlobalAveragePool",
    "MaxPool", "Concat", "Flatten", "Transpose", "Relu", "Clip", "ReduceMean", "LeakyRelu",
)  # fmt: skip


class Quantised:
    """Nodes and constants of a quantised model. kind: int8 or uint8 activations."""

    def __init__(self, rng: Rng, powers: bool = False):
        self.rng = rng
        self.powers = powers
        self.kind = one_of(rng, "int8", "uint8")
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def step(self, largest: float) -> np.float32:
        """A scale for values up to `largest`."""
        s = largest / 127.0 * self.rng.uniform(0.6, 1.1)
        return np.float32(2.0 ** np.round(np.log2(s)) if self.powers else s)

    def pair(self, scale: np.float32) -> list[str]:
        """Names of a scale and a zero point."""
        n = len(self.constants)
        low, high = (-128, 127) if self.kind == "int8" else (0, 255)
        centre = (low + high + 1) // 2
        zero = int(one_of(self.rng, low, centre, centre + int(self.rng.integers(-40, 40))))
        self.constants |= {f"s{n}": np.array(scale), f"z{n}": np.array(zero, self.kind)}
        return [f"s{n}", f"z{n}"]

    def through(self, name: str, largest: float, pair: list[str] | None = None) -> str:
        """A QuantizeLinear and a DequantizeLinear."""
        pair = pair or self.pair(self.step(largest))
        n = len(self.nodes)
        self.nodes.append(helper.make_node("QuantizeLinear", [name, *pair], [f"q{n}"]))
        self.nodes.append(helper.make_node("DequantizeLinear", [f"q{n}", *pair], [f"d{n}"]))
        self.last = self.constants[pair[0]]
        return f"d{n}"

    def weights(self, shape: tuple[int, ...], axis: int, x_step: np.float32, bias: int) -> tuple[list[str], int]:
        """Weights, perhaps by channel, and a bias, both behind a DequantizeLinear; (names, terms of a sum)."""
        rng, n = self.rng, len(self.constants)
        channels = shape[axis] if chance(rng) else 1
        scale = np.array([self.step(1.0) for _ in range(channels)], np.float32)
        weights = rng.integers(-127, 128, shape).astype(np.int8)
        self.constants[f"ws{n}"] = scale if channels > 1 else scale[0].reshape(())
        self.constants[f"wz{n}"] = np.zeros(self.constants[f"ws{n}"].shape, np.int8)
        axes = {"axis": axis} if channels > 1 else {}
        if chance(rng, 0.3):  # the file holds what is quantised only when it is read
            wide = scale.reshape([-1 if i == axis else 1 for i in range(len(shape))]) if channels > 1 else scale[0]
            self.constants[f"wf{n}"] = (weights * wide).astype(np.float32)
            pair = [f"ws{n}", f"wz{n}"]
            self.nodes.append(helper.make_node("QuantizeLinear", [f"wf{n}", *pair], [f"w{n}"], **axes))
        else:
            self.constants[f"w{n}"] = weights
        self.nodes.append(helper.make_node("DequantizeLinear", [f"w{n}", f"ws{n}", f"wz{n}"], [f"wd{n}"], **axes))
        names = [f"wd{n}"]
        if bias:
            self.constants[f"b{n}"] = rng.integers(-3000, 3000, bias).astype(np.int32)
            full = scale * x_step if channels == bias else np.float32(scale[0] * x_step)
            self.constants[f"bs{n}"] = np.asarray(full, np.float32)
            axes = {"axis": 0} if channels == bias and bias > 1 else {}
            self.constants[f"bs{n}"] = self.constants[f"bs{n}"].reshape(-1 if axes else ())
            self.nodes.append(helper.make_node("DequantizeLinear", [f"b{n}", f"bs{n}"], [f"bd{n}"], **axes))
            names.append(f"bd{n}")
        return names, int(np.prod(shape)) // shape[axis]


def qdq(op: str, rng: Rng, powers: bool = False) -> tuple[bytes, dict[str, np.ndarray], float]:
    """A model, its inputs, the step of its result. powers: all scales are powers of two."""
    q = Quantised(rng, powers)
    x = image(rng) if op in ("Conv", "ConvTranspose", "AveragePool", "GlobalAveragePool", "MaxPool") else reals(
        rng, *one_of(rng, (1, 7), (1, 3, 4, 2), (1, 4, 5)) if op not in ("Gemm", "MatMul", "MatMulAdd") else
        one_of(rng, (1, 7), (1, 7), (3, 7)))  # fmt: skip
    inputs, attrs, largest = {"x": x}, dict[str, Any](), 2.0
    pair = q.pair(q.step(2.0))
    names = [q.through("x", 2.0, pair)]
    x_step = q.last
    if op in ("Conv", "ConvTranspose"):
        c = x.shape[1]
        if op == "Conv":
            attrs = window(rng, x.shape[2:], True)
            if "auto_pad" in attrs:
                attrs["dilations"] = [1] * len(attrs["dilations"])
            group = int(one_of(rng, 1, c))
            units = group * int(rng.integers(1, 4))
            attrs["group"] = group
            shape, axis = (units, c // group, *attrs["kernel_shape"]), 0
        else:
            attrs = {"kernel_shape": [int(k) for k in rng.integers(1, 4, x.ndim - 2)]}
            units = int(rng.integers(1, 4))
            shape, axis = (c, units, *attrs["kernel_shape"]), 1
        more, terms = q.weights(shape, axis, x_step, units if chance(rng) else 0)
        names += more
        largest = 1.0 + 0.6 * terms**0.5
    elif op in ("Gemm", "MatMul", "MatMulAdd"):
        units = int(rng.integers(1, 9))
        more, terms = q.weights((x.shape[-1], units), 1, x_step, units if op != "MatMul" and chance(rng, 0.8) else 0)
        names += more
        largest = 1.0 + 0.6 * terms**0.5
    elif op in ("Add", "Mul", "Sub"):
        inputs["y"] = reals(rng, *x.shape)
        names.append(q.through("y", 2.0))
        largest = 4.0
    elif op in ("AveragePool", "MaxPool"):
        attrs = window(rng, x.shape[2:], False)
        if "auto_pad" in attrs:
            attrs["strides"] = [min(s, k) for s, k in zip(attrs["strides"], attrs["kernel_shape"], strict=True)]
    elif op == "Concat":
        inputs["y"] = reals(rng, *x.shape)
        names.append(q.through("y", 2.0, pair if chance(rng) else None))
        attrs = {"axis": 1}
    elif op == "Transpose":
        attrs = {"perm": [int(p) for p in rng.permutation(x.ndim)]}
    elif op == "ReduceMean":
        attrs = {"axes": [int(rng.integers(1, x.ndim))], "keepdims": int(chance(rng))}
    elif op == "Clip":
        q.constants |= {"low": np.array(0, np.float32), "high": np.array(6, np.float32)}
        names += ["low", "high"]
    return (*_finished(q, op, names, attrs, inputs, largest, pair), float(q.last))


def _finished(
    q: Quantised, op: str, names: list[str], attrs: dict[str, Any], inputs: dict[str, Any], largest: float, pair: list
) -> Made:
    """The operator, perhaps a Relu, QuantizeLinear, DequantizeLinear."""
    if op == "MatMulAdd":
        q.nodes.append(helper.make_node("MatMul", names[:2], ["m" if names[2:] else "y_"]))
        if names[2:]:
            q.nodes.append(helper.make_node("Add", ["m", names[2]], ["y_"]))
    else:
        q.nodes.append(helper.make_node(op, names, ["y_"], **attrs))
    y = "y_"
    if chance(q.rng, 0.1):
        q.nodes.append(helper.make_node("Identity", ["y_"], ["i_"]))
        y = "i_"
    if op in ("Conv", "Gemm", "Add") and chance(q.rng, 0.4):
        q.nodes.append(helper.make_node("Relu", [y], ["r_"]))
        y = "r_"
    moves = op in ("MaxPool", "Flatten", "Transpose")
    end = q.through(y, largest, pair if moves else None)
    return model(q.nodes, inputs, [end], q.constants, opset=13)
