"""Worker processes that write shards: one renderer each, restarted when one dies.

Each worker has a pipe of its own, so that one killed in the middle of a message spoils nobody else's. Nothing a worker
computes depends on which worker it is.
"""

import contextlib
import errno
import multiprocessing
import os
import resource
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from biomech.errors import SynthgenError
from synthgen.config import Config
from synthgen.sample_types import Sample
from synthgen.shards import Shard, write_shard

MAX_DEATHS = 2  # retries of one shard whose worker died
# Several processes share the cores, so each library inside one keeps to one thread. Read at import, hence set before.
ONE_THREAD = {
    "LP_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from, as "module:function" names that a fresh process can import.

    Attributes:
        open_assets: (config) -> assets: whatever the other two need, built once per worker; closed with `.close()`
            where it has one.
        make_sample: (config, assets, index) -> Sample, a pure function of config and index.
        subject_osim: (config, assets, subject) -> OpenSim model text, or "" to write no models.
    """

    open_assets: str = "synthgen.sample:open_assets"
    make_sample: str = "synthgen.sample:make_sample"
    subject_osim: str = "synthgen.sample:subject_osim"


@dataclass(slots=True)
class PoolStats:
    """What a run measured; never written into the dataset proper."""

    samples: int = 0
    timings: dict[str, float] = field(default_factory=dict)  # stage -> s, summed
    peak_memory: dict[int, int] = field(default_factory=dict)  # worker -> bytes
    early_memory: dict[int, int] = field(default_factory=dict)  # worker -> bytes after its first shard
    deaths: int = 0


class WorkerFailed(SynthgenError):
    """A worker raised or died. `details` holds the traceback for the log."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


def load(name: str) -> Callable:
    """ "module:function" -> the function."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


@contextlib.contextmanager
def opened(source: Source, config: Config) -> Iterator[tuple[Callable[[int], Sample], Callable[[int], str] | None]]:
    """(make, subject_osim) bound to freshly opened assets, which are closed afterwards."""
    make_sample = load(source.make_sample)
    assets = load(source.open_assets)(config)
    osim = load(source.subject_osim) if source.subject_osim else None
    try:
        yield (
            lambda index: make_sample(config, assets, index),
            (lambda subject: osim(config, assets, subject)) if osim else None,
        )
    finally:
        if hasattr(assets, "close"):
            assets.close()


def run(
    root: Path,
    config: Config,
    shards: Sequence[Shard],
    workers: int,
    source: Source,
    on_progress: Callable[[int], None] | None = None,
) -> PoolStats:
    """Write `shards`; returns when all exist.

    Args:
        workers: processes; 0 works in this process (for debugging).
        on_progress: called with +1 per finished sample, and with a negative number when a dead worker's go again.

    Raises:
        WorkerFailed: a sample raised, or one shard's worker died three times.
        KeyboardInterrupt: after the workers are gone.
    """
    tell = on_progress or (lambda _: None)
    if workers == 0:
        return _run_here(root, config, shards, source, tell)
    pool = _Pool(root, config, shards, source, tell)
    try:
        pool.start(min(workers, len(shards)))
        pool.work()
        return pool.stats
    finally:
        pool.stop()


def _run_here(root: Path, config: Config, shards: Sequence[Shard], source: Source, tell: Callable) -> PoolStats:
    stats = PoolStats()

    def done(timings: dict[str, float]) -> None:
        _count(stats, timings)
        tell(1)

    with opened(source, config) as (make, osim):
        for shard in shards:
            write_shard(root, config, shard, make, osim, done)
            _note_memory(stats, 0, peak_memory())
    return stats


def _count(stats: PoolStats, timings: dict[str, float]) -> None:
    stats.samples += 1
    for stage, seconds in timings.items():
        stats.timings[stage] = stats.timings.get(stage, 0.0) + seconds


def _note_memory(stats: PoolStats, worker: int, peak: int) -> None:
    stats.early_memory.setdefault(worker, peak)
    stats.peak_memory[worker] = peak


def peak_memory() -> int:
    """Bytes this process had resident at most.

    Linux hands ru_maxrss on from the parent through fork and exec, so the process's own high-water mark is read.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass(slots=True)
class _Worker:
    number: int
    process: Any
    pipe: Connection
    shard: Shard | None = None
    done: int = 0  # samples of the current shard


class _Pool:
    """Owns the processes."""

    def __init__(self, root: Path, config: Config, shards: Sequence[Shard], source: Source, tell: Callable) -> None:
        self.root, self.config, self.source, self.tell = root, config, source, tell
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
        process = self.context.Process(target=_serve, args=job, daemon=True, name=f"synthgen-{self.born}")
        with _child_environment():
            process.start()
        theirs.close()
        self.born += 1
        return _Worker(self.born - 1, process, ours)

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
            _count(self.stats, *content)
            self.tell(1)
            return
        if kind == "error":
            where, reason, details = content
            raise WorkerFailed(f"{where}: {reason}", details)
        if kind == "done":
            _note_memory(self.stats, worker.number, *content)
            self.left -= 1
        self._give(worker)

    def _give(self, worker: _Worker) -> None:
        worker.shard, worker.done = (self.queue.popleft() if self.queue else None), 0
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
        key = worker.shard.number if worker.shard else -1
        self.deaths[key] = self.deaths.get(key, 0) + 1
        if worker.shard:
            self.tell(-worker.done)
            self.stats.samples -= worker.done
            self.queue.appendleft(worker.shard)
        if self.deaths[key] > MAX_DEATHS:
            what = f"samples {worker.shard.start} to {worker.shard.stop - 1}" if worker.shard else "starting up"
            raise WorkerFailed(
                f"a worker process died {self.deaths[key]} times at {what} ({_cause(worker.process.exitcode)}); "
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


@contextlib.contextmanager
def _child_environment() -> Iterator[None]:
    """One thread per library, and Ctrl-C left to the parent: both are inherited at the moment of the start."""
    before = {key: os.environ.get(key) for key in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread
        handler = None
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _serve(pipe: Connection, root: str, config: Config, source: Source) -> None:
    """A worker's life: say ready, write the shards it is given, leave when given None or when the parent is gone."""
    where = "opening the assets"

    def done(timings: dict[str, float]) -> None:
        pipe.send(("sample", timings))

    try:
        with opened(source, config) as (make, osim):

            def tracked(index: int) -> Sample:
                nonlocal where
                where = f"sample {index}"
                return make(index)

            pipe.send(("ready",))
            while (shard := pipe.recv()) is not None:
                write_shard(Path(root), config, shard, tracked, osim, done)
                pipe.send(("done", peak_memory()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(1)  # the parent is gone
    except Exception as error:
        pipe.send(("error", where, _sentence(error), traceback.format_exc()))


def _sentence(error: Exception) -> str:
    if isinstance(error, SynthgenError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full; what is finished stays. Make room and run the same command again"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


def clean_temporaries(root: Path) -> int:
    """Remove what killed workers left under temporary names. Returns how many."""
    found = [p for p in root.rglob(".*.tmp") if p.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
