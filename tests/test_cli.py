# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The command line: what it writes, prints and returns, and that no user error ends in a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
os.environ.setdefault("KERAS_BACKEND", "jax")

from nnom import boards, cli, running  # noqa: E402
from nnom.binding import library_path  # noqa: E402
from nnom.conversion import Plan, load, prepare  # noqa: E402
from nnom.inspect_model import inspect  # noqa: E402
from nnom.run_library import library_sources  # noqa: E402

MODEL = ROOT / "examples" / "uci_har" / "model.keras"
COMMANDS = ("convert", "evaluate", "run", "inspect", "validate", "boards")
BUILDER = ("malloc", "free", "model_compile", "new_model", "model_delete", "nnom_layer_new", "nnom_freeze")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """data.npz with x [24, 128, 9] and y [24]."""
    path = tmp_path_factory.mktemp("data") / "data.npz"
    rng = np.random.default_rng(3)
    np.savez(path, x=rng.normal(0, 0.5, (24, 128, 9)).astype(np.float32), y=rng.integers(0, 6, 24))
    return path


def nnom(capsys, *arguments):
    """(exit code, standard output, standard error) of one command."""
    try:
        code = cli.main([str(a) for a in arguments])
    except SystemExit as e:
        code = e.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def document(capsys, *arguments):
    code, out, err = nnom(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


# ---- convert ----


def test_convert_writes_and_reports(capsys, data, tmp_path):
    folder = tmp_path / "a" / "out"
    options = ("--calibration", f"{data}:x", "--labels", f"{data}:y", "--name", "har", "-o", folder)
    code, out, err = nnom(capsys, "convert", MODEL, *options)
    assert code == 0, err
    assert sorted(p.name for p in folder.iterdir()) == ["model.c", "model.h"]
    for text in ("Conv2D+ReLU", "SQNR dB", "arena", "accuracy on 24 calibration samples: float", "wrote"):
        assert text in out
    told = [line for line in out.splitlines() if not line.startswith("WARNING:")]  # a warning is one line
    assert max(map(len, told)) <= 120 + len(str(folder))
    assert "\x1b" not in out


def test_converted_c_passes_its_self_test(capsys, data, tmp_path):
    nnom(capsys, "convert", MODEL, "--calibration", f"{data}:x", "--name", "har", "-o", tmp_path)
    (tmp_path / "main.c").write_text(
        '#include "model.h"\nint main(void) { return har_selftest() == NNOM_OK ? 0 : 1; }\n'
    )
    core, (_, includes) = library_path(), library_sources()
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *(f"-I{i}" for i in includes)]
    sources = [tmp_path / "main.c", tmp_path / "model.c", core, f"-Wl,-rpath,{core.parent}"]
    subprocess.run(["gcc", *flags, *map(str, sources), "-o", str(tmp_path / "main")], check=True)
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0


def test_convert_json(capsys, data, tmp_path):
    d = document(capsys, "convert", MODEL, "--calibration", f"{data}:x", "--method", "minmax", "-o", tmp_path)
    assert d["macs"] > 0 and d["arena_bytes"] > 0 and d["method"] == "minmax" and len(d["paths"]) == 2
    assert d["layers_sqnr"] and d["accuracy_float"] is None
    smallest = document(capsys, "convert", MODEL, "--calibration", f"{data}:x", "--plan", "smallest", "-o", tmp_path)
    whole = document(capsys, "convert", MODEL, "--calibration", f"{data}:x", "--plan", "whole", "-o", tmp_path)
    assert smallest["arena_bytes"] <= whole["arena_bytes"]


# ---- evaluate, inspect, boards ----


def test_evaluate(capsys, data):
    options = ("--data", f"{data}:x", "--labels", f"{data}:y")
    d = document(capsys, "evaluate", MODEL, *options, "--calibration", f"{data}:x")
    assert d["count"] == 24 and np.sum(d["confusion"]) == 24 and len(d["top_k"]) == 3
    assert d["accuracy"] == np.trace(d["confusion"]) / 24
    assert document(capsys, "evaluate", MODEL, *options, "--float")["accuracy"] == d["accuracy_float"]
    code, out, _ = nnom(capsys, "evaluate", MODEL, *options, "--float")
    assert code == 0 and "confusion" in out and "top-2" in out


def test_c_of_a_file_called_model_compiles(capsys, data, tmp_path):
    """The name that it gives would make model_run(), which is the library's."""
    nnom(capsys, "convert", MODEL, "--calibration", f"{data}:x", "-o", tmp_path)
    assert "model_net_run(" in (tmp_path / "model.h").read_text()
    flags = [f"-I{folder}" for folder in library_sources()[1]]
    subprocess.run(["gcc", "-std=c99", "-fsyntax-only", *flags, str(tmp_path / "model.c")], check=True)


@pytest.mark.parametrize("name", ["model", "new", "prediction", "nnom", "nnom_layer", "int"])
def test_names_that_are_taken(capsys, data, tmp_path, name):
    code, _, err = nnom(capsys, "convert", MODEL, "--calibration", f"{data}:x", "--name", name, "-o", tmp_path)
    assert code == 1 and f"{name}_net" in err and not list(tmp_path.iterdir())


def test_only_files_are_written(capsys, tmp_path):
    link, target = tmp_path / "link.html", tmp_path / "target.html"
    link.symlink_to(target)
    for place in (tmp_path, "/dev/null", "."):
        code, _, err = nnom(capsys, "report", MODEL, "-o", place)
        assert code == 1 and "cannot be written" in err
    assert Path("/dev/null").is_char_device()
    assert nnom(capsys, "report", MODEL, "-o", link)[0] == 0
    assert link.is_symlink() and target.is_file()


def test_run_without_calibration_is_in_float(capsys):
    d = document(capsys, "run", MODEL, "--input", "lcg:1")
    assert d["form"] == "float32" and d["outputs"][0]["dtype"] == "float32"
    assert document(capsys, "run", MODEL, "--float", "--input", "lcg:1")["outputs"] == d["outputs"]
    code, out, err = nnom(capsys, "run", MODEL, "--input", "lcg:1")
    assert code == 0 and "--calibration" in out + err


def test_inspect(capsys):
    d = document(capsys, "inspect", MODEL)
    assert {"macs", "weight_bytes", "arena_bytes", "layers", "unsupported"} <= d.keys()
    assert d["unsupported"] == [] and d["arena_bytes"] > 0 and d["macs"] >= sum(n["macs"] for n in d["layers"]) > 0
    code, out, _ = nnom(capsys, "inspect", MODEL)
    assert code == 0 and "conv2d+relu" in out


def test_inspect_shows_what_is_supported_beside_what_is_not(tmp_path):
    keras = pytest.importorskip("keras")
    x = keras.Input((8, 3))
    y = keras.layers.Activation("sparsemax")(keras.layers.Conv1D(4, 3)(x))
    keras.Model(x, y).save(tmp_path / "m.keras")
    found = inspect(tmp_path / "m.keras")
    assert [n.op for n in found.layers] == ["conv2d"] and found.form == "float"
    assert (found.macs, found.arena_bytes) == (6 * 4 * 9, None)
    assert len(found.unsupported) == 1 and "sparsemax" in found.unsupported[0]


def test_inspect_lists_what_is_unsupported():
    graph = load(MODEL)
    graph.nodes[1].attrs["kind"] = "unheard_of"
    found = inspect(graph)
    assert found.arena_bytes is None and "unheard_of" in found.unsupported[0] and found.macs > 0


def test_boards(capsys):
    assert "cortex-m4" in nnom(capsys, "boards")[1]
    assert {b["name"] for b in document(capsys, "boards")} == set(boards.boards())


# ---- run ----


def test_lcg_and_hash():
    x, expected = 305419896, []
    for _ in range(5):
        x = (x * 1664525 + 1013904223) % 2**32
        expected.append((x >> 24) - 256 * (x >> 31))
    assert running.lcg_bytes(305419896, 5).tolist() == expected
    assert running.fnv1a(b"") == 0x811C9DC5 and running.fnv1a(b"a") == 0xE40C292C
    assert running.fnv1a(b"foobar") == 0xBF9CF968


def test_run_json(capsys, data):
    d = document(capsys, "run", MODEL, "--calibration", f"{data}:x", "--input", "lcg:1")
    (out,) = d["outputs"]
    assert out["dtype"] == "int8" and len(out["values"]) == 6 and out["shape"] == [1, 1, 6]
    assert out["fnv1a"] == f"0x{running.fnv1a(np.array(out['values'], np.int8).tobytes()):08x}"
    assert document(capsys, "run", MODEL, "--calibration", f"{data}:x", "--input", "lcg:2")["outputs"] != d["outputs"]
    many = document(capsys, "run", MODEL, "--calibration", f"{data}:x", "--input", f"{data}:x")
    assert many["samples"] == 24 and np.array(many["outputs"][0]["values"]).shape == (24, 6)


def test_run_in_float_states_the_scale(capsys):
    d = document(capsys, "run", MODEL, "--float", "--input", "lcg:0x12")
    assert d["float_input_scale"] == 1 / 128 and abs(sum(d["outputs"][0]["values"]) - 1) < 1e-5
    assert "0.0078125" in nnom(capsys, "run", MODEL, "--float")[1]


def test_run_on_a_board(capsys, data):
    board = boards.boards()["cortex-m4"]
    if not shutil.which(board.compiler + "gcc") or not shutil.which(board.emulator):
        pytest.skip(f"sudo apt-get install {board.compiler_packages} {board.emulator_packages}")
    options = ("--calibration", f"{data}:x", "--input", f"{data}:x", "--board", "cortex-m4")
    d = document(capsys, "run", MODEL, *options)
    assert d["board_equals_host"] is True and len(d["outputs"][0]["values"]) == 24
    b = d["board"]
    total = sum(n["instructions"] for n in b["nodes"])
    assert 0.9 * b["instructions"] < total <= b["instructions"]
    assert b["flash_bytes"] > b["weight_bytes"] and b["ram_bytes"] > b["arena_bytes"] and b["stack_bytes"] > 0
    code, out, _ = nnom(capsys, "run", MODEL, *options)
    assert code == 0 and "outputs of cortex-m4 and host: identical" in out


def test_no_builder_in_the_firmware(data, tmp_path):
    board = boards.boards()["cortex-m4"]
    if not shutil.which(board.compiler + "gcc"):
        pytest.skip(f"sudo apt-get install {board.compiler_packages}")
    p = prepare(MODEL, np.load(data)["x"], "minmax")
    elf = running.build_frozen(Plan().compile(p.graph), board, tmp_path, "-Os")
    names = {s.name for s in boards.symbols(board, elf)}
    assert not names & set(BUILDER) and "nnom_run" in names


# ---- validate ----


def test_validate(capsys, data):
    pytest.importorskip("keras")
    d = document(capsys, "validate", MODEL, "--data", f"{data}:x", "--calibration", f"{data}:x", "--samples", "4")
    assert d["samples"] == 4 and d["runtimes"] == ["Keras", "host float", "host int8"]
    assert d["comparisons"][0]["max_difference"] < 1e-5 and d["comparisons"][1]["cosine"] > 0.9


# ---- errors ----


def wrong_commands(data, folder):
    bad = folder / "bad.npy"
    np.save(bad, np.full((2, 128, 9), np.nan, np.float32))
    (folder / "noise.npy").write_bytes(b"\x93NUMPY" + bytes(range(100)))
    (folder / "noise.keras").write_bytes(b"PK\x03\x04" + bytes(range(100)))
    calibrated = ("--calibration", f"{data}:x")
    return {
        "absent model": (1, "cannot be read", ("convert", folder / "no.keras")),
        "damaged model": (1, "noise.keras", ("inspect", folder / "noise.keras")),
        "onnx": (1, "ONNX", ("inspect", _touch(folder / "m.onnx"))),
        "no calibration": (1, "--calibration", ("convert", MODEL, "-o", folder / "o")),
        "NaN": (1, "NaN", ("convert", MODEL, "--calibration", bad, "-o", folder / "o")),
        "absent data": (1, "no.npy", ("convert", MODEL, "--calibration", folder / "no.npy")),
        "damaged data": (1, "noise.npy", ("convert", MODEL, "--calibration", folder / "noise.npy")),
        "absent key": (1, "no array 'q'", ("convert", MODEL, "--calibration", f"{data}:q")),
        "several arrays": (1, "KEY", ("convert", MODEL, "--calibration", data)),
        "bad name": (1, "C identifier", ("convert", MODEL, *calibrated, "--name", "1")),
        "unwritable": (1, "cannot be written", ("convert", MODEL, *calibrated, "-o", "/proc/nowhere")),
        "labels without data": (1, "--labels", ("convert", MODEL, "--labels", f"{data}:y")),
        "labels": (1, "labels", ("convert", MODEL, *calibrated, "--labels", f"{data}:x")),
        "two files": (1, "1 input", ("convert", MODEL, *calibrated, *calibrated)),
        "seed": (1, "lcg:SEED", ("run", MODEL, "--float", "--input", "lcg:x")),
        "board": (1, "cortex-m7", ("run", MODEL, "--float", "--board", "z80")),
        "top-k": (1, "--top-k", ("evaluate", MODEL, "--data", f"{data}:x", "--labels", f"{data}:y", "--top-k", "0")),
        "samples": (1, "--samples", ("validate", MODEL, "--data", f"{data}:x", "--samples", "0")),
        "arena": (1, "--arena", ("convert", MODEL, *calibrated, "--arena", "-1", "-o", folder / "o")),
        "unknown command": (2, "usage", ("transmogrify",)),
        "unknown method": (2, "usage", ("convert", MODEL, "--method", "magic")),
    }


def _touch(path):
    path.write_bytes(b"\x08\x07onnx")
    return path


def test_errors_are_texts_with_codes(capsys, data, tmp_path):
    for name, (expected, text, arguments) in wrong_commands(data, tmp_path).items():
        code, out, err = nnom(capsys, *arguments)
        assert code == expected, (name, err)
        assert text in err and "Traceback" not in err and not out, (name, err)
    assert not (tmp_path / "o").exists()


def test_missing_tool_is_code_3(capsys, data, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    code, _, err = nnom(capsys, "run", MODEL, "--calibration", f"{data}:x", "--board", "cortex-m4")
    assert code == 3 and "apt-get install" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(capsys, command):
    code, out, _ = nnom(capsys, command, "--help")
    assert code == 0 and f"example:\n  nnom {command}" in out


# ---- Both figures, nothing compared ----


def shrinking_model(folder):
    """A Keras file with a layer that does nothing in int8."""
    keras = pytest.importorskip("keras")
    x = keras.Input((8, 8, 3), name="picture")
    y = keras.layers.ZeroPadding2D(1)(x)
    y = keras.layers.ReLU(name="again")(keras.layers.Conv2D(4, 3, activation="relu", name="conv")(y))
    y = keras.layers.Dense(3, name="classes")(keras.layers.Flatten()(y))
    keras.Model(x, y).save(folder / "m.keras")
    return folder / "m.keras"


def test_inspect_and_plan_tell_both_figures(capsys, tmp_path):
    path = shrinking_model(tmp_path)
    found, plan = document(capsys, "inspect", path), document(capsys, "plan", path)
    gone = found["removed"]
    assert gone == plan["removed"] and gone["layers_read"] == len(found["layers"]) > gone["layers"]
    assert gone["macs_read"] == found["macs"] == sum(n["macs"] for n in found["layers"])
    assert gone["weight_bytes_read"] == found["weight_bytes"] == 4 * 27 + 4 * 4 + 256 * 3 + 3 * 4
    assert found["converted"]["macs"] == gone["macs"] == sum(n["macs"] for n in plan["layers"])
    assert found["converted"]["arena_bytes"] == plan["ram_arena"]
    (x,), (y,) = found["inputs"], found["outputs"]
    assert (x["name"], x["shape"], x["dtype"], x["quant"]) == ("picture", [8, 8, 3], "float32", None)
    assert y["shape"] == [1, 1, 3]
    for command in ("inspect", "plan"):
        assert "no output bit changed" in nnom(capsys, command, path)[1]
    assert nnom(capsys, "report", path, "-o", tmp_path / "r.html")[0] == 0
    assert "o output bit changed" in (tmp_path / "r.html").read_text()


def test_validate_that_compared_nothing_is_code_3(capsys, data, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, out, err = nnom(capsys, "validate", MODEL, "--data", f"{data}:x", "--float")
    assert code == 3 and "not compared" in err and "nothing was compared" in err and "Traceback" not in err
    code, out, err = nnom(capsys, "validate", MODEL, "--data", f"{data}:x", "--calibration", f"{data}:x")
    assert code == 3 and "host int8" in out and "results are not compared" in err
    code, out, _ = nnom(capsys, "validate", MODEL, "--data", f"{data}:x", "--float", "--json")
    assert code == 3 and json.loads(out)["comparisons"] == [] and json.loads(out)["missing"]


def test_validate_says_that_keras_cannot_load_a_file(capsys, data, monkeypatch):
    keras = pytest.importorskip("keras")

    def fails(*_, **__):
        raise ValueError("written by another Keras")

    monkeypatch.setattr(keras.models, "load_model", fails)
    code, _, err = nnom(capsys, "validate", MODEL, "--data", f"{data}:x", "--float")
    assert code == 3 and "written by another Keras" in err


def test_validate_without_the_original(capsys, data, monkeypatch):
    """Keras never sees the file."""
    monkeypatch.setattr("nnom.importers.keras.keras_original.keras_outputs", None)
    words = ("validate", MODEL, "--data", f"{data}:x", "--no-original", "--samples", "4")
    d = document(capsys, *words, "--calibration", f"{data}:x")
    assert d["runtimes"] == ["host float", "host int8"] and d["missing"] == "" and len(d["comparisons"]) == 1
    code, _, err = nnom(capsys, *words, "--float")
    assert code == 3 and "nothing was compared" in err


def test_flat_samples_are_taken_as_in_python(capsys, data, tmp_path):
    """One row per sample: files and arrays go through the same door; messages tell the file's own shape."""
    x = np.load(data)["x"]
    np.save(tmp_path / "flat.npy", x.reshape(len(x), -1))
    np.save(tmp_path / "wrong.npy", x[:, :100])
    flat = document(capsys, "run", MODEL, "--float", "--input", tmp_path / "flat.npy")
    assert flat["outputs"] == document(capsys, "run", MODEL, "--float", "--input", f"{data}:x")["outputs"]
    code, _, err = nnom(capsys, "run", MODEL, "--float", "--input", tmp_path / "wrong.npy")
    assert code == 1 and "(24, 100, 9)" in err and "(1, 24" not in err
