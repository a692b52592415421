# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Where a converted model comes from, for the comment in its header. Nothing of it depends on the place or the hour."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_NO_MATTER = {"-o": 1, "--out": 1, "-q": 0, "--quiet": 0, "--json": 0}  # options that change no byte: words that follow


def _placeless(word: str) -> str:
    """Absolute paths lose their folders."""
    return re.sub(r"(?<![\w.~-])(?:[A-Za-z]:)?[/\\](?:[^/\\,=]+[/\\])*", "", word)


def of_command(words: Sequence[str]) -> str:
    """The command as it was typed, without what says only where its results go."""
    kept: list[str] = []
    skip = 0
    for word in words:
        name = word.split("=")[0]
        if skip:
            skip -= 1
        elif name in _NO_MATTER:
            skip = 0 if "=" in word else _NO_MATTER[name]
        else:
            kept.append(_placeless(word))
    return shlex.join(["nnom", *kept])


def of_call(file: str, options: Mapping[str, Any]) -> str:
    """A call of nnom.convert(): the file and the options that are not the defaults."""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"nnom.convert({Path(file).name!r}, ...{given})"


def of_file(source: str) -> str:
    """Name and hash of a model's file; "" for a model that is in no file."""
    path = Path(source)
    if not source or not path.is_file():
        return ""
    return f"{path.name}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def of_accuracy(samples: int, accuracy_float: float | None, accuracy_int8: float | None) -> str:
    """Measured with labels, else ""."""
    if accuracy_int8 is None:
        return ""
    before = f"float {accuracy_float:.2%}, " if accuracy_float is not None else ""
    return f"accuracy on {samples} calibration samples: {before}int8 {accuracy_int8:.2%}"
