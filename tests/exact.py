# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The formulas of SPEC.md in integers without limits: what tests/requantise.py compares the core with."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray  # int64 where nothing else is said
HUGE = 1 << 40  # beyond every output whatever the zero point


def multiplier(real: float) -> tuple[int, int]:
    """M, s of a factor >= 0; s has no upper end."""
    if math.isinf(real):
        return 1 << 30, 1 << 20
    fraction, exponent = math.frexp(real)
    m = math.floor(fraction * 2**31 + 0.5)
    if m == 1 << 31:
        m, exponent = 1 << 30, exponent + 1
    return (0, 0) if exponent < -31 else (m, exponent)


def requantise_one(x: int, m: int, s: int) -> int:
    """As the specification words it, in Python's integers."""
    product = x * 2 ** max(s, 0) * m
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    high = nudged // 2**31 if nudged >= 0 else -(-nudged // 2**31)
    right = max(-s, 0)
    size = (2 * abs(high) + 2**right) // 2 ** (right + 1)  # ties away from zero
    return size if high >= 0 else -size


def requantise(x: Array, m: int, s: int) -> Array:
    """The same for |x| < 2^31 in int64: the left shift is a shorter right shift."""
    if s > 30:
        return np.sign(x) * HUGE
    product, left, right = x * m, max(s, 0), max(-s, 0)
    up = (product + (1 << (30 - left))) >> (31 - left)
    down = -((-product + (1 << (30 - left)) - 1) >> (31 - left))
    high = np.where(product >= 0, up, down)
    size = (2 * np.abs(high) + (1 << right)) >> (right + 1)
    return np.sign(high) * size


def high_mul(a: int, b: int) -> int:
    p = a * b + (2**30 if a * b >= 0 else 1 - 2**30)
    return p // 2**31 if p >= 0 else -(-p // 2**31)


def shift_round(x: int, e: int) -> int:
    return int(math.copysign((2 * abs(x) + 2**e) // 2 ** (e + 1), x))


def reciprocal(d: int) -> tuple[int, int]:
    """fp_reciprocal(d, 31), 0 < d < 2^31."""
    zeros = 32 - d.bit_length()
    half = ((d << zeros) - 2**31 + 2**31) // 2
    y = 1515870810 + high_mul(half, -1010580540)
    for _ in range(3):
        y += high_mul(y, 2**29 - high_mul(half, y)) * 4
    return min(2 * y, 2**31 - 1), 31 - zeros


def quotient(x: int, d: int, m: int, s: int) -> int:
    """x / d times the factor of m, s: SPEC.md, Divide."""
    if x == 0 or d == 0:
        return x * HUGE
    x, d = (x, d) if d > 0 else (-x, -d)
    r, over = reciprocal(d)
    h = 31 - (x if x >= 0 else ~x).bit_length()
    e = s - over - h
    if e > 0:
        return HUGE if x > 0 else -HUGE
    return 0 if e < -31 else shift_round(high_mul(high_mul(x << h, r), m), -e)


def mean_multiplier(m: int, s: int, n: int) -> tuple[int, int]:
    t = min(n.bit_length() - 1, 31 + s)
    return m * 2**t // n, s - t
