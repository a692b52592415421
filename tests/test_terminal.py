# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""What users see: every command in pseudo-terminals of several widths and encodings, names with control characters."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import struct
import sys
import termios
import threading
import tty
from pathlib import Path

import numpy as np
import pytest
from nnom import cli
from nnom.boards import boards
from nnom.cli import printing
from nnom.cli.terminal import Table
from nnom.core import CoreModel
from nnom.graph import Graph, Node, Weight
from nnom.page import page
from nnom.planning import survey
from nnom.quantise import sketch
from nnom.text import visible
from rich.cells import cell_len

os.environ.setdefault("KERAS_BACKEND", "jax")

ROOT = Path(__file__).resolve().parent.parent
MODEL = str(ROOT / "examples" / "digits_resnet" / "model.keras")
SHAPE = (8, 8, 1)
WIDTHS = (60, 80, 120, 200)
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A pseudo-terminal as sys.stdout and sys.stderr; `text`: all that was written to it."""

    def __init__(self, monkeypatch, columns: int, encoding: str = "utf-8"):
        self._monkeypatch, self._columns, self._encoding = monkeypatch, columns, encoding
        self.text = ""

    def run(self, *arguments: object) -> int:
        master, slave = pty.openpty()
        tty.setraw(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, self._columns, 0, 0))
        written = bytearray()
        reader = threading.Thread(target=self._read, args=(master, written))
        reader.start()
        screen = open(slave, "w", encoding=self._encoding, newline="\n")  # noqa: SIM115 closed below
        with self._monkeypatch.context() as patch:
            patch.delenv("COLUMNS", raising=False)
            patch.delenv("NO_COLOR", raising=False) if "NO_COLOR" not in os.environ else None
            patch.setenv("TERM", "xterm")
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stderr", screen)
            try:
                code = cli.main([str(a) for a in arguments])
            except SystemExit as e:
                code = int(e.code or 0)
            finally:
                screen.close()
        reader.join()
        os.close(master)
        self.text = written.decode(self._encoding)
        return code

    @staticmethod
    def _read(master: int, into: bytearray) -> None:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                return
            if not data:
                return
            into += data

    @property
    def lines(self) -> list[str]:
        """Without styles."""
        return STYLE.sub("", self.text).replace("\r", "\n").split("\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[str, str]:
    """Files x [12, 8, 8, 1] and y [12]."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(4)
    np.save(folder / "x.npy", rng.normal(0, 0.5, (12, *SHAPE)).astype(np.float32))
    np.save(folder / "y.npy", rng.integers(0, 10, 12))
    return {"x": str(folder / "x.npy"), "y": str(folder / "y.npy"), "out": str(folder / "out")}


def commands(data: dict[str, str]) -> dict[str, list[str]]:
    calibration = ["--calibration", data["x"], "--method", "minmax"]
    samples = ["--data", data["x"]]
    return {
        "convert": [MODEL, *calibration, "--labels", data["y"], "-o", data["out"], "--report-shrink"],
        "evaluate": [MODEL, *samples, "--labels", data["y"], *calibration],
        "run": [MODEL, *calibration],
        "inspect": [MODEL],
        "plan": [MODEL],
        "report": [MODEL, "-o", f"{data['out']}.html"],
        "validate": [MODEL, *samples, *calibration, "--samples", "2"],
        "boards": [],
        "library": [],
    }


COMMANDS = tuple(commands({"x": "", "y": "", "out": ""}))


def shapes(values: list[dict]) -> set[str]:
    return {"x".join(map(str, v["shape"])) for v in values}


def numbers(values: list[dict], *keys: str) -> set[str]:
    return {f"{v[key]:,}" for v in values for key in keys}


def wanted(command: str, document) -> set[str]:
    """What of the answer as JSON must stand whole on the screen."""
    if command == "inspect":
        rows = document["layers"]
        kinds = {n["op"] if n["activation"] == "none" else f"{n['op']}+{n['activation']}" for n in rows}
        return kinds | shapes(rows) | shapes(document["inputs"]) | numbers(rows, "macs", "weight_bytes")
    if command == "plan":
        points = {f"{p['ram_total']:,}" for p in document["curve"]} | {f"{p['cost']:.2%}" for p in document["curve"]}
        return points | shapes(document["layers"]) | numbers(document["layers"], "macs", "bytes")
    if command == "convert":
        ran = [n for n in document["layers"] if n["node"] is not None and n["lies_in"] is None]
        db = {printing.decibels(n["sqnr"]) for n in document["layers_sqnr"]}
        return shapes(ran) | numbers(ran, "macs", "weight_bytes", "output_bytes") | db
    if command == "evaluate":
        return {str(v) for row in document["confusion"] for v in row} | {f"{document['accuracy']:.2%}"}
    if command == "run":
        return {o["fnv1a"] for o in document["outputs"]} | shapes(document["outputs"])
    if command == "validate":
        return {f"{c['cosine']:.6f}" for c in document["comparisons"]} | set(document["runtimes"])
    if command == "boards":
        return {b["name"] for b in document} | {f"-mcpu={b['name']}" for b in document if b["name"] != "rv32"}
    return set()


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_cut(monkeypatch, capsys, data, command):
    """At every width all numbers, shapes, kinds and names of boards stand whole, and no line of words is too long."""
    if command == "validate":
        pytest.importorskip("keras")
    words = [command, *commands(data)[command]]
    if command == "boards":
        monkeypatch.setattr("shutil.which", lambda _: None)  # their tools are missing: the longest rows
    assert cli.main([*words, "--json"]) == 0
    expected = wanted(command, json.loads(capsys.readouterr().out))
    for width in WIDTHS:
        screen = Terminal(monkeypatch, width)
        assert screen.run(*words) == 0, screen.text
        seen = set(re.split(r"[\s,;:]*\s[\s,;:]*", "\n".join(screen.lines))) | set("\n".join(screen.lines).split())
        missing = {e for e in expected if e not in seen and (" " not in e or e not in "\n".join(screen.lines))}
        assert not missing, (width, missing, screen.text)
        long = [line for line in screen.lines if cell_len(line) > width and len(line.split()) > 4]
        assert not [line for line in long if "wrote" not in line], (width, long)


def test_no_color_and_pipes_are_plain(monkeypatch, capsys):
    screen = Terminal(monkeypatch, 80)
    assert screen.run("inspect", MODEL) == 0 and "\x1b[1m" in screen.text
    monkeypatch.setenv("NO_COLOR", "1")
    assert screen.run("inspect", MODEL) == 0 and "\x1b" not in screen.text
    assert cli.main(["inspect", MODEL]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_terminals_that_are_not_utf8(monkeypatch, encoding):
    screen = Terminal(monkeypatch, 80, encoding)
    assert screen.run("plan", MODEL) == 0
    assert screen.text.isascii() and "* this plan" in screen.text and "----" in screen.text


@pytest.mark.parametrize("command", COMMANDS)
def test_quiet_is_short(monkeypatch, capsys, data, command):
    """No table, no progress bar; still an answer."""
    if command == "validate":
        pytest.importorskip("keras")
    words = [w for w in commands(data)[command] if w != "--report-shrink"]
    screen = Terminal(monkeypatch, 120)
    assert screen.run(command, *words, "--quiet") == 0
    rows = [line for line in screen.lines if line.strip()]
    assert 1 <= len(rows) <= 12, screen.text
    if command not in ("validate", "inspect"):
        assert "───" not in screen.text and "\x1b[?25l" not in screen.text
    if command == "boards":
        assert rows == list(boards())


def test_help_fits(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for command in COMMANDS:
        screen = Terminal(monkeypatch, 80)
        assert screen.run(command, "--help") == 0 and f"example:\n  nnom {command}" in screen.text


# ---- Tables ----


def test_names_give_way_first_and_then_rows_wrap():
    t = Table("title", "~layer", "shape", "<kind", "MACs")
    t.add_row("model/block/a_long_name_of_a_layer", "128x128x3", "conv2d+relu", "1,234,567")
    whole, cut, wrapped = t.lines(80), t.lines(60), t.lines(30)
    assert whole[-1].split() == ["model/block/a_long_name_of_a_layer", "128x128x3", "conv2d+relu", "1,234,567"]
    assert cut[-1].split()[1:] == ["128x128x3", "conv2d+relu", "1,234,567"] and cut[-1].startswith("…")
    assert cut[-1].split()[0].lstrip("…") in "model/block/a_long_name_of_a_layer"
    assert max(map(len, wrapped)) <= 30 and "1,234,567" in " ".join(wrapped).split()
    assert {"128x128x3", "conv2d+relu"} <= set(" ".join(wrapped).split())


def test_wide_characters_are_counted():
    t = Table("", "~layer", "MACs")
    t.add_row("層" * 40, "12")
    assert all(cell_len(line) <= 40 for line in t.lines(40)) and t.lines(40)[-1].endswith("12")
    assert "\\u5c64" in t.lines(40, "ascii")[-1]


# ---- Names with control characters ----

EVIL = "a\x1b]0;owned\x07\x9b31m\u202ename\r\n<script>"


def evil_graph() -> Graph:
    """input -> Dense -> output, all called EVIL."""
    rng = np.random.default_rng(1)
    graph = Graph(name="evil", source=f"{EVIL}.tflite")
    from nnom.graph import Tensor

    graph.add_tensor(Tensor(f"in{EVIL}", (1, 1, 4)))
    graph.inputs = [f"in{EVIL}"]
    weights = {"weights": Weight(rng.normal(size=(3, 4)).astype(np.float32)), "bias": Weight(np.zeros(3, np.float32))}
    graph.add(Node("dense", EVIL, graph.inputs, EVIL, weights=weights), (1, 1, 3))
    graph.outputs = [EVIL]
    return graph


def is_clean(text: str) -> bool:
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_visible():
    assert visible("Zoë 層/conv2d:0") == "Zoë 層/conv2d:0"
    assert visible(EVIL) == "a\\x1b]0;owned\\x07\\x9b31m\\u202ename\\r\\n<script>"
    assert visible("a\nb\x1b", lines=True) == "a\nb\\x1b" and visible("\udcff") == "\\udcff"


@pytest.mark.parametrize("words", [["inspect"], ["plan"], ["run"], ["report"]], ids=lambda w: w[0])
def test_control_characters_reach_no_terminal_and_no_page(monkeypatch, tmp_path, words):
    """The kind: any text that a file brings."""
    graph = evil_graph()
    for module in ("nnom.cli.given", "nnom.inspect_model"):
        monkeypatch.setattr(f"{module}.load", lambda *_, **__: graph)
    words = [*words, "m.tflite"] + (["-o", str(tmp_path / "r.html")] if words == ["report"] else [])
    screen = Terminal(monkeypatch, 120)
    monkeypatch.setenv("NO_COLOR", "1")
    assert screen.run(*words) == 0, screen.text
    assert is_clean(screen.text) and (words[0] == "report" or "\\x1b" in screen.text)
    if words[0] == "report":
        text = (tmp_path / "r.html").read_text()
        assert is_clean(text) and "<script>" not in text and "\\x1b]0;owned" in text


def test_json_keeps_names(monkeypatch, capsys):
    monkeypatch.setattr("nnom.inspect_model.load", lambda *_, **__: evil_graph())
    assert cli.main(["inspect", "m.tflite", "--json"]) == 0
    out = capsys.readouterr().out
    assert is_clean(out) and json.loads(out)["layers"][0]["name"] == EVIL


def test_errors_and_c_are_clean():
    graph = evil_graph()
    graph.nodes[0].attrs["activation"] = EVIL
    with pytest.raises(Exception) as caught:  # noqa: PT011 any error: its text is looked at
        CoreModel(sketch(graph))
    assert is_clean(str(caught.value))
    source, header = CoreModel(sketch(evil_graph())).freeze("net")
    assert is_clean(source.replace("\t", "")) and is_clean(header) and "*/\n<script>" not in source


def test_page_of_evil_names():
    g = sketch(evil_graph())
    text = page(g, survey(g), EVIL, EVIL)
    assert is_clean(text) and "<script>" not in text
    assert io.StringIO(text).readline().startswith("<!doctype")
