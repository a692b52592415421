# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Trials on workers: this computer's processes, or any concurrent.futures.Executor. A lost one costs only its trial."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed

from ..errors import NnomError, ToolError
from .candidate import Candidate, Outcome
from .job import trial

MOST_TRIES = 3
Step = Callable[[int, int], None]


def _processes() -> Executor:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


class Pool:
    """As a context. executor: the caller's, who ends it; None: processes, as many as this computer has cores."""

    def __init__(self, executor: Executor | None = None):
        self._own = executor is None
        self._executor = executor or _processes()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def run(self, path: str, candidates: Iterable[Candidate], done: Callable[[Outcome], None]) -> None:
        """Calls done for each, as it comes. ToolError: workers fail again and again."""
        left = dict.fromkeys(candidates, 0)
        while left:
            futures = {self._submit(path, c): c for c in left}
            for future in as_completed(futures):
                outcome = self._result(future, futures[future], left)
                if outcome is not None:
                    del left[futures[future]]
                    done(outcome)
            if left and self._own:
                self._executor.shutdown(wait=False, cancel_futures=True)
                self._executor = _processes()

    def _submit(self, path: str, candidate: Candidate) -> Future[Outcome]:
        try:
            return self._executor.submit(trial, path, candidate)
        except (BrokenExecutor, RuntimeError) as e:  # of an executor that has just lost a process
            failed: Future[Outcome] = Future()
            failed.set_exception(e)
            return failed

    def _result(self, future: Future[Outcome], candidate: Candidate, tries: dict[Candidate, int]) -> Outcome | None:
        """None: a worker was lost, try again."""
        try:
            return future.result()
        except NnomError:
            raise
        except Exception as e:  # a worker was killed, a connection broke: each executor has its own names for it
            tries[candidate] += 1
            if tries[candidate] >= MOST_TRIES:
                raise ToolError(
                    f"workers failed {MOST_TRIES} times at '{candidate.title}': {type(e).__name__}: {e}"
                ) from e
            return None
