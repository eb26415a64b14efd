"""Group 3: the motion each sex and age band uses, beside what people of that age reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import read_table
from biomech.limits import REGION_AXES
from biomech.plausibility.evidence import Person
from biomech.plausibility.published import Comparison, Published, amount, axis_of, compare

BANDS = ((0, 18), (18, 30), (30, 45), (45, 60), (60, 75), (75, 200))
"""Years; the upper end belongs to the next band."""


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Most of one motion in one region that one sex and age band uses, deg."""

    region: str
    motion: str
    sex: str  # m or f
    age_from: int
    age_to: int
    people: int
    poses: int
    maximum: float
    value: Comparison  # 1st to 99th percentile beside what people of the band's mean age reach
    share: float | None  # of that reach, which is used


def age_bands(regional: np.ndarray, people: tuple[Person, ...]) -> tuple[AgeBand, ...]:
    """One row per region, motion, sex and band with poses; empty where ages are not recorded. regional (B, 9) rad."""
    known = [p.age is not None and p.sex in ("m", "f") for p in people]
    if not people or not any(known):
        return ()
    ages = np.array([p.age if p.age is not None else np.nan for p in people], dtype=float)
    sexes = np.array([p.sex for p in people])
    subjects = np.array([p.subject for p in people])
    found = []
    for row in read_table("age_norms"):
        column = REGION_AXES.index(f"{row['region']}_{axis_of(row['motion'])}")
        for sex in "fm":
            for low, high in BANDS:
                rows = np.flatnonzero((sexes == sex) & (ages >= low) & (ages < high))
                if not len(rows):
                    continue
                deg = np.degrees(regional[rows, column])
                value = compare(_at(row, float(ages[rows].mean())), amount(row["motion"], *np.percentile(deg, (1, 99))))
                most = float(amount(row["motion"], deg.min(), deg.max()))
                reach = value.published.mean
                found.append(
                    AgeBand(
                        row["region"], row["motion"], sex, low, high, len(np.unique(subjects[rows])), len(rows), most,
                        value, None if not reach or value.measured is None else value.measured / reach,
                    )
                )  # fmt: skip
    return tuple(found)


def _at(row: dict[str, str], age: float) -> Published:
    """The norm at an age, on the straight line between the two published ages."""
    young, old = float(row["age_young"]), float(row["age_old"])
    mean = float(np.interp(age, (young, old), (float(row["value_young"]), float(row["value_old"]))))
    return Published(row["motion"], mean, None, None, None, row["unit"], row["source"], row["confidence"])
