# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Limits for files that nobody vouches for, and the readers that all file formats share: zip archives and JSON.

What a file can make us take is bounded by what it is: sizes are compared with these limits before anything is inflated
or allocated. SECURITY.md states them.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import ModelError, NnomError

MAX_FILE = 2**31  # bytes of a model file: beyond any microcontroller
MAX_MEMBERS = 10_000  # of an archive
MAX_JSON = 2**24  # bytes of one JSON text: a config of 20,000 layers
MAX_JSON_DEPTH = 200  # of lists and objects in each other; 32 nested models need 130
SMALL = 2**23  # bytes that any file may inflate to, however small it is
FACTOR = 4  # times its own size that a file may inflate to, beside SMALL
JSON_SMALL = 2**21  # the same for JSON, whose Python objects are larger than the text

_METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflate"}
_DAMAGE = (
    OSError,
    EOFError,
    KeyError,
    IndexError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    MemoryError,
    SystemError,
    zlib.error,
    zipfile.BadZipFile,
)


def allowance(size: int) -> int:
    """Bytes that the arrays inflated from a file of `size` bytes may take together."""
    return SMALL + FACTOR * size


@contextmanager
def damage(place: str, error: type[NnomError] = ModelError) -> Iterator[None]:
    """What zipfile, numpy and h5py raise on damaged bytes becomes `error` (h5py documents no closed list)."""
    try:
        yield
    except NnomError:
        raise
    except _DAMAGE as e:
        text = (str(e).splitlines() or [""])[0][:200]
        raise error(f"{place}: damaged or cut short ({type(e).__name__}: {text}); save or download it again") from None


def read_file(path: Path) -> bytes:
    """All bytes of a regular file; ModelError if it cannot be read or is larger than any model."""
    try:
        if path.exists() and not path.is_file():
            raise ModelError(f"{path}: no regular file; expected a model file")
        if (size := path.stat().st_size) > MAX_FILE:
            raise ModelError(f"{path}: {size} bytes; at most {MAX_FILE} are read")
        return path.read_bytes()
    except (OSError, ValueError) as e:
        raise ModelError(f"{path}: cannot be read: {getattr(e, 'strerror', None) or e}") from None


class Archive:
    """A zip archive whose members are inflated within limits. A context manager; raises `error`."""

    def __init__(self, file: IO[bytes], size: int, place: str, error: type[NnomError] = ModelError):
        self.size, self.place, self.error = size, place, error
        with damage(place, error):
            self._zip = zipfile.ZipFile(file)
        self.names = self._zip.namelist()
        if len(self.names) > MAX_MEMBERS:
            raise error(f"{place}: an archive of {len(self.names)} members; at most {MAX_MEMBERS} are read")

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def length(self, name: str) -> int:
        """Bytes of a member once inflated, as the archive states them."""
        return self._zip.getinfo(name).file_size

    def read(self, name: str, most: int) -> bytes:
        """A member of at most `most` bytes."""
        with self.open(name, most) as member, damage(f"{self.place}: '{name}'", self.error):
            return member.read(self.length(name) + 1)  # without a number, zipfile inflates whatever there is

    def open(self, name: str, most: int) -> IO[bytes]:
        """A member to be read with sizes, after a check of its length, its method and that it is not encrypted."""
        info, where = self._zip.getinfo(name), f"{self.place}: '{name}'"
        if info.flag_bits & 1:
            raise self.error(f"{where} is encrypted; save it without a password")
        if info.compress_type not in _METHODS:
            raise self.error(f"{where} is compressed by method {info.compress_type}; expected deflate or none")
        if info.file_size > most:
            raise self.error(
                f"{where} inflates to {info.file_size} bytes from an archive of {self.size}; at most {most} are read: "
                "a bomb, or save it without compression"
            )
        with damage(where, self.error):
            return self._zip.open(info)

    def read_json(self, name: str) -> Any:
        """A member that is JSON."""
        return parse_json(self.read(name, min(MAX_JSON, JSON_SMALL + FACTOR * self.size)), f"{self.place}: {name}")


def parse_json(text: str | bytes, place: str) -> Any:
    """The value of a JSON text; ModelError if it is too large, too deep or none."""
    if len(text) > MAX_JSON:
        raise ModelError(f"{place}: {len(text)} bytes of JSON; at most {MAX_JSON} are read")
    try:
        value = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as e:
        raise ModelError(f"{place}: not valid JSON ({e}); the file is damaged, save it again") from None
    level, depth = [value], 0
    while level := [v for tree in level for v in _inside(tree)]:
        depth += 1
        if depth > MAX_JSON_DEPTH:
            raise ModelError(f"{place}: JSON nested more than {MAX_JSON_DEPTH} deep; the file was made by a program")
    return value


def _inside(tree: Any) -> list[Any]:
    """The lists and objects in a list or an object."""
    items = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [v for v in items if isinstance(v, (dict, list))]
