"""The part of the skeleton that carries some points, posed for many frames, with the motion each coordinate causes.

A coordinate turns everything beyond its joint rigidly, so its effect on the world is one twist: an axis a and a moment
o x a (o any point of the axis) move a point p by ``a x p + o x a``. That makes the normal equations of any number of
points cheap: per joint only the sums of w, w p and w (|p|^2 - p p^T) beyond it are needed, as in the composite rigid
body method of dynamics (Featherstone 2008, Rigid Body Dynamics Algorithms, chapter 6).

Shapes: T frames, n bodies in use, C coordinates in use, K points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import BODIES, JOINTS, PARENTS, TRANSLATIONS, coordinate_index
from biomech.geometry import SkeletonGeometry, invert


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Bodies that lie on the way from the ground to some points, parents first, and the coordinates that move them."""

    bodies: np.ndarray  # (n,) index into BODIES
    parents: np.ndarray  # (n,) position in `bodies`, -1 ground
    waves: tuple[np.ndarray, ...]  # positions of equal depth, root first
    before: np.ndarray  # (n, 4, 4) parent_from_joint
    after: np.ndarray  # (n, 4, 4) joint_from_body
    turn_axes: np.ndarray  # (n, 3, 3) unit axis of each of the three turns; unused ones have slope 0
    turn_coordinates: np.ndarray  # (n, 3) column of q
    turn_slopes: np.ndarray  # (n, 3)
    coordinates: np.ndarray  # (C,) column of q, in the order of the twists
    owners: np.ndarray  # (C,) position in `bodies` of the body each coordinate moves first
    turn_sum: np.ndarray  # (C, 3) slope with which each turn of the owner counts for the coordinate
    slides: np.ndarray  # (C,) 0 to 2 for a translation along that axis of the ground, -1 for a rotation
    below: np.ndarray  # (n, n) 1 where the column's body is the row's or hangs beyond it


@dataclass(frozen=True, slots=True, eq=False)
class TreePose:
    """A posed tree."""

    rotation: np.ndarray  # (T, n, 3, 3) world_from_body
    origin: np.ndarray  # (T, n, 3) m
    axis: np.ndarray  # (T, C, 3) world; zero for translations
    centre: np.ndarray  # (T, C, 3) m, a point of the axis; the direction of motion for translations


def build_tree(geometry: SkeletonGeometry, bodies: tuple[int, ...]) -> Tree:
    """Tree that carries the given bodies (indices into BODIES)."""
    wanted: set[int] = set()
    for body in bodies:
        while body >= 0 and body not in wanted:
            wanted.add(body)
            body = PARENTS[body]
    rows = sorted(wanted)  # BODIES lists parents before children
    position = {row: i for i, row in enumerate(rows)}
    parents = np.array([position.get(PARENTS[row], -1) for row in rows])
    depth = np.zeros(len(rows), dtype=np.int64)
    below = np.eye(len(rows))
    for i, parent in enumerate(parents):
        depth[i] = depth[parent] + 1 if parent >= 0 else 0
    for i in range(len(rows) - 1, 0, -1):
        below[parents[i]] += below[i]
    axes, columns, slopes = np.zeros((len(rows), 3, 3)), np.zeros((len(rows), 3), int), np.zeros((len(rows), 3))
    axes[..., 0] = 1.0
    coordinates, owners, sums, slides = [], [], [], []
    for i, row in enumerate(rows):
        joint = JOINTS[row]
        for k, turn in enumerate(joint.turns):
            axes[i, k] = np.asarray(turn.axis) / np.linalg.norm(turn.axis)
            columns[i, k], slopes[i, k] = coordinate_index(turn.coordinate), turn.slope
        for name in joint.coordinates:
            coordinates.append(coordinate_index(name))
            owners.append(i)
            own = [turn.slope if turn.coordinate == name else 0.0 for turn in joint.turns]
            sums.append(own + [0.0] * (3 - len(own)))
            slides.append(joint.slides.index(name) if name in TRANSLATIONS else -1)
    return Tree(
        np.array(rows),
        parents,
        tuple(np.flatnonzero(depth == d) for d in range(int(depth.max()) + 1)),
        geometry.parent_from_joint[rows],
        invert(geometry.body_from_joint[rows]),
        axes,
        columns,
        slopes,
        np.array(coordinates),
        np.array(owners),
        np.array(sums),
        np.array(slides),
        below,
    )


def pose_tree(tree: Tree, q: np.ndarray) -> TreePose:
    """Frames and twists of the tree for coordinates q (T, len(COORDINATES))."""
    count = len(q)
    turns = _rotations(tree.turn_axes, tree.turn_slopes * q[:, tree.turn_coordinates])  # (T, n, 3, 3, 3)
    first = tree.before[:, :3, :3] @ turns[:, :, 0]
    second = first @ turns[:, :, 1]
    joint = second @ turns[:, :, 2]
    local = joint @ tree.after[:, :3, :3]  # parent_from_body
    offset = tree.before[:, :3, 3] + (joint @ tree.after[:, :3, 3, None])[..., 0]
    rotation, origin = np.empty_like(local), np.empty_like(offset)
    above = np.empty_like(local)  # world rotation of each body's parent
    centre = np.empty_like(offset)  # joint centre in the world
    slide = tree.slides >= 0
    shift = np.zeros((count, 3))
    if slide.any():
        shift[:, tree.slides[slide]] = q[:, tree.coordinates[slide]]
    for wave in tree.waves:
        parents = tree.parents[wave]
        if parents[0] < 0:
            above[:, wave] = np.eye(3)
            rotation[:, wave] = local[:, wave]
            origin[:, wave] = offset[:, wave] + shift[:, None]
            centre[:, wave] = tree.before[wave, :3, 3] + shift[:, None]
            continue
        up = rotation[:, parents]
        above[:, wave] = up
        rotation[:, wave] = up @ local[:, wave]
        origin[:, wave] = origin[:, parents] + (up @ offset[:, wave, :, None])[..., 0]
        centre[:, wave] = origin[:, parents] + (up @ tree.before[wave, :3, 3, None])[..., 0]
    # axis of each turn in its parent, then summed per coordinate and taken to the world
    in_parent = np.stack(
        [
            np.broadcast_to((tree.before[:, :3, :3] @ tree.turn_axes[:, 0, :, None])[..., 0], offset.shape),
            (first @ tree.turn_axes[:, 1, :, None])[..., 0],
            (second @ tree.turn_axes[:, 2, :, None])[..., 0],
        ],
        axis=2,
    )  # (T, n, 3 turns, 3)
    world = in_parent @ np.swapaxes(above, -1, -2)
    axis = np.einsum("ck,tckx->tcx", tree.turn_sum, world[:, tree.owners])
    point = centre[:, tree.owners]
    if slide.any():
        axis[:, slide] = 0.0
        point[:, slide] = np.eye(3)[tree.slides[slide]]
    return TreePose(rotation, origin, axis, point)


def _rotations(axes: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotation matrices (T, n, 3, 3, 3) about unit axes (n, 3, 3) by angles (T, n, 3), Rodrigues."""
    x, y, z = np.moveaxis(axes, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    square = cross @ cross
    sine, versine = np.sin(angles)[..., None, None], (1.0 - np.cos(angles))[..., None, None]
    return np.eye(3) + sine * cross + versine * square


def body_positions(tree: Tree, bodies: np.ndarray) -> np.ndarray:
    """Position in tree.bodies of body indices (K,); every one must be in the tree."""
    return np.searchsorted(tree.bodies, bodies)


def body_names(tree: Tree) -> tuple[str, ...]:
    """Names of the bodies in use."""
    return tuple(BODIES[row] for row in tree.bodies)
