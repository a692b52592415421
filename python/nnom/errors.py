# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What can go wrong, as exceptions whose text is meant for the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .messages import Setting, Text, shown

if TYPE_CHECKING:
    from .graph import Graph


class NnomError(Exception):
    """Base of all errors that a user can cause: the text names the file or layer, what was expected and what to do.

    Names in it come from files: control characters, ends of lines too, are shown as escapes.
    """

    _lines = False  # whether its text may have several lines

    @property
    def text(self) -> Text:
        """What __str__ gives, with the settings that it tells of as data."""
        return shown(self.args[0] if self.args else "", self._lines)

    def __str__(self) -> str:
        return str(self.text)


class ModelError(NnomError):
    """A model file that is damaged, or holds something that contradicts itself."""


class OperatorError(ModelError):
    """A node whose inputs, attributes or weights are not those of its operator."""


class UnsupportedError(NnomError):
    """Layers or operators without a counterpart; the text lists all of them with their places.

    lines: one for each of them, below the first line of the text.
    partial: the layers that have one, if the importer got that far: to look at, not to run.
    """

    def __init__(self, text: str, partial: Graph | None = None, lines: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.partial = partial
        self.lines = tuple(lines)

    @property
    def text(self) -> Text:
        """All lines."""
        parts = [super().text]
        for line in self.lines:
            parts += [Text("\n  "), shown(line)]
        return Text(*parts)


class DataError(NnomError):
    """Calibration or test data of the wrong shape, type or content."""


class CoreError(NnomError):
    """The C core refused a model; the text is the core's own."""


class TooSmall(CoreError):
    """A budget of memory that no plan fits. least, budget: bytes. layer: the one that sets the least, if one does.

    fed: whether the input came row by row, which may need less.
    """

    _lines = True

    def __init__(self, text: str, least: int = 0, budget: int = 0, layer: str = "", fed: bool = False) -> None:
        super().__init__(text, least, budget, layer, fed)
        self.least, self.budget, self.layer, self.fed = least, budget, layer, fed

    @property
    def text(self) -> Text:
        """With what may help."""
        hint = () if self.fed else ("; an input fed row by row (", Setting.FEED, ") may need less")
        return Text(super().text, *hint)


class InternalError(NnomError):
    """Python and the core contradict each other: a fault of NNoM's own."""


class ToolError(NnomError):
    """A compiler, emulator or package is missing or failed; the text may hold the lines that it printed."""

    _lines = True
