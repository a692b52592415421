# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The wire format of protobuf, read within bounds: fields of a message, one after the other, nothing copied.

A message is a sequence of fields: a key (number << 3 | wire type, a varint), then a varint, 8 bytes, a length with as
many bytes, or 4 bytes. What the bytes mean is in onnx_reader.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NoReturn

import numpy as np

from ...errors import ModelError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_CHUNK = 1 << 14  # bytes of packed varints that are decoded at once
_WIDTHS = {FIXED64: 8, FIXED32: 4}

Field = tuple[int, int, "int | memoryview"]  # number, wire type, value


class Wire:
    """A file's bytes. place: what is being read, for messages; whoever reads sets it."""

    def __init__(self, data: bytes, source: str):
        self.data = memoryview(data)
        self.source = source
        self.place = "the model"

    def fail(self, text: str) -> NoReturn:
        """ModelError with file and place."""
        raise ModelError(f"{self.source}: damaged ONNX file, {self.place}: {text}")

    def varint(self, data: memoryview, at: int) -> tuple[int, int]:
        """(unsigned number of up to 64 bits, position behind it)."""
        value = shift = 0
        while True:
            if at >= len(data):
                self.fail("ends within a number; it was cut short")
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 63:
                self.fail("a number of more than 10 bytes")
        return value & 0xFFFFFFFFFFFFFFFF, at

    def fields(self, data: memoryview) -> Iterator[Field]:
        """The fields of one message."""
        at, end = 0, len(data)
        while at < end:
            key, at = self.varint(data, at)
            number, kind = key >> 3, key & 7
            if number == 0 or number >= 1 << 29:
                self.fail(f"field number {number}; expected 1 to 2^29 - 1")
            if kind == VARINT:
                value, at = self.varint(data, at)
                yield number, kind, value
                continue
            if kind == BYTES:
                size, at = self.varint(data, at)
            elif kind in _WIDTHS:
                size = _WIDTHS[kind]
            else:
                self.fail(f"field {number} has wire type {kind}; expected 0, 1, 2 or 5")
            if size > end - at:
                self.fail(f"field {number} has {size} bytes, {end - at} are left; the file was cut short")
            yield number, kind, data[at : at + size]
            at += size

    def whole(self, field: Field) -> int:
        """The signed 64-bit number of a field."""
        number, kind, value = field
        if not isinstance(value, int):
            self.fail(f"field {number} has wire type {kind}; expected a number")
        return signed(value)

    def message(self, field: Field) -> memoryview:
        """The bytes of a field."""
        number, kind, value = field
        if kind != BYTES or isinstance(value, int):
            self.fail(f"field {number} has wire type {kind}; expected bytes")
        return value

    def text(self, field: Field) -> str:
        """The text of a field."""
        raw = self.message(field)
        try:
            return str(raw, "utf-8")
        except UnicodeDecodeError:
            self.fail(f"field {field[0]} is no UTF-8 text")

    def real(self, field: Field) -> float:
        """The 32-bit float of a field."""
        number, kind, value = field
        if kind != FIXED32 or isinstance(value, int):
            self.fail(f"field {number} has wire type {kind}; expected a float")
        return float(struct.unpack("<f", value)[0])

    def wholes(self, field: Field) -> np.ndarray:
        """int64 [n]: of a repeated field of varints, packed or not."""
        if field[1] == VARINT:
            return np.array([self.whole(field)], np.int64)
        data = self.message(field)
        if len(data) and data[-1] >= 128:
            self.fail("ends within a number; it was cut short")
        count = sum(
            int(np.count_nonzero(np.frombuffer(data[i : i + _CHUNK], np.uint8) < 128))
            for i in range(0, len(data), _CHUNK)
        )
        made, at, done = np.empty(count, np.int64), 0, 0
        while at < len(data):
            part = np.frombuffer(data[at : at + _CHUNK], np.uint8)
            ends = np.flatnonzero(part < 128)
            if not len(ends):
                self.fail("a number of more than 10 bytes")
            got = self._decoded(part[: ends[-1] + 1], ends)
            made[done : done + len(got)] = got
            done += len(got)
            at += int(ends[-1]) + 1
        return made

    def _decoded(self, part: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Packed varints uint8 [n], the last bytes of which are at `ends`."""
        starts = np.concatenate(([0], ends[:-1] + 1))
        longest = int((ends - starts).max()) + 1
        if longest > 10:
            self.fail("a number of more than 10 bytes")
        values = np.zeros(len(ends), np.uint64)
        for i in range(longest):
            has = starts + i <= ends
            byte = part[np.minimum(starts + i, ends)].astype(np.uint64) & np.uint64(127)
            values |= np.where(has, byte << np.uint64(7 * i), np.uint64(0))
        return values.view(np.int64)

    def fixed(self, field: Field, dtype: str) -> np.ndarray:
        """Numbers of 4 or 8 bytes [n]: of a repeated field, packed or not."""
        number, kind, value = field
        size = np.dtype(dtype).itemsize
        if isinstance(value, int) or (kind != BYTES and _WIDTHS[kind] != size) or len(value) % size:
            self.fail(f"field {number} does not hold numbers of {size} bytes")
        return np.frombuffer(value, dtype)


def signed(value: int) -> int:
    """An unsigned 64-bit number as the signed one of the same bits."""
    return value - (1 << 64) if value >> 63 else value
