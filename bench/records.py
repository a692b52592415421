# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Measured runs of the models, and the committed ones: bench/baseline.json. Instructions and bytes, never seconds."""

from __future__ import annotations

import functools
import json
import sys
from typing import Any

import mlperf
import numpy as np
from nnom.benching import Bench, bench
from nnom.conversion import Plan
from nnom.core import CoreModel
from nnom.running import fnv1a

BASELINE = mlperf.ROOT / "bench" / "baseline.json"
FIGURES = ("instructions", "cycles_estimated", "flash_code", "flash_weights", "ram_total", "stack")
Record = dict[str, Any]


@functools.cache
def host_hash(name: str) -> int:
    """FNV-1a of a model's outputs on this computer, with the plain kernels."""
    outputs = CoreModel(mlperf.graph(name)).run([x[0] for x in mlperf.inputs(name)])
    return fnv1a(b"".join(np.ascontiguousarray(y).tobytes() for y in outputs))


@functools.cache
def measure(board: str, opt: str, name: str, feed: bool = False) -> Bench:
    """One model on one board. Ends the program where bytes are not those of this computer."""
    print(f"{board} {opt} {name}{' fed' if feed else ''} ...", end="", flush=True, file=sys.stderr)
    result = bench(mlperf.graph(name), board, mlperf.inputs(name), Plan(optimize=opt, feed=feed))
    print(f" {result.instructions / 1e6:.3f} M", flush=True, file=sys.stderr)
    if result.output_hash != host_hash(name):
        sys.exit(f"{name} on {board}: other bytes than on this computer")
    if result.unknown:
        print(f"no mix and no cycles: {result.unknown}", file=sys.stderr)
    return result


def record(b: Bench) -> Record:
    """The figures to keep. layers: instructions by number and kind."""
    return {
        "instructions": b.instructions,
        "cycles_estimated": b.total.cycles,
        "flash_code": b.flash.code + b.flash.descriptors,
        "flash_weights": b.flash.weights,
        "ram_total": b.ram,
        "stack": b.run.stack,
        "output_fnv1a": f"0x{b.output_hash:08x}",
        "layers": {f"{k} {c.kind}".strip(): c.instructions for k, c in enumerate(b.layers)},
    }


def key(board: str, opt: str, name: str) -> str:
    """Of a record."""
    return f"{board} {opt} {name}"


def read() -> dict[str, Record]:
    """The committed records."""
    return json.loads(BASELINE.read_text()) if BASELINE.is_file() else {}


def write(records: dict[str, Record]) -> None:
    """One record a line."""
    rows = [f"{json.dumps(k)}: {json.dumps(records[k])}" for k in sorted(records)]
    BASELINE.write_text("{\n" + ",\n".join(rows) + "\n}\n")
