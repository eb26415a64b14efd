"""Group 6: is the column one smooth curve? Jumps and kinks between neighbours, and vertebrae that stay on theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import AXES, LEVELS, REGION_SLICES, VERTEBRAE, read_table
from biomech.plausibility.published import Published, checks

_KNOTS = 9  # pieces of the smooth curve laid through 24 vertebrae


@dataclass(frozen=True, slots=True)
class Continuity:
    """How sharply the motion changes between neighbouring levels of one region, deg."""

    region: str
    axis: str
    jump_p95: float  # difference between neighbours
    jump_worst: float
    jump_levels: str  # the two neighbours of the worst
    p95: float  # second difference
    worst: float
    level: str  # middle level of the worst
    value: float  # angle of that level
    pose: int
    activity: str
    where: str
    limit: float  # from here on a second difference looks like a kink
    beyond: int  # poses over the limit
    source: str  # of the limit
    confidence: str


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance between the centres of two neighbouring vertebrae, which a sound column keeps, mm."""

    level: str
    median: float
    p95: float  # of the departure from the person's own median
    worst: float  # departure, signed
    pose: int
    where: str
    limit: Published
    beyond: int  # poses over the limit


@dataclass(frozen=True, slots=True)
class Smoothness:
    """Distance of the vertebral centres from a smooth curve through them (a cubic spline in nine pieces), mm."""

    p95: float
    worst: float
    vertebra: str
    pose: int
    where: str


def continuity(spine: np.ndarray, activity: tuple[str, ...], where: tuple[str, ...]) -> tuple[Continuity, ...]:
    """First and second differences inside each region, C0-C2 left out: its joints are unlike their neighbours."""
    found = []
    bounds = {row["region"]: row for row in read_table("continuity")}
    for region, part in REGION_SLICES.items():
        levels = LEVELS[part][: -2 if region == "cervical" else None]
        for k, axis in enumerate(AXES):
            angles = np.degrees(spine[:, part, k][:, : len(levels)])
            first = np.abs(np.diff(angles, axis=1))
            _, at = np.unravel_index(int(np.argmax(first)), first.shape)
            second = np.abs(np.diff(angles, n=2, axis=1))
            pose, level = (int(v) for v in np.unravel_index(int(np.argmax(second)), second.shape))
            bound = bounds[region]
            limit = float(bound["second_difference_deg"])
            found.append(
                Continuity(
                    region, axis, float(np.percentile(first, 95)), float(first.max()),
                    f"{levels[at]} and {levels[at + 1]}", float(np.percentile(second, 95)),
                    float(second[pose, level]), levels[level + 1], float(angles[pose, level + 1]), pose,
                    str(activity[pose]), where[pose], limit, int((second.max(axis=1) > limit).sum()),
                    bound["source"], bound["confidence"],
                )
            )  # fmt: skip
    return tuple(found)


def spacings(vertebrae: np.ndarray | None, person: np.ndarray, where: tuple[str, ...]) -> tuple[Spacing, ...]:
    """Distances between neighbouring centres; vertebrae (B, 24, 4, 4) m or None, person (B,) whose median counts."""
    if vertebrae is None:
        return ()
    gaps = 1000.0 * np.linalg.norm(np.diff(vertebrae[:, :, :3, 3], axis=1), axis=2)  # (B, 23)
    usual = np.empty_like(gaps)
    for one in np.unique(person):
        rows = person == one
        usual[rows] = np.median(gaps[rows], axis=0)
    departure, limit = gaps - usual, checks("column")["translation"]
    found = []
    for i in range(gaps.shape[1]):
        size = np.abs(departure[:, i])
        pose = int(np.argmax(size))
        found.append(
            Spacing(
                f"{VERTEBRAE[i + 1]}_{VERTEBRAE[i]}", float(np.median(gaps[:, i])), float(np.percentile(size, 95)),
                float(departure[pose, i]), pose, where[pose], limit, int((size > (limit.upper or np.inf)).sum()),
            )
        )  # fmt: skip
    return tuple(found)


def smoothness(vertebrae: np.ndarray | None, where: tuple[str, ...]) -> Smoothness | None:
    """Distance of each centre from the least-squares spline through the column; vertebrae (B, 24, 4, 4) m or None."""
    if vertebrae is None:
        return None
    basis = _spline_basis(len(VERTEBRAE), _KNOTS)
    left = np.eye(len(VERTEBRAE)) - basis @ np.linalg.pinv(basis)
    off = 1000.0 * np.linalg.norm(np.einsum("ij,bjk->bik", left, vertebrae[:, :, :3, 3]), axis=2)  # (B, 24)
    pose, vertebra = (int(v) for v in np.unravel_index(int(np.argmax(off)), off.shape))
    return Smoothness(float(np.percentile(off, 95)), float(off[pose, vertebra]), VERTEBRAE[vertebra], pose, where[pose])


def _spline_basis(points: int, pieces: int) -> np.ndarray:
    """(points, pieces + 3): cubic B-splines over evenly spaced points."""
    from scipy.interpolate import BSpline

    knots = np.concatenate([[0.0] * 3, np.linspace(0.0, 1.0, pieces + 1), [1.0] * 3])
    return BSpline.design_matrix(np.linspace(0.0, 1.0, points), knots, 3).toarray()
