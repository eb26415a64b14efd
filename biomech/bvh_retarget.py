"""A .bvh on our skeleton: its bones' directions at our lengths; pelvis, thorax, head, feet and hands turned as there.

Bones keep their directions and our skeleton its lengths, so a pose looks the same on a body of other proportions. The
trunk is fitted first (biomech.trunk); arms and legs follow by the inverse kinematics that markers use, with joint
centres for targets.

Shapes: T frames, J joints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from biomech.anatomy import BODIES, COORDINATES, SIDES, SPINE_SLICE, coordinate_index
from biomech.bvh import Bvh, joint_frames, read_bvh
from biomech.bvh_axes import Skeleton, guess_unit, read_skeleton
from biomech.bvh_limbs import start_arm, start_leg
from biomech.bvh_maps import BvhMap, find_roles
from biomech.geometry import SkeletonGeometry, default_geometry
from biomech.inverse_kinematics import IkResult, Orientations, joint_centres, solve
from biomech.inverse_legs import leg_geometry
from biomech.limits import REGION_AXES, Limits
from biomech.motion_filter import even_times, smooth, smooth_rotations
from biomech.trunk import TrunkFit, fit_trunk, spine_angles

TURN_WEIGHTS = {"pelvis": 0.05, "femur": 0.002, "humerus": 0.002, "calcn": 0.01, "hand": 0.003}
"""m^2/rad^2 of orientation targets beside joint centres of weight 1; 0.01 makes 0.1 rad as bad as 10 mm."""


_WINDOW = 9  # frames of the median that a frame is compared with
_STRAY = np.deg2rad(20.0)  # rad from it: at 60 frames/s no joint turns so far and back
_STEADY = [coordinate_index(name) for name in COORDINATES if name.startswith(("hip_", "knee_", "pelvis_list", "elbow"))]


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """A .bvh in world axes and metres, filtered and resampled."""

    times: np.ndarray  # (T,) s
    points: dict[str, np.ndarray]  # role -> (T, 3) m
    turns: dict[str, np.ndarray]  # pelvis, thorax, head, foot_s, hand_s -> (T, 3, 3) world_from_segment
    bones: dict[str, np.ndarray]  # hip_s, shoulder_s -> (T, 3, 3) world_from_joint: the twist of thigh and upper arm
    map_name: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Retargeted:
    """Our coordinates for a .bvh."""

    times: np.ndarray  # (T,) s
    q: np.ndarray  # (T, D) rad and m
    geometry: SkeletonGeometry
    trunk: TrunkFit
    ik: IkResult
    notes: tuple[str, ...]


def retarget_bvh(
    path: Path | str,
    limits: Limits,
    *,
    stature: float = 0.0,
    fps: float = 60.0,
    lowpass: float = 6.0,
    mapping: BvhMap | None = None,
    up: str = "auto",
) -> Retargeted:
    """Read a .bvh and put it on a skeleton of its stature.

    Args:
        stature: m; 0 takes it from the file's unit where one can be guessed, else that of an average adult.
        fps, lowpass: frames/s at most and Hz, see biomech.motion_filter.
        mapping: joint names; None: the shipped map that fits best.
        up: axis that points up, or "auto".

    Raises:
        MotionError: the file or its skeleton cannot be used; the message says why.
    """
    bvh = read_bvh(path)
    map_name, named = find_roles(bvh.names, mapping)
    roles = {role: bvh.names.index(joint) for role, joint in named.items()}
    rotations, positions = joint_frames(bvh)
    skeleton = read_skeleton(bvh, roles, rotations, positions, up)
    geometry, scale, note = _scale(skeleton, stature)
    times = even_times(bvh.times, fps)
    capture = _capture(bvh, roles, skeleton, rotations, positions, scale, times, lowpass, map_name, note)
    trunk = fit_trunk(geometry, capture.turns["pelvis"], capture.turns["thorax"], capture.turns["head"], limits)
    start, targets = _start(capture, geometry, trunk, limits)
    ik = _solve(geometry, limits, start, targets)
    return Retargeted(times, ik.q, geometry, trunk, ik, capture.notes)


def _scale(skeleton: Skeleton, stature: float) -> tuple[SkeletonGeometry, float, str]:
    """Our skeleton, m per file unit such that the legs are as long as ours, and a note."""
    reference = default_geometry(1.75)
    leg = _leg_length(reference) / 1.75  # over stature
    tall = skeleton.leg / leg  # stature in file units
    unit = guess_unit(tall)
    if stature > 0.0:
        note = f"stature {stature:.2f} m as given"
    elif unit is not None:
        stature = float(np.round(tall * unit[1], 3))
        note = f"unit {unit[0]}: stature {stature:.2f} m"
    else:
        stature = 1.75
        note = f"no known unit makes legs of {skeleton.leg:.3g} human; scaled to a stature of 1.75 m"
    geometry = default_geometry(stature)
    return geometry, _leg_length(geometry) / skeleton.leg, note


def _leg_length(geometry: SkeletonGeometry) -> float:
    return float(np.mean([leg_geometry(geometry, BODIES, side).length for side in SIDES]))


def _capture(
    bvh: Bvh,
    roles: dict[str, int],
    skeleton: Skeleton,
    rotations: np.ndarray,
    positions: np.ndarray,
    scale: float,
    times: np.ndarray,
    cutoff: float,
    map_name: str,
    note: str,
) -> Capture:
    """World axes, metres, filtered; only the joints that play a role."""
    world = skeleton.world_from_file

    def turned(joint: int, segment: np.ndarray) -> np.ndarray:
        return smooth_rotations(world @ rotations[:, joint] @ segment, bvh.times, times, cutoff)

    points = {
        role: smooth(positions[:, joint] @ world.T * scale, bvh.times, times, cutoff) for role, joint in roles.items()
    }
    carriers = {f"foot_{s}": f"ankle_{s}" for s in SIDES} | {f"hand_{s}": f"wrist_{s}" for s in SIDES}
    turns = {name: turned(roles[carriers.get(name, name)], segment) for name, segment in skeleton.segments.items()}
    bones = {f"{part}_{s}": turned(roles[f"{part}_{s}"], np.eye(3)) for part in ("hip", "shoulder") for s in SIDES}
    notes = [f"joints as in {map_name}, {skeleton.up} up", note]
    left_out = [s for s in SIDES if f"hand_{s}" not in turns]
    if left_out:
        notes.append("no thumbs: hands stay straight on their forearms")
    if not skeleton.upright_rest:
        notes.append("rest pose does not stand: axes taken from the joints")
    return Capture(times, points, turns, bones, map_name, tuple(notes))


def _start(
    capture: Capture, geometry: SkeletonGeometry, trunk: TrunkFit, limits: Limits
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Coordinates in closed form (T, D), and targets: body -> (T, 3) joint centre or (T, 3, 3) orientation."""
    hips = 0.5 * (capture.points["hip_r"] + capture.points["hip_l"])
    q = np.zeros((len(capture.times), len(COORDINATES)))
    q[:, 0:3] = spine_angles(capture.turns["pelvis"])
    q[:, 3:6] = hips
    q[:, SPINE_SLICE] = trunk.q
    targets: dict[str, np.ndarray] = {"pelvis": hips, "pelvis/turn": capture.turns["pelvis"]}
    for side in SIDES:
        targets |= start_leg(capture.points, capture.bones, capture.turns, geometry, side, q)
        targets |= start_arm(capture.points, capture.bones, capture.turns, geometry, side, q)
    limbs = slice(SPINE_SLICE.stop, len(COORDINATES))
    q[:, limbs] = np.clip(q[:, limbs], limits.hard[limbs, 0], limits.hard[limbs, 1])
    return q, targets


def _solve(geometry: SkeletonGeometry, limits: Limits, start: np.ndarray, targets: dict[str, np.ndarray]) -> IkResult:
    """Limbs and pelvis on their targets; the trunk keeps its fit."""
    centres = tuple(body for body in targets if not body.endswith("/turn"))
    turned = tuple(body.removesuffix("/turn") for body in targets if body.endswith("/turn"))
    weights = np.array([TURN_WEIGHTS[body.rpartition("_")[0] or body] for body in turned])
    aims = np.stack([targets[f"{body}/turn"] for body in turned], axis=1)
    goals = np.stack([targets[body] for body in centres], axis=1)

    def run(frames: np.ndarray, begin: np.ndarray) -> IkResult:
        turns = Orientations(turned, weights, aims[frames])
        points = joint_centres(centres)
        return solve(geometry, goals[frames], points, limits, start=begin, orientations=turns, locked=REGION_AXES)

    return _steady(run(np.arange(len(start)), start), run)


def _steady(found: IkResult, run: Callable[[np.ndarray, np.ndarray], IkResult]) -> IkResult:
    """Frames that fell into another solution than their neighbours, searched again from between the neighbours."""
    from scipy.ndimage import median_filter

    if len(found.q) < _WINDOW:
        return found
    usual = median_filter(found.q, size=(_WINDOW, 1), mode="nearest")
    strayed = (np.abs(found.q - usual)[:, _STEADY] > _STRAY).any(axis=1)
    good, bad = np.flatnonzero(~strayed), np.flatnonzero(strayed)
    if not len(bad) or not len(good):
        return found
    begin = np.stack([np.interp(bad, good, column[good]) for column in found.q.T], axis=1)
    again = run(bad, begin)
    keep = again.rms <= 1.1 * found.rms[bad]
    parts: dict[str, Any] = {}
    for name in (f.name for f in fields(found)):
        values = getattr(found, name)
        if isinstance(values, np.ndarray):  # one row per frame
            parts[name] = values.copy()
            parts[name][bad[keep]] = getattr(again, name)[keep]
    return replace(found, **parts)
