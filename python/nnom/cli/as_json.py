# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Results as plain dictionaries, for --json."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from ..conversion import Conversion, Report
from ..core import CoreModel, Port
from ..evaluation import Evaluation, ValueErrors
from ..inspect_model import Inspection
from ..running import BoardRun, fnv1a
from ..validation import Validation


def totals(core: CoreModel) -> dict[str, int]:
    """Totals of a plan."""
    t = core.totals
    names = ("macs", "arena_bytes", "live_bytes", "descriptor_bytes", "weight_bytes")
    return {name: int(getattr(t, name)) for name in names}


def report(r: Report) -> dict[str, Any]:
    """Losses of quantisation; absent ones are null."""
    return {
        "samples": r.samples,
        "accuracy_float": r.accuracy_float,
        "accuracy_int8": r.accuracy_int8,
        "agreement": r.agreement,
        "output_sqnr": r.output_sqnr,
        "max_error": r.max_error,
        "layers_sqnr": [{"name": n.name, "op": n.op, "sqnr": n.sqnr} for n in r.layers],
        "warnings": r.warnings,
    }


def conversion(c: Conversion) -> dict[str, Any]:
    """A conversion: plan, report, files."""
    return {
        "name": c.name,
        "paths": [str(p) for p in c.paths],
        **totals(c.core),
        "method": c.prepared.method or None,
        "trials": [asdict(t) for t in c.prepared.trials],
        "layers": [asdict(row) for row in c.layers],
        "shrinking": [asdict(r) for r in c.prepared.shrinking],
        **report(c.report),
    }


def evaluation(e: Evaluation) -> dict[str, Any]:
    """An evaluation."""
    return {**asdict(e), "confusion": e.confusion.tolist(), "warnings": list(e.warnings)}


def value_errors(v: ValueErrors) -> dict[str, Any]:
    """An evaluation against real values."""
    return {**asdict(v), "warnings": list(v.warnings)}


def output(name: str, port: Port, values: np.ndarray) -> dict[str, Any]:
    """One output, stored values [n, h, w, c]: a flat list for one sample, lists for more. The hash is of all bytes."""
    flat = values.reshape(len(values), -1)
    quantised = port.dtype.itemsize == 1  # the others hold plain numbers
    return {
        "name": name,
        "shape": list(port.shape),
        "dtype": port.dtype.name,
        "scale": port.scale if quantised else None,
        "zero_point": port.zero_point if quantised else None,
        "values": flat[0].tolist() if len(flat) == 1 else flat.tolist(),
        "fnv1a": f"0x{fnv1a(np.ascontiguousarray(values).tobytes()):08x}",
    }


def board(b: BoardRun) -> dict[str, Any]:
    """Cost on a board."""
    return {
        "board": b.board,
        "instructions": b.instructions,
        "stack_bytes": b.stack,
        "flash_bytes": b.flash,
        "ram_bytes": b.ram,
        "arena_bytes": b.arena,
        "weight_bytes": b.weights,
        "nodes": [{**asdict(n), "instructions_per_mac": n.instructions / n.macs if n.macs else None} for n in b.nodes],
    }


def inspection(i: Inspection) -> dict[str, Any]:
    """An inspection."""
    return asdict(i)


def validation(v: Validation) -> dict[str, Any]:
    """A validation."""
    return asdict(v)
