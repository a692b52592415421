# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Converting for a stream: the model of steps, the proof that it gives the bytes of whole windows, what its form costs.

streaming = stream_of(prepared, 8)                  or UnsupportedError, with what the causal form would cost
streaming = stream_of(prepared, 8, causal=True)     rows of the signal where the model pads in time
streaming.proof, streaming.loss
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .compare import Runner, sqnr, stored
from .core import CoreModel, host_model
from .errors import InternalError, UnsupportedError
from .graph import Graph
from .messages import Setting, Text
from .passes import measure
from .stream_survey import rows_first
from .stream_wide import Widened, widened
from .streaming import Stream, least_hop, streamed

if TYPE_CHECKING:
    from .conversion import Plan, Prepared

PROOF_MACS = 2 * 10**9  # of the whole windows that a stream is compared with
LEAST_WINDOWS, MOST_WINDOWS = 32, 2000
LONG_ROWS = 2000  # of a signal in one run, of models whose states go on


@dataclass(frozen=True)
class Proof:
    """`windows` windows of a signal of `rows` rows, given whole and as a stream, gave the same bytes.

    Of models whose states go on: `windows` signals of up to `rows` rows did, each in one run and as a stream.
    """

    windows: int
    rows: int


@dataclass(frozen=True)
class CausalLoss:
    """What the causal form changes, on `samples` windows whose missing rows, `before` and `after`, mirror their ends.

    form: in words. Where states go on, as many rows as the window has come before it.

    agreement: share of equal top-1 classes of the first output, None for a single number; sqnr in dB.
    """

    form: str
    before: int
    after: int
    samples: int
    sqnr: float
    agreement: float | None
    accuracy_before: float | None
    accuracy_after: float | None


@dataclass(frozen=True)
class Streaming:
    """A model of steps. window: rows of the signal that an output tells of; batch: the graph that takes them whole.

    loss: of the causal form, None if the model needed none.
    """

    stream: Stream
    batch: Graph
    window: int
    proof: Proof
    loss: CausalLoss | None

    @property
    def hop(self) -> int:
        """Rows that a step takes."""
        return self.stream.hop

    @property
    def first_rows(self) -> int:
        """Rows until the first output."""
        return ((self.stream.graph.warm_up or 0) + 1) * self.hop


@dataclass(frozen=True)
class HopCost:
    """Of a step and of the whole window, as the core estimates them: MACs and instructions; bytes of what is kept."""

    macs: int
    window_macs: int
    instructions: int
    window_instructions: int
    state_bytes: int


def stream_of(p: Prepared, hop: int, causal: bool = False, labels: np.ndarray | None = None) -> Streaming:
    """The stream of a prepared model, proved. labels: of all calibration samples.

    Raises DataError (a hop that does not divide), UnsupportedError with every layer that cannot stream and, if another
    form of the model can, what that costs on the calibration samples.
    """
    wide = widened(p.graph) if causal else None
    batch = wide.graph if wide else rows_first(p.graph)
    try:
        stream = streamed(batch, hop, causal)
    except UnsupportedError as e:
        raise _offered(e, p, labels) from None
    window = batch.tensors[batch.inputs[0]].shape[0]
    if stream.graph.states:
        proof = prove_long(batch, hop, _signal(p, batch))
    else:
        proof = prove(batch, stream, _signal(p, batch))
    changed = wide is not None and (wide.grown or stream.graph.states)
    loss = causal_loss(p, wide, labels) if wide is not None and changed else None
    return Streaming(stream, batch, window, proof, loss)


def cost_of(streaming: Streaming, core: CoreModel, plan: Plan) -> HopCost:
    """core: the steps, compiled as `plan` says."""
    from dataclasses import replace

    whole = replace(plan, feed=False, arena_bytes=0, ram=None).compile(streaming.batch)
    a, b = core.totals, whole.totals
    return HopCost(int(a.macs), int(b.macs), int(a.cost), int(b.cost), core.state_bytes)


# ---- The causal form ----


def _offered(e: UnsupportedError, p: Prepared, labels: np.ndarray | None) -> UnsupportedError:
    """The same, with what the causal form costs, if there is one."""
    try:
        wide = widened(p.graph)
    except UnsupportedError:
        return e
    parts: list[str | Setting] = [f"{form_text(wide)} streams (", Setting.CAUSAL, ")", wide_text(wide)]
    if (loss := causal_loss(p, wide, labels)) is not None:
        parts.append(f"; {loss_text(loss).partition(': ')[2]}")
    return UnsupportedError(str(e.args[0]), lines=[*e.lines, Text(*parts)])


def _carries(graph: Graph) -> bool:
    """Whether it has recurrent layers."""
    return any(n.entry.gates for n in graph.nodes)


def form_text(wide: Widened) -> str:
    """What the causal form is."""
    parts = ["without padding in time"] if wide.grown else []
    parts += ["whose states go on"] if _carries(wide.graph) else []
    return f"the form {' and '.join(parts)}"


def wide_text(wide: Widened) -> str:
    """What stands where padding was."""
    if not wide.grown:
        return ""
    rows = wide.graph.tensors[wide.graph.inputs[0]].shape[0]
    more = f"{max(wide.before, 0)} more before the window and {max(wide.after, 0)} more after it"
    return f": an output tells of {rows} rows, {more}"


def loss_text(loss: CausalLoss) -> str:
    """In words."""
    parts = [f"{loss.form}: on {loss.samples} samples, their ends mirrored, outputs keep {loss.sqnr:.1f} dB"]
    if loss.agreement is not None:
        parts.append(f"{loss.agreement:.2%} stay in their class")
    if loss.accuracy_before is not None and loss.accuracy_after is not None:
        parts.append(f"accuracy {loss.accuracy_before:.2%} as it is, {loss.accuracy_after:.2%} so")
    return ", ".join(parts)


def causal_loss(p: Prepared, wide: Widened, labels: np.ndarray | None) -> CausalLoss | None:
    """Both forms over the calibration samples that judge; None without samples."""
    from .conversion import classes_of

    if p.calibration is None or p.picks is None:
        return None
    narrow = rows_first(p.graph)
    shape = narrow.tensors[narrow.inputs[0]].shape
    x = p.calibration[0][p.picks].reshape(-1, *shape)
    runner = Runner(narrow, p.raw)
    before = runner.outputs[0].dequantize(runner.run([x])[0])
    after = _carried_outputs(p, wide, x) if _carries(wide.graph) else _wide_outputs(p, wide, x)
    several = before[0].size > 1
    classes = [classes_of(v) for v in (before, after)]
    right = [None if labels is None else float((c == labels[p.picks]).mean()) for c in classes]
    agreement = float((classes[0] == classes[1]).mean()) if several else None
    before_rows, after_rows = max(wide.before, 0), max(wide.after, 0)
    quality = sqnr(before, after), agreement, right[0], right[1]
    return CausalLoss(form_text(wide), before_rows, after_rows, len(x), *quality)


def _mirrored(x: np.ndarray, before: int, after: int) -> np.ndarray:
    """Windows [n, h, w, c] with rows more that mirror their ends; less than 0: without as many."""
    x = x[:, max(-before, 0) : x.shape[1] - max(-after, 0)]
    return np.pad(x, ((0, 0), (max(before, 0), max(after, 0)), (0, 0), (0, 0)), mode="reflect")


def _wide_outputs(p: Prepared, wide: Widened, x: np.ndarray) -> np.ndarray:
    runner = Runner(wide.graph, p.raw)
    return runner.outputs[0].dequantize(runner.run([_mirrored(x, wide.before, wide.after)])[0])


def _carried_outputs(p: Prepared, wide: Widened, x: np.ndarray) -> np.ndarray:
    """At each window's end, after as many rows as it has have come before."""
    hop, rows = least_hop(wide.graph), x.shape[1]
    longer = _mirrored(x, max(rows, wide.before), wide.after)
    hops = longer.shape[1] // hop
    longer = longer[:, longer.shape[1] - hops * hop :]
    core = host_model(streamed(wide.graph, hop, causal=True).graph)
    port, found = core.outputs[0], []
    for sample in longer:
        core.forget()
        steps = stored(core.inputs[0], sample, p.raw).reshape(hops, hop, *sample.shape[1:])
        found.append(port.dequantize(core.run_many([steps])[0][-1]))
    return np.stack(found)


# ---- The proof ----


def _signal(p: Prepared, batch: Graph) -> np.ndarray:
    """Stored rows [n, w, c]: the calibration samples one after another, else noise."""
    from .conversion import noise

    core = CoreModel(batch)
    port = core.inputs[0]
    if p.calibration is not None:
        few = p.calibration[0][: MOST_WINDOWS // 4]
        return stored(port, few, p.raw).reshape(-1, *port.shape[1:])
    return noise(np.random.default_rng(1), (16 * port.shape[0], *port.shape[1:]), port.dtype)


def prove_long(batch: Graph, hop: int, signal: np.ndarray, most: int = LONG_ROWS) -> Proof:
    """Of recurrent layers whose states go on: signals [n, w, c] of several lengths in one run, and hop by hop.

    Proof.windows: how many. Raises InternalError if a byte of the last hop's outputs differs.
    """
    step = streamed(batch, hop, causal=True)
    first = ((step.graph.warm_up or 0) + 1) * hop
    core, lengths = host_model(step.graph), sorted({hop * max(n // hop, 1) for n in (1, 2 * hop, 37, 200, most)})
    for rows in lengths:
        part = np.ascontiguousarray(np.resize(signal, (rows, *signal.shape[1:])))
        whole = host_model(streamed(batch, rows, True, first).graph).run([part])
        core.forget()
        last = [o[-1] for o in core.run_many([part.reshape(rows // hop, hop, *part.shape[1:])])]
        for name, a, b in zip(batch.outputs, whole, last, strict=True):
            if not np.array_equal(a[-len(b) :], b):
                raise _different(batch, name, "one run over the whole signal")
    return Proof(len(lengths), lengths[-1])


def _different(batch: Graph, name: str, from_what: str) -> InternalError:
    return InternalError(
        f"{batch.source or batch.name}: internal error, please report it: output '{name}' of the stream is not that of "
        f"{from_what}"
    )


def prove(batch: Graph, stream: Stream, signal: np.ndarray, windows: int | None = None) -> Proof:
    """Runs windows of a signal [n, w, c], repeated if it is short, whole and as a stream.

    windows: how many, None: as many as PROOF_MACS allow. Raises InternalError if a byte differs.
    """
    hop, rows = stream.hop, batch.tensors[batch.inputs[0]].shape[0]
    if windows is None:
        windows = int(np.clip(PROOF_MACS // max(measure(batch).macs, 1), LEAST_WINDOWS, MOST_WINDOWS))
    warm_up = stream.graph.warm_up or 0
    hops = windows + max([warm_up, *(ago for ago, _ in stream.outputs)])
    length = max(rows + (windows - 1) * hop, hops * hop)
    signal = np.ascontiguousarray(np.resize(signal, (length, *signal.shape[1:])))
    starts = np.lib.stride_tricks.sliding_window_view(signal, rows, axis=0)[: windows * hop : hop]
    whole = Runner(batch, raw=True).run([np.moveaxis(starts, -1, 1)])
    core = CoreModel(stream.graph, feed=True, mode="auto")
    steps = core.run_many([signal[: hops * hop].reshape(hops, hop, *signal.shape[1:])])
    for name, (ago, first), a, b in zip(batch.outputs, stream.outputs, whole, steps, strict=True):
        count = max(min(b.shape[1], a.shape[1] - first), 0)  # none between windows that do not overlap
        expected = a[max(warm_up - ago, 0) :, first : first + count]
        got = b[max(warm_up, ago) :][: len(expected), :count]
        if not np.array_equal(expected, got):
            raise _different(batch, name, "whole windows")
    return Proof(windows, length)
