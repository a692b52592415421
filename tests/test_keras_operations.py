# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Operations of Keras models: every argument counts or is refused by name; random models; TensorFlow's names.

NNOM_KERAS_MODELS: number of random models (60; 2,000 take four minutes).
"""

from __future__ import annotations

import inspect
import json
import math
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
h5py = pytest.importorskip("h5py")
pytest.importorskip("keras", reason="pip install keras jax")

import keras_random  # noqa: E402
from keras_random import L, keras, ops  # noqa: E402
from nnom.compare import outputs_of  # noqa: E402
from nnom.errors import ModelError, UnsupportedError  # noqa: E402
from nnom.graph import Graph, Tensor  # noqa: E402
from nnom.importers.keras import (  # noqa: E402
    keras_ops,
    keras_signatures,
    load_keras,  # noqa: E402
)
from nnom.importers.keras.keras_args import Arguments  # noqa: E402
from nnom.importers.keras.keras_build import Builder, Value  # noqa: E402
from nnom.importers.keras.keras_file import snake_case  # noqa: E402
from nnom.importers.keras.keras_spec import Config, Layer  # noqa: E402
from nnom.importers.workbench import Refused  # noqa: E402
from nnom.passes import fold  # noqa: E402

MODELS = int(os.environ.get("NNOM_KERAS_MODELS", "60"))
KERAS, TENSORFLOW = keras_signatures.KERAS, keras_signatures.TENSORFLOW
TABLES = [*((True, name) for name in KERAS), *((False, name) for name in TENSORFLOW)]


def judged(model: Any, tolerance: float = 1e-4) -> Graph:
    """The graph of a model, which computes what Keras does."""
    graph = load_keras(model)
    x = np.random.default_rng(0).normal(0, 1, (3, *model.inputs[0].shape[1:])).astype("float32")
    data = [x.reshape(3, *graph.tensors[graph.inputs[0]].shape)]
    wanted = keras.tree.flatten(model(x, training=False))
    for got, want in zip(outputs_of(fold(graph), data), wanted, strict=True):
        np.testing.assert_allclose(got.reshape(np.shape(want)), np.asarray(want), rtol=tolerance, atol=tolerance)
    return graph


def of(make: Callable[[Any], Any], shape: tuple[int, ...] = (4, 6)) -> Any:
    x = L.Input(shape)
    return keras.Model(x, make(x))


# ---- the tables -----------------------------------------------------------------------------------------------------


def _classes() -> dict[str, Any]:
    modules = [getattr(keras.src.ops, m) for m in ("numpy", "nn", "math", "core", "image", "linalg")]
    found = [c for m in modules for c in vars(m).values() if inspect.isclass(c) and issubclass(c, keras.Operation)]
    return {snake_case(c.__name__): c for c in found}


def test_every_argument_of_keras_is_in_the_table() -> None:
    """By its name and, in the call, at its place."""
    classes = _classes()
    for name, signature in KERAS.items():
        if name not in classes:
            continue
        cls = classes[name]
        call = [p for p in inspect.signature(cls.call).parameters if p != "self"]
        own = ("self", "name", "args", "kwargs")
        settings = [p for p in inspect.signature(cls.__init__).parameters if p not in own]
        params = signature.params
        assert len(call) == signature.positional, name
        assert all(c in p.names for c, p in zip(call, params, strict=False)), name
        assert {*call, *settings} <= {n for p in params for n in p.names} | {"dtype"}, name
        for setting in settings:
            default = inspect.signature(cls.__init__).parameters[setting].default
            param = next((p for p in params if setting in p.names), None)
            if param is not None and default is not inspect.Parameter.empty and param.rule == "only":
                assert param.default == default, (name, setting)


def test_every_operation_has_a_handler_and_reads_what_it_declares() -> None:
    for signature in (*KERAS.values(), *TENSORFLOW.values()):
        assert signature.kind in keras_ops.HANDLERS


def _given(of_keras: bool, name: str) -> dict[str, Any]:
    """Arguments that an operation takes: tensors of the model and plausible values."""
    x = Value("x", (4, 6))
    known = {
        "x": x, "inputs": x, "images": Value("image", (4, 6, 4)), "x1": x, "x2": 2.0, "xs": [x, x], "variable": x,
        "key": [slice(None)], "indices": [0], "newshape": [-1, 24], "axes": [0, 2, 1], "source": 1, "destination": 2,
        "axis": 1,
        "axis1": 1, "axis2": 2, "indices_or_sections": 2, "sizes": 2, "repeats": 2, "shift": 1, "x_min": -1.0,
        "x_max": 2.0, "pad_width": [[0, 0], [1, 1], [0, 0]], "pool_size": 2, "strides": 1, "padding": "valid",
        "size": [2, 2], "block_size": 2, "dtype": "float32",
    }  # fmt: skip
    if name == "squeeze":
        known["x"] = Value("one", (1, 6))
    if name in ("depth_to_space", "space_to_depth"):
        known["x"] = known["images"]
    if name == "matmul":
        known["x2"] = np.ones((6, 2))
    if name == "tile":
        known["repeats"] = [1, 1, 2]
    table = KERAS if of_keras else TENSORFLOW
    return {
        p.names[0]: known[p.names[0]] for p in table[name].params if p.required or p.names[0] in ("axis", "axes")
    }  # fmt: skip


def _run(of_keras: bool, name: str, extra: dict[str, Any], position: list[Any] | None = None) -> Any:
    """The operation as a call with these arguments, by name, and extra ones."""
    graph = Graph()
    for tensor, shape in (("x", (4, 1, 6)), ("image", (4, 6, 4)), ("one", (1, 1, 6))):
        graph.add_tensor(Tensor(tensor, shape))
    cls = "".join(w.capitalize() for w in name.split("_")) if of_keras else "TFOpLambda"
    layer = Layer(cls, "it", Config(f"m.keras: layer 'it' ({cls})", {} if of_keras else {"function": f"math.{name}"}))
    layer.is_op = of_keras
    table = KERAS if of_keras else TENSORFLOW
    given = Arguments(table[name], position or [], {**_given(of_keras, name), **extra}, not of_keras)
    made = keras_ops.HANDLERS[given.signature.kind](Builder(graph, of_keras), layer, given)
    given.finish()
    return made


@pytest.mark.parametrize(("of_keras", "name"), TABLES)
def test_plain_arguments_are_known(of_keras: bool, name: str) -> None:
    assert _run(of_keras, name, {})


@pytest.mark.parametrize(("of_keras", "name"), TABLES)
def test_an_unknown_argument_is_refused_by_name(of_keras: bool, name: str) -> None:
    for value in (1.702, None, False, "x", [1]):
        with pytest.raises(Refused, match=r"argument 'beta_of_tomorrow' \(.*is not known"):
            _run(of_keras, name, {"beta_of_tomorrow": value})


@pytest.mark.parametrize(("of_keras", "name"), TABLES)
def test_an_argument_too_many_is_refused(of_keras: bool, name: str) -> None:
    table = KERAS if of_keras else TENSORFLOW
    with pytest.raises(Refused, match=r"arguments; 1.702 has no known meaning"):
        Arguments(table[name], [None] * table[name].positional + [1.702], {})


ODD = [p for of_keras, name in TABLES for p in [
    (of_keras, name, param.names[0]) for param in (KERAS if of_keras else TENSORFLOW)[name].params
    if param.rule != "idle" and param.names[0] not in ("x", "xs", "x1", "x2", "inputs", "images", "variable")
]]  # fmt: skip


@pytest.mark.parametrize(("of_keras", "name", "argument"), ODD)
def test_an_odd_value_is_refused_by_name(of_keras: bool, name: str, argument: str) -> None:
    """A text that means nothing, and a table of what means nothing."""
    for value in ("odd one", {"class_name": "odd"}, Value("x", (4, 6))):
        with pytest.raises((Refused, ModelError)) as error:
            _run(of_keras, name, {argument: value})
        words = (argument, argument.replace("_", " "), "odd", "index", "clips to", "padding", "target shape", "tensor")
        assert any(w in str(error.value) for w in words), str(error.value)


# ---- single operations ----------------------------------------------------------------------------------------------

RIGHT: dict[str, Callable[[Any], Any]] = {
    "ellipsis": lambda x: x[..., 1:5:2],
    "ellipsis in the middle": lambda x: x[:, ..., 2],
    "new axes": lambda x: x[:, None, :, 0:3],
    "new axis at the end": lambda x: x[..., None],
    "negative steps": lambda x: x[:, ::-1, 4:1:-2],
    "split": lambda x: ops.split(x, [1, 4], axis=-1)[1],
    "split of one": lambda x: ops.add(*ops.split(x, 2, axis=1)),
    "unstack": lambda x: ops.unstack(x, axis=-1)[4],
    "stack": lambda x: ops.stack([x, -x], axis=2),
    "repeat": lambda x: ops.repeat(x, 2, axis=1) + ops.repeat(x[:, ::-1], 2, axis=1),
    "tile": lambda x: ops.tile(x, (1, 2, 3)),
    "roll": lambda x: ops.roll(x, 2, axis=-1),
    "flip": lambda x: ops.flip(x, axis=(1, 2)),
    "take": lambda x: ops.take(x, [2, 0, -1], axis=1),
    "moveaxis": lambda x: ops.moveaxis(x, 1, -1),
    "swapaxes": lambda x: ops.swapaxes(x, -1, 1),
    "powers": lambda x: x**2 + x**3 + ops.abs(x) ** 0.5 + 2.0**x + x**7,
    "logarithms": lambda x: ops.log1p(ops.abs(x)) + ops.log2(ops.abs(x) + 1) + ops.log10(ops.square(x) + 0.5),
    "exponentials": lambda x: ops.expm1(x) + ops.exp2(x),
    "variance": lambda x: ops.var(x, axis=1, keepdims=True) + ops.std(x, axis=-1, keepdims=True),
    "logsumexp": lambda x: ops.logsumexp(x * 30, axis=-1),
    "normalize": lambda x: ops.normalize(x) + ops.normalize(x, axis=1) + ops.normalize(x, axis=(1, 2), epsilon=2.0),
    "argmax": lambda x: ops.argmax(x, axis=-1),
    "argmin": lambda x: ops.argmin(x, axis=1, keepdims=True),
    "softmax over rows": lambda x: ops.softmax(x, axis=1) + ops.softmax(x, axis=-2) + ops.log_softmax(x, axis=(1, 2)),
    "glu": lambda x: ops.glu(x) + ops.swapaxes(ops.glu(ops.swapaxes(x, 1, 2), axis=1), 1, 2),
    "matmul": lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))),
    "matmul by constants": lambda x: ops.matmul(np.eye(3, 4), ops.matmul(x, np.ones((6, 2), "float32"))),
    "pools": lambda x: ops.max_pool(x, 2, 2) + ops.average_pool(x, 3, 2, padding="same"),
    "resize": lambda x: ops.image.resize(ops.expand_dims(x, -1), (7, 3), interpolation="nearest"),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2), (2, 1)), constant_values=1.5),
    "pad by mirrors": lambda x: ops.pad(x, ((0, 0), (2, 1), (0, 3)), "reflect"),
    "pad by mirrors with edges": lambda x: ops.pad(x, ((0, 0), (3, 0), (1, 1)), "symmetric"),
    "functions made of others": lambda x: (
        ops.soft_shrink(x, 0.3)
        + ops.squareplus(x, b=2)
        + ops.sparse_plus(x * 2)
        + ops.sparse_sigmoid(x)
        + ops.tanh_shrink(x)
    ),
    "relu as a function": lambda x: keras.activations.relu(x, negative_slope=0.1, max_value=1.5),
}


@pytest.mark.parametrize("name", RIGHT)
def test_operation(name: str) -> None:
    judged(of(RIGHT[name]))


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "cast to whole numbers": (lambda x: ops.cast(x, "int32"), "'dtype' is 'int32'"),
    "cast to half": (lambda x: ops.cast(x, "float16"), "'dtype' is 'float16'"),
    "initial": (lambda x: ops.max(x, axis=1, initial=0.0), "'initial' is 0.0"),
    "batch in a reduction": (lambda x: ops.mean(x, axis=(0, 1)), r"'axis' is \[0, 1\]; name axes of the data"),
    "all of a reduction": (lambda x: ops.expand_dims(ops.sum(x), 0), "'axis' is None"),
    "threshold": (lambda x: ops.soft_shrink(x, threshold=-1.0), "'threshold' is -1"),
    "order": (lambda x: ops.normalize(x, order=1), "'order' is 1"),
    "norm": (lambda x: ops.norm(x, ord=3, axis=1), "'ord' is 3"),
    "antialias": (lambda x: ops.image.resize(x[..., None], (2, 2), antialias=True), "'antialias' is True"),
    "mode of padding": (lambda x: ops.pad(x, ((0, 0), (1, 1), (0, 0)), "edge"), "'mode' is 'edge'"),
    "indices": (lambda x: ops.take(x, [[0, 1]], axis=1), "'indices' is"),
    "power": (lambda x: x**-1, "'x2' is -1"),
    "sum of argmax": (lambda x: ops.argmax(x, axis=1) + 1, "computes with whole numbers"),
    "cast of argmax": (lambda x: ops.cast(ops.argmax(x, axis=1), "float32"), "end the model with argmax"),
    "condition": (lambda x: ops.where(x > 0, x, 0.0), "operation 'greater' is not supported"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal(name: str) -> None:
    make, text = REFUSED[name]
    with pytest.raises(UnsupportedError, match=text):
        load_keras(of(make))


def test_what_keras_can_not_write_is_named() -> None:
    with pytest.raises(UnsupportedError, match="'Clip' has a value that Keras can not save"):
        load_keras(of(lambda x: ops.clip(x, np.float32(-1), 1)))


def test_whole_numbers_at_the_input() -> None:
    """Pixels may become floats; sums of pixels would overflow in Keras, not here."""
    x = L.Input((4, 6), dtype="uint8")
    graph = load_keras(keras.Model(x, ops.cast(x, "float32") * 2 + x[:, ::2][:, :1] / 255))
    assert graph.is_float
    for make in (lambda x: x + 200, lambda x: ops.square(x), lambda x: ops.concatenate([x, x * 1.5], axis=1)):
        with pytest.raises(UnsupportedError, match="whole numbers"):
            load_keras(keras.Model(x, make(x)))


# ---- tf.keras -------------------------------------------------------------------------------------------------------


def _file(path: Path, shape: tuple[int, ...], cls: str, config: dict[str, Any], kwargs: dict[str, Any]) -> Path:
    """A model of one operation as tf.keras writes it."""
    first = {"class_name": "InputLayer", "name": "i", "inbound_nodes": []}
    first["config"] = {"batch_input_shape": [None, *shape], "dtype": "float32", "name": "i"}
    second = {"class_name": cls, "name": "op", "inbound_nodes": [[["i", 0, 0, kwargs]]]}
    second["config"] = {"name": "op", "trainable": True, "dtype": "float32", **config}
    model = {"name": "m", "layers": [first, second], "input_layers": [["i", 0, 0]], "output_layers": [["op", 0, 0]]}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": model})
    return path


def _values(path: Path, x: np.ndarray) -> np.ndarray:
    graph = load_keras(path)
    return outputs_of(fold(graph), [x.reshape(len(x), *graph.tensors[graph.inputs[0]].shape)])[0]


_X = np.random.default_rng(0).normal(0, 1, (3, 4, 6)).astype("float32")
_E = np.exp(_X)
_ALL = {"start": None, "stop": None, "step": None}
FUNCTIONS = [
    ("math.reduce_mean", {"axis": 1, "keepdims": True}, _X.mean(1)),
    ("compat.v1.nn.softmax", {"axis": None, "dim": 1, "name": None}, _E / _E.sum(1, keepdims=True)),
    ("nn.softmax", {"axis": None}, _E / _E.sum(-1, keepdims=True)),
    ("nn.leaky_relu", {"alpha": 0.3, "name": "x"}, np.where(_X > 0, _X, 0.3 * _X)),
    ("math.l2_normalize", {"axis": 1}, _X / np.sqrt((_X**2).sum(1, keepdims=True))),
    ("nn.gelu", {"approximate": False}, _X * (1 + np.vectorize(math.erf)(_X / 2**0.5)) / 2),
    ("clip_by_value", {"clip_value_min": -0.5, "clip_value_max": 0.25}, np.clip(_X, -0.5, 0.25)),
    ("__operators__.getitem", {"slice_spec": [{"class_name": "__ellipsis__"}, {**_ALL, "stop": 2}]}, _X[..., :2]),
    ("__operators__.getitem", {"slice_spec": [_ALL, None, 1]}, _X[:, None, 1]),
    ("math.pow", {"y": 2.0}, _X**2),
    ("linalg.matmul", {"b": np.ones((2, 6)).tolist(), "transpose_b": True}, _X @ np.ones((6, 2))),
    ("reverse", {"axis": [2]}, _X[..., ::-1]),
    ("norm", {"ord": "euclidean", "axis": 1, "keepdims": True}, np.sqrt((_X**2).sum(1, keepdims=True))),
    ("norm", {"ord": 1, "axis": -1}, np.abs(_X).sum(-1)),
    ("tile", {"multiples": [1, 2, 1]}, np.tile(_X, (1, 2, 1))),
    ("gather", {"indices": [3, 1], "axis": 1}, _X[:, [3, 1]]),
]


@pytest.mark.parametrize(("function", "kwargs", "want"), FUNCTIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_functions_of_tensorflow(function: str, kwargs: Any, want: np.ndarray, tmp_path: Path) -> None:
    path = _file(tmp_path / "m.h5", (4, 6), "TFOpLambda", {"function": function}, kwargs)
    np.testing.assert_allclose(_values(path, _X).reshape(3, -1), want.reshape(3, -1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("function", "kwargs", "text"), [
    ("nn.silu", {"beta": 1.702}, "'beta' is 1.702"),
    ("math.reduce_sum", {"axis": 1, "weights": 2}, "'weights' .2. is not known"),
    ("gather", {"indices": [0], "axis": 1, "batch_dims": 1}, "'batch_dims' is 1"),
    ("transpose", {"perm": [0, 2, 1], "conjugate": True}, "'conjugate' is True"),
    ("nn.max_pool2d", {"ksize": 2, "strides": 2, "padding": "VALID", "data_format": "NCHW"}, "data_format"),
])  # fmt: skip
def test_functions_of_tensorflow_are_refused(function: str, kwargs: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=text):
        load_keras(_file(tmp_path / "m.h5", (4, 6), "TFOpLambda", {"function": function}, kwargs))


def _node(op: str, constants: dict[str, Any], **attr: Any) -> dict[str, Any]:
    return {"constants": constants, "node_def": {"name": "n", "op": op, "attr": {"T": {"type": "DT_FLOAT"}, **attr}}}


NODES = [
    (_node("Mul", {"1": 2.0}), 2 * _X),
    (_node("Sub", {"0": 1.0}), 1 - _X),
    (_node("Reshape", {"1": [-1, 6, 4]}, Tshape={"type": "DT_INT32"}), _X),
    (_node("Transpose", {"1": [0, 2, 1]}, Tperm={"type": "DT_INT32"}), _X.transpose(0, 2, 1)),
    (_node("Mean", {"1": [1]}, keep_dims={"b": False}, Tidx={"type": "DT_INT32"}), _X.mean(1)),
    (_node("LeakyRelu", {}, alpha={"f": 0.25}), np.where(_X > 0, _X, 0.25 * _X)),
    (_node("ExpandDims", {"1": 1}), _X),
    (_node("StridedSlice", {"1": [0, 1, 0], "2": [0, 0, -1], "3": [1, 1, 2]}, begin_mask={"i": "1"},
           end_mask={"i": "1"}, shrink_axis_mask={"i": "2"}, ellipsis_mask={"i": "0"}), _X[:, 1, 0:-1:2]),
    (_node("MirrorPad", {"1": [[0, 0], [1, 1], [0, 0]]}, mode={"s": "UkVGTEVDVA=="}),
     np.pad(_X, ((0, 0), (1, 1), (0, 0)), mode="reflect")),
    (_node("BatchMatMulV2", {"1": np.ones((6, 2)).tolist()}, adj_x={"b": False}), _X @ np.ones((6, 2))),
]  # fmt: skip


@pytest.mark.parametrize(("config", "want"), NODES, ids=lambda v: v["node_def"]["op"] if isinstance(v, dict) else "")
def test_nodes_of_tensorflow(config: dict[str, Any], want: np.ndarray, tmp_path: Path) -> None:
    path = _file(tmp_path / "m.h5", (4, 6), "TensorFlowOpLayer", config, {})
    np.testing.assert_allclose(_values(path, _X).reshape(3, -1), want.reshape(3, -1), rtol=1e-4, atol=1e-5)


def test_nodes_of_tensorflow_are_refused(tmp_path: Path) -> None:
    for config, text in (
        (_node("Cumsum", {"1": 1}), "operation 'Cumsum' is not supported"),
        (_node("Mul", {"1": 2.0}, beta={"f": 2.0}), "attribute 'beta' .2.0. is not known"),
        (_node("Mul", {"1": 2.0}, T={"type": "DT_INT32"}), "attribute 'T' is 'int32'"),
        ({"node_def": "\n\x03mul\x12\x03Mul", "constants": {"1": 2.0}}, "encoding of tf.keras 2.1"),
    ):
        with pytest.raises(UnsupportedError, match=text):
            load_keras(_file(tmp_path / "m.h5", (4, 6), "TensorFlowOpLayer", config, {}))


# ---- random models --------------------------------------------------------------------------------------------------


def test_random_models_are_right_or_refused_by_name() -> None:
    wrong, counts = [], dict.fromkeys(("right", "refused", "no model", "WRONG"), 0)
    for seed in range(MODELS):
        verdict, why = keras_random.judge(seed)
        counts[verdict] += 1
        if verdict == "WRONG":
            wrong.append(f"{seed}: {why}")
    assert not wrong, "\n".join(wrong)
    assert counts["right"] >= MODELS // 3, counts
