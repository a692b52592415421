# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""RAM of frozen models, whole, rolling and fed, and what rolling costs, as Markdown tables: `make ram`.

The models of MLPerf Tiny (from the folder `shared` beside the repository, or NNOM_SHARED), the network of
examples/uci_har, and MobileNets with random weights. Every plan's output is compared with that of whole execution, byte
by byte.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import frozen
import mlperf
import numpy as np
from mobilenet import mobilenet_v1, mobilenet_v2
from nnom.boards import symbols
from nnom.conversion import STATE_BYTES, Plan
from nnom.core import CoreModel
from nnom.graph import Graph
from nnom.planning import ram_total, survey
from nnom.running import build_frozen, find_board, lcg_inputs, run_board, run_host

BOARD, OPT, SEED = "cortex-m4", "-O2", 305419896
KB = 1024
PLANS = {
    "whole": Plan("whole"),
    "auto": Plan("auto"),
    "smallest": Plan("smallest"),
    "fed": Plan("auto", feed=True),
    "fed, smallest": Plan("smallest", feed=True),
}
# TensorFlow Lite Micro's RAM in KB for the same file; this project's goals in bytes and the plan that each is for.
TFLM = {"KWS": 22.8, "VWW": 100.7, "IC": 55.0, "AD": 2.6}
GOALS = {
    "KWS": ("auto", int(6.5 * KB)),
    "VWW": ("fed", 16 * KB),
    "IC": ("fed", 18 * KB),
    "AD": ("auto", int(1.2 * KB)),
    "HAR": ("fed", 700),
}
SIZES = (96, 160, 224)


@dataclass(frozen=True)
class Measured:
    """One plan of one model: RAM in bytes of arena and state as linked, instructions of one run, stack in bytes."""

    ram: int
    instructions: int
    stack: int


def models() -> Iterator[tuple[str, Graph]]:
    """Short name and int8 graph, as it is converted."""
    for name in ("KWS", "VWW", "IC", "AD"):
        yield mlperf.MODELS[name][0], mlperf.graph(name)
    yield "HAR README network", frozen.conversion("uci_har")[0].graph


def linked_ram(graph: Graph, plan: Plan) -> int:
    """Bytes of the model's variables in a linked program: the arena and nnom_instance_t."""
    with tempfile.TemporaryDirectory(prefix="nnom-") as folder:
        board = find_board(BOARD)
        elf = build_frozen(plan.compile(graph), board, Path(folder), OPT)
        return sum(s.size for s in symbols(board, elf) if s.kind != "text" and s.name in ("net_arena", "net_instance"))


def measure(graph: Graph, plan: Plan, expected: list[np.ndarray], inputs: list[np.ndarray]) -> Measured:
    """Runs a plan here and on the emulated board. SystemExit if an output differs from whole execution."""
    core = plan.compile(graph)
    check(f"{graph.name} {plan}", expected, run_host(core, inputs))
    run = run_board(graph, BOARD, inputs, OPT, plan)
    check(f"{graph.name} {plan} on {BOARD}", expected, run.outputs)
    ram = linked_ram(graph, plan)
    if ram != ram_total(core):
        raise SystemExit(f"{graph.name} {plan}: {ram} bytes are linked, the plan says {ram_total(core)}")
    return Measured(ram, run.instructions, run.stack)


def check(what: str, expected: list[np.ndarray], got: list[np.ndarray]) -> None:
    if not all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True)):
        raise SystemExit(f"{what}: the output differs from whole execution")


def noise(graph: Graph) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Stored inputs, and the outputs of whole execution on this computer."""
    core = CoreModel(graph, mode="whole")
    inputs = lcg_inputs(graph, core.inputs, SEED)
    return inputs, run_host(core, inputs)


def frozen_models() -> Iterator[str]:
    """RAM and instructions of each plan."""
    yield f"Arena and state ({STATE_BYTES} bytes) in bytes, as linked for a {BOARD}; in brackets the share of TFLM's."
    yield ""
    yield f"| model | TFLM KB | {' | '.join(PLANS)} | goal |"
    yield "|---|---:|" + "---:|" * (len(PLANS) + 1)
    costs = []
    for title, graph in models():
        inputs, expected = noise(graph)
        results = {name: measure(graph, plan, expected, inputs) for name, plan in PLANS.items()}
        key = title.split()[0]
        tflm = TFLM.get(key)
        share = [f"{m.ram:,}" + (f" ({m.ram / KB / tflm:.0%})" if tflm else "") for m in results.values()]
        plan, goal = GOALS[key]
        state = "met" if results[plan].ram <= goal else "missed"
        yield f"| {title} | {tflm or ''} | {' | '.join(share)} | {plan} <= {goal:,}: {state} |"
        base = results["whole"].instructions
        more = {n: "" if n == "whole" else f" ({m.instructions / base - 1:+.1%})" for n, m in results.items()}
        cells = [f"{m.instructions:,}{more[n]}" for n, m in results.items()]
        stack = max(m.stack for m in results.values())
        costs.append(f"| {title} | {' | '.join(cells)} | {stack:,} |")
    yield ""
    yield f"Instructions of one inference on the emulated {BOARD}, {OPT}, kernels `ref`; goal: at most 10 % more than"
    yield "whole. Last: the deepest stack of all plans, in bytes."
    yield ""
    yield f"| model | {' | '.join(PLANS)} | stack |"
    yield "|---|" + "---:|" * (len(PLANS) + 1)
    yield from costs


def mobilenet_row(title: str, graph: Graph) -> str:
    inputs, expected = noise(graph)
    whole, rolling = survey(graph, Plan("whole")), survey(graph, Plan("smallest"))
    budget = (whole.chosen.ram + rolling.chosen.ram) // 2 // KB * KB
    budgeted, fed = survey(graph, Plan(ram=budget)), survey(graph, Plan("smallest", feed=True))
    cells = []
    for o in (whole, rolling, budgeted, fed):
        check(graph.name, expected, run_host(o.core, inputs))
        cells.append(f"{o.chosen.ram:,} ({o.chosen.cost - 1:+.1%})")
    cells[2] = f"{budget // KB} KB: {cells[2]}"
    return f"| {title} | {whole.core.totals.macs / 1e6:.1f} | {' | '.join(cells)} |"


def mobilenets() -> Iterator[str]:
    """RAM of MobileNets, planned and run on this computer."""
    yield "Arena and state in bytes; in brackets instructions against whole execution, as the planner estimates them."
    yield "Budget: half way between whole and rolling."
    yield ""
    yield "| model, pixels | M MACs | whole | rolling | budget | rolling, fed |"
    yield "|---|---:|---:|---:|---:|---:|"
    for size in SIZES:
        yield mobilenet_row(f"MobileNetV1 0.25, {size}", mobilenet_v1(size))
    for size in SIZES:
        yield mobilenet_row(f"MobileNetV2 0.35, {size}", mobilenet_v2(size))


def lines() -> Iterator[str]:
    yield "<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->"
    yield "# RAM"
    yield ""
    yield "Made by `make ram`. whole: every layer over all its rows; auto: the smallest plan that costs at most"
    yield "2 % more, 5 % with a fed input; smallest: at any cost; fed: the input comes row by row, never complete."
    yield "The outputs of all plans are identical in every byte."
    yield ""
    yield "## MLPerf Tiny and HAR"
    yield ""
    yield from frozen_models()
    yield ""
    yield "## MobileNets, random weights"
    yield ""
    yield from mobilenets()


def main() -> int:
    """Prints, and writes a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables to this file, too")
    options = parser.parse_args()
    text = []
    for line in lines():
        print(line, flush=True)
        text.append(line)
    if options.write:
        options.write.parent.mkdir(exist_ok=True)
        options.write.write_text("\n".join(text) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
