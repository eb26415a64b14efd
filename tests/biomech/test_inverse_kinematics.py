"""Inverse kinematics: known poses come back, limits hold, OpenSim agrees."""

import numpy as np
import pytest
from bench_ik import opensim_solve, point_positions, smooth_motion

from biomech.anatomy import BODIES, COORDINATES, SPINE_SLICE, VERTEBRAE, coordinate_index
from biomech.errors import ModelError
from biomech.geometry import default_geometry
from biomech.inverse_kinematics import Orientations, Points, joint_centres, solve
from biomech.inverse_start import pelvis_angles
from biomech.kinematic_tree import build_tree, pose_tree
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import load_limits
from biomech.marker_maps import load_map, place_points
from biomech.rhythm import distribute, regional_angles

GEOMETRY = default_geometry()
LIMITS = load_limits()
MARKERS = place_points(load_map("cmu").places, GEOMETRY)
MTP = [coordinate_index(f"mtp_angle_{side}") for side in "rl"]


def _motion(count: int = 40, seed: int = 0) -> np.ndarray:
    return smooth_motion(count, np.random.default_rng(seed), LIMITS)


def _with_vertebrae(points: Points) -> Points:
    """Three more markers on every vertebra, enough to see each level."""
    extra = [(body, at) for body in VERTEBRAE for at in ((0.0, 0.0, 0.0), (-0.05, 0.0, 0.0), (0.0, 0.0, 0.04))]
    return Points(
        points.names + tuple(f"{body}{at.index(min(at))}{sum(at):.2f}" for body, at in extra),
        points.bodies + tuple(body for body, _ in extra),
        np.concatenate([points.locations, np.array([at for _, at in extra])]),
        np.concatenate([points.weights, np.ones(len(extra))]),
    )


def test_tree_agrees_with_kinematics_and_its_twists_with_differences():
    q = np.random.default_rng(0).uniform(*np.clip(LIMITS.hard, -2.0, 2.0).T, (3, len(COORDINATES)))
    tree = build_tree(GEOMETRY, tuple(range(len(BODIES))))
    pose = pose_tree(tree, q)
    frames = forward_kinematics_numpy(GEOMETRY, q)
    np.testing.assert_allclose(pose.origin, frames[..., :3, 3], atol=1e-12)
    np.testing.assert_allclose(pose.rotation, frames[..., :3, :3], atol=1e-12)
    for c, column in enumerate(tree.coordinates):
        moved = q.copy()
        moved[:, column] += 1e-6
        speed = 1e6 * (forward_kinematics_numpy(GEOMETRY, moved)[..., :3, 3] - frames[..., :3, 3])
        axis, centre = pose.axis[:, None, c], pose.centre[:, None, c]
        by_twist = centre if tree.slides[c] >= 0 else np.cross(axis, pose.origin - centre)
        by_twist = np.where(tree.below[tree.owners[c]][None, :, None] > 0, by_twist, 0.0)
        np.testing.assert_allclose(by_twist, speed, atol=1e-5, err_msg=COORDINATES[column])


def test_known_motion_comes_back():
    truth = _motion()
    result = solve(GEOMETRY, point_positions(GEOMETRY, MARKERS, truth), MARKERS, LIMITS, error=1e-4)
    assert result.converged.all() and result.rms.max() < 1e-4
    difference = np.rad2deg(np.abs(result.q - truth))
    assert np.median(difference) < 0.01
    np.testing.assert_array_less(np.delete(np.median(difference, axis=0), MTP), 0.6)


def test_a_somersault_with_a_turn_comes_back():
    truth = _motion(60)
    truth[:, 0] = np.linspace(0.0, -2.0 * np.pi, 60)
    truth[:, 2] = np.linspace(0.0, 2.5 * np.pi, 60)
    result = solve(GEOMETRY, point_positions(GEOMETRY, MARKERS, truth), MARKERS, LIMITS, error=1e-4)
    assert result.rms.max() < 1e-4
    assert np.ptp(np.diff(result.q[:, :3], axis=0)) < 0.5  # continuous through whole turns


def test_each_level_is_found_when_markers_show_it():
    truth = _motion(8)
    truth[:, SPINE_SLICE] += np.deg2rad(0.5) * np.random.default_rng(1).standard_normal((8, 75))
    truth[:, SPINE_SLICE] = np.clip(truth[:, SPINE_SLICE], *LIMITS.hard[SPINE_SLICE].T)
    points = _with_vertebrae(MARKERS)
    result = solve(GEOMETRY, point_positions(GEOMETRY, points, truth), points, LIMITS, spine="levels", error=1e-4)
    assert np.rad2deg(np.abs(result.q - truth)[:, SPINE_SLICE]).max() < 0.05


def test_what_is_beyond_the_limits_is_held_there():
    truth = np.zeros((1, len(COORDINATES)))
    truth[0, coordinate_index("knee_angle_r")] = LIMITS.hard[coordinate_index("knee_angle_r"), 1] + 0.3
    truth[0, SPINE_SLICE] = 1.6 * distribute(np.array([-1.0, 0, 0, -0.4, 0, 0, 0, 0, 0]), LIMITS, coupling=False)
    result = solve(GEOMETRY, point_positions(GEOMETRY, MARKERS, truth), MARKERS, LIMITS)
    inside = slice(6, None)
    assert (result.q[:, inside] >= LIMITS.hard[inside, 0] - 1e-9).all()
    assert (result.q[:, inside] <= LIMITS.hard[inside, 1] + 1e-9).all()
    held = {name for name, stuck in zip(result.unknowns, result.at_limit[0], strict=True) if stuck}
    assert {"knee_angle_r", "lumbar_FE"} <= held
    assert regional_angles(result.q[:, SPINE_SLICE])[0, 0] == pytest.approx(LIMITS.regional_hard[0, 0])


def test_missing_markers_and_what_no_marker_shows():
    truth = _motion(12)
    targets = point_positions(GEOMETRY, MARKERS, truth)
    on_hand = np.array([body.startswith("hand") for body in MARKERS.bodies])
    targets[:, on_hand] = np.nan
    targets[3:6, 0] = np.nan
    result = solve(GEOMETRY, targets, MARKERS, LIMITS)
    assert np.isfinite(result.q).all()
    assert np.isnan(result.residuals[:, on_hand]).all() and np.isnan(result.residuals[3:6, 0]).all()
    flexion = result.unknowns.index("wrist_flex_r")
    knee = result.unknowns.index("knee_angle_r")
    assert not result.determined[:, flexion].any() and result.determined[:, knee].all()
    np.testing.assert_allclose(result.q[:, coordinate_index("wrist_flex_r")], 0.0, atol=1e-3)


def test_joint_centres_and_orientations():
    truth = _motion(20)
    bodies = ("pelvis", "femur_r", "femur_l", "tibia_r", "tibia_l", "talus_r", "talus_l", "T6", "T1", "skull")
    frames = forward_kinematics_numpy(GEOMETRY, truth, ("pelvis", "skull"))
    turned = Orientations(("pelvis", "skull"), np.array([0.05, 0.05]), frames[..., :3, :3])
    points = joint_centres(bodies)
    targets = point_positions(GEOMETRY, points, truth)
    result = solve(GEOMETRY, targets, points, LIMITS, orientations=turned, error=1e-4)
    found = forward_kinematics_numpy(GEOMETRY, result.q, ("pelvis", "skull"))
    assert result.residuals.max() < 2e-3
    assert np.abs(found[..., :3, :3] - frames[..., :3, :3]).max() < 5e-3


def test_locked_coordinates_keep_their_start():
    truth = _motion(6)
    start = np.zeros(len(COORDINATES))
    start[coordinate_index("knee_angle_l")] = 0.7
    targets = point_positions(GEOMETRY, MARKERS, truth)
    result = solve(GEOMETRY, targets, MARKERS, LIMITS, start=start, locked=("knee_angle_l", "lumbar_AR"))
    assert "knee_angle_l" not in result.unknowns and "lumbar_AR" not in result.unknowns
    np.testing.assert_allclose(result.q[:, coordinate_index("knee_angle_l")], 0.7)


def test_pelvis_angles_invert_the_joint():
    q = np.zeros((5, len(COORDINATES)))
    q[:, :3] = np.random.default_rng(3).uniform(-1.4, 1.4, (5, 3))
    rotation = forward_kinematics_numpy(GEOMETRY, q, ("pelvis",))[:, 0, :3, :3]
    np.testing.assert_allclose(pelvis_angles(rotation), q[:, :3], atol=1e-12)


def test_opensim_agrees_on_every_level():
    """Same model, markers and limits. The stock solver stops short of the minimum, so ours must also fit better."""
    pytest.importorskip("opensim")
    truth = _motion(5, seed=4)
    points = _with_vertebrae(MARKERS)
    targets = point_positions(GEOMETRY, points, truth)
    ours = solve(GEOMETRY, targets, points, LIMITS, spine="levels", error=1e-4)
    theirs, _ = opensim_solve(GEOMETRY, targets, points, LIMITS)
    shown = np.array([name in ours.unknowns for name in COORDINATES], dtype=bool)
    shown[MTP] = False  # one marker on the toes does not show their angle
    assert shown.sum() > 105
    assert np.median(np.rad2deg(np.abs(ours.q - theirs))[:, shown]) < 0.5
    misfit = np.linalg.norm(point_positions(GEOMETRY, points, theirs) - targets, axis=-1)
    assert (ours.residuals**2).sum() < (misfit**2).sum()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t, p: (t[:, :-1], p), "wanted"),
        (lambda t, p: (np.full_like(t, np.nan), p), "three targets"),
        (lambda t, p: (t, Points(p.names, ("tail", *p.bodies[1:]), p.locations, p.weights)), "tail"),
        (lambda t, p: (t, Points(p.names, p.bodies, p.locations, -p.weights)), "negative"),
    ],
)
def test_bad_targets(change, words):
    targets, points = change(point_positions(GEOMETRY, MARKERS, _motion(2)), MARKERS)
    with pytest.raises(ModelError, match=words):
        solve(GEOMETRY, targets, points, LIMITS)


def test_bad_options():
    targets = point_positions(GEOMETRY, MARKERS, _motion(2))
    with pytest.raises(ModelError, match="regions, levels"):
        solve(GEOMETRY, targets, MARKERS, LIMITS, spine="ribs")
    with pytest.raises(ModelError, match="hip_bend"):
        solve(GEOMETRY, targets, MARKERS, LIMITS, locked=("hip_bend",))
    with pytest.raises(ModelError, match="start of shape"):
        solve(GEOMETRY, targets, MARKERS, LIMITS, start=np.zeros(4))
