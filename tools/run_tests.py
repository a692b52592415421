# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Everything that `make test` checks, one suite after the other; the last line is the sum of all cases.

compile   each C file with gcc and clang, every warning an error; each public header alone, as C99 and as C++
format    C as clang-format and Python as ruff would write it (`make format`), two cases
ruff      Python's style, one case
mypy      Python's types, one case
coverage  the C suites reach 95 % of the lines of src/, one case
pytest    all other tests: Python's, and the C suites, one case each (tests/test_c.py); two files at a time

A suite that cannot be run counts as one failed case. `--only compile,ruff,mypy` runs some of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "test"
JOBS = 2
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
TEST_FLAGS = (f"-I{ROOT / 'tests' / 'c'}", '-DNNOM_PORT="test_port.h"')


@dataclass
class Count:
    """Cases of a suite."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def c_files() -> list[Path]:
    """The library's sources, and the frozen examples with their programs."""
    frozen = sorted((ROOT / "examples").glob("*/model.c"))
    return [*sorted((ROOT / "src").rglob("*.c")), *frozen, *(path.with_name("main.c") for path in frozen)]


def compile_commands() -> Iterable[list[str]]:
    """One command for each case of the suite `compile`."""
    includes = [f"-I{ROOT / folder}" for folder in ("include", "port")]
    for source in c_files():
        yield ["gcc", *WARNINGS, "-O2", *includes, "-c", str(source), "-o", os.devnull]  # some warnings need -O
        yield ["clang", *WARNINGS, *includes, "-fsyntax-only", str(source)]
    for source in sorted((ROOT / "tests" / "c").glob("*.c")):  # gcc compiles them to run them
        yield ["clang", *WARNINGS, *includes, *TEST_FLAGS, "-fsyntax-only", str(source)]
    for header in ("nnom.h", "nnom_run.h", "nnom_program.h"):  # the others are parts of nnom.h
        cxx = ["-std=c++11", "-pedantic-errors", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
        for command in (["gcc", *WARNINGS, "-x", "c"], ["g++", *cxx, "-x", "c++"]):
            yield [*command, *includes, "-fsyntax-only", "-include", header, os.devnull]


def quiet(command: list[str]) -> str | None:
    """None if the command succeeds, else what it said."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return None if done.returncode == 0 else f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def run_compile() -> Count:
    """Warnings are errors."""
    count = Count()
    with ThreadPoolExecutor(JOBS) as pool:
        for error in pool.map(quiet, compile_commands()):
            count += Count(int(error is None), int(error is not None))
            if error is not None:
                print(error, flush=True)
    return count


def run_format() -> Count:
    """Two cases: C, and Python."""
    c_command = ["sh", "tools/format_c.sh", "--dry-run", "-Werror"]
    errors = [quiet(command) for command in (c_command, [sys.executable, "-m", "ruff", "format", "--check", "."])]
    print("\n".join(error for error in errors if error) or "as `make format` writes it", flush=True)
    return Count(errors.count(None), len(errors) - errors.count(None))


def run_ruff() -> Count:
    """One case: no finding in any Python file."""
    error = quiet([sys.executable, "-m", "ruff", "check", "--quiet", "."])
    print(error or "no findings", flush=True)
    return Count(int(error is None), int(error is not None))


def run_mypy() -> Count:
    """One case: the package's types fit together."""
    error = quiet([sys.executable, "-m", "mypy", "--no-error-summary"])
    print(error or "no findings", flush=True)
    return Count(int(error is None), int(error is not None))


def run_coverage() -> Count:
    """One case: tools/coverage.sh, which prints the table."""
    done = subprocess.run(["sh", "tools/coverage.sh"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    return Count(int(done.returncode == 0), int(done.returncode != 0))


def run_pytest() -> Count:
    """Counted from the report that pytest writes."""
    report = BUILD / "pytest.xml"
    report.unlink(missing_ok=True)
    # A file stays with one worker: builds are shared by its cases.
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(JOBS), "--dist", "loadfile", "-rfEs", "--durations=15"]
    status = subprocess.run(
        [*command, f"--junitxml={report}"], cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, check=False
    ).returncode
    if not report.exists():
        return Count(failed=1)
    suite = ET.parse(report).getroot().find("testsuite")
    assert suite is not None
    number = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    passed = number["tests"] - failed - number["skipped"]
    return Count(passed, failed or int(status not in (0, 5)), number["skipped"])


SUITES: dict[str, Callable[[], Count]] = {
    "compile": run_compile,
    "format": run_format,
    "ruff": run_ruff,
    "mypy": run_mypy,
    "coverage": run_coverage,
    "pytest": run_pytest,
}


def timed(name: str) -> Count:
    """One suite, with its name before and its count after it."""
    print(f"---- {name}", flush=True)
    begin = time.monotonic()
    count = SUITES[name]()
    print(f"---- {name}: {count.passed} good, {count.failed} bad, {time.monotonic() - begin:.0f} s\n", flush=True)
    return count


def main() -> int:
    """Returns 1 if any case failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="suites to run, separated by commas", default=",".join(SUITES))
    names = parser.parse_args().only.split(",")
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        parser.error(f"unknown suite {unknown[0]!r}; expected some of {', '.join(SUITES)}")
    BUILD.mkdir(parents=True, exist_ok=True)
    total = sum((timed(name) for name in names), Count())
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
