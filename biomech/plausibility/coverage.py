"""Group 9: what of the physiological volume the poses fill, what people do in them, and who they are.

The shares are those of biomech.coverage; the maps beside them show the same angles in degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biomech.coverage import PARTS, Filling, part_of, regional_coverage
from biomech.limits import REGION_AXES
from biomech.plausibility.evidence import Person
from biomech.plausibility.published import Published, checks, region_norms
from biomech.plausibility.violations import Bounds

_BINS = (12, 8, 8)  # of the maps: FE, LB, AR


@dataclass(frozen=True, slots=True)
class Volume:
    """Poses in flexion x bending x rotation of one part of the spine; its volume is the ball between the hard caps."""

    name: str  # trunk (lumbar and thoracic), lumbar, thoracic or cervical
    edges: tuple[tuple[float, ...], ...]  # deg, of the maps: FE, LB and AR, from cap to cap
    fe_lb: tuple[tuple[int, ...], ...]  # poses per cell, one row per FE bin
    fe_ar: tuple[tuple[int, ...], ...]  # poses per cell, one row per FE bin
    lb_ar: tuple[tuple[int, ...], ...]  # poses per cell, one row per LB bin
    cubes: int  # equal cubes of the volume
    held: int  # of them, with a pose in them
    filled: float  # their share
    shells: tuple[float, float, float]  # the same share in the inner, middle and outer third of the way out
    median_reach: float  # 0 neutral, 1 on the surface of the volume
    outer: float  # share of poses more than halfway out
    beyond: float  # share of poses beyond the surface


@dataclass(frozen=True, slots=True)
class Count:
    """How many poses."""

    name: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """People over a measure, by sex."""

    name: str
    unit: str
    edges: tuple[float, ...]
    women: tuple[int, ...]
    men: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BeyondDailyLife:
    """Poses whose lumbar spine leaves the part of its range that daily life uses."""

    motion: str
    limit: float  # deg
    share: float  # of poses
    of: Published  # the whole range the limit is a part of


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the poses cover."""

    volumes: tuple[Volume, ...]
    activities: tuple[Count, ...]  # most frequent first
    subjects: int
    people: tuple[Histogram, ...]
    daily_life: tuple[BeyondDailyLife, ...]
    beyond_daily_life: float  # share of poses beyond it in any direction
    daily_part: Published


def coverage(regional: np.ndarray, activity: Sequence[str], people: tuple[Person, ...], bounds: Bounds) -> Coverage:
    """regional (B, 9) rad, order limits.REGION_AXES."""
    deg, caps = np.degrees(regional), np.degrees(bounds.widest("regional_hard"))
    found = regional_coverage(regional, bounds.regional("hard"))
    names, counts = np.unique(np.array([str(a) for a in activity]), return_counts=True)
    mix = sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda item: (-item[1], item[0]))
    daily, any_beyond = _daily_life(deg)
    return Coverage(
        volumes=tuple(_volume(found[part], part_of(deg, part), part_of(caps[None], part)[0]) for part in PARTS),
        activities=tuple(Count(name, count, count / len(deg)) for name, count in mix),
        subjects=len({p.subject for p in people}),
        people=_people(people),
        daily_life=daily,
        beyond_daily_life=any_beyond,
        daily_part=checks("coverage")["daily_life"],
    )


def _volume(found: Filling, deg: np.ndarray, caps: np.ndarray) -> Volume:
    """Filling with maps of the angles (B, 3) between the widest caps (3, 2)."""
    edges = [np.linspace(low, high, n + 1) for (low, high), n in zip(caps, _BINS, strict=True)]
    counts, _ = np.histogramdd(np.clip(deg, caps[:, 0], caps[:, 1]), bins=edges)
    maps = [tuple(tuple(int(v) for v in row) for row in counts.sum(axis=axis)) for axis in (2, 1, 0)]
    return Volume(
        found.part, tuple(tuple(float(v) for v in e) for e in edges), maps[0], maps[1], maps[2], found.cubes,
        found.held, found.filled, found.shells, found.median_reach, found.outer, found.beyond,
    )  # fmt: skip


def _daily_life(deg: np.ndarray) -> tuple[tuple[BeyondDailyLife, ...], float]:
    part = checks("coverage")["daily_life"].mean or 1.0
    found, beyond = [], np.zeros(len(deg), dtype=bool)
    for k, name in enumerate(REGION_AXES[:3]):
        for norm in region_norms()[("lumbar", name.rsplit("_", 1)[1])]:
            limit = part * (norm.mean or np.inf)
            used = {"flexion": -deg[:, k], "extension": deg[:, k]}.get(norm.name, np.abs(deg[:, k]))
            over = used > limit
            beyond |= over
            found.append(BeyondDailyLife(norm.name, float(limit), float(over.mean()), norm))
    return tuple(found), float(beyond.mean())


def _people(people: tuple[Person, ...]) -> tuple[Histogram, ...]:
    """Each subject once."""
    once = list({p.subject: p for p in people}.values())
    measures = (("age", "years", 10.0), ("stature", "m", 0.05), ("bmi", "kg/m2", 2.0))
    found = []
    for name, unit, step in measures:
        values = [(getattr(p, name), p.sex) for p in once if getattr(p, name) is not None]
        if not values:
            continue
        numbers = np.array([v for v, _ in values])
        low, high = np.floor(numbers.min() / step + 1e-9), np.ceil(numbers.max() / step - 1e-9)
        edges = step * np.arange(low, max(high, low + 1) + 1)
        split = [np.histogram([v for v, s in values if s == sex], bins=edges)[0] for sex in "fm"]
        women, men = (tuple(int(c) for c in counts) for counts in split)
        found.append(Histogram(name, unit, tuple(round(float(e), 3) for e in edges), women, men))
    return tuple(found)
