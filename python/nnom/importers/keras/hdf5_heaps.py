# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""HDF5's heaps of texts and its trees, checked byte by byte before libhdf5 sees them.

libhdf5 2.0 loops for ever in a heap whose sizes are damaged. And texts are references into heaps: a file of 64 kB can
name one long text thousands of times, each of which libhdf5 copies.
"""

from __future__ import annotations

import math

import numpy as np

from ...errors import ModelError
from ...untrusted import allowance

_MAGIC = b"GCOL\x01\0\0\0"
_SMALLEST = 16  # bytes of an object: its header
_VARIABLE = 9  # class of types of variable length
_CHUNK = 2**16  # words looked at together


def check_heaps(data: bytes, place: str) -> None:
    """ModelError if a heap is damaged, or if the texts that the file refers to are out of proportion to it."""
    heaps: dict[int, dict[int, int]] = {}
    steps = len(data) // _SMALLEST + 1000  # true heaps do not overlap
    start = data.find(_MAGIC)
    while start >= 0:
        objects, taken = _walk(data, start)
        steps -= taken
        if objects is None or steps < 0:
            raise ModelError(f"{place}: damaged (heap of texts at byte {start}); save or download it again")
        heaps[start] = objects
        start = data.find(_MAGIC, start + 8)
    most = allowance(len(data))
    if heaps and (reached := _reached(data, heaps)) > most:
        raise ModelError(f"{place}: its references to texts make up to {reached} bytes; at most {most} are read")


def check_trees(data: bytes, place: str) -> None:
    """ModelError if nodes of a tree are each other's right neighbours: libhdf5 walks along these for ever.

    A node: "TREE", type, level, number of entries (2 bytes), left and right neighbour (8 bytes each).
    """
    right: dict[int, int] = {}
    at = data.find(b"TREE")
    while at >= 0:
        right[at] = int.from_bytes(data[at + 16 : at + 24], "little")
        at = data.find(b"TREE", at + 1)
    walk_of: dict[int, int] = {}
    for start in right:
        at = start
        while at in right and at not in walk_of:
            walk_of[at] = start
            at = right[at]
        if walk_of.get(at) == start:  # been there on this very way
            raise ModelError(f"{place}: damaged (a cycle of tree nodes at byte {at}); save or download it again")


def check_references(data: bytes, key: str, place: str) -> None:
    """ModelError if an attribute whose name begins with `key` refers to a text longer than the file.

    libhdf5 allocates what the reference says before it looks at the heap. An attribute is: version 1 to 3, flags, the
    sizes of name, type and shape (2 bytes each), in version 3 the letters' code, then these three (in version 1 each
    filled to 8 bytes), then the references: length (4 bytes), address of a heap (8), index (4).
    """
    name, steps = key.encode(), len(data)  # true attributes do not overlap
    at = data.find(name)
    while at >= 0:
        for version, before, fill in ((1, 8, 8), (2, 8, 1), (3, 9, 1)):
            if at >= before and data[at - before] == version:
                sizes = [int.from_bytes(data[at - before + k : at - before + k + 2], "little") for k in (2, 4, 6)]
                steps -= _check_lengths(data, at, [-(-n // fill) * fill for n in sizes], place)
        if steps < 0:
            raise ModelError(f"{place}: damaged (attributes '{key}' that overlap); save or download it again")
        at = data.find(name, at + 1)


def _check_lengths(data: bytes, at: int, sizes: list[int], place: str) -> int:
    """References looked at. sizes: of the name, which begins at `at`, the type and the shape."""
    kind, shape, begin = at + sizes[0], at + sizes[0] + sizes[1], at + sum(sizes)
    if kind >= len(data) or data[kind] & 15 != _VARIABLE or shape + 1 >= len(data):
        return 0
    first = shape + (8 if data[shape] == 1 else 4)
    axes = range(first, first + 8 * data[shape + 1], 8)
    count = math.prod(int.from_bytes(data[k : k + 8], "little") for k in axes)
    places = range(begin, min(begin + 16 * count, len(data)), 16)
    for k in places:
        if int.from_bytes(data[k : k + 4], "little") > len(data):
            raise ModelError(f"{place}: damaged (a text longer than the file at byte {k}); save or download it again")
    return len(places)


def _walk(data: bytes, start: int) -> tuple[dict[int, int] | None, int]:
    """(sizes of a heap's objects by index, None if it is damaged; steps taken).

    "GCOL", version 1, three zeros, its size; then objects: index, uses, four zeros, size, bytes up to a multiple of 8.
    Index 0 is the free rest, its size with the header.
    """
    at, end = start + 16, start + int.from_bytes(data[start + 8 : start + 16], "little")
    objects: dict[int, int] = {}
    steps = 0
    if not start < end <= len(data):
        return None, 0
    while at + 16 <= end:
        index, size = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 8 : at + 16], "little")
        step = 16 + (size + 7) // 8 * 8 if index else size
        if index:
            objects[index] = max(size, objects.get(index, 0))
        at += step if step >= 16 else len(data)
        steps += 1
    return (objects if at <= end else None), steps


def _reached(data: bytes, heaps: dict[int, dict[int, int]]) -> int:
    """Bytes that texts can make. A reference: length (4 bytes), address of a heap (8), index of an object (4)."""
    starts = np.array(sorted(heaps), dtype=np.uint64)
    total = 0
    for shift in range(8):
        words = np.frombuffer(data, "<u8", (len(data) - shift) // 8, shift)
        for begin in range(0, len(words), _CHUNK):
            piece = words[begin : begin + _CHUNK]
            near = np.flatnonzero((piece >= starts[0]) & (piece <= starts[-1]))
            for i in near[np.isin(piece[near], starts)]:
                at = shift + 8 * (begin + int(i)) + 8
                total += heaps[int(piece[i])].get(int.from_bytes(data[at : at + 4], "little"), 0)
    return total
