# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What a compiled model is reported as: its inputs and outputs, and a row for each layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .graph import Tensor


@dataclass(frozen=True)
class LayerRow:
    """One layer of a compiled model, as the core reports it. Bytes are those of the plan."""

    name: str
    kind: str
    activation: str
    shape: tuple[int, int, int]
    dtype: str
    scale: float
    zero_point: int
    macs: int
    input_bytes: int
    output_bytes: int
    scratch_bytes: int
    scratch_offset: int
    weight_bytes: int
    offset: int
    first_step: int
    last_step: int
    node: int | None
    lies_in: str | None
    rows: int  # of the shape's rows, how many are kept: a ring if less
    segment: int | None  # number of the rolling segment that runs it, None: it runs whole
    counters: int  # arena offset of that segment's row counters


@dataclass(frozen=True)
class Port:
    """An input or output: shape (h, w, c), dtype, quantisation."""

    shape: tuple[int, int, int]
    dtype: np.dtype
    scale: float
    zero_point: int

    def quantize(self, x: np.ndarray) -> np.ndarray:
        """Real values of any shape -> this port's type, rounded half away from zero and saturated."""
        if self.dtype == np.float32:
            return np.asarray(x, np.float32)
        info = np.iinfo(self.dtype)
        scaled = np.asarray(x, np.float32) / np.float32(self.scale)
        cut = np.trunc(scaled)
        with np.errstate(invalid="ignore"):  # infinite ones are clipped
            rounded = cut + np.sign(scaled) * (np.abs(scaled - cut) >= 0.5) + self.zero_point
        return np.clip(rounded, info.min, info.max).astype(self.dtype)

    def dequantize(self, q: np.ndarray) -> np.ndarray:
        """Stored values -> real values, float32."""
        if self.dtype == np.float32:
            return q
        real = q.astype(np.float32)  # exact: whole numbers below 2^24
        real -= np.float32(self.zero_point)
        real *= np.float32(self.scale)
        return real


def tensor_port(tensor: Tensor) -> Port:
    """The port that a tensor of a graph will become."""
    scale, zero = (tensor.quant.scale, tensor.quant.zero_point) if tensor.quant else (1.0, 0)
    return Port(tensor.shape, np.dtype(tensor.dtype), scale, zero)
