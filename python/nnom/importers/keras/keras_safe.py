# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Model files for Keras itself, which builds whatever objects a file names: looked through before Keras sees them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from ...errors import ModelError, UnsupportedError
from ...messages import Setting, Text
from ...untrusted import Archive, parse_json, read_file
from .hdf5_file import Hdf5File

_CODE = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
_BUILTINS = ("function", "slice", "dict", "list", "tuple")  # what Keras notes under the module 'builtins'
_TOOLS = {"utils", "saving", "export", "callbacks", "datasets"}  # parts of Keras that reach files and the network
_CURE = Text("give nnom the model that you loaded yourself, or compare without the original: ", Setting.NO_ORIGINAL)


def load_in_keras(path: str | Path) -> Any:
    """The model of a .keras or .h5 file, in Keras' safe mode, without custom objects and not compiled.

    UnsupportedError if the file names objects that are not Keras' own, or holds code. Other errors are Keras' own.
    """
    check_objects(Path(path))
    import keras

    return keras.models.load_model(path, custom_objects=None, compile=False, safe_mode=True)


def check_objects(path: Path) -> None:
    """UnsupportedError if building a file's objects would need more than Keras' own classes and functions."""
    _check_name(path)
    pending = [_config(path)]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        elif isinstance(value, dict):
            pending += value.values()
            _check_object(value, path)


def _check_name(path: Path) -> None:
    """Keras goes by a file's name: one that is both an archive and HDF5 must be read as it is looked through here."""
    endings = (".keras",) if read_file(path).startswith(b"PK") else (".h5", ".hdf5")
    if path.suffix.lower() not in endings:
        raise UnsupportedError(
            Text(f"{path}: its content asks for the name '{path.stem}{endings[0]}'; rename it, or ", _CURE)
        )


def _check_object(value: dict[str, Any], path: Path) -> None:
    cls, module = value.get("class_name"), value.get("module")
    if cls in _CODE:
        raise UnsupportedError(Text(f"{path}: holds a {cls.strip('_')}, which is code; ", _CURE))
    parts = str(module).split(".")
    own = (parts[0] == "keras" and _TOOLS.isdisjoint(parts)) or (module == "builtins" and cls in _BUILTINS)
    if isinstance(cls, str) and module is not None and not own:
        raise UnsupportedError(Text(f"{path}: names '{cls}' of module '{module}', which is not Keras' own; ", _CURE))


def _config(path: Path) -> Any:
    """The configuration of the layers, without that of the training, which is not built."""
    data, place = read_file(path), str(path)
    if data.startswith(b"PK"):
        with Archive(io.BytesIO(data), len(data), place) as archive:
            config = archive.read_json("config.json")
        return {k: v for k, v in config.items() if k != "compile_config"} if isinstance(config, dict) else config
    with Hdf5File(data, place) as file:
        text = file.text("/", "model_config")
    if text is None:
        raise ModelError(f"{place}: holds no 'model_config'; expected a whole model saved by Keras")
    return parse_json(text, f"{place}: model_config")
