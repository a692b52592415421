# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Damages .onnx files: fields of protobuf's messages, with the lengths around them made to fit, and bytes anywhere.

Nothing is parsed by the schema: bytes that can be a message are taken for one.
"""

from __future__ import annotations

import copy
import random
import struct

import numpy as np

Field = list  # [number, wire type, int | bytes | list of Fields]
NUMBERS = (0, 1, 2, 3, 7, 8, 13, 127, 128, 255, 65535, 2**24, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
FLOATS = (0.0, -1.0, 1e-45, 1e9, 3.4e38, float("inf"), float("-inf"), float("nan"))
DEPTH = 9


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
        shift += 7
    raise ValueError


def parse(data: bytes, depth: int = 0) -> list[Field]:
    """The fields of a message; ValueError if it is none."""
    at, fields = 0, []
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if not 0 < number < 64 or kind not in (0, 1, 2, 5):
            raise ValueError
        if kind == 0:
            value, at = _varint(data, at)
            fields.append([number, kind, value])
            continue
        size, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        raw = data[at : at + size]
        if len(raw) < size:
            raise ValueError
        at += size
        inner: bytes | list[Field] = raw
        if kind == 2 and depth < DEPTH and 1 < len(raw) < 4000:
            try:
                inner = parse(raw, depth + 1)
            except ValueError:
                inner = raw
        fields.append([number, kind, inner])
    return fields


def put(fields: list[Field]) -> bytes:
    """A message of fields."""
    made = bytearray()
    for number, kind, value in fields:
        made += _number(number << 3 | kind)
        if kind == 0:
            made += _number(value)
        else:
            raw = put(value) if isinstance(value, list) else bytes(value)
            made += (_number(len(raw)) if kind == 2 else b"") + raw
    return bytes(made)


def _number(value: int) -> bytes:
    made = bytearray()
    value &= 2**64 - 1
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def _lists(fields: list[Field]) -> list[list[Field]]:
    """All messages within a message, itself first."""
    found = [fields]
    for field in fields:
        if isinstance(field[2], list):
            found += _lists(field[2])
    return found


def _damage(fields: list[Field], rng: random.Random) -> None:
    """Changes one field somewhere."""
    lists = [m for m in _lists(fields) if m]
    message = rng.choice(lists[1:] or lists)
    i = rng.randrange(len(message))
    field, kind = message[i], rng.randrange(8)
    if kind == 0:
        del message[i]
    elif kind == 1:
        message.insert(rng.randrange(len(message) + 1), copy.deepcopy(field))
    elif kind == 2:
        other = rng.choice(lists)
        message[i] = copy.deepcopy(rng.choice(other))
    elif kind == 3:
        field[0] = rng.choice((1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, rng.randrange(1, 40)))
    elif kind == 4:
        a, b = rng.randrange(len(message)), rng.randrange(len(message))
        message[a], message[b] = message[b], message[a]
    elif field[1] == 0:
        field[2] = rng.choice((rng.choice(NUMBERS), field[2] + rng.choice((-1, 1)), field[2] * 2)) & 2**64 - 1
    elif field[1] == 5:
        field[2] = struct.pack("<f", rng.choice(FLOATS))
    elif isinstance(field[2], bytes) and field[2]:
        field[2] = _bytes(field[2], rng)


def _bytes(raw: bytes, rng: random.Random) -> bytes:
    data, kind = bytearray(raw), rng.randrange(5)
    at = rng.randrange(len(data))
    if kind == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        data += raw
    elif kind == 3 and len(data) >= 8:
        struct.pack_into("<q", data, at & ~7 if (at & ~7) + 8 <= len(data) else 0, rng.choice((-1, 0, 1, 2**31, 2**40)))
    else:
        data[at] = rng.choice((0, 1, 127, 128, 255))
    return bytes(data)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """One to four changes."""
    try:
        fields = parse(data)
    except ValueError:
        fields = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if fields and rng.random() < 0.85:
            _damage(fields, rng)
    broken = bytearray(put(fields) if fields else data)
    if rng.random() < 0.2 and broken:
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    if rng.random() < 0.03:
        del broken[rng.randrange(len(broken) + 1) :]
    return bytes(broken[: 2**16])


def seeds() -> list[tuple[str, bytes]]:
    """Small models, the smallest of some for each operator, and graphs."""
    from onnx_cases import MAKERS, case, graph
    from onnx_quantised import OPS, qdq

    found = []
    for op in MAKERS:
        made = [case(op, np.random.default_rng([seed, 7]))[0] for seed in range(6)]
        found.append((f"{op}.onnx", min(made, key=len)))
    found += [(f"{op}_qdq.onnx", qdq(op, np.random.default_rng([9, len(op)]))[0]) for op in OPS]
    found += [(f"graph{seed}.onnx", graph(np.random.default_rng([seed, 8]))[0]) for seed in range(12)]
    return found
