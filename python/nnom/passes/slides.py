# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Windows that a model shifts by hand become one layer, `slide`, whose rows need not be copied.

A state [r] and new rows [h] are joined, and the next state is the last r rows of all; or the state loses its first h
rows, is joined with the new ones, and is the result. States begin as zeros.
"""

from __future__ import annotations

from ..graph import Graph, Node
from .base import same_quant, sole_consumer


def run(graph: Graph) -> list[str]:
    """Replaces such windows in place. Returns a line for each."""
    lines = []
    for node in list(graph.nodes):
        state = _joined_state(graph, node) if node in graph else None
        if state is not None:
            kept = graph.tensors[state].shape[0]
            _replace(graph, node, state)
            lines.append(f"{node.name}: a state of {kept} rows, shifted by each run, became one layer")
    return lines


def _rows_of(graph: Graph, node: Node | None) -> tuple[int, int] | None:
    """The rows [begin, end) of its input that a node takes, with all columns and channels; None: not just that."""
    if node is None:
        return None
    before, after, a = graph.tensors[node.inputs[0]].shape, graph.tensors[node.output].shape, node.attrs
    if before[1:] != after[1:] or a.get("stride", (1, 1, 1)) != (1, 1, 1):
        return None
    if node.op == "slice":
        return a["begin"][0], a["begin"][0] + a["size"][0]
    return (a["padding"][0], before[0] - a["padding"][1]) if node.op == "cropping" else None


def _joined_state(graph: Graph, join: Node) -> str | None:
    """The state that a concatenation shifts."""
    if join.op != "concat" or join.attrs["axis"] != 0 or len(join.inputs) != 2 or join.activation != "none":
        return None
    old, new = join.inputs
    if not same_quant(graph, old, new, join.output) or graph.tensors[new].data is not None or old == new:
        return None
    if old in graph.states:
        return old if _takes_last_rows(graph, old, join) else None
    cut = graph.producer(old)
    state = cut.inputs[0] if cut is not None else ""
    if state not in graph.states or cut is None or not _starts_plain(graph, state):
        return None
    rows, given = graph.tensors[state].shape[0], graph.tensors[new].shape[0]
    alone = sole_consumer(graph, state) is cut and sole_consumer(graph, old) is join
    shifts = _rows_of(graph, cut) == (given, rows) and graph.states[state] == join.output
    return (
        state if alone and shifts and same_quant(graph, state, join.output) and _kept_once(graph, join.output) else None
    )


def _starts_plain(graph: Graph, state: str) -> bool:
    """It begins with zeros, and no other state takes it over."""
    return graph.tensors[state].start is None and state not in graph.kept


def _kept_once(graph: Graph, name: str) -> bool:
    return list(graph.states.values()).count(name) == 1


def _takes_last_rows(graph: Graph, state: str, join: Node) -> bool:
    """The state's next value is the end of what it is joined to, and nobody else reads either."""
    left = graph.states[state]
    cut, total = graph.producer(left), graph.tensors[join.output].shape[0]
    rows = graph.tensors[state].shape[0]
    if cut is None or cut.inputs[0] != join.output or _rows_of(graph, cut) != (total - rows, total):
        return False
    unread = not graph.consumers(left) and left not in graph.outputs and _kept_once(graph, left)
    return (
        unread
        and sole_consumer(graph, state) is join
        and _starts_plain(graph, state)
        and same_quant(graph, state, left)
    )


def _replace(graph: Graph, join: Node, state: str) -> None:
    """The join becomes a slide over its new rows; what cut the state goes."""
    left = graph.states.pop(state)
    cut = graph.producer(left if join.inputs[0] == state else join.inputs[0])
    assert cut is not None
    graph.remove(cut)
    join.op, join.attrs = "slide", {"rows": graph.tensors[join.output].shape[0]}
    join.inputs = [join.inputs[1]]
    for name in (state, cut.output):
        graph.tensors.pop(name, None)
