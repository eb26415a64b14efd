"""How much of the volume that a spine can take (flexion x bending x rotation) a set of poses fills.

Each regional angle is divided by its cap on that side (the hard regional limits), so that 0 is neutral and 1 the cap.
The caps, not the typical range, because what is to be filled is all that a healthy spine can do: the typical range is
what most people use most of the time, and poses that fill it may still miss the outside. A person is measured by his
own caps, so that an elder who bends as far as he can has reached the outside too.

The physiological volume is the unit ball: near the end of one motion little is left of the others. It is cut into
cubes; a cube counts where its middle lies in the ball, and is filled where at least one pose falls into it. Shells say
whether the outside is reached too: 0 to 1/3, 1/3 to 2/3 and 2/3 to 1 of the way out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import REGIONS
from biomech.errors import ModelError
from biomech.limits import Limits, load_limits
from biomech.rhythm import regional_angles

BINS = 6
"""Cubes along each axis."""

SHELLS = (1 / 3, 2 / 3, 1.0)
"""Outer radii of the shells."""

PARTS = {"trunk": (0, 1)} | {region: (k,) for k, region in enumerate(REGIONS)}
"""Parts of the spine that are looked at, and the regions whose angles add up to theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
    """What poses fill of the volume of one part of the spine; n cubes along each axis."""

    part: str  # one of PARTS
    counts: np.ndarray  # (n, n, n) poses: FE (flexion first), LB (left first), AR (right first), each from -1 to 1
    inside: np.ndarray  # (n, n, n) bool: cubes of the physiological volume
    shells: tuple[float, float, float]  # share of cubes that hold a pose, in each shell, inner to outer
    median_reach: float  # 0 neutral, 1 on the surface of the volume
    outer: float  # share of poses more than halfway out
    beyond: float  # share of poses outside the ball: combinations rarer than the caps suggest

    @property
    def cubes(self) -> int:
        """Cubes of the physiological volume."""
        return int(self.inside.sum())

    @property
    def held(self) -> int:
        """Those of them that hold a pose."""
        return int((self.inside & (self.counts > 0)).sum())

    @property
    def filled(self) -> float:
        """Their share."""
        return self.held / self.cubes


def coverage(
    spine: np.ndarray, limits: Limits | None = None, *, bins: int = BINS, mirror: bool = False
) -> dict[str, Filling]:
    """Filling of each of PARTS by level angles.

    Args:
        spine: (B, 75) rad in the order of anatomy.SPINE_COORDINATES.
        limits: whose regional caps count; default load_limits().
        bins: cubes along each axis.
        mirror: count every pose a second time as its mirror image, as left and right are drawn alike.

    Raises:
        ModelError: wrong shape, values that are not finite, or fewer than 2 bins.
    """
    spine = np.asarray(spine, dtype=np.float64)
    if spine.ndim != 2 or not np.isfinite(spine).all():
        raise ModelError(f"spine angles of shape {spine.shape} given; wanted finite (B, 75) rad")
    limits = load_limits() if limits is None else limits
    return regional_coverage(regional_angles(spine), limits.regional_hard, bins=bins, mirror=mirror)


def regional_coverage(
    regional: np.ndarray, caps: np.ndarray, *, bins: int = BINS, mirror: bool = False
) -> dict[str, Filling]:
    """The same of regional angles.

    Args:
        regional: (B, 9) rad, order limits.REGION_AXES.
        caps: (9, 2) rad, or (B, 9, 2) where each pose has its own person's.

    Raises:
        ModelError: fewer than 2 bins.
    """
    if bins < 2:
        raise ModelError(f"{bins} bins given; wanted 2 or more along each axis")
    caps = np.broadcast_to(caps, (*regional.shape, 2))
    return {part: _filling(part, part_of(regional, part), part_of(caps, part), bins, mirror) for part in PARTS}


def part_of(regional: np.ndarray, part: str) -> np.ndarray:
    """FE, LB and AR of one of PARTS: (B, 9, ...) in the order of limits.REGION_AXES -> (B, 3, ...)."""
    return np.sum([regional[:, 3 * k : 3 * k + 3] for k in PARTS[part]], axis=0)


def _filling(part: str, angles: np.ndarray, caps: np.ndarray, bins: int, mirror: bool) -> Filling:
    """(B, 3) angles against (B, 3, 2) caps."""
    ends = np.where(angles < 0, -caps[..., 0], caps[..., 1])
    unit = angles / np.maximum(ends, 1e-9)
    if mirror:
        unit = np.concatenate([unit, unit * (1, -1, -1)])
    edges = np.linspace(-1.0, 1.0, bins + 1)
    counts, _ = np.histogramdd(np.clip(unit, -1 + 1e-9, 1 - 1e-9), bins=(edges, edges, edges))
    middle = (edges[1:] + edges[:-1]) / 2
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(middle, middle, middle, indexing="ij")))
    inner, middling, outer = (
        _share(counts, (radius > a) & (radius <= b)) for a, b in zip((0.0, *SHELLS[:-1]), SHELLS, strict=True)
    )
    reach = np.linalg.norm(unit, axis=1) if len(unit) else np.zeros(1)
    return Filling(
        part, counts.astype(int), radius <= 1.0, (inner, middling, outer), float(np.median(reach)),
        float((reach > 0.5).mean()), float((reach > 1.0).mean()),
    )  # fmt: skip


def _share(counts: np.ndarray, cubes: np.ndarray) -> float:
    return float((counts[cubes] > 0).mean()) if cubes.any() else 0.0


def summary(found: dict[str, Filling]) -> str:
    """A table to print: one line per part."""
    lines = ["part      filled  inner  middle  outer  beyond"]
    for name, f in found.items():
        inner, middle, outer = f.shells
        lines.append(f"{name:9s} {f.filled:6.1%} {inner:6.1%} {middle:7.1%} {outer:6.1%} {f.beyond:7.1%}")
    return "\n".join(lines)
