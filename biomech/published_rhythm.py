"""How a published model shares motion among its levels, and how far it lets them go: its own rhythm and ranges, to be
laid over the limits of a person.

One measure serves both: a level's reach, the angle it has when its driver (itself, or what its coupler follows) stands
at the end of its range. Levels share a region's motion in proportion to their reach; a reach beyond any joint means
that the model sets no limit there, and our tables speak instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from biomech.anatomy import AXES, LEVELS, REGION_SLICES, SPINE_COORDINATES, SPINE_SLICE
from biomech.limits import LevelRhythm, Limits
from biomech.published import PublishedModel
from biomech.published_joints import couple
from biomech.rhythm import shares_of

UNLIMITED = np.deg2rad(60.0)
"""A single level that may turn farther has no range worth the name: models write +-90 or +-180 degrees for that."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """How far the levels of a model go.

    Attributes:
        levels: (25, 3, 2) rad, negative and positive end; NaN where the model lacks the level or sets no limit.
        coupled: (25, 3) bool, levels that follow a driver of another joint, or share one.
        groups: run of levels moved by one joint -> (3, 2) rad, NaN where unlimited.
    """

    levels: np.ndarray
    coupled: np.ndarray
    groups: dict[tuple[int, int], np.ndarray]


@lru_cache(maxsize=4)
def reach(model: PublishedModel) -> Reach:
    """Angles at the ends of the ranges of a model."""
    source = model.source
    drivers = {c.dependent: c.driver for c in source.couplers}
    levels = np.full((len(LEVELS), len(AXES), 2), np.nan)
    coupled = np.zeros((len(LEVELS), len(AXES)), dtype=bool)
    groups: dict[tuple[int, int], np.ndarray] = {}
    shared = {c.driver for c in source.couplers}
    for entry in model.entries:
        ends = np.full((len(AXES), 2), np.nan)
        for axis, coordinate in enumerate(entry.coordinates):
            if coordinate is None:
                continue
            root = _root(coordinate, drivers)
            if entry.count == 1:
                coupled[entry.levels.start, axis] = root != coordinate or root in shared
            driver = source.coordinates[root]
            if not driver.limited:
                continue
            values = np.tile(model.upright, (2, 1))
            values[:, root] = driver.low, driver.high
            angles = np.sort(entry.angles(couple(source, values))[:, axis])
            ends[axis] = min(angles[0], 0.0), max(angles[1], 0.0)
        if entry.count == 1:
            levels[entry.levels.start] = np.where(np.abs(ends).max(axis=1, keepdims=True) > UNLIMITED, np.nan, ends)
        else:
            groups[entry.levels.start, entry.levels.stop] = ends
    return Reach(levels, coupled, groups)


def _root(coordinate: int, drivers: dict[int, int]) -> int:
    while coordinate in drivers:
        coordinate = drivers[coordinate]
    return coordinate


def laid_over(limits: Limits, model: PublishedModel) -> Limits:
    """Limits of a person whose spine moves like a published model: its rhythm, and its ranges inside those given.

    Levels that the model lacks keep the limits and the shares of the tables. A region's caps shrink to what its levels
    still allow.
    """
    found = reach(model)
    given = limits.spine_hard
    inside = np.stack(
        [np.fmax(given[..., 0], found.levels[..., 0]), np.fmin(given[..., 1], found.levels[..., 1])], axis=-1
    )
    hard, typical = limits.hard.copy(), limits.typical.copy()
    hard[SPINE_SLICE] = inside.reshape(-1, 2)
    typical[SPINE_SLICE] = np.clip(typical[SPINE_SLICE], hard[SPINE_SLICE, :1], hard[SPINE_SLICE, 1:])
    cap = limits.regional_hard.copy()
    for r, part in enumerate(REGION_SLICES.values()):
        room = inside[part].sum(axis=0)
        group = found.groups.get((part.start, part.stop))
        if group is not None:
            room = np.stack([np.fmax(room[:, 0], group[:, 0]), np.fmin(room[:, 1], group[:, 1])], axis=-1)
        rows = slice(3 * r, 3 * r + 3)
        cap[rows] = np.stack([np.maximum(cap[rows, 0], room[:, 0]), np.minimum(cap[rows, 1], room[:, 1])], axis=-1)
    changed = dict(zip(SPINE_COORDINATES, (inside != given).any(axis=-1).ravel(), strict=True))
    return replace(
        limits,
        hard=hard,
        typical=typical,
        source=_sources(limits.source, changed, model.name),
        regional_hard=cap,
        regional_typical=np.clip(limits.regional_typical, cap[:, :1], cap[:, 1:]),
        rhythm=own_rhythm(limits, found),
    )


def own_rhythm(limits: Limits, found: Reach) -> LevelRhythm:
    """Shares in proportion to reach where levels have one; together they keep the part the table gives them."""
    shares = np.empty((len(LEVELS), len(AXES), 2))
    fixed = np.isfinite(found.levels).all(axis=-1)
    for axis in range(len(AXES)):
        for sign in range(2):
            table = shares_of(limits, axis, bool(sign))
            mine = np.where(fixed[:, axis], np.abs(found.levels[:, axis, sign]), 0.0)
            shares[:, axis, sign] = table
            for part in REGION_SLICES.values():
                if mine[part].sum() > 0.0:
                    has = fixed[part, axis]
                    together = table[part][has].sum() * mine[part] / mine[part].sum()
                    # no share may be nothing: a level that others pass their overflow to needs some
                    shares[part, axis, sign] = np.maximum(np.where(has, together, table[part]), 1e-6)
                    shares[part, axis, sign] /= shares[part, axis, sign].sum()
    return LevelRhythm(shares, fixed)


def _sources(before: Sequence[str], changed: dict[str, bool], name: str) -> tuple[str, ...]:
    spine = range(SPINE_SLICE.start, SPINE_SLICE.stop)
    narrower = {k for k, c in zip(spine, changed.values(), strict=True) if c}
    return tuple(f"{text}; narrowed to {name}" if k in narrower else text for k, text in enumerate(before))
