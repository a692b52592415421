# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""State in TFLite's variables, against TFLite Micro over several runs.

NNOM_CASES: random models (default 50).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="needs the package tflite-micro")
pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")

from nnom.conversion import Plan  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.errors import ModelError, UnsupportedError  # noqa: E402
from nnom.importers.tflite import load_tflite  # noqa: E402
from nnom.passes import shrink  # noqa: E402
from nnom.quantise import quantise  # noqa: E402
from nnom.running import run_board  # noqa: E402
from oracle.micro import Micro  # noqa: E402
from oracle.writer import Model  # noqa: E402

CASES = int(os.environ.get("NNOM_CASES", "50"))
SHARED = Path(os.environ.get("NNOM_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))


class Streams:
    """A model with variables under construction: [1, rows, c] of float32 or int8."""

    def __init__(self, dtype: str, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.m, self.rng, self.dtype = Model(), rng, dtype
        self.init = self.m.subgraph()
        self.quant = {} if dtype == "float32" else {"scale": 0.05, "zero_point": int(rng.integers(-30, 30))}
        self.x = self.value(shape)
        self.m.op("CALL_ONCE", [], [], initSubgraphIndex=1)

    def value(self, shape: tuple[int, ...], m: Model | None = None, data: np.ndarray | None = None) -> int:
        return (m or self.m).tensor(shape, self.dtype, data=data, **self.quant)

    def handle(self, name: str, m: Model | None = None) -> int:
        m = m or self.m
        out = m.tensor([], "resource")
        m.op("VAR_HANDLE", [], [out], sharedName=name)
        return out

    def start(self, name: str, shape: tuple[int, ...]) -> None:
        """Initialises a variable, now and then with zeros."""
        data = self.rng.integers(-128, 128, shape) * self.rng.integers(0, 3)
        data = np.clip(data, -128, 127)
        value = self.value(shape, self.init, data / 16 if self.dtype == "float32" else data)
        self.init.op("ASSIGN_VARIABLE", [self.handle(name, self.init), value], [])

    def read(self, handle: int, shape: tuple[int, ...]) -> int:
        out = self.value(shape)
        self.m.op("READ_VARIABLE", [handle], [out])
        return out

    def assign(self, handle: int, value: int) -> None:
        self.m.op("ASSIGN_VARIABLE", [handle, value], [])

    def sum(self, a: int, b: int, shape: tuple[int, ...]) -> int:
        out = self.value(shape)
        self.m.op("ADD", [a, b], [out])
        return out

    def build(self, *outputs: int) -> bytes:
        return self.m.build([self.x], list(outputs))


def cut(s: Streams, x: int, at: int, size: int, channels: int) -> int:
    """Rows [at, at + size)."""
    ends = [s.m.tensor([3], "int32", data=np.array(v)) for v in ([0, at, 0], [1, at + size, channels], [1, 1, 1])]
    out = s.value((1, size, channels))
    s.m.op("STRIDED_SLICE", [x, *ends], [out])
    return out


def ring(s: Streams, name: str, x: int, shape: tuple[int, ...]) -> int:
    """The last rows of a stream that begins with zeros, shifted in one of two ways; returns the maxima of some."""
    first = bool(s.rng.integers(0, 2))
    kernel = int(s.rng.integers(1, 4)) if first else 1 + shape[1]
    rows = kernel - 1 + (0 if first else shape[1])  # of the state
    rows = max(rows, 1) if first else rows
    kept = (1, rows, shape[2])
    zero = 0.0 if s.dtype == "float32" else s.quant["zero_point"]
    value = s.value(kept, s.init, np.full(kept, zero))
    s.init.op("ASSIGN_VARIABLE", [s.handle(name, s.init), value], [])
    handle = s.handle(name)
    state = s.read(handle, kept)
    total = rows + shape[1] if first else rows
    both = s.value((1, total, shape[2]))
    s.m.op("CONCATENATION", [state if first else cut(s, state, shape[1], rows - shape[1], shape[2]), x], [both], axis=1)
    s.assign(handle, cut(s, both, shape[1], rows, shape[2]) if first else both)
    tall = s.value((1, total, 1, shape[2]))
    s.m.op("RESHAPE", [both, s.m.tensor([4], "int32", data=np.array([1, total, 1, shape[2]]))], [tall])
    pooled, out = s.value((1, shape[1], 1, shape[2])), s.value(shape)
    s.m.op("MAX_POOL_2D", [tall], [pooled], padding=1, strideH=1, strideW=1,
           filterHeight=total - shape[1] + 1, filterWidth=1)  # fmt: skip
    s.m.op("RESHAPE", [pooled, s.m.tensor([3], "int32", data=np.array(shape))], [out])
    return out


def window(s: Streams, name: str, x: int, shape: tuple[int, ...]) -> int:
    """The last rows of a stream, shifted by concatenation and slicing; returns their sum with the new ones."""
    rows = shape[1] + int(s.rng.integers(0, 3))
    kept = (1, rows, shape[2])
    s.start(name, kept)
    handle = s.handle(name)
    both = s.value((1, rows + shape[1], shape[2]))
    s.m.op("CONCATENATION", [s.read(handle, kept), x], [both], axis=1)
    new, old = s.value(kept), s.value(shape)
    ends = [
        [s.m.tensor([3], "int32", data=np.array(v)) for v in ([0, at, 0], [1, at + size, shape[2]], [1, 1, 1])]
        for at, size in ((shape[1], rows), (0, shape[1]))
    ]
    s.m.op("STRIDED_SLICE", [both, *ends[0]], [new])
    s.m.op("STRIDED_SLICE", [both, *ends[1]], [old])
    s.assign(handle, new)
    return s.sum(old, x, shape)


def total(s: Streams, name: str, x: int, shape: tuple[int, ...]) -> int:
    """A running sum, which another handle of the same variable takes."""
    s.start(name, shape)
    y = s.sum(s.read(s.handle(name), shape), x, shape)
    s.assign(s.handle(name), y)
    return y


def delay(s: Streams, name: str, x: int, shape: tuple[int, ...]) -> int:
    """What came before."""
    s.start(name, shape)
    handle = s.handle(name)
    y = s.read(handle, shape)
    s.assign(handle, x)
    return y


def late(s: Streams, name: str, x: int, shape: tuple[int, ...]) -> int:
    """Read only after it is assigned, and so no state."""
    handle = s.handle(name)
    s.assign(handle, x)
    return s.sum(s.read(handle, shape), x, shape)


def constant(s: Streams, name: str, x: int, shape: tuple[int, ...]) -> int:
    """Never assigned but at the start."""
    s.start(name, shape)
    handle = s.handle(name)
    return s.sum(s.read(handle, shape), s.sum(s.read(handle, shape), x, shape), shape)


def same(data: bytes, shape: tuple[int, ...], dtype: str, seed: int = 0, runs: int = 9) -> None:
    """Each run's outputs are TFLite Micro's."""
    graph, judge, rng = load_tflite(data), Micro(data), np.random.default_rng(seed)
    graph.sequence = True
    small = shrink(graph)[0]
    core, less = CoreModel(graph), CoreModel(small, mode="auto")
    for _ in range(runs):
        x = rng.normal(0, 2, shape) if dtype == "float32" else rng.integers(-128, 128, shape)
        x = x.astype(dtype)
        core_outputs = core.run([x])
        for ours, theirs in zip(core_outputs, judge.run([x]), strict=True):
            np.testing.assert_allclose(ours.reshape(-1), theirs.reshape(-1), rtol=0, atol=1e-5 * (dtype == "float32"))
        for ours, again in zip(core_outputs, less.run([x]), strict=True):
            np.testing.assert_array_equal(ours, again)


@pytest.mark.parametrize("seed", range(8))
def test_windows_shifted_by_hand_become_slides(seed: int) -> None:
    """No state is left, and no row is copied but the new ones."""
    rng = np.random.default_rng(seed)
    s = Streams(("int8", "float32")[seed % 2], (1, 2, 3), rng)
    data = s.build(ring(s, "a", ring(s, "b", s.x, (1, 2, 3)), (1, 2, 3)))
    small = shrink(load_tflite(data))[0]
    assert not small.states and [n.op for n in small.nodes].count("slide") == 2
    assert {"concat", "slice", "cropping"}.isdisjoint(n.op for n in small.nodes)
    same(data, (1, 2, 3), s.dtype, seed, 30)


@pytest.mark.parametrize("seed", range(CASES))
def test_random_models(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape, dtype = (1, int(rng.integers(1, 4)), int(rng.integers(1, 6))), ("int8", "float32")[seed % 2]
    s = Streams(dtype, shape, rng)
    forms, values = (window, total, delay, late, constant, ring, ring), []
    y = s.x
    for k in range(int(rng.integers(1, 6))):
        y = forms[rng.integers(len(forms))](s, f"v{k}", y, shape)
        values.append(y)
    outputs = {y, values[rng.integers(len(values))]}
    same(s.build(*outputs), shape, dtype, seed)


@pytest.mark.skipif(not (SHARED / "models.json").exists(), reason=f"no models in {SHARED}")
def test_a_converter_s_file() -> None:
    data = (SHARED / "cases/tflite/streaming_state_float.tflite").read_bytes()
    same(data, (1, 1, 8), "float32")


@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="sudo apt-get install qemu-system-arm")
def test_starts_on_a_board() -> None:
    """What freeze writes begins with the variables' values, too."""
    rng = np.random.default_rng(2)
    s = Streams("int8", (1, 2, 3), rng)
    graph = load_tflite(s.build(window(s, "v", total(s, "w", s.x, (1, 2, 3)), (1, 2, 3))))
    graph.sequence = True
    core = CoreModel(graph)
    x = rng.integers(-128, 128, (4, *core.inputs[0].shape)).astype(np.int8)
    board = run_board(graph, "cortex-m4", [x], "-O2", Plan())
    np.testing.assert_array_equal(board.outputs[0], core.run_many([x])[0])


def test_float_states_become_int8() -> None:
    """A state and what is left for it share a scale, which the start fits in too."""
    rng = np.random.default_rng(5)
    s = Streams("float32", (1, 2, 3), rng)
    graph = load_tflite(s.build(window(s, "v", delay(s, "w", s.x, (1, 2, 3)), (1, 2, 3))))
    graph.sequence = True
    x = rng.normal(0, 1, (60, *graph.tensors[graph.inputs[0]].shape)).astype(np.float32)
    for method in ("auto", "percentile"):
        small = CoreModel(quantise(graph, [x], method).graph)
        want = CoreModel(graph).run_many([x])[0]
        got = small.outputs[0].dequantize(small.run_many([small.inputs[0].quantize(x)])[0])
        assert np.abs(got - want).max() < 3 * small.outputs[0].scale + 2 * small.inputs[0].scale


# ---- Refused by name ----


def _streams() -> Streams:
    return Streams("int8", (1, 2, 3), np.random.default_rng(0))


def _refused(s: Streams, y: int, text: str, kind: type = UnsupportedError) -> None:
    with pytest.raises(kind, match=text):
        load_tflite(s.build(y))


def test_read_of_what_nothing_initialises() -> None:
    s = _streams()
    handle = s.handle("v")
    y = s.read(handle, (1, 2, 3))
    s.assign(handle, s.x)
    _refused(s, y, "variable 'v' is read before it is assigned, and nothing initialises it")


def test_two_assigns() -> None:
    s = _streams()
    y = delay(s, "v", s.x, (1, 2, 3))
    s.assign(s.handle("v"), y)
    _refused(s, y, "variable 'v' is assigned twice in a run")


def test_two_starts() -> None:
    s = _streams()
    s.start("v", (1, 2, 3))
    _refused(s, delay(s, "v", s.x, (1, 2, 3)), "variable 'v' is initialised twice")


def test_shapes_that_differ() -> None:
    s = _streams()
    s.start("v", (1, 3, 2))
    _refused(s, s.read(s.handle("v"), (1, 2, 3)), r"is INT8 \[1, 3, 2\], and is read as INT8 \[1, 2, 3\]")
    s = _streams()
    s.start("v", (1, 3, 2))
    s.assign(s.handle("v"), s.x)
    _refused(s, s.x, "and is assigned as INT8")


def test_a_start_that_computes() -> None:
    s = _streams()
    a, b = s.value((1, 2, 3), s.init), s.value((1, 2, 3), s.init)
    s.init.op("TANH", [a], [b])
    _refused(s, s.sum(s.x, s.x, (1, 2, 3)), "its subgraph has operator 0 TANH; expected constants that are assigned")


def test_a_start_that_comes_late_or_twice() -> None:
    s = _streams()
    y = delay(s, "v", s.x, (1, 2, 3))
    s.m.op("CALL_ONCE", [], [], initSubgraphIndex=1)
    _refused(s, y, "comes after variables are read or assigned")
    s = _streams()
    s.m.op("CALL_ONCE", [], [], initSubgraphIndex=1)
    _refused(s, delay(s, "v", s.x, (1, 2, 3)), "its subgraph is called twice")


def test_a_subgraph_that_is_not_there() -> None:
    s = _streams()
    s.m.op("CALL_ONCE", [], [], initSubgraphIndex=7)
    _refused(s, s.sum(s.x, s.x, (1, 2, 3)), "calls subgraph 7; expected one from 1 to 1", ModelError)


def test_a_variable_without_a_handle() -> None:
    s = _streams()
    _refused(s, s.read(s.m.tensor([], "resource"), (1, 2, 3)), "no VAR_HANDLE before it names")
