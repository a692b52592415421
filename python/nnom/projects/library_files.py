# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Files of the library below a folder nnom/, each #include with its way to the file: no build needs -I."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from ..run_library import LICENCES, library_root
from .links import library, linked_by, resolve

FOLDER = "nnom"
_INCLUDE = re.compile(r'^([ \t]*#[ \t]*include[ \t]*)"([^"]+)"', re.MULTILINE)


def with_ways(text: str, file: str, at: str, place: str = FOLDER) -> str:
    """C in which each #include of a file of the library is a way from `at`, where the C will lie, to `place`.

    place: where the library lies. file: the C's name in the library, "" of a file of others.
    """
    lib = library(library_root())

    def way(found: re.Match[str]) -> str:
        other = resolve(lib, file, found[2])
        if other is None:
            return found[0]
        to = os.path.relpath(f"/{place}/{other}", PurePosixPath(f"/{at}").parent)
        return f'{found[1]}"{PurePosixPath(to).as_posix()}"'

    return _INCLUDE.sub(way, text)


def library_files(*texts: str) -> dict[str, str]:
    """By name: what C of these texts links of the library, and the library's licence."""
    root = library_root()
    names = linked_by(*texts)
    files = {f"{FOLDER}/{n}": with_ways((root / n).read_text(), n, f"{FOLDER}/{n}") for n in names}
    return files | {f"{FOLDER}/{n}": (root / n).read_text() for n in LICENCES if (root / n).is_file()}


def sources_among(names: Iterable[str]) -> list[str]:
    """The .c files, sorted."""
    return sorted(n for n in names if n.endswith(".c"))
