# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How an HDF5 file says that an array is stored, read from its bytes before libhdf5 opens the array.

libhdf5 2.0 works out a virtual dataset when it is opened, and crashes in a damaged one.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import ModelError

_EXTERNAL, _LAYOUT, _CONTINUATION = 7, 8, 16  # types of messages
_VIRTUAL = 3  # class of layout
_MAX_MESSAGES = 10_000


def check_superblock(data: bytes, place: str) -> None:
    """ModelError unless addresses are of 8 bytes and count from the file's begin, as in all files in use."""
    version = data[8] if len(data) > 48 else 255
    sizes, base = (data[13:15], data[24:32]) if version == 0 else (data[13:15], data[28:36])
    if version >= 2:
        sizes, base = data[9:11], data[12:20]
    if version > 3 or sizes != b"\x08\x08" or any(base):
        raise ModelError(f"{place}: damaged, or an unknown kind of HDF5 (by its first bytes); save it again")


def check_stored_here(data: bytes, address: int, where: str) -> None:
    """ModelError if the array whose header is at `address` keeps its numbers in other files."""
    for kind, shared, body in _messages(data, address, where):
        if kind == _EXTERNAL:
            raise ModelError(f"{where} keeps its numbers in another file (external storage); save the whole model")
        if kind == _LAYOUT:
            if shared or len(body) < 3:
                raise _damaged(where)
            if body[2 if body[0] < 3 else 1] == _VIRTUAL:
                raise ModelError(f"{where} is made of parts of other files (virtual dataset); save the whole model")


def _damaged(where: str) -> ModelError:
    return ModelError(f"{where}: its header is damaged; save or download the file again")


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _messages(data: bytes, address: int, where: str) -> Iterator[tuple[int, bool, bytes]]:
    """(type, whether it is kept elsewhere, content) of all messages of an object's header."""
    if data[address : address + 4] == b"OHDR":
        flags = data[address + 5]
        at = address + 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0)
        width = 1 << (flags & 3)
        blocks, head, frame = [(at + width, _number(data, at, width))], 6 if flags & 4 else 4, 4
    elif data[address : address + 1] == b"\x01":
        blocks, head, frame = [(address + 16, _number(data, address + 8, 4))], 8, 0
    else:
        raise _damaged(where)
    left = _MAX_MESSAGES
    while blocks:
        at, size = blocks.pop(0)
        end = at + size
        if end > len(data):
            raise _damaged(where)
        while at + head <= end:
            kind = data[at] if frame else _number(data, at, 2)
            length, flags = _number(data, at + (1 if frame else 2), 2), data[at + (3 if frame else 4)]
            body = data[at + head : min(at + head + length, end)]
            yield kind, bool(flags & 2), body
            if kind == _CONTINUATION and len(body) >= 16:  # "OCHK" before and a checksum after, in the newer form
                blocks.append((_number(body, 0, 8) + frame, max(_number(body, 8, 8) - 2 * frame, 0)))
            at += head + length
            left -= 1
            if left < 0:
                raise _damaged(where)
