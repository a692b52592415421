# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Makes and checks the packages: `make packages`, or some of them: make packages ONLY="single arduino".

The archives stay in build/packages. Exit code 0: all that was asked for was checked and holds; 1: something does not;
3: a tool is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import time
from dataclasses import asdict

from .base import OUT, Failed, Missing, Result
from .formats import FORMATS, Format

WIDTH = 80


def results(chosen: Format) -> list[Result]:
    """Makes a package, then each of its checks."""
    work = OUT / "work" / chosen.name
    found: list[Result] = []
    begin = time.monotonic()

    def add(check: str, passed: bool | None, text: str) -> None:
        nonlocal begin
        found.append(Result(chosen.name, check, passed, text, time.monotonic() - begin))
        begin = time.monotonic()

    step = "packed"
    try:
        archive = chosen.make(work)
        add(step, True, f"{archive.name}, {archive.stat().st_size:,} B")
        for step, check in chosen.checks:
            add(step, True, check(archive, work))
    except Missing as e:
        add(step, None, str(e))
    except (Failed, Exception) as e:  # whatever goes wrong is this package's failure; the others go on
        add(step, False, f"{'' if isinstance(e, Failed) else type(e).__name__ + ': '}{e}")
    return found


def shown(result: Result) -> str:
    """A line of the table, and what did not fit into it below."""
    state = {True: "ok", False: "FAILED", None: "missing"}[result.passed]
    head = f"{result.package:<12} {result.check:<20} {state:<8}"
    lines = [w for line in result.text.splitlines() for w in textwrap.wrap(line, WIDTH - 43) or [""]]
    return "\n".join([head + (lines[0] if lines else ""), *(" " * 42 + line for line in lines[1:])])


def main(argv: list[str] | None = None) -> int:
    """The table, or with --json one document."""
    parser = argparse.ArgumentParser(prog="packages", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(f.name for f in FORMATS)} (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    arguments = parser.parse_args(argv)
    known = {f.name: f for f in FORMATS}
    if unknown := [n for n in arguments.names if n not in known]:
        parser.error(f"unknown package '{unknown[0]}'; expected some of {', '.join(known)}")
    OUT.mkdir(parents=True, exist_ok=True)
    if not arguments.json:
        print(f"{'package':<12} {'check':<20} {'':<8}result", flush=True)
    done: list[Result] = []
    for name in arguments.names or known:
        for result in results(known[name]):
            done.append(result)
            if not arguments.json:
                print(shown(result), flush=True)
    if arguments.json:
        print(json.dumps([asdict(r) for r in done], indent=1))
    failed, missing = [[r for r in done if r.passed is state] for state in (False, None)]
    if not arguments.json:
        good = len(done) - len(failed) - len(missing)
        print(f"{good} checks hold, {len(failed)} do not, {len(missing)} need a tool that is missing")
    return 1 if failed else 3 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
