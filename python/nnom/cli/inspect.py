# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The command `nnom inspect`."""

from __future__ import annotations

from argparse import Namespace

from ..graph import Quant
from ..inspect_model import Inspection, inspect
from . import as_json, printing
from .given import ports_of
from .names import told
from .terminal import Screen


def run_inspect(a: Namespace) -> int:
    """What is in the file, and what becomes of it."""
    found = inspect(a.model, a.int8_io, **ports_of(a))
    if a.json:
        print(as_json.text(as_json.inspection(found)))
        return 0
    print_inspection(printing.console(quiet=a.quiet), found)
    return 0


def print_inspection(out: Screen, found: Inspection) -> None:
    """Ends, layers as read, both totals, what is unsupported."""
    if found.layers:
        _print_ends(out, found)
        _print_layers(out, found)
    else:
        out.say(f"{found.source}: cannot be converted")
    if found.removed is not None and found.converted is not None:
        c = found.converted
        out.say(found.removed.sentence)
        out.say(f"as int8: {c.macs:,} MACs, weights and tables {c.weight_bytes:,} B, arena {c.arena_bytes:,} B")
    elif found.layers:
        out.say(f"of the supported layers: {found.macs:,} MACs, weights {found.weight_bytes:,} B; arena unknown")
    for line in found.unsupported:
        out.say(f"unsupported: {told(line)}")


def _quant(quant: Quant | None) -> tuple[str, str]:
    return (f"{quant.scale:.6g}", str(quant.zero_point)) if quant else ("", "")


def _print_ends(out: Screen, found: Inspection) -> None:
    rows = printing.table(f"{found.source} ({found.form})", "~input or output", "<", "shape", "<type", "scale", "zero")
    for what, ends in (("input", found.inputs), ("output", found.outputs)):
        for e in ends:
            rows.add_row(e.name, what, "x".join(map(str, e.shape)), e.dtype, *_quant(e.quant))
    out.print(rows)


def _print_layers(out: Screen, found: Inspection) -> None:
    rows = printing.table("layers", "~layer", "<operator", "shape", "<type", "scale", "zero", "MACs", "weights B")
    for n in found.layers:
        op = n.op if n.activation == "none" else f"{n.op}+{n.activation}"
        shape = "x".join(map(str, n.shape))
        rows.add_row(printing.short(n.name), op, shape, n.dtype, *_quant(n.quant), f"{n.macs:,}", f"{n.weight_bytes:,}")
    if found.constant_bytes:
        rows.add_row("constants", "", "", "", "", "", "", f"{found.constant_bytes:,}")
    rows.add_section()
    weights = found.weight_bytes + found.constant_bytes
    rows.add_row("total as read", "", "", "", "", "", f"{found.macs:,}", f"{weights:,}")
    out.detail(rows)
