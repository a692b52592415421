# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Reads an ONNX file into plain objects: what the messages of onnx.proto hold that NNoM needs.

Arrays stay views of the file's bytes until someone asks for their numbers (onnx_arrays.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..limits import MAX_LAYERS, MAX_STORED
from .onnx_wire import BYTES, Field, Wire

OLDEST, NEWEST = 7, 23  # of opsets
MAX_AXES = 32
MAX_DEPTH = 8  # of graphs in graphs
MAX_LIST = 2**16  # numbers of an attribute, names of a node
NAMELESS = ("", "ai.onnx")  # the two names of ONNX's own domain

FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT32, UINT64 = range(1, 14)
BFLOAT16 = 16
TYPES = {
    FLOAT: "float32", UINT8: "uint8", INT8: "int8", UINT16: "uint16", INT16: "int16", INT32: "int32", INT64: "int64",
    STRING: "string", BOOL: "bool", FLOAT16: "float16", DOUBLE: "float64", UINT32: "uint32", UINT64: "uint64",
    14: "complex64", 15: "complex128", BFLOAT16: "bfloat16", 17: "float8e4m3fn", 18: "float8e4m3fnuz",
    19: "float8e5m2", 20: "float8e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4e2m1",
}  # fmt: skip


@dataclass(slots=True)
class FileTensor:
    """A constant. raw: its bytes, little endian; numbers: those of a typed field instead; outside: where they are."""

    name: str = ""
    shape: tuple[int, ...] = ()
    dtype: int = 0
    raw: memoryview | None = None
    numbers: np.ndarray | None = None
    outside: dict[str, str] | None = None

    @property
    def elements(self) -> int:
        """How many numbers it should hold."""
        return math.prod(self.shape)


@dataclass(slots=True)
class FileValue:
    """An input or output. shape: a number, the name of an open axis, or "" for each axis; None: nothing is said."""

    name: str = ""
    dtype: int = 0
    shape: tuple[int | str, ...] | None = None
    kind: str = "tensor"


@dataclass(slots=True)
class FileNode:
    """A node. index: in its graph. attrs: int, float, bytes, array, FileTensor, FileGraph, or a list of bytes."""

    op: str = ""
    domain: str = ""
    name: str = ""
    index: int = 0
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class FileGraph:
    """Nodes, constants, inputs and outputs."""

    nodes: list[FileNode] = field(default_factory=list)
    constants: list[FileTensor] = field(default_factory=list)
    inputs: list[FileValue] = field(default_factory=list)
    outputs: list[FileValue] = field(default_factory=list)
    sparse: int = 0


@dataclass(slots=True)
class FileModel:
    """A file. opsets: version by domain. folder: where constants outside the file may be; None: nowhere."""

    source: str
    size: int
    folder: Path | None
    graph: FileGraph
    opsets: dict[str, int]


class Reader(Wire):
    """Reads one file."""

    def __init__(self, data: bytes, source: str):
        super().__init__(data, source)
        self.nodes = 0
        self.depth = 0

    def model(self, folder: Path | None) -> FileModel:
        """ModelProto."""
        graph, opsets, version = None, dict[str, int](), 0
        for f in self.fields(self.data):
            if f[0] == 1:
                version = self.whole(f)
            elif f[0] == 7:
                if graph is not None:
                    self.fail("two graphs; expected one")
                graph = self.graph(self.message(f))
                self.place = "the model"
            elif f[0] == 8 and len(opsets) < 64:
                domain, number = self.opset(self.message(f))
                opsets[domain] = max(number, opsets.get(domain, 0))
            elif f[0] == 25:
                self.fail("functions of its own; export the model with the operators written out")
        if graph is None:
            self.fail("no graph; expected a model with one")
        if not 1 <= version <= 2**16 or not opsets:
            self.fail(f"ir version {version}, {len(opsets)} opsets; expected both, the file was cut short")
        return FileModel(self.source, len(self.data), folder, graph, opsets)

    def opset(self, data: memoryview) -> tuple[str, int]:
        """OperatorSetIdProto."""
        domain, number = "", 0
        for f in self.fields(data):
            if f[0] == 1:
                domain = self.text(f)
            elif f[0] == 2:
                number = self.whole(f)
        return domain_of(domain), number

    def graph(self, data: memoryview) -> FileGraph:
        """GraphProto."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"graphs nested more than {MAX_DEPTH} deep")
        graph = FileGraph()
        for f in self.fields(data):
            self.place = "the graph"
            if f[0] == 1:
                self.count("node")
                graph.nodes.append(self.node(self.message(f), len(graph.nodes)))
            elif f[0] == 5:
                self.count("constant")
                graph.constants.append(self.tensor(self.message(f), f"constant {len(graph.constants)}"))
            elif f[0] in (11, 12):
                ends = graph.inputs if f[0] == 11 else graph.outputs
                self.count("input or output")
                self.place = f"{'input' if f[0] == 11 else 'output'} {len(ends)}"
                ends.append(self.value(self.message(f)))
            elif f[0] == 15:
                graph.sparse += 1
        self.depth -= 1
        return graph

    def count(self, what: str) -> None:
        """Fails if the file has more parts than any model for a microcontroller."""
        self.nodes += 1
        if self.nodes > min(4 * MAX_LAYERS, 4096 + len(self.data) // 64):
            self.fail(f"{what} {self.nodes} of a file of {len(self.data)} bytes: too many")

    def node(self, data: memoryview, index: int) -> FileNode:
        """NodeProto."""
        node = FileNode(index=index)
        self.place = f"node {index}"
        for f in self.fields(data):
            if f[0] in (1, 2):
                names = node.inputs if f[0] == 1 else node.outputs
                names.append(self.text(f))
                if len(names) > MAX_LIST:
                    self.fail(f"more than {MAX_LIST} inputs or outputs")
            elif f[0] == 3:
                node.name = self.text(f)
            elif f[0] == 4:
                node.op = self.text(f)
                self.place = f"node {index} {node.op}"
            elif f[0] == 5:
                self.count("attribute")
                name, value = self.attribute(self.message(f), f"node {index} {node.op}")
                node.attrs[name] = value
            elif f[0] == 7:
                node.domain = domain_of(self.text(f))
        if not node.op:
            self.fail("no operator's name")
        return node

    def attribute(self, data: memoryview, place: str) -> tuple[str, Any]:
        """AttributeProto: (name, value)."""
        name, arrays, texts, total = "", list[np.ndarray](), list[bytes](), 0
        value: Any = None
        for f in self.fields(data):
            number = f[0]
            if number == 1:
                name = self.text(f)
                self.place = f"{place}, attribute '{name}'"
            elif number == 2:
                value = self.real(f)
            elif number == 3:
                value = self.whole(f)
            elif number == 4:
                value = bytes(self.message(f))
            elif number == 5:
                value = self.tensor(self.message(f), f"{place}, attribute '{name}'")
            elif number == 6:
                value = self.graph(self.message(f))
                self.place = place
            elif number in (7, 8):
                arrays.append(self.fixed(f, "<f4") if number == 7 else self.wholes(f))
                total += len(arrays[-1])
                if total > MAX_LIST or len(arrays) > MAX_LIST:
                    self.fail(f"more than {MAX_LIST} numbers")
            elif number == 9:
                texts.append(bytes(self.message(f)))
                if len(texts) > MAX_LIST:
                    self.fail(f"more than {MAX_LIST} texts")
        if arrays:
            value = np.concatenate(arrays)
        elif texts:
            value = texts
        return name, value

    def value(self, data: memoryview) -> FileValue:
        """ValueInfoProto."""
        value = FileValue()
        for f in self.fields(data):
            if f[0] == 1:
                value.name = self.text(f)
            elif f[0] == 2:
                for kind in self.fields(self.message(f)):
                    if kind[0] == 1:
                        self.tensor_type(self.message(kind), value)
                    elif kind[1] == BYTES:
                        value.kind = {4: "sequence", 5: "map", 8: "sparse tensor", 9: "optional"}.get(kind[0], "type")
        return value

    def tensor_type(self, data: memoryview, value: FileValue) -> None:
        """TypeProto.Tensor."""
        for f in self.fields(data):
            if f[0] == 1:
                value.dtype = self.whole(f)
            elif f[0] == 2:
                shape: list[int | str] = []
                for axis in self.fields(self.message(f)):
                    if axis[0] == 1:
                        shape.append(self.side(self.message(axis)))
                        if len(shape) > MAX_AXES:
                            self.fail(f"more than {MAX_AXES} axes")
                value.shape = tuple(shape)

    def side(self, data: memoryview) -> int | str:
        """TensorShapeProto.Dimension."""
        side: int | str = ""
        for f in self.fields(data):
            if f[0] == 1:
                side = self.whole(f)
            elif f[0] == 2:
                side = self.text(f)
        return side

    def tensor(self, data: memoryview, place: str) -> FileTensor:
        """TensorProto."""
        self.place = place
        t, shape, parts = FileTensor(), [np.empty(0, np.int64)], list[np.ndarray]()
        outside, location = dict[str, str](), 0
        for f in self.fields(data):
            number = f[0]
            if number == 1:
                shape.append(self.wholes(f))
                if len(shape) > MAX_AXES or len(shape[-1]) > MAX_AXES:
                    self.fail(f"more than {MAX_AXES} axes")
            elif number == 2:
                t.dtype = self.whole(f)
            elif number == 8:
                t.name = self.text(f)
                self.place = f"{place} '{t.name}'"
            elif number == 9:
                t.raw = self.message(f)
            elif number in (4, 5, 7, 10, 11):
                parts.append(self.numbers(f))
                if len(parts) > MAX_LIST:
                    self.fail("numbers that are not packed; save the model again with a current onnx package")
            elif number == 13:
                key, text = self.pair(self.message(f))
                if len(outside) < 16:
                    outside[key] = text
            elif number == 14:
                location = self.whole(f)
        t.shape = tuple(int(n) for n in np.concatenate(shape))
        t.outside = outside if location == 1 else None
        if parts:
            t.numbers = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if t.dtype not in TYPES:
            self.fail(f"element type {t.dtype}; expected one of ONNX's")
        if min(t.shape, default=0) < 0 or t.elements > MAX_STORED:
            self.fail(f"shape {list(t.shape)}; expected sides of 0 or more, at most {MAX_STORED} elements")
        return t

    def numbers(self, f: Field) -> np.ndarray:
        """One of TensorProto's typed fields."""
        if f[0] == 4:
            return self.fixed(f, "<f4")
        return self.fixed(f, "<f8") if f[0] == 10 else self.wholes(f)

    def pair(self, data: memoryview) -> tuple[str, str]:
        """StringStringEntryProto."""
        key = text = ""
        for f in self.fields(data):
            if f[0] == 1:
                key = self.text(f)
            elif f[0] == 2:
                text = self.text(f)
        return key, text


def domain_of(name: str) -> str:
    """The domain's name, that of ONNX itself as ""."""
    return "" if name in NAMELESS else name


def read_model(data: bytes, source: str, folder: Path | None) -> FileModel:
    """Parses and verifies `data`. Errors: ModelError naming `source` and the place in the file."""
    return Reader(data, source).model(folder)
