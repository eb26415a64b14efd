"""Worker processes that write shards: one renderer each, restarted when one dies.

Each worker has a pipe of its own, so that one killed in the middle of a message spoils nobody else's. Nothing a worker
computes depends on which worker it is.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomech.errors import SynthgenError
from scenes.devices import drawing_on, driver, is_software
from synthgen.config import Config
from synthgen.shards import Shard, write_shard
from synthgen.store import store_at
from synthgen.worker import Source, child_environment, opened, peak_memory, serve

if TYPE_CHECKING:
    from synthgen.executors.job import Watcher

log = logging.getLogger(__name__)

MAX_DEATHS = 2  # retries of one shard whose worker died

MILESTONE = 1000
"""Pictures from one entry of PoolStats.course to the next."""


@dataclass(slots=True)
class PoolStats:
    """What a run measured; never written into the dataset proper.

    Attributes:
        course: (samples, s since the start, highest peak memory of a worker so far in bytes) every MILESTONE samples.
    """

    samples: int = 0
    timings: dict[str, float] = field(default_factory=dict)  # stage -> s, summed
    peak_memory: dict[int, int] = field(default_factory=dict)  # worker -> bytes
    early_memory: dict[int, int] = field(default_factory=dict)  # worker -> bytes after its first shard
    deaths: int = 0
    drivers: list[str] = field(default_factory=list)  # GL_RENDERER of the workers, each once
    course: list[tuple[int, float, int]] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)

    def count(self, samples: int, timings: dict[str, float]) -> None:
        """Samples are finished; `timings` adds to the seconds of each stage."""
        self.samples += samples
        for stage, seconds in timings.items():
            self.timings[stage] = self.timings.get(stage, 0.0) + seconds
        if self.samples >= MILESTONE + (self.course[-1][0] if self.course else 0):
            passed = time.perf_counter() - self.begun
            self.course.append((self.samples, round(passed, 3), max(self.peak_memory.values(), default=0)))

    def note_memory(self, worker: int, peak: int) -> None:
        """A worker's peak memory, in bytes, after another shard."""
        self.early_memory.setdefault(worker, peak)
        self.peak_memory[worker] = peak


def default_workers() -> int:
    """One per core this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WorkerFailed(SynthgenError):
    """A worker raised or died. `details` holds the traceback for the log."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


def run(
    root: Path | str,
    config: Config,
    shards: Sequence[Shard],
    workers: int,
    source: Source,
    on_progress: Callable[[int], object] | None = None,
    watcher: "Watcher | None" = None,
    devices: Sequence[int] = (),
) -> PoolStats:
    """Write `shards`; returns when all exist.

    Args:
        workers: processes; 0 works in this process (for debugging).
        root: the dataset's folder or URL.
        on_progress: called with +1 per finished sample, and with a negative number when a dead worker's go again.
        watcher: hears who is given which shard, and of deaths.
        devices: numbers of the graphics devices that the workers share evenly; none leaves the choice to EGL.

    Raises:
        WorkerFailed: a sample raised, or one shard's worker died three times.
        KeyboardInterrupt: after the workers are gone.
    """
    tell = on_progress or (lambda _: None)
    if workers == 0:
        with drawing_on(devices[0] if devices else None):
            stats = _run_here(root, config, shards, source, tell)
        _note_driver(stats, driver(), devices)
        return stats
    pool = _Pool(root, config, shards, source, tell, watcher, devices)
    try:
        pool.start(min(workers, len(shards)))
        pool.work()
        return pool.stats
    finally:
        pool.stop()


def _run_here(root: Path | str, config: Config, shards: Sequence[Shard], source: Source, tell: Callable) -> PoolStats:
    stats = PoolStats()

    def done(timings: dict[str, float]) -> None:
        stats.count(1, timings)
        tell(1)

    store = store_at(root)
    with opened(source, config) as (make, osim):
        for shard in shards:
            with store.place_for(shard) as place:
                write_shard(place, config, shard, make, osim, done)
            stats.note_memory(0, peak_memory())
    return stats


def _note_driver(stats: PoolStats, found: str, devices: Sequence[int]) -> None:
    """Keep what a worker draws on, and say so where somebody would not expect it."""
    if not found or found in stats.drivers:
        return
    stats.drivers.append(found)
    log.info("drawing on %s", found)
    if devices and is_software(found):
        log.warning("--gpus asked for a graphics card, and a worker draws with the processor (%s)", found)
    if len(stats.drivers) == 2:
        log.warning("workers draw on %s; two drivers draw two kinds of bytes", " and on ".join(stats.drivers))


def next_device(devices: Sequence[int], taken: Sequence[int | None]) -> int | None:
    """The device that the fewest workers have, the first of equals; None where there is no choice."""
    return min(devices, key=lambda device: taken.count(device)) if devices else None


@dataclass(slots=True)
class _Worker:
    number: int
    process: Any
    pipe: Connection
    device: int | None = None
    shard: Shard | None = None
    done: int = 0  # samples of the current shard
    words: str = ""  # the last, of one that knew why it died


class _Pool:
    """Owns the processes."""

    def __init__(
        self,
        root: Path | str,
        config: Config,
        shards: Sequence[Shard],
        source: Source,
        tell: Callable,
        watcher: "Watcher | None",
        devices: Sequence[int] = (),
    ) -> None:
        self.root, self.config, self.source, self.tell = root, config, source, tell
        self.watcher, self.devices = watcher, devices
        self.queue = deque(shards)
        self.left = len(shards)
        self.deaths: dict[int, int] = {}
        self.workers: list[_Worker] = []
        self.stats = PoolStats()
        self.context = multiprocessing.get_context("spawn")
        self.born = 0

    def start(self, count: int) -> None:
        for _ in range(count):
            self.workers.append(self._spawn())

    def _spawn(self) -> _Worker:
        ours, theirs = self.context.Pipe()
        job = (theirs, str(self.root), self.config, self.source)
        process = self.context.Process(target=serve, args=job, daemon=True, name=f"synthgen-{self.born}")
        device = next_device(self.devices, [worker.device for worker in self.workers])
        with child_environment(), drawing_on(device):
            process.start()
        theirs.close()
        self.born += 1
        return _Worker(self.born - 1, process, ours, device)

    def work(self) -> None:
        while self.left:
            ready = wait([w.pipe for w in self.workers], timeout=5.0)
            for worker in [w for w in self.workers if w.pipe in ready]:
                try:
                    message = worker.pipe.recv()
                except (EOFError, OSError):
                    self._bury(worker)
                else:
                    self._hear(worker, *message)

    def _hear(self, worker: _Worker, kind: str, *content: Any) -> None:
        if kind == "sample":
            worker.done += 1
            self.stats.count(1, *content)
            self.tell(1)
            return
        if kind == "driver":
            _note_driver(self.stats, str(content[0]), self.devices)
            return
        if kind == "error":
            where, reason, details = content
            if self.watcher:
                self.watcher.failed_at(worker.shard, f"worker {worker.number}", f"{where}: {reason}", details)
            raise WorkerFailed(f"{where}: {reason}", details)
        if kind == "lost":
            worker.words = str(content[0])
            return  # its pipe ends next
        if kind == "ready":
            self.deaths.pop(-1, None)  # workers do start here: what died before its first word had another reason
        if kind == "done":
            self.stats.note_memory(worker.number, *content)
            self.left -= 1
            if self.watcher and worker.shard:
                self.watcher.done(worker.shard, f"worker {worker.number}")
        self._give(worker)

    def _give(self, worker: _Worker) -> None:
        worker.shard, worker.done = (self.queue.popleft() if self.queue else None), 0
        if self.watcher and worker.shard:
            self.watcher.given(worker.shard, f"worker {worker.number}")
        with contextlib.suppress(OSError):  # a worker that just died is buried when its pipe is read
            worker.pipe.send(worker.shard)

    def _bury(self, worker: _Worker) -> None:
        """A worker is gone without a word: killed, out of memory, or crashed in native code."""
        worker.process.join(timeout=10)
        worker.pipe.close()
        self.workers.remove(worker)
        if worker.shard is None and not self.queue:  # it had said goodbye
            return
        self.stats.deaths += 1
        if self.watcher:
            why = worker.words or _cause(worker.process.exitcode)
            self.watcher.failed_at(worker.shard, f"worker {worker.number}", f"the worker died: {why}")
        key = worker.shard.number if worker.shard else -1
        self.deaths[key] = self.deaths.get(key, 0) + 1
        if worker.shard:
            self.tell(-worker.done)
            self.stats.samples -= worker.done
            self.queue.appendleft(worker.shard)
        if self.deaths[key] > MAX_DEATHS:
            what = f"samples {worker.shard.start} to {worker.shard.stop - 1}" if worker.shard else "starting up"
            why = worker.words or _cause(worker.process.exitcode)
            raise WorkerFailed(
                f"a worker process died {self.deaths[key]} times at {what} ({why}); "
                "what is finished stays. Run the same command again with fewer --workers (--workers 0 shows more)"
            )
        self.workers.append(self._spawn())

    def stop(self) -> None:
        """End every worker at once. Whatever they were writing has only temporary names, or the right bytes."""
        for worker in self.workers:
            if not self.left:
                with contextlib.suppress(OSError):  # most have been told already
                    worker.pipe.send(None)
                worker.process.join(timeout=10)
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join(timeout=5)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()


def _cause(exitcode: int | None) -> str:
    if exitcode == -signal.SIGKILL:
        return "killed from outside, most often because memory ran out"
    if exitcode is not None and exitcode < 0:
        return f"signal {signal.Signals(-exitcode).name}"
    return f"exit code {exitcode}"
