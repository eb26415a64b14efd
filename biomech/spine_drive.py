"""What an inverse problem may turn: limb coordinates one by one, the spine by region or level by level.

Driven by region, nine angles (limits.REGION_AXES) stand for the 75 level coordinates. They are spread by the rhythm,
which moves the overflow of a full level to those with room, so every pose obeys the level ranges. Driven by level, each
coordinate is its own unknown. A pull to rest, as stiff as typical ranges are narrow, shares out what measurements leave
open: between lumbar and thoracic spine, and between levels in the way of the rhythm.

Shapes: T frames, D = len(COORDINATES), C coordinates of the tree, P unknowns, S spine coordinates of the tree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import COORDINATES, JOINTS, LEVELS, REGION_SLICES, SPINE_SLICE
from biomech.errors import ModelError
from biomech.kinematic_tree import Tree
from biomech.limits import REGION_AXES, Limits
from biomech.rhythm import AR, FE, LB, coupling_ratios, distribute_detailed, level_shares, regional_angles

SPINE_DRIVES: tuple[str, ...] = ("regions", "levels")
ROOT: tuple[str, ...] = JOINTS[0].coordinates
"""Where the body stands in the world: no anatomical limit."""


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """The unknowns of one inverse problem: coordinates first, then regional angles."""

    names: tuple[str, ...]  # (P,) coordinates and REGION_AXES
    lower: np.ndarray  # (P,) rad or m
    upper: np.ndarray  # (P,)
    stiffness: np.ndarray  # (P,) 1/rad^2: inverse variance about neutral; 0 for the pelvis
    columns: np.ndarray  # columns of q that are unknowns themselves
    rows: np.ndarray  # their positions among the tree's C coordinates
    regions: np.ndarray  # (R,) REGION_AXES index of each regional unknown
    spine_rows: np.ndarray  # (S,) positions of spine coordinates among the tree's C, empty unless driven by region
    spine_columns: np.ndarray  # (S,) the same in SPINE_COORDINATES
    shares: np.ndarray  # (8, 75, 9) level per regional angle while no level is full, by which regions are in flexion
    limits: Limits
    coupling: bool

    def __len__(self) -> int:
        return len(self.names)

    @property
    def moves(self) -> np.ndarray:
        """(D,) bool: coordinates that the unknowns move."""
        out = np.zeros(len(COORDINATES), dtype=bool)
        out[self.columns] = True
        out[SPINE_SLICE] |= len(self.regions) > 0
        return out


def build_drive(tree: Tree, limits: Limits, spine: str, coupling: bool, locked: tuple[str, ...]) -> Drive:
    """Unknowns of a tree; `locked` names coordinates or regional angles that keep their starting value."""
    if spine not in SPINE_DRIVES:
        raise ModelError(f"spine drive {spine!r} given; known ones are {', '.join(SPINE_DRIVES)}")
    unknown = [name for name in locked if name not in COORDINATES and name not in REGION_AXES]
    if unknown:
        raise ModelError(f"cannot lock {', '.join(unknown)}: no coordinate or regional angle is called so")
    by_region = spine == "regions"
    in_spine = (tree.coordinates >= SPINE_SLICE.start) & (tree.coordinates < SPINE_SLICE.stop)
    rows = [
        i
        for i, column in enumerate(tree.coordinates)
        if COORDINATES[column] not in locked and not (by_region and in_spine[i])
    ]
    columns = tree.coordinates[rows]
    names = [COORDINATES[column] for column in columns]
    free = np.array([name in ROOT for name in names], dtype=bool)
    ranges = np.where(free[:, None], [[-np.inf, np.inf]], limits.hard[columns])
    usual, usual_regional = _usual_spread(limits)
    stiffness = np.where(free, 0.0, usual[columns] ** -2)
    regions: list[int] = []
    spine_rows = np.flatnonzero(in_spine) if by_region else np.zeros(0, dtype=np.int64)
    spine_columns = tree.coordinates[spine_rows] - SPINE_SLICE.start
    if by_region:
        levels = set((spine_columns // 3).tolist())
        moving = [any(k in levels for k in range(len(LEVELS))[part]) for part in REGION_SLICES.values()]
        regions = [i for i, name in enumerate(REGION_AXES) if moving[i // 3] and name not in locked]
        names += [REGION_AXES[i] for i in regions]
        ranges = np.concatenate([ranges, _regional_range(limits)[regions]])
        stiffness = np.concatenate([stiffness, usual_regional[regions] ** -2])
    return Drive(
        names=tuple(names),
        lower=ranges[:, 0].copy(),
        upper=ranges[:, 1].copy(),
        stiffness=stiffness,
        columns=columns,
        rows=np.array(rows, dtype=np.int64),
        regions=np.array(regions, dtype=np.int64),
        spine_rows=spine_rows,
        spine_columns=spine_columns,
        shares=_share_table(coupling),
        limits=limits,
        coupling=coupling,
    )


def _usual_spread(limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (D,) of coordinates and (9,) of regional angles: a quarter of the typical range, rad.

    The levels of a region get variances in proportion to their shares, so that left to themselves they follow the
    rhythm and together spread like the region.
    """
    spread = 0.25 * np.ptp(limits.typical, axis=1)
    regional = 0.25 * np.ptp(limits.regional_typical, axis=1)
    levels = np.empty((len(LEVELS), 3))
    for r, (region, part) in enumerate(REGION_SLICES.items()):
        shares = (
            0.5 * (level_shares(region, "flexion") + level_shares(region, "extension")),
            level_shares(region, "LB"),
            level_shares(region, "AR"),
        )
        for axis, share in enumerate(shares):
            levels[part, axis] = np.sqrt(share) * regional[3 * r + axis]
    spread[SPINE_SLICE] = levels.reshape(-1)
    return spread, regional


def _regional_range(limits: Limits) -> np.ndarray:
    """(9, 2) rad: regional caps, cut to what the levels can give together."""
    summed = np.stack([regional_angles(limits.hard[SPINE_SLICE, k]) for k in (0, 1)], axis=1)
    lower = np.maximum(limits.regional_hard[:, 0], summed[:, 0])
    return np.stack([lower, np.minimum(limits.regional_hard[:, 1], summed[:, 1])], axis=1)


def _share_table(coupling: bool) -> np.ndarray:
    """(8, 75, 9): bit r of the first index says that region r is in flexion."""
    table = np.zeros((8, len(LEVELS), 3, len(REGION_AXES)))
    for r, (region, part) in enumerate(REGION_SLICES.items()):
        for index in range(8):
            motion = "flexion" if index >> r & 1 else "extension"
            table[index, part, FE, 3 * r + FE] = level_shares(region, motion)
        table[:, part, LB, 3 * r + LB] = level_shares(region, "LB")
        table[:, part, AR, 3 * r + AR] = level_shares(region, "AR")
    if coupling:
        table = _with_coupling(table)
    return table.reshape(8, -1, len(REGION_AXES))


def _with_coupling(gain: np.ndarray) -> np.ndarray:
    """Gains (..., 25, 3, 9) with the bending that comes with twist, and the other way round."""
    ar_per_lb, lb_per_ar = coupling_ratios()
    out = gain.copy()
    out[..., AR, :] += ar_per_lb[:, None] * gain[..., LB, :]
    out[..., LB, :] += lb_per_ar[:, None] * gain[..., AR, :]
    return out


def to_unknowns(drive: Drive, q: np.ndarray) -> np.ndarray:
    """(T, P) from coordinates (T, D), put inside the ranges."""
    x = np.concatenate([q[:, drive.columns], regional_angles(q[:, SPINE_SLICE])[:, drive.regions]], axis=1)
    return np.clip(x, drive.lower, drive.upper)


def to_coordinates(drive: Drive, x: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (T, D) from unknowns (T, P), and how those of the tree's spine follow the regions, (T, S, R).

    What is not unknown keeps the value of `base` (T, D).
    """
    q = base.copy()
    q[:, drive.columns] = x[:, : len(drive.columns)]
    if not len(drive.regions):
        return q, np.zeros((len(x), 0, 0))
    angles = regional_angles(base[:, SPINE_SLICE])
    angles[:, drive.regions] = x[:, len(drive.columns) :]
    gain = drive.shares[(angles[:, ::3] < 0.0) @ np.array([1, 2, 4])]  # (T, 75, 9)
    spine = (gain @ angles[..., None])[..., 0]
    hard, cap = drive.limits.hard[SPINE_SLICE], drive.limits.regional_hard
    total = regional_angles(spine)
    full = ((spine < hard[:, 0]) | (spine > hard[:, 1])).any(axis=1)
    full |= ((total < cap[:, 0]) | (total > cap[:, 1])).any(axis=1)
    if full.any():  # the straight line has left the ranges: the rhythm proper, with its overflow
        found = distribute_detailed(angles[full], drive.limits, None, coupling=drive.coupling)
        spine[full] = found.q
        gain[full] = _gain_at_limits(drive, angles[full], found.clamped)
    q[:, SPINE_SLICE] = spine
    return q, gain[:, drive.spine_columns[:, None], drive.regions]


def _gain_at_limits(drive: Drive, angles: np.ndarray, clamped: np.ndarray) -> np.ndarray:
    """(T, 75, 9): how level coordinates follow the regional angles where some are full; full levels do not move."""
    gain = np.zeros((len(angles), len(LEVELS), 3, len(REGION_AXES)))
    for r, (region, part) in enumerate(REGION_SLICES.items()):
        for axis, motion in enumerate(("extension", "LB", "AR")):
            share = np.broadcast_to(level_shares(region, motion), (len(angles), part.stop - part.start))
            if axis == FE:
                share = np.where(angles[:, 3 * r, None] < 0.0, level_shares(region, "flexion"), share)
            room = share * ~clamped[:, part, axis]
            total = room.sum(axis=1, keepdims=True)
            gain[:, part, axis, 3 * r + axis] = np.where(total > 0.0, room / np.where(total > 0.0, total, 1.0), share)
    if drive.coupling:
        gain = np.where(clamped[..., None], gain, _with_coupling(gain))
    return gain.reshape(len(angles), -1, len(REGION_AXES))
