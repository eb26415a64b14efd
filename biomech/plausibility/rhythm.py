"""Group 4: how levels share a region's motion, and how lumbar spine, hips and thorax share the trunk's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import AXES, COORDINATES, REGION_SLICES, REGIONS, read_table
from biomech.plausibility.published import Comparison, checks, compare
from biomech.rhythm import level_shares

ENOUGH = 8
"""Poses that a regression or a sign needs."""
MOVED = np.radians(4.0)
"""A region has moved when its angle exceeds this."""
DOMINATED = 0.8
"""One of bending and rotation drives where the other stays below this part of it."""
_STRAIGHT = np.radians(40.0)  # knees of a person who bends from the hips
_SYMMETRIC = np.radians(20.0)  # difference between the hips, and twist or side bend, of a bend forward


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
class Ratio:
    """How two parts of the body share a motion: slope of one on the other."""

    name: str
    meaning: str
    poses: int
    r2: float | None
    value: Comparison


def shares(spine: np.ndarray, regional: np.ndarray) -> tuple[Share, ...]:
    """Regression through the origin of each level angle on its region's, where the region moves that way."""
    rows = {(row["level"], row["motion"]): row for row in read_table("rhythm")}
    found = []
    for r, (region, part) in enumerate(REGION_SLICES.items()):
        for motion in ("flexion", "extension", "LB", "AR"):
            axis = 0 if motion in ("flexion", "extension") else AXES.index(motion)
            total = regional[:, 3 * r + axis]
            moved = {"flexion": total < -MOVED, "extension": total > MOVED}.get(motion, np.abs(total) > MOVED)
            if axis:  # not where it only comes along with the other: that is coupling
                moved &= np.abs(regional[:, 3 * r + 3 - axis]) < DOMINATED * np.abs(total)
            x = total[moved]
            published = level_shares(region, motion)
            for j, level in enumerate(REGIONS[region]):
                slope, r2 = regress(x, spine[moved, part, axis][:, j])
                row = rows[(level, motion)]
                found.append(
                    Share(
                        level, region, motion, len(x), slope, r2, float(published[j]), row["source"], row["confidence"]
                    )
                )
    return tuple(found)


def ratios(q: np.ndarray, regional: np.ndarray) -> tuple[Ratio, ...]:
    """Lumbar to hip by phase of bending, frontal plane, thoracic to lumbar rotation, thoracic part of flexion."""
    flexed, bent, turned = _lumbopelvic(q, regional), _frontal(q, regional), _rotation(regional)
    rows = (
        ("lumbar_per_hip_early", "lumbar flexion per hip flexion, start of a bend with straight knees", flexed[0]),
        ("lumbar_per_hip_late", "lumbar flexion per hip flexion, late in a bend with straight knees", flexed[1]),
        ("lumbar_per_pelvis_frontal", "lumbar bending per list of the pelvis, both to one side", bent),
        ("thoracic_per_lumbar_rotation", "thoracic per lumbar rotation of a turned trunk", turned),
        ("thoracic_share_of_flexion", "thoracic part of thoracic and lumbar flexion", _thoracic_share(regional)),
    )
    norms = checks("ratio")
    return tuple(
        Ratio(name, meaning, count, r2, compare(norms[name], slope)) for name, meaning, (count, slope, r2) in rows
    )


def _lumbopelvic(q: np.ndarray, regional: np.ndarray):
    """Increase of lumbar flexion per increase of hip flexion, before and after the phase boundary."""
    column = {name: q[:, COORDINATES.index(name)] for name in ("knee_angle_r", "knee_angle_l")}
    hips = np.stack([q[:, COORDINATES.index(f"hip_flexion_{side}")] for side in "rl"], axis=1)
    lumbar, hip = -regional[:, 0], hips.mean(axis=1)
    bends = (np.abs(np.diff(hips, axis=1))[:, 0] < _SYMMETRIC) & (np.abs(regional[:, [1, 2]]) < _SYMMETRIC).all(axis=1)
    bends &= (column["knee_angle_r"] < _STRAIGHT) & (column["knee_angle_l"] < _STRAIGHT)
    total = lumbar + hip
    boundary = np.radians(checks("phase")["early_bending"].mean or 0.0)
    phases = (bends & (total > MOVED) & (total < boundary), bends & (total >= boundary))
    found = []
    for phase in phases:
        share, r2 = _slope_with_offset(total[phase], lumbar[phase])  # d lumbar / d (lumbar + hip)
        usable = share is not None and 0.0 < share < 0.999
        found.append((int(phase.sum()), share / (1.0 - share) if usable and share is not None else None, r2))
    return found


def _frontal(q: np.ndarray, regional: np.ndarray):
    pelvis, lumbar = q[:, COORDINATES.index("pelvis_list")], regional[:, 1]
    moved = (np.abs(lumbar) > MOVED) & (np.abs(pelvis) > 0.5 * MOVED) & (lumbar * pelvis > 0.0)
    moved &= np.abs(q[:, COORDINATES.index("pelvis_tilt")]) < np.radians(30.0)
    slope, r2 = regress(pelvis[moved], lumbar[moved])
    return int(moved.sum()), slope, r2


def _rotation(regional: np.ndarray):
    lumbar, thoracic = regional[:, 2], regional[:, 5]
    moved = np.abs(lumbar + thoracic) > 2.0 * MOVED
    share, r2 = regress((lumbar + thoracic)[moved], thoracic[moved])
    usable = share is not None and 0.0 < share < 0.999
    return int(moved.sum()), share / (1.0 - share) if usable and share is not None else None, r2


def _thoracic_share(regional: np.ndarray):
    total = regional[:, 0] + regional[:, 3]
    moved = total < -2.0 * MOVED
    share, r2 = regress(total[moved], regional[moved, 3])
    return int(moved.sum()), share, r2


def regress(x: np.ndarray, y: np.ndarray) -> tuple[float | None, float | None]:
    """Slope through the origin and R2 about it; None where there are too few poses."""
    if len(x) < ENOUGH or float(x @ x) < 1e-12:
        return None, None
    slope = float(x @ y / (x @ x))
    total = float(y @ y)
    return slope, (1.0 - float(((y - slope * x) ** 2).sum()) / total if total > 1e-12 else None)


def _slope_with_offset(x: np.ndarray, y: np.ndarray) -> tuple[float | None, float | None]:
    if len(x) < ENOUGH or float(np.ptp(x)) < MOVED:
        return None, None
    x, y = x - x.mean(), y - y.mean()
    return regress(x, y)
