"""A pose in the making: set trunk, limbs and gaze by meaning, in degrees, inside the model's hard ranges."""

from __future__ import annotations

from math import asin, atan2, cos, degrees, radians, sin

import numpy as np

from biomech.activities.rig import Rig, frame_along, frames_of
from biomech.anatomy import BODIES, COORDINATES, REGION_SLICES, SPINE_SLICE
from biomech.inverse_legs import solve_arm, solve_hand
from biomech.limits import Limits
from biomech.rhythm import distribute

_MARGIN = radians(0.25)  # generators stay this far inside the hard range
_ROW = {name: i for i, name in enumerate(BODIES)}
_ARMS = {s: tuple(_ROW[f"{name}_{s}"] for name in ("clavicle", "humphant", "humerus", "ulna")) for s in "rl"}
_COMFORT = ((38.0, 42.0), (22.0, 22.0), (52.0, 52.0))  # deg of the neck's FE, LB, AR, down and up
UP, DOWN = np.array([0.0, 1.0, 0.0]), np.array([0.0, -1.0, 0.0])


class Draft:
    """Mutable working pose; generators fill it and the sampler freezes it into a Pose.

    `rng` is the style: who moves and how. A generator draws from it the same number of times in the same order at every
    phase, so that one style seen at neighbouring phases is one person a moment later.
    """

    __slots__ = (
        "contacts",
        "failure",
        "limits",
        "moved",
        "phase",
        "plants",
        "props",
        "q",
        "rig",
        "rng",
        "shape",
        "sign",
        "support",
        "sway",
        "targets",
        "wrist",
    )

    def __init__(self, rig: Rig, limits: Limits, rng: np.random.Generator, phase: float) -> None:
        self.rig = rig
        self.limits = limits
        self.rng = rng
        self.phase = phase
        self.q = np.zeros(len(COORDINATES))
        self.q[4] = 0.55 * rig.stature
        self.targets = np.zeros(9)  # regional angles in rad, order biomech.limits.REGION_AXES
        self.shape = int(rng.integers(2**31))  # this person's own shares of the rhythm, the same at every call
        self.sway = np.clip(rng.standard_normal(2), -2, 2)  # where this person's mass centre lies, in sd
        self.wrist = (self.vary(-8, 6), self.vary(3, 4))
        self.sign = 1.0  # which side leads: +1 right, -1 left; set by side()
        self.support = "feet"
        self.contacts: tuple[str, ...] = ()
        self.props: dict[str, float] = {}
        self.plants: list = []  # feet meant to stand where biomech.activities.ground put them
        self.failure: str | None = None  # set by a generator that found no way
        self.moved = np.zeros(3)  # m by which the finished pose was shifted horizontally

    def vary(self, mean: float, sd: float, low: float = -np.inf, high: float = np.inf) -> float:
        """A normal draw held within two sd and [low, high]."""
        return float(min(max(mean + sd * min(max(self.rng.standard_normal(), -2.0), 2.0), low), high))

    def between(self, low: float, high: float) -> float:
        """A uniform draw."""
        return float(self.rng.uniform(low, high))

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return bool(self.rng.random() < p)

    def side(self) -> tuple[str, str]:
        """A random side and the other one."""
        found = ("r", "l") if self.rng.random() < 0.5 else ("l", "r")
        self.sign = 1.0 if found[0] == "r" else -1.0
        return found


def put(d: Draft, **degrees: float) -> None:
    """Set coordinates by name, in degrees, held inside the hard range."""
    for name, value in degrees.items():
        set_angle(d, name, radians(value))


def set_angle(d: Draft, name: str, value: float) -> None:
    """Set one rotation in rad, held inside the hard range."""
    i = d.rig.index[name]
    low, high = d.rig.bounds[i]
    d.q[i] = min(max(value, low + _MARGIN), high - _MARGIN)


def get(d: Draft, name: str) -> float:
    """One coordinate in degrees."""
    return degrees(d.q[d.rig.index[name]])


def pelvis(d: Draft, tilt: float = 0.0, lean: float = 0.0, turn: float = 0.0) -> None:
    """Pelvis orientation in degrees: tilt + backwards, lean + to the right, turn + to the left."""
    d.q[0:3] = np.radians([tilt, lean, turn])


def trunk(d: Draft, lumbar=(0.0, 0.0, 0.0), thoracic=(0.0, 0.0, 0.0), cervical=None) -> None:
    """Regional FE, LB, AR in degrees (+ extension, right, left), spread over the levels by the rhythm tables."""
    targets = np.radians([*lumbar, *thoracic, *(cervical if cervical is not None else (0.0, 0.0, 0.0))])
    if cervical is None:
        targets[6:] = d.targets[6:]
    low, high = d.limits.regional_hard[:, 0], d.limits.regional_hard[:, 1]
    d.targets = np.clip(targets, 0.98 * low, 0.98 * high)
    _spread(d)


def _spread(d: Draft) -> None:
    d.q[SPINE_SLICE] = distribute(d.targets, d.limits, np.random.default_rng(d.shape))


def gaze(d: Draft, pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0, follow: float = 0.0) -> None:
    """Turn the head to a world direction in degrees (+ pitch up, yaw left, roll right).

    `follow` in [0, 1] lets the head go along with the thorax instead of holding the gaze. Comfortable neck range only.
    """
    neck = d.q[SPINE_SLICE].reshape(25, 3)
    neck[REGION_SLICES["cervical"]] = 0.0
    at_rest = frames_of(d.rig, d.q)[_ROW["skull"], :3, :3]
    wanted = rotation(roll, "x", pitch, "z", yaw, "y")
    m = (at_rest.T @ wanted).tolist()
    # Z-X-Y decomposition of the turn the neck has to make, in the skull's own frame
    turns = atan2(-m[0][1], m[1][1]), asin(min(max(m[2][1], -1.0), 1.0)), atan2(-m[2][0], m[2][2])
    keep = 1.0 - follow
    neck_turn(d, *(min(max(degrees(v * keep), -a), b) for v, (a, b) in zip(turns, _COMFORT, strict=True)))


def neck_turn(d: Draft, fe: float = 0.0, lb: float = 0.0, ar: float = 0.0) -> None:
    """Cervical FE, LB, AR in degrees; the trunk below stays."""
    low, high = d.limits.regional_hard[6:, 0], d.limits.regional_hard[6:, 1]
    d.targets[6:] = np.clip(np.radians([fe, lb, ar]), 0.98 * low, 0.98 * high)
    _spread(d)


def arm_to(
    d: Draft, side: str, wrist: np.ndarray, hint: np.ndarray, hand: np.ndarray | None = None, frames=None
) -> None:
    """Bring a wrist to a world point, the elbow towards `hint` (3,), the hand (if given) to a world rotation (3, 3).

    The shoulder girdle rises and comes forward with the arm, about as in scapulohumeral rhythm.
    """
    frames = frames_of(d.rig, d.q) if frames is None else frames
    chain = _ARMS[side]
    clavicle = frames[chain[0]]
    for again in (True, False):
        for name, value in solve_arm(d.rig.arms[side], clavicle, wrist, hint).items():
            set_angle(d, name, value)
        if again:
            girdle(d, side)
            clavicle = frame_along(d.rig, d.q, frames, chain[:1])
    if hand is not None:
        ulna = frame_along(d.rig, d.q, frames, chain)
        for name, value in solve_hand(side, ulna[:3, :3], hand).items():
            set_angle(d, name, value)


def girdle(d: Draft, side: str, shrug: float = 0.0) -> None:
    """Clavicle elevation and protraction that go with the present arm elevation; `shrug` adds degrees of elevation."""
    up, plane = get(d, f"shoulder_elv_{side}"), radians(get(d, f"elv_angle_{side}"))
    high = max(0.0, up - 30.0) / 150.0
    forward = sin(plane) * min(up, 110.0) / 110.0
    put(d, **{f"clav_elev_{side}": 22.0 * high + shrug, f"clav_prot_{side}": 12.0 * forward})


def arm_pose(d: Draft, side: str, plane: float, raise_: float, twist: float, elbow: float, pronation: float = 75.0):
    """Set an arm by joint angles in degrees and let the girdle follow."""
    put(
        d,
        **{
            f"elv_angle_{side}": plane,
            f"shoulder_elv_{side}": raise_,
            f"shoulder_rot_{side}": twist,
            f"elbow_flexion_{side}": elbow,
            f"pro_sup_{side}": pronation,
            f"wrist_flex_{side}": d.wrist[0],
            f"wrist_dev_{side}": d.wrist[1],
        },
    )
    girdle(d, side)


def arm_along(d: Draft, side: str, upper: np.ndarray, fore: np.ndarray, pronation: float = 75.0, frames=None) -> None:
    """Point the upper arm and the forearm along world directions (3,), held inside the joint ranges."""
    frames = frames_of(d.rig, d.q) if frames is None else frames
    arm = d.rig.arms[side]
    upper, fore = upper / np.linalg.norm(upper), fore / np.linalg.norm(fore)
    start = shoulder_point(d, side, frames)
    bow = upper - fore * float(upper @ fore)
    if float(bow @ bow) < 1e-4:  # straight arm: the elbow points back and out
        bow = np.array([-1.0, -0.2, 0.5 if side == "r" else -0.5])
    wrist = start + np.linalg.norm(arm.elbow) * upper + np.linalg.norm(arm.wrist) * fore
    arm_to(d, side, wrist, bow, frames=frames)
    put(d, **{f"pro_sup_{side}": pronation, f"wrist_flex_{side}": d.wrist[0], f"wrist_dev_{side}": d.wrist[1]})


def arms_hang(d: Draft, sides: str = "rl", slack: float = 1.0) -> None:
    """Arms that hang under gravity: a little flexion at the elbow, palms towards the thighs."""
    frames = frames_of(d.rig, d.q)
    for side in sides:
        out = 1.0 if side == "r" else -1.0
        spread, swing = d.vary(11, 3, 6), d.vary(1, 3.5) * slack
        upper = direction(forward=swing - 3, out=out * spread)
        bend = d.vary(12, 5, 4)
        fore = direction(forward=swing - 3 + bend, out=out * (spread - 6))
        arm_along(d, side, upper, fore, pronation=d.vary(85, 14), frames=frames)


def shoulder_point(d: Draft, side: str, frames: np.ndarray) -> np.ndarray:
    """World position (3,) of the glenohumeral centre."""
    return frames[_ROW[f"humphant_{side}"], :3, 3]


def body_point(frames: np.ndarray, body: str, local=(0.0, 0.0, 0.0)) -> np.ndarray:
    """World position (3,) of a point of a body."""
    m = frames[_ROW[body]]
    return m[:3, :3] @ np.asarray(local, dtype=float) + m[:3, 3]


def radius(d: Draft, body: str) -> float:
    """Radius of the first capsule of a body, m."""
    return float(d.rig.pairs.radius[_capsule(d, body)])


def half_width(d: Draft, body: str) -> float:
    """How far the first capsule of a trunk body reaches to the side, m."""
    k = _capsule(d, body)
    return float(max(abs(d.rig.pairs.start[k, 2]), abs(d.rig.pairs.end[k, 2])) + d.rig.pairs.radius[k])


def front(d: Draft, body: str) -> float:
    """How far the first capsule of a trunk body reaches forward, m."""
    k = _capsule(d, body)
    return float(d.rig.pairs.start[k, 0] + d.rig.pairs.radius[k])


def _capsule(d: Draft, body: str) -> int:
    return int(np.argmax(d.rig.pairs.body == d.rig.rows[body]))


def body_axes(frames: np.ndarray, body: str) -> np.ndarray:
    """World rotation (3, 3) of a body."""
    return frames[_ROW[body], :3, :3]


def direction(forward: float = 0.0, out: float = 0.0) -> np.ndarray:
    """Unit vector that hangs straight down at zero, tipped forward about z and to the right about x, in degrees."""
    f, o = radians(forward), radians(out)
    return np.array([sin(f) * cos(o), -cos(f) * cos(o), sin(o)])


def rotation(*steps: float | str) -> np.ndarray:
    """Product of axis rotations, given as angle in degrees, axis name, applied first to last in the world: (3, 3)."""
    rows = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    for angle, axis in zip(steps[::2], steps[1::2], strict=True):
        c, s = cos(radians(float(angle))), sin(radians(float(angle)))
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[str(axis)]
        pairs = list(zip(rows[i], rows[j], strict=True))
        rows[i], rows[j] = [c * a - s * b for a, b in pairs], [s * a + c * b for a, b in pairs]
    return np.array(rows)
