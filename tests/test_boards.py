# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The emulated boards: start-up, files, C library, exact instruction counts, faults, sizes, and the model runner.

Every board whose compiler or qemu is not installed is skipped, with the command that installs them.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from nnom import boards

ROOT = Path(__file__).resolve().parent.parent
ALL = boards.boards()
INPUT = b"abcdefghij"


def _need(board: boards.Board) -> None:
    if not shutil.which(board.compiler + "gcc") or not shutil.which(board.emulator):
        pytest.skip(f"{board.name}: sudo apt-get install {board.compiler_packages} {board.emulator_packages}")


@pytest.fixture(scope="module", params=ALL)
def program(request, tmp_path_factory):
    """(board, elf) of firmware/test_board.c, compiled with every warning as an error."""
    board = ALL[request.param]
    _need(board)
    source = boards.firmware_dir() / "test_board.c"
    flags = ("-Wpedantic", "-Wconversion", "-Werror")
    return board, boards.build(board, [source], [], {}, tmp_path_factory.mktemp(board.name), extra_flags=flags)


def _run(program, cwd: Path, *args: str) -> boards.RunResult:
    board, elf = program
    (cwd / "input.bin").write_bytes(INPUT)
    return boards.run(board, elf, cwd, args)


def test_names():
    assert list(ALL) == ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "rv32"]


def test_board_works(program, tmp_path):
    result = _run(program, tmp_path, "first", "last")
    lines = result.stdout.splitlines()
    assert result.exit_code == 42, result.stdout
    assert lines[0] == f"hello {program[0].name} argc 3 last last"
    for line in (
        "maths exp 2718 tanh 762 sqrt 1414 inf 1",
        "printf 10 text 123456789",
        "libc bss 0 data 8",
        "print -5 5 abcdef 12345678901234 sc%",
        "file length 10 read 10 ok",
        "file missing -1",
    ):
        assert line in lines
    assert (tmp_path / "output.bin").read_bytes() == INPUT[::-1]


def test_counts_are_exact_and_repeat(program, tmp_path):
    first = _run(program, tmp_path).stdout
    assert "counter loop 2000000\n" in first
    assert "counter one 1\n" in first
    assert program[0].timer.granularity_instructions == 1
    assert _run(program, tmp_path).stdout == first


def test_stack_is_measured(program, tmp_path):
    match = re.search(r"stack depth_ok 1 used (\d+)", _run(program, tmp_path).stdout)
    assert match and 4096 <= int(match[1]) <= 4096 + 64


@pytest.mark.parametrize("how", ["fault", "overflow"])
def test_faults_are_reported(program, tmp_path, how):
    result = _run(program, tmp_path, how)
    assert result.exit_code == 3
    assert result.stdout.startswith("error ")


def test_sizes(program):
    board, elf = program
    sections = boards.size(board, elf)
    assert 4_000 < sections.text < 40_000
    assert 8 <= sections.data < 1_000
    assert 8 <= sections.bss < 1_000
    listed = boards.symbols(board, elf)
    in_flash = sum(symbol.size for symbol in listed if symbol.kind == "text")
    assert {"main", "board_printf"} <= {symbol.name for symbol in listed}
    assert 0.7 * sections.text < in_flash <= sections.text
    assert boards.flash_report(board, elf).startswith(f"text {sections.text} ")


@pytest.mark.parametrize("opt", ["-O0", "-Os", "-O3"])
def test_optimisations(opt, tmp_path):
    board = ALL["cortex-m55"]
    _need(board)
    elf = boards.build(board, [boards.firmware_dir() / "test_board.c"], [], {}, tmp_path, opt=opt)
    result = _run((board, elf), tmp_path)
    assert result.exit_code == 42
    assert "counter loop 2000000\n" in result.stdout


def test_compile_error_shows_the_compilers_text(tmp_path):
    board = ALL["cortex-m3"]
    _need(board)
    source = tmp_path / "bad.c"
    source.write_text("int main(void) { return missing; }\n")
    with pytest.raises(boards.BoardError, match="'missing' undeclared"):
        boards.build(board, [source], [], {}, tmp_path)


def test_missing_tools_name_the_command(tmp_path):
    board = replace(ALL["cortex-m3"], compiler="no-such-", emulator="no-qemu")
    with pytest.raises(boards.BoardError, match="sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"):
        boards.build(board, [], [], {}, tmp_path)
    with pytest.raises(boards.BoardError, match="sudo apt-get install qemu-system-arm"):
        boards.run(board, tmp_path / "x.elf", tmp_path)


def test_endless_program_times_out(tmp_path):
    board = ALL["cortex-m3"]
    _need(board)
    source = tmp_path / "endless.c"
    source.write_text("int main(void) { for (volatile int i = 0;;) { i = 1; } }\n")
    elf = boards.build(board, [source], [], {}, tmp_path)
    with pytest.raises(boards.BoardError, match="did not end within 1"):
        boards.run(board, elf, tmp_path, timeout=1)


# A model of two nodes that run two steps each and write input + runs so far, without the library behind it. Node i
# spends 2000 * (i + 1) instructions per step in a loop of two instructions.
FAKE_MODEL = r"""
#include "nnom_run.h"
nnom_instance_t *fake_model(void);
static const nnom_program_t program; /* not fed */
static nnom_instance_t model = {.program = &program};
static nnom_observer_t observer;
static void *context;
static uint8_t in[2][3];
static uint8_t out[3];
nnom_instance_t *fake_model(void) { return &model; }
uint32_t nnom_input_count(const nnom_instance_t *m) { (void)m; return 2; }
uint32_t nnom_output_count(const nnom_instance_t *m) { (void)m; return 1; }
void *nnom_input_buffer(nnom_instance_t *m, uint32_t i) { (void)m; return in[i]; }
const void *nnom_output_buffer(const nnom_instance_t *m, uint32_t i) { (void)m; (void)i; return out; }
uint32_t nnom_input_bytes(const nnom_instance_t *m, uint32_t i) { (void)m; (void)i; return 3; }
uint32_t nnom_output_bytes(const nnom_instance_t *m, uint32_t i) { (void)m; (void)i; return 3; }
uint32_t nnom_node_count(const nnom_instance_t *m) { (void)m; return 2; }
const nnom_tensor_t *nnom_input_tensor(const nnom_instance_t *m, uint32_t i) { (void)m; (void)i; return NULL; }
nnom_status_t nnom_feed(nnom_instance_t *m, const void *r, uint32_t n) { (void)m; (void)r; (void)n; return NNOM_OK; }
void nnom_reset(nnom_instance_t *m) { (void)m; }
void nnom_forget(nnom_instance_t *m) { (void)m; }
const char *nnom_status_text(nnom_status_t s) { (void)s; return "fake text"; }
void nnom_set_observer(nnom_instance_t *m, nnom_observer_t o, void *c) { (void)m; observer = o; context = c; }
static void __attribute__((noinline)) work(uint32_t rounds)
{
#if defined(__riscv)
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(rounds));
#else
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b" : "+l"(rounds) : : "cc");
#endif
}
nnom_status_t nnom_run(nnom_instance_t *m)
{
    static uint8_t runs;
    if (in[0][0] == 255) {
        return (nnom_status_t)-1;
    }
    for (uint32_t step = 0; step < 4; step++) {
        if (observer) observer(context, m, step & 1, NNOM_EVENT_BEGIN);
        work(1000 * ((step & 1) + 1));
        if (observer) observer(context, m, step & 1, NNOM_EVENT_END);
    }
    for (int i = 0; i < 3; i++) {
        out[i] = (uint8_t)(in[0][i] + in[1][i] + runs);
    }
    runs++;
    return (nnom_status_t)0;
}
"""


@pytest.fixture(scope="module", params=ALL)
def runner(request, tmp_path_factory):
    """(board, elf) of firmware/runner.c with the fake model."""
    board = ALL[request.param]
    _need(board)
    folder = tmp_path_factory.mktemp("runner")
    (folder / "fake.c").write_text(FAKE_MODEL)
    (folder / "fake.h").write_text("nnom_instance_t *fake_model(void);\n")
    defines = {"NNOM_RUN_MODEL": "fake", "NNOM_RUN_HEADER": '"fake.h"'}
    sources = [boards.firmware_dir() / "runner.c", ROOT / "src" / "run" / "profile.c", folder / "fake.c"]
    return board, boards.build(board, sources, [ROOT / "include", ROOT / "port", folder], defines, folder / "out")


def test_runner(runner, tmp_path):
    board, elf = runner
    (tmp_path / "input.bin").write_bytes(bytes(range(12)))
    result = boards.run(board, elf, tmp_path)
    assert result.exit_code == 0, result.stdout
    found = dict(line.rsplit(" ", 1) for line in result.stdout.splitlines())
    numbers = {key: int(value) for key, value in found.items()}
    assert (tmp_path / "output.bin").read_bytes() == bytes([3, 5, 7, 16, 18, 20])
    assert numbers["runs"] == 2
    assert 12_000 < numbers["instructions total"] < 12_200
    assert 4_000 <= numbers["instructions node 0"] < 4_000 + 2 * 20
    assert 8_000 <= numbers["instructions node 1"] < 8_000 + 2 * 20
    assert 0 < numbers["stack"] < 256


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "error input.bin: cannot open"),
        (b"", "error input.bin is empty"),
        (bytes(7), "error input.bin: input 0 needs 3 bytes, the file has 1 left"),
        (bytes([255] * 6), "error nnom_run: fake text"),
    ],
)
def test_runner_reports_errors(runner, tmp_path, data, message):
    board, elf = runner
    if data is not None:
        (tmp_path / "input.bin").write_bytes(data)
    result = boards.run(board, elf, tmp_path)
    assert result.exit_code == 1
    assert result.stdout.startswith(message)
