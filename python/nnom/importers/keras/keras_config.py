# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Settings as Keras writes them in JSON, with checked access."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ModelError


class Config:
    """The settings of one layer with checked access: wrong types become ModelError naming the layer."""

    def __init__(self, where: str, values: Any):
        self.where = where
        if not isinstance(values, dict):
            raise ModelError(f"{where}: the configuration is {short(values)}; expected a JSON object")
        self.values = values

    def fail(self, key: str, expected: str) -> ModelError:
        """The error for a setting that is not what was expected."""
        return ModelError(f"{self.where}: setting '{key}' is {short(self.values.get(key))}; expected {expected}")

    def get(self, key: str, default: Any = None) -> Any:
        """A setting as it is in the file."""
        return self.values.get(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        """A setting that is a text."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.fail(key, "a text")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """A setting that is true or false, or 1 or 0."""
        value = self.values.get(key, default)
        if not isinstance(value, int) or value not in (0, 1):  # some models were built with 0 and 1
            raise self.fail(key, "true or false")
        return bool(value)

    def real(self, key: str, default: float | None) -> float:
        """A setting that is a finite number."""
        value = plain(self.values.get(key, default), self.where)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()
        if not is_real(value):
            raise self.fail(key, "a finite number")
        return float(value)

    def reals(self, key: str, default: float) -> np.ndarray:
        """A number or nested list of numbers as a float64 array of any rank."""
        return numbers(self.values.get(key, default), f"{self.where}: setting '{key}'")

    def integer(self, key: str, default: int | None = None, least: int = 1) -> int:
        """A setting that is one integer from `least` to 2^30."""
        return self.integers(key, 1, default, least)[0]

    def integers(self, key: str, count: int, default: Any = None, least: int = 1) -> tuple[int, ...]:
        """`count` integers from `least` to 2^30; one number stands for all of them."""
        value = self.values.get(key)
        value = default if value is None else value
        items = list(value) if isinstance(value, (list, tuple)) else [value] * count
        if len(items) == 1:
            items *= count
        if len(items) != count or not all(is_int(v) and least <= v <= 2**30 for v in items):
            raise self.fail(key, f"{count} integer(s) >= {least}")
        return tuple(items)


def is_int(value: Any) -> bool:
    """An integer, but no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """A number that fits float32, but no bool."""
    return (is_int(value) or isinstance(value, float)) and abs(value) < 3e38


def short(value: Any) -> str:
    """A value as it stands in messages."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def numbers(value: Any, where: str) -> np.ndarray:
    """A number, nested list or serialised array as float64; ModelError unless all are finite."""
    try:
        array = np.asarray(plain(value, where), dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise ModelError(f"{where} is {short(value)}; expected numbers") from None
    if not np.isfinite(array).all():
        raise ModelError(f"{where} holds NaN or infinity; expected finite numbers")
    return array


def plain(value: Any, where: str) -> Any:
    """Undoes Keras's serialisation of arrays and scalars in settings; other values pass."""
    if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
        inner = value.get("config")
        return numbers(inner.get("value") if isinstance(inner, dict) else None, f"{where}: a constant")
    if isinstance(value, dict) and set(value) == {"type", "value"}:  # how TensorFlow wrote numpy scalars
        return numbers(value["value"], f"{where}: a constant")
    return value
