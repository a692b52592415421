# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Models of windows as models of steps: the same bytes, whatever the network, the hop and the plan; what is refused.

NNOM_CASES: random networks (default 24).
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nnom import boards
from nnom.cli import main
from nnom.conversion import Plan, convert, load, prepare
from nnom.core import CoreModel, targets
from nnom.errors import CoreError, DataError, UnsupportedError
from nnom.graph import Graph, Node, Tensor, Weight, window_size
from nnom.passes.base import copy_graph
from nnom.running import run_board
from nnom.stream_proof import prove, prove_long
from nnom.stream_survey import rows_first
from nnom.stream_wide import widened
from nnom.streaming import least_hop, streamed

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared"))
CASES = int(os.environ.get("NNOM_CASES", "24"))
BOARD = boards.boards()["cortex-m4"]
needs_shared = pytest.mark.skipif(not (SHARED / "models").is_dir(), reason=f"no models in {SHARED}: set NNOM_SHARED")
needs_board = pytest.mark.skipif(
    not shutil.which(BOARD.compiler + "gcc") or not shutil.which(BOARD.emulator), reason="no tools for the board"
)


# ---- Networks ----


class Net:
    """A float network over time under construction."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int, int], padded: bool = False):
        self.rng, self.padded, self.count = rng, padded, 0
        self.graph = Graph("net", inputs=["x"])
        self.graph.add_tensor(Tensor("x", shape))

    def shape(self, name: str) -> tuple[int, int, int]:
        return self.graph.tensors[name].shape

    def add(self, op: str, inputs: list[str], shape: tuple[int, int, int], attrs=None, **weights: np.ndarray) -> str:
        self.count += 1
        name = f"{op}{self.count}"
        arrays = {k: Weight(w.astype(np.float32)) for k, w in weights.items()}
        return self.graph.add(Node(op, name, inputs, name, attrs or {}, arrays), shape)

    def window(self, name: str, op: str, kernel=None, stride=None, dilation=None) -> str:
        """A convolution or pool, smaller where the rows do not suffice."""
        rng, (h, w, c) = self.rng, self.shape(name)
        k = kernel or int(rng.integers(1, min(5, h) + 1))
        s, d = stride or int(rng.choice([1, 1, 2, 3])), dilation or int(rng.choice([1, 1, 2]))
        pool = op.endswith("pool")
        d = 1 if pool or (k - 1) * 2 + 1 > h else d
        kw = int(rng.integers(1, min(3, w) + 1))
        pads = (*(rng.integers(0, k, 2) if self.padded and rng.random() < 0.5 else (0, 0)), 0, 0)
        pads = tuple(map(int, pads))
        out = (window_size(h, k, s, d, *pads[:2]), w - kw + 1)
        a = {"stride": (s, 1), "padding": pads}
        if pool:
            return self.add(op, [name], (*out, c), {**a, "kernel": (k, kw)})
        a["dilation"] = (d, 1)
        if op == "conv2d":
            filters = int(rng.integers(1, 9))
            weights = rng.normal(0, 0.5, (filters, k, kw, c))
        else:
            filters, weights = c, rng.normal(0, 0.5, (k, kw, c))
        return self.add(
            op,
            [name],
            (*out, filters),
            a,
            weights=weights,
            bias=rng.normal(0, 0.3, weights.shape[0 if op == "conv2d" else 2]),
        )

    def branches(self, name: str) -> str:
        """Two ways of different reach, added or side by side."""
        h, w, c = self.shape(name)
        if h < 4:
            return name
        one = self.add(
            "conv2d",
            [name],
            (h - 2, w, c),
            {"padding": (0, 0, 0, 0)},
            weights=self.rng.normal(0, 0.5, (c, 3, 1, c)),
            bias=np.zeros(c),
        )
        top = int(self.rng.integers(0, 3))
        two = self.add("cropping", [name], (h - 2, w, c), {"padding": (top, 2 - top, 0, 0)})
        if self.rng.random() < 0.5:
            return self.add("add", [one, two], (h - 2, w, c))
        return self.add("concat", [two, one], (h - 2, w, 2 * c), {"axis": 2})

    def step(self, name: str) -> str:
        kind = self.rng.choice(["conv2d", "depthwise_conv2d", "max_pool", "avg_pool", "branches", "activation"])
        if kind == "branches":
            return self.branches(name)
        if kind == "activation":
            return self.add(
                "activation", [name], self.shape(name), {"kind": str(self.rng.choice(["tanh", "relu", "sigmoid"]))}
            )
        return self.window(name, str(kind))

    def head(self, name: str) -> str:
        h, w, c = self.shape(name)
        kind = self.rng.choice(["dense", "global_max_pool", "global_avg_pool", "rows"])
        if kind == "rows":
            return name
        if kind != "dense":
            name = self.add(str(kind), [name], (1, 1, c))
            h, w = 1, 1
        return self.add("dense", [name], (1, 1, 4), weights=self.rng.normal(0, 0.3, (4, h * w * c)), bias=np.zeros(4))

    def done(self, *outputs: str) -> Graph:
        self.graph.outputs = list(dict.fromkeys(outputs))
        return self.graph


def random_net(rng: np.random.Generator, padded: bool = False) -> Graph:
    net = Net(rng, (int(rng.integers(10, 40)), int(rng.integers(1, 4)), int(rng.integers(1, 5))), padded)
    name = net.window("x", "conv2d")
    names = [name]
    for _ in range(int(rng.integers(1, 5))):
        if net.shape(name)[0] > 3:
            name = net.step(name)
            names.append(name)
    outputs = [net.head(name)]
    if rng.random() < 0.3:  # of another reach
        outputs.append(net.head(names[int(rng.integers(len(names)))]))
    return net.done(*outputs)


def quantised(graph: Graph, rng: np.random.Generator) -> Graph:
    x = rng.normal(0, 1, (8, *graph.tensors["x"].shape)).astype(np.float32)
    return prepare(graph, x, "minmax").graph


def signal_for(graph: Graph, rows: int, rng: np.random.Generator) -> np.ndarray:
    t = graph.tensors[graph.inputs[0]]
    if t.dtype == "float32":
        return rng.normal(0, 1, (rows, *t.shape[1:])).astype(np.float32)
    return rng.integers(-128, 128, (rows, *t.shape[1:])).astype(np.int8)


def assert_equal(batch: Graph, hop: int, rng: np.random.Generator, windows: int = 50, **plan: object) -> None:
    """Windows one after another by the batch model; hop by hop, and fed row by row, by the stream."""
    stream = streamed(batch, hop)
    rows = batch.tensors[batch.inputs[0]].shape[0]
    hops = windows + stream.graph.warm_up + max(ago for ago, _ in stream.outputs)
    signal = signal_for(batch, max(rows + windows * hop, hops * hop), rng)
    whole = CoreModel(batch)
    every = np.stack([signal[n * hop : n * hop + rows] for n in range(windows)])
    expected = list(zip(*whole.run_many([every]), strict=True))
    core = CoreModel(stream.graph, **plan)
    steps = core.run_many([signal[: hops * hop].reshape(hops, hop, *signal.shape[1:])])
    got = list(zip(*steps, strict=True))
    compared = 0
    for n in range(stream.graph.warm_up, hops):
        for i, (ago, first) in enumerate(stream.outputs):
            if n - ago < windows:
                count = max(min(len(got[n][i]), len(expected[n - ago][i]) - first), 0)
                assert np.array_equal(got[n][i][:count], expected[n - ago][i][first : first + count]), (n, i)
                compared += 1
    assert compared >= windows


@pytest.mark.parametrize("seed", range(CASES))
def test_random_networks_give_the_same_bytes(seed):
    rng = np.random.default_rng(seed)
    graph = random_net(rng)
    if rng.random() < 0.8:
        graph = quantised(graph, rng)
    hop = least_hop(graph) * int(rng.choice([1, 1, 2, 5]))
    for mode in ("whole", "auto", "smallest"):
        target = str(rng.choice(list(targets())))
        assert_equal(graph, hop, rng, mode=mode, feed=bool(rng.random() < 0.5), target=target)


@pytest.mark.parametrize("seed", range(CASES // 2))
def test_random_networks_without_their_padding(seed):
    """The form without padding computes, where no padding reached, what the model does."""
    rng = np.random.default_rng(1000 + seed)
    graph = quantised(random_net(rng, padded=True), rng)
    wide = widened(graph)
    assert_equal(wide.graph, least_hop(wide.graph), rng)
    prove(wide.graph, streamed(wide.graph, least_hop(graph)), signal_for(graph, 50, rng), 8)


def test_rows_that_no_padding_reached_stay():
    rng = np.random.default_rng(5)
    net = Net(rng, (30, 1, 3))
    name = net.add("conv2d", ["x"], (30, 1, 4), {"padding": (2, 2, 0, 0)}, weights=rng.normal(0, 0.5, (4, 5, 1, 3)))
    name = net.add("max_pool", [name], (15, 1, 4), {"kernel": (2, 1), "stride": (2, 1)})
    graph = quantised(net.done(name), rng)
    wide = widened(graph)
    assert (wide.before, wide.after) == (2, 2) and wide.graph.tensors["x"].shape == (34, 1, 3)
    signal = signal_for(graph, 34, rng)
    old, new = CoreModel(graph).run([signal[2:32]])[0], CoreModel(wide.graph).run([signal])[0]
    assert old.shape == new.shape and np.array_equal(old[1:-1], new[1:-1]) and not np.array_equal(old, new)


def test_rows_that_nothing_reads_are_no_obstacle():
    """A stride and a recurrent layer: the window's last row is not read."""
    rng = np.random.default_rng(18)
    net = Net(rng, (24, 1, 3))
    name = net.add("conv2d", ["x"], (11, 1, 4), {"stride": (2, 1)}, weights=rng.normal(0, 0.5, (4, 3, 1, 3)))
    arrays = {"weights": rng.normal(0, 1, (4, 4)), "recurrent": rng.normal(0, 1, (4, 4)), "bias": np.zeros(4)}
    graph = net.done(net.add("simple_rnn", [name], (1, 1, 4), {"kind": "tanh"}, **arrays))
    assert (widened(graph).before, widened(graph).after) == (0, -1)
    c = convert(graph, samples((24, 3)), np.arange(24) % 4, stream=2, causal=True)
    assert c.streaming.loss.form == "the form whose states go on" and c.streaming.loss.after == 0


def test_only_new_rows_are_computed():
    rng = np.random.default_rng(6)
    net = Net(rng, (100, 1, 4))
    name = net.add("conv2d", ["x"], (96, 1, 8), {}, weights=rng.normal(0, 0.5, (8, 5, 1, 4)))
    name = net.add("conv2d", [name], (92, 1, 8), {}, weights=rng.normal(0, 0.5, (8, 5, 1, 8)))
    name = net.add("global_avg_pool", [name], (1, 1, 8))
    graph = quantised(net.done(name), rng)
    core = CoreModel(streamed(graph, 1).graph, feed=True)
    assert core.totals.macs == 5 * 4 * 8 + 5 * 8 * 8
    assert core.state_bytes == 5 * 4 + 5 * 8 + 92 * 8
    assert CoreModel(graph).totals.macs == 96 * 5 * 4 * 8 + 92 * 5 * 8 * 8


# ---- Refused ----


def refused(graph: Graph, hop: int = 1) -> str:
    with pytest.raises((UnsupportedError, DataError)) as e:
        streamed(graph, hop)
    return str(e.value)


def test_hops_that_do_not_divide_name_layer_and_least_hop():
    rng = np.random.default_rng(7)
    net = Net(rng, (40, 1, 2))
    name = net.window("x", "max_pool", 2, 2)
    name = net.window(name, "max_pool", 3, 3)
    graph = net.done(name)
    assert least_hop(graph) == 6
    for hop in (1, 2, 3, 4, 7, 9):
        text = refused(graph, hop)
        assert ("max_pool2" if hop in (2, 4) else "max_pool1") in text and "multiple of 6, the least hop" in text
    assert "expected 1 row or more" in refused(graph, 0) and "expected 1 row or more" in refused(graph, -6)
    assert_equal(graph, 6, rng)


def test_what_cannot_stream_is_named():
    rng = np.random.default_rng(8)
    net = Net(rng, (20, 1, 3))
    mean = net.add("global_avg_pool", ["x"], (1, 1, 3))
    centred = net.add("sub", ["x", mean], (20, 1, 3))
    assert "'sub2' (sub) joins rows with 'global_avg_pool1'" in refused(net.done(centred))
    net = Net(rng, (20, 1, 3))
    units = {"weights": rng.normal(0, 1, (4, 3)), "recurrent": rng.normal(0, 1, (4, 4)), "bias": np.zeros(4)}
    name = net.add("simple_rnn", ["x"], (1, 1, 4), {"kind": "tanh"}, **units)
    text = refused(net.done(name))
    assert (
        "'simple_rnn1' (simple_rnn) begins anew with each window, its state zeros, so that windows that overlap" in text
    )
    net = Net(rng, (20, 1, 3))
    net.graph.add_tensor(Tensor("places", (20, 1, 3), data=np.zeros((20, 1, 3), np.float32)))
    name = net.add("add", ["x", "places"], (20, 1, 3))
    assert "reads constant 'places', which has a row for each row of the window" in refused(net.done(name))
    net = Net(rng, (20, 1, 3))
    name = net.add("mirror_pad", ["x"], (22, 1, 3), {"padding": (1, 1, 0, 0), "mode": "reflect"})
    graph = net.done(name)
    assert "mirrors 1 rows above" in refused(graph)
    with pytest.raises(UnsupportedError, match="mirrors"):
        widened(graph)
    net = Net(rng, (1, 1, 3))
    assert "has one row" in refused(net.done(net.add("activation", ["x"], (1, 1, 3), {"kind": "tanh"})))


def test_a_flat_input_gets_its_rows():
    rng = np.random.default_rng(9)
    net = Net(rng, (1, 1, 40))
    name = net.add("reshape", ["x"], (20, 2, 1), {"shape": (20, 2, 1)})
    name = net.add("conv2d", [name], (18, 1, 3), {}, weights=rng.normal(0, 1, (3, 3, 2, 1)))
    graph = quantised(net.done(name), rng)
    assert_equal(rows_first(graph), 2, rng)
    assert streamed(graph, 2).graph.tensors["x"].shape == (2, 2, 1)


# ---- Recurrent layers ----


def recurrent_net(rng: np.random.Generator, rows: int = 24) -> tuple[Graph, int]:
    """A convolution without padding, a recurrent layer or two, a head; and the rows that the convolution reaches."""
    net, kernel = Net(rng, (rows, 1, 3)), int(rng.integers(1, 5))
    weights = rng.normal(0, 0.5, (4, kernel, 1, 3))
    name, h, c = net.add("conv2d", ["x"], (rows - kernel + 1, 1, 4), {}, weights=weights), rows - kernel + 1, 4
    for last in (False, True):
        op, units = str(rng.choice(["simple_rnn", "gru", "lstm"])), int(rng.integers(1, 6))
        gates = {"simple_rnn": 1, "gru": 3, "lstm": 4}[op] * units
        arrays = {"weights": rng.normal(0, 0.6, (gates, c)), "recurrent": rng.normal(0, 0.6, (gates, units))}
        attrs = {"kind": "tanh", "sequence": not last}
        if last or rng.random() < 0.5:
            shape = (1 if last else h, 1, units)
            name, c = net.add(op, [name], shape, attrs, bias=rng.normal(0, 0.2, gates), **arrays), units
    name = net.add("dense", [name], (1, 1, 3), weights=rng.normal(0, 0.5, (3, c)), bias=np.zeros(3))
    return net.done(name), kernel


def over_all(graph: Graph, rows: int, kernel: int) -> Graph:
    """The same layers over so many rows, with zeros before the signal begins."""
    result = copy_graph(graph)
    for tensor in result.tensors.values():
        if tensor.shape[0] > 1:
            tensor.shape = (rows, *tensor.shape[1:])
    for node in result.nodes:
        if node.op == "conv2d":
            node.attrs["padding"] = (kernel - 1, 0, 0, 0)
    return result


@pytest.mark.parametrize("seed", range(CASES // 2))
def test_recurrent_states_go_on(seed):
    rng = np.random.default_rng(2000 + seed)
    graph, kernel = recurrent_net(rng)
    if seed % 3:
        graph = quantised(graph, rng)
    with pytest.raises(UnsupportedError, match="begins anew with each window"):
        streamed(graph, 1)
    hop = int(rng.integers(1, 6))
    stream = streamed(graph, hop, causal=True)
    signal = signal_for(graph, 30 * hop, rng)
    core = CoreModel(stream.graph, feed=bool(seed % 2), mode=str(rng.choice(["auto", "whole", "smallest"])))
    steps = core.run_many([signal.reshape(30, hop, *signal.shape[1:])])[0]
    for n in (1, 2, 7, 30):
        whole = CoreModel(over_all(graph, n * hop, kernel)).run([signal[: n * hop]])[0]
        assert np.array_equal(steps[n - 1], whole)


@pytest.mark.parametrize("seed", range(6))
def test_windows_behind_recurrent_layers(seed):
    """Of a sequence without end its new rows, and the maxima of a window of it."""
    rng = np.random.default_rng(3000 + seed)
    net, kernel, hop = Net(rng, (20, 1, 2)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    rows = 20 - kernel + 1
    name = net.add("conv2d", ["x"], (rows, 1, 3), {}, weights=rng.normal(0, 0.6, (3, kernel, 1, 2)))
    arrays = {"weights": rng.normal(0, 0.6, (20, 3)), "recurrent": rng.normal(0, 0.6, (20, 5)), "bias": np.zeros(20)}
    name = net.add("lstm", [name], (rows, 1, 5), {"kind": "tanh", "sequence": True}, **arrays)
    graph = quantised(net.done(name, net.add("global_max_pool", [name], (1, 1, 5))), rng)
    stream = streamed(graph, hop, causal=True)
    signal = signal_for(graph, 40 * hop, rng)
    new, most = CoreModel(stream.graph, feed=True).run_many([signal.reshape(40, hop, 1, 2)])
    every = CoreModel(over_all(graph, 40 * hop, kernel)).run([signal])[0]
    assert np.array_equal(new.reshape(every.shape), every)
    for n in range(stream.graph.warm_up, 40):
        begin = (n - stream.graph.warm_up) * hop + kernel - 1
        assert np.array_equal(most[n, 0], every[begin : begin + rows].max(axis=0))
    prove_long(graph, hop, signal)


def test_a_recurrent_model_is_converted_with_its_loss(capsys):
    rng = np.random.default_rng(15)
    graph, _ = recurrent_net(rng)
    x, y = samples((24, 3)), np.arange(24) % 3
    with pytest.raises(UnsupportedError, match=r"whose states go on streams .*accuracy"):
        convert(graph, x, y, stream=2)
    c = convert(graph, x, y, stream=2, causal=True)
    assert c.streaming.proof.rows >= 1000 and c.streaming.loss.form == "the form whose states go on"
    assert c.streaming.loss.accuracy_after is not None and "nnom_slide" in c.source


def test_layers_that_begin_at_the_end_cannot_stream():
    rng = np.random.default_rng(16)
    net = Net(rng, (20, 1, 3))
    units = {"weights": rng.normal(0, 1, (4, 3)), "recurrent": rng.normal(0, 1, (4, 4)), "bias": np.zeros(4)}
    name = net.add("simple_rnn", ["x"], (1, 1, 4), {"kind": "tanh", "backwards": True}, **units)
    graph = net.done(name)
    with pytest.raises(UnsupportedError, match="begins at the window's end"):
        streamed(graph, 1, causal=True)


# ---- States ----


def test_a_state_goes_on_elsewhere():
    rng = np.random.default_rng(10)
    graph = quantised(random_net(rng), rng)
    hop = least_hop(graph)
    stream = streamed(graph, hop)
    signal = signal_for(graph, 40 * hop, rng).reshape(40, hop, *graph.tensors["x"].shape[1:])
    one, two = (CoreModel(stream.graph, feed=True, mode=mode) for mode in ("auto", "whole"))
    expected = one.run_many([signal])[0]
    one.forget()
    one.run_many([signal[:17]])
    kept = one.save_state()
    one.run_many([signal[30:]])
    for core in (one, two):
        core.restore_state(kept)
        assert np.array_equal(core.run_many([signal[17:]])[0], expected[17:])
    with pytest.raises(CoreError, match="another model"):
        CoreModel(streamed(graph, 2 * hop).graph, feed=True).restore_state(kept + bytes(1000))
    with pytest.raises(CoreError, match="too small"):
        one.restore_state(kept[:-1])


# ---- Files ----


def samples(shape: tuple[int, ...], count: int = 24) -> np.ndarray:
    return np.random.default_rng(11).normal(0, 0.5, (count, *shape)).astype(np.float32)


def test_the_command_offers_the_form_without_padding(tmp_path, capsys):
    np.save(tmp_path / "x.npy", samples((128, 9)))
    np.save(tmp_path / "y.npy", np.arange(24) % 6)
    words = ["convert", str(ROOT / "examples/uci_har/model.keras"), "--calibration", str(tmp_path / "x.npy")]
    words += ["--labels", str(tmp_path / "y.npy"), "-o", str(tmp_path / "out")]
    assert main([*words, "--stream", "8"]) == 1
    error = capsys.readouterr().err
    assert "'conv1' (conv2d) pads in time: 3 rows above each window and 4 below" in error
    assert "(--causal)" in error and "135 rows" in error and "accuracy" in error and not (tmp_path / "out").exists()
    assert main([*words, "--stream", "12", "--causal"]) == 1
    assert "--stream 12" in (error := capsys.readouterr().err) and "multiple of 8, the least hop" in error
    assert main([*words, "--causal"]) == 1 and "--causal: needs --stream" in capsys.readouterr().err
    assert main([*words, "--stream", "8", "--sequence"]) == 1 and "--sequence" in capsys.readouterr().err
    assert main([*words, "--stream", "8", "--causal"]) == 0
    text = capsys.readouterr().out
    assert "equal the whole run to the byte" in text and "the form without padding in time: on 24 samples" in text
    assert main([*words, "--stream", "8", "--causal", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["stream"]
    assert found["hop_rows"] == 8 and found["window_rows"] == 135 and found["first_output_rows"] == 136
    assert found["macs"] == 38720 and found["window_macs"] == 116480 and found["state_bytes"] == 400
    assert found["proof"]["equal"] and found["proof"]["windows"] >= 32
    assert found["causal"]["before"] == 3 and found["causal"]["accuracy_after"] is not None
    header = (tmp_path / "out" / "model.h").read_text()
    assert "model_feed(const int8_t *rows, uint32_t n);" in header or "_feed(const int8_t" in header
    assert "from row 136 on" in header


@needs_board
def test_a_frozen_stream_on_the_board(tmp_path):
    """Its self test; hop by hop the bytes of whole windows."""
    c = convert(ROOT / "examples/uci_har/model.keras", samples((128, 9)), stream=8, causal=True, method="minmax")
    rng = np.random.default_rng(12)
    signal = signal_for(c.streaming.batch, 8 * 24, rng)
    hops = signal.reshape(24, 8, 1, 9)
    on_board = run_board(c.graph, "cortex-m4", [hops], plan=Plan(feed=True))
    whole = CoreModel(c.streaming.batch)
    for n in range(c.graph.warm_up, 24):
        begin = (n - c.graph.warm_up) * 8
        assert np.array_equal(on_board.outputs[0][n], whole.run([signal[begin : begin + 135]])[0])
    full = run_board(c.streaming.batch, "cortex-m4", [signal[np.newaxis, :135]])
    assert on_board.instructions * 2 < full.instructions


@needs_shared
def test_the_wake_word_streams():
    graph = prepare(load(SHARED / "models/sww/streaming_wakeword_int8.tflite")).graph
    rng = np.random.default_rng(13)
    for hop in (1, 4):
        assert_equal(graph, hop, rng, windows=40, mode="auto", feed=True)
    totals = CoreModel(streamed(graph, 1).graph).totals
    assert totals.macs * 17 < CoreModel(graph).totals.macs


@needs_shared
def test_the_wake_word_equals_tflite_micro_over_a_long_signal():
    """Hop by hop the bytes that TFLite Micro gives for each window. NNOM_WINDOWS: how many (default 150)."""
    pytest.importorskip("tflite_micro", reason="needs the package tflite-micro")
    from oracle.micro import Micro

    path = SHARED / "models/sww/streaming_wakeword_int8.tflite"
    windows = int(os.environ.get("NNOM_WINDOWS", "150"))
    signal = signal_for(prepare(load(path)).graph, windows + 29, np.random.default_rng(17))
    signal[50:] //= 3  # loud and quiet
    core = CoreModel(streamed(prepare(load(path)).graph, 1).graph, feed=True)
    got, judge = core.run_many([signal[:, np.newaxis]])[0][29:], Micro(path.read_bytes())
    for n in range(windows):
        assert np.array_equal(got[n].ravel(), judge.run([signal[np.newaxis, n : n + 30]])[0].ravel()), n


def test_plans_of_a_stream_keep_budgets():
    rng = np.random.default_rng(14)
    graph = streamed(quantised(random_net(rng), rng), least_hop(random_net(np.random.default_rng(14)))).graph
    least = CoreModel(graph, mode="smallest", feed=True).totals.arena_bytes
    assert replace(Plan(), arena_bytes=least, feed=True).compile(graph).totals.arena_bytes <= least
