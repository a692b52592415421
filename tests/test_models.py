# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Real trained .tflite models from file to output: int8 to the byte of TFLite Micro, float within 1e-5.

Every case is skipped where the models are not there (oracle/shared.py). NNOM_FULL=1: every model on the boards, too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite", reason="needs the package tflite")
pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")

from nnom.conversion import Prepared, load, prepare  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.errors import DataError  # noqa: E402
from nnom.evaluation import float_form  # noqa: E402
from nnom.running import run_board  # noqa: E402
from oracle import shared  # noqa: E402

pytestmark = pytest.mark.skipif(not shared.here(), reason=shared.ABSENT)
INT8, FLOAT, HYBRID = (shared.models(form) for form in ("int8", "float32", "hybrid"))
WAYS = [{"mode": "whole"}, {"mode": "auto"}, {"mode": "smallest"}, {"mode": "smallest", "feed": True}]
ON_BOARD = 4  # inputs
SMALL = ("hello_world_int8", "micro_speech_int8", "mnist_valid_int8", "mnist_dw_int8", "har_cnn1d_int8")
MLPERF = ("kws_dscnn_int8", "resnet8_int8", "mobilenetv1_025_int8", "autoencoder_int8")
HEAVY = ("resnet8_int8", "mobilenetv1_025_int8")
FULL = bool(os.environ.get("NNOM_FULL"))
ROOT = Path(__file__).resolve().parent.parent


def stem(path: Path) -> str:
    return path.stem


@cache
def prepared(path: Path) -> Prepared:
    return prepare(path)


def check(core: CoreModel, inputs: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for i in range(len(inputs[0])):
        for k, got in enumerate(core.run([x[i] for x in inputs])):
            assert np.array_equal(got.reshape(-1), expected[k][i].reshape(-1)), f"input {i}, output {k}"


@pytest.mark.parametrize("path", INT8, ids=stem)
def test_int8_model_gives_the_bytes_of_tflite_micro(path: Path) -> None:
    """Whole, rolling and fed row by row; every output."""
    inputs, expected = shared.golden(path)
    graph = prepared(path).graph
    assert len(inputs) == len(graph.inputs) and len(expected) == len(graph.outputs)
    for way in WAYS:
        if len(inputs) == 1 or "feed" not in way:
            check(CoreModel(graph, **way), inputs, expected)


@pytest.mark.parametrize("path", INT8, ids=stem)
def test_int8_model_on_noise_and_extremes(path: Path) -> None:
    core, judge = CoreModel(prepared(path).graph, mode="auto"), shared.reference(path)
    inputs = shared.random_inputs([p.shape for p in core.inputs], 16, seed=3)
    results = [judge.run([x[i] for x in inputs]) for i in range(16)]
    check(core, inputs, [np.stack(r) for r in zip(*results, strict=True)])


def boards(path: Path) -> list[str]:
    if FULL or path.stem in (*SMALL, *MLPERF):
        return ["cortex-m4"] if path.stem in HEAVY and not FULL else ["cortex-m4", "rv32"]
    return []


ON_BOARDS = [(path, board) for path in INT8 for board in boards(path)]


@pytest.mark.parametrize(("path", "board"), ON_BOARDS, ids=lambda v: getattr(v, "stem", v))
def test_int8_model_on_an_emulated_board(path: Path, board: str) -> None:
    inputs, expected = shared.golden(path)
    result = run_board(prepared(path).graph, board, [_shaped(x, path, k) for k, x in enumerate(inputs)])
    for got, want in zip(result.outputs, expected, strict=True):
        assert np.array_equal(got.reshape(ON_BOARD, -1), want[:ON_BOARD].reshape(ON_BOARD, -1))


def _shaped(x: np.ndarray, path: Path, k: int) -> np.ndarray:
    graph = prepared(path).graph
    return x[:ON_BOARD].reshape(ON_BOARD, *graph.tensors[graph.inputs[k]].shape)


@pytest.mark.parametrize("path", FLOAT, ids=stem)
def test_float_model_computes_what_litert_does(path: Path) -> None:
    inputs, expected = shared.golden(path)
    core = CoreModel(float_form(load(path)).graph)
    for i in range(len(inputs[0])):
        for k, got in enumerate(core.run([x[i] for x in inputs])):
            want = expected[k][i].reshape(-1)
            assert np.abs(got.reshape(-1) - want).max() <= 1e-5 * max(1.0, np.abs(want).max()), f"input {i}"


@pytest.mark.parametrize("path", HYBRID, ids=stem)
def test_dynamic_range_model_needs_data_and_says_why(path: Path) -> None:
    with pytest.raises(DataError, match="dynamic-range.*calibration"):
        prepare(path)
    data = shared.real(path)
    scale, zero = shared.stored_scale(path)
    x = (data.x[::10].astype(np.float32) - zero) * np.float32(scale)
    p = prepare(path, x)
    assert not p.graph.is_float
    assert any("dequantised" in line for line in p.warnings)


@pytest.mark.parametrize("path", [p for p in INT8 if p.stem == "mobilenetv1_025_int8"], ids=stem)
def test_conversion_takes_less_than_500_mb(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nnom", "convert", str(path), "-o", str(tmp_path / "out")]
    script = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    text = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=True).stdout
    status, kilobytes = map(int, text.split()[-2:])
    assert status == 0 and (tmp_path / "out" / "model.c").exists()
    assert kilobytes < 500_000
