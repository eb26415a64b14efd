"""Worker processes of this machine; see `synthgen.pool`."""

from synthgen import pool
from synthgen.executors.job import Order


def run(order: Order) -> pool.PoolStats:
    """See `synthgen.executors.job.Order`; workers 0 works in this process."""
    job = order.job

    def told(samples: int) -> None:
        order.tell(samples)
        order.watcher.progress(samples)

    count = pool.default_workers() if order.workers is None else order.workers
    return pool.run(job.place, job.config, order.shards, count, job.source, told, order.watcher, order.options.gpus)
