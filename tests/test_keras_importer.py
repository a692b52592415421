# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The Keras importer against Keras itself: every layer in every file format, real models, refusals, damaged files.

Set KERAS_BACKEND to judge with another engine than jax. Real models come from $NNOM_SHARED (default ../shared).
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
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND", "jax")
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # each operation runs once: compiling takes the time

import ir_float  # noqa: E402
from nnom.errors import ModelError, NnomError, UnsupportedError  # noqa: E402
from nnom.graph import Graph  # noqa: E402
from nnom.importers.keras import c_identifier, load_keras  # noqa: E402
from nnom.importers.keras_file import snake_case  # noqa: E402

h5py = pytest.importorskip("h5py")
keras = pytest.importorskip("keras", reason="pip install keras jax")
L, ops = keras.layers, keras.ops

SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared"))
needs_shared = pytest.mark.skipif(not (SHARED / "models").is_dir(), reason=f"no models in {SHARED}: set NNOM_SHARED")
MODELS = [f"{f}.h5" for f in (
    "ic/resnet8_float", "vww/mobilenetv1_025_float", "ad/autoencoder_float", "sww/streaming_wakeword_float",
    "mnist/mnist_valid_float", "mnist/mnist_dw_float", "mnist/mnist_resnet_float",
)] + ["har/har_cnn1d_float.keras"]  # fmt: skip

IMAGE, SERIES, VECTOR = (9, 8, 6), (12, 6), (10,)


def randomise(model: Any, seed: int) -> Any:
    """Weights of a size that keeps values near 1, variances positive."""
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if getattr(layer, "layers", None) or not layer.weights or isinstance(layer, L.Normalization):
            continue
        made = []
        for weight in layer.weights:
            fan = max(1, int(np.prod(weight.shape[:-1])))
            value = rng.normal(0, 1 / np.sqrt(fan), weight.shape)
            made.append(rng.uniform(0.5, 2, weight.shape) if "variance" in weight.name else value)
        layer.set_weights(made)
    return model


def compare(model: Any, graphs: list[Graph], seed: int = 0, tolerance: float = 1e-4) -> None:
    """Two random records through Keras and through the graphs."""
    rng = np.random.default_rng(seed)
    records = [rng.normal(0, 2, (2, *t.shape[1:])).astype(np.float32) for t in model.inputs]
    given = records if len(records) > 1 else records[0]
    if isinstance(getattr(model, "_inputs_struct", None), dict):
        given = dict(zip([t.name for t in model.inputs], records, strict=True))
    wanted = [np.array(w) for w in keras.tree.flatten(model(given, training=False))]
    for graph in graphs:
        for i in range(2):
            got = ir_float.run(graph, [r[i] for r in records])
            assert len(got) == len(wanted)
            for g, w in zip(got, wanted, strict=True):
                np.testing.assert_allclose(g.ravel(), w[i].ravel(), rtol=tolerance, atol=tolerance)


def check_all_formats(model: Any, folder: Path) -> Graph:
    """In memory, .keras and .h5 give the same graph, and it computes what Keras computes."""
    model = randomise(model, 1)
    graphs = [load_keras(model)]
    for suffix in ("keras", "h5"):
        path = folder / f"model.{suffix}"
        model.save(path)
        graphs.append(load_keras(path))
    compare(model, graphs)
    first = [(n.op, n.name, n.inputs) for n in graphs[0].nodes]
    assert all([(n.op, n.name, n.inputs) for n in g.nodes] == first for g in graphs)
    return graphs[1]


LAYERS: list[tuple[tuple[int, ...], Callable[[], Any]]] = [
    *[(SERIES, lambda p=p: L.Conv1D(5, 3, padding=p, activation="relu")) for p in ("valid", "same", "causal")],
    (SERIES, lambda: L.Conv1D(5, 4, strides=3, padding="same", use_bias=False)),
    (SERIES, lambda: L.Conv1D(5, 3, dilation_rate=2, padding="causal", activation="sigmoid")),
    (SERIES, lambda: L.Conv1D(4, 3, groups=2, activation="softmax")),
    (IMAGE, lambda: L.Conv2D(5, (3, 2), strides=(2, 1), padding="same", activation="relu6")),
    (IMAGE, lambda: L.Conv2D(5, 3, dilation_rate=(2, 1), activation="tanh")),
    (IMAGE, lambda: L.Conv2D(12, 3, groups=6, padding="same")),
    (IMAGE, lambda: L.Conv2D(9, 3, groups=3, padding="same", activation="relu")),
    (IMAGE, lambda: L.Conv2D(5, 1, activation=L.LeakyReLU(negative_slope=0.1))),
    (IMAGE, lambda: L.Conv2D(5, 1, activation=keras.activations.leaky_relu)),
    (SERIES, lambda: L.DepthwiseConv1D(3, depth_multiplier=2, padding="same")),
    (IMAGE, lambda: L.DepthwiseConv2D(3, depth_multiplier=3, strides=2, padding="same", activation="relu")),
    (IMAGE, lambda: L.DepthwiseConv2D((2, 3), dilation_rate=2)),
    (SERIES, lambda: L.SeparableConv1D(7, 3, padding="same", activation="relu")),
    (IMAGE, lambda: L.SeparableConv2D(7, 3, strides=2, padding="same", depth_multiplier=2, activation="elu")),
    *[
        (SERIES, lambda k=k, s=s, p=p: L.Conv1DTranspose(4, k, strides=s, padding=p))
        for k, s, p in ((3, 2, "same"), (4, 2, "valid"), (2, 3, "valid"), (2, 3, "same"), (5, 1, "same"))
    ],
    (SERIES, lambda: L.Conv1DTranspose(4, 3, dilation_rate=2, padding="same")),
    *[
        (IMAGE, lambda k=k, s=s, p=p: L.Conv2DTranspose(4, k, strides=s, padding=p, activation="relu"))
        for k, s, p in (((3, 2), 2, "same"), ((2, 3), (1, 2), "valid"), ((4, 4), 2, "same"), (2, 3, "valid"))
    ],
    (IMAGE, lambda: L.Conv2DTranspose(4, 3, strides=2, padding="valid", output_padding=1)),
    (IMAGE, lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1)),
    (VECTOR, lambda: L.Dense(5, activation="softmax")),
    (SERIES, lambda: L.Dense(5, activation="relu")),
    (IMAGE, lambda: L.Dense(5, use_bias=False)),
    *[(SERIES, lambda c=c: c(2)) for c in (L.MaxPooling1D, L.AveragePooling1D)],
    *[(SERIES, lambda c=c: c(3, strides=2, padding="same")) for c in (L.MaxPooling1D, L.AveragePooling1D)],
    *[(IMAGE, lambda c=c: c((3, 2), strides=2, padding="same")) for c in (L.MaxPooling2D, L.AveragePooling2D)],
    *[(IMAGE, lambda c=c: c(2)) for c in (L.MaxPooling2D, L.AveragePooling2D)],
    *[(SERIES, lambda c=c: c()) for c in (L.GlobalMaxPooling1D, L.GlobalAveragePooling1D)],
    *[(IMAGE, lambda c=c: c(keepdims=True)) for c in (L.GlobalMaxPooling2D, L.GlobalAveragePooling2D)],
    *[(shape, lambda: L.Flatten()) for shape in (VECTOR, SERIES, IMAGE)],
    *[(SERIES, lambda t=t: L.Reshape(t)) for t in ((72,), (-1, 4), (8, 3, 3), (12, 6), (12, 1, 6))],
    (SERIES, lambda: L.Permute((2, 1))),
    (IMAGE, lambda: L.Permute((3, 1, 2))),
    *[(shape, lambda: L.Softmax()) for shape in (VECTOR, SERIES, IMAGE)],
    *[(IMAGE, lambda m=m: L.ReLU(max_value=m)) for m in (None, 6, 1, 2.5)],
    (IMAGE, lambda: L.ReLU(negative_slope=0.2)),
    (IMAGE, lambda: L.LeakyReLU(negative_slope=0.15)),
    (IMAGE, lambda: L.ELU(alpha=0.5)),
    (IMAGE, lambda: L.PReLU(shared_axes=[1, 2])),
    (VECTOR, lambda: L.PReLU()),
    *[(shape, lambda: L.BatchNormalization()) for shape in (VECTOR, SERIES, IMAGE)],
    (IMAGE, lambda: L.BatchNormalization(axis=3, center=False, epsilon=0.01)),
    (IMAGE, lambda: L.BatchNormalization(scale=False)),
    *[(SERIES, lambda c=c: c(0.3)) for c in (L.Dropout, L.SpatialDropout1D, L.GaussianNoise, L.GaussianDropout)],
    (IMAGE, lambda: L.SpatialDropout2D(0.3)),
    (IMAGE, lambda: L.ActivityRegularization(0.1)),
    (SERIES, lambda: L.ZeroPadding1D((1, 2))),
    (IMAGE, lambda: L.ZeroPadding2D(((1, 2), (0, 3)))),
    (IMAGE, lambda: L.ZeroPadding2D((1, 2))),
    (SERIES, lambda: L.Cropping1D((1, 2))),
    (IMAGE, lambda: L.Cropping2D(((1, 2), (0, 3)))),
    (SERIES, lambda: L.UpSampling1D(3)),
    (IMAGE, lambda: L.UpSampling2D((2, 3))),
    (IMAGE, lambda: L.UpSampling2D((2, 3), interpolation="bilinear")),
    *[(IMAGE, lambda i=i: L.Resizing(13, 5, interpolation=i)) for i in ("nearest", "bilinear")],
    (VECTOR, lambda: L.RepeatVector(4)),
    (IMAGE, lambda: L.Rescaling(1 / 255, offset=-0.5)),
    (SERIES, lambda: L.Rescaling([1, 2, 3, 4, 5, 6.0], offset=np.arange(6.0))),
    (IMAGE, lambda: L.Normalization(mean=2.0, variance=3.0)),
    (SERIES, lambda: L.Normalization(mean=np.arange(6.0), variance=np.arange(6.0), invert=True)),
]  # fmt: skip

ACTIVATIONS = (
    "linear relu relu6 softmax log_softmax sigmoid tanh elu selu celu softplus softsign exponential hard_sigmoid "
    "silu swish gelu hard_silu hard_swish leaky_relu mish log_sigmoid hard_tanh tanh_shrink soft_shrink hard_shrink "
    "squareplus sparse_plus sparse_sigmoid"
).split()


def _title(value: Any) -> str:
    if not callable(value):
        return "x".join(map(str, value))
    layer = value()
    return layer.__class__.__name__


@pytest.mark.parametrize(("shape", "make"), LAYERS, ids=_title)
def test_layer(shape: tuple[int, ...], make: Callable[[], Any], tmp_path: Path) -> None:
    check_all_formats(keras.Sequential([L.Input(shape), make()]), tmp_path)


def test_layer_on_series_and_images_has_these_shapes() -> None:
    graph = load_keras(keras.Sequential([L.Input((12, 6)), L.Conv1D(5, 3), L.GlobalMaxPooling1D()]))
    assert [t.shape for t in graph.tensors.values()] == [(12, 1, 6), (10, 1, 5), (1, 1, 5)]
    assert graph.nodes[0].weights["weights"].data.shape == (5, 3, 1, 6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str, tmp_path: Path) -> None:
    model = keras.Sequential([L.Input(SERIES), L.Activation(name), L.Conv1D(6, 1, activation=name)])
    check_all_formats(model, tmp_path)


@pytest.mark.parametrize("shape", [VECTOR, SERIES, IMAGE])
@pytest.mark.parametrize("axis", [None, -1], ids=str)
def test_normalization_learned(shape: tuple[int, ...], axis: int | None, tmp_path: Path) -> None:
    layer = L.Normalization(axis=axis)
    layer.adapt(np.random.default_rng(0).normal(3, 2, (20, *shape)))
    check_all_formats(keras.Sequential([L.Input(shape), layer]), tmp_path)


@pytest.mark.parametrize("merge", ["Add", "Multiply", "Maximum", "Minimum", "Average", "Subtract", "Concatenate"])
@pytest.mark.parametrize("shape", [VECTOR, SERIES, IMAGE], ids=str)
def test_merge(merge: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    inputs = [L.Input(shape) for _ in range(2 if merge == "Subtract" else 3)]
    check_all_formats(keras.Model(inputs, getattr(L, merge)()(inputs)), tmp_path)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2, -3])
def test_concatenate_axis(axis: int, tmp_path: Path) -> None:
    inputs = [L.Input(IMAGE), L.Input(IMAGE)]
    check_all_formats(keras.Model(inputs, L.Concatenate(axis=axis)(inputs)), tmp_path)


def test_merge_broadcasts(tmp_path: Path) -> None:
    image, row, vector, series = L.Input(IMAGE), L.Input((1, 8, 1)), L.Input((6,)), L.Input((8, 6))
    y = L.Add()([image, row])
    y = L.Multiply()([y, L.Reshape((1, 1, 6))(vector)])
    y = L.Add()([y, L.Reshape((1, 8, 6))(series)])
    check_all_formats(keras.Model([image, row, vector, series], y), tmp_path)


def test_shared_layers_and_nested_models(tmp_path: Path) -> None:
    def block(name: str) -> Any:
        x = L.Input((9, 8, 4))
        return keras.Model(x, [L.Conv2D(4, 3, padding="same")(x), L.ReLU()(x)], name=name)

    inner = keras.Sequential([L.Conv2D(4, 1, activation="relu"), L.BatchNormalization()], name="inner")
    outer_in = L.Input((9, 8, 4))
    outer = keras.Model(outer_in, L.Add()([inner(outer_in), outer_in]), name="outer")
    twice, shared = block("twice"), L.Conv2D(4, 3, padding="same", name="shared")
    image = L.Input(IMAGE, name="image")
    x = outer(shared(image))
    first, second = twice(x)
    y = L.Add()([outer(first), second])
    left, right = twice(y)
    model = keras.Model(image, [L.Concatenate()([left, right]), outer(y), shared(image)])
    graph = check_all_formats(model, tmp_path)
    assert len({n.name for n in graph.nodes}) == len(graph.nodes)
    uses = [n for n in graph.nodes if n.name.startswith("twice/conv2d")]
    assert len(uses) == 2 and uses[0].weights["weights"] is uses[1].weights["weights"]


def test_frozen_layers_in_nested_models(tmp_path: Path) -> None:
    """The old format stores what is trained before what is not."""
    inner = keras.Sequential([L.Input((5,)), L.Dense(5), L.BatchNormalization(), L.Dense(5)])
    inner.layers[0].trainable = False
    outer = keras.Sequential([L.Input((5,)), inner, L.Dense(5)])
    check_all_formats(outer, tmp_path)


def test_several_inputs_and_outputs_in_dicts(tmp_path: Path) -> None:
    a, b = L.Input(VECTOR, name="a"), L.Input(VECTOR, name="b")
    model = keras.Model({"b": b, "a": a}, {"sum": L.Add()([a, b]), "difference": L.Subtract()([a, b])})
    check_all_formats(model, tmp_path)


def test_outputs_have_tensors_of_their_own(tmp_path: Path) -> None:
    x = L.Input(VECTOR)
    y = L.Dense(3)(x)
    graph = check_all_formats(keras.Model(x, [y, x, L.Dropout(0.1)(y)]), tmp_path)
    assert len(set(graph.outputs + graph.inputs)) == 4


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: 1.0 - (x * 2.0 + x) / 4 - x * np.arange(6, dtype="float32"),
    "constant_with_batch": lambda x: x + np.ones((1, 1, 1, 6), "float32"),
    "maximum": lambda x: ops.maximum(ops.minimum(x, 1.0), -x),
    "functions": lambda x: ops.relu(x) + ops.sigmoid(x) + ops.tanh(x) + ops.exp(-ops.abs(x)) + ops.square(x),
    "leaky_relu": lambda x: ops.leaky_relu(x, 0.3) + ops.elu(x, 0.7) + ops.hard_sigmoid(x),
    "gelu": lambda x: ops.gelu(x) + ops.gelu(x, approximate=False),
    "softmax": lambda x: ops.softmax(x) + ops.log_softmax(x),
    "mean_all": lambda x: ops.mean(x, axis=(1, 2)),
    "mean_keepdims": lambda x: x - ops.mean(x, axis=(1, 2), keepdims=True),
    "reductions": lambda x: ops.max(x, 1) + ops.min(x, 1) + ops.sum(x, 1) + ops.mean(x, axis=1),
    "sum_channels": lambda x: ops.sum(x, axis=-1),
    "reshape": lambda x: ops.reshape(x, (-1, 72, 6)),
    "transpose": lambda x: ops.transpose(x, (0, 3, 1, 2)),
    "concatenate": lambda x: ops.concatenate([x, x * 2], axis=2),
    "clip": lambda x: ops.clip(x, -0.5, 0.7) + ops.clip(x, 0, 6) + ops.clip(x, -1, 1),
    "squeeze": lambda x: ops.squeeze(ops.expand_dims(ops.max(x, 1), 1), 1),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))),
    "slice": lambda x: x[:, 1:7:2, :-1, 2:],
    "index": lambda x: x[:, 3, :, 1:3],
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(name: str, tmp_path: Path) -> None:
    x = L.Input(IMAGE)
    check_all_formats(keras.Model(x, OPERATIONS[name](x)), tmp_path)


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
        got = ir_float.run(load_keras(path), [record])[0]
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
    with pytest.raises(UnsupportedError, match="a folder"):
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
    hard, leak = ir_float.run(graph, [x])
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
    np.testing.assert_allclose(ir_float.run(graph, [x])[0].ravel(), y, rtol=1e-6)


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
    np.testing.assert_allclose(ir_float.run(load_keras(path), [x])[0].ravel(), want, rtol=1e-6)


# ---- refusals -------------------------------------------------------------------------------------------------------


def test_all_unsupported_layers_are_listed(tmp_path: Path) -> None:
    x = L.Input(SERIES)
    y = L.LSTM(4, return_sequences=True, name="memory")(x)
    y = L.LayerNormalization(name="norm")(y)
    y = L.Conv1D(4, 3, name="fine")(y)
    y = L.Conv1D(4, 1, activation="glu", name="gated")(y)
    path = tmp_path / "bad.keras"
    keras.Model(x, y).save(path)
    with pytest.raises(UnsupportedError) as error:
        load_keras(path)
    text = str(error.value)
    assert "3 layers cannot be converted" in text and "layer 'gated' (Conv1D): activation 'glu'" in text
    assert "layer 'memory' (LSTM): recurrent" in text and "layer 'norm' (LayerNormalization)" in text
    assert "Conv1D with padding 'causal'" in text and "fine" not in text


@pytest.mark.parametrize(
    ("shape", "make", "text"),
    [
        (IMAGE, lambda: L.BatchNormalization(axis=1), "over axis 1; use the channels"),
        (IMAGE, lambda: L.Softmax(axis=1), "use the last axis"),
        (IMAGE, lambda: L.ReLU(threshold=1.0), "not continuous"),
        (IMAGE, lambda: L.ReLU(max_value=4, negative_slope=0.1), "use max_value 6 or none"),
        (IMAGE, lambda: L.UpSampling2D(2, interpolation="bicubic"), "use 'nearest' or 'bilinear'"),
        (IMAGE, lambda: L.MaxPooling2D(data_format="channels_first"), "channels_last"),
        (IMAGE, lambda: L.Activation("sparsemax"), "activation 'sparsemax' is unknown"),
        (IMAGE, lambda: L.UnitNormalization(), "BatchNormalization"),
        (IMAGE, lambda: L.SpectralNormalization(L.Conv2D(2, 1)), "SpectralNormalization"),
        ((None, 6), lambda: L.Conv1D(2, 3), "open sides; save the model with a fixed input shape"),
        ((4, 4, 4, 2), lambda: L.Conv3D(2, 3), "at most .batch, height, width, channels."),
    ],
)
def test_refusal(shape: tuple[int, ...], make: Callable[[], Any], text: str) -> None:
    with pytest.raises(UnsupportedError, match=text):
        load_keras(keras.Sequential([L.Input(shape), make()]))


def test_prelu_that_differs_between_positions_is_refused() -> None:
    model = keras.Sequential([L.Input(IMAGE), L.PReLU()])
    model.set_weights([np.full((1, *IMAGE), 0.25)[0]])
    compare(model, [load_keras(model)])
    with pytest.raises(UnsupportedError, match=r"shared_axes=\[1, 2\]"):
        load_keras(randomise(model, 0))


def test_concatenating_the_batch_and_unknown_operations_are_refused() -> None:
    x = L.Input(VECTOR)
    with pytest.raises(UnsupportedError, match="along the batch"):
        load_keras(keras.Model(x, L.Concatenate(axis=0)([x, x])))
    with pytest.raises(UnsupportedError, match="operation 'cumsum' is not supported"):
        load_keras(keras.Model(x, ops.cumsum(x, axis=1)))


def test_models_without_a_graph_are_refused() -> None:
    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(UnsupportedError, match="functional model"):
        load_keras(Own())
    with pytest.raises(UnsupportedError, match="no input shape"):
        load_keras(keras.Sequential([L.Dense(3)]))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "mixed_float16"])
def test_weights_of_half_precision(dtype: str, tmp_path: Path) -> None:
    model = randomise(keras.Sequential([L.Input(VECTOR), L.Dense(3, dtype=dtype)]), 2)
    model.save(tmp_path / "half.keras")
    want = np.asarray(model.layers[0].get_weights()[0], dtype=np.float32).T
    for graph in (load_keras(model), load_keras(tmp_path / "half.keras")):
        np.testing.assert_array_equal(graph.nodes[0].weights["weights"].data, want)


def test_files_are_read_without_keras(tmp_path: Path) -> None:
    path = _sample(tmp_path)
    code = (
        "import sys; from nnom.importers.keras import load_keras; load_keras(sys.argv[1]); "
        "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)


def test_names() -> None:
    assert [c_identifier(n) for n in ("my-model v2", "3d", "é", "a_b")] == ["my_model_v2", "model_3d", "model", "a_b"]
    wanted = {
        "Conv2D": "conv2d",
        "LeakyReLU": "leaky_re_lu",
        "PReLU": "p_re_lu",
        "ELU": "elu",
        "MaxPooling1D": "max_pooling1d",
    }
    assert {k: snake_case(k) for k in wanted} == wanted
    assert all(snake_case(c) == keras.src.utils.naming.to_snake_case(c) for c in dir(L) if c[0].isupper())
