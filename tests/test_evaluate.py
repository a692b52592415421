# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""evaluate against numpy by formula: AUC, MAE and RMSE, a chosen output of several, autoencoders; and its command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

import nnom  # noqa: E402
from nnom import cli  # noqa: E402
from nnom.cli import as_json, given  # noqa: E402
from nnom.compare import outputs_of  # noqa: E402
from nnom.errors import DataError  # noqa: E402
from nnom.evaluation import auc  # noqa: E402
from nnom.graph import Graph, Node, Tensor, Weight  # noqa: E402
from nnom.ports import Port  # noqa: E402

N = 60
RNG = np.random.default_rng(11)
X = RNG.normal(size=(N, 6)).astype(np.float32)


def _net() -> Graph:
    """Outputs: 3 values, one sigmoid, 2 classes, and 6 values."""
    graph = Graph("net", "net", inputs=["x"])
    graph.add_tensor(Tensor("x", (1, 1, 6)))
    rng = np.random.default_rng(4)

    def dense(name: str, units: int) -> str:
        weights = {"weights": Weight(rng.normal(0, 0.5, (units, 6)).astype(np.float32))}
        return graph.add(Node("dense", name, ["x"], name, {"activation": "none"}, weights), (1, 1, units))

    dense("values", 3)
    graph.add(Node("activation", "score", [dense("logit", 1)], "score", {"kind": "sigmoid"}), (1, 1, 1))
    graph.add(Node("softmax", "classes", [dense("logits", 2)], "classes"), (1, 1, 2))
    dense("again", 6)
    graph.outputs = ["values", "score", "classes", "again"]
    return graph


def _expected(graph: Graph) -> list[np.ndarray]:
    return [o.reshape(N, -1).astype(np.float64) for o in outputs_of(graph, [X.reshape(N, 1, 1, 6)])]


def test_auc_counts_pairs():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, labels = rng.integers(0, 6, 30).astype(float), rng.integers(0, 2, 30)
        pairs = [(a > b) + 0.5 * (a == b) for a in scores[labels == 1] for b in scores[labels == 0]]
        assert auc(scores, labels) == pytest.approx(np.mean(pairs))
    assert auc(np.arange(3.0), np.ones(3, np.int64)) is None


@pytest.mark.parametrize("output", ["score", 1, "classes", "2"])
def test_two_classes(output):
    graph, y = _net(), RNG.integers(0, 2, N)
    k = {"score": 1, 1: 1, "classes": 2, "2": 2}[output]
    e = nnom.evaluate(graph, X, y, X, output=output)
    score = _expected(graph)[k]
    score = score[:, 0] if k == 1 else score[:, 1] - score[:, 0]
    pairs = [(a > b) + 0.5 * (a == b) for a in score[y == 1] for b in score[y == 0]]
    assert e.auc_float == pytest.approx(np.mean(pairs)) and e.auc == pytest.approx(e.auc_float, abs=0.02)
    assert e.output == graph.outputs[k] and e.confusion.sum() == N


def test_values_against_numpy():
    graph, true = _net(), RNG.normal(size=(N, 3))
    v = nnom.evaluate_values(graph, X, true, X)
    error = _expected(graph)[0] - true
    assert v.mae_float == pytest.approx(np.abs(error).mean()) and v.rmse_float == pytest.approx(
        np.sqrt((error**2).mean())
    )
    assert v.rmse == pytest.approx(v.rmse_float, rel=0.05) and v.auc is None
    f = nnom.evaluate_values(graph, X, true, use_float=True)
    np.testing.assert_allclose(f.channel_rmse, np.sqrt((error**2).mean(0)))
    np.testing.assert_allclose(f.channel_mae, np.abs(error).mean(0))
    np.testing.assert_allclose(f.deviation, true.std(0))
    assert f.mae_float is None and f.form == "float" and f.count == N


def test_an_autoencoder_is_compared_with_its_input():
    graph, labels = _net(), RNG.integers(0, 2, N)
    v = nnom.evaluate_values(graph, X, calibration=X, labels=labels, output="again")
    error = _expected(graph)[3] - X
    assert v.rmse_float == pytest.approx(np.sqrt((error**2).mean()))
    assert v.auc_float == pytest.approx(auc((error**2).mean(1), labels))


def test_what_does_not_fit_is_refused():
    graph = _net()
    with pytest.raises(DataError, match="no output 7; expected one of 0 'values'"):
        nnom.evaluate(graph, X, np.zeros(N), X, output=7)
    with pytest.raises(DataError, match="expected 60 samples of 3 values each"):
        nnom.evaluate_values(graph, X, np.zeros((N, 2)), X)
    with pytest.raises(DataError, match="expected 60 samples of 1 values each"):
        nnom.evaluate_values(graph, X, None, X, output="score")
    with pytest.raises(DataError, match="NaN"):
        nnom.evaluate_values(graph, X, np.full((N, 3), np.nan), X)
    with pytest.raises(DataError, match="without targets"):
        nnom.evaluate_values(graph, X, np.zeros((N, 3)), X, labels=np.zeros(N))


def test_data_beyond_the_calibration_are_named():
    e = nnom.evaluate_values(_net(), 200 * X, np.zeros((N, 3)), X)
    assert any("saturate" in w and "'x'" in w for w in e.warnings)


def test_command(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(given, "load", lambda *_, **__: _net())
    for name, a in (("x", X), ("t", RNG.normal(size=(N, 3))), ("y", RNG.integers(0, 2, N))):
        np.save(tmp_path / f"{name}.npy", a)
    x, t, y = (str(tmp_path / f"{name}.npy") for name in "xty")
    common = ["evaluate", "m", "--data", x, "--calibration", x]

    def run(*options: str) -> tuple[int, str, str]:
        return cli.main([*common, *options]), *capsys.readouterr()

    code, out, _ = run("--targets", t, "--json")
    assert code == 0 and {"mae", "rmse", "mae_float", "rmse_float", "channel_rmse"} <= json.loads(out).keys()
    code, out, _ = run("--targets", t)
    assert code == 0 and "MAE" in out and "RMSE" in out and "deviation" in out
    code, out, _ = run("--reconstruct", "--labels", y, "--output", "again")
    assert code == 0 and "AUC" in out
    code, out, _ = run("--labels", y, "--output", "score", "--json")
    assert code == 0 and json.loads(out)["auc"] is not None
    assert run()[0] == 1 and run("--targets", t, "--labels", y)[0] == 1


def test_a_float_output_has_no_scale():
    port = Port((1, 1, 2), np.dtype(np.float32), 0.5, 3)
    shown = as_json.output("y", port, np.zeros((1, 1, 1, 2), np.float32))
    assert shown["scale"] is None and shown["zero_point"] is None
