"""Where things sit in hands: the hand's frame, and places (4, 4) for each way of holding.

The hand body's frame (biomech): origin at the wrist, -y towards the fingers, +x out of the palm; the thumb lies on +z
of the right hand and -z of the left. Measured on four subjects' meshes (statures 1.6 to 1.9): with closed fingers a bar
of radius r has its middle 0.0118 statures + r in front of the hand's plane and 0.052 statures below the wrist, and runs
along the knuckles, which slope 14 degrees.

Each function returns the object's place, or None where the hands cannot hold it that way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Place = np.ndarray

_PALM = 0.0118  # statures from the hand's plane to the skin of the palm
_DOWN = 0.052  # statures from the wrist to the middle of the closed fingers
_SLOPE = np.array([0.0, -0.243, 0.970])
_UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, slots=True, eq=False)
class Grip:
    """A hand ready to hold: (3,) world m and unit vectors.

    Attributes:
        palm: middle of the palm's skin.
        out: out of the palm.
        axis: along the knuckles towards the thumb.
        fingers: from the wrist to the fingers.
    """

    palm: np.ndarray
    out: np.ndarray
    axis: np.ndarray
    fingers: np.ndarray

    def centre(self, radius: float) -> np.ndarray:
        """(3,) the middle of a bar of `radius` m in the closed hand."""
        return self.palm + radius * self.out


def grip_of(side: str, world_from_hand: np.ndarray, stature: float) -> Grip:
    """The grip of a hand body."""
    turn, at = world_from_hand[:3, :3], world_from_hand[:3, 3]
    slope = _SLOPE if side == "r" else _SLOPE * [1, 1, -1]
    palm = at + turn @ np.array([_PALM, -_DOWN, 0.0]) * stature
    return Grip(palm, turn[:, 0], turn @ slope, -turn[:, 1])


def frame(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> Place:
    """(4, 4) rigid: y kept, x made square to it."""
    y = unit(y)
    x = unit(x - (x @ y) * y)
    place = np.eye(4)
    place[:3, 0], place[:3, 1], place[:3, 2], place[:3, 3] = x, y, np.cross(x, y), at
    return place


def unit(v: np.ndarray) -> np.ndarray:
    """(3,) of length 1."""
    return v / max(float(np.linalg.norm(v)), 1e-9)


def at_grip(place: Place, grip: np.ndarray) -> Place:
    """The place moved so that the object's point `grip` lies where its origin lay."""
    moved = place.copy()
    moved[:3, 3] = place[:3, 3] - place[:3, :3] @ grip
    return moved


def handle(hand: Grip, grip: np.ndarray, radius: float, upright: float = -1.0) -> Place | None:
    """A handle along the knuckles, its head on the thumb's side; `upright` least cosine of it with the vertical."""
    if hand.axis[1] < upright:
        return None
    return at_grip(frame(hand.out, hand.axis, hand.centre(radius)), grip)


def in_palm(hand: Grip, grip: np.ndarray) -> Place:
    """A thing that touches the palm with its point `grip`, its +x away from the palm."""
    return at_grip(frame(hand.out, hand.axis, hand.palm), grip)


def hanging(hand: Grip, grip: np.ndarray, radius: float) -> Place | None:
    """A thing that hangs upright from a handle along its z; only from a hand that hangs itself."""
    level = hand.axis * [1, 0, 1]
    if hand.fingers[1] > -0.5 or np.linalg.norm(level) < 0.8:
        return None
    side = unit(level)
    return at_grip(frame(np.cross(_UP, side), _UP, hand.centre(radius)), grip)


def crutch(hand: Grip, radius: float) -> Place | None:
    """An upright crutch whose handle, along its x, the hand leans on."""
    level = hand.axis * [1, 0, 1]
    if hand.fingers[1] > -0.3 or np.linalg.norm(level) < 0.8:
        return None
    return at_grip(frame(unit(level), _UP, hand.centre(radius)), np.array([0.05, 0.005, 0.0]))


def bar(hands: Mapping[str, Grip], radius: float) -> Place | None:
    """A bar along z through both hands, its middle between them."""
    right, left = (hands[k].centre(radius) for k in "rl")
    gap = float(np.linalg.norm(right - left))
    along = unit(right - left)
    straight = min(abs(float(hands[k].axis @ along)) for k in "rl")
    same_way = float(hands["r"].out @ hands["l"].out)
    if not 0.28 < gap < 1.2 or straight < 0.72 or same_way < 0.2:
        return None
    y = _UP if abs(along[1]) < 0.9 else hands["r"].out
    return frame(np.cross(y, along), y - (y @ along) * along, (right + left) / 2)


def stick(hands: Mapping[str, Grip], radius: float, butt: float) -> Place | None:
    """A long handle through both hands, its head (+y) on the side the thumbs point to.

    `butt`: y of the object where the hand farther from the head holds it; None of both hands where they do not agree.
    """
    right, left = (hands[k].centre(radius) for k in "rl")
    thumbs = hands["r"].axis + hands["l"].axis
    gap = float(np.linalg.norm(right - left))
    if gap > 0.12:
        along = unit(right - left)
        along = along if along @ thumbs > 0 else -along
        if abs(float(along @ hands["r"].axis)) + abs(float(along @ hands["l"].axis)) < 0.7:
            return None
    elif np.linalg.norm(thumbs) < 1.0:
        return None
    else:
        along = unit(thumbs)
    low = min((right, left), key=lambda p: float(p @ along))
    middle = (right + left) / 2
    foot = middle + ((low - middle) @ along) * along
    x = hands["r"].out if abs(hands["r"].out @ along) < 0.9 else hands["r"].fingers
    return at_grip(frame(x, along, foot), np.array([0.0, butt, 0.0]))


def between(hands: Mapping[str, Grip], least: float = 0.14, most: float = 0.62) -> tuple[Place, float] | None:
    """A box between two palms that face each other: its place (z from left to right, y up) and width m."""
    right, left = hands["r"].palm, hands["l"].palm
    gap = float(np.linalg.norm(right - left))
    across = unit(right - left)
    if not least < gap < most or -(hands["r"].out @ across) < 0.55 or hands["l"].out @ across < 0.55:
        return None
    up = _UP - (_UP @ across) * across
    if np.linalg.norm(up) < 0.5:
        return None
    at = (right + left) / 2 + 0.03 * unit(hands["r"].fingers + hands["l"].fingers)
    return frame(np.cross(up, across), up, at), gap


def away(hands: Mapping[str, Grip], across: np.ndarray) -> np.ndarray:
    """(3,) level unit vector from the body: where fingers and, on hanging hands, thumbs point."""
    ahead = sum(hands[k].fingers + hands[k].axis for k in "rl") * np.array([1.0, 0.0, 1.0])
    return unit(ahead - (ahead @ across) * across * [1, 0, 1])


def ball(hands: Mapping[str, Grip], radius: float) -> Place | None:
    """A ball of `radius` m that both palms touch."""
    right, left = hands["r"].palm, hands["l"].palm
    gap = float(np.linalg.norm(right - left))
    outward = hands["r"].out + hands["l"].out + 0.5 * (hands["r"].fingers + hands["l"].fingers)
    across = unit(right - left)
    away = outward - (outward @ across) * across
    if gap > 2 * radius + 0.02:
        return None
    depth = np.sqrt(max(radius**2 - gap**2 / 4, 0.0))
    if depth > 0.02 and np.linalg.norm(away) < 0.2:
        return None
    middle = (right + left) / 2 + depth * unit(away)
    if min(float(hands[k].out @ (middle - hands[k].palm)) for k in "rl") < 0.5 * radius:
        return None
    return frame(unit(away) if np.linalg.norm(away) > 1e-6 else _UP, across, middle)


def wheel(hands: Mapping[str, Grip], radius: float) -> tuple[Place, float] | None:
    """A steering wheel in the y-z plane of the object through both hands, its hub below them, and its scale."""
    right, left = (hands[k].centre(0.015) for k in "rl")
    gap, across = float(np.linalg.norm(right - left)), unit(right - left)
    ahead = (hands["r"].fingers + hands["l"].fingers) * [1, 0, 1]
    ahead = ahead - (ahead @ across) * across
    if gap > 0.46 or gap < 0.15 or np.linalg.norm(ahead) < 0.3:
        return None
    away = unit(ahead) - 0.42 * _UP
    away = unit(away - (away @ across) * across)
    up = np.cross(across, away)
    size = max(radius, 0.54 * gap)
    hub = (right + left) / 2 - np.sqrt(size**2 - gap**2 / 4) * up
    return frame(away, up, hub), size / radius
