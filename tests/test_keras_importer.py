# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The Keras importer against Keras itself: every layer, activation and operation in every file format; refusals.

Set KERAS_BACKEND to judge with another engine than jax. Files, real and damaged, are in test_keras_files.py.
"""

from __future__ import annotations

import os
import sys
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

from nnom.core import CoreModel  # noqa: E402
from nnom.errors import UnsupportedError  # noqa: E402
from nnom.graph import Graph  # noqa: E402
from nnom.importers.keras import load_keras  # noqa: E402
from nnom.importers.keras.keras_file import snake_case  # noqa: E402
from nnom.importers.workbench import c_identifier  # noqa: E402
from nnom.mapping import unsupported  # noqa: E402
from nnom.passes import fold  # noqa: E402
from nnom.validation import validate  # noqa: E402
from oracle.ir_numpy import run_graph  # noqa: E402

h5py = pytest.importorskip("h5py")
keras = pytest.importorskip("keras", reason="pip install keras jax")
L, ops = keras.layers, keras.ops

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
    compare_core(graphs[0], records, wanted)
    for graph in graphs:
        for i in range(2):
            got = run_graph(graph, [r[i] for r in records], np.float64)
            assert len(got) == len(wanted)
            for g, w in zip(got, wanted, strict=True):
                np.testing.assert_allclose(g.ravel(), w[i].ravel(), rtol=tolerance, atol=tolerance)


def compare_core(graph: Graph, records: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    """The C core in float gives Keras's numbers within 1e-5 of the largest, where every operator has its layer."""
    folded = fold(graph)
    if unsupported(folded):
        return
    core = CoreModel(folded)
    for i in range(len(records[0])):
        for got, want in zip(core.run([r[i] for r in records]), wanted, strict=True):
            largest = max(1.0, float(np.abs(want).max()))
            assert np.abs(got.ravel() - want[i].ravel()).max() <= 1e-5 * largest


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
    *[(IMAGE, lambda a=a: L.Softmax(axis=a)) for a in (1, 2, 3, -2, -3, (1, 2), (-1, 2), (1, 2, 3), [-1])],
    (SERIES, lambda: L.Softmax(axis=1)),
    *[(IMAGE, lambda m=m: L.ReLU(max_value=m)) for m in (None, 6, 1, 2.5)],
    *[(IMAGE, lambda m=m: L.ReLU(max_value=m, negative_slope=0.1)) for m in (6, 1.5, 0)],
    (IMAGE, lambda: L.Conv2D(5, 1, activation=L.ReLU(max_value=1))),
    (IMAGE, lambda: L.Conv2D(6, 1, groups=2, activation=L.ReLU(max_value=1, negative_slope=0.25))),
    (IMAGE, lambda: L.ReLU(negative_slope=0.2)),
    (IMAGE, lambda: L.LeakyReLU(negative_slope=0.15)),
    (IMAGE, lambda: L.ELU(alpha=0.5)),
    (IMAGE, lambda: L.PReLU(shared_axes=[1, 2])),
    *[(IMAGE, lambda a=a: L.PReLU(shared_axes=a)) for a in (None, [1], [2], [3])],
    *[(shape, lambda: L.PReLU()) for shape in (VECTOR, SERIES)],
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


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_dicts_name_inputs_and_outputs_in_keras_s_order(suffix: str, tmp_path: Path) -> None:
    """Even where layers are called otherwise, or like another output; validate compares each with its own."""
    z, a = L.Input(VECTOR, name="z"), L.Input(VECTOR, name="a")
    y = L.Dense(3, name="boxes")(L.Concatenate()([z, a]))
    ends = {"scores": y, "boxes": L.Dense(2, name="last")(y), "all": [y, {"first": z}]}
    keras.Model({"left": z, "right": a}, ends).save(tmp_path / f"m.{suffix}")
    graph = load_keras(tmp_path / f"m.{suffix}")
    assert graph.inputs == ["left", "right"]
    assert graph.outputs == ["all/0", "all/1/first", "boxes", "scores"]
    assert [graph.tensors[name].elements for name in graph.outputs] == [3, 10, 2, 3]
    x = {name: np.random.default_rng(i).normal(size=(8, 10)) for i, name in enumerate(graph.inputs)}
    found = validate(tmp_path / f"m.{suffix}", x, x, use_float=True)
    assert len(found.comparisons) == 4 and min(c.sqnr for c in found.comparisons) > 100 and not found.notes


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


# ---- refusals -------------------------------------------------------------------------------------------------------


def test_all_unsupported_layers_are_listed(tmp_path: Path) -> None:
    x = L.Input(SERIES)
    y = L.LSTM(4, return_sequences=True, recurrent_activation="tanh", name="memory")(x)
    y = L.Masking(name="norm")(y)
    y = L.Conv1D(4, 3, name="fine")(y)
    y = L.Conv1D(4, 1, activation="glu", name="gated")(y)
    path = tmp_path / "bad.keras"
    keras.Model(x, y).save(path)
    with pytest.raises(UnsupportedError) as error:
        load_keras(path)
    text = str(error.value)
    assert "3 layers cannot be converted" in text and "layer 'gated' (Conv1D): activation 'glu'" in text
    assert "layer 'memory' (LSTM): recurrent_activation 'tanh'" in text and "layer 'norm' (Masking)" in text
    assert "fine" not in text


@pytest.mark.parametrize(
    ("shape", "make", "text"),
    [
        (IMAGE, lambda: L.BatchNormalization(axis=1), "over axis 1; use the channels"),
        (IMAGE, lambda: L.Softmax(axis=0), "use axes of the data"),
        (IMAGE, lambda: L.Conv2D(2, 1, activation=L.Softmax(axis=1)), "a Softmax layer of its own"),
        (IMAGE, lambda: L.ReLU(threshold=1.0), "not continuous"),
        (IMAGE, lambda: L.RandomCrop(4, 4), "crop or resize before the model"),
        (IMAGE, lambda: L.UpSampling2D(2, interpolation="bicubic"), "use 'nearest' or 'bilinear'"),
        (IMAGE, lambda: L.MaxPooling2D(data_format="channels_first"), "channels_last"),
        (IMAGE, lambda: L.Activation("sparsemax"), "activation 'sparsemax' is unknown"),
        (IMAGE, lambda: L.GroupNormalization(1, axis=1), "use axis -1"),
        (IMAGE, lambda: L.SpectralNormalization(L.Conv2D(2, 1)), "SpectralNormalization"),
        ((None, 6), lambda: L.Conv1D(2, 3), "open sides; save the model with a fixed input shape"),
        ((4, 4, 4, 2), lambda: L.Conv3D(2, 3), "at most .batch, height, width, channels."),
    ],
)
def test_refusal(shape: tuple[int, ...], make: Callable[[], Any], text: str) -> None:
    with pytest.raises(UnsupportedError, match=text):
        load_keras(keras.Sequential([L.Input(shape), make()]))


def test_equal_slopes_of_prelu_belong_to_the_node() -> None:
    model = keras.Sequential([L.Input(IMAGE), L.PReLU()])
    model.set_weights([np.full((1, *IMAGE), 0.25)[0]])
    graph = load_keras(model)
    compare(model, [graph])
    assert len(graph.nodes) == 1 and graph.nodes[0].weights["alpha"].data.shape == (6,)


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


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16", "float16", "mixed_float16"])
def test_weights_of_half_precision(dtype: str, tmp_path: Path) -> None:
    model = randomise(keras.Sequential([L.Input(VECTOR), L.Dense(3, dtype=dtype)]), 2)
    files = [tmp_path / f"half.{suffix}" for suffix in ("keras", "h5")]
    for path in files:
        model.save(path)
    want = np.asarray(model.layers[0].get_weights()[0], dtype=np.float32).T
    for graph in map(load_keras, (model, *files)):
        np.testing.assert_array_equal(graph.nodes[0].weights["weights"].data, want)


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


def _parts(x: Any, *shape: int) -> Any:
    return L.Reshape(shape)(x)


@pytest.mark.parametrize(
    ("shape", "move"),
    [
        ((4, 5, 6), lambda x: _parts(L.Permute((1, 2, 4, 3))(_parts(x, 4, 5, 2, 3)), 4, 5, 6)),  # channels shuffled
        ((4, 3, 8), lambda x: _parts(L.Permute((1, 3, 2, 4, 5))(_parts(x, 4, 3, 2, 2, 2)), 8, 6, 2)),  # pixels
        ((4, 6), lambda x: L.Flatten()(L.Permute((4, 2, 1, 3))(_parts(x, 2, 2, 2, 3)))),
    ],
)
def test_tensors_of_more_axes_between_moves(shape: tuple[int, ...], move: Callable[[Any], Any]) -> None:
    x = L.Input(shape)
    model = keras.Model(x, move(x))
    data = np.random.default_rng(8).normal(size=(2, *shape)).astype(np.float32)
    core = CoreModel(load_keras(model))
    (got,) = core.run_many([data.reshape(2, *core.inputs[0].shape)])
    np.testing.assert_array_equal(got.ravel(), np.asarray(model(data)).ravel())


@pytest.mark.parametrize("layer", [lambda x: L.ReLU()(x), lambda x: L.Add()([x, x]), lambda x: L.Dense(2)(x)])
def test_what_computes_takes_three_axes(layer: Callable[[Any], Any]) -> None:
    x = L.Input((4, 6))
    with pytest.raises(UnsupportedError, match=r"shape \(2, 2, 2, 3\) has more than 3 dimensions"):
        load_keras(keras.Model(x, L.Flatten()(layer(_parts(x, 2, 2, 2, 3)))))
