# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""One-second sounds that a program makes: a whistle that rises, one that falls, one that warbles, and everything else.

No recorded speech is free to lie here; docs/keywords.md has real keywords. What stands for a word is a movement of the
voice, in any pitch, length, place, loudness and noise.
"""

import numpy as np
from nnom.audio import FixedFeatures
from nnom.conversion import Plan

CLASSES = ("rising", "falling", "warble", "other")
RATE, TRAIN, TEST = 16000, 1200, 400
FEATURES = FixedFeatures()  # the micro frontend; the device has them as the network's input stores them
STEP = 1 / 256  # of a feature, as the network sees it
PLAN = Plan(feed=True)  # a row is taken in when it comes

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def pitch(rng: np.random.Generator, kind: int, n: int) -> np.ndarray:
    """Hz at each of n samples."""
    t = np.arange(n) / n
    low = rng.uniform(300, 1200)
    if kind == 2:
        return low * (1 + rng.uniform(0.15, 0.4) * np.sin(2 * np.pi * (rng.uniform(3, 6) * t + rng.uniform())))
    if kind == 3:
        return np.full(n, low)
    high = low * rng.uniform(1.6, 3.0)
    moved = low + (high - low) * t ** rng.uniform(0.7, 1.4)
    return moved if kind == 0 else moved[::-1]


def whistle(rng: np.random.Generator, kind: int, n: int) -> np.ndarray:
    """A voice of some harmonics, swelling and fading, -1..1."""
    phase = 2 * np.pi * np.cumsum(pitch(rng, kind, n)) / RATE
    loud = rng.uniform(0, 1, 8) / np.arange(2, 10) ** 1.5
    loud[::2] *= rng.random() < 0.6  # the even ones
    voice = np.sin(phase) + sum(a * np.sin(k * phase) for k, a in enumerate(loud, 2))
    edge = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / (rng.uniform(0.001, 0.03) * RATE))
    return voice * edge / np.abs(voice).max()


def clip(rng: np.random.Generator, kind: int) -> np.ndarray:
    """int16 [RATE] of a class: 3 is noise, clicks, or a voice that stays where it is."""
    x = rng.normal(size=RATE) * 10 ** rng.uniform(-1.5, 2.3)
    loud = 10 ** rng.uniform(3.0, 4.3)
    if kind < 3 or rng.random() < 0.5:
        n = int(rng.uniform(0.4, 0.8) * RATE)
        at = int(rng.uniform(0.05, 0.15) * RATE)
        x[at : at + n] += loud * whistle(rng, kind, n)
    elif rng.random() < 0.5:
        for at in rng.integers(0, RATE - 400, 6):
            x[at : at + 400] += loud * rng.normal(size=400) * np.exp(-np.arange(400) / 60)
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


def sounds(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(int16 [count, RATE], classes [count]), the classes in turn."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % len(CLASSES)
    return np.stack([clip(rng, int(k)) for k in kinds]), kinds.astype(np.int32)


def load() -> Split:
    """Return (x_train [1200, 49, 40], y_train [1200], x_test [400, 49, 40], y_test [400]).

    x is float32: rows of features times STEP, 0 to about 3. y is int32 in 0..3.
    """
    x_train, y_train = sounds(TRAIN, 1)
    x_test, y_test = sounds(TEST, 2)
    step = np.float32(STEP)
    return FEATURES(x_train) * step, y_train, FEATURES(x_test) * step, y_test
