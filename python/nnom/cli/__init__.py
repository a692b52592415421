# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The command `nnom`. It reads options, calls what the package offers, and formats what comes back.

    options.py     the options of each command
    commands.py    what each command does; plan.py, inspect.py and bench.py those of these names
    given.py       the model, samples and inputs that options name
    words.py       what is typed, to values; names.py how messages name settings
    as_json.py     results for machines; printing.py tables for people; terminal.py what a terminal can show

Nothing outside this folder knows an option's name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import options


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code. Without a command: the help."""
    parser = options.parser()
    words = options.joined(list(sys.argv[1:] if arguments is None else arguments))
    parsed = parser.parse_args(words)
    parsed.words = words
    if parsed.command is None:
        parser.print_help()
        return 0
    return _run_command(parsed)


def _run_command(parsed: argparse.Namespace) -> int:
    from ..errors import NnomError, ToolError
    from . import commands, terminal

    terminal.set_up_streams()
    try:
        return commands.COMMANDS[parsed.command](parsed)
    except ToolError as e:
        return _fail(e, 3)
    except (NnomError, OSError, MemoryError) as e:
        return _fail(e, 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _fail(error: BaseException | str, code: int) -> int:
    from ..errors import NnomError
    from ..text import visible
    from .names import told

    text = told(error.text) if isinstance(error, NnomError) else visible(str(error), lines=True)
    if isinstance(error, MemoryError):
        text = "out of memory; use fewer samples"
    print(f"nnom: error: {text}", file=sys.stderr)
    return code


def run() -> NoReturn:
    """Entry for `python -m`."""
    sys.exit(main())
