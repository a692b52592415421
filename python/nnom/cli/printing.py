# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Tables for people: readable without colour, in the terminal's width. What machines read is in as_json.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.markup import escape

from ..boards import Board
from ..calibrate import tensors_of_nodes
from ..compare import EXACT_DB
from ..conversion import Conversion, Report
from ..core import CoreModel
from ..evaluation import Evaluation, ValueErrors
from ..graph import Graph
from ..passes import PassReport, format_report
from ..ports import LayerRow
from ..removed import removed
from ..running import BoardRun
from ..stream_proof import loss_text
from ..text import short
from .names import told
from .terminal import Screen, Stages, Table

__all__ = ["Stages", "console", "table"]
table = Table


def console(stderr: bool = False, quiet: bool = False) -> Screen:
    """As wide as the terminal, 120 columns where the output is none."""
    return Screen(stderr, quiet)


def decibels(db: float) -> str:
    """A ratio of signal to noise; "exact" where nothing differs."""
    return "exact" if db >= EXACT_DB else f"{db:.1f}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def running_layers(core: CoreModel) -> list[LayerRow]:
    """Inputs and what runs: views and fused activations live in others."""
    return [r for r in core.layers() if r.kind == "Input" or (r.node is not None and r.lies_in is None)]


def layer_table(graph: Graph, core: CoreModel, noise: dict[str, float]) -> Table:
    """The plan. noise: SQNR in dB by tensor name."""
    names = tensors_of_nodes(graph, core)
    columns = ["~layer", "<kind", "shape", "MACs", "in B", "out B", "scratch B", "weights B", "life"]
    result = table("layers", *columns, *(["SQNR dB"] if noise else []))
    for r in running_layers(core):
        tensors = names.get(r.node, []) if r.node is not None else []
        kind = f"{r.kind}+{r.activation}" if r.activation else r.kind
        row = [short(tensors[-1] if tensors else r.name), kind, _shape(r.shape), f"{r.macs:,}", f"{r.input_bytes:,}"]
        row += [f"{r.output_bytes:,}", f"{r.scratch_bytes:,}", f"{r.weight_bytes:,}", f"{r.first_step}-{r.last_step}"]
        if noise:
            db = next((noise[t] for t in reversed(tensors) if t in noise), None)
            row.append("" if db is None else decibels(db))
        result.add_row(*row)
    own = sum(r.weight_bytes for r in running_layers(core))
    if own != core.totals.weight_bytes:  # constants are no layers, arrays that several layers share are stored once
        what = "constants" if own < core.totals.weight_bytes else "shared by layers"
        result.add_row(what, "", "", "", "", "", "", f"{core.totals.weight_bytes - own:,}")
    return result


def totals_line(core: CoreModel) -> str:
    """MACs, arena and weights in one line."""
    t = core.totals
    return f"total: {t.macs:,} MACs, weights {t.weight_bytes:,} B, arena {t.arena_bytes:,} B ({bound_text(core)})"


def bound_text(core: CoreModel) -> str:
    """The least that any arena of these steps needs: what lives together, in-place layers counted once."""
    arena, bound = core.totals.arena_bytes + core.totals.slow_bytes, core.totals.live_bytes
    return "its lower bound" if bound == arena else f"lower bound {bound:,} B"


def noise_by_tensor(graph: Graph, report: Report) -> dict[str, float]:
    """SQNR by name of the tensor that a layer makes."""
    by_node = {n.name: n.sqnr for n in report.layers}
    return {n.output: by_node[n.name] for n in graph.nodes if n.name in by_node}


def print_conversion(out: Screen, c: Conversion) -> None:
    """Plan, loss, files, warnings."""
    out.detail(layer_table(c.graph, c.core, noise_by_tensor(c.graph, c.report)))
    out.say(totals_line(c.core))
    out.detail(removed(c.prepared.quantised, c.graph, c.prepared.shrinking).sentence)
    if c.prepared.trials:
        tried = ", ".join(f"{t.method} {decibels(t.sqnr)}" for t in c.prepared.trials)
        out.detail(f"ranges: {c.prepared.method} (output SQNR in dB on calibration samples: {tried})")
    if wide := [n.name for n in c.graph.nodes if n.op != "quantize" and c.graph.tensors[n.output].dtype == "int16"]:
        out.say(f"16 bits: {', '.join(wide)}")
    if four := [n.name for n in c.graph.nodes if "weights" in n.weights and n.weights["weights"].bits == 4]:
        out.say(f"weights of 4 bits: {', '.join(four)}")
    print_losses(out, c.report)
    if c.streaming is not None:
        print_streaming(out, c)
    if c.project is not None:
        print_project(out, c)
        return print_warnings(out, c.report.warnings)
    print_written(out, c.paths)
    if c.paths:
        out.detail("model.c is compiled with NNoM's C library, at best with -O2: nnom library -o nnom/ copies it")
    print_warnings(out, c.report.warnings)


def print_project(out: Screen, c: Conversion) -> None:
    """The folder, what its user changed and so keeps, what comes next."""
    assert c.project is not None
    sources = sum(path.suffix == ".c" for path in c.project.paths)
    out.say(f"wrote {c.project.folder}: {len(c.project.paths)} files, {sources} of them C")
    for path in c.project.kept:
        out.say(f"kept {path}: it is not as it was written")
    out.say(f"next, in {c.project.folder}: {c.project.then}")


def print_streaming(out: Screen, c: Conversion) -> None:
    """What a step takes and costs, what was proved, what its form loses."""
    s, cost = c.streaming, c.hop_cost
    assert s is not None and cost is not None
    out.say(
        f"stream: {s.hop} rows a step, an output for the newest {s.window} from row {s.first_rows} on; "
        f"{cost.state_bytes:,} B are kept"
    )
    times = cost.window_instructions / max(cost.instructions, 1)
    out.say(
        f"a step: {cost.instructions:,} instructions (estimated), {cost.macs:,} MACs; the window whole: "
        f"{cost.window_instructions:,}, {cost.window_macs:,} MACs: {times:.1f} times as many"
    )
    if c.graph.states:
        out.say(f"{s.proof.windows:,} signals of up to {s.proof.rows:,} rows equal one run over each to the byte")
    else:
        out.say(f"{s.proof.windows:,} windows of a signal of {s.proof.rows:,} rows equal the whole run to the byte")
    if s.loss is not None:
        out.say(loss_text(s.loss))
    if s.hop >= s.window:
        out.say("windows do not overlap at this hop: the model as it is computes less")


def print_written(out: Screen, paths: Sequence[Path]) -> None:
    """Files and their sizes."""
    for path in paths:
        out.print(f"wrote {escape(str(path))} ({path.stat().st_size:,} B)", soft_wrap=True)


def print_shrinking(out: Screen, reports: list[PassReport]) -> None:
    """What each lossless pass saved."""
    columns = ("<pass", "changes", "MACs", "weight bytes", "activation bytes")
    rows = table("shrunk without changing an output bit", *columns)
    for name, *numbers in format_report(reports):
        rows.add_row(name, *(f"{n:,}" for n in numbers))
    if reports:
        first, last = reports[0].before, reports[-1].after
        both = [(first.macs, last.macs), (first.weight_bytes, last.weight_bytes)]
        both.append((first.activation_bytes, last.activation_bytes))
        rows.add_row("before -> after", "", *(f"{a:,} -> {b:,}" for a, b in both))
    out.print(rows)


def print_losses(out: Screen, r: Report) -> None:
    """How the int8 form compares with float."""
    if r.accuracy_float is not None and r.accuracy_int8 is not None:
        lost = (r.accuracy_int8 - r.accuracy_float) * 100
        out.say(
            f"accuracy on {r.samples} calibration samples: float {r.accuracy_float:.2%}, int8 {r.accuracy_int8:.2%} "
            f"({lost:+.2f} points)"
        )
    elif r.accuracy_int8 is not None:
        out.say(f"accuracy on {r.samples} calibration samples: int8 {r.accuracy_int8:.2%}")
    for k, (db, error) in enumerate(zip(r.output_sqnr, r.max_error, strict=True)):
        loss = "identical" if db >= EXACT_DB else f"SQNR {db:.1f} dB"
        out.say(f"output {k}: int8 against float {loss}, largest difference {error:.4g}")
    if r.agreement is not None:
        out.say(f"same top-1 class as float: {r.agreement:.2%} of {r.samples} samples")


def print_warnings(out: Screen, warnings: list[str] | tuple[str, ...]) -> None:
    """Loud, and last."""
    for line in warnings:
        out.print(f"[bold yellow]WARNING:[/] {escape(told(line))}", soft_wrap=not out.is_terminal)


def print_evaluation(out: Screen, e: Evaluation) -> int:
    """Accuracy, AUC, top-k, confusion matrix (up to 20 classes)."""
    text = f"accuracy {e.accuracy:.2%} of {e.count} samples ({e.form})"
    out.say(text if e.accuracy_float is None else f"{text}, float {e.accuracy_float:.2%}")
    _print_auc(out, e.auc, e.auc_float)
    if len(e.top_k) > 1:
        out.detail(", ".join(f"top-{k + 1} {share:.2%}" for k, share in enumerate(e.top_k)))
    if len(e.confusion) <= 20:
        out.detail(confusion_table(e.confusion))
    print_warnings(out, e.warnings)
    return 0


def _print_auc(out: Screen, auc: float | None, auc_float: float | None) -> None:
    if auc is not None:
        out.say(f"AUC {auc:.4f}" if auc_float is None else f"AUC {auc:.4f}, float {auc_float:.4f}")


def print_value_errors(out: Screen, v: ValueErrors) -> int:
    """MAE and RMSE, of each channel beside the true values' deviation (up to 20 channels)."""
    text = f"MAE {v.mae:.6g}, RMSE {v.rmse:.6g} of {v.count} samples ({v.form})"
    out.say(text if v.mae_float is None else f"{text}; float MAE {v.mae_float:.6g}, RMSE {v.rmse_float:.6g}")
    _print_auc(out, v.auc, v.auc_float)
    if 1 < len(v.channel_rmse) <= 20:
        rows = table("channels", "channel", "MAE", "RMSE", "deviation of the true values")
        for k, row in enumerate(zip(v.channel_mae, v.channel_rmse, v.deviation, strict=True)):
            rows.add_row(str(k), *(f"{number:.4g}" for number in row))
        out.detail(rows)
    print_warnings(out, v.warnings)
    return 0


def confusion_table(confusion: np.ndarray) -> Table:
    """Rows: true class; columns: predicted; last: recall."""
    result = table("confusion", "true \\ predicted", *map(str, range(len(confusion))), "recall")
    for k, row in enumerate(confusion):
        recall = f"{row[k] / row.sum():.1%}" if row.sum() else "-"
        result.add_row(str(k), *map(str, row), recall)
    return result


def print_board_run(out: Screen, b: BoardRun) -> None:
    """Instructions per layer, memory."""
    result = table(f"{b.board}: instructions", "~layer", "<kind", "MACs", "instructions", "per MAC")
    for n in b.nodes:
        per_mac = f"{n.instructions / n.macs:.2f}" if n.macs else ""
        result.add_row(short(n.name), n.kind, f"{n.macs:,}", f"{n.instructions:,}", per_mac)
    macs = sum(n.macs for n in b.nodes)
    result.add_section()
    per_mac = f"{b.instructions / macs:.2f}" if macs else ""
    result.add_row("total (one run)", "", f"{macs:,}", f"{b.instructions:,}", per_mac)
    out.detail(result)
    out.say(
        f"flash {b.flash:,} B (weights and tables {b.weights:,} B), RAM {b.ram:,} B (arena {b.arena:,} B), "
        f"stack {b.stack:,} B; flash and RAM are the whole program's, with runner and C library"
    )


def print_boards(out: Screen, boards: dict[str, Board], ready: dict[str, bool]) -> None:
    """All boards, and whether their tools are installed."""
    if out.quiet_details:
        for name in boards:
            out.print(name)
        return
    result = table("boards", "<board", "<cpu flags", "<emulated machine", "<tools")
    for name, b in boards.items():
        state = "ready" if ready[name] else f"missing: apt-get install {b.compiler_packages} {b.emulator_packages}"
        result.add_row(name, " ".join(b.cpu), " ".join(b.machine), state)
    out.print(result)
