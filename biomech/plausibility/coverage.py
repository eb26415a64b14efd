"""Group 9: what of the physiological volume the poses reach, what people do in them, and who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biomech.limits import REGION_AXES
from biomech.plausibility.evidence import Person
from biomech.plausibility.published import Published, checks, region_norms
from biomech.plausibility.violations import Bounds

_BINS = (12, 8, 8)  # FE, LB, AR


@dataclass(frozen=True, slots=True)
class Volume:
    """Poses in flexion x bending x rotation of one part of the spine, over its typical range."""

    name: str  # trunk (lumbar and thoracic) or neck
    edges: tuple[tuple[float, ...], ...]  # deg, of FE, LB and AR
    fe_lb: tuple[tuple[int, ...], ...]  # poses per cell, one row per FE bin
    fe_ar: tuple[tuple[int, ...], ...]  # poses per cell, one row per FE bin
    lb_ar: tuple[tuple[int, ...], ...]  # poses per cell, one row per LB bin
    cells: int  # cells of the volume whose centre a healthy spine reaches
    reached: int  # of them, with a pose in them
    median_reach: float  # 0 neutral, 1 on the surface of the volume
    outer: float  # share of poses in the outer half of the reach
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
    deg, typical = np.degrees(regional), np.degrees(bounds.widest("regional_typical"))
    trunk, trunk_range = deg[:, 0:3] + deg[:, 3:6], typical[0:3] + typical[3:6]
    names, counts = np.unique(np.array([str(a) for a in activity]), return_counts=True)
    mix = sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda item: (-item[1], item[0]))
    daily, any_beyond = _daily_life(deg)
    return Coverage(
        volumes=(_volume("trunk", trunk, trunk_range), _volume("neck", deg[:, 6:9], typical[6:9])),
        activities=tuple(Count(name, count, count / len(deg)) for name, count in mix),
        subjects=len({p.subject for p in people}),
        people=_people(people),
        daily_life=daily,
        beyond_daily_life=any_beyond,
        daily_part=checks("coverage")["daily_life"],
    )


def _volume(name: str, deg: np.ndarray, ranges: np.ndarray) -> Volume:
    edges = [np.linspace(low, high, n + 1) for (low, high), n in zip(ranges, _BINS, strict=True)]
    inside = np.clip(deg, ranges[:, 0], ranges[:, 1])
    counts, _ = np.histogramdd(inside, bins=edges)
    centres = np.stack(np.meshgrid(*[0.5 * (e[:-1] + e[1:]) for e in edges], indexing="ij"), axis=-1)
    volume = _reach(centres, ranges) <= 1.0
    reach = _reach(deg, ranges)
    maps = [tuple(tuple(int(v) for v in row) for row in counts.sum(axis=axis)) for axis in (2, 1, 0)]
    return Volume(
        name, tuple(tuple(float(v) for v in e) for e in edges), maps[0], maps[1], maps[2], int(volume.sum()),
        int((volume & (counts > 0)).sum()), float(np.median(reach)), float((reach > 0.5).mean()),
        float((reach > 1.0).mean()),
    )  # fmt: skip


def _reach(deg: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Distance from neutral where 1 is an ellipsoid through the ends of each axis's range."""
    ends = np.where(deg < 0.0, -ranges[:, 0], ranges[:, 1])
    return np.sqrt(((deg / np.maximum(ends, 1e-9)) ** 2).sum(axis=-1))


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
    measures = (("age", "years", 10.0), ("stature", "m", 0.05), ("weight", "0 lean to 1 heavy", 0.1))
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
