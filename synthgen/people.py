"""Who is drawn: subject parameters from a population."""

import csv
from functools import cache
from importlib.resources import files

import numpy as np

from scenes.subject import SubjectSpec
from synthgen.config import PeopleConfig


@cache
def _stature_table(sex: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ages, mean and standard deviation of stature, m (`scenes/data/people.csv`)."""
    text = (files("scenes") / "data" / "people.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["sex"] == sex]
    columns = ("age_years", "stature_mean_m", "stature_sd_m")
    ages, means, deviations = (np.array([float(row[c]) for row in rows]) for c in columns)
    return ages, means, deviations


def _within(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A draw from a bell over the interval (beta(2, 2))."""
    return float(bounds[0] + (bounds[1] - bounds[0]) * rng.beta(2.0, 2.0))


def draw_subject(config: PeopleConfig, rng: np.random.Generator) -> SubjectSpec:
    """One person; age and origin are uniform so that no group is rare."""
    sex = "f" if rng.random() < config.female else "m"
    age = float(rng.uniform(*config.age))
    ages, means, deviations = _stature_table(sex)
    offset = float(np.clip(rng.normal(), *config.stature))
    height = float(np.interp(age, ages, means) + offset * np.interp(age, ages, deviations))
    african, asian, caucasian = rng.dirichlet([0.45, 0.45, 0.45])
    return SubjectSpec(
        sex=sex,
        age=age,
        stature=height,
        muscle=_within(rng, config.muscle),
        weight=_within(rng, config.weight),
        proportions=_within(rng, (0.2, 0.9)),
        cupsize=_within(rng, (0.2, 0.85)),
        firmness=_within(rng, (0.3, 0.8)),
        african=float(african),
        asian=float(asian),
        caucasian=float(caucasian),
    )
