# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Projects that `nnom convert --for` writes: they build with nothing else, hold only the C that is linked, keep edits.

`make packages` builds those for ecosystems whose tools are rarer.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import nnom
import numpy as np
import pytest
from nnom.boards import boards
from nnom.core import CoreModel
from nnom.errors import NnomError
from nnom.projects import kinds
from nnom.projects.links import linked_by
from nnom.run_library import library_archive, library_root

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
MOTIONS, GRU = EXAMPLES / "basic_motions" / "model.keras", EXAMPLES / "uci_har_gru" / "model.keras"
SHAPES = {MOTIONS: (100, 6), GRU: (128, 9)}


def call(*command: object, cwd: Path) -> str:
    done = subprocess.run([str(w) for w in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def project(model: Path, name: str, kind: str, folder: Path, **options: object) -> nnom.Conversion:
    x = np.random.default_rng(1).normal(size=(16, *SHAPES[model])).astype(np.float32)
    return nnom.convert(model, x, name=name, out=folder, project=kind, method="minmax", **options)


def said(core: CoreModel, name: str) -> list[str]:
    """What a project's main prints of a model that reads zeros."""
    (port,), (out,) = core.inputs, core.outputs
    zeros = port.quantize(np.zeros((1, *port.shape), np.float32))
    values = out.dequantize(core.run([zeros])[0]).reshape(-1)
    best = int(values.argmax())
    return [f"{name}: self test passed", f"{name}: class {best}, {int(np.float32(1000) * values[best])}/1000"]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A project for make with two models, the second fed row by row; what it shall print."""
    folder = tmp_path_factory.mktemp("two") / "made"
    first = project(MOTIONS, "motions", "make", folder)
    second = project(GRU, "steps", "make", folder, plan=nnom.Plan(feed=True))
    whole = nnom.convert(GRU, np.random.default_rng(1).normal(size=(16, 128, 9)).astype(np.float32), method="minmax")
    assert second.project is not None and not second.project.kept
    return folder, said(first.core, "motions") + said(whole.core, "steps")


def test_make_on_this_computer(two: tuple[Path, list[str]]):
    folder, expected = two
    warnings = "-Wall -Wextra -Wpedantic -Wconversion -Werror"
    call("make", "-j2", f"OPT=-O1 {warnings}", "build/main", cwd=folder)
    assert call("make", "-s", "run", cwd=folder).splitlines() == expected


def test_make_on_an_emulated_board(two: tuple[Path, list[str]]):
    if not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")):
        pytest.skip("run: sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm")
    folder, expected = two
    assert call("make", "-s", "emulate", cwd=folder).splitlines() == expected


def test_cmake(tmp_path: Path):
    if not shutil.which("cmake"):
        pytest.skip("run: sudo apt-get install cmake")
    c = project(MOTIONS, "motions", "cmake", tmp_path)
    call("cmake", "-B", "build", cwd=tmp_path)
    call("cmake", "--build", "build", "-j", "2", cwd=tmp_path)
    assert call("build/main", cwd=tmp_path).splitlines() == said(c.core, "motions")


def test_wasm_has_the_same_bytes(tmp_path: Path):
    runtime = list(Path("/usr/lib/llvm-14/lib/clang").glob("*/lib/wasi/*builtins-wasm32.a"))
    if not (runtime and shutil.which("wasm-ld") and Path("/usr/lib/wasm32-wasi").exists() and shutil.which("node")):
        pytest.skip("run: sudo apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32 nodejs")
    c = project(MOTIONS, "motions", "wasm", tmp_path)
    x = np.random.default_rng(2).normal(size=(50, 100, 1, 6)).astype(np.float32)
    (tmp_path / "x.bin").write_bytes(x.tobytes())
    call("make", "-j2", cwd=tmp_path)
    assert call("node", "test.mjs", "x.bin", cwd=tmp_path).splitlines() == said(c.core, "motions")
    (expected,) = c.core.run_many([c.core.inputs[0].quantize(x)])
    assert (tmp_path / "x.bin.out").read_bytes() == expected.tobytes()


def test_every_kind_is_written(tmp_path: Path):
    """Its files are there, none holds a place without value, XML and TOML of the table fit."""
    c = project(MOTIONS, "motions", "make", tmp_path / "make")
    for kind in kinds().values():
        c = project(MOTIONS, "motions", kind.name, tmp_path / kind.name)
        assert c.project is not None and c.paths == c.project.paths and all(path.is_file() for path in c.paths)
        for path in c.paths:
            text = path.read_bytes()
            assert b"@@" not in text and (b'"model.h"' not in text), path
        names = {path.name for path in c.paths}
        assert {"motions.c", "motions.h", "LICENSE", "COPYING.LESSER"} <= names
        assert not names & {"freeze.c", "compile.c", "planner.c", "builder.c", "model.c"}, "what only building needs"


# ---- Edits stay ----


def test_edits_stay_and_models_join(tmp_path: Path):
    project(MOTIONS, "motions", "make", tmp_path)
    app = tmp_path / "motions_app.c"
    edited = app.read_text().replace("return 0.0f;", "return 1.0f;") + "/* nnom_print_layers */\n"
    app.write_text(edited.replace("/* nnom_print_layers */", "void *f = (void *)nnom_print_layers;"))
    frozen = (tmp_path / "motions.c").read_text()
    (tmp_path / "motions.c").write_text("changed")
    c = project(MOTIONS, "motions", "make", tmp_path)
    assert c.project is not None and c.project.kept == [app] and "return 1.0f;" in app.read_text()
    assert (tmp_path / "motions.c").read_text() == frozen
    assert (tmp_path / "nnom" / "src" / "run" / "print.c").is_file(), "what the edit links came, too"
    app.write_text(edited)
    project(MOTIONS, "motions", "make", tmp_path)
    assert not (tmp_path / "nnom" / "src" / "run" / "print.c").exists()


def test_a_file_of_others_stays(tmp_path: Path):
    (tmp_path / "Makefile").write_text("mine:\n")
    c = project(MOTIONS, "motions", "make", tmp_path)
    assert c.project is not None and c.project.kept == [tmp_path / "Makefile"]
    assert (tmp_path / "Makefile").read_text() == "mine:\n"


# ---- What is refused ----


def test_refusals(tmp_path: Path):
    with pytest.raises(NnomError, match="project 'make': give `out`"):
        nnom.convert(MOTIONS, project="make")
    with pytest.raises(NnomError, match="project 'rust': expected one of make, cmake"):
        nnom.convert(MOTIONS, project="rust", out=tmp_path)
    project(MOTIONS, "motions", "make", tmp_path)
    with pytest.raises(NnomError, match="holds a project for make; give another folder for cmake"):
        project(MOTIONS, "motions", "cmake", tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for name in ("motions_app", "Motions"):
        with pytest.raises(NnomError, match=f"name '{name}': its file .* would be one of model 'motions'"):
            project(MOTIONS, name, "make", tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "nnom.json").write_text("{}")
    with pytest.raises(NnomError, match="nnom.json: cannot be read"):
        project(MOTIONS, "motions", "make", tmp_path)


def test_state_cannot_remove_files_elsewhere(tmp_path: Path):
    folder = tmp_path / "made"
    project(MOTIONS, "motions", "make", folder)
    victim = tmp_path / "victim"
    victim.write_text("here")
    state = json.loads((folder / "nnom.json").read_text())
    state["files"]["nnom/../../victim"] = "0"
    (folder / "nnom.json").write_text(json.dumps(state))
    project(MOTIONS, "motions", "make", folder)
    assert victim.read_text() == "here"


# ---- Only the C that is linked ----

MAIN = '#include "model.h"\nint main(void)\n{\n    return NAME_selftest();\n}\n'


Objects = Callable[[str], dict[str, Path]]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """The library for a board, an object for each .c file, by its name."""

    @functools.cache
    def of(name: str) -> dict[str, Path]:
        board = boards()[name]
        if not shutil.which(board.compiler + "gcc"):
            pytest.skip("run: sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi")
        folder = tmp_path_factory.mktemp("objects")
        call(board.compiler + "ar", "x", library_archive(board, "-O2"), cwd=folder)
        return {path.stem.partition("_")[2]: path for path in folder.glob("*.o")}

    return of


def link(name: str, source: str, header: str, objects: Objects, folder: Path, board_name: str = "cortex-m4") -> None:
    """A frozen model with just the files of its list; each of them is needed."""
    folder.mkdir()
    main = MAIN.replace("NAME", name)
    for file, text in {"model.c": source, "model.h": header, "main.c": main}.items():
        (folder / file).write_text(text)
    files = [f for f in linked_by(source, main) if f.endswith(".c")]
    board = boards()[board_name]
    needed = [objects(board_name)[Path(f).stem] for f in files]
    sizes = call(board.compiler + "size", *needed, cwd=folder).splitlines()[1:]
    is_empty = {f for f, line in zip(files, sizes, strict=True) if line.split()[0] == "0"}  # it is for other cores
    includes = [f"-I{library_root() / part}" for part in ("include", "port")]
    flags = [*board.cpu, *board.libc, "-std=c99", "-O2", "-ffunction-sections", "-fdata-sections", *includes]
    options = ["-Wl,--gc-sections", "-Wl,-Map=map", "-nostartfiles", "-Wl,-emain", "-lm"]
    call(board.compiler + "gcc", *flags, "main.c", "model.c", *needed, *options, "-o", "out", cwd=folder)
    kept = (folder / "map").read_text().partition("Linker script and memory map")[2]
    used = {m[2] for m in re.finditer(r"0x0*[1-9a-f][0-9a-f]*\s+0x([1-9a-f][0-9a-f]*)\s+(\S+\.o)\n", kept)}
    unused = [f for f, o in zip(files, needed, strict=True) if str(o) not in used and f not in is_empty]
    assert not unused, f"{name}: {unused}"


@pytest.mark.parametrize("name", sorted(p.parent.name for p in EXAMPLES.glob("*/model.c")))
def test_examples_link_with_their_list(name: str, objects: Objects, tmp_path: Path):
    texts = [(EXAMPLES / name / f"model.{end}").read_text() for end in "ch"]
    link(name, *texts, objects, tmp_path / name)


TARGETS = [
    ("cortex-m4", "dsp", "default"),
    ("cortex-m4", "dsp", "speed"),
    ("cortex-m4", "packed", "speed"),
    ("cortex-m55", "mve", "default"),
]


@pytest.mark.parametrize(("board", "target", "optimize"), TARGETS)
def test_targets_link_with_their_list(board: str, target: str, optimize: str, objects: Objects, tmp_path: Path):
    x = np.random.default_rng(1).normal(size=(8, 100, 6)).astype(np.float32)
    plan = nnom.Plan(target=target, optimize=optimize)
    wide = ["conv1"] if optimize == "default" else ()
    c = nnom.convert(MOTIONS, x, name="motions", method="minmax", plan=plan, int16=wide)
    link("motions", c.source, c.header, objects, tmp_path / target, board)
