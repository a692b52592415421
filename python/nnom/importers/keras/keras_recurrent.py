# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Recurrent Keras layers, and those that work step by step: what each makes of a sequence (T, C)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...graph import Tensor, Weight
from ...ops import CELL_ACTIVATIONS
from ..workbench import Refused
from .keras_build import Builder, Value, arrays, cached, expect_rank, layer_activation, parse_activation
from .keras_config import Config
from .keras_settings import check
from .keras_spec import Layer

ManyHandler = Callable[[Builder, Layer, list[Value]], list[Value]]

_OPS = {"SimpleRNN": "simple_rnn", "GRU": "gru", "LSTM": "lstm"}
_GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}

# Where .keras archives keep the weights of a layer, below its own path; in the order of get_weights().
FOLDERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_OPS, ("cell",)),
    "Bidirectional": ("forward_layer/cell", "backward_layer/cell"),
    "TimeDistributed": ("layer",),
}


def states_of(layer: Layer) -> int:
    """How many states a recurrent layer has."""
    return 2 if layer.cls == "LSTM" else 1


def _activation(layer: Layer, b: Builder) -> str:
    act = layer_activation(layer, b.v3)
    if act.kind not in CELL_ACTIVATIONS or act.top is not None:
        raise Refused(f"activation '{act.kind}' in a recurrent layer", f"use one of {', '.join(CELL_ACTIVATIONS)}")
    if layer.cls == "SimpleRNN":
        return act.kind
    gate = parse_activation(layer.config.get("recurrent_activation", "sigmoid"), layer.where, b.v3)
    if gate.kind != "sigmoid":
        raise Refused(f"recurrent_activation '{gate.kind}'", "use 'sigmoid', the default since Keras 2.3")
    return act.kind


def _weights(layer: Layer, features: int, after: bool) -> dict[str, Weight]:
    """Matrices with a row for each output, and biases. after: GRU with two biases."""
    units, gates = layer.config.integer("units"), _GATES[layer.cls]
    shapes: list[tuple[str, tuple[int, ...] | None]] = [
        ("kernel", (features, gates * units)),
        ("recurrent kernel", (units, gates * units)),
    ]
    if layer.config.flag("use_bias", True):
        shapes.append(("bias", (2, gates * units) if after else (gates * units,)))
    kernel, recurrent, *bias = arrays(layer, *shapes)
    made = {"weights": kernel.T, "recurrent": recurrent.T}
    if bias:
        made |= {"bias": bias[0][0], "recurrent_bias": bias[0][1]} if after else {"bias": bias[0]}
    return {name: Weight(np.ascontiguousarray(data)) for name, data in made.items()}


def recurrent(b: Builder, layer: Layer, found: list[Value], reverse: bool = False) -> list[Value]:
    """SimpleRNN, GRU, LSTM: the output, with return_state and states behind it. found: a sequence, initial states."""
    x, states = found[0], found[1:]
    expect_rank(layer, x, 2)
    units, count = layer.config.integer("units"), states_of(layer)
    if states and len(states) != count:
        raise Refused(f"{len(states)} initial states", f"give all {count}, or none")
    after = layer.cls == "GRU" and layer.config.flag("reset_after", b.v3)
    sequence = layer.config.flag("return_sequences", False)
    attrs: dict[str, Any] = {
        "kind": _activation(layer, b),
        "sequence": sequence,
        "backwards": layer.config.flag("go_backwards", False),
        "reverse": reverse and sequence,
    }
    if layer.cls == "GRU":
        attrs["reset_after"] = after
    stateful = layer.config.flag("stateful", False)
    if stateful and not states:
        states = [_state(b, f"{layer.name}_state{i}", units) for i in range(count)]
    shape = (x.shape[0], units) if sequence else (units,)
    weights = cached(layer, lambda: _weights(layer, x.shape[1], after))
    y = b.node(_OPS[layer.cls], layer.name, [x, *states], shape, attrs, weights)
    wanted = stateful or layer.config.flag("return_state", False)
    parts = [
        b.node("part", f"{layer.name}_next{i}", [y], (units,), {"index": i}) for i in range(1, count + 1) if wanted
    ]
    if stateful:
        b.graph.states.update({s.name: p.name for s, p in zip(states, parts, strict=True)})
    return [y, *parts] if layer.config.flag("return_state", False) else [y]


def _state(b: Builder, name: str, units: int) -> Value:
    """A tensor that keeps its value from run to run."""
    unique = b.graph.unique(b.scope + name)
    b.graph.add_tensor(Tensor(unique, (1, 1, units)))
    return Value(unique, (units,))


def _inner(layer: Layer, key: str) -> Layer:
    """The layer that a wrapper's setting `key` describes."""
    entry = Config(layer.where, layer.config.get(key))
    config = entry.get("config")
    cls, name = entry.text("class_name"), f"{layer.name}"
    inner = Config(f"{layer.where}: its {key} ({cls})", config if isinstance(config, dict) else {})
    return replace(layer, cls=cls, name=name, config=inner, arrays=[], calls=[], cache={})


def _direction(layer: Layer, key: str, weights: list[np.ndarray], backwards: bool) -> Layer:
    """One of a Bidirectional's two layers."""
    inner = _inner(layer, key)
    if inner.cls not in _OPS:
        raise Refused(f"a {inner.cls} in both directions", f"use {', '.join(_OPS)}")
    check(inner)
    made = replace(inner, name=f"{layer.name}_{'backward' if backwards else 'forward'}", arrays=weights)
    if backwards and key == "layer":  # Keras makes the second of the first
        values = {**inner.config.values, "go_backwards": not inner.config.flag("go_backwards", False)}
        made.config = Config(inner.config.where, values)
    return made


_MERGES = {"sum": "add", "mul": "mult", "ave": "add"}


def bidirectional(b: Builder, layer: Layer, found: list[Value]) -> list[Value]:
    """Both directions, merged; with return_state the states of the first and of the second behind."""
    half = len(layer.arrays) // 2
    second = "backward_layer" if layer.config.get("backward_layer") is not None else "layer"
    pair = []
    states = (len(found) - 1) // 2
    for backwards, key, weights in ((False, "layer", layer.arrays[:half]), (True, second, layer.arrays[half:])):
        inner = _cached_layer(layer, backwards, key, weights)
        own = found[1 + states :] if backwards else found[1 : 1 + states]
        pair.append(recurrent(b, inner, [found[0], *own], reverse=backwards))
    (ahead, *first), (back, *last) = pair
    merge = layer.config.get("merge_mode", "concat")
    if merge is None:
        return [ahead, back, *first, *last]
    return [_merged(b, layer, merge, ahead, back), *first, *last]


def _cached_layer(layer: Layer, backwards: bool, key: str, weights: list[np.ndarray]) -> Layer:
    name = f"direction{int(backwards)}"
    if name not in layer.cache:
        layer.cache[name] = _direction(layer, key, weights, backwards)
    return layer.cache[name]


def _merged(b: Builder, layer: Layer, merge: Any, ahead: Value, back: Value) -> Value:
    if merge == "concat":
        shape = (*ahead.shape[:-1], ahead.shape[-1] + back.shape[-1])
        return b.node("concat", layer.name, [ahead, back], shape, {"axis": 2})
    if merge not in _MERGES:
        raise layer.config.fail("merge_mode", "'concat', 'sum', 'mul', 'ave' or none")
    y = b.node(_MERGES[merge], layer.name, [ahead, back], ahead.shape)
    if merge == "ave":
        half = b.constant(f"{layer.name}_half", np.full((1,) * len(y.shape), 0.5))
        y = b.node("mult", f"{layer.name}_mean", [y, half], y.shape)
    return y


# Classes that do with each step what they do with a whole: over the last axis, or element by element.
_STEPWISE = (
    "Dense", "BatchNormalization", "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "Identity",
    "Rescaling",
)  # fmt: skip


def time_distributed(handlers: dict[str, Any]) -> ManyHandler:
    """TimeDistributed of a layer that treats steps alike anyway. handlers: of the layers by class."""

    def convert(b: Builder, layer: Layer, found: list[Value]) -> list[Value]:
        inner = layer.cache.get("inner") or replace(_inner(layer, "layer"), arrays=layer.arrays)
        layer.cache["inner"] = inner
        if inner.cls not in _STEPWISE:
            raise Refused(f"a {inner.cls} for each step", f"{', '.join(_STEPWISE)} are supported")
        check(inner)
        if inner.cls in ("Softmax", "BatchNormalization") and inner.config.get("axis", -1) not in (-1, [-1]):
            raise Refused("an axis other than the last, for each step", "use axis -1")
        return [handlers[inner.cls](b, inner, found)]

    return convert


def table(handlers: dict[str, Any]) -> dict[str, ManyHandler]:
    """The layers of this file. handlers: those with one output, by class."""
    made: dict[str, ManyHandler] = dict.fromkeys(_OPS, recurrent)
    return {**made, "Bidirectional": bidirectional, "TimeDistributed": time_distributed(handlers)}
