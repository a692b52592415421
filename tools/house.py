# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Files, lines and lengths of functions by folder, and includes that run against the way of the data: `make house`.

Exit code 1 if an include runs against the way, a function of C is longer than 50 lines or a file of C longer than 400,
or if two files have static functions of the same name.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import statistics
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTION_LINES, FILE_LINES = 50, 400

# Which rooms each room may include, beside itself (DESIGN.md, "Rooms"). A variant of kernels brings its pack(), which
# works on layers; kernels and kernels/ref are what all of them compute with.
ALLOWED = {
    "run": (),
    "kernels": (),
    "kernels/ref": ("kernels", "run"),
    "plan": (),
    "build": ("kernels", "run", "plan"),
    "layers": ("build", "kernels", "run"),
    "kernels/*": ("kernels", "kernels/ref", "build", "layers", "run"),
    "freeze": ("build", "kernels", "run"),
    "features": ("kernels",),
}
# Public headers: these rooms know running only; the others building as well.
RUNNING = ("nnom_run.h", "nnom_program.h", "nnom_audio.h", "nnom_sensors.h", "nnom_port.h")
RUN_ONLY = ("run", "kernels", "kernels/ref", "plan", "features")
PYTHON = ("python/nnom", "tests", "tools", "bench")
STATIC = re.compile(r"^static (?!inline)[\w *]*?\b(\w+)\(", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


@dataclass
class Room:
    """What a folder holds. functions: (lines, file:line name)."""

    name: str
    files: int = 0
    lines: int = 0
    functions: list[tuple[int, str]] = field(default_factory=list)

    def row(self) -> dict[str, object]:
        """median, p90: lines of functions; longest: its lines and place."""
        lengths = sorted(n for n, _ in self.functions) or [0]
        p90 = lengths[min(len(lengths) - 1, len(lengths) * 9 // 10)]
        longest = max(self.functions, default=(0, ""))
        return {
            "folder": self.name,
            "files": self.files,
            "lines": self.lines,
            "functions": len(self.functions),
            "median": int(statistics.median(lengths)),
            "p90": p90,
            "longest": longest[0],
            "where": longest[1],
        }


@dataclass(frozen=True)
class Against:
    """An include against the way of the data; other: a room of src/, or "include"."""

    file: str
    include: str
    room: str
    other: str


def c_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """(lines, first line, name) of each function: from its first line, at the left edge, to its closing brace there."""
    head: list[tuple[int, str]] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if start:
            if line.startswith("}"):
                name = re.search(r"(\w+)\s*\(", " ".join(part for _, part in head))
                yield number - start + 1, start, name[1] if name else "?"
                start, head = 0, []
        elif line == "{" and head and "(" in head[0][1]:
            start = head[0][0]
        elif re.match(r"[A-Za-z_]", line) and not line.rstrip().endswith((";", ",")):
            head = [(number, line)]
        elif line.startswith((" ", "\t")) and head:
            head.append((number, line))
        elif re.match(r"[A-Za-z_].*\(.*,$", line):
            head = [(number, line)]
        else:
            head = []


def python_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """(lines, first line, name) of each function, methods and inner functions among them."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1, node.lineno, node.name


def room_of(folder: Path, source: Path) -> str:
    """The room of a file's folder: "run", "kernels/ref"."""
    return folder.resolve().relative_to(source.resolve()).as_posix()


def allowed(room: str, other: str) -> bool:
    """May a file of `room` include one of `other`?"""
    key = room if room in ALLOWED else "kernels/*" if room.startswith("kernels/") else None
    return room == other or (key is not None and other in ALLOWED[key])


def against_the_way(source: Path) -> list[Against]:
    """Includes between the rooms of src/ that ALLOWED does not have."""
    found = []
    for path in sorted([*source.rglob("*.[ch]"), *source.rglob("*.def")]):
        room = room_of(path.parent, source)
        for include in INCLUDE.findall(path.read_text()):
            target = path.parent / include
            other = room_of(target.parent, source) if target.is_file() else "include"
            right = allowed(room, other) if target.is_file() else room not in RUN_ONLY or include in RUNNING
            if not right:
                found.append(Against(path.relative_to(source.parent).as_posix(), include, room, other))
    return found


def measure(root: Path, folder: Path, suffixes: tuple[str, ...]) -> Room:
    """Files directly in a folder of C, or in and below one of Python."""
    room = Room(folder.relative_to(root).as_posix())
    python = suffixes == (".py",)
    for path in sorted(folder.rglob("*") if python else folder.iterdir()):
        if path.suffix in suffixes and path.is_file():
            text = path.read_text()
            room.files += 1
            room.lines += len(text.splitlines())
            found = python_functions(text) if python else c_functions(text)
            room.functions += [(n, f"{path.relative_to(root).as_posix()}:{at} {name}") for n, at, name in found]
    return room


def rooms(root: Path) -> tuple[list[Room], list[Room]]:
    """Those of C and those of Python."""
    source = root / "src"
    folders = [root / "include", *sorted(p for p in source.rglob("*") if p.is_dir())]
    c = [measure(root, f, (".c", ".h", ".def")) for f in folders]
    return [r for r in c if r.files], [measure(root, root / p, (".py",)) for p in PYTHON if (root / p).is_dir()]


def too_long(root: Path, c_rooms: list[Room]) -> list[str]:
    """Functions and files of C beyond the limits, as sentences."""
    found = [f"{at}: {n} lines" for r in c_rooms for n, at in r.functions if n > FUNCTION_LINES]
    for path in sorted((root / "src").rglob("*.[ch]")):
        lines = len(path.read_text().splitlines())
        if lines > FILE_LINES:
            found.append(f"{path.relative_to(root).as_posix()}: {lines} lines")
    return found


def shared_names(root: Path) -> list[str]:
    """Names of static functions that two files of C have: they lack their subject. As "name: file, file"."""
    owners: dict[str, list[str]] = {}
    for path in sorted((root / "src").rglob("*.c")):
        for name in sorted(set(STATIC.findall(path.read_text()))):
            owners.setdefault(name, []).append(path.relative_to(root).as_posix())
    return [f"{name}: {', '.join(files)}" for name, files in sorted(owners.items()) if len(files) > 1]


def table(rows: list[dict[str, object]]) -> str:
    """The rows at 80 columns."""
    lines = [f"{'folder':<17}{'files':>6}{'lines':>8}{'functions':>11}{'median':>8}{'p90':>6}{'longest':>9}"]
    for r in rows:
        lines.append(
            f"{r['folder']:<17}{r['files']:>6}{r['lines']:>8,}{r['functions']:>11,}{r['median']:>8}{r['p90']:>6}{r['longest']:>9}"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """The table, or with --json one document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="the same as one JSON document")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to look at")
    arguments = parser.parse_args(argv)
    c_rooms, python_rooms = rooms(arguments.root)
    against = against_the_way(arguments.root / "src")
    long = too_long(arguments.root, c_rooms)
    shared = shared_names(arguments.root)
    rows = [r.row() for r in [*c_rooms, *python_rooms]]
    if arguments.json:
        print(
            json.dumps(
                {"rooms": rows, "against": [asdict(a) for a in against], "too_long": long, "shared": shared}, indent=1
            )
        )
    else:
        print(table(rows))
        print(f"\nIncludes against the way of the data: {len(against) or 'none'}")
        print("".join(f"  {a.file} includes {a.include}\n" for a in against), end="")
        print(f"Functions over {FUNCTION_LINES} lines or files over {FILE_LINES} in C: {len(long) or 'none'}")
        print("".join(f"  {line}\n" for line in long), end="")
        print(f"Static functions of the same name in two files: {len(shared) or 'none'}")
        print("".join(f"  {line}\n" for line in shared), end="")
    return 1 if against or long or shared else 0


if __name__ == "__main__":
    sys.exit(main())
