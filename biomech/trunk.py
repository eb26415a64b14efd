"""From three rigid segments to 25 levels: measured orientations of pelvis, thorax and head become spine coordinates.

Motion capture sees the pelvis, the thorax and the head. The turn between pelvis and thorax is shared between lumbar and
thoracic spine (data/trunk_shares.csv), that between thorax and head belongs to the neck; the rhythm spreads each region
over its levels. The shares are then corrected until the model's own thorax and head stand as measured: a region at
its limit hands the rest to the other.

Shapes: T frames. Orientations are anatomical: the identity when a person stands in the neutral pose facing x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from biomech.anatomy import COORDINATES, SPINE_SLICE, body_index, read_table
from biomech.errors import MotionError
from biomech.geometry import SkeletonGeometry
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import Limits
from biomech.rhythm import distribute_detailed

THORAX = "T4"
"""Vertebra that stands for the thorax: among those the ribs and the shoulder girdle make rigid."""
_ROUNDS = 10
_SLACK = np.deg2rad(1.0)  # rad a target may exceed its cap while it is searched for


@dataclass(frozen=True, slots=True, eq=False)
class TrunkFit:
    """Spine coordinates that show the measured orientations."""

    q: np.ndarray  # (T, 75) rad
    regions: np.ndarray  # (T, 9) rad, order limits.REGION_AXES: regional targets
    thorax_error: np.ndarray  # (T,) rad between measured and shown thorax: what the limits do not allow
    head_error: np.ndarray  # (T,) rad


def fit_trunk(
    geometry: SkeletonGeometry,
    pelvis: np.ndarray,
    thorax: np.ndarray,
    head: np.ndarray,
    limits: Limits,
    coupling: bool = True,
) -> TrunkFit:
    """Spread the turns pelvis -> thorax -> head over the levels.

    Args:
        pelvis, thorax, head: (T, 3, 3) world_from_segment.

    Raises:
        MotionError: a value that is not finite.
    """
    given = np.stack([pelvis, thorax, head])
    if not np.isfinite(given).all():
        which = ("pelvis", "thorax", "head")[int(np.argwhere(~np.isfinite(given))[0, 0])]
        raise MotionError(f"the orientation of the {which} is unknown in some frame; all three are needed throughout")
    wanted_thorax = np.swapaxes(pelvis, 1, 2) @ thorax
    wanted_head = np.swapaxes(pelvis, 1, 2) @ head
    cap = limits.regional_hard
    low, high = cap[:, 0] - _SLACK, cap[:, 1] + _SLACK
    targets = np.zeros((len(pelvis), 9))
    for _ in range(_ROUNDS):
        shown_thorax, shown_head = _shown(geometry, targets, limits, coupling)
        # the missing turn, seen in the pelvis frame for the trunk and in the thorax frame for the neck
        trunk = spine_angles(wanted_thorax) - spine_angles(shown_thorax)
        neck = spine_angles(np.swapaxes(wanted_thorax, 1, 2) @ wanted_head) - spine_angles(
            np.swapaxes(shown_thorax, 1, 2) @ shown_head
        )
        trunk, neck = _wrapped(trunk), _wrapped(neck)
        lumbar = _lumbar_share(trunk, targets, low, high)
        step = np.concatenate([trunk * lumbar, trunk * (1.0 - lumbar), neck], axis=1)
        targets = np.clip(targets + step, low, high)
    found = distribute_detailed(targets, limits, None, coupling=coupling)
    shown_thorax, shown_head = _shown(geometry, targets, limits, coupling)
    return TrunkFit(
        found.q,
        targets,
        angle_between(wanted_thorax, shown_thorax),
        angle_between(wanted_head, shown_head),
    )


def _lumbar_share(trunk: np.ndarray, targets: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(T, 3) share of the missing trunk turn that the lumbar spine takes; all or nothing where one side is full."""
    flexion, extension, bend, twist = _shares()
    share = np.tile([extension, bend, twist], (len(trunk), 1))
    share[:, 0] = np.where(trunk[:, 0] < 0.0, flexion, extension)
    full = [
        np.where(trunk > 0.0, targets[:, part] >= high[part] - 1e-9, targets[:, part] <= low[part] + 1e-9)
        for part in (slice(0, 3), slice(3, 6))
    ]
    share = np.where(full[0] & ~full[1], 0.0, share)
    return np.where(full[1] & ~full[0], 1.0, share)


@lru_cache(maxsize=1)
def _shares() -> tuple[float, float, float, float]:
    rows = {row["motion"]: float(row["lumbar"]) for row in read_table("trunk_shares")}
    return rows["flexion"], rows["extension"], rows["LB"], rows["AR"]


def _shown(
    geometry: SkeletonGeometry, targets: np.ndarray, limits: Limits, coupling: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Orientation of thorax and head in the pelvis (T, 3, 3) that regional angles give."""
    q = np.zeros((len(targets), len(COORDINATES)))
    q[:, SPINE_SLICE] = distribute_detailed(targets, limits, None, coupling=coupling).q
    frames = forward_kinematics_numpy(geometry, q, (THORAX, "skull"))[..., :3, :3]
    at_rest = neutral_rotations(geometry)
    return frames[:, 0] @ at_rest[0].T, frames[:, 1] @ at_rest[1].T


def neutral_rotations(geometry: SkeletonGeometry) -> tuple[np.ndarray, np.ndarray]:
    """(3, 3) each: how the bodies of thorax and head are turned in the neutral pose."""
    frames = geometry.neutral_frames()[..., :3, :3]
    return frames[body_index(THORAX)], frames[body_index("skull")]


def spine_angles(rotation: np.ndarray) -> np.ndarray:
    """(..., 3) FE, LB, AR of rotations (..., 3, 3), body-fixed z, x, y."""
    return np.stack(
        [
            np.arctan2(-rotation[..., 0, 1], rotation[..., 1, 1]),
            np.arcsin(np.clip(rotation[..., 2, 1], -1.0, 1.0)),
            np.arctan2(-rotation[..., 2, 0], rotation[..., 2, 2]),
        ],
        axis=-1,
    )


def angle_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(...) rad of the turn from one rotation (..., 3, 3) to another."""
    trace = np.einsum("...ij,...ij->...", a, b)
    return np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0))


def _wrapped(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2.0 * np.pi) - np.pi
