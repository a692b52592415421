# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Runs a prepared model once or more, on this computer or on an emulated board, with exact bytes and hashes.

result = run(prepared, lcg_inputs(prepared, 305419896))
on_board = run_board(prepared.graph, "cortex-m4", inputs)
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from . import boards
from .calibrate import tensors_of_nodes
from .compare import stored
from .conversion import Plan
from .core import CoreModel
from .errors import CoreError, DataError
from .graph import Graph
from .messages import Setting, Text
from .ports import Port
from .run_library import library_archive, library_sources, link_flags

FLOAT_SCALE = 1.0 / 128.0  # what one step of lcg: means for a float input that no QUANTIZE reads
_SYMBOL = "net"


# ---- Inputs ----


def lcg_bytes(seed: int, count: int) -> np.ndarray:
    """int8 [count]: x = x * 1664525 + 1013904223 (mod 2^32) from x = seed, of each x the upper byte."""
    x = seed & 0xFFFFFFFF
    values = np.empty(count, np.uint8)
    for i in range(count):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = x >> 24
    return values.view(np.int8)


def lcg_inputs(graph: Graph, ports: list[Port], seed: int) -> list[np.ndarray]:
    """One sample per input [1, h, w, c] in the inputs' types: the first from lcg_bytes, others at real 0.

    A float input gets each byte times `float_scale`; an integer input of another type the byte's bits.
    """
    result = [np.full((1, *p.shape), p.zero_point if p.dtype != np.float32 else 0, p.dtype) for p in ports]
    first = ports[0]
    q = lcg_bytes(seed, int(np.prod(first.shape))).reshape(1, *first.shape)
    if first.dtype == np.float32:
        result[0] = q.astype(np.float32) * np.float32(float_scale(graph))
    else:
        result[0] = q.view(np.uint8).astype(first.dtype) if first.dtype == np.uint8 else q.astype(first.dtype)
    return result


def float_scale(graph: Graph) -> float:
    """One step of lcg: for a float first input: the scale of a QUANTIZE that reads it, or 1/128."""
    for node in graph.consumers(graph.inputs[0]):
        quant = graph.tensors[node.output].quant
        if node.op == "quantize" and quant is not None:
            return quant.scale
    return FLOAT_SCALE


def stored_inputs(ports: list[Port], samples: list[np.ndarray], raw: bool) -> list[np.ndarray]:
    """Samples [n, h, w, c] per input, in the inputs' types."""
    return [stored(p, x, raw) for p, x in zip(ports, samples, strict=True)]


def fnv1a(data: bytes) -> int:
    """32-bit FNV-1a hash."""
    h = 0x811C9DC5
    for byte in data:
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


# ---- This computer ----


def run_host(core: CoreModel, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Stored outputs [n, h, w, c] of stored inputs [n, h, w, c]."""
    return list(core.run_many(inputs))


# ---- An emulated board ----


@dataclass(frozen=True)
class NodeCost:
    """Instructions of one node of the program."""

    name: str
    kind: str
    macs: int
    instructions: int


@dataclass(frozen=True)
class BoardRun:
    """outputs: stored [n, h, w, c]. flash and ram are the whole program's, runner and C library included.

    instructions: the first run, without observer. weights: bytes of flash that are weights and tables of the model.
    """

    board: str
    outputs: list[np.ndarray]
    instructions: int
    nodes: list[NodeCost]
    stack: int
    flash: int
    ram: int
    arena: int
    weights: int


def find_board(name: str) -> boards.Board:
    """The board of that name, or DataError that lists all."""
    known = boards.boards()
    if name not in known:
        raise DataError(Text(Setting.BOARD, f" {name}: unknown; the boards are {', '.join(known)}"))
    return known[name]


def run_board(
    graph: Graph,
    name: str,
    inputs: list[np.ndarray],
    opt: boards.Optimisation = "-O2",
    plan: Plan | None = None,
    timeout: float = 600.0,
) -> BoardRun:
    """Freezes a graph, builds it with the runner for a board and runs it there on stored inputs [n, h, w, c].

    Raises DataError (unknown board), CoreError, ToolError, of it boards.BoardError (tools missing or failing).
    """
    board = find_board(name)
    plan = plan or Plan()
    core = replace(plan, target=plan.target or board.target).compile(graph)
    with tempfile.TemporaryDirectory(prefix="nnom-") as text:
        folder = Path(text)
        elf = build_frozen(core, board, folder, opt)
        return run_built(graph, core, board, elf, folder, inputs, timeout)


def run_built(
    graph: Graph,
    core: CoreModel,
    board: boards.Board,
    elf: Path,
    folder: Path,
    inputs: list[np.ndarray],
    timeout: float = 600.0,
    extra: Sequence[str] = (),
) -> BoardRun:
    """Runs what build_frozen() made in a folder. extra: for the emulator's command."""
    result = _run_elf(core, board, elf, folder, inputs, timeout, extra)
    sizes = boards.size(board, elf)
    outputs = _read_outputs(core, folder / "output.bin", len(inputs[0]))
    values = _parse(result.stdout)
    totals = core.totals
    return BoardRun(
        board=board.name,
        outputs=outputs,
        instructions=values["total"],
        nodes=_node_costs(graph, core, values),
        stack=values["stack"],
        flash=sizes.text + sizes.data,
        ram=sizes.data + sizes.bss,
        arena=totals.arena_bytes,
        weights=totals.weight_bytes,
    )


def build_frozen(
    core: CoreModel, board: boards.Board, folder: Path, opt: boards.Optimisation, marks: bool = False
) -> Path:
    """Writes the frozen model into a folder and builds it with firmware/runner.c; the program's path.

    marks: it tells the emulator's plugin (tally.py) what runs.
    """
    source, header = core.freeze(_SYMBOL)
    (folder / "model.c").write_text(source)
    (folder / "model.h").write_text(header)
    _, includes = library_sources()
    nodes = 1 + max((r.node for r in core.layers() if r.node is not None), default=0)
    port = core.inputs[0]
    row = port.shape[1] * port.shape[2] * port.dtype.itemsize if core.feed else 1
    defines = {"NNOM_RUN_MODEL": _SYMBOL, "NNOM_RUN_MAX_NODES": nodes, "NNOM_RUN_ROW_BYTES": row}
    if core.sequence:
        defines["NNOM_RUN_SEQUENCE"] = 1
    sources = [folder / "model.c", boards.firmware_dir() / "runner.c"]
    if marks:
        defines |= {"NNOM_RUN_MARKS": 1, "BOARD_PHASES": nodes + 2}
        sources.append(boards.firmware_dir() / "mark.c")
    extra = link_flags(library_archive(board, opt))
    return boards.build(board, sources, [folder, *includes], defines, folder / "build", opt, extra)


def _run_elf(
    core: CoreModel,
    board: boards.Board,
    elf: Path,
    folder: Path,
    inputs: list[np.ndarray],
    timeout: float,
    extra: Sequence[str] = (),
) -> boards.RunResult:
    with (folder / "input.bin").open("wb") as file:
        for i in range(len(inputs[0])):
            for port, x in zip(core.inputs, inputs, strict=True):
                file.write(np.ascontiguousarray(x[i], port.dtype).tobytes())
    result = boards.run(board, elf, folder, timeout=timeout, extra=extra)
    error = re.search(r"^error (.*)$", result.stdout, re.MULTILINE)
    if result.exit_code != 0 or error:
        reason = error[1] if error else result.stdout.strip() or f"exit code {result.exit_code}"
        raise CoreError(f"{board.name}: {reason}")
    return result


def _read_outputs(core: CoreModel, path: Path, count: int) -> list[np.ndarray]:
    data = path.read_bytes()
    sizes = [int(np.prod(p.shape)) * p.dtype.itemsize for p in core.outputs]
    if len(data) != count * sum(sizes):
        raise CoreError(f"the board wrote {len(data)} bytes of output, expected {count * sum(sizes)}")
    rows = np.frombuffer(data, np.uint8).reshape(count, -1)
    ends = np.cumsum([0, *sizes])
    return [
        np.ascontiguousarray(rows[:, a:b]).view(p.dtype).reshape(count, *p.shape)
        for a, b, p in zip(ends[:-1], ends[1:], core.outputs, strict=True)
    ]


def _parse(text: str) -> dict[str | int, int]:
    """What runner.c printed: "total", "stack", and instructions by number of node."""
    values: dict[str | int, int] = {}
    for line in text.splitlines():
        words = line.split()
        if words[:2] == ["instructions", "node"]:
            values[int(words[2])] = int(words[3])
        elif words[:2] == ["instructions", "total"]:
            values["total"] = int(words[2])
        elif words[:1] == ["stack"]:
            values["stack"] = int(words[1])
    if "total" not in values or "stack" not in values:
        raise CoreError(f"the board's program did not report its cost; it printed: {text.strip()[-500:]}")
    return values


def _node_costs(graph: Graph, core: CoreModel, values: dict[str | int, int]) -> list[NodeCost]:
    names = {k: v[0] for k, v in tensors_of_nodes(graph, core).items()}
    rows = {r.node: r for r in reversed(list(core.layers())) if r.node is not None}
    return [NodeCost(names.get(k, rows[k].name), rows[k].kind, rows[k].macs, values.get(k, 0)) for k in sorted(rows)]
