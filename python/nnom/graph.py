# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The graph that importers make, passes and quantise.py transform and core.py hands to the C core.

A tensor has shape (h, w, c) without the batch; a vector is (1, 1, c), a time series (steps, 1, c). Every node has
exactly one output tensor. An operator with several outputs in the source model becomes several nodes.

Operators (`Node.op`), their attributes and weights: ops.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import ModelError, OperatorError
from .ops import CLAMPS, Operator, Quant, check_node, known

__all__ = ["Graph", "Layout", "Node", "Quant", "Shape", "Tensor", "Weight", "same_padding", "window_size"]

Shape = tuple[int, int, int]


@dataclass
class Tensor:
    """An activation, or a constant if `data` is given ([h, w, c] of the tensor's dtype).

    start: of a state, what it holds in the first run; None: zeros (the zero point).
    """

    name: str
    shape: Shape
    dtype: str = "float32"  # float32, int8, int16, uint8, int32
    quant: Quant | None = None
    data: np.ndarray | None = None
    start: np.ndarray | None = None

    @property
    def values(self) -> np.ndarray:
        """What a constant holds."""
        if self.data is None:
            raise ModelError(f"tensor '{self.name}' is no constant")
        return self.data

    @property
    def elements(self) -> int:
        """h * w * c."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """Of an input or output: its shape in the file, batch included, and in which order the model has these axes."""

    shape: tuple[int, ...]
    order: tuple[int, ...]

    @property
    def turned(self) -> bool:
        """Whether the bytes come in another order than the file's."""
        moved = [a for a in self.order if self.shape[a] != 1]
        return moved != sorted(moved)


@dataclass
class Weight:
    """An array of a node. scale: None in float, else [1] or [output channels], weights symmetric around 0.

    bits: 4 of int8 data that are stored two in a byte, -8 to 7; else 8 of int8 data.
    mean: of float weights of a recurrent layer, what a column is multiplied by, on average over the calibration data.
    """

    data: np.ndarray
    scale: np.ndarray | None = None
    bits: int = 8
    mean: np.ndarray | None = None

    @property
    def steps(self) -> np.ndarray:
        """The scale of quantised weights."""
        if self.scale is None:
            raise ModelError("weights without a scale in a quantised layer")
        return self.scale


@dataclass(eq=False)
class Node:
    """An operator with its attributes and weights, as listed in ops.py.

    inputs: kept as a tuple, so that it is exchanged as a whole and the graph hears of it.
    """

    op: str
    name: str
    inputs: Sequence[str]
    output: str
    attrs: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)

    def __setattr__(self, key: str, value: Any) -> None:
        links: _Links | None = self.__dict__.get("_links") if key in ("inputs", "output") else None
        if links is not None:
            links.leave(self)
        object.__setattr__(self, key, tuple(value) if key == "inputs" else value)
        if links is not None:
            links.enter(self)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_links"}

    @property
    def entry(self) -> Operator:
        """What is known of its operator."""
        return known(self.op)

    @property
    def clamp(self) -> str:
        """The clamp that it is, as a layer of its own; else empty."""
        kind = self.attrs["kind"] if self.op == "activation" else ""
        return kind if kind in CLAMPS else ""

    @property
    def activation(self) -> str:
        """The clamp fused into the node."""
        return self.attrs.get("activation", "none")


class _Links:
    """Who makes and who reads each tensor: kept up to date while nodes change what they read and make."""

    def __init__(self, nodes: list[Node]):
        self.makers: dict[str, Node] = {}
        self.readers: dict[str, dict[Node, None]] = {}
        self.edited: dict[Node, None] = {}  # nodes that changed since someone asked
        self.known = 0  # nodes entered from the front of the list
        self.valid = True
        self.take(nodes)

    def take(self, nodes: list[Node]) -> None:
        """Enters the nodes that were appended to the list."""
        for node in nodes[self.known :]:
            other: _Links | None = node.__dict__.get("_links")
            if other is not None:
                other.valid = False  # the node went to another graph
            node.__dict__["_links"] = self
            self.enter(node)
        self.known = len(nodes)

    def enter(self, node: Node) -> None:
        self.makers[node.output] = node
        for name in node.inputs:
            self.readers.setdefault(name, {})[node] = None
        self.edited[node] = None

    def leave(self, node: Node) -> None:
        if self.makers.get(node.output) is node:
            del self.makers[node.output]
        for name in node.inputs:
            self.readers[name].pop(node, None)


class Graph:
    """Nodes in order of execution. `inputs` and `outputs` name tensors; `source` is the file, for messages.

    notes: what the importer changed and the user should know. states: tensors that keep a value from run to run, and
    the tensor whose value each takes over after a run. sequence: samples follow one another, so that states go on; else
    each begins with the states at the start. warm_up: of a graph that takes in a signal hop by hop (streaming.py), how
    many of the first outputs tell of rows that never came; None of all others. int16: of a float graph, the layers that
    will compute in 16 bits: names, with wildcards, or "all" (widths.py); int4: those whose weights will have 4 bits.
    layouts: of inputs and outputs, where the file may have their axes in another order than the model; data_layout:
    that of data, "file" or "model", where shapes fit both.
    Nodes may be appended to `nodes` or the list replaced; remove() takes one out. Producers and consumers are looked
    up, not searched.
    """

    def __init__(
        self,
        name: str = "model",
        source: str = "",
        tensors: dict[str, Tensor] | None = None,
        nodes: list[Node] | None = None,
        inputs: list[str] | None = None,
        outputs: list[str] | None = None,
        notes: list[str] | None = None,
        states: dict[str, str] | None = None,
    ):
        self.name = name
        self.source = source
        self.tensors = {} if tensors is None else tensors
        self.inputs = [] if inputs is None else inputs
        self.outputs = [] if outputs is None else outputs
        self.notes = [] if notes is None else notes
        self.states = {} if states is None else states
        self.sequence = False
        self.warm_up: int | None = None
        self.int16: Sequence[str] = ()
        self.int4: Sequence[str] = ()
        self.layouts: dict[str, Layout] = {}
        self.data_layout = ""
        self._nodes = [] if nodes is None else nodes
        self._gone: set[Node] = set()  # removed nodes that are still in the list
        self._index: _Links | None = None
        self._numbers: dict[str, int] = {}  # unique(): names up to this number are taken

    def __getstate__(self) -> dict[str, Any]:
        """A copy finds out anew who makes and who reads."""
        return {**self.__dict__, "_nodes": self.nodes, "_gone": set(), "_index": None}

    @property
    def nodes(self) -> list[Node]:
        """The nodes, in order of execution."""
        if self._gone:
            self._nodes = [n for n in self._nodes if n not in self._gone]
            self._gone = set()
            if self._index is not None:
                self._index.known = len(self._nodes)
        return self._nodes

    @nodes.setter
    def nodes(self, nodes: list[Node]) -> None:
        self._nodes, self._gone, self._index = nodes, set(), None

    def _links(self) -> _Links:
        if self._index is None or not self._index.valid or self._index.known > len(self._nodes):
            self._index = _Links(self.nodes)
        elif self._index.known < len(self._nodes):
            self._index.take(self._nodes)
        return self._index

    def __contains__(self, node: Node) -> bool:
        """True if the node is one of this graph's, and was not removed."""
        links = self._links()
        return node.__dict__.get("_links") is links

    def remove(self, node: Node) -> None:
        """Takes a node out. Its tensor stays; who reads it must be told to read another."""
        links = self._links()
        links.leave(node)
        links.edited.pop(node, None)
        del node.__dict__["_links"]
        self._gone.add(node)

    def redirect(self, old: str, new: str) -> None:
        """All nodes that read tensor `old` read `new`."""
        for reader in self.consumers(old):
            reader.inputs = [new if t == old else t for t in reader.inputs]

    def edited(self) -> list[Node]:
        """The nodes whose inputs or output changed since this was last called; at first all."""
        links = self._links()
        found, links.edited = list(links.edited), {}
        return found

    def add_tensor(self, tensor: Tensor) -> Tensor:
        """Adds a tensor; ModelError if its name is taken or its shape impossible."""
        if tensor.name in self.tensors:
            raise ModelError(f"{self.source}: two tensors are called '{tensor.name}'")
        if len(tensor.shape) != 3 or min(tensor.shape) < 1 or tensor.elements > 2**30:
            wrong = f"tensor '{tensor.name}' has shape {tensor.shape}"
            raise ModelError(f"{self.source}: {wrong}; expected three sides >= 1")
        self.tensors[tensor.name] = tensor
        return tensor

    def add(self, node: Node, shape: Shape, dtype: str = "float32", quant: Quant | None = None) -> str:
        """Appends a node and the tensor that it makes; returns the tensor's name.

        OperatorError names a node whose inputs, attributes or weights are not those of its operator.
        """
        try:
            check_node(node)
        except OperatorError as e:
            raise OperatorError(f"{self.source}: layer '{node.name}': {e}") from None
        for name in node.inputs:
            if name not in self.tensors:
                raise ModelError(f"{self.source}: layer '{node.name}' reads unknown tensor '{name}'")
        self.add_tensor(Tensor(node.output, shape, dtype, quant))
        self.nodes.append(node)
        return node.output

    def quant(self, tensor: str) -> Quant:
        """How a tensor of a quantised graph is quantised."""
        quant = self.tensors[tensor].quant
        if quant is None:
            raise ModelError(f"{self.source}: tensor '{tensor}' has no quantisation")
        return quant

    def producer(self, tensor: str) -> Node | None:
        """The node that makes a tensor, None for inputs and constants."""
        return self._links().makers.get(tensor)

    def consumers(self, tensor: str) -> list[Node]:
        """The nodes that read a tensor."""
        return list(self._links().readers.get(tensor, ()))

    def note(self, text: str) -> None:
        """Adds a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def unique(self, name: str) -> str:
        """`name`, or `name_2`, `name_3` ... if a tensor has it already."""
        candidate, k = name, self._numbers.get(name, 1)
        while candidate in self.tensors:
            k += 1
            candidate = f"{name}_{k}"
        self._numbers[name] = max(k - 1, 1)
        return candidate

    def prune(self) -> bool:
        """Removes nodes that lead to no output, and tensors that no one uses. True if nodes went."""
        needed, kept = set(self.kept), []
        for node in reversed(self.nodes):
            if node.output in needed:
                needed.update(node.inputs)
                kept.append(node)
        gone = len(kept) < len(self.nodes)
        self.nodes = kept[::-1]
        needed.update(self.sources)
        self.tensors = {k: t for k, t in self.tensors.items() if k in needed}
        return gone

    @property
    def sources(self) -> list[str]:
        """What no node makes and no file holds: inputs and states."""
        return [*self.inputs, *self.states]

    @property
    def kept(self) -> list[str]:
        """What is read after a run: outputs, and what states take over."""
        return [*self.outputs, *self.states.values()]

    @property
    def has_memory(self) -> bool:
        """Whether a run may depend on those before it: states, and windows that slide."""
        return bool(self.states) or any(n.op == "slide" for n in self.nodes)

    @property
    def is_float(self) -> bool:
        """True if nothing is quantised yet: a graph that needs calibration. Whole numbers (int32) are in any graph."""
        types = {t.dtype for t in self.tensors.values() if t.data is None}
        return "float32" in types and types <= {"float32", "int32"}


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """(before, after) of SAME padding as Keras and TFLite do it: more after when odd."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def window_size(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """Output size of a sliding window."""
    return (size + before + after - (kernel - 1) * dilation - 1) // stride + 1
