# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Accuracy of the examples in float and in int8 on their test data, as a Markdown table (part of `make bench`).

int8 is computed by the same C that runs on a board; how many of the first samples give the same bytes on emulated
cores is counted, too. Examples whose data set is not on this computer are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import frozen
import numpy as np
from nnom.conversion import prepare
from nnom.core import CoreModel
from nnom.evaluation import evaluate
from nnom.running import run_board, run_host, stored_inputs

BOARDS = ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "rv32")
ON_BOARD = 32  # samples


def same_bytes(model: Path, x: np.ndarray, samples: np.ndarray) -> Iterator[int]:
    """For each board: of the samples x, how many give the bytes that they give on this computer."""
    p = prepare(model, samples)
    core = CoreModel(p.graph, mode="auto")
    inputs = stored_inputs(core.inputs, [x.reshape(len(x), *core.inputs[0].shape)], p.raw)
    (here,) = run_host(core, inputs)
    for board in BOARDS:
        (there,) = run_board(p.graph, board, inputs).outputs
        yield sum(np.array_equal(a, b) for a, b in zip(here, there, strict=True))


def table() -> Iterator[str]:
    """The lines, as they are measured."""
    yield f"On the boards: of the first {ON_BOARD} samples, how many give the same bytes as on this computer."
    yield ""
    yield f"| example | test samples | float | int8 | {' | '.join(BOARDS)} |"
    yield "|---|---:|---:|---:|" + "---:|" * len(BOARDS)
    for name in frozen.names():
        found = frozen.data(name)
        if found is None:
            yield f"| {name} | its data set is not on this computer | | |" + " |" * len(BOARDS)
            continue
        samples, _ = frozen.calibration(name)
        model = frozen.EXAMPLES / name / "model.keras"
        result = evaluate(model, found[2], found[3], samples)
        shares = f"{result.count:,} | {result.accuracy_float:.2%} | {result.accuracy:.2%}"
        yield f"| {name} | {shares} | {' | '.join(map(str, same_bytes(model, found[2][:ON_BOARD], samples)))} |"


def main() -> int:
    """Prints, and writes a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to this file, too")
    options = parser.parse_args()
    lines = []
    for line in table():
        print(line, flush=True)
        lines.append(line)
    if options.write:
        made_by = "<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->"
        text = [made_by, "# Accuracy of the examples", "", "Made by `make bench`.", "", *lines]
        options.write.write_text("\n".join(text) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
