# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""HDF5 files that nobody vouches for: arrays and texts of numbers that lie in the file itself, and nothing else.

    with Hdf5File(data, "model.h5") as file:
        for path in file.datasets: array = file.array(path)

All objects are looked at before any is read. Refused by name: soft and external links, objects linked twice (cycles),
external storage, virtual datasets, object references, filters but gzip and shuffle. libhdf5 reads the structure only;
the bytes of arrays are taken from the file here, where each byte counts once and inflating has a limit.
"""

from __future__ import annotations

import io
import math
import zlib
from typing import Any

import h5py
import numpy as np

from ...errors import ModelError
from ...untrusted import MAX_FILE, allowance, damage
from .hdf5_header import check_stored_here, check_superblock
from .hdf5_heaps import check_heaps, check_references, check_trees

MAX_OBJECTS = 100_000  # groups and datasets of a file
MAX_DEPTH = 200  # of groups in groups; 32 nested models need 70
DEFLATE, SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE
_PIPELINES: tuple[list[int], ...] = ([], [DEFLATE], [SHUFFLE], [SHUFFLE, DEFLATE])
_LINKS = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "a link to another file (external link)"}
_TEXT_COST = 64  # bytes that a text takes beside its letters


class Hdf5File:
    """An HDF5 file in memory. `groups` and `datasets`: paths of all objects that it holds, all of them checked."""

    def __init__(self, data: bytes, place: str):
        self.data, self.place = data, place
        self.groups: list[str] = []
        self.datasets: list[str] = []
        self._inflate = allowance(len(data))  # bytes that may yet be made from what is stored
        self._stored = len(data)  # bytes of the file that no array has claimed
        self._keys: set[str] = set()  # of attributes whose references were looked at
        self._file: Any = None

    def __enter__(self) -> Hdf5File:
        with damage(self.place):
            check_superblock(self.data, self.place)
            check_heaps(self.data, self.place)
            check_trees(self.data, self.place)
            self._file = h5py.File(io.BytesIO(self.data), "r")
            self._visit()
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with damage(self.place):
                self._file.close()

    def __contains__(self, path: str) -> bool:
        return path in self._file

    # ---- what may be in the file -------------------------------------------------------------------------------

    def _visit(self) -> None:
        """Notes all objects, after a check of what they are and how they are stored."""
        root = self._file.id
        seen = {h5py.h5o.get_info(root).addr}
        pending = [("", root, 0)]
        while pending:
            prefix, group, depth = pending.pop()
            for raw in group:
                path = f"{prefix}{raw.decode('utf-8', 'replace')}"
                kind = self._link(group, raw, path, seen)
                if kind == h5py.h5o.TYPE_DATASET:
                    self._storage(h5py.h5o.open(group, raw), f"{self.place}: '{path}'")
                    self.datasets.append(path)
                    continue
                if depth == MAX_DEPTH:
                    raise ModelError(f"{self.place}: '{path[:60]}...': groups nested more than {MAX_DEPTH} deep")
                self.groups.append(path)
                pending.append((path + "/", h5py.h5o.open(group, raw), depth + 1))

    def _link(self, group: Any, raw: bytes, path: str, seen: set[int]) -> int:
        """The type of the object that a link leads to: a group or a dataset that no other link leads to."""
        where, kind = f"{self.place}: '{path}'", group.links.get_info(raw).type
        if kind != h5py.h5l.TYPE_HARD:
            raise ModelError(f"{where} is {_LINKS.get(kind, f'a link of type {kind}')}; expected arrays in the file")
        info = h5py.h5o.get_info(group, raw)
        if info.type not in (h5py.h5o.TYPE_GROUP, h5py.h5o.TYPE_DATASET):
            raise ModelError(f"{where} is neither a group nor an array (a named type?); expected a file saved by Keras")
        if info.addr in seen:
            raise ModelError(f"{where} is linked twice (hard links, maybe in a cycle); expected a file saved by Keras")
        if info.type == h5py.h5o.TYPE_DATASET:
            check_stored_here(self.data, info.addr, where)
        seen.add(info.addr)
        if len(seen) > MAX_OBJECTS:
            raise ModelError(f"{self.place}: more than {MAX_OBJECTS} groups and arrays")
        return info.type

    def _storage(self, item: Any, where: str) -> None:
        """ModelError if an array's bytes come from elsewhere, or by means that are not known."""
        created = item.get_create_plist()
        if created.get_external_count():
            raise ModelError(f"{where} keeps its numbers in another file (external storage); save the whole model")
        if created.get_layout() == h5py.h5d.VIRTUAL:
            raise ModelError(f"{where} is made of parts of other files (virtual dataset); save the whole model")
        filters = [created.get_filter(i) for i in range(created.get_nfilters())]
        if [f[0] for f in filters] not in _PIPELINES:
            names = ", ".join(f"{f[0]} '{f[3].decode('ascii', 'replace')}'" for f in filters)
            raise ModelError(f"{where} is stored through filter {names}; expected none, gzip, or shuffle and gzip")
        if item.get_type().detect_class(h5py.h5t.REFERENCE):
            raise ModelError(f"{where} holds references to objects; expected numbers")

    # ---- arrays ------------------------------------------------------------------------------------------------

    def array(self, path: str, bfloat16: bool = False) -> np.ndarray:
        """The numbers of a dataset, where they are stored as they are a view of the file; bfloat16 as float32.

        bfloat16: numbers of two bytes without a type are of this one, as in `.h5` files; `.keras` files note it.
        """
        with damage(self.place):
            return self._array(self._file[path] if path in self._file else None, f"{self.place}: '{path}'", bfloat16)

    def _array(self, item: Any, where: str, bfloat16: bool) -> np.ndarray:
        if not isinstance(item, h5py.Dataset) or item.shape is None:
            raise ModelError(f"{where}: expected an array")
        dtype, shape = item.dtype, tuple(int(n) for n in item.shape)
        half = dtype.str == "|V2" and (bfloat16 or self._text(item.attrs, "dtype") == "bfloat16")
        if dtype.kind not in "fiu" and not half:
            raise ModelError(f"{where} is of type {dtype}; expected floating point: save the model in float32")
        if not half and not item.id.get_type().equal(h5py.h5t.py_create(dtype)):
            raise ModelError(f"{where} holds numbers of an unusual form; expected floating point of 16, 32 or 64 bits")
        size = math.prod(shape) * dtype.itemsize
        if size > MAX_FILE:
            raise ModelError(f"{where}: an array of shape {shape} exceeds {MAX_FILE} bytes")
        array = self._bytes(item, dtype, shape, where) if size else np.zeros(shape, dtype)
        if half:
            self._spend(2 * size, where)
            return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        return array

    def _bytes(self, item: Any, dtype: np.dtype, shape: tuple[int, ...], where: str) -> np.ndarray:
        layout = item.id.get_create_plist().get_layout()
        if layout == h5py.h5d.CHUNKED:
            return self._chunked(item.id, dtype, shape, where)
        size = math.prod(shape) * dtype.itemsize
        self._claim(size, where)
        if layout == h5py.h5d.COMPACT:  # at most 64 KiB, in the header
            return np.asarray(item[()])
        at = item.id.get_offset()
        if at is None or at < 0 or at + size > len(self.data):
            raise ModelError(f"{where}: shape {shape} needs {size} bytes, which are not in the file")
        array = np.frombuffer(self.data, dtype, math.prod(shape), at).reshape(shape)
        return array if array.flags.aligned else array.copy()

    def _chunked(self, item: Any, dtype: np.dtype, shape: tuple[int, ...], where: str) -> np.ndarray:
        created = item.get_create_plist()
        chunk = created.get_chunk()
        filters = [created.get_filter(i)[0] for i in range(created.get_nfilters())]
        count = math.prod(-(-s // c) for s, c in zip(shape, chunk, strict=True))
        size = math.prod(chunk) * dtype.itemsize
        if count * 8 > len(self.data) or (not filters and count * size > len(self.data)):
            raise ModelError(f"{where}: shape {shape} needs {count} pieces of {size} bytes, which are not in the file")
        self._spend(count * size, where)
        array, found = np.empty(shape, dtype), _chunks_of(item, count)
        if len(found) != count:
            raise ModelError(f"{where}: {len(found)} of its {count} pieces are in the file; save the model again")
        for corner, (mask, at, stored) in found.items():
            if at is None or at < 0 or at + stored > len(self.data):
                raise ModelError(f"{where}: a piece lies outside the file, which is damaged; save it again")
            self._claim(stored, where)
            used = [f for i, f in enumerate(filters) if not mask >> i & 1]
            piece = np.frombuffer(_unfiltered(self.data[at : at + stored], used, size, dtype.itemsize, where), dtype)
            target = tuple(slice(c, c + n) for c, n in zip(corner, chunk, strict=True))
            part = array[target]
            part[...] = piece.reshape(chunk)[tuple(slice(n) for n in part.shape)]
        return array

    def _claim(self, size: int, where: str) -> None:
        """Each byte of the file belongs to one array."""
        self._stored -= size
        if self._stored < 0:
            raise ModelError(f"{where}: the arrays need more bytes than the file has ({len(self.data)})")

    def _spend(self, size: int, where: str) -> None:
        self._inflate -= size
        if self._inflate < 0:
            most = allowance(len(self.data))
            raise ModelError(
                f"{where}: inflates the file's {len(self.data)} bytes to more than {most}; save it without compression"
            )

    # ---- texts -------------------------------------------------------------------------------------------------

    def text(self, path: str, key: str) -> str | None:
        """A text attribute of the object at `path` ("/" the root), None if absent."""
        with damage(self.place):
            return self._text(self._file[path].attrs, key)

    def texts(self, path: str, key: str) -> list[str]:
        """A list attribute; Keras splits those over 64 KiB into key0, key1 ..."""
        with damage(self.place):
            return self._texts(self._file[path].attrs, key)

    def _text(self, attrs: Any, key: str) -> str | None:
        found = self._texts(attrs, key)
        return found[0] if len(found) == 1 else None

    def _texts(self, attrs: Any, key: str) -> list[str]:
        if key not in self._keys:
            check_references(self.data, key, self.place)
            self._keys.add(key)
        parts = [self._attribute(attrs, key)] if key in attrs else []
        while f"{key}{len(parts)}" in attrs and key not in attrs:
            parts.append(self._attribute(attrs, f"{key}{len(parts)}"))
        return [v.decode("utf-8") if isinstance(v, bytes) else str(v) for part in parts for v in part]

    def _attribute(self, attrs: Any, key: str) -> list[Any]:
        """The texts of an attribute; its type is checked first, because damaged ones can crash libhdf5 itself."""
        handle, where = attrs.get_id(key), f"{self.place}: attribute '{key}'"
        if 0 in handle.shape:  # an empty list, which Keras writes as one of numbers
            return []
        kind = handle.get_type()
        if kind.get_class() != h5py.h5t.STRING:
            raise ModelError(f"{where} is no text; the file is damaged, save it again")
        count, width = math.prod(handle.shape), 16 if kind.is_variable_str() else kind.get_size()
        if count * width > len(self.data):
            raise ModelError(f"{where} holds {count} texts, more than the file can")
        found = list(np.atleast_1d(attrs[key]).reshape(-1))
        self._spend(sum(len(v) + _TEXT_COST for v in found), where)
        return found


def _chunks_of(item: Any, most: int) -> dict[tuple[int, ...], tuple[int, int | None, int]]:
    """(filters that were left out, first byte, bytes stored) by corner of each chunk; up to one more than `most`."""
    found: dict[tuple[int, ...], tuple[int, int | None, int]] = {}

    def note(info: Any) -> bool | None:
        found[tuple(info.chunk_offset)] = (info.filter_mask, info.byte_offset, info.size)
        return True if len(found) > most else None

    if hasattr(item, "chunk_iter"):
        item.chunk_iter(note)
    else:
        for i in range(min(item.get_num_chunks(), most + 1)):
            note(item.get_chunk_info(i))
    return found


def _unfiltered(raw: bytes, filters: list[int], size: int, width: int, where: str) -> bytes:
    """A chunk of `size` bytes as it was before its filters."""
    if DEFLATE in filters:
        raw = zlib.decompressobj().decompress(raw, size + 1)
    if len(raw) != size:
        raise ModelError(f"{where}: a piece holds {len(raw)} bytes; expected {size}: the file is damaged")
    if SHUFFLE in filters:
        raw = np.frombuffer(raw, np.uint8).reshape(width, -1).T.tobytes()
    return raw
