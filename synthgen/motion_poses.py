"""Poses from captured motion: which frames, for whom, and how they stand on another body.

A motion belongs to one split, as a subject does: people of a split are posed by its motions alone, and frames of one
recording never appear on both sides. Frames are picked evenly over time, near-duplicates left out; joint angles are
kept, cut to the ranges of the person who takes the pose, and feet that stood stand again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from biomech.activities import Pose
from biomech.activities.ground import capsule_bottoms
from biomech.activities.rig import Rig, frames_of, rig_of
from biomech.anatomy import BODIES, COORDINATES, SPINE_SLICE
from biomech.collision import penetration
from biomech.floor import POINTS
from biomech.geometry import default_geometry
from biomech.inverse_legs import solve_leg
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import Limits
from biomech.model import SpineModel
from biomech.motion_clamp import clamp_motion
from biomech.rhythm import distribute, regional_angles
from biomech.trunk import spine_angles
from synthgen.config import Config
from synthgen.motions import Clip, open_clip

MOTIONS = 11
"""Random stream of motion poses: default_rng([seed, MOTIONS, index])."""

PREFIX = "motion:"
"""Activities that come from a recording are called motion:<name>."""

MAX_FRAMES = 12
"""Frames tried on a body before the pose comes from the activities instead."""

_PENETRATION = 0.025  # m beyond soft tissue; more than drawn poses may have, for another body wore this one
_BELOW = 0.06  # m: hands or knees this far below the standing feet would lift the feet off the floor
_LEVEL = 0.06  # m: feet that stood are put down again over no more than this
_GOLDEN = 0.6180339887498949  # steps of this visit a circle most evenly


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Frames worth drawing, of the motions of one split, in order of motion and time."""

    clips: tuple[Clip, ...]
    clip: np.ndarray  # (F,) which clip
    frame: np.ndarray  # (F,) which of its frames


@dataclass(frozen=True, slots=True, eq=False)
class MotionPose:
    """A pose and the frame it came from."""

    pose: Pose
    motion: str  # key of the clip
    frame: int
    mirrored: bool
    rate: tuple[float, ...] = ()  # rad/s of its joints; the pelvis counts as still


def split_motions(config: Config) -> dict[str, list[str]]:
    """Keys of the motions of each split: shares as near as whole motions allow, at least one each where there are
    enough. Depends on the seed, the splits and the contents alone."""
    keys = sorted(config.motion.sources, key=lambda key: _order(config.seed, key))
    shares = {name: share for name, share in config.splits.items() if share > 0.0}
    exact = {name: share * len(keys) for name, share in shares.items()}
    counts = {name: int(amount) for name, amount in exact.items()}
    for name in sorted(shares, key=lambda name: counts[name] - exact[name])[: len(keys) - sum(counts.values())]:
        counts[name] += 1
    for name in shares:  # an empty split takes one from the fullest
        fullest = max(counts, key=lambda other: counts[other])
        if counts[name] == 0 and counts[fullest] > 1:
            counts[name], counts[fullest] = 1, counts[fullest] - 1
    out: dict[str, list[str]] = {name: [] for name in config.splits}
    for name, count in counts.items():
        out[name], keys = sorted(keys[:count]), keys[count:]
    return out


def motion_lines(config: Config) -> list[tuple[str, str]]:
    """What a plan says of the motions: which pose whom; nothing where there are none."""
    if not config.motion.sources:
        return []
    splits = "; ".join(
        f"{split}: {', '.join(key.partition('@')[0] for key in keys) or 'activities only'}"
        for split, keys in split_motions(config).items()
    )
    return [("motion", f"{config.motion.share:.0%} of the poses ({splits})")]


def _order(seed: int, key: str) -> str:
    return hashlib.sha256(f"motion/{seed}/{key.rpartition(':')[2]}".encode()).hexdigest()


def open_pools(config: Config) -> dict[str, Pool]:
    """The frames of each split's motions; empty without motions."""
    if not config.motion.sources or config.motion.share <= 0.0:
        return {}
    pools = {}
    for split, keys in split_motions(config).items():
        clips = tuple(open_clip(key) for key in keys)
        kept = [distinct_frames(clip.q, config.motion.least_apart_m) for clip in clips]
        if kept:
            clip = np.concatenate([np.full(len(frames), i) for i, frames in enumerate(kept)])
            pools[split] = Pool(clips, clip, np.concatenate(kept))
    return pools


def distinct_frames(q: np.ndarray, apart: float) -> np.ndarray:
    """(F,) frames of (T, D) of which every two differ: some joint lies `apart` m or more elsewhere, seen from the
    pelvis. Earlier frames win."""
    if apart <= 0.0:
        return np.arange(len(q))
    still = np.array(q)
    still[:, :6] = 0.0
    points = forward_kinematics_numpy(default_geometry(), still, _JOINTS)[..., :3, 3]
    # which way is up matters too: a pelvis that leans is another pose
    lean = 0.5 * _without_heading(q)[:, :3, 1]
    features = np.concatenate([points, lean[:, None]], axis=1)
    kept = [0]
    for frame in range(1, len(q)):
        gap = np.linalg.norm(features[kept] - features[frame], axis=-1).max(axis=1).min()
        if gap >= apart:
            kept.append(frame)
    return np.array(kept)


_JOINTS = tuple(
    body for body in BODIES
    if body in ("L3", "T8", "T1", "skull") or body[:-2] in ("tibia", "talus", "toes", "humerus", "ulna", "hand")
)  # fmt: skip


def draw_motion(config: Config, pool: Pool | None, model: SpineModel, index: int) -> MotionPose | None:
    """A pose from the motions for sample `index`, or None where the activities have their turn.

    Successive samples step through the pool by the golden section, so that any run of them lies evenly over time.
    """
    rng = np.random.default_rng([config.seed, MOTIONS, index])
    if pool is None or not rng.random() < config.motion.share:
        return None
    count = len(pool.frame)
    first = int(((_phase(config.seed) + index * _GOLDEN) % 1.0) * count)
    reasons: list[str] = []
    for attempt in range(MAX_FRAMES):
        row = first if attempt == 0 else int(rng.integers(count))
        clip, frame = pool.clips[pool.clip[row]], int(pool.frame[row])
        mirror = bool(rng.random() < config.motion.mirrored)
        pose, fault = adapt(clip, frame, model, mirror)
        if fault:
            reasons.append(f"{clip.name} frame {frame}: {fault}")
            continue
        found = Pose(**{**pose, "rejections": len(reasons), "reasons": tuple(reasons)})
        return MotionPose(found, clip.key, frame, mirror, joint_rates(clip, frame, mirror))
    return None


def joint_rates(clip: Clip, frame: int, mirror: bool) -> tuple[float, ...]:
    """Rates of the joints at a frame, rad/s, by the difference of its neighbours; zero for the pelvis."""
    before, after = max(frame - 1, 0), min(frame + 1, len(clip) - 1)
    if after == before:
        return ()
    q = clip.q[[before, after]]
    rate = np.diff(mirrored(q) if mirror else q, axis=0)[0] / float(clip.times[after] - clip.times[before])
    rate[:6] = 0.0
    return tuple(float(v) for v in rate)


@lru_cache(maxsize=4)
def _phase(seed: int) -> float:
    return float(np.random.default_rng([seed, MOTIONS]).random())


def adapt(clip: Clip, frame: int, model: SpineModel, mirror: bool = False) -> tuple[dict, str]:
    """(fields of a Pose, why it cannot be one or "") of a frame on another body."""
    q, contacts = np.array(clip.q[frame]), np.array(clip.contacts[frame])
    if mirror:
        q, contacts = mirrored(q), contacts[[2, 3, 0, 1]]
    rig = rig_of(model)
    q[:3] = spine_angles(_without_heading(q[None])[0])
    q[3] = q[5] = 0.0
    q = within(q, model.limits)
    clearance = float(clip.clearance[frame]) * rig.stature / clip.stature
    q, touching = stand(rig, q, contacts, model.limits)
    frames = frames_of(rig, q)
    fields = {
        "q": q,
        "activity": PREFIX + clip.name,
        "phase": frame / max(len(clip) - 1, 1),
        "contacts": touching,
        "support": "feet" if touching else "air" if clearance > 0.0 else "lying",
        "props": {"clearance": clearance},
    }
    depth = penetration(rig.pairs, frames[None])[0]
    if depth.max(initial=0.0) > _PENETRATION:
        k = int(np.argmax(depth))
        names = rig.pairs.names
        return fields, f"{names[rig.pairs.first[k]]} through {names[rig.pairs.second[k]]}"
    if touching and capsule_bottoms(rig, frames).min() < capsule_bottoms(rig, frames, touching).min() - _BELOW:
        return fields, "another part would be below the standing feet"
    return fields, ""


def within(q: np.ndarray, limits: Limits) -> np.ndarray:
    """A pose (D,) inside a person's ranges; a spine with a rhythm of its own moves by that."""
    out = clamp_motion(q[None], limits).q[0]
    if limits.rhythm is not None:
        out[SPINE_SLICE] = distribute(regional_angles(out[SPINE_SLICE]), limits)
    return out


def stand(
    rig: Rig, q: np.ndarray, contacts: Sequence[bool] | np.ndarray, limits: Limits
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(q (D,), bodies that touch): feet that stood put down again, each at its own height, the pelvis between them."""
    out = q.copy()
    standing = [p for p, on in zip(POINTS, contacts, strict=True) if on]
    if not standing:
        return out, ()
    frames = frames_of(rig, out)
    heights = {point: _sole_height(rig, frames, point) for point in standing}
    sides = {side: min(h for p, h in heights.items() if p.endswith(side)) for side in sorted({p[-1] for p in standing})}
    out[4] -= np.mean(list(sides.values()))
    level = out[4] - q[4]
    if max(sides.values()) - min(sides.values()) < _LEVEL:
        for side, height in sides.items():
            _lower_foot(rig, out, side, height + level, limits)
    body = {"heel": "calcn", "ball": "toes"}
    return out, tuple(dict.fromkeys(f"{body[p.split('_')[1]]}_{p[-1]}" for p in standing))


def _sole_height(rig: Rig, frames: np.ndarray, point: str) -> float:
    part, side = point.split("_")[1:]
    sole, calcn = rig.soles[side], frames[rig.rows[f"calcn_{side}"]]
    if part == "heel":
        return float(calcn[1, :3] @ sole.heel + calcn[1, 3])
    return float(calcn[1, :3] @ sole.mtp + calcn[1, 3] - sole.ball_height)


def _lower_foot(rig: Rig, q: np.ndarray, side: str, height: float, limits: Limits) -> None:
    """Bend a leg in q (D,) so that its foot comes `height` m down, turned as it is."""
    frames = frames_of(rig, q)
    foot = frames[rig.rows[f"calcn_{side}"]].copy()
    foot[1, 3] -= height
    for name, value in solve_leg(rig.legs[side], frames[0], foot).items():
        column = rig.index[name]
        low, high = limits.hard[column]
        if abs(value - q[column]) < np.deg2rad(30.0):
            q[column] = min(max(value, low), high)


def _without_heading(q: np.ndarray) -> np.ndarray:
    """(T, 3, 3) orientation of the pelvis, turned about the vertical until it faces x."""
    turn = forward_kinematics_numpy(default_geometry(), q, ("pelvis",))[:, 0, :3, :3]
    heading = headings(q)
    c, s, zero, one = np.cos(heading), np.sin(heading), np.zeros(len(q)), np.ones(len(q))
    back = np.stack([np.stack([c, zero, -s], -1), np.stack([zero, one, zero], -1), np.stack([s, zero, c], -1)], axis=-2)
    return back @ turn


def headings(q: np.ndarray) -> np.ndarray:
    """(T,) rad: which way the pelvis of (T, D) faces, about the vertical."""
    turn = forward_kinematics_numpy(default_geometry(), q, ("pelvis",))[:, 0, :3, :3]
    return np.arctan2(-turn[:, 2, 0], turn[:, 0, 0])


def mirrored(q: np.ndarray) -> np.ndarray:
    """The mirror image (..., D): right and left change places, sideways and twisting angles their signs."""
    return np.asarray(q)[..., _PARTNERS] * _SIGNS


def _partner(name: str) -> str:
    return name[:-1] + {"r": "l", "l": "r"}[name[-1]] if name[-2:] in ("_r", "_l") else name


_PARTNERS = np.array([COORDINATES.index(_partner(name)) for name in COORDINATES])
_SIGNS = np.array(
    [-1.0 if name.endswith(("_LB", "_AR")) or name in ("pelvis_list", "pelvis_rotation", "pelvis_tz") else 1.0
     for name in COORDINATES]
)  # fmt: skip
