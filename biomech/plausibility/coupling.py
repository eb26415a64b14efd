"""Group 5: motion that comes along: bending with rotation and the reverse, and what leaves the plane of a pure bend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import AXES, LEVELS, REGION_SLICES, REGIONS, read_table, region_of
from biomech.plausibility.published import Published, checks
from biomech.plausibility.rhythm import DOMINATED, MOVED, regress
from biomech.rhythm import coupling_ratios

_SCATTER = 160  # points kept per level for the plot
_PURE = 0.25  # a bend is pure at a level where the other levels' side bend and twist stay below this part of it


@dataclass(frozen=True, slots=True)
class Coupling:
    """Motion about `response` that goes with `driver` at one level, in poses where the driver dominates."""

    level: str
    driver: str  # LB or AR
    response: str  # AR or LB
    poses: int
    slope: float | None  # deg per deg; negative is to the same side, as + LB is right and + AR is left
    r2: float | None
    published: float
    agreement: float | None  # share of poses with the published sign
    judged: bool  # False where the literature gives either sign
    points: tuple[tuple[float, float], ...]  # a sample of (driver, response), deg
    source: str
    confidence: str

    @property
    def right_sign(self) -> bool | None:
        """Whether the slope has the published sign; None where it is not judged."""
        return None if self.slope is None or not self.judged else self.slope * self.published > 0.0


@dataclass(frozen=True, slots=True)
class OutOfPlane:
    """Largest rotation out of the sagittal plane at one lumbar level while the lumbar spine only flexes or extends."""

    level: str
    motion: str  # flexion or extension
    poses: int
    p95: float | None  # deg
    worst: float | None  # deg, signed
    axis: str  # LB or AR of the worst
    pose: int | None
    where: str
    beyond: int  # poses over the limit
    limit: Published


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
            drives = (np.abs(regional[:, r + a]) > MOVED) & (
                np.abs(regional[:, r + b]) < DOMINATED * np.abs(regional[:, r + a])
            )
            x, y = spine[drives, i, a], spine[drives, i, b]
            slope, r2 = regress(x, y)
            published = float(ratios[driver][i])
            agreement = None if slope is None else float((np.sign(x * y) == np.sign(published)).mean())
            row = rows[(driver, level)]
            found.append(
                Coupling(
                    level, driver, response, len(x), slope, r2, published, agreement, _judged(level), _sample(x, y),
                    row["source"], row["confidence"],
                )
            )  # fmt: skip
    return tuple(found)


def out_of_plane(spine: np.ndarray, regional: np.ndarray, where: tuple[str, ...]) -> tuple[OutOfPlane, ...]:
    """Pearcy's check at each lumbar level, in poses whose lumbar motion is nearly all flexion or extension."""
    bend, found = regional[:, 0], []
    for motion, moves in (("flexion", bend < -MOVED), ("extension", bend > MOVED)):
        limit = checks("out_of_plane")[motion]
        for i, level in enumerate(LEVELS[REGION_SLICES["lumbar"]]):
            others = np.abs(regional[:, 1:3] - spine[:, i, 1:])  # a level that slips must not excuse itself
            rows = np.flatnonzero(moves & (others < _PURE * np.abs(bend)[:, None]).all(axis=1))
            if not len(rows):
                found.append(OutOfPlane(level, motion, 0, None, None, "", None, "", 0, limit))
                continue
            sideways = np.degrees(spine[rows, i, 1:])  # (n, 2): LB, AR
            size = np.abs(sideways).max(axis=1)
            worst = int(np.argmax(size))
            k = int(np.argmax(np.abs(sideways[worst])))
            pose = int(rows[worst])
            found.append(
                OutOfPlane(
                    level, motion, len(rows), float(np.percentile(size, 95)), float(sideways[worst, k]), AXES[1 + k],
                    pose, where[pose], int((size > (limit.upper or np.inf)).sum()), limit,
                )
            )  # fmt: skip
    return tuple(found)


def _sample(x: np.ndarray, y: np.ndarray) -> tuple[tuple[float, float], ...]:
    if not len(x):
        return ()
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), _SCATTER)).round().astype(int))
    return tuple((round(float(np.degrees(x[k])), 2), round(float(np.degrees(y[k])), 2)) for k in keep)


def _judged(level: str) -> bool:
    """Above T4 the thoracic coupling goes either way (Willems 1996), and C0-C2 only compensates."""
    return level not in ("T4_T5", "T3_T4", "T2_T3", "T1_T2", "C1_C2", "C0_C1")
