"""Worker processes of this machine; see `synthgen.pool`."""

from collections.abc import Callable, Sequence

from synthgen import pool
from synthgen.executors.job import Job, Options, Watcher
from synthgen.shards import Shard


def run(
    job: Job,
    shards: Sequence[Shard],
    workers: int | None,
    watcher: Watcher,
    tell: Callable[[int], object],
    options: Options,
) -> pool.PoolStats:
    """See `synthgen.executors.job.Run`; workers 0 works in this process."""

    def told(samples: int) -> None:
        tell(samples)
        watcher.progress(samples)

    count = pool.default_workers() if workers is None else workers
    return pool.run(job.place, job.config, shards, count, job.source, told, watcher)
