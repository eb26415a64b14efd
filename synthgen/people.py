"""Who is drawn: subject parameters from a population."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from scipy.special import ndtr, ndtri

from scenes.asymmetry import draw_asymmetry
from scenes.subject import SubjectSpec
from synthgen.config import PeopleConfig

CHILD_UNTIL, ELDER_FROM = 18.0, 65.0
"""Ages, years, that part children, adults and elders."""

GROWN = 20.0
"""From this age on the bounds of the body mass index hold as they are; a child's are scaled by his median."""

EVEN = 0.2
"""Share of people whose body mass index is drawn evenly over its range, so that rare builds are not rare."""


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """One sex's rows of `scenes/data/people.csv`, by age (years).

    Attributes:
        mean, deviation: of stature, m.
        power, median, variation: of the body mass index (the L, M and S of its distribution), kg/m2.
    """

    age: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    power: np.ndarray
    median: np.ndarray
    variation: np.ndarray


@cache
def growth(sex: str) -> Growth:
    """The table of one sex, "m" or "f"."""
    text = (files("scenes") / "data" / "people.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["sex"] == sex]
    columns = ("age_years", "stature_mean_m", "stature_sd_m", "bmi_l", "bmi_m", "bmi_s")
    return Growth(*(np.array([float(row[c]) for row in rows]) for c in columns))


def _within(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A draw from a bell over the interval (beta(2, 2))."""
    return float(bounds[0] + (bounds[1] - bounds[0]) * rng.beta(2.0, 2.0))


def draw_age(config: PeopleConfig, rng: np.random.Generator) -> float:
    """Years: even within children, adults and elders, whose shares hold where the range takes in all of each."""
    shares = (config.children, 1.0 - config.children - config.elders, config.elders)
    edges = (5.0, CHILD_UNTIL, ELDER_FROM, 90.0)
    low, high = config.age
    # A range may reach beyond the edges; the outer groups reach with it.
    spans = [(max(low, edges[k] if k else low), min(high, edges[k + 1] if k < 2 else high)) for k in range(3)]
    lengths = np.array([max(end - start, 0.0) for start, end in spans])
    weights = lengths * [share / (edges[k + 1] - edges[k]) for k, share in enumerate(shares)]
    if not weights.sum() > 0:
        return float(rng.uniform(low, high))
    start, end = spans[int(np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(), side="right"))]
    return float(rng.uniform(start, end))


def draw_bmi(config: PeopleConfig, rng: np.random.Generator, sex: str, age: float) -> float:
    """Body mass index of a person of this sex and age, kg/m2, within the configured bounds."""
    table = growth(sex)
    power, median, variation = (np.interp(age, table.age, c) for c in (table.power, table.median, table.variation))
    shrunk = min(1.0, float(median / np.interp(GROWN, table.age, table.median)))
    low, high = (bound * shrunk for bound in config.bmi)
    even, place = rng.random() < EVEN, rng.random()
    if even and age >= GROWN:
        return float(low + (high - low) * place)
    first, last = (ndtr(((bound / median) ** power - 1.0) / (power * variation)) for bound in (low, high))
    score = ndtri(np.clip(first + (last - first) * place, 1e-9, 1.0 - 1e-9))
    found = median * max(1.0 + power * variation * score, 1e-6) ** (1.0 / power)
    return float(np.clip(found, low, high))


def draw_subject(config: PeopleConfig, rng: np.random.Generator) -> SubjectSpec:
    """One person; origins are uniform so that no group is rare."""
    sex = "f" if rng.random() < config.female else "m"
    age = draw_age(config, rng)
    table = growth(sex)
    offset = float(np.clip(rng.normal(), *config.stature))
    height = float(np.interp(age, table.age, table.mean) + offset * np.interp(age, table.age, table.deviation))
    african, asian, caucasian = rng.dirichlet([0.45, 0.45, 0.45])
    return SubjectSpec(
        sex=sex,
        age=age,
        stature=height,
        muscle=_within(rng, config.muscle),
        weight=0.5,  # solved for the body mass index
        proportions=_within(rng, (0.2, 0.9)),
        cupsize=_within(rng, (0.2, 0.85)),
        firmness=_within(rng, (0.3, 0.8)),
        african=float(african),
        asian=float(asian),
        caucasian=float(caucasian),
        bmi=draw_bmi(config, rng, sex, age),
        asymmetry=draw_asymmetry(rng, config.asymmetry),
    )
