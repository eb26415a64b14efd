"""dask.distributed: one task per shard, as many at once as the cluster has threads; it moves a lost worker's tasks."""

import itertools
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from distributed import Client, LocalCluster, wait

from biomech.errors import ConfigError
from synthgen.executors.job import Job, Options, Outcome, Watcher, Writer
from synthgen.executors.ledger import Ledger
from synthgen.pool import PoolStats, default_workers
from synthgen.shards import Shard
from synthgen.worker import ONE_THREAD

WAKE = 1.0  # s between looks when nothing comes back
PATIENCE = "20s"  # for the scheduler to answer

# One writer per process, on one thread of its own: a graphics context belongs to the thread that made it, and a dask
# worker may have several.
_bench = ThreadPoolExecutor(1, thread_name_prefix="synthgen")
_kept: dict[str, Writer] = {}


def write(key: str, job: Job, shard: Shard) -> Outcome:
    """The task: runs on a worker, with the assets that an earlier task of the same run has opened there."""
    return _bench.submit(_write, key, job, shard).result()


def _write(key: str, job: Job, shard: Shard) -> Outcome:
    if key not in _kept:
        for writer in _kept.values():
            writer.close()
        _kept.clear()
        _kept[key] = Writer(job)
    return _kept[key].write(shard)


def run(
    job: Job,
    shards: Sequence[Shard],
    workers: int | None,
    watcher: Watcher,
    tell: Callable[[int], object],
    options: Options,
) -> PoolStats:
    """See `synthgen.executors.job.Run`."""
    logging.getLogger("distributed").setLevel(logging.ERROR)
    ledger = Ledger(shards, watcher, tell)
    if options.address:
        try:
            client = Client(options.address, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise ConfigError(f"no dask scheduler answers at --address {options.address} ({error})") from None
        with client:
            return _work(client, job, ledger, watcher, workers)
    count = min(workers or default_workers(), len(shards))
    with (
        LocalCluster(count, threads_per_worker=1, dashboard_address=None, env=ONE_THREAD, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        return _work(client, job, ledger, watcher, workers)


def _work(client: Client, job: Job, ledger: Ledger, watcher: Watcher, workers: int | None) -> PoolStats:
    key = uuid.uuid4().hex  # of this run: writers of an earlier one are closed
    out: dict[Any, str] = {}  # future -> slot
    slots = (f"slot {k}" for k in itertools.count())
    free: list[str] = []
    while not ledger.over:
        room = sum(client.nthreads().values())
        wanted = min(room, workers or room)
        while len(out) < wanted:
            slot = free.pop() if free else next(slots)
            shard = ledger.give(slot)
            if shard is None:
                free.append(slot)
                break
            out[client.submit(write, key, job, shard, pure=False, retries=0)] = slot
        if out:
            done, _ = _wait(list(out))
            for future in done:
                slot = out.pop(future)
                _settle(ledger, slot, future)
                free.append(slot)
        else:  # no worker is there yet, or any more
            time.sleep(WAKE)
        watcher.beat()
    client.cancel(list(out))
    ledger.check()
    return ledger.stats


def _wait(futures: list) -> tuple[set, set]:
    try:
        found = wait(futures, timeout=WAKE, return_when="FIRST_COMPLETED")
    except TimeoutError:
        return set(), set(futures)
    return found.done, found.not_done


def _settle(ledger: Ledger, slot: str, future: Any) -> None:
    if future.status == "finished":
        ledger.finish(slot, future.result())
    else:  # a worker died under it again and again, or the cluster dropped it
        error = future.exception() if future.status == "error" else None
        lines = str(error or future.status).strip().splitlines()
        ledger.lose(
            slot, f"{type(error).__name__}: {lines[0] if lines else ''}" if error else f"the task was {future.status}"
        )
