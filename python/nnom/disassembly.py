# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""A board's program as instructions, each with its part in the mix: MAC, load, store, unpack, ALU, branch.

code = read_disassembly(boards.disassemble(board, elf), board.family)
code[0x8000].part
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PARTS = ("mac", "load", "store", "unpack", "alu", "branch")

_FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_LINE = re.compile(r"^\s*([0-9a-f]+):\t([a-z][\w.]*)(?:\s+(.*))?$")
_CONDITION = "(?:eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)?"

# The first rule that matches the mnemonic decides. mac: every multiplication, with or without addition.
# unpack: what widens, narrows, reverses or gathers bytes and halfwords without computing.
_RULES = {
    "arm": (
        ("branch", rf"(?:b|bl|blx|bx){_CONDITION}|bl?xns|cbn?z|tb[bh]|le|letp|wls.*|dls.*|lctp"),
        ("load", r"ldr.*|ldm.*|pop.*|vldr.*|vldm.*|vpop.*|vld[24].*"),
        ("store", r"str.*|stm.*|push.*|vstr.*|vstm.*|vpush.*|vst[24].*"),
        ("mac", r"mul.*|ml[as].*|sml.*|smu.*|smm.*|uml.*|umu.*|umaal.*|vml[as].*|vmul.*|vfm.*|vfn.*|vnm.*|vq?r?dmul.*"),
        ("mac", r"vrmulh.*|vq?r?dml.*|vrml.*"),
        ("unpack", r"sxt.*|uxt.*|pkh.*|rev.*|sbfx.*|ubfx.*"),
        ("unpack", r"vmovl.*|vmovn[bt]|vqmovu?n.*|vshll.*|vrev.*|vq?r?shru?n.*"),
    ),
    "rv32": (
        ("branch", r"b[a-z]+|j|jal|jr|jalr|ret|call|tail"),
        ("load", r"l[bhw]u?|fl[wd]"),
        ("store", r"s[bhw]|fs[wd]"),
        ("mac", r"mul.*"),
        ("unpack", r"[sz]ext\..*"),
    ),
}  # fmt: skip
_COMPILED = {family: [(part, re.compile(rule)) for part, rule in rules] for family, rules in _RULES.items()}


@dataclass(frozen=True)
class Instruction:
    """One instruction. mnemonic: without .w and .n; operands: as objdump prints them; end: address behind it."""

    address: int
    end: int
    mnemonic: str
    operands: str
    function: str
    part: str


def part_of(mnemonic: str, family: str) -> str:
    """One of PARTS."""
    bare = mnemonic.split(".")[0]
    return next((part for part, rule in _COMPILED[family] if rule.fullmatch(bare)), "alu")


def read_disassembly(text: str, family: str) -> dict[int, Instruction]:
    """Instructions by address. The end of the last one of a function is taken to be the next function's begin."""
    found: list[tuple[int, str, str, str]] = []
    function = ""
    for line in text.splitlines():
        head = _FUNCTION.match(line)
        match = None if head else _LINE.match(line)
        if head:
            function = head[1]
        elif match:
            mnemonic = re.sub(r"\.[wn]$", "", match[2])
            operands = re.split(r"\s*[;@#] ?[0-9a-f]*x?[0-9a-f]* <|\s*[;@] ", match[3] or "")[0].strip()
            found.append((int(match[1], 16), mnemonic, operands, function))
    ends = [row[0] for row in found[1:]] + [found[-1][0] + 4 if found else 0]
    return {
        address: Instruction(address, end if end - address in (2, 4) else address + 4, mnemonic, operands, where,
                             part_of(mnemonic, family))
        for (address, mnemonic, operands, where), end in zip(found, ends, strict=True)
    }  # fmt: skip
