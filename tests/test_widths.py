# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Layers of a float model chosen to compute in 16 bits: which ones, their borders, what it gains, what is refused.

NNOM_CASES: random graphs (default 25).
"""

from __future__ import annotations

import os
import shutil

import nnom
import numpy as np
import pytest
from nnom import boards
from nnom.core import CoreModel
from nnom.errors import CoreError, DataError, UnsupportedError
from nnom.graph import Graph, Node, Quant, Tensor, Weight
from nnom.importers.tflite import load_tflite
from nnom.losses import steepest
from nnom.quantise import quantise, sketch
from nnom.running import run_board
from nnom.widths import chosen
from oracle import cases

CASES = int(os.environ.get("NNOM_CASES", "25"))
RNG = np.random.default_rng(160)


def model(int16=()):
    """x (8, 8, 2): conv1+relu, pool, conv2, tanh, flatten, dense, softmax; norm (l2) beside."""
    g = Graph("made", "made")
    g.add_tensor(Tensor("x", (8, 8, 2)))
    g.inputs = ["x"]

    def add(op, name, source, shape, attrs=None, weights=None):
        held = {k: Weight(np.asarray(v, np.float32)) for k, v in (weights or {}).items()}
        return g.add(Node(op, name, [source], name, attrs or {}, held), shape)

    rng = np.random.default_rng(5)
    window = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 1, 1)}
    w = {"weights": rng.normal(size=(4, 3, 3, 2)) / 4, "bias": rng.normal(size=4)}
    add("conv2d", "conv1", "x", (8, 8, 4), {**window, "activation": "relu"}, w)
    add("max_pool", "pool", "conv1", (4, 4, 4), {"kernel": (2, 2), "stride": (2, 2)})
    add("conv2d", "conv2", "pool", (4, 4, 6), window, {"weights": rng.normal(size=(6, 3, 3, 4)) / 6})
    add("activation", "tanh", "conv2", (4, 4, 6), {"kind": "tanh"})
    add("flatten", "flat", "tanh", (1, 1, 96))
    add("dense", "dense", "flat", (1, 1, 5), {}, {"weights": rng.normal(size=(5, 96)) / 3, "bias": rng.normal(size=5)})
    add("softmax", "softmax", "dense", (1, 1, 5))
    add("l2_norm", "norm", "dense", (1, 1, 5))
    g.outputs = ["softmax", "norm"]
    g.int16 = tuple(int16)
    return g


X = RNG.normal(size=(60, 8, 8, 2)).astype(np.float32)


def types(graph):
    return {n.name: graph.tensors[n.output].dtype for n in graph.nodes}


@pytest.mark.parametrize(
    ("names", "wide"),
    [
        (["conv2"], {"conv2"}),
        (["conv1"], {"conv1", "pool"}),  # what only moves values follows
        (["conv1", "conv2"], {"conv1", "pool", "conv2"}),
        (["conv?"], {"conv1", "pool", "conv2"}),
        (["dense"], {"dense"}),
        (["softmax"], {"softmax"}),
        (["all"], {"conv1", "pool", "conv2", "tanh", "flat", "dense", "softmax"}),
        ([], set()),
    ],
)
def test_choice(names, wide):
    assert chosen(model(names)) == wide
    reader = {"conv2"} - wide if "conv1" in wide else set()  # computes in 16 bits, and gives 8
    for graph in (sketch(model(names)), quantise(model(names), [X], "minmax").graph):
        made = types(graph)
        assert {n for n in made if made[n] == "int16" and not n.endswith("int16")} == wide | reader
        assert not reader or graph.tensors["conv2"].dtype == "int8"
        for node in graph.nodes:
            if node.op != "quantize":
                assert len({graph.tensors[t].dtype for t in (*node.inputs, node.output)}) == 1, node.name
        assert graph.tensors["x"].dtype == ("int16" if "conv1" in wide else "int8")
        CoreModel(graph)


def test_borders_are_exact_upwards_and_shared():
    graph = quantise(model(["softmax", "dense"]), [X], "minmax").graph
    borders = {n.name: graph.tensors[n.output].quant for n in graph.nodes if n.op == "quantize"}
    assert set(borders) == {"flat_int16", "dense_int8"}
    assert borders["flat_int16"] == Quant(graph.quant("flat").scale)  # one step of int8 is one step
    assert graph.quant("softmax") == Quant(2.0**-15)
    assert graph.quant("dense").zero_point == 0
    assert graph.nodes[-1].inputs == ("dense_int8",)


def test_16_bits_gain():
    """Of a model whose weights 8 bits hold exactly, the loss of 16 bits is far below that of 8."""
    narrow, wide = model(), model(["all"])
    for g in (narrow, wide):
        for node in g.nodes:
            for w in node.weights.values():
                first = w.data.reshape(len(w.data), -1)
                first[:] = np.round(first * 32) / 32
                if first.shape[1] > 1:
                    first[:, 0] = 127 / 32
    plain = nnom.convert(narrow, X).report.output_sqnr[0]
    gain = nnom.convert(wide, X).report.output_sqnr[0]
    assert gain > plain + 25, (plain, gain)


def test_a_block_of_attention():
    """What a transformer is made of, in 16 bits throughout: what is lost then is the 8 bits of the weights."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    layers = keras.layers
    x = layers.Input((6, 8))
    y = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
    y = layers.PReLU(alpha_initializer="random_normal")(layers.Dense(10)(y))
    y = layers.Maximum()([y, layers.Dense(10)(x)])
    block = keras.Model(x, layers.Dense(4)(layers.GlobalAveragePooling1D()(y)))
    block.set_weights([w + RNG.normal(0, 0.1, w.shape) for w in block.get_weights()])
    data = RNG.normal(size=(50, 6, 8)).astype(np.float32)
    plain, wide = nnom.convert(block, data), nnom.convert(block, data, int16=["all"])
    assert set(types(wide.graph).values()) == {"int16"}
    assert wide.report.output_sqnr[0] > plain.report.output_sqnr[0] + 6
    assert wide.report.output_sqnr[0] > 35


def test_bytes_are_counted():
    plain, wide = nnom.convert(model(), X), nnom.convert(model(["all"]), X)
    rows = {r.name: r for r in wide.layers}
    for row in (r for r in plain.layers if r.node is not None):
        factor = 1 if row.name in ("norm", "dense_int8") else 2
        assert rows[row.name].output_bytes == factor * row.output_bytes, row.name
    assert wide.core.totals.arena_bytes > plain.core.totals.arena_bytes
    assert "nnom_conv2d_s16_ref_op" in wide.source and "nnom_conv2d_s16_ref_op" not in plain.source


@pytest.mark.parametrize("block", range(5))
def test_random_graphs(block):
    """Any choice of layers converts and runs, in every plan with the same bytes, and stays near the float model."""
    for seed in range(block, CASES, 5):
        rng = np.random.default_rng([seed, 1701])
        case = cases.graph(rng, "float32")
        graph = load_tflite(case.data)
        able = [n.name for n in graph.nodes if n.entry.wide and not n.entry.same_quant]
        graph.int16 = tuple(rng.choice(able, rng.integers(1, len(able) + 1), replace=False)) if able else ()
        data = [np.stack([rng.normal(size=graph.tensors[t].shape) for _ in range(6)]) for t in graph.inputs]
        try:
            p = nnom.conversion.prepare(graph, [d.astype(np.float32) for d in data])
        except (DataError, UnsupportedError, CoreError) as e:  # of what is not to be quantised at all
            assert not isinstance(e, CoreError) or "over 2^-19" in str(e)
            continue
        made = types(p.quantised)
        for name in chosen(graph) & set(made):
            assert made[name] == "int16"
        core = CoreModel(p.graph)
        inputs = [port.quantize(d[0].reshape(port.shape)) for port, d in zip(core.inputs, data, strict=True)]
        expected = core.run(inputs)
        for options in ({"mode": "smallest"}, {"mode": "auto"}, {"target": "dsp"}, {"target": "packed"}):
            for a, b in zip(expected, CoreModel(p.graph, **options).run(inputs), strict=True):
                assert np.array_equal(a, b), f"seed {seed}, {options}, {graph.int16}: {case.text}"


@pytest.mark.parametrize(
    ("names", "error", "match"),
    [
        (["conv9"], DataError, "no layer 'conv9'; expected 'all', a wildcard or conv1, conv2"),
        (["norm"], UnsupportedError, r"'norm' \(l2_norm\) has no form of 16 bits; expected 'all'"),
        (["x*"], DataError, "no layer"),
        (["pool"], UnsupportedError, r"'pool' \(max_pool\) only moves values"),
        ("conv1", DataError, "expected a list of names"),
        ([3], DataError, "expected a list of names"),
    ],
)
def test_refused(names, error, match):
    with pytest.raises(error, match=match):
        nnom.convert(model(), X, int16=names)


def test_what_is_quantised_already_is_refused():
    with pytest.raises(DataError, match="quantised already; int16 is for float models"):
        nnom.convert(quantise(model(), [X], "minmax").graph, int16=["all"])
    with pytest.raises(DataError, match="of layers that are quantised"):
        nnom.run(nnom.load(model(), int16=["all"]), X[:2], use_float=True)


def test_the_callers_graph_stays_as_it_is():
    graph = model()
    nnom.convert(graph, X, int16=["all"])
    assert not graph.int16 and nnom.load(graph, int16=["all"]) is not graph


def test_the_report_names_where_most_is_lost():
    c = nnom.convert(model(), X)
    names, lost = steepest(c.graph, c.report.layers)
    by_name = {n.name: n.sqnr for n in c.report.layers}
    before = [by_name[c.graph.producer(t).name] for t in c.graph.nodes[1].inputs]
    assert lost > 0 and set(names) <= set(by_name) and before
    wide = nnom.convert(model(["all"]), X)
    assert steepest(wide.graph, wide.report.layers)[0] == []


def test_the_numbers_of_a_huge_bias():
    graph = model(["dense"])
    graph.nodes[5].weights["bias"].data[:] = [1e6, -1e6, 0, 1, 2]
    c = nnom.convert(graph, X)
    assert c.core.run([c.core.inputs[0].quantize(X[0])])[0].argmax() == 0


# -- weights of 4 bits ---------------------------------------------------------------------------------------------


def test_4_bits_take_half_the_flash():
    plain, four = nnom.convert(model(), X), nnom.convert(model(), X, int4=["conv2", "dense"])
    weights = {n.name: n.weights["weights"] for n in four.graph.nodes if "weights" in n.weights}
    assert {n: w.bits for n, w in weights.items()} == {"conv1": 8, "conv2": 4, "dense": 4}
    assert all(np.abs(w.data).max() == (7 if w.bits == 4 else 127) for w in weights.values())
    saved = sum(w.data.size // 2 for w in weights.values() if w.bits == 4)
    assert plain.core.totals.weight_bytes - four.core.totals.weight_bytes == saved
    assert four.report.output_sqnr[0] < plain.report.output_sqnr[0]
    assert "nnom_dense_s4_ref_op" in four.source


def test_4_bits_give_the_bytes_of_8_that_hold_the_same():
    four = quantise(nnom.load(model(), int4=["all"]), [X], "minmax").graph
    eight = quantise(nnom.load(model(), int4=["all"]), [X], "minmax").graph
    for node in eight.nodes:
        for weight in node.weights.values():
            weight.bits = 8
    inputs = [CoreModel(four).inputs[0].quantize(X[1])]
    for options in ({}, {"mode": "smallest"}, {"target": "dsp"}, {"target": "mve"}, {"target": "avx2"}):
        for a, b in zip(CoreModel(four, **options).run(inputs), CoreModel(eight, **options).run(inputs), strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("int4", "int16", "error", "match"),
    [
        (["pool"], (), UnsupportedError, r"'pool' \(max_pool\) has no weights that may have 4 bits; expected 'all'"),
        (["conv9"], (), DataError, "no layer 'conv9'; expected 'all', a wildcard or conv1, conv2, dense"),
        (["conv1"], ["conv*"], DataError, "'conv1' computes in 16 bits, int16, and has weights of 8 then"),
        ("conv1", (), DataError, "int4 is 'conv1'; expected a list"),
    ],
)
def test_4_bits_refused(int4, int16, error, match):
    with pytest.raises(error, match=match):
        nnom.convert(model(), X, int4=int4, int16=int16)


def test_both_for_all_that_can():
    made = nnom.convert(model(), X, int4=["all"], int16=["dense"]).graph
    bits = {n.name: (n.weights["weights"].bits, made.tensors[n.output].dtype) for n in made.nodes if n.weights}
    assert bits == {"conv1": (4, "int8"), "conv2": (4, "int8"), "dense": (8, "int16")}


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs the tools of the emulated board")
@pytest.mark.parametrize("board", ["cortex-m4", "rv32"])
def test_frozen_on_a_board(board):
    if shutil.which(boards.boards()[board].emulator) is None:
        pytest.skip("needs the emulator")
    c = nnom.convert(model(["conv2", "softmax"]), X, int4=["dense"])
    inputs = [c.core.inputs[0].quantize(X[0])]
    ran = run_board(c.graph, board, [x[np.newaxis] for x in inputs], "-O2")
    for a, b in zip(ran.outputs, c.core.run(inputs), strict=True):
        assert np.array_equal(a[0], b)


def test_too_small_an_output_is_an_error_of_the_layer():
    """A sum that cancels leaves a scale that 16 bits of multiplier cannot reach: the layer is named."""
    g = Graph("small", "small", inputs=["x"], outputs=["d"])
    g.add_tensor(Tensor("x", (1, 1, 2)))
    g.add(Node("dense", "d", ["x"], "d", {}, {"weights": Weight(np.array([[1e4, -1e4]], np.float32))}), (1, 1, 1))
    x = np.repeat(np.linspace(1, 2, 20), 2).reshape(20, 1, 1, 2).astype(np.float32)
    x[:, 0, 0, 1] -= 1e-6
    try:
        nnom.convert(g, x, int16=["all"])
    except CoreError as e:
        assert "layer 'd'" in str(e)
