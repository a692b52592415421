# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Writes small .tflite files.

    m = Model()
    x = m.tensor([1, 4, 4, 2], "int8", scale=0.1, zero_point=3)
    w = m.tensor([5, 1, 1, 2], "int8", scale=[...5 numbers], axis=0, data=array)
    y = m.tensor([1, 4, 4, 5], "int8", scale=0.2)
    m.op("CONV_2D", [x, w], [y], padding=1, strideH=1, strideW=1)
    data = m.build([x], [y])

Options have the schema's names (ai_edge_litert.schema_py_generated, class XOptionsT), absent ones its defaults.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

DTYPES = {
    "float32": "<f4",
    "int8": "i1",
    "uint8": "u1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float16": "<f2",
    "bool": "?",
}

_OPTIONS = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
    "AVERAGE_POOL_2D": "Pool2D",
    "MAX_POOL_2D": "Pool2D",
    "CONV_2D": "Conv2D",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "FULLY_CONNECTED": "FullyConnected",
    "TRANSPOSE_CONV": "TransposeConv",
    "RESIZE_BILINEAR": "ResizeBilinear",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighbor",
    "MEAN": "Reducer",
    "SUM": "Reducer",
    "REDUCE_MAX": "Reducer",
    "REDUCE_MIN": "Reducer",
    "REDUCE_ALL": "Reducer",
    "REDUCE_ANY": "Reducer",
    "L2_POOL_2D": "Pool2D",
    "L2_NORMALIZATION": "L2Norm",
    "SPACE_TO_BATCH_ND": "SpaceToBatchND",
    "BATCH_TO_SPACE_ND": "BatchToSpaceND",
    "PADV2": "PadV2",
    "SPLIT_V": "SplitV",
    "BATCH_MATMUL": "BatchMatMul",
    "ARG_MAX": "ArgMax",
    "SVDF": "SVDF",
    "ARG_MIN": "ArgMin",
    "LEAKY_RELU": "LeakyRelu",
    "GELU": "Gelu",
    "MAXIMUM": "MaximumMinimum",
    "MINIMUM": "MaximumMinimum",
    "RFFT2D": "Rfft2d",
    "TOPK_V2": "TopKV2",
}
_WITHOUT_OPTIONS = {
    "EMBEDDING_LOOKUP",
    "SIN",
    "FLOOR",
    "CEIL",
    "ROUND",
    "COMPLEX_ABS",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "LOGISTIC",
    "TANH",
    "ELU",
    "PRELU",
    "SQRT",
    "RSQRT",
    "LOG",
    "QUANTIZE",
    "DEQUANTIZE",
    "CUSTOM",
    "READ_VARIABLE",
}


class Model:
    """A model of one subgraph under construction."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.buffers = [schema.BufferT()]
        self.operators: list[Any] = []
        self.codes: dict[str, int] = {}
        self.others: list[Any] = []

    def subgraph(self) -> Model:
        """A further subgraph, which has no inputs and outputs; it gets the next number, from 1 on."""
        other = Model()
        other.buffers, other.codes = self.buffers, self.codes
        self.others.append(other)
        return other

    @classmethod
    def read(cls, data: bytes) -> tuple[Model, list[int], list[int]]:
        """(model, inputs, outputs) of a file with built-in operators and one subgraph."""
        file = schema.ModelT.InitFromPackedBuf(data, 0)
        graph, m = file.subgraphs[0], cls()
        names = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
        m.tensors, m.buffers, m.operators = graph.tensors, file.buffers, graph.operators
        for o in m.operators:
            code = file.operatorCodes[o.opcodeIndex]
            name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            o.opcodeIndex = m.codes.setdefault(name, len(m.codes))
        return m, list(graph.inputs), list(graph.outputs)

    def tensor(
        self,
        shape: Sequence[int],
        dtype: str = "int8",
        scale: float | Sequence[float] | None = None,
        zero_point: int | Sequence[int] = 0,
        axis: int = 0,
        data: np.ndarray | None = None,
        name: str | None = None,
    ) -> int:
        """Adds a tensor, constant if `data` is given; returns its index."""
        t = schema.TensorT()
        t.shape, t.name, t.type = [int(n) for n in shape], name or f"t{len(self.tensors)}", _type(dtype)
        if scale is not None:
            t.quantization = q = schema.QuantizationParametersT()
            q.scale = np.atleast_1d(np.asarray(scale, np.float32))
            q.zeroPoint = np.broadcast_to(np.asarray(zero_point, np.int64), q.scale.shape).copy()
            q.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = _bytes(data, dtype)
            t.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(t)
        return len(self.tensors) - 1

    def op(self, name: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> None:
        """Adds an operator; inputs and outputs are indices of tensors, -1 for an absent one."""
        o = schema.OperatorT()
        o.opcodeIndex = self.codes.setdefault(name, len(self.codes))
        o.inputs, o.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        if name not in _WITHOUT_OPTIONS:
            table = _OPTIONS.get(name) or "".join(w.capitalize() for w in name.split("_"))
            o.builtinOptionsType = getattr(schema.BuiltinOptions, f"{table}Options")
            o.builtinOptions = getattr(schema, f"{table}OptionsT")()
            for key, value in options.items():
                if not hasattr(o.builtinOptions, key):
                    raise AttributeError(f"{table}Options has no field {key}")
                setattr(o.builtinOptions, key, value)
        self.operators.append(o)

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        return self._pack(inputs, outputs, self.operators)

    def build_without_dense(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The same model, each FULLY_CONNECTED written as a 1 x 1 CONV_2D between reshapes.

        LiteRT's FULLY_CONNECTED rounds once when it scales sums back to int8, its CONV_2D twice, as TFLite Micro does
        in both and as NNoM does: this form gives the expected values.
        """
        before = list(self.tensors), list(self.buffers), list(self.operators), dict(self.codes)
        self.operators = []
        for o in before[2]:
            if o.opcodeIndex == self.codes.get("FULLY_CONNECTED"):
                self._dense_as_convolution(o)
            else:
                self.operators.append(o)
        data = self._pack(inputs, outputs, self.operators)
        self.tensors, self.buffers, self.operators, self.codes = before
        return data

    def elu_apart(self) -> None:
        """Writes each float ELU as max(x, exp(min(x, 0)) - 1).

        LiteRT's reference kernels have no ELU; with the optimised ones all convolutions of the file would round once.
        """
        before, self.operators, elu = self.operators, [], self.codes.get("ELU")
        unused = next(name for name in ("MINIMUM", "NEG", "ABS") if name not in self.codes)
        self.codes = {unused if name == "ELU" else name: i for name, i in self.codes.items()}
        for o in before:
            if o.opcodeIndex != elu:
                self.operators.append(o)
                continue
            x, y = int(o.inputs[0]), int(o.outputs[0])
            zero, one = (self.tensor([1], "float32", data=np.array([v])) for v in (0.0, 1.0))
            low, power, less = (self._twin(self.tensors[y], list(self.tensors[y].shape)) for _ in range(3))
            self.op("MINIMUM", [x, zero], [low])
            self.op("EXP", [low], [power])
            self.op("SUB", [power, one], [less])
            self.op("MAXIMUM", [x, less], [y])

    def _dense_as_convolution(self, o: Any) -> None:
        x, w, y = int(o.inputs[0]), self.tensors[o.inputs[1]], int(o.outputs[0])
        units, inner = w.shape
        rows = math.prod(self.tensors[x].shape) // inner
        f = self._twin(w, [units, 1, 1, inner])
        bias = int(o.inputs[2]) if len(o.inputs) > 2 and o.inputs[2] >= 0 else self._no_bias(x, w, units)
        wide, made = self._twin(self.tensors[x], [1, 1, rows, inner]), self._twin(self.tensors[y], [1, 1, rows, units])
        sizes = [
            self.tensor([n], "int32", data=np.array(v))
            for n, v in ((4, [1, 1, rows, inner]), (len(self.tensors[y].shape), self.tensors[y].shape))
        ]
        self.op("RESHAPE", [x, sizes[0]], [wide])
        act = o.builtinOptions.fusedActivationFunction
        self.op("CONV_2D", [wide, f, bias], [made], padding=1, strideH=1, strideW=1, fusedActivationFunction=act)
        self.op("RESHAPE", [made, sizes[1]], [y])

    def _twin(self, tensor: Any, shape: list[int]) -> int:
        """Another view of a tensor's type, quantisation and data."""
        t = copy.copy(tensor)
        t.shape, t.name = shape, f"t{len(self.tensors)}"
        if tensor.buffer == 0:
            t.buffer = 0
        self.tensors.append(t)
        return len(self.tensors) - 1

    def _no_bias(self, x: int, w: Any, units: int) -> int:
        if w.type == schema.TensorType.FLOAT32:
            return self.tensor([units], "float32", data=np.zeros(units))
        scale = np.float32(self.tensors[x].quantization.scale[0]) * w.quantization.scale
        return self.tensor([units], "int32", scale, data=np.zeros(units))

    def _pack(self, inputs: Sequence[int], outputs: Sequence[int], operators: list[Any]) -> bytes:
        graphs = [_graph(self.tensors, operators, inputs, outputs)]
        graphs += [_graph(m.tensors, m.operators, [], []) for m in self.others]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers, model.description = 3, graphs, self.buffers, "nnom tests"
        model.operatorCodes = [_code(name) for name in self.codes]
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _graph(tensors: list[Any], operators: list[Any], inputs: Sequence[int], outputs: Sequence[int]) -> Any:
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = tensors, operators
    graph.inputs, graph.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
    return graph


def _bytes(data: np.ndarray, dtype: str) -> np.ndarray:
    """As a file stores them; int4 two in a byte, the first in the lower half."""
    if dtype != "int4":
        return np.frombuffer(np.ascontiguousarray(data, DTYPES[dtype]).tobytes(), np.uint8)
    halves = [int(v) & 15 for v in np.asarray(data).reshape(-1)]
    halves += [0] * (len(halves) % 2)
    return np.array([a | b << 4 for a, b in zip(halves[::2], halves[1::2], strict=True)], np.uint8)


def _type(dtype: str) -> int:
    return getattr(schema.TensorType, dtype.upper())


def _code(name: str) -> Any:
    code = schema.OperatorCodeT()
    number = getattr(schema.BuiltinOperator, name)
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
    if name == "CUSTOM":
        code.customCode = "Invented"
    return code
