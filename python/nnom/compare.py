# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Two graphs on the same samples: outputs, and how far each layer of the quantised one is from the float one."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np

from .calibrate import tensors_of_outputs
from .core import CoreModel, Place, host_model
from .graph import Graph
from .groups import saturating
from .ports import Port, tensor_port
from .threads import Progress, graph_threads, side_by_side

EXACT_DB = 200.0  # what is reported when nothing differs


def sqnr(expected: np.ndarray, got: np.ndarray) -> float:
    """Signal to quantisation noise in dB; EXACT_DB at most."""
    e = np.asarray(expected, np.float64)
    return decibels(float((e * e).sum()), float(((e - got) ** 2).sum()))


def decibels(signal: float, noise: float) -> float:
    """10 log10(signal / noise), within +-EXACT_DB."""
    if noise <= 0.0:
        return EXACT_DB
    return float(np.clip(10.0 * np.log10(max(signal, 1e-300) / noise), -EXACT_DB, EXACT_DB))


def stored(port: Port, x: np.ndarray, raw: bool) -> np.ndarray:
    """Samples in the type of an input. raw: int8 and uint8 data of the port's type are stored values already."""
    return x if raw and x.dtype == port.dtype else port.quantize(x)


class Runner:
    """Runs a graph over many samples with one core model per thread; the C core runs outside Python's lock."""

    def __init__(self, graph: Graph, raw: bool = False, threads: int | None = None):
        self.raw = raw
        self._graph, self._threads = graph, threads
        self._models = [host_model(graph)]
        self.outputs = self._models[0].outputs

    def run(self, data: list[np.ndarray], progress: Progress | None = None) -> list[np.ndarray]:
        """Stored values [n, h, w, c] of each output over samples [n, h, w, c] per input."""
        count = len(data[0])
        results = [np.empty((count, *p.shape), p.dtype) for p in self.outputs]
        ports = self._models[0].inputs
        while len(self._models) < (self._threads or graph_threads(self._graph, count)):
            self._models.append(host_model(self._graph))

        def work(model: CoreModel, a: int, b: int) -> None:
            inputs = [stored(p, x[a:b], self.raw) for p, x in zip(ports, data, strict=True)]
            model.run_many(inputs, [r[a:b] for r in results])

        side_by_side([functools.partial(work, m) for m in self._models], count, progress)
        return results


def outputs_of(
    graph: Graph, data: list[np.ndarray], raw: bool = False, progress: Progress | None = None
) -> list[np.ndarray]:
    """Real values [n, h, w, c] of each output over samples [n, h, w, c] per input."""
    runner = Runner(graph, raw)
    return [p.dequantize(r) for p, r in zip(runner.outputs, runner.run(data, progress), strict=True)]


_BLOCK = 1 << 18  # values that are compared at a time


class ChannelNoise:
    """What differs in each channel between a float tensor and its quantised form, added up over samples [.., c].

    Sums are kept around the first sample's mean, so that large offsets lose no digits.
    """

    def __init__(self) -> None:
        self.count = 0
        self._middle = self._sum = self._squares = self._noise = np.zeros(0)
        self.low, self.high = np.zeros(0), np.zeros(0)

    def add(self, expected: np.ndarray, got: np.ndarray) -> None:
        """More values [.., c] of both."""
        e = expected.reshape(-1, expected.shape[-1])
        g = got.reshape(e.shape)
        if self.count == 0:
            self._middle = e.mean(axis=0, dtype=np.float64)
            self.low = self.high = e[0].astype(np.float64)
            self._sum = self._squares = self._noise = np.zeros_like(self._middle)
        rows = max(1, _BLOCK // e.shape[1])  # a block at a time: in float64 a large tensor would take many times more
        for k in range(0, len(e), rows):
            self._add(e[k : k + rows].astype(np.float64), g[k : k + rows])
        self.count += len(e)

    def _add(self, e: np.ndarray, g: np.ndarray) -> None:
        self._noise = self._noise + ((g - e) ** 2).sum(axis=0)
        self.low, self.high = np.minimum(self.low, e.min(axis=0)), np.maximum(self.high, e.max(axis=0))
        e -= self._middle
        self._sum, self._squares = self._sum + e.sum(axis=0), self._squares + (e * e).sum(axis=0)

    @property
    def mean(self) -> np.ndarray:
        """float64 [c]; of a single value 0, for nothing can be said about its variation."""
        return self._middle + self._sum / self.count if self.count > 1 else np.zeros_like(self._middle)

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation in float, float64 [c]; exactly 0 for what never changes."""
        if self.count < 2:
            return np.abs(self._middle)
        variance = self._squares / self.count - (self._sum / self.count) ** 2
        return np.where(self.high > self.low, np.sqrt(np.maximum(variance, 0.0)), 0.0)

    @property
    def error(self) -> np.ndarray:
        """Root of the mean squared difference, float64 [c]."""
        return np.sqrt(self._noise / max(self.count, 1))

    @property
    def decibels(self) -> np.ndarray:
        """Signal to noise of each channel around its mean, float64 [c]."""
        return np.array([decibels(d * d, e * e) for d, e in zip(self.deviation, self.error, strict=True)])

    @property
    def sqnr(self) -> float:
        """The mean of the varying channels' decibels: 0 where noise is larger than signal, EXACT_DB if all are exact.

        So an offset, or a channel of large values beside small ones, hides nothing.
        """
        if not self._noise.any():
            return EXACT_DB
        varying = self.decibels[self.deviation > 0]
        return float(np.clip(varying, 0.0, EXACT_DB / 2).mean()) if varying.size else 0.0

    @property
    def total(self) -> float:
        """Signal to noise in dB of all channels together, each around its mean; around 0 if none ever changes."""
        signal = self.deviation if self.deviation.any() else self.mean
        return decibels(float((signal**2).sum()), float((self.error**2).sum()))


def channel_noise(expected: np.ndarray, got: np.ndarray) -> ChannelNoise:
    """Of one output over samples [n, h, w, c]."""
    noise = ChannelNoise()
    step = max(1, (1 << 20) // max(1, expected[:1].size))
    for i in range(0, len(expected), step):
        noise.add(expected[i : i + step], got[i : i + step])
    return noise


@dataclass
class LayerNoise:
    """What one layer's output lost. sqnr: in dB, all channels together, each around its mean."""

    name: str
    op: str
    noise: ChannelNoise = field(default_factory=ChannelNoise)

    @property
    def sqnr(self) -> float:
        """In dB."""
        return self.noise.total


class Taps:
    """A model whose every tensor is kept after a run, as real values, by name."""

    def __init__(self, graph: Graph):
        self.model = host_model(graph, all_rows=True)
        self.values: dict[str, np.ndarray] = {}
        self._graph = graph
        self._names = tensors_of_outputs(graph, self.model)
        self._ports = {t.name: tensor_port(t) for t in graph.tensors.values()}
        self.model.observe(self._after)

    def _after(self, place: Place, values: np.ndarray) -> None:
        for name in self._names.get(place, ()):
            real = self._ports[name].dequantize(values)
            self.values[name] = real.copy() if real is values else real.astype(np.float32, copy=False)

    def run(self, inputs: list[np.ndarray], raw: bool = False) -> dict[str, np.ndarray]:
        """One sample [h, w, c] per input; values of all tensors that nodes wrote."""
        self.values = {}
        self.model.run([stored(p, x, raw) for p, x in zip(self.model.inputs, inputs, strict=True)])
        return self.values


def layer_noise(
    floats: Graph, ints: Graph, data: list[np.ndarray], progress: Progress | None = None
) -> list[LayerNoise]:
    """Noise per node of the quantised graph, in order of execution, over samples [n, h, w, c] per input.

    What a clip after a layer cuts off counts for nothing.
    """
    a, b = Taps(floats), Taps(ints)
    found = {n.output: LayerNoise(n.name, n.op) for n in ints.nodes}
    ends = {name: _ends(ints, name) for name in saturating(ints)}
    count = len(data[0])
    for i in range(count):
        sample = [x[i] for x in data]
        expected, got = a.run(sample), b.run(sample)
        for name in expected.keys() & got.keys() & found.keys():
            e, shape = expected[name], ints.tensors[name].shape
            e = np.clip(e, *ends[name]) if name in ends else e
            found[name].noise.add(e.reshape(shape), got[name].reshape(shape))
        if progress:
            progress(i + 1, count)
    return [n for n in found.values() if n.noise.count]


def _ends(graph: Graph, name: str) -> tuple[float, float]:
    """The smallest and largest real value of a quantised tensor."""
    quant, type_ = graph.quant(name), np.iinfo(graph.tensors[name].dtype)
    return quant.scale * (type_.min - quant.zero_point), quant.scale * (type_.max - quant.zero_point)
