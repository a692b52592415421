# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Reads `.keras` archives, whole-model `.h5` files and live Keras models without importing Keras."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ModelError, UnsupportedError
from ...untrusted import Archive, allowance, parse_json, read_file
from ..kinds import kind_of
from ..workbench import Refused
from . import keras_attention, keras_recurrent
from .hdf5_file import Hdf5File
from .keras_settings import BATCH_NORMS
from .keras_spec import Config, Layer, Model, parse_model

ZIP_MAGIC, HDF5_MAGIC = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
_FOLDERS = {**keras_recurrent.FOLDERS, **keras_attention.FOLDERS}
ROOTS = ("layers", "_layer_checkpoint_dependencies")  # Keras 3 and 2.13 on; Keras 2.12
_WEIGHTS = (
    "weights only (of save_weights()), without the layers; expected a whole model: build the model in Python, "
    "load_weights() into it and save it with model.save('model.keras')"
)
_NO_MODEL = "holds no 'model_config': weights only, or no Keras model; save the whole model with model.save()"


@dataclass
class Source:
    """A model as read: `place` for messages, `stem` for the graph's name, `version` of Keras ("" if unknown)."""

    place: str
    stem: str
    version: str
    model: Model


@dataclass
class _Store:
    """model.weights.h5: arrays by path ("layers/dense/vars/0") and the layer's name of each vars group, if noted."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @cached_property
    def folders(self) -> set[str]:
        """All paths that arrays lie under."""
        return {path[:i] for path in self.arrays for i, letter in enumerate(path) if letter == "/"}

    @cached_property
    def named(self) -> dict[str, list[str]]:
        """The paths that hold arrays, by the layer's name noted there."""
        found: dict[str, list[str]] = {}
        for path, name in self.names.items():
            if f"{path}/vars/0" in self.arrays:
                found.setdefault(name, []).append(path)
        return found

    def of_layer(self, path: str, cls: str) -> list[np.ndarray]:
        """All arrays of a layer; of cells and wrapped layers as well."""
        own = self.of(path)
        for folder in _FOLDERS.get(cls, ()):
            own += self.of(f"{path}/{folder}")
        return own

    def of(self, path: str) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        while f"{path}/vars/{len(found)}" in self.arrays:
            found.append(self.arrays[f"{path}/vars/{len(found)}"])
        return found


def read_source(model: Any) -> Source:
    """`model`: a path, or a Keras model in memory."""
    if hasattr(model, "get_config") and hasattr(model, "get_weights"):
        return _read_live(model)
    if not isinstance(model, (str, Path)):
        raise ModelError(f"expected the path of a .keras or .h5 file or a Keras model, got {type(model).__name__}")
    path = Path(model)
    if path.is_dir():
        from . import FORMAT

        kind_of(path, [FORMAT])
    data = read_file(path)
    place = str(path)
    if data.startswith(ZIP_MAGIC):
        return _read_archive(data, place, path.stem)
    if data.startswith(HDF5_MAGIC):
        return _read_legacy(data, place, path.stem)
    raise ModelError(f"{place}: neither a .keras archive (zip) nor an HDF5 file; expected a whole model saved by Keras")


# ---- .keras ------------------------------------------------------------------------------------------------


def _read_archive(data: bytes, place: str, stem: str) -> Source:
    with Archive(io.BytesIO(data), len(data), place) as archive:
        _expect_members(archive)
        config = archive.read_json("config.json")
        version = archive.read_json("metadata.json") if "metadata.json" in archive.names else {}
        weights = archive.read("model.weights.h5", allowance(len(data)))
    model = parse_model(config, place)
    store = _read_store(weights, f"{place}: model.weights.h5")
    root = ROOTS[0] if any(p.startswith(ROOTS[0] + "/") for p in store.arrays) else ROOTS[1]
    _attach_numbered(model, "", store, root)
    text = version.get("keras_version", "") if isinstance(version, dict) else ""
    return Source(place, stem, text if isinstance(text, str) else "", model)


def _expect_members(archive: Archive) -> None:
    for name in ("config.json", "model.weights.h5"):
        if name in archive.names:
            continue
        sharded = name == "model.weights.h5" and any(n.startswith("model.weights") for n in archive.names)
        expected = (
            "weights split over several files: save with one" if sharded else "expected a file of model.save('x.keras')"
        )
        raise ModelError(f"{archive.place}: the archive holds no '{name}'; {expected}")


def _read_store(data: bytes, place: str) -> _Store:
    """Weights by their path, but not the optimizer's state."""
    store = _Store()
    with Hdf5File(data, place) as file:
        for item in file.datasets:
            path = item.replace("\\", "/")  # Keras 2.12 on Windows
            if path.startswith(ROOTS):
                store.arrays[path] = file.array(item)
        for item in file.groups:
            path = item.replace("\\", "/")
            if path.startswith(ROOTS) and path.endswith("/vars") and (text := file.text(item, "name")) is not None:
                store.names[path.removesuffix("/vars")] = text
    return store


def snake_case(cls: str) -> str:
    """The name of a class in weight files: 'LeakyReLU' -> 'leaky_re_lu', 'Conv2D' -> 'conv2d'."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "", cls)).lower()


def _attach_numbered(model: Model, prefix: str, store: _Store, root: str) -> None:
    """Weight groups are named after classes, counted within their model: conv2d, conv2d_1 ..."""
    used: dict[str, int] = {}
    for layer in model.layers:
        if layer.cls == "InputLayer" or layer.is_op:
            continue
        base = snake_case(layer.cls)
        count = used.get(base, 0)
        path = f"{prefix}{root}/{base}_{count}" if count else f"{prefix}{root}/{base}"
        twice = root == ROOTS[1] and path in store.folders
        used[base] = count + (2 if twice else 1)  # Keras 2.12 lists a layer with weights twice and counts both
        if layer.model is not None:
            _attach_numbered(layer.model, path + "/", store, root)
            continue
        if store.names.get(path, layer.name) != layer.name or not store.of_layer(path, layer.cls):
            named = store.named.get(layer.name, [])
            path = named[0] if len(named) == 1 else path
        layer.arrays = store.of_layer(path, layer.cls)


# ---- .h5 ---------------------------------------------------------------------------------------------------


def _read_legacy(data: bytes, place: str, stem: str) -> Source:
    with Hdf5File(data, place) as file:
        text = file.text("/", "model_config")
        version = file.text("/", "keras_version") or ""
        groups = _read_groups(file, "bfloat16" in (text or "")) if "model_weights" in file.groups else {}
        is_weights = bool(file.texts("/", "layer_names")) or not {*ROOTS}.isdisjoint(file.groups)
        backend = file.text("/", "backend") or ""
    if text is None:
        raise ModelError(f"{place}: {_WEIGHTS if is_weights else _NO_MODEL}")
    if version.startswith(("0.", "1.")) or (not version and '"nb_filter"' in text):
        raise UnsupportedError(
            f"{place}: written by Keras {version or 1}; expected Keras 2 or 3: load it in a Keras from 2.0 to 2.3, "
            "which still reads it, and save it again"
        )
    model = parse_model(parse_json(text, f"{place}: model_config"), place)
    if backend == "theano" and any("Conv" in leaf.cls for leaf in model.leaves()):
        raise UnsupportedError(
            f"{place}: written with Theano, whose kernels of convolutions are mirrored; load it in Keras 2 with "
            "TensorFlow, which turns them, and save it again"
        )
    for layer in model.layers:
        _attach_named(layer, groups.get(layer.name, []))
    return Source(place, stem, version, model)


def _read_groups(file: Hdf5File, bfloat16: bool) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Arrays with their names by top-level layer."""
    groups = {}
    for layer in file.texts("model_weights", "layer_names"):
        path = f"model_weights/{layer}"
        groups[layer] = [(n, file.array(f"{path}/{n}", bfloat16)) for n in file.texts(path, "weight_names")]
    return groups


def _attach_named(layer: Layer, arrays: list[tuple[str, np.ndarray]]) -> None:
    """A nested model's arrays come as one list: told apart by the names, else by Keras's order."""
    if layer.model is None:
        layer.arrays = [a for _, a in arrays]
        return
    leaves = [leaf for leaf in layer.model.leaves() if leaf.cls != "InputLayer" and not leaf.is_op]
    scopes = [name.rsplit("/", 1)[0] for name, _ in arrays]
    owners = [[leaf for leaf in leaves if s == leaf.name or s.endswith("/" + leaf.name)] for s in scopes]
    if all(owners) and len({leaf.name for leaf in leaves}) == len(leaves):
        for found, (_, array) in zip(owners, arrays, strict=True):
            max(found, key=lambda leaf: len(leaf.name)).arrays.append(array)
        return
    slots = _in_order(layer.model, True) + _in_order(layer.model, False)
    if len(slots) != len(arrays):
        raise ModelError(f"{layer.where}: {len(arrays)} arrays of weights in the file; expected {len(slots)}")
    for leaf, (_, array) in zip(slots, arrays, strict=True):
        leaf.arrays.append(array)


def _in_order(model: Model, trainable: bool) -> list[Layer]:
    """The owner of each array: all trainable arrays of a model come before all others."""
    slots: list[Layer] = []
    for leaf in model.leaves():
        learned, kept = weight_counts(leaf)
        if trainable:
            slots += [leaf] * (learned if leaf.trainable else 0)
        else:
            slots += [leaf] * (kept if leaf.trainable else learned + kept)
    return slots


def weight_counts(layer: Layer) -> tuple[int, int]:
    """Number of (trainable, other) arrays of a supported layer."""
    config = layer.config
    if layer.cls in BATCH_NORMS:
        return int(config.flag("scale", True)) + int(config.flag("center", True)), 2
    if layer.cls == "Normalization":
        return 0, 0 if config.get("mean") is not None else 3
    if layer.cls == "PReLU":
        return 1, 0
    if layer.cls in ("SimpleRNN", "GRU", "LSTM"):
        return 2 + int(config.flag("use_bias", True)), 0
    if layer.cls in ("LayerNormalization", "GroupNormalization"):
        return int(config.flag("scale", True)) + int(config.flag("center", True)), 0
    if layer.cls in ("RMSNormalization", "Embedding"):
        return 1, 0
    if layer.cls in ("Attention", "AdditiveAttention"):
        concat = layer.cls == "Attention" and config.get("score_mode") == "concat"
        return int(config.flag("use_scale", layer.cls != "Attention")) + int(concat), 0
    if layer.cls == "MultiHeadAttention":
        return 8 if config.flag("use_bias", True) else 4, 0
    if layer.cls == "Dense" or "Conv" in layer.cls:
        return (2 if layer.cls.startswith("Separable") else 1) + int(config.flag("use_bias", True)), 0
    return 0, 0


# ---- models in memory --------------------------------------------------------------------------------------


def _read_live(model: Any) -> Source:
    name = str(getattr(model, "name", "model"))
    place = f"Keras model '{name}'"
    try:
        config = model.get_config()
    except NotImplementedError as e:
        unwritten = re.search(r"Object (\w+) was created by passing", str(e))
        if unwritten:
            raise UnsupportedError(
                f"{place}: '{unwritten[1]}' has a value that Keras can not save; give it Python's numbers and lists"
            ) from None
        raise UnsupportedError(
            f"{place}: class {type(model).__name__} does not describe its graph; "
            "build it as a Sequential or functional model"
        ) from None
    text = json.dumps({"class_name": type(model).__name__, "config": config}, default=_jsonable)
    spec = parse_model(json.loads(text), place)
    _attach_live(spec, model, place)
    framework = sys.modules.get(type(model).__module__.split(".")[0])
    return Source(place, name, str(getattr(framework, "__version__", "")), spec)


def _jsonable(value: Any) -> Any:
    """Numpy scalars and arrays, TensorFlow shapes; what is left is written as text and refused where it matters."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value.as_list() if hasattr(value, "as_list") else str(value)


def _attach_live(spec: Model, model: Any, place: str) -> None:
    live = {layer.name: layer for layer in model.layers}
    for layer in spec.layers:
        if layer.cls == "InputLayer" or layer.is_op:
            continue
        if layer.name not in live:
            raise ModelError(f"{place}: layer '{layer.name}' is in the configuration but not in model.layers")
        if layer.model is not None:
            _attach_live(layer.model, live[layer.name], place)
        else:
            layer.arrays = [np.asarray(w) for w in live[layer.name].get_weights()]


def input_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of an InputLayer without the batch; Refused if sides are open."""
    config: Config = layer.config
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if shape is None:
        raise Refused("the model has no input shape", "build it with a fixed one (keras.Input(shape))")
    if not isinstance(shape, list) or not all(v is None or (isinstance(v, int) and 0 < v < 2**30) for v in shape):
        raise config.fail("batch_shape", "a list of sizes")
    sides = shape[1:]
    if not sides or any(v is None for v in sides):
        raise Refused(f"shape {tuple(shape)} has open sides", "save the model with a fixed input shape")
    if len(sides) > 3:
        raise Refused(f"shape {tuple(shape)}", "at most (batch, height, width, channels) is supported")
    return tuple(sides)
