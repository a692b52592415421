# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Messages carry data: settings are named by who shows them, and no file below the command line knows an option."""

from __future__ import annotations

import argparse
import ast
import copy
import inspect
import pickle
import re
from pathlib import Path

import nnom
import numpy as np
import pytest
from nnom import cli
from nnom.cli.names import OPTIONS, told
from nnom.cli.options import parser
from nnom.core import CoreModel
from nnom.errors import DataError, InternalError, TooSmall, UnsupportedError
from nnom.messages import Setting, Text, shown

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "examples" / "basic_motions" / "model.keras"
PACKAGE = ROOT / "python" / "nnom"


def _options() -> set[str]:
    top = parser()
    commands = next(a for a in top._actions if isinstance(a, argparse._SubParsersAction)).choices.values()
    return {s for p in (top, *commands) for a in p._actions for s in a.option_strings}


def _strings(path: Path) -> list[str]:
    return [
        n.value
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]


def test_no_file_below_the_command_line_knows_an_option():
    options = _options() - {"--help", "--version"}  # those of compilers and linkers are others' words
    for path in PACKAGE.rglob("*.py"):
        if "cli" in path.relative_to(PACKAGE).parts:
            continue
        for text in _strings(path):
            words = options & set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text))
            assert not words, f"{path.relative_to(ROOT)}: {words}"


def test_nothing_below_the_command_line_imports_it():
    for path in PACKAGE.rglob("*.py"):
        if "cli" not in path.relative_to(PACKAGE).parts and path.name not in ("__main__.py", "legacy.py"):
            names = [n.module or "" for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
            assert not [n for n in names if n.split(".")[0] == "cli"], path


def test_every_setting_has_an_option_and_an_argument():
    arguments = {"calibration data"}  # x of convert, calibration elsewhere
    for function in (nnom.convert, nnom.run, nnom.validate, nnom.search, nnom.Plan):
        arguments |= set(inspect.signature(function).parameters)
    assert set(OPTIONS) == set(Setting) and set(OPTIONS.values()) <= _options()
    assert {s.value.split("=")[0] for s in Setting} <= arguments


def test_messages_are_data():
    text = Text("a\x1b ", Setting.FEED, Text(" or ", Setting.METHOD))
    assert text == "a\x1b feed=True or method" and told(text) == "a\x1b --feed or --method"
    assert shown(text) == "a\\x1b feed=True or method" and told("plain") == "plain"
    for copied in (pickle.loads(pickle.dumps(text)), copy.deepcopy(text)):
        assert copied == text and copied.parts == text.parts
    error = UnsupportedError(Text("b: ", Setting.INT8_IO), lines=["l\n", Text("m ", Setting.BOARD)])
    assert (
        str(error) == "b: int8_io=True\n  l\\n\n  m board" and told(error.text) == "b: --int8-io\n  l\\n\n  m --board"
    )
    assert str(DataError()) == "" and str(pickle.loads(pickle.dumps(DataError(text)))) == shown(text)


CASES = {
    "calibration": (lambda: nnom.convert(MODEL), ["convert", str(MODEL)], "give {}, some", Setting.CALIBRATION),
    "board": (
        lambda: nnom.run(MODEL, None, board="z80"),
        ["run", str(MODEL), "--board", "z80"],
        "{} z80",
        Setting.BOARD,
    ),
    "feed": (
        lambda: nnom.plan(MODEL, nnom.Plan(ram=300)),
        ["plan", str(MODEL), "--ram", "300"],
        "({}) may need less",
        Setting.FEED,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_python_and_the_command_name_what_they_have(capsys, case):
    call, words, text, setting = CASES[case]
    with pytest.raises(nnom.NnomError) as error:
        call()
    assert text.format(setting.value) in str(error.value)
    assert cli.main(words) == 1
    assert text.format(OPTIONS[setting]) in capsys.readouterr().err


def test_too_small_tells_bytes_and_layer():
    graph = nnom.load(MODEL)
    least = CoreModel(graph, mode="smallest").totals.arena_bytes
    with pytest.raises(TooSmall) as error:
        CoreModel(graph, mode="auto", arena_bytes=least - 4)
    e = error.value
    assert (e.least, e.budget) == (least, least - 4) and e.layer in {n.name for n in graph.nodes} and not e.fed
    assert CoreModel(graph, mode="auto", arena_bytes=e.least).totals.arena_bytes == least
    whole = CoreModel(graph).totals.arena_bytes
    with pytest.raises(TooSmall) as error:
        CoreModel(graph, memory=np.zeros(whole - 4, np.uint8))
    assert (error.value.least, error.value.budget, error.value.layer) == (whole, whole - 4, "")


def test_a_wrong_shape_in_the_graph_is_named():
    graph = copy.deepcopy(nnom.load(MODEL))
    node = graph.nodes[0]
    h, w, c = graph.tensors[node.output].shape
    graph.tensors[node.output].shape = (h + 1, w, c)
    with pytest.raises(InternalError, match=f"internal error.*layer '{node.name}'.*{h + 1}, {w}, {c}"):
        CoreModel(graph)
