"""Cost and normal equations of an inverse problem, for many frames at once, without ever forming the Jacobian.

J^T W J between two coordinates is the twist of one, times the sums over what hangs beyond both, times the twist of the
other (see kinematic_tree). Spine coordinates driven by region are summed up the column first.

Shapes: T frames, K points, R orientation targets, P unknowns, C coordinates of the tree, S of its spine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.geometry import SkeletonGeometry
from biomech.kinematic_tree import Tree, TreePose, body_positions, build_tree, pose_tree
from biomech.limits import Limits
from biomech.spine_drive import Drive, build_drive, to_coordinates


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is the same in every frame."""

    tree: Tree
    drive: Drive
    prior: np.ndarray  # (P,) weight of each unknown's squared distance from rest
    error: float  # m: what a target of weight 1 usually lies off
    carriers: np.ndarray  # (K,) position in the tree of each point's body
    locations: np.ndarray  # (K, 3) m
    weights: np.ndarray  # (K,)
    turned: np.ndarray  # (R,) position in the tree of each body with an orientation target
    turn_weights: np.ndarray  # (R,)
    on_the_way: np.ndarray  # (own, own) 1 where the row's joint lies on the way to the column's, diagonal 0.5
    anchors: np.ndarray  # (own,) how many of the S spine coordinates lie on the way to each other unknown
    leads: np.ndarray  # (own, S) 1 where the unknown's joint lies on the way to the spine coordinate


def build_problem(
    geometry: SkeletonGeometry,
    limits: Limits,
    bodies: np.ndarray,
    locations: np.ndarray,
    weights: np.ndarray,
    turned: np.ndarray,
    turn_weights: np.ndarray,
    *,
    spine: str,
    coupling: bool,
    locked: tuple[str, ...],
    error: float,
) -> Problem:
    """Problem of points on some bodies (indices into BODIES) and orientations of others."""
    tree = build_tree(geometry, (*bodies.tolist(), *turned.tolist()))
    drive = build_drive(tree, limits, spine, coupling, locked)
    before = tree.below[tree.owners[:, None], tree.owners]  # (C, C)
    own = np.triu(before[drive.rows[:, None], drive.rows])
    np.fill_diagonal(own, 0.5)
    return Problem(
        tree=tree,
        drive=drive,
        prior=drive.stiffness * error**2,
        error=error,
        carriers=body_positions(tree, bodies),
        locations=locations,
        weights=weights,
        turned=body_positions(tree, turned),
        turn_weights=turn_weights,
        on_the_way=own,
        # a root coordinate comes before the spine, so none of the spine lies on the way to it
        anchors=before[drive.spine_rows[:, None], drive.rows].sum(axis=0).astype(np.int64),
        leads=before[drive.rows[:, None], drive.spine_rows],
    )


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Measured errors at some unknowns; points and moments are relative to the pelvis, which keeps the sums small."""

    cost: np.ndarray  # (T,)
    weights: np.ndarray  # (T, K) zero where there is no target
    points: np.ndarray  # (T, K, 3) m
    wanted: np.ndarray  # (T, K, 3) m: target minus point
    axis: np.ndarray  # (T, C, 3)
    moment: np.ndarray  # (T, C, 3)
    gain: np.ndarray  # (T, S, R) spine coordinates per regional angle
    turn_weights: np.ndarray  # (T, R)
    turn_wanted: np.ndarray  # (T, R, 3) rad

    def parts(self) -> tuple[np.ndarray, ...]:
        """The arrays, in order."""
        return (
            self.cost, self.weights, self.points, self.wanted, self.axis, self.moment, self.gain, self.turn_weights,
            self.turn_wanted,
        )  # fmt: skip

    def of(self, frames: np.ndarray) -> State:
        """The state of some of the frames."""
        return State(*(part[frames] for part in self.parts()))

    def replace(self, frames: np.ndarray, other: State) -> None:
        """Take over some frames, (T,) bool, from another state of the same size."""
        for mine, theirs in zip(self.parts(), other.parts(), strict=True):
            mine[frames] = theirs[frames]


def points_of(problem: Problem, pose: TreePose) -> np.ndarray:
    """(T, K, 3) m: the model's points in the world."""
    turned = pose.rotation[:, problem.carriers] @ problem.locations[:, :, None]
    return turned[..., 0] + pose.origin[:, problem.carriers]


def measure(
    problem: Problem, goals: np.ndarray, aims: np.ndarray, x: np.ndarray, base: np.ndarray, resting: np.ndarray
) -> State:
    """Errors at unknowns x (T, P), against points (T, K, 3) and rotations (T, R, 3, 3), NaN where not measured."""
    tree = problem.tree
    q, gain = to_coordinates(problem.drive, x, base)
    pose = pose_tree(tree, q)
    seen = np.isfinite(goals).all(axis=-1)
    weights = seen * problem.weights
    points = points_of(problem, pose)
    wanted = np.where(seen[..., None], goals - points, 0.0)
    reference = pose.origin[:, :1]
    slide = tree.slides >= 0
    moment = _cross(pose.centre - reference, pose.axis)
    moment[:, slide] = pose.centre[:, slide]
    cost = np.einsum("tk,tkx->t", weights, wanted * wanted) + (x - resting) ** 2 @ problem.prior
    turn_weights, turn_wanted = np.zeros((len(x), 0)), np.zeros((len(x), 0, 3))
    if len(problem.turned):
        known = np.isfinite(aims).all(axis=(-1, -2))
        turn = np.where(known[..., None, None], aims, np.eye(3)) @ np.swapaxes(pose.rotation[:, problem.turned], -1, -2)
        turn_weights = known * problem.turn_weights
        turn_wanted = np.where(known[..., None], rotation_vector(turn), 0.0)
        cost += np.einsum("tr,trx->t", turn_weights, turn_wanted * turn_wanted)
    return State(cost, weights, points - reference, wanted, pose.axis, moment, gain, turn_weights, turn_wanted)


def normal_equations(problem: Problem, state: State) -> tuple[np.ndarray, np.ndarray]:
    """J^T W J (T, P, P) and J^T W r (T, P) of the targets, without the pull to rest."""
    tree, drive = problem.tree, problem.drive
    axis, moment = state.axis, state.moment
    own = _sums_beyond(problem, state)[:, tree.owners]  # (T, C, 19)
    mass, first, second = own[..., :1], own[..., 1:4], own[..., 4:13].reshape(*own.shape[:2], 3, 3)
    # momentum that a unit turn of each coordinate gives to what hangs beyond it
    effect = np.concatenate(
        [(second @ axis[..., None])[..., 0] + _cross(first, moment), mass * moment + _cross(axis, first)], axis=-1
    )
    twist = np.concatenate([axis, moment], axis=-1)
    slope = (twist * own[..., 13:]).sum(axis=-1)
    rows, spine = drive.rows, drive.spine_rows
    # two coordinates share only what hangs beyond both: nothing, unless one lies on the way to the other
    half = (twist[:, rows] @ np.swapaxes(effect[:, rows], 1, 2)) * problem.on_the_way
    if not len(drive.regions):
        return half + np.swapaxes(half, 1, 2), slope[:, rows]
    gain = state.gain[:, :, None, :]  # (T, S, 1, R)
    count, lead = len(rows), len(rows) + len(drive.regions)
    push = effect[:, spine, :, None] * gain  # (T, S, 6, R)
    carry = twist[:, spine, :, None] * gain
    climb = np.cumsum(carry, axis=1)  # twist of each region as far as each level
    out = np.zeros((len(half), lead, lead))
    out[:, :count, :count] = half
    on_root = problem.leads.any(axis=1)
    out[:, :count, count:][:, on_root] = twist[:, rows[on_root]] @ push.sum(axis=1)
    limbs = np.flatnonzero(problem.anchors)
    along = climb[:, problem.anchors[limbs] - 1]  # (T, limbs, 6, R)
    out[:, count:, :count][:, :, limbs] = np.swapaxes((effect[:, rows[limbs], None] @ along)[:, :, 0], 1, 2)
    flat = (len(half), -1, len(drive.regions))
    out[:, count:, count:] = np.swapaxes((climb - 0.5 * carry).reshape(flat), 1, 2) @ push.reshape(flat)
    down = (slope[:, None, spine] @ state.gain)[:, 0]
    return out + np.swapaxes(out, 1, 2), np.concatenate([slope[:, rows], down], axis=1)


def determined(problem: Problem, state: State) -> np.ndarray:
    """(T, P) bool: unknowns whose standard error from the targets is below half the usual spread among people.

    The pelvis, which has no usual spread, must be known to 0.05 rad and 50 mm.
    """
    square, _ = normal_equations(problem, state)
    loose = np.where(problem.prior > 0.0, problem.prior, (problem.error / 0.1) ** 2)
    diagonal = np.einsum("tpp->tp", square)  # a view
    diagonal += loose
    left = np.einsum("tpp->tp", np.linalg.inv(square)) * loose  # variance left over, of the one before
    return left < 0.25


def _sums_beyond(problem: Problem, state: State) -> np.ndarray:
    """(T, n, 19): per body the sums over points beyond its joint of w, w p, w (|p|^2 - p p^T), w p x r and w r."""
    tree = problem.tree
    w, p, r = state.weights[..., None], state.points, state.wanted
    wp, wr = w * p, w * r
    square = wp[..., :, None] * p[..., None, :]
    spread = (wp * p).sum(axis=-1)[..., None, None] * np.eye(3) - square
    each = np.concatenate([w, wp, spread.reshape(*p.shape[:2], 9), _cross(p, wr), wr], axis=-1)
    sums = tree.below[:, problem.carriers] @ each
    if len(problem.turned):
        turned = tree.below[:, problem.turned]
        weight = state.turn_weights[..., None]
        sums[..., 4:13] += turned @ (weight * np.eye(3).reshape(-1))
        sums[..., 13:16] += turned @ (weight * state.turn_wanted)
    return sums


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product of (..., 3) arrays; several times faster than np.cross on small batches."""
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    out[..., 0] = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    out[..., 1] = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    out[..., 2] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return out


def rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Axis times angle (..., 3) rad of rotation matrices; exact up to half a turn."""
    r = rotation
    skew = np.stack([r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]], axis=-1)
    sine = 0.5 * np.linalg.norm(skew, axis=-1)
    angle = np.arctan2(sine, 0.5 * (np.trace(r, axis1=-2, axis2=-1) - 1.0))
    # at half a turn the skew part vanishes; any axis of the symmetric part would do, a tiny one keeps it finite
    return skew * (0.5 * angle / np.maximum(sine, 1e-9))[..., None]
