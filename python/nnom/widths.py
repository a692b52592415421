# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Which layers of a float graph will compute with activations of 16 bits, and what stands at the borders of those of 8.

A layer of 16 bits reads and makes int16. What only moves values follows the layer before it; behind an input of the
model, the layers after it, if all of them are of 16 bits. Inputs of the model that such a layer reads are int16, and
outputs that it makes; elsewhere a border is a quantize node: from 8 to 16 bits exact, from 16 to 8 in the quantisation
that the tensor has in int8.

A layer that sums products with constants and reads what one of 16 bits makes computes in 16 bits, too, and gives 8:
else what was kept would be lost before anyone reads it, and no layer could be widened alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from .calibrate import Observed
from .errors import DataError, UnsupportedError
from .graph import Graph, Node, Quant, Tensor
from .groups import Groups, fixed_quant
from .messages import Setting, Text
from .recurrent import state_quants

EVERY = "all"  # as a pattern: every layer that has a form of 16 bits
UNIT = Quant(2.0**-15)  # of softmax, tanh and sigmoid
_MOST = 32767.0
_NAMED = 12  # layers that a message lists


@dataclass(frozen=True)
class Widths:
    """Names of the nodes that compute in 16 bits; the quantisation of what they make and of inputs that they read.

    readers: those of them whose output is int8 all the same.
    groups: which of these tensors share one. nibbles: names of the nodes whose weights have 4 bits.
    """

    nodes: frozenset[str] = frozenset()
    quants: dict[str, Quant] = field(default_factory=dict)
    groups: list[list[str]] = field(default_factory=list)
    nibbles: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()


NARROW = Widths()


def chosen(graph: Graph) -> frozenset[str]:
    """Names of the nodes that graph.int16 names. DataError, UnsupportedError: what fits nothing."""
    able = [n for n in graph.nodes if n.entry.wide and not n.entry.same_quant]
    named = _named(graph, graph.int16, able, Setting.INT16, "has no form of 16 bits")
    return frozenset(_followed(graph, _with_states(graph, named)))


def _summing_readers(graph: Graph, wide: frozenset[str]) -> frozenset[str]:
    """Names of the layers that sum what those of 16 bits make, may have 16 bits themselves, and are not `wide`."""
    readers = [r for n in graph.nodes if n.name in wide for r in _readers(graph, n)]
    return frozenset(r.name for r in readers if r.name not in wide and r.entry.wide and r.entry.linear is not None)


def _is_read_by(graph: Graph, node: Node, names: frozenset[str]) -> bool:
    return any(reader.name in names for reader in _readers(graph, node))


def with_nibbles(graph: Graph, wide: frozenset[str] = frozenset()) -> frozenset[str]:
    """Names of the nodes with weights of 4 bits, as graph.int4 names them; wide: those that compute in 16 bits."""
    able = [n for n in graph.nodes if n.op in ("conv2d", "depthwise_conv2d", "dense")]
    found = _named(graph, graph.int4, able, Setting.INT4, "has no weights that may have 4 bits")
    both = sorted(found & wide)
    if both and EVERY not in (*graph.int4, *graph.int16):
        raise DataError(
            Text(Setting.INT4, f": '{both[0]}' computes in 16 bits, ", Setting.INT16, ", and has weights of 8 then")
        )
    return frozenset(found - wide)


def _named(graph: Graph, patterns: Sequence[str], able: list[Node], setting: Setting, why: str) -> set[str]:
    """Names of those nodes that patterns name; DataError, UnsupportedError for a pattern that names none."""
    found: set[str] = set()
    for pattern in patterns:
        named = [n for n in graph.nodes if pattern == EVERY or _names(n, pattern)]
        good = {n.name for n in named if n in able}
        if not named:
            raise DataError(Text(setting, f": the model has no layer '{pattern}'; expected {_listed(able)}"))
        if not good:
            kinds = ", ".join(sorted({n.op for n in named}))
            moves = setting is Setting.INT16 and all(n.entry.wide for n in named)
            reason = "only moves values, as wide as the layer before it" if moves else why
            raise UnsupportedError(Text(setting, f": '{pattern}' ({kinds}) {reason}; expected {_listed(able)}"))
        found |= good
    return found


def _names(node: Node, pattern: str) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for name in (node.name, node.output))


def _listed(able: list[Node]) -> str:
    names = [n.name for n in able]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"'all', a wildcard or {', '.join(names[:_NAMED])}{more}" if names else "a model with such layers"


def _cell(graph: Graph, part: Node) -> Node:
    """The recurrent layer whose state a part is."""
    cell = graph.producer(part.inputs[0])
    assert cell is not None
    return cell


def _with_states(graph: Graph, found: set[str]) -> set[str]:
    """With the states, int16 anyway, that recurrent layers among them leave, or that one of them reads."""
    parts = [n for n in graph.nodes if n.op == "part" and _cell(graph, n).entry.gates]
    kept = [n for n in parts if _cell(graph, n).name in found or any(r.name in found for r in _readers(graph, n))]
    return found | {n.name for n in kept}


def _readers(graph: Graph, node: Node) -> list[Node]:
    """Who reads what a node makes, not as a state."""
    return [r for r in graph.consumers(node.output) if node.output in _sources(r)]


def _followed(graph: Graph, found: set[str]) -> set[str]:
    """With what only moves values: after them, and between the model's inputs and them."""
    moves = [n for n in graph.nodes if n.entry.same_quant and n.entry.wide and len(n.inputs) == 1]
    wide, first = set(found), set(graph.inputs)
    for node in moves:
        maker = graph.producer(node.inputs[0])
        if maker is not None and maker.name in wide:
            wide.add(node.name)
        if node.inputs[0] in first:
            first.add(node.output)
    for node in (n for n in reversed(moves) if n.output in first):
        readers = graph.consumers(node.output)
        if readers and node.output not in graph.kept and all(r.name in wide for r in readers):
            wide.add(node.name)
    return wide


def wide_tensors(graph: Graph, nodes: Iterable[str]) -> list[str]:
    """What nodes of these names make, and the inputs of the model that they read."""
    wide = [n for n in graph.nodes if n.name in set(nodes)]
    read = {t for n in wide for t in _sources(n)}
    return [t for t in graph.inputs if t in read and graph.tensors[t].dtype == "float32"] + [n.output for n in wide]


def _sources(node: Node) -> Sequence[str]:
    """The inputs that are as wide as the layer: recurrent.py makes states, and a part is the layer's own."""
    return node.inputs[: 0 if node.op == "part" else 1 if node.entry.gates else None]


def widths_of(graph: Graph, observed: dict[str, Observed] | None) -> Widths:
    """What graph.int16 and graph.int4 say. Ranges of 16 bits are symmetric: the largest observed; None: made up.

    DataError, UnsupportedError: a name that fits nothing.
    """
    named = chosen(graph)
    readers = _summing_readers(graph, named)
    while between := {n.name for n in graph.nodes if n.name in readers and _is_read_by(graph, n, named)}:
        named |= between
        readers = _summing_readers(graph, named)
    nodes = named | readers
    nibbles = with_nibbles(graph, nodes)
    if not nodes:
        return Widths(nibbles=nibbles)
    inside = set(wide_tensors(graph, nodes))
    groups = Groups(graph, lambda name: observed[name].high - observed[name].low if observed else 1.0)
    quants: dict[str, Quant] = {}
    shared: list[list[str]] = []
    for members in groups.all():
        ours = [m for m in members if m in inside]
        if not ours:
            continue
        makers = [m for m in map(graph.producer, ours) if m is not None and m.name in nodes]
        states = [state_quants(_cell(graph, m))[m.attrs["index"] - 1][1] for m in makers if m.op == "part"]
        if states:
            quant = states[0]
        elif any(map(fixed_quant, makers)) and groups.fixed(members):
            quant = UNIT
        else:
            quant = _quant([observed[m] for m in groups.deciding(members)] if observed else [])
        quants.update(dict.fromkeys(ours, quant))
        shared.append(ours)
    return Widths(nodes, quants, shared, nibbles, readers)


def _quant(observed: list[Observed]) -> Quant:
    largest = max((max(abs(o.low), abs(o.high)) for o in observed), default=2.0)
    return Quant(float(np.float32(max(largest, 1e-12) / _MOST)))


# ---- A quantised graph ----


def _least_scale(graph: Graph, node: Node, scales: list[float]) -> float:
    """The finest scale of the output that the core takes: of sums that cancel what is observed may be far below."""
    if node.op in ("add", "sub"):
        return max(scales) * 2.0**-14
    if node.op == "mult":
        return scales[0] * scales[1] * 2.0**-15
    if node.op == "squared_difference":
        return 4.0 * max(scales) ** 2
    if node.op == "batch_matmul":
        return scales[0] * scales[1] * 2.0**-7
    if node.op == "reduce":
        return scales[0] * 2.0**-19
    if node.entry.linear is not None:
        w = np.abs(node.weights["weights"].data).max()
        return scales[0] * float(w) / 127 * 2.0**-7
    return 0.0


def _reachable(graph: Graph, widths: Widths) -> dict[str, Quant]:
    """widths.quants, coarser where the core could not reach them."""
    quants = dict(widths.quants)
    for node in graph.nodes:
        if node.name in widths.nodes:
            scales = [(quants.get(t) or graph.quant(t)).scale for t in _sources(node)]
            least = 1.001 * _least_scale(graph, node, scales)
            if quants[node.output].scale < least:
                group = next(g for g in widths.groups if node.output in g)
                quants.update(dict.fromkeys(group, Quant(float(np.float32(least)))))
    return quants


def widen(graph: Graph, widths: Widths) -> None:
    """Makes the tensors of a graph that has just become int8 int16, and puts quantize nodes at the borders."""
    if not widths.nodes:
        return
    narrow = {name: graph.quant(name) for name in widths.quants}
    given = {n.output for n in graph.nodes if n.name in widths.readers}  # and these are int8
    for name, quant in _reachable(graph, widths).items():
        graph.tensors[name].dtype, graph.tensors[name].quant = "int16", quant
    nodes: list[Node] = []
    borders: dict[tuple[str, str], str] = {}

    def across(name: str, dtype: str, quant: Quant) -> str:
        """The tensor in another type: made once."""
        if (name, dtype) not in borders:
            new = graph.unique(f"{name}_{dtype}")
            source = graph.tensors[name]
            graph.add_tensor(Tensor(new, source.shape, dtype, quant))
            nodes.append(Node("quantize", new, [name], new))
            borders[name, dtype] = new
        return borders[name, dtype]

    def read_by(node: Node, name: str) -> str:
        tensor = graph.tensors[name]
        if node.name in widths.nodes and tensor.dtype == "int8":
            assert tensor.quant is not None
            return across(name, "int16", Quant(tensor.quant.scale))
        wide = name in narrow and name not in given
        return across(name, "int8", narrow[name]) if wide and node.name not in widths.nodes else name

    def give_8(node: Node) -> None:
        """The output is int8: what the layer makes has another name."""
        made, name = graph.tensors[node.output], graph.unique(f"{node.output}_int16")
        graph.add_tensor(Tensor(name, made.shape, made.dtype, made.quant))
        made.dtype, made.quant = "int8", narrow[node.output]
        nodes.append(Node("quantize", graph.unique(f"{node.output}_int8"), [name], node.output))
        node.output = name

    for node in graph.nodes:
        count = len(_sources(node))
        node.inputs = [read_by(node, name) if i < count else name for i, name in enumerate(node.inputs)]
        nodes.append(node)
        if node.name in widths.readers:
            give_8(node)
    for state, left in graph.states.items():
        if left in narrow and left not in given:
            graph.states[state] = across(left, "int8", narrow[left])
    graph.nodes = nodes
