# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Samples side by side: threads of the host, each with a model of its own. The C core runs outside Python's lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .graph import Graph

MOST_THREADS = 8
MOST_SAMPLES = 16  # that a thread takes at a time

Progress = Callable[[int, int], None]
Worker = Callable[[int, int], None]


def host_threads(count: int) -> int:
    """How many of `count` samples this computer runs at a time: 1 or more."""
    return min(
        MOST_THREADS,
        max(1, count),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def graph_threads(graph: Graph, count: int) -> int:
    """The same for samples of a graph: those of a sequence come one after another."""
    return 1 if graph.has_memory and graph.sequence else host_threads(count)


def side_by_side(workers: Sequence[Worker], count: int, progress: Progress | None = None) -> None:
    """Hands out samples [a, b) of 0 to count in order, to a thread for each worker. Raises what a worker raises."""
    block = max(1, min(MOST_SAMPLES, count // (4 * len(workers))))
    starts, lock, done = iter(range(0, count, block)), threading.Lock(), 0

    def work(worker: Worker) -> None:
        nonlocal done
        while True:
            with lock:
                first = next(starts, count)
            if first == count:
                return
            end = min(first + block, count)
            worker(first, end)
            with lock:
                done += end - first
                if progress:
                    progress(done, count)

    with ThreadPoolExecutor(len(workers)) as pool:
        for future in [pool.submit(work, worker) for worker in workers]:
            future.result()
