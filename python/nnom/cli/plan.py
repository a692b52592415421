# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The commands `nnom plan` and `nnom report`, and what the options of memory mean."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from .. import api
from .. import data as datasets
from ..conversion import STATE_BYTES, Plan
from ..errors import DataError
from ..files import write_text
from ..graph import Graph
from ..planning import Overview, Point, survey
from ..removed import Removed
from . import as_json, printing
from .given import graph_of
from .terminal import Screen, Table
from .words import parse_bytes

_CHART_WIDTH, _CHART_HEIGHT = 64, 8
_ASCII = str.maketrans("─│┐┤└◆●", "-|+|+*o")


# ---- Options ----


def plan_of(a: Namespace) -> Plan:
    """The plan that --plan, --whole, --ram, --arena, --target, --optimize and --feed ask for, or DataError."""
    if a.arena < 0:
        raise DataError(f"--arena {a.arena}: expected bytes, 0 or more")
    if a.ram is not None and (a.arena or a.plan != "auto"):
        raise DataError("--ram: not together with --arena or another --plan: it is the budget of the plan 'auto'")
    ram = None if a.ram is None else parse_bytes(a.ram)
    return Plan(a.plan, a.arena, a.feed, ram, a.target, a.optimize)


def planned_graph(a: Namespace) -> tuple[Graph, Removed]:
    """As api.planned_graph() gives it, with the data that the options name."""
    if a.calibration and a.random:
        raise DataError("--random: not together with --calibration")
    graph = graph_of(a)
    if not a.calibration and graph.is_float:
        return api.planned_graph(graph)  # nothing to wait for
    x = datasets.read_samples(a.calibration, graph) if a.calibration else None
    with printing.Stages(a.quiet) as stage:
        return api.planned_graph(graph, x, a.method, stage=stage)


# ---- nnom plan ----


def run_plan(a: Namespace) -> int:
    """Prints the plan, what else is possible, and what it costs."""
    graph, gone = planned_graph(a)
    overview = survey(graph, plan_of(a))
    if a.json:
        print(as_json.text({**as_json.overview(overview), "removed": asdict(gone)}))
        return 0
    out = printing.console(quiet=a.quiet)
    print_overview(out, overview)
    out.detail(gone.sentence)
    return 0


def print_overview(out: Screen, o: Overview) -> None:
    """Layers, curve, totals."""
    out.detail(layer_table(o))
    out.detail(curve_table(o))
    if len(o.curve) > 1 and not out.quiet_details:
        for line in draw_curve(o.curve, o.chosen, out.width, out.options.ascii_only):
            out.print(line, markup=False)
        out.print()
    out.say(
        f"RAM {o.chosen.ram:,} B: arena {o.ram_arena:,} B, state {STATE_BYTES} B; {o.chosen.cost - 1:+.2%} "
        f"instructions against whole execution ({o.ram_whole:,} B)"
    )
    out.say(f"least possible {o.ram_minimum:,} B{_fed(o)}; arena {o.ram_arena:,} B: {printing.bound_text(o.core)}")


def _fed(o: Overview) -> str:
    return " with the input fed row by row" if o.core.feed else " (an input fed row by row, --feed, may need less)"


def layer_table(o: Overview) -> Table:
    """One line per layer: how it runs, and what of its output is kept."""
    result = printing.table("plan", "~layer", "<kind", "shape", "<mode", "rows kept", "bytes kept", "MACs")
    for n in o.layers:
        mode = "whole" if n.segment is None else f"rolling {n.segment}"
        rows = "all" if n.rows == n.height else f"{n.rows} of {n.height}"
        mode = "" if n.kind == "Input" else mode
        shape = "x".join(map(str, n.shape))
        result.add_row(printing.short(n.name), n.kind, shape, mode, rows, f"{n.bytes:,}", f"{n.macs:,}")
    result.add_section()
    result.add_row("total", "", "", "", "", "", f"{o.core.totals.macs:,}")
    return result


def curve_table(o: Overview) -> Table:
    """RAM against cost, cheapest first."""
    result = printing.table("RAM against cost, every useful budget", "RAM B", "arena B", "instructions", "<")
    for p in o.curve:
        note = "this plan" if p == o.chosen else ""
        result.add_row(f"{p.ram:,}", f"{p.ram - STATE_BYTES:,}", f"{p.cost:.2%}", note)
    return result


def draw_curve(curve: list[Point], chosen: Point, width: int = 80, ascii_only: bool = False) -> list[str]:
    """Lines of text: cost upwards, RAM to the right, a step wherever more RAM buys speed."""
    wide = max(min(_CHART_WIDTH, width - 11), 30)
    low, high = curve[-1].ram, curve[0].ram
    least, most = curve[0].cost, curve[-1].cost
    column = lambda p: round((p.ram - low) / max(high - low, 1) * (wide - 4))  # noqa: E731
    line = lambda p: round((most - p.cost) / max(most - least, 1e-9) * (_CHART_HEIGHT - 1))  # noqa: E731
    cells = [[" "] * wide for _ in range(_CHART_HEIGHT)]
    right = wide
    for p, after in zip(curve, [*curve[1:], None], strict=True):
        for x in range(column(p), right):
            cells[line(p)][x] = "─"
        if after is not None:
            for y in range(line(after), line(p)):
                cells[y][column(p)] = "┐" if y == line(after) else "│"
        right = column(p)
    for p in curve:
        cells[line(p)][column(p)] = "◆" if p == chosen else "●"
    labels = [""] * _CHART_HEIGHT
    labels[0], labels[-1] = f"{most:.2%}", f"{least:.2%}"
    lines = [f"{label:>8} ┤{''.join(row).rstrip()}" for label, row in zip(labels, cells, strict=True)]
    ends = f"{low:,} B"
    lines.append(" " * 9 + "└" + "─" * wide)
    lines.append(" " * 10 + ends + f"{high:,} B RAM".rjust(wide - len(ends)))
    if chosen in curve:
        lines.append(" " * 10 + "◆ this plan   ● other plans; instructions against RAM")
    return [line.translate(_ASCII) for line in lines] if ascii_only else lines


# ---- nnom report ----


def run_report(a: Namespace) -> int:
    """Writes the page."""
    from ..page import page

    graph, gone = planned_graph(a)
    overview = survey(graph, plan_of(a))
    path = Path(a.out)
    write_text(path, page(graph, overview, "/".join(Path(a.model).parts[-2:]), gone.sentence))
    if a.json:
        print(as_json.text({"path": str(path), **as_json.overview(overview), "removed": asdict(gone)}))
        return 0
    printing.print_written(printing.console(quiet=a.quiet), [path])
    return 0
