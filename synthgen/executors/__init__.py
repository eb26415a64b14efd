"""Who runs the workers: this machine's processes, Ray actors, dask workers or Slurm arrays.

Every executor is a module with one function `run(order)` (see `synthgen.executors.job.Order`). All write the same
shards of the same plan, so which one ran never changes a byte.
"""

from collections.abc import Callable, Sequence
from importlib import import_module

from biomech.errors import ConfigError
from synthgen.executors.job import Job, Options, Order, Run
from synthgen.journal import Journal
from synthgen.pool import PoolStats
from synthgen.shards import Shard

_MODULES = {
    "local": "synthgen.executors.local",
    "ray": "synthgen.executors.ray_actors",
    "dask": "synthgen.executors.dask_tasks",
    "slurm": "synthgen.executors.slurm_arrays",
}
_NEEDS = {"ray": "ray", "dask": "distributed", "slurm": "submitit"}
EXECUTORS = tuple(_MODULES)


def executor_named(name: str) -> Run:
    """The function that runs shards on the engine called `name`.

    Raises:
        ConfigError: no such engine, or its package is not installed.
    """
    if name not in _MODULES:
        raise ConfigError(f"--executor is '{name}'; allowed: {', '.join(EXECUTORS)}")
    try:
        if name in _NEEDS:
            import_module(_NEEDS[name])
    except ImportError as error:
        raise ConfigError(
            f"--executor {name} needs the package {_NEEDS[name]}, which cannot be imported ({error}); "
            f"install it with: pip install 'synthgen[{name}]'"
        ) from None
    return import_module(_MODULES[name]).run


def run_shards(
    name: str,
    job: Job,
    shards: Sequence[Shard],
    workers: int | None,
    journal: Journal,
    tell: Callable[[int], object],
    options: Options,
) -> PoolStats:
    """Run `shards` on the engine called `name` and have the journal know how it ended; see `job.Order`."""
    how = "stopped"
    try:
        order = Order(job, shards, workers, journal, tell, options)
        stats = executor_named(name)(order) if shards else PoolStats()
        how = "every shard is finished"
        return stats
    except Exception as error:
        how = f"failed: {error}"
        raise
    finally:
        journal.end(how)
