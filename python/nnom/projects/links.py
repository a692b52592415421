# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Which files of the library a converted model links, and the headers that these include: from the names in the text.

The list holds for every core, so it may hold a file that one core's compiler leaves empty. Within a file stands also
what only building needs: it refers to files that are not in the list, and the linker drops it (--gc-sections).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import ToolError
from ..run_library import LIBRARY_FOLDERS, library_root
from .c_text import CText, Item, Macro, expanded, items, read, words_of


@dataclass(frozen=True)
class Library:
    """All files of the library by name ("src/run/run.c"), and who defines which name."""

    texts: dict[str, CText]
    macros: dict[str, Macro]
    seen: dict[str, list[Item]]  # by all files
    private: dict[tuple[str, str], list[Item]]  # (file, name): static in a .c file

    def defined(self, file: str, name: str) -> list[Item]:
        """The definitions that a name in a file may mean."""
        return self.private.get((file, name)) or self.seen.get(name, [])


@functools.cache
def library(root: Path) -> Library:
    """The library below a folder that holds include/, port/, src/."""
    paths = [p for f in LIBRARY_FOLDERS for p in sorted((root / f).rglob("*")) if p.suffix in (".c", ".h", ".def")]
    paths = [p for p in paths if p.name != "nnom_names.h"]  # short names of calls that build: no part of what runs
    if not paths:
        raise ToolError(f"{root}: the C sources of the library are missing; reinstall nnom")
    texts = {p.relative_to(root).as_posix(): read(p.relative_to(root).as_posix(), p.read_text()) for p in paths}
    macros = {name: m for t in texts.values() for name, m in t.macros.items() if t.file.endswith(".h")}
    seen: dict[str, list[Item]] = {}
    private: dict[tuple[str, str], list[Item]] = {}
    for text in texts.values():
        for item in items(text, macros):
            for name in item.names:
                if item.is_static and text.file.endswith(".c"):
                    private.setdefault((text.file, name), []).append(item)
                else:
                    seen.setdefault(name, []).append(item)
    return Library(texts, macros, seen, private)


def resolve(lib: Library, including: str, name: str) -> str | None:
    """The file that an #include "..." of a file means; None: none of the library's."""
    near: list[str] = []
    for part in (PurePosixPath(including).parent / name).parts:
        near = near[:-1] if part == ".." else [*near, part]
    candidates = ("/".join(near), f"include/{name}", f"port/{name}")
    return next((c for c in candidates if c in lib.texts), None)


def _headers(lib: Library, files: Iterable[str]) -> set[str]:
    """All that these files include, and so on."""
    found: set[str] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        for name in lib.texts[file].includes:
            other = resolve(lib, file, name)
            if other is not None and other not in found:
                found.add(other)
                waiting.append(other)
    return found


def linked(names: Iterable[str], root: Path | None = None) -> list[str]:
    """The .c files that define these names and all that they mention, and every header that they include, sorted."""
    lib = library(root or library_root())
    done: set[int] = set()
    sources: set[str] = set()
    waiting = [item for name in names for item in lib.seen.get(name, [])]
    while waiting:
        item = waiting.pop()
        if id(item) in done:
            continue
        done.add(id(item))
        if item.file.endswith(".c"):
            sources.add(item.file)
        words = set(item.words)
        for word in item.words:  # of a value of a macro, too
            words |= words_of(expanded(lib.texts[item.file].values.get(word, ""), lib.macros))
        waiting += [other for word in words for other in lib.defined(item.file, word)]
    public = {"include/nnom_run.h", "include/nnom_program.h", "port/nnom_port.h"}
    return sorted(sources | _headers(lib, {*sources, *public}) | public)


def linked_by(*texts: str, root: Path | None = None) -> list[str]:
    """linked() of every name in some C, comments aside: a frozen model and what uses it."""
    return linked({word for text in texts for word in words_of(read("", text).code)}, root)
