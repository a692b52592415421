# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Walks an ONNX model's nodes in order and builds the graph.

Nodes that depend on constants and shapes only are computed (onnx_fold.py), the others translated by the handlers. All
that can not be translated is collected and reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import ModelError, UnsupportedError
from ...graph import Layout, Quant, Tensor
from ...messages import Setting, Text
from ..axis_map import AxisMap
from ..workbench import Refused, Thing
from .onnx_arrays import array_of
from .onnx_context import REALS, SHIFTS, WHOLES, Form, Stored, Value
from .onnx_dense import DENSE
from .onnx_fold import FOLDS, fold
from .onnx_functions import FUNCTIONS
from .onnx_images import IMAGES
from .onnx_learn import LEARN
from .onnx_moves import MOVES
from .onnx_names import outer_names, passed_over, read_by
from .onnx_norms import NORMS
from .onnx_patterns import match
from .onnx_places import Importer
from .onnx_ports import channels_moved, fixed_shape, memory_order
from .onnx_qoperator import MICROSOFT, QOPERATOR
from .onnx_quant import MOVING, QUANT, form_of
from .onnx_reader import NEWEST, OLDEST, TYPES, FileGraph, FileNode, FileTensor, FileValue
from .onnx_recurrent import RECURRENT
from .onnx_windows import WINDOWS, Handler

HANDLERS: dict[str, Handler] = {
    **WINDOWS, **DENSE, **FUNCTIONS, **NORMS, **MOVES, **IMAGES, **RECURRENT, **QUANT, **QOPERATOR,
}  # fmt: skip
_DOMAINS = {"ai.onnx.ml": LEARN, "com.microsoft": MICROSOFT}
_REASONS = dict.fromkeys(("Loop", "Scan", "SequenceMap"), "control flow; export the model with loops unrolled")


def handler_of(node: FileNode) -> Handler | None:
    """What translates a node."""
    return _DOMAINS.get(node.domain, {}).get(node.op) if node.domain else HANDLERS.get(node.op)


def _reason(node: FileNode) -> str:
    if node.domain and node.domain not in _DOMAINS:
        return f"an operator of the domain '{node.domain}'"
    return _REASONS.get(node.op, "no counterpart")


@dataclass
class Walk(Importer):
    """The import of one model. shapes: of inputs with open axes; keep_io: ports lie as in the file."""

    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    keep_io: bool = False

    def run(self) -> None:
        """Builds the graph. Errors: ModelError, UnsupportedError with all that is refused."""
        if not OLDEST <= self.opset <= NEWEST and self.opset:
            raise UnsupportedError(
                f"{self.graph.source}: operators of opset {self.opset}; {OLDEST} to {NEWEST} are read: export the "
                f"model with opset {OLDEST if self.opset < OLDEST else NEWEST}"
            )
        try:
            self.walk()
        except ModelError as e:  # may be a consequence of what is refused, which is named first
            self.name_unknown(self.model.graph)
            self.refusals.stop_if_refused(f"after that: {str(e).removeprefix(f'{self.graph.source}: ')}")
            raise
        self.refusals.stop_if_refused()
        self.graph.prune()

    def walk(self) -> None:
        """Inputs, nodes and outputs in order."""
        top = self.model.graph
        self.enter(top)
        unknown = [n for n in self.shapes if n not in {v.name for v in top.inputs}]
        if unknown:
            names = ", ".join(f"'{v.name}'" for v in top.inputs[:16])
            raise ModelError(
                Text(f"{self.graph.source}: ", Setting.SHAPE, f" of '{unknown[0]}'; the inputs are {names}")
            )
        for i, value in enumerate(top.inputs):
            if value.name not in self.values:
                self.add_input(i, value)
        self.run_graph(top)
        for i, value in enumerate(top.outputs):
            self.add_output(i, value)
        if not self.graph.outputs and not self.refusals:
            raise ModelError(f"{self.graph.source}: no outputs that a model can give")

    def enter(self, graph: FileGraph) -> None:
        """Constants of a graph, and who reads what in it."""
        if graph.sparse:
            self.refusals.refuse(Thing("constant", None, "sparse"), "sparse constants; save the model with dense ones")
        for t in graph.constants:
            if t.name in self.values:
                raise ModelError(f"{self.graph.source}: two constants are called '{t.name}'")
            self.values[t.name] = self.tensor_value(t)
        self.taken.update(id(node) for node in passed_over(graph))
        for node in graph.nodes:
            if id(node) in self.taken:
                continue
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)
            for inner in node.attrs.values():
                if isinstance(inner, FileGraph):
                    for name in outer_names(inner):
                        self.readers.setdefault(name, []).append(node)
        self.results.update(v.name for v in graph.outputs)

    def tensor_value(self, t: FileTensor) -> Value:
        """A constant; one of texts has no data."""
        data = array_of(self.model, t)
        return Value(t.shape, TYPES[t.dtype]) if data is None else Value(data.shape, str(data.dtype), data=data)

    def run_graph(self, graph: FileGraph) -> None:
        """The nodes of a graph, each when what it reads is there: a file should have them in such an order."""
        waiting = graph.nodes
        while waiting:
            later: list[FileNode] = []
            for node in waiting:
                if id(node) in self.taken:
                    continue
                if all(name in self.values for name in read_by(node)):
                    self.step(node)
                else:
                    later.append(node)
            if len(later) == len(waiting):
                missing = next(name for name in read_by(later[0]) if name not in self.values)
                self.fail(later[0], f"reads '{missing}', which nothing before it makes (a cycle, or a missing node)")
            waiting = later

    def step(self, node: FileNode) -> None:
        """Computes or translates one node; what is refused is noted and its outputs stand as if made."""
        for name in node.outputs:
            if name and name in self.values:
                self.fail(node, f"makes '{name}', which has a value already (cycle or duplicate)")
        try:
            if node.op == "If" and not node.domain:
                self.branch(node)
            elif not self.fold(node) and not match(self, node):
                self.translate(node)
        except Refused as e:
            self.refuse(node, e)
        except (LookupError, ValueError, TypeError, ArithmeticError, AssertionError) as e:
            raise ModelError(f"{self.at(node)}: its operands do not fit together: {e}") from e

    def translate(self, node: FileNode) -> None:
        """What the node does, in int8 or in float."""
        handler = handler_of(node)
        if handler is None:
            raise Refused(_reason(node))
        held = self.hold_first(node)
        self.moves, self.form = not node.domain and node.op in MOVING, form_of(self, node)
        try:
            handler(self, node)
        finally:
            form, self.form, self.moves = self.form, None, False
            self.values.update(held)
        if form is not None:
            self.end_of(node, form)

    def hold_first(self, node: FileNode) -> dict[str, Value]:
        """Puts the first operand of a function of constants, which was not computed, into the graph; what it was."""
        found = [self.values.get(name) for name in node.inputs if name]
        first = found[0] if found else None
        if first is None or first.data is None or any(v is None or v.data is None for v in found):
            return {}
        name = self.placed(first, AxisMap.of(first.shape).parts, port_shape(first.shape, range(len(first.shape))))
        self.values[node.inputs[0]] = Value(first.shape, first.dtype, name, AxisMap.of(first.shape))
        return {node.inputs[0]: first}

    def end_of(self, node: FileNode, form: Form) -> None:
        """The QuantizeLinears behind a node that has computed in int8 have its result."""
        before = form.readers[0].inputs[0]
        value = self.values.pop(before, None) or self.values[node.outputs[0]]
        for reader in form.readers:
            self.define(reader, 0, replace(value, dtype=form.kind))
        for name in {before, node.outputs[0]}:
            self.values[name] = Value(value.shape)  # nobody else asks for it
        self.taken.update(id(n) for n in (*form.tail, *form.readers))

    def fold(self, node: FileNode) -> bool:
        """Computes the node if all that it reads is known. Returns whether it did."""
        known = [self.values.get(name) if name else None for name in node.inputs]
        if node.op in ("Shape", "Size") and not node.domain and known and known[0] is not None:
            if not known[0].name and known[0].data is None:
                raise Refused("")
            given: list[np.ndarray | None] = [np.broadcast_to(np.zeros(1, np.int8), known[0].shape)]
        elif any(n and (v is None or v.data is None) for n, v in zip(node.inputs, known, strict=True)):
            return False
        else:
            given = [None if v is None else v.data for v in known]
        results = fold(self, node, given)
        if results is None:
            return False
        for k, array in enumerate(results[: len(node.outputs)]):
            if array.base is None or array.nbytes > array.base.nbytes:
                self.memory.take(array.nbytes + 64)
            self.define(node, k, Value(array.shape, str(array.dtype), data=array, stored=stored_of(self, node, known)))
        return True

    def branch(self, node: FileNode) -> None:
        """An If with a constant condition: that branch's nodes."""
        if bool(np.all(self.constant(node, 0, "condition"))):
            graph: Any = node.attrs.get("then_branch")
        else:
            graph = node.attrs.get("else_branch")
        if not isinstance(graph, FileGraph) or len(graph.outputs) != len(node.outputs):
            self.fail(node, "a branch is missing, or has another number of outputs")
        self.enter(graph)
        self.run_graph(graph)
        for k, out in enumerate(graph.outputs):
            if out.name not in self.values:
                self.fail(node, f"its branch gives '{out.name}', which nothing makes")
            self.define(node, k, self.values[out.name])

    def refuse(self, node: FileNode, refused: Refused) -> None:
        """Notes a refusal; the outputs get stand-ins."""
        self.refusals.refuse(self.thing(node), refused)
        for name in node.outputs:
            if name:
                self.values.setdefault(name, Value(()))

    def name_unknown(self, graph: FileGraph) -> None:
        """Adds to the refusals the operators without a counterpart, of which the walk has not come to all."""
        for node in graph.nodes:
            known = handler_of(node) is not None or (not node.domain and (node.op in FOLDS or node.op == "If"))
            if not known and self.thing(node) not in self.refusals:
                self.refusals.refuse(self.thing(node), _reason(node))

    # ---- ports ----

    def add_input(self, i: int, file: FileValue) -> None:
        """An input of the model."""
        thing = Thing("input", i, f"'{file.name}'")
        kind = TYPES.get(file.dtype, f"type {file.dtype}")
        shape, wrong = fixed_shape(file.name, file.shape or (), self.shapes)
        reason: str | Text = wrong
        if wrong.startswith("open axes"):
            reason = Text(wrong.rpartition(": ")[0] + " with ", Setting.SHAPE, f" {wrong.rpartition(': ')[2]}")
        if file.kind != "tensor" or file.shape is None:
            reason = f"a {file.kind} without a shape; export the model with fixed shapes"
        elif kind not in REALS and kind not in WHOLES and kind != "bool":
            reason = f"of type {kind}; expected float or whole numbers"
        elif not reason and len(shape) > 5:
            reason = f"shape {list(shape)}; expected up to five axes"
        if reason:
            self.refusals.refuse(thing, Refused(reason))
            self.values[file.name] = Value(shape)
            return
        stored = self.port_quant(file.name) if kind in SHIFTS else None
        if kind != "float32" and kind in REALS:
            self.graph.notes.append(f"input '{file.name}' is {kind} in the file: the model computes in float32")
        self.room.take(f"input '{file.name}'", shape)
        name = self.graph.unique(file.name)
        order = tuple(range(len(shape))) if self.keep_io else memory_order(self, file.name, shape)
        sides = port_shape(shape, order)
        dtype = "float32" if kind in REALS or kind == "bool" else kind if stored is not None else "int32"
        shift = 0 if stored is None else SHIFTS[kind]
        own = None if stored is None else Quant(stored.scale, stored.zero_point + shift)
        self.graph.add_tensor(Tensor(name, sides, dtype, own))
        self.graph.inputs.append(name)
        self.graph.layouts[name] = Layout(shape, order)
        if shift:
            name = self.node(f"{name}_int8", "quantize", [name], sides, dtype="int8", quant=stored)
        self.values[file.name] = Value(shape, kind, name, AxisMap.of(shape, order))

    def port_quant(self, name: str) -> Quant | None:
        """How an input of int8 or uint8 is quantised: as those say that read it; None if nothing does."""
        for node in self.readers.get(name, []):
            names = (node.inputs + [""] * 3)[: 3 + 3 * (len(node.inputs) > 5)]
            if node.op == "DequantizeLinear" or node.op.startswith("QLinear") or node.op == "QGemm":
                k = 3 if len(names) > 3 and names[3] == name else 0
                probe = FileNode("DequantizeLinear", index=node.index, inputs=names[k : k + 3])
                return self.quant_of(probe)
        return None

    def add_output(self, i: int, file: FileValue) -> None:
        """An output of the model."""
        value = self.values.get(file.name)
        if value is None:
            raise ModelError(f"{self.graph.source}: output {i} '{file.name}' is made by no node")
        if value.dtype == "string":
            self.graph.notes.append(f"output '{file.name}' holds texts: left out")
            return
        if value.data is None and not value.name:
            if not self.refusals:
                self.refusals.refuse(Thing("output", i, f"'{file.name}'"), "nothing makes it")
            return
        order = tuple(dict.fromkeys(p.axis for p in value.axes.parts))
        order = (*(a for a in range(len(value.shape)) if a not in order), *order)
        whole = len(value.axes.parts) == len({p.axis for p in value.axes.parts})
        if self.keep_io or not whole or not channels_moved(value.shape, order):
            order = tuple(range(len(value.shape)))
        sides = port_shape(value.shape, order)
        parts = AxisMap.of(value.shape, order).parts
        try:
            name = self.placed(value, parts, sides)
            if self.is_int8(value):
                name = self.real_of(name)
            elif value.dtype == "uint8" and self.graph.tensors[name].dtype == "int8":
                quant = self.graph.quant(name)
                own = Quant(quant.scale, quant.zero_point + SHIFTS["uint8"])
                name = self.node(f"{name}_uint8", "quantize", [name], sides, dtype="uint8", quant=own)
        except Refused as e:
            self.refusals.refuse(Thing("output", i, f"'{file.name}'"), e)
            return
        known = name in self.graph.outputs or name in self.graph.sources or self.graph.tensors[name].data is not None
        if known:
            name = self.node(f"{file.name}_output" if name == file.name else file.name, "reshape", [name], sides,
                             {"shape": sides})  # fmt: skip
        self.graph.outputs.append(name)
        self.graph.layouts[name] = Layout(value.shape, order)


def stored_of(imp: Walk, node: FileNode, known: Sequence[Value | None]) -> Stored | None:
    """What a computed constant was before its DequantizeLinear."""
    if node.domain or not known or known[0] is None or known[0].data is None:
        return None
    if node.op == "DequantizeLinear" and known[1] is not None and known[1].data is not None:
        zero = known[2].data if len(known) > 2 and known[2] is not None else None
        axis = imp.attr_int(node, "axis", 1) % max(len(known[0].shape), 1)
        none = np.zeros(1, np.int32) if zero is None else zero
        return Stored(known[0].data, known[1].data.astype(np.float32).reshape(-1), none.reshape(-1), axis)
    stored = known[0].stored
    if stored is None:
        return None
    if node.op == "Transpose":
        perm = imp.attr_ints(node, "perm") or tuple(range(stored.data.ndim))[::-1]
        return replace(stored, data=stored.data.transpose(perm), axis=perm.index(stored.axis))
    return stored if node.op == "Identity" else None


def port_shape(shape: tuple[int, ...], order: Sequence[int]) -> tuple[int, int, int]:
    """(h, w, c) of a port: its axes but the batch in the order in which they lie; of many the first ones together."""
    sides = [shape[a] for a in order]
    if sides and sides[0] == 1 and len(sides) > 1:
        sides = sides[1:]
    while len(sides) > 3:
        sides[:2] = [sides[0] * sides[1]]
    if len(sides) == 2:
        return sides[0], 1, sides[1]
    h, w, c = ([1, 1] + sides)[-3:] if sides else (1, 1, 1)
    return h, w, c
