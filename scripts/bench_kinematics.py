"""Poses per second on one core: OpenSim forward kinematics with every body read, rhythm, and whole pose sampling.

taskset -c 0 python scripts/bench_kinematics.py [POSES]
"""

import sys
import time

import numpy as np

from biomech.activities import draw_activity, sample_pose
from biomech.kinematics import forward_kinematics
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.model import build_model, default_geometry
from biomech.rhythm import distribute


def rate(work, count: int, repeats: int = 3) -> str:
    """Best of `repeats` runs, by processor and by wall time."""
    best = [np.inf, np.inf]
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        best = [min(best[0], time.process_time() - processor), min(best[1], time.perf_counter() - wall)]
    return f"{count / best[0]:9.0f} poses/s of processor time, {count / best[1]:9.0f} of wall time"


def main(count: int) -> None:
    model = build_model(default_geometry())
    rng = np.random.default_rng(0)
    angles = rng.uniform(*np.clip(model.hard, -3.0, 3.0).T, (count, len(model.coordinates)))
    targets = rng.uniform(-0.5, 0.5, (count, 9))
    some = max(1, count // 20)

    def whole_poses() -> None:
        draws = np.random.default_rng(1)
        for _ in range(some):
            sample_pose(model, draw_activity(None, draws), draws)

    rows = (
        ("OpenSim realizePosition, every body read", lambda: forward_kinematics(model, angles), count),
        ("the same tree in numpy", lambda: forward_kinematics_numpy(model.geometry, angles), count),
        ("regional targets to levels (rhythm)", lambda: distribute(targets), count),
        ("whole poses: activity, IK, checks", whole_poses, some),
    )
    print(f"{len(model.bodies)} bodies, {len(model.coordinates)} coordinates")
    for name, work, poses in rows:
        print(f"{name:42s}", rate(work, poses))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
