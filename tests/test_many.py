# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Many samples in one call, and side by side in threads: the results of one after another."""

import itertools
import threading

import numpy as np
import pytest
from nnom.calibrate import observe
from nnom.compare import Runner
from nnom.core import CoreModel
from nnom.errors import CoreError, DataError
from nnom.graph import Graph, Node, Quant, Tensor, Weight
from nnom.threads import side_by_side

RNG = np.random.default_rng(11)
N = 37


def two_inputs() -> Graph:
    """Float: the sum of a convolution and a second input, and its ReLU."""
    g = Graph("two", "two")
    for name, shape in (("a", (6, 5, 3)), ("b", (6, 5, 4))):
        g.add_tensor(Tensor(name, shape, "float32"))
        g.inputs.append(name)
    weights = {"weights": Weight(RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)), "bias": Weight(np.ones(4, "f4"))}
    attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 1, 1)}
    g.add(Node("conv2d", "conv", ["a"], "c", attrs, weights), (6, 5, 4), "float32", None)
    g.add(Node("add", "sum", ["c", "b"], "s", {}, {}), (6, 5, 4), "float32", None)
    g.add(Node("activation", "relu", ["s"], "r", {"kind": "relu"}, {}), (6, 5, 4), "float32", None)
    g.outputs += ["r", "c"]
    return g


def samples() -> list[np.ndarray]:
    return [RNG.normal(size=(N, 6, 5, c)).astype(np.float32) for c in (3, 4)]


@pytest.mark.parametrize("options", [{}, {"mode": "smallest"}])
def test_one_call_gives_what_single_ones_give(options):
    model, data = CoreModel(two_inputs(), **options), samples()
    single = [model.run([x[i] for x in data]) for i in range(N)]
    for k, got in enumerate(model.run_many(data)):
        np.testing.assert_array_equal(got, np.stack([s[k] for s in single]))
    none = model.run_many([x[:0] for x in data])
    assert [o.shape for o in none] == [(0, 6, 5, 4)] * 2


def test_fed_models_get_the_rows_of_each_sample():
    g = Graph("fed", "fed")
    g.add_tensor(Tensor("x", (8, 2, 3), "int8", Quant(0.1, 3)))
    g.inputs.append("x")
    g.add(
        Node("max_pool", "pool", ["x"], "y", {"kernel": (2, 1), "stride": (2, 1), "padding": (0, 0, 0, 0)}, {}),
        (4, 2, 3),
        "int8",
        Quant(0.1, 3),
    )
    g.outputs.append("y")
    x = RNG.integers(-128, 128, (N, 8, 2, 3)).astype(np.int8)
    (got,) = CoreModel(g, mode="auto", feed=True).run_many([x])
    np.testing.assert_array_equal(got, x.reshape(N, 4, 2, 2, 3).max(axis=2))


def test_wrong_samples_are_named():
    model, (a, b) = CoreModel(two_inputs()), samples()
    for wrong in ([a], [a, b[1:]], [a, a], [a.astype(np.float64), b], [a, np.float32(3)]):
        with pytest.raises(DataError):
            model.run_many(wrong)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads, monkeypatch):
    graph, data, ticks = two_inputs(), samples(), []
    expected = CoreModel(graph).run_many(data)
    got = Runner(graph, threads=threads).run(data, lambda *t: ticks.append(t))
    for e, g in zip(expected, got, strict=True):
        np.testing.assert_array_equal(e, g)
    assert ticks[-1] == (N, N) and all(a[0] < b[0] for a, b in itertools.pairwise(ticks))
    monkeypatch.setattr("nnom.calibrate._KEPT", 64 * N)  # so that of each tensor a part is kept
    monkeypatch.setattr("nnom.calibrate.graph_threads", lambda graph, count: 1)
    one = observe(graph, data)
    monkeypatch.setattr("nnom.calibrate.graph_threads", lambda graph, count: threads)
    many = observe(graph, data)
    for name, seen in one.items():
        assert (seen.low, seen.high) == (many[name].low, many[name].high)
        np.testing.assert_array_equal(np.sort(seen.values), np.sort(many[name].values))
        assert seen.values.size == 64 * N  # a part of each


def test_each_sample_once_and_errors_come_out():
    seen, lock = [], threading.Lock()

    def worker(a: int, b: int) -> None:
        with lock:
            seen.extend(range(a, b))

    for count in (0, 1, 2, 17, 1000):
        seen.clear()
        side_by_side([worker] * 3, count)
        assert sorted(seen) == list(range(count))

    def fails(a: int, b: int) -> None:
        raise CoreError("as it was")

    with pytest.raises(CoreError, match="as it was"):
        side_by_side([fails, worker], 5)
