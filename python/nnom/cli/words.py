# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What is typed: the words of options to values, and the command as a text for the header of model.h."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from ..errors import DataError

_UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "kib": 1024, "m": 1024**2, "mb": 1024**2, "mib": 1024**2}
_NO_MATTER = {"-o": 1, "--out": 1, "-q": 0, "--quiet": 0, "--json": 0}  # options that change no byte: words that follow


def parse_bytes(text: str, option: str = "--ram") -> int:
    """Bytes of "16384", "16k", "16kB" or "1.5K" (k: 1024), or DataError that names the option."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if not match or match[2] not in _UNITS:
        raise DataError(f"{option} {text}: expected bytes, as 16384, 16k or 16kB")
    size = int(float(match[1]) * _UNITS[match[2]])
    if not 0 < size < 2**31:
        raise DataError(f"{option} {text}: expected 1 byte to 2 GB")
    return size


def parse_lcg(text: str) -> int:
    """The seed of "lcg:SEED", or DataError."""
    match = re.fullmatch(r"lcg:(0[xX][0-9a-fA-F]+|\d+)", text)
    seed = int(match[1], 0) if match else -1
    if not 0 <= seed < 2**32:
        raise DataError(f"--input {text}: expected a file or lcg:SEED with a seed of 0 to 4294967295")
    return seed


def _placeless(word: str) -> str:
    """Absolute paths lose their folders."""
    return re.sub(r"(?<![\w.~-])(?:[A-Za-z]:)?[/\\](?:[^/\\,=]+[/\\])*", "", word)


def command_text(words: Sequence[str]) -> str:
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
