# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Sliding normalisation: against whole numbers of Python, as C settings, and what is refused."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from nnom.errors import DataError
from nnom.sensors import Normaliser


def expected(n: Normaliser, rows: np.ndarray) -> np.ndarray:
    """Each row from its window anew, in whole numbers up to the last division."""
    out = np.empty(rows.shape, np.float32)
    for i in range(len(rows)):
        w = rows[max(0, i - n.window + 1) : i + 1].astype(object)
        k, total = len(w), w.sum(0)
        away = (k * rows[i].astype(object) - total).astype(np.int64).astype(np.float32)
        if n.deviation:
            squares = (k * (w * w).sum(0) - total * total).astype(np.int64).astype(np.float32)
            out[i] = away / np.maximum(np.sqrt(squares), np.float32(n.least) * np.float32(k))
        else:
            out[i] = away / np.float32(k)
    return out


def sensors(rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
    """Offsets, gains, steps; some channels at the limits of int16, some still."""
    t = np.arange(n)[:, None]
    x = rng.normal(0, 10 ** rng.uniform(0, 4, channels), (n, channels)) + rng.uniform(-2e4, 2e4, channels)
    x += 5000 * (t > n // 2)
    x[:, rng.random(channels) < 0.2] = -32768
    x[:, rng.random(channels) < 0.2] = 32767
    x[t[:, 0] % 7 < 3] *= -1
    return np.clip(x, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("seed", range(30))
def test_normaliser(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = Normaliser(
        channels=int(rng.integers(1, 12)),
        window=int(rng.choice((1, 2, 7, 64, 500))),
        deviation=bool(rng.integers(3)),
        least=float(10 ** rng.uniform(-2, 3)),
    )
    x = sensors(rng, 300, n.channels)
    got = n(x)
    assert np.array_equal(got, expected(n, x)), n
    small = n.quantised(1 / 32, -7)
    steps = got / np.float32(small.scale)
    rounded = np.where(steps < 0, -np.floor(0.5 - steps), np.floor(steps + 0.5))
    assert np.array_equal(small(x), np.clip(rounded - 7, -128, 127))
    stream = n.stream()
    assert np.array_equal(np.concatenate([stream.push(x[:11]), stream.push(x[11:])]), got)
    stream.reset()
    assert np.array_equal(stream.push(x), got)
    assert pickle.loads(pickle.dumps(n)) == n
    assert n.bytes == 16 * n.channels + 2 * n.channels * n.window


def test_long_windows_never_drift() -> None:
    """200,000 rows at full scale, then silence: exactly 0."""
    n = Normaliser(channels=1, window=1000)
    x = np.random.default_rng(1).integers(-32768, 32768, (200_000, 1)).astype(np.int16)
    x[-1000:] = -32768
    assert n(x)[-1, 0] == 0


def test_settings_as_c(tmp_path: Path) -> None:
    text = Normaliser(channels=6, window=256, least=8).quantised(0.03, 4).c_settings("watch")
    assert ".channels = 6, .window = 256, .deviation = true" in text
    assert float.fromhex(re.search(r"\.scale = (\S+)f,", text)[1]) == np.float32(0.03)  # type: ignore[index]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"channels": 0}, "channels: 1 to 1024, not 0"),
        ({"window": 65536}, "window: 1 to 65535 rows, not 65536"),
        ({"least": 0.0}, "least: above 0, not 0.0"),
        ({"dtype": "int32"}, "dtype 'int32': expected int8 or int16 or float32"),
        ({"dtype": "int8", "zero_point": 128}, "zero_point: within the type, not 128"),
        ({"scale": float("nan")}, "scale: above 0, not nan"),
        ({"window": 1.5}, "Normaliser: "),
    ],
)
def test_wrong_settings(wrong: dict, text: str) -> None:
    with pytest.raises(DataError) as error:
        Normaliser(**{"channels": 2, "window": 8, **wrong}).stream()
    assert str(error.value).startswith(text)


def test_wrong_rows() -> None:
    with pytest.raises(DataError, match=r"rows float64 \[3, 2\]: expected int16 \[n, 2\]"):
        Normaliser(channels=2, window=8)(np.zeros((3, 2)))
    with pytest.raises(DataError, match=r"rows int16 \[3, 1\]: expected int16 \[n, 2\]"):
        Normaliser(channels=2, window=8)(np.zeros((3, 1), np.int16))
