# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Accuracy of the examples in float and in int8 on their test data, as a Markdown table (part of `make bench`).

int8 is computed by the same C that runs on a board. Examples whose data set is not on this computer are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import frozen
from nnom.evaluate import evaluate


def table() -> Iterator[str]:
    """The lines, as they are measured."""
    yield "| example | test samples | float | int8 |"
    yield "|---|---:|---:|---:|"
    for name in frozen.names():
        found = frozen.data(name)
        if found is None:
            yield f"| {name} | its data set is not on this computer | | |"
            continue
        samples, _ = frozen.calibration(name)
        result = evaluate(frozen.EXAMPLES / name / "model.keras", found[2], found[3], samples)
        yield f"| {name} | {result.count:,} | {result.accuracy_float:.2%} | {result.accuracy:.2%} |"


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
