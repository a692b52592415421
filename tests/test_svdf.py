# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""SVDF against TFLite Micro over sequences of steps.

NNOM_CASES: random models (default 50).
"""

from __future__ import annotations

import os

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="needs the package tflite-micro")
pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")

from nnom.core import CoreModel  # noqa: E402
from nnom.errors import ModelError, UnsupportedError  # noqa: E402
from nnom.importers.tflite import load_tflite  # noqa: E402
from nnom.quantise import quantise  # noqa: E402
from oracle.micro import Micro  # noqa: E402
from oracle.writer import Model  # noqa: E402

CASES = int(os.environ.get("NNOM_CASES", "50"))


def layer(
    m: Model, x: int, inputs: int, rng: np.random.Generator, real: bool, scale: float, within: bool = True
) -> tuple[int, int]:
    """Adds an SVDF that reads x [1, inputs] of a scale; returns (output, units). Some states and outputs saturate."""
    units, rank, memory = (int(n) for n in rng.integers(1, (9, 4, 10)))
    filters = units * rank
    if real:
        w, t, b = (rng.normal(0, 0.5, s) for s in ((filters, inputs), (filters, memory), (units,)))
        tensors = [m.tensor(a.shape, "float32", data=a) for a in (w, t, b)]
        state, y = m.tensor([1, filters * memory], "float32"), m.tensor([1, units], "float32")
        activation = int(rng.choice((0, 1, 3)))
    else:
        wide = float(rng.uniform(0.2, 3))
        w_scale, t_scale = float(rng.uniform(0.002, 0.02)), float(rng.uniform(0.5, 2) / 32767)
        s_scale = float(np.float32(scale * w_scale * 128 * 127 * np.sqrt(inputs) * wide / 3 / 32767))
        most = 60000 // (rank * memory) if within else 32767  # within: no sum leaves the reference's 32 bits
        most = min(most, 32767)
        w, t = rng.integers(-127, 128, (filters, inputs)), rng.integers(-most, most + 1, (filters, memory))
        b = rng.integers(-(10**6), 10**6, units)
        tensors = [
            m.tensor(w.shape, "int8", w_scale, data=w),
            m.tensor(t.shape, "int16", t_scale, data=t),
            m.tensor(b.shape, "int32", float(np.float32(s_scale) * np.float32(t_scale)), data=b),
        ]
        state = m.tensor([1, filters * memory], "int16", s_scale)
        y_scale = s_scale * t_scale * most * 8000 * np.sqrt(rank * memory) / 60 * float(rng.uniform(0.2, 3))
        y = m.tensor([1, units], "int8", y_scale, int(rng.integers(-60, 60)))
        activation = int(rng.integers(2))  # which the reference in int8 leaves out
    m.tensors[state].isVariable = True
    m.op("SVDF", [x, *tensors, state], [y], rank=rank, fusedActivationFunction=activation)
    return y, units


@pytest.mark.parametrize("seed", range(CASES))
def test_random_models(seed: int) -> None:
    """int8 to the byte, float within 1e-5, one or two layers over 15 steps."""
    rng, real = np.random.default_rng(seed), seed % 3 == 2
    m, inputs = Model(), int(rng.integers(1, 40))
    quant = {} if real else {"scale": float(rng.uniform(0.01, 0.2)), "zero_point": int(rng.integers(-128, 128))}
    first = y = m.tensor([1, inputs], "float32" if real else "int8", **quant)
    width, scale = inputs, quant.get("scale", 1.0)
    for _ in range(int(rng.integers(1, 3))):
        y, width = layer(m, y, width, rng, real, scale)
        scale = 1.0 if real else float(m.tensors[y].quantization.scale[0])
    data = m.build([first], [y])
    graph, judge = load_tflite(data), Micro(data)
    graph.sequence = True
    core = CoreModel(graph)
    seen = []
    for _ in range(15):
        x = rng.normal(0, 1, (1, inputs)).astype("f4") if real else rng.integers(-128, 128, (1, inputs)).astype("i1")
        (ours,), (theirs,) = core.run([x]), judge.run([x])
        seen.append(theirs)
        atol = 1e-5 * max(1.0, float(np.abs(theirs).max())) if real else 0
        np.testing.assert_allclose(ours.reshape(-1), theirs.reshape(-1), rtol=0, atol=atol)
    if seed in (0, 1):
        assert len(np.unique(seen)) > 8


def test_float_is_not_quantised() -> None:
    m = Model()
    x = m.tensor([1, 5], "float32")
    y, _ = layer(m, x, 5, np.random.default_rng(1), True, 1.0)
    graph = load_tflite(m.build([x], [y]))
    with pytest.raises(UnsupportedError, match="is an SVDF in float"):
        quantise(graph, [np.zeros((2, *graph.tensors[graph.inputs[0]].shape), np.float32)])


def test_sums_saturate() -> None:
    """Beyond 32 bits, where the reference's sums are undefined: at the ends, as exact sums say."""
    m, rng = Model(), np.random.default_rng(3)
    x = m.tensor([1, 1], "int8", 1.0)
    w, t = m.tensor([4, 1], "int8", 1.0, data=np.full((4, 1), 127)), np.full((4, 6), 32767)
    time, bias = m.tensor([4, 6], "int16", 1.0, data=t), m.tensor([1], "int32", 1.0, data=np.array([5]))
    state, y = m.tensor([1, 24], "int16", 1 / 4), m.tensor([1, 1], "int8", 2.0**23)
    m.tensors[state].isVariable = True
    m.op("SVDF", [x, w, time, bias, state], [y], rank=4)
    graph = load_tflite(m.build([x], [y]))
    graph.sequence = True
    core = CoreModel(graph)
    rows = np.zeros(6, np.int64)
    for value in rng.choice((-128, 127), 30):
        rows = np.append(rows[1:], np.clip(value * 127 * 4, -32768, 32767))
        exact = np.clip(4 * 32767 * rows.sum() + 5, -(2**31), 2**31 - 1)
        want = np.clip(np.round(exact / 4 / 2**23), -128, 127)
        assert abs(int(core.run([np.array([value], np.int8)])[0].reshape(-1)[0]) - want) <= 1


def _model(change: str) -> bytes:
    m, rng = Model(), np.random.default_rng(1)
    x = m.tensor([2 if change == "batch" else 1, 5], "int8", 0.1)
    y, _ = layer(m, x, 5, rng, False, 0.1)
    state, time = m.operators[0].inputs[4], m.operators[0].inputs[2]
    if change == "int8 state":
        m.tensors[state].type = m.tensors[x].type
    elif change == "no variable":
        m.tensors[state].isVariable = False
    elif change == "zero point":
        m.tensors[time].quantization.zeroPoint = [3]
    elif change == "rank":
        m.operators[0].builtinOptions.rank = 7
    elif change == "short state":
        m.tensors[state].shape = [1, 1]
    return m.build([x], [y])


@pytest.mark.parametrize(
    "change, kind, text",
    [
        ("batch", UnsupportedError, "expected one row"),
        ("int8 state", UnsupportedError, "a state of type INT8"),
        ("no variable", ModelError, "expected a variable tensor"),
        ("zero point", UnsupportedError, "with a zero point"),
        ("rank", ModelError, "do not fit rank 7"),
        ("short state", ModelError, "numbers as input 4"),
    ],
)
def test_what_is_refused_is_named(change: str, kind: type, text: str) -> None:
    with pytest.raises(kind, match=text):
        load_tflite(_model(change))
