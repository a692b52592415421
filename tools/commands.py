# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Writes docs/commands.md: the help of every command of `nnom` (`make generate`). A test compares it with theirs."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

from nnom.cli import main as nnom_main

FILE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
HEAD = """<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->
# Commands

Made by `make generate`. What the exit codes mean stands at the end of the first help, and holds for every command.
Control characters in names are shown as escapes, except in `--json`; `NO_COLOR` is obeyed.
"""


def help_of(*words: str) -> str:
    """What `nnom <words> --help` prints, at a width of 100 columns."""
    os.environ["COLUMNS"] = "100"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        nnom_main([*words, "--help"])
    return out.getvalue()


def commands() -> list[str]:
    """Names of the commands, in the order of the help."""
    return re.findall(r"^    ([a-z]+) ", help_of(), re.MULTILINE)


def text() -> str:
    """The whole document."""
    parts = [HEAD, "```text\n" + help_of() + "```\n"]
    for command in commands():
        parts.append(f"## nnom {command}\n\n```text\n{help_of(command)}```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    FILE.write_text(text())
    print(FILE)
