# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""`nnom bench`: its figures agree with each other and with `nnom run`; what its disassembly and cycles mean."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from nnom import benching, boards, tally
from nnom.cli import main
from nnom.conversion import load
from nnom.cycles import CORES, list_length, results, sources
from nnom.disassembly import PARTS, Instruction, part_of, read_disassembly
from nnom.errors import ToolError

ROOT = Path(__file__).resolve().parent.parent
MODEL = str(ROOT / "examples" / "basic_motions" / "model.keras")
BOARD = boards.boards()["cortex-m4"]
KEYS = ["instructions", "macs", "cycles_estimated", "flash_code", "flash_weights", "ram_total", "stack",
        "output_fnv1a", "layers"]  # fmt: skip
LAYER_KEYS = ["name", "kind", "macs", "instructions", "mix", "cycles_estimated"]


@pytest.fixture
def tools():
    if not shutil.which(BOARD.compiler + "gcc") or not shutil.which(BOARD.emulator):
        pytest.skip(f"sudo apt-get install {BOARD.compiler_packages} {BOARD.emulator_packages}")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The words that name a small quantised model."""
    samples = tmp_path_factory.mktemp("data") / "x.npy"
    shape = load(MODEL).tensors[load(MODEL).inputs[0]].shape
    np.save(samples, np.random.default_rng(0).normal(size=(8, *shape)).astype(np.float32))
    return [MODEL, "--calibration", str(samples)]


def _json(capsys, *words: str) -> dict:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_bench_agrees_with_run(tools, model, capsys):
    found = _json(capsys, "bench", *model, "--board", "cortex-m4")
    ran = _json(capsys, "run", *model, "--board", "cortex-m4")
    assert list(found) == KEYS
    assert found["output_fnv1a"] == ran["outputs"][0]["fnv1a"]
    assert abs(found["instructions"] - ran["board"]["instructions"]) < 40  # the calls around a run
    assert found["stack"] == pytest.approx(ran["board"]["stack_bytes"], abs=64)
    assert found["macs"] == ran["macs"]
    layers = found["layers"]
    assert all(list(layer) == LAYER_KEYS and list(layer["mix"]) == list(PARTS) for layer in layers)
    assert sum(layer["instructions"] for layer in layers) == found["instructions"]
    assert all(sum(layer["mix"].values()) == layer["instructions"] for layer in layers)
    for layer, node in zip(layers, ran["board"]["nodes"], strict=False):
        assert (layer["name"], layer["macs"]) == (node["name"], node["macs"])
        assert 0 <= layer["instructions"] - node["instructions"] <= 8 * 12  # the call of each step
    assert found["instructions"] < found["cycles_estimated"] < 3 * found["instructions"]
    assert found["flash_weights"] >= 9 * 8 * 3 and found["flash_code"] > 1000


def test_time_and_optimisation(tools, model, capsys):
    words = ["bench", *model, "--board", "cortex-m4", "--opt", "size", "--feed", "--mhz", "80"]
    found = _json(capsys, *words, "--wait-states", "4")
    best, worst = found["milliseconds_estimated"]
    assert best == pytest.approx(found["cycles_estimated"] / 80e3) and worst > best
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "estimated time at 80 MHz" in text and "technical reference manual" in text and "mix" in text


def test_without_the_plugin_instructions_remain(tools, model, capsys, monkeypatch):
    def refuse(board):
        raise ToolError("no compiler")

    monkeypatch.setattr(benching, "build_plugin", refuse)
    found = _json(capsys, "bench", *model, "--board", "cortex-m4")
    assert found["cycles_estimated"] is None and found["layers"][0]["mix"] is None
    assert sum(layer["instructions"] for layer in found["layers"]) == found["instructions"] > 0
    assert main(["bench", *model, "--board", "cortex-m4", "-q"]) == 0
    assert "no mix and no cycles: they need the emulator's plugin that counts: no compiler" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--board", "z80"], "--board z80: unknown; the boards are cortex-m0"),
        (["--board", "cortex-m4", "--mhz", "0"], "--mhz 0: expected more than 0"),
        (["--board", "cortex-m4", "--wait-states", "4"], "--wait-states: needs --mhz"),
        (["--board", "cortex-m4", "--mhz", "8", "--wait-states", "-1"], "--wait-states -1: expected 0 or more"),
        (["--board", "cortex-m4", "--input", "lcg:x"], "expected a file or lcg:SEED"),
    ],
)
def test_bad_requests(words, message, capsys):
    assert main(["bench", MODEL, *words]) == 1
    assert message in capsys.readouterr().err


def test_bad_usage():
    for words in ([MODEL], [MODEL, "--board", "cortex-m4", "--opt", "fast"], ["--board", "cortex-m4"]):
        with pytest.raises(SystemExit) as ended:
            main(["bench", *words])
        assert ended.value.code == 2


# ---- Disassembly and cycles ----


@pytest.mark.parametrize(
    ("family", "part", "mnemonics"),
    [
        ("arm", "mac", "mul mla smlad smladx smlabb smmlar smull umull vmla.f32 vmladava.s8 vmlalv.s16 vqrdmulh.s32"),
        ("arm", "load", "ldr ldrb ldrdeq ldmia pop vldrb.s16 vldr vld20.8"),
        ("arm", "store", "str strh stmdb push vstrb.8 vst43.32"),
        ("arm", "unpack", "sxtb16 sxtb uxtab16 pkhbt rev16 ubfx vmovlb.s8 vqmovnb.s16 vrev32.8"),
        ("arm", "alu", "add adds bic bics bfi ssat it asr vadd.i32 vmov vmovne.f32 vhadd.s8 movs cmp lsls"),
        ("arm", "branch", "b beq bl blx bx cbz cbnz tbb le letp wlstp.8 dls"),
        ("rv32", "mac", "mul mulh mulhu"),
        ("rv32", "load", "lw lbu lh"),
        ("rv32", "store", "sw sb"),
        ("rv32", "alu", "add addi li lui slli srai sltu"),
        ("rv32", "branch", "beq bnez j jal jalr ret"),
    ],
)
def test_parts(family, part, mnemonics):
    assert {m: part_of(m, family) for m in mnemonics.split()} == dict.fromkeys(mnemonics.split(), part)


TEXT = """
00000400 <f>:
     400:\tldr.w\tr2, [r0], #4
     404:\tldr\tr3, [r1, #0]
     406:\tsmlad\tr4, r2, r3, r4
     40a:\tsubs\tr5, #1
     40c:\tbne.n\t400 <f>
     40e:\tstmia.w\tr6, {r4, r7-r9, lr}
     412:\tbx\tlr
"""


def _by_hand(core: str) -> int:
    code = read_disassembly(TEXT, "arm")
    runs = dict.fromkeys((0x400, 0x404, 0x406, 0x40A, 0x40C), 10) | dict.fromkeys((0x40E, 0x412), 1)
    return CORES[core].cycles(code, runs, {0x40C: 9, 0x412: 1})


def test_cycles_of_a_loop_by_hand():
    code = read_disassembly(TEXT, "arm")
    assert [i.mnemonic for i in code.values()] == ["ldr", "ldr", "smlad", "subs", "bne", "stmia", "bx"]
    assert [i.end - i.address for i in code.values()] == [4, 2, 4, 2, 2, 4, 4]
    # 10 rounds: 2 loads 2 + 1, SMLAD 1, SUBS 1, BNE 1; 9 times taken 2; STM of 5: 6; BX 1 + 2
    assert _by_hand("cortex-m4") == 10 * (2 + 1 + 1 + 1 + 1) + 9 * 2 + 6 + 3
    # the loads go together, SMLAD waits one cycle for them and takes SUBS along, BNE needs the flags in the same pair
    assert _by_hand("cortex-m7") < _by_hand("cortex-m4")
    assert _by_hand("cortex-m3") == _by_hand("cortex-m4")


def test_registers_of_instructions():
    def one(mnemonic: str, operands: str) -> Instruction:
        return Instruction(0, 4, mnemonic, operands, "f", part_of(mnemonic, "arm"))

    assert results(one("ldrd", "r2, r3, [r0, #8]")) == {"r2", "r3"}
    assert results(one("str", "r2, [r0]")) == set()
    assert sources(one("add", "r2, r3")) == {"r2", "r3"}
    assert sources(one("mla", "r0, r1, r2, r3")) == {"r1", "r2", "r3"}
    assert list_length("sp!, {r0, r4-r7, lr}") == 6


def test_blocks_become_executions():
    phase = tally.Phase([tally.Block(0x400, 3, 5, 2), tally.Block(0x404, 2, 1, 0)])
    after = {0x400: 0x404, 0x404: 0x406, 0x406: 0x40A}
    runs, jumps = tally.executions(phase, after, [range(0x406, 0x40A)])
    assert runs == {0x400: 5, 0x404: 6} and jumps == {}


def test_a_cut_tally_is_refused(tmp_path):
    (tmp_path / "t").write_text("block 1 1024 3 5 2\n")
    with pytest.raises(ToolError, match="plugin"):
        tally.read_tally(tmp_path / "t")
    with pytest.raises(ToolError, match="plugin"):
        tally.read_tally(tmp_path / "missing")


# ---- bench/ ----


@pytest.fixture
def scripts(monkeypatch):
    """The folder bench/ can be imported from."""
    monkeypatch.syspath_prepend(str(ROOT / "bench"))


def test_differences_are_told(scripts):
    import difference

    before = {"instructions": 1000, "cycles_estimated": None, "flash_code": 50, "flash_weights": 9, "ram_total": 4,
              "stack": 3, "output_fnv1a": "0x1", "layers": {"0 Conv2D": 900, "1": 100}}  # fmt: skip
    same = {**before, "instructions": 1005}
    assert difference.changes(before, same) == ["instructions 1,000 -> 1,005 (+0.5%)"]
    assert not difference.is_worse(before, same)
    dearer = {**before, "instructions": 1011, "layers": {"0 Conv2D": 911, "1": 100}}
    assert difference.is_worse(before, dearer)
    assert difference.layer_changes(before, dearer) == ["0 Conv2D 900 -> 911"]
    other = {**before, "output_fnv1a": "0x2"}
    assert difference.is_worse(before, other) and "OTHER BYTES" in difference.changes(before, other)[0]


def test_cells_of_the_table(scripts):
    import performance

    assert performance.cell(3.42, 3.1, 7.23) == "3.42 / 3.10 [7.23]"
    assert performance.cell(0.0502, 0.052, None) == "**0.0502** / 0.0520"
    assert performance.cell(None, 1.0, 2.0) == "not known"
    assert {row["board"] for row in performance.targets()["row"]} == set(boards.boards())


def test_every_kernel_has_a_layer_of_the_bench(scripts):
    """A line of kernels.def that no layer of bench/layers.py could reach would go unmeasured."""
    import kernels
    from layers import LAYERS, RECURRENT

    found = kernels.lines()
    text = (ROOT / "src" / "kernels" / "kernels.def").read_text()
    plain = [k for k in found if f"K({k.operation}, {k.variant}, " in text]  # the others: a line for all cells
    assert len(plain) == len(re.findall(r"\bK\(\w+_\w+, \w+, ", text)) > 20 and len(found) > len(plain)
    reached = {layer.op for layer in (*LAYERS, *RECURRENT)}
    bare = {re.sub(r"_(s8|f32|s16|s4)(_tflite)?(_(sequence|last|whole))?$", "", k.operation) for k in found}
    assert {kernels.GRAPH_NAMES.get(name, name) for name in bare} <= reached
