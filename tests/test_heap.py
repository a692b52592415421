# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The heap of the two networks of the first README, built by hand on the emulated Cortex-M4, does not grow."""

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


def test_the_heap_does_not_grow(tmp_path):
    """What was reached is held; the targets are in tools/heap.py, and `make size` says which are met."""
    heaps = heap.measure(BOARD, tmp_path)
    for name, held in heap.HELD.items():
        assert heaps[name].within(held), (name, heaps[name], held)
