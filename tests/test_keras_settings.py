# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What the Keras importer does not know is refused by name: settings of layers, arguments of calls, classes, types.

And what Keras itself writes is known; layers that Keras leaves idle at inference are left away.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
sys.path.insert(0, str(ROOT / "tests"))

from nnom.errors import UnsupportedError  # noqa: E402
from nnom.importers.keras import keras_model as importer  # noqa: E402
from nnom.importers.keras import keras_settings as settings  # noqa: E402
from nnom.importers.keras.keras_spec import Config, Layer  # noqa: E402
from nnom.importers.workbench import Refused  # noqa: E402
from test_keras_importer import IMAGE, LAYERS, VECTOR, L, check_all_formats, compare, keras, load_keras  # noqa: E402

AUGMENTATIONS = {
    "RandomContrast": (0.1,), "RandomBrightness": (0.1,), "RandomColorDegeneration": (0.2,), "RandomHue": (0.2,),
    "RandomSaturation": (0.2,), "RandomSharpness": (0.2,), "RandomPosterization": (3,), "RandomCrop": IMAGE[:2],
    "RandomRotation": (0.1,), "RandomZoom": (0.1,), "RandomTranslation": (0.1, 0.1), "RandomShear": (0.2,),
}  # fmt: skip
IN_KERAS_2_ONLY = ("RandomHeight", "RandomWidth")


def _check(cls: str, values: dict[str, Any]) -> None:
    layer = Layer(cls, "it", Config(f"m.keras: layer 'it' ({cls})", {"name": "it", **values}))
    importer._check_layer(layer, True)


# ---- settings of layers ---------------------------------------------------------------------------------------------


def test_every_class_has_its_settings() -> None:
    assert set(settings.LAYERS) == {*importer.HANDLERS, *importer.MANY_HANDLERS, "InputLayer"}


@pytest.mark.parametrize("cls", settings.LAYERS)
def test_an_unknown_setting_is_refused_by_name(cls: str) -> None:
    """Even if its value is None or False: what it would mean by default is not known."""
    for value in (1.702, None, False, "x"):
        with pytest.raises(Refused, match=r"setting 'beta_of_tomorrow' \(.*unknown for this class"):
            _check(cls, {"beta_of_tomorrow": value})


@pytest.mark.parametrize("cls", [c for c, known in settings.LAYERS.items() if known.fixed])
def test_an_unknown_value_is_refused_by_name(cls: str) -> None:
    for key in settings.LAYERS[cls].fixed:
        with pytest.raises(Refused, match=f"setting '{key}' is 3; only .* is supported"):
            _check(cls, {key: 3})


def _written(cls: str) -> dict[str, Any]:
    """The configuration that today's Keras writes for a class."""
    known = {"Dense": (3,), "RepeatVector": (2,), "Permute": ((1,),), "Reshape": ((2,),), "Activation": ("relu",)}
    known |= {"SimpleRNN": (2,), "GRU": (2,), "LSTM": (2,), "TimeDistributed": (L.Dense(2),)}
    known |= {"Bidirectional": (L.GRU(2),), "Dot": (1,), "MultiHeadAttention": (2, 2), "Embedding": (3, 2)}
    known |= {"Rescaling": (1,), "Resizing": (2, 2), "InputLayer": ((3,),), "GaussianNoise": (0.1,), **AUGMENTATIONS}
    known |= {c: (0.1,) for c in settings.LAYERS if "Dropout" in c} | {f"AveragePooling{n}D": (2,) for n in (1, 2)}
    default = (3, 3) if "Conv" in cls and "Depthwise" not in cls else (3,) if "Conv" in cls else ()
    return json.loads(json.dumps(getattr(L, cls)(*known.get(cls, default)).get_config(), default=str))


@pytest.mark.parametrize("cls", [c for c in settings.LAYERS if hasattr(L, c)])
def test_what_keras_writes_is_known(cls: str) -> None:
    _check(cls, _written(cls))


class _Recorded(dict):
    """A configuration that notes which settings were read."""

    def __init__(self, values: dict[str, Any]):
        super().__init__(values)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)


def test_handlers_read_what_is_said_to_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """No handler reads a setting that its class does not list; all that are listed are read for some layer."""
    read: dict[str, set[str]] = {}
    convert = importer._Importer._convert

    def recorded(self: Any, layer: Layer, *rest: Any) -> Any:
        values = layer.config.values = _Recorded(layer.config.values)
        try:
            return convert(self, layer, *rest)
        finally:
            read.setdefault(layer.cls, set()).update(values.read)

    monkeypatch.setattr(importer._Importer, "_convert", recorded)
    for shape, make in LAYERS:
        load_keras(keras.Sequential([L.Input(shape), make()]))
    for cls, keys in read.items():
        known = settings.LAYERS[cls].read
        assert keys <= known, (cls, keys - known)
        elsewhere = {"data_format"} | ({"alpha"} if cls == "LeakyReLU" else set())  # checked first; Keras 2's name
        assert known - keys <= elsewhere, (cls, known - keys)


# ---- Keras 2 --------------------------------------------------------------------------------------------------------

_CONV = (
    "kernel_size strides padding data_format dilation_rate groups activation use_bias bias_initializer "
    "bias_regularizer activity_regularizer bias_constraint"
)
_DEPTHWISE = f"{_CONV} depth_multiplier depthwise_initializer depthwise_regularizer depthwise_constraint"
_KERNEL = "kernel_initializer kernel_regularizer kernel_constraint"
KERAS_2 = {
    "Conv2D": f"filters {_CONV} {_KERNEL}",
    "DepthwiseConv2D": _DEPTHWISE,
    "SeparableConv2D": f"filters {_DEPTHWISE} {_KERNEL} pointwise_initializer pointwise_regularizer",
    "BatchNormalization": "axis momentum epsilon center scale beta_initializer gamma_initializer "
    "moving_mean_initializer moving_variance_initializer beta_regularizer gamma_regularizer beta_constraint "
    "gamma_constraint",
    "Dropout": "rate noise_shape seed",
    "SpatialDropout1D": "rate noise_shape seed",
    "MaxPooling1D": "strides pool_size padding data_format",
    "LeakyReLU": "alpha",
    "RandomZoom": "height_factor width_factor fill_mode fill_value interpolation seed",
    "InputLayer": "batch_input_shape dtype sparse ragged name",
}  # fmt: skip


@pytest.mark.parametrize("cls", KERAS_2)
def test_what_keras_2_wrote_is_known(cls: str) -> None:
    values: dict[str, Any] = {"batch_input_shape": [None, 4], "trainable": True, "dtype": "float32"}
    values |= {key: 1 if key in ("groups", "depth_multiplier") else None for key in KERAS_2[cls].split()}
    _check(cls, {**values, "name": "it", "dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}})


# ---- types and classes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int32", "bool", "string", "complex64", "float9", 7, {"config": {"name": "int8"}}])
def test_layers_that_compute_in_other_types_are_refused(dtype: Any) -> None:
    with pytest.raises(Refused, match="its dtype is"):
        _check("Dense", {"dtype": dtype, "units": 2})


def test_inputs_may_be_whole_numbers() -> None:
    _check("InputLayer", {"dtype": "uint8"})
    with pytest.raises(Refused, match="'string'"):
        _check("InputLayer", {"dtype": "string"})
    with pytest.raises(Refused, match="'ragged' is True"):
        _check("InputLayer", {"ragged": True})


def test_a_class_of_ones_own_that_is_called_like_keras_s_is_refused(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("Mine")
    class Dense(L.Dense):
        def call(self, x: Any) -> Any:
            return -super().call(x)

    model = keras.Sequential([L.Input(VECTOR), Dense(3)])
    model.save(tmp_path / "own.keras")
    for source in (model, tmp_path / "own.keras"):
        with pytest.raises(UnsupportedError, match=r"\(Dense\): a class of your own"):
            load_keras(source)


# ---- calls ----------------------------------------------------------------------------------------------------------


def _called(name: str, value: Any) -> Any:
    """A model whose Dense layer is called with an argument that Keras does not have."""
    x = L.Input(VECTOR)
    model = keras.Model(x, L.Dense(3, name="it")(x))
    config = model.get_config()
    config["layers"][1]["inbound_nodes"][0]["kwargs"][name] = value
    model.get_config = lambda: config
    return model


@pytest.mark.parametrize("name", ["beta", "training", "mask", "initial_state"])
def test_unknown_arguments_of_calls_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"layer 'it' \(Dense\): .*{name}"):
        load_keras(_called(name, True))


def test_constants_as_masks_are_refused() -> None:
    x = L.Input(VECTOR)
    with pytest.raises(UnsupportedError, match="masks are not supported"):
        load_keras(keras.Model(x, L.Softmax()(x, mask=np.ones((1, *VECTOR), bool))))
    with pytest.raises(UnsupportedError, match="masks are not supported"):
        load_keras(keras.Model(x, L.Softmax()(x, mask=x)))


def test_nested_models_called_for_training_are_refused() -> None:
    x, inner = L.Input(VECTOR), keras.Sequential([L.Input(VECTOR), L.Dropout(0.5), L.Dense(2)], name="inner")
    load_keras(keras.Model(x, inner(x, training=False)))
    with pytest.raises(UnsupportedError, match="layer 'inner' .*called with training=True"):
        load_keras(keras.Model(x, inner(x, training=True)))


def test_inputs_by_name(tmp_path: Path) -> None:
    x = L.Input(IMAGE)
    check_all_formats(keras.Model(x, L.Dense(2)(inputs=x)), tmp_path)


# ---- layers that are idle at inference ------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [c for c in settings.AUGMENTATIONS if c not in IN_KERAS_2_ONLY])
def test_augmentations_are_idle(cls: str) -> None:
    """In predict(); functional models say training=True for them, which is their default."""
    x = L.Input((9, 8, 3))
    model = keras.Model(x, getattr(L, cls)(*AUGMENTATIONS.get(cls, ()))(x))
    assert model.get_config()["layers"][1]["inbound_nodes"][0]["kwargs"] == {"training": True}
    data = np.random.default_rng(0).uniform(0, 255, (2, 9, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(model(data, training=False)), data, atol=1e-3)
    graph = load_keras(model)
    assert [n.op for n in graph.nodes] == ["reshape"]  # the output's own tensor


def test_augmentation_in_a_model(tmp_path: Path) -> None:
    x = L.Input(IMAGE)
    y = keras.Sequential([L.RandomFlip(), L.RandomRotation(0.1)])(x)
    y = L.Resizing(5, 5)(L.RandomCrop(*IMAGE[:2])(L.RandomTranslation(0.1, 0.1)(y)))
    model = keras.Model(x, L.Conv2D(3, 3)(L.Dropout(0.2)(y)))
    model.save(tmp_path / "m.keras")
    compare(model, [load_keras(model), load_keras(tmp_path / "m.keras")])


def test_dropout_called_for_training_is_refused() -> None:
    x = L.Input(VECTOR)
    with pytest.raises(UnsupportedError, match="it is called with training=True"):
        load_keras(keras.Model(x, L.Dropout(0.5)(x, training=True)))


def test_layers_with_several_outputs_are_refused_by_their_own_name() -> None:
    x, wrong = L.Input((12, 6)), {"return_state": True, "recurrent_activation": "tanh", "name": "memory"}
    with pytest.raises(UnsupportedError, match=r"1 layer cannot be converted:\n  layer 'memory' \(LSTM\)"):
        load_keras(keras.Model(x, L.Dense(2)(L.LSTM(4, **wrong)(x)[1])))
    with pytest.raises(UnsupportedError, match="layer 'memory'"):
        load_keras(keras.Model(x, L.GRU(4, **wrong)(x)))
