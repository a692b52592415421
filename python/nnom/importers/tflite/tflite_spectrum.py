# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's Fourier transform of real rows, as two products with constant matrices, and what reads complex numbers.

A complex value is two tensors of the graph, (rows, 1, bins): the real parts (`Value.name`) and the
imaginary ones (`Value.imag`).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ...errors import ModelError
from ...graph import Node, Shape, Weight
from ..workbench import Refused
from .tflite_context import Importer, Value
from .tflite_windows import Handler

_MAX_LENGTH = 512  # of a row: a matrix of 512 x 257 takes 526 kB


@cache
def _matrices(n: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 [n / 2 + 1, 1, 1, n] each: what rows are multiplied with for their real and imaginary parts."""
    angles = 2 * np.pi / n * (np.outer(np.arange(n // 2 + 1), np.arange(n)) % n)
    parts = (np.cos(angles), -np.sin(angles))
    real, imag = (p.astype(np.float32).reshape(n // 2 + 1, 1, 1, n) for p in parts)
    return real, imag


def rfft(imp: Importer, op: Any) -> None:
    """RFFT2D of rows: [.., 1, n] to [.., 1, n / 2 + 1]."""
    source, lengths = imp.value(op, 0), imp.integers(op, 1, "length", 2)
    if len(source.shape) < 2 or source.dtype != "FLOAT32":
        raise ModelError(f"{imp.at(op)}: input of shape {list(source.shape)}; expected at least two axes of float32")
    n = source.shape[-1]
    if source.shape[-2] != 1 or lengths != (1, n) or not 2 <= n <= _MAX_LENGTH or n % 2:
        raise Refused(
            f"transforms {list(source.shape[-2:])} as {list(lengths)}; expected one row of an even number of values, "
            f"up to {_MAX_LENGTH}, all of it"
        )
    rows, bins = math.prod(source.shape[:-1]), n // 2 + 1
    shape = (*source.shape[:-1], bins)
    imp.check_shape(op, imp.tensor(op), shape)
    name, attrs = imp.name(source, (rows, 1, n)), {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0)}
    parts = [
        _add(imp, op, part, "conv2d", [name], (rows, 1, bins), dict(attrs), {"weights": Weight(matrix)})
        for part, matrix in zip(("real", "imaginary"), _matrices(n), strict=True)
    ]
    imp.define(op, 0, Value(shape, "COMPLEX64", parts[0], imag=parts[1]))


def _add(
    imp: Importer,
    op: Any,
    part: str,
    kind: str,
    inputs: list[str],
    made: Shape,
    attrs: dict[str, Any],
    arrays: dict[str, Weight] | None = None,
) -> str:
    name = imp.graph.unique(f"{imp.tensor(op).name}_{part}")
    return imp.graph.add(Node(kind, name, inputs, name, attrs, arrays or {}), made)


def magnitude(imp: Importer, op: Any) -> None:
    """COMPLEX_ABS."""
    value = imp.complex(op, 0)
    made = imp.graph.tensors[value.name].shape
    squares = [
        _add(imp, op, f"square_{i}", "activation", [name], made, {"kind": "square"})
        for i, name in enumerate((value.name, value.imag))
    ]
    total = _add(imp, op, "sum", "add", squares, made, {})
    imp.emit(op, "activation", [total], value.shape, made=made, attrs={"kind": "sqrt"})


def part(imp: Importer, op: Any) -> None:
    """REAL, IMAG."""
    value = imp.complex(op, 0)
    imp.finish(op, value.name if op.op == "REAL" else value.imag, value.shape)


SPECTRUM: dict[str, Handler] = {"RFFT2D": rfft, "COMPLEX_ABS": magnitude, "REAL": part, "IMAG": part}
