# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Features of sound: against TFLite Micro's own operators, its micro frontend on real clips, and what is refused.

NNOM_CASES: random front ends beside the operators (default 12). Real clips come from $NNOM_SHARED (default ../shared).
"""

from __future__ import annotations

import copy
import ctypes as ct
import os
import pickle
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite_micro", reason="needs the package tflite-micro")
pytest.importorskip("ai_edge_litert", reason="needs the package ai-edge-litert")

from nnom.audio import FixedFeatures, FloatFeatures  # noqa: E402
from nnom.errors import DataError  # noqa: E402
from oracle.micro import Micro  # noqa: E402
from oracle.signals import Signals  # noqa: E402

CASES = int(os.environ.get("NNOM_CASES", "12"))
SHARED = Path(os.environ.get("NNOM_SHARED", Path(__file__).resolve().parent.parent.parent / "shared")) / "data"
MICRO_SPEECH = {"dtype": "int8", "multiplier": 256, "divisor": 666, "zero_point": -128}


class Tables(ct.Structure):
    """nnom_audio_fixed_t"""

    _fields_ = [
        *((name, ct.POINTER(ct.c_int16)) for name in "window twiddles split widths weights gains cosines".split()),
        *((name, ct.c_uint16) for name in "channels first_bin smoothing_even smoothing_odd least_signal".split()),
        ("fft_bits", ct.c_uint8),
        ("smoothing_bits", ct.c_uint8),
        ("correction_bits", ct.c_int8),
        ("snr_shift", ct.c_uint8),
        ("log_shift", ct.c_uint8),
    ]


def tables(features: FixedFeatures) -> Tables:
    return ct.cast(features._front.audio.tables, ct.POINTER(Tables)).contents


def array(pointer: object, count: int) -> np.ndarray:
    return np.ctypeslib.as_array(pointer, (count,)).copy()  # type: ignore[call-overload]


def sounds(rng: np.random.Generator, count: int) -> np.ndarray:
    """Int16 [count]: silence, noise, tones, full-scale squares, each for a while.

    No -32768: where the window is 1 the reference takes its magnitude for -32768, and all it scales then wraps.
    """
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < count:
        n = int(rng.integers(200, 1500))
        loud, t = int(2 ** rng.uniform(0, 15)) - 1, np.arange(n)
        kinds = (
            np.zeros(n),
            rng.integers(-loud, loud + 1, n),
            loud * np.sin(2 * np.pi * rng.uniform(0, 0.5) * t),
            np.where(np.sin(2 * np.pi * rng.uniform(0, 0.5) * t) < 0, -32767, 32767),
            rng.choice((-32767, 32767), n),
        )
        parts.append(kinds[int(rng.integers(len(kinds)))].astype(np.int16))
    return np.concatenate(parts)[:count]


needs_clips = pytest.mark.skipif(
    not (SHARED / "microfrontend_features.npz").is_file(), reason=f"no clips in {SHARED}: set NNOM_SHARED"
)

# ---- Against TFLite Micro ----


def reference(features: FixedFeatures) -> Micro:
    """TFLite Micro's operators in the order of a front end, with its tables."""
    t, n = tables(features), 2 ** tables(features).fft_bits
    channels, w = t.channels, features.window
    widths = array(t.widths, channels + 1)
    bins = int(widths.sum())
    weights = array(t.weights, 2 * bins).reshape(bins, 2)
    starts = np.cumsum([0, *widths[:-1]]).astype(np.int16)
    g = Signals()
    x = g.tensor([w], np.int16)
    y = g.op("SignalWindow", [x, g.constant(array(t.window, w))], [([w], np.int16)], shift=12)[0]
    y, shift = g.op("SignalFftAutoScale", [y], [([w], np.int16), ([], np.int32)])
    y = g.op("SignalRfft", [y], [([n + 2], np.int16)], T=schema_type("INT16"), fft_length=n)[0]
    end = t.first_bin + bins
    y = g.op("SignalEnergy", [y], [([n // 2 + 1], np.uint32)], start_index=t.first_bin, end_index=end)[0]
    bank = [weights[:, 0].copy(), weights[:, 1].copy(), starts + np.int16(t.first_bin), starts, widths.astype(np.int16)]
    y = g.op("SignalFilterBank", [y, *map(g.constant, bank)], [([channels], np.uint64)], num_channels=channels)[0]
    y = g.op("SignalFilterBankSquareRoot", [y, shift], [([channels], np.uint32)])[0]
    if features.noise_reduction:
        one = 1 << 14
        options = {
            "num_channels": channels,
            "smoothing": t.smoothing_even,
            "one_minus_smoothing": one - t.smoothing_even,
            "alternate_smoothing": t.smoothing_odd,
            "alternate_one_minus_smoothing": one - t.smoothing_odd,
            "smoothing_bits": t.smoothing_bits,
            "min_signal_remaining": t.least_signal,
            "clamping": 0,
            "spectral_subtraction_bits": 14,
        }
        rows = ([channels], np.uint32)
        y, noise = g.op("SignalFilterBankSpectralSubtraction", [y], [rows, rows], **options)
    if features.pcan:
        gains = g.constant(array(t.gains, 125))
        y = g.op("SignalPCAN", [y, noise, gains], [([channels], np.uint32)], snr_shift=t.snr_shift)[0]
    if features.log:
        options = {"output_scale": 1 << t.log_shift, "input_correction_bits": t.correction_bits}
        y = g.op("SignalFilterBankLog", [y], [([channels], np.int16)], **options)[0]
    return g.start([x], [y])


def schema_type(name: str) -> int:
    from ai_edge_litert import schema_py_generated as schema

    return getattr(schema.TensorType, name)


def random_features(rng: np.random.Generator) -> FixedFeatures:
    noise = bool(rng.integers(4))
    window = int(rng.choice((480, 400, 512, 256, 1000, int(rng.integers(64, 700)))))
    rate = int(rng.choice((8000, 16000, 44100)))
    return FixedFeatures(
        rate=rate,
        window=window,
        step=int(rng.integers(1, window + 1)),
        channels=int(rng.integers(2, 60)),
        lower=float(rng.uniform(0, 300)),
        upper=float(rng.uniform(0.2, 0.48)) * rate,
        noise_reduction=noise,
        smoothing_bits=int(rng.integers(6, 12)),
        smoothing_even=float(rng.uniform(0.01, 0.3)),
        smoothing_odd=float(rng.uniform(0.01, 0.3)),
        least_signal=float(rng.uniform(0, 0.3)),
        pcan=noise and bool(rng.integers(2)),
        strength=float(rng.uniform(0.1, 1)),
        offset=float(rng.uniform(1, 200)),
        gain_bits=int(rng.integers(18, 23)),
        log=bool(rng.integers(3)),
        log_shift=int(rng.integers(3, 8)),
    )


@pytest.mark.parametrize("seed", range(CASES))
def test_fixed_against_micro(seed: int) -> None:
    """Every row of random front ends, sounds at the edges of int16 among them."""
    rng = np.random.default_rng(seed)
    features = FixedFeatures() if seed == 0 else random_features(rng)
    x = sounds(rng, features.window + 24 * features.step)
    got = features(x)
    micro = reference(features)
    for i, row in enumerate(got):
        expected = micro.run([x[i * features.step : i * features.step + features.window]])[0].astype(np.int64)
        assert np.array_equal(row, np.minimum(expected, 32767)), (features, i)


@pytest.mark.parametrize("bits", range(4, 13))
def test_fixed_tables(bits: int) -> None:
    """Turns and window beside numpy's."""
    features = FixedFeatures(window=2**bits, step=1, channels=4, lower=0, upper=6000)
    t, n = tables(features), 2 ** (bits - 1)
    turns = np.exp(-2j * np.pi * np.arange(3 * n // 4) / n)
    got = array(t.twiddles, 3 * n // 2).reshape(-1, 2)
    assert np.array_equal(got, np.floor(0.5 + 32767 * np.stack([turns.real, turns.imag], 1)))
    turns = np.exp(-1j * np.pi * ((np.arange(n // 2) + 1) / n + 0.5))
    got = array(t.split, n).reshape(-1, 2)
    assert np.array_equal(got, np.floor(0.5 + 32767 * np.stack([turns.real, turns.imag], 1)))
    hann = 2048 - 2048 * np.cos(2 * np.pi * (np.arange(2 * n) + 0.5) / (2 * n))
    assert np.abs(array(t.window, 2 * n) - hann).max() < 0.51


@needs_clips
def test_fixed_on_real_clips() -> None:
    """What TFLM's micro frontend gives for Speech Commands, as its micro_speech stores it."""
    clips, expected = np.load(SHARED / "speech_commands_wav.npz"), np.load(SHARED / "microfrontend_features.npz")
    got = FixedFeatures(**MICRO_SPEECH)(clips["X"])
    assert np.array_equal(got, expected["X"][clips["index_in_mlperf_kws01"]])


def test_fixed_at_the_lower_edge() -> None:
    """-32768, which the reference makes noise of, is as loud as -32767."""
    features = FixedFeatures(noise_reduction=False, pcan=False)
    x = np.where(np.sin(0.3 * np.arange(4800)) < 0, -32768, 32767).astype(np.int16)
    near, edge = features(np.maximum(x, -32767)).astype(int), features(x).astype(int)
    assert near.min() > 100
    assert np.abs(near - edge).max() <= 2


def test_fixed_cepstra() -> None:
    """The cosine transform of the channels beside one in double."""
    x = sounds(np.random.default_rng(5), 8000)
    rows = FixedFeatures(noise_reduction=False, pcan=False)(x).astype(float)
    k, i = np.arange(13)[:, None], np.arange(40)
    expected = rows @ (np.cos(np.pi * k * (2 * i + 1) / 80) * np.sqrt(2 / 40)).T
    got = FixedFeatures(noise_reduction=False, pcan=False, cepstra=13)(x)
    assert got.shape[1] == 13
    assert np.abs(got - expected).max() < 1.5


def test_fixed_output() -> None:
    """Every way to store: rounded to nearest, halves up, saturated."""
    x = sounds(np.random.default_rng(6), 8000)
    rows = FixedFeatures(cepstra=10)(x).astype(np.int64)
    for multiplier, divisor, zero_point, dtype in ((1, 3, -5, "int16"), (7, 100, 10, "int8"), (8192, 11, 0, "int16")):
        got = FixedFeatures(cepstra=10, multiplier=multiplier, divisor=divisor, zero_point=zero_point, dtype=dtype)(x)
        limits = np.iinfo(dtype)
        expected = (rows * multiplier + divisor // 2) // divisor + zero_point
        assert got.dtype == dtype
        assert np.array_equal(got, np.clip(expected, limits.min, limits.max))


# ---- Float ----


def in_double(features: FloatFeatures, x: np.ndarray) -> np.ndarray:
    """The rows of a clip from numpy's transform: the bank as tf.signal.linear_to_mel_weight_matrix has it."""
    f, n = features, max(16, 1 << (features.window - 1).bit_length())
    before = np.concatenate([[0.0], x[:-1]])
    y = (x - f.pre_emphasis * before) * f.gain
    starts = np.arange(0, len(x) - f.window + 1, f.step)
    frames = np.stack([y[s : s + f.window] for s in starts])
    mean = 0.5 if f.taper == "hann" else 0.54
    turn = 2 * np.pi * np.arange(f.window) / (f.window - f.symmetric)
    bins = np.abs(np.fft.rfft(frames * (mean - (1 - mean) * np.cos(turn)), n)) ** f.power
    mel = 1127 * np.log1p(np.arange(n // 2 + 1) * f.rate / n / 700)
    edges = np.linspace(*(1127 * np.log1p(h / 700) for h in (f.lower, f.upper)), f.channels + 2)
    width = edges[1] - edges[0]
    bank = np.maximum(0, 1 - np.abs(mel[:, None] - edges[1:-1]) / width)
    bank[0] = 0
    rows = np.log(bins @ bank + f.epsilon) * f.log_scale + f.log_offset
    k, i = np.arange(f.cepstra)[:, None], np.arange(f.channels)
    cosines = np.cos(np.pi * k * (2 * i + 1) / (2 * f.channels)) * np.sqrt(2 / f.channels)
    return rows @ cosines.T if f.cepstra else rows


@pytest.mark.parametrize("seed", range(CASES))
def test_float_against_double(seed: int) -> None:
    rng = np.random.default_rng(seed)
    window, rate = int(rng.integers(16, 1200)), int(rng.choice((8000, 16000, 44100)))
    channels = int(rng.integers(1, 50))
    features = FloatFeatures(
        rate=rate,
        window=window,
        step=int(rng.integers(1, window + 1)),
        channels=channels,
        lower=float(rng.uniform(0, 400)),
        upper=float(rng.choice((0.5, rng.uniform(0.2, 0.5)))) * rate,
        pre_emphasis=float(rng.choice((0, rng.uniform()))),
        taper=str(rng.choice(("hann", "hamming"))),
        symmetric=bool(rng.integers(2)),
        power=int(rng.integers(1, 3)),
        epsilon=float(10 ** rng.uniform(-6, -2)),
        log_scale=float(rng.uniform(0.1, 5)),
        cepstra=int(rng.integers(0, channels + 1)),
    )
    x = sounds(rng, window + 20 * features.step)
    got, expected = features(x), in_double(features, x)
    assert got.shape == expected.shape
    assert got.dtype == np.float32
    # Cepstra add up the errors of the channels.
    assert np.abs(got - expected).max() < 2e-3 * features.log_scale * np.sqrt(channels), features
    small = features.quantised(0.25, 3)
    assert np.array_equal(small(x), np.clip(rounded(got / np.float32(0.25)) + 3, -128, 127))


def rounded(x: np.ndarray) -> np.ndarray:
    """To nearest, halves away from zero."""
    return np.where(x < 0, -np.floor(0.5 - x), np.floor(x + 0.5))


@needs_clips
def test_mfcc_on_real_clips() -> None:
    """MLPerf Tiny's features for keyword spotting, made by TensorFlow: each clip by its peak, stored by cutting.

    26 of the 240 clips were stored otherwise, with a zero point that is 4 higher.
    """
    clips, expected = np.load(SHARED / "speech_commands_wav.npz"), np.load(SHARED / "mlperf_kws01.npz")
    stored = expected["X"][clips["index_in_mlperf_kws01"]][..., 0].astype(float)
    misses = []
    for x, row in zip(clips["X"], stored, strict=True):
        features = FloatFeatures(lower=20, upper=4000, power=1, cepstra=10, gain=1 / float(x.max()))
        real = features(x) / expected["scale"] + 83
        if abs(np.mean(real - row - 0.5)) < 2:
            misses.append(np.abs(np.trunc(real) - row))
    assert len(misses) == 214
    assert np.max(misses) <= 1
    assert np.mean(misses) < 0.003  # a float sum of theirs and one of ours on two sides of a whole number


# ---- Streams ----


def test_a_stream_takes_any_number_of_samples() -> None:
    rng = np.random.default_rng(7)
    x, features = sounds(rng, 6000), FixedFeatures(step=100)
    whole, stream, rows, at = features(x), features.stream(), [], 0
    assert whole.shape == ((6000 - 480) // 100 + 1, 40)
    while at < len(x):
        n = int(rng.choice((0, 1, 7, 100, 480, 1999)))
        rows.append(stream.push(x[at : at + n]))
        at += n
    assert np.array_equal(np.concatenate(rows), whole)
    stream.reset()
    assert np.array_equal(stream.push(x), whole)
    assert np.array_equal(features(np.stack([x, x]))[1], whole)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"window": 5}, "window: 16 to 4096 samples, not 5"),
        ({"step": 481}, "step: 1 to window samples, not 481"),
        ({"upper": 8000}, "upper: less than half the rate, not 8000.0"),
        ({"channels": 0}, "channels: 1 to 128, not 0"),
        ({"noise_reduction": False}, "pcan: needs noise_reduction"),
        ({"dtype": "float32"}, "dtype 'float32': expected int8 or int16"),
        ({"dtype": "int8", "zero_point": 200}, "zero_point: within the type, not 200"),
        ({"offset": float("nan")}, "offset: 1 to 65536, not nan"),
        ({"rate": 1.5}, "FixedFeatures: 'float' object cannot be interpreted as an integer"),
    ],
)
def test_wrong_settings(wrong: dict, text: str) -> None:
    with pytest.raises(DataError) as error:
        FixedFeatures(**wrong).stream()
    assert str(error.value).startswith(text)


@pytest.mark.parametrize("compiler", ["g++", "arm-none-eabi-g++"])
def test_headers_are_cxx(compiler: str, tmp_path: Path) -> None:
    """With a front end that Python wrote."""
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not on this computer")
    FixedFeatures().write_c(tmp_path, "ears")
    (tmp_path / "main.cpp").write_text(
        '#include "ears.h"\n#include "nnom_sensors.h"\nconst nnom_audio_t *front = &ears;\n'
    )
    include = Path(__file__).resolve().parent.parent / "include"
    flags = ["-std=c++11", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{include}"]
    done = subprocess.run([compiler, *flags, tmp_path / "main.cpp"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_front_ends_can_be_sent_to_other_processes() -> None:
    for features in (FixedFeatures(), FloatFeatures(cepstra=10)):
        x = sounds(np.random.default_rng(8), 2000)
        rows = features(x)
        again = pickle.loads(pickle.dumps(features))
        assert again == features
        assert np.array_equal(copy.copy(again)(x), rows)


def test_wrong_samples() -> None:
    features = FixedFeatures()
    with pytest.raises(DataError, match="samples of type float64: expected int16"):
        features(np.zeros(480))
    with pytest.raises(DataError, match="expected \\[n\\] or \\[clips, n\\]"):
        features(np.zeros((1, 1, 480), np.int16))
    with pytest.raises(DataError, match="expected \\[n\\]"):
        features.stream().push(np.zeros((1, 480), np.int16))
    assert features(np.zeros(479, np.int16)).shape == (0, 40)
    with pytest.raises(DataError, match="a C identifier"):
        features.c_source("2x")
