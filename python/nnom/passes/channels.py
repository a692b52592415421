# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Dead channels: those that hold one value whatever the input, and those that no one reads.

Channels that layers carry through in place (pools, sums, depthwise convolutions, tables, concat, views) form groups,
which stay or go as a whole. Only convolutions and dense layers mix channels: such a layer lets an input channel go if
its weights for it are 0 in all output channels that stay, or if the channel holds one value v and what it adds to the
accumulators, (v - zero point) * its weights inside the input, is the same however the window hangs over the border.
That sum goes into the bias. So borders are taken care of: a channel that equals the zero point always adds 0; any other
needs windows without padding, or weights for which padding makes no difference.

The bound |B| + 128 * sum |w| that the core checks cannot grow: B changes by v * w for weights w that leave the sum, and
|v| <= 128.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ..graph import Graph, Node, Tensor, Weight
from .ranges import MOST_CHANNELS, Range, ranges, tap_weights

Link = tuple[str, np.ndarray, str, np.ndarray]  # channels of one tensor and, in the same order, of another


def run(graph: Graph) -> list[str]:
    """Removes dead channels of int8 tensors in place. Returns a line for each layer that got narrower."""
    if sum(tensor.shape[2] for tensor in graph.tensors.values()) > MOST_CHANNELS:
        return []
    plan = _Plan(graph, ranges(graph))
    plan.decide()
    return plan.apply()


# ---- Which channels belong together: a function per operator, None if it cannot be said ----


def _same(graph: Graph, node: Node, k: int) -> Link:
    every = np.arange(graph.tensors[node.output].shape[2])
    return node.inputs[k], every, node.output, every


def _two(graph: Graph, node: Node) -> list[Link]:
    """An input of one channel that is repeated is left alone: it cannot get narrower."""
    channels = graph.tensors[node.output].shape[2]
    return [_same(graph, node, k) for k, t in enumerate(node.inputs) if graph.tensors[t].shape[2] == channels]


def _depthwise(graph: Graph, node: Node) -> list[Link]:
    made, given = graph.tensors[node.output].shape[2], graph.tensors[node.inputs[0]].shape[2]
    every = np.arange(made)
    return [(node.inputs[0], every // (made // given), node.output, every)]


def _view(graph: Graph, node: Node) -> list[Link]:
    """Element k keeps its place: channels k % c of both sides belong together, classes of their common divisor."""
    a, b = graph.tensors[node.inputs[0]].shape[2], graph.tensors[node.output].shape[2]
    classes = np.gcd(a, b)
    one, two = np.arange(a), np.arange(b)
    return [
        (node.inputs[0], one, node.inputs[0], one % classes),
        (node.inputs[0], two % classes, node.output, two),
    ]


def _concat(graph: Graph, node: Node) -> list[Link]:
    links, start = [], 0
    for name in node.inputs:
        every = np.arange(graph.tensors[name].shape[2])
        links.append((name, every, node.output, every + start))
        start += len(every) if node.attrs["axis"] == 2 else 0
    return links


def _slice(graph: Graph, node: Node) -> list[Link] | None:
    begin, size, step = (node.attrs[k][2] for k in ("begin", "size", "stride")) if "stride" in node.attrs else (
        node.attrs["begin"][2], node.attrs["size"][2], 1,
    )  # fmt: skip
    every = np.arange(size)
    return [(node.inputs[0], begin + every, node.output, every)] if step == 1 and begin >= 0 else None


_MIXES: dict[str, Callable[[Node], bool]] = {  # attributes by which channels do not stay in place
    **dict.fromkeys(("zero_padding", "mirror_pad"), lambda n: any(n.attrs.get("channels", (0, 0)))),
    "reduce": lambda n: 2 in n.attrs["axes"],
    "gather": lambda n: n.attrs["axis"] == 2,
    "tile": lambda n: n.attrs["multiples"][2] != 1,
    "transpose": lambda n: n.attrs["perm"][2] != 2,
}
_LINKS: dict[str, Callable[[Graph, Node], list[Link] | None]] = {  # Operator.channels
    "keep": lambda g, n: [_same(g, n, 0)],
    "pairs": _two,
    "view": _view,
    "mix": lambda g, n: [],
    "repeat": _depthwise,
    "join": _concat,
    "slice": _slice,
    "unless": lambda g, n: None if _MIXES[n.op](n) else [_same(g, n, 0)],
}


def _is_mixer(node: Node) -> bool:
    return node.entry.channels == "mix"


def _links(graph: Graph, node: Node) -> list[Link] | None:
    """Channels that must stay or go together; None: all inputs and the output stay as they are."""
    rule = _LINKS.get(node.entry.channels)
    if rule is None or any(graph.tensors[t].dtype != "int8" for t in (*node.inputs, node.output)):
        return None
    if _is_mixer(node) and node.weights["weights"].scale is None:
        return None
    return rule(graph, node)


# ---- What a mixer says ----


@dataclass
class _Mixer:
    """A convolution or dense layer: how its accumulators depend on its input channels.

    reads: bool [out, in], weights that are not 0. moves: bool [out, in], what the channel adds depends on the input or
    the position. adds: int64 [out, in], what constant channels add.
    """

    node: Node
    reads: np.ndarray
    moves: np.ndarray
    adds: np.ndarray


def _mixer(graph: Graph, node: Node, source: Range) -> _Mixer:
    zero = graph.quant(node.inputs[0]).zero_point
    away = np.where(source.constant, source.lo - zero, 0)
    known = source.constant
    if node.op == "conv2d_transpose":
        w = node.weights["weights"].data.astype(np.int64)
        reads = np.any(w, axis=(1, 2))
        return _Mixer(node, reads, reads & ~(known & (away == 0)), np.zeros_like(reads, np.int64))
    w, cases = tap_weights(graph, node)
    least = most = np.tensordot(cases[0].astype(np.int64), w, 1)
    for case in cases[1:]:
        inside = np.tensordot(case.astype(np.int64), w, 1)
        least, most = np.minimum(least, inside), np.maximum(most, inside)
    moves = ~known | ((least != most) & (away != 0))
    return _Mixer(node, np.any(w, axis=0), moves, least * away)


# ---- The decision ----


@dataclass
class _Plan:
    graph: Graph
    known: dict[str, Range]
    first: dict[str, int] = field(default_factory=dict)  # tensor -> index of its first channel among all
    group: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # [all channels] -> smallest of its group
    stays: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # by group
    mixers: list[_Mixer] = field(default_factory=list)

    def channels(self, name: str) -> np.ndarray:
        """Groups of a tensor's channels."""
        start = self.first[name]
        return self.group[start : start + self.graph.tensors[name].shape[2]]

    def kept(self, name: str) -> np.ndarray:
        """bool [channels]."""
        return self.stays[self.channels(name)]

    def decide(self) -> None:
        """Fills stays: the smallest set that the outputs need."""
        count = 0
        for name, tensor in self.graph.tensors.items():
            self.first[name] = count
            count += tensor.shape[2]
        self.group, self.stays = np.arange(count), np.zeros(count, bool)
        links, fixed = self._collect()
        self._unite(links)
        for name in fixed:
            self.stays[self.channels(name)] = True
        while self._spread() or self._fill():
            pass

    def _collect(self) -> tuple[list[Link], list[str]]:
        graph = self.graph
        links: list[Link] = []
        fixed = [*graph.sources, *graph.kept]
        for node in graph.nodes:
            found = _links(graph, node)
            if found is None:
                fixed += [*node.inputs, node.output]
                continue
            links += found
            if _is_mixer(node):
                self.mixers.append(_mixer(graph, node, self.known[node.inputs[0]]))
        return links, fixed

    def _unite(self, links: list[Link]) -> None:
        pairs = [(self.first[a] + i, self.first[b] + k) for a, i, b, k in links]
        changed = True
        while changed:
            before = self.group.copy()
            for one, two in (*pairs, *pairs[::-1]):
                low = np.minimum(self.group[one], self.group[two])
                np.minimum.at(self.group, one, low)
                np.minimum.at(self.group, two, low)
            self.group = self.group[self.group]
            changed = not np.array_equal(before, self.group)

    def _spread(self) -> bool:
        """Inputs that the outputs that stay need, from the last layer to the first. True if there were new ones."""
        before = self.stays.sum()
        for m in reversed(self.mixers):
            rows = self.kept(m.node.output)
            need = np.any((m.reads & m.moves)[rows], axis=0)
            self.stays[self.channels(m.node.inputs[0])[need]] = True
        return bool(self.stays.sum() > before)

    def _fill(self) -> bool:
        """No tensor may lose all channels. A dense layer of several scales keeps two: one would round otherwise."""
        for node in self.graph.nodes:
            scales = node.weights["weights"].scale if _is_mixer(node) else None
            least = 2 if node.op == "dense" and scales is not None and scales.size > 1 else 1
            for name, number in ((node.output, least), *((t, 1) for t in node.inputs)):
                kept = self.kept(name)
                if kept.sum() < min(number, len(kept)):
                    self.stays[self.channels(name)[int(np.flatnonzero(~kept)[0])]] = True
                    return True
        return False

    # ---- Carrying it out ----

    def apply(self) -> list[str]:
        """Cuts weights, attributes and tensors."""
        kept = {name: self.kept(name) for name in self.graph.tensors}
        if all(k.all() for k in kept.values()):
            return []
        mixers = {id(m.node): m for m in self.mixers}
        lines = []
        for node in self.graph.nodes:
            given, made = kept[node.inputs[0]], kept[node.output]
            if _is_mixer(node):
                if not (given.all() and made.all()):
                    _cut_mixer(self.graph, mixers[id(node)], given, made)
            elif not made.all() or not all(kept[t].all() for t in node.inputs):
                _cut(node, given, made)
            if node.weights and not made.all():
                lines.append(f"{node.name}: {len(made)} -> {int(made.sum())} channels")
        for name, tensor in self.graph.tensors.items():
            _cut_tensor(tensor, kept[name])
        return lines


def _cut_mixer(graph: Graph, mixer: _Mixer, given: np.ndarray, made: np.ndarray) -> None:
    node, old = mixer.node, mixer.node.weights["weights"]
    added = mixer.adds[:, ~given].sum(axis=1)
    w = old.data
    if node.op == "dense":
        w = w.reshape(len(w), -1, len(given))[made][:, :, given].reshape(int(made.sum()), -1)
    else:
        w = w[made][..., given]
    scale = _cut_scale(old.scale, made)
    node.weights = dict(node.weights, weights=replace(old, data=np.ascontiguousarray(w), scale=scale))
    bias = node.weights.get("bias")
    if bias is None and np.any(added[made]):
        unit = np.float32(graph.quant(node.inputs[0]).scale) * old.steps
        bias = Weight(np.zeros(len(made), np.int32), unit)
    if bias is not None:
        value = bias.data.astype(np.int64) + added
        node.weights["bias"] = Weight(value[made].astype(np.int32), _cut_scale(bias.scale, made))


def _cut_scale(scale: np.ndarray | None, made: np.ndarray) -> np.ndarray | None:
    return scale[made] if scale is not None and scale.size == len(made) else scale


def _cut(node: Node, given: np.ndarray, made: np.ndarray) -> None:
    """A layer that carries channels through."""
    if node.op == "depthwise_conv2d":
        for key, old in node.weights.items():
            data = np.ascontiguousarray(old.data[..., made])
            node.weights[key] = replace(old, data=data, scale=_cut_scale(old.scale, made))
    elif node.op == "prelu" and "alpha" in node.weights:
        alpha = node.weights["alpha"]
        node.weights = {"alpha": Weight(np.ascontiguousarray(alpha.data[made]), alpha.scale)}
    elif "shape" in node.attrs:
        h, w, _ = node.attrs["shape"]
        node.attrs["shape"] = (h, w, int(made.sum()))
    elif node.op == "slice":
        (y, x, c), (h, w, _) = node.attrs["begin"], node.attrs["size"]
        node.attrs |= {"begin": (y, x, int(given[:c].sum())), "size": (h, w, int(made.sum()))}


def _cut_tensor(tensor: Tensor, kept: np.ndarray) -> None:
    if kept.all():
        return
    tensor.shape = (*tensor.shape[:2], int(kept.sum()))
    if tensor.data is not None:
        tensor.data = np.ascontiguousarray(tensor.data.reshape(*tensor.shape[:2], len(kept))[..., kept])
