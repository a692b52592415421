# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A frozen model explains itself: helpers for numbers, ports by name, where it comes from, its layers on the device."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import run_examples
from nnom import boards, cli
from nnom.cli.words import command_text
from nnom.conversion import convert
from nnom.core import CoreModel
from nnom.graph import Graph, Node, Quant, Tensor

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "examples" / "basic_motions" / "model.keras"
STRICT = [
    "-std=c99",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Werror",
    "-ffunction-sections",
    "-fdata-sections",
]
INCLUDES = [f"-I{ROOT / folder}" for folder in ("include", "port")]
S8, U8 = Quant(0.0372, -5), Quant(1.0, 128)


def graph() -> Graph:
    """Ends of several types; names that are no identifiers, twice the same after all."""
    g = Graph("ends", "ends")
    shape = (1, 2, 3)
    for name, dtype, quant in (("a b", "int8", S8), ("a:b", "uint8", U8), ("x/1", "float32", None)):
        g.add_tensor(Tensor(name, shape, dtype, quant))
    g.inputs = ["a b", "a:b", "x/1"]
    g.outputs = [
        g.add(Node("activation", "digits", ["a b"], "digits", {"kind": "relu"}), shape, "int8", S8),
        g.add(Node("quantize", "to int8", ["a:b"], "to int8"), shape, "int8", Quant(1.0, 0)),
        g.add(Node("activation", "__", ["x/1"], "__", {"kind": "relu"}), shape, "float32"),
        g.add(Node("arg_max", "best", ["a b"], "best", {"axis": 2}), (1, 2, 1), "int32"),
    ]
    return g


def program(folder: Path, main: str, source: str, header: str, *more: str) -> Path:
    """A program with a frozen model, for this computer."""
    for name, text in (("main.c", main), ("model.c", source), ("model.h", header)):
        (folder / name).write_text(text)
    out = folder / "program"
    command = ["gcc", *STRICT, *INCLUDES, folder / "main.c", folder / "model.c", run_examples.host_library(), *more]
    done = subprocess.run([*map(str, command), "-lm", "-o", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def output_of(path: Path) -> str:
    done = subprocess.run([str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- Numbers ----

REALS = """
#include <math.h>
#include <stdio.h>
#include "model.h"
static const float x[] = {VALUES};
int main(void)
{
    for (unsigned i = 0; i < sizeof x / sizeof x[0]; i++) {
        const float same = ends_quantize_input2(x[i]);
        printf("%d %d %a\\n", ends_quantize_input(x[i]), ends_quantize_input1(x[i]), (double)same);
    }
    printf("%d %d %d\\n", ends_quantize_input(NAN), ends_quantize_input(INFINITY), ends_quantize_input1(-INFINITY));
    for (int q = -128; q < 128; q++) {
        printf("%a %a\\n", (double)ends_dequantize_output(-1) + q, (double)ends_dequantize_input((int8_t)q));
    }
    return ends_quantize_output((float)ENDS_OUTPUT_SCALE) - ENDS_OUTPUT_ZERO_POINT - 1;
}
"""


def rounded(x: np.ndarray, quant: Quant, least: int, most: int) -> np.ndarray:
    """By the formula of SPEC.md: the division in float, halves away from zero."""
    q = (x / np.float32(quant.scale)).astype(np.float64)
    return np.clip(np.sign(q) * np.floor(np.abs(q) + 0.5) + quant.zero_point, least, most).astype(int)


def test_helpers_round_and_saturate_as_the_library(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    steps = np.arange(-140, 140, dtype=np.float32)
    just = np.float32([0.49999997, -0.49999997, 0.5, -0.5, 1.5, 2.5, -2.5, 1e30, -1e30, 0.0, -0.0])
    x = np.concatenate(
        [just, just * np.float32(S8.scale), (steps + 0.5) * np.float32(S8.scale), rng.normal(0, 90, 200)]
    )
    x = x.astype(np.float32)
    core = CoreModel(graph())
    source, header = core.freeze("ends")
    main = REALS.replace("VALUES", ", ".join(f"{float(v).hex()}f" for v in x))
    lines = output_of(program(tmp_path, main, source, header)).splitlines()
    got = [line.split() for line in lines[: len(x)]]
    assert [int(g[0]) for g in got] == rounded(x, S8, -128, 127).tolist() == core.inputs[0].quantize(x).tolist()
    assert [int(g[1]) for g in got] == rounded(x, U8, 0, 255).tolist() == core.inputs[1].quantize(x).tolist()
    assert [float.fromhex(g[2]) for g in got] == x.tolist()
    assert lines[len(x)] == "-128 127 0"
    real = [np.float32(float.fromhex(line.split()[1])) for line in lines[len(x) + 1 :]]
    assert real == core.inputs[0].dequantize(np.arange(-128, 128, dtype=np.int8)).tolist()


def test_helpers_give_what_the_layer_gives() -> None:
    """The layer Quantize, on what lies around its thresholds."""
    x = (np.arange(-140, 140) + 0.5).astype(np.float32) * np.float32(S8.scale)
    x = np.concatenate([np.nextafter(x, np.float32(-np.inf)), x, np.nextafter(x, np.float32(np.inf))]).astype(
        np.float32
    )
    g = Graph("q", "q")
    g.add_tensor(Tensor("x", (1, 1, len(x)), "float32"))
    g.inputs = ["x"]
    g.outputs = [g.add(Node("quantize", "y", ["x"], "y"), (1, 1, len(x)), "int8", S8)]
    core = CoreModel(g)
    assert core.run([x])[0].ravel().tolist() == core.outputs[0].quantize(x).tolist()


# ---- Names ----

NAMED = """
#include "model.h"
int main(void)
{
    ends_input_a_b__0()[0] = 1;
    ends_input_a_b__1()[0] = 2;
    ends_input_x_1()[0] = 3.0f;
    return ends_run() == NNOM_OK && ends_output_digits() == ends_output() && ends_output_to_int8() == ends_output1() &&
                   ends_output_best() == ends_output3() && ends_input_a_b__1() == ends_input1()
               ? 0
               : 1;
}
"""


def test_ports_by_name(tmp_path: Path) -> None:
    source, header = CoreModel(graph()).freeze("ends")
    output_of(program(tmp_path, NAMED, source, header))
    comment = header.split("*/")[0]
    assert re.search(r"input1 +a_b__1 +2 x 1 x 3 +uint8_t +1 +128\n", comment)
    assert re.search(r"output2 +- +2 x 1 x 3 +float\n", comment)
    assert "output3 " in comment and "ends_output_(" not in header
    assert "ENDS_INPUT_ZERO_POINT (-5)" in header and "ENDS_INPUT1_SCALE 1.0f" in header


def test_long_names_are_cut(tmp_path: Path) -> None:
    g = Graph("ends", "ends")
    g.add_tensor(Tensor("x" * 300, (1, 1, 4), "int8", S8))
    g.inputs = ["x" * 300]
    g.outputs = [g.add(Node("activation", "y", g.inputs, "y", {"kind": "relu"}), (1, 1, 4), "int8", S8)]
    source, header = CoreModel(g).freeze("n" * 47)
    main = f'#include "model.h"\nint main(void) {{ return {"n" * 47}_input_{"x" * 31}() == NULL; }}\n'
    output_of(program(tmp_path, main, source, header))


# ---- Provenance ----


def test_header_says_where_the_model_comes_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    np.save(tmp_path / "x.npy", rng.normal(size=(8, 100, 6)).astype(np.float32))
    np.save(tmp_path / "y.npy", rng.integers(0, 4, 8))
    data = ["--calibration", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]
    texts = []
    for folder in ("one", "two"):
        out = ["-o", str(tmp_path / folder), "--name", "har", "--quiet"]
        assert cli.main(["convert", str(MODEL), *data, *out]) == 0
        texts.append((tmp_path / folder / "model.h").read_text())
    assert texts[0] == texts[1] and str(tmp_path) not in texts[0] and str(ROOT) not in texts[0]
    assert f"model.keras, SHA-256 {hashlib.sha256(MODEL.read_bytes()).hexdigest()}\n" in texts[0]
    assert " * nnom convert model.keras --calibration x.npy --labels y.npy --name har\n" in texts[0]
    assert re.search(r"accuracy on 8 calibration samples: float \d+\.\d\d%, int8 \d+\.\d\d%\n", texts[0])
    header = convert(MODEL, np.load(tmp_path / "x.npy"), name="har", method="minmax").header
    assert "nnom.convert('model.keras', ..., name='har', method='minmax')" in header and "accuracy" not in header


def test_commands_lose_what_is_of_the_place() -> None:
    words = [
        "convert",
        "/home/me/a b/m.keras",
        "--calibration=/data/x.npy",
        "-o",
        "out",
        "sub/y.npy",
        "C:\\x\\z.npy",
        "--json",
    ]
    assert command_text(words) == "nnom convert m.keras --calibration=x.npy sub/y.npy z.npy"


# ---- Layers ----

LAYERS = """
#include <string.h>
#include "model.h"
static uint32_t now;
static uint32_t tick(void)
{
    return now += 3;
}
int main(void)
{
    uint64_t ticks[HAR_NODES];
    nnom_profile_t profile;
    nnom_print_layers(har_model(), har_layers);
    nnom_profile_start(&profile, har_model(), ticks, tick);
    const nnom_status_t status = har_run();
    nnom_set_observer(har_model(), NULL, NULL);
    nnom_profile_print(&profile, har_model(), har_layers);
    return status == NNOM_OK && nnom_node_count(har_model()) == HAR_NODES && strlen(har_layers[0].name) > 0 ? 0 : 1;
}
"""


@pytest.fixture(scope="module")
def har() -> tuple[str, str, list[tuple[str, str, int]]]:
    """(source, header, [(name, kind, MACs) of what runs])."""
    x = np.random.default_rng(1).normal(size=(8, 100, 6)).astype(np.float32)
    c = convert(MODEL, x, name="har")
    return c.source, c.header, [(r.name, r.kind, r.macs) for r in c.layers if r.node is not None]


def test_layers_on_the_device(har: tuple, tmp_path: Path) -> None:
    """The table and the profile are those of the plan; a step without work takes no ticks."""
    source, header, layers = har
    lines = output_of(program(tmp_path, LAYERS, source, header)).splitlines()
    table, profile = lines[: len(layers) + 2], lines[len(layers) + 2 :]
    for (name, kind, macs), row, spent in zip(layers, table[1:], profile, strict=False):
        assert row.split()[:2] == [name, kind] and f" {macs} " in row
        assert spent.split() == [name, kind, "0", "ticks", str(macs), "MACs"]
    total = sum(macs for _, _, macs in layers)
    assert f", {total} MACs" in table[-1] and profile[-1] == f"total 0 ticks, {total} MACs"


def test_layers_are_dropped_when_unused(har: tuple, tmp_path: Path) -> None:
    source, header, _ = har
    main = '#include "model.h"\nint main(void) { return har_selftest() == NNOM_OK ? 0 : 1; }\n'
    for text, kept in ((main, False), (LAYERS, True)):
        linked = program(tmp_path, text, source, header, "-Wl,--gc-sections")
        symbols = subprocess.run(["nm", str(linked)], capture_output=True, text=True, check=True).stdout
        assert ("har_layers" in symbols) == kept == (b"conv1" in linked.read_bytes().replace(b"conv1.", b""))


def test_profile_of_the_example(tmp_path: Path) -> None:
    folder = MODEL.parent
    texts = [(folder / name).read_text() for name in ("profile.c", "model.c", "model.h")]
    lines = output_of(program(tmp_path, *texts)).splitlines()
    assert lines[0].split()[:2] == ["name", "layer"] and lines[-1].startswith("total ")
    board = boards.boards()["cortex-m4"]
    if not shutil.which(board.compiler + "gcc") or not shutil.which(board.emulator):
        pytest.skip(f"run: sudo apt-get install {board.compiler_packages} {board.emulator_packages}")
    link = boards.build(
        board,
        [tmp_path / "main.c", tmp_path / "model.c"],
        [tmp_path, ROOT / "include", ROOT / "port"],
        {},
        tmp_path / "m4",
        "-O2",
        run_examples.link_flags(run_examples.library_archive(board, "-O2")),
    )
    ended = boards.run(board, link, cwd=tmp_path)
    assert ended.exit_code == 0 and ended.stdout.splitlines()[:-1][: len(lines) // 2] == lines[: len(lines) // 2]
    assert re.fullmatch(r"total \d+ ticks, \d+ MACs", ended.stdout.splitlines()[-1])
