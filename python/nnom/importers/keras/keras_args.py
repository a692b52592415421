# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Arguments of an operation, read through its signature: what is not known in name or value is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..workbench import Refused
from .keras_build import Value
from .keras_signatures import FLOATS, Param, Signature
from .keras_spec import is_int, is_real, short

_LAST = ("channels_last", "NHWC", "NWC")


class Arguments:
    """The arguments of one call by the signature's first names. Tensors are Values already.

    Each argument that was given must be read by the handler: `finish` refuses the others, unless they are defaults.
    """

    def __init__(self, signature: Signature, args: list[Any], named: dict[str, Any], none_is_default: bool = False):
        self.signature = signature
        self._none_is_default = none_is_default
        self._values: dict[str, Any] = {}
        self._given: dict[str, Any] = {}
        self._read: set[str] = set()
        self._bind(args, dict(named))

    def _bind(self, args: list[Any], named: dict[str, Any]) -> None:
        params = self.signature.params
        if params and params[0].many and args and isinstance(args[0], Value):
            args = [args]
        if len(args) > self.signature.positional:
            extra = args[self.signature.positional]
            raise Refused(f"has {len(args)} arguments; {short(extra)} has no known meaning", "leave it away")
        for i, param in enumerate(params):
            found = [name for name in param.names if name in named]
            values = [named.pop(name) for name in found] + list(args[i : i + 1])
            values = [v for v in values if v is not None] or values[:1]
            if len(values) > 1:
                raise Refused(f"argument '{param.names[0]}' is given twice", "give it once")
            if not values and param.required:
                raise Refused(f"argument '{param.names[0]}' is missing", "give it")
            value = values[0] if values else param.default
            if value is None and self._none_is_default:
                value = param.default
            self._check(param, found[0] if found else param.names[0], value)
            self._values[param.names[0]] = value
            if values and param.rule == "read":
                self._given[param.names[0]] = value
        for name, value in named.items():
            raise Refused(f"argument '{name}' ({_shown(value)}) is not known", "leave it away")

    @staticmethod
    def _check(param: Param, name: str, value: Any) -> None:
        if isinstance(value, Value) and param.rule != "read":
            raise Refused(f"a tensor as argument '{name}'", "leave it away")
        if param.rule == "only" and not _same(value, param.default):
            raise Refused(f"argument '{name}' is {_shown(value)}", f"only {short(param.default)} is supported")
        if param.rule == "type" and value is not None and type_name(value) not in FLOATS:
            raise Refused(f"argument '{name}' is {_shown(value)}", "only float32 is supported")
        if name == "data_format" and value is not None and value not in _LAST:
            raise Refused(f"argument 'data_format' is {_shown(value)}", "use channels_last")

    def finish(self) -> None:
        """Refused of an argument that was given and that the handler had no use for."""
        for name, value in self._given.items():
            default = next(p.default for p in self.signature.params if p.names[0] == name)
            if name != "data_format" and name not in self._read and not _same(value, default):
                raise Refused(f"argument '{name}' ({_shown(value)}) has no use here", "leave it away")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return self._values[name]

    def tensor(self) -> Value:
        """The first argument, a tensor of the model."""
        name = self.signature.params[0].names[0]
        value = self[name]
        if not isinstance(value, Value):
            raise Refused(f"argument '{name}' is {_shown(value)}, no tensor of the model", "use a layer instead")
        return value

    def flag(self, name: str) -> bool:
        """An argument that is true or false."""
        value = self[name]
        if isinstance(value, Value) or not isinstance(value, (bool, int)) or value not in (0, 1):
            raise self.refusal(name, "true or false is expected")
        return bool(value)

    def real(self, name: str) -> float:
        """An argument that is a finite number."""
        value = scalar(self[name])
        if not is_real(value):
            raise self.refusal(name, "a number is expected")
        return float(value)

    def integer(self, name: str, least: int = 1) -> int:
        """An argument that is a whole number >= least."""
        value = scalar(self[name])
        if not is_int(value) or not least <= value <= 2**30:
            raise self.refusal(name, f"a whole number >= {least} is expected")
        return int(value)

    def axis(self, name: str, rank: int) -> int:
        """One axis of the data: as Keras counts, 0 is the batch -> without the batch, from 0."""
        found = self.axes(name, rank)
        if len(found) != 1:
            raise self.refusal(name, "one axis is expected")
        return found[0]

    def axes(self, name: str, rank: int) -> list[int]:
        """One or more axes of the data, in order; see `axis`."""
        value = plain_list(self[name])
        axes = [scalar(a) for a in value] if isinstance(value, list) else [scalar(value)]
        if not axes or not all(is_int(a) and -rank - 1 <= a <= rank and a % (rank + 1) for a in axes):
            raise Refused(f"argument '{name}' is {_shown(value)}", "name axes of the data, without the batch (0)")
        found = [a % (rank + 1) - 1 for a in axes]
        if len(set(found)) != len(found):
            raise self.refusal(name, "an axis is named twice")
        return found

    def refusal(self, name: str, advice: str) -> Refused:
        """For an argument whose value has no counterpart."""
        return Refused(f"argument '{name}' is {_shown(self._values[name])}", advice)


def scalar(value: Any) -> Any:
    """An array of one element as a number, other values as they are; whole floats of serialised integers as int."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        number = value.item()
        return int(number) if float(number).is_integer() else number
    return value


def plain_list(value: Any) -> Any:
    """Tuples and arrays as lists; serialised arrays hold whole numbers as floats."""
    if isinstance(value, np.ndarray):
        return [scalar(np.asarray(v)) for v in value] if value.ndim == 1 else scalar(value)
    return list(value) if type(value) is tuple else value


def type_name(value: Any) -> str:
    """'float32' of "float32", tf.float32 or a serialised policy; other values as text."""
    if isinstance(value, dict):
        config = value.get("config")
        value = config.get("name") if isinstance(config, dict) else config
    return str(value)


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default: False is 0, but 0 is not None."""
    if isinstance(value, (Value, np.ndarray, list, dict, slice)):
        return False
    return value is default or (default is not None and bool(value == default))


def _shown(value: Any) -> str:
    return "a tensor" if isinstance(value, Value) else short(value)
