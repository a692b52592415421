# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Features of sound, computed by the C core that the device runs: what a network is trained on is what it will see.

    from nnom.audio import FixedFeatures

    features = FixedFeatures(dtype="int8", multiplier=256, divisor=666, zero_point=-128)
    rows = features(samples)                 # int16 [n] -> int8 [rows, 40]
    features.write_c("out", "features")      # features.c and features.h for the firmware

include/nnom_audio.h describes every setting, SPEC.md the arithmetic.
"""

from __future__ import annotations

import ctypes as ct
import functools
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from .binding import WRITE, element_types, library
from .errors import CoreError, DataError
from .files import write_text

_TAPERS = {"hann": 0, "hamming": 1}
_P, _I, _U = ct.c_void_p, ct.c_int32, ct.c_uint32


class _Audio(ct.Structure):
    """nnom_audio_t"""

    _fields_ = [
        ("arithmetic", _P),
        ("tables", _P),
        ("work_bytes", _U),
        ("row_bytes", _U),
        ("window", ct.c_uint16),
        ("step", ct.c_uint16),
        ("columns", ct.c_uint16),
        ("type", ct.c_int),
    ]


class _Stream(ct.Structure):
    """nnom_audio_stream_t"""

    _fields_ = [("audio", _P), ("samples", _P), ("work", _P), ("row", _P), ("held", _U)]


class _Frame(ct.Structure):
    """nnom_audio_frame_t"""

    _fields_ = [
        ("rate", _I),
        ("window", _I),
        ("step", _I),
        ("channels", _I),
        ("lower", ct.c_float),
        ("upper", ct.c_float),
    ]


class _FixedSettings(ct.Structure):
    """nnom_audio_fixed_settings_t"""

    _anonymous_ = ("frame",)
    _fields_ = [
        ("frame", _Frame),
        ("noise_reduction", ct.c_bool),
        ("smoothing_bits", _I),
        ("smoothing_even", ct.c_float),
        ("smoothing_odd", ct.c_float),
        ("least_signal", ct.c_float),
        ("pcan", ct.c_bool),
        ("strength", ct.c_float),
        ("offset", ct.c_float),
        ("gain_bits", _I),
        ("log", ct.c_bool),
        ("log_shift", _I),
        ("cepstra", _I),
        ("type", ct.c_int),
        ("multiplier", _I),
        ("divisor", _I),
        ("zero_point", _I),
    ]


class _FloatSettings(ct.Structure):
    """nnom_audio_float_settings_t"""

    _anonymous_ = ("frame",)
    _fields_ = [
        ("frame", _Frame),
        ("pre_emphasis", ct.c_float),
        ("taper", ct.c_int),
        ("symmetric", ct.c_bool),
        ("gain", ct.c_float),
        ("power", _I),
        ("epsilon", ct.c_float),
        ("log_scale", ct.c_float),
        ("log_offset", ct.c_float),
        ("cepstra", _I),
        ("type", ct.c_int),
        ("scale", ct.c_float),
        ("zero_point", _I),
    ]


@functools.cache
def _library() -> ct.CDLL:
    """The core, with the functions of nnom_audio.h declared."""
    lib = library()
    pointers = {"bytes": [_P], "start": [_P, _P, _P, _U], "push": [_P, _P, _U, ct.POINTER(_P)]}
    pointers["freeze"] = [_P, ct.c_char_p, ct.c_bool, WRITE, _P]
    for kind in ("fixed", "float"):
        pointers |= {f"{kind}_fault": [_P], f"{kind}_bytes": [_P], f"{kind}_make": [_P, _P, _P, _U]}
    for name, arguments in pointers.items():
        function = getattr(lib, f"nnom_audio_{name}")
        function.argtypes = arguments
        function.restype = (
            ct.c_char_p if name.endswith("fault") else _U if name.endswith(("bytes", "push")) else ct.c_int
        )
    return lib


def _memory(size: int) -> np.ndarray:
    """Zeros at a multiple of 8."""
    return np.zeros(-(-size // 8), np.uint64)


class _Front:
    """A front end in the core: tables, and what runs them."""

    def __init__(self, kind: str, settings: ct.Structure) -> None:
        self._lib = _library()
        fault = getattr(self._lib, f"nnom_audio_{kind}_fault")(ct.byref(settings))
        if fault is not None:
            text = fault.decode()
            name = text.split(":")[0]
            raise DataError(f"{text}, not {getattr(settings, name, None)!r}")
        size = getattr(self._lib, f"nnom_audio_{kind}_bytes")(ct.byref(settings))
        self._tables, self.audio = _memory(size), _Audio()
        make = getattr(self._lib, f"nnom_audio_{kind}_make")
        _expect(self._lib, make(ct.byref(self.audio), ct.byref(settings), self._tables.ctypes.data, size))

    def freeze(self, name: str, is_header: bool) -> str:
        parts: list[bytes] = []

        def write(_context: int, text: bytes, size: int) -> int:
            parts.append(ct.string_at(text, size))
            return 0

        status = self._lib.nnom_audio_freeze(ct.byref(self.audio), name.encode(), is_header, WRITE(write), None)
        if status == -4:
            raise DataError(f"name {name!r}: expected a C identifier of up to 47 characters")
        _expect(self._lib, status)
        return b"".join(parts).decode()


def _expect(lib: ct.CDLL, status: int) -> None:
    if status != 0:
        raise CoreError(lib.nnom_status_text(status).decode())


class Stream:
    """Sound as it comes, from one source. push() takes any number of samples, and gives the rows that became due."""

    def __init__(self, front: _Front) -> None:
        self._front, self._lib = front, _library()
        self._dtype = np.dtype(next(name for name, number in element_types().items() if number == front.audio.type))
        self._memory, self._stream = _memory(self._lib.nnom_audio_bytes(ct.byref(front.audio))), _Stream()
        self.reset()

    def reset(self) -> None:
        """As if nothing had been heard."""
        memory = self._memory
        start = self._lib.nnom_audio_start
        _expect(
            self._lib,
            start(ct.byref(self._stream), ct.byref(self._front.audio), memory.ctypes.data, memory.nbytes),
        )

    def push(self, samples: np.ndarray) -> np.ndarray:
        """samples: int16 [n]. Rows [k, columns]."""
        x = _samples(samples)
        if x.ndim != 1:
            raise DataError(f"samples of shape {list(x.shape)}: expected [n]")
        columns, rows, row, at = self._front.audio.columns, [], _P(), 0
        while at < len(x):
            place = x.ctypes.data + 2 * at
            at += self._lib.nnom_audio_push(ct.byref(self._stream), place, len(x) - at, ct.byref(row))
            if row.value is not None:
                rows.append(np.frombuffer(ct.string_at(row.value, columns * self._dtype.itemsize), self._dtype))
        return np.stack(rows) if rows else np.empty((0, columns), self._dtype)


def _samples(samples: np.ndarray) -> np.ndarray:
    x = np.asarray(samples)
    if x.dtype != np.int16:
        raise DataError(f"samples of type {x.dtype}: expected int16, as the microphone gives them")
    return np.ascontiguousarray(x)


class _Features:
    """What both arithmetics share."""

    def _kind(self) -> tuple[str, ct.Structure]:
        raise NotImplementedError

    @functools.cached_property
    def _front(self) -> _Front:
        return _Front(*self._kind())

    def __getstate__(self) -> dict[str, object]:
        """The settings alone: pointers into this process cannot be sent to another."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]

    @property
    def columns(self) -> int:
        """Numbers of a row."""
        return self._front.audio.columns

    @property
    def stream_bytes(self) -> int:
        """RAM of a stream on the device."""
        return self._front._lib.nnom_audio_bytes(ct.byref(self._front.audio))

    def stream(self) -> Stream:
        """For sound without end."""
        return Stream(self._front)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Whole clips, each from silence on: int16 [n] -> [rows, columns], or [clips, n] -> [clips, rows, columns]."""
        x = _samples(samples)
        if x.ndim not in (1, 2):
            raise DataError(f"samples of shape {list(x.shape)}: expected [n] or [clips, n]")
        stream = self.stream()
        found = []
        for clip in np.atleast_2d(x):
            stream.reset()
            found.append(stream.push(clip))
        return found[0] if x.ndim == 1 else np.stack(found)

    def c_source(self, name: str) -> tuple[str, str]:
        """The front end as C: (source, header), for files NAME.c and NAME.h. name: what its symbols begin with."""
        return self._front.freeze(name, False), self._front.freeze(name, True)

    def write_c(self, folder: str | Path, name: str) -> list[Path]:
        """Writes NAME.c and NAME.h; their paths."""
        paths = [Path(folder) / f"{name}.c", Path(folder) / f"{name}.h"]
        for path, text in zip(paths, self.c_source(name), strict=True):
            write_text(path, text)
        return paths


def _one_of(what: str, value: str, known: dict[str, int]) -> int:
    if value not in known:
        raise DataError(f"{what} {value!r}: expected {' or '.join(known)}")
    return known[value]


def _structure(kind: type[ct.Structure], settings: object, *types: str) -> ct.Structure:
    """The settings of a dataclass as the core has them; dtype is its type, one of `types`."""
    values = asdict(settings)  # type: ignore[call-overload]
    values["type"] = _one_of("dtype", values.pop("dtype"), {name: element_types()[name] for name in types})
    if "taper" in values:
        values["taper"] = _one_of("taper", values["taper"], _TAPERS)
    try:
        return kind(**values)
    except TypeError as e:
        raise DataError(f"{type(settings).__name__}: {e}") from e


@dataclass(frozen=True)
class FixedFeatures(_Features):
    """In fixed point, the micro frontend of TensorFlow Lite Micro to the bit: nnom_audio_fixed_settings_t.

    The defaults are those of TFLM's micro_speech, with the rows as they are, int16. Its networks of int8 inputs take
    dtype="int8", multiplier=256, divisor=666, zero_point=-128.
    """

    rate: int = 16000
    window: int = 480
    step: int = 320
    channels: int = 40
    lower: float = 125.0
    upper: float = 7500.0
    noise_reduction: bool = True
    smoothing_bits: int = 10
    smoothing_even: float = 0.025
    smoothing_odd: float = 0.06
    least_signal: float = 0.05
    pcan: bool = True
    strength: float = 0.95
    offset: float = 80.0
    gain_bits: int = 21
    log: bool = True
    log_shift: int = 6
    cepstra: int = 0
    dtype: str = "int16"
    multiplier: int = 1
    divisor: int = 1
    zero_point: int = 0

    def _kind(self) -> tuple[str, ct.Structure]:
        return "fixed", _structure(_FixedSettings, self, "int8", "int16")

    def quantised(self, scale: float, zero_point: int, dtype: str = "int8") -> FixedFeatures:
        """The same, stored as an input of a network whose real values are these rows: row / scale + zero_point."""
        steps = _ratio(scale)
        return replace(self, dtype=dtype, multiplier=steps[0], divisor=steps[1], zero_point=zero_point)


def _ratio(scale: float) -> tuple[int, int]:
    """1 / scale as multiplier (up to 8192) and divisor (up to 65535): the nearest there is."""
    if not 1 / 8192 <= scale <= 65535:
        raise DataError(f"scale {scale}: expected 1/8192 to 65535")
    near = Fraction(scale).limit_denominator(8192)
    if near.numerator > 65535:
        near = 1 / (1 / Fraction(scale)).limit_denominator(65535)
    return near.denominator, near.numerator


@dataclass(frozen=True)
class FloatFeatures(_Features):
    """In float, log channels or MFCC: nnom_audio_float_settings_t. taper: "hann" or "hamming".

    The defaults give float32, to train with. quantised() is the same for the device, in the network's int8.
    """

    rate: int = 16000
    window: int = 480
    step: int = 320
    channels: int = 40
    lower: float = 20.0
    upper: float = 8000.0
    pre_emphasis: float = 0.0
    taper: str = "hann"
    symmetric: bool = False
    gain: float = 2.0**-15
    power: int = 2
    epsilon: float = 1e-6
    log_scale: float = 1.0
    log_offset: float = 0.0
    cepstra: int = 0
    dtype: str = "float32"
    scale: float = 1.0
    zero_point: int = 0

    def _kind(self) -> tuple[str, ct.Structure]:
        return "float", _structure(_FloatSettings, self, "int8", "int16", "float32")

    def quantised(self, scale: float, zero_point: int, dtype: str = "int8") -> FloatFeatures:
        """The same, stored as an input of a network whose real values are these rows: row / scale + zero_point."""
        return replace(self, dtype=dtype, scale=scale, zero_point=zero_point)
