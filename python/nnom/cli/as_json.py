# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Results as plain dictionaries, for --json."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from ..conversion import STATE_BYTES, Conversion, Report
from ..core import CoreModel
from ..evaluation import Evaluation, ValueErrors
from ..inspect_model import Inspection
from ..planning import Overview
from ..ports import Port
from ..projects import Written
from ..running import BoardRun, fnv1a
from ..validation import Validation
from .names import told


def text(value: Any) -> str:
    """The document; messages in it name options."""
    return json.dumps(_told(value))


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _told(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_told(v) for v in value]
    return told(value) if isinstance(value, str) else value


def totals(core: CoreModel) -> dict[str, int]:
    """Totals of a plan."""
    t = core.totals
    names = ("macs", "arena_bytes", "live_bytes", "descriptor_bytes", "weight_bytes")
    return {name: int(getattr(t, name)) for name in names}


def overview(o: Overview) -> dict[str, Any]:
    """A plan and its curve."""
    layers = [
        {
            "name": n.name,
            "kind": n.kind,
            "shape": list(n.shape),
            "mode": n.mode,
            "segment": n.segment,
            "rows": n.rows,
            "height": n.height,
            "bytes": n.bytes,
            "macs": n.macs,
        }
        for n in o.layers
    ]
    return {
        "ram_total": o.chosen.ram,
        "ram_arena": o.ram_arena,
        "ram_state": STATE_BYTES,
        "ram_minimum": o.ram_minimum,
        "ram_whole": o.ram_whole,
        "ram_live": o.core.totals.live_bytes + STATE_BYTES,
        "cost": o.chosen.cost,
        "fed": o.core.feed,
        "mode": {n.name: n.mode for n in o.layers},
        "layers": layers,
        "curve": [{"ram_total": p.ram, "ram_arena": p.ram - STATE_BYTES, "cost": p.cost} for p in o.curve],
    }


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
        "stream": streaming(c),
        "project": None if c.project is None else project(c.project),
    }


def project(w: Written) -> dict[str, Any]:
    """A project as it was written."""
    return {"folder": str(w.folder), "kept": [str(p) for p in w.kept], "next": w.then}


def streaming(c: Conversion) -> dict[str, Any] | None:
    """What a step takes and costs, what was proved, what its form loses; None if the model takes whole windows."""
    s, cost = c.streaming, c.hop_cost
    if s is None or cost is None:
        return None
    return {
        "hop_rows": s.hop,
        "window_rows": s.window,
        "first_output_rows": s.first_rows,
        **asdict(cost),
        "proof": {**asdict(s.proof), "equal": True},
        "causal": None if s.loss is None else asdict(s.loss),
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
