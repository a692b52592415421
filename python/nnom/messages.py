# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Messages as data: text, and what a caller gives or may choose, by a name that each caller has its own word for.

raise DataError(Text(f"{file}: a float model; give ", Setting.CALIBRATION))

str() of it speaks Python; the command line has a table of its own (cli/names.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from .text import visible


class Setting(Enum):
    """What a caller gives or may choose. The value: its name in Python."""

    DATA = "x"
    CALIBRATION = "calibration data"
    METHOD = "method"
    ACCURACY = "accuracy"
    INT16 = "int16"
    INT4 = "int4"
    USE_FLOAT = "use_float=True"
    INT8_IO = "int8_io=True"
    BOARD = "board"
    RAM = "ram"
    FEED = "feed=True"
    STREAM = "stream"
    CAUSAL = "causal=True"
    NO_ORIGINAL = "original=False"
    SHAPE = "shapes"
    KEEP_IO_LAYOUT = "keep_io_layout=True"
    DATA_LAYOUT = "data_layout"


class Text(str):
    """A message made of `parts`. As a str it is the one in Python's words."""

    parts: tuple[str | Setting, ...]

    def __new__(cls, *parts: str | Setting) -> Text:
        """Parts that are Texts give theirs."""
        flat: list[str | Setting] = []
        for part in parts:
            flat += part.parts if isinstance(part, Text) else [part]
        made = super().__new__(cls, "".join(p.value if isinstance(p, Setting) else p for p in flat))
        made.parts = tuple(flat)
        return made

    def __reduce__(self) -> tuple[type[Text], tuple[str | Setting, ...]]:
        return Text, self.parts


def told(message: str, names: Mapping[Setting, str]) -> str:
    """A message with a caller's names of settings."""
    if not isinstance(message, Text):
        return message
    return "".join(names[p] if isinstance(p, Setting) else p for p in message.parts)


def shown(message: str, lines: bool = False) -> Text:
    r"""A message without control characters; settings stay data. lines: \n stays."""
    return Text(*(p if isinstance(p, Setting) else visible(p, lines) for p in Text(message).parts))
