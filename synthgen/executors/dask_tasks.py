"""dask.distributed: one task per shard, as many at once as the cluster has threads; it moves a lost worker's tasks."""

import contextlib
import itertools
import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from distributed import Client, LocalCluster, wait

from biomech.errors import ConfigError
from synthgen.executors.job import Job, Order, Outcome, Writer
from synthgen.executors.ledger import Ledger
from synthgen.pool import PoolStats, default_workers
from synthgen.shards import Shard
from synthgen.worker import ONE_THREAD

WAKE = 1.0  # s between looks when nothing comes back
PATIENCE = "20s"  # for the scheduler to answer
PARTING = 10.0  # s for workers that still make a picture to close their assets

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


def forget(key: str) -> None:
    """The last task of a run on each worker: lets its assets go, on the thread that opened them."""
    _bench.submit(_forget, key).result()


def _forget(key: str) -> None:
    if key in _kept:
        _kept.pop(key).close()


def run(order: Order) -> PoolStats:
    """See `synthgen.executors.job.Order`."""
    logging.getLogger("distributed").setLevel(logging.ERROR)
    address = order.options.address
    if address:
        try:
            client = Client(address, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise ConfigError(f"no dask scheduler answers at --address {address} ({error})") from None
        with client:
            return _kept_open(client, order)
    count = min(order.workers or default_workers(), len(order.shards))
    with (
        LocalCluster(count, threads_per_worker=1, dashboard_address=None, env=ONE_THREAD, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        return _kept_open(client, order)


def _kept_open(client: Client, order: Order) -> PoolStats:
    """Work, then have the workers close what they keep open: an interpreter on its way out no longer can."""
    key = uuid.uuid4().hex  # of this run: writers of an earlier one are closed
    try:
        return _work(client, order, key)
    finally:
        with contextlib.suppress(OSError, TimeoutError):
            wait([client.submit(forget, key, workers=[w], pure=False) for w in client.nthreads()], timeout=PARTING)


def _work(client: Client, order: Order, key: str) -> PoolStats:
    ledger = Ledger(order.shards, order.watcher, order.tell)
    out: dict[Any, str] = {}  # future -> slot
    slots = (f"slot {k}" for k in itertools.count())
    free: list[str] = []
    while not ledger.over:
        room = sum(client.nthreads().values())
        wanted = min(room, order.workers or room)
        while len(out) < wanted:
            slot = free.pop() if free else next(slots)
            shard = ledger.give(slot)
            if shard is None:
                free.append(slot)
                break
            out[client.submit(write, key, order.job, shard, pure=False, retries=0)] = slot
        if out:
            done, _ = _wait(list(out))
            for future in done:
                slot = out.pop(future)
                _settle(ledger, slot, future)
                free.append(slot)
        else:  # no worker is there yet, or any more
            time.sleep(WAKE)
        order.watcher.beat()
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
