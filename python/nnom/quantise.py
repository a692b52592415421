# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Float graphs to int8: ranges become scales, weights are rounded per output channel, the best of several ranges wins.

result = quantise(graph, samples)        # samples: one array [n, h, w, c] per input
CoreModel(result.graph).run(...)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import mapping
from .calibrate import METHODS, Observed, Progress, Range, observe, tensor_range
from .compare import channel_noise, outputs_of
from .errors import DataError, ModelError, UnsupportedError
from .graph import Graph, Node, Quant, Tensor, Weight
from .groups import Groups
from .passes import copy_graph
from .recurrent import measure_states, quantise_cell, widen_states
from .twins import share_arrays
from .widths import NARROW, Widths, widen, widths_of

MOST_ELEMENTS = 2**23
_BIAS_LIMIT = 2.0**30
_LONG_LIMIT = 2.0**45  # of layers of 16 bits


@dataclass(frozen=True)
class Trial:
    """How one range method did on the samples: SQNR in dB, the mean of the outputs'; share of equal top-1 classes."""

    method: str
    sqnr: float
    agreement: float


@dataclass(frozen=True)
class Quantised:
    """An int8 graph, the range method that it uses, and how all tried methods did.

    expected: what the float graph gave on the samples that the methods were judged by; None if none were tried.
    """

    graph: Graph
    method: str
    trials: list[Trial]
    expected: list[np.ndarray] | None = None


def quantise(
    graph: Graph,
    data: list[np.ndarray],
    method: str = "auto",
    progress: Progress | None = None,
    judges: list[np.ndarray] | None = None,
    judging: Progress | None = None,
) -> Quantised:
    """Quantises a folded float graph.

    data: checked calibration samples. method: "auto", or one of calibrate.METHODS. progress(done, total) is called
    during calibration. judges: the samples on which "auto" compares the methods, by default `data`; judging(done,
    total) is called meanwhile. graph.int16 names the layers that compute in 16 bits (widths.py). Raises DataError,
    UnsupportedError, CoreError.
    """
    if method != "auto" and method not in METHODS:
        raise DataError(f"unknown range method '{method}'; expected auto, {', '.join(METHODS)}")
    mapping.check(graph)
    _check_size(graph)
    _check_layers(graph)
    widths_of(graph, None)  # names that fit nothing are found before anything runs
    observed = observe(graph, data, progress)
    _check_finite(graph, observed)
    measure_states(graph, data)
    widths = widths_of(graph, observed)
    if method != "auto":
        return Quantised(apply(graph, group_ranges(graph, observed, method), widths), method, [])
    return _best(graph, observed, widths, data if judges is None else judges, judging)


def _check_size(graph: Graph) -> None:
    """Calibration takes some 40 bytes for each element of the largest tensor: bounded for files that nobody trusts."""
    largest = max(graph.tensors.values(), key=lambda t: t.elements)
    if largest.elements > MOST_ELEMENTS:
        raise UnsupportedError(
            f"{graph.source}: tensor '{largest.name}' has {largest.elements:,} elements; float models are quantised "
            f"with up to {MOST_ELEMENTS:,} (8 MB in int8): use smaller inputs, or a model that is quantised already"
        )


def _check_layers(graph: Graph) -> None:
    for node in graph.nodes:
        if node.op == "svdf":
            raise UnsupportedError(
                f"{graph.source}: layer '{node.name}' is an SVDF in float; convert it in float, or quantise it with "
                "TensorFlow's converter"
            )


def _check_finite(graph: Graph, observed: dict[str, Observed]) -> None:
    for node in graph.nodes:
        o = observed[node.output]
        if not (np.isfinite(o.low) and np.isfinite(o.high)):
            raise DataError(
                f"{graph.source}: layer '{node.name}' gives {o.low} to {o.high} in float on the calibration data; "
                "check the data's scale, and the model's weights"
            )


def _best(
    graph: Graph,
    observed: dict[str, Observed],
    widths: Widths,
    judges: list[np.ndarray],
    progress: Progress | None,
) -> Quantised:
    expected = outputs_of(graph, judges)
    count, done = len(judges[0]), 0
    trials: list[Trial] = []
    graphs: dict[str, Graph] = {}
    known: dict[frozenset[tuple[str, Quant]], Trial] = {}
    for method in METHODS:
        quants = group_ranges(graph, observed, method)
        graphs[method] = apply(graph, quants, widths)
        key = frozenset(quants.items())
        if key not in known:
            step = _part(progress, done, count * len(METHODS))
            known[key] = _trial(method, expected, outputs_of(graphs[method], judges, progress=step))
        trials.append(replace(known[key], method=method))
        done += count
    winner = max(trials, key=lambda t: (round(t.sqnr, 2), t.agreement))
    return Quantised(graphs[winner.method], winner.method, trials, expected)


def _part(progress: Progress | None, done: int, total: int) -> Progress | None:
    """Progress of one of several runs."""
    return None if progress is None else lambda i, _: progress(done + i, total)


def _trial(method: str, expected: list[np.ndarray], got: list[np.ndarray]) -> Trial:
    pairs = list(zip(expected, got, strict=True))
    noise = float(np.mean([channel_noise(e, g).sqnr for e, g in pairs]))
    return Trial(method, noise, float(np.mean([(_top(e) == _top(g)).mean() for e, g in pairs])))


def _top(outputs: np.ndarray) -> np.ndarray:
    """Index of the largest value of each sample."""
    return outputs.reshape(len(outputs), -1).argmax(axis=1)


# ---- Choosing scales ----


def group_ranges(graph: Graph, observed: dict[str, Observed], method: str) -> dict[str, Quant]:
    """The quantisation of every float tensor. Percentiles never clip what decides: outputs, inputs of softmax."""
    groups = Groups(graph, lambda name: observed[name].high - observed[name].low)
    decisive = set(graph.kept) | {t for n in graph.nodes if n.entry.decisive for t in n.inputs}
    result: dict[str, Quant] = {}
    for members in groups.all():
        quant = groups.fixed(members)
        if quant is None:
            chosen = "minmax" if method.startswith("percentile") and decisive & set(members) else method
            quant = quant_of(tensor_range([observed[m] for m in groups.deciding(members)], chosen))
        result.update(dict.fromkeys(members, quant))
    return result


def quant_of(r: Range) -> Quant:
    """Scale and zero point of a range that includes 0: 256 steps, 0 exact."""
    low, high = r
    scale = float(np.float32((high - low) / 255.0))
    if not np.isfinite(scale) or scale < np.finfo(np.float32).tiny:
        raise DataError(f"range {low} to {high} has no float32 scale; check the data's scale")
    return Quant(scale, int(np.clip(round(-128.0 - low / scale), -128, 127)))


# ---- Applying scales ----


def apply(graph: Graph, quants: dict[str, Quant], widths: Widths = NARROW) -> Graph:
    """The int8 form of a float graph, with the given quantisation of each float32 tensor; widths: what is int16."""
    result = copy_graph(graph)
    for tensor in result.tensors.values():
        if tensor.dtype == "float32":
            _quantise_tensor(tensor, quants[tensor.name])
    widen(result, widths)
    for node in result.nodes:
        if node.entry.gates:
            quantise_cell(node, result.quant(node.inputs[0]), _BIAS_LIMIT)
        elif node.entry.linear is not None:
            _quantise_weights(result, node, node.name in widths.nibbles)
        elif node.weights:
            _quantise_plain(result, node)
    widen_states(result)
    for name in result.states:
        _quantise_start(result.tensors[name])
    share_arrays(result)
    return result


def sketch(graph: Graph) -> Graph:
    """A quantised form with made-up ranges: right in shapes, MACs and memory, useless in values. No data needed."""
    groups = Groups(graph, lambda _: 1.0)
    quants = {}
    for members in groups.all():
        quants.update(dict.fromkeys(members, groups.fixed(members) or Quant(2.0**-6)))
    return apply(graph, quants, widths_of(graph, None))


def _quantise_tensor(tensor: Tensor, quant: Quant) -> None:
    tensor.dtype, tensor.quant = "int8", quant
    if tensor.data is not None:
        tensor.data = _rounded(tensor.data, "int8", quant)


def _rounded(data: np.ndarray, dtype: str, quant: Quant) -> np.ndarray:
    """Real values as whole numbers."""
    ends = np.iinfo(dtype)
    q = np.round(data.astype(np.float64) / quant.scale) + quant.zero_point
    return np.clip(q, ends.min, ends.max).astype(dtype)


def _quantise_start(state: Tensor) -> None:
    if state.start is not None and state.quant is not None:
        state.start = _rounded(state.start, state.dtype, state.quant)


def _channels_first(node: Node, w: np.ndarray) -> np.ndarray:
    axis = node.entry.linear
    assert axis is not None  # of a linear operator
    return np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)


def _quantise_weights(graph: Graph, node: Node, nibbles: bool) -> None:
    w = node.weights["weights"].data.astype(np.float64)
    bias = node.weights["bias"].data.astype(np.float64) if "bias" in node.weights else None
    if not np.isfinite(w).all() or (bias is not None and not np.isfinite(bias).all()):
        raise ModelError(f"{graph.source}: layer '{node.name}' has weights that are NaN or infinite")
    source = graph.quant(node.inputs[0])
    wide = graph.tensors[node.inputs[0]].dtype == "int16"
    most, dtype = (_LONG_LIMIT, np.int64) if wide else (_BIAS_LIMIT, np.int32)
    steps_of = 7 if nibbles else 127
    scale = weight_scales(np.abs(_channels_first(node, w)).max(axis=1), bias, source.scale, most, steps_of)
    along = [-1 if a == node.entry.linear else 1 for a in range(w.ndim)]
    q = np.clip(np.round(w / scale.astype(np.float64).reshape(along)), -steps_of, steps_of).astype(np.int8)
    node.weights = {"weights": Weight(q, scale, 4 if nibbles else 8)}
    if bias is not None:
        steps = np.round(bias / (source.scale * scale.astype(np.float64)))
        node.weights["bias"] = Weight(np.clip(steps, -most, most).astype(dtype))


def weight_scales(
    largest: np.ndarray, bias: np.ndarray | None, input_scale: float, most: float = _BIAS_LIMIT, steps: int = 127
) -> np.ndarray:
    """float32 [channels] from each channel's largest |weight|: coarser where the bias would not fit +-most.

    steps: the largest number that a weight may be.

    A channel without weights takes a scale at which its bias is exact to 2^-16 of itself.
    """
    b = np.abs(bias) if bias is not None else np.zeros_like(largest)
    common = largest.max() / steps if largest.max() > 0 else 1.0
    empty = np.where(b > 0, b / (input_scale * 2.0**16), common)
    scale = np.where(largest > 0, largest / steps, empty)
    scale = np.maximum(scale, b / (input_scale * (most - 1)))
    return np.maximum(scale, np.finfo(np.float32).tiny).astype(np.float32)


def _quantise_plain(graph: Graph, node: Node) -> None:
    """Weights of other operators (prelu's alpha): symmetric, one scale, in the type of the input."""
    dtype = np.dtype(graph.tensors[node.inputs[0]].dtype)
    most = np.iinfo(dtype).max
    for key, weight in node.weights.items():
        if weight.scale is None:
            scale = np.float32(max(float(np.abs(weight.data).max()), 1e-12) / most)
            q = np.clip(np.round(weight.data / scale), -most, most).astype(dtype)
            node.weights[key] = Weight(q, np.array([scale], np.float32))
