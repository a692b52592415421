# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Every pass of nnom.passes: the same bytes before and after, on random graphs with its patterns, and on models."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.graph import Graph, Node, Quant, Tensor, Weight
from nnom.passes import PASSES, apply_pass, format_report, measure, shrink
from nnom.passes.ranges import ranges
from shrink_graphs import NONE, Net, random_graph, samples

SHARED = Path(os.environ.get("NNOM_SHARED", "/work/shared"))
MODELS = sorted(SHARED.glob("models/*/*.tflite"))
SEEDS = int(os.environ.get("NNOM_SHRINK_SEEDS", "150"))
FIRST = int(os.environ.get("NNOM_SHRINK_FIRST", "0"))


def same(before: Graph, after: Graph, inputs, mode: str = "whole") -> None:
    """Equal ports, equal bytes."""
    a, b = CoreModel(before), CoreModel(after, mode=mode)
    assert before.inputs == after.inputs and before.outputs == after.outputs
    assert a.inputs == b.inputs and a.outputs == b.outputs
    for x in inputs:
        for name, u, v in zip(before.outputs, a.run(x), b.run(x), strict=True):
            assert u.tobytes() == v.tobytes(), f"{before.source}: output '{name}' differs"


def test_random_graphs_keep_their_bytes() -> None:
    found = dict.fromkeys(PASSES, 0)
    for seed in range(FIRST, FIRST + SEEDS):
        graph = random_graph(seed)
        small, reports = shrink(graph)
        for report in reports:
            found[report.name] += 1
        same(graph, small, samples(graph), mode=("whole", "auto", "smallest")[seed % 3])
        assert measure(small).macs <= measure(graph).macs
        assert CoreModel(small).totals.macs == measure(small).macs
    assert all(found.values()), f"the graphs do not contain every pass's pattern: {found}"


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_alone(name: str) -> None:
    done = 0
    for seed in range(FIRST + 1000, FIRST + 1000 + SEEDS // 2):
        graph = random_graph(seed)
        small, report = apply_pass(graph, name)
        if report.changes:
            done += 1
            same(graph, small, samples(graph))
    assert done > 0


def _text(graph: Graph) -> str:
    arrays = [(k, w.data.tobytes()) for n in graph.nodes for k, w in n.weights.items()]
    return repr((graph.nodes, graph.tensors, graph.inputs, graph.outputs, arrays))


def test_the_given_graph_is_not_changed() -> None:
    for seed in range(40):
        graph = random_graph(seed)
        before = _text(graph)
        shrink(graph)
        assert _text(graph) == before


# ---- Channels ----


def conv_then(net: Net, x: str, v: int, padding, second) -> tuple[Graph, int]:
    """A convolution whose channel 1 holds the value v, then `second`; (graph, channels left of the first)."""
    zero = 3
    w = np.full((3, 1, 1, net.shape(x)[2]), 30, np.int8)
    w[1] = 0
    scale = np.array([0.01], np.float32)
    out = Quant(float(np.float32(0.05)), zero)
    bias = np.array([5, round((v - zero) * 0.05 / (net.quant(x).scale * 0.01)), -7], np.int32)
    attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": NONE}
    parts = {"weights": Weight(w, scale), "bias": Weight(bias, scale)}
    y = net.add("conv2d", [x], (*net.shape(x)[:2], 3), out, attrs, parts)
    net.output(second(net, y, padding))
    assert ranges(net.graph)[y].constant.tolist() == [False, True, False] and ranges(net.graph)[y].lo[1] == v
    small, _ = shrink(net.graph)
    same(net.graph, small, samples(net.graph, 20))
    return small, len(small.nodes[0].weights["weights"].data)


def _conv(net: Net, y: str, padding) -> str:
    h, w, c = net.shape(y)
    size = (h - 2 + padding[0] + padding[1], w - 2 + padding[2] + padding[3])
    weights = net.rng.integers(-127, 128, (4, 3, 3, c)).astype(np.int8)
    attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": padding}
    return net.linear("conv2d", y, weights, 4, (*size, 4), attrs)


def _depthwise(net: Net, y: str, padding) -> str:
    h, w, c = net.shape(y)
    attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": padding}
    weights = net.rng.integers(1, 128, (3, 3, c)).astype(np.int8)
    size = (h - 2 + padding[0] + padding[1], w - 2 + padding[2] + padding[3])
    parts = {"weights": Weight(weights, np.array([0.002], np.float32))}
    z = net.add("depthwise_conv2d", [y], (*size, c), Quant(0.5, 3), attrs, parts)
    return _conv(net, z, NONE)


@pytest.mark.parametrize(
    ("second", "v", "padding", "left"),
    [
        (_conv, 3, (1, 1, 1, 1), 2),  # the zero point: adds nothing anywhere
        (_conv, 90, NONE, 2),  # goes into the bias
        (_conv, 90, (1, 1, 1, 1), 3),  # at the border padding takes its place
        (_conv, 90, (0, 1, 0, 0), 3),
        (_depthwise, 3, (1, 1, 1, 1), 2),
        (_depthwise, 90, NONE, 2),
        (_depthwise, 90, (1, 1, 1, 1), 3),  # the depthwise channel varies at the border
    ],
)
def test_constant_channels_and_borders(second, v: int, padding, left: int) -> None:
    net = Net(5)
    _, channels = conv_then(net, net.input((6, 6, 3), Quant(0.05, 0)), v, padding, second)
    assert channels == left


def test_constant_channel_read_through_the_centre_alone() -> None:
    """Padding makes no difference if only taps that never hang over the border have weights."""

    def centre(net: Net, y: str, padding) -> str:
        z = _conv(net, y, padding)
        w = net.graph.producer(z).weights["weights"].data
        w[..., 1] = 0
        w[:, 1, 1, 1] = 77
        return z

    net = Net(6)
    _, channels = conv_then(net, net.input((6, 6, 3), Quant(0.05, 0)), 90, (1, 1, 1, 1), centre)
    assert channels == 2


def test_channels_no_one_reads() -> None:
    net = Net(1)
    x = net.input((5, 5, 3), Quant(0.5, 0))
    one, attrs = np.array([0.01], np.float32), {"stride": (1, 1), "dilation": (1, 1), "padding": NONE}

    def layer(op: str, source: str, w: np.ndarray, channels: int, scale: float) -> str:
        parts = {"weights": Weight(w.astype(np.int8), one)}
        return net.add(op, [source], (5, 5, channels), Quant(scale, 0), attrs, parts)

    y = layer("conv2d", x, net.rng.integers(50, 100, (6, 1, 1, 3)), 6, 0.7)
    y = layer("depthwise_conv2d", y, np.full((1, 1, 6), 90), 6, 0.7)
    w = np.full((5, 1, 1, 6), 50)
    w[..., [1, 4]] = 0
    graph = net.output(layer("conv2d", y, w, 5, 1.0))
    small, _ = shrink(graph)
    same(graph, small, samples(graph, 20))
    assert [small.tensors[n.output].shape[2] for n in small.nodes] == [4, 4, 5]


def test_columns_that_a_stride_leaves_over_are_not_computed() -> None:
    """Windows of 4 in steps of 4 without padding, the last cut off by a slice: padding at the right goes."""
    net = Net(6)
    x = net.input((5, 9, 3), Quant(0.05, 3))
    attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 1, 4)}
    one = np.array([0.01], np.float32)
    weights = {"weights": Weight(net.rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8), one)}
    y = net.add("conv2d", [x], (5, 12, 4), Quant(0.7, 4), attrs, weights)
    y = net.add("activation", [y], (5, 12, 4), Quant(0.5, 0), {"kind": "leaky_relu", "alpha": 0.3})
    y = net.add("max_pool", [y], (5, 3, 4), None, {"kernel": (1, 4), "stride": (1, 4), "padding": NONE})
    graph = net.output(net.add("slice", [y], (5, 2, 4), None, {"begin": (0, 0, 0), "size": (5, 2, 4)}))
    small, _ = shrink(graph)
    same(graph, small, samples(graph, 20))
    assert [small.tensors[n.output].shape[1] for n in small.nodes] == [8, 8, 2]


def test_a_constant_channel_that_stays_has_ordinary_numbers() -> None:
    """Of scale 1e-30 and a bias near 2^31, as training leaves them: no fast kernel took the layer."""
    net = Net(5)
    x = net.input((6, 6, 8), Quant(0.05, 3))
    scales = np.full(8, 0.01, np.float32)
    scales[[2, 5]] = 1e-30
    bias = net.rng.integers(-500, 500, 8).astype(np.int32)
    bias[[2, 5]] = 2**31 - 2**20
    weights = Weight(net.rng.integers(-127, 128, (8, 3, 3, 8)).astype(np.int8), scales)
    parts = {"weights": weights, "bias": Weight(bias, scales * np.float32(0.05))}
    attrs = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 1, 1)}
    graph = net.output(net.add("conv2d", [x], (6, 6, 8), Quant(0.7, 4), attrs, parts))
    small, _ = shrink(graph)
    same(graph, small, samples(graph, 20))
    numbers = small.nodes[0].weights
    assert not numbers["weights"].data[[2, 5]].any() and numbers["weights"].data[[0, 1, 3, 4, 6, 7]].any()
    fast = CoreModel(small, target="dsp").freeze("net")[0]
    assert "conv2d_s8_dsp" in fast
    assert "conv2d_s8_dsp" not in CoreModel(graph, target="dsp").freeze("net")[0]


def test_dense_of_several_scales_keeps_two_units() -> None:
    """With one scale the core multiplies scales in float: a single unit would compute otherwise."""
    net = Net(2)
    x = net.input((1, 1, 4), Quant(0.0371, 3))
    scales = np.array([0.0123, 0.0234, 0.0345], np.float32)
    w = np.array([[100, -50, 30, 20], [0, 0, 0, 0], [0, 0, 0, 0]], np.int8)
    a = net.add("dense", [x], (1, 1, 3), Quant(0.0517, -4), {}, {"weights": Weight(w, scales)})
    nines = Weight(np.full((2, 3), 9, np.int8), np.array([0.01], np.float32))
    b = net.add("dense", [a], (1, 1, 2), Quant(0.01, 0), {}, {"weights": nines})
    graph = net.output(b)
    small, _ = shrink(graph)
    assert small.nodes[0].weights["weights"].data.shape == (2, 4)
    same(graph, small, samples(graph, 50))


def test_accumulators_that_wrap_are_not_trusted() -> None:
    """Scales that shift accumulators to the left until bits are lost: larger ones may give less."""
    net = Net(3)
    x = net.input((1, 1, 2), Quant(1.0, 0))
    weights = {"weights": Weight(np.array([[127, 127]], np.int8), np.array([2.0**20], np.float32))}
    a = net.add("dense", [x], (1, 1, 1), Quant(1.0, 0), {}, weights)
    found = ranges(net.output(a))[a]
    assert (found.lo[0], found.hi[0]) == (-128, 127)


def test_ranges_hold() -> None:
    for seed in range(60):
        graph = random_graph(seed)
        found, model = ranges(graph), CoreModel(graph, all_rows=True)
        nodes = {(model.node_of(n.output), 0): n.output for n in graph.nodes if n.op not in ("reshape", "flatten")}
        seen: list[tuple[str, np.ndarray]] = []
        model.observe(lambda k, y, n=nodes, s=seen: s.append((n[k], y.copy())) if k in n else None)
        for x in samples(graph):
            model.run(x)
        for name, y in seen:
            if y.shape == graph.tensors[name].shape and graph.producer(name).op != "activation":
                values = y.reshape(-1, y.shape[2])
                assert (values >= found[name].lo).all() and (values <= found[name].hi).all(), f"seed {seed}: {name}"


# ---- Padding ----


def padded(op: str, zero_point: int, value: float, pads=(1, 1, 1, 1), relu: bool = False) -> tuple[Graph, bool]:
    """Padding, then a window; (graph, whether the padding went)."""
    net = Net(4)
    x = net.conv(net.input((6, 6, 3)), 4, (1, 1))
    node, tensor = net.graph.producer(x), net.graph.tensors[x]
    tensor.quant = Quant(tensor.quant.scale, zero_point)
    node.attrs["activation"] = "relu" if relu else "none"
    p = net.zero_padding(x, pads, value)
    h, w, c = net.shape(p)
    attrs = {"stride": (1, 1), "padding": NONE}
    if op == "conv2d":
        y = _conv(net, p, NONE)
    else:
        y = net.add(op, [p], (h - 1, w - 1, c), None, {"kernel": (2, 2), **attrs})
    graph = net.output(y)
    small, _ = shrink(graph)
    same(graph, small, samples(graph, 10))
    return graph, all(n.op != "zero_padding" for n in small.nodes)


@pytest.mark.parametrize(
    ("op", "zero_point", "value", "pads", "relu", "goes"),
    [
        ("conv2d", 5, 0.0, (1, 1, 1, 1), False, True),
        ("conv2d", 5, 0.0, (2, 0, 3, 1), False, True),
        ("conv2d", 5, 1e9, (1, 1, 1, 1), False, False),
        ("max_pool", -128, 0.0, (1, 1, 1, 1), True, True),
        ("max_pool", 5, -1e9, (1, 1, 1, 1), False, True),
        ("max_pool", 5, 0.0, (1, 1, 1, 1), False, False),
        ("max_pool", 5, 0.0, (1, 1, 1, 1), True, True),
        ("max_pool", -128, 0.0, (2, 0, 0, 0), True, False),
        ("max_pool", -128, 0.0, (0, 2, 0, 0), True, False),
        ("avg_pool", -128, 0.0, (1, 1, 1, 1), True, False),
        ("avg_pool", 0, 0.0, (1, 1, 1, 1), False, False),
    ],
)
def test_padding_goes_only_where_it_is_the_same(op, zero_point, value, pads, relu, goes) -> None:
    assert padded(op, zero_point, value, pads, relu)[1] == goes


# ---- Steps, clamps, views, constants ----


def ops(graph: Graph) -> list[str]:
    return [n.op for n in graph.nodes]


def test_quantise_steps() -> None:
    net = Net(7)
    x = net.input((2, 3, 4), Quant(0.5, 3))
    a = net.add("quantize", [x], (2, 3, 4), Quant(0.5, 3))  # changes nothing
    b = net.add("quantize", [a], (2, 3, 4), Quant(0.25, 0))
    c = net.add("quantize", [b], (2, 3, 4), Quant(0.5, 3))  # loses what does not fit in between
    graph = net.output(net.add("activation", [c], (2, 3, 4), None, {"kind": "relu"}))
    small, _ = shrink(graph)
    assert "quantize" in ops(small) and a not in small.tensors
    same(graph, small, samples(graph))
    graph.tensors[b].quant = Quant(1.0, 0)
    graph.tensors[c].quant = Quant(2.0, 1)  # not always the same as one step: rounding twice
    same(graph, shrink(graph)[0], samples(graph))
    graph.tensors[b].quant = Quant(0.5, 0)
    graph.tensors[c].quant = Quant(0.5, -3)
    graph.tensors[graph.outputs[0]].quant = Quant(0.5, -3)
    same(graph, shrink(graph)[0], samples(graph))


def test_clamps_go_into_the_layer_before() -> None:
    net = Net(8)
    x = net.conv(net.input((4, 4, 3), Quant(1.0, 0)), 5)
    net.graph.producer(x).attrs["activation"] = "none"
    net.graph.tensors[x].quant = Quant(0.1, -20)
    h, w, c = net.shape(x)
    y = net.add("reshape", [x], (1, h * w, c), None, {"shape": (1, h * w, c)})
    y = net.add("activation", [y], net.shape(y), None, {"kind": "relu"})
    y = net.add("activation", [y], net.shape(y), None, {"kind": "relu6"})
    graph = net.output(y)
    small, _ = shrink(graph)
    assert ops(small) == ["conv2d", "reshape"] and small.nodes[0].attrs["activation"] == "relu6"
    same(graph, small, samples(graph))
    graph.outputs.insert(0, x)  # now someone else reads the unclamped values
    small, _ = shrink(graph)
    assert small.nodes[0].attrs["activation"] == "none"
    same(graph, small, samples(graph))


def test_clamp_into_another_quantisation_stays() -> None:
    net = Net(9)
    x = net.conv(net.input((4, 4, 3)), 5)
    net.graph.producer(x).attrs["activation"] = "none"
    graph = net.output(net.add("activation", [x], net.shape(x), Quant(net.quant(x).scale * 0.7, 11), {"kind": "relu"}))
    small, _ = shrink(graph)
    assert "activation" in ops(small)
    same(graph, small, samples(graph))


def test_views_and_transpositions_cancel() -> None:
    net = Net(10)
    x = net.input((3, 4, 5))
    y = net.add("transpose", [x], (5, 3, 4), None, {"perm": (2, 0, 1)})
    y = net.add("transpose", [y], (3, 4, 5), None, {"perm": (1, 2, 0)})
    y = net.add("reshape", [y], (12, 1, 5), None, {"shape": (12, 1, 5)})
    y = net.add("transpose", [y], (1, 12, 5), None, {"perm": (1, 0, 2)})  # moves no byte
    y = net.add("reshape", [y], (3, 4, 5), None, {"shape": (3, 4, 5)})
    graph = net.output(net.add("activation", [y], (3, 4, 5), Quant(1 / 128, 0), {"kind": "tanh"}))
    small, _ = shrink(graph)
    assert ops(small) == ["activation"]
    same(graph, small, samples(graph))


def test_constants_are_computed_and_duplicates_merged() -> None:
    net = Net(11)
    x = net.input((3, 3, 4))
    values = [net.constant(np.arange(4).reshape(1, 1, 4), Quant(0.1, 2)) for _ in range(2)]
    sums = [net.add("add", [v, v], (1, 1, 4), Quant(0.2, 0)) for v in values]
    both = [net.add("add", [x, s], (3, 3, 4), Quant(0.3, 1)) for s in sums]
    graph = net.output(net.add("mult", both, (3, 3, 4), Quant(0.5, 0)))
    small, _ = shrink(graph)
    assert ops(small) == ["add", "mult"]
    same(graph, small, samples(graph))


def test_outputs_keep_their_names() -> None:
    net = Net(12)
    x = net.input((2, 2, 3))
    y = net.conv(x, 4)
    z = net.add("quantize", [y], net.shape(y), net.quant(y))  # an output that changes nothing
    graph = net.output(z)
    small, _ = shrink(graph)
    assert small.outputs == [z] and ops(small) == ["conv2d"]
    same(graph, small, samples(graph))
    net = Net(13)
    x = net.input((2, 2, 3))
    graph = net.output(net.add("quantize", [x], (2, 2, 3), net.quant(x)))
    same(graph, shrink(graph)[0], samples(graph))


# ---- Time ----


def series(last: bool) -> Graph:
    net = Net(14)
    x = net.input((20, 1, 4))
    x = net.add("reshape", [x], (1, 20, 4), None, {"shape": (1, 20, 4)})
    w = net.rng.integers(-99, 100, (6, 1, 5, 4)).astype(np.int8)
    attrs = {"stride": (1, 2), "dilation": (1, 1), "padding": (0, 0, 2, 1)}
    x = net.linear("conv2d", x, w, 6, (1, 10, 6), attrs)
    x = net.add("max_pool", [x], (1, 5, 6), None, {"kernel": (1, 2), "stride": (1, 2), "padding": NONE})
    both = net.add("concat", [x, x], (1, 10, 6), None, {"axis": 1})
    part = net.add("slice", [both], (1, 4, 6), None, {"begin": (0, 3, 0), "size": (1, 4, 6)})
    return net.output(part if last else net.dense(part))


@pytest.mark.parametrize("last", [True, False])
def test_time_becomes_rows(last: bool) -> None:
    graph = series(last)
    small, reports = shrink(graph)
    assert small.nodes[0].op == "conv2d" and small.nodes[0].weights["weights"].data.shape[1:3] == (5, 1)
    assert any(r.name == "rows" for r in reports)
    same(graph, small, samples(graph))
    same(graph, small, samples(graph), "smallest")


# ---- Float ----


def test_float_graphs_keep_their_values() -> None:
    rng = np.random.default_rng(15)
    g = Graph("float", "float")
    g.add_tensor(Tensor("x", (6, 6, 2)))
    g.inputs.append("x")
    g.add(Node("zero_padding", "p", ["x"], "p", {"padding": (1, 1, 1, 1)}), (8, 8, 2))
    w = {"weights": Weight(rng.normal(size=(3, 3, 3, 2)).astype(np.float32))}
    g.add(Node("conv2d", "c", ["p"], "c", {"stride": (1, 1), "dilation": (1, 1), "padding": NONE}, w), (6, 6, 3))
    g.add(Node("activation", "r", ["c"], "r", {"kind": "relu"}), (6, 6, 3))
    g.add(Node("flatten", "f", ["r"], "f"), (1, 1, 108))
    w = {"weights": Weight(rng.normal(size=(4, 108)).astype(np.float32))}
    g.add(Node("dense", "d", ["f"], "d", {}, w), (1, 1, 4))
    g.outputs.append("d")
    small, _ = shrink(g)
    assert ops(small) == ["conv2d", "dense"]
    x = rng.normal(size=(6, 6, 2)).astype(np.float32)
    np.testing.assert_array_equal(CoreModel(g).run([x])[0], CoreModel(small).run([x])[0])


# ---- Models ----


def load(path: Path) -> Graph:
    pytest.importorskip("tflite")
    from nnom.errors import UnsupportedError
    from nnom.importers.tflite import load_tflite
    from nnom.mapping import unsupported

    try:
        graph = load_tflite(path, dequantize_weights=True)
    except UnsupportedError as e:
        pytest.skip(str(e))
    if unsupported(graph):
        pytest.skip(unsupported(graph)[0])
    return graph


@pytest.mark.skipif(not MODELS, reason="no models")
@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_models_keep_their_bytes(path: Path) -> None:
    graph = load(path)
    small, reports = shrink(graph)
    assert [row[0] for row in format_report(reports)] == list(PASSES)
    a, b = CoreModel(graph), CoreModel(small)
    assert b.totals.macs == measure(small).macs <= measure(graph).macs
    rng = np.random.default_rng(2)
    inputs = samples(graph, 8) if all(p.dtype == np.int8 for p in a.inputs) else []
    inputs += [[rng.normal(size=p.shape).astype(p.dtype) for p in a.inputs] for _ in range(0 if inputs else 8)]
    for x in inputs:
        for u, v in zip(a.run(x), b.run(x), strict=True):
            assert u.tobytes() == v.tobytes()


VWW = SHARED / "models/vww/mobilenetv1_025_int8.tflite"


@pytest.mark.skipif(not VWW.exists(), reason="no models")
def test_person_detection_shrinks() -> None:
    graph = load(VWW)
    small, _ = shrink(graph)
    weights = sum(n.weights["weights"].data.size for n in small.nodes if n.weights)
    assert measure(small).macs <= 3_800_000 and weights <= 32_000
    golden = np.load(SHARED / "golden/mobilenetv1_025_int8.npz")
    model = CoreModel(small)
    for x, y in zip(golden["in0"], golden["out0_tflm"], strict=True):
        assert model.run([x])[0].tobytes() == y.tobytes()
    images = (np.load(SHARED / "data/mlperf_vww01_a.npz")["X"][::20].astype(np.int16) - 128).astype(np.int8)
    same(graph, small, [[x] for x in images])
