# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What is known during the import of a TFLite model, and how handlers of operators read it and add nodes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ModelError
from ...graph import Graph, Node, Quant, Shape, Tensor, Weight
from ...ops import CLAMPS
from ..layout import Axes, channels_last, in_order, merged
from ..limits import Memory
from ..workbench import Refusals, Refused, Thing, fused_clamp

Key = tuple[bytes, bytes]  # container and name of a variable
TRUTH = Quant(1.0, 0)  # of bool tensors: 0 and 1 as int8

# Operators that leave the stored numbers alone, so that int8 tensors need no quantisation.
PLAIN_MOVES = {
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "PACK", "UNPACK", "GATHER",
    "REVERSE_V2", "TRANSPOSE", "MIRROR_PAD", "TILE", "BROADCAST_TO", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE",
    "CONCATENATION", "RESIZE_NEAREST_NEIGHBOR", "MAX_POOL_2D", "REDUCE_MAX", "REDUCE_MIN", "READ_VARIABLE",
    "ASSIGN_VARIABLE",
}  # fmt: skip

# Operators that take int16 activations. The core computes the others in int8 or float.
WIDE_OPS = (PLAIN_MOVES - {"READ_VARIABLE", "ASSIGN_VARIABLE"}) | {
    "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "AVERAGE_POOL_2D", "ADD", "SUB", "MUL",
    "PAD", "PADV2", "SOFTMAX", "LOGISTIC", "TANH", "LEAKY_RELU", "RELU", "RELU6", "RELU_N1_TO_1", "QUANTIZE",
    "DEQUANTIZE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "MEAN", "SUM", "MAXIMUM", "MINIMUM", "PRELU",
    "BATCH_MATMUL", "RESIZE_BILINEAR", "SQUARED_DIFFERENCE", "ABS", "NEG", "EXP", "GELU", "RSQRT", "LOG",
}  # fmt: skip

_ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6", 4: "tanh", 5: "sign_bit"}


@dataclass(slots=True)
class Phases:
    """What SPACE_TO_BATCH_ND announced: a convolution over every block-th value, that is a dilated one."""

    source: Value
    block: tuple[int, int]
    pads: tuple[int, int, int, int]
    ops: tuple[Any, ...] = ()  # FileOperators met since: the convolution, functions of each element


@dataclass(slots=True)
class Value:
    """A tensor of the file as far as it is translated: a constant (`data`), or the graph's tensor `name`."""

    shape: tuple[int, ...]
    dtype: str
    name: str = ""
    data: np.ndarray | None = None
    quant: Any = None  # FileQuant
    phases: Phases | None = None
    imag: str = ""  # of complex numbers: the graph's tensor of imaginary parts

    @property
    def announced(self) -> Phases:
        """What SPACE_TO_BATCH_ND announced."""
        if self.phases is None:
            raise Refused("not between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND")
        return self.phases


@dataclass(slots=True)
class Variable:
    """A variable of the file. start: what it is initialised with; now: what this run has assigned to it so far."""

    key: Key
    name: str
    start: Value | None = None
    now: Value | None = None
    state: str = ""  # the graph's tensor that is read before anything is assigned


@dataclass
class Importer:
    """State of one import: `values` by index of the file's tensors, `graph` as far as it is built."""

    model: Any  # FileModel
    dequantize_weights: bool
    graph: Graph
    values: dict[int, Value] = field(default_factory=dict)
    truth: dict[int, tuple[str, Quant | None]] = field(default_factory=dict)  # of bool tensors: dtype and quantisation
    variables: dict[Key, Variable] = field(default_factory=dict)
    handles: dict[int, Variable] = field(default_factory=dict)  # by index of the file's tensors
    assigned: set[Key] | None = None  # variables that some operator assigns to, once someone asked
    running: bool = False  # variables have been read or assigned
    dequantised: int = 0  # layers whose int8 weights became float32
    _same_bytes: dict[tuple[str, Shape], str] = field(default_factory=dict)
    _root: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memory = Memory(self.graph.source, self.model.size)
        self.refusals = Refusals(self.graph, "unsupported", "unsupported")

    def translate(self, op: Any) -> None:
        """Adds what one operator does: the walk's."""
        raise NotImplementedError

    def fold(self, op: Any) -> bool:
        """Computes the operator if all that it reads is known: the walk's."""
        raise NotImplementedError

    # the file's side

    def value(self, op: Any, k: int, complex_too: bool = False) -> Value:
        """Input k of the operator. Refused if it is absent or in the middle of a SPACE_TO_BATCH_ND."""
        if k >= len(op.inputs) or op.inputs[k] < 0:
            raise ModelError(f"{self.at(op)}: input {k} is missing; it has {len(op.inputs)} inputs")
        value = self.values.get(op.inputs[k])
        if value is None:
            tensor = self.model.tensors[op.inputs[k]]
            raise ModelError(
                f"{self.at(op)} reads tensor '{tensor.name}' before any operator makes it (cycle or wrong order)"
            )
        if value.phases is not None:
            raise Refused("between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND only one convolution is supported")
        if value.data is None and not value.name:
            raise Refused("")
        if value.imag and not complex_too:
            raise Refused("complex numbers; expected their magnitude, real or imaginary part")
        return value

    def complex(self, op: Any, k: int) -> Value:
        """Input k, which must be complex."""
        value = self.value(op, k, complex_too=True)
        if not value.imag:
            raise Refused(f"input of type {value.dtype}; expected complex numbers of a transform")
        return value

    def has(self, op: Any, k: int) -> bool:
        """Whether the operator has an input k."""
        return k < len(op.inputs) and op.inputs[k] >= 0

    def tensor(self, op: Any, k: int = 0) -> Any:
        """Output k of the operator, as in the file."""
        if k >= len(op.outputs):
            raise ModelError(f"{self.at(op)}: output {k} is missing; it has {len(op.outputs)} outputs")
        return self.model.tensors[op.outputs[k]]

    def constant(self, op: Any, k: int, what: str) -> np.ndarray:
        """Input k, which must be known when the model is read."""
        value = self.value(op, k)
        if value.data is None:
            raise Refused(f"its {what} is computed when the model runs; expected a constant")
        return value.data

    def integers(self, op: Any, k: int, what: str, count: int | None = None) -> tuple[int, ...]:
        """Input k as constant whole numbers, `count` of them."""
        data = self.constant(op, k, what)
        if data.dtype.kind not in "iu":
            raise ModelError(f"{self.at(op)}: {what} has type {data.dtype}; expected integers")
        if data.size > 65536 or (count is not None and data.size != count):
            raise ModelError(f"{self.at(op)}: {what} has {data.size} numbers; expected {count or 'fewer than 65536'}")
        return tuple(int(n) for n in data.reshape(-1))

    def at(self, op: Any) -> str:
        """The operator's place, for messages."""
        return f"{self.graph.source}: operator {op.index} {op.op}"

    def thing(self, op: Any) -> Thing:
        """The operator, for refusals."""
        names = ", ".join(f"'{self.model.tensors[i].name}'" for i in op.outputs[:8])
        return Thing(f"operator {op.op}", op.index, f"-> {names}" if names else "")

    def plain(self, tensor: Any) -> bool:
        """Whether it is only moved about, or an input read by CAST: plain numbers, as camera pixels are."""
        makers = [op.op for op in self.model.operators if tensor.index in op.outputs]
        readers = [op.op for op in self.model.operators if tensor.index in op.inputs]
        return set(makers) <= PLAIN_MOVES and set(readers) <= PLAIN_MOVES | {"CAST"}

    def quant_of(self, tensor: Any) -> Quant:
        """The one scale and zero point of an activation."""
        q = tensor.quant
        place_ = f"{self.graph.source}: tensor {tensor.index} '{tensor.name}' ({tensor.dtype})"
        if q is None:
            if not self.plain(tensor):
                raise ModelError(f"{place_} has no quantisation; expected scale and zero point")
            return Quant(1.0, -128 if tensor.dtype == "UINT8" else 0)
        if len(q.scale) != 1:
            raise Refused(f"an activation of {len(q.scale)} scales; expected one")
        low, high = {"UINT8": (0, 255), "INT16": (-32768, 32767)}.get(tensor.dtype, (-128, 127))
        scale, zero = float(q.scale[0]), int(q.zero_point[0])
        if scale <= 0 or not low <= zero <= high:
            raise ModelError(f"{place_} has scale {scale}, zero point {zero}; expected > 0 and {low} to {high}")
        if tensor.dtype == "INT16" and zero:
            raise Refused(f"int16 activations with zero point {zero}; expected 0")
        return Quant(scale, zero - 128 if tensor.dtype == "UINT8" else zero)

    def type_of(self, tensor: Any) -> tuple[str, Quant | None]:
        """dtype and quantisation in the graph."""
        if tensor.dtype == "FLOAT32":
            return "float32", None
        if tensor.dtype in ("INT8", "UINT8"):
            return "int8", self.quant_of(tensor)
        if tensor.dtype in ("INT32", "INT64"):
            return "int32", None
        if tensor.dtype == "BOOL":
            return self.truth.get(tensor.index, ("int8", TRUTH))
        if tensor.dtype == "INT16":
            return "int16", self.quant_of(tensor)
        raise Refused(f"activations of type {tensor.dtype}; expected int8, int16, uint8 or float32")

    # the graph's side

    def check_wide(self, op: Any) -> None:
        """Refuses int16 activations of operators that the core computes in int8 or float alone."""
        tensors = [self.model.tensors[i] for i in (*op.inputs, *op.outputs) if i >= 0]
        if op.op not in WIDE_OPS and any(t.dtype == "INT16" and t.data is None for t in tensors):
            raise Refused("int16 activations; quantise them to int8")

    def shape_of(self, value: Value) -> Shape:
        """(h, w, c) of a value."""
        return in_order(value.shape)

    def name(self, value: Value, shape: Shape | None = None) -> str:
        """The graph's tensor that holds `value`, in shape (h, w, c) `shape`; constants are added, reshapes inserted."""
        want = shape or self.shape_of(value)
        if not value.name:
            value.name = self.add_constant(value, want)
        return self.reshaped(value.name, want)

    def add_constant(self, value: Value, shape: Shape) -> str:
        """Adds a constant operand to the graph, uint8 as int8; returns the tensor's name."""
        if value.data is None or value.data.size == 0:
            raise Refused("an operand is empty")
        dtype, quant = "float32", None
        if value.dtype in ("INT8", "UINT8", "INT16"):
            if value.quant is None:
                raise Refused(f"a constant {value.dtype.lower()} operand has no quantisation")
            if len(value.quant.scale) != 1:
                raise Refused(f"a constant operand has {len(value.quant.scale)} scales; expected one")
            shift = 128 if value.dtype == "UINT8" else 0
            dtype = "int16" if value.dtype == "INT16" else "int8"
            quant = Quant(float(value.quant.scale[0]), int(value.quant.zero_point[0]) - shift)
        elif value.dtype in ("INT32", "INT64"):
            dtype = "int32"
        elif value.dtype == "BOOL":
            dtype, quant = "int8", TRUTH
        elif value.dtype != "FLOAT32":
            raise Refused(f"a constant operand has type {value.dtype}")
        data = self.stored(value.data)
        name = self.graph.unique("constant")
        self.graph.add_tensor(Tensor(name, shape, dtype, quant, data.reshape(shape)))
        return name

    def stored(self, data: np.ndarray) -> np.ndarray:
        """A constant of the file as the graph stores it: uint8 and bool as int8."""
        if data.dtype == np.uint8:
            self.memory.take(data.size)
            return (data.astype(np.int16) - 128).astype(np.int8)
        return data.astype(np.int8) if data.dtype == bool else data

    def reshaped(self, name: str, shape: Shape) -> str:
        """The tensor with the same bytes as `name` in another shape: one that exists, or a reshape node's output."""
        tensor = self.graph.tensors[name]
        if tensor.shape == shape:
            return name
        root = self._root.get(name, name)
        if self.graph.tensors[root].shape == shape:
            return root
        if (root, shape) not in self._same_bytes:
            new = self.graph.unique(f"{name}_{'x'.join(map(str, shape))}")
            if tensor.data is not None:
                self.graph.add_tensor(Tensor(new, shape, tensor.dtype, tensor.quant, tensor.data.reshape(shape)))
            else:
                self.reshape_node(root, new, shape, tensor.quant)
            self._root[new], self._same_bytes[root, shape] = root, new
        return self._same_bytes[root, shape]

    def reshape_node(self, source: str, name: str, shape: Shape, quant: Quant | None) -> str:
        """Adds a node that makes tensor `name` of the bytes of `source`."""
        op, attrs = ("flatten", {}) if shape[:2] == (1, 1) else ("reshape", {"shape": shape})
        return self.graph.add(Node(op, name, [source], name, attrs), shape, self.graph.tensors[source].dtype, quant)

    def activation(self, op: Any) -> str:
        """Name of the fused activation."""
        kind = _ACTIVATIONS.get(op.options.FusedActivationFunction, "unknown")
        if fused_clamp(kind) != kind:
            raise Refused(f"fused activation {kind}; expected none, {', '.join(CLAMPS)}")
        return kind

    def check_shape(self, op: Any, tensor: Any, shape: tuple[int, ...]) -> None:
        """Holds a computed shape against the file's, which is bound only where the file does not leave axes open."""
        same = len(shape) == len(tensor.shape) and all(
            n >= 1 and (n == m or i in tensor.dynamic) for i, (n, m) in enumerate(zip(shape, tensor.shape, strict=True))
        )
        if same:
            return
        raise ModelError(
            f"{self.at(op)}: output '{tensor.name}' has shape {list(tensor.shape)}; its inputs give {list(shape)}"
        )

    def emit(
        self,
        op: Any,
        kind: str,
        inputs: list[str],
        shape: tuple[int, ...],
        *,
        made: Shape | None = None,
        k: int = 0,
        attrs: dict[str, Any] | None = None,
        weights: dict[str, Weight] | None = None,
    ) -> None:
        """Adds a node for output k of `op`.

        shape: of the result, in the file's axes. made: (h, w, c) that the node makes, if it is not the shape's layout.
        """
        self.check_shape(op, self.tensor(op, k), shape)
        self.finish(op, self.node(op, kind, inputs, made or in_order(shape), k, attrs, weights), shape, k)

    def node(
        self,
        op: Any,
        kind: str,
        inputs: list[str],
        made: Shape,
        k: int = 0,
        attrs: dict[str, Any] | None = None,
        weights: dict[str, Weight] | None = None,
    ) -> str:
        """Adds a node that makes (h, w, c) `made` in the type of output k of `op`; returns its tensor's name."""
        tensor = self.tensor(op, k)
        dtype, quant = self.type_of(tensor)
        name = self.graph.unique(tensor.name)
        return self.graph.add(Node(kind, name, inputs, name, attrs or {}, weights or {}), made, dtype, quant)

    def finish(self, op: Any, name: str, shape: tuple[int, ...], k: int = 0) -> None:
        """Output k of `op`, of the file's axes `shape`, is the graph's tensor `name`."""
        tensor = self.tensor(op, k)
        self.check_shape(op, tensor, shape)
        made, want = self.graph.tensors[name].shape, in_order(shape)
        if math.prod(made) != math.prod(want):
            raise ModelError(f"{self.at(op)}: makes {list(made)}, expected {list(want)}")
        self.define(op, k, Value(shape, tensor.dtype, self.reshaped(name, want), quant=tensor.quant))

    def piece(self, name: str, begin: Shape, size: Shape) -> str:
        """A part of the graph's tensor `name`: itself if that is all of it, else a slice's output."""
        tensor = self.graph.tensors[name]
        if size == tensor.shape:
            return name
        new = self.graph.unique(f"{name}_part")
        attrs = {"begin": begin, "size": size, "stride": (1, 1, 1)}
        return self.graph.add(Node("slice", new, [name], new, attrs), size, tensor.dtype, tensor.quant)

    def alias(self, op: Any, source: Value, shape: tuple[int, ...], k: int = 0, name: str = "") -> None:
        """Output k of `op` holds the same bytes as `source` (or the graph's tensor `name`)."""
        tensor = self.tensor(op, k)
        self.check_shape(op, tensor, shape)
        self.same_quant(op, source, k)
        value = Value(shape, tensor.dtype, quant=tensor.quant)
        name = name or self.name(source)
        quant = self.type_of(tensor)[1]
        if self.graph.tensors[name].quant == quant:
            value.name = self.reshaped(name, self.shape_of(value))
        else:
            value.name = self.reshape_node(name, self.graph.unique(tensor.name), self.shape_of(value), quant)
        self.define(op, k, value)

    def define(self, op: Any, k: int, value: Value) -> None:
        """Sets output k of the operator."""
        index = op.outputs[k]
        if index in self.values:
            name = self.model.tensors[index].name
            raise ModelError(f"{self.at(op)}: makes tensor '{name}', which has a value already (cycle or duplicate)")
        self.values[index] = value

    def same_quant(self, op: Any, source: Value, k: int = 0) -> None:
        """Refuses operators that only move values about if the two ends are quantised differently."""
        tensor = self.tensor(op, k)
        if source.dtype != tensor.dtype:
            raise Refused(f"input of type {source.dtype}, output of type {tensor.dtype}; expected the same")
        if tensor.dtype in ("INT8", "UINT8", "INT16"):
            a, b = source.quant, self.quant_of(tensor)
            if a is None and tensor.quant is None:
                return
            zero = None if a is None else int(a.zero_point[0]) - (128 if tensor.dtype == "UINT8" else 0)
            if a is None or zero != b.zero_point or abs(float(a.scale[0]) - b.scale) > 1e-6 * b.scale:
                raise Refused("input and output have different scales or zero points; expected the same")

    def view(self, value: Value, rank: int, axes: Axes) -> str:
        """`value`, its shape padded with leading ones to `rank`, in the layout `axes` of another tensor."""
        shape = (1,) * (rank - len(value.shape)) + value.shape
        if len(shape) != rank or any(a is None and n != 1 for n, a in zip(shape, axes, strict=False)):
            raise Refused(f"operand of shape {list(value.shape)} does not fit the other's layout")
        return self.name(value, axes.place(shape))

    def axes(self, shape: tuple[int, ...], touched: Iterable[int] = ()) -> Axes:
        """The mapping of a shape's axes; of many axes those not in `touched` may share one with a neighbour."""
        return self.apart(shape, *(i for i in touched if shape[i] != 1))

    def apart(self, shape: tuple[int, ...], *touched: int) -> Axes:
        """The same, every axis in `touched` with a counterpart even if its size is 1."""
        axes = channels_last(shape)
        if axes is None or any(axes[i] is None for i in touched):
            axes = merged(shape, [i + 1 if i in touched else 0 for i in range(len(shape))])
        if axes is None:
            raise Refused(f"tells more than three axes of shape {list(shape)} apart; expected up to three")
        return axes

    def axis(self, op: Any, axis: int, rank: int) -> int:
        """Axis of the file counted from 0."""
        if not -rank <= axis < rank:
            raise ModelError(f"{self.at(op)}: axis {axis}; expected one of {rank} axes")
        return axis % rank
