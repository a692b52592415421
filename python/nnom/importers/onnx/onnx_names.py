# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What the nodes of a file's graph read: names, in their branches too; nodes that only give things another name."""

from __future__ import annotations

from .onnx_reader import FileGraph, FileNode


def passed_over(graph: FileGraph) -> list[FileNode]:
    """Identity nodes that nobody needs: who reads their result reads what they read."""
    kept = {v.name for v in graph.outputs}
    for node in graph.nodes:
        for inner in node.attrs.values():
            if isinstance(inner, FileGraph):
                kept |= outer_names(inner)
    plain = [n for n in graph.nodes if n.op == "Identity" and not n.domain and len(n.inputs) == len(n.outputs) == 1]
    gone = [n for n in plain if n.outputs[0] not in kept and n.inputs[0] != n.outputs[0]]
    source = {n.outputs[0]: n.inputs[0] for n in gone}
    if len(source) < len(gone):
        return []  # two make the same: an error, told where they stand
    for node in graph.nodes:
        for i, name in enumerate(node.inputs):
            for _ in range(len(source)):
                if name not in source:
                    break
                name = source[name]
            node.inputs[i] = name
    return gone


def read_by(node: FileNode) -> list[str]:
    """What a node reads, in its branches too."""
    found = [name for name in node.inputs if name]
    for inner in node.attrs.values():
        if isinstance(inner, FileGraph):
            made = {name for n in inner.nodes for name in n.outputs} | {t.name for t in inner.constants}
            made |= {v.name for v in inner.inputs}
            found += [name for name in outer_names(inner) if name and name not in made]
    return found


def outer_names(graph: FileGraph) -> set[str]:
    """Names that a graph reads, of its own and of those around it."""
    found = {v.name for v in graph.outputs}
    for node in graph.nodes:
        found.update(node.inputs)
        for inner in node.attrs.values():
            if isinstance(inner, FileGraph):
                found |= outer_names(inner)
    return found
