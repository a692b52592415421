# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Folding keeps the function; quantisation keeps the result; data that cannot be used is refused with the reason."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]

import nnom  # noqa: E402
from nnom import data as datasets  # noqa: E402
from nnom.calibrate import METHODS, Observed, tensor_range  # noqa: E402
from nnom.compare import outputs_of, sqnr  # noqa: E402
from nnom.conversion import Plan, prepare  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.errors import DataError, ModelError, NnomError  # noqa: E402
from nnom.evaluation import tally  # noqa: E402
from nnom.graph import Graph, Node, Quant, Tensor, Weight  # noqa: E402
from nnom.passes import fold  # noqa: E402
from nnom.quantise import apply, group_ranges, quant_of, quantise, sketch, weight_scales  # noqa: E402
from oracle.ir_numpy import run_graph  # noqa: E402

RNG = np.random.default_rng(7)
ONE = {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0), "activation": "none"}


class Net:
    """Builds small float graphs."""

    def __init__(self, *shape: int):
        self.graph = Graph("net", "net")
        self.graph.add_tensor(Tensor("x", shape))
        self.graph.inputs.append("x")
        self.last = "x"

    def add(self, op, shape, attrs=None, weights=None, inputs=None):
        name = self.graph.unique(op)
        held = {k: Weight(np.asarray(v, np.float32)) for k, v in (weights or {}).items()}
        self.graph.add(Node(op, name, inputs or [self.last], name, attrs or {}, held), shape)
        self.last = name
        return self

    def conv(self, out, kernel=3, padding=(0, 0, 0, 0), bias=True, **attrs):
        h, w, c = self.graph.tensors[self.last].shape
        size = (h + padding[0] + padding[1] - kernel + 1, w + padding[2] + padding[3] - kernel + 1, out)
        weights = {"weights": RNG.normal(0, 0.3, (out, kernel, kernel, c))}
        if bias:
            weights["bias"] = RNG.normal(0, 0.2, out)
        return self.add("conv2d", size, {**ONE, "padding": padding, **attrs}, weights)

    def dense(self, units):
        n = self.graph.tensors[self.last].elements
        weights = {"weights": RNG.normal(0, 0.2, (units, n)), "bias": RNG.normal(0, 0.1, units)}
        return self.add("dense", (1, 1, units), {"activation": "none"}, weights)

    def norm(self):
        shape = self.graph.tensors[self.last].shape
        c = shape[2]
        parts = {"gamma": RNG.normal(1, 0.3, c), "beta": RNG.normal(0, 0.3, c), "mean": RNG.normal(0, 0.3, c)}
        return self.add("batch_norm", shape, {"epsilon": 1e-3}, {**parts, "variance": RNG.uniform(0.3, 2, c)})

    def same(self, op, **attrs):
        return self.add(op, self.graph.tensors[self.last].shape, attrs)

    def relu(self):
        return self.same("activation", kind="relu")

    def pad(self, n=1, **attrs):
        h, w, c = self.graph.tensors[self.last].shape
        return self.add("zero_padding", (h + 2 * n, w + 2 * n, c), {"padding": (n, n, n, n), **attrs})

    def pool(self, op="max_pool", kernel=2):
        h, w, c = self.graph.tensors[self.last].shape
        attrs = {"kernel": (kernel, kernel), "stride": (kernel, kernel), "padding": (0, 0, 0, 0)}
        return self.add(op, (h // kernel, w // kernel, c), attrs)

    def flatten(self):
        return self.add("flatten", (1, 1, self.graph.tensors[self.last].elements))

    def constant(self, op, values):
        name = self.graph.unique("constant")
        values = np.asarray(values, np.float32).reshape(1, 1, -1)
        self.graph.add_tensor(Tensor(name, values.shape, data=values))
        return self.add(op, self.graph.tensors[self.last].shape, {"activation": "none"}, inputs=[self.last, name])

    def done(self):
        self.graph.outputs = [self.last]
        return self.graph


def classifier() -> Graph:
    net = Net(8, 8, 2).conv(4, padding=(1, 1, 1, 1)).norm().relu().pool().conv(6).norm().relu()
    return net.add("global_avg_pool", (1, 1, 6)).dense(3).same("softmax").done()


FOLDED = {
    "norm after conv": (Net(5, 5, 2).conv(3).norm().relu(), ["conv2d"]),
    "norm after conv without bias": (Net(5, 5, 2).conv(3, bias=False).norm(), ["conv2d"]),
    "norm before conv": (Net(5, 5, 2).norm().conv(3), ["conv2d"]),
    "norm before padded conv": (Net(5, 5, 2).norm().conv(3, padding=(1, 1, 1, 1)), ["depthwise_conv2d", "conv2d"]),
    "norm before dense": (Net(2, 3, 2).norm().flatten().dense(4), ["dense"]),
    "norm after dense": (Net(1, 1, 5).dense(4).norm(), ["dense"]),
    "two norms": (Net(3, 3, 2).norm().norm(), ["depthwise_conv2d"]),
    "norm of an input that relu reads": (Net(3, 3, 2).norm().relu(), ["depthwise_conv2d"]),
    "scale before padded conv": (Net(5, 5, 2).constant("mult", [0.01]).conv(3, padding=(1, 1, 1, 1)), ["conv2d"]),
    "shift per channel": (Net(5, 5, 2).constant("add", [1, -1]).conv(3), ["conv2d"]),
    "difference": (Net(5, 5, 2).constant("sub", [1, -1]).conv(3), ["conv2d"]),
    "padding before conv": (Net(5, 5, 2).pad().conv(3), ["conv2d"]),
    "padding with 1": (Net(5, 5, 2).pad(value=1.0).conv(3), ["zero_padding", "conv2d"]),
    "padding before max pool of relu": (Net(6, 6, 2).conv(2).relu().pad().pool(kernel=3), ["conv2d", "max_pool"]),
    "padding before max pool": (Net(4, 4, 2).pad().pool(), ["zero_padding", "max_pool"]),
    "padding before average": (Net(4, 4, 2).pad().pool("avg_pool"), ["zero_padding", "avg_pool"]),
    "padding before sum": (Net(4, 4, 2).pad().pool("sum_pool"), ["sum_pool"]),
    "relu after pool": (Net(6, 6, 2).conv(2, kernel=3).pool().relu(), ["conv2d", "max_pool"]),
    "relu after average": (Net(6, 6, 2).conv(2).pool("avg_pool").relu(), ["conv2d", "avg_pool", "activation"]),
    "flatten before dense": (Net(2, 2, 2).flatten().dense(2).same("flatten"), ["dense", "flatten"]),
}


@pytest.mark.parametrize("name", FOLDED)
def test_folding_keeps_the_function(name):
    net, ops = FOLDED[name]
    graph = net.done()
    folded = fold(graph)
    assert [n.op for n in folded.nodes] == ops
    for _ in range(5):
        x = [RNG.normal(0, 1, graph.tensors["x"].shape)]
        np.testing.assert_allclose(
            run_graph(folded, x, np.float64)[0], run_graph(graph, x, np.float64)[0], atol=2e-6, rtol=2e-6
        )


def test_folding_stops_at_outputs_and_shared_tensors():
    net = Net(5, 5, 2).conv(3)
    first = net.last
    graph = net.norm().done()
    graph.outputs = [first, net.last]
    x = [RNG.normal(0, 1, (5, 5, 2))]
    folded = fold(graph)
    assert [n.op for n in folded.nodes] == ["conv2d", "depthwise_conv2d"]
    for a, b in zip(run_graph(folded, x, np.float64), run_graph(graph, x, np.float64), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_folding_leaves_the_original_alone():
    graph = classifier()
    before = [(n.op, {k: w.data.copy() for k, w in n.weights.items()}) for n in graph.nodes]
    fold(graph)
    for node, (op, weights) in zip(graph.nodes, before, strict=True):
        assert node.op == op and all((node.weights[k].data == v).all() for k, v in weights.items())


# ---- Quantisation ----


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_quantised_is_close(method):
    graph = fold(classifier())
    x = RNG.normal(0, 1, (64, 8, 8, 2)).astype(np.float32)
    result = quantise(graph, [x], method)
    assert sqnr(outputs_of(graph, [x])[0], outputs_of(result.graph, [x])[0]) > 25
    assert all(t.dtype == "int8" for t in result.graph.tensors.values())
    if method == "auto":
        assert {t.method for t in result.trials} == set(METHODS) and result.method in METHODS
        assert max(t.sqnr for t in result.trials) - 0.01 <= next(
            t.sqnr for t in result.trials if t.method == result.method
        )


def test_ranges_include_zero_and_are_never_empty():
    for values in ([3.0, 5.0], [-5.0, -3.0], [0.0, 0.0], [-1.0, 1.0], [1e-20, 2e-20]):
        seen = Observed()
        seen.add(np.array(values, np.float32), None)
        for method in METHODS:
            low, high = tensor_range([seen], method)
            assert low <= 0 <= high and low < high
            quant = quant_of((low, high))
            assert -128 <= quant.zero_point <= 127 and quant.scale > 0


def test_percentile_drops_outliers_and_least_squares_weighs_them():
    values = RNG.normal(0, 1, 100_000).astype(np.float32)
    values[0] = 500.0
    seen = Observed()
    seen.add(values, None)
    assert tensor_range([seen], "minmax")[1] == 500
    assert tensor_range([seen], "percentile")[1] < 6
    assert tensor_range([seen], "percentile99.9")[1] < 4
    assert tensor_range([seen], "mse")[1] < 500


def test_weight_scales_are_safe():
    largest, bias = np.array([0.0, 0.0, 1e-30, 1.0]), np.array([0.0, 5.0, 5.0, 5.0])
    scale = weight_scales(largest, bias, 0.01).astype(np.float64)
    assert (scale > 0).all()
    assert (np.abs(bias / (0.01 * scale)) <= 2**30).all()
    assert scale[3] == pytest.approx(1 / 127)


def test_channels_of_nothing_run():
    graph = Net(4, 4, 2).conv(4).done()
    w = graph.nodes[0].weights
    w["weights"].data[:3] = 0
    w["weights"].data[2] = 1e-25
    w["bias"].data[:] = [0, 0.7, -0.7, 0.1]
    x = RNG.normal(0, 1, (20, 4, 4, 2)).astype(np.float32)
    result = quantise(fold(graph), [x], "minmax")
    expected, got = outputs_of(graph, [x])[0], outputs_of(result.graph, [x])[0]
    step = result.graph.tensors[result.graph.outputs[0]].quant.scale
    assert np.abs(expected - got).max() < 2 * step


def test_views_share_and_functions_are_fixed():
    net = Net(4, 4, 2).conv(3).pool().same("activation", kind="tanh")
    graph = fold(net.flatten().done())
    x = RNG.normal(0, 1, (10, 4, 4, 2)).astype(np.float32)
    tensors = quantise(graph, [x], "minmax").graph.tensors
    assert tensors["conv2d"].quant == tensors["max_pool"].quant
    assert tensors["activation"].quant == Quant(1 / 128, 0) == tensors["flatten"].quant


def test_concat_shares_with_inputs_of_its_own():
    net = Net(4, 4, 2).conv(3, kernel=1)
    a = net.last
    net.last = "x"
    net.conv(3, kernel=1)
    graph = net.add("concat", (4, 4, 6), {"axis": 2}, inputs=[a, net.last]).done()
    x = RNG.normal(0, 1, (10, 4, 4, 2)).astype(np.float32)
    tensors = quantise(graph, [x], "minmax").graph.tensors
    assert tensors[a].quant == tensors["concat"].quant != tensors["x"].quant


def test_constants_are_quantised():
    net = Net(2, 2, 2)
    net.graph.add_tensor(Tensor("k", (2, 2, 2), data=RNG.normal(0, 1, (2, 2, 2)).astype(np.float32)))
    graph = net.add("add", (2, 2, 2), {"activation": "none"}, inputs=["x", "k"]).done()
    x = RNG.normal(0, 1, (30, 2, 2, 2)).astype(np.float32)
    result = quantise(fold(graph), [x])
    assert result.graph.tensors["k"].data.dtype == np.int8
    assert sqnr(outputs_of(graph, [x])[0], outputs_of(result.graph, [x])[0]) > 30


def test_sketch_has_the_cost_of_the_real_thing():
    graph = fold(classifier())
    x = RNG.normal(0, 1, (8, 8, 8, 2)).astype(np.float32)
    real, made_up = (Plan().compile(g).totals for g in (quantise(graph, [x]).graph, sketch(graph)))
    for name in ("macs", "arena_bytes", "weight_bytes"):
        assert getattr(real, name) == getattr(made_up, name)


def test_the_same_data_give_the_same_bytes():
    x = RNG.normal(0, 1, (16, 8, 8, 2)).astype(np.float32)
    graph = classifier()
    assert nnom.convert(graph, x).source == nnom.convert(graph, x).source


def test_reports_accuracy_and_warns():
    graph, x = classifier(), RNG.normal(0, 1, (40, 8, 8, 2)).astype(np.float32)
    labels = outputs_of(fold(graph), [x])[0].reshape(40, -1).argmax(1)
    result = nnom.convert(graph, x, labels)
    assert result.report.accuracy_float == 1.0 and result.report.accuracy_int8 > 0.9
    assert {n.op for n in result.report.layers} >= {"conv2d", "dense", "softmax"}
    assert any("one sample" in w for w in nnom.convert(graph, x[:1]).report.warnings)


def test_warns_of_a_layer_that_loses_much():
    graph = Net(1, 1, 4).dense(3).done()
    x = RNG.normal(0, 1, (200, 4)).astype(np.float32)
    x[0] = 1e6
    graph.nodes[0].weights["weights"].data[:, :] = 1e-6
    graph.nodes[0].weights["bias"].data[:] = 0
    p = prepare(graph, x, "minmax")
    rest = datasets.samples(x[1:], graph)
    assert sqnr(outputs_of(p.floats, rest)[0], outputs_of(p.graph, rest)[0]) < 10


# ---- Data ----


BAD = {
    "NaN": (np.full((3, 8, 8, 2), np.nan, np.float32), "NaN or infinity"),
    "infinite": (np.full((3, 8, 8, 2), np.inf, np.float32), "NaN or infinity"),
    "empty": (np.zeros((0, 8, 8, 2), np.float32), "no samples"),
    "shape": (np.zeros((3, 8, 7, 2), np.float32), r"\(3, 8, 7, 2\) received.*\(samples, 8, 8, 2\)"),
    "channels first": (np.zeros((3, 2, 8, 8), np.float32), "received"),
    "text": (np.array(["a"]), "expected numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_refused(name):
    x, text = BAD[name]
    with pytest.raises(DataError, match=text):
        nnom.convert(classifier(), x)


def test_float_model_needs_data():
    with pytest.raises(DataError, match="give calibration data"):
        nnom.convert(classifier())


@pytest.mark.parametrize(
    "shape",
    [(5, 128, 9), (5, 128, 1, 9), (5, 1, 128, 9), (5, 128, 9, 1), (1, 5, 128, 9), (128, 9), (128, 1, 9), (5, 1152)],
)
def test_axes_of_one_do_not_matter(shape):
    graph = Net(128, 1, 9).done()
    count = int(np.prod(shape)) // 1152
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    (got,) = datasets.samples(x, graph)
    assert got.shape == (count, 128, 1, 9) and (got.reshape(-1) == x.reshape(-1)).all()


def test_labels():
    assert datasets.labels(np.eye(3)[[2, 0]], 2).tolist() == [2, 0]
    assert datasets.labels([[1], [2]], 2).tolist() == [1, 2]
    for wrong in ([1], [0.5, 1], [[0.2, 0.8], [1, 0]], ["a", "b"]):
        with pytest.raises(DataError):
            datasets.labels(wrong, 2)
    with pytest.raises(DataError, match="label 3 at 1 is out of range"):
        datasets.check_labels(np.array([0, 3]), 3)


def test_tally():
    scores = np.array([[0.1, 0.9, 0.0], [0.5, 0.4, 0.1], [0.2, 0.3, 0.5], [0.3, 0.3, 0.4]])
    e = tally(scores, np.array([1, 1, 2, 0]), top_k=2)
    assert e.accuracy == 0.5 and e.top_k == [0.5, 1.0]
    assert e.confusion.tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 1]]
    assert tally(np.array([[0.7], [0.2]]), np.array([1, 1])).confusion.tolist() == [[0, 0], [1, 1]]


def test_evaluate_refuses_labels_without_output():
    x = RNG.normal(0, 1, (4, 8, 8, 2))
    with pytest.raises(DataError, match="out of range"):
        nnom.evaluate(classifier(), x, [0, 1, 2, 3], x)
    assert nnom.evaluate(classifier(), x, [0, 1, 2, 0], use_float=True).form == "float"


def test_files_that_are_no_models(tmp_path):
    for name, content, error in (
        ("a.onnx", b"x", ModelError),
        ("a.txt", b"hello", ModelError),
        ("a.keras", b"PK\x03\x04", ModelError),
        ("a.h5", b"", ModelError),
        ("a.tflite", b"", ModelError),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(error, match=name):
            nnom.load(tmp_path / name)
    with pytest.raises(ModelError, match="cannot be read"):
        nnom.load(tmp_path / "absent.keras")


@pytest.mark.parametrize("name", ["1a", "a-b", "", "int", "a b", "x" * 64])
def test_names_are_c_identifiers(name):
    with pytest.raises(NnomError, match="C identifier"):
        nnom.convert(classifier(), np.zeros((2, 8, 8, 2), np.float32), name=name)


def test_two_inputs():
    net = Net(2, 2, 1)
    net.graph.add_tensor(Tensor("z", (2, 2, 1)))
    net.graph.inputs.append("z")
    graph = net.add("add", (2, 2, 1), {"activation": "none"}, inputs=["x", "z"]).done()
    x, z = (RNG.normal(0, 1, (9, 2, 2)).astype(np.float32) for _ in range(2))
    assert len(nnom.convert(graph, [x, z]).core.inputs) == 2
    assert nnom.convert(graph, {"x": x, "z": z}).report.output_sqnr[0] > 30
    for wrong in (x, [x], {"x": x}, [x, z[:3]]):
        with pytest.raises(DataError):
            nnom.convert(graph, wrong)


def test_group_ranges_and_apply_agree_with_the_core():
    graph = fold(classifier())
    seen = {}
    for name in graph.tensors:
        seen[name] = Observed()
        seen[name].add(np.array([-3, 3], np.float32), None)
    model = CoreModel(apply(graph, group_ranges(graph, seen, "minmax")))
    assert model.outputs[0].scale == pytest.approx(1 / 256) and model.outputs[0].zero_point == -128


# ---- Clips and averages ----


def _clipped_net(top: float, low: float | None = 0.0) -> Graph:
    """The same function for every `top`: scaled by it before the clip, by its inverse after it."""
    rng = np.random.default_rng(5)
    net = Net(6, 6, 3).add("conv2d", (4, 4, 8), ONE, {"weights": rng.normal(0, 5 * top / 6, (8, 3, 3, 3))})
    for op, bound in (("maximum", low), ("minimum", top)):
        if bound is not None:
            net.constant(op, [bound])
    net.add("global_avg_pool", (1, 1, 8))
    return net.add("dense", (1, 1, 5), {"activation": "none"}, {"weights": rng.normal(0, 1 / top, (5, 8))}).done()


@pytest.mark.parametrize("method", ["auto", "minmax"])
def test_clips_end_in_the_layer_before(method):
    x = np.random.default_rng(1).normal(size=(40, 6, 6, 3)).astype(np.float32)
    clipped, one = nnom.convert(_clipped_net(6.0), x, method=method), nnom.convert(_clipped_net(1.0), x, method=method)
    assert [n.op for n in one.graph.nodes] == ["conv2d", "global_avg_pool", "dense"]
    assert one.report.output_sqnr[0] == pytest.approx(clipped.report.output_sqnr[0], abs=0.5)
    assert min(n.sqnr for n in one.report.layers) > 30  # what the clip cuts off is no loss
    quant = one.graph.tensors[one.graph.nodes[0].output].quant
    assert quant.scale == pytest.approx(1 / 255, rel=1e-6) and quant.zero_point == -128


def test_a_clip_of_what_others_read_keeps_both():
    """The layer before covers its other reader; the clip's result has a scale of its own."""
    net = Net(1, 1, 12).dense(8)
    wide = net.last
    net.constant("minimum", [0.05])
    graph = net.add("concat", (1, 1, 16), {"axis": 2}, inputs=[net.last, wide]).done()
    x = [RNG.normal(0, 1, (50, 1, 1, 12)).astype(np.float32)]
    result = quantise(fold(graph), x, "minmax")
    got, expected = (outputs_of(g, x)[0].reshape(50, 16) for g in (result.graph, graph))
    assert np.abs(got - expected).max() < 3 * result.graph.tensors[graph.outputs[0]].quant.scale


@pytest.mark.parametrize("kernel", [8, 4])
def test_average_pools_take_the_scale_of_their_means(kernel):
    rng = np.random.default_rng(3)
    x = [rng.normal(0, 1, (32, 10, 10, 3)).astype(np.float32)]
    weights = {"weights": rng.normal(0, 0.3, (4, 3, 3, 3)), "bias": np.full(4, -3.0)}  # sparse
    net = Net(10, 10, 3).add("conv2d", (8, 8, 4), {**ONE, "activation": "relu"}, weights)
    graph = net.pool("avg_pool", kernel).done()
    result = quantise(graph, x, "minmax").graph
    expected, got = outputs_of(graph, x)[0], outputs_of(result, x)[0]
    assert result.tensors[graph.outputs[0]].quant.scale == pytest.approx(expected.max() / 255, rel=1e-5)
    assert np.sqrt(((got - expected) ** 2).mean()) < expected.std() / 12


def test_an_embedding_is_quantised():
    """Indices are whole numbers in any graph: they make no graph an int8 one, and keep their type."""
    rng = np.random.default_rng(0)
    graph = Graph("emb", inputs=["ids"], outputs=["s"])
    graph.add_tensor(Tensor("ids", (6, 1, 1), "int32"))
    graph.add_tensor(Tensor("table", (20, 1, 4), data=rng.normal(size=(20, 1, 4)).astype(np.float32)))
    graph.add(Node("look_up", "e", ["ids", "table"], "e"), (6, 1, 4))
    weights = {"weights": Weight(rng.normal(size=(3, 24)).astype(np.float32) * 0.3)}
    graph.add(Node("dense", "d", ["e"], "d", {}, weights), (1, 1, 3))
    graph.add(Node("softmax", "s", ["d"], "s"), (1, 1, 3))
    assert graph.is_float
    ids = rng.integers(0, 20, (200, 6))
    with pytest.raises(DataError, match="give calibration data"):
        nnom.convert(graph)
    c = nnom.convert(graph, ids)
    types = {row.name: row.dtype for row in c.layers}
    assert types["ids"] == "int32" and types["table"] == types["e"] == types["d"] == "int8"
    assert not c.graph.is_float and c.report.output_sqnr[0] > 25 and c.report.agreement > 0.97
    logits = graph.tensors["table"].data[ids, 0].reshape(200, -1) @ weights["weights"].data.T
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(nnom.run(c.graph, ids).values[0].reshape(200, 3) - expected).max() < 0.05
    floats = nnom.run(graph, ids, use_float=True).values[0].reshape(200, 3)
    np.testing.assert_allclose(floats, expected, atol=1e-5)
    # Data that holds only some of the indices still covers the table's whole range.
    few, all_ids = (nnom.convert(graph, x, method="minmax").graph.tensors["table"].quant for x in (ids % 3, ids))
    assert few == all_ids
