# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Real trained models and real data, where the folder `../shared` (or $NNOM_SHARED) is there: what lies where.

    for path in models("int8"): ...       paths of .tflite files without recurrent or state operators
    inputs, outputs = golden(path)        recorded from TFLite Micro
    reference(path).run(...)              LiteRT's reference kernels, rounding like TFLite Micro's
    data = real(path)                     (samples, labels or None), or None

Samples are real numbers as the model's float form takes them, or stored int8 values for data that come quantised.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from .reference import Reference
from .writer import Model

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared"))
ABSENT = f"no models in {SHARED}; set NNOM_SHARED"
_REFUSED = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF", "VAR_HANDLE")
_AD_FRAMES = 5  # of the log-mel spectrogram in one window


@dataclass(frozen=True)
class Data:
    """Samples [n, ...], real or (`stored`) int8 as the model takes them, and labels [n] or None.

    train: samples to calibrate with that are not among them, None if there are none. more: further samples.
    """

    x: np.ndarray
    y: np.ndarray | None = None
    stored: bool = False
    train: np.ndarray | None = None
    more: np.ndarray | None = None

    @property
    def everything(self) -> np.ndarray:
        """All samples, those to judge by first."""
        return np.concatenate([a for a in (self.x, self.train, self.more) if a is not None])


def here() -> bool:
    """Whether the folder is there."""
    return (SHARED / "models.json").exists()


@cache
def listing() -> list[dict]:
    """models.json, empty if absent."""
    return json.loads((SHARED / "models.json").read_text()) if here() else []


def models(form: str) -> list[Path]:
    """.tflite models of a form: "int8", "float32" or "hybrid" (float32 with int8 weights)."""
    found = []
    for m in listing():
        if m["file"].endswith(".tflite") and not any(op in m["ops"] for op in _REFUSED):
            hybrid = any("FLOAT32xINT8" in w for w in m["weights"])
            if ("hybrid" if hybrid else m["inputs"][0][0].lower()) == form:
                found.append(SHARED / m["file"])
    return found


def golden(path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(inputs, outputs) of TFLite Micro, each [n, ...]."""
    kept = np.load(SHARED / "golden" / f"{path.stem}.npz")
    inputs = [kept[k] for k in _keys(kept.files, "in")]
    return inputs, [kept[f"{k}_tflm"] for k in _keys(kept.files, "out")]


def _keys(files: list[str], prefix: str) -> list[str]:
    names = {f.removesuffix("_tflm") for f in files if prefix == "in" or f.endswith("_tflm")}
    return sorted((n for n in names if n.startswith(prefix)), key=lambda n: int(n[len(prefix) :]))


def reference(path: Path) -> Reference:
    """The model in LiteRT's reference kernels; dense layers of int8 models as 1 x 1 convolutions, which round twice."""
    model, inputs, outputs = Model.read(path.read_bytes())
    int8 = model.tensors[inputs[0]].type != 0
    return Reference(model.build_without_dense(inputs, outputs) if int8 else path.read_bytes())


@cache
def _load(name: str) -> dict[str, np.ndarray]:
    with np.load(SHARED / "data" / f"{name}.npz", allow_pickle=False) as file:
        return {k: file[k] for k in file.files}


def _har() -> Data:
    d = _load("uci_har")
    return Data(d["X_test"] / np.float32(4096), d["y_test"], train=d["X_train"] / np.float32(4096))


def _kws() -> Data:
    d = _load("mlperf_kws01")
    return Data(d["X"], d["y"], stored=True)


def _ic() -> Data:
    d, more = _load("mlperf_ic01"), _load("cifar10_jpeg")
    train, rest = (more[k].astype(np.float32) for k in ("X_train", "X_test"))
    return Data(d["X"].astype(np.float32), d["y"], train=train, more=rest)


def _vww() -> Data:
    d = _load("mlperf_vww01_a")
    return Data(d["X"].astype(np.float32) / 255, d["y"])


def ad_clips() -> tuple[np.ndarray, np.ndarray]:
    """(clips [124, 196, 640] of windows of 5 frames, anomalous [124])."""
    d = _load("mlperf_ad01_a")
    x = d["X"].astype(np.float32)
    count = x.shape[1] - _AD_FRAMES + 1
    windows = np.concatenate([x[:, i : i + count] for i in range(_AD_FRAMES)], axis=2)
    return windows, d["y"]


def _ad() -> Data:
    clips, _ = ad_clips()
    return Data(clips.reshape(-1, clips.shape[-1]))


def _sww() -> Data:
    d = _load("mlperf_sww_calibration")
    return Data(d["specs"].astype(np.float32), d["labels"].astype(np.int64))


def _mnist() -> Data:
    d = _load("mnist")
    x, train = (d[k][..., None].astype(np.float32) / 255 for k in ("X_test", "X_train"))
    return Data(x, d["y_test"], train=train)


def _features(classes: str) -> Callable[[], Data]:
    def get() -> Data:
        d = _load("microfrontend_features")
        return Data(d["X"].reshape(len(d["X"]), -1), d[classes], stored=True)

    return get


_DATA: dict[str, Callable[[], Data]] = {
    "har_cnn1d": _har,
    "kws_dscnn": _kws,
    "resnet8": _ic,
    "mobilenetv1_025": _vww,
    "autoencoder": _ad,
    "streaming_wakeword": _sww,
    "mnist": _mnist,
    "micro_speech": _features("y4"),
    "micro_kws_m": _features("y10"),
}


def real(path: Path) -> Data | None:
    """Real data for a model, None if there are none."""
    return next((get() for name, get in _DATA.items() if path.stem.startswith(name)), None)


def stored_scale(path: Path) -> tuple[float, int]:
    """Scale and zero point of the data that come as stored values."""
    d = _load("mlperf_kws01" if path.stem.startswith("kws") else "microfrontend_features")
    return float(d["scale"]), int(d["zero_point"])


def random_inputs(shapes: list[tuple[int, ...]], count: int, seed: int) -> list[np.ndarray]:
    """int8 [count, ...] per input: noise, and among it samples of the extremes only, and constant ones."""
    rng = np.random.default_rng(seed)
    result = [rng.integers(-128, 128, (count, *s)).astype(np.int8) for s in shapes]
    for x in result:
        x[1::8] = rng.choice(np.array([-128, 127], np.int8), x[1::8].shape)
        for i in range(2, count, 8):
            x[i] = rng.integers(-128, 128)
        for i in range(3, count, 8):  # a slow change over the sample, as real signals have
            x[i] = np.linspace(rng.integers(-128, 128), rng.integers(-128, 128), x[i].size).reshape(x[i].shape)
    return result
