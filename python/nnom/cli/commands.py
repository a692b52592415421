# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What each command of `nnom` does. A command returns its exit code; errors are exceptions."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import boards
from .. import data as datasets
from ..conversion import Prepared, convert
from ..core import CoreModel
from ..errors import DataError, ToolError
from ..evaluation import evaluate, evaluate_values
from ..messages import Text
from ..removed import removed
from ..run_library import copy_library, library_root
from ..running import (
    BoardRun,
    find_board,
    fnv1a,
    run_board,
    run_host,
)
from ..text import visible
from ..validation import Validation, validate
from . import as_json, printing
from .bench import run_bench
from .given import graph_of, inputs_of, ports_of, prepared_of, samples_of
from .inspect import run_inspect
from .names import all_told, told
from .plan import plan_of, run_plan, run_report
from .search import run_search
from .terminal import Screen
from .words import command_text

_SHOWN = 16  # values of an output printed for people


def _print_json(value: Any) -> int:
    print(as_json.text(value))
    return 0


def _convert(a: Namespace) -> int:
    graph = graph_of(a)
    x = samples_of(a.calibration, graph)
    if a.labels and x is None:
        raise DataError("--labels: needs --calibration, whose classes they are")
    if a.causal and a.stream is None:
        raise DataError("--causal: needs --stream")
    if a.stream is not None and a.sequence:
        raise DataError("--stream: not together with --sequence: steps follow one another anyway")
    y = datasets.read_array(a.labels, "--labels") if a.labels else None
    places = (", ".join(a.calibration or ["calibration data"]), a.labels or "labels")
    with printing.Stages(a.quiet) as stage:
        options = {"name": a.name, "method": a.method, "out": a.out, "plan": plan_of(a), "places": places}
        options |= {"command": command_text(a.words), "stream": a.stream, "causal": a.causal, "project": a.project}
        c = convert(graph, x, y, stage=stage, **options)
    if a.json:
        return _print_json(as_json.conversion(c))
    printing.print_conversion(printing.console(quiet=a.quiet), c)
    if a.report_shrink:
        printing.print_shrinking(printing.console(), c.prepared.shrinking)
    return 0


def _evaluate(a: Namespace) -> int:
    if a.top_k < 1:
        raise DataError(f"--top-k {a.top_k}: expected at least 1")
    if a.targets and (a.labels or a.reconstruct):
        raise DataError("--targets: goes neither with --labels nor with --reconstruct")
    if not (a.labels or a.targets or a.reconstruct):
        raise DataError("evaluate: expected --labels (classes), --targets (real values) or --reconstruct (the input)")
    graph = graph_of(a)
    x, calibration = samples_of(a.data, graph), samples_of(a.calibration, graph)
    options = {"method": a.method, "use_float": a.use_float, "output": a.output}
    places = (", ".join(a.data), a.targets or a.labels or "targets", ", ".join(a.calibration or ["calibration"]))
    y = datasets.read_array(a.labels, "--labels") if a.labels else None
    out = printing.console(quiet=a.quiet)
    with printing.Stages(a.quiet) as stage:
        if a.targets or a.reconstruct:
            true = datasets.read_array(a.targets, "--targets") if a.targets else None
            options |= {"labels": y, "places": (*places, a.labels or "labels")}
            v = evaluate_values(graph, x, true, calibration, stage=stage, **options)
        else:
            e = evaluate(graph, x, y, calibration, stage=stage, top_k=a.top_k, places=places, **options)
    if a.targets or a.reconstruct:
        return _print_json(as_json.value_errors(v)) if a.json else printing.print_value_errors(out, v)
    return _print_json(as_json.evaluation(e)) if a.json else printing.print_evaluation(out, e)


# ---- run ----


def _run(a: Namespace) -> int:
    if a.board:
        find_board(a.board)
    p = prepared_of(a, graph_of(a))
    core = plan_of(a).compile(p.graph)
    inputs, source = inputs_of(a, p, core)
    outputs = run_host(core, inputs)
    on_board = run_board(p.graph, a.board, inputs, a.opt, plan_of(a)) if a.board else None
    equal = None
    if on_board:
        equal = all(np.array_equal(u, v) for u, v in zip(outputs, on_board.outputs, strict=True))
    if a.json:
        _print_json(_run_json(p, core, outputs, source, on_board, equal))
    else:
        _print_run(printing.console(quiet=a.quiet), p, core, outputs, source, on_board, equal)
    return 1 if equal is False else 0


def _run_json(
    p: Prepared,
    core: CoreModel,
    outputs: list[np.ndarray],
    source: dict[str, Any],
    on_board: BoardRun | None,
    equal: bool | None,
) -> dict[str, Any]:
    shown = on_board.outputs if on_board else outputs
    named = zip(p.graph.outputs, core.outputs, shown, strict=True)
    form = "float32" if p.graph.is_float else "int8"
    result = {"model": p.graph.source, "form": form, "samples": len(shown[0]), **source, **as_json.totals(core)}
    result["outputs"] = [as_json.output(name, port, v) for name, port, v in named]
    if on_board:
        result["board"] = as_json.board(on_board)
        result["board_equals_host"] = equal
    return result


def _print_run(
    out: Screen,
    p: Prepared,
    core: CoreModel,
    outputs: list[np.ndarray],
    source: dict[str, Any],
    on_board: BoardRun | None,
    equal: bool | None,
) -> None:
    text = f"input {source['input']}, samples {len(outputs[0])}"
    if source.get("float_input_scale"):
        text += f"; float input: int8 value x {source['float_input_scale']:.6g}"
    out.detail(text)
    for name, port, v in zip(p.graph.outputs, core.outputs, outputs, strict=True):
        quant = "" if port.dtype == np.float32 else f" scale {port.scale:.6g} zero point {port.zero_point}"
        values = " ".join(f"{x:g}" for x in v[0].reshape(-1)[:_SHOWN]) + (" ..." if v[0].size > _SHOWN else "")
        shape = "x".join(map(str, port.shape))
        out.say(f"{visible(name)}: {port.dtype.name} {shape}{quant} fnv1a 0x{fnv1a(v.tobytes()):08x}")
        out.say(f"  {values}")
    out.detail(printing.totals_line(core))
    if p.shrinking:
        out.detail(removed(p.quantised, p.graph, p.shrinking).sentence)
    if on_board:
        printing.print_board_run(out, on_board)
        out.say(f"outputs of {on_board.board} and host: {'identical' if equal else 'DIFFERENT'}")
    printing.print_warnings(out, p.warnings)


# ---- validate, boards ----


def _validate(a: Namespace) -> int:
    if a.samples < 1:
        raise DataError(f"--samples {a.samples}: expected at least 1")
    if a.board:
        find_board(a.board)
    graph = graph_of(a)
    x, calibration = samples_of(a.data, graph), samples_of(a.calibration, graph)
    options = {"board": a.board, "use_float": a.use_float, "method": a.method, "int8_io": a.int8_io}
    options |= {
        "int16": a.int16 or (),
        "int4": a.int4 or (),
        "samples": a.samples,
        "original": a.original,
        "places": (", ".join(a.data), "calibration"),
        "data_layout": a.data_layout or "",
        **ports_of(a),
    }
    v = validate(a.model, x, calibration, **options)
    if a.json:
        _print_json(as_json.validation(v))
    else:
        _print_validation(printing.console(quiet=a.quiet), v)
    _refuse_nothing(v)
    return 0


def _refuse_nothing(v: Validation) -> None:
    """ToolError if the original was not compared, or nothing was: that is no success."""
    if v.missing:
        done = "the other results are above" if v.comparisons else "nothing was compared"
        raise ToolError(Text(v.missing, f"; {done}"))
    if not v.comparisons:
        notes = "; ".join(all_told([*v.notes, "nothing was compared"]))
        raise ToolError(f"{notes}; give --board to compare with a board")


def _print_validation(out: Screen, v: Validation) -> None:
    columns = ("<results of", "<against", "output", "max diff", "SQNR dB", "cosine", "same top-1", "bytes")
    if not v.comparisons:
        return
    rows = printing.table(f"{v.samples} samples", *columns)
    for c in v.comparisons:
        agreement = "" if c.agreement is None else f"{c.agreement:.2%}"
        state = "equal" if c.equal else "differ"
        figures = (f"{c.max_difference:.4g}", printing.decibels(c.sqnr), f"{c.cosine:.6f}")
        rows.add_row(c.right, c.left, str(c.output), *figures, agreement, state)
    out.print(rows)
    out.say(f"first layer that differs: {v.first_difference or 'none'}")
    for note in v.notes:
        out.say(f"note: {told(note)}")


def _boards(a: Namespace) -> int:
    known = boards.boards()
    ready = {name: bool(shutil.which(b.compiler + "gcc") and shutil.which(b.emulator)) for name, b in known.items()}
    if a.json:
        rows = [
            {"name": n, "cpu": list(b.cpu), "machine": list(b.machine), "ready": ready[n]} for n, b in known.items()
        ]
        return _print_json(rows)
    printing.print_boards(printing.console(quiet=a.quiet), known, ready)
    return 0


# ---- library ----


def _library(a: Namespace) -> int:
    """Says where the C files are, or copies them."""
    root = library_root()
    place = root if a.out is None else copy_library(Path(a.out))
    if a.json:
        sources = sorted(str(f) for f in (place / "src").rglob("*.c"))
        return _print_json({"path": str(place), "includes": [str(place / "include"), str(place / "port")],
                            "sources": sources})  # fmt: skip
    out = printing.console(quiet=a.quiet)
    out.print(str(place), markup=False, soft_wrap=True)
    out.detail(
        "Compile your main.c, model.c and all C files of src/ with -O2 -ffunction-sections -fdata-sections, "
        "the folders include/ and port/ with -I, and link with -Wl,--gc-sections -lm."
    )
    return 0


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "convert": _convert,
    "evaluate": _evaluate,
    "run": _run,
    "inspect": run_inspect,
    "bench": run_bench,
    "plan": run_plan,
    "report": run_report,
    "search": run_search,
    "validate": _validate,
    "boards": _boards,
    "library": _library,
}
