"""Whose joints these are: limits and neutral posture by age, sex and training.

The table of limits (data/limits.csv) holds for adults of 18 to 45; data/profiles.csv says how far others differ.
Between its ages a value follows a smooth monotone curve, so that people of neighbouring ages have neighbouring limits.
Hard limits change with age and training; sex moves the typical range alone, for hard is what nobody exceeds.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np

from biomech.anatomy import AXES, COORDINATES, REGION_SLICES, SIDES, SPINE_SLICE, read_table
from biomech.curvature import RestChange, lordosis_tilting, solve_rest
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry
from biomech.limits import REGION_AXES, Limits, load_limits

SEXES: tuple[str, ...] = ("m", "f")
OLDEST = 120.0
"""Greatest age taken, years."""

_LOW, _HIGH = 0, 1
_LEAST = np.deg2rad(0.05)
"""An end of a range never comes nearer to zero than this, rad, so that no joint loses a direction for good."""


def profiles() -> tuple[str, ...]:
    """Names of the profiles: "auto" is a person's own age, "adult" today's table at any age."""
    return tuple(dict.fromkeys(profile for profile, _ in _ages()))


@lru_cache(maxsize=256)
def limits_for(sex: str, age: float, profile: str = "auto") -> Limits:
    """Limits of a person.

    Args:
        sex: "m" or "f"; age: years; profile: one of `profiles()`.

    Raises:
        ModelError: an unknown sex or profile, or an impossible age.
    """
    _check(sex, age, profile)
    years = _age(age, profile)
    limits = load_limits()
    if profile == "adult":
        return limits
    hard, typical = limits.hard.copy(), limits.typical.copy()
    regional_hard, regional_typical = limits.regional_hard.copy(), limits.regional_typical.copy()
    for (owner, name, end, whose), rows in _rows().items():
        if not end or owner not in ("auto", profile) or whose not in ("", sex):
            continue
        value = _value(rows, years)
        factor = rows[0]["unit"] == "factor"
        sides = {"lower": (_LOW,), "upper": (_HIGH,), "both": (_LOW, _HIGH)}[end]
        for side in sides:
            # a "both" in degrees widens either end
            amount = -value if end == "both" and not factor and side == _LOW else value
            where = _where(name)
            for table in (typical,) if whose else (hard, typical):
                table[where, side] = _moved(table[where, side], amount, factor)
            if name in REGION_AXES:
                row = REGION_AXES.index(name)
                for table in (regional_hard, regional_typical):
                    table[row, side] = _moved(table[row, side], amount, factor)
    typical = np.clip(typical, hard[:, :1], hard[:, 1:])
    for table in (hard, typical, regional_hard, regional_typical):
        table.flags.writeable = False
    return dataclasses.replace(
        limits, hard=hard, typical=typical, regional_hard=regional_hard, regional_typical=regional_typical
    )


def posture_change(geometry: SkeletonGeometry, age: float, own_kyphosis: float = 0.0) -> RestChange:
    """How the column of a person of this age rests beside that of a young adult.

    Args:
        own_kyphosis: rad that the skeleton already has more than the same person at 30, for example because it was
            seated in the body of an old person; only what is missing is added.
    """
    _check("m", age, "auto")
    kyphosis = max(np.deg2rad(_posture("kyphosis", age)) - max(own_kyphosis, 0.0), 0.0)
    lordosis = np.deg2rad(_posture("lordosis", age))
    if kyphosis == 0.0 and lordosis == 0.0:
        return RestChange.none()
    share = float(_rows()[("posture", "sacral_share", "", "")][0]["value"])
    return solve_rest(geometry, lordosis_tilting(lordosis, kyphosis, share))


def ageing_starts() -> float:
    """Age up to which the table of limits and the young posture hold, years."""
    return float(_rows()[("auto", "ageing", "", "")][0]["age"])


def posture_age(age: float, profile: str) -> float:
    """Age whose posture a person of a profile has, years: an "elder" of 40 stands like one of 70."""
    _check("m", age, profile)
    return _age(age, profile)


def _check(sex: str, age: float, profile: str) -> None:
    if sex not in SEXES:
        raise ModelError(f"sex {sex!r} given; wanted 'm' or 'f'")
    if not 0.0 <= age <= OLDEST:
        raise ModelError(f"age {age:g} given; wanted 0 to {OLDEST:g} years")
    if profile not in profiles():
        raise ModelError(f"unknown profile {profile!r}; known ones are {', '.join(profiles())}")


@lru_cache(maxsize=1)
def _rows() -> dict[tuple[str, str, str, str], list[dict[str, str]]]:
    """Rows of the table by (profile, name, end, sex), by age; the ages of profiles left out."""
    found: dict[tuple[str, str, str, str], list[dict[str, str]]] = {}
    for row in read_table("profiles"):
        if row["name"] != "ages":
            found.setdefault((row["profile"], row["name"], row["end"], row["sex"]), []).append(row)
    return {key: sorted(rows, key=lambda row: float(row["age"] or 0.0)) for key, rows in found.items()}


@lru_cache(maxsize=1)
def _ages() -> dict[tuple[str, str], float]:
    rows = (row for row in read_table("profiles") if row["name"] == "ages")
    return {(row["profile"], row["end"]): float(row["value"]) for row in rows}


def _age(age: float, profile: str) -> float:
    return float(np.clip(age, _ages()[profile, "youngest"], _ages()[profile, "oldest"]))


def _value(rows: list[dict[str, str]], age: float) -> float:
    """Value at an age: neutral from 18 to 45, smooth and monotone between the rows, constant beyond them."""
    if not rows[0]["age"]:
        return float(rows[0]["value"])
    neutral = 1.0 if rows[0]["unit"] == "factor" else 0.0
    grown = float(_rows()[("auto", "grown", "", "")][0]["age"])
    knots = {float(row["age"]): float(row["value"]) for row in rows} | {grown: neutral, ageing_starts(): neutral}
    return _smooth(knots, age)


def _smooth(knots: dict[float, float], age: float) -> float:
    return float(_curve(tuple(sorted(knots.items())))(np.clip(age, 0.0, OLDEST)))


@lru_cache(maxsize=128)
def _curve(knots: tuple[tuple[float, float], ...]):
    """Monotone cubic through (age, value), running out level at both ends."""
    from scipy.interpolate import PchipInterpolator

    (first, low), (last, high) = knots[0], knots[-1]
    ages, values = zip((first - OLDEST, low), *knots, (last + OLDEST, high), strict=True)
    return PchipInterpolator(ages, values)


def _posture(name: str, age: float) -> float:
    """deg added at an age; 0 up to the first row."""
    rows = _rows()[("posture", name, "", "")]
    return _smooth({float(row["age"]): float(row["value"]) for row in rows}, age)


def _where(name: str) -> np.ndarray:
    """Rows of COORDINATES that a name of the table stands for: an axis of a region, or a limb joint on both sides."""
    if name in REGION_AXES:
        region, axis = name.split("_")
        part = REGION_SLICES[region]
        levels = np.arange(part.start, part.stop)
        return SPINE_SLICE.start + 3 * levels + AXES.index(axis)
    found = [COORDINATES.index(f"{name}_{side}") for side in SIDES if f"{name}_{side}" in COORDINATES]
    if not found:
        raise ModelError(f"profiles table: no region or joint is called {name!r}")
    return np.array(found)


def _moved(ends: np.ndarray, value: float, factor: bool) -> np.ndarray:
    """Ends of ranges times a factor, or moved by deg; an end keeps its side of zero."""
    moved = ends * value if factor else ends + np.deg2rad(value)
    return np.where(ends > 0.0, np.maximum(moved, _LEAST), np.where(ends < 0.0, np.minimum(moved, -_LEAST), moved))
