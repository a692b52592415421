# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""`nnom plan`, `nnom report` and the options of memory: figures that agree with each other, with C and with runs."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "bench")]
os.environ.setdefault("KERAS_BACKEND", "jax")

from mobilenet import mobilenet_v1, mobilenet_v2  # noqa: E402
from nnom import boards, cli, picture  # noqa: E402
from nnom.cli.as_json import overview as to_json  # noqa: E402
from nnom.cli.plan import draw_curve  # noqa: E402
from nnom.cli.words import parse_bytes  # noqa: E402
from nnom.conversion import STATE_BYTES, Plan  # noqa: E402
from nnom.core import CoreModel  # noqa: E402
from nnom.errors import DataError, TooSmall  # noqa: E402
from nnom.page import page  # noqa: E402
from nnom.planning import Point, pareto, ram_total, survey  # noqa: E402
from nnom.running import lcg_inputs, run_board, run_host  # noqa: E402

MODEL = ROOT / "examples" / "uci_har" / "model.keras"
BOARD = boards.boards()["cortex-m4"]
TOOLS = shutil.which(BOARD.compiler + "gcc") and shutil.which(BOARD.emulator)
needs_board = pytest.mark.skipif(not TOOLS, reason="compiler or emulator of the board is not installed")


@pytest.fixture(scope="module")
def small():
    """MobileNetV2 at 48 pixels: branches, strides, many layers."""
    return mobilenet_v2(48)


def nnom(capsys, *arguments):
    """(exit code, standard output, standard error) of one command."""
    try:
        code = cli.main([str(a) for a in arguments])
    except SystemExit as e:
        code = e.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def document(capsys, *arguments):
    code, out, err = nnom(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


# ---- Sizes ----


def test_sizes_are_read():
    assert [parse_bytes(t) for t in ("16k", "16kB", "16 KiB", "16384", "1.5K", "1M")] == [16384] * 4 + [1536, 1 << 20]
    for text in ("", "k", "-3", "0", "16q", "1e3", "3000M", "16 k k"):
        with pytest.raises(DataError, match="--ram"):
            parse_bytes(text)


@needs_board
def test_state_is_the_size_of_the_struct(tmp_path):
    probe = tmp_path / "probe.c"
    probe.write_text(f'#include "nnom_run.h"\ntypedef char same[sizeof(nnom_instance_t) == {STATE_BYTES} ? 1 : -1];\n')
    includes = [f"-I{ROOT / folder}" for folder in ("include", "port")]
    command = [BOARD.compiler + "gcc", *BOARD.cpu, *BOARD.libc, *includes, "-c", str(probe), "-o", str(tmp_path / "o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- The plan ----


@pytest.mark.parametrize("feed", [False, True])
def test_overview_agrees_with_itself(small, feed):
    o = survey(small, Plan(feed=feed))
    assert o.chosen in o.curve and o.ram_minimum == o.curve[-1].ram <= o.chosen.ram <= o.ram_whole
    assert o.chosen.cost <= 1.03
    for a, b in zip(o.curve, o.curve[1:], strict=False):
        assert a.ram > b.ram and a.cost <= b.cost
    d = to_json(o)
    assert d["ram_total"] == d["ram_arena"] + STATE_BYTES == ram_total(o.core)
    assert set(d["mode"].values()) <= {"whole", "rolling"} and len(d["layers"]) == len(d["mode"])
    assert [p["ram_total"] for p in d["curve"]] == [p.ram for p in o.curve]


def test_every_point_of_the_curve_can_be_asked_for(small):
    o = survey(small)
    inputs = lcg_inputs(small, CoreModel(small).inputs, 7)
    expected = run_host(CoreModel(small), inputs)
    for p in o.curve:
        core = Plan(ram=p.ram).compile(small)
        assert ram_total(core) <= p.ram
        assert all(np.array_equal(a, b) for a, b in zip(expected, run_host(core, inputs), strict=True))


@pytest.mark.parametrize("feed", [False, True])
def test_the_minimum_is_the_minimum(small, feed):
    least = survey(small, Plan(feed=feed)).ram_minimum
    assert ram_total(Plan(ram=least, feed=feed).compile(small)) <= least
    names = {n.name for n in small.nodes}
    for budget in (least - 4, STATE_BYTES, 1):
        with pytest.raises(TooSmall, match=f"the least possible is {least} bytes") as e:
            Plan(ram=budget, feed=feed).compile(small)
        assert re.search(r"layer '(.*)' sets it", str(e.value))[1] in names
        same = pickle.loads(pickle.dumps(e.value))
        assert (same.least, same.budget) == (least, budget) and same.layer in names
    with pytest.raises(TooSmall) as e:
        Plan(arena_bytes=least - STATE_BYTES - 4, feed=feed).compile(small)
    assert e.value.least == least - STATE_BYTES and e.value.layer in names


def test_rings_are_told(small):
    layers = survey(small, Plan("smallest", feed=True)).layers
    rolling = [n for n in layers if n.segment is not None]
    assert rolling and rolling[0].segment == 1
    assert any(n.rows < n.height for n in rolling) and layers[0].rows < layers[0].height
    assert all(n.bytes == n.rows * n.shape[1] * n.shape[2] for n in layers)
    assert all(n.segment is None and n.rows == n.height for n in survey(small, Plan("whole")).layers)


def test_pareto_and_drawing():
    points = pareto([Point(100, 1.0), Point(90, 1.2), Point(95, 1.2), Point(50, 1.1), Point(100, 1.0)])
    assert points == [Point(100, 1.0), Point(50, 1.1)]
    lines = draw_curve(points, points[1])
    assert "110.00%" in lines[0] and "◆" in lines[0] and any("●" in line for line in lines)
    assert draw_curve(points[:1], points[0])


# ---- Commands ----


def test_plan_command(capsys):
    d = document(capsys, "plan", MODEL, "--feed")
    assert {"ram_total", "ram_arena", "ram_minimum", "mode", "layers", "curve"} <= d.keys()
    assert d["fed"] and d["ram_total"] < d["ram_whole"] and "rolling" in d["mode"].values()
    code, out, _ = nnom(capsys, "plan", MODEL, "--feed", "--random")
    assert code == 0 and "rolling 1" in out and "this plan" in out and f"{d['ram_total']:,} B" in out
    assert max(map(len, out.splitlines())) <= 120
    whole = document(capsys, "plan", MODEL, "--whole")
    assert set(whole["mode"].values()) == {"whole"} and whole["ram_total"] == whole["ram_whole"]
    budget = document(capsys, "plan", MODEL, "--feed", "--ram", "1k")
    assert budget["ram_total"] <= 1024


def test_bad_budgets(capsys):
    code, _, err = nnom(capsys, "plan", MODEL, "--ram", "300")
    least = document(capsys, "plan", MODEL)["ram_minimum"]
    assert code == 1 and f"least possible is {least} bytes" in err and "layer '" in err and "--feed" in err
    assert nnom(capsys, "plan", MODEL, "--ram", "many")[0] == 1
    assert "--ram" in nnom(capsys, "plan", MODEL, "--ram", "1k", "--whole")[2]
    assert nnom(capsys, "plan", MODEL, "--calibration", "x.npy", "--random")[0] == 1


def test_convert_takes_the_options(capsys, tmp_path):
    x = tmp_path / "x.npy"
    np.save(x, np.random.default_rng(1).normal(0, 0.5, (8, 128, 9)).astype(np.float32))
    planned = document(capsys, "plan", MODEL, "--feed", "--ram", "1k", "--calibration", x)
    options = ("--calibration", x, "--feed", "--ram", "1k", "-o", tmp_path)
    made = document(capsys, "convert", MODEL, *options)
    assert made["arena_bytes"] == planned["ram_arena"]
    assert ".fed = 1" in (tmp_path / "model.c").read_text()
    results = [
        document(capsys, "run", MODEL, "--calibration", x, *more)["outputs"] for more in ([], ["--feed"], ["--whole"])
    ]
    assert results[0] == results[1] == results[2]


@needs_board
@pytest.mark.parametrize("plan", [Plan("smallest", feed=True, target="dsp"), Plan("smallest", target="plain")])
def test_board_runs_what_is_planned(plan):
    graph = mobilenet_v1(32)
    inputs = [np.concatenate([x, x // 2, x]) for x in lcg_inputs(graph, CoreModel(graph).inputs, 3)]
    expected = run_host(CoreModel(graph), inputs)
    result = run_board(graph, "cortex-m4", inputs, "-O2", plan)
    assert all(np.array_equal(a, b) for a, b in zip(expected, result.outputs, strict=True))
    assert result.instructions >= 0.9 * sum(n.instructions for n in result.nodes) > 0
    assert result.arena == survey(graph, plan).ram_arena


# ---- The picture ----


class _Counter(HTMLParser):
    """Counts tags and keeps the addresses that a page refers to."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.links = {}, [], []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.links += [v for k, v in attrs if k in ("href", "src", "xlink:href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("plan", [Plan("whole"), Plan("smallest"), Plan("smallest", feed=True)])
def test_boxes_fit_the_arena(small, plan):
    o = survey(small, plan)
    boxes, columns = picture.boxes(o), picture.columns(o)
    top = max(b.address + b.size for b in boxes)
    assert o.ram_arena - 3 <= top <= o.ram_arena
    assert all(0 <= b.first <= b.last < len(columns) for b in boxes)
    parts = len({n.row.first_step for n in o.layers if n.row.node is not None})
    assert len(columns) == parts + 2
    live = [sum((b.size + 3) // 4 * 4 for b in boxes if b.first <= k <= b.last) for k in range(len(columns))]
    assert max(live) >= o.core.totals.live_bytes
    assert o.ram_arena >= o.core.totals.live_bytes > 0
    peaks = picture.peak_columns(boxes, o.ram_arena)
    assert peaks and all(0 <= k < len(columns) for k in peaks)


def test_page_stands_alone(small):
    html = page(small, survey(small, Plan(feed=True)), "<b>&model")
    counter = _Counter()
    counter.feed(html)
    assert not counter.open and not counter.links and "script" not in counter.tags and counter.tags["svg"] == 2
    assert "&lt;b&gt;&amp;model" in html and "prefers-color-scheme: dark" in html and "▼ peak" in html
    assert html.count("http") == html.count("http://www.w3.org/2000/svg")
    assert all(n.name in html for n in small.nodes)


def test_report_command(capsys, tmp_path):
    path = tmp_path / "sub" / "report.html"
    code, out, err = nnom(capsys, "report", MODEL, "--feed", "-o", path)
    assert code == 0 and str(path) in out.replace("\n", ""), err
    text = path.read_text()
    assert "uci_har/model.keras" in text and "softmax" in text
    d = document(capsys, "report", MODEL, "--feed", "-o", path)
    assert d["path"] == str(path) and f"{d['ram_total']:,} B" in text


def arrays(graph, optimize):
    """(operations, bytes of constant arrays) of a frozen model for DSP cores."""
    source, _ = CoreModel(graph, target="dsp", optimize=optimize).freeze("net")
    sizes = re.findall(r"static const u?int(\d+)_t net_n\w+\[(\d+)\]", source)
    return set(re.findall(r"nnom_\w+_op\b", source)), sum(int(bits) // 8 * int(count) for bits, count in sizes)


def test_size_keeps_fast_kernels_and_a_byte_a_weight(small):
    """The same kernels as under the default, which store no more than nnom_optimize_t says."""
    operations, size = arrays(small, "size")
    same, default = arrays(small, "default")
    _, speed = arrays(small, "speed")
    weights = [w.data for node in small.nodes for w in node.weights.values() if w.data.ndim > 1]
    channels = sum(node.weights["bias"].data.size for node in small.nodes if "bias" in node.weights)
    assert operations == same and {"nnom_conv2d_s8_dsp_op", "nnom_dw_conv2d_s8_dsp_columns_op"} <= operations
    assert size <= sum(w.size for w in weights) + 17 * channels + 512 * len(weights)
    assert size <= default <= speed
    assert default <= 1.1 * size + 512 * len(weights)
