# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Reads `.keras` archives, whole-model `.h5` files and live Keras models without importing Keras."""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import ModelError, UnsupportedError
from .keras_settings import BATCH_NORMS
from .keras_spec import Config, Layer, Model, parse_model

MAX_BYTES = (
    2**31
)  # of one archive member or array: beyond any microcontroller, small enough to refuse before allocating
ZIP_MAGIC, HDF5_MAGIC = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
HEAP_MAGIC = b"GCOL\x01\0\0\0"
ROOTS = ("layers", "_layer_checkpoint_dependencies")  # Keras 3 and 2.13 on; Keras 2.12


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

    def of(self, path: str) -> list[np.ndarray]:
        found = []
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
        raise UnsupportedError(f"{path}: a folder (SavedModel?); load it in Keras and save it as one .keras file")
    try:
        data = path.read_bytes()
    except OSError as e:
        raise ModelError(f"{path}: cannot be read: {e.strerror or e}") from None
    place = str(path)
    if data.startswith(ZIP_MAGIC):
        return _read_archive(data, place, path.stem)
    if data.startswith(HDF5_MAGIC):
        return _read_legacy(data, place, path.stem)
    raise ModelError(f"{place}: neither a .keras archive (zip) nor an HDF5 file; expected a whole model saved by Keras")


@contextmanager
def _damage(place: str) -> Iterator[None]:
    """What zipfile and h5py raise on damaged bytes becomes ModelError (h5py documents no closed list)."""
    try:
        yield
    except (
        OSError,
        EOFError,
        KeyError,
        RuntimeError,
        ValueError,
        TypeError,
        AttributeError,
        NotImplementedError,
        OverflowError,
        MemoryError,
        SystemError,
        zlib.error,
        zipfile.BadZipFile,
    ) as e:
        text = (str(e).splitlines() or [""])[0][:200]
        raise ModelError(
            f"{place}: damaged or cut short ({type(e).__name__}: {text}); save or download it again"
        ) from None


def _parse_json(text: str | bytes, place: str) -> Any:
    try:
        return json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as e:
        raise ModelError(f"{place}: not valid JSON ({e}); the file is damaged, save it again") from None


# ---- .keras ------------------------------------------------------------------------------------------------


def _member(archive: zipfile.ZipFile, name: str, place: str) -> bytes:
    if name not in archive.namelist():
        sharded = any(n.startswith("model.weights") for n in archive.namelist()) and name == "model.weights.h5"
        hint = (
            "; weights split over several files: save with one"
            if sharded
            else "; expected a file of model.save('x.keras')"
        )
        raise ModelError(f"{place}: the archive holds no '{name}'{hint}")
    if archive.getinfo(name).file_size > MAX_BYTES:
        raise ModelError(
            f"{place}: '{name}' claims {archive.getinfo(name).file_size} bytes; at most {MAX_BYTES} are read"
        )
    return archive.read(name)


def _read_archive(data: bytes, place: str, stem: str) -> Source:
    with _damage(place), zipfile.ZipFile(io.BytesIO(data)) as archive:
        config = _member(archive, "config.json", place)
        weights = _member(archive, "model.weights.h5", place)
        metadata = archive.read("metadata.json") if "metadata.json" in archive.namelist() else b"{}"
    model = parse_model(_parse_json(config, f"{place}: config.json"), place)
    version = _parse_json(metadata, f"{place}: metadata.json")
    with _damage(f"{place}: model.weights.h5"):
        store = _read_store(weights, f"{place}: model.weights.h5")
    root = ROOTS[0] if any(p.startswith(ROOTS[0] + "/") for p in store.arrays) else ROOTS[1]
    _attach_numbered(model, "", store, root)
    text = version.get("keras_version", "") if isinstance(version, dict) else ""
    return Source(place, stem, text if isinstance(text, str) else "", model)


def _read_store(data: bytes, place: str) -> _Store:
    store = _Store()

    def visit(name: str, item: Any) -> None:
        path = name.replace("\\", "/")  # Keras 2.12 on Windows
        if not path.startswith(ROOTS):
            return  # the optimizer's state
        if isinstance(item, h5py.Dataset):
            store.arrays[path] = _read_array(item, f"{place}: '{path}'")
        elif path.endswith("/vars") and (text := _text(item.attrs, "name", place)) is not None:
            store.names[path.removesuffix("/vars")] = text

    _check_heaps(data, place)
    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems(visit)
    return store


def _read_array(item: Any, place: str) -> np.ndarray:
    """Numbers only: of other types, damaged ones can crash libhdf5 itself."""
    if not isinstance(item, h5py.Dataset) or item.shape is None:
        raise ModelError(f"{place}: expected an array")
    half = item.dtype.kind == "V" and item.dtype.itemsize == 2 and _text(item.attrs, "dtype", place) == "bfloat16"
    if item.dtype.kind not in "fiu" and not half:
        raise ModelError(f"{place} is of type {item.dtype}; expected floating point: save the model in float32")
    if item.size * item.dtype.itemsize > MAX_BYTES:
        raise ModelError(f"{place}: an array of shape {item.shape} exceeds {MAX_BYTES} bytes")
    array = np.asarray(item[()])
    return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32) if half else array


def _check_heaps(data: bytes, place: str) -> None:
    """Walks HDF5's heaps of texts: libhdf5 2.0 loops for ever in one whose sizes are damaged.

    A collection is "GCOL", version 1, three zeros, its size; then objects: index, uses, four zeros, size, bytes up to a
    multiple of 8. Index 0 is the free rest, its size with the header.
    """
    start = data.find(HEAP_MAGIC)
    while start >= 0:
        at, end = start + 16, start + int.from_bytes(data[start + 8 : start + 16], "little")
        while at + 16 <= end <= len(data):
            index, size = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 8 : at + 16], "little")
            step = 16 + (size + 7) // 8 * 8 if index else size
            at += step if step >= 16 else len(data)
        if not start < end <= len(data) or at > end:
            raise ModelError(f"{place}: damaged (heap of texts at byte {start}); save or download it again")
        start = data.find(HEAP_MAGIC, start + 8)


def _text(attrs: Any, key: str, place: str) -> str | None:
    """A text attribute, None if absent."""
    found = _texts(attrs, key, place)
    return found[0] if len(found) == 1 else None


def _attribute(attrs: Any, key: str, place: str) -> list[Any]:
    """The texts of an attribute; its type is checked first, because damaged ones can crash libhdf5 itself."""
    handle = attrs.get_id(key)
    if 0 in handle.shape:  # an empty list, which Keras writes as one of numbers
        return []
    if handle.get_type().get_class() != h5py.h5t.STRING:
        raise ModelError(f"{place}: attribute '{key}' is no text; the file is damaged, save it again")
    return list(np.atleast_1d(attrs[key]))


def _texts(attrs: Any, key: str, place: str) -> list[str]:
    """A list attribute; Keras splits those over 64 KiB into key0, key1 ..."""
    parts = [_attribute(attrs, key, place)] if key in attrs else []
    while f"{key}{len(parts)}" in attrs and key not in attrs:
        parts.append(_attribute(attrs, f"{key}{len(parts)}", place))
    return [v.decode("utf-8") if isinstance(v, bytes) else str(v) for part in parts for v in part]


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
        twice = root == ROOTS[1] and any(p.startswith(path + "/") for p in store.arrays)
        used[base] = count + (2 if twice else 1)  # Keras 2.12 lists a layer with weights twice and counts both
        if layer.model is not None:
            _attach_numbered(layer.model, path + "/", store, root)
            continue
        if store.names.get(path, layer.name) != layer.name or not store.of(path):
            named = [p for p, name in store.names.items() if name == layer.name and store.of(p)]
            path = named[0] if len(named) == 1 else path
        layer.arrays = store.of(path)


# ---- .h5 ---------------------------------------------------------------------------------------------------


def _read_legacy(data: bytes, place: str, stem: str) -> Source:
    _check_heaps(data, place)
    with _damage(place), h5py.File(io.BytesIO(data), "r") as file:
        text = _text(file.attrs, "model_config", place)
        version = _text(file.attrs, "keras_version", place) or ""
        groups = _read_groups(file["model_weights"], place) if "model_weights" in file else {}
    if text is None:
        raise ModelError(
            f"{place}: holds no 'model_config': weights only, or no Keras model; save the whole model with model.save()"
        )
    model = parse_model(_parse_json(text, f"{place}: model_config"), place)
    for layer in model.layers:
        _attach_named(layer, groups.get(layer.name, []))
    return Source(place, stem, version, model)


def _read_groups(root: Any, place: str) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Arrays with their names by top-level layer."""
    groups = {}
    for layer in _texts(root.attrs, "layer_names", place):
        group = root[layer]
        groups[layer] = [
            (n, _read_array(group[n], f"{place}: '{layer}/{n}'")) for n in _texts(group.attrs, "weight_names", place)
        ]
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
    if layer.cls == "Dense" or "Conv" in layer.cls:
        return (2 if layer.cls.startswith("Separable") else 1) + int(config.flag("use_bias", True)), 0
    return 0, 0


# ---- models in memory --------------------------------------------------------------------------------------


def _read_live(model: Any) -> Source:
    name = str(getattr(model, "name", "model"))
    place = f"Keras model '{name}'"
    try:
        config = model.get_config()
    except NotImplementedError:
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
    """The shape of an InputLayer without the batch; UnsupportedError if sides are open."""
    config: Config = layer.config
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if shape is None:
        raise UnsupportedError(
            f"{layer.where}: the model has no input shape; build it with a fixed one (keras.Input(shape))"
        )
    if not isinstance(shape, list) or not all(v is None or (isinstance(v, int) and 0 < v < 2**30) for v in shape):
        raise config.fail("batch_shape", "a list of sizes")
    sides = shape[1:]
    if not sides or any(v is None for v in sides):
        raise UnsupportedError(
            f"{layer.where}: shape {tuple(shape)} has open sides; save the model with a fixed input shape"
        )
    if len(sides) > 3:
        raise UnsupportedError(
            f"{layer.where}: shape {tuple(shape)}; at most (batch, height, width, channels) is supported"
        )
    return tuple(sides)
