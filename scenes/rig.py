"""Vertebra-level skinning: 26 spine bodies and the limbs move the mesh.

A driver is a frame that skin follows. Most drivers are bodies of the skeleton; a few lie between two of them so that
twist spreads along a limb (upper arm, forearm, thigh) and the shoulder rounds off. Each driver's skin transform is
`world_from_driver(posed) @ inv(world_from_driver(rest))`, hence the rest pose is the identity and a rigid motion of
the skeleton is a rigid motion of the skin.

Shape legend: V mesh vertices, D drivers, N skeleton bodies.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from scipy.spatial.transform import Rotation

from biomech.anatomy import BODIES, SPINE_BODIES
from biomech.errors import AssetError
from scenes.body import BodyAsset
from scenes.column import REFERENCE_LENGTH, Column, column_table
from scenes.hands import HandPose, Hands, curled, finger_motions

FINGERS = tuple(f"finger{k}-{j}" for k in range(1, 6) for j in range(1, 4))
"""Finger bones, thumb (1) to little finger (5), from the hand outwards."""

_LIMB_DRIVERS = (
    "clavicle", "shoulder", "upperarm", "humerus", "forearm", "radius", "hand",
    "thigh", "femur", "tibia", "calcn", "toes",
) + FINGERS  # fmt: skip

DRIVERS: tuple[str, ...] = SPINE_BODIES + tuple(f"{name}_{side}" for side in "rl" for name in _LIMB_DRIVERS)

_FINGER_ROWS = {side: [DRIVERS.index(f"{finger}_{side}") for finger in FINGERS] for side in "rl"}

# Part ids of the picture: what a surface belongs to. 0 is not a person.
PARTS = ("background", "trunk", "head", "arm_r", "arm_l", "leg_r", "leg_l")

_SPINE_BONES = ("spine05", "spine04", "spine03", "spine02", "spine01", "neck01", "neck02", "neck03")

# Shares of a twist that the skin nearer the trunk takes part in; halving spreads it evenly over two bones.
_TWIST_SHARE = {"upperarm": 0.5, "forearm": 0.35, "radius": 0.85, "thigh": 0.5}
_SHOULDER_SHARE = 0.35


# The body each driver sits on; shoulders stand where the arm begins.
_BODY_OF = {
    "shoulder": "humphant", "upperarm": "humerus", "forearm": "ulna", "radius": "ulna", "thigh": "femur",
    **dict.fromkeys(FINGERS, "hand"),
}  # fmt: skip
_BODY_ROWS = np.array(
    [BODIES.index(name) for name in SPINE_BODIES]
    + [BODIES.index(f"{_BODY_OF.get(name, name)}_{side}") for side in "rl" for name in _LIMB_DRIVERS]
)
_SHOULDERS = [DRIVERS.index(f"shoulder_{side}") for side in "rl"]
_CLAVICLES = [BODIES.index(f"clavicle_{side}") for side in "rl"]

# Twists: of the forearm, the upper arm, the thigh, right and left. `radius` and `humphant` are turned about y alone
# against `ulna` and `humerus`: their twist is one angle. Then who takes part in which, and by how much.
_TWIST_PARENTS = [BODIES.index(n) for s in "rl" for n in (f"ulna_{s}", f"humphant_{s}", "pelvis")]
_TWIST_CHILDREN = [BODIES.index(n) for s in "rl" for n in (f"radius_{s}", f"humerus_{s}", f"femur_{s}")]
_TURNED = [DRIVERS.index(f"{name}_{s}") for s in "rl" for name in ("forearm", "radius", "upperarm", "thigh")]
_TURNED_TWISTS = [3 * k + twist for k in (0, 1) for twist in (0, 0, 1, 2)]
_TURNED_SHARES = np.array(
    2 * [_TWIST_SHARE["forearm"], _TWIST_SHARE["radius"], _TWIST_SHARE["upperarm"] - 1, _TWIST_SHARE["thigh"] - 1]
)


def _driver_of_bone(name: str) -> str:
    """The driver that moves an Anny bone outside the spine chain."""
    stem, _, side = name.partition(".")
    side = {"L": "_l", "R": "_r"}.get(side, "")
    table = {
        "clavicle": "clavicle", "shoulder01": "shoulder",
        "upperarm01": "upperarm", "upperarm02": "humerus", "lowerarm01": "forearm", "lowerarm02": "radius",
        "upperleg01": "thigh", "upperleg02": "femur", "lowerleg01": "tibia", "lowerleg02": "tibia", "foot": "calcn",
    }  # fmt: skip
    if stem in ("root", "pelvis"):
        return "sacrum"
    if stem in table:
        return table[stem] + side
    if stem.startswith("toe"):
        return "toes" + side
    if stem in FINGERS:
        return stem + side
    if stem.startswith(("wrist", "metacarpal")):
        return "hand" + side
    if stem in ("head", "eye"):
        return "skull"
    raise AssetError(f"the body has a bone {name!r} that no driver moves; bake it again: synthgen assets install body")


def rig_weights(
    asset: BodyAsset,
    vertices: np.ndarray,
    column: Column,
    *,
    spread: float = 0.45,
    growth: float = 14.0,
    sideways: float = 0.5,
    widest: float = 3.0,
) -> sp.csr_matrix:
    """(V, D) CSR skinning weights of the rest mesh `vertices` (V, 3); rows sum to one.

    The mesh's own weight on its eight spine bones is kept and shared out over 26 bodies by a Gaussian partition of
    unity along the column. `spread` is its width at the back, in levels; `growth` widens it per metre in front of the
    column and, times `sideways`, beside it, up to `widest` levels, so that the chest moves as one.
    """
    limbs, head, spine = _bone_weights(asset)
    nape = _nape(vertices, column)
    rows, columns, values = [limbs.row], [limbs.col], [limbs.data]
    on_head = np.flatnonzero(head)
    rows.append(on_head)
    columns.append(np.full(len(on_head), DRIVERS.index(_driver_of_bone("head"))))
    values.append(head[on_head] * (1.0 - nape[on_head]))

    chain = spine + nape * head
    on_chain = np.flatnonzero(chain > 0)
    share = _spine_partition(vertices[on_chain], column, spread, growth, sideways, widest) * chain[on_chain, None]
    row, body = np.nonzero(share > 1e-3 * chain[on_chain, None])
    rows.append(on_chain[row])
    columns.append(body)  # spine bodies are the first drivers
    values.append(share[row, body])

    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    weights = sp.csr_matrix(entries, shape=(len(vertices), len(DRIVERS)), dtype=np.float64)
    return sp.diags(1.0 / np.asarray(weights.sum(1)).ravel()) @ weights


@lru_cache(maxsize=2)
def _bone_weights(asset: BodyAsset) -> tuple[sp.coo_matrix, np.ndarray, np.ndarray]:
    """The mesh's own weights, the same for everybody: (V, D) of the limbs' drivers, (V,) of the head, of the spine."""
    bones = asset.weights.tocsc()
    kept = [k for k, name in enumerate(asset.bone_names) if name not in _SPINE_BONES and name != "head"]
    limbs = bones[:, kept].tocoo()
    drivers = np.array([DRIVERS.index(_driver_of_bone(asset.bone_names[k])) for k in kept])
    limbs = sp.coo_matrix((limbs.data, (limbs.row, drivers[limbs.col])), shape=(len(asset.template), len(DRIVERS)))
    head = bones[:, [asset.bone("head")]].toarray().ravel()
    return limbs, head, np.asarray(bones[:, [asset.bone(b) for b in _SPINE_BONES]].sum(1)).ravel()


def _nape(points: np.ndarray, column: Column) -> np.ndarray:
    """(P,) share of the mesh's head weight that belongs to the neck: its skin, below the skull, beside and behind the
    column. The mesh's head bone reaches down to C4, where a turned head would drag the nape along."""
    scale = column.length / REFERENCE_LENGTH
    column_x = np.interp(points[:, 1], column.centres[:, 1], column.centres[:, 0])
    below_skull = np.clip((column.joints[-1, 1] + 0.010 * scale - points[:, 1]) / (0.025 * scale), 0.0, 1.0)
    behind = np.clip((column_x + 0.020 * scale - points[:, 0]) / (0.020 * scale), 0.0, 1.0)
    return below_skull * behind


def _spine_partition(
    points: np.ndarray, column: Column, spread: float, growth: float, sideways: float, widest: float
) -> np.ndarray:
    """(P, 26) shares of sacrum, L5 .. C1, skull in points (P, 3) of the rest mesh."""
    table = column_table()
    scale = column.length / REFERENCE_LENGTH
    centres = column.centres
    heights = centres[:, 1]
    # Behind the column the skin goes with the spinous process, whose tip lies lower than its vertebral body.
    column_x = np.interp(points[:, 1], heights, centres[:, 0])
    tip_x = np.interp(points[:, 1], heights, column.skin_midline[:, 0])
    behind = np.clip((column_x - points[:, 0]) / np.maximum(column_x - tip_x, 1e-3), 0.0, 1.0)
    drop = np.interp(points[:, 1], column.spinous_tips[:, 1], table["tip_drop"]) * scale
    height = points[:, 1] + behind * drop

    ladder = np.concatenate([[column.sacrum[1]], heights, [column.joints[-1, 1] + 0.022 * scale]])
    position = np.interp(height, ladder, np.arange(26.0))
    beside = np.clip(np.abs(points[:, 2]) - 0.05 * scale, 0.0, None)
    depth = np.clip(points[:, 0] - column_x, 0.0, None) + sideways * beside
    width = np.clip(spread + growth * depth / scale, spread, widest)
    kernel = np.exp(-0.5 * ((position[:, None] - np.arange(26.0)) / width[:, None]) ** 2)
    return kernel / kernel.sum(1, keepdims=True)


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """What moves one subject's skin.

    Attributes:
        rest_world_from_body: (N, 4, 4) the skeleton's bodies as they sit in the rest mesh.
        rest_world_from_driver: (D, 4, 4); rest_driver_from_world: its inverse.
        weights: (V, D) CSR of the base mesh.
        finger_joints: (D, 3) m: rest position of each finger joint (zeros elsewhere).
    """

    rest_world_from_body: np.ndarray
    rest_world_from_driver: np.ndarray
    rest_driver_from_world: np.ndarray
    weights: sp.csr_matrix
    finger_joints: np.ndarray


def build_rig(
    asset: BodyAsset, vertices: np.ndarray, bone_heads: np.ndarray, column: Column, rest_world_from_body: np.ndarray
) -> Rig:
    """The rig of a subject whose skeleton sits in the rest mesh as `rest_world_from_body` (N, 4, 4)."""
    finger_joints = np.zeros((len(DRIVERS), 3))
    for side, suffix in (("r", "R"), ("l", "L")):
        for finger in FINGERS:
            finger_joints[DRIVERS.index(f"{finger}_{side}")] = bone_heads[asset.bone(f"{finger}.{suffix}")]
    rest = driver_frames(rest_world_from_body)
    weights = rig_weights(asset, vertices, column)
    return Rig(rest_world_from_body, rest, np.linalg.inv(rest), weights, finger_joints)


def driver_frames(world_from_body: np.ndarray) -> np.ndarray:
    """(N, 4, 4) body frames -> (D, 4, 4) driver frames."""
    frames = world_from_body[_BODY_ROWS]
    twists = _twists(world_from_body[_TWIST_PARENTS, :3, :3], world_from_body[_TWIST_CHILDREN, :3, :3])
    angles = _TURNED_SHARES * twists[_TURNED_TWISTS]
    # each turned about its own y axis
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, z = frames[_TURNED, :3, 0], frames[_TURNED, :3, 2]
    frames[_TURNED, :3, 0], frames[_TURNED, :3, 2] = c * x - s * z, s * x + c * z
    # the collarbone's orientation, turned a share of the way to the arm's
    collar, arm = world_from_body[_CLAVICLES, :3, :3], frames[_SHOULDERS, :3, :3]
    relative = Rotation.from_matrix(collar.transpose(0, 2, 1) @ arm).as_rotvec()
    frames[_SHOULDERS, :3, :3] = collar @ Rotation.from_rotvec(_SHOULDER_SHARE * relative).as_matrix()
    return frames


def _twists(world_from_parent: np.ndarray, world_from_child: np.ndarray) -> np.ndarray:
    """(n,) rad: turn of each child about its own y axis against the parent (swing-twist), from (n, 3, 3) each."""
    m = world_from_parent.transpose(0, 2, 1) @ world_from_child
    a, b, c, d, e = m[:, 0, 0], m[:, 0, 2], m[:, 1, 1], m[:, 2, 0], m[:, 2, 2]
    # twice the angle of (w, y) of the quaternion, times the larger of the two
    small = a + e > 0
    y, w = np.where(small, b - d, 1 - a + c - e), np.where(small, 1 + a + c + e, b - d)
    return (2 * np.arctan2(y, w) + np.pi) % (2 * np.pi) - np.pi


def skin_transforms(rig: Rig, world_from_body: np.ndarray, fingers: Hands | float = 0.0) -> np.ndarray:
    """(D, 4, 4) skin transforms world_from_rest of a pose.

    Args:
        fingers: what each hand does, or one flexion for every joint of the four fingers, rad.
    """
    transforms = driver_frames(world_from_body) @ rig.rest_driver_from_world
    hands = fingers if isinstance(fingers, Hands) else curled(fingers)
    for side, hand in (("r", hands.right), ("l", hands.left)):
        if hand != HandPose():
            rows = _FINGER_ROWS[side]
            transforms[rows] = transforms[rows] @ _finger_motions(rig, hand, side)
    return transforms


@lru_cache(maxsize=16)  # a body is posed once to find the floor, then again
def _finger_motions(rig: Rig, hand: HandPose, side: str) -> np.ndarray:
    """(15, 4, 4) of one hand of a person, read-only, see hands.finger_motions."""
    joints = rig.finger_joints[_FINGER_ROWS[side]].reshape(5, 3, 3)
    motions = finger_motions(hand, joints, rig.rest_world_from_body[BODIES.index(f"hand_{side}"), :3, :3], side)
    motions.flags.writeable = False
    return motions


def dominant_driver(weights: sp.csr_matrix) -> np.ndarray:
    """(V,) the driver with the largest weight in each row; the first of equals."""
    largest = np.maximum.reduceat(weights.data, weights.indptr[:-1])
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    largest_first = np.flatnonzero(weights.data == largest[rows])[::-1]
    drivers = np.empty(weights.shape[0], weights.indices.dtype)
    drivers[rows[largest_first]] = weights.indices[largest_first]  # of equals, the first is written last
    return drivers


def skin(weights: sp.csr_matrix, vertices: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """Linear blend skinning: (V, D) weights, (V, 3) rest vertices, (D, 4, 4) transforms -> (V, 3) m."""
    blended = (weights @ transforms[:, :3].reshape(len(transforms), 12)).reshape(-1, 3, 4)
    return np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]
