# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The heap of the two networks of the first README, built by hand on an emulated Cortex-M4, is within its targets."""

import shutil
import sys
from pathlib import Path

import pytest
from nnom import boards

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import heap  # noqa: E402

BOARD = boards.boards()["cortex-m4"]
pytestmark = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None or shutil.which(BOARD.emulator) is None,
    reason="needs the tools of the emulated board",
)


def test_the_heap_keeps_within_its_targets(tmp_path):
    """After compile and at the peak, and the sequential network with its input within what the README of 2019 says."""
    heaps = heap.measure(BOARD, tmp_path)
    for name, targets in heap.TARGETS.items():
        assert heaps[name].within(targets), (name, heaps[name], targets)
    assert heaps["sequential"].peak + heap.INPUT_BYTES <= heap.README_BYTES
