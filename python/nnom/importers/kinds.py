# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Which format a file has, by its content; what people give that is no model of any, and what to do then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import ModelError
from ..messages import Setting, Text
from ..untrusted import Archive
from .format import Format

_TO_TFLITE = "convert it with TensorFlow (tf.lite.TFLiteConverter.{}) and give the .tflite file"
_SAVED_MODEL = (
    "a SavedModel folder",
    f"load it in Keras and save it as one .keras file, or {_TO_TFLITE.format('from_saved_model')}",
)
_TORCH = ("a PyTorch file", "PyTorch models are not read: build it in Keras, or export it as .tflite (ai-edge-torch)")
_DATA = Text("give the model first, then data as ", Setting.CALIBRATION, " or as ", Setting.DATA)

_ENDINGS: dict[str, tuple[str, str]] = {
    ".pb": ("a TensorFlow graph", _TO_TFLITE.format("from_saved_model")),
    ".index": ("a checkpoint: weights without the layers", "save the whole model with model.save('model.keras')"),
    ".ckpt": ("a checkpoint: weights without the layers", "save the whole model with model.save('model.keras')"),
    ".json": ("a description without weights", "save the whole model with model.save('model.keras')"),
    ".yaml": ("a description without weights", "save the whole model with model.save('model.keras')"),
    ".mlmodel": ("a Core ML model", "give the Keras model that it was made from"),
    **dict.fromkeys((".pt", ".pth", ".torchscript"), _TORCH),
    **dict.fromkeys((".npy", ".npz", ".csv"), ("data", _DATA)),
    **dict.fromkeys((".pkl", ".joblib"), ("a pickle, which runs code when it is loaded", "save the model itself")),
}
_BEGINNINGS = (
    (rb"version https://git-lfs", "a pointer of Git LFS, not the file", "fetch it with git lfs pull"),
    (rb"\s*<(!doctype|html)", "a web page, not the file", "download the file itself (on GitHub: 'raw')"),
    (rb"\x93NUMPY", *_ENDINGS[".npy"]),
    (rb"\x80[\x02-\x05]", *_ENDINGS[".pkl"]),
)


def kind_of(path: Path, formats: Sequence[Format]) -> Format:
    """The one of `formats` that a file has. ModelError, if none, says what it is, what was expected and what to do."""
    expected = f"expected a {' or '.join(f.what for f in formats)} model"
    if path.is_dir():
        raise _no_model(path, expected, *_folder(path))
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as e:
        raise ModelError(f"{path}: cannot be read: {e.strerror}") from e
    ending = path.suffix.lower()
    if head.startswith(b"PK\x03\x04"):
        _check_archive(path, expected)
    by_content = next((f for f in formats if f.sniff(head)), None)
    if by_content is not None:
        return by_content
    for pattern, what, advice in _BEGINNINGS:
        if re.match(pattern, head, re.IGNORECASE):
            raise _no_model(path, expected, *(_TORCH if ending in (".pt", ".pth") else (what, advice)))
    by_ending = next((f for f in formats if ending in f.endings), None)
    if by_ending is not None:
        return by_ending
    if ending in _ENDINGS:
        raise _no_model(path, expected, *_ENDINGS[ending])
    raise ModelError(f"{path}: neither a {' nor a '.join(f.what for f in formats)} model")


def _no_model(path: Path, expected: str, what: str, advice: str) -> ModelError:
    return ModelError(Text(f"{path}: {what}; {expected}: ", advice))


def _folder(path: Path) -> tuple[str, str]:
    if (path / "saved_model.pb").exists():
        return _SAVED_MODEL
    if (path / "config.json").exists():
        return "an unpacked .keras archive, or a folder of another kind", "give the .keras file as Keras saved it"
    return "a folder", "give the model's file"


def _check_archive(path: Path, expected: str) -> None:
    """ModelError for archives of other makers; what is damaged is left to the importer."""
    try:
        with path.open("rb") as file, Archive(file, path.stat().st_size, str(path)) as archive:
            names = archive.names
    except (ModelError, OSError):
        return
    if any(name.rsplit("/", 1)[-1] in ("data.pkl", "constants.pkl") for name in names):
        raise _no_model(path, expected, *_TORCH)
    if any(name.rsplit("/", 1)[-1] == "saved_model.pb" for name in names):
        raise _no_model(path, expected, "a packed SavedModel folder", _SAVED_MODEL[1])
    if names and all(name.endswith(".npy") for name in names):
        raise _no_model(path, expected, *_ENDINGS[".npz"])
