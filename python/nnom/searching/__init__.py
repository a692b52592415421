# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""Many configurations of one float model: which meets the limits at the least cost.

candidate.py   what is tried, and what came of it
job.py         what all trials share, and one trial: this runs in a worker
store.py       results by hash, on disk: a search that was stopped goes on
pool.py        workers of any concurrent.futures.Executor, lost ones replaced
greedy.py      which configurations are worth a trial; sampled.py asks Optuna
driver.py      search(): all of it
"""
