# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The rooms of the C sources: what each may include, how long files and functions are, what frozen firmware links."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nnom import boards
from nnom.audio import FixedFeatures, FloatFeatures
from nnom.conversion import Plan, prepare
from nnom.run_library import library_archive, library_root, library_sources, link_flags
from nnom.running import build_frozen

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "tools" / "house.py"


def _house(root: Path) -> tuple[int, dict]:
    done = subprocess.run(
        [sys.executable, HOUSE, "--json", "--root", root], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, json.loads(done.stdout)


def test_the_house_is_in_order():
    code, found = _house(ROOT)
    assert (code, found["against"], found["too_long"], found["shared"]) == (0, [], [], [])
    rooms = {r["folder"]: r for r in found["rooms"]}
    assert {"src/build", "src/plan", "src/freeze", "src/run", "src/layers", "src/kernels/ref", "src/features"} <= set(
        rooms
    )
    # Each function is seen: its body begins with a brace alone at the left edge.
    for name in ("src/plan", "src/run", "src/layers", "src/features"):
        braces = sum(p.read_text().split("\n").count("{") for p in (ROOT / name).glob("*.[ch]"))
        assert rooms[name]["functions"] == braces


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("plan/plan.c", "../build/builder.h"),
        ("plan/plan.c", "nnom.h"),
        ("run/run.c", "../build/builder.h"),
        ("run/run.c", "nnom_tools.h"),
        ("kernels/ref/patch.c", "../../layers/window_layer.h"),
        ("build/layer.c", "../layers/window_layer.h"),
        ("layers/pool.c", "../plan/plan.h"),
        ("features/stream.c", "../run/window.h"),
        ("features/stream.c", "nnom.h"),
    ],
)
def test_a_wrong_include_is_found(tmp_path, file, include):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    (tmp_path / "include").mkdir()
    path = tmp_path / "src" / file
    path.write_text(f'#include "{include}"\n' + path.read_text())
    code, found = _house(tmp_path)
    assert code == 1 and [(a["file"], a["include"]) for a in found["against"]] == [(f"src/{file}", include)]


def test_long_functions_and_files_are_found(tmp_path):
    folder = tmp_path / "src" / "run"
    folder.mkdir(parents=True)
    (tmp_path / "include").mkdir()
    (folder / "long.c").write_text("int f(int a,\n      int b)\n{\n" + "    a += b;\n" * 46 + "    return a;\n}\n")
    assert _house(tmp_path)[0] == 1  # 51 lines
    text = (folder / "long.c").read_text().replace("    a += b;\n", "", 1)
    (folder / "long.c").write_text(text)
    assert _house(tmp_path)[0] == 0
    (folder / "long.c").write_text(text + "\n" * 351)
    assert _house(tmp_path)[1]["too_long"] == ["src/run/long.c: 401 lines"]


def test_static_functions_carry_their_subject(tmp_path):
    (tmp_path / "include").mkdir()
    for name in ("one", "two"):
        (tmp_path / "src" / name).mkdir(parents=True)
        (tmp_path / "src" / name / f"{name}.c").write_text(f"static int build(void)\n{{\n    return {name};\n}}\n")
    code, found = _house(tmp_path)
    assert code == 1 and found["shared"] == ["build: src/one/one.c, src/two/two.c"]


# ---- What frozen firmware links ----

BOARD = boards.boards()["cortex-m4"]
FROZEN = ("run", "layers", "kernels")
# An input section that stays: its address is not 0. Long names stand on a line of their own.
SECTION = re.compile(r"^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) \S*libnnom\S*\((\d+)_(\w+)\.o\)$", re.MULTILINE)
ALL_OPERATIONS = """#include "nnom_run.h"
#define ONE(name) extern const nnom_op_t name;
OPERATIONS(ONE)
#undef ONE
#define ONE(name) &name,
static const nnom_op_t *const all[] = {OPERATIONS(ONE)};
int main(int argc, char **argv)
{
    (void)argv;
    return all[argc]->flags;
}
"""


@pytest.fixture(scope="module")
def compiler():
    if not shutil.which(BOARD.compiler + "gcc"):
        pytest.skip(f"sudo apt-get install {BOARD.compiler_packages}")


def _linked(folder: Path) -> dict[str, set[str]]:
    """Source file of the library: its sections that the linker kept."""
    text = (folder / "build" / "firmware.map").read_text()
    kept = text[text.index("Linker script and memory map") :]
    files, _ = library_sources()
    found: dict[str, set[str]] = {}
    for name, address, size, number, stem in SECTION.findall(re.sub(r"(?m)^( \.\S+)\n +0x", r"\1 0x", kept)):
        source = files[int(number)]
        assert source.stem == stem
        if int(address, 16) and int(size, 16) and not name.startswith((".debug", ".comment", ".ARM")):
            found.setdefault(source.relative_to(library_root() / "src").as_posix(), set()).add(name)
    return found


def _strangers(linked: dict[str, set[str]]) -> dict[str, set[str]]:
    return {file: names for file, names in linked.items() if file.split("/")[0] not in FROZEN}


def test_a_frozen_model_links_no_builder(compiler, tmp_path):
    sample = np.random.default_rng(5).normal(0, 0.5, (4, 128, 9)).astype(np.float32)
    graph = prepare(ROOT / "examples" / "uci_har" / "model.keras", sample, "minmax").graph
    build_frozen(Plan().compile(graph), BOARD, tmp_path, "-Os")
    linked = _linked(tmp_path)
    assert not _strangers(linked)
    assert {"run/run.c", "layers/softmax.c"} <= set(linked)


def test_operations_need_no_builder(compiler, tmp_path):
    """Every operation of the library, frozen or not."""
    archive = library_archive(BOARD, "-Os")
    listed = subprocess.run([BOARD.compiler + "nm", archive], capture_output=True, text=True, check=True, timeout=60)
    names = sorted(set(re.findall(r" R (nnom_\w+_op)$", listed.stdout, re.MULTILINE)))
    assert len(names) > 80
    source = tmp_path / "main.c"
    text = "\\\n".join(f"    ONE({n}) " for n in names)
    source.write_text(f"#define OPERATIONS(ONE) {text}\n{ALL_OPERATIONS}")
    includes = library_sources()[1]
    boards.build(BOARD, [source], includes, {}, tmp_path / "build", "-Os", tuple(link_flags(archive)))
    linked = _linked(tmp_path)
    assert not _strangers(linked)
    assert {"layers/softmax.c", "kernels/ref/conv2d_s8.c", "run/window.c"} <= set(linked)


def test_the_map_shows_a_builder(compiler, tmp_path):
    source = tmp_path / "main.c"
    source.write_text("void nnom_compile(void);\nint main(void)\n{\n    nnom_compile();\n    return 0;\n}\n")
    extra = tuple(link_flags(library_archive(BOARD, "-Os")))
    boards.build(BOARD, [source], [], {}, tmp_path / "build", "-Os", extra)
    assert {"build/compile.c", "plan/schedule.c"} <= set(_strangers(_linked(tmp_path)))


MICROPHONE = """#include "ears.h"
static uint32_t memory[(EARS_BYTES + 3) / 4];
int main(void)
{
    static const int16_t samples[EARS_WINDOW] = {1};
    nnom_audio_stream_t stream;
    const void *row;
    if (nnom_audio_start(&stream, &ears, memory, sizeof memory) != NNOM_OK) {
        return 1;
    }
    (void)nnom_audio_push(&stream, samples, EARS_WINDOW, &row);
    return row == NULL;
}
"""


@pytest.mark.parametrize(("features", "row"), [(FixedFeatures(), "fixed"), (FloatFeatures(power=1), "float")])
def test_features_of_sound_link_nothing_else(compiler, tmp_path, features, row):
    """A front end written as C needs its arithmetic: no tables are made, no other room is touched."""
    features.write_c(tmp_path, "ears")
    (tmp_path / "main.c").write_text(MICROPHONE)
    includes, archive = [tmp_path, *library_sources()[1]], library_archive(BOARD, "-Os")
    sources = [tmp_path / "main.c", tmp_path / "ears.c"]
    elf = boards.build(BOARD, sources, includes, {}, tmp_path / "build", "-Os", tuple(link_flags(archive)))
    linked = set(_linked(tmp_path))
    assert {"features/stream.c", f"features/{row}_row.c", f"features/fft_{row}.c"} <= linked
    assert all(re.fullmatch(rf"features/(stream|{row}_(?!make)\w+|fft_{row})\.c", file) for file in linked)
    assert boards.run(BOARD, elf, tmp_path).exit_code == 0
