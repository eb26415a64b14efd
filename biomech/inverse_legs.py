"""Leg and arm inverse kinematics on the model's own geometry, in closed form.

A leg of this model has six rotations (hip Z-X-Y, knee, ankle, subtalar) and a planted foot fixes six: the answer is
unique up to the sign of the knee. The tibia's flexion axis must be square to the hip-ankle line, which gives the
subtalar angle; the hip-ankle distance gives the knee; what is left is the hip and the ankle. An arm reaching a wrist
position keeps one freedom, the swivel of the elbow about the shoulder-wrist line, which the caller gives as a hint.

The limb frames are aligned with the pelvis at zero (see biomech.anatomy), so a left limb is the mirror image of a
right one: targets are mirrored in z, solved as a right limb, and the same coordinate values hold. Angles in rad,
lengths in m.

Posing solves limbs one at a time, many a picture, so the solving is done in Python's own numbers: of vectors of three
numpy costs more to call than to compute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, asin, atan2, cos, hypot, pi, sin, sqrt

import numpy as np

from biomech.anatomy import SUBTALAR_AXIS
from biomech.errors import ModelError

_SUBTALAR = tuple(float(v) for v in np.asarray(SUBTALAR_AXIS) / np.linalg.norm(SUBTALAR_AXIS))
_MIRROR = np.array([1.0, 1.0, -1.0])

Vector = Sequence[float]
Rows = Sequence[Sequence[float]]
"""Three rows of a rotation (3, 3) or of a frame (3, 4)."""


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
    top, sole = _right_frame(pelvis, leg.side), _right_frame(foot, leg.side)
    reach = _minus([row[3] for row in sole], _point(top, leg.hip.tolist()))
    lateral, offset = float(leg.knee[2] + leg.ankle[2]), leg.subtalar.tolist()
    s = 0.0
    for _ in range(3 if any(offset) else 1):  # the talus turns with s and carries calcn at a small offset
        d = _minus(reach, _turned(sole, _turned(_subtalar(-s), offset)))
        s = _subtalar_angle(_turned_back(sole, d), lateral)
    forward, n = (_turned(sole, [row[k] for row in _subtalar(-s)]) for k in (0, 2))
    x, y, knee = _hinge(d, n, leg.knee.tolist(), leg.ankle.tolist(), sign=-1.0)
    values = _hip_angles(*(_turned_back(top, axis) for axis in (x, y, n)))
    values["knee_angle"] = knee
    along, up = _turn(_dot(x, forward), _dot(y, forward), knee)  # of the tibia against the foot
    values["ankle_angle"] = atan2(up, along)
    values["subtalar_angle"] = s
    return {f"{k}_{leg.side}": v for k, v in values.items()}


def solve_knee(leg: LegGeometry, pelvis: np.ndarray, ankle: np.ndarray, knee_hint: np.ndarray) -> dict[str, float]:
    """Hip and knee coordinates that bring the ankle to a world point, the knee on the side of `knee_hint` (3,)."""
    top = _right_frame(pelvis, leg.side)
    d = _minus(_right(ankle, leg.side).tolist(), _point(top, leg.hip.tolist()))
    n = _hinge_axis(d, _right(knee_hint, leg.side).tolist(), float(leg.knee[2] + leg.ankle[2]))
    x, y, knee = _hinge(d, n, leg.knee.tolist(), leg.ankle.tolist(), sign=-1.0)
    values = _hip_angles(*(_turned_back(top, axis) for axis in (x, y, n)))
    values["knee_angle"] = knee
    return {f"{k}_{leg.side}": v for k, v in values.items()}


def solve_thigh(leg: LegGeometry, pelvis: np.ndarray, knee: np.ndarray, ankle: np.ndarray) -> dict[str, float]:
    """Hip and knee coordinates that point the thigh at a world knee and the shank at a world ankle (directions)."""
    top = _right_frame(pelvis, leg.side)
    bend = _right(knee, leg.side).tolist()
    thigh = _unit(_minus(bend, _point(top, leg.hip.tolist())))
    shank = _unit(_minus(_right(ankle, leg.side).tolist(), bend))
    x = _unit(_plus(thigh, shank, _dot(thigh, shank), -1.0))  # the shank folds backwards, against the femur's x
    y = (-thigh[0], -thigh[1], -thigh[2])
    values = _hip_angles(*(_turned_back(top, axis) for axis in (x, y, _cross(x, y))))
    values["knee_angle"] = acos(_cosine(_dot(shank, thigh)))
    return {f"{k}_{leg.side}": v for k, v in values.items()}


def solve_arm(arm: ArmGeometry, clavicle: np.ndarray, wrist: np.ndarray, elbow_hint: np.ndarray) -> dict[str, float]:
    """Shoulder and elbow coordinates that bring the wrist to a world point with the elbow towards `elbow_hint` (3,).

    Out of reach: the arm points at the target, straight.
    """
    top = _right_frame(clavicle, arm.side)
    d = _minus(_right(wrist, arm.side).tolist(), _point(top, arm.shoulder.tolist()))
    front = (-_right(elbow_hint, arm.side)).tolist()  # the elbow points away from the front of the arm
    n = _hinge_axis(d, front, float(arm.elbow[2] + arm.wrist[2]))
    x, y, elbow = _hinge(d, n, arm.elbow.tolist(), arm.wrist.tolist(), sign=1.0)
    values = _swing_twist(*(_turned_back(top, axis) for axis in (x, y, n)))
    values["elbow_flexion"] = elbow
    return {f"{k}_{arm.side}": v for k, v in values.items()}


def solve_hand(side: str, ulna: np.ndarray, hand: np.ndarray) -> dict[str, float]:
    """Pronation and wrist coordinates that turn the hand to (3, 3) world with the ulna at (3, 3) world."""
    (a, _, _), (b, c, d), (e, _, _) = (ulna.T @ hand).tolist()
    across = 1.0 if side == "r" else -1.0  # what mirroring in z does to the entries between z and another axis
    pron, flex, dev = atan2(-across * e, a), asin(_cosine(b)), atan2(-across * d, c)
    pron += 2 * pi if pron < -pi / 2 else 0.0  # a little beyond full pronation is not far beyond supination
    return {f"pro_sup_{side}": pron, f"wrist_flex_{side}": flex, f"wrist_dev_{side}": dev}


def _hinge_axis(d: Vector, front: Vector, lateral: float) -> Vector:
    """Lateral axis (3,) of a limb along d whose front faces `front`, with the constant offset `lateral` along it."""
    dist = max(sqrt(_dot(d, d)), 1e-9)
    u = (d[0] / dist, d[1] / dist, d[2] / dist)
    n = _cross(u, _unit(_plus(front, u, 1.0, -_dot(front, u))))  # x front, y up along the limb, z lateral
    tip = _cosine(lateral / dist)
    return _plus(n, u, sqrt(1 - tip * tip), tip)


def _hinge(d: Vector, n: Vector, upper: Vector, lower: Vector, sign: float) -> tuple[Vector, Vector, float]:
    """x and y axes of the upper segment, whose z axis is n, and hinge flexion so that upper + Rz(sign * flexion) lower
    ends at d."""
    a1, a2 = atan2(upper[1], upper[0]), atan2(lower[1], lower[0])
    l1, l2 = hypot(upper[0], upper[1]), hypot(lower[0], lower[1])
    planar = _plus(d, n, 1.0, -_dot(n, d))
    dist = max(sqrt(_dot(planar, planar)), 1e-9)
    bend = acos(_cosine((dist * dist - l1 * l1 - l2 * l2) / (2 * l1 * l2)))
    flexion = bend + sign * (a1 - a2)  # angle of lower in the upper frame is a2 + sign * flexion
    x, y = _turn(lower[0], lower[1], sign * flexion)
    ev = atan2(upper[1] + y, upper[0] + x)
    u = (planar[0] / dist, planar[1] / dist, planar[2] / dist)
    ex = _plus(u, _cross(n, u), cos(ev), -sin(ev))
    return ex, _cross(n, ex), flexion


def _subtalar_angle(d: Vector, lateral: float) -> float:
    """Subtalar angle at which the tibia's flexion axis keeps the offset `lateral` along d (3,), in calcn."""
    # z turned by -s about u, dotted with d: a cos s + b sin s + c (Rodrigues)
    ux, uy, uz = _SUBTALAR
    along = ux * d[0] + uy * d[1] + uz * d[2]
    a, b, c = d[2] - uz * along, ux * d[1] - uy * d[0], uz * along
    rho = max(hypot(a, b), 1e-9)
    middle, half = atan2(b, a), acos(_cosine((lateral - c) / rho))
    turns = ((middle + half + pi) % (2 * pi) - pi, (middle - half + pi) % (2 * pi) - pi)
    return min(turns, key=abs)


def _subtalar(s: float) -> Rows:
    x, y, z = _SUBTALAR
    c, w, t = cos(s), sin(s), 1 - cos(s)
    return (
        (c + x * x * t, x * y * t - z * w, x * z * t + y * w),
        (x * y * t + z * w, c + y * y * t, y * z * t - x * w),
        (x * z * t - y * w, y * z * t + x * w, c + z * z * t),
    )


def _hip_angles(x: Vector, y: Vector, z: Vector) -> dict[str, float]:
    """From the femur's axes in the pelvis."""
    return {
        "hip_flexion": atan2(-y[0], y[1]),
        "hip_adduction": asin(_cosine(y[2])),
        "hip_rotation": atan2(-x[2], z[2]),
    }


def _swing_twist(x: Vector, y: Vector, z: Vector) -> dict[str, float]:
    """From the humerus' axes in the clavicle."""
    elevation = acos(_cosine(y[1]))
    plane = atan2(-y[0], -y[2]) if hypot(y[0], y[2]) > 1e-9 else 0.0
    c, s, ce, se = cos(plane), sin(plane), cos(elevation), sin(elevation)
    swung = (c * c + s * s * ce, s * se, s * c * (ce - 1))  # where the swing alone takes the x axis
    return {"elv_angle": plane, "shoulder_elv": elevation, "shoulder_rot": atan2(_dot(swung, z), _dot(swung, x))}


def _check_aligned(offsets: dict[str, np.ndarray], side: str) -> None:
    for body, m in offsets.items():
        if np.abs(m[:3, :3] - np.eye(3)).max() > 1e-6:
            raise ModelError(
                f"Frame of {body}_{side} is turned against its parent at zero coordinates; limb inverse kinematics "
                "needs aligned limb frames. Put the rotation into parent_from_joint and body_from_joint alike."
            )


def _right(v: np.ndarray, side: str) -> np.ndarray:
    return v if side == "r" else v * _MIRROR


def _right_frame(frame: np.ndarray, side: str) -> Rows:
    """A frame (4, 4) as Python numbers, its mirror image in z for the left side."""
    rows = frame[:3].tolist()
    if side == "l":
        for i, k in ((0, 2), (1, 2), (2, 0), (2, 1), (2, 3)):
            rows[i][k] = -rows[i][k]
    return rows


def _point(frame: Rows, v: Vector) -> Vector:
    """A point of a frame in the world."""
    x, y, z = v
    return tuple(row[0] * x + row[1] * y + row[2] * z + row[3] for row in frame)


def _turned(rotation: Rows, v: Vector) -> Vector:
    x, y, z = v
    return tuple(row[0] * x + row[1] * y + row[2] * z for row in rotation)


def _turned_back(rotation: Rows, v: Vector) -> Vector:
    (x, y, z), (a, b, c) = v, rotation
    return (a[0] * x + b[0] * y + c[0] * z, a[1] * x + b[1] * y + c[1] * z, a[2] * x + b[2] * y + c[2] * z)


def _minus(a: Vector, b: Vector) -> Vector:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def _plus(a: Vector, b: Vector, of_a: float, of_b: float) -> Vector:
    """of_a * a + of_b * b."""
    return (of_a * a[0] + of_b * b[0], of_a * a[1] + of_b * b[1], of_a * a[2] + of_b * b[2])


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _unit(v: Vector) -> Vector:
    length = max(sqrt(_dot(v, v)), 1e-12)
    return (v[0] / length, v[1] / length, v[2] / length)


def _cosine(value: float) -> float:
    """A sine or cosine kept from rounding beyond one, and from reaching beyond the limb."""
    return max(-1.0, min(1.0, value))


def _turn(x: float, y: float, a: float) -> tuple[float, float]:
    return x * cos(a) - y * sin(a), x * sin(a) + y * cos(a)
