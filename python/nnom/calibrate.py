# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Ranges of a float graph's tensors over calibration data, measured by running it in the C core."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass, field

import numpy as np

from .core import CoreModel, Place, host_model
from .graph import Graph
from .threads import Progress, graph_threads, side_by_side

METHODS = ("minmax", "percentile", "percentile99.9", "mse")
_KEPT = 1 << 17  # values kept per tensor, of all samples together

Range = tuple[float, float]


@dataclass
class Observed:
    """What one tensor held: its extremes, and a random part of its values."""

    low: float = np.inf
    high: float = -np.inf
    parts: list[np.ndarray] = field(default_factory=list)

    def add(self, values: np.ndarray, kept: np.ndarray | None) -> None:
        """Values of one run; of them those at the indices `kept` are kept, None: all."""
        flat = values.reshape(-1)
        self.low = min(self.low, float(flat.min()))
        self.high = max(self.high, float(flat.max()))
        self.parts.append(flat.copy() if kept is None else flat[kept])

    def join(self, other: Observed) -> None:
        """Takes in what another one saw."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.parts += other.parts

    @property
    def values(self) -> np.ndarray:
        """The kept ones, float32 [any]."""
        if len(self.parts) > 1:
            self.parts = [np.concatenate(self.parts)]
        return self.parts[0]


class _Draws:
    """Which values of each tensor are kept, sample by sample: the same whatever the threads that ask."""

    def __init__(self, sizes: dict[str, int], most: int):
        self._sizes, self._most = sizes, most
        self._rng = np.random.default_rng(20190)
        self._drawn: dict[int, dict[str, np.ndarray]] = {}
        self._next = 0
        self._lock = threading.Lock()

    def of(self, sample: int) -> dict[str, np.ndarray]:
        """Indices by tensor, of those that are not kept whole. Once for each sample."""
        with self._lock:
            while self._next <= sample:
                self._drawn[self._next] = {
                    name: self._rng.integers(0, size, self._most)
                    for name, size in self._sizes.items()
                    if size > self._most
                }
                self._next += 1
            return self._drawn.pop(sample)


class _Watcher:
    """A core model of its own that notes what the tensors of a float graph hold."""

    def __init__(self, graph: Graph):
        self.model = host_model(graph, all_rows=True)
        self.names = tensors_of_outputs(graph, self.model)
        self.inputs = graph.inputs
        self.found = {name: Observed() for names in (self.inputs, *self.names.values()) for name in names}
        self.model.observe(self._after)
        self._kept: dict[str, np.ndarray] = {}

    def _after(self, place: Place, values: np.ndarray) -> None:
        for name in self.names.get(place, ()):
            self.found[name].add(values, self._kept.get(name))

    def run(self, data: list[np.ndarray], draws: _Draws, a: int, b: int) -> None:
        """Samples [a, b) of data [n, h, w, c] per input."""
        for i in range(a, b):
            self._kept = draws.of(i)
            sample = [x[i].astype(port.dtype) for x, port in zip(data, self.model.inputs, strict=True)]
            for name, values in zip(self.inputs, sample, strict=True):
                self.found[name].add(values, self._kept.get(name))
            self.model.run(sample)


def observe(graph: Graph, data: list[np.ndarray], progress: Progress | None = None) -> dict[str, Observed]:
    """Runs a float graph over samples [n, h, w, c] per input; what each tensor held, by name, constants included."""
    count = len(data[0])
    watchers = [_Watcher(graph) for _ in range(graph_threads(graph, count))]
    model, names = watchers[0].model, watchers[0].names
    seen = [*graph.inputs, *(name for node in sorted(names) for name in names[node])]
    draws = _Draws({name: graph.tensors[name].elements for name in seen}, max(64, _KEPT // count))
    side_by_side([functools.partial(w.run, data, draws) for w in watchers], count, progress)
    found = {name: Observed() for name in graph.tensors}
    for name, tensor in graph.tensors.items():
        if tensor.data is not None:
            found[name].add(tensor.data, None)
    for w in watchers:
        for name, observed in w.found.items():
            found[name].join(observed)
    for node in graph.nodes:
        if model.node_of(node.output) is None:  # a view of an input or a constant: no node writes it
            found[node.output] = found[node.inputs[0]]
    for state, left in graph.states.items():
        start = graph.tensors[state].start
        found[state].add(np.zeros(1, np.float32) if start is None else start, None)
        found[state].join(found[left])
    for w in watchers:
        w.model.close()
    return found


def tensors_of_outputs(graph: Graph, model: CoreModel) -> dict[Place, list[str]]:
    """Names of the tensors that each output of each node writes; a view shares its source's place."""
    names: dict[Place, list[str]] = {}
    parts: dict[str, int] = {}
    for node in graph.nodes:
        parts[node.output] = node.attrs["index"] if node.op == "part" else 0
        if node.entry.view:
            parts[node.output] = parts.get(node.inputs[0], 0)
        index = model.node_of(node.output)
        if index is not None:
            names.setdefault((index, parts[node.output]), []).append(node.output)
    return names


def tensors_of_nodes(graph: Graph, model: CoreModel) -> dict[int, list[str]]:
    """Names of the tensors that each node of the compiled model writes, those of its first output first."""
    names: dict[int, list[str]] = {}
    for (index, _), found in sorted(tensors_of_outputs(graph, model).items()):
        names.setdefault(index, []).extend(found)
    return names


def tensor_range(observed: list[Observed], method: str) -> Range:
    """One range for tensors that share a quantisation. It includes 0 and is never empty."""
    low, high = min(o.low for o in observed), max(o.high for o in observed)
    if method.startswith("percentile"):
        values = np.concatenate([o.values for o in observed])
        tail = 100.0 - float(method.removeprefix("percentile") or 99.99)
        low, high = (float(v) for v in np.percentile(values, (tail, 100.0 - tail)))
    elif method == "mse":
        low, high = _least_squares(np.concatenate([o.values for o in observed]), low, high)
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-12:
        high = low + 1.0
    return low, high


def _least_squares(values: np.ndarray, low: float, high: float) -> Range:
    """Of ranges shrunk from one or both ends, the one whose int8 rounding and clipping err least."""
    low, high = min(low, 0.0), max(high, 0.0)
    counts, edges = np.histogram(values, bins=2048, range=(low, high) if high > low else (low, low + 1.0))
    centres = (edges[:-1] + edges[1:]) / 2
    steps = 0.95 ** np.arange(30)
    lows = low * steps if low < 0 else np.array([low])
    highs = high * steps if high > 0 else np.array([high])
    errors = _errors(centres, counts, lows, highs)
    a, b = np.unravel_index(int(errors.argmin()), errors.shape)
    return float(lows[a]), float(highs[b])


def _errors(centres: np.ndarray, counts: np.ndarray, lows: np.ndarray, highs: np.ndarray) -> np.ndarray:
    """Squared errors [lows, highs] of values spread as a histogram: clipped ones exactly, others by the step.

    lows <= 0 <= highs: what is clipped below does not depend on what is clipped above.
    """
    below = (counts * np.minimum(centres - lows[:, None], 0) ** 2).sum(axis=1)
    above = (counts * np.maximum(centres - highs[:, None], 0) ** 2).sum(axis=1)
    upto = np.concatenate([[0], np.cumsum(counts)])
    first, end = np.searchsorted(centres, lows, "left"), np.searchsorted(centres, highs, "right")
    inside = upto[end] - upto[first][:, None]
    step = np.maximum(highs - lows[:, None], 1e-12) / 255
    return below[:, None] + above + inside * step * step / 12
