"""Subjects and spine poses that several tests share."""

import numpy as np

from biomech.anatomy import AXES, COORDINATES, REGIONS, coordinate_index
from scenes.subject import SubjectSpec

PLAIN = SubjectSpec("m", 30, 1.76, 0.5, 0.5, 0.5, 0.5, 0.5, 0.2, 0.2, 0.6)

# Extreme spine postures of the measurement in degrees: lumbar, thoracic, cervical for FE, LB, AR.
EXTREMES = {
    "flexion": ((-50, -25, -30), (0, 0, 0), (0, 0, 0)),
    "extension": ((25, 10, 30), (0, 0, 0), (0, 0, 0)),
    "lateral": ((0, 0, 0), (25, 25, 20), (0, 0, 0)),
    "axial": ((0, 0, 0), (0, 0, 0), (10, 35, 50)),
    "scoliosis": ((0, 0, 0), (25, -35, 10), (0, 0, 0)),
}


def spine_pose(name: str) -> np.ndarray:
    """(D,) an extreme posture, shared evenly over the levels of each region."""
    q = np.zeros(len(COORDINATES))
    for axis, totals in zip(AXES, EXTREMES[name], strict=True):
        for (_, levels), total in zip(REGIONS.items(), totals, strict=True):
            for level in levels:
                q[coordinate_index(f"{level}_{axis}")] = np.deg2rad(total) / len(levels)
    return q


def random_spec(rng: np.random.Generator) -> SubjectSpec:
    """Adults of every build, wider than the default population."""
    sex = "mf"[rng.integers(2)]
    origin = rng.dirichlet([0.5] * 3)
    return SubjectSpec(
        sex, float(rng.uniform(18, 85)), float(rng.normal(1.76 if sex == "m" else 1.63, 0.08)),
        *(float(rng.uniform(0.1, 0.95)) for _ in range(2)), *(float(rng.uniform(0.2, 0.9)) for _ in range(3)),
        *(float(v) for v in origin),
    )  # fmt: skip
