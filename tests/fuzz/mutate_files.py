# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Damages .keras, .h5, .npy and .npz files where it hurts: messages of HDF5, values of JSON, members of archives.

SEEDS[kind](): (name, bytes) of sound and hostile files. MUTATORS[kind](data, rng): the file with some damages.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import h5py
import hostile
import mutate_onnx
from mutate import WORDS

Seed = tuple[str, bytes]
_LONGS = (*WORDS, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
_SIGNS = (b"OHDR", b"SNOD", b"TREE", b"HEAP", b"GCOL", b"FRHP", b"FHDB", b"BTHD", b"OCHK", b"\x89HDF")


# ---- bytes ----


def _put(data: bytearray, at: int, raw: bytes) -> None:
    if 0 <= at and at + len(raw) <= len(data):
        data[at : at + len(raw)] = raw


def damage_bytes(data: bytearray, rng: random.Random) -> None:
    """One damage anywhere."""
    at, kind = rng.randrange(len(data) + 1), rng.randrange(6)
    if kind == 0:
        del data[at:]
    elif kind == 1:
        del data[at : at + rng.choice((1, 4, 8, 64))]
    elif kind == 2:
        data[at:at] = data[at : at + rng.choice((1, 8, 64))]
    elif kind == 3:
        _put(data, at & ~7, struct.pack("<Q", rng.choice(_LONGS) & 2**64 - 1))
    elif at < len(data):
        data[at] ^= 1 << rng.randrange(8)


# ---- HDF5 ----


def messages(data: bytes | bytearray) -> list[int]:
    """Where a message of an object header may begin (version 1: type, size, flags, three zeros)."""
    found = []
    for at in range(0, len(data) - 16, 8):
        kind, size, flags, zero = struct.unpack_from("<HHBH", data, at)
        if kind <= 0x18 and 0 < size <= 4096 and size % 8 == 0 and flags < 64 and zero == 0 and data[at + 7] == 0:
            found.append(at)
    return found


def _message(data: bytearray, rng: random.Random) -> None:
    """One message: its type, its size, or what it says (types, shapes, layouts, filters, links)."""
    places = messages(data)
    if not places:
        return
    at = rng.choice(places)
    size = struct.unpack_from("<H", data, at + 2)[0]
    kind = rng.randrange(6)
    if kind == 0:
        _put(data, at, struct.pack("<H", rng.randrange(0x19)))
    elif kind == 1:
        _put(data, at + 2, struct.pack("<H", rng.choice((0, 8, size + 8, size - 8, 0xFFF8)) & 0xFFFF))
    elif kind == 2:
        _put(data, at + 8 + rng.randrange(size), bytes([rng.choice((0, 1, 2, 3, 4, 8, 127, 128, 255))]))
    elif kind == 3:
        other = rng.choice(places)
        data[at + 8 : at + 8 + size] = (bytes(data[other + 8 : other + 8 + size]) + bytes(size))[:size]
    else:
        _put(data, at + 8 + (rng.randrange(size) & ~3), struct.pack("<Q", rng.choice(_LONGS) & 2**64 - 1))


def _node(data: bytearray, rng: random.Random) -> None:
    """A word of a tree, a heap or the superblock."""
    places = [i for sign in _SIGNS for i in _all(data, sign)]
    if places:
        at = rng.choice(places) + 4 + rng.randrange(0, 96, 4)
        target = rng.choice((rng.choice(places), rng.randrange(len(data)) & ~7, rng.choice(_LONGS)))
        _put(data, at, struct.pack("<Q", target & 2**64 - 1)[: rng.choice((2, 4, 8))])


def _all(data: bytearray, sign: bytes) -> list[int]:
    found, at = [], data.find(sign)
    while at >= 0:
        found.append(at)
        at = data.find(sign, at + 1)
    return found


def _config_of(data: bytearray, rng: random.Random) -> None:
    """The JSON in a .h5 file's attribute, written anew."""
    try:
        with h5py.File(io.BytesIO(bytes(data)), "r") as file:
            text = file.attrs["model_config"]
        data[:] = hostile.legacy(config=damage_json(text.encode(), rng))
    except Exception:  # a file that is damaged already
        _message(data, rng)


def damage_hdf5(data: bytes, rng: random.Random) -> bytes:
    """One to four damages of an HDF5 file."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice((_message, _message, _message, _node, _node, damage_bytes))(result, rng)
    return bytes(result)


def damage_legacy(data: bytes, rng: random.Random) -> bytes:
    """The same of a .h5 file, or its configuration."""
    if rng.random() < 0.35:
        result = bytearray(data)
        _config_of(result, rng)
        return bytes(result)
    return damage_hdf5(data, rng)


# ---- JSON ----

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 2**31, 2**63, 2**70, 1e308, float("nan"), float("inf"), "", "relu", "same",
    "x", "\x1b]0;x\x07", "a" * 3000, [], {}, [None], [[]], [0, 0], [2, 2], [1, 2, 3], ["x", 0, 0],
    {"class_name": "Dense"}, {"class_name": "Lambda", "config": {}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}},
    "Dense", "Conv2D", "Conv1D", "Flatten", "Reshape", "Softmax", "BatchNormalization", "Sequential", "Functional",
    "Activation", "PReLU", "Add", "Concatenate", "MaxPooling2D", "Permute", "Normalization", "channels_first",
)  # fmt: skip


def damage_json(text: bytes, rng: random.Random) -> bytes:
    """One to three values replaced, removed, doubled or exchanged; sometimes the text itself."""
    if rng.random() < 0.05:
        result = bytearray(text)
        damage_bytes(result, rng)
        return bytes(result)
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = _places(tree)
        if places:
            _damage_value(*rng.choice(places), rng.choice(places), rng)
    try:
        return json.dumps(tree).encode()
    except (ValueError, RecursionError):
        return text


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """(list or object, index or key) of up to 5,000 values."""
    found, pending = [], [tree]
    while pending and len(found) < 5000:
        value = pending.pop()
        keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        found += [(value, k) for k in keys]
        pending += [value[k] for k in keys]
    return found


def _damage_value(owner: Any, key: Any, other: tuple[Any, Any], rng: random.Random) -> None:
    """Never an object put into itself: what comes from elsewhere is copied."""
    kind = rng.randrange(6)
    if isinstance(owner, list) and not -len(owner) <= key < len(owner) or isinstance(owner, dict) and key not in owner:
        return
    if kind == 0:
        del owner[key]
    elif kind == 1 and isinstance(owner, list):
        owner.insert(key, json.loads(json.dumps(owner[key])))
    elif kind == 2 and (isinstance(other[0], dict) and other[1] in other[0]):
        owner[key] = json.loads(json.dumps(other[0][other[1]]))
    elif kind == 3 and isinstance(owner[key], int):
        owner[key] += rng.choice((-2, -1, 1, 2, 1000))
    else:
        owner[key] = json.loads(json.dumps(rng.choice(_VALUES)))


# ---- archives ----


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        return {n: z.open(n).read(2**18) for n in z.namelist()[:20]}


def _zip(members: dict[str, bytes], rng: random.Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as z:
        for name, data in members.items():
            z.writestr(name, data)
    return file.getvalue()


def _damage_members(members: dict[str, bytes], rng: random.Random) -> None:
    if not members:
        return
    name, other = rng.choice(list(members)), rng.choice(list(members))
    kind = rng.randrange(4)
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[rng.choice((name + "x", "../" + name, "config.json", "model.weights.h5"))] = members[name]
    elif kind == 2:
        members[name] = members[other]
    else:
        members[name] = rng.choice((b"", bytes(2**16), b"null", b"[]", members[name] * 2))


def _headers(data: bytearray, rng: random.Random) -> None:
    """A word of the archive's own tables: sizes, methods, flags, offsets."""
    places = [i for sign in (b"PK\1\2", b"PK\3\4", b"PK\5\6") for i in _all(data, sign)]
    if places:
        raw = struct.pack("<I", rng.choice(WORDS))[: rng.choice((1, 2, 4))]
        _put(data, rng.choice(places) + 4 + rng.randrange(0, 42, 2), raw)


def _archive(data: bytes, rng: random.Random, inside: Callable[[str, bytes], bytes]) -> bytes:
    """A member, the set of members, the archive's tables, or bytes anywhere."""
    kind = rng.random()
    try:
        members = _members(data) if kind < 0.85 else {}
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, EOFError, RuntimeError, NotImplementedError, zlib.error):
        members, kind = {}, 1.0
    if kind < 0.75 and members:
        name = rng.choice(list(members))
        members[name] = inside(name, members[name])
    elif kind < 0.85:
        _damage_members(members, rng)
    if kind < 0.85:
        return _zip(members, rng)
    result = bytearray(data)
    rng.choice((_headers, _headers, damage_bytes))(result, rng)
    return bytes(result)


def damage_keras(data: bytes, rng: random.Random) -> bytes:
    """A .keras file."""

    def inside(name: str, member: bytes) -> bytes:
        return damage_json(member, rng) if name.endswith("json") else damage_hdf5(member, rng)

    return _archive(data, rng, inside)


# ---- .npy, .npz ----

_PIECES = (
    b"<f4", b">f8", b"|O", b"<U4", b"|V8", b"<i8", b"|b1", b"True", b"False", b"-1", b"99999999999", b"()", b"(,)",
    b"(0,)", b"(3,)", b"'descr'", b"[('a','<f4')]", b"{", b"}", b"((", b"None", b"1e9", b"'",
)  # fmt: skip


def damage_npy(data: bytes, rng: random.Random) -> bytes:
    """The header's words and length, or bytes anywhere."""
    result, kind = bytearray(data), rng.randrange(4)
    end = min(len(result), 128)
    if kind <= 1 and end > 10:
        at = rng.randrange(10, end)
        piece = rng.choice(_PIECES)
        if kind:
            result[at : at + len(piece)] = piece
        else:
            result[at:at] = piece
            del result[end - 1 : end - 1 + len(piece)]
    elif kind == 2:
        _put(result, rng.choice((6, 7, 8, 9)), bytes([rng.choice((0, 1, 2, 3, 118, 255))]))
    else:
        damage_bytes(result, rng)
    return bytes(result)


def damage_data(data: bytes, rng: random.Random) -> bytes:
    """A .npy or a .npz file."""
    if data.startswith(b"PK"):
        return _archive(data, rng, lambda _, member: damage_npy(member, rng))
    return damage_npy(data, rng)


# ---- seeds ----


def _functional() -> dict[str, Any]:
    return hostile.nested_twice(2)


def _picture() -> dict[str, Any]:
    def layer(cls: str, **config: Any) -> dict[str, Any]:
        config["name"] = cls.lower()
        return {"class_name": cls, "module": "keras.layers", "registered_name": None, "config": config}

    pool = layer("MaxPooling2D", pool_size=[2, 2], padding="valid", strides=[2, 2], data_format="channels_last")
    layers = [layer("ReLU", max_value=6.0), layer("ZeroPadding2D", padding=[[1, 1], [0, 1]]), pool, layer("Flatten")]
    more = [layer("Reshape", target_shape=[-1, 3]), layer("Permute", dims=[2, 1]), layer("Softmax", axis=-1)]
    return hostile.sequential([hostile.front(shape=(6, 5, 3)), *layers, *more])


def _hdf5_seeds(of: Callable[[Callable[[h5py.File], None] | None], bytes], name: str) -> list[Seed]:
    makers = [make for kind, (make, _) in hostile.HDF5.items() if not kind.startswith(("gzip", "deep"))]
    made = [of(None), *(of(lambda h, m=m: hostile._swap(h, m)) for m in makers)]
    packed = of(lambda h: hostile._swap(h, _packed))
    return [(name, data) for data in (*made, *[packed] * 6, *[made[0]] * 6)]


def _packed(g: h5py.Group, n: str) -> None:
    data = g.create_dataset(n, (3, 2), "f4", chunks=(2, 2), compression="gzip", shuffle=True)
    data[...] = 1


def _keras_seeds() -> list[Seed]:
    configs = [hostile.archive(c) for c in (None, None, _functional(), _picture(), _picture())]
    seeds = _hdf5_seeds(lambda f: hostile.archive(arrays=hostile.weights(f)), "m.keras")
    return [("m.keras", c) for c in configs * 3] + seeds


def _data_seeds() -> list[Seed]:
    head = hostile.npy_header("'<f4'", "(4, 3)") + bytes(48)
    sound = [("x.npy", head), ("x.npy", hostile.npy_header("'<i8'", "(2, 1)", 2) + bytes(16))]
    sound.append(("x.npz", hostile._npz(x=head, y=head)))
    bombs = ("bomb", "many_bombs")
    return sound * 3 + [(f, make()) for k, (f, make, _) in hostile.DATA.items() if k not in bombs and f != "x.csv"]


SEEDS: dict[str, Callable[[], list[Seed]]] = {
    "keras": _keras_seeds,
    "h5": lambda: _hdf5_seeds(hostile.legacy, "m.h5"),
    "data": _data_seeds,
    "onnx": mutate_onnx.seeds,
}
MUTATORS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "keras": damage_keras,
    "h5": damage_legacy,
    "data": damage_data,
    "onnx": mutate_onnx.mutate,
}
