"""Pointing a camera: where it can stand, how long its lens must be, how it is turned so that people land where wanted.

Plain geometry on the pinhole; nothing is drawn by chance here. Shape legend: N points.
"""

import math
from dataclasses import dataclass

import numpy as np

from scenes.extent import bounds

_CLEARANCE = 0.45  # m between the lens and the nearest point of a person
_LOWEST = 0.12  # m over the floor
_MANY, _DIRECTIONS = 2000, 64  # points; more than the former say little more about where people are
_NEAREST = 0.05  # m along the optical axis


def outline(points: np.ndarray) -> np.ndarray:
    """(M, 3) of many (N, 3) points: those farthest out in directions all around, and an even sample of the others."""
    if len(points) <= _MANY:
        return points
    step = np.arange(_DIRECTIONS) + 0.5
    up, turn = 1 - 2 * step / _DIRECTIONS, np.pi * (1 + np.sqrt(5)) * step
    flat = np.sqrt(1 - up**2)
    ways = np.stack([flat * np.cos(turn), up, flat * np.sin(turn)], 1)
    across = np.ascontiguousarray(points.T, np.float32)
    farthest = np.concatenate([np.argmax(some @ across, 1) for some in np.split(ways.astype(np.float32), 4)])
    return points[np.union1d(farthest, np.arange(0, len(points), len(points) // (_MANY // 2)))]


@dataclass(frozen=True, slots=True, eq=False)
class Framing:
    """What a camera at `eye` is to show, and how.

    Attributes:
        eye: (3,) m.
        shown: (N, 3) m, what is to be in the picture.
        roll: rad.
        principal: (2,) px.
        size: (2,) px, width and height.
    """

    eye: np.ndarray
    shown: np.ndarray
    roll: float
    principal: np.ndarray
    size: tuple[int, int]

    @property
    def middle(self) -> np.ndarray:
        """(3,) m, of what is shown."""
        low, high = bounds(self.shown)
        return (low + high) / 2

    def plane(self, target: np.ndarray) -> np.ndarray:
        """(N, 2) what is shown at depth 1, with the optical axis through the target."""
        at = (self.shown - self.eye) @ axes(self.eye, target, self.roll).T
        return at[:, :2] / np.maximum(at[:, 2:], _NEAREST)


def axes(eye: np.ndarray, target: np.ndarray, roll: float) -> np.ndarray:
    """(3, 3) rows: right, down, forward."""
    forward = (target - eye) / _length(target - eye)
    right = _cross(forward, np.array([0.0, 1.0, 0.0]))
    if _length(right) < 1e-6:
        right = np.array([0.0, 0.0, 1.0])
    right /= _length(right)
    down = _cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, forward])


def _length(vector: np.ndarray) -> float:
    """What np.linalg.norm gives, in a third of its time."""
    return math.sqrt(vector.dot(vector))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What np.cross gives of two (3,) vectors, in a tenth of its time."""
    (x, y, z), (u, v, w) = a.tolist(), b.tolist()
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u])


def standing(middle: np.ndarray, azimuth: float, height: float, distance: float, points: np.ndarray) -> np.ndarray:
    """(3,) m: an eye at a height, so far from the middle, clear of all points and never steeper than 60 degrees."""
    direction = np.array([np.cos(azimuth), 0.0, np.sin(azimuth)])
    drop = height - middle[1]
    flat = np.sqrt(max(distance**2 - drop**2, (0.58 * drop) ** 2))
    eye = middle + direction * flat + [0, drop, 0]
    eye = np.array([eye[0], max(eye[1], _LOWEST), eye[2]])
    low, high = bounds(points)
    columns = np.ascontiguousarray(points.T)
    for _ in range(400):
        if _outside(eye, low, high) and np.sqrt(((columns - eye[:, None]) ** 2).sum(0).min()) >= _CLEARANCE:
            break
        eye = eye + 0.1 * direction
    return eye


def _outside(eye: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether an eye is beside or over a box."""
    return bool(eye[0] < low[0] or eye[0] > high[0] or eye[2] < low[2] or eye[2] > high[2] or eye[1] > high[1])


def focal_that_fills(framing: Framing, fill: float) -> float:
    """Focal length, px, at which what is shown fills a share of the picture's height, or of its width."""
    low, high = bounds(framing.plane(framing.middle))
    across, upright = high - low
    width, height = framing.size
    return float(min(fill * height / max(upright, 1e-6), min(fill, 0.92) * width / max(across, 1e-6)))


def aimed(
    framing: Framing, focal: float, offset: np.ndarray, crop: str = "none", edge: str = "", cut: float = 0.0
) -> np.ndarray:
    """(3,) m, on the optical axis of the camera turned so that people land where they are wanted.

    Args:
        offset: (2,) shift from the middle in parts of the free space, -1 to 1.
        crop: "edge" puts the share `cut` of the people beyond an edge ("left", "right", "bottom"), "upper" the lower
            half below the picture.
    """
    size, target = np.array(framing.size, float), framing.middle
    for _ in range(3):
        low, high = bounds(framing.plane(target) * focal + framing.principal)
        free = np.maximum(size - (high - low), 0.0) / 2
        wanted = size / 2 + offset * free * 0.9
        if crop == "edge" and edge == "bottom":
            wanted[1] = size[1] + (cut - 0.5) * (high - low)[1]
        elif crop == "edge":
            beyond = (cut - 0.5) * (high - low)[0]
            wanted[0] = size[0] + beyond if edge == "right" else -beyond
        elif crop == "upper":
            wanted[1] = size[1] - 0.49 * (high - low)[1]
        shift = (low + high) / 2 - wanted
        right, down, _ = axes(framing.eye, target, framing.roll)
        distance = _length(target - framing.eye)
        target = target + distance / focal * (shift[0] * right + shift[1] * down)
        target = framing.eye + (target - framing.eye) * distance / _length(target - framing.eye)
    return target


def holds(framing: Framing, focal: float, target: np.ndarray, margin: float = 0.0) -> bool:
    """Whether all that is to be shown lies inside the picture, `margin` px from its border."""
    low, high = bounds(framing.plane(target) * focal + framing.principal)
    return bool((low >= margin).all() and (high <= np.array(framing.size) - margin).all())
