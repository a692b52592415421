# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The command `nnom bench`."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..benching import Bench, Cost, bench
from ..cycles import CORES
from ..disassembly import PARTS
from ..errors import DataError
from ..running import find_board
from ..text import short
from . import as_json, printing
from .given import graph_of, inputs_of, prepared_of
from .plan import plan_of
from .terminal import Screen, Table


def run_bench(a: Namespace) -> int:
    """Prints what a model costs on a board."""
    if a.mhz is not None and not 0 < a.mhz < 1e5:
        raise DataError(f"--mhz {a.mhz:g}: expected more than 0")
    if not 0 <= a.wait_states < 1000:
        raise DataError(f"--wait-states {a.wait_states}: expected 0 or more")
    if a.wait_states and a.mhz is None:
        raise DataError("--wait-states: needs --mhz")
    find_board(a.board)
    p = prepared_of(a, graph_of(a))
    plan = plan_of(a)
    inputs, source = inputs_of(a, p, plan.compile(p.graph))
    with printing.Stages(a.quiet) as stage:
        b = bench(p.graph, a.board, inputs, plan, step=stage("measuring"))
    if a.json:
        print(as_json.text(to_json(b, a.mhz, a.wait_states)))
        return 0
    out = printing.console(quiet=a.quiet)
    out.detail(f"input {source['input']}")
    print_bench(out, b, a.mhz, a.wait_states)
    printing.print_warnings(out, p.warnings)
    return 0


def to_json(b: Bench, megahertz: float | None = None, wait_states: int = 0) -> dict[str, Any]:
    """The result for machines. Layers add up to the totals: the last one is what runs between them."""
    layers = [
        {"name": c.name, "kind": c.kind, "macs": c.macs, "instructions": c.instructions, "mix": c.mix or None,
         "cycles_estimated": c.cycles}
        for c in b.layers
    ]  # fmt: skip
    result: dict[str, Any] = {
        "instructions": b.instructions,
        "macs": b.total.macs,
        "cycles_estimated": b.total.cycles,
        "flash_code": b.flash.code + b.flash.descriptors,
        "flash_weights": b.flash.weights,
        "ram_total": b.ram,
        "stack": b.run.stack,
        "output_fnv1a": f"0x{b.output_hash:08x}",
        "layers": layers,
    }
    if megahertz is not None:
        result["milliseconds_estimated"] = b.milliseconds(megahertz, wait_states)
    return result


def print_bench(out: Screen, b: Bench, megahertz: float | None = None, wait_states: int = 0) -> None:
    """Two tables, then the totals."""
    out.detail(_cost_table(b))
    if not b.unknown:
        out.detail(_mix_table(b))
    per_mac = f", {b.instructions / b.total.macs:.2f} a MAC" if b.total.macs else ""
    out.say(f"{b.board}, {b.opt}: {b.instructions:,} instructions for {b.total.macs:,} MACs{per_mac}")
    _print_cycles(out, b, megahertz, wait_states)
    code = b.flash.code + b.flash.descriptors
    out.say(f"flash {code + b.flash.weights:,} B: code {code:,} B (of it the plan {b.flash.descriptors:,} B), "
            f"weights {b.flash.weights:,} B")  # fmt: skip
    out.say(f"RAM {b.ram:,} B: arena {b.run.arena:,} B, state {b.ram - b.run.arena:,} B; stack {b.run.stack:,} B more")
    out.say(f"output fnv1a 0x{b.output_hash:08x}")


def _print_cycles(out: Screen, b: Bench, megahertz: float | None, wait_states: int) -> None:
    if b.unknown:
        out.say(f"no mix and no cycles: they need the emulator's plugin that counts: {b.unknown}")
        return
    if b.total.cycles is None:
        out.say(f"no estimate of cycles: there are no rules for {b.board}")
        return
    core = CORES[b.board]
    out.say(f"estimated cycles {b.total.cycles:,} ({b.total.cycles / b.instructions:.2f} an instruction)")
    out.detail(f"the estimate's rules: {core.source}: {'; '.join(core.rules)}")
    out.detail(core.error)
    if megahertz is not None:
        best, worst = b.milliseconds(megahertz, wait_states) or (0.0, 0.0)
        text = f"estimated time at {megahertz:g} MHz: {best:.3g} ms"
        if wait_states:
            text += (f" if flash never waits (cache, prefetch), {worst:.3g} ms if each taken branch and each 8 B of "
                     f"weights wait {wait_states} cycles")  # fmt: skip
        out.say(text)


def _cost_table(b: Bench) -> Table:
    head = ("~layer", "<kind", "MACs", "instructions", "/MAC", "cycles")
    rows = printing.table(f"{b.board}: one run", *head)
    for c in b.layers:
        rows.add_row(*_cost_cells(c))
    rows.add_section()
    rows.add_row(*_cost_cells(b.total))
    return rows


def _cost_cells(c: Cost) -> list[str]:
    per_mac = f"{c.instructions / c.macs:.2f}" if c.macs else ""
    cycles = "" if c.cycles is None else f"{c.cycles:,}"
    return [short(c.name), c.kind, f"{c.macs:,}" if c.macs else "", f"{c.instructions:,}", per_mac, cycles]


def _mix_table(b: Bench) -> Table:
    names = ("MAC", "load", "store", "unpack", "ALU", "branch")
    rows = printing.table("mix, % of the instructions", "~layer", *names)
    for k, c in enumerate([*b.layers, b.total]):
        if k == len(b.layers):
            rows.add_section()
        rows.add_row(short(c.name), *(f"{100 * c.mix[p] / max(c.instructions, 1):.0f}" for p in PARTS))
    return rows
