# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What scikit-learn's exporter puts around a network: operators of the domain ai.onnx.ml."""

from __future__ import annotations

import numpy as np

from ..workbench import Refused
from .onnx_context import Value
from .onnx_norms import scaler
from .onnx_places import Importer
from .onnx_reader import FileNode
from .onnx_windows import Handler


def zip_map(imp: Importer, node: FileNode) -> None:
    """ZipMap: a dictionary of names and numbers, of which the numbers are given."""
    x = imp.value(node, 0)
    imp.graph.notes.append(f"output '{node.outputs[0]}' is a dictionary in the file: the model gives its numbers")
    imp.alias(node, x)


def extract(imp: Importer, node: FileNode) -> None:
    """ArrayFeatureExtractor: of classes that are counted from 0 the number itself; of names no output."""
    classes, index = imp.values.get(node.inputs[0]), imp.value(node, 1)
    if classes is not None and classes.dtype == "string":
        imp.define(node, 0, Value(index.shape, "string"))
        return
    data = imp.constant(node, 0, "table").reshape(-1)
    if not np.array_equal(data, np.arange(data.size)):
        raise Refused(f"classes {data[:8].tolist()}; expected 0, 1, 2 ...")
    imp.alias(node, index)


LEARN: dict[str, Handler] = {"Scaler": scaler, "ZipMap": zip_map, "ArrayFeatureExtractor": extract}
