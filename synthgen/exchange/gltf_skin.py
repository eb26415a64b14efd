"""The skeleton of a glTF person: joints named after bodies, bind pose, pose, and weights cut to what engines take.

Joints are biomech.anatomy.BODIES plus the drivers of the skin that are no bodies (fingers, halves of a twist). Every
joint's axes are its OpenSim body's: x forward, y up, z right, in the anatomical position.

Shape legend: V welded vertices, D drivers, J joints, K influences.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from biomech.anatomy import BODIES, PARENTS
from biomech.errors import SynthgenError
from scenes.rig import DRIVERS, Rig

INFLUENCES = (4, 8)
_DAMPING = 3e-4  # m; below this miss weights are better left alone

# Drivers that turn with no body of their own -> the body that carries them when the skeleton is posed anew.
_CARRIED_BY = {
    "shoulder": "clavicle", "upperarm": "humphant", "forearm": "ulna", "radius": "radius", "thigh": "femur",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """Joints of one person, parents before children.

    Attributes:
        names: (J,); parents: (J,), -1 for the pelvis.
        bind: (J, 4, 4) world_from_joint at rest; posed: (J, 4, 4) in the person's own frame.
        joint_of_driver: (D,) index into the joints.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    bind: np.ndarray
    posed: np.ndarray
    joint_of_driver: np.ndarray

    def local(self) -> np.ndarray:
        """(J, 4, 4) posed, each in its parent."""
        return np.stack(
            [
                frame if parent < 0 else np.linalg.inv(self.posed[parent]) @ frame
                for frame, parent in zip(self.posed, self.parents, strict=True)
            ]
        )


def build_skeleton(rig: Rig, world_from_body: np.ndarray, transforms: np.ndarray) -> Skeleton:
    """Joints of a pose.

    Args:
        world_from_body: (N, 4, 4) posed; transforms: (D, 4, 4) skin transforms of the same pose.
    """
    names, parents = list(BODIES), list(PARENTS)
    bind, posed = list(rig.rest_world_from_body), list(world_from_body)
    joint_of_driver = np.empty(len(DRIVERS), np.int64)
    carried = {name: posed[i] @ np.linalg.inv(bind[i]) for i, name in enumerate(BODIES)}
    for driver, name in enumerate(DRIVERS):
        if name in BODIES and np.abs(transforms[driver] - carried[name]).max() < 1e-7:
            joint_of_driver[driver] = BODIES.index(name)
            continue
        rest = rig.rest_world_from_driver[driver].copy()
        if np.any(rig.finger_joints[driver]):
            rest[:3, 3] = rig.finger_joints[driver]
        joint_of_driver[driver] = len(names)
        parents.append(names.index(_carrier(name, names)))
        names.append(f"{name}_skin" if name in BODIES else name)
        bind.append(rest)
        posed.append(transforms[driver] @ rest)
    return Skeleton(tuple(names), tuple(parents), np.stack(bind), np.stack(posed), joint_of_driver)


def _carrier(name: str, known: list[str]) -> str:
    """The joint that carries a driver which is no body."""
    stem, _, side = name.rpartition("_")
    if stem.startswith("finger"):
        finger, _, joint = stem.partition("-")
        before = f"{finger}-{int(joint) - 1}_{side}"
        return before if before in known else f"hand_{side}"
    if stem in _CARRIED_BY:
        return f"{_CARRIED_BY[stem]}_{side}"
    if name in BODIES:
        return name
    if name.startswith(("eye", "jaw", "lid", "brow")):
        return "skull"
    raise SynthgenError(f"no body carries the skin's driver {name!r}; name one in synthgen/exchange/gltf_skin.py")


@dataclass(frozen=True, slots=True, eq=False)
class Influences:
    """(V, K) drivers and their weights, rows summing to one, largest first; `kept` (V,) is the share not cut off."""

    drivers: np.ndarray
    weights: np.ndarray
    kept: np.ndarray


def largest_weights(weights: sp.csr_matrix, count: int) -> Influences:
    """The `count` largest weights of each vertex, scaled to sum to one.

    Raises:
        SynthgenError: `count` is not one of INFLUENCES.
    """
    if count not in INFLUENCES:
        raise SynthgenError(f"--influences is {count}; allowed: {' or '.join(map(str, INFLUENCES))} joints per vertex")
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    order = np.lexsort((weights.indices, -weights.data, rows))  # within a row from the largest; equals by driver
    rank = np.arange(len(order)) - weights.indptr[rows]
    keep = rank < count
    drivers = np.zeros((weights.shape[0], count), np.int64)
    values = np.zeros((weights.shape[0], count))
    drivers[rows[keep], rank[keep]] = weights.indices[order][keep]
    values[rows[keep], rank[keep]] = weights.data[order][keep]
    kept = values.sum(1)
    return Influences(drivers, values / kept[:, None], kept)


def fitted(influences: Influences, vertices: np.ndarray, transforms: np.ndarray, wanted: np.ndarray) -> Influences:
    """The same drivers with weights moved a little, in proportion to their size, towards the pose that is in the file.

    Weights that this does not help stay as they are.

    Args:
        vertices: (V, 3) rest, m; transforms: (D, 4, 4); wanted: (V, 3) where all weights together put them, m.
    """
    moved = transforms[influences.drivers, :3]  # (V, K, 3, 4)
    reach = np.einsum("vkij,vj->vki", moved[..., :3], vertices) + moved[..., 3] - wanted[:, None]
    weights = influences.weights
    miss = np.einsum("vk,vki->vi", weights, reach)
    spread = reach - miss[:, None]
    normal = np.einsum("vk,vki,vkj->vij", weights, spread, spread) + _DAMPING**2 * np.eye(3)
    step = np.linalg.solve(normal, miss[..., None])[..., 0]
    changed = np.clip(weights * (1.0 - np.einsum("vki,vi->vk", spread, step)), 0.0, None)
    changed /= changed.sum(1, keepdims=True)
    left = np.einsum("vk,vki->vi", changed, reach)
    better = np.linalg.norm(left, axis=1) < np.linalg.norm(miss, axis=1)
    return Influences(influences.drivers, np.where(better[:, None], changed, weights), influences.kept)


def skinned(influences: Influences, vertices: np.ndarray, transforms: np.ndarray) -> np.ndarray:
    """(V, 3) m: linear blend skinning by the cut weights."""
    blended = np.einsum("vk,vkij->vij", influences.weights, transforms[influences.drivers, :3])
    return np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]
