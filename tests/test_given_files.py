# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What people give that is no model or no data, and what the message says: what came, what was expected, what to do."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
os.environ.setdefault("KERAS_BACKEND", "jax")

from nnom import cli  # noqa: E402
from nnom.cli.names import told  # noqa: E402
from nnom.conversion import convert, load  # noqa: E402
from nnom.data import read_array, read_samples  # noqa: E402
from nnom.errors import DataError, ModelError, NnomError, UnsupportedError  # noqa: E402
from nnom.graph import Graph, Node, Tensor, Weight  # noqa: E402
from nnom.importers.keras.keras_original import _choose_backend  # noqa: E402


def _graph(name: str = "m") -> Graph:
    """A dense layer of four values."""
    dense = Node("dense", "d", ["x"], "d", {}, {"weights": Weight(np.ones((2, 4), np.float32))})
    return Graph(name, "m", {"x": Tensor("x", (1, 1, 4)), "d": Tensor("d", (1, 1, 2))}, [dense], ["x"], ["d"])


def test_names_as_long_as_the_core_takes() -> None:
    """A file's name is shortened; a name that the user chose is refused by the true limit, before any work."""
    graph, x = _graph("n" * 90), np.random.default_rng(0).normal(size=(20, 4))
    assert convert(graph, x).name == convert(graph, x, name="n" * 47).name == "n" * 47
    with pytest.raises(NnomError, match="up to 46 letters"):
        convert(graph, name="n" * 48)
    with pytest.raises(NnomError, match=f"like 'nnom_{'n' * 38}_net'"):
        convert(graph, name="nnom_" + "n" * 42)


@pytest.mark.parametrize(
    ("wanted", "installed", "chosen"),
    [
        ('{"backend": "torch"}', ("jax", "torch"), None),
        ('{"backend": "tensorflow"}', ("jax",), "jax"),
        ('{"backend": "torch"}', ("jax",), "jax"),
        ("{", ("torch",), "torch"),
        ("{}", ("jax", "tensorflow"), None),
    ],
)
def test_keras_json_is_obeyed(wanted, installed, chosen, tmp_path, monkeypatch) -> None:
    """The backend is only chosen where the one that keras.json names (or TensorFlow) is missing."""
    (tmp_path / "keras.json").write_text(wanted)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setenv("KERAS_BACKEND", "x")
    _choose_backend()
    assert os.environ["KERAS_BACKEND"] == "x"
    monkeypatch.delenv("KERAS_BACKEND")
    _choose_backend()
    assert os.environ.get("KERAS_BACKEND") == chosen


# ---- no model -------------------------------------------------------------------------------------------------------


def _folder(path: Path, *members: str) -> Path:
    path.mkdir()
    for member in members:
        (path / member).write_bytes(b"x")
    return path


def _zip(path: Path, *members: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return path


def _bytes(path: Path, content: bytes = b"x") -> Path:
    path.write_bytes(content)
    return path


NO_MODELS = {
    "SavedModel": (lambda d: _folder(d / "m", "saved_model.pb"), "a SavedModel folder.*from_saved_model"),
    "packed SavedModel": (lambda d: _zip(d / "m.zip", "m/saved_model.pb", "m/a"), "a packed SavedModel folder"),
    "unpacked .keras": (lambda d: _folder(d / "m", "config.json"), "give the .keras file"),
    "folder": (lambda d: _folder(d / "m"), "a folder; expected .*give the model's file"),
    ".pt": (lambda d: _zip(d / "m.pt", "m/data.pkl", "m/version"), "a PyTorch file.*ai-edge-torch"),
    "old .pt": (lambda d: _bytes(d / "m.pth", b"\x80\x02}q"), "a PyTorch file"),
    ".pb": (lambda d: _bytes(d / "m.pb"), "a TensorFlow graph"),
    ".json": (lambda d: _bytes(d / "m.json", b"{}"), "a description without weights"),
    ".pkl": (lambda d: _bytes(d / "m.pkl", b"\x80\x04x"), "a pickle"),
    ".npy": (lambda d: _bytes(d / "m.npy", b"\x93NUMPY"), "data; .*calibration data"),
    ".npz": (lambda d: _zip(d / "m.npz", "x.npy"), "data; .*calibration data"),
    "LFS": (lambda d: _bytes(d / "m.keras", b"version https://git-lfs.github.com/spec/v1"), "git lfs pull"),
    "page": (lambda d: _bytes(d / "m.tflite", b"\n<!DOCTYPE html>"), "a web page, not the file"),
    "other": (lambda d: _bytes(d / "m.bin"), "neither a Keras"),
}


@pytest.mark.parametrize("kind", NO_MODELS)
def test_what_is_no_model(kind, tmp_path, capsys) -> None:
    make, text = NO_MODELS[kind]
    path = make(tmp_path)
    with pytest.raises(ModelError, match=text) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ") and "TensorFlow Lite" in str(error.value)
    assert cli.main(["inspect", str(path)]) == 1
    assert told(error.value.text) in capsys.readouterr().err


def _h5(path: Path, layers: list[dict], version: str = "2.11.0", **attributes: str) -> Path:
    with h5py.File(path, "w") as file:
        config = {"name": "m", "layers": layers}
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        file.attrs["keras_version"] = version
        for key, value in attributes.items():
            file.attrs[key] = value
    return path


def _layer(cls: str, **config) -> dict:
    return {"class_name": cls, "config": {"name": cls.lower(), "batch_input_shape": [None, 4], **config}}


@pytest.mark.parametrize("prefix", ["", "Custom>"])
def test_models_wrapped_by_tfmot(prefix, tmp_path) -> None:
    """One sentence, not one per layer."""
    dense = _layer("Dense", units=2)
    for cls, text in (
        ("QuantizeWrapperV2", "quantisation-aware training of tfmot .*TFLiteConverter"),
        ("PruneLowMagnitude", "strip_pruning"),
        ("ClusterWeights", "strip_clustering"),
    ):
        path = _h5(tmp_path / "m.h5", [_layer(f"{prefix}{cls}", layer=dense), _layer(f"{prefix}{cls}x", layer=dense)])
        with pytest.raises(UnsupportedError, match=text) as error:
            load(path)
        assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("version", ["1.2.2", "0.3.3", ""])
def test_keras_1(version, tmp_path) -> None:
    path = _h5(tmp_path / "m.h5", [_layer("Convolution1D", nb_filter=3, border_mode="same")], version)
    with pytest.raises(
        UnsupportedError, match=r"written by Keras .*; expected Keras 2 or 3: load it in a Keras from 2.0"
    ):
        load(path)


def test_kernels_of_theano_are_mirrored(tmp_path) -> None:
    """Keras 2 turned them on loading where the backend was another."""
    conv = _layer("Conv1D", filters=1, kernel_size=[3]) | {}
    conv["config"]["batch_input_shape"] = [None, 9, 2]
    with pytest.raises(UnsupportedError, match="written with Theano, whose kernels of convolutions are mirrored"):
        load(_h5(tmp_path / "m.h5", [conv], "2.1.5", backend="theano"))
    with pytest.raises(ModelError, match="expected 2: kernel"):
        load(_h5(tmp_path / "m.h5", [conv], "2.1.5", backend="tensorflow"))
    load(_h5(tmp_path / "m.h5", [_layer("ReLU")], "2.1.5", backend="theano"))


@pytest.mark.parametrize("version", [2, 3])
def test_weights_only(version, tmp_path) -> None:
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        if version == 2:
            file.attrs["layer_names"] = [b"dense"]
            file.create_group("dense")
        else:
            file["layers/dense/vars/0"] = np.zeros((4, 2))
    with pytest.raises(ModelError, match=r"weights only \(of save_weights\(\)\).*load_weights\(\) into it"):
        load(tmp_path / "m.weights.h5")


# ---- data -----------------------------------------------------------------------------------------------------------

ROWS = np.array([[1, 2.5, -3, 0], [4e-3, 5, 6, 7]])
TEXTS = {
    "commas": "1,2.5,-3,0\n4e-3,5,6,7\n",
    "names": "a,b,c,d\n1,2.5,-3,0\n4e-3,5,6,7",
    "quoted": '"a","b","c","d"\r\n"1","2.5","-3","0"\r\n"4e-3","5","6","7"\r\n',
    "semicolons": "\ufeff1; 2.5; -3; 0\n\n4e-3; 5; 6; 7\n",
    "tabs": "\n1\t2.5\t-3\t0\n4e-3\t5\t6\t7\n",
    "spaces": "1 2.5  -3 0\n4e-3 5 6 7\n",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_lines_of_numbers(kind, tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(TEXTS[kind], encoding="utf-8", newline="")
    np.testing.assert_array_equal(read_array(path, "x"), ROWS)
    (samples,) = read_samples([path], _graph())
    assert samples.shape == (2, 1, 1, 4)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b\n", "no line of numbers"),
        (b"1,2\n3\n", "as many in every line"),
        (b"1,2\n3,x\n", "could not convert string 'x'"),
        (b"1,5;2,5\n", "could not convert string '1,5'"),
        (b"1,\n", "could not convert string ''"),
        (b"\xff\xfe1\n", "is no text"),
        (b"1,nan,3,4\n", "nan at \\(0, 1\\); remove"),
        (b"1,2,3\n", "expects \\(samples, 4\\)"),
    ],
)
def test_lines_that_are_no_numbers(content, text, tmp_path) -> None:
    path = _bytes(tmp_path / "x.csv", content)
    with pytest.raises(DataError, match=text) as error:
        read_samples([path], _graph())
    assert str(path) in str(error.value)


def test_csv_in_a_command(tmp_path, capsys) -> None:
    """Calibration and labels; what is of another kind is told so without numpy's advice to unpickle."""
    rng = np.random.default_rng(0)
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.save(tmp_path / "m.keras")
    np.savetxt(tmp_path / "x.csv", rng.normal(size=(30, 4)), delimiter=",", header="a,b,c,d", comments="")
    np.savetxt(tmp_path / "y.csv", rng.integers(0, 3, 30), fmt="%d", header="class", comments="")
    given = [str(tmp_path / "m.keras"), "--calibration", str(tmp_path / "x.csv"), "-o", str(tmp_path / "out")]
    assert cli.main(["convert", *given, "--labels", str(tmp_path / "y.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy_int8"] is not None
    _bytes(tmp_path / "x.npy", b"1,2,3,4\n")
    assert cli.main(["evaluate", given[0], "--data", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.csv")]) == 1
    assert "or a .csv" in (err := capsys.readouterr().err) and "allow_pickle" not in err
