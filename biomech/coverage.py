"""How much of the volume that a spine can take (flexion x bending x rotation) a set of poses fills.

Each regional angle is divided by its cap on that side (limits.csv), so that 0 is neutral and 1 the cap. The
physiological volume is the unit ball: near the end of one motion little is left of the others. It is cut into cubes;
a cube counts where its middle lies in the ball, and is filled where at least one pose falls into it. Shells say
whether the outside is reached too: 0 to 1/3, 1/3 to 2/3 and 2/3 to 1 of the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biomech.anatomy import REGIONS
from biomech.errors import ModelError
from biomech.limits import Limits, load_limits
from biomech.rhythm import regional_angles

SHELLS = (1 / 3, 2 / 3, 1.0)
"""Outer radii of the shells."""


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Coverage of one region; n cubes along each axis."""

    region: str  # lumbar, thoracic, cervical, or trunk (lumbar + thoracic)
    edges: np.ndarray  # (n + 1,) of each normalised axis, -1 to 1
    counts: np.ndarray  # (n, n, n) poses: FE (flexion first), LB (left first), AR (right first)
    inside: np.ndarray  # (n, n, n) bool: cubes of the physiological volume
    filled: float  # share of those that hold a pose
    shells: tuple[float, float, float]  # the same for each shell, inner to outer
    beyond: float  # share of poses outside the ball: combinations rarer than the caps suggest
    poses: int

    def to_dict(self) -> dict[str, object]:
        """Plain data for reports."""
        return {
            "region": self.region,
            "bins": len(self.edges) - 1,
            "filled": self.filled,
            "shells": list(self.shells),
            "beyond": self.beyond,
            "poses": self.poses,
            "counts": self.counts.tolist(),
            "inside": self.inside.tolist(),
        }


def coverage(
    spine: np.ndarray, limits: Limits | None = None, *, bins: int = 6, mirror: bool = False
) -> dict[str, Coverage]:
    """Coverage of each region and of the trunk.

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
    if bins < 2:
        raise ModelError(f"{bins} bins given; wanted 2 or more along each axis")
    limits = load_limits() if limits is None else limits
    angles = regional_angles(spine).reshape(-1, 3, 3)  # (B, region, axis)
    caps = limits.regional_hard.reshape(3, 3, 2)
    found = {}
    for name, rows in [(region, (k,)) for k, region in enumerate(REGIONS)] + [("trunk", (0, 1))]:
        found[name] = _coverage(name, angles[:, rows].sum(1), caps[list(rows)].sum(0), bins, mirror)
    return found


def _coverage(name: str, angles: np.ndarray, caps: np.ndarray, bins: int, mirror: bool) -> Coverage:
    """(B, 3) angles against (3, 2) caps."""
    unit = np.where(angles < 0, angles / -caps[:, 0], angles / caps[:, 1])
    if mirror:
        unit = np.concatenate([unit, unit * (1, -1, -1)])
    edges = np.linspace(-1.0, 1.0, bins + 1)
    held = np.clip(unit, -1 + 1e-9, 1 - 1e-9)
    counts, _ = np.histogramdd(held, bins=(edges, edges, edges))
    middle = (edges[1:] + edges[:-1]) / 2
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(middle, middle, middle, indexing="ij")))
    inside = radius <= 1.0
    inner = (0.0, *SHELLS[:-1])
    shells = [_share(counts, inside & (radius > a) & (radius <= b)) for a, b in zip(inner, SHELLS, strict=True)]
    beyond = float((np.linalg.norm(unit, axis=1) > 1.0).mean()) if len(unit) else 0.0
    return Coverage(
        name, edges, counts.astype(int), inside, _share(counts, inside), (shells[0], shells[1], shells[2]), beyond,
        len(angles),
    )  # fmt: skip


def _share(counts: np.ndarray, cubes: np.ndarray) -> float:
    return float((counts[cubes] > 0).mean()) if cubes.any() else 0.0


def summary(found: dict[str, Coverage], order: Sequence[str] = ("trunk", *REGIONS)) -> str:
    """A table to print: one line per region."""
    lines = ["region    filled  inner  middle  outer  beyond"]
    for name in order:
        c = found[name]
        inner, middle, outer = c.shells
        lines.append(f"{name:9s} {c.filled:6.1%} {inner:6.1%} {middle:7.1%} {outer:6.1%} {c.beyond:7.1%}")
    return "\n".join(lines)
