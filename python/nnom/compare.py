# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Two graphs on the same samples: outputs, and how far each layer of the quantised one is from the float one."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .calibrate import Progress, tensors_of_nodes
from .core import CoreModel, Port, tensor_port
from .graph import Graph

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
        self._models = [CoreModel(graph) for _ in range(threads or min(2, os.cpu_count() or 1))]
        self.outputs = self._models[0].outputs

    def run(self, data: list[np.ndarray], progress: Progress | None = None) -> list[np.ndarray]:
        """Stored values [n, h, w, c] of each output over samples [n, h, w, c] per input."""
        count = len(data[0])
        results = [np.empty((count, *p.shape), p.dtype) for p in self.outputs]
        ports = self._models[0].inputs
        done = itertools.count(1)

        def work(k: int) -> None:
            for i in range(k, count, len(self._models)):
                inputs = [stored(p, x[i], self.raw) for p, x in zip(ports, data, strict=True)]
                for result, value in zip(results, self._models[k].run(inputs), strict=True):
                    result[i] = value
                if progress:
                    progress(next(done), count)

        with ThreadPoolExecutor(len(self._models)) as pool:
            for future in [pool.submit(work, k) for k in range(len(self._models))]:
                future.result()
        return results


def outputs_of(
    graph: Graph, data: list[np.ndarray], raw: bool = False, progress: Progress | None = None
) -> list[np.ndarray]:
    """Real values [n, h, w, c] of each output over samples [n, h, w, c] per input."""
    runner = Runner(graph, raw)
    return [p.dequantize(r) for p, r in zip(runner.outputs, runner.run(data, progress), strict=True)]


@dataclass
class LayerNoise:
    """Sums over samples of one layer's squared values in float, and squared differences to the quantised ones."""

    name: str
    op: str
    signal: float = 0.0
    noise: float = 0.0

    @property
    def sqnr(self) -> float:
        """In dB."""
        return decibels(self.signal, self.noise)


class Taps:
    """A model whose every tensor is kept after a run, as real values, by name."""

    def __init__(self, graph: Graph):
        self.model = CoreModel(graph)
        self.values: dict[str, np.ndarray] = {}
        self._graph = graph
        self._names = tensors_of_nodes(graph, self.model)
        self._ports = {t.name: tensor_port(t) for t in graph.tensors.values()}
        self.model.observe(self._after)

    def _after(self, node: int, values: np.ndarray) -> None:
        for name in self._names.get(node, ()):
            self.values[name] = self._ports[name].dequantize(values).astype(np.float32)

    def run(self, inputs: list[np.ndarray], raw: bool = False) -> dict[str, np.ndarray]:
        """One sample [h, w, c] per input; values of all tensors that nodes wrote."""
        self.values = {}
        self.model.run([stored(p, x, raw) for p, x in zip(self.model.inputs, inputs, strict=True)])
        return self.values


def layer_noise(
    floats: Graph, ints: Graph, data: list[np.ndarray], progress: Progress | None = None
) -> list[LayerNoise]:
    """Noise per node of the quantised graph, in order of execution, over samples [n, h, w, c] per input."""
    a, b = Taps(floats), Taps(ints)
    found = {n.output: LayerNoise(n.name, n.op) for n in ints.nodes}
    count = len(data[0])
    for i in range(count):
        sample = [x[i] for x in data]
        expected, got = a.run(sample), b.run(sample)
        for name in expected.keys() & got.keys() & found.keys():
            e, g = expected[name].reshape(-1).astype(np.float64), got[name].reshape(-1)
            found[name].signal += float(e @ e)
            found[name].noise += float(((e - g) ** 2).sum())
        if progress:
            progress(i + 1, count)
    return [n for n in found.values() if n.signal or n.noise]
