# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Models of windows as streams: what a step costs on the emulated Cortex-M4, and the same bytes over ten minutes.

.venv/bin/python bench/streaming.py --write docs/streaming.md
.venv/bin/python bench/streaming.py --minutes 1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import frozen
from nnom.compare import stored
from nnom.conversion import Plan, Prepared, prepare
from nnom.core import CoreModel
from nnom.errors import UnsupportedError
from nnom.graph import Graph
from nnom.planning import ram_total
from nnom.running import run_board
from nnom.stream_proof import Streaming, loss_text, prove, prove_long, stream_of
from nnom.stream_survey import rows_first
from oracle import shared

BOARD = "cortex-m4"
HEAD = """<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->
# Streams

Made by `.venv/bin/python bench/streaming.py --write docs/streaming.md`. `nnom convert --stream HOP` makes of a model
that takes windows one that takes a signal without end, HOP rows at a time, and gives after each hop what the model
gives for the newest window. How: DESIGN.md, "A stream is a pass".

## What a step costs

Executed instructions on the emulated Cortex-M4 (-O2, kernels for it): of a step, fed row by row, and of a run over the
whole window. Times, per step: as many times as many the window takes, which would have to be run for the same output.
Times, per row: the same against what a step takes for each of its rows. RAM is arena and state.
"""
COLUMNS = ("model", "rows of the window", "hop", "step", "per row", "window", "times, per step", "times, per row")
COLUMNS += ("RAM of the step", "RAM of the window")
ABOUT_HOPS = """
A hop must be a multiple of the strides in time, one times the other. What is left of a step is mostly its head: a Dense
layer over the whole window (uci_har, har_cnn1d) takes all of its weights at each hop.
"""
ABOUT_BYTES = """
Every window of the signal was run whole and as a stream, on this computer. The signal: all samples one after the other,
each second time turned round, with a step of noise on each number. Models whose states go on: signals of several
lengths, up to this one, in one run and as a stream.

| model | rows | windows, or signals | bytes |
|---|---|---|---|"""
ABOUT_PADDING = """
## What the causal form changes

Models that pad in time have, as streams (`--causal`), rows of the signal there, so an output tells of a longer window;
states of recurrent layers go on. What that changes, on the samples that they are quantised with, or judged by:
"""


@dataclass(frozen=True)
class Case:
    """A model and its signal. hertz: rows a second."""

    name: str
    hop: int
    hertz: float
    prepared: Prepared
    labels: np.ndarray | None


def example(name: str, hop: int, hertz: float) -> Case | None:
    """One of examples/, with its data."""
    data = frozen.data(name)
    if data is None:
        return None
    x, y = data[:2]
    return Case(name, hop, hertz, prepare(frozen.EXAMPLES / name / "model.keras", x), np.asarray(y).ravel())


def given(name: str, file: str, hop: int, hertz: float) -> Case | None:
    """A quantised model of ../shared."""
    path = shared.SHARED / "models" / file
    found = shared.real(path) if shared.here() else None
    if found is None:
        return None
    p = prepare(path, found.x)
    return Case(name, hop, hertz, p, found.y)


def cases() -> Iterator[Case]:
    """All whose data are here."""
    every = [
        example("uci_har_stream", 1, 50),
        example("uci_har", 8, 50),
        example("uci_har_inception", 8, 50),
        example("uci_har_gru", 2, 50),
        example("uci_har_lstm", 2, 50),
        example("basic_motions", 8, 10),
        given("har_cnn1d_int8 (shared)", "har/har_cnn1d_int8.tflite", 4, 50),
        given("streaming_wakeword_int8 (shared)", "sww/streaming_wakeword_int8.tflite", 1, 1000 / 32),
        given("kws_dscnn_int8 (shared)", "kws/kws_dscnn_int8.tflite", 2, 50),
    ]
    return (c for c in every if c is not None)


@dataclass(frozen=True)
class Row:
    """What was measured of a case. equal: windows whose bytes agree over `rows` rows."""

    case: Case
    streaming: Streaming
    step: int
    window: int
    step_ram: int
    window_ram: int
    windows: int
    rows: int


def long_signal(c: Case, batch: Graph, rows: int) -> np.ndarray:
    """Stored rows [rows, w, c]: all samples, turned round each second time they come, with some noise."""
    port = CoreModel(batch).inputs[0]
    assert c.prepared.calibration is not None
    once = stored(port, c.prepared.calibration[0], c.prepared.raw).reshape(-1, *port.shape[1:])
    both = np.concatenate([once, once[::-1]])
    signal = np.resize(both, (rows, *both.shape[1:])).astype(np.int32)
    signal += np.random.default_rng(1).integers(-1, 2, signal.shape)  # no repetition is exact
    return np.clip(signal, -128, 127).astype(port.dtype)


def measure(c: Case, minutes: float) -> Row:
    """Proves and runs a case."""
    try:
        streaming = stream_of(c.prepared, c.hop)
    except UnsupportedError:  # it pads in time
        streaming = stream_of(c.prepared, c.hop, True, c.labels)
    window = streaming.window
    rows = max(int(minutes * 60 * c.hertz), window)
    count = (rows - window) // c.hop + 1
    signal = long_signal(c, streaming.batch, rows)
    if streaming.stream.graph.states:
        proof = prove_long(streaming.batch, c.hop, signal, rows)
    else:
        proof = prove(streaming.batch, streaming.stream, signal, count)
    steps = long_signal(c, streaming.batch, 3 * c.hop)
    steps = steps.reshape(3, c.hop, *steps.shape[1:])
    whole = rows_first(c.prepared.graph)
    one = long_signal(c, whole, whole.tensors[whole.inputs[0]].shape[0])
    step = run_board(streaming.stream.graph, BOARD, [steps], plan=Plan(feed=True))
    full = run_board(whole, BOARD, [one[np.newaxis]], plan=Plan())
    rams = [
        ram_total(Plan(feed=fed, target="dsp").compile(g))
        for g, fed in ((streaming.stream.graph, True), (whole, False))
    ]
    return Row(c, streaming, step.instructions, full.instructions, *rams, proof.windows, proof.rows)


def page(rows: list[Row], minutes: float) -> str:
    """The tables."""
    lines = [HEAD, f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for r in rows:
        per_row = r.step / r.case.hop
        cells = [r.case.name, r.streaming.window, r.case.hop, f"{r.step:,}", f"{per_row:,.0f}", f"{r.window:,}"]
        cells += [f"{r.window / r.step:.1f}", f"{r.window / per_row:.1f}", f"{r.step_ram:,}", f"{r.window_ram:,}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    wake = next((r for r in rows if "wakeword" in r.case.name), None)
    if wake is not None:
        lines += ["", f"The wake word's rows come every 32 ms: {wake.step / 3.2:,.0f} instructions for 10 ms."]
    lines += [ABOUT_HOPS, f"## The same bytes over {minutes:g} minutes", ABOUT_BYTES]
    lines += [f"| {r.case.name} | {r.rows:,} | {r.windows:,} | equal |" for r in rows]
    lines.append(ABOUT_PADDING)
    for r in rows:
        loss = r.streaming.loss
        if loss is not None:
            wider = f"{loss.before} rows more before the window and {loss.after} after it"
            lines.append(f"- {r.case.name}: {wider}; {loss_text(loss).partition(': ')[2]}")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10, help="of signal (default: 10)")
    parser.add_argument("--write", type=Path, help="the page")
    options = parser.parse_args()
    rows = []
    for case in cases():
        rows.append(measure(case, options.minutes))
        r = rows[-1]
        print(f"{case.name}: step {r.step:,}, window {r.window:,}, {r.windows:,} windows equal", flush=True)
    text = page(rows, options.minutes)
    if options.write:
        options.write.write_text(text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
