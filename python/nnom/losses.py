# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Warnings about numbers: data that int8 cannot hold, outputs that int8 makes useless, and what helps.

An output is judged as its user sees it: each channel by itself, its error against how much it varies. A channel whose
error (rms) exceeds half of its standard deviation on the samples is little better than its mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .compare import EXACT_DB, ChannelNoise, LayerNoise
from .graph import Graph
from .messages import Setting, Text
from .ports import Port, tensor_port

USELESS = 0.5  # rms error over standard deviation, from which on an output's channel is named
NARROW = 20.0  # an input's range over that of a channel, from which on the channel is named
FEW = 10  # samples, under which ranges are a guess
LOW_SQNR = 10.0  # dB of a layer: where a loss begins
STEEP = 3.0  # dB that one layer loses, from which on its widening is worth a word
_SATURATED = 0.01  # share of an input's values
_FEWEST_STEPS = 8  # of 256, that data should use
_LISTED = 6


def _list(indices: np.ndarray, count: int) -> str:
    """ ", channels 4, 5 of 7"; "" if there is one channel only."""
    if count == 1:
        return ""
    shown = ", ".join(map(str, indices[:_LISTED])) + (" ..." if len(indices) > _LISTED else "")
    return f", channel{'' if len(indices) == 1 else 's'} {shown} ({len(indices)} of {count})"


# ---- Data ----


def calibration_warnings(graph: Graph, data: list[np.ndarray], place: str) -> list[str]:
    """What calibration samples [n, h, w, c] per input cannot tell."""
    lines = []
    count = len(data[0])
    if any(a.min() == a.max() for a in data):
        lines.append(f"{place}: all values of an input are the same; ranges are a guess, give real samples")
    if count < FEW:
        number = "one sample" if count == 1 else f"{count} samples"
        hint = "" if count == 1 else " (the first axis counts samples)"
        lines.append(f"{place}: {number} only{hint}; ranges are a guess, some hundred are better")
    return lines


def range_warnings(graph: Graph, data: list[np.ndarray]) -> list[str]:
    """Inputs, samples [n, h, w, c] each, whose channels share one range badly."""
    return [line for name, a in zip(graph.inputs, data, strict=True) for line in _narrow_channels(name, a)]


def _narrow_channels(name: str, data: np.ndarray) -> list[str]:
    """Channels that use little of the range that all share. In wide vectors (pixels) a few such are no fault."""
    flat = data.reshape(-1, data.shape[-1])
    low, high = flat.min(axis=0).astype(np.float64), flat.max(axis=0).astype(np.float64)
    width = max(float(high.max()), 0.0) - min(float(low.min()), 0.0)
    own = high - low
    narrow = np.flatnonzero((own > 0) & (own * NARROW < width))
    if len(narrow) < max(1, len(own) // 10):
        return []
    least = narrow[np.argmin(own[narrow])]
    what = f"channel {least} varies by {own[least]:.3g}" if len(own) > 1 else f"it varies by {own[least]:.3g}"
    return [
        f"input '{name}'{_list(narrow, len(own))}: {what}, but the input's 256 steps of int8 cover {width:.6g}, "
        f"more than {NARROW:.0f} times as much; normalise each channel before the model (subtract its mean, divide by "
        "its standard deviation), on the board too"
    ]


def _port_of(graph: Graph, name: str) -> Port | None:
    """The 8-bit numbers that an input becomes, at once or in the QUANTIZE that reads it; None in float."""
    tensor = graph.tensors[name]
    if tensor.dtype == "float32":
        reader = next((n for n in graph.consumers(name) if n.op == "quantize"), None)
        tensor = graph.tensors[reader.output] if reader else tensor
    return tensor_port(tensor) if tensor.dtype in ("int8", "uint8") and tensor.quant is not None else None


def saturation_warnings(graph: Graph, data: list[np.ndarray], raw: bool, place: str) -> list[str]:
    """Samples [n, h, w, c] per input beside the ranges of a quantised graph's inputs. raw: as for Prepared."""
    lines = []
    for name, a in zip(graph.inputs, data, strict=True):
        port = _port_of(graph, name)
        if port is None or (raw and a.dtype == port.dtype == np.dtype(graph.tensors[name].dtype)):
            continue
        info = np.iinfo(port.dtype)
        low, high = ((end - port.zero_point) * port.scale for end in (info.min, info.max))
        half = port.scale / 2
        share = float(((a < low - half) | (a > high + half)).mean())
        least, most = float(a.min()), float(a.max())
        if share > _SATURATED:
            bytes_like = 128 <= most <= 255 and least >= 0 and high < 3
            cure = "they look like bytes, divide them by 255" if bytes_like else "scale them as for the training"
            lines.append(
                f"{place}: {share:.1%} of the values saturate: they lie in {least:.6g} to {most:.6g}, "
                f"input '{name}' holds {low:.6g} to {high:.6g}; {cure}"
            )
        elif 0 < most - least < _FEWEST_STEPS * port.scale:
            used = round((most - least) / port.scale) + 1
            lines.append(
                f"{place}: the values lie in {least:.6g} to {most:.6g} and use {used} of "
                f"the 256 steps of input '{name}', which holds {low:.6g} to {high:.6g}; scale them as for the training"
            )
    return lines


# ---- Outputs ----


def output_warnings(
    graph: Graph, noises: Sequence[ChannelNoise], layers: Sequence[LayerNoise], input_named: bool
) -> list[str]:
    """A line for every output of a quantised graph with useless channels: which, how bad, and what helps.

    input_named: a line about a badly scaled input stands before these.
    """
    lines: list[str] = []
    for name, noise in zip(graph.outputs, noises, strict=True):
        deviation, error = noise.deviation, noise.error
        bad = np.flatnonzero(error > USELESS * deviation)
        if not bad.size:
            continue
        with np.errstate(divide="ignore"):
            worst = bad[np.argmax(error[bad] / deviation[bad])]
        where = f" in channel {worst}" if len(error) > 1 else ""
        loss = f"output '{name}'{_list(bad, len(error))}: its error in int8 (rms {error[worst]:.3g}{where}) "
        cure = _cure(graph, name, noise, int(worst), layers, input_named)
        lines.append(Text(loss, _against(float(deviation[worst])), "; ", cure))
    return lines


def _against(deviation: float) -> str:
    if deviation == 0:
        return "is all that varies: in float it is constant on these samples"
    return f"exceeds half of its standard deviation ({deviation:.3g}) on these samples"


def _cure(graph: Graph, name: str, noise: ChannelNoise, c: int, layers: Sequence[LayerNoise], input_named: bool) -> str:
    deviation, quant, maker = float(noise.deviation[c]), graph.tensors[name].quant, graph.producer(name)
    if quant is not None and quant.scale > deviation:  # rounding alone has an rms of scale / sqrt(12)
        step = f"one step of int8 is {quant.scale:.3g}"
        if maker is not None and maker.entry.decisive:
            return f"{step}, and the class hardly occurs: give samples of every class"
        own = float(noise.high[c] - noise.low[c])
        widest = float((noise.high - noise.low).max())
        if deviation == 0:
            return f"{step}; give more varied calibration data, or leave it out of the model"
        if widest > 4 * own:
            return f"{step}, for channel {int((noise.high - noise.low).argmax())} varies by {widest:.3g}: " + (
                "scale all channels alike in the model, or split it into outputs of one range each"
            )
        if max(abs(noise.low[c]), abs(noise.high[c])) > 4 * own:
            return (
                f"{step}, for its values lie around {noise.mean[c]:.6g}: take this offset out of the model and add it "
                "to its results"
            )
    if input_named:
        return "the input named above is a likely cause"
    first = next((n for n in layers if n.sqnr < LOW_SQNR), None)
    where = f"the loss begins at layer '{first.name}' ({first.op}, {first.sqnr:.1f} dB); " if first else ""
    advice = Text(f"{where}more typical calibration data or another ", Setting.METHOD)
    names, lost = steepest(graph, layers)
    if lost < STEEP:
        return Text(advice, " may help")
    listed = " and ".join(f"'{n}'" for n in names)
    return Text(advice, " may help, or ", Setting.INT16, f" for {listed}, where {lost:.1f} dB are lost")


def steepest(graph: Graph, layers: Sequence[LayerNoise]) -> tuple[list[str], float]:
    """Where 16 bits would save most: the layer that loses most against what it reads, and its readers; in dB."""
    sqnr = {n.name: n.sqnr for n in layers}
    best: tuple[list[str], float] = [], 0.0
    for node in graph.nodes:
        if node.name not in sqnr or not node.entry.wide or graph.tensors[node.output].dtype != "int8":
            continue
        makers = [graph.producer(t) for t in node.inputs]
        before = min((sqnr[m.name] for m in makers if m is not None and m.name in sqnr), default=EXACT_DB)
        readers = [r.name for r in graph.consumers(node.output) if r.entry.wide]
        if before < EXACT_DB and before - sqnr[node.name] > best[1]:
            best = [node.name, *readers], before - sqnr[node.name]
    return best
