# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Damages flatbuffers where it hurts: offsets, vtables, lengths, numbers, and bytes anywhere.

    places = Places(data)
    broken = mutate(data, others, rng)

Nothing is parsed by the schema: words that can be offsets are taken for offsets, so that it works on damaged files too.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

WORDS = (0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 32767, 65535, 65536, 2**24, 2**28, 2**30, 2**31 - 1, 2**31, 2**32 - 1)
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e-30, 1e-9, 1e9, 3.4e38, float("inf"), float("-inf"), float("nan"))
LONGEST = 8192  # bytes; longer results are cut


class Places:
    """Positions in a flatbuffer: `tables`, `slots` (16-bit entries of vtables), `fields`, `offsets`, `lengths`."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.tables: list[int] = []
        self.slots: list[int] = []
        self.fields: list[int] = []
        self.offsets: list[int] = []
        self.lengths: list[int] = []
        words = struct.unpack_from(f"<{len(data) // 4}I", data)
        for i, word in enumerate(words):
            at = 4 * i
            if 4 <= word and at + word + 4 <= len(data):
                self.offsets.append(at)
                self.lengths.append(at + word)
            self._table(data, at, word - 2**32 if word >= 2**31 else word)

    def _table(self, data: bytes | bytearray, at: int, back: int) -> None:
        """Notes a table at `at` whose vtable lies `back` bytes before, if that makes sense."""
        vtable = at - back
        if back == 0 or vtable < 0 or vtable + 4 > len(data) or vtable % 2:
            return
        size, length = struct.unpack_from("<HH", data, vtable)
        if size < 4 or size > 64 or size % 2 or length < 4 or length > 256 or vtable + size > len(data):
            return
        slots = range(vtable + 4, vtable + size, 2)
        inside = [at + struct.unpack_from("<H", data, s)[0] for s in slots]
        if all(f < at + length and f < len(data) for f in inside):
            self.tables.append(at)
            self.slots.extend(slots)
            self.fields.extend(f for f in inside if f > at)


Damage = Callable[[bytearray, Places, list[bytes], random.Random], None]


def _put(data: bytearray, at: int, raw: bytes) -> None:
    if 0 <= at and at + len(raw) <= len(data):
        data[at : at + len(raw)] = raw


def _pick(rng: random.Random, places: list[int], data: bytearray) -> int:
    return rng.choice(places) if places else rng.randrange(max(len(data), 1))


def _word(rng: random.Random, data: bytearray) -> int:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(WORDS)
    if kind == 1:
        return rng.randrange(64)
    if kind == 2:
        return len(data) - rng.randrange(16) & 0xFFFFFFFF
    return rng.getrandbits(32)


def flip_bit(data: bytearray, _: Places, __: list[bytes], rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def put_byte(data: bytearray, places: Places, _: list[bytes], rng: random.Random) -> None:
    if data:
        data[min(_pick(rng, places.fields, data), len(data) - 1)] = rng.choice((0, 1, 2, 3, 4, 9, 17, 127, 128, 255))


def put_word(data: bytearray, places: Places, _: list[bytes], rng: random.Random) -> None:
    at = _pick(rng, rng.choice((places.fields, places.lengths, [])), data) & ~3
    _put(data, at, struct.pack("<I", _word(rng, data)))


def nudge_word(data: bytearray, places: Places, _: list[bytes], rng: random.Random) -> None:
    at = _pick(rng, rng.choice((places.fields, places.lengths, places.offsets, [])), data) & ~3
    if at + 4 <= len(data):
        word = struct.unpack_from("<I", data, at)[0] + rng.choice((-8, -4, -2, -1, 1, 2, 4, 8))
        _put(data, at, struct.pack("<I", word & 0xFFFFFFFF))


def put_element(data: bytearray, places: Places, _: list[bytes], rng: random.Random) -> None:
    """One of the first numbers of a vector: shapes, indices, scales."""
    at = _pick(rng, places.lengths, data) + 4 * rng.randint(1, 4)
    raw = struct.pack("<f", rng.choice(FLOATS)) if rng.random() < 0.3 else struct.pack("<I", _word(rng, data))
    _put(data, at, raw)


def put_length(data: bytearray, places: Places, _: list[bytes], rng: random.Random) -> None:
    at = _pick(rng, places.lengths, data)
    if at + 4 <= len(data):
        length = struct.unpack_from("<I", data, at)[0]
        new = rng.choice((0, 1, length - 1, length + 1, length * 2, length // 2, _word(rng, data)))
        _put(data, at, struct.pack("<I", new & 0xFFFFFFFF))


def put_slot(data: bytearray, places: Places, _: list[bytes], rng: random.Random) -> None:
    """A vtable's entry: absent, elsewhere in the table, or far out."""
    new = rng.choice((0, 4, 8, 12, 2 * rng.randrange(40), rng.getrandbits(16), 0xFFFF))
    _put(data, _pick(rng, places.slots, data), struct.pack("<H", new))


def redirect(data: bytearray, places: Places, _: list[bytes], rng: random.Random) -> None:
    """An offset that leads to another table or vector: shared, of another type, or cyclic."""
    at = _pick(rng, places.offsets, data) & ~3
    target = _pick(rng, rng.choice((places.tables, places.lengths)), data)
    _put(data, at, struct.pack("<I", target - at & 0xFFFFFFFF))


def copy_table(data: bytearray, places: Places, _: list[bytes], rng: random.Random) -> None:
    """A table takes another one's vtable."""
    a, b = _pick(rng, places.tables, data), _pick(rng, places.tables, data)
    if b + 4 <= len(data):
        vtable = b - struct.unpack_from("<i", data, b)[0]
        if -(2**31) <= a - vtable < 2**31:
            _put(data, a, struct.pack("<i", a - vtable))


def truncate(data: bytearray, _: Places, __: list[bytes], rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def remove(data: bytearray, _: Places, __: list[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.choice((1, 4, 8, 16, 64))]


def repeat(data: bytearray, _: Places, __: list[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = data[at : at + rng.choice((1, 4, 8, 16, 64))]


def splice(data: bytearray, _: Places, others: list[bytes], rng: random.Random) -> None:
    """A stretch of another file, at the same place or elsewhere."""
    other = rng.choice(others)
    begin = rng.randrange(max(len(other), 1)) & ~3
    piece = other[begin : begin + rng.choice((4, 8, 16, 32, 64, 256))]
    at = begin if rng.random() < 0.5 else rng.randrange(len(data) + 1) & ~3
    data[at : at + len(piece)] = piece


COMMON: tuple[Damage, ...] = (put_word, nudge_word, put_element, put_element, put_length, put_slot, redirect, put_byte)
RARE: tuple[Damage, ...] = (flip_bit, flip_bit, copy_table, truncate, remove, repeat, splice)


def mutate(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """`data` with one to four damages. others: files to take pieces from."""
    result = bytearray(data)
    places = Places(result)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice(COMMON if rng.random() < 0.75 else RARE)(result, places, others, rng)
    return bytes(result[:LONGEST])
