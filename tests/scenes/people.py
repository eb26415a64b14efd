"""Subjects that several tests share."""

import numpy as np

from scenes.subject import SubjectSpec

PLAIN = SubjectSpec("m", 30, 1.76, 0.5, 0.5, 0.5, 0.5, 0.5, 0.2, 0.2, 0.6)


def random_spec(rng: np.random.Generator) -> SubjectSpec:
    """Adults of every build, wider than the default population."""
    sex = "mf"[rng.integers(2)]
    origin = rng.dirichlet([0.5] * 3)
    return SubjectSpec(
        sex, float(rng.uniform(18, 85)), float(rng.normal(1.76 if sex == "m" else 1.63, 0.08)),
        *(float(rng.uniform(0.1, 0.95)) for _ in range(2)), *(float(rng.uniform(0.2, 0.9)) for _ in range(3)),
        *(float(v) for v in origin),
    )  # fmt: skip
