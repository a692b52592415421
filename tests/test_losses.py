# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The report says what the user will see: useless outputs, inputs that share a range badly, data that saturates.

Forty made models of different heads: the report names exactly those outputs whose error exceeds half of their standard
deviation, measured here by numpy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

import nnom  # noqa: E402
from nnom.calibrate import METHODS  # noqa: E402
from nnom.compare import EXACT_DB, channel_noise, outputs_of  # noqa: E402
from nnom.conversion import prepare  # noqa: E402
from nnom.graph import Graph, Node, Quant, Tensor, Weight  # noqa: E402
from nnom.losses import saturation_warnings  # noqa: E402
from nnom.passes import fold  # noqa: E402

SAMPLES = 150


class Model:
    """A float network of dense layers, made layer by layer. `random` fixes its weights."""

    def __init__(self, features: int, random: int):
        self.rng = np.random.default_rng(random)
        self.graph = Graph("model", "model")
        self.graph.add_tensor(Tensor("x", (1, 1, features)))
        self.graph.inputs.append("x")

    def _node(self, op, inputs, channels, attrs, weights=None):
        name = self.graph.unique(op)
        held = {k: Weight(np.asarray(v, np.float32)) for k, v in (weights or {}).items()}
        return self.graph.add(Node(op, name, inputs, name, attrs, held), (1, 1, channels))

    def dense(self, x, units, gain=1.0, bias=None, activation="none"):
        n = self.graph.tensors[x].elements
        weights = {"weights": self.rng.normal(0, gain / np.sqrt(n), (units, n))}
        weights["bias"] = np.broadcast_to(0.0 if bias is None else bias, units)
        return self._node("dense", [x], units, {"activation": activation}, weights)

    def function(self, x, kind):
        attrs = {} if kind == "softmax" else {"kind": kind}
        op = "softmax" if kind == "softmax" else "activation"
        return self._node(op, [x], self.graph.tensors[x].elements, attrs)

    def join(self, *xs):
        return self._node("concat", list(xs), sum(self.graph.tensors[t].elements for t in xs), {"axis": 2})

    def done(self, *outputs):
        self.graph.outputs = list(outputs)
        return self.graph


def _classes(k):
    m = Model(10, k)
    h = m.dense("x", 12, 1.5, activation="relu")
    return m.done(m.function(m.dense(h, 2 + k, gain=[0.5, 1, 2, 4, 8, 0.01, 0.05, 0.2][k]), "softmax"))


def _offset(k):
    m = Model(10, 20 + k)
    h = m.dense("x", 12, 1.5, activation="relu")
    return m.done(m.dense(h, 1 + k % 3, bias=[0, 5, 20, 60, 120, 200, 500, -1000][k]))


def _boxes(k):
    m = Model(10, 40 + k)
    h = m.dense("x", 12, 1.5, activation="relu")
    boxes = m.dense(h, 4, gain=[1, 4, 10, 20, 40, 100, 300, 640][k])
    return m.done(m.join(boxes, m.function(m.dense(h, 3), "sigmoid")))


def _several(k):
    m = Model(10, 60 + k)
    h = m.dense("x", 12, 1.5, activation="relu")
    a, b = m.dense(h, 2, gain=100, bias=[0, 2000][k % 2]), m.function(m.dense(h, 3), "sigmoid")
    return m.done(*([a, b], [b, a])[k // 4 % 2], m.dense(h, 1, bias=[0, 0, 900, 100][k % 4]))


def _autoencoder(k):
    m = Model(10, 80 + k)
    h = m.dense(m.dense("x", 8, 1.5, activation="relu"), 3, 1.5, activation="relu")
    wide = np.ones(10) if k < 4 else np.geomspace(1, [5, 30, 200, 2000][k - 4], 10)
    out = m.dense(m.dense(h, 8, 1.5, activation="relu"), 10)
    node = m.graph.producer(out)
    node.weights["weights"].data = node.weights["weights"].data * wide.astype(np.float32)[:, None]
    return m.done(out)


HEADS = {"classes": _classes, "offset": _offset, "boxes": _boxes, "several outputs": _several, "code": _autoencoder}


def test_forty_heads_are_warned_about_exactly_where_they_are_useless():
    told = 0
    for head, make in HEADS.items():
        for k in range(8):
            graph = make(k)
            x = np.random.default_rng(100 + k).normal(size=(SAMPLES, 10)).astype(np.float32)
            c = nnom.convert(graph, x)
            data = [x.reshape(SAMPLES, 1, 1, 10)]
            for name, e, g in zip(graph.outputs, outputs_of(graph, data), outputs_of(c.graph, data), strict=True):
                e, g = e.reshape(SAMPLES, -1).astype(np.float64), g.reshape(SAMPLES, -1)
                bad = np.flatnonzero(np.sqrt(((g - e) ** 2).mean(0)) > 0.5 * e.std(0))
                lines = [w for w in c.report.warnings if w.startswith(f"output '{name}'")]
                assert len(lines) == (1 if bad.size else 0), (head, k, name, c.report.warnings)
                if bad.size and e.shape[1] > 1:
                    listed = ", ".join(map(str, bad[:6]))
                    assert f"{listed} ({bad.size} of" in lines[0] or len(bad) > 6, (head, k, lines)
                told += bool(lines)
            expected = sum(w.startswith("output ") for w in c.report.warnings)
            assert len(c.report.warnings) == expected, (head, k, c.report.warnings)
    assert 8 <= told <= 32  # the heads are chosen so that both happen often


def _regressor(offset):
    m = Model(10, 1)
    return m.done(m.dense(m.dense("x", 8, activation="relu"), 1, bias=offset))


def _data(seed=0, count=SAMPLES):
    return np.random.default_rng(seed).normal(size=(count, 10)).astype(np.float32)


def test_the_cure_fits_the_cause():
    (line,) = nnom.convert(_regressor(1000.0), _data()).report.warnings
    assert "lie around 999.7" in line and "take this offset out" in line
    (line,) = nnom.convert(_boxes(7), _data()).report.warnings
    assert "channels 4, 5, 6 (3 of 7)" in line and "split it into outputs" in line
    x = _data() * np.array([10000.0, 0.01] + [1.0] * 8, np.float32) + np.array([1e5] + [0.0] * 9, np.float32)
    m = Model(10, 2)
    first = m.dense("x", 8, activation="relu")
    w = m.graph.producer(first).weights["weights"]
    w.data[:, 0] = 0.0  # what matters are the small features
    lines = nnom.convert(m.done(m.dense(first, 1)), x).report.warnings
    assert lines[0].startswith("input 'x'") and "normalise each channel" in lines[0]
    assert lines[1].startswith("output") and "input named above" in lines[1]


def test_sqnr_counts_neither_offsets_nor_large_neighbours():
    rng = np.random.default_rng(3)
    e = rng.normal(0, [100, 1], (500, 1, 1, 2)) + np.array([0, 1000.0])
    noise = channel_noise(e, e + rng.normal(0, [1, 0.1], e.shape))
    np.testing.assert_allclose(noise.decibels, [40, 20], atol=0.5)
    assert noise.sqnr == pytest.approx(30, abs=0.5)
    np.testing.assert_allclose(noise.deviation, e.reshape(-1, 2).std(0), rtol=1e-9)
    assert channel_noise(e, e).sqnr == EXACT_DB
    constant = channel_noise(np.full((9, 1, 1, 1), 0.7, np.float32), np.full((9, 1, 1, 1), 0.71, np.float32))
    assert constant.deviation[0] == 0 and constant.sqnr == 0


@pytest.mark.parametrize("seed", range(4))
def test_auto_wins_on_the_samples_given(seed):
    m = Model(10, 120 + seed)
    graph = m.done(m.dense(m.dense(m.dense("x", 16, 1.5, activation="relu"), 8, 1.5, activation="relu"), 3))
    x = np.random.default_rng(seed).standard_t(4, size=(400, 10)).astype(np.float32)
    reached = {method: nnom.convert(graph, x, method=method).report.output_sqnr[0] for method in METHODS}
    auto = nnom.convert(graph, x)
    assert auto.report.output_sqnr[0] == pytest.approx(max(reached.values()), abs=0.01)
    assert {t.method: pytest.approx(t.sqnr) for t in auto.prepared.trials} == reached
    assert auto.report.samples == 400


def test_few_samples_are_named():
    for count, text in ((1, "one sample only"), (3, "3 samples only")):
        assert any(text in w for w in nnom.convert(_regressor(0.0), _data(count=count)).report.warnings)


def test_pixels_that_are_rarely_lit_are_no_fault():
    m = Model(100, 3)
    graph = m.done(m.dense(m.dense("x", 8, activation="relu"), 2))
    x = np.random.default_rng(0).uniform(0, 1, (100, 100)).astype(np.float32)
    x[:, :9] *= 0.01
    assert not nnom.convert(graph, x).report.warnings


@pytest.mark.parametrize("kind", ["int8", "uint8", "float32"])
def test_saturated_and_flat_data(kind):
    """An input of 0 to 1: as int8, as uint8, and as the float end of an int8 model."""
    graph = Graph("g", "g", inputs=["x"], outputs=["y"])
    quant = Quant(1 / 255, 0 if kind == "uint8" else -128)
    graph.add_tensor(Tensor("x", (1, 1, 4), kind, None if kind == "float32" else quant))
    graph.add(Node("quantize", "q", ["x"], "y"), (1, 1, 4), "int8", Quant(1 / 255, -128))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 1, 1, 4)).astype(np.float64)
    (line,) = saturation_warnings(graph, [pixels], False, "x.npy")
    assert line.startswith("x.npy") and "saturate" in line and "'x'" in line and "divide them by 255" in line
    assert not saturation_warnings(graph, [pixels / 255], False, "x.npy")
    (line,) = saturation_warnings(graph, [pixels / 255 / 255], False, "x.npy")
    assert "of the 256 steps" in line
    if kind != "float32":
        assert not saturation_warnings(graph, [pixels.astype(kind)], True, "x.npy")  # stored values


def test_a_layer_of_zeros_is_exact():
    m = Model(10, 4)
    dead = m.dense("x", 6, bias=-1e3, activation="relu")
    graph = m.done(m.dense(dead, 2))
    p = prepare(fold(graph), _data())
    report = nnom.convert(graph, _data()).report
    assert p.graph.outputs and all(np.isfinite(n.sqnr) for n in report.layers)
    assert report.output_sqnr == [EXACT_DB] and report.max_error == [0.0] and not report.warnings
