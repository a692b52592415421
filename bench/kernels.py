# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Instructions of every line of src/kernels/kernels.def on layers of real shapes: `make bench-kernels`.

    .venv/bin/python bench/kernels.py                      every line on the boards that it is for
    .venv/bin/python bench/kernels.py dsp conv2d_s8_packed lines whose name holds one of these words
    .venv/bin/python bench/kernels.py conv --boards cortex-m4

Each board runs one model of layers that have nothing to do with each other. A layer that another variant took is not
shown: the symbol in the frozen model tells.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from mlperf import ROOT
from nnom.benching import Cost, count
from nnom.conversion import Plan
from nnom.errors import NnomError

from layers import LAYERS, Bench, Layer, output_shape, recurrent

_LINE = re.compile(r"\bK\((\w+_\w+), (\w+), (\w+), \d[^()]*\)")
# Of recurrent layers the lines of a cell are in one list, for all its operations.
_CELL = re.compile(r"#define NNOM_KERNELS_(\w+)\(K, operation(?:, unit)?\)((?:.*\\\n)*.*)")
_OF_CELL = re.compile(r"\bK\(operation, (\w+), (\w+),")
_CELL_USE = re.compile(r"\bNNOM_KERNELS_(\w+)\(K, (\w+)(?:, \d+)?\)")
_NODE = re.compile(r"^    \{&nnom_(\w+)_op, .*/\* (.*) \*/$", re.MULTILINE)
# Where the lines that need a bit of the target run.
BOARDS = {
    "0": ("cortex-m4",),
    "NNOM_TARGET_PACKED": ("cortex-m0", "cortex-m3", "rv32"),
    "NNOM_TARGET_DSP": ("cortex-m4", "cortex-m7", "cortex-m33"),
    "NNOM_TARGET_MVE": ("cortex-m55",),
    "NNOM_TARGET_FPU": ("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"),
}
TARGETS = {
    "0": "plain",
    "NNOM_TARGET_PACKED": "packed",
    "NNOM_TARGET_DSP": "dsp",
    "NNOM_TARGET_MVE": "mve",
    "NNOM_TARGET_FPU": "dsp_fpu",
}
KINDS = {"_s8": "int8", "_f32": "float32", "_s16": "int16", "_s4": "int4"}  # by ending of the operation's name
GRAPH_NAMES = {"dw_conv2d": "depthwise_conv2d", "lut": "activation"}


@dataclass(frozen=True)
class Line:
    """A line of kernels.def. needs: the bit of the target, or 0."""

    operation: str
    variant: str
    needs: str

    @property
    def symbol(self) -> str:
        """Of its operation in a frozen model, without nnom_ and _op."""
        return f"{self.operation}_{self.variant}"


@dataclass(frozen=True)
class Result:
    """A layer on a board."""

    layer: Layer
    symbol: str
    cost: Cost

    @property
    def outputs(self) -> int:
        """Elements."""
        return int(np.prod(output_shape(self.layer)))


def lines() -> list[Line]:
    """All of kernels.def."""
    text = (ROOT / "src" / "kernels" / "kernels.def").read_text()
    return [Line(*fields) for fields in _LINE.findall(text)] + _recurrent_lines(text)


def _recurrent_lines(text: str) -> list[Line]:
    lists = {name: body for name, body in _CELL.findall(text)}
    found = []
    for name, operation in _CELL_USE.findall(text):
        if operation != "operation":
            body = lists[name]
            inner = _CELL_USE.search(body)
            variants = _OF_CELL.findall(lists[inner[1]] if inner else body)
            found += [Line(operation, variant, needs) for variant, needs in variants]
    return found


def measure(board: str, target: str, operations: set[str], suffix: str) -> list[Result]:
    """Layers of the operations whose name ends so (KINDS), on a board."""
    made = Bench(KINDS[suffix])
    bare = {name.removesuffix(suffix) for name in operations if name.endswith(suffix)}
    wanted = {GRAPH_NAMES.get(name, name) for name in bare}
    chosen = [layer for layer in LAYERS if layer.op in wanted]
    if not chosen:
        return []
    by_name = {made.add(layer): layer for layer in chosen}
    plan = Plan("whole", target=target, optimize="speed")
    core = plan.compile(made.graph)
    symbols = [m[0] for m in _NODE.findall(core.freeze("net")[0])]
    rng = np.random.default_rng(1)
    inputs = [_noise(rng, p.shape, p.dtype) for p in core.inputs]
    found = zip(count(made.graph, board, inputs, plan).layers, symbols, strict=False)
    results = [Result(by_name[c.name], s, c) for c, s in found if c.name in by_name]
    return sorted(results, key=lambda r: LAYERS.index(r.layer))


def measure_recurrent(board: str, target: str, state: str) -> list[Result]:
    """The recurrent layers on a board; state: type of an LSTM's hidden state."""
    graph, by_name = recurrent(state)
    plan = Plan("whole", target=target, optimize="speed")
    core = plan.compile(graph)
    symbols = [m[0] for m in _NODE.findall(core.freeze("net")[0])]
    rng = np.random.default_rng(1)
    inputs = [_noise(rng, p.shape, p.dtype) for p in core.inputs]
    found = zip(count(graph, board, inputs, plan).layers, symbols, strict=False)
    return [Result(by_name[c.name], s, c) for c, s in found if c.name in by_name]


def _noise(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    values = rng.integers(-128, 128, (1, *shape))
    return (values / 32 if dtype == np.float32 else values).astype(dtype)


def table(words: list[str], only: list[str]) -> Iterator[str]:
    """Lines of text, as they are measured."""
    wanted = [k for k in lines() if not words or any(w in k.symbol for w in words)]
    yield f"{'kernel':24} {'board':10} {'layer':33} {'MACs':>9} {'/MAC':>6} {'/output':>8}"
    for needs, boards in BOARDS.items():
        ours = [k for k in wanted if k.needs == needs]
        for board in boards if ours else ():
            if only and board not in only:
                continue
            yield from _rows(board, ours, TARGETS[needs])
    for k in wanted:
        if k.needs not in BOARDS:
            yield f"{k.symbol:24} no emulated board has {k.needs.removeprefix('NNOM_TARGET_')}"


def _rows(board: str, ours: list[Line], target: str) -> Iterator[str]:
    operations = {k.operation for k in ours}
    found = [r for suffix in KINDS for r in measure(board, target, operations, suffix)]
    if any(o.startswith(("lstm_s8", "lstm_s16", "gru_s16", "simple_rnn_s16")) for o in operations):
        found += [r for state in ("int16", "int8") for r in measure_recurrent(board, target, state)]
    for k in ours:
        mine = [r for r in found if r.symbol == k.symbol]
        for r in mine:
            yield row(k, board, r)
        if not mine:
            why = "is for models built by hand" if k.variant == "qformat" else "takes none of the layers"
            yield f"{k.symbol:24} {board:10} {why}"


def row(k: Line, board: str, r: Result) -> str:
    """One line of the table."""
    per_mac = f"{r.cost.instructions / r.cost.macs:.2f}" if r.cost.macs else ""
    text = f"{k.symbol:24} {board:10} {r.layer.title:33} {r.cost.macs:>9,} {per_mac:>6}"
    return f"{text} {r.cost.instructions / r.outputs:>8.1f}"


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--boards", default="", help="of those, only these (a,b)")
    options = parser.parse_args()
    try:
        for line in table(options.words, [b for b in options.boards.split(",") if b]):
            print(line, flush=True)
    except NnomError as e:
        print(f"bench-kernels: error: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
