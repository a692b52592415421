# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What a change costs against the committed baseline, in instructions and bytes: `make bench-diff`.

    .venv/bin/python bench/difference.py                                   all boards and models
    .venv/bin/python bench/difference.py --boards cortex-m4 --models KWS,IC
    .venv/bin/python bench/difference.py --write                           measure, and make it the baseline

Ends with status 1 if an output's bytes differ, or if something became more than 1 % dearer.
"""

from __future__ import annotations

import argparse
import sys

import mlperf
import records
from records import FIGURES, Record

LEAST = 0.002  # smaller changes of a layer are not told
DEARER = 0.01


def changes(before: Record, after: Record) -> list[str]:
    """Figures that differ, as text."""
    found = []
    for name in FIGURES:
        old, new = before.get(name), after.get(name)
        if old != new:
            share = f" ({new / old - 1:+.1%})" if old and new else ""
            found.append(f"{name} {old if old is None else f'{old:,}'} -> {new if new is None else f'{new:,}'}{share}")
    if before["output_fnv1a"] != after["output_fnv1a"]:
        found.append(f"OTHER BYTES: output {before['output_fnv1a']} -> {after['output_fnv1a']}")
    return found


def layer_changes(before: Record, after: Record) -> list[str]:
    """Layers whose instructions differ by more than LEAST of the model's, as text."""
    found = []
    for name in dict.fromkeys([*before["layers"], *after["layers"]]):
        old, new = before["layers"].get(name, 0), after["layers"].get(name, 0)
        if abs(new - old) > LEAST * before["instructions"]:
            found.append(f"{name or 'between layers'} {old:,} -> {new:,}")
    return found


def is_worse(before: Record, after: Record) -> bool:
    """Other bytes, or dearer by more than DEARER."""
    pairs = [(before.get(name), after.get(name)) for name in FIGURES]
    dearer = any(old is not None and new is not None and new > old * (1 + DEARER) for old, new in pairs)
    return dearer or before["output_fnv1a"] != after["output_fnv1a"]


def main() -> int:
    """Prints what changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", default="")
    parser.add_argument("--models", default="")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    mlperf.need()
    known = records.read()
    boards = [b for b in options.boards.split(",") if b]
    models = [m for m in options.models.split(",") if m]
    worse = 0
    for name in list(known):
        board, opt, model = name.split()
        if (boards and board not in boards) or (models and model not in models):
            continue
        after = records.record(records.measure(board, opt, model))
        told = changes(known[name], after)
        print(f"{name}: {', '.join(told) or 'the same'}")
        for line in layer_changes(known[name], after) if told else ():
            print(f"    {line}")
        worse += is_worse(known[name], after)
        known[name] = after
    if options.write:
        records.write(known)
        return 0
    print(f"{worse} of them worse by more than {DEARER:.0%}" if worse else "nothing is dearer by more than 1 %")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
