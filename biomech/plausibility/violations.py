"""Group 1: which coordinate leaves which limit, by how much, how often, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import COORDINATES, TRANSLATIONS, read_table
from biomech.limits import REGION_AXES, Limits
from biomech.plausibility.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Violation:
    """One coordinate (or regional angle) outside one of its limits, on one side."""

    coordinate: str
    kind: str  # "hard" or "typical"
    side: str  # "lower" or "upper"
    unit: str  # "deg" or "m"
    limit: float  # of the person in the worst pose
    worst: float  # the value farthest outside
    margin: float  # how far outside, positive
    count: int  # poses outside
    share: float  # of all poses
    pose: int  # row of the worst pose
    activity: str  # of the worst pose
    where: str  # the worst pose, as a person finds it
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Range:
    """One coordinate's limits beside what the poses use."""

    coordinate: str
    unit: str  # "deg" or "m"
    hard: tuple[float, float]  # the widest of all who are judged
    typical: tuple[float, float]  # the widest of all who are judged
    minimum: float
    maximum: float
    at_limit: int  # poses that rest on a hard limit
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """How many poses were held against the limits of one profile."""

    profile: str
    limits: str  # what distinguishes these limits
    poses: int


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Limits of each pose: G sets, and which of them counts for each of B poses."""

    sets: tuple[Limits, ...]
    of: np.ndarray  # (B,) int

    def hard(self) -> np.ndarray:
        """(B, D, 2) rad or m."""
        return np.stack([each.hard for each in self.sets])[self.of]

    def typical(self) -> np.ndarray:
        """(B, D, 2) rad or m."""
        return np.stack([each.typical for each in self.sets])[self.of]

    def regional(self, kind: str) -> np.ndarray:
        """(B, 9, 2) rad."""
        return np.stack([getattr(each, f"regional_{kind}") for each in self.sets])[self.of]

    def widest(self, name: str) -> np.ndarray:
        """(D or 9, 2): the envelope over all sets in use, of `hard`, `typical`, `regional_hard`, `regional_typical`."""
        used = [getattr(self.sets[k], name) for k in np.unique(self.of)]
        return np.stack([np.min([u[:, 0] for u in used], axis=0), np.max([u[:, 1] for u in used], axis=0)], axis=1)


def bounds_of(limits: Limits, evidence: Evidence, count: int) -> Bounds:
    """The people's own limits where they are known, else `limits` for all."""
    if evidence.own_limits and evidence.own_limits_of is not None:
        return Bounds(evidence.own_limits, np.asarray(evidence.own_limits_of, dtype=int))
    return Bounds((limits,), np.zeros(count, dtype=int))


def judged_by(bounds: Bounds) -> tuple[JudgedBy, ...]:
    """Poses per profile."""
    counts: dict[str, list[int]] = {}
    for k, each in enumerate(bounds.sets):
        counts.setdefault(each.profile, []).append(int((bounds.of == k).sum()))
    return tuple(
        JudgedBy(profile, "one set" if len(n) == 1 else f"{len(n)} sets, by age and sex", sum(n))
        for profile, n in sorted(counts.items())
        if sum(n)
    )


def coordinate_violations(q, bounds: Bounds, kind: str, activity, where, tolerance: float) -> tuple[Violation, ...]:
    """Coordinates (B, D) rad or m outside their `hard` or `typical` limits."""
    ranges = bounds.hard() if kind == "hard" else bounds.typical()
    reference = bounds.sets[0]
    return _violations(
        q, COORDINATES, ranges, kind, reference.source, reference.confidence, activity, where, tolerance
    )  # fmt: skip


def regional_violations(regional, bounds: Bounds, kind: str, activity, where, tolerance) -> tuple[Violation, ...]:
    """Regional angles (B, 9) rad outside their caps or their typical range."""
    reference = bounds.sets[0]
    return _violations(
        regional, REGION_AXES, bounds.regional(kind), kind, reference.regional_source,
        regional_confidence(reference.profile), activity, where, tolerance,
    )  # fmt: skip


def outside(q: np.ndarray, ranges: np.ndarray, tolerance: float) -> np.ndarray:
    """(B, D) bool: beyond ranges (B, D, 2) by more than the tolerance."""
    return (q < ranges[..., 0] - tolerance) | (q > ranges[..., 1] + tolerance)


def _violations(q, names, ranges, kind, source, confidence, activity, where, tolerance) -> tuple[Violation, ...]:
    found = []
    excess = {"lower": ranges[..., 0] - q, "upper": q - ranges[..., 1]}  # (B, D), positive outside
    for column, name in enumerate(names):
        for k, side in enumerate(("lower", "upper")):
            over = excess[side][:, column]
            count = int((over > tolerance).sum())
            if not count:
                continue
            row = int(np.argmax(over))
            unit, scale = unit_of(name)
            found.append(
                Violation(
                    coordinate=name, kind=kind, side=side, unit=unit,
                    limit=float(ranges[row, column, k] * scale), worst=float(q[row, column] * scale),
                    margin=float(over[row] * scale), count=count, share=count / len(q), pose=row,
                    activity=str(activity[row]), where=where[row], source=source[column], confidence=confidence[column],
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda v: -v.margin))


def used_ranges(q: np.ndarray, bounds: Bounds, tolerance: float) -> tuple[Range, ...]:
    """Every coordinate's limits beside what the poses use, in model order."""
    hard, typical, reference = bounds.widest("hard"), bounds.widest("typical"), bounds.sets[0]
    own = bounds.hard()
    resting = (np.abs(q[..., None] - own) <= tolerance).any(axis=2) & (np.ptp(own, axis=2) > 0.0)
    found = []
    for k, name in enumerate(COORDINATES):
        unit, scale = unit_of(name)
        found.append(
            Range(
                name, unit, pair(hard[k], scale), pair(typical[k], scale), float(q[:, k].min() * scale),
                float(q[:, k].max() * scale), int(resting[:, k].sum()), reference.source[k], reference.confidence[k],
            )
        )  # fmt: skip
    return tuple(found)


def unit_of(coordinate: str) -> tuple[str, float]:
    """Unit shown for a coordinate, and the factor into it."""
    return ("m", 1.0) if coordinate in TRANSLATIONS else ("deg", 180.0 / np.pi)


def pair(values: np.ndarray, scale: float = 180.0 / np.pi) -> tuple[float, float]:
    """Two scaled floats."""
    return float(values[0] * scale), float(values[1] * scale)


def regional_confidence(profile: str) -> tuple[str, ...]:
    """Confidence of the nine regional caps; profiles that the table does not list rest on the adult's."""
    rows = {row["coordinate"]: row["confidence"] for row in read_table("limits") if row["profile"] == profile}
    adult = {row["coordinate"]: row["confidence"] for row in read_table("limits") if row["profile"] == "adult"}
    return tuple(rows.get(name, adult[name]) for name in REGION_AXES)
