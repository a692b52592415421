# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The examples: the committed C is what the converter makes, main.c runs on host and board, int8 loses no accuracy."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import frozen
import pytest
import run_examples
import size
from nnom import boards
from nnom.evaluation import evaluate
from nnom.flash import measure_frozen

NAMES = frozen.names()
LEAST_FLOAT = {
    "mnist": 0.985, "digits_resnet": 0.97, "uci_har": 0.90, "uci_har_inception": 0.90, "uci_har_gru": 0.88,
    "uci_har_lstm": 0.87, "uci_har_stream": 0.90, "basic_motions": 0.95, "keyword_spotting": 0.98,
}  # fmt: skip
MOST_LOST = {
    "mnist": 0.002, "digits_resnet": 0.01, "uci_har": 0.005, "uci_har_inception": 0.005, "uci_har_gru": 0.005,
    "uci_har_lstm": 0.005, "uci_har_stream": 0.005, "basic_motions": 0.03, "keyword_spotting": 0.01,
}  # fmt: skip


def need_data(name: str):
    found = frozen.data(name)
    if found is None:
        pytest.skip(f"{name}: its data set is not on this computer")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_committed_c_is_what_the_converter_makes(name: str):
    need_data(name)
    made, _ = frozen.conversion(name)
    source, header = (frozen.EXAMPLES / name / file for file in ("model.c", "model.h"))
    advice = "run: make generate"
    assert source.exists() and made.source == source.read_text(), advice
    assert made.header == header.read_text(), advice
    for file, text in frozen.front_end(name, made).items():
        assert (frozen.EXAMPLES / name / file).read_text() == text, advice


@pytest.mark.parametrize("name", NAMES)
def test_accuracy(name: str):
    _, _, x, y = need_data(name)
    samples, _ = frozen.calibration(name)
    result = evaluate(frozen.EXAMPLES / name / "model.keras", x, y, samples)
    assert result.accuracy_float >= LEAST_FLOAT[name]
    assert result.accuracy >= result.accuracy_float - MOST_LOST[name]


@pytest.mark.parametrize("name", NAMES)
def test_main_on_host(name: str):
    folder, _ = frozen.frozen(name)
    done = subprocess.run([str(run_examples.host_program(name, folder))], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2, done.stdout


@pytest.fixture(scope="module")
def cortex_m4() -> boards.Board:
    board = boards.boards()["cortex-m4"]
    if not shutil.which(board.compiler + "gcc") or not shutil.which(board.emulator):
        pytest.skip(f"run: sudo apt-get install {board.compiler_packages} {board.emulator_packages}")
    return board


@pytest.mark.parametrize("name", ["basic_motions", "keyword_spotting"])
def test_main_on_board_prints_the_same(cortex_m4: boards.Board, name: str):
    assert run_examples.run_example(name, cortex_m4)


def test_sequential_network_of_2019_is_small(cortex_m4: boards.Board, tmp_path: Path):
    folder, _ = frozen.frozen(size.README_NETWORK)
    sizes = measure_frozen(cortex_m4, size.README_NETWORK, folder, tmp_path)
    assert sizes.ram <= size.RAM_TARGET
    assert sizes.code <= size.CODE_TARGET
    assert sizes.state < 100
    assert sizes.other_ram == 0
    readme = (frozen.ROOT / "README.md").read_text()
    ram = re.search(r"all RAM .*\| ([\d,]+) B", readme)
    code = re.search(r"Flash of its code.* ([\d.]+) KB with -Os", readme)
    assert ram and code
    assert int(ram[1].replace(",", "")) == sizes.ram, "README.md, Figures: correct the RAM"
    assert abs(float(code[1]) - sizes.code / 1000) <= 0.25, f"README.md, Figures: the code is {sizes.code} B"
