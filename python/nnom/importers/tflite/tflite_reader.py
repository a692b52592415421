# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Reads a .tflite flatbuffer into plain Python objects, trusting no byte of it.

The schema is the package `tflite` (accessor classes made by the FlatBuffers compiler; pure Python, 2 MB). Its accessors
do not verify offsets, so each object gets a `_CheckedTable` in place of flatbuffers' own: every offset, vector and
string is held against the file's length. The work is bounded too: a budget of field accesses proportional to the file's
size stops files whose vectors overlap to pretend more content than there are bytes.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import flatbuffers
import numpy as np
import tflite as schema

from ...errors import ModelError
from ..limits import MAX_STORED
from .tflite_options import OPTIONS

_MIN_TABLE_BYTES = 24  # table, vtable share and vectors of the smallest tensor or operator that a writer makes

DTYPES: dict[str, np.dtype] = {
    "FLOAT32": np.dtype("<f4"),
    "FLOAT16": np.dtype("<f2"),
    "FLOAT64": np.dtype("<f8"),
    "INT8": np.dtype("i1"),
    "UINT8": np.dtype("u1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "BOOL": np.dtype("?"),
}

_NO_OPTIONS = SimpleNamespace()

# flatbuffers: vtable of 4 bytes at 0 without fields, table at 4 that points back to it
_EMPTY_TABLE = struct.pack("<HHi", 4, 4, 4)


@dataclass(slots=True)
class FileQuant:
    """Quantisation as in the file. scale: float32 [1] or [channels]; zero_point: int64 of the same length.

    axis: of the channels. Nobody reads that of a bias, and files are around where it makes no sense: see `fits`.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether there is one scale, or one for each index of an axis of `shape`."""
        return len(self.scale) == 1 or (0 <= self.axis < len(shape) and shape[self.axis] == len(self.scale))


@dataclass(slots=True)
class FileTensor:
    """A tensor of the file. data: read-only view of the file [shape], None for activations."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    dynamic: tuple[int, ...]  # axes whose size the file leaves open
    quant: FileQuant | None
    data: np.ndarray | None
    variable: bool


@dataclass(slots=True)
class FileOperator:
    """An operator of the file; options by the schema's names."""

    index: int
    op: str
    inputs: tuple[int, ...]  # -1: an optional input that is absent
    outputs: tuple[int, ...]
    options: SimpleNamespace


@dataclass(slots=True)
class FileModel:
    """A subgraph of the file. once: of the first, the others that CALL_ONCE names, by their number."""

    source: str
    size: int
    tensors: list[FileTensor]
    operators: list[FileOperator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    once: dict[int, FileModel] = field(default_factory=dict)


class _CheckedTable(flatbuffers.table.Table):
    """flatbuffers' Table with every access held against the file's length."""

    __slots__ = ("reader",)

    def __init__(self, reader: _Reader, buf: bytes, pos: int) -> None:
        super().__init__(buf, pos)
        self.reader = reader

    def _need(self, start: int, count: int) -> None:
        if start < 0 or count < 0 or start + count > len(self.Bytes):
            self.reader.fail(f"points to bytes {start} to {start + count}, the file ends at {len(self.Bytes)}")

    def Get(self, flags: Any, off: int) -> Any:  # noqa: N802 (flatbuffers' names)
        self._need(off, flags.bytewidth)
        return flags.py_type(flags.packer_type.unpack_from(self.Bytes, off)[0])

    def _uoffset(self, off: int) -> int:
        self._need(off, 4)
        return int.from_bytes(self.Bytes[off : off + 4], "little")

    def Offset(self, vtable_offset: int) -> int:  # noqa: N802
        self.reader.spend(1)
        self._need(self.Pos, 4)
        vtable = self.Pos - struct.unpack_from("<i", self.Bytes, self.Pos)[0]
        self._need(vtable, 4)
        size = int.from_bytes(self.Bytes[vtable : vtable + 2], "little")
        self._need(vtable, size)
        if vtable_offset + 2 > size:
            return 0
        at = vtable + vtable_offset
        return int.from_bytes(self.Bytes[at : at + 2], "little")

    def Indirect(self, off: int) -> int:  # noqa: N802
        target = off + self._uoffset(off)
        self._need(target, 4)
        return target

    def String(self, off: int) -> bytes:  # noqa: N802
        start = self.Indirect(off)
        length = self._uoffset(start)
        self._need(start + 4, length)
        return self.Bytes[start + 4 : start + 4 + min(length, 200)]

    def VectorLen(self, off: int) -> int:  # noqa: N802
        start = self.Indirect(off + self.Pos)
        length = self._uoffset(start)
        self._need(start + 4, length)
        return length

    def Vector(self, off: int) -> int:  # noqa: N802
        return self.Indirect(off + self.Pos) + 4

    def Union(self, table: Any, off: int) -> None:  # noqa: N802
        table.Pos = self.Indirect(off + self.Pos)
        table.Bytes = self.Bytes

    def GetVectorAsNumpy(self, flags: Any, off: int) -> np.ndarray:  # noqa: N802
        dtype = np.dtype(flatbuffers.number_types.to_numpy_type(flags)).newbyteorder("<")
        start, length = self.Vector(off), self.VectorLen(off)
        self._need(start, length * dtype.itemsize)
        return np.frombuffer(self.Bytes, dtype, length, start)


class _Reader:
    def __init__(self, data: bytes, source: str) -> None:
        self.data = data
        self.source = source
        self.place = "header"
        self.budget = 1000 + 4 * len(data)

    def fail(self, what: str) -> None:
        raise ModelError(f"{self.source}: damaged .tflite file, {self.place}: {what}")

    def spend(self, steps: int) -> None:
        self.budget -= steps
        if self.budget < 0:
            self.fail("holds more references than a file of its size can (overlapping tables)")

    def checked(self, obj: Any) -> Any:
        """The same flatbuffers object, with verified access."""
        if obj is not None:
            obj._tab = _CheckedTable(self, obj._tab.Bytes, obj._tab.Pos)
        return obj

    def count(self, obj: Any, field: str, least: int) -> int:
        """Length of a vector of tables of at least `least` bytes each."""
        length = getattr(obj, field + "Length")()
        if length * least > len(self.data):
            self.fail(f"declares {length} {field.lower()} in a file of {len(self.data)} bytes")
        return length

    def child(self, obj: Any, field: str, index: int) -> Any:
        return self.checked(getattr(obj, field)(index))

    def numbers(self, obj: Any, field: str) -> np.ndarray:
        """A vector of numbers; empty if absent."""
        got = getattr(obj, field + "AsNumpy")()
        if isinstance(got, int):
            return np.zeros(0, np.int32)
        self.spend(len(got))
        return got

    def text(self, raw: bytes | None) -> str:
        if not raw:
            return ""
        text = raw.decode("utf-8", "replace")[:160]
        return "".join(c if c.isprintable() else "?" for c in text)

    def root(self) -> Any:
        if len(self.data) < 12:
            self.fail(f"{len(self.data)} bytes; expected a TensorFlow Lite model (flatbuffer with identifier TFL3)")
        if self.data[4:8] != b"TFL3":
            self.fail(f"identifier {self.data[4:8]!r}; expected b'TFL3', a TensorFlow Lite model")
        model = schema.Model()
        model.Init(self.data, int.from_bytes(self.data[:4], "little"))
        return self.checked(model)

    def buffers(self, model: Any) -> list[np.ndarray]:
        """Bytes of every buffer, as views."""
        out = []
        for i in range(self.count(model, "Buffers", 8)):
            self.place = f"buffer {i}"
            buffer = self.child(model, "Buffers", i)
            if buffer.Offset() > 1:  # behind the flatbuffer, as writers of large models place it
                out.append(self.behind(buffer.Offset(), buffer.Size()))
                continue
            got = buffer.DataAsNumpy()
            out.append(np.zeros(0, np.uint8) if isinstance(got, int) else got)
        return out

    def behind(self, offset: int, size: int) -> np.ndarray:
        """`size` bytes from byte `offset` of the file on."""
        if offset + size > len(self.data):
            self.fail(f"lies in bytes {offset} to {offset + size}, the file ends at {len(self.data)}")
        return np.frombuffer(self.data, np.uint8, size, offset)

    def quant(self, tensor: Any) -> FileQuant | None:
        q = self.checked(tensor.Quantization())
        if q is None or q.ScaleIsNone() or q.ScaleLength() == 0:
            return None
        scale = q.ScaleAsNumpy()
        zero = np.zeros(len(scale), np.int64) if q.ZeroPointIsNone() else q.ZeroPointAsNumpy()
        self.spend(len(scale) + len(zero))
        if len(zero) == 1 and len(scale) > 1:
            zero = np.broadcast_to(zero, scale.shape)
        if len(zero) != len(scale):
            self.fail(f"{len(scale)} scales but {len(zero)} zero points")
        if np.isposinf(scale).any():
            raise ModelError(
                f"{self.source}: {self.place} has scale inf: a layer that gave no usable values when the model was "
                "quantised; quantise it again with typical data, or without that layer"
            )
        if not np.all(np.isfinite(scale)) or np.any(scale < 0):
            self.fail(f"scale {float(scale[~(np.isfinite(scale) & (scale >= 0))][0])}; expected a positive number")
        return FileQuant(scale, zero, q.QuantizedDimension())

    def tensor(self, graph: Any, index: int, buffers: list[np.ndarray]) -> FileTensor:
        self.place = f"tensor {index}"
        t = self.child(graph, "Tensors", index)
        name = self.text(t.Name()) or f"tensor_{index}"
        self.place = f"tensor {index} '{name}'"
        raw_shape = self.numbers(t, "Shape")
        if len(raw_shape) > 16 or np.any(raw_shape < 0) or math.prod(raw_shape.tolist()) > MAX_STORED:
            self.fail(f"shape {[int(n) for n in raw_shape[:16]]}; expected up to {MAX_STORED} elements")
        shape = tuple(raw_shape.tolist())
        signature = self.numbers(t, "ShapeSignature")
        dynamic = tuple(i for i, n in enumerate(signature[:16]) if n < 0)
        dtype = ("" if t.Sparsity() is None else "sparse ") + _enum(schema.TensorType, t.Type())
        data = self.constant(t, shape, dtype, buffers)
        return FileTensor(index, name, shape, dtype, dynamic, self.quant(t), data, t.IsVariable())

    def constant(self, t: Any, shape: tuple[int, ...], dtype: str, buffers: list[np.ndarray]) -> np.ndarray | None:
        number = t.Buffer()
        if number >= len(buffers):
            self.fail(f"uses buffer {number}; the file has {len(buffers)}")
        raw = buffers[number]
        if raw.size == 0 or number == 0:
            return np.zeros(shape, DTYPES[dtype]) if number and 0 in shape and dtype in DTYPES else None
        if dtype == "INT4":
            return self.nibbles(raw, shape)
        if dtype not in DTYPES:
            return raw
        want = math.prod(shape) * DTYPES[dtype].itemsize
        if raw.size != want:
            self.fail(f"shape {list(shape)} of {dtype} needs {want} bytes, buffer {number} holds {raw.size}")
        return raw.view(DTYPES[dtype]).reshape(shape)

    def nibbles(self, raw: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Numbers of 4 bits as int8 [shape]: two in a byte, the lower half first."""
        count = math.prod(shape)
        if raw.size != (count + 1) // 2:
            self.fail(f"shape {list(shape)} of INT4 needs {(count + 1) // 2} bytes, its buffer holds {raw.size}")
        both = np.stack([raw & 15, raw >> 4], axis=1).reshape(-1)[:count]
        return ((both ^ 8).astype(np.int8) - 8).reshape(shape)

    def opcode(self, model: Any, index: int) -> str:
        self.place = f"operator code {index}"
        code = self.child(model, "OperatorCodes", index)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = _enum(schema.BuiltinOperator, number)
        return f"CUSTOM '{self.text(code.CustomCode())}'" if name == "CUSTOM" else name

    def operator(self, graph: Any, index: int, codes: list[str], tensors: int) -> FileOperator:
        self.place = f"operator {index}"
        o = self.child(graph, "Operators", index)
        if o.OpcodeIndex() >= len(codes):
            self.fail(f"uses operator code {o.OpcodeIndex()}; the file has {len(codes)}")
        op = codes[o.OpcodeIndex()]
        self.place = f"operator {index} {op}"
        inputs = self.indices(o, "Inputs", tensors, least=-1)
        outputs = self.indices(o, "Outputs", tensors)
        return FileOperator(index, op, inputs, outputs, self.options(o, op))

    def options(self, o: Any, op: str) -> SimpleNamespace:
        """The operator's options, the schema's defaults where the file has none."""
        if op not in OPTIONS:
            return _NO_OPTIONS
        table, fields = OPTIONS[op]
        view = getattr(schema, table)()
        union = o.BuiltinOptions()
        kind = o.BuiltinOptionsType()
        if union is None or kind == 0:
            view.Init(_EMPTY_TABLE, 4)
        elif kind != getattr(schema.BuiltinOptions, table):
            self.fail(f"options of type {_enum(schema.BuiltinOptions, kind)}; expected {table}")
        else:
            view.Init(union.Bytes, union.Pos)
        self.checked(view)
        values = {}
        for f in fields:
            if f.endswith("[]"):
                values[f[:-2]] = tuple(int(n) for n in self.numbers(view, f[:-2]))
            else:
                values[f] = getattr(view, f)()
        return SimpleNamespace(**values)

    def indices(self, obj: Any, field: str, tensors: int, least: int = 0) -> tuple[int, ...]:
        got = tuple(self.numbers(obj, field).tolist())
        for n in got:
            if not least <= n < tensors:
                self.fail(f"{field.lower()} name tensor {n}; the file has {tensors}")
        return got

    def read(self) -> FileModel:
        model = self.root()
        count = self.count(model, "Subgraphs", _MIN_TABLE_BYTES)
        if count < 1:
            self.fail("no subgraph; expected a model with one")
        buffers = self.buffers(model)
        codes = [self.opcode(model, i) for i in range(self.count(model, "OperatorCodes", 8))]
        first = self.subgraph(model, 0, buffers, codes)
        for o in (o for o in first.operators if o.op == "CALL_ONCE"):
            number = o.options.InitSubgraphIndex
            if not 1 <= number < count:
                self.place = f"operator {o.index} {o.op}"
                self.fail(f"calls subgraph {number}; expected one from 1 to {count - 1}")
            if number not in first.once:
                first.once[number] = self.subgraph(model, number, buffers, codes)
        return first

    def subgraph(self, model: Any, number: int, buffers: list[np.ndarray], codes: list[str]) -> FileModel:
        self.place = place = f"subgraph {number}"
        graph = self.child(model, "Subgraphs", number)
        n_tensors = self.count(graph, "Tensors", _MIN_TABLE_BYTES)
        tensors = [self.tensor(graph, i, buffers) for i in range(n_tensors)]
        self.place = place
        n_ops = self.count(graph, "Operators", _MIN_TABLE_BYTES)
        operators = [self.operator(graph, i, codes, n_tensors) for i in range(n_ops)]
        self.place = place
        inputs, outputs = (self.indices(graph, f, n_tensors) for f in ("Inputs", "Outputs"))
        return FileModel(self.source, len(self.data), tensors, operators, inputs, outputs)


def _enum(cls: Any, number: int) -> str:
    """Name of a number of one of the schema's enumerations."""
    names = _NAMES.get(cls)
    if names is None:
        names = _NAMES[cls] = {v: k for k, v in vars(cls).items() if isinstance(v, int)}
    return names.get(number, f"number {number}")


_NAMES: dict[Any, dict[int, str]] = {}


def read_model(data: bytes, source: str) -> FileModel:
    """Parses and verifies `data`. Errors: ModelError naming `source` and the place in the file."""
    reader = _Reader(data, source)
    try:
        return reader.read()
    except (struct.error, IndexError, ValueError, TypeError, OverflowError, UnicodeDecodeError, AssertionError) as e:
        raise ModelError(f"{source}: damaged .tflite file, {reader.place}: {e}") from e
