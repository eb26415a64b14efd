"""Groups 2 and 3: motion of each level and each region, beside White & Panjabi and in-vivo norms, with z-scores.

What a set of poses uses is its 1st to 99th percentile; what the literature gives is the most a healthy person moves.
A z-score above 2 therefore means motion beyond nearly everyone; a low one only that the poses do not go that far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import AXES, COORDINATES, LEVELS
from biomech.limits import REGION_AXES
from biomech.plausibility.published import (
    Comparison,
    amount,
    compare,
    level_norms,
    region_norms,
    white_panjabi,
)
from biomech.plausibility.violations import Bounds, outside, pair, regional_confidence

_BINS = 24


@dataclass(frozen=True, slots=True)
class Motion:
    """How one level or region moves over the poses, deg."""

    name: str
    axis: str  # FE, LB or AR
    minimum: float
    p1: float
    median: float
    p99: float
    maximum: float
    hard: tuple[float, float]
    typical: tuple[float, float]
    beyond_hard: int  # poses
    beyond_typical: float  # share of poses
    extreme: str  # where the pose is that lies farthest out
    histogram: tuple[int, ...]
    edges: tuple[float, float]  # of the histogram, equal bins between
    source: str
    confidence: str
    white_panjabi: Comparison | None  # FE total, or LB and AR to one side, from 1st to 99th percentile
    norms: tuple[Comparison, ...]


def level_motions(spine: np.ndarray, bounds: Bounds, where: tuple[str, ...]) -> tuple[Motion, ...]:
    """One Motion per level and axis; spine (B, 25, 3) rad."""
    hard, typical = bounds.hard(), bounds.typical()
    widest = bounds.widest("hard"), bounds.widest("typical")
    reference, found = bounds.sets[0], []
    for i, level in enumerate(LEVELS):
        for k, axis in enumerate(AXES):
            column = COORDINATES.index(f"{level}_{axis}")
            found.append(
                _motion(
                    level, axis, spine[:, i, k], hard[:, column], typical[:, column],
                    (widest[0][column], widest[1][column]), where, reference.source[column],
                    reference.confidence[column], level_norms(), white_panjabi(),
                )
            )  # fmt: skip
    return tuple(found)


def region_motions(regional: np.ndarray, bounds: Bounds, where: tuple[str, ...]) -> tuple[Motion, ...]:
    """One Motion per region and axis; regional (B, 9) rad, order limits.REGION_AXES."""
    hard, typical = bounds.regional("hard"), bounds.regional("typical")
    widest = bounds.widest("regional_hard"), bounds.widest("regional_typical")
    reference, found = bounds.sets[0], []
    confidence = regional_confidence(reference.profile)
    for k, name in enumerate(REGION_AXES):
        region, axis = name.rsplit("_", 1)
        found.append(
            _motion(
                region, axis, regional[:, k], hard[:, k], typical[:, k], (widest[0][k], widest[1][k]), where,
                reference.regional_source[k], confidence[k], region_norms(), {},
            )
        )  # fmt: skip
    return tuple(found)


def _motion(name, axis, values, hard, typical, widest, where, source, confidence, norms, representative) -> Motion:
    deg = np.degrees(values)
    low, high = pair(widest[0])
    counts, _ = np.histogram(np.clip(deg, low, high), bins=_BINS, range=(low, high))
    p1, median, p99 = (float(v) for v in np.percentile(deg, (1, 50, 99)))
    farthest = int(np.argmax(np.maximum(hard[:, 0] - values, values - hard[:, 1])))
    book = representative.get((name, axis))
    return Motion(
        name=name, axis=axis, minimum=float(deg.min()), p1=p1, median=median, p99=p99, maximum=float(deg.max()),
        hard=(low, high), typical=pair(widest[1]), beyond_hard=int(outside(values, hard, 1e-6).sum()),
        beyond_typical=float(outside(values, typical, 1e-6).mean()), extreme=where[farthest],
        histogram=tuple(int(c) for c in counts), edges=(low, high), source=source, confidence=confidence,
        white_panjabi=None if book is None else compare(book, amount(book.name, p1, p99)),
        norms=tuple(compare(norm, amount(norm.name, p1, p99)) for norm in norms.get((name, axis), ())),
    )  # fmt: skip
