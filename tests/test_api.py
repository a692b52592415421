# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""`import nnom` as a person expects it: names, errors, results that can be pickled and copied."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import nnom
import numpy as np
import pytest
from nnom.core import CoreModel
from nnom.running import NodeCost

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "examples" / "basic_motions" / "model.keras"
RNG = np.random.default_rng(3)
X = RNG.normal(size=(12, 100, 6)).astype(np.float32)
Y = RNG.integers(0, 4, 12)
ASKED = "convert evaluate validate inspect plan report run Plan Graph NnomError".split()


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def converted() -> nnom.Conversion:
    return nnom.convert(MODEL, X, Y)


def modules() -> list[str]:
    names = {m.name for m in pkgutil.walk_packages(nnom.__path__, "nnom.")}
    return sorted(names - {"nnom.__main__", "nnom._core"})


def test_names_are_there_and_stay_when_every_module_is_imported():
    for module in modules():
        importlib.import_module(module)
    assert set(ASKED) <= set(nnom.__all__) == set(nnom._HOMES)
    for name in nnom.__all__:
        assert not inspect.ismodule(getattr(nnom, name)), name
    assert not {f"nnom.{name}" for name in nnom.__all__} & set(modules())
    with pytest.raises(AttributeError, match="no attribute 'Convert'"):
        _ = nnom.Convert


def test_type_checkers_are_told_the_same_names():
    tree = ast.parse((ROOT / "python" / "nnom" / "__init__.py").read_text())
    told = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    assert told == nnom._HOMES
    assert (ROOT / "python" / "nnom" / "py.typed").exists()


def test_import_brings_nothing_heavy():
    code = "import sys, nnom; assert dir(nnom); print([m for m in sys.modules if m.split('.')[0] in {}])"
    heavy = ("numpy", "rich", "h5py", "tflite", "keras", "jax", "tensorflow")
    assert python(code.format(heavy)).strip() == "[]"


def test_star_and_module_as_command():
    code = "from nnom import *; assert convert.__name__ == 'convert' and Plan().mode == 'auto'"
    assert python(code) == ""
    done = subprocess.run([sys.executable, "-m", "nnom", "--version"], capture_output=True, text=True, check=True)
    assert nnom.__version__ in done.stdout


def test_every_error_is_one():
    """All exception classes of the package but those that importers collect and never let out."""
    inside = {"Refusal", "Refused"}
    for module in map(importlib.import_module, modules()):
        for name, value in vars(module).items():
            own = inspect.isclass(value) and issubclass(value, Exception) and value.__module__.startswith("nnom.")
            assert not own or name in inside or issubclass(value, nnom.NnomError), f"{module.__name__}.{name}"
    assert issubclass(nnom.BoardError, nnom.ToolError)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nnom.convert(MODEL, X, method="best"), "'best'"),
        (lambda: nnom.plan(MODEL, nnom.Plan(mode="small")), "mode 'small': expected one of auto, whole, smallest"),
        (lambda: nnom.plan(MODEL, nnom.Plan(target="m4")), "target 'm4': expected one of plain"),
        (lambda: nnom.plan(MODEL, nnom.Plan(optimize="fast")), "optimize 'fast': expected one of default"),
        (lambda: nnom.plan("no.keras"), "no.keras"),
        (lambda: nnom.run(MODEL, X), "a float model; give calibration"),
        (lambda: nnom.run(MODEL, X, X, board="cortex-m99"), "cortex-m99"),
        (lambda: nnom.run(MODEL, X[:, :50], X), "100"),
        (lambda: nnom.evaluate(MODEL, X, Y, X, top_k=0), "top_k 0: expected at least 1"),
        (lambda: nnom.validate(MODEL, X, X, samples=0), "samples 0: expected at least 1"),
        (lambda: nnom.validate(MODEL, X, X, board="cortex-m99"), "cortex-m99"),
    ],
)
def test_wrong_arguments(call, text: str):
    with pytest.raises(nnom.NnomError) as e:
        call()
    assert text in str(e.value)


def test_plan_and_report(tmp_path: Path):
    whole, small = nnom.plan(MODEL, nnom.Plan("whole")), nnom.plan(MODEL, nnom.Plan("smallest", feed=True))
    assert whole.chosen.ram > small.chosen.ram == small.ram_minimum
    page = tmp_path / "page.html"
    assert nnom.report(MODEL, page, nnom.Plan("smallest", feed=True), title="<net>").chosen == small.chosen
    assert "&lt;net&gt;" in page.read_text() and f"{small.chosen.ram:,} B" in page.read_text()


def test_run(converted: nnom.Conversion):
    r = nnom.run(MODEL, X, X)
    assert (r.form, r.equal, r.on_board) == ("int8", None, None) and r.names == converted.core.output_names
    port = converted.core.outputs[0]
    assert r.values[0].shape == r.stored[0].shape == (len(X), *port.shape) and r.stored[0].dtype == np.int8
    np.testing.assert_array_equal(r.values[0], port.scale * (r.stored[0].astype(np.float32) - port.zero_point))
    f = nnom.run(MODEL, X, use_float=True)
    assert f.form == "float" and np.abs(f.values[0] - r.values[0]).max() < 0.25


def results(c: nnom.Conversion) -> list[object]:
    cost = NodeCost("a", "Conv2D", 3, 4)
    noisy = nnom.evaluate_values(MODEL, X, RNG.normal(size=(12, 4)), X)
    return [
        c, c.report, c.prepared, nnom.evaluate(MODEL, X, Y, X), noisy, nnom.inspect(MODEL), nnom.plan(MODEL),
        nnom.run(MODEL, X[:2], X), nnom.BoardRun("cortex-m4", [np.zeros(3)], 1, [cost], 2, 3, 4, 5, 6),
        nnom.Validation(3, ["a", "b"]), nnom.Plan("smallest"), nnom.load(MODEL),
    ]  # fmt: skip


def test_results_can_be_pickled(converted: nnom.Conversion):
    for result in results(converted):
        data = pickle.dumps(result)
        again = pickle.loads(data)
        assert type(again) is type(result)
        assert len(pickle.dumps(again)) == pytest.approx(len(data), rel=0.02), type(result)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
@pytest.mark.parametrize("plan", [nnom.Plan("smallest", feed=True), nnom.Plan("whole", optimize="size")])
def test_a_copied_core_is_the_same_model(plan: nnom.Plan, copied, converted: nnom.Conversion):
    core = plan.compile(converted.graph)
    again = copied(core)
    assert "_model" not in vars(again), "no pointer travels, and nothing is compiled before it is needed"
    assert (again.inputs, again.outputs, again.curve) == (core.inputs, core.outputs, core.curve)
    assert "_model" not in vars(again)
    sample = [RNG.integers(-128, 128, core.inputs[0].shape, np.int8)]
    np.testing.assert_array_equal(again.run(sample)[0], core.run(sample)[0])
    assert again.freeze("net", sample) == core.freeze("net", sample)
    assert list(again.layers()) == list(core.layers()) and again.curve == core.curve
    core.close()
    assert len(again.run(sample)) == 1, "each has memory of its own"
    with pytest.raises(AttributeError, match="no attribute 'ports'"):
        _ = again.ports


def test_in_another_process(converted: nnom.Conversion, tmp_path: Path):
    (tmp_path / "c.pickle").write_bytes(pickle.dumps(converted))
    code = f"""
import pickle
c = pickle.loads(open({str(tmp_path / "c.pickle")!r}, "rb").read())
print(c.core.totals.arena_bytes, c.core.freeze(c.name)[0].count("\\n"), len(c.layers))
"""
    c = converted
    expected = [c.core.totals.arena_bytes, c.core.freeze(c.name)[0].count("\n"), len(c.layers)]
    assert [int(v) for v in python(code).split()] == expected


def test_errors_can_be_pickled():
    graph = nnom.Graph("g")
    error = pickle.loads(pickle.dumps(nnom.UnsupportedError("two:", graph, ["a", "b"])))
    assert str(error) == "two:\n  a\n  b" and error.partial.name == "g"
    assert str(pickle.loads(pickle.dumps(nnom.BoardError("no gcc")))) == "no gcc"


def test_names_do_not_break_lines():
    """A name with an end of line must not look like a line of ours; what tools print keeps its lines."""
    for kind in (nnom.NnomError, nnom.ModelError, nnom.DataError, nnom.CoreError):
        assert str(kind("layer 'a\n  layer b'")) == "layer 'a\\n  layer b'"
    assert str(nnom.UnsupportedError("m\n:", None, ["a\nb"])) == "m\\n:\n  a\\nb"
    assert str(nnom.ToolError("gcc failed:\nno \x1b")) == "gcc failed:\nno \\x1b"
    graph = nnom.Graph("g")
    graph.add_tensor(nnom.Tensor("x", (1, 1, 2)))
    graph.nodes.append(nnom.Node("no\nop", "two\nlines", ["x"], "y"))
    graph.tensors["y"] = nnom.Tensor("y", (1, 1, 2))
    graph.inputs, graph.outputs = ["x"], ["y"]
    with pytest.raises(nnom.UnsupportedError) as e:
        CoreModel(graph)
    assert str(e.value).count("\n") == 1 and "two\\nlines" in str(e.value) and len(e.value.lines) == 1


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_a_copied_graph_knows_its_nodes(copied):
    """Who makes and who reads a tensor is kept by node: a copy has its own nodes."""
    graph = nnom.load(MODEL)
    node = graph.nodes[1]
    assert graph.producer(node.output) is node
    again = copied(graph)
    twin = again.nodes[1]
    assert twin is not node and twin in again and again.producer(twin.output) is twin and twin not in graph
    twin.inputs = list(graph.inputs)
    assert twin in again.consumers(graph.inputs[0]) and node not in graph.consumers(graph.inputs[0])
    CoreModel(graph)
