# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Text from files of others, made safe to show."""

from __future__ import annotations

import unicodedata
from html import escape

# Controls, what turns text around or hides it, halves of characters, ends of lines.
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def visible(text: str, lines: bool = False) -> str:
    r"""Text with control characters as escapes: names come from files of others. lines: \n stays.

    Every name that is shown goes through here, on the terminal, in errors and in HTML; `--json` has escapes of its own.
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
