# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What MLPerf Tiny's models cost on all cores, beside targets and peers: `make bench`.

.venv/bin/python bench/performance.py --write docs/performance.md      and bench/baseline.json, the new baseline
.venv/bin/python bench/performance.py --rows m4-speed,m55
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlperf
import records
import tomllib
from nnom.benching import Bench, Cost
from nnom.cycles import CORES
from nnom.disassembly import PARTS

HEAD = """<!-- SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception -->
# Performance

Made by `make bench` (this page: `.venv/bin/python bench/performance.py --write docs/performance.md`), measured in
an emulator that counts executed instructions; -O2, the plan of `nnom convert`, input lcg:305419896. Every output byte
is that of the plain kernels on a computer. One model at a time: `nnom bench FILE --board cortex-m4`; a kernel at a
time: `make bench-kernels`; against the committed figures (bench/baseline.json): `make bench-diff`.
"""
PACKED_TEXT = """\
M3, M0, rv32imc: one multiplication serves two outputs, but sums are taken apart after every two taps, and an output's
requantising takes about 10 (M3), 28 (M0) or 20 (rv32imc) instructions: with 8 to 32 taps (VWW) as much as its MACs. A
depthwise output loads, pairs and multiplies nine inputs for itself: 36 instructions on the M3 at best. On rv32imc
nothing loads, multiplies and adds at once, and an address of two registers is an instruction. Tried: see the end."""
BYTES_TEXT = """\
Flash that the model adds to a program: code with plan / most [TFLM]; weights under speed and size. RAM is arena
and state, and less where the input is fed row by row; the stack is what one run was seen to use (painted)."""
CYCLES_TEXT = """\
Estimates of our kernels under speed, in millions; below, published cycles of other engines' kernels on silicon,
and in brackets their ratio to the estimate. Ours have not run on silicon: the ratio mixes the estimate's error
with the difference of the kernels. Silicon is expected to take 1.2 to 1.3 times the estimate: wait states of
flash and contention on the bus are left out."""
KINDS_TEXT = """\
Over all five models. Share: of all their instructions; mix: MAC / load / store / unpack / ALU / branch in % of
the kind's instructions; cycles: estimated, per instruction."""
MODELS = list(mlperf.MODELS)


def targets() -> dict[str, Any]:
    """bench/targets.toml."""
    with (Path(__file__).resolve().parent / "targets.toml").open("rb") as file:
        return tomllib.load(file)


def millions(x: float) -> str:
    """Three digits."""
    return f"{x:.0f}" if x >= 100 else f"{x:#.3g}".rstrip(".")


def value_of(row: dict[str, Any], b: Bench) -> float | None:
    """What a row shows, in millions; None: not known."""
    number = b.instructions if row["unit"] == "instructions" else b.total.cycles
    return None if number is None else number / 1e6


def cell(ours: float | None, target: float | None, peer: float | None) -> str:
    """Ours, in bold where the target is reached; target; peer in brackets."""
    if ours is None:
        return "not known"
    text = f"**{millions(ours)}**" if target is not None and ours <= target else millions(ours)
    text += f" / {millions(target)}" if target is not None else ""
    return text + (f" [{millions(peer)}]" if peer is not None else "")


def main_table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The table of targets, as it is measured."""
    yield "Millions: ours / target [TFLM with CMSIS-NN, August 2026, its fastest setting]; bold: the target is reached."
    yield ""
    yield f"| | {' | '.join(mlperf.MODELS[m][0] for m in MODELS)} |"
    yield "|---|" + "---:|" * len(MODELS)
    for row in rows:
        cells = []
        for name in MODELS:
            target = row.get("target", {}).get(name)
            if "like" in row:
                target = 1.03 * records.measure("cortex-m4", "speed", name).instructions / 1e6
            ours = value_of(row, records.measure(row["board"], row["opt"], name))
            cells.append(cell(ours, target, row.get("peer", {}).get(name)))
        yield f"| {row['title']} | {' | '.join(cells)} |"


# ---- Bytes ----


def bytes_table(wanted: dict[str, Any]) -> Iterator[str]:
    """Flash, RAM and stack on the Cortex-M4."""
    yield from ["", "## Bytes, Cortex-M4", ""]
    yield BYTES_TEXT
    yield ""
    yield "| | code B | weights B, speed | weights B, size | RAM B | RAM B, fed | stack B |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name in MODELS:
        fast, small = (records.measure("cortex-m4", opt, name) for opt in ("speed", "size"))
        fed = records.measure("cortex-m4", "speed", name, True)
        code = _most(fast.flash.code + fast.flash.descriptors, wanted["flash_code"], name)
        ram, ram_fed = _most(fast.ram, wanted["ram"], name), _most(fed.ram, wanted["ram_fed"], name)
        cells = [code, f"{fast.flash.weights:,}", f"{small.flash.weights:,}", ram, ram_fed, f"{fast.run.stack:,}"]
        yield f"| {mlperf.MODELS[name][0]} | {' | '.join(cells)} |"


def _most(ours: int, limits: dict[str, Any], name: str) -> str:
    most, peer = limits.get("target", {}).get(name), limits.get("peer", {}).get(name)
    text = f"**{ours:,}**" if most is not None and ours <= most else f"{ours:,}"
    text += f" / {most:,}" if most is not None else ""
    return text + (f" [{peer:,}]" if peer is not None else "")


# ---- Cycles ----


def cycles_table(silicon: dict[str, Any]) -> Iterator[str]:
    """Estimates beside published cycles of other engines."""
    yield from ["", "## Estimated cycles", ""]
    yield CYCLES_TEXT
    yield ""
    yield f"| | {' | '.join(mlperf.MODELS[m][0] for m in MODELS)} |"
    yield "|---|" + "---:|" * len(MODELS)
    for board, core in CORES.items():
        ours = [records.measure(board, "speed", m).total.cycles for m in MODELS]
        yield f"| {board} | {' | '.join('' if n is None else millions(n / 1e6) for n in ours)} |"
        for engine, figures in silicon.get(board, {}).items():
            pairs = zip(MODELS, ours, strict=True)
            cells = [_beside(figures.get(m), n) for m, n in pairs]
            yield f"| {core.name}, {engine} | {' | '.join(cells)} |"
    yield ""
    for core in CORES.values():
        yield f"- {core.name}: {core.source}: {'; '.join(core.rules)}."


def _beside(silicon: float | None, estimate: int | None) -> str:
    """Published millions of cycles, and their ratio to an estimate."""
    if silicon is None:
        return ""
    return f"{millions(silicon)} ({silicon * 1e6 / estimate:.2f})" if estimate else millions(silicon)


# ---- Kinds of layers ----


def kinds_table(wanted: dict[str, Any]) -> Iterator[str]:
    """What each kind of layer costs on the Cortex-M4, over all models, and what limits it."""
    yield from ["", "## By kind of layer, Cortex-M4, speed", ""]
    yield KINDS_TEXT
    yield ""
    yield "| kind | share | MACs | per MAC | mix | cycles | what limits it |"
    yield "|---|---:|---:|---:|---|---:|---|"
    sums = _by_kind()
    everything = sum(c.instructions for c in sums.values())
    for kind, c in sorted(sums.items(), key=lambda item: -item[1].instructions):
        mix = " / ".join(f"{100 * c.mix.get(p, 0) / max(c.instructions, 1):.0f}" for p in PARTS)
        per_mac = f"{c.instructions / c.macs:.2f}" if c.macs else ""
        each = f"{(c.cycles or 0) / max(c.instructions, 1):.2f}"
        limit = wanted["limits"].get(kind, "")
        share = f"{c.instructions / everything:.1%}"
        yield f"| {kind or 'between layers'} | {share} | {c.macs:,} | {per_mac} | {mix} | {each} | {limit} |"
    yield from ["", "## Tried, and did not pay", ""]
    yield from (f"- {t['what']}: {t['result']}." for t in wanted["tried"])


def _by_kind() -> dict[str, Cost]:
    sums: dict[str, Cost] = {}
    for name in MODELS:
        for c in records.measure("cortex-m4", "speed", name).layers:
            s = sums.get(c.kind, Cost(c.kind, c.kind, 0, 0, {}, 0))
            mix = {p: s.mix.get(p, 0) + c.mix.get(p, 0) for p in PARTS}
            cycles = (s.cycles or 0) + (c.cycles or 0)
            sums[c.kind] = Cost(c.kind, c.kind, s.macs + c.macs, s.instructions + c.instructions, mix, cycles)
    return sums


def baseline(rows: list[dict[str, Any]]) -> dict[str, records.Record]:
    """Records of what was measured for the rows."""
    pairs = dict.fromkeys((row["board"], row["opt"]) for row in rows)
    return {records.key(b, o, m): records.record(records.measure(b, o, m)) for b, o in pairs for m in MODELS}


def main() -> int:
    """Prints the tables, and writes them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="", help="only these rows of the first table, nothing else")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page, and the baseline")
    options = parser.parse_args()
    mlperf.need()
    wanted = targets()
    only = [r for r in options.rows.split(",") if r]
    rows = [r for r in wanted["row"] if not only or r["id"] in only]
    lines = []
    parts = [main_table(rows)]
    if not only:
        parts += [iter(["", PACKED_TEXT]), bytes_table(wanted), cycles_table(wanted["silicon"]), kinds_table(wanted)]
    for part in parts:
        for line in part:
            print(line, flush=True)
            lines.append(line)
    if options.write and not only:
        options.write.write_text("\n".join([HEAD, *lines]) + "\n")
        records.write(baseline(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
