# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The three calls of the 2019 scripts, for those who still use them. New code uses nnom.convert and nnom.evaluate.

generate_model(model, x_test, name="weights.h")
evaluate_model(model, x_test, y_test)
generate_test_bin(x_test, y_test, name="test_data_with_label.bin")
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from . import data as datasets
from .conversion import Conversion, convert
from .errors import DataError, NnomError
from .evaluation import Evaluation, evaluate
from .files import write_text

LABEL_GROUP = 128  # samples per group of the test file

_ENTRY = """
#include "nnom.h"
/* The names that programs of 2019 use. Include this file in one C file only: it holds the model's data and code. */
#define nnom_input_data (*(int8_t(*)[{macro}_INPUT_COUNT]){name}_input())
#define nnom_output_data (*(const int8_t(*)[{macro}_OUTPUT_COUNT]){name}_output())
static inline nnom_model_t *nnom_model_create(void)
{{
    static nnom_model_t model;
    model.instance = *{name}_model();
    return &model;
}}
"""


def generate_model(model: Any, x_test: Any, name: str | Path = "weights.h") -> Conversion:
    """Writes the model as one header, `name`, which one C file of a program includes.

    model: a live Keras model or a model file with one input and one output; x_test: calibration samples [n, ...],
    real values. The header gives nnom_model_create(), nnom_input_data[] and nnom_output_data[] (int8, in the affine
    quantisation whose scale and zero point stand in the header); model_run() of nnom.h runs it.
    The result's `core.inputs[0].quantize(x)` turns real values into what nnom_input_data takes.
    """
    path = Path(name)
    prefix = re.sub(r"\W", "_", path.stem, flags=re.ASCII).strip("_") or "weights"
    prefix = prefix if prefix[0].isalpha() else f"net_{prefix}"
    c = convert(model, x_test, name=prefix)
    if len(c.core.inputs) != 1 or len(c.core.outputs) != 1:
        raise NnomError(f"{path}: this form holds models of one input and one output; use nnom.convert")
    source = re.sub(r'^#include "model\.h"\n', "", c.source, flags=re.MULTILINE)
    write_text(path, c.header + source + _ENTRY.format(macro=prefix.upper(), name=prefix))
    c.paths.append(path)
    return c


def evaluate_model(model: Any, x: Any, y: Any, calibration: Any = None) -> Evaluation:
    """Prints and returns accuracy, top-k and confusion of a classifier on samples x [n, ...] with labels y.

    y: class numbers, or one-hot rows as in 2019. Without `calibration` a float model is evaluated in float, with it
    also as int8.
    """
    from .cli.printing import console, print_evaluation
    from .conversion import load

    graph = load(model)
    result = evaluate(graph, x, y, calibration, use_float=graph.is_float and calibration is None)
    print_evaluation(console(), result)
    return result


def generate_test_bin(
    x: Any, y: Any, name: str | Path = "test_data_with_label.bin", conversion: Conversion | None = None
) -> Path:
    """Writes labelled int8 samples: groups of up to 128 samples, each group its labels (bytes), then its samples.

    x [n, ...], y class numbers or one-hot rows. With `conversion`, what generate_model returned, real values are
    quantised as the model's input. Without, int8 data are written as they are and others in the Q-format with the
    most fraction bits that holds them, as in 2019.
    """
    x = np.asarray(x)
    if x.ndim == 0 or x.dtype.kind not in "fiu" or x.size == 0 or (x.dtype.kind == "f" and not np.isfinite(x).all()):
        raise DataError(f"test data: {x.dtype} {x.shape} received, expected finite numbers [samples, ...]")
    labels = datasets.check_labels(datasets.labels(y, len(x)), 128).astype(np.int8)
    if conversion is not None:
        values = conversion.core.inputs[0].quantize(datasets.samples(x, conversion.graph, "test data")[0])
    else:
        values = x if x.dtype == np.int8 else _q_format(x)
    path = Path(name)
    groups = (slice(i, i + LABEL_GROUP) for i in range(0, len(x), LABEL_GROUP))
    write_text(path, b"".join(labels[g].tobytes() + np.ascontiguousarray(values[g]).tobytes() for g in groups))
    return path


def _q_format(x: np.ndarray) -> np.ndarray:
    """int8 in units of 2^-n, n the largest at which nothing saturates but what the rounding up of 127.5 does."""
    largest = float(np.abs(x.astype(np.float64)).max())
    bits = 7 - int(np.ceil(np.log2(largest))) if largest > 0 else 7
    return np.clip(np.round(x.astype(np.float64) * 2.0**bits), -128, 127).astype(np.int8)
