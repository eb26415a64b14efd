"""Leg and arm inverse kinematics on the model's own geometry, in closed form.

A leg of this model has six rotations (hip Z-X-Y, knee, ankle, subtalar) and a planted foot fixes six: the answer is
unique up to the sign of the knee. The tibia's flexion axis must be square to the hip-ankle line, which gives the
subtalar angle; the hip-ankle distance gives the knee; what is left is the hip and the ankle. An arm reaching a wrist
position keeps one freedom, the swivel of the elbow about the shoulder-wrist line, which the caller gives as a hint.

The limb frames are aligned with the pelvis at zero (see biomech.anatomy), so a left limb is the mirror image of a
right one: targets are mirrored in z, solved as a right limb, and the same coordinate values hold. Angles in rad,
lengths in m.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, asin, atan2, cos, hypot, pi, sin

import numpy as np

from biomech.anatomy import SUBTALAR_AXIS
from biomech.errors import ModelError

_SUBTALAR = tuple(float(v) for v in np.asarray(SUBTALAR_AXIS) / np.linalg.norm(SUBTALAR_AXIS))
_MIRROR = np.array([1.0, 1.0, -1.0])


@dataclass(frozen=True, slots=True, eq=False)
class LegGeometry:
    """Offsets of one leg in m; z is lateral (mirrored for the left leg)."""

    side: str
    hip: np.ndarray  # (3,) hip centre in pelvis
    knee: np.ndarray  # (3,) knee in femur
    ankle: np.ndarray  # (3,) ankle in tibia
    subtalar: np.ndarray  # (3,) calcn origin in talus
    mtp: np.ndarray  # (3,) toe joint in calcn

    @property
    def length(self) -> float:
        """Hip to ankle distance of the straight leg, m."""
        return hypot(self.knee[0], self.knee[1]) + hypot(self.ankle[0], self.ankle[1])

    def reach(self, knee_angle: float) -> float:
        """Hip to ankle distance in m at a knee flexion in rad."""
        x, y = _turn(self.ankle[0], self.ankle[1], -knee_angle)
        return float(np.sqrt((self.knee[0] + x) ** 2 + (self.knee[1] + y) ** 2 + (self.knee[2] + self.ankle[2]) ** 2))


@dataclass(frozen=True, slots=True, eq=False)
class ArmGeometry:
    """Offsets of one arm in m; z is lateral (mirrored for the left arm)."""

    side: str
    shoulder: np.ndarray  # (3,) glenohumeral centre in clavicle
    elbow: np.ndarray  # (3,) elbow in humerus
    wrist: np.ndarray  # (3,) wrist in the forearm at zero pronation

    @property
    def length(self) -> float:
        """Shoulder to wrist distance of the straight arm, m."""
        return float(np.linalg.norm(self.elbow) + np.linalg.norm(self.wrist))


def joint_offset(geometry, bodies: tuple[str, ...], child: str) -> np.ndarray:
    """Where a child frame sits in its parent at zero coordinates, (4, 4); `geometry` is a SkeletonGeometry."""
    row = bodies.index(child)
    return geometry.parent_from_joint[row] @ np.linalg.inv(geometry.body_from_joint[row])


def leg_geometry(geometry, bodies: tuple[str, ...], side: str) -> LegGeometry:
    """Read one leg off a SkeletonGeometry. ModelError where a limb frame is not aligned with its parent."""
    offsets = {b: joint_offset(geometry, bodies, f"{b}_{side}") for b in ("femur", "tibia", "talus", "calcn", "toes")}
    _check_aligned(offsets, side)
    point = {b: _right(m[:3, 3], side) for b, m in offsets.items()}
    return LegGeometry(side, point["femur"], point["tibia"], point["talus"], point["calcn"], point["toes"])


def arm_geometry(geometry, bodies: tuple[str, ...], side: str) -> ArmGeometry:
    """Read one arm off a SkeletonGeometry. ModelError where a limb frame is not aligned with its parent."""
    names = ("humphant", "humerus", "ulna", "radius", "hand")
    offsets = {b: joint_offset(geometry, bodies, f"{b}_{side}") for b in names}
    _check_aligned(offsets, side)
    point = {b: _right(m[:3, 3], side) for b, m in offsets.items()}
    return ArmGeometry(side, point["humphant"] + point["humerus"], point["ulna"], point["radius"] + point["hand"])


def solve_leg(leg: LegGeometry, pelvis: np.ndarray, foot: np.ndarray) -> dict[str, float]:
    """Coordinates that bring calcn to `foot` (4, 4) world with the pelvis at (4, 4) world.

    Where the target is out of reach the leg points at it, straight. Limits are the caller's to check.
    """
    hip = pelvis[:3, 3] + pelvis[:3, :3] @ _right(leg.hip, leg.side)
    reach = _right(foot[:3, 3] - hip, leg.side)
    rp, rf = _mirror(pelvis[:3, :3], leg.side), _mirror(foot[:3, :3], leg.side)
    lateral = leg.knee[2] + leg.ankle[2]
    s = 0.0
    for _ in range(3 if leg.subtalar.any() else 1):  # the talus turns with s and carries calcn at a small offset
        d = reach - rf @ (_subtalar(-s) @ leg.subtalar)
        s = _subtalar_angle(rf.T @ d, lateral)
    n = rf @ _subtalar(-s)[:, 2]
    rfemur, knee = _hinge(d, n, leg.knee, leg.ankle, sign=-1.0)
    values = _hip_angles(rp.T @ rfemur)
    values["knee_angle"] = knee
    m = (rfemur @ _rz(-knee)).T @ rf @ _subtalar(-s)
    values["ankle_angle"] = atan2(m[1, 0], m[0, 0])
    values["subtalar_angle"] = s
    return {f"{k}_{leg.side}": v for k, v in values.items()}


def solve_knee(leg: LegGeometry, pelvis: np.ndarray, ankle: np.ndarray, knee_hint: np.ndarray) -> dict[str, float]:
    """Hip and knee coordinates that bring the ankle to a world point, the knee on the side of `knee_hint` (3,)."""
    hip = pelvis[:3, 3] + pelvis[:3, :3] @ _right(leg.hip, leg.side)
    d, hint = _right(ankle - hip, leg.side), _right(knee_hint, leg.side)
    n = _hinge_axis(d, hint, leg.knee[2] + leg.ankle[2])
    rfemur, knee = _hinge(d, n, leg.knee, leg.ankle, sign=-1.0)
    values = _hip_angles(_mirror(pelvis[:3, :3], leg.side).T @ rfemur)
    values["knee_angle"] = knee
    return {f"{k}_{leg.side}": v for k, v in values.items()}


def solve_thigh(leg: LegGeometry, pelvis: np.ndarray, knee: np.ndarray, ankle: np.ndarray) -> dict[str, float]:
    """Hip and knee coordinates that point the thigh at a world knee and the shank at a world ankle (directions)."""
    hip = pelvis[:3, 3] + pelvis[:3, :3] @ _right(leg.hip, leg.side)
    thigh, shank = _unit(_right(knee - hip, leg.side)), _unit(_right(ankle - knee, leg.side))
    back = shank - thigh * (shank @ thigh)
    x = -_unit(back)  # the shank folds backwards, against the femur's x
    y = -thigh
    rfemur = np.stack([x, y, np.cross(x, y)], axis=1)
    values = _hip_angles(_mirror(pelvis[:3, :3], leg.side).T @ rfemur)
    values["knee_angle"] = acos(max(-1.0, min(1.0, float(shank @ thigh))))
    return {f"{k}_{leg.side}": v for k, v in values.items()}


def solve_arm(arm: ArmGeometry, clavicle: np.ndarray, wrist: np.ndarray, elbow_hint: np.ndarray) -> dict[str, float]:
    """Shoulder and elbow coordinates that bring the wrist to a world point with the elbow towards `elbow_hint` (3,).

    Out of reach: the arm points at the target, straight.
    """
    shoulder = clavicle[:3, 3] + clavicle[:3, :3] @ _right(arm.shoulder, arm.side)
    d, hint = _right(wrist - shoulder, arm.side), _right(elbow_hint, arm.side)
    n = _hinge_axis(d, -hint, arm.elbow[2] + arm.wrist[2])  # the elbow points away from the front of the arm
    rhum, elbow = _hinge(d, n, arm.elbow, arm.wrist, sign=1.0)
    m = _mirror(clavicle[:3, :3], arm.side).T @ rhum
    values = _swing_twist(m)
    values["elbow_flexion"] = elbow
    return {f"{k}_{arm.side}": v for k, v in values.items()}


def solve_hand(side: str, ulna: np.ndarray, hand: np.ndarray) -> dict[str, float]:
    """Pronation and wrist coordinates that turn the hand to (3, 3) world with the ulna at (3, 3) world."""
    m = _mirror(ulna, side).T @ _mirror(hand, side)
    flex = asin(max(-1.0, min(1.0, m[1, 0])))
    pron, dev = atan2(-m[2, 0], m[0, 0]), atan2(-m[1, 2], m[1, 1])
    pron += 2 * pi if pron < -pi / 2 else 0.0  # a little beyond full pronation is not far beyond supination
    return {f"pro_sup_{side}": pron, f"wrist_flex_{side}": flex, f"wrist_dev_{side}": dev}


def _hinge_axis(d: np.ndarray, front: np.ndarray, lateral: float) -> np.ndarray:
    """Lateral axis (3,) of a limb along d whose front faces `front`, with the constant offset `lateral` along it."""
    dist = max(float(np.sqrt(d @ d)), 1e-9)
    u = d / dist
    n = np.cross(_unit(front - u * (front @ u)), -u)  # x front, y up along the limb, z lateral
    tip = max(-1.0, min(1.0, lateral / dist))
    return n * (1 - tip * tip) ** 0.5 + u * tip


def _hinge(d: np.ndarray, n: np.ndarray, upper: np.ndarray, lower: np.ndarray, sign: float) -> tuple[np.ndarray, float]:
    """Upper segment rotation (3, 3) and hinge flexion so that upper + Rz(sign * flexion) lower ends at d, z axis n."""
    a1, a2 = atan2(upper[1], upper[0]), atan2(lower[1], lower[0])
    l1, l2 = hypot(upper[0], upper[1]), hypot(lower[0], lower[1])
    planar = d - n * (n @ d)
    dist = max(float(np.linalg.norm(planar)), 1e-9)
    bend = acos(max(-1.0, min(1.0, (dist * dist - l1 * l1 - l2 * l2) / (2 * l1 * l2))))
    flexion = bend + sign * (a1 - a2)  # angle of lower in the upper frame is a2 + sign * flexion
    x, y = _turn(lower[0], lower[1], sign * flexion)
    ev = atan2(upper[1] + y, upper[0] + x)
    u = planar / dist
    w = np.cross(n, u)
    ex = u * cos(ev) - w * sin(ev)
    return np.stack([ex, np.cross(n, ex), n], axis=1), flexion


def _subtalar_angle(d: np.ndarray, lateral: float) -> float:
    """Subtalar angle at which the tibia's flexion axis keeps the offset `lateral` along d (3,), in calcn."""
    # z turned by -s about u, dotted with d: a cos s + b sin s + c (Rodrigues)
    ux, uy, uz = _SUBTALAR
    along = ux * d[0] + uy * d[1] + uz * d[2]
    a, b, c = d[2] - uz * along, ux * d[1] - uy * d[0], uz * along
    rho = max(hypot(a, b), 1e-9)
    middle, half = atan2(b, a), acos(max(-1.0, min(1.0, (lateral - c) / rho)))
    turns = ((middle + half + pi) % (2 * pi) - pi, (middle - half + pi) % (2 * pi) - pi)
    return min(turns, key=abs)


def _subtalar(s: float) -> np.ndarray:
    x, y, z = _SUBTALAR
    c, w, t = cos(s), sin(s), 1 - cos(s)
    return np.array(
        [
            [c + x * x * t, x * y * t - z * w, x * z * t + y * w],
            [x * y * t + z * w, c + y * y * t, y * z * t - x * w],
            [x * z * t - y * w, y * z * t + x * w, c + z * z * t],
        ]
    )


def _hip_angles(m: np.ndarray) -> dict[str, float]:
    return {
        "hip_flexion": atan2(-m[0, 1], m[1, 1]),
        "hip_adduction": asin(max(-1.0, min(1.0, m[2, 1]))),
        "hip_rotation": atan2(-m[2, 0], m[2, 2]),
    }


def _swing_twist(m: np.ndarray) -> dict[str, float]:
    dx, dy, dz = -m[0, 1], -m[1, 1], -m[2, 1]  # upper-arm direction in the clavicle frame
    elevation = acos(max(-1.0, min(1.0, -dy)))
    plane = atan2(dx, dz) if hypot(dx, dz) > 1e-9 else 0.0
    swing = _ry(plane) @ _rx(-elevation) @ _ry(-plane)
    t = swing.T @ m
    return {"elv_angle": plane, "shoulder_elv": elevation, "shoulder_rot": atan2(t[0, 2], t[0, 0])}


def _check_aligned(offsets: dict[str, np.ndarray], side: str) -> None:
    for body, m in offsets.items():
        if np.abs(m[:3, :3] - np.eye(3)).max() > 1e-6:
            raise ModelError(
                f"Frame of {body}_{side} is turned against its parent at zero coordinates; limb inverse kinematics "
                "needs aligned limb frames. Put the rotation into parent_from_joint and body_from_joint alike."
            )


def _right(v: np.ndarray, side: str) -> np.ndarray:
    return v if side == "r" else v * _MIRROR


def _mirror(r: np.ndarray, side: str) -> np.ndarray:
    return r if side == "r" else r * _MIRROR[:, None] * _MIRROR


def _unit(v: np.ndarray) -> np.ndarray:
    return v / max(float(np.sqrt(v @ v)), 1e-12)


def _turn(x: float, y: float, a: float) -> tuple[float, float]:
    return x * cos(a) - y * sin(a), x * sin(a) + y * cos(a)


def _rx(a: float) -> np.ndarray:
    c, s = cos(a), sin(a)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _ry(a: float) -> np.ndarray:
    c, s = cos(a), sin(a)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _rz(a: float) -> np.ndarray:
    c, s = cos(a), sin(a)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
