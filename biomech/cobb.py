"""Cobb angles from vertebra frames, in the frontal and the sagittal plane.

A radiograph shows an end plate as an ellipse whose long axis is square to the projected axis of the vertebra, however
much the vertebra is turned about that axis. So the tilt of a vertebra is that of its projected y axis, and a Cobb angle
is the difference of two tilts.

Shapes: frames (..., 24, 4, 4) in the order of anatomy.VERTEBRAE, in the frame whose planes are meant (the pelvis of a
standing person, or the world of one who faces x). Radians.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import VERTEBRAE
from biomech.errors import ModelError

PLANES: tuple[str, ...] = ("frontal", "sagittal")


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve between its most tilted vertebrae. angle in rad, signed as by `cobb_angle`."""

    upper: str
    lower: str
    apex: str
    angle: float


def tilts(frames: np.ndarray, plane: str) -> np.ndarray:
    """(..., 24) rad: lean of each vertebra to the right (frontal) or backwards (sagittal)."""
    if plane not in PLANES:
        raise ModelError(f"plane {plane!r} given; wanted one of {', '.join(PLANES)}")
    given = np.asarray(frames, dtype=np.float64)
    if given.ndim < 3 or given.shape[-3:] != (len(VERTEBRAE), 4, 4):
        raise ModelError(f"frames of shape {given.shape} given; wanted (..., {len(VERTEBRAE)}, 4, 4), L5 to C1")
    if not np.isfinite(given).all():
        raise ModelError("a vertebra frame is not finite; every frame must be known to measure a Cobb angle")
    up = given[..., :3, 1]
    across = up[..., 2] if plane == "frontal" else -up[..., 0]
    return np.arctan2(across, up[..., 1])


def cobb_angle(frames: np.ndarray, upper: str, lower: str, plane: str = "frontal") -> np.ndarray:
    """(...) rad: angle between two vertebrae of frames (..., 24, 4, 4).

    Frontal: positive where the curve is convex to the right. Sagittal: positive for kyphosis, negative for lordosis.

    Raises:
        ModelError: an unknown vertebra or plane, or `upper` is not above `lower`.
    """
    for name in (upper, lower):
        if name not in VERTEBRAE:
            raise ModelError(f"unknown vertebra {name!r}; known ones are {', '.join(VERTEBRAE)}")
    top, bottom = VERTEBRAE.index(upper), VERTEBRAE.index(lower)
    if top <= bottom:
        raise ModelError(f"upper {upper} and lower {lower} given; the upper end vertebra must lie above the lower one")
    found = tilts(frames, plane)
    return found[..., bottom] - found[..., top]


def find_curves(frames: np.ndarray, plane: str = "frontal", least: float = np.deg2rad(10.0)) -> tuple[Curve, ...]:
    """The curves of one column (24, 4, 4) with an angle of at least `least`, caudal to cranial.

    End vertebrae are those tilted most against each other: turning points of the tilt along the column, smaller wiggles
    than `least` left out. The apex is the vertebra tilted most nearly half way between the ends.
    """
    if not least > 0.0:
        raise ModelError(f"least angle {least} rad given; wanted more than 0 (0.17 is 10 degrees)")
    given = np.asarray(frames)
    if given.shape != (len(VERTEBRAE), 4, 4):
        raise ModelError(f"frames of shape {given.shape} given; wanted one column ({len(VERTEBRAE)}, 4, 4)")
    lean = tilts(given, plane)
    ends = _turning_points(lean, least)
    found = []
    for bottom, top in zip(ends[:-1], ends[1:], strict=True):
        angle = float(lean[bottom] - lean[top])
        if abs(angle) >= least:
            middle = 0.5 * (lean[bottom] + lean[top])
            apex = bottom + int(np.argmin(np.abs(lean[bottom : top + 1] - middle)))
            found.append(Curve(VERTEBRAE[top], VERTEBRAE[bottom], VERTEBRAE[apex], angle))
    return tuple(found)


def _turning_points(lean: np.ndarray, least: float) -> list[int]:
    """Rows where `lean` (24,) turns back by `least` or more, lowest first, and the last extreme."""
    found: list[int] = []
    low = high = direction = 0
    for i, value in enumerate(lean):
        if direction >= 0 and value > lean[high]:
            high = i
        if direction <= 0 and value < lean[low]:
            low = i
        if direction >= 0 and lean[high] - value >= least:
            found.append(high)
            direction, low = -1, i
        elif direction <= 0 and value - lean[low] >= least:
            found.append(low)
            direction, high = 1, i
    if direction:
        found.append(high if direction > 0 else low)
    return found
