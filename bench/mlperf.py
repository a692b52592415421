# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The models that bench/ measures: MLPerf Tiny's, in the folder that NNOM_SHARED names (default: `shared` beside the
repository). Where it is absent, what needs them says so."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

import numpy as np
from nnom.conversion import load, prepare
from nnom.core import CoreModel
from nnom.graph import Graph
from nnom.running import lcg_inputs

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("NNOM_SHARED", ROOT.parent / "shared")) / "models"
SEED = 305419896
# Short name: title, file.
MODELS = {
    "KWS": ("KWS DS-CNN", "kws/kws_dscnn_int8.tflite"),
    "IC": ("IC ResNet-8", "ic/resnet8_int8.tflite"),
    "VWW": ("VWW MobileNetV1 0.25", "vww/mobilenetv1_025_int8.tflite"),
    "AD": ("AD autoencoder", "ad/autoencoder_int8.tflite"),
    "SWW": ("streaming wake word", "sww/streaming_wakeword_int8.tflite"),
}


def are_here() -> bool:
    """True if all models are on this computer."""
    return all((SHARED / path).is_file() for _, path in MODELS.values())


def need() -> None:
    """Ends the program with status 3 if a model is missing."""
    if not are_here():
        print(f"MLPerf Tiny's models are needed in {SHARED}; NNOM_SHARED names the folder above", file=sys.stderr)
        raise SystemExit(3)


@functools.cache
def graph(name: str) -> Graph:
    """A model as the converter prepares it, without float or uint8 ends."""
    return prepare(load(str(SHARED / MODELS[name][1]), True), None).graph


@functools.cache
def inputs(name: str) -> list[np.ndarray]:
    """Its fixed pseudo-random input. Costs hardly depend on the values."""
    return lcg_inputs(graph(name), CoreModel(graph(name)).inputs, SEED)
