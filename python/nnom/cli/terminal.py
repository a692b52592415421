# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What reaches a terminal: text without control characters, tables that fit, progress bars.

Numbers, shapes and names are never cut: where a table does not fit, layers' names give way, then each row goes on in
the next line. NO_COLOR, TERM=dumb and terminals that are not UTF-8 are obeyed.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.style import Style

from ..text import cut, visible

PIPE_WIDTH = 120  # where the output is no terminal
_GAP = 2
_INDENT = 4  # of a row's further lines
_LEAST_NAME = 12
_BOLD = Style(bold=True)
_NO_STYLE = Style()


def set_up_streams() -> None:
    """Characters that the terminal's encoding lacks become escapes instead of a UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def width_of(stream: TextIO) -> int:
    """Columns of a terminal; PIPE_WIDTH for anything else."""
    if not stream.isatty():
        return PIPE_WIDTH
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


class Screen(Console):
    """Standard output or standard error. quiet_details: what is only explanation is left out."""

    def __init__(self, stderr: bool = False, quiet: bool = False):
        stream = sys.stderr if stderr else sys.stdout
        plain = bool(os.environ.get("NO_COLOR")) or not stream.isatty()
        options: dict[str, Any] = {"color_system": None} if plain else {}
        super().__init__(stderr=stderr, width=width_of(stream), highlight=False, emoji=False, **options)
        self.quiet_details = quiet

    def print(self, *objects: Any, **options: Any) -> None:
        """Control characters in text are shown as escapes."""
        super().print(*(visible(o, lines=True) if isinstance(o, str) else o for o in objects), **options)

    def say(self, text: str) -> None:
        """A sentence, in the terminal's width; in a pipe in one line."""
        self.print(text, markup=False, soft_wrap=not self.is_terminal)

    def detail(self, text: Any) -> None:
        """What --quiet leaves out: a table or a sentence."""
        if self.quiet_details:
            return
        if isinstance(text, str):
            self.say(text)
        else:
            self.print(text)


class Stages:
    """Progress bars on standard error: `with Stages() as stage: step = stage("calibrating"); step(done, total)`."""

    def __init__(self, quiet: bool = False) -> None:
        columns = (TextColumn("{task.description:>16}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
        screen = Screen(stderr=True)
        off = quiet or not sys.stderr.isatty() or screen.is_dumb_terminal
        self._progress = Progress(*columns, console=screen, transient=True, disable=off)

    def __enter__(self) -> Stages:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, name: str) -> Callable[[int, int], None]:
        """A new bar; the returned function takes (done, total)."""
        task = self._progress.add_task(name, total=None)
        return lambda done, total: self._progress.update(task, completed=done, total=total)


# ---- Tables ----


class Table:
    """Columns named "<..." are left-aligned, "~..." left-aligned names that may be cut, the others right-aligned."""

    def __init__(self, title: str, *columns: str):
        self.title = visible(title)
        self._left = [column[:1] in ("<", "~") for column in columns]
        self._flexible = [column.startswith("~") for column in columns]
        self._head = [column.lstrip("<~") for column in columns]
        self._rows: list[list[str] | None] = []  # None: a rule

    def add_row(self, *cells: str) -> None:
        """One cell for each column; missing ones are empty."""
        row = [visible(cell) for cell in cells]
        self._rows.append(row + [""] * (len(self._head) - len(row)))

    def add_section(self) -> None:
        """A rule before the next row."""
        self._rows.append(None)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        encoding = options.encoding if options.ascii_only else None
        head = len(self.title) > 0
        for k, line in enumerate(self.lines(options.max_width, encoding)):
            yield Segment(line, _BOLD if head and k == 0 else _NO_STYLE)
            yield Segment.line()
        yield Segment.line()

    def lines(self, width: int, encoding: str | None = None) -> list[str]:
        """The table as text of at most `width` columns. encoding: of a terminal that is not UTF-8."""
        rows = [None if row is None else [_encodable(cell, encoding) for cell in row] for row in self._rows]
        natural = [max(cell_len(r[k]) for r in [self._head, *filter(None, rows)]) for k in range(len(self._head))]
        groups, gap = self._groups(natural, width)
        rule = ("-" if encoding else "─") * max(sum(g.values()) + gap * (len(g) - 1) + g.indent for g in groups)
        made = textwrap.wrap(_encodable(self.title, encoding), width, break_on_hyphens=False) if self.title else []
        made += [*self._row(self._head, groups, gap, encoding), rule]
        for row in rows:
            made += [rule] if row is None else self._row(row, groups, gap, encoding)
        return made

    def _groups(self, natural: list[int], width: int) -> tuple[list[_Group], int]:
        """Which columns stand in which line of a row, and how wide; and the gap. Names give way first, then the gap."""
        least = [min(n, _LEAST_NAME) if f else n for n, f in zip(natural, self._flexible, strict=True)]
        close = sum(least) + len(least) - 1 <= width < sum(least) + _GAP * (len(least) - 1)
        gap = 1 if close else _GAP
        groups = [_Group(0)]
        for k, need in enumerate(least):
            used = groups[-1].indent + sum(w + gap for w in groups[-1].values())
            if groups[-1] and used + need > width:
                groups.append(_Group(_INDENT))
            groups[-1][k] = min(need, width - groups[-1].indent)
        for group in groups:
            spare = width - group.indent - sum(group.values()) - gap * (len(group) - 1)
            for k in group:
                if self._flexible[k]:
                    more = min(spare, natural[k] - group[k])
                    group[k], spare = group[k] + more, spare - more
        return groups, gap

    def _row(self, cells: list[str], groups: list[_Group], gap: int, encoding: str | None) -> list[str]:
        made: list[str] = []
        for group in groups:
            parts = [self._fitted(k, cells[k], group[k], encoding) for k in group]
            for line in range(max(map(len, parts))):
                padded = [
                    self._padded(k, part[line] if line < len(part) else "", group[k])
                    for k, part in zip(group, parts, strict=True)
                ]
                made.append((" " * group.indent + (" " * gap).join(padded)).rstrip())
        return [line for k, line in enumerate(made) if line or k == 0]

    def _fitted(self, column: int, cell: str, width: int, encoding: str | None) -> list[str]:
        """A cell's lines: a name is cut, other text wider than the whole screen goes on below."""
        if cell_len(cell) <= width:
            return [cell]
        if self._flexible[column]:
            return [cut(cell, width, encoding)]
        return textwrap.wrap(cell, width, break_on_hyphens=False) or [""]

    def _padded(self, column: int, cell: str, width: int) -> str:
        room = " " * (width - cell_len(cell))
        return cell + room if self._left[column] else room + cell


class _Group(dict[int, int]):
    """Widths by column of one line of a row."""

    def __init__(self, indent: int):
        super().__init__()
        self.indent = indent


def _encodable(text: str, encoding: str | None) -> str:
    return text.encode(encoding, "backslashreplace").decode(encoding) if encoding else text
