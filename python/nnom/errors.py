# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What can go wrong, as exceptions whose text is meant for the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .text import visible

if TYPE_CHECKING:
    from .graph import Graph


class NnomError(Exception):
    """Base of all errors that a user can cause: the text names the file or layer, what was expected and what to do.

    Names in it come from files: control characters, ends of lines too, are shown as escapes.
    """

    def __str__(self) -> str:
        return visible(super().__str__())


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

    def __str__(self) -> str:
        return "\n  ".join([super().__str__(), *map(visible, self.lines)])


class DataError(NnomError):
    """Calibration or test data of the wrong shape, type or content."""


class CoreError(NnomError):
    """The C core refused a model; the text is the core's own."""


class TooSmall(CoreError):
    """A budget of memory that no plan fits. least, budget: bytes. layer: the one that sets the least."""

    def __init__(self, text: str, least: int = 0, budget: int = 0, layer: str = "") -> None:
        super().__init__(text, least, budget, layer)
        self.least, self.budget, self.layer = least, budget, layer

    def __str__(self) -> str:
        return visible(self.args[0], lines=True)


class ToolError(NnomError):
    """A compiler, emulator or package is missing or failed; the text may hold the lines that it printed."""

    def __str__(self) -> str:
        return visible(Exception.__str__(self), lines=True)
