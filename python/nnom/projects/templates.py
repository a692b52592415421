# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Texts with places for values: files in which @@name or @@{name} stands for one, and all else for itself."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from ..errors import InternalError


class _Places(string.Template):
    """No file of a project has @@ for itself, as $ and {} are in Makefiles, CMake and C."""

    delimiter = "@@"


def fill(text: str, values: Mapping[str, str], place: str = "template") -> str:
    """The text with its values; InternalError for a place without one."""
    try:
        return _Places(text).substitute(values)
    except (KeyError, ValueError) as e:
        raise InternalError(f"{place}: no value for {e}") from e


def fill_file(path: Path, values: Mapping[str, str]) -> str:
    """A template's file with its values."""
    return fill(path.read_text(encoding="utf-8"), values, path.name)
