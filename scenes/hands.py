"""What hands do with their fingers: resting, gripping, pointing, flat, as plain data for the rig.

Angles bend from the mesh's rest hand, whose fingers are almost straight. A finger's three joints bend about the hand's
z axis, its spread is about the palm's normal (the hand's x axis). The thumb bends about axes read off its own bones.
"""

import csv
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import numpy as np
from scipy.spatial.transform import Rotation

STRAIGHT = (0.0,) * 12
_SPREAD = (1.0, 0.0, -0.8, -1.6)
"""How far each finger goes, from the index to the little finger, where the hand spreads by one."""


@dataclass(frozen=True, slots=True)
class HandPose:
    """Joint angles of one hand, rad.

    Attributes:
        flexion: twelve, + = towards the palm: index, middle, ring and little finger, each from the knuckle to the tip.
        spread: of the four fingers, + = wider apart than at rest, where they are a little apart.
        opposition: of the thumb's root joint across the palm, + = towards the little finger.
        thumb: flexion of the thumb's two outer joints, +.
        name: what it is, for reports.
    """

    flexion: tuple[float, ...] = STRAIGHT
    spread: float = 0.0
    opposition: float = 0.0
    thumb: tuple[float, float] = (0.0, 0.0)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Hands:
    """Both hands of a person."""

    right: HandPose = field(default_factory=HandPose)
    left: HandPose = field(default_factory=HandPose)


def curled(angle: float) -> Hands:
    """Every joint of the four fingers bent alike, rad."""
    hand = HandPose(flexion=(float(angle),) * 12) if angle else HandPose()
    return Hands(hand, hand)


def grip(closed: float, name: str = "grip") -> HandPose:
    """A hand around something: `closed` 0 is open and ready, 1 a fist."""
    finger = (0.35 + 0.95 * closed, 0.55 + 1.05 * closed, 0.30 + 0.60 * closed)
    return HandPose(
        finger * 4, -0.06 - 0.08 * closed, 0.45 + 0.35 * closed, (0.30 + 0.25 * closed, 0.30 + 0.45 * closed), name
    )


def relaxed(amount: float) -> HandPose:
    """A hanging hand; fingers curl a little more from the index to the little finger."""
    flexion = [amount * (0.6 + 0.13 * k) * share for k in range(4) for share in (1.0, 1.25, 0.75)]
    return HandPose(tuple(flexion), -0.10, 0.25 * amount, (0.15 * amount, 0.3 * amount), "relaxed")


def flat(spread: float) -> HandPose:
    """Fingers straight, together or spread, as on the floor."""
    return HandPose((0.02, 0.03, 0.02) * 4, spread, -0.05, (0.0, 0.0), "flat")


def pointing(closed: float) -> HandPose:
    """The index finger straight, the others curled."""
    fist = grip(closed)
    return HandPose((0.05, 0.08, 0.05) + fist.flexion[3:], -0.08, fist.opposition, fist.thumb, "pointing")


KINDS = {
    "": {"relaxed": 0.55, "grip": 0.20, "flat": 0.15, "pointing": 0.10},
    "soft": {"relaxed": 0.9, "flat": 0.1},
    "flat": {"flat": 1.0},
    "fist": {"fist": 0.75, "grip": 0.25},
    "bar": {"fist": 1.0},
    "ball": {"grip": 0.6, "flat": 0.25, "relaxed": 0.15},
}
"""Shares of each kind of hand, by what an activity (data/hands.csv) makes of them; "" for all others."""


@cache
def _table() -> dict[str, str]:
    text = (files("scenes") / "data" / "hands.csv").read_text(encoding="utf-8")
    return {row["activity"]: row["hands"] for row in csv.DictReader(text.splitlines())}


def busy_with(activity: str, support: str = "") -> str:
    """The row of KINDS for an activity; palms that carry the body are flat."""
    return "flat" if support in ("hands", "hands_feet") else _table().get(activity, "")


def draw_hands(rng: np.random.Generator, activity: str = "", support: str = "", holding: tuple[str, ...] = ()) -> Hands:
    """What both hands do.

    Args:
        activity, support: of the pose.
        holding: sides ("r", "l") that hold an object: they grip.
    """
    busy = busy_with(activity, support)
    made = {}
    for side in ("r", "l"):
        names = sorted(KINDS[busy])
        shares = np.cumsum([KINDS[busy][name] for name in names])
        name = names[int(np.searchsorted(shares / shares[-1], rng.random(), side="right"))]
        amount, noise = rng.random(), rng.normal(0.0, 0.06, 12)
        if side in holding or name == "fist":
            hand = grip(0.55 + 0.3 * amount)
        elif name == "grip":
            hand = grip(amount)
        elif name == "flat":
            hand = flat(0.24 * amount - 0.16)
        elif name == "pointing":
            hand = pointing(0.6 + 0.4 * amount)
        else:
            hand = relaxed(0.15 + 0.6 * amount)
        bent = np.clip(np.array(hand.flexion) + noise * (0.3 if hand.name == "flat" else 1.0), -0.1, 1.75)
        made[side] = HandPose(tuple(float(v) for v in bent), hand.spread, float(hand.opposition), hand.thumb, hand.name)
    return Hands(made["r"], made["l"])


def finger_motions(hand: HandPose, joints: np.ndarray, axes: np.ndarray, side: str) -> np.ndarray:
    """(15, 4, 4) motions of the finger bones in the rest mesh, in the order of rig.FINGERS.

    Args:
        joints: (5, 3, 3) m: rest positions of the joints of thumb .. little finger, from the hand outwards.
        axes: (3, 3) of the hand at rest: x out of the palm, y towards the wrist, z right.
        side: "r" or "l".
    """
    outward = 1.0 if side == "r" else -1.0
    along = joints[0, 2] - joints[0, 1]
    bend = np.cross(along, axes[:, 0] * 0.5 + axes[:, 2] * -outward)
    bend /= np.linalg.norm(bend)
    turns = np.empty((5, 3, 3))
    # The thumb's root swings about the hand's long axis, its other joints bend in the plane that leaves them.
    turns[0] = outward * hand.opposition * axes[:, 1], hand.thumb[0] * bend, hand.thumb[1] * bend
    turns[1:] = np.reshape(hand.flexion, (4, 3, 1)) * axes[:, 2]
    rotations = Rotation.from_rotvec(turns.reshape(15, 3)).as_matrix().reshape(5, 3, 3, 3)
    apart = np.outer(_SPREAD, -outward * hand.spread * axes[:, 0])
    rotations[1:, 0] = rotations[1:, 0] @ Rotation.from_rotvec(apart).as_matrix()
    about = np.zeros((5, 3, 4, 4))
    about[..., :3, :3], about[..., 3, 3] = rotations, 1.0
    about[..., :3, 3] = joints - np.einsum("fjab,fjb->fja", rotations, joints)
    for joint in (1, 2):
        about[:, joint] = about[:, joint - 1] @ about[:, joint]
    return about.reshape(15, 4, 4)
