# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""UNIDIRECTIONAL_SEQUENCE_LSTM against TFLite Micro, states going on: int8, int16 with int8 weights (16x8), float.

NNOM_CASES: random models (default 30).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="needs the package tflite-micro")
pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")

from nnom.core import CoreModel  # noqa: E402
from nnom.importers.tflite import load_tflite  # noqa: E402
from oracle.micro import Micro  # noqa: E402
from oracle.reference import Reference  # noqa: E402
from oracle.writer import Model  # noqa: E402

SHARED = Path(os.environ.get("NNOM_SHARED", Path(__file__).resolve().parents[2] / "shared"))
CASES = int(os.environ.get("NNOM_CASES", "30"))
ENDS = {"int8": (-128, 127), "int16": (-32768, 32767)}


class Lstm:
    """A layer under construction. x: its input [steps, features], of scale and type."""

    def __init__(self, rng: np.random.Generator, kind: str, steps: int, features: int):
        self.rng, self.kind, self.steps, self.features = rng, kind, steps, features
        self.units = int(rng.integers(1, 20))
        self.model = Model()

    def matrix(self, columns: int) -> tuple[int, float]:
        """The weights of one gate, and their scale."""
        if self.kind == "float32":
            return self.model.tensor(
                [self.units, columns], "float32", data=self.rng.normal(0, 0.4, (self.units, columns))
            ), 1
        scale = float(np.float32(self.rng.uniform(0.2, 3) / np.sqrt(columns) / 100))
        data = self.rng.integers(-127, 128, (self.units, columns))
        return self.model.tensor(data.shape, "int8", scale, data=data), scale

    def bias(self, scale: float) -> int:
        if self.kind == "float32":
            return self.model.tensor([self.units], "float32", data=self.rng.normal(0, 0.3, self.units))
        data = np.round(self.rng.normal(0, 0.5, self.units) / scale)
        return self.model.tensor([self.units], "int64" if self.kind == "int16" else "int32", scale, data=data)

    def state(self, dtype: str, scale: float, zero_point: int) -> int:
        real = dtype == "float32"
        t = self.model.tensor([1, self.units], dtype, *(() if real else (scale, zero_point)))
        self.model.tensors[t].isVariable = True
        return t

    def build(self, time_major: bool) -> bytes:
        m, rng, kind = self.model, self.rng, self.kind
        real, wide = kind == "float32", kind == "int16"
        x_quant = (
            ()
            if real
            else (float(rng.uniform(0.01, 0.05)) / (256 if wide else 1), 0 if wide else int(rng.integers(-99, 99)))
        )
        h_quant = (
            ()
            if real
            else (float(rng.uniform(0.5, 1.2)) / (32768 if wide else 128), 0 if wide else int(rng.integers(-20, 20)))
        )
        lead = (self.steps, 1) if time_major else (1, self.steps)
        x = m.tensor([*lead, self.features], kind, *x_quant)
        inputs = [self.matrix(self.features) for _ in range(4)]
        recurrent = [self.matrix(self.units) for _ in range(4)]
        biases = [self.bias(1 if real else np.float32(x_quant[0]) * np.float32(s)) for _, s in inputs]
        hidden = self.state(kind, *(h_quant or (1, 0)))
        cell = self.state("float32" if real else "int16", 2.0 ** int(rng.integers(-13, -9)), 0)
        y = m.tensor([*lead, self.units], kind, *h_quant)
        given = [x, *(t for t, _ in inputs), *(t for t, _ in recurrent), -1, -1, -1, *biases, -1, -1, hidden, cell]
        clip = float(rng.uniform(0.5, 4)) if rng.integers(3) == 0 else 0.0
        m.op(
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            [*given, -1, -1, -1, -1],
            [y],
            fusedActivationFunction=4,
            cellClip=clip,
            timeMajor=time_major,
        )
        return m.build([x], [y])


@pytest.mark.parametrize("kind", ["int8", "int16", "float32"])
@pytest.mark.parametrize("seed", range(CASES))
def test_random_models(seed: int, kind: str) -> None:
    """To the byte, float within 1e-5."""
    rng = np.random.default_rng(seed)
    layer = Lstm(rng, kind, int(rng.integers(1, 12)), int(rng.integers(1, 20)))
    data = layer.build(time_major=bool(rng.integers(2)))
    graph, judge = load_tflite(data), Micro(data)
    graph.sequence = True
    core = CoreModel(graph)
    seen = []
    for _ in range(5):
        shape = judge.inputs[0]["shape"]
        if kind == "float32":
            x = rng.normal(0, 1, shape).astype(np.float32)
        else:
            low, high = ENDS[kind]
            x = rng.integers(low, high + 1, shape).astype(kind)
        (theirs,) = judge.run([x])
        (ours,) = core.run([x.reshape(core.inputs[0].shape)])
        seen.append(theirs)
        np.testing.assert_allclose(ours.reshape(-1), theirs.reshape(-1), rtol=0, atol=1e-5 if kind == "float32" else 0)
    assert len(np.unique(seen)) > 2 or np.size(seen) < 6


@pytest.mark.skipif(not (SHARED / "models.json").exists(), reason=f"no models in {SHARED}")
@pytest.mark.parametrize(
    ("name", "equal", "most"), [("rnn/dtln_lstm_int8", 0.50, 8), ("mnist/mnist_lstm_int8", 0.96, 11)]
)
def test_how_far_litert_s_kernel_is(name: str, equal: float, most: int) -> None:
    """LiteRT's integer LSTM computes otherwise than TFLite Micro's, which we equal: half of dtln's bytes differ, by up
    to 8 steps, 4 % of those of mnist_lstm, by up to 11."""
    path = SHARED / "models" / f"{name}.tflite"
    golden = np.load(SHARED / "golden" / f"{path.stem}.npz")
    graph, judge = load_tflite(path), Reference(path.read_bytes())
    graph.sequence = True
    core = CoreModel(graph)
    ours = core.run_many([golden["in0"].reshape(-1, *core.inputs[0].shape)])[0].reshape(len(golden["in0"]), -1)
    theirs = np.stack([judge.run([x])[0].reshape(-1) for x in golden["in0"]])
    far = np.abs(ours.astype(int) - theirs)
    assert far.max() == most and (far == 0).mean() == pytest.approx(equal, abs=0.01)
