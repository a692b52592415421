# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""ONNX's operators that take and give quantised values (QOperator): each is read as what it stands for.

QLinearConv is DequantizeLinear, Conv, QuantizeLinear: those nodes are made and translated in its place. Dynamic-range
models, which quantise activations anew in every run, are read as float models, their weights dequantised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..workbench import Refused
from .onnx_context import Stored, Value
from .onnx_places import Importer
from .onnx_reader import FileNode


@dataclass
class _Parts:
    """The nodes that stand for one."""

    imp: Importer
    node: FileNode
    nodes: list[FileNode] = field(default_factory=list)

    def add(self, op: str, inputs: list[str], attrs: dict[str, object] | None = None, output: str = "") -> str:
        """Adds a node; its result's name."""
        name = output or f"{self.node.outputs[0]}:{len(self.nodes)}"
        self.nodes.append(FileNode(op, "", self.node.name, self.node.index, inputs, [name], attrs or {}))
        return name

    def real(self, k: int) -> str:
        """Inputs k, k + 1, k + 2 (values, scale, zero point) as real values."""
        return self.add("DequantizeLinear", self.inputs(k))

    def inputs(self, k: int) -> list[str]:
        """Three inputs, of which the last may be absent."""
        return (self.node.inputs + [""] * 3)[k : k + 3]

    def quantised(self, name: str, k: int) -> None:
        """Real values as the node's result; scale and zero point are inputs k, k + 1."""
        self.add("QuantizeLinear", [name, *self.inputs(k)[:2]], None, self.node.outputs[0])

    def run(self) -> None:
        """Translates the nodes."""
        for node in self.nodes:
            for name in node.inputs:
                self.imp.readers.setdefault(name, []).append(node)
        for node in self.nodes:
            if id(node) not in self.imp.taken:
                self.imp.step(node)


def _attrs(node: FileNode, *without: str) -> dict[str, object]:
    if node.attrs.get("channels_last"):
        raise Refused("channels_last; expected channels as axis 1")
    return {k: v for k, v in node.attrs.items() if k not in ("channels_last", *without)}


def _bias(parts: _Parts, k: int, x_scale: int, w_scale: int) -> list[str]:
    """Input k, a bias int32 in units of both scales, as a constant."""
    imp, node = parts.imp, parts.node
    if not imp.has(node, k):
        return []
    data = imp.constant(node, k, "bias")
    scale = imp.real(node, x_scale, "scale") * imp.real(node, w_scale, "scale").reshape(-1)
    if data.dtype.kind not in "iu" or data.ndim != 1 or scale.size not in (1, data.size):
        imp.fail(node, f"bias of type {data.dtype}, shape {list(data.shape)}, for {scale.size} scales")
    imp.memory.take(8 * data.size)
    name = f"{node.outputs[0]}:bias"
    stored = Stored(data.astype(np.int32), scale.astype(np.float32).reshape(-1), np.zeros(1, np.int32), 0)
    real = (data * scale.astype(np.float64).reshape(-1)).astype(np.float32)
    imp.values[name] = Value(data.shape, "float32", data=real, stored=stored)
    return [name]


def conv(imp: Importer, node: FileNode) -> None:
    """QLinearConv: x, its scale and zero point, w likewise, y's scale and zero point, bias."""
    p = _Parts(imp, node)
    x, w = p.real(0), p.add("DequantizeLinear", p.inputs(3), {"axis": 0})
    y = p.add("Conv", [x, w, *_bias(p, 8, 1, 4)], _attrs(node))
    p.quantised(y, 6)
    p.run()


def matmul(imp: Importer, node: FileNode) -> None:
    """QLinearMatMul."""
    p = _Parts(imp, node)
    w = p.add("DequantizeLinear", p.inputs(3), {"axis": max(len(imp.given(node, 3).shape) - 1, 0)})
    p.quantised(p.add("MatMul", [p.real(0), w]), 6)
    p.run()


def gemm(imp: Importer, node: FileNode) -> None:
    """QGemm: a, b, the bias, y's scale and zero point, if its result is quantised."""
    p = _Parts(imp, node)
    w = p.add("DequantizeLinear", p.inputs(3), {"axis": 0 if imp.attr_int(node, "transB", 0) else 1})
    y = [p.real(0), w, *_bias(p, 6, 1, 4)]
    if not imp.has(node, 7):
        p.add("Gemm", y, _attrs(node), node.outputs[0])
    else:
        p.quantised(p.add("Gemm", y, _attrs(node)), 7)
    p.run()


def _two(op: str) -> Callable[[Importer, FileNode], None]:
    """QLinearAdd, QLinearMul: a, b, y's scale and zero point."""

    def convert(imp: Importer, node: FileNode) -> None:
        p = _Parts(imp, node)
        p.quantised(p.add(op, [p.real(0), p.real(3)]), 6)
        p.run()

    return convert


def _one(op: str) -> Callable[[Importer, FileNode], None]:
    """Of one operand: x, y's scale and zero point."""

    def convert(imp: Importer, node: FileNode) -> None:
        p = _Parts(imp, node)
        p.quantised(p.add(op, [p.real(0)], _attrs(node, "opset")), 3)
        p.run()

    return convert


def concat(imp: Importer, node: FileNode) -> None:
    """QLinearConcat: y's scale and zero point, the operands."""
    p = _Parts(imp, node)
    p.quantised(p.add("Concat", [p.real(k) for k in range(2, len(node.inputs), 3)], _attrs(node)), 0)
    p.run()


# ---- dynamic range ----


def dynamic(imp: Importer, node: FileNode) -> None:
    """DynamicQuantizeLinear: the values themselves, of scale 1."""
    note = (
        "a dynamic-range model, which quantises its activations anew in every run: its weights are dequantised, and "
        "all is quantised from calibration data"
    )
    imp.graph.note(note)
    if any(name in imp.results for name in node.outputs):
        raise Refused("gives what it quantises to as an output of the model; expected only products to read it")
    imp.alias(node, imp.value(node, 0))
    imp.define(node, 1, Value((), "float32", data=np.ones((), np.float32)))
    imp.define(node, 2, Value((), "uint8", data=np.zeros((), np.uint8)))


def _integer(op: str) -> Callable[[Importer, FileNode], None]:
    """MatMulInteger, ConvInteger of values that a DynamicQuantizeLinear gave, and constants."""

    def convert(imp: Importer, node: FileNode) -> None:
        x, w = imp.value(node, 0), imp.constant(node, 1, "weight tensor")
        if not x.is_real:
            raise Refused(f"computes with {x.dtype}; expected values of a DynamicQuantizeLinear")
        zero = imp.constant(node, 3, "zero point") if imp.has(node, 3) else np.zeros(1, w.dtype)
        imp.memory.take(8 * w.size)
        if zero.size > 1:
            zero = zero.reshape([-1] + [1] * (w.ndim - 1)) if op == "Conv" else zero.reshape(-1)
        p = _Parts(imp, node)
        name = f"{node.outputs[0]}:weights"
        imp.values[name] = Value(w.shape, "float32", data=(w.astype(np.int32) - zero).astype(np.float32))
        p.add(op, [node.inputs[0], name], _attrs(node), node.outputs[0])
        p.run()

    return convert


QOPERATOR: dict[str, Callable[[Importer, FileNode], None]] = {
    "QLinearConv": conv,
    "QLinearMatMul": matmul,
    "DynamicQuantizeLinear": dynamic,
    "MatMulInteger": _integer("MatMul"),
    "ConvInteger": _integer("Conv"),
}
MICROSOFT: dict[str, Callable[[Importer, FileNode], None]] = {
    "QGemm": gemm,
    "QLinearAdd": _two("Add"),
    "QLinearMul": _two("Mul"),
    "QLinearConcat": concat,
    "QLinearAveragePool": _one("AveragePool"),
    "QLinearGlobalAveragePool": _one("GlobalAveragePool"),
    "QLinearSigmoid": _one("Sigmoid"),
    "QLinearLeakyRelu": _one("LeakyRelu"),
    "QLinearSoftmax": _one("Softmax"),
}
