# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The list of passes. A new one is a function in a file of this folder, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..graph import Graph, Node
from . import (
    channels,
    clamps,
    columns,
    constants,
    duplicates,
    folding,
    norms,
    padding,
    quiet,
    rows,
    slides,
    steps,
    tidy,
)


@dataclass(frozen=True)
class FoldingPass:
    """Of float graphs. run(graph, node): changes the graph around a node in place; whether it did."""

    name: str
    does: str
    run: Callable[[Graph, Node], bool]


@dataclass(frozen=True)
class Pass:
    """Of all graphs, without changing a bit. run(graph): changes it in place; a line for each change."""

    name: str
    does: str
    run: Callable[[Graph], list[str]]


FOLDING: dict[str, FoldingPass] = {
    p.name: p
    for p in (
        FoldingPass("identities", "shape changes, paddings and croppings of nothing vanish", folding.drop_identity),
        FoldingPass("views", "reshapes that only dense layers or other reshapes read vanish", folding.drop_view),
        FoldingPass("padding", "zero padding goes into the window that follows", folding.fold_padding),
        FoldingPass("norms back", "batch normalisation scales the layer before it", norms.fold_into_producer),
        FoldingPass("norms on", "batch normalisation scales the layer after it", norms.fold_into_consumer),
        FoldingPass("clamps back", "a clamp after max pooling or a reshape goes before it", folding.hoist_clamp),
        FoldingPass("clamps", "a clamp goes into the sum before it", folding.fuse_clamp),
    )
}

PASSES: dict[str, Pass] = {
    p.name: p
    for p in (
        Pass("tidy", "what changes nothing, or cancels, vanishes; slices are put together again", tidy.run),
        Pass("constants", "nodes of constants only are computed, by the core", constants.run),
        Pass("steps", "quantise steps and functions without effect vanish, neighbours are joined", steps.run),
        Pass("padding", "padding layers go into the windows that follow", padding.run),
        Pass("clamps", "ReLU, ReLU6, ReLU-1..1 go into the layer before", clamps.run),
        Pass("duplicates", "branches and constants that are the same become one", duplicates.run),
        Pass("slides", "windows that states shift by joining and cutting rows become one layer", slides.run),
        Pass("rows", "(1, steps, c) parts of a model of (steps, 1, c) are turned, so that time is rows", rows.run),
        Pass("channels", "channels that are constant, or that no one reads, vanish", channels.run),
        Pass("columns", "columns at the right that a stride or a slice leaves over are not computed", columns.run),
        Pass("quiet", "constant channels that stay have no weights and ordinary numbers", quiet.run),
    )
}
