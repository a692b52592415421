# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Numbers from text files: a sample per line, cells between commas, semicolons, tabs or spaces, maybe names first."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import DataError

ENDINGS = (".csv", ".tsv", ".txt")
_LINE = 2**20  # characters of the first line that are looked at


def read_csv(path: Path) -> np.ndarray:
    """[lines, columns] as float64. Raises DataError naming the line, OSError."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: no regular file; expected lines of numbers")
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline(_LINE).strip()
            while first == "" and file.tell() < path.stat().st_size:
                first = file.readline(_LINE).strip()
            if not first:
                raise DataError(f"{path}: empty; expected lines of numbers")
            named = not any(_is_number(cell) for cell in _cells(first))
            if not named:
                file.seek(0)
            lines = (line for line in file if line.strip())
            array = np.loadtxt(lines, delimiter=_delimiter(first), ndmin=2, quotechar='"', comments=None)
    except UnicodeDecodeError:
        raise DataError(f"{path}: is no text; expected lines of numbers, or a .npy or .npz file") from None
    except ValueError as e:
        text = str(e).splitlines()[0].removesuffix(".")
        raise DataError(f"{path}: {text[:200]}; expected numbers, as many in every line") from None
    if not array.size:
        raise DataError(f"{path}: no line of numbers; expected a sample per line")
    return array


def _delimiter(line: str) -> str | None:
    return next((d for d in (";", "\t", ",") if d in line), None)


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(_delimiter(line))]


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))  # with a decimal comma it is no name, and refused below
    except ValueError:
        return False
    return True
