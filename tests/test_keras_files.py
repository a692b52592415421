# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Keras files: real models against Keras and golden outputs, files of Keras 2, damaged and contradictory files.

Real models come from $NNOM_SHARED (default ../shared).
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
sys.path.insert(0, str(ROOT / "tests"))

from nnom.errors import ModelError, NnomError  # noqa: E402
from nnom.importers.keras import load_keras  # noqa: E402
from oracle.ir_numpy import run_graph  # noqa: E402
from test_keras_importer import IMAGE, L, compare, h5py, keras  # noqa: E402

SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared"))
needs_shared = pytest.mark.skipif(not (SHARED / "models").is_dir(), reason=f"no models in {SHARED}: set NNOM_SHARED")
MODELS = [f"{f}.h5" for f in (
    "ic/resnet8_float", "vww/mobilenetv1_025_float", "ad/autoencoder_float", "sww/streaming_wakeword_float",
    "mnist/mnist_valid_float", "mnist/mnist_dw_float", "mnist/mnist_resnet_float",
)] + ["har/har_cnn1d_float.keras"]  # fmt: skip


# ---- real models ----------------------------------------------------------------------------------------------------


def _loadable(path: Path, folder: Path) -> Path:
    """A copy that Keras 3 loads: it refuses 'groups' of depthwise layers, which Keras 2.14 wrote."""
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    if copy.suffix == ".h5":
        with h5py.File(copy, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            for layer in config["config"]["layers"]:
                if layer["class_name"] == "DepthwiseConv2D":
                    layer["config"].pop("groups", None)
            file.attrs["model_config"] = json.dumps(config)
    return copy


@needs_shared
@pytest.mark.parametrize("name", [m for m in MODELS if "resnet_float" not in m])
def test_real_model_in_keras(name: str, tmp_path: Path) -> None:
    """mnist_resnet holds a TFOpLambda, which Keras 3 cannot load."""
    path = SHARED / "models" / name
    model = keras.models.load_model(_loadable(path, tmp_path), compile=False)
    compare(model, [load_keras(path), load_keras(model)])


@needs_shared
@pytest.mark.parametrize("name", [m for m in MODELS if m.startswith(("ic", "vww", "mnist"))])
def test_real_model_golden(name: str) -> None:
    """The .tflite files of the others hold other weights (ad: another training) or integers."""
    path = SHARED / "models" / name
    data = np.load(SHARED / "golden" / f"{path.stem}.npz")
    wanted = data["out0_tflm"] if "out0_tflm" in data else data["out0_wasm"]
    for record, want in list(zip(data["in0"], wanted, strict=True))[:2]:
        got = run_graph(load_keras(path), [record], np.float64)[0]
        np.testing.assert_allclose(got.ravel(), want.ravel(), atol=1e-4)


def _files() -> list[Any]:
    return [pytest.param(SHARED / "models" / m, marks=needs_shared, id=m) for m in MODELS]


def _expect_error(path: Path) -> None:
    with pytest.raises(ModelError) as error:
        load_keras(path)
    assert path.name in str(error.value)


@pytest.mark.parametrize("path", _files())
def test_truncated(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    cut = tmp_path / path.name
    for size in {0, 1, 8, 100, len(data) - 1, *np.linspace(0, len(data) - 1, 46).astype(int).tolist()}:
        cut.write_bytes(data[:size])
        _expect_error(cut)


@needs_shared
@pytest.mark.parametrize("name", ["mnist/mnist_valid_float.h5", "har/har_cnn1d_float.keras"])
def test_flipped_bytes(name: str, tmp_path: Path) -> None:
    """A damaged file is refused or, where the damage hits no structure, read; nothing else happens."""
    rng = np.random.default_rng(7)
    data = (SHARED / "models" / name).read_bytes()
    path = tmp_path / Path(name).name
    for _ in range(60):
        damaged = bytearray(data)
        for at in rng.integers(0, min(len(data), 20_000), 8):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            load_keras(path)
        except NnomError as e:
            assert path.name in str(e)


# ---- damaged and contradictory files --------------------------------------------------------------------------------


def _sample(tmp_path: Path) -> Path:
    x = L.Input(IMAGE)
    y = L.Add()([L.Conv2D(6, 3, padding="same")(x), L.BatchNormalization()(x)])
    y = L.Dense(3, activation="softmax")(L.Flatten()(L.MaxPooling2D()(y * 2.0)))
    path = tmp_path / "sample.keras"
    keras.Model(x, y).save(path)
    return path


def _rewrite(path: Path, changes: dict[str, bytes | None]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    members = {k: v for k, v in {**members, **changes}.items() if v is not None}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _edit_weights(path: Path, edit: Callable[[Any], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        buffer = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(buffer, "r+") as file:
        edit(file)
    _rewrite(path, {"model.weights.h5": buffer.getvalue()})


def _replace(file: Any, name: str, value: np.ndarray) -> None:
    del file[name]
    file[name] = value


@pytest.mark.parametrize(
    ("member", "content", "text"),
    [
        ("config.json", None, "no 'config.json'"),
        ("config.json", b"{", "not valid JSON"),
        ("config.json", b"\xff\xfe", "not valid JSON"),
        ("config.json", b"[" * 100_000, "not valid JSON"),
        ("config.json", b"[]", "expected a JSON object"),
        ("config.json", b'{"class_name": "Sequential", "config": {"layers": []}}', "at least one layer"),
        ("model.weights.h5", None, "no 'model.weights.h5'"),
        ("model.weights.h5", b"junk", "model.weights.h5: damaged"),
    ],
)
def test_damaged_members(member: str, content: bytes | None, text: str, tmp_path: Path) -> None:
    path = _sample(tmp_path)
    _rewrite(path, {member: content})
    with pytest.raises(ModelError, match=text):
        load_keras(path)


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda f: f.__delitem__("layers/conv2d/vars/1"), "1 arrays of weights; expected 2"),
        (lambda f: f.__delitem__("layers/conv2d"), "0 arrays of weights; expected 2"),
        (lambda f: _replace(f, "layers/dense/vars/0", np.zeros((3, 4))), r"shape \[3, 4\]; expected \[96, 3\]"),
        (lambda f: _replace(f, "layers/dense/vars/1", np.array([0, np.nan, 1])), "bias holds 1 NaN"),
        (lambda f: _replace(f, "layers/dense/vars/1", np.array([0, 1e300, 1])), "bias holds 1 NaN or infinite"),
        (lambda f: _replace(f, "layers/dense/vars/1", np.array([b"a", b"b", b"c"])), "is of type"),
        (lambda f: _replace(f, "layers/batch_normalization/vars/3", -np.ones(6)), "variance has negative"),
    ],
)
def test_wrong_weights(edit: Callable[[Any], None], text: str, tmp_path: Path) -> None:
    path = _sample(tmp_path)
    _edit_weights(path, edit)
    with pytest.raises(ModelError, match=text) as error:
        load_keras(path)
    assert "layer '" in str(error.value) or "'layers/dense/" in str(error.value)


def _places(tree: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else []:
        found.append((tree, key))
        _places(tree[key], found)
    return found


JUNK = (None, True, -1, 0, 3, 10**12, 10**400, 0.5, float("nan"), "", "x", [], [[]], {}, [1, 2], ["a", 0, 0], {"a": 1})


@pytest.mark.parametrize("version", ["keras3", "keras2"])
def test_any_setting_may_be_junk(version: str, tmp_path: Path) -> None:
    """Every place of the configuration in turn becomes something else: read, or refused with an error of ours."""
    if version == "keras3":
        path = _sample(tmp_path)
        with zipfile.ZipFile(path) as archive:
            text = archive.read("config.json").decode()
    else:
        path = _keras2_nested(tmp_path)
        with h5py.File(path) as file:
            text = file.attrs["model_config"]
    rng = np.random.default_rng(3)
    count = len(_places(json.loads(text), []))
    for index in range(count):
        config = json.loads(text)
        parent, key = _places(config, [])[index]
        parent[key] = JUNK[rng.integers(len(JUNK))]
        if version == "keras3":
            _rewrite(path, {"config.json": json.dumps(config).encode()})
        else:
            with h5py.File(path, "r+") as file:
                file.attrs["model_config"] = json.dumps(config)
        try:
            load_keras(path)
        except NnomError as e:
            assert path.name in str(e)


def test_no_keras_file(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    path.write_bytes(b"hello")
    _expect_error(path)
    _expect_error(tmp_path / "absent.keras")
    with h5py.File(path, "w") as file:
        file["a"] = np.zeros(3)
    with pytest.raises(ModelError, match="weights only"):
        load_keras(path)
    with pytest.raises(ModelError, match="a folder"):
        load_keras(tmp_path)
    with pytest.raises(ModelError, match="got int"):
        load_keras(3)


# ---- Keras 2 files, as tf.keras wrote them --------------------------------------------------------------------------


def _keras2_layer(cls: str, name: str, inbound: list[Any], **config: Any) -> dict[str, Any]:
    return {"class_name": cls, "name": name, "inbound_nodes": inbound, "config": {"name": name, **config}}


def _keras2_write(path: Path, config: dict[str, Any], weights: dict[str, list[tuple[str, np.ndarray]]]) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.11.0"
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [n.encode() for n in weights]
        for layer, arrays in weights.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = [n.encode() for n, _ in arrays]
            for name, array in arrays:
                group[name] = array
    return path


def _keras2_functional(name: str, layers: list[Any], inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    return {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}


KERNEL, BIAS = np.diag(np.arange(1, 5)).astype(np.float32), np.arange(4, dtype=np.float32)


def _keras2_nested(tmp_path: Path) -> Path:
    """x -> inner (Dense) -> inner again -> + x; uses of nested models count from 1 in Keras 2."""
    inner = _keras2_functional(
        "inner",
        [
            _keras2_layer("InputLayer", "in", [], batch_input_shape=[None, 4]),
            _keras2_layer("Dense", "fc", [[["in", 0, 0, {}]]], units=4, activation="linear", use_bias=True),
        ],
        [["in", 0, 0]],
        [["fc", 0, 0]],
    )
    layers = [
        _keras2_layer("InputLayer", "x", [], batch_input_shape=[None, 4]),
        _keras2_layer("Functional", "inner", [[["x", 0, 0, {}]], [["inner", 1, 0, {}]]]) | {"config": inner},
        _keras2_layer("TFOpLambda", "tf.add", [["inner", 2, 0, {"y": ["x", 0, 0], "name": None}]], function="math.add"),
        _keras2_layer(
            "TFOpLambda", "tf.mul", [["_CONSTANT_VALUE", -1, 2.0, {"y": ["tf.add", 0, 0]}]], function="math.multiply"
        ),
        _keras2_layer("Activation", "hs", [[["tf.mul", 0, 0, {}]]], activation="hard_sigmoid"),
        _keras2_layer("LeakyReLU", "leak", [[["tf.mul", 0, 0, {}]]], alpha={"type": "ndarray", "value": 0.25}),
    ]
    top = _keras2_functional("top", layers, [["x", 0, 0]], [["hs", 0, 0], ["leak", 0, 0]])
    weights = {"x": [], "inner": [("fc/kernel:0", KERNEL), ("fc/bias:0", BIAS)], "tf.add": [], "hs": [], "leak": []}
    return _keras2_write(tmp_path / "two.h5", {"class_name": "Functional", "config": top}, weights)


def test_keras2_nested_and_lambdas(tmp_path: Path) -> None:
    graph = load_keras(_keras2_nested(tmp_path))
    x = np.array([0.1, -0.3, 0.02, -0.1])
    total = 2 * ((x @ KERNEL + BIAS) @ KERNEL + BIAS + x)
    hard, leak = run_graph(graph, [x], np.float64)
    np.testing.assert_allclose(hard.ravel(), np.clip(0.2 * total + 0.5, 0, 1), rtol=1e-6)
    np.testing.assert_allclose(leak.ravel(), np.where(total > 0, total, 0.25 * total), rtol=1e-6)


def test_keras2_sequential_as_list_and_equal_names(tmp_path: Path) -> None:
    """Nested models whose layers share a name: the arrays are told apart by their order, trained ones first."""

    def block() -> dict[str, Any]:
        dense = _keras2_layer("Dense", "fc", [], units=4, activation="relu")
        norm = _keras2_layer("BatchNormalization", "bn", [], axis=[1], epsilon=0.0)
        return {"class_name": "Sequential", "config": [dense, norm]}

    outer = {
        "name": "outer",
        "layers": [block() | {"name": "a"}, block() | {"name": "b"}],
        "build_input_shape": [None, 4],
    }
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    learned = [KERNEL, BIAS, ones * 2, zeros]
    names = [f"w{i}" for i in range(12)]
    arrays = list(zip(names, [*learned, *learned, zeros, ones, zeros, ones * 4], strict=True))
    config = {
        "class_name": "Sequential",
        "config": {"name": "top", "layers": [{"class_name": "Sequential", "config": outer}]},
    }
    config["config"]["layers"][0]["config"]["batch_input_shape"] = [None, 4]
    graph = load_keras(_keras2_write(tmp_path / "seq.h5", config, {"outer": arrays}))
    x = np.array([0.5, 1.0, -2.0, 3.0])
    y = 2 * np.maximum(x @ KERNEL + BIAS, 0)
    y = 2 * np.maximum(y @ KERNEL + BIAS, 0) / 2
    np.testing.assert_allclose(run_graph(graph, [x], np.float64)[0].ravel(), y, rtol=1e-6)


def test_keras_2_12_archive(tmp_path: Path) -> None:
    """Keras 2.12 listed layers with weights twice in the archive, and wrote backslashes on Windows."""
    layers = [{"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "name": "x"}}]
    layers += [
        {"class_name": "Dense", "config": {"name": n, "units": 4, "trainable": True}} for n in ("first", "second")
    ]
    config = {"class_name": "Sequential", "config": {"name": "old", "layers": layers}}
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, factor in (("dense", 1), ("dense_2", 3)):
            group = file.create_group(f"_layer_checkpoint_dependencies\\{name}\\vars")
            group["0"], group["1"] = KERNEL * factor, BIAS
    path = tmp_path / "old.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", '{"keras_version": "2.12.0"}')
        archive.writestr("model.weights.h5", buffer.getvalue())
    x = np.array([0.5, 1.0, -2.0, 3.0])
    want = (x @ KERNEL + BIAS) @ (KERNEL * 3) + BIAS
    np.testing.assert_allclose(run_graph(load_keras(path), [x], np.float64)[0].ravel(), want, rtol=1e-6)


def test_files_are_read_without_keras(tmp_path: Path) -> None:
    path = _sample(tmp_path)
    code = (
        "import sys; from nnom.importers.keras import load_keras; load_keras(sys.argv[1]); "
        "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)
