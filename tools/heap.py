# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Heap of the two networks of NNoM's first README, built by hand on an emulated Cortex-M4: part of `make size`.

Counted is what the library asks of malloc, after compile and at the peak until then, beside the caller's input and
output.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nnom import boards
from nnom.run_library import library_archive, library_sources, link_flags

ROOT = Path(__file__).resolve().parents[1]
INPUT_BYTES = 128 * 9
# Bytes after compile, at the peak. README of 2019: 3,922 for all of the sequential network, with its input.
TARGETS = {"sequential": (2700, 2700), "inception": (11623 // 2, 15096 // 2)}
README_BYTES = 3922


@dataclass(frozen=True)
class Heap:
    """Bytes of one network: after compile, at the peak, and of these its arena."""

    after: int
    peak: int
    arena: int

    def within(self, targets: tuple[int, int]) -> bool:
        """Both are met."""
        return self.after <= targets[0] and self.peak <= targets[1]


def measure(board: boards.Board, out: Path, opt: boards.Optimisation = "-Os", trace: bool = False) -> dict[str, Heap]:
    """The heap of each network, as a run on the board prints it. Builds into `out`."""
    flags = [*link_flags(library_archive(board, opt)), "-Wl,--wrap=malloc,--wrap=free"]
    includes = [ROOT / "tests" / "c", *library_sources()[1]]
    source = boards.firmware_dir() / "heap.c"
    elf = boards.build(board, [source], includes, {"HEAP_TRACE": trace}, out, opt, flags)
    result = boards.run(board, elf, cwd=out)
    if result.exit_code != 0:
        raise boards.BoardError(f"{board.name}: heap.c ended with {result.exit_code}:\n{result.stdout}")
    if trace:
        print(result.stdout)
    rows = [line.split() for line in result.stdout.splitlines() if not line.startswith(" ")]
    return {row[0]: Heap(*map(int, row[1:])) for row in rows if len(row) == 4}


def report(heaps: dict[str, Heap]) -> bool:
    """Prints both networks beside their targets; false if one is missed."""
    print(f"Heap of the networks of the first README, built by hand; beside it the caller's input, {INPUT_BYTES} B")
    print(f"{'':18}{'compiled':>10}{'peak':>8}{'arena':>8}   targets")
    for name, heap in heaps.items():
        after, peak = TARGETS[name]
        verdict = "within" if heap.within(TARGETS[name]) else "OVER"
        print(f"{name:18}{heap.after:10}{heap.peak:8}{heap.arena:8}   {verdict} {after} and {peak} B")
    whole = heaps["sequential"].peak + INPUT_BYTES
    print(f"sequential with its input: {whole} B, {'within' if whole <= README_BYTES else 'OVER'} {README_BYTES} B")
    return all(heap.within(TARGETS[name]) for name, heap in heaps.items()) and whole <= README_BYTES


def main() -> int:
    """Prints every allocation, then the table."""
    board = boards.boards()["cortex-m4"]
    return 0 if report(measure(board, ROOT / "build" / "size" / "heap", trace=True)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
