# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Sliding normalisation of sensors, computed by the C core that the device runs.

    from nnom.sensors import Normaliser

    normaliser = Normaliser(channels=6, window=256, least=8)
    x = normaliser(rows)                     # int16 [n, 6] -> float32 [n, 6]
    normaliser.quantised(port.scale, port.zero_point).c_settings("settings")

include/nnom_sensors.h describes every setting, SPEC.md the arithmetic.
"""

from __future__ import annotations

import ctypes as ct
import functools
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from .binding import element_types, library
from .errors import CoreError, DataError

_P = ct.c_void_p


class _Settings(ct.Structure):
    """nnom_normaliser_settings_t"""

    _fields_ = [
        ("channels", ct.c_int32),
        ("window", ct.c_int32),
        ("deviation", ct.c_bool),
        ("least", ct.c_float),
        ("type", ct.c_int),
        ("scale", ct.c_float),
        ("zero_point", ct.c_int32),
    ]


class _State(ct.Structure):
    """nnom_normaliser_t"""

    _fields_ = [
        ("settings", _P),
        ("squares", _P),
        ("sums", _P),
        ("out", _P),
        ("rows", _P),
        ("held", ct.c_int32),
        ("next", ct.c_int32),
    ]


@functools.cache
def _library() -> ct.CDLL:
    """The core, with the functions of nnom_sensors.h declared."""
    lib = library()
    lib.nnom_normaliser_fault.argtypes, lib.nnom_normaliser_fault.restype = [_P], ct.c_char_p
    lib.nnom_normaliser_bytes.argtypes, lib.nnom_normaliser_bytes.restype = [_P], ct.c_uint32
    lib.nnom_normaliser_start.argtypes = [_P, _P, _P, ct.c_uint32]
    lib.nnom_normaliser_push.argtypes, lib.nnom_normaliser_push.restype = [_P, _P], _P
    return lib


class NormaliserStream:
    """Rows as they come, from one source."""

    def __init__(self, settings: _Settings, dtype: str) -> None:
        self._lib, self._settings, self._dtype = _library(), settings, np.dtype(dtype)
        self._memory = np.zeros(-(-self._lib.nnom_normaliser_bytes(ct.byref(settings)) // 8), np.uint64)
        self._state = _State()
        self.reset()

    def reset(self) -> None:
        """As if nothing had come."""
        memory, start = self._memory, self._lib.nnom_normaliser_start
        status = start(ct.byref(self._state), ct.byref(self._settings), memory.ctypes.data, memory.nbytes)
        if status != 0:
            raise CoreError(self._lib.nnom_status_text(status).decode())

    def push(self, rows: np.ndarray) -> np.ndarray:
        """rows: int16 [n, channels]. The same, normalised."""
        x = np.asarray(rows)
        if x.dtype != np.int16 or x.ndim != 2 or x.shape[1] != self._settings.channels:
            raise DataError(f"rows {x.dtype} {list(x.shape)}: expected int16 [n, {self._settings.channels}]")
        x = np.ascontiguousarray(x)
        out = np.empty(x.shape, self._dtype)
        step = out.strides[0]
        for i in range(len(x)):
            place = self._lib.nnom_normaliser_push(ct.byref(self._state), x[i].ctypes.data)
            ct.memmove(out.ctypes.data + i * step, place, step)
        return out


@dataclass(frozen=True)
class Normaliser:
    """nnom_normaliser_settings_t. dtype: "float32", to train with, "int8" or "int16", as quantised() gives it."""

    channels: int
    window: int
    deviation: bool = True
    least: float = 1.0
    dtype: str = "float32"
    scale: float = 1.0
    zero_point: int = 0

    def __getstate__(self) -> dict[str, object]:
        """Without what the core made of it."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @functools.cached_property
    def _settings(self) -> _Settings:
        values = asdict(self)
        types = {name: element_types()[name] for name in ("int8", "int16", "float32")}
        if self.dtype not in types:
            raise DataError(f"dtype {self.dtype!r}: expected {' or '.join(types)}")
        values["type"] = types[values.pop("dtype")]
        try:
            settings = _Settings(**values)
        except TypeError as e:
            raise DataError(f"Normaliser: {e}") from e
        fault = _library().nnom_normaliser_fault(ct.byref(settings))
        if fault is not None:
            text = fault.decode()
            raise DataError(f"{text}, not {getattr(self, text.split(':')[0])!r}")
        return settings

    @property
    def bytes(self) -> int:
        """RAM on the device."""
        return _library().nnom_normaliser_bytes(ct.byref(self._settings))

    def stream(self) -> NormaliserStream:
        """For rows without end."""
        return NormaliserStream(self._settings, self.dtype)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """int16 [n, channels], the first row begins: the same, normalised."""
        return self.stream().push(rows)

    def quantised(self, scale: float, zero_point: int, dtype: str = "int8") -> Normaliser:
        """The same, stored as an input of a network whose real values are these rows."""
        return replace(self, dtype=dtype, scale=scale, zero_point=zero_point)

    def c_settings(self, name: str) -> str:
        """The settings as C, for a file that includes nnom_sensors.h."""
        s, kind = self._settings, {"int8": "S8", "int16": "S16", "float32": "F32"}[self.dtype]
        return (
            f"static const nnom_normaliser_settings_t {name} = {{\n"
            f"    .channels = {s.channels}, .window = {s.window}, .deviation = {'true' if s.deviation else 'false'},\n"
            f"    .least = {s.least.hex()}f, .type = NNOM_TYPE_{kind}, .scale = {s.scale.hex()}f,\n"
            f"    .zero_point = {s.zero_point},\n}};\n"
        )
