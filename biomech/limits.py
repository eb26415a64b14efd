"""Hard and typical range of every coordinate, and caps on whole regions of the spine.

Hard is what no healthy joint exceeds, typical is what most people use (in-vivo mean +- 2 SD where published).
The table holds degrees; in memory angles are radians, pelvis translations metres. Flexion is negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from biomech.anatomy import AXES, COORDINATES, REGIONS, SIDES, SPINE_SLICE, read_table
from biomech.errors import ModelError

REGION_AXES: tuple[str, ...] = tuple(f"{region}_{axis}" for region in REGIONS for axis in AXES)
"""The nine regional angles: lumbar, thoracic, cervical, each FE, LB, AR. Order of every (9,) array of them."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelRhythm:
    """Shares of a particular spine, in place of the published means."""

    shares: np.ndarray  # (25, 3, 2), negative and positive angles; each sums to one over a region
    fixed: np.ndarray  # (25, 3) bool: keeps to its share, without personal variation or coupled motion


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Ranges in model order; D = len(COORDINATES). Read-only arrays; column 0 lower, column 1 upper."""

    profile: str
    hard: np.ndarray  # (D, 2) rad or m
    typical: np.ndarray  # (D, 2) rad or m, inside hard
    source: tuple[str, ...]  # (D,)
    confidence: tuple[str, ...]  # (D,)
    regional_hard: np.ndarray  # (9, 2) rad, order REGION_AXES
    regional_typical: np.ndarray  # (9, 2) rad
    regional_source: tuple[str, ...]  # (9,)
    rhythm: LevelRhythm | None = None  # None: the published means

    @property
    def spine_hard(self) -> np.ndarray:
        """(25, 3, 2) rad: hard range by level and axis."""
        return self.hard[SPINE_SLICE].reshape(-1, 3, 2)


@lru_cache(maxsize=8)
def load_limits(profile: str = "adult") -> Limits:
    """Limits of one profile of the table.

    Raises:
        ModelError: the profile is unknown, or a row is missing, doubled or contradicts itself.
    """
    table = read_table("limits")
    profiles = sorted({row["profile"] for row in table})
    if profile not in profiles:
        raise ModelError(f"unknown limits profile {profile!r}; known ones are {', '.join(profiles)}")
    rows: dict[str, dict[str, str]] = {}
    for row in table:
        if row["profile"] == profile:
            if row["coordinate"] in rows:
                raise ModelError(f"limits table, profile {profile}: {row['coordinate']} stands there twice")
            rows[row["coordinate"]] = row
    wanted = [_table_name(name) for name in COORDINATES]
    stray = sorted(set(rows) - set(wanted) - set(REGION_AXES))
    if stray:
        raise ModelError(f"limits table, profile {profile}: no coordinate or region is called {', '.join(stray)}")
    hard, typical, source, confidence = _columns(rows, wanted, profile)
    regional_hard, regional_typical, regional_source, _ = _columns(rows, list(REGION_AXES), profile)
    return Limits(profile, hard, typical, source, confidence, regional_hard, regional_typical, regional_source)


def _table_name(coordinate: str) -> str:
    """Both sides share one row: ``knee_angle_l`` -> ``knee_angle``."""
    return coordinate[:-2] if coordinate[-2:] in tuple(f"_{side}" for side in SIDES) else coordinate


def _columns(
    rows: dict[str, dict[str, str]], names: list[str], profile: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], tuple[str, ...]]:
    missing = [name for name in names if name not in rows]
    if missing:
        raise ModelError(f"limits table, profile {profile}: no row for {', '.join(missing)}")
    picked = [rows[name] for name in names]
    ranges = np.array(
        [[float(r[k]) for k in ("hard_lower", "hard_upper", "typical_lower", "typical_upper")] for r in picked]
    )
    for row, values in zip(picked, ranges, strict=True):
        lower, upper, typical_lower, typical_upper = values
        if row["unit"] not in ("deg", "m") or not lower <= typical_lower <= typical_upper <= upper or lower == upper:
            raise ModelError(
                f"limits table, {row['coordinate']}: got {values.tolist()} {row['unit']}; "
                "wanted hard_lower <= typical_lower <= typical_upper <= hard_upper in deg or m"
            )
    degrees = np.array([row["unit"] == "deg" for row in picked])
    ranges[degrees] = np.deg2rad(ranges[degrees])
    hard, typical = ranges[:, :2].copy(), ranges[:, 2:].copy()
    hard.flags.writeable = typical.flags.writeable = False
    return hard, typical, tuple(r["source"] for r in picked), tuple(r["confidence"] for r in picked)
