"""Slurm: an array of jobs through submitit. What a failed job leaves undone goes into the next array.

Every job starts with shards of its own and then helps with whatever is unfinished, so neither a slow machine nor one
that is gone holds the others up. The manifests in the folder say what is done; the jobs themselves report nothing else.
Without Slurm on this machine, submitit runs the jobs as local processes.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import submitit

from synthgen.executors.job import Job, Order, Outcome, Writer
from synthgen.executors.ledger import Ledger
from synthgen.pool import PoolStats, default_workers
from synthgen.shards import Shard
from synthgen.store import store_at

LOOK_EVERY = 1.0  # s between looks at the folder and the jobs
GRACE = 10.0  # s for jobs that have nothing left to do to see it
LATE = 15.0  # s that the result of a job may come after its end, on a slow file system
DEFAULTS = {"cpus_per_task": 1, "mem_gb": 2, "timeout_min": 240, "name": "synthgen"}
MOST_AT_ONCE = 64  # jobs, where --workers does not say


def run(order: Order) -> PoolStats:
    """See `synthgen.executors.job.Order`. The jobs' logs are in DATASET/logs/slurm, for a URL in ./slurm."""
    logs = _logs(order.job)
    engine = submitit.AutoExecutor(folder=logs)
    count = order.workers or (default_workers() if engine.cluster == "local" else MOST_AT_ONCE)
    engine.update_parameters(**DEFAULTS | {"slurm_array_parallelism": count} | _parameters(order.options.slurm))
    ledger = Ledger(order.shards, order.watcher, order.tell)
    while not ledger.over:
        _one_array(engine, order.job, ledger, count)
    ledger.check()
    for pickled in logs.glob("*.pkl"):  # what was asked and answered; the logs stay
        pickled.unlink(missing_ok=True)
    return ledger.stats


def write_chunk(job: Job, own: list[Shard], others: list[Shard]) -> list[Outcome]:
    """One job of the array: its own shards, then what nobody has finished. Stops at the first error of its own."""
    writer = Writer(job)
    outcomes: list[Outcome] = []
    try:
        for shard in [*own, *others]:
            if not writer.store.settled(shard):
                outcomes.append(writer.write(shard))
    finally:
        writer.close()
    return outcomes


def _one_array(engine: Any, job: Job, ledger: Ledger, count: int) -> None:
    """Submit everything that is open as one array, and wait until it is done or no job is left."""
    open_shards = list(ledger.open.values())
    count = min(count, len(open_shards))
    chunks = [open_shards[k::count] for k in range(count)]
    # Each helps from another place on, so that two seldom take up the same shard.
    others = [
        open_shards[len(open_shards) * k // count :] + open_shards[: len(open_shards) * k // count]
        for k in range(count)
    ]
    jobs = engine.map_array(write_chunk, [job] * count, chunks, others)
    holders = {f"job {task.job_id}": task for task in jobs}
    ledger.queue.clear()
    for name, chunk in zip(holders, chunks, strict=True):
        for shard in chunk:
            ledger.held[f"{name}/{shard.number}"] = shard
            ledger.watcher.given(shard, name)
    try:
        _watch(job, ledger, holders)
        patient = time.monotonic() + GRACE
        while time.monotonic() < patient and not all(task.done() for task in holders.values()):
            time.sleep(LOOK_EVERY / 4)
    finally:
        for task in holders.values():
            if not task.done():
                task.cancel(check=False)
    ledger.queue.clear()


def _watch(job: Job, ledger: Ledger, holders: dict[str, Any]) -> None:
    store = store_at(job.place)
    running = dict(holders)
    owner = {shard.number: key for key, shard in ledger.held.items()}
    gone: dict[str, float] = {}  # job -> when it was first seen to have ended
    while ledger.open:
        begin = time.monotonic()
        gone |= {name: begin for name, task in running.items() if name not in gone and task.done()}
        ended = [name for name in gone if name in running and _tells(running[name], begin - gone[name])]
        finished = store.finished(tuple(ledger.open.values()))
        took = time.monotonic() - begin
        for number in sorted(finished):
            key, shard = owner[number], ledger.open[number]
            ledger.held[key] = shard  # also where its job is gone: another has helped
            ledger.finish(key, Outcome(number, key.split("/")[0], len(shard)))
        for name in ended:
            task = running.pop(name)
            for key, reason, details in _left_by(ledger, name, task):
                ledger.fail(key, reason, details)
        ledger.watcher.beat()
        if not running:
            return
        if not ended:
            time.sleep(max(LOOK_EVERY, 4 * took))  # looking at a large folder or URL costs something


def _tells(task: Any, since: float) -> bool:
    """Whether an ended job's result is there, or will not come. Asking submitit would hold up everything meanwhile."""
    return task.paths.result_pickle.exists() or since > LATE


def _left_by(ledger: Ledger, name: str, task: Any) -> Iterator[tuple[str, str, str]]:
    """(key, why, log) of every shard that an ended job had for its own and did not finish."""
    keys = [key for key, shard in ledger.held.items() if key.split("/")[0] == name and shard.number in ledger.open]
    if not keys:
        return
    written = task.paths.result_pickle.exists()
    problem = task.exception() if written else None
    if written and problem is None:
        errors = {outcome.shard: outcome for outcome in task.result() if outcome.error}
        for key in keys:
            found = errors.get(ledger.held[key].number)
            yield key, (found.error if found else "the job ended without it"), (found.details if found else "")
        return
    ledger.stats.deaths += 1
    lines = str(problem).strip().splitlines() or [""]
    why = f"{type(problem).__name__}: {lines[0]}" if problem else f"it left no result; its state is {task.state}"
    log = "\n".join((task.stderr() or "").strip().splitlines()[-12:])
    for key in keys:
        yield key, f"{name} was lost ({why})", log


def _logs(job: Job) -> Path:
    return (Path.cwd() if "://" in job.place else Path(job.place) / "logs") / "slurm"


def _parameters(given: dict[str, str]) -> dict[str, Any]:
    """Numbers as numbers; the rest as text."""
    return {key: int(text) if text.lstrip("-").isdigit() else text for key, text in given.items()}
