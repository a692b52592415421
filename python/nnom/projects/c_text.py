# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The library's C as text: its definitions with the names that they mention. No compiler is asked.

What a compiler would leave out for one core is kept for all: both sides of every #if count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

_COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\')', re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w+)((?:\\\n|[^\n])*)", re.MULTILINE)
_DEFINE = re.compile(r"\s+(\w+)(\(([^)]*)\))?((?:.|\n)*)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_TAG = re.compile(r"\b(?:struct|enum|union)\s+\w+")
_INVOCATION = re.compile(r"[A-Z][A-Z0-9_]*\s*\(")
_INCLUDE = re.compile(r'\s*"([^"]+)"')
_QUOTED = re.compile(r'"(nnom_\w+)"')
_ASSEMBLY = re.compile(r"\s*(__asm__|asm)\b")
_DEEPEST = 12  # macros within macros


def words_of(code: str) -> frozenset[str]:
    """The names in C without comments; tags of types are none: functions may have the same."""
    return frozenset(_WORD.findall(_TAG.sub(" ", code)))


@dataclass(frozen=True)
class Macro:
    """A #define with arguments. The last of `parameters` may be "..."."""

    parameters: tuple[str, ...]
    body: str


@dataclass(frozen=True)
class Item:
    """A definition or declaration at the left edge of a file: its names, and whether other files see them."""

    file: str
    names: tuple[str, ...]
    text: str
    is_static: bool

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name in it."""
        return words_of(self.text)


@dataclass(frozen=True)
class CText:
    """A file: what stands between its directives, its macros, the files that it includes by "..."."""

    file: str
    code: str
    macros: Mapping[str, Macro]
    values: Mapping[str, str]
    includes: tuple[str, ...]


def read(file: str, text: str) -> CText:
    """A file's text, taken apart. Strings become empty ones, but for names of functions in assembly."""
    plain = _COMMENT.sub(lambda m: (m[1] if _QUOTED.fullmatch(m[1]) else '""') if m[1] else " ", text)
    macros: dict[str, Macro] = {}
    values: dict[str, str] = {}
    for word, rest in _DIRECTIVE.findall(plain):
        found = _DEFINE.match(rest) if word == "define" else None
        if found is None:
            continue
        body = found[4].replace("\\\n", " ")
        if found[2]:
            macros[found[1]] = Macro(tuple(p.strip() for p in found[3].split(",")), body)
        else:
            values[found[1]] = f"{values.get(found[1], '')} {body}"
    # Strings are gone from `plain`, so the includes come from the text itself.
    includes = [m[1] for w, r in _DIRECTIVE.findall(text) if w == "include" and (m := _INCLUDE.match(r))]
    return CText(file, _DIRECTIVE.sub("", plain), macros, values, tuple(includes))


def _arguments(text: str, at: int) -> tuple[list[str], int]:
    """Of a call whose ( stands at `at`: its arguments, and where it ends."""
    depth, begin, found = 0, at + 1, []
    for i in range(at, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if (text[i] == "," and depth == 1) or depth == 0:
            found.append(text[begin:i].strip())
            begin = i + 1
        if depth == 0:
            return found, i + 1
    return found, len(text)


def _filled(macro: Macro, given: list[str]) -> str:
    names = [p for p in macro.parameters if p != "..."]
    values = dict(zip(names, given, strict=False))
    values["__VA_ARGS__"] = ", ".join(given[len(names) :])
    text = _WORD.sub(lambda m: values.get(m[0], m[0]), macro.body)
    return re.sub(r"\s*##\s*", "", text)


def expanded(text: str, macros: Mapping[str, Macro], deep: int = 0) -> str:
    """A text with what its macros with arguments stand for."""
    parts, at = [], 0
    for found in _WORD.finditer(text):
        macro = macros.get(found[0])
        begin = found.end() + len(text[found.end() :]) - len(text[found.end() :].lstrip())
        if macro is None or found.start() < at or deep == _DEEPEST or text[begin : begin + 1] != "(":
            continue
        given, end = _arguments(text, begin)
        parts += [text[at : found.start()], " ", expanded(_filled(macro, given), macros, deep + 1), " "]
        at = end
    return "".join([*parts, text[at:]])


def _pieces(code: str) -> Iterator[str]:
    """What stands at the left edge: up to a ; or the } of a function, or a macro alone on its line."""
    depth, begin = 0, 0
    is_initialiser = False
    for i, c in enumerate(code):
        if c in "({":
            is_initialiser = is_initialiser or (c == "{" and depth == 0 and "=" in code[begin:i])
            depth += 1
        elif c in ")}":
            depth -= 1
        if depth > 0 or c not in ";})\n":
            continue
        piece = code[begin:i]
        is_type = re.match(r"\s*(typedef\s+)?(struct|enum|union)\b[^()]*$", piece.split("{")[0]) is not None
        is_line = c == "\n" and _INVOCATION.match(piece.strip()) is not None and piece.rstrip().endswith(")")
        if c == ";" or is_line or (c == "}" and not is_initialiser and not is_type):
            yield code[begin : i + 1]
            begin, is_initialiser = i + 1, False


def _names(piece: str) -> tuple[str, ...]:
    """What a piece defines or declares; () of a type. The names are those before ( [ = ; in its head."""
    head = piece.split("{")[0].split("=")[0]
    if re.match(r"\s*(typedef|struct\s+\w+\s*$|union|enum)\b", head) or not head.strip():
        return ()
    found = re.search(r"(\w+)\s*(?:\(|\[|;|$)", head.strip())
    return (found[1],) if found else ()


def items(text: CText, macros: Mapping[str, Macro]) -> Iterator[Item]:
    """The definitions of a file; what its macros define comes out one by one. Declarations are none."""
    known = {**macros, **text.macros}
    for piece in _pieces(text.code):
        if _INVOCATION.match(piece.strip()) and piece.strip().split("(")[0].strip() in known:
            yield from items(CText(text.file, expanded(piece, known) + "\n", {}, {}, ()), known)
            continue
        if _ASSEMBLY.match(piece):
            yield Item(text.file, tuple(_QUOTED.findall(piece)), piece, False)
            continue
        words = piece.split()
        is_declaration = "{" not in piece and "=" not in piece and words[:1] != ["static"]
        if not words or words[0] == "extern" or is_declaration:
            continue
        yield Item(text.file, _names(piece), expanded(piece, known), "static" in words[:2])
