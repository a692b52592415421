# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How often a board executes each of its instructions, by phase of the program: the emulator's plugin host/tally.c.

plugin = build_plugin(board)                       # ToolError: it cannot be built here
result = boards.run(board, elf, folder, extra=plugin_flags(board, plugin, elf, folder / "tally.txt"))
counts = read_tally(folder / "tally.txt")          # counts[phase].blocks
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import boards
from .errors import ToolError
from .run_library import cache_folder

MARK_FUNCTION, MARK_ARRAY = "board_mark", "board_marks"
_FLAGS = ("-std=c99", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared", "-fvisibility=hidden")


@dataclass(frozen=True)
class Block:
    """Instructions that are executed one after the other. jumps: how often what came next did not lie behind them."""

    address: int
    size: int
    runs: int
    jumps: int


@dataclass
class Phase:
    """One phase. flash: lines read from flash, by address of the instruction that reads."""

    blocks: list[Block] = field(default_factory=list)
    flash: dict[int, int] = field(default_factory=dict)


def build_plugin(board: boards.Board) -> Path:
    """The plugin for a board's emulator, compiled if the cache does not have it. ToolError says what is missing."""
    source = boards.firmware_dir() / "host" / "tally.c"
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise ToolError("no C compiler for this computer (gcc)")
    api = 1 if _emulator_version(board) < 9 else 2
    flags = [*_FLAGS, f"-DQEMU_PLUGIN_API={api}"]
    state = hashlib.sha256(repr((compiler, flags)).encode() + source.read_bytes())
    plugin = cache_folder() / f"tally-{state.hexdigest()[:24]}.so"
    if not plugin.is_file():
        part = plugin.with_suffix(f".{os.getpid()}")
        done = subprocess.run([compiler, *flags, str(source), "-o", str(part)], capture_output=True, text=True)
        if done.returncode != 0:
            raise ToolError(f"{compiler} failed on {source.name}: {done.stderr.strip()[-500:]}")
        part.replace(plugin)
    return plugin


def _emulator_version(board: boards.Board) -> int:
    path = boards.board_emulator(board)
    done = subprocess.run([path, "--version"], capture_output=True, text=True)
    match = re.search(r"version (\d+)\.", done.stdout)
    return int(match[1]) if match else 0


def plugin_flags(board: boards.Board, plugin: Path, elf: Path, out: Path) -> list[str]:
    """What the emulator's command needs to write `out`. The program is linked with firmware/mark.c."""
    places = boards.places(board, elf)
    if MARK_FUNCTION not in places or MARK_ARRAY not in places:
        raise ToolError(f"{elf}: no {MARK_FUNCTION} in it")
    options = {"out": str(out)}
    for key, name in (("mark", MARK_FUNCTION), ("marks", MARK_ARRAY)):
        options[key] = "{}:{}".format(*places[name])
    options["flash"] = f"{board.code.origin}:{board.code.length}"
    return ["-plugin", ",".join([str(plugin), *(f"{k}={v}" for k, v in options.items())])]


def read_tally(path: Path) -> dict[int, Phase]:
    """Counts by phase, or ToolError if the file is missing or cut off."""
    phases: dict[int, Phase] = {}
    lines = path.read_text().splitlines() if path.is_file() else []
    if not lines or lines[-1] != "end":
        raise ToolError("the emulator does not take the plugin that counts (it needs qemu 4.2 or newer with plugins)")
    for line in lines[:-1]:
        kind, *words = line.split()
        numbers = [int(w) for w in words]
        phase = phases.setdefault(numbers[0], Phase())
        if kind == "block":
            phase.blocks.append(Block(*numbers[1:]))
        else:
            phase.flash[numbers[1]] = phase.flash.get(numbers[1], 0) + numbers[2]
    return phases


def executions(
    phase: Phase, after: dict[int, int], apart: Sequence[range] = ()
) -> tuple[dict[int, int], dict[int, int]]:
    """(executions, jumps) by address. after: address of the next instruction; apart: code that is not counted."""
    runs: dict[int, int] = {}
    jumps: dict[int, int] = {}
    for block in phase.blocks:
        address = block.address
        for _ in range(block.size):
            last = address
            if not any(address in r for r in apart):
                runs[address] = runs.get(address, 0) + block.runs
            address = after.get(address, address + 2)
        if last in runs:
            jumps[last] = jumps.get(last, 0) + block.jumps
    return runs, jumps
