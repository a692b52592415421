# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Arrays of numbers from .npy and .npz files that nobody vouches for.

The header is held against the bytes that follow before anything is allocated. Pickles are refused: loading one runs
code. Raises DataError naming the file.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from pathlib import Path
from typing import IO

import numpy as np

from .errors import DataError
from .untrusted import Archive, damage

MAX_HEADER = 10_000  # bytes of the text that describes an array
SMALL, FACTOR = 2**25, 16  # bytes, and times the file's size, that a compressed .npz may inflate to
_MAGIC = b"\x93NUMPY"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_EXPECTED = "expected a .npy or .npz file of numbers (np.save, np.savez), or a .csv"


def read_npy(path: Path, key: str = "") -> dict[str, np.ndarray]:
    """The array of a .npy file (under the key ""), or those of a .npz file, only `key` if that is given."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: no regular file; {_EXPECTED}")
    with path.open("rb") as file, damage(str(path), DataError):
        size, begin = path.stat().st_size, file.read(6)
        file.seek(0)
        if begin == _MAGIC:
            return {"": _array(file, size, str(path))}
        if begin.startswith(_ZIP):
            with Archive(file, size, str(path), DataError) as archive:
                return _members(archive, key)
        if begin.startswith(b"\x80"):
            raise DataError(f"{path}: a pickle, which runs code when it is loaded; {_EXPECTED}")
    raise DataError(f"{path}: {'empty' if not size else 'of another kind'}; {_EXPECTED}")


def _members(archive: Archive, key: str) -> dict[str, np.ndarray]:
    names = {name.removesuffix(".npy"): name for name in archive.names if name.endswith(".npy")}
    if key and key not in names:
        raise DataError(f"{archive.place}: no array '{key}' in it; it has {', '.join(names) or 'none'}")
    left = SMALL + FACTOR * archive.size
    found = {}
    for short in [key] if key else names:
        length = archive.length(names[short])
        with archive.open(names[short], left) as member:
            found[short] = _array(member, length, f"{archive.place}: '{short}'")
        left -= length
    return found


def _array(file: IO[bytes], size: int, place: str) -> np.ndarray:
    """The array in the `size` bytes of a .npy file or member; only numbers."""
    with damage(place, DataError):
        text = _header(file, place)
    dtype, fortran, shape = _described(text, place)
    if dtype.hasobject:
        raise DataError(f"{place}: holds Python objects (a pickle), which run code when loaded; {_EXPECTED}")
    if dtype.kind not in "fiub" or dtype.names or dtype.subdtype:
        raise DataError(f"{place}: holds {dtype}, expected numbers")
    if len(shape) > 32 or any(n < 0 for n in shape):
        raise DataError(f"{place}: shape {shape[:8]}; expected up to 32 sizes of at least 0")
    want, have = math.prod(shape) * dtype.itemsize, size - file.tell()
    if want != have:
        raise DataError(f"{place}: shape {shape} of {dtype} needs {want} bytes; the file holds {have}: cut short?")
    with damage(place, DataError):
        array = np.empty(shape, dtype, order="F" if fortran else "C")
        _fill(file, array.reshape(-1, order="A").view(np.uint8) if array.size else array, place)
    return array


def _header(file: IO[bytes], place: str) -> str:
    """The text that describes the array: after the magic, the version and a length of 2 or, in version 2, 4 bytes."""
    begin = file.read(8)
    if begin[:6] != _MAGIC or begin[6:] not in (b"\1\0", b"\2\0"):
        raise DataError(f"{place}: begins with {begin!r}; expected the .npy format 1.0 or 2.0")
    length = int.from_bytes(file.read(2 * begin[6]), "little")
    if length > MAX_HEADER:
        raise DataError(f"{place}: a header of {length} bytes; at most {MAX_HEADER} are read")
    return file.read(length).decode("latin-1")


def _described(text: str, place: str) -> tuple[np.dtype, bool, tuple[int, ...]]:
    """(type, whether the first axis runs fastest, shape) of a header."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the syntax of damaged text
            told = ast.literal_eval(re.sub(r"(?<=\d)L\b", "", text).strip())  # Python 2 wrote 10L
        descr, fortran, shape = (told[k] for k in ("descr", "fortran_order", "shape"))
        dtype = np.dtype(descr if isinstance(descr, str) else [tuple(field) for field in descr])
        good = isinstance(fortran, bool) and isinstance(shape, tuple) and all(type(n) is int for n in shape)
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError, IndexError):
        good = False
    if not good:
        raise DataError(f"{place}: its header {text[:60].strip()!r} describes no array; the file is damaged")
    return dtype, fortran, shape


def _fill(file: IO[bytes], target: np.ndarray, place: str) -> None:
    """Reads piece by piece, so that no second copy is made."""
    view = target.data.cast("B") if target.size else memoryview(b"")
    at = 0
    while at < len(view):
        piece = file.read(min(len(view) - at, 2**20))
        if not piece:
            raise DataError(f"{place}: cut short after {at} of {len(view)} bytes")
        view[at : at + len(piece)] = piece
        at += len(piece)
