"""Stretches of captured motion as clips: consecutive frames on another body, travelling as the recording does."""

import numpy as np

from biomech.activities import Pose
from biomech.activities.rig import rig_of
from biomech.geometry import default_geometry
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.model import SpineModel
from biomech.trunk import spine_angles
from synthgen.config import Config
from synthgen.motion_poses import MAX_FRAMES, MOTIONS, MotionPose, Pool, adapt, headings, mirrored
from synthgen.motions import Clip


def motion_clip(
    config: Config, pool: Pool | None, model: SpineModel, take: int, count: int, fps: float
) -> tuple[MotionPose, ...]:
    """`count` frames of one motion at `fps`, turned so that the first faces x; () where the activities have their turn.

    The person travels and turns as in the recording. A stretch with a frame that this body cannot hold is given up.
    """
    rng = np.random.default_rng([config.seed, MOTIONS, take])
    if pool is None or not rng.random() < config.motion.share:
        return ()
    for _ in range(MAX_FRAMES):
        clip = pool.clips[pool.clip[int(rng.integers(len(pool.clip)))]]
        mirror = bool(rng.random() < config.motion.mirrored)
        length, last = (count - 1) / fps, float(clip.times[-1] - clip.times[0])
        start = float(clip.times[0]) + rng.random() * max(last - length, 0.0)
        at = np.searchsorted(clip.times, start + np.arange(count) / fps - 1e-9).clip(0, len(clip) - 1)
        if length > last + 1e-9:
            continue
        found = [adapt(clip, int(frame), model, mirror) for frame in at]
        if any(fault for _, fault in found):
            continue
        heading, travel = course_of(clip, at, mirror, rig_of(model).stature)
        poses = []
        for frame, (pose, _), turn, shift in zip(at, found, heading, travel, strict=True):
            poses.append(
                MotionPose(Pose(**{**pose, "q": travelled(pose["q"], turn, shift)}), clip.key, int(frame), mirror)
            )
        return tuple(poses)
    return ()


def course_of(clip: Clip, at: np.ndarray, mirror: bool, stature: float) -> tuple[np.ndarray, np.ndarray]:
    """((T,) rad, (T, 2) m) heading and x, z of frames, seen from the first, for a person of another height."""
    q = mirrored(clip.q[at]) if mirror else clip.q[at]
    heading = headings(q)
    c, s = np.cos(heading[0]), np.sin(heading[0])
    away = (q[:, [3, 5]] - q[0, [3, 5]]) * (stature / clip.stature)
    return heading - heading[0], np.stack([c * away[:, 0] - s * away[:, 1], s * away[:, 0] + c * away[:, 1]], -1)


def travelled(q: np.ndarray, turn: float, shift: np.ndarray) -> np.ndarray:
    """A pose (D,) that faces x, turned about the vertical and moved by x, z."""
    out = np.array(q)
    tilt = forward_kinematics_numpy(default_geometry(), out[None], ("pelvis",))[0, 0, :3, :3]
    c, s = np.cos(turn), np.sin(turn)
    out[:3] = spine_angles(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ tilt)
    out[[3, 5]] = shift
    return out
