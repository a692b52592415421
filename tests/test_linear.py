# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Work is linear in the layers, arrays are written once, memory of convert is bounded, the least is the least."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from nnom.conversion import convert, load, prepare
from nnom.core import CoreModel
from nnom.errors import CoreError, UnsupportedError
from nnom.graph import Graph, Node, Quant, Tensor, Weight
from nnom.passes import fold
from nnom.quantise import quantise, sketch

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared"))
PLAIN = {"activation": "none"}


def recurrent(steps: int, units: int = 16, features: int = 3) -> Graph:
    """An LSTM layer as its importers unroll it: steps x (two Dense, bias, four gates, state) of shared weights."""
    rng = np.random.default_rng(5)
    g = Graph("lstm", "lstm")
    g.add_tensor(Tensor("x", (steps, 1, features)))
    g.inputs = ["x"]
    shared = {
        "w": Weight(rng.normal(size=(4 * units, features)).astype(np.float32) * 0.5),
        "u": Weight(rng.normal(size=(4 * units, units)).astype(np.float32) * 0.3),
    }
    g.add_tensor(Tensor("b", (1, 1, 4 * units), data=rng.normal(size=(1, 1, 4 * units)).astype(np.float32)))

    def add(op: str, inputs: list[str], width: int, attrs: dict | None = None, weight: str = "") -> str:
        name = f"{op}{len(g.nodes)}"
        weights = {"weights": Weight(shared[weight].data)} if weight else {}
        return g.add(Node(op, name, inputs, name, attrs or dict(PLAIN), weights), (1, 1, width))

    def cut(source: str, begin: tuple[int, int, int], width: int) -> str:
        return add("slice", [source], width, {"begin": begin, "size": (1, 1, width), "stride": (1, 1, 1)})

    h = c = ""
    for t in range(steps):
        z = add("dense", [cut("x", (t, 0, 0), features)], 4 * units, weight="w")
        z = add("add", [z, add("dense", [h], 4 * units, weight="u")], 4 * units) if h else z
        z = add("add", [z, "b"], 4 * units)
        gates = [
            add("activation", [cut(z, (0, 0, k * units), units)], units, {"kind": kind})
            for k, kind in enumerate(("sigmoid", "tanh", "sigmoid", "sigmoid"))
            if k != 3 or c
        ]
        i, n, o = gates[:3]
        new = add("mult", [i, n], units)
        c = add("add", [add("mult", [gates[3], c], units), new], units) if c else new
        h = add("mult", [o, add("activation", [c], units, {"kind": "tanh"})], units)
    g.outputs = [h]
    return g


def chain(nodes: int) -> Graph:
    """Convolutions, tables and sums, each with weights of its own."""
    rng = np.random.default_rng(0)
    g = Graph("chain", "chain")
    g.add_tensor(Tensor("x", (8, 2, 2)))
    g.inputs = ["x"]
    window = {"activation": "relu", "stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 0, 0)}
    last = before = "x"
    for k in range(nodes):
        op, attrs, inputs = (
            ("conv2d", dict(window), [last]),
            ("activation", {"kind": "tanh"}, [last]),
            ("add", dict(PLAIN), [last, before]),
        )[k % 3]
        weights = {"weights": Weight(rng.normal(size=(2, 3, 1, 2)).astype(np.float32))} if op == "conv2d" else {}
        before = last if k % 3 == 1 else before
        last = g.add(Node(op, f"n{k}", inputs, f"n{k}", attrs, weights), (8, 2, 2))
        before = last if k % 3 != 1 else before
    g.outputs = [last]
    return g


def seconds(work) -> float:  # noqa: ANN001
    start = time.process_time()
    work()
    return time.process_time() - start


def test_folding_is_linear() -> None:
    """It was cubic: 302 s of 150 steps. Twice the steps may take little more than twice the time."""
    one, two = recurrent(100), recurrent(200)
    short, long = (min(seconds(lambda g=g: fold(g)) for _ in range(3)) for g in (one, two))
    assert long < 3.5 * short + 0.1


def test_many_nodes_convert() -> None:
    """Measured: 5 s. The limit of the issue is 20 s for twice as many; busy machines get more."""
    x = np.random.default_rng(1).normal(size=(8, 8, 2, 2)).astype(np.float32)
    assert seconds(lambda: convert(chain(1500), x, method="minmax")) < 60


def test_steps_of_a_recurrent_layer_share_everything() -> None:
    """Fifty steps took 311 kB: weights, biases, multipliers and tables once per step."""
    x = np.random.default_rng(2).normal(size=(20, 50, 1, 3)).astype(np.float32)
    c = convert(recurrent(50), x)
    assert c.core.totals.weight_bytes <= 20_000
    arrays = re.findall(r"static const \w+ \w+_a\d+\[\d+\] = \{([^}]*)\};", c.source)
    assert len(arrays) == len(set(arrays)) and len(arrays) < 40
    assert sum(n.weight_bytes for n in c.layers) == c.core.totals.weight_bytes
    assert min(c.report.output_sqnr) > 20


def test_150_unrolled_steps() -> None:
    path = SHARED / "cases" / "tflite" / "lstm_150_unrolled_float.tflite"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    graph = load(path)
    x = np.random.default_rng(3).normal(size=(4, *graph.tensors[graph.inputs[0]].shape)).astype(np.float32)
    assert seconds(lambda: prepare(graph, x, "minmax")) < 40


def test_a_graph_knows_its_neighbours() -> None:
    """Whatever is done to nodes: the maps say what a search says."""
    rng = np.random.default_rng(4)
    g = recurrent(4)
    for _ in range(300):
        node = g.nodes[rng.integers(len(g.nodes))]
        kind = rng.integers(4)
        if kind == 0 and len(g.nodes) > 10:
            g.remove(node)
            g.redirect(node.output, node.inputs[0])
            assert node not in g
        elif kind == 1:
            node.inputs = [str(rng.choice(list(g.tensors))) for _ in node.inputs]
        elif kind == 2:
            g.redirect(node.inputs[0], str(rng.choice(list(g.tensors))))
        else:
            g.nodes.append(Node("flatten", "new", [node.output], g.unique("new")))
            g.tensors[g.nodes[-1].output] = Tensor(g.nodes[-1].output, (1, 1, 1))
        for name in g.tensors:
            assert set(g.consumers(name)) == {n for n in g.nodes if name in n.inputs}
            assert g.producer(name) is next((n for n in g.nodes if n.output == name), None)


MEMORY = """
import resource, sys, numpy as np
from nnom.conversion import convert
from nnom.graph import Graph, Node, Quant, Tensor, Weight
limit = int(sys.argv[2]) << 20
g = Graph("g", "g")
if sys.argv[1] == "dense":
    g.add_tensor(Tensor("x", (1, 1, 2048)))
    w = np.random.default_rng(0).normal(size=(2048, 2048)).astype(np.float32)
    g.outputs = [g.add(Node("dense", "y", ["x"], "y", {"activation": "none"}, {"weights": Weight(w)}), (1, 1, 2048))]
    x = np.random.default_rng(1).normal(size=(20, 2048)).astype(np.float32)
else:
    q, shape, x = Quant(0.5, 0), (10_000_000, 1, 1), None
    g.add_tensor(Tensor("x", shape, "int8", q))
    g.outputs = [g.add(Node("activation", "y", ["x"], "y", {"kind": "relu"}), shape, "int8", q)]
g.inputs = ["x"]
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
convert(g, x, out=sys.argv[3])
lines = open("/proc/self/status").read().splitlines()  # of this program alone: ru_maxrss counts who started it, too
used = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
sys.exit(0 if used < limit * 1024 // 1048576 else f"{used} kB")
"""


@pytest.mark.parametrize(("kind", "limit"), [("dense", 20 * 16 + 150), ("rows", 150)])
def test_memory_of_convert(tmp_path: Path, kind: str, limit: int) -> None:
    """20 times the file and 150 MB: 16 MB of weights took 3.8 GB, ten million rows 4.5 GB."""
    command = [sys.executable, "-c", MEMORY, kind, str(limit), str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stderr[-500:]
    assert kind != "rows" or (tmp_path / "model.c").stat().st_size < 100_000


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The library's objects, quickly compiled."""
    folder = tmp_path_factory.mktemp("objects")
    sources = [str(p) for p in (ROOT / "src").rglob("*.c") if not p.name.startswith("freeze")]
    command = ["gcc", "-std=c99", "-O0", f"-I{ROOT}/include", f"-I{ROOT}/port", "-c", *sources]
    subprocess.run(command, check=True, timeout=120, cwd=folder)
    return [str(p) for p in folder.glob("*.o")]


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_large_self_test_is_shortened(tmp_path: Path, objects: list[str], dtype: str) -> None:
    """The stored part is repeated, a sum is compared: as C, it passes, and fails when the sum differs."""
    q = Quant(1 / 64, 3) if dtype == "int8" else None
    g = Graph("large", "large")
    g.add_tensor(Tensor("x", (300, 100, 3), dtype, q))
    g.inputs = ["x"]
    g.outputs = [g.add(Node("activation", "y", ["x"], "y", {"kind": "relu"}), (300, 100, 3), dtype, q)]
    source, header = CoreModel(g).freeze(
        "large", [np.random.default_rng(0).integers(-90, 90, (300, 100, 3)).astype(dtype)]
    )
    (tmp_path / "model.h").write_text(header)
    main = '#include "model.h"\nint main(void) { return large_selftest() == NNOM_OK ? 0 : 1; }\n'
    (tmp_path / "main.c").write_text(main)
    damaged = re.sub(r"(large_test_sum\(.*?\) != )\d+u", r"\g<1>7u", source)
    assert len(source) < 60_000 and damaged != source
    for text, expected in ((source, 0), (damaged, 1)):
        (tmp_path / "model.c").write_text(text)
        command = ["gcc", "-std=c99", "-O0", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", f"-I{ROOT}/port"]
        subprocess.run([*command, f"-I{tmp_path}", *(str(tmp_path / n) for n in ("main.c", "model.c")), *objects,
                        "-lm", "-o", str(tmp_path / "run")], check=True, timeout=120)  # fmt: skip
        assert subprocess.run([str(tmp_path / "run")]).returncode == expected


def test_the_least_is_the_least() -> None:
    """Of a plan with many layers: what `smallest` takes, what a refusal names, and that nothing below it fits."""
    g = sketch(fold(recurrent(12)))
    least = CoreModel(g, mode="smallest").totals.arena_bytes
    with pytest.raises(CoreError, match=f"least possible, {least};"):
        CoreModel(g, mode="auto", arena_bytes=1)
    assert CoreModel(g, mode="auto", arena_bytes=least).totals.arena_bytes <= least
    for budget in np.linspace(least // 2, least - 1, 12).astype(int):
        with pytest.raises(CoreError, match="least possible"):
            CoreModel(g, mode="auto", arena_bytes=int(budget))


def test_tensors_too_large_to_calibrate_are_refused() -> None:
    """A file of 1 kB whose one operator makes 16 million values: 0.8 GB of calibration."""
    g = Graph("g", "big.tflite", inputs=["x"])
    g.add_tensor(Tensor("x", (16, 16, 1)))
    g.outputs = [g.add(Node("resize_nearest", "y", ["x"], "y", {"shape": (4096, 4096, 1)}), (4096, 4096, 1))]
    with pytest.raises(UnsupportedError, match="16,777,216 elements.*8,388,608"):
        quantise(g, [np.zeros((2, 16, 16, 1), np.float32)])
