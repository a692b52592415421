# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""TFLite's variables: state that operators read and assign by name.

What is read before it is assigned becomes a state of the graph; what is assigned before it is read, or never, needs
none. CALL_ONCE names a subgraph that initialises them: its constants are the states' start.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import Graph, Tensor
from ..workbench import Refused
from .tflite_context import Importer, Key, Value, Variable

_LONGEST = 200  # bytes of a name that the reader tells


def _key(op: Any) -> Key:
    """Container and name of VAR_HANDLE's variable."""
    return op.options.Container or b"", op.options.SharedName or b""


def var_handle(imp: Importer, op: Any) -> None:
    """VAR_HANDLE: names a variable."""
    tensor = imp.tensor(op)
    key = _key(op)
    if any(len(part) >= _LONGEST for part in key):
        raise Refused(f"a variable's name has {_LONGEST} bytes or more; expected fewer")
    if key not in imp.variables:
        name = "".join(c if c.isprintable() else "?" for c in key[1].decode("utf-8", "replace"))
        imp.variables[key] = Variable(key, name or tensor.name)
    imp.handles[tensor.index] = imp.variables[key]


def _variable(imp: Importer, op: Any) -> Variable:
    """The variable that an operator's first input names."""
    found = imp.handles.get(op.inputs[0]) if len(op.inputs) else None
    if found is None:
        raise Refused("a variable that no VAR_HANDLE before it names; expected one")
    return found


def _check(variable: Variable, what: str, value: Any) -> None:
    """Refuses to read or assign another shape or type than the variable was initialised with, or assigned."""
    for known in (variable.start, variable.now):
        if known is not None and (known.shape, known.dtype) != (value.shape, value.dtype):
            raise Refused(
                f"variable '{variable.name}' is {known.dtype} {list(known.shape)}, and is {what} as {value.dtype} "
                f"{list(value.shape)}; expected the same"
            )


def read_variable(imp: Importer, op: Any) -> None:
    """READ_VARIABLE: what the run assigned, else what the run before has left."""
    imp.running = True
    variable, tensor = _variable(imp, op), imp.tensor(op)
    _check(variable, "read", tensor)
    source = variable.now
    if source is None:
        source = _kept(imp, variable, tensor)
    if source.data is not None:
        imp.define(op, 0, Value(tensor.shape, tensor.dtype, data=source.data, quant=tensor.quant))
        return
    quant, name = imp.type_of(tensor)[1], imp.name(source)
    if imp.graph.tensors[name].quant != quant:  # the bytes stay, as in the reference
        name = imp.reshape_node(name, imp.graph.unique(tensor.name), imp.shape_of(source), quant)
    imp.finish(op, name, tensor.shape)


def _kept(imp: Importer, variable: Variable, tensor: Any) -> Value:
    """A variable that nothing has been assigned to in this run: a state, or a constant if nothing ever is."""
    if variable.start is None or variable.start.data is None:
        raise Refused(f"variable '{variable.name}' is read before it is assigned, and nothing initialises it")
    if imp.assigned is None:
        imp.assigned = _assigned(imp.model)
    if variable.key not in imp.assigned:
        return variable.start
    if not variable.state:
        dtype, quant = imp.type_of(tensor)
        shape = imp.shape_of(variable.start)
        variable.state = imp.graph.unique(variable.name)
        start = imp.stored(variable.start.data).reshape(shape)
        zero = quant.zero_point if quant is not None else 0
        plain = bool(np.all(start == zero))  # as the core starts by itself
        imp.graph.add_tensor(Tensor(variable.state, shape, dtype, quant, start=None if plain else start))
        imp.graph.states[variable.state] = variable.state  # until it is assigned
    return Value(tensor.shape, tensor.dtype, variable.state, quant=tensor.quant)


def _assigned(model: Any) -> set[Key]:
    """The variables that operators of a subgraph assign to."""
    names = {op.outputs[0]: _key(op) for op in model.operators if op.op == "VAR_HANDLE" and op.outputs}
    reads = (op.inputs[0] for op in model.operators if op.op == "ASSIGN_VARIABLE" and op.inputs)
    return {names[i] for i in reads if i in names}


def assign_variable(imp: Importer, op: Any) -> None:
    """ASSIGN_VARIABLE: what is left for the next run."""
    imp.running = True
    variable, value = _variable(imp, op), imp.value(op, 1)
    if variable.now is not None:
        raise Refused(f"variable '{variable.name}' is assigned twice in a run; expected once")
    _check(variable, "assigned", value)
    variable.now = value
    if not variable.state:
        return
    name, state = imp.name(value), imp.graph.tensors[variable.state]
    left = imp.graph.tensors[name]
    if left.quant != state.quant or left.data is not None or name in imp.graph.sources:
        name = imp.reshape_node(name, imp.graph.unique(f"{variable.state}_next"), state.shape, state.quant)
    imp.graph.states[variable.state] = name


def call_once(imp: Importer, op: Any) -> None:
    """CALL_ONCE: a subgraph that assigns constants to variables before the first run."""
    if imp.running:
        raise Refused("it comes after variables are read or assigned; expected it before")
    model = imp.model.once.pop(op.options.InitSubgraphIndex, None)
    if model is None:
        raise Refused("its subgraph is called twice; expected once")
    sub = type(imp)(model, False, Graph(source=imp.graph.source))
    sub.variables, sub.memory = imp.variables, imp.memory
    for tensor in sub.model.tensors:
        if tensor.data is not None:
            sub.values[tensor.index] = Value(tensor.shape, tensor.dtype, data=tensor.data, quant=tensor.quant)
    for inner in sub.model.operators:
        if inner.op == "VAR_HANDLE":
            var_handle(sub, inner)
        elif inner.op == "ASSIGN_VARIABLE":
            _initialise(sub, inner)
        elif not sub.fold(inner):
            raise Refused(f"its subgraph has operator {inner.index} {inner.op}; expected constants that are assigned")


def _initialise(sub: Importer, op: Any) -> None:
    variable = _variable(sub, op)
    data = sub.constant(op, 1, f"start of variable '{variable.name}'")
    if variable.start is not None:
        raise Refused(f"variable '{variable.name}' is initialised twice; expected once")
    value = sub.value(op, 1)
    variable.start = Value(value.shape, value.dtype, data=data, quant=value.quant)


VARIABLES = {
    "VAR_HANDLE": var_handle, "READ_VARIABLE": read_variable, "ASSIGN_VARIABLE": assign_variable,
    "CALL_ONCE": call_once,
}  # fmt: skip
