# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What is known during the import of an ONNX model, and how handlers of operators read it.

How values are brought into the places that an operator wants, and nodes added, is in onnx_places.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from ...errors import ModelError
from ...graph import Graph, Node, Quant
from ..axis_map import AxisMap
from ..limits import Memory, Room
from ..workbench import Refusals, Refused, Thing
from .onnx_reader import MAX_LIST, FileGraph, FileModel, FileNode, FileTensor

REALS = ("float32", "float16", "float64")  # all are computed in float32
SHIFTS = {"int8": 0, "uint8": 128}  # of zero points, for int8
WHOLES = ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a constant was before its DequantizeLinear: whole numbers, scales and zero points [1] or along `axis`."""

    data: np.ndarray
    scale: np.ndarray
    zero: np.ndarray
    axis: int


@dataclass(frozen=True)
class Form:
    """How an operator computes in int8 (onnx_quant.py).

    quant, kind: of its result, in int8 and as the file calls the type. activation: a clamp behind it; tail: the node of
    this; readers: the QuantizeLinears that it takes along.
    """

    quant: Quant
    kind: str
    activation: str
    tail: list[FileNode]
    readers: list[FileNode]


@dataclass(slots=True)
class Value:
    """A tensor of the file: a constant (`data`), or the graph's tensor `name`, whose memory `map` describes.

    dtype: as numpy calls it; real numbers and truth are float32 in the graph, whole numbers int32. A real value whose
    tensor is int8 is a dequantised one. Without data and name: what stands for the result of something refused.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""
    map: AxisMap | None = None
    data: np.ndarray | None = None
    stored: Stored | None = None

    @property
    def axes(self) -> AxisMap:
        """The map of an activation; of constants the file's order."""
        return self.map or AxisMap.of(self.shape)

    @property
    def values(self) -> np.ndarray:
        """What a constant holds."""
        assert self.data is not None
        return self.data

    @property
    def is_real(self) -> bool:
        """Whether it holds real numbers."""
        return self.dtype in REALS


@dataclass
class Context:
    """State of one import. values: by the file's names."""

    model: FileModel
    graph: Graph
    values: dict[str, Value] = field(default_factory=dict)
    scopes: list[FileGraph] = field(default_factory=list)
    readers: dict[str, list[FileNode]] = field(default_factory=dict)
    results: set[str] = field(default_factory=set)  # names that are outputs of the model or of a branch
    form: Form | None = None  # of the node at work, if it computes in int8
    moves: bool = False  # whether the node at work only moves values
    _reals: dict[str, str] = field(default_factory=dict)  # the float32 tensor of an int8 one
    taken: set[int] = field(default_factory=set)  # id() of nodes that an earlier one has done with its own

    def __post_init__(self) -> None:
        self.memory = Memory(self.graph.source, self.model.size)
        self.room = Room(self.graph.source)
        self.refusals = Refusals(self.graph, "unsupported", "unsupported")

    @property
    def opset(self) -> int:
        """Version of ONNX's own operators."""
        return self.model.opsets.get("", 0)

    # ---- a node's inputs ----

    def has(self, node: FileNode, k: int) -> bool:
        """Whether the node has an input k."""
        return k < len(node.inputs) and node.inputs[k] != ""

    def is_int8(self, value: Value) -> bool:
        """Whether it is a dequantised value."""
        return value.is_real and bool(value.name) and self.graph.tensors[value.name].dtype == "int8"

    def value(self, node: FileNode, k: int) -> Value:
        """Input k of the node, float32 unless the node computes in int8 or only moves values."""
        value = self.given(node, k)
        if self.form is not None or self.moves or not self.is_int8(value):
            return value
        return replace(value, name=self.real_of(value.name))

    def real_of(self, name: str) -> str:
        """The float32 tensor of an int8 one."""
        if name not in self._reals:
            real = self.graph.unique(f"{name}_real")
            self.graph.add(Node("dequantize", real, [name], real), self.graph.tensors[name].shape, "float32")
            self._reals[name] = real
        return self._reals[name]

    def given(self, node: FileNode, k: int) -> Value:
        """Input k of the node as it is. Refused if it stands for something refused."""
        if not self.has(node, k):
            self.fail(node, f"input {k} is missing; it has {len(node.inputs)} inputs")
        value = self.values.get(node.inputs[k])
        if value is None:
            self.fail(node, f"reads '{node.inputs[k]}' before any node makes it (cycle or wrong order)")
        if value.data is None and not value.name:
            raise Refused("")
        return value

    def constant(self, node: FileNode, k: int, what: str) -> np.ndarray:
        """Input k, which must be known when the model is read."""
        value = self.value(node, k)
        if value.data is None:
            raise Refused(f"its {what} is computed when the model runs; expected a constant")
        return value.data

    def real(self, node: FileNode, k: int, what: str) -> np.ndarray:
        """Input k as constant float32."""
        data = self.constant(node, k, what)
        if data.dtype.kind != "f":
            raise Refused(f"its {what} has type {data.dtype}; expected float")
        if data.dtype.itemsize != 4:
            self.memory.take(4 * data.size)
        made = data.astype(np.float32, copy=False)
        if not np.isfinite(made).all():
            self.fail(node, f"its {what} holds NaN or infinity")
        return made

    def weights(self, node: FileNode, k: int, what: str) -> tuple[np.ndarray, np.ndarray | None]:
        """Input k as weights: float32 and None, or of a node that computes in int8 the int8 values and their scales."""
        stored = self.value(node, k).stored
        if self.form is None or stored is None:
            return self.real(node, k, what), None
        data = stored.data
        if data.dtype != np.int8 or np.any(stored.zero):
            self.memory.take(3 * data.size)
            data = (data.astype(np.int16) - int(stored.zero.reshape(-1)[0])).astype(np.int8)
        return data, stored.scale.astype(np.float32).reshape(-1)

    def integers(self, node: FileNode, k: int, what: str, count: int | None = None) -> tuple[int, ...]:
        """Input k as constant whole numbers, `count` of them."""
        data = self.constant(node, k, what)
        if data.dtype.kind not in "iu":
            self.fail(node, f"{what} has type {data.dtype}; expected integers")
        if data.size > MAX_LIST or (count is not None and data.size != count):
            self.fail(node, f"{what} has {data.size} numbers; expected {count or 'fewer than 65536'}")
        return tuple(int(n) for n in data.reshape(-1))

    def scalar(self, node: FileNode, k: int, what: str, default: float) -> float:
        """Input k as one constant number; `default` if it is absent."""
        if not self.has(node, k):
            return default
        data = self.constant(node, k, what)
        if data.size != 1 or data.dtype.kind not in "fiub":
            self.fail(node, f"{what} has {data.size} numbers of type {data.dtype}; expected one")
        return float(data.reshape(-1)[0])

    def quant_and_type(self, node: FileNode) -> tuple[Quant, str]:
        """Of QuantizeLinear and DequantizeLinear, one for all values: (in int8, the type in the file)."""
        scale, kind, zero = self.real(node, 1, "scale"), "uint8", np.zeros(1, np.int64)
        if self.has(node, 2):
            data = self.constant(node, 2, "zero point")
            kind, zero = str(data.dtype), data.reshape(-1)
        if scale.size != 1 or zero.size != 1:
            raise Refused(f"an activation of {scale.size} scales; expected one")
        if kind not in SHIFTS:
            raise Refused(f"activations of type {kind}; expected int8 or uint8")
        step = float(scale.reshape(-1)[0])
        if not step > 0:
            self.fail(node, f"scale {step}; expected a number above 0")
        return Quant(step, int(zero[0]) - SHIFTS[kind]), kind

    def quant_of(self, node: FileNode) -> Quant:
        """The quantisation alone."""
        return self.quant_and_type(node)[0]

    # ---- a node's attributes ----

    def attr_int(self, node: FileNode, name: str, default: int) -> int:
        """A whole number."""
        value = node.attrs.get(name, default)
        if not isinstance(value, int):
            self.fail(node, f"attribute '{name}' is no whole number")
        return value

    def attr_real(self, node: FileNode, name: str, default: float) -> float:
        """A real number."""
        value = node.attrs.get(name, default)
        if not isinstance(value, float) or not np.isfinite(value):
            self.fail(node, f"attribute '{name}' is no finite number")
        return value

    def attr_text(self, node: FileNode, name: str, default: str) -> str:
        """A text."""
        value = node.attrs.get(name, default.encode())
        if not isinstance(value, bytes):
            self.fail(node, f"attribute '{name}' is no text")
        return value.decode("utf-8", "replace")

    def attr_ints(self, node: FileNode, name: str, count: int | None = None) -> tuple[int, ...] | None:
        """Whole numbers, `count` of them; None if it is absent."""
        value = node.attrs.get(name)
        if value is None:
            return None
        if not isinstance(value, np.ndarray) or value.dtype.kind != "i" or (count is not None and len(value) != count):
            self.fail(node, f"attribute '{name}' holds no whole numbers, or not {count} of them")
        return tuple(int(n) for n in value)

    def attr_reals(self, node: FileNode, name: str) -> np.ndarray | None:
        """float32 [n]; None if it is absent."""
        value = node.attrs.get(name)
        if value is not None and (not isinstance(value, np.ndarray) or value.dtype.kind != "f"):
            self.fail(node, f"attribute '{name}' holds no real numbers")
        return value

    def axis(self, node: FileNode, axis: int, rank: int) -> int:
        """An axis counted from 0."""
        if not -rank <= axis < rank:
            self.fail(node, f"axis {axis}; expected one of {rank} axes")
        return axis % rank

    def axes_of(self, node: FileNode, k: int, since: int, rank: int) -> tuple[int, ...] | None:
        """Axes that are input k since an opset, an attribute before; None if neither is given."""
        given = self.attr_ints(node, "axes")
        if given is None and self.opset >= since and self.has(node, k):
            given = self.integers(node, k, "axes")
        return None if given is None else tuple(sorted({self.axis(node, a, rank) for a in given}))

    # ---- messages, results ----

    def at(self, node: FileNode) -> str:
        """The node's place, for messages."""
        name = f" '{node.name}'" if node.name else ""
        return f"{self.graph.source}: node {node.index} {node.op}{name}"

    def fail(self, node: FileNode, text: str) -> NoReturn:
        """ModelError at a node."""
        raise ModelError(f"{self.at(node)}: {text}")

    def thing(self, node: FileNode) -> Thing:
        """The node, for refusals."""
        names = ", ".join(f"'{n}'" for n in node.outputs[:8])
        op = f"{node.domain}.{node.op}" if node.domain else node.op
        return Thing(f"node {op}", node.index, f"-> {names}" if names else "")

    def define(self, node: FileNode, k: int, value: Value) -> None:
        """Output k of the node."""
        if k >= len(node.outputs):
            self.fail(node, f"output {k} is missing; it has {len(node.outputs)} outputs")
        name = node.outputs[k]
        if name in self.values:
            self.fail(node, f"makes '{name}', which has a value already (cycle or duplicate)")
        if name:
            self.values[name] = value

    def wants(self, node: FileNode, k: int) -> bool:
        """Whether anything reads output k."""
        return k < len(node.outputs) and bool(self.readers.get(node.outputs[k]) or node.outputs[k] in self.results)

    def sole_reader(self, node: FileNode, k: int = 0) -> FileNode | None:
        """The one node that reads output k, if nothing else does."""
        name = node.outputs[k] if k < len(node.outputs) else ""
        found = self.readers.get(name, [])
        return found[0] if len(found) == 1 and name not in self.results else None

    def tensor_value(self, t: FileTensor) -> Value:
        """A constant of the file."""
        raise NotImplementedError

    def step(self, node: FileNode) -> None:
        """Computes or translates one node: the walk's."""
        raise NotImplementedError

    def run_graph(self, graph: FileGraph) -> None:
        """Translates the nodes of a graph: the walk's."""
        raise NotImplementedError


def attr_tensor(node: FileNode, name: str) -> FileTensor | None:
    """An attribute that is a constant."""
    value: Any = node.attrs.get(name)
    return value if isinstance(value, FileTensor) else None


def broadcast(imp: Context, node: FileNode, values: Sequence[Value]) -> tuple[int, ...]:
    """The shape of operands that are aligned at the last axis."""
    try:
        return np.broadcast_shapes(*(v.shape for v in values))
    except ValueError:
        text = " and ".join(str(list(v.shape)) for v in values)
        imp.fail(node, f"operands {text} do not broadcast")
