# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Text from files of others, made safe to show."""

from __future__ import annotations

import unicodedata
from html import escape

# Controls, what turns text around or hides it, halves of characters, ends of lines.
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def visible(text: str, lines: bool = False) -> str:
    r"""Text with control characters as escapes: names come from files of others. lines: \n stays.

    Every name that is shown goes through here, on the terminal, in errors and in HTML; JSON has escapes of its own.
    """
    if text.isprintable():
        return text
    kept = "\n" if lines else ""
    return "".join(
        c.encode("unicode_escape").decode() if c not in kept and unicodedata.category(c) in _HIDDEN else c for c in text
    )


def as_html(text: str, lines: bool = False) -> str:
    """The same for HTML, marks escaped."""
    return escape(visible(text, lines))


def last_operator(name: str) -> str:
    """TFLite joins the names of all operators that it fused, last one first: that one."""
    return name.split(";")[0] or name


def cut(name: str, width: int, encoding: str | None = None) -> str:
    """The end of a name that is too long: it tells more than the beginning."""
    from rich.cells import cell_len  # where a name must be cut only

    mark = ".." if encoding else "…"
    room = max(width - cell_len(mark), 1)
    while cell_len(name) > room:
        name = name[max(1, (len(name) - room) // 2) :]
    return mark + name


def short(name: str, most: int = 60) -> str:
    """A name of at most `most` characters without control characters; of a fused one its last operator."""
    name = visible(last_operator(name))
    return name if len(name) <= most else cut(name, most)
