# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The numbers of an ONNX constant: in the file, in a field of their type, or in a file beside it, never elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import ModelError
from .onnx_reader import BFLOAT16, BOOL, FLOAT16, TYPES, FileModel, FileTensor

_BITS = {"uint4": 4, "int4": 4}


def array_of(model: FileModel, t: FileTensor) -> np.ndarray | None:
    """The numbers in their type and shape, bfloat16 as float32; None of types that numpy does not have (texts).

    ModelError if there are more or fewer than the shape says.
    """
    place = f"{model.source}: constant '{t.name}'"
    name = TYPES[t.dtype]
    if name == "string" or name.startswith(("complex", "float8", "float4")):
        return None
    if name in _BITS:
        return _nibbles(place, t, _raw(model, t, place))
    dtype = np.dtype("uint16" if t.dtype == BFLOAT16 else name).newbyteorder("<")
    if t.raw is None and t.outside is None:
        flat = _typed(place, t, dtype)
    else:
        raw = _raw(model, t, place)
        if len(raw) != t.elements * dtype.itemsize:
            raise ModelError(
                f"{place}: {len(raw)} bytes for shape {list(t.shape)} of {name}; expected {t.elements * dtype.itemsize}"
            )
        flat = np.frombuffer(raw, dtype)
    if t.dtype == BFLOAT16:
        flat = (flat.astype("<u4") << 16).view("<f4")
    if t.dtype == BOOL:
        flat = flat.astype(bool)
    return flat.reshape(t.shape)


def _typed(place: str, t: FileTensor, dtype: np.dtype) -> np.ndarray:
    """The numbers of a typed field; float16 and bfloat16 come as the bits of whole numbers."""
    numbers = np.empty(0, dtype) if t.numbers is None else t.numbers
    if len(numbers) != t.elements:
        raise ModelError(f"{place}: {len(numbers)} numbers for shape {list(t.shape)}; expected {t.elements}")
    if t.dtype == FLOAT16:
        return numbers.astype("<u2").view("<f2")
    return numbers.astype(dtype, copy=False)


def _nibbles(place: str, t: FileTensor, raw: memoryview | bytes) -> np.ndarray:
    """4-bit numbers, two in a byte, the first in the lower half, as int8 or uint8."""
    if len(raw) != (t.elements + 1) // 2:
        raise ModelError(f"{place}: {len(raw)} bytes for shape {list(t.shape)} of {TYPES[t.dtype]}")
    data = np.frombuffer(raw, np.uint8)
    both = np.stack([data & 15, data >> 4], axis=1).reshape(-1)[: t.elements].reshape(t.shape)
    return both if TYPES[t.dtype] == "uint4" else ((both ^ 8).astype(np.int8) - 8).astype(np.int8)


def _raw(model: FileModel, t: FileTensor, place: str) -> memoryview | bytes:
    if t.outside is None:
        if t.raw is None:
            raise ModelError(f"{place}: holds no bytes")
        return t.raw
    return _beside(model, t.outside, place)


def _beside(model: FileModel, outside: dict[str, str], place: str) -> bytes:
    """Bytes of a file in the model's folder."""
    name = outside.get("location", "")
    if model.folder is None:
        raise ModelError(f"{place}: is in the file '{name}' beside the model; give the model's path, not its bytes")
    root = model.folder.resolve()
    try:
        path = (root / name).resolve()
        inside = bool(name) and not Path(name).is_absolute() and path.is_relative_to(root) and "\0" not in name
    except (OSError, ValueError):
        inside = False
    if not inside:
        raise ModelError(f"{place}: is in '{name}', which is not in the model's folder; only files there are read")
    if not path.is_file():
        raise ModelError(f"{place}: is in the file '{name}', which is not beside the model; copy it there")
    size = path.stat().st_size
    offset, length = _number(outside, "offset", 0, place), _number(outside, "length", -1, place)
    length = size - offset if length < 0 else length
    if offset < 0 or offset + length > size:
        raise ModelError(f"{place}: bytes {offset} to {offset + length} of '{name}', which has {size}")
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _number(outside: dict[str, str], key: str, default: int, place: str) -> int:
    text = outside.get(key, "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ModelError(f"{place}: {key} '{text}' of its file; expected a whole number")
    return int(text) if text else default
