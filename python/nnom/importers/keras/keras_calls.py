# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""How layers are called in a Keras model: which arguments beside their input are understood."""

from __future__ import annotations

from typing import Any

from ..workbench import Refused
from .keras_config import short
from .keras_settings import PREPROCESSING
from .keras_spec import Call, Layer, Ref

ARGUMENTS = ("training", "mask")
# Arguments that are tensors of the model, in the order in which the handlers take them, behind those without a name.
TENSORS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("SimpleRNN", "GRU", "LSTM", "Bidirectional"), ("initial_state",)),
    "MultiHeadAttention": ("query", "value", "key"),
}
# Arguments that must say what holds anyway, and what to do instead.
_PLAIN = {
    "use_causal_mask": "causal masks are not supported",
    "return_attention_scores": "use the layer's result alone",
    **dict.fromkeys(("attention_mask", "query_mask", "value_mask", "key_mask"), "use inputs of a fixed length"),
}
_ATTENTION = ("MultiHeadAttention", "Attention", "AdditiveAttention")


def check(layer: Layer, call: Call, v3: bool) -> None:
    """Refuses every argument of a layer's or nested model's call that is not known in name and value.

    `mask` None and `training` None or False say what holds at inference anyway. Keras 3 writes `training` True where
    nobody gave it: it is the default of layers for preprocessing, and predict() overrides it. In Keras 2 it stays.
    """
    for position, value in enumerate(call.args):
        if not _is_input(value) and not (position and value is None):
            raise Refused(f"argument {position + 1} of its call is {short(value)}", "call it with tensors of the model")
    for name, value in call.kwargs.items():
        if name in TENSORS.get(layer.cls, ()) and (value is None or _is_input(value)):
            continue
        if layer.cls in _ATTENTION and name in _PLAIN:
            if value not in (None, False):
                raise Refused(f"its call has {name}={short(value)}", _PLAIN[name])
            continue
        if name not in ARGUMENTS:
            raise Refused(f"its call has an argument '{name}', which is not supported", "leave it away")
        if name == "mask" and value is not None:
            raise Refused("its call has an argument 'mask'", "masks are not supported: use inputs of a fixed length")
        if name == "training" and value not in (None, False) and not (v3 and layer.cls in PREPROCESSING):
            raise Refused(
                f"it is called with training={short(value)}", "leave the argument away: inference needs the other mode"
            )


def _is_input(value: Any) -> bool:
    """A tensor of the model, or a list or dict of these."""
    if isinstance(value, Ref):
        return True
    items = list(value.values()) if isinstance(value, dict) else value
    return isinstance(items, (list, tuple)) and bool(items) and all(_is_input(v) for v in items)
