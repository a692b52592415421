# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Walks a TFLite model's operators in order and builds the graph.

Operators that depend on constants and shapes only are computed (tflite_fold.py), the others are translated by
tflite_layers.py and tflite_moves.py. All that can not be translated is collected and reported at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ModelError
from ...graph import Node, Quant, Tensor
from ..layout import in_order
from ..workbench import Refused, Thing
from .tflite_composed import COMPOSED
from .tflite_context import Importer, Value
from .tflite_fold import computable, fold
from .tflite_layers import ELEMENTWISE, LAYERS
from .tflite_moves import MOVES
from .tflite_reader import DTYPES
from .tflite_recurrent import RECURRENT
from .tflite_variables import VARIABLES
from .tflite_windows import after_conv

_STATES = {**RECURRENT, **VARIABLES}
_OTHERS = {**COMPOSED, **_STATES}
# What the shape of the input alone decides: (shape, type of the output).
_BY_SHAPE: dict[str, Callable[[tuple[int, ...], str], np.ndarray]] = {
    "SHAPE": lambda shape, _: np.asarray(shape, np.int32),
    "RANK": lambda shape, _: np.asarray(len(shape), np.int32),
    "ZEROS_LIKE": lambda shape, dtype: np.zeros(shape, DTYPES[dtype]),
}
_REASONS = {
    **dict.fromkeys(("WHILE", "IF", "CALL"), "control flow; export the model with loops unrolled"),
    "CONV_3D": "convolves three axes, a tensor of five; use Conv2D over frames, or Conv1D",
}


def _reason(op: str) -> str:
    """Why an operator without a counterpart is refused."""
    return _REASONS.get(op, "a custom operator" if op.startswith("CUSTOM") else "no counterpart")


class Walk(Importer):
    """The import of one model."""

    def run(self) -> None:
        """Builds the graph. Errors: ModelError, UnsupportedError with all that is refused."""
        try:
            self.walk()
        except ModelError as e:  # may be a consequence of what is refused, which is named first
            self.name_unknown()
            self.refusals.stop_if_refused(f"after that: {str(e).removeprefix(f'{self.graph.source}: ')}")
            raise
        self.refusals.stop_if_refused()
        if self.dequantised:
            self.graph.notes.append(
                f"a dynamic-range model, float activations and int8 weights in {self.dequantised} layers: they "
                "are dequantised and, with the activations, quantised anew from calibration data"
            )
        self.graph.prune()

    def walk(self) -> None:
        """Inputs, operators and outputs in order."""
        for tensor in self.model.tensors:
            if tensor.data is not None:
                self.values[tensor.index] = Value(tensor.shape, tensor.dtype, data=tensor.data, quant=tensor.quant)
        for index in self.model.inputs:
            self.add_input(self.model.tensors[index])
        for op in self.model.operators:
            self.step(op)
        for index in self.model.outputs:
            self.add_output(self.model.tensors[index])

    def name_unknown(self) -> None:
        """Adds to the refusals the operators without a counterpart, of which the walk has not come to all."""
        for op in self.model.operators:
            known = op.op in LAYERS or op.op in MOVES or op.op in _OTHERS or computable(op.op)
            if not known and self.thing(op) not in self.refusals:
                self.refuse(op, Refused(_reason(op.op)))

    def translate(self, op: Any) -> None:
        """Makes the operator's nodes. Raises Refused."""
        handler = LAYERS.get(op.op) or MOVES.get(op.op) or _OTHERS.get(op.op)
        if handler is None:
            raise Refused(_reason(op.op))
        if op.op not in _STATES:
            self.check_wide(op)
        handler(self, op)

    def delayed(self, op: Any) -> bool:
        """Between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: keeps a function of each element for the end."""
        values = [self.values.get(i) for i in op.inputs]
        waiting = [v for v in values if v is not None and v.phases is not None and v.phases.ops]
        if op.op not in ELEMENTWISE or len(waiting) != 1 or len(op.outputs) != 1:
            return False
        for v in values:
            if v is None or (v not in waiting and (v.data is None or v.data.size not in (1, *v.shape[-1:]))):
                return False
        after_conv(self, op, waiting[0])
        return True

    def step(self, op: Any) -> None:
        """Computes or translates one operator; what is refused is noted and its outputs stand as if made."""
        for index in op.outputs:
            if index in self.values:
                name = self.model.tensors[index].name
                raise ModelError(
                    f"{self.at(op)}: makes tensor '{name}', which has a value already (cycle or duplicate)"
                )
        try:
            if op.op not in _STATES and any(i >= 0 and self.model.tensors[i].variable for i in op.inputs):
                raise Refused(_REASONS.get(op.op, "keeps state between runs (a variable tensor)"))
            if not self.fold(op) and not self.delayed(op):
                self.translate(op)
        except Refused as e:
            self.refuse(op, e)
        except (IndexError, ValueError, TypeError, ArithmeticError) as e:
            raise ModelError(f"{self.at(op)}: its operands do not fit together: {e}") from e

    def fold(self, op: Any) -> bool:
        """Computes the operator if all that it reads is known. Returns whether it did."""
        known = [self.values.get(i) if i >= 0 else None for i in op.inputs]
        if op.op in _BY_SHAPE and known and known[0] is not None and known[0].phases is None:
            self.memory.take(math.prod(known[0].shape) if op.op == "ZEROS_LIKE" else 0)
            results = [_BY_SHAPE[op.op](known[0].shape, self.tensor(op).dtype)]
        elif not known or any(i >= 0 and (v is None or v.data is None) for i, v in zip(op.inputs, known, strict=True)):
            return False
        else:
            got = fold(op, [None if v is None else v.data for v in known], self.model.tensors, self.memory.elements)
            if got is None:
                return False
            results = got
        if len(results) != len(op.outputs):
            raise ModelError(f"{self.at(op)}: {len(op.outputs)} outputs; its inputs give {len(results)}")
        for k, array in enumerate(results):
            tensor = self.tensor(op, k)
            self.memory.take(array.nbytes + 64)
            if array.size:
                self.check_shape(op, tensor, array.shape)
            self.define(op, k, Value(array.shape, tensor.dtype, data=array, quant=tensor.quant))
        return True

    def refuse(self, op: Any, refused: Refused) -> None:
        """Notes a refusal; the outputs get stand-ins."""
        self.refusals.refuse(self.thing(op), refused)
        for k, index in enumerate(op.outputs):
            if index in self.values:
                continue
            tensor = self.model.tensors[index]
            shape = in_order(tensor.shape)
            value = Value(tensor.shape, tensor.dtype, quant=tensor.quant)
            if min(shape) >= 1:  # a stand-in, so that the rest of the graph is looked at as well
                value.name = self.graph.unique(tensor.name)
                self.graph.add_tensor(Tensor(value.name, shape, tensor.dtype.lower()))
            self.define(op, k, value)

    def add_input(self, tensor: Any) -> None:
        """An input of the model; uint8 gets a quantize node to int8."""
        where = f"{self.graph.source}: input {tensor.index} '{tensor.name}'"
        if tensor.index in self.values:
            raise ModelError(f"{where} is a constant or named twice")
        open_axes = [a for a in tensor.dynamic if a > 0]
        reason = ""
        if open_axes:
            self.graph.notes.append(
                f"input '{tensor.name}' leaves axes {open_axes} open: they have the sizes in the file, shape "
                f"{list(tensor.shape)}; for other sizes export the model with a fixed shape"
            )
        if tensor.shape and min(tensor.shape) < 1:
            reason = f"shape {list(tensor.shape)}; export the model with a fixed shape"
        try:
            if reason:
                raise Refused(reason)
            dtype, quant = self.type_of(tensor)
            if tensor.variable:
                raise Refused("a variable tensor; state is not supported")
            value = Value(tensor.shape, tensor.dtype, quant=tensor.quant)
            shape = self.shape_of(value)
        except Refused as e:
            self.refusals.refuse(Thing("input", tensor.index, f"'{tensor.name}'"), e)
            dtype, quant, value = "float32", None, Value(tensor.shape, tensor.dtype, quant=tensor.quant)
            if tensor.shape and min(tensor.shape) < 1:
                self.values[tensor.index] = value
                return
            shape = in_order(tensor.shape)
        value.name = self.graph.unique(tensor.name)
        self.values[tensor.index] = value
        self.graph.inputs.append(value.name)
        if tensor.dtype == "UINT8" and quant is not None:
            self.graph.add_tensor(Tensor(value.name, shape, "uint8", Quant(quant.scale, quant.zero_point + 128)))
            inner = self.graph.unique(f"{value.name}_int8")
            self.graph.add(Node("quantize", inner, [value.name], inner), shape, "int8", quant)
            value.name = inner
        else:
            self.graph.add_tensor(Tensor(value.name, shape, dtype, quant))

    def add_output(self, tensor: Any) -> None:
        """An output of the model; uint8 gets a quantize node from int8."""
        value = self.values.get(tensor.index)
        if value is None:
            raise ModelError(f"{self.graph.source}: output {tensor.index} '{tensor.name}' is made by no operator")
        try:
            if value.phases is not None or (value.data is None and not value.name):
                raise Refused("ends between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND")
            if value.imag:
                raise Refused("complex numbers; expected their magnitude, real or imaginary part")
            name = self.name(value)
        except Refused as e:
            if not self.refusals:
                self.refusals.refuse(Thing("output", tensor.index, f"'{tensor.name}'"), e)
            return
        quant = self.graph.tensors[name].quant
        if tensor.dtype == "UINT8" and quant is not None:
            new = self.graph.unique(f"{name}_uint8")
            self.graph.add(
                Node("quantize", new, [name], new),
                self.graph.tensors[name].shape,
                "uint8",
                Quant(quant.scale, quant.zero_point + 128),
            )
            name = new
        elif name in self.graph.sources or self.graph.tensors[name].data is not None:
            name = self.reshape_node(name, self.graph.unique(f"{name}_output"), self.graph.tensors[name].shape, quant)
        self.graph.outputs.append(name)
