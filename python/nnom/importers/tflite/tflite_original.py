# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""LiteRT itself, where it is installed: what a model gives there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ToolError


class Tflite:
    """A .tflite file in LiteRT with the built-in reference kernels."""

    def __init__(self, path: Path):
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError as e:
            raise ToolError("LiteRT is not installed, its results are not compared: pip install ai-edge-litert") from e
        options = {
            "experimental_op_resolver_type": OpResolverType.BUILTIN_REF,
            "experimental_preserve_all_tensors": True,
        }
        try:
            self._net = Interpreter(str(path), **options)
            self._net.allocate_tensors()
        except (ValueError, RuntimeError) as e:
            raise ToolError(f"LiteRT cannot run this model, its results are not compared: {e}") from e
        self._inputs, self._outputs = self._net.get_input_details(), self._net.get_output_details()

    def run(self, sample: list[np.ndarray], raw: bool) -> list[np.ndarray]:
        """Real outputs of one sample [h, w, c] per input; states begin anew."""
        self._net.reset_all_variables()
        for detail, a in zip(self._inputs, sample, strict=True):
            self._net.set_tensor(detail["index"], _to_type(a, detail, raw).reshape(detail["shape"]))
        self._net.invoke()
        return [_to_real(self._net.get_tensor(d["index"]), d) for d in self._outputs]

    def outputs(self, data: list[np.ndarray], raw: bool, int8_io: bool) -> list[np.ndarray]:
        """Real outputs [n, ...] of samples [n, h, w, c] per input."""
        if int8_io and any(d["dtype"] != np.int8 for d in (*self._inputs, *self._outputs)):
            raise ToolError("the file's float or uint8 ends were cut off: not compared with LiteRT")
        runs = [self.run([a[i] for a in data], raw) for i in range(len(data[0]))]
        return [np.stack([r[k] for r in runs]) for k in range(len(self._outputs))]

    def remark(self, op: str) -> str:
        """What is known of differences."""
        return "which rounds dense layers once, TFLite Micro and NNoM twice" if op == "dense" else ""

    def tensors(self) -> dict[str, np.ndarray]:
        """Real values of all tensors after a run, by name."""
        found = {}
        for detail in self._net.get_tensor_details():
            try:
                found[detail["name"]] = _to_real(self._net.get_tensor(detail["index"]), detail)
            except ValueError:
                continue  # a tensor that LiteRT keeps for itself
        return found


def _to_type(a: np.ndarray, detail: dict[str, Any], raw: bool) -> np.ndarray:
    dtype = np.dtype(detail["dtype"])
    if dtype.kind == "f" or (raw and a.dtype == dtype):
        return a.astype(dtype)
    scale, zero = detail["quantization"]
    scaled = a.astype(np.float32) / np.float32(scale or 1.0)
    limits = np.iinfo(dtype)
    return np.clip(np.trunc(scaled + np.copysign(0.5, scaled)) + zero, limits.min, limits.max).astype(dtype)


def _to_real(a: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    scale, zero = detail["quantization"]
    if np.dtype(detail["dtype"]).kind == "f" or not scale:
        return np.asarray(a)
    return ((a.astype(np.int32) - zero) * np.float32(scale)).astype(np.float32)
