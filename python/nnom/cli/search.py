# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The command `nnom search`."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from .. import data as datasets
from ..errors import DataError, ToolError
from ..searching.candidate import Candidate, Outcome
from ..searching.driver import Search, search
from ..searching.job import SQNR
from ..text import visible
from . import as_json, printing
from .given import graph_of, samples_of
from .plan import plan_of
from .terminal import Screen
from .words import parse_bytes

_SHOWN = 12  # rows for people


def run_search(a: Namespace) -> int:
    """Prints what was tried, and the command that converts the best. 1: nothing meets the limits."""
    _check(a)
    graph = graph_of(a)
    options: dict[str, Any] = {"accuracy": a.accuracy, "sqnr": a.sqnr, "plan": plan_of(a), "trials": a.optuna}
    options |= {"weights": parse_bytes(a.weights, "--weights") if a.weights else None, "folder": a.folder}
    places = (", ".join(a.calibration or []), a.labels or "labels", ", ".join(a.data or ["data"]))
    labels = datasets.read_array(a.labels, "--labels") if a.labels else None
    x, data = samples_of(a.calibration, graph), samples_of(a.data, graph)
    with _executor(a) as executor, printing.Stages(a.quiet) as stage:
        s = search(graph, x, labels, data, executor=executor, stage=stage, places=places, **options)
    if a.json:
        print(as_json.text(to_json(s)))
    else:
        print_search(printing.console(quiet=a.quiet), s, a)
    return 0 if s.best else 1


def _check(a: Namespace) -> None:
    if a.jobs is not None and a.jobs < 1:
        raise DataError(f"--jobs {a.jobs}: expected 1 or more")
    if a.jobs is not None and a.dask:
        raise DataError("--jobs: goes not with --dask, whose cluster has its own workers")
    if a.optuna is not None and a.optuna < 1:
        raise DataError(f"--optuna {a.optuna}: expected 1 trial or more")
    if a.data and not a.labels and a.sqnr is None:
        raise DataError("--data: needs --labels, or --sqnr")


@contextmanager
def _executor(a: Namespace) -> Iterator[Executor | None]:
    if a.dask:
        with _dask(a.dask) as executor:
            yield executor
    elif a.jobs:
        with ProcessPoolExecutor(a.jobs, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        yield None


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as e:
        raise ToolError("--dask: distributed is missing: pip install distributed") from e
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as e:
        raise ToolError(f"--dask {address}: no scheduler answers: {e}") from e
    with client:
        yield client.get_executor()


def _figure(s: Search, value: float) -> str:
    return f"{value:.1f} dB" if s.measure == SQNR else f"{value:.2%}"


def _row(s: Search, o: Outcome) -> list[str]:
    if o.error:
        return [o.candidate.title, "refused", "", "", "", ""]
    loss = "" if s.measure == SQNR else f"{100 * (s.floats - o.score):.2f}"
    state = "yes" if s.limits.met_by(o) else "no"
    return [o.candidate.title, _figure(s, o.score), loss, f"{o.ram:,}", f"{o.weights:,}", f"{o.cost:,}", state]


def print_search(out: Screen, s: Search, a: Namespace) -> None:
    """A table of the best, then what to type."""
    names = (
        "~configuration",
        "SQNR" if s.measure == SQNR else s.measure,
        "loss",
        "RAM B",
        "weights B",
        "instr.",
        "meets",
    )
    rows = printing.table(f"{len(s.outcomes)} configurations, the cheapest that meet the limits first", *names)
    for o in s.outcomes[:_SHOWN]:
        rows.add_row(*_row(s, o))
    out.detail(rows)
    if len(s.outcomes) > _SHOWN:
        out.detail(f"and {len(s.outcomes) - _SHOWN} more: --json lists all")
    if s.reused:
        out.detail(f"{s.reused} results of an earlier search were taken over")
    wanted = f"{s.measure} {_figure(s, s.limits.score)} or more"
    if s.measure != SQNR:
        out.say(f"float: {s.measure} {_figure(s, s.floats)}; limit: {wanted}")
    if s.best is None:
        close = max((o for o in s.outcomes if not o.error), key=lambda o: o.score, default=None)
        nearest = f"; the most is {_figure(s, close.score)} by {visible(close.candidate.title)}" if close else ""
        out.say(f"nothing meets the limits ({wanted}, RAM and weights as given){nearest}")
        return
    out.say(f"best: {visible(s.best.candidate.title)}: {_figure(s, s.best.score)}, RAM {s.best.ram:,} B")
    given = " ".join(f"--calibration {shlex.quote(c)}" for c in a.calibration)
    budget = f" --ram {a.ram}" if a.ram else ""
    out.say(f"nnom convert {shlex.quote(a.model)} {given} {_words(s.best.candidate)}{budget}")


def _words(c: Candidate) -> str:
    """Options of `nnom convert`."""
    given = [("--method", c.method), *(("--int16", n) for n in c.int16), *(("--int4", n) for n in c.int4)]
    return " ".join(f"{option} {shlex.quote(value)}" for option, value in given)


def _json_outcome(s: Search, o: Outcome) -> dict[str, Any]:
    c = o.candidate
    figures = {"method": c.method, "int16": list(c.int16), "int4": list(c.int4), "meets_limits": s.limits.met_by(o)}
    if o.error:
        return figures | {"error": o.error}
    return figures | {
        "score": o.score,
        "ram_total": o.ram,
        "flash_weights": o.weights,
        "instructions_estimated": o.cost,
    }


def to_json(s: Search) -> dict[str, Any]:
    """The result for machines: all that was tried."""
    return {
        "measure": s.measure,
        "float": s.floats if s.measure != SQNR else None,
        "least": s.limits.score,
        "reused": s.reused,
        "best": _json_outcome(s, s.best) if s.best else None,
        "outcomes": [_json_outcome(s, o) for o in s.outcomes],
    }
