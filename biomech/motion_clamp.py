"""Bring a motion inside the joints' ranges, counting what was cut.

A level beyond its range hands the excess to the other levels of its region, by their share of the rhythm, so that the
trunk turns as much as was measured where its joints together allow it. Everything else is cut.

Shapes: T frames, D = len(COORDINATES), 25 levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import COORDINATES, REGION_SLICES, SPINE_SLICE, TRANSLATIONS
from biomech.limits import Limits
from biomech.rhythm import level_shares

NOTICED = np.deg2rad(0.5)
"""rad: a cut of less is rounding, and is not counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Clamped:
    """What clamping did."""

    q: np.ndarray  # (T, D) inside the hard ranges
    cut: np.ndarray  # (T, D) rad or m: how far each value was beyond its range
    unmet: np.ndarray  # (T, 9) rad, order limits.REGION_AXES: regional motion that found no room

    @property
    def counts(self) -> dict[str, int]:
        """Frames in which each coordinate was cut, for those that were, in model order."""
        frames = (np.abs(self.cut) > NOTICED).sum(axis=0)
        return {name: int(n) for name, n in zip(COORDINATES, frames, strict=True) if n}

    @property
    def share(self) -> float:
        """Share of all angles (frames x coordinates) that were cut."""
        return float((np.abs(self.cut) > NOTICED).mean()) if self.cut.size else 0.0


def clamp_motion(q: np.ndarray, limits: Limits) -> Clamped:
    """Clamp (T, D) coordinates; angles of the pelvis in the world are wrapped to half a turn each way instead."""
    out = np.array(q, dtype=np.float64)
    out[:, :3] = (out[:, :3] + np.pi) % (2.0 * np.pi) - np.pi
    joints = np.array([name not in TRANSLATIONS for name in COORDINATES], dtype=bool)
    joints[:3] = False
    held = np.clip(out, limits.hard[:, 0], limits.hard[:, 1])
    cut = np.where(joints, out - held, 0.0)
    out[:, joints] = held[:, joints]
    levels = out[:, SPINE_SLICE].reshape(len(out), -1, 3)
    beyond = cut[:, SPINE_SLICE].reshape(levels.shape)
    unmet = np.zeros((len(out), 9))
    for r, (region, part) in enumerate(REGION_SLICES.items()):
        for axis, motion in enumerate(("extension", "LB", "AR")):
            hard = limits.spine_hard[part, axis]
            column = levels[:, part, axis]
            excess = beyond[:, part, axis].sum(axis=1)
            for sign in (1.0, -1.0):
                share = level_shares(region, "flexion" if axis == 0 and sign < 0.0 else motion)
                room = hard[:, 1] - column if sign > 0.0 else column - hard[:, 0]
                column = column + sign * _shared_out(np.maximum(sign * excess, 0.0), share, room)
            levels[:, part, axis] = np.clip(column, hard[:, 0], hard[:, 1])
            unmet[:, 3 * r + axis] = excess - (levels[:, part, axis] - held_levels(held, part, axis)).sum(axis=1)
    out[:, SPINE_SLICE] = levels.reshape(len(out), -1)
    return Clamped(out, cut, unmet)


def held_levels(held: np.ndarray, part: slice, axis: int) -> np.ndarray:
    """(T, n) level angles of one region and axis in coordinates (T, D)."""
    return held[:, SPINE_SLICE].reshape(len(held), -1, 3)[:, part, axis]


def _shared_out(amount: np.ndarray, share: np.ndarray, room: np.ndarray) -> np.ndarray:
    """(T, n) parts of an amount (T,), by share (n,), none more than its room (T, n)."""
    given = np.zeros_like(room)
    for _ in range(len(share)):
        left = amount - given.sum(axis=1)
        weight = share * (room - given > 1e-12)
        total = weight.sum(axis=1, keepdims=True)
        if not ((left > 1e-12) & (total[:, 0] > 0.0)).any():
            break
        given = np.minimum(room, given + left[:, None] * weight / np.maximum(total, 1e-12))
    return given
