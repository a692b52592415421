# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""No layer requantises wrongly, and none relies on undefined behaviour: the search of requantise.py.

NNOM_REQUANTISE: number of outputs (default 1,000,000); its random numbers are those of NNOM_TEST_SEED.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import exact
import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.graph import Graph, Node, Quant, Tensor, Weight

ROOT = Path(__file__).resolve().parent.parent


def test_formulas() -> None:
    """The oracle's int64 form is the specification's wording in Python's integers."""
    rng = np.random.default_rng(1)
    for _ in range(2000):
        m, s = int(rng.choice([2**30, 2**31 - 1, rng.integers(2**29, 2**31)])), int(rng.integers(-31, 31))
        x = rng.integers(-(2**31) + 1, 2**31, 8) >> int(rng.integers(0, 31))
        assert exact.requantise(x, m, s).tolist() == [exact.requantise_one(int(v), m, s) for v in x], (m, s)


@pytest.mark.parametrize("real", [1.0, 0.37, 5.5, 2.0**-9])
def test_quotients_are_quotients(real: float) -> None:
    """The oracle of Divide, which the specification states in fixed point, against real numbers: within one step."""
    m, s = exact.multiplier(real)
    for x in range(-255, 256, 7):
        for d in (*range(-255, 0, 13), *range(1, 256, 13)):
            assert abs(exact.quotient(x, d, m, s) - x / d * real) <= 0.5 + 1e-6 * abs(x / d * real), (x, d)


def test_search() -> None:
    """Random models in a core that stops at undefined behaviour."""
    target = "build/tests/ub/core.so"
    subprocess.run(["make", "-s", "-j2", "-f", "tests/c/tests.mk", target], cwd=ROOT, check=True)
    environment = {**os.environ, "NNOM_CORE_LIBRARY": str(ROOT / target), "PYTHONPATH": str(ROOT / "python")}
    number, seed = os.environ.get("NNOM_REQUANTISE", "1000000"), os.environ.get("NNOM_TEST_SEED", "1")
    command = [sys.executable, str(ROOT / "tests" / "requantise.py"), number, seed]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


def dense(weights: list[int], bias: int, factor: float, zero_point: int, x: np.ndarray) -> np.ndarray:
    """Outputs [samples] of one unit that reads x [samples][taps], scales 1 * `factor` / 1."""
    taps = len(weights)
    graph = Graph("g", "g")
    graph.add_tensor(Tensor("x", (1, 1, taps), "int8", Quant(1.0, 0)))
    data = {
        "weights": Weight(np.array([weights], np.int8), np.array([factor], np.float32)),
        "bias": Weight(np.array([bias], np.int32)),
    }
    graph.add(Node("dense", "d", ["x"], "y", {}, data), (1, 1, 1), "int8", Quant(1.0, zero_point))
    graph.inputs, graph.outputs = ["x"], ["y"]
    model = CoreModel(graph)
    return np.array([model.run([row.astype(np.int8)])[0].item() for row in x])


@pytest.mark.parametrize("factor", [2.0**15, 2.0**17, 2.0**25, 2.0**29, 0.3])
def test_four_weights_of_127(factor: float) -> None:
    """The kind: a left shift of more bits than the accumulator leaves free. It saturated at the wrong end."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.integers(-128, 128, (400, 4)), rng.integers(-1, 2, (100, 4))])
    acc = 127 * x.sum(1)
    expected = np.clip(exact.requantise(acc, *exact.multiplier(factor)), -128, 127)
    assert np.array_equal(dense([127] * 4, 0, factor, 0, x), expected)


@pytest.mark.parametrize("sign", [1, -1])
def test_zero_point_on_the_largest_result(sign: int) -> None:
    """The kind: a result near 2^31 before its zero point is added. It came out as the other end."""
    factor = float(np.float32(1.9999999))
    got = dense([0], sign * 1073741823, factor, 127 if sign > 0 else -128, np.zeros((1, 1)))
    assert got.tolist() == [127 if sign > 0 else -128]
