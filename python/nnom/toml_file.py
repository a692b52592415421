# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TOML files: by Python's own reader, which 3.10 does not have yet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file."""
    with path.open("rb") as file:
        return tomllib.load(file)
