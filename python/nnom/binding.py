# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The core's C interface as ctypes sees it: structs of include/nnom.h and the loading of the shared library."""

from __future__ import annotations

import ctypes as ct
import functools
import os
import sys
from pathlib import Path

from .errors import ToolError


class Shape(ct.Structure):
    _fields_ = [("h", ct.c_int32), ("w", ct.c_int32), ("c", ct.c_int32)]


class Size(ct.Structure):
    _fields_ = [("h", ct.c_int32), ("w", ct.c_int32)]


class Border(ct.Structure):
    _fields_ = [("top", ct.c_int32), ("bottom", ct.c_int32), ("left", ct.c_int32), ("right", ct.c_int32)]


class WeightStruct(ct.Structure):
    _fields_ = [("p_value", ct.c_void_p), ("shift", ct.c_size_t)]


class TensorStruct(ct.Structure):
    _fields_ = [
        ("data", ct.c_void_p),
        ("offset", ct.c_uint32),
        ("shape", Shape),
        ("rows", ct.c_int32),
        ("row_bytes", ct.c_int32),
        ("scale", ct.c_float),
        ("zero_point", ct.c_int32),
        ("type", ct.c_int),
    ]


class TypeFacts(ct.Structure):
    """A line of NNOM_TYPES (nnom_type_facts_t)."""

    _fields_ = [
        ("name", ct.c_char_p),
        ("c_type", ct.c_char_p),
        ("bytes", ct.c_uint32),
        ("least", ct.c_int32),
        ("most", ct.c_int32),
        ("quantised", ct.c_bool),
    ]


class Totals(ct.Structure):
    """MACs and bytes of a compiled model (nnom_totals_t)."""

    _fields_ = [
        ("macs", ct.c_uint64),
        ("arena_bytes", ct.c_uint32),
        ("live_bytes", ct.c_uint32),
        ("descriptor_bytes", ct.c_uint32),
        ("weight_bytes", ct.c_uint32),
        ("slow_bytes", ct.c_uint32),
        ("cost", ct.c_uint64),
    ]


class PlanPoint(ct.Structure):
    _fields_ = [("arena_bytes", ct.c_uint32), ("cost", ct.c_uint64)]


CURVE = ct.CFUNCTYPE(None, ct.c_void_p, ct.POINTER(PlanPoint))


class Options(ct.Structure):
    """Of nnom_compile (nnom_options_t); mode: 0 auto, 1 whole, 2 smallest; optimize: 0 default, 1 speed, 2 size."""

    _fields_ = [
        ("mode", ct.c_int),
        ("arena_bytes", ct.c_uint32),
        ("fast_bytes", ct.c_uint32),
        ("target", ct.c_uint32),
        ("optimize", ct.c_int),
        ("feed", ct.c_bool),
        ("endless", ct.c_bool),
        ("warm_up", ct.c_uint32),
        ("all_rows", ct.c_bool),
        ("curve", CURVE),
        ("curve_context", ct.c_void_p),
    ]


class Least(ct.Structure):
    """What a model needs that did not fit (nnom_least_t)."""

    _fields_ = [("arena_bytes", ct.c_uint32), ("layer", ct.c_char_p)]


class LayerInfo(ct.Structure):
    _fields_ = [
        ("layer", ct.c_void_p),
        ("name", ct.c_char_p),
        ("kind", ct.c_char_p),
        ("activation", ct.c_char_p),
        ("lies_in", ct.c_char_p),
        ("out", TensorStruct),
        ("macs", ct.c_uint64),
        ("input_bytes", ct.c_uint32),
        ("output_bytes", ct.c_uint32),
        ("scratch_bytes", ct.c_uint32),
        ("scratch_offset", ct.c_uint32),
        ("weight_bytes", ct.c_uint32),
        ("first_step", ct.c_uint16),
        ("last_step", ct.c_uint16),
        ("node", ct.c_uint16),
        ("segment", ct.c_int32),
        ("counters", ct.c_uint32),
    ]


OBSERVER = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_void_p, ct.c_uint32, ct.c_int)
WRITE = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_size_t)

_P, _I, _U = ct.c_void_p, ct.c_int32, ct.c_uint32

# name: (result, arguments). Constructors of layers are declared in mapping.py, beside their use.
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "nnom_new_model": (_P, [_P]),
    "nnom_model_delete": (None, [_P]),
    "nnom_model_compile": (ct.c_int, [_P, _P, _P]),
    "nnom_type_facts": (ct.POINTER(TypeFacts), [ct.c_int]),
    "nnom_target_name": (ct.c_char_p, [_U, ct.POINTER(_U)]),
    "nnom_host_target": (_U, []),
    "nnom_compile": (ct.c_int, [_P, _P, _P, ct.POINTER(Options)]),
    "nnom_run_many": (ct.c_int, [_P, ct.POINTER(_P), ct.POINTER(_P), _U]),
    "nnom_forget": (None, [_P]),
    "nnom_state_bytes": (_U, [_P]),
    "nnom_state_save": (ct.c_int, [_P, _P, _U]),
    "nnom_state_restore": (ct.c_int, [_P, ct.c_char_p, _U]),
    "nnom_model_error_text": (ct.c_char_p, [_P]),
    "nnom_status_text": (ct.c_char_p, [ct.c_int]),
    "nnom_set_verbose": (None, [_P, ct.c_bool]),
    "nnom_discard": (None, [_P]),
    "nnom_set_arena": (ct.c_int, [_P, _P, _U]),
    "nnom_own": (ct.c_int, [_P, _P]),
    "nnom_hook": (_P, [_P, _P]),
    "nnom_layer_part": (_P, [_P, _U]),
    "nnom_state_set": (_P, [_P, _P]),
    "nnom_input_count": (_U, [_P]),
    "nnom_output_count": (_U, [_P]),
    "nnom_input_buffer": (_P, [_P, _U]),
    "nnom_output_buffer": (_P, [_P, _U]),
    "nnom_input_tensor": (ct.POINTER(TensorStruct), [_P, _U]),
    "nnom_output_tensor": (ct.POINTER(TensorStruct), [_P, _U]),
    "nnom_set_observer": (None, [_P, OBSERVER, _P]),
    "nnom_node_part": (_P, [_P, _U, _U, ct.POINTER(ct.POINTER(TensorStruct))]),
    "nnom_layer_output_node": (ct.c_uint16, [_P]),
    "nnom_least": (ct.c_int, [_P, ct.POINTER(Least)]),
    "nnom_totals": (ct.c_int, [_P, ct.POINTER(Totals)]),
    "nnom_layer_info": (ct.c_int, [_P, _U, ct.POINTER(LayerInfo)]),
    "nnom_set_test_input": (ct.c_int, [_P, _P]),
    "nnom_set_provenance": (ct.c_int, [_P, ct.c_char_p]),
    "nnom_freeze": (ct.c_int, [_P, ct.c_char_p, ct.c_bool, WRITE, _P]),
    "nnom_layer_set_quant": (_P, [_P, ct.c_float, _I]),
    "nnom_layer_set_weight_scales": (_P, [_P, ct.POINTER(ct.c_float), _U]),
    "nnom_layer_set_bias_bits": (_P, [_P, _I]),
    "nnom_layer_set_weight_bits": (_P, [_P, _I]),
    "nnom_layer_set_type": (_P, [_P, ct.c_int]),
    "nnom_layer_set_padding": (_P, [_P, Border]),
    "nnom_layer_set_name": (_P, [_P, ct.c_char_p]),
}


def library_path() -> Path:
    """The shared library inside the package, or the one that NNOM_CORE_LIBRARY names (an instrumented build)."""
    given = os.environ.get("NNOM_CORE_LIBRARY")
    if given:
        return Path(given)
    here = Path(__file__).resolve().parent
    path = here / ("_core.dll" if sys.platform == "win32" else "_core.so")
    if path.exists():
        return path
    raise ToolError(f"{path}: the C core is not built; run 'make demo' in the repository or pip install it")


@functools.cache
def library() -> ct.CDLL:
    """Loads the core once and declares its functions."""
    path = library_path()
    try:
        lib = ct.CDLL(str(path))
        functions = {name: getattr(lib, name) for name in _SIGNATURES}
    except (OSError, AttributeError) as e:
        raise ToolError(f"{path}: not this version's C core ({e}); build it again with 'make' or 'pip install'") from e
    for name, (result, arguments) in _SIGNATURES.items():
        function = functions[name]
        function.restype = result
        function.argtypes = arguments
    return lib


@functools.cache
def element_types() -> dict[str, int]:
    """The core's element types (NNOM_TYPES): numpy's name of each, and its number."""
    found: dict[str, int] = {}
    while (facts := library().nnom_type_facts(len(found)).contents).bytes:
        name = facts.c_type.decode()
        found["float32" if name == "float" else name.removesuffix("_t")] = len(found)
    return found
