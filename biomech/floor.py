"""Where the floor is under a moving body: its height, whether it drifts, whether it is a treadmill.

Shapes: T frames, 4 sole points (heel and ball, right then left), D = len(COORDINATES).
"""

from __future__ import annotations

import numpy as np

from biomech.anatomy import SIDES, body_index
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry
from biomech.kinematics_numpy import forward_kinematics_numpy

POINTS: tuple[str, ...] = tuple(f"sole_{part}_{side}" for side in SIDES for part in ("heel", "ball"))
"""The landmarks that stand on the floor."""

HEIGHT = 0.04
"""m over the floor below which a sole point may stand; the heel of a standing foot moves this much with the skin."""
SPEED = 0.35
"""m/s below which it does; a swinging foot passes the floor at 3 m/s and more."""
WINDOW = 1.2
"""s: nobody is off the floor for longer, unless he hangs: a jump of 1 m takes 0.9 s."""
DRIFT = 0.06
"""m by which the floor may seem to rise or sink before it is levelled: filters and soft heels explain less."""


def floor_height(heights: np.ndarray, speed: np.ndarray) -> float:
    """Height of the floor under sole points (T, 4): the level at which slow points lie lowest."""
    slow = heights[speed < SPEED]
    lowest = heights.min(axis=1)
    if len(slow) < 3:
        return float(np.quantile(lowest, 0.02))
    base = float(np.quantile(slow, 0.05))
    return float(np.median(slow[slow < base + HEIGHT]))


def floor_drift(lowest: np.ndarray, fps: float) -> np.ndarray:
    """(T,) m: height of the floor over time, from the lowest point (T,); zero where it stays level.

    Suits of inertial sensors measure no height: over a clip the person slowly climbs or sinks.
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    width = round(WINDOW * fps)
    if width < 3 or len(lowest) < width:
        return np.zeros(len(lowest))
    touched = uniform_filter1d(minimum_filter1d(lowest, width, mode="nearest"), width, mode="nearest")
    return touched if np.ptp(touched) > DRIFT else np.zeros(len(lowest))


def belt_speed(soles: np.ndarray, low: np.ndarray, fps: float) -> np.ndarray:
    """(2,) m/s forward and right of a treadmill: the velocity that low sole points share; zero where they share none.

    Args:
        soles: (T, 4, 3) m; low: (T, 4) bool, points near the floor.
    """
    velocity = np.gradient(soles[..., [0, 2]], axis=0)[low] * fps
    belt = np.median(velocity, axis=0)
    shared = np.linalg.norm(velocity - belt, axis=1) < SPEED
    return np.median(velocity[shared], axis=0) if shared.mean() > 0.5 else np.zeros(2)


def sole_points(geometry: SkeletonGeometry, q: np.ndarray) -> np.ndarray:
    """(T, 4, 3) m, order POINTS."""
    marks = {mark.name: mark for mark in geometry.landmarks}
    missing = [name for name in POINTS if name not in marks]
    if missing:
        raise ModelError(f"this skeleton has no landmark {', '.join(missing)}; feet cannot stand without soles")
    frames = forward_kinematics_numpy(geometry, q, tuple(marks[name].body for name in POINTS))
    local = np.array([marks[name].location for name in POINTS])
    return np.einsum("tkij,kj->tki", frames[..., :3, :3], local) + frames[..., :3, 3]


def lowest_point(geometry: SkeletonGeometry, q: np.ndarray) -> np.ndarray:
    """(T,) m: height of the lowest capsule or sole of each pose."""
    rows = np.array([body_index(c.body) for c in geometry.capsules])
    frames = forward_kinematics_numpy(geometry, q)[:, rows]
    ends = np.stack([[c.start for c in geometry.capsules], [c.end for c in geometry.capsules]])  # (2, C, 3)
    radius = np.array([c.radius for c in geometry.capsules])
    heights = np.einsum("tcj,ecj->tec", frames[..., 1, :3], ends) + frames[:, None, :, 1, 3] - radius
    return np.minimum(heights.min(axis=(1, 2)), sole_points(geometry, q)[..., 1].min(axis=1))
