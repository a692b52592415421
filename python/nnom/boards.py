# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Emulated boards: build a C program for a microcontroller, run it in qemu, count its instructions, measure its flash.

    board = boards()["cortex-m4"]
    elf = build(board, [Path("main.c")], [Path("include")], {}, Path("out"))
    result = run(board, elf, cwd=Path("data"))      # result.stdout, result.exit_code
    size(board, elf).text

The boards are described in firmware/boards.toml. Runs are deterministic: the same program and the same files give the
same number of instructions.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import ToolError
from .toml_file import read_toml

Optimisation = Literal["-O0", "-Og", "-O1", "-O2", "-O3", "-Os"]

JOBS = 2
_COMMON_SOURCES = ("startup.c", "counter.c", "semihost.c", "print.c", "libc.c")
_COMPILE_FLAGS = ("-std=c99", "-ffunction-sections", "-fdata-sections", "-g1", "-Wall", "-Wextra")
_RAM_ONLY = (".stack",)
_SIZE_LINE = re.compile(r"^(\S+)\s+(\d+)\s+(\d+)$")
_SYMBOL_LINE = re.compile(r"^([0-9a-fA-F]+)\s+([0-9a-fA-F]+)\s+(\S)\s+(.+)$")


class BoardError(ToolError):
    """A tool is missing, a program does not compile or link, or a run does not end."""


@dataclass(frozen=True)
class Region:
    """A piece of address space, in bytes."""

    origin: int
    length: int


@dataclass(frozen=True)
class Timer:
    """What counts instructions. `granularity_instructions`: the smallest difference that can be seen."""

    kind: str
    base: int
    hertz: int
    granularity_instructions: int


@dataclass(frozen=True)
class Board:
    """One table of firmware/boards.toml."""

    name: str
    family: str
    target: str
    compiler: str
    cpu: tuple[str, ...]
    libc: tuple[str, ...]
    emulator: str
    machine: tuple[str, ...]
    compiler_packages: str
    emulator_packages: str
    icount_shift: int
    stack: int
    vectors: Region
    code: Region
    ram: Region
    timer: Timer


@dataclass(frozen=True)
class RunResult:
    """How a run ended. `exit_code` is what main returned (3: fault), `seconds` the time on the host."""

    stdout: str
    exit_code: int
    seconds: float


@dataclass(frozen=True)
class Sections:
    """Bytes of a program: flash is text + data, RAM is data + bss. The reserved stack is not in bss."""

    text: int
    data: int
    bss: int


@dataclass(frozen=True)
class Symbol:
    """A function or an object. `kind`: "text" (code and constants), "data" (flash and RAM) or "bss" (RAM)."""

    name: str
    size: int
    kind: str


def firmware_dir() -> Path:
    """Folder of the boards' C sources: in the repository, or in the installed package.

    Raises BoardError if there is none.
    """
    here = Path(__file__).resolve().parent
    candidates = (here.parent.parent / "firmware", here / "_c" / "firmware")
    for folder in candidates:
        if (folder / "boards.toml").is_file():
            return folder
    looked = " and ".join(str(folder) for folder in candidates)
    raise BoardError(f"the boards' sources are missing: no boards.toml in {looked}; reinstall nnom")


def _board(name: str, table: dict) -> Board:
    memory = {key: Region(*value) for key, value in table["memory"].items()}
    return Board(
        name=name,
        family=table["family"],
        target=table["target"],
        compiler=table["compiler"],
        cpu=tuple(table["cpu"]),
        libc=tuple(table["libc"]),
        emulator=table["emulator"],
        machine=tuple(table["machine"]),
        compiler_packages=table["apt"]["compiler"],
        emulator_packages=table["apt"]["emulator"],
        icount_shift=table["icount_shift"],
        stack=table["stack"],
        timer=Timer(**table["timer"]),
        **memory,
    )


def boards() -> dict[str, Board]:
    """All boards by name, in the order of boards.toml."""
    tables = read_toml(firmware_dir() / "boards.toml")
    return {name: _board(name, table) for name, table in tables.items()}


def _tool(program: str, packages: str, board: Board) -> str:
    """Full path of `program`, or BoardError that says how to install it."""
    path = shutil.which(program)
    if path is None:
        raise BoardError(f"{board.name}: {program} is not installed; run: sudo apt-get install {packages}")
    return path


def _board_tool(board: Board, tool: str) -> str:
    return _tool(board.compiler + tool, board.compiler_packages, board)


def board_emulator(board: Board) -> str:
    """Full path of the board's emulator, or BoardError that says how to install it."""
    return _tool(board.emulator, board.emulator_packages, board)


def _call(board: Board, command: Sequence[str], what: str) -> str:
    """Standard output of `command`; BoardError with all its text if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BoardError(f"{board.name}: {what} failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _board_defines(board: Board) -> dict[str, str]:
    return {
        "BOARD_NAME": f'"{board.name}"',
        f"BOARD_TIMER_{board.timer.kind.upper()}": "1",
        "BOARD_TIMER_BASE": f"{board.timer.base:#x}u",
        "BOARD_TIMER_HERTZ": str(board.timer.hertz),
        "BOARD_ICOUNT_SHIFT": str(board.icount_shift),
    }


def _define_flags(defines: Mapping[str, object]) -> list[str]:
    """A value of None or True defines the bare name, False leaves it undefined."""
    flags = []
    for name, value in defines.items():
        if value is None or value is True:
            flags.append(f"-D{name}")
        elif value is not False:
            flags.append(f"-D{name}={value}")
    return flags


def _memory_flags(board: Board) -> list[str]:
    regions = {"vectors": board.vectors, "code": board.code, "ram": board.ram}
    flags = [f"-Wl,--defsym=board_{name}_origin={region.origin:#x}" for name, region in regions.items()]
    flags += [f"-Wl,--defsym=board_{name}_length={region.length:#x}" for name, region in regions.items()]
    return [*flags, f"-Wl,--defsym=board_stack_size={board.stack}"]


def _compile(board: Board, compiler: str, source: Path, target: Path, flags: Sequence[str]) -> None:
    _call(board, [compiler, *flags, "-c", str(source), "-o", str(target)], f"compiling {source}")


def build(
    board: Board,
    sources: Sequence[Path],
    includes: Sequence[Path],
    defines: Mapping[str, object],
    out: Path,
    opt: Optimisation = "-O2",
    extra_flags: Sequence[str] = (),
) -> Path:
    """Compile `sources` (C or assembly) with the board's start-up code into `out` and link them to out/firmware.elf.

    `extra_flags` go to the compiler and to the linker, after the board's own. out/firmware.map is the linker's map.
    Every call compiles everything. Raises BoardError with the compiler's text.
    """
    compiler = _board_tool(board, "gcc")
    firmware = firmware_dir()
    own = [firmware / f"startup_{board.family}.c", *(firmware / name for name in _COMMON_SOURCES)]
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    include_flags = [f"-I{folder}" for folder in (*includes, firmware)]
    flags = [*board.cpu, *board.libc, opt, *_COMPILE_FLAGS, *include_flags]
    flags += [*_define_flags(_board_defines(board)), *_define_flags(defines), *extra_flags]
    work = [(Path(source), out / f"{index:03d}_{Path(source).stem}.o") for index, source in enumerate([*own, *sources])]
    with ThreadPoolExecutor(JOBS) as pool:
        for future in [pool.submit(_compile, board, compiler, source, target, flags) for source, target in work]:
            future.result()
    elf = out / "firmware.elf"
    link = [compiler, *board.cpu, *board.libc, "-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"]
    link += [*_memory_flags(board), f"-Wl,-Map={out / 'firmware.map'}", "-T", str(firmware / "board.ld"), *extra_flags]
    link += [*(str(target) for _, target in work), "-lm", "-o", str(elf)]
    _call(board, link, f"linking {elf}")
    return elf


def emulator_command(board: Board, elf: Path, args: Sequence[str] = ()) -> list[str]:
    """The qemu command that runs `elf`; `args` arrive as argv[1...] and hold neither spaces nor commas."""
    for argument in args:
        if not argument or " " in argument or "," in argument:
            raise BoardError(
                f"{board.name}: argument {argument!r} is empty or holds a space or a comma; put it in a file"
            )
    config = ["enable=on", "target=native", "chardev=console"]
    config += [f"arg={text}" for text in (elf.name.replace(" ", "_").replace(",", "_"), *args)]
    command = [board_emulator(board), *board.machine]
    command += ["-kernel", str(elf.resolve()), "-icount", f"shift={board.icount_shift}", "-display", "none"]
    command += ["-monitor", "none", "-serial", "none", "-chardev", "stdio,id=console,signal=off"]
    return [*command, "-semihosting-config", ",".join(config)]


def run(
    board: Board, elf: Path, cwd: Path, args: Sequence[str] = (), timeout: float = 120.0, extra: Sequence[str] = ()
) -> RunResult:
    """Run `elf` in the emulator; its files are relative to `cwd`. `timeout` in seconds of the host.

    `extra` goes to the emulator.

    A program that fails is a result with its exit code; BoardError means that the emulator could not start, crashed
    or did not end in time.
    """
    command = [*emulator_command(board, Path(elf), args), *extra]
    begin = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b"").decode(errors="replace")
        raise BoardError(
            f"{board.name}: {elf} did not end within {timeout} s; raise timeout if it is just slow; "
            f"its last words:\n{text[-2000:]}"
        ) from None
    seconds = time.monotonic() - begin
    stdout = done.stdout.decode(errors="replace")
    if done.returncode < 0 or (done.stderr and done.returncode != 0 and not stdout):
        text = done.stderr.decode(errors="replace")
        raise BoardError(
            f"{board.name}: {board.emulator} ended with {done.returncode}:\n{stdout[-2000:]}{text[-2000:]}"
        )
    return RunResult(stdout, done.returncode, seconds)


def _section_kind(name: str, address: int, board: Board) -> str | None:
    """ "text", "data" or "bss" of a section that takes memory on the board, else None."""
    in_ram = board.ram.origin <= address < board.ram.origin + board.ram.length
    if name in _RAM_ONLY or name.startswith((".debug", ".comment", ".ARM.attributes", ".riscv.attributes")):
        return None
    if name.startswith(".tbss"):
        return None
    if name.startswith((".bss", ".heap")):
        return "bss"
    return "data" if in_ram else "text"


def size(board: Board, elf: Path) -> Sections:
    """Flash and RAM of a program, start-up code and C library included, reserved stack and heap excluded."""
    text = _call(board, [_board_tool(board, "size"), "-A", "-d", str(elf)], f"measuring {elf}")
    sums = {"text": 0, "data": 0, "bss": 0}
    for line in text.splitlines():
        match = _SIZE_LINE.match(line.strip())
        kind = _section_kind(match[1], int(match[3]), board) if match else None
        if match and kind:
            sums[kind] += int(match[2])
    return Sections(**sums)


def symbols(board: Board, elf: Path) -> list[Symbol]:
    """Functions and objects with their sizes, the largest first; no byte is counted twice.

    Of several names of one address one is listed, and a symbol ends where the next begins: libgcc's routines have
    several entries. Alignment gaps and assembly without sizes belong to no symbol.
    """
    text = _call(board, [_board_tool(board, "nm"), "-S", "-n", str(elf)], f"listing {elf}")
    by_address: dict[int, tuple[int, str, str]] = {}
    for match in filter(None, map(_SYMBOL_LINE.match, text.splitlines())):
        by_address.setdefault(int(match[1], 16), (int(match[2], 16), match[3].lower(), match[4]))
    ends = [*list(by_address)[1:], 1 << 32]
    found = []
    for (address, (length, letter, name)), end in zip(by_address.items(), ends, strict=False):
        kind = {"b": "bss", "s": "bss", "d": "data", "g": "data"}.get(letter, "text")
        found.append(Symbol(name, min(length, end - address), kind))
    return sorted(found, key=lambda symbol: -symbol.size)


def places(board: Board, elf: Path) -> dict[str, tuple[int, int]]:
    """(address, bytes) of every function and object that has a size, by name."""
    text = _call(board, [_board_tool(board, "nm"), "-S", str(elf)], f"listing {elf}")
    return {m[4]: (int(m[1], 16), int(m[2], 16)) for m in filter(None, map(_SYMBOL_LINE.match, text.splitlines()))}


def disassemble(board: Board, elf: Path) -> str:
    """What objdump prints of a program's code, without the bytes."""
    return _call(board, [_board_tool(board, "objdump"), "-d", "--no-show-raw-insn", str(elf)], f"disassembling {elf}")


def flash_report(board: Board, elf: Path, most: int = 20) -> str:
    """Text table: sections, then the `most` largest symbols in flash."""
    sections = size(board, elf)
    lines = [f"text {sections.text} data {sections.data} bss {sections.bss}"]
    in_flash = [symbol for symbol in symbols(board, elf) if symbol.kind != "bss"]
    lines += [f"{symbol.size:8d} {symbol.kind} {symbol.name}" for symbol in in_flash[:most]]
    return "\n".join(lines)
