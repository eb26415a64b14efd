"""Where the time of a whole picture goes, and what more workers bring: the default preset, from posing to files."""

import tempfile
import time
from dataclasses import dataclass

import numpy as np

from biomech.kinematics import forward_kinematics
from biomech.model import build_model, default_geometry
from synthgen import pool
from synthgen.config import Config, load_config
from synthgen.render import resolve_assets
from synthgen.shards import plan

STAGES = ("people", "scene", "render", "label", "sensor", "write")
WARM = 2
"""Pictures of each worker that are not counted: it opens its assets and builds its first person."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A run of the pipeline.

    Attributes:
        per_second: pictures/s once every worker has begun.
        stage_ms: mean of each stage of a picture, ms on the clock.
    """

    workers: int
    pictures: int
    per_second: float
    stage_ms: dict[str, float]


def pipeline_rate(config: Config, workers: int) -> Rate:
    """Render the config's pictures into a folder that is thrown away.

    Args:
        workers: processes, at least 1.

    Raises:
        synthgen.pool.WorkerFailed: a picture could not be made.
    """
    config, _, _ = resolve_assets(config)
    done: list[float] = []
    with tempfile.TemporaryDirectory(prefix="synthgen-bench-") as folder:
        stats = pool.run(
            folder, config, plan(config), workers, pool.Source(), lambda n: done.extend([time.perf_counter()] * n)
        )
    begun = min(WARM * workers, len(done) - 1)
    per_second = (len(done) - begun) / max(done[-1] - done[begun - 1], 1e-9) if begun else 0.0
    stages = {name: 1e3 * stats.timings.get(name, 0.0) / stats.samples for name in STAGES}
    return Rate(workers, stats.samples, per_second, stages)


def preset(pictures: int, size: tuple[int, int]) -> Config:
    """Everything as by default but for the number and size of the pictures."""
    return load_config(None, [f"poses={pictures}", f"width={size[0]}", f"height={size[1]}"])


def kinematics_rate(count: int = 2000, repeats: int = 3) -> float:
    """Poses per second of processor time: OpenSim's forward kinematics with every body read; the best of some runs."""
    model = build_model(default_geometry())
    rng = np.random.default_rng(0)
    low, high = np.clip(model.hard, -3.0, 3.0).T
    angles = rng.uniform(low, high, (count, len(model.coordinates)))
    best = np.inf
    for _ in range(repeats):
        begin = time.process_time()
        forward_kinematics(model, angles)
        best = min(best, time.process_time() - begin)
    return count / best
