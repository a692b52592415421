# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A model frozen for each target passes its self test as C: its arrays are as long as its kernels read, all agree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from nnom.core import CoreModel, host_model, targets
from nnom.graph import Graph, Node, Tensor, Weight
from nnom.quantise import quantise

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["gcc", "-std=c99", "-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
         f"-I{ROOT}/include", f"-I{ROOT}/port"]  # fmt: skip


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The library's objects with sanitizers."""
    folder = tmp_path_factory.mktemp("objects")
    sources = [str(p) for p in (ROOT / "src").rglob("*.c") if not p.name.startswith("freeze")]
    subprocess.run([*FLAGS, "-c", *sources], check=True, timeout=400, cwd=folder)
    return [str(p) for p in folder.glob("*.o")]


def _gru(rng: np.random.Generator) -> dict[str, Weight]:
    shapes = {"weights": (21, 5), "recurrent": (21, 7), "bias": (21,)}
    return {name: Weight(rng.normal(0, 0.3, shape).astype(np.float32)) for name, shape in shapes.items()}


def network() -> Graph:
    """Float: Conv2D, DW_Conv2D, also of one channel, a transposed one, LSTM, GRU, Dense; odd numbers of channels."""
    rng = np.random.default_rng(3)

    def weights(*shape: int) -> dict[str, Weight]:
        # depthwise_conv2d has its channels last, the others first
        channels = shape[-1] if len(shape) == 3 else shape[0]
        return {
            "weights": Weight(rng.normal(size=shape).astype(np.float32)),
            "bias": Weight(rng.normal(size=channels).astype(np.float32)),
        }

    window = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 1, 1)}
    g = Graph("net", "net")
    g.add_tensor(Tensor("x", (7, 6, 3)))
    g.inputs = ["x"]
    g.add(Node("conv2d", "conv", ["x"], "c", window, weights(11, 3, 3, 3)), (7, 6, 11))
    g.add(Node("depthwise_conv2d", "depthwise", ["c"], "d", window, weights(3, 3, 11)), (7, 6, 11))
    up = {"stride": (2, 2), "padding": (0, 0, 0, 0)}
    g.add(Node("conv2d_transpose", "up", ["d"], "u", up, weights(5, 3, 2, 11)), (15, 12, 5))
    point = window | {"padding": (0, 0, 0, 0)}
    g.add(Node("conv2d", "one", ["u"], "o", point, weights(1, 1, 1, 5)), (15, 12, 1))
    g.add(Node("depthwise_conv2d", "twice", ["o"], "t", window, weights(3, 3, 2)), (15, 12, 2))
    g.add(Node("reshape", "steps", ["t"], "s", {"shape": (15, 1, 24)}), (15, 1, 24))
    cell = {n: weights(*shape)["weights"] for n, shape in (("weights", (20, 24)), ("recurrent", (20, 5)))}
    cell = {n: Weight(w.data / 8) for n, w in cell.items()} | {"bias": Weight(np.zeros(20, np.float32))}
    g.add(Node("lstm", "lstm", ["s"], "l", {"kind": "tanh", "sequence": True}, cell), (15, 1, 5))
    g.add(Node("gru", "gru", ["l"], "r", {"kind": "tanh"}, _gru(rng)), (1, 1, 7))
    g.add(Node("dense", "dense", ["r"], "y", {}, weights(5, 7)), (1, 1, 5))
    g.outputs = ["y"]
    return g


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_frozen_for_each_target(tmp_path: Path, objects: list[str], dtype: str) -> None:
    graph, x = network(), np.random.default_rng(4).normal(size=(20, 7, 6, 3)).astype(np.float32)
    if dtype == "int8":
        graph = quantise(graph, [x], "minmax").graph
    sample = CoreModel(graph).inputs[0].quantize(x[:1])
    (expected,) = CoreModel(graph).run_many([sample])
    np.testing.assert_array_equal(host_model(graph).run_many([sample])[0], expected)
    for target in targets():
        core = CoreModel(graph, target=target, optimize="speed")
        np.testing.assert_array_equal(core.run_many([sample])[0], expected)
        source, header = core.freeze(f"net_{target}", [sample[0]])
        (tmp_path / "model.h").write_text(header)
        (tmp_path / "model.c").write_text(source)
        (tmp_path / "main.c").write_text(
            f'#include "model.h"\nint main(void) {{ return net_{target}_selftest() == NNOM_OK ? 0 : 1; }}\n'
        )
        files = [str(tmp_path / n) for n in ("main.c", "model.c")]
        command = [*FLAGS, f"-I{tmp_path}", *files, *objects, "-lm", "-o", str(tmp_path / "run")]
        subprocess.run(command, check=True, timeout=120)
        assert subprocess.run([str(tmp_path / "run")], timeout=60).returncode == 0, target
        if dtype == "int8" and target == "dsp":
            assert all(f"nnom_{name}" in source for name in ("conv2d_transpose_s8_dsp", "lstm_s16_sequence_dsp"))
