"""Coordinates from measured points: batched, bounded Levenberg-Marquardt on the model's own kinematics.

    minimise  sum_k w_k |target_k - point_k(q)|^2 + sum_r v_r angle_r(q)^2 + error^2 sum_p (x_p / usual spread_p)^2
    within the hard ranges

All frames of a chunk are advanced together in numpy. A sequence is started on every few frames from a rigid fit of the
trunk, in between from the neighbours' solution. Unknowns held by a limit leave the equations of that step (projected
Newton, Bertsekas 1982). Weights are those of OpenSim's InverseKinematicsTool: they multiply squared distances.

Shapes: T frames, K targets, R orientation targets, D = len(COORDINATES), P unknowns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import COORDINATES, SIDES, body_index
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry
from biomech.inverse_start import along_time, from_arm_planes, rigid_start, unwrap
from biomech.kinematic_tree import pose_tree
from biomech.limits import Limits, load_limits
from biomech.model import SpineModel
from biomech.normal_equations import Problem, build_problem, determined, measure, normal_equations, points_of
from biomech.spine_drive import to_coordinates, to_unknowns

CHUNK = 256  # frames advanced together: enough to hide numpy's overhead, few enough for memory
STRIDE = 8  # every which frame of a sequence is solved from scratch


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points of the model that targets pull on: markers, or joint centres (location zero of the child body)."""

    names: tuple[str, ...]  # (K,)
    bodies: tuple[str, ...]  # (K,) of anatomy.BODIES
    locations: np.ndarray  # (K, 3) m, body frame
    weights: np.ndarray  # (K,) not negative, of squared distances


@dataclass(frozen=True, slots=True, eq=False)
class Orientations:
    """Bodies whose measured orientation counts too."""

    bodies: tuple[str, ...]  # (R,)
    weights: np.ndarray  # (R,) m^2/rad^2: a weight of 0.01 makes 0.1 rad as bad as 10 mm
    targets: np.ndarray  # (T, R, 3, 3) world_from_body; NaN = not measured


@dataclass(frozen=True, slots=True, eq=False)
class IkResult:
    """Solution of every frame."""

    q: np.ndarray  # (T, D) rad and m, order anatomy.COORDINATES; within the hard ranges but for the pelvis
    residuals: np.ndarray  # (T, K) m, NaN where there was no target
    names: tuple[str, ...]  # (K,)
    unknowns: tuple[str, ...]  # (P,) coordinates and regional angles that were solved for
    at_limit: np.ndarray  # (T, P) bool: held back by a hard limit
    determined: np.ndarray  # (T, P) bool: the targets say more about it than knowing people does
    converged: np.ndarray  # (T,) bool
    iterations: np.ndarray  # (T,) int, of the last pass

    @property
    def rms(self) -> np.ndarray:
        """(T,) m: root mean square over the targets present, NaN for a frame without any."""
        return _root_mean(self.residuals, axis=1)

    @property
    def rms_by_target(self) -> np.ndarray:
        """(K,) m: root mean square over frames, NaN for a target never seen."""
        return _root_mean(self.residuals, axis=0)


def _root_mean(residuals: np.ndarray, axis: int) -> np.ndarray:
    seen = np.isfinite(residuals)
    count = seen.sum(axis=axis)
    total = np.where(seen, residuals**2, 0.0).sum(axis=axis)
    return np.where(count > 0, np.sqrt(total / np.maximum(count, 1)), np.nan)


def joint_centres(bodies: tuple[str, ...], weights: np.ndarray | None = None) -> Points:
    """Points at body origins, which are joint centres for every limb body and the hip midpoint for the pelvis."""
    return Points(bodies, bodies, np.zeros((len(bodies), 3)), np.ones(len(bodies)) if weights is None else weights)


def solve(
    model: SkeletonGeometry | SpineModel,
    targets: np.ndarray,
    points: Points,
    limits: Limits | None = None,
    *,
    start: np.ndarray | None = None,
    rest: np.ndarray | None = None,
    spine: str = "regions",
    coupling: bool = True,
    orientations: Orientations | None = None,
    locked: tuple[str, ...] = (),
    error: float = 0.01,
    sequence: bool = True,
    max_iterations: int = 60,
    tolerance: float = 1e-5,
) -> IkResult:
    """Find the coordinates whose points lie closest to the targets.

    Args:
        targets: (T, K, 3) m, world axes x forward, y up, z right; NaN = not measured in that frame.
        limits: hard ranges; default those of the model, or load_limits().
        start: (D,) or (T, D): where the search begins; also the value of everything no target can move. None starts
            from a rigid fit of the trunk and the neutral pose.
        rest: (D,) or (T, D): the pose that everything is pulled to; None is neutral.
        spine: "regions" for nine regional angles spread by the rhythm, "levels" for 75 coordinates of their own.
        coupling: with "regions", add the coupled bending and twist of the rhythm.
        locked: coordinates or regional angles that keep their starting value.
        error: m, how far a target of weight 1 usually lies off. Against it stands how far people usually are from rest
            (a quarter of the typical range as standard deviation): this decides what targets leave open, such as lumbar
            against thoracic bending, and hardly touches what they determine. Near 0 for targets without error.
        sequence: frames follow each other in time; False treats each for itself.
        tolerance: rad and m; a frame is done when no unknown moves more, or when the squared distances gain nothing.

    Raises:
        ModelError: shapes that do not fit, unknown bodies, or targets of which no frame has three.
    """
    geometry = model.geometry if isinstance(model, SpineModel) else model
    if limits is None:
        limits = model.limits if isinstance(model, SpineModel) else load_limits()
    goals, weights = _check_targets(targets, points)
    turns = orientations or Orientations((), np.zeros(0), np.zeros((len(goals), 0, 3, 3)))
    if np.shape(turns.targets) != (len(goals), len(turns.bodies), 3, 3):
        raise ModelError(
            f"orientation targets of shape {np.shape(turns.targets)} given; wanted "
            f"({len(goals)}, {len(turns.bodies)}, 3, 3)"
        )
    problem = build_problem(
        geometry,
        limits,
        np.array([body_index(body) for body in points.bodies]),
        np.asarray(points.locations, dtype=np.float64),
        weights,
        np.array([body_index(body) for body in turns.bodies], dtype=np.int64),
        np.asarray(turns.weights, dtype=np.float64),
        spine=spine,
        coupling=coupling,
        locked=locked,
        error=error,
    )
    on_arm = np.array([[_on_arm(body, side) for side in SIDES] for body in points.bodies])

    resting = np.zeros((len(goals), len(problem.drive)))
    if rest is not None:
        resting = to_unknowns(problem.drive, _check_pose(rest, len(goals), "rest"))

    def run(frames: np.ndarray, begin: np.ndarray) -> _Found:
        parts = [frames[i : i + CHUNK] for i in range(0, len(frames), CHUNK)]
        found = [
            _advance(problem, goals[part], turns.targets[part], begin[part], resting[part], max_iterations, tolerance)
            for part in parts
        ]
        return _Found(*(np.concatenate(each) for each in zip(*(part.parts() for part in found), strict=True)))

    def quick(frames: np.ndarray, begin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = run(frames, begin)
        wanted = goals[frames] - points_of(problem, pose_tree(problem.tree, found.q))
        each = np.nan_to_num((wanted * wanted).sum(axis=-1)) * weights
        return found.q, np.concatenate([found.cost[:, None], each @ on_arm], axis=1)

    if start is not None:
        base = _check_pose(start, len(goals), "start")
    else:
        base = first = rigid_start(geometry, goals, points.bodies, points.locations, weights, limits)
        dense = sequence and len(goals) > 2 * STRIDE
        base = along_time(base, STRIDE, quick) if dense else from_arm_planes(base, np.arange(len(goals)), quick)[0]
        base[:, ~problem.drive.moves] = first[:, ~problem.drive.moves]
    found = run(np.arange(len(goals)), base)
    q = unwrap(found.q) if sequence else found.q
    held = (found.x <= problem.drive.lower + 1e-9) | (found.x >= problem.drive.upper - 1e-9)
    residuals = np.linalg.norm(goals - points_of(problem, pose_tree(problem.tree, q)), axis=-1)
    return IkResult(
        q, residuals, points.names, problem.drive.names, held, found.determined, found.converged, found.iterations
    )


def _on_arm(body: str, side: str) -> float:
    return float(body in tuple(f"{part}_{side}" for part in ("humphant", "humerus", "ulna", "radius", "hand")))


def _check_targets(targets: np.ndarray, points: Points) -> tuple[np.ndarray, np.ndarray]:
    goals = np.asarray(targets, dtype=np.float64)
    weights = np.asarray(points.weights, dtype=np.float64)
    count = len(points.bodies)
    if goals.ndim != 3 or goals.shape[1:] != (count, 3) or not len(goals):
        raise ModelError(f"targets of shape {goals.shape} given; wanted (T, {count}, 3): one row per point and frame")
    if np.shape(points.locations) != (count, 3) or weights.shape != (count,) or len(points.names) != count:
        raise ModelError(
            f"{len(points.names)} names, {count} bodies, locations {np.shape(points.locations)} and weights "
            f"{weights.shape} given; wanted one each per point"
        )
    if not (np.isfinite(points.locations).all() and np.isfinite(weights).all() and (weights >= 0.0).all()):
        raise ModelError("a point has a location or weight that is not finite, or a negative weight")
    usable = np.isfinite(goals).all(axis=-1) & (weights > 0.0)
    if usable.sum(axis=1).max() < 3:
        raise ModelError("no frame has three targets; inverse kinematics needs at least three points in one frame")
    return goals, weights


def _check_pose(pose: np.ndarray, count: int, what: str) -> np.ndarray:
    given = np.asarray(pose, dtype=np.float64)
    if given.shape not in ((len(COORDINATES),), (count, len(COORDINATES))) or not np.isfinite(given).all():
        raise ModelError(
            f"{what} of shape {given.shape} given; wanted finite values ({len(COORDINATES)},) or "
            f"({count}, {len(COORDINATES)})"
        )
    return np.array(np.broadcast_to(given, (count, len(COORDINATES))))


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    q: np.ndarray  # (T, D)
    x: np.ndarray  # (T, P)
    cost: np.ndarray  # (T,)
    determined: np.ndarray  # (T, P) bool
    converged: np.ndarray  # (T,) bool
    iterations: np.ndarray  # (T,)

    def parts(self) -> tuple[np.ndarray, ...]:
        return (self.q, self.x, self.cost, self.determined, self.converged, self.iterations)


def _advance(
    problem: Problem,
    goals: np.ndarray,
    aims: np.ndarray,
    base: np.ndarray,
    resting: np.ndarray,
    max_iterations: int,
    tolerance: float,
) -> _Found:
    """Solve some frames together, beginning at coordinates base (T, D), pulled to unknowns resting (T, P)."""
    drive = problem.drive
    x_all = to_unknowns(drive, base)
    cost_all, done_all = np.zeros(len(base)), np.zeros(len(base), dtype=bool)
    count_all = np.zeros(len(base), dtype=np.int64)
    live, x = np.arange(len(base)), x_all
    state = measure(problem, goals, aims, x, base, resting)
    damping = np.full(len(base), 1e-4)
    enough = tolerance**2 * problem.weights.mean()  # a lever of 1 m turned by the tolerance
    for _ in range(max_iterations):
        square, slope = normal_equations(problem, state)
        slope -= problem.prior * (x - resting[live])
        held = ((x <= drive.lower) & (slope < 0.0)) | ((x >= drive.upper) & (slope > 0.0))
        step = _damped_step(square, slope, problem.prior, damping, ~held)
        trial = np.clip(x + step, drive.lower, drive.upper)
        moved = np.abs(trial - x).max(axis=1)
        tried = measure(problem, goals[live], aims[live], trial, base[live], resting[live])
        gained = state.cost - tried.cost
        better = gained >= 0.0
        x = np.where(better[:, None], trial, x)
        state.replace(better, tried)
        settled = better & ((moved < tolerance) | ((gained < enough) & (damping < 1e-2)))
        stuck = ~better & ((damping > 1e6) | (moved < 0.1 * tolerance))
        damping = np.where(better, np.maximum(0.1 * damping, 1e-9), np.maximum(10.0 * damping, 1e-3))
        count_all[live] += 1
        x_all[live], cost_all[live], done_all[live] = x, state.cost, settled | stuck
        keep = np.flatnonzero(~(settled | stuck))
        if not len(keep):
            break
        if len(keep) < len(live):
            live, x, damping, state = live[keep], x[keep], damping[keep], state.of(keep)
    q = to_coordinates(drive, x_all, base)[0]
    known = determined(problem, measure(problem, goals, aims, x_all, base, resting))
    return _Found(q, x_all, cost_all, known, done_all, count_all)


def _damped_step(
    square: np.ndarray, slope: np.ndarray, prior: np.ndarray, damping: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """(T, P): Levenberg-Marquardt step of the free unknowns; the held ones stay."""
    diagonal = np.einsum("tpp->tp", square)  # a view
    diagonal += prior
    square *= free[:, :, None] & free[:, None, :]
    diagonal += np.where(free, damping[:, None] * diagonal + 1e-10, 1.0)
    step = np.linalg.solve(square, (slope * free)[..., None])[..., 0]
    # a turn of more than half a radian is beyond what one linearisation can promise
    return step * np.minimum(1.0, 0.5 / np.maximum(np.abs(step).max(axis=1), 1e-12))[:, None]
