# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The whole library as nnom.c and nnom.h; nnom_run.h beside them is the part that converted models include."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path, PurePosixPath

from nnom.projects.c_text import CText, items, read

from .base import OTHERS, OUT, ROOT, call, check_output, example, fresh, library, pack, tool, unpack, version

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)".*$', re.MULTILINE)
_LICENCE = re.compile(r"/\* SPDX-License-Identifier: [^*]*\*/\n")
_TYPE = re.compile(r"^(?:typedef\b[^;{]*?|\}[ \t]*)(\w+);$", re.MULTILINE)
_TAG = re.compile(r"^(?:typedef |static )?(?:struct|enum|union) (\w+) \{", re.MULTILINE)
_FIELDS = re.compile(r"^NNOM_PARAM_FIELDS\((\w+)", re.MULTILINE)
_ENUM = re.compile(r"^enum \{(.*?)\};", re.MULTILINE | re.DOTALL)
_SPDX = "/* SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception */\n"
PUBLIC = ("nnom_run.h", "nnom.h", "nnom_audio.h", "nnom_sensors.h")


class Joiner:
    """Puts files together, each header where it is first included."""

    def __init__(self, names: list[str]) -> None:
        self.texts = {n: (ROOT / n).read_text() for n in names}
        self.done: set[str] = set()

    def find(self, of: str, name: str) -> str | None:
        """The file that an include of another means; None: none of the library's."""
        parts: list[str] = []
        for part in (PurePosixPath(of).parent / name).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        return next((n for n in ("/".join(parts), f"include/{name}", f"port/{name}") if n in self.texts), None)

    def text(self, name: str) -> str:
        """A file with what it includes and nobody before it did."""
        if name in self.done:
            return ""
        self.done.add(name)

        def put(found: re.Match[str]) -> str:
            other = self.find(name, found[1])
            return found[0] if other is None else self.text(other).rstrip("\n")

        text = _INCLUDE.sub(put, _LICENCE.sub("", self.texts[name], count=1))
        if name.endswith(".h") and _FIELDS.search(text):  # a type that each file has for itself
            return f"#define nnom_field_owner_t {Path(name).stem}_field_owner_t\n{text}#undef nnom_field_owner_t\n"
        return text


def _own_names(text: str) -> set[str]:
    """Types and constants that a .c file has for itself."""
    constants = {w for body in _ENUM.findall(text) for w in re.findall(r"(?:^|,|\{)\s*(\w+)", "{" + body)}
    own = set(_TYPE.findall(text)) | set(_TAG.findall(text)) | constants
    return own | {"nnom_field_owner_t"} | {f"{tag}_fields" for tag in _FIELDS.findall(text)}


def _source(joiner: Joiner, sources: list[str]) -> str:
    """All .c files: macros end with their file, names that two files have for themselves become different ones."""
    plain = {n: re.sub(r"/\*.*?\*/", "", joiner.texts[n], flags=re.DOTALL) for n in sources}
    read_all = {n: read(n, t) for n, t in joiner.texts.items()}
    shared = {w: m for n, t in read_all.items() if n.endswith(".h") for w, m in t.macros.items()}
    own = {
        n: _own_names(plain[n]) | {w for i in items(read_all[n], shared) if i.is_static for w in i.names}
        for n in sources
    }
    twice = {w for w, n in Counter(w for names in own.values() for w in names).items() if n > 1}
    locals_of = {n: own[n] | {*read_all[n].macros, *read_all[n].values} for n in sources}
    leaking = {n: m for n, t in read_all.items() if (m := _leaking(n, t, locals_of))}
    parts = []
    for name in sources:
        macros = {*read_all[name].macros, *read_all[name].values}
        taken = (own[name] & twice) - macros
        before = set(joiner.done)
        headers = "".join(joiner.text(h) for i in _INCLUDE.findall(joiner.texts[name]) if (h := joiner.find(name, i)))
        again = {h for h in joiner.done - before if h in leaking}
        joiner.done -= again
        ends = macros | taken | {m for h in again for m in leaking[h]}
        parts.append(f"\n/* ---- {name} ---- */\n{headers}")
        parts += [f"#define {w} {w}_{Path(name).stem}\n" for w in sorted(taken)]
        parts.append(joiner.text(name) if not again else _without(joiner, name, again))
        parts += [f"#undef {w}\n" for w in sorted(ends)]
    return "".join(parts)


def _leaking(name: str, text: CText, locals_of: dict[str, set[str]]) -> set[str]:
    """All macros of a header of macros, if one is a name that a .c file has for itself: they end with each file."""
    macros = {*text.macros, *text.values}
    is_private = name.endswith(".h") and name.startswith("src/") and not text.code.strip()
    return macros if is_private and any(macros & names for names in locals_of.values()) else set()


def _without(joiner: Joiner, name: str, headers: set[str]) -> str:
    """A .c file whose headers of macros stand before it."""
    joiner.done |= headers
    text = joiner.text(name)
    joiner.done -= headers
    return text


def make_single(work: Path) -> Path:
    """A zip of the files and the licence."""
    folder = fresh(work) / f"nnom-{version()}"
    folder.mkdir()
    names = library(freeze=True)
    run = Joiner(names)
    (folder / "nnom_run.h").write_text(_SPDX + run.text("include/nnom_run.h"))
    joiner = Joiner(names)
    header = "".join(joiner.text(f"include/{name}") for name in PUBLIC)
    (folder / "nnom.h").write_text(_SPDX + header)
    sources = [n for n in names if n.endswith(".c")]
    head = f"{_SPDX}/* All of NNoM {version()}, made of the files that are named before each part. */\n"
    head += '#define NNOM_NO_SHORT_NAMES\n#include "nnom.h"\n'
    (folder / "nnom.c").write_text(head + _source(joiner, sources))
    for name in OTHERS:
        (folder / name).write_text((ROOT / name).read_text())
    return pack(work, OUT / f"nnom-{version()}-single.zip")


def check_single(archive: Path, work: Path) -> str:
    """gcc and clang take it without a warning; the model gives the bytes of its self test."""
    (folder,) = unpack(archive, work / "unpacked").iterdir()
    example(folder)
    strict = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
    call(tool("clang", "clang"), *strict, "-Wno-unused-function", "-fsyntax-only", "nnom.c", cwd=folder)
    flags = ("-O1", "-ffunction-sections", "-fdata-sections", "-ffp-contract=off", "-Wl,--gc-sections")
    call(tool("gcc", "gcc"), *strict, *flags, "main.c", "slope.c", "nnom.c", "-lm", "-o", "main", cwd=folder)
    return f"host: {check_output(call(folder / 'main', cwd=folder))}"
