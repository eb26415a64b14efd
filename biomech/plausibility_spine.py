"""The spine's part of the plausibility report: motion per level and region, rhythm, coupling, continuity. Degrees.

Shape legend: B poses, 25 levels, axes FE LB AR.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import AXES, COORDINATES, LEVELS, REGION_SLICES, REGIONS, read_table, region_of
from biomech.limits import REGION_AXES, Limits
from biomech.rhythm import coupling_ratios, level_shares

_ENOUGH = 8  # poses a regression or a sign needs
_MOVED = np.radians(4.0)  # a region has moved when its angle exceeds this
_BINS = 24


@dataclass(frozen=True, slots=True)
class Norm:
    """A published range, deg; None where the source gives none."""

    motion: str
    mean: float | None
    lower: float | None
    upper: float | None
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Motion:
    """How one level or region moves over the poses, deg."""

    name: str
    axis: str
    minimum: float
    p1: float
    median: float
    p99: float
    maximum: float
    hard: tuple[float, float]
    typical: tuple[float, float]
    beyond_typical: float  # share of poses
    histogram: tuple[int, ...]
    edges: tuple[float, float]  # of the histogram, equal bins between
    source: str
    confidence: str
    norms: tuple[Norm, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Part of a regional motion that one level takes, measured and published."""

    level: str
    region: str
    motion: str  # flexion, extension, LB, AR
    poses: int
    slope: float | None
    r2: float | None
    published: float
    source: str
    confidence: str

    @property
    def gap(self) -> float:
        """Difference from the published share, absolute; 0 where nothing was measured."""
        return 0.0 if self.slope is None else abs(self.slope - self.published)


@dataclass(frozen=True, slots=True)
class Coupling:
    """Motion about `response` that goes with `driver` at one level, in poses where the driver dominates."""

    level: str
    driver: str
    response: str
    poses: int
    slope: float | None
    published: float
    agreement: float | None  # share of poses with the published sign
    judged: bool  # False where the literature gives either sign
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Continuity:
    """Second difference of level angles along the column, deg: how sharply the motion changes between neighbours."""

    region: str
    axis: str
    p95: float
    worst: float
    level: str  # middle level of the worst
    pose: int
    activity: str
    limit: float  # from here on it looks like a kink
    beyond: int  # poses over the limit
    source: str  # of the limit
    confidence: str


def level_motions(spine: np.ndarray, limits: Limits) -> tuple[Motion, ...]:
    """One Motion per level and axis; spine (B, 25, 3) rad."""
    found = []
    norms = _norms("level_rom")
    for i, level in enumerate(LEVELS):
        for k, axis in enumerate(AXES):
            column = COORDINATES.index(f"{level}_{axis}")
            found.append(
                _motion(
                    level, axis, spine[:, i, k], limits.hard[column], limits.typical[column],
                    limits.source[column], limits.confidence[column], norms,
                )
            )  # fmt: skip
    return tuple(found)


def region_motions(regional: np.ndarray, limits: Limits) -> tuple[Motion, ...]:
    """One Motion per region and axis; regional (B, 9) rad, order limits.REGION_AXES."""
    norms, found = _norms("region_rom"), []
    for k, name in enumerate(REGION_AXES):
        region, axis = name.rsplit("_", 1)
        found.append(
            _motion(
                region, axis, regional[:, k], limits.regional_hard[k], limits.regional_typical[k],
                limits.regional_source[k], "derived", norms,
            )
        )  # fmt: skip
    return tuple(found)


def shares(spine: np.ndarray, regional: np.ndarray) -> tuple[Share, ...]:
    """Regression through the origin of each level angle on its region's, for poses in which the region moves."""
    rows = {(row["level"], row["motion"]): row for row in read_table("rhythm")}
    found = []
    for r, (region, part) in enumerate(REGION_SLICES.items()):
        for motion in ("flexion", "extension", "LB", "AR"):
            axis = 0 if motion in ("flexion", "extension") else AXES.index(motion)
            total = regional[:, 3 * r + axis]
            moved = {"flexion": total < -_MOVED, "extension": total > _MOVED}.get(motion, np.abs(total) > _MOVED)
            x = total[moved]
            published = level_shares(region, motion)
            for j, level in enumerate(REGIONS[region]):
                y = spine[moved, part, axis][:, j]
                slope, r2 = _regress(x, y)
                row = rows[(level, motion)]
                found.append(
                    Share(
                        level, region, motion, len(x), slope, r2, float(published[j]), row["source"], row["confidence"]
                    )
                )
    return tuple(found)


def couplings(spine: np.ndarray, regional: np.ndarray) -> tuple[Coupling, ...]:
    """Slope and sign of the coupled motion per level, where the region mainly bends or mainly twists."""
    rows = {(row["driver"], row["level"]): row for row in read_table("coupling")}
    ratios = dict(zip(("LB", "AR"), coupling_ratios(), strict=True))
    found = []
    for driver, response in (("LB", "AR"), ("AR", "LB")):
        a, b = AXES.index(driver), AXES.index(response)
        for i, level in enumerate(LEVELS):
            if (driver, level) not in rows:
                continue
            r = 3 * list(REGIONS).index(region_of(level))
            drives = (np.abs(regional[:, r + a]) > _MOVED) & (
                np.abs(regional[:, r + b]) < 0.8 * np.abs(regional[:, r + a])
            )
            x, y = spine[drives, i, a], spine[drives, i, b]
            slope, _ = _regress(x, y)
            published = float(ratios[driver][i])
            agreement = None if slope is None else float((np.sign(x * y) == np.sign(published)).mean())
            row = rows[(driver, level)]
            found.append(
                Coupling(
                    level, driver, response, len(x), slope, published, agreement, _judged(level), row["source"],
                    row["confidence"],
                )
            )  # fmt: skip
    return tuple(found)


def continuity(spine: np.ndarray, activity: tuple[str, ...]) -> tuple[Continuity, ...]:
    """Second differences inside each region, C0-C2 left out: its joints are unlike their neighbours by nature."""
    found = []
    bounds = {row["region"]: row for row in read_table("continuity")}
    for region, part in REGION_SLICES.items():
        levels = LEVELS[part][: -2 if region == "cervical" else None]
        for k, axis in enumerate(AXES):
            angles = np.degrees(spine[:, part, k][:, : len(levels)])
            second = np.abs(np.diff(angles, n=2, axis=1))
            pose, level = np.unravel_index(int(np.argmax(second)), second.shape)
            bound = bounds[region]
            limit = float(bound["second_difference_deg"])
            found.append(
                Continuity(
                    region, axis, float(np.percentile(second, 95)), float(second[pose, level]), levels[level + 1],
                    int(pose), str(activity[pose]), limit, int((second.max(axis=1) > limit).sum()),
                    bound["source"], bound["confidence"],
                )
            )  # fmt: skip
    return tuple(found)


def _motion(name, axis, values, hard, typical, source, confidence, norms) -> Motion:
    deg = np.degrees(values)
    low, high = (float(v) for v in np.degrees(hard))
    counts, _ = np.histogram(np.clip(deg, low, high), bins=_BINS, range=(low, high))
    beyond = (values < typical[0] - 1e-6) | (values > typical[1] + 1e-6)
    p1, median, p99 = (float(v) for v in np.percentile(deg, (1, 50, 99)))
    return Motion(
        name=name, axis=axis, minimum=float(deg.min()), p1=p1, median=median, p99=p99, maximum=float(deg.max()),
        hard=(low, high), typical=(float(np.degrees(typical[0])), float(np.degrees(typical[1]))),
        beyond_typical=float(beyond.mean()), histogram=tuple(int(c) for c in counts), edges=(low, high),
        source=source, confidence=confidence, norms=norms.get((name, axis), ()),
    )  # fmt: skip


def _norms(kind: str) -> dict[tuple[str, str], tuple[Norm, ...]]:
    axes = {"lateral_bending_one_side": "LB", "axial_rotation_one_side": "AR"}
    found: dict[tuple[str, str], tuple[Norm, ...]] = {}
    for row in read_table("norms"):
        if row["kind"] != kind:
            continue
        key = (row["name"], axes.get(row["motion"], "FE"))
        mean, lower, upper = (float(row[c]) if row[c] else None for c in ("mean", "lower", "upper"))
        norm = Norm(row["motion"], mean, lower, upper, row["source"], row["confidence"])
        found[key] = (*found.get(key, ()), norm)
    return found


def _regress(x: np.ndarray, y: np.ndarray) -> tuple[float | None, float | None]:
    """Slope through the origin and R2 about it; None where there are too few poses."""
    if len(x) < _ENOUGH or float(x @ x) < 1e-12:
        return None, None
    slope = float(x @ y / (x @ x))
    total = float(y @ y)
    return slope, (1.0 - float(((y - slope * x) ** 2).sum()) / total if total > 1e-12 else None)


def _judged(level: str) -> bool:
    """Above T4 the thoracic coupling goes either way (Willems 1996), and C0-C2 only compensates."""
    return level not in ("T4_T5", "T3_T4", "T2_T3", "T1_T2", "C1_C2", "C0_C1")
