# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .errors import NnomError


def write_text(path: Path, content: str | bytes) -> None:
    """All of a file or nothing of it, NnomError if it cannot be written."""
    try:
        write_atomically(path, content)
    except OSError as e:
        raise NnomError(f"{path}: cannot be written: {e.strerror or e}") from e


def write_atomically(path: Path, content: str | bytes) -> None:
    """All of the file or nothing of it. Text is written as UTF-8. Links are followed, devices and folders refused."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
