"""Ray: one actor per worker, each with its own open assets. An actor that is lost is replaced, its shard done again."""

import contextlib
import itertools
import logging
import os
from typing import Any

import ray

from biomech.errors import ConfigError
from synthgen.executors.job import Job, Order, Outcome, Writer
from synthgen.executors.ledger import Ledger
from synthgen.pool import PoolStats, default_workers
from synthgen.shards import Shard
from synthgen.worker import ONE_THREAD, child_environment

OBJECTS = 100 * 2**20  # bytes for what Ray passes around: jobs and outcomes, never pictures
WAKE = 1.0  # s between looks when nothing comes back


class _Actor:
    """Lives in a process of the cluster."""

    def __init__(self, job: Job) -> None:
        self.writer = Writer(job)

    def name(self) -> str:
        return self.writer.name

    def write(self, shard: Shard) -> Outcome:
        return self.writer.write(shard)


def run(order: Order) -> PoolStats:
    """See `synthgen.executors.job.Order`. A cluster that this process is connected to is used and left as it is."""
    ours = not ray.is_initialized()
    if ours:
        _connect(order.options.address, order.workers)
    try:
        count = order.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        return _Crew(order).work(min(count, len(order.shards)))
    finally:
        if ours:
            ray.shutdown()


def _connect(address: str, workers: int | None) -> None:
    """To a running cluster, or to a new one of this machine that ends with this process.

    Raises:
        ConfigError: no cluster answers.
    """
    if not address:
        # Ray ranks its workers below everything else on the machine (nice 15); rendering is what this one is for.
        os.environ.setdefault("RAY_worker_niceness", "0")
        with child_environment():
            ray.init(
                num_cpus=workers or default_workers(),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=OBJECTS,
            )
        return
    try:
        ray.init(
            address=address, log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": ONE_THREAD}
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"no Ray cluster answers at --address {address} ({_first_line(error)})") from None


class _Crew:
    """The actors of one run, and what each is asked."""

    def __init__(self, order: Order) -> None:
        self.ledger, self.watcher = Ledger(order.shards, order.watcher, order.tell), order.watcher
        # Ray must not repeat a shard by itself: the ledger counts the tries.
        self.kind = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Actor)
        self.job = ray.put(order.job)
        self.born = itertools.count()
        self.actors: dict[str, Any] = {}
        self.asked: dict[Any, str] = {}  # what comes back -> actor
        self.names: dict[str, str] = {}  # actor -> host:process id
        self.idle: set[str] = set()

    def work(self, count: int) -> PoolStats:
        try:
            for _ in range(count):
                self._hire()
            while not self.ledger.over:
                ready, _ = ray.wait(list(self.asked), timeout=WAKE)
                for answer in ready:
                    self._hear(answer)
                for key in list(self.idle):
                    self._give(key)
                self.watcher.beat()
            self.ledger.check()
            return self.ledger.stats
        finally:
            for actor in self.actors.values():
                with contextlib.suppress(ray.exceptions.RayError):
                    ray.kill(actor)

    def _hire(self) -> None:
        key = f"actor {next(self.born)}"
        self.actors[key] = self.kind.remote(self.job)
        self.asked[self.actors[key].name.remote()] = key

    def _hear(self, answer: Any) -> None:
        key = self.asked.pop(answer)
        try:
            found = ray.get(answer)
        except ray.exceptions.RayError as error:
            del self.actors[key]
            self.ledger.lose(self.names.get(key, key), _first_line(error))
            if self.ledger.open:
                self._hire()
            return
        if isinstance(found, str):
            self.names[key] = found
            self.ledger.started()
        else:
            self.ledger.finish(self.names[key], found)
        self.idle.add(key)

    def _give(self, key: str) -> None:
        shard = self.ledger.give(self.names[key])
        if shard is not None:
            self.idle.discard(key)
            self.asked[self.actors[key].write.remote(shard)] = key


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
