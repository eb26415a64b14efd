"""What an executor is given, and what one worker of a cluster does with it: open the assets once, write shards."""

import contextlib
import os
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from biomech.errors import AssetError, GraphicsLost
from synthgen.config import Config
from synthgen.folder import versions
from synthgen.pool import PoolStats
from synthgen.sample_types import Sample
from synthgen.shards import Shard, write_shard
from synthgen.store import store_at
from synthgen.worker import ONE_THREAD, Source, hand_back_memory, opened, peak_memory, sentence

LOOK_EVERY = 2.0  # s between looks whether another worker has finished the shard


@dataclass(frozen=True, slots=True)
class Job:
    """One dataset to be made; plain data that travels to every worker.

    Attributes:
        place: folder or URL that the workers write to; a folder must be the same one for all of them.
        identity: what the dataset was begun with (see `synthgen.folder.identity`); a worker whose versions or assets
            differ would write other bytes and refuses.
    """

    place: str
    config: Config
    source: Source
    identity: dict


@dataclass(frozen=True, slots=True)
class Options:
    """What only some executors look at.

    Attributes:
        address: of a running Ray or dask cluster; "" starts one on this machine.
        slurm: parameters for submitit, such as slurm_partition or timeout_min.
        gpus: numbers of the graphics devices that local workers share, see scenes.devices; () leaves it to EGL.
    """

    address: str = ""
    slurm: dict[str, str] = field(default_factory=dict)
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one shard on one worker."""

    shard: int
    worker: str  # host:process id
    samples: int = 0
    timings: dict[str, float] = field(default_factory=dict)  # stage -> s, summed
    seconds: float = 0.0
    peak_memory: int = 0
    error: str = ""  # one sentence; "" where the shard is written
    details: str = ""  # its traceback


class Watcher(Protocol):
    """Hears what happens to shards; see `synthgen.journal.Journal`."""

    def given(self, shard: Shard, worker: str) -> None: ...
    def done(self, shard: Shard, worker: str) -> None: ...
    def failed_at(self, shard: Shard | None, worker: str, reason: str, details: str = "") -> None: ...
    def progress(self, samples: int) -> None: ...
    def beat(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What an executor is asked to do.

    Attributes:
        shards: to be written; the executor returns when all exist.
        workers: how many at once; None for as many as the engine has.
        tell: called with the number of samples whenever some are finished.
    """

    job: Job
    shards: Sequence[Shard]
    workers: int | None
    watcher: Watcher
    tell: Callable[[int], object]
    options: Options


Run = Callable[[Order], PoolStats]
"""An executor. Raises WorkerFailed where a shard failed on every try."""


class _Superseded(Exception):  # not an error
    """Somebody else finished the shard."""


class Writer:
    """One worker's assets, kept open between shards. Use it from one thread only: it may own a graphics context."""

    def __init__(self, job: Job) -> None:
        for name, value in ONE_THREAD.items():
            os.environ.setdefault(name, value)
        self.job = job
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.store = store_at(job.place)
        self.stack = contextlib.ExitStack()
        self.bound: tuple | None = None
        self.written = 0

    def write(self, shard: Shard) -> Outcome:
        """Write one shard. Whatever goes wrong is in the outcome, but a lost graphics driver ends the process."""
        begin = time.monotonic()
        looked = begin
        where = "opening the assets"
        timings: dict[str, float] = {}
        samples = 0

        def on_sample(stages: dict[str, float]) -> None:
            nonlocal samples
            samples += 1
            for stage, seconds in stages.items():
                timings[stage] = timings.get(stage, 0.0) + seconds

        def make(index: int) -> Sample:
            nonlocal where, looked
            if time.monotonic() - looked > LOOK_EVERY:
                looked = time.monotonic()
                if self.store.settled(shard):
                    raise _Superseded
            where = f"sample {index}"
            assert self.bound is not None
            return self.bound[0](index)

        error = details = ""
        try:
            if self.bound is None:
                refuse_difference(self.job.identity)
                self.bound = self.stack.enter_context(opened(self.job.source, self.job.config))
            if not self.store.settled(shard):
                with self.store.place_for(shard) as root:
                    write_shard(root, self.job.config, shard, make, self.bound[1], on_sample)
                self.written += 1
                hand_back_memory(self.written)
        except _Superseded:
            pass
        except GraphicsLost:
            os._exit(1)  # nothing in this process can be trusted to draw again: a new one takes over
        except Exception as problem:
            error, details = f"{where}: {sentence(problem)}", traceback.format_exc()
        seconds = time.monotonic() - begin
        return Outcome(shard.number, self.name, samples, timings, seconds, peak_memory(), error, details)

    def close(self) -> None:
        """Let the assets go."""
        self.stack.close()
        self.bound = None


def refuse_difference(identity: dict) -> None:
    """AssetError where this machine would make other bytes than those the dataset was begun with."""
    here = versions()
    wanted = identity.get("versions", {})
    lines = [
        f"{k} {here.get(k)} here, {wanted.get(k)} there"
        for k in sorted({*here, *wanted})
        if here.get(k) != wanted.get(k)
    ]
    if identity.get("assets_digest"):
        from synthgen.assets import assets_digest

        if assets_digest() != identity["assets_digest"]:
            lines.append("other asset packs are installed")
    if lines:
        raise AssetError(
            f"the worker on {socket.gethostname()} would make other bytes: {'; '.join(lines)}; "
            "install there what the machine has that began the dataset"
        )
