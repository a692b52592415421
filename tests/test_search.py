# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""nnom search: a model with one layer that 8 bits spoil, on threads, processes, and a cluster that loses a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nnom
import numpy as np
import pytest
from nnom.cli import main
from nnom.errors import DataError, ToolError
from nnom.graph import Graph, Node, Tensor, Weight
from nnom.searching.candidate import Candidate, Limits, Outcome
from nnom.searching.pool import Pool
from nnom.searching.sampled import Sampled

METHODS = 4  # of finding ranges


def spoiled(seed: int = 0) -> Graph:
    """Float: 16 numbers -> 12 -> 12, of which the first is 50 times as large and hardly read -> 5 classes."""
    rng = np.random.default_rng(seed)
    graph = Graph("spoiled", "spoiled")
    graph.add_tensor(Tensor("x", (1, 1, 16), "float32"))
    graph.inputs.append("x")
    name = "x"
    for k, units in enumerate((12, 12, 5)):
        data = rng.normal(0, 0.4, (units, graph.tensors[name].elements)).astype(np.float32)
        if k == 1:
            data[0] *= 50
        if k == 2:
            data[:, 0] *= 0.02
        weights = {"weights": Weight(data), "bias": Weight(rng.normal(0, 0.1, units).astype(np.float32))}
        node = Node("dense", f"dense{k}", [name], f"dense{k}", {"activation": "none" if k == 2 else "relu"}, weights)
        name = graph.add(node, (1, 1, units), "float32")
    graph.outputs.append(name)
    return graph


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (600, 16)).astype(np.float32)


def test_it_finds_the_one_layer(samples, tmp_path):
    with ThreadPoolExecutor(2) as threads:
        found = nnom.search(spoiled(), samples, accuracy=5.0, executor=threads, folder=tmp_path)
        assert found.best is not None and found.best.candidate.int16 == ("dense1",)
        assert found.measure == "agreement" and found.floats == 1.0
        plain = [o for o in found.outcomes if not o.candidate.int16]
        assert len(plain) == METHODS and not any(found.limits.met_by(o) for o in plain)
        again = nnom.search(spoiled(), samples, accuracy=5.0, executor=threads, folder=tmp_path)
    assert again.reused == len(found.outcomes) and again.outcomes == found.outcomes
    model = nnom.convert(spoiled(), samples, method=found.best.candidate.method, int16=found.best.candidate.int16)
    assert model.report.agreement == pytest.approx(found.best.score)
    assert model.core.totals.arena_bytes + 40 == found.best.ram


def test_smaller_weights_by_4_bits(samples, tmp_path):
    with ThreadPoolExecutor(2) as threads:
        all8 = nnom.search(spoiled(), samples, accuracy=100, executor=threads, folder=tmp_path).best
        least = all8.weights - 60
        found = nnom.search(spoiled(), samples, accuracy=100, weights=least, executor=threads, folder=tmp_path)
    assert found.best is not None and found.best.weights <= least and found.best.candidate.int4


def test_budgets_and_noise(samples, tmp_path):
    with ThreadPoolExecutor(2) as threads:
        tight = nnom.search(spoiled(), samples, accuracy=100, plan=nnom.Plan(ram=41), executor=threads, folder=tmp_path)
        assert tight.best is None and all(not o.fits_ram and o.ram > 41 for o in tight.outcomes)
        noise = nnom.search(spoiled(), samples, sqnr=20, executor=threads, folder=tmp_path)
    assert noise.measure == "sqnr" and noise.best is not None and noise.best.score >= 20


@pytest.fixture
def files(samples, tmp_path, monkeypatch):
    import keras

    monkeypatch.chdir(tmp_path)
    model = keras.Sequential([keras.Input((16,)), *(keras.layers.Dense(n) for n in (12, 12, 5))])
    model.layers[1].set_weights([w * np.where(np.arange(12) == 0, 50, 1) for w in model.layers[1].get_weights()])
    model.save("model.keras")
    np.save("x.npy", samples)
    np.save("y.npy", np.asarray(model(samples)).argmax(axis=1))
    return ["search", "model.keras", "--calibration", "x.npy", "--labels", "y.npy", "--folder", "kept"]


def test_the_command_on_processes(files, capsys):
    assert main([*files, "--accuracy", "50", "--jobs", "1"]) == 0
    text = capsys.readouterr().out
    assert "nnom convert model.keras --calibration x.npy --method" in text and "best: " in text
    assert main([*files, "--accuracy", "50", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["reused"] == METHODS and told["best"]["meets_limits"] and told["float"] == 1.0
    assert main([*files, "--accuracy", "50", "--ram", "41"]) == 1
    assert "nothing meets the limits" in capsys.readouterr().out


@pytest.mark.parametrize(
    "more, text",
    [
        (["--accuracy", "-1"], "--accuracy -1: expected"),
        (["--jobs", "0"], "--jobs 0"),
        (["--optuna", "0"], "--optuna 0"),
        (["--weights", "much"], "--weights much: expected bytes"),
    ],
)
def test_what_is_refused(files, capsys, more, text):
    assert main([*files, *more]) == 1
    assert text in capsys.readouterr().err


def test_a_quantised_model_is_refused(samples, tmp_path):
    graph = nnom.convert(spoiled(), samples).graph
    with pytest.raises(DataError, match="quantised already"):
        nnom.search(graph, samples, folder=tmp_path)


class _Failing(ThreadPoolExecutor):
    """Loses workers: the first `lost` trials."""

    def __init__(self, lost: int):
        super().__init__(1)
        self.lost = lost

    def submit(self, function, *arguments):  # type: ignore[override]
        self.lost -= 1
        return super().submit(*((_lose,) if self.lost >= 0 else (_give, *arguments)))


def _lose() -> None:
    raise ConnectionError("the worker is gone")


def _give(_path: str, candidate: Candidate) -> Outcome:
    return Outcome(candidate, 1.0)


def test_lost_workers_cost_a_trial_only():
    got: list[Outcome] = []
    with _Failing(3) as failing, Pool(failing) as pool:
        pool.run("", [Candidate("a"), Candidate("b")], got.append)
    assert sorted(o.candidate.method for o in got) == ["a", "b"]
    with (
        _Failing(1000) as failing,
        Pool(failing) as pool,
        pytest.raises(ToolError, match="3 times .*the worker is gone"),
    ):
        pool.run("", [Candidate("a")], got.append)


def test_optuna_samples():
    pytest.importorskip("optuna")
    known: dict[Candidate, Outcome] = {}
    s = Sampled(Limits(0.9), ["a", "b"], ["b"], known, trials=24)
    for _, candidates in s.rounds():
        known |= {c: Outcome(c, 1.0 if "a" in c.int16 else 0.5, 1, True, 1 + len(c.int16)) for c in candidates}
    assert any(s.limits.met_by(o) for o in known.values()) and any(c.int4 == ("b",) for c in known)


def _start(*words: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(Path(nnom.__file__).parents[1])}
    return subprocess.Popen([sys.executable, "-m", *words], env=environment, stderr=subprocess.DEVNULL)


def test_a_cluster_that_loses_a_worker(samples, tmp_path):
    pytest.importorskip("distributed")
    from distributed import Client

    place = tmp_path / "scheduler.json"
    common = ("--no-dashboard", "--scheduler-file", str(place))
    started = [_start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common)]
    worker = ("distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *common)
    started += [_start(*worker), _start(*worker)]
    try:
        deadline = time.monotonic() + 60
        while not place.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        with Client(scheduler_file=str(place), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            killed = False

            def stage(_title: str):
                def step(done: int, _total: int) -> None:
                    nonlocal killed
                    if done == 1 and not killed:
                        started[1].send_signal(signal.SIGKILL)
                        killed = True

                return step

            options = {"executor": client.get_executor(), "folder": tmp_path, "stage": stage}
            found = nnom.search(spoiled(), samples, accuracy=5.0, **options)
            assert killed and len(client.scheduler_info()["workers"]) == 1
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert found.best is not None and found.best.candidate.int16 == ("dense1",)
