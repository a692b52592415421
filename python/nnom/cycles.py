# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Cycles of a core, estimated from how often it executes each instruction.

core = CORES["cortex-m4"]
core.cycles(code, runs, jumps)      # code: read_disassembly(); runs, jumps: tally.executions()
core.rules                          # what the estimate rests on, in sentences

Memory without wait states, no contention on the bus, no cache that misses. What is published decides: the tables of the
Cortex-M0's, M3's and M4's technical manuals; for the others their rules are told in `rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .disassembly import Instruction

_NO_SILICON = "no error is known: nobody has published cycles of these models on this core"
_BESIDE = "docs/performance.md sets it beside published cycles of MLPerf Tiny's models on this core"
Code = Mapping[int, Instruction]
Counts = Mapping[int, int]

_REGISTER = re.compile(r"\b(r\d+|s[lbp]|fp|ip|lr|pc|[sdq]\d+)\b")
_BASE = re.compile(r"\[(\w+)")
_NO_RESULT = re.compile(r"cmp.*|cmn.*|tst.*|teq.*|str.*|stm.*|push.*|vst.*|vcmp.*|it[te]*|nop|b.*|cbn?z|le|letp")
_WIDE_LIST = re.compile(r"ldm.*|stm.*|pop.*|push.*|ldrd.*|strd.*|vldm.*|vstm.*|vpush.*|vpop.*")
_TWO_OPERANDS = re.compile(r"(?:add|sub|adc|sbc|and|orr|eor|bic|lsl|lsr|asr|ror|mul)s?.*")
_VECTOR = re.compile(r"\bq\d\b")


@dataclass(frozen=True)
class Core:
    """A core's rules. estimate(code, runs, jumps) -> cycles. error: how far estimates were from silicon, in words."""

    name: str
    source: str
    rules: tuple[str, ...]
    estimate: Callable[[Code, Counts, Counts], float]
    error: str = _NO_SILICON

    def cycles(self, code: Code, runs: Counts, jumps: Counts) -> int:
        """Estimated cycles of the executions `runs`, of which `jumps` went on elsewhere, both by address."""
        return round(self.estimate(code, runs, jumps))


# ---- What an instruction reads and writes ----


def registers(text: str) -> list[str]:
    """Names of registers, in order."""
    return _REGISTER.findall(text)


def list_length(operands: str) -> int:
    """Registers of a list {r0, r4-r7, lr}; of LDRD and STRD two."""
    match = re.search(r"\{(.*)\}", operands)
    if match is None:
        return 2
    count = 0
    for part in match[1].split(","):
        first, _, last = part.strip().partition("-")
        numbers = [int(re.sub(r"\D", "", r) or 0) for r in (first, last or first)]
        count += numbers[1] - numbers[0] + 1 if first and re.sub(r"\D", "", first) else 1
    return count


def results(i: Instruction) -> set[str]:
    """Registers that an instruction writes, updated base registers left out."""
    if _NO_RESULT.fullmatch(i.mnemonic):
        return set()
    if "{" in i.operands:
        return set(registers(i.operands[i.operands.index("{") :]))
    many = 2 if re.fullmatch(r"ldrd.*|[su]mu?l[al]l.*|[su]mull.*|umaal.*", i.mnemonic) else 1
    return set(registers(i.operands)[:many])


def sources(i: Instruction) -> set[str]:
    """Registers that an instruction reads."""
    names = registers(i.operands)
    if not results(i):
        return set(names)
    parts = i.operands.split(",")
    own = len(parts) == 2 and _TWO_OPERANDS.fullmatch(i.mnemonic)
    return set(names if own else names[len(results(i)) :])


def base_of(i: Instruction) -> str | None:
    """The register that an address begins with."""
    match = _BASE.search(i.operands)
    return match[1] if match else None


def _before(code: Code, runs: Counts) -> dict[int, Instruction]:
    """By address: the executed instruction that ends there."""
    return {code[a].end: code[a] for a in runs if a in code}


# ---- Cores that issue one instruction at a time ----


@dataclass(frozen=True)
class _Single:
    """The table of a core's manual. multiply: (mnemonics, cycles) where more than 1. float: likewise.

    load, store: cycles of one; pipelined: a load behind a load takes one less; refill: of a branch that is taken.
    """

    load: int
    store: int
    pipelined: bool
    refill: int
    call: int
    divide: int
    slow: tuple[tuple[str, int], ...] = ()

    def __call__(self, code: Code, runs: Counts, jumps: Counts) -> float:
        before = _before(code, runs)
        return sum(n * self._cost(code[a], before.get(a)) + jumps.get(a, 0) * self._jump(code[a])
                   for a, n in runs.items() if a in code)  # fmt: skip

    def _jump(self, i: Instruction) -> int:
        return self.call if re.fullmatch(r"blx?|tb[bh]", i.mnemonic) else self.refill

    def _cost(self, i: Instruction, previous: Instruction | None) -> int:
        if i.part in ("load", "store"):
            return self._memory(i, previous)
        if re.fullmatch(r"[su]div.*", i.mnemonic):
            return self.divide
        return next((c for rule, c in self.slow if re.fullmatch(rule, i.mnemonic)), 1)

    def _memory(self, i: Instruction, previous: Instruction | None) -> int:
        """Of an access; one more where the address is computed by the instruction before."""
        base = base_of(i)
        late = self.pipelined and previous is not None and previous.part not in ("load", "store", "branch")
        stall = int(bool(late and previous and base in results(previous)))
        if _WIDE_LIST.fullmatch(i.mnemonic):
            return 1 + list_length(i.operands) + stall
        behind = self.pipelined and previous is not None and previous.part == "load"
        if behind and previous and not _WIDE_LIST.fullmatch(previous.mnemonic) and base not in results(previous):
            return 1
        if i.part == "store" and self.pipelined and re.search(r"\[\w+, *[a-z]", i.operands):
            return 2 + stall  # its register offset is read one cycle late
        return (self.load if i.part == "load" else self.store) + stall


# ---- Cores that issue two ----


def _paired(first: Instruction, second: Instruction) -> bool:
    """Whether a Cortex-M7 issues both in one cycle."""
    parts = (first.part, second.part)
    wide = any(_WIDE_LIST.fullmatch(i.mnemonic) or re.fullmatch(r"[su]div.*|v.*", i.mnemonic) for i in (first, second))
    twice = any(parts == (p, p) for p in ("mac", "store", "unpack", "branch"))
    depends = results(first) & (sources(second) | results(second))
    return not (wide or twice or depends or first.part == "branch" or second.part == "unpack")


def _double(code: Code, runs: Counts, jumps: Counts) -> float:
    """Greedy pairs in straight code; a load's result costs one more cycle if the next instruction reads it."""
    before = _before(code, runs)
    second: set[int] = set()
    total = 0.0
    for a in sorted(x for x in runs if x in code):
        i, previous = code[a], before.get(a)
        if previous and previous.address not in second and _paired(previous, i):
            second.add(a)
            total += runs[a] - min(runs[a], runs[previous.address])
            continue
        stall = int(bool(previous and previous.part == "load" and results(previous) & sources(i)))
        total += runs[a] * (_double_cost(i) + stall)
    return total + 8 * sum(n for a, n in jumps.items() if a in code and code[a].mnemonic in ("bx", "blx", "tbb", "tbh"))


def _double_cost(i: Instruction) -> int:
    if _WIDE_LIST.fullmatch(i.mnemonic):
        return 1 + (list_length(i.operands) + 1) // 2
    return 6 if re.fullmatch(r"[su]div.*", i.mnemonic) else 1


def _beats(code: Code, runs: Counts, jumps: Counts) -> float:
    """A Cortex-M55: four beats of a vector instruction take two cycles, and overlap with the next of another unit."""
    before = _before(code, runs)
    total = 0.0
    for a in (x for x in runs if x in code):
        i, previous = code[a], before.get(a)
        if _VECTOR.search(i.operands):
            total += runs[a] * (1 if previous and _overlap(previous, i) else 2)
            continue
        stall = int(bool(previous and previous.part == "load" and results(previous) & sources(i)))
        total += runs[a] * (_double_cost(i) + stall)
    return total + 2 * sum(n for a, n in jumps.items() if a in code and code[a].mnemonic not in ("le", "letp"))


def _overlap(first: Instruction, second: Instruction) -> bool:
    """Whether two vector instructions use different units: memory, arithmetic."""
    memory = [i.part in ("load", "store") for i in (first, second)]
    return bool(_VECTOR.search(first.operands)) and memory[0] != memory[1]


# ---- The list ----

_FLOAT = ((r"vdiv.*|vsqrt.*", 14), (r"vml[as].*|vfm[as].*|vfnm.*|vnml.*", 3), (r"vmov.*, .*", 1))
_M4 = _Single(load=2, store=1, pipelined=True, refill=2, call=2, divide=6, slow=_FLOAT)
_M3_SLOW = ((r"ml[as].*", 2), (r"[su]mull.*", 4), (r"[su]mlal.*", 5))
_M3 = _Single(load=2, store=1, pipelined=True, refill=2, call=2, divide=6, slow=_M3_SLOW)
_M0 = _Single(load=2, store=2, pipelined=False, refill=2, call=3, divide=1)
_M4_RULES = (
    "one cycle an instruction, DSP and multiplications too; division 6 (2 to 12 in the manual)",
    "a load 2, behind another load whose result is not its address 1; a store 1, with a register as offset 2",
    "N registers at once 1 + N, LDRD and STRD too; an address that the instruction before computed: 1 more",
    "a branch that is taken: 2 more (1 to 3 in the manual); VMLA and VFMA 3, VDIV and VSQRT 14",
)
CORES = {
    "cortex-m0": Core(
        "cortex-m0",
        "Cortex-M0 technical reference manual, instruction set summary",
        (
            "one cycle an instruction, MULS too (where the core has the fast multiplier)",
            "a load or store 2, N registers at once 1 + N; a branch that is taken 3, a call 4",
        ),
        _M0,
    ),
    "cortex-m3": Core(
        "cortex-m3",
        "Cortex-M3 technical reference manual, instruction set summary",
        ("as the M4's rules, but MLA 2, SMULL and UMULL 4 (3 to 5), SMLAL and UMLAL 5 (4 to 7)", *_M4_RULES[1:3]),
        _M3,
    ),
    "cortex-m4": Core(
        "cortex-m4",
        "Cortex-M4 technical reference manual, instruction set summary and load/store timings",
        _M4_RULES,
        _M4,
        f"its error: a core takes about 1.2 to 1.3 times as many (wait states, contention); {_BESIDE}",
    ),
    "cortex-m33": Core(
        "cortex-m33",
        "Arm publishes no timings of the Cortex-M33: the Cortex-M4's rules",
        ("pairs of 16-bit instructions, which an M33 may issue together, are not counted on", *_M4_RULES),
        _M4,
        f"its error is not known; {_BESIDE}",
    ),
    "cortex-m7": Core(
        "cortex-m7",
        "Arm publishes no timings of the Cortex-M7: rules that others measured",
        (
            "two neighbours in one cycle unless the second needs the first, both multiply, both store, or it unpacks",
            "LDM, STM, LDRD, STRD and VFP alone; a load's result used at once costs 1 more; branches are predicted",
        ),
        _double,
        f"its error is not known; {_BESIDE}",
    ),
    "cortex-m55": Core(
        "cortex-m55",
        "Armv8.1-M reference manual (beats) and Cortex-M55 technical reference manual (two beats a cycle)",
        (
            "a scalar instruction 1, N registers 1 + N / 2, a load's result used at once 1 more, a taken branch 2 more",
            "a vector instruction 2, behind one of the other kind (memory, arithmetic) 1; LE and LETP 1",
        ),
        _beats,
    ),
}  # fmt: skip
