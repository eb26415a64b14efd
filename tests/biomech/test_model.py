"""The default skeleton: proportions against published norms, and its text read back by OpenSim."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from biomech.anatomy import BODIES, COORDINATES, JOINTS, VERTEBRAE, body_index, read_table
from biomech.errors import ModelError
from biomech.geometry import geometry_from_frames, invert
from biomech.kinematics import points_in_world
from biomech.limits import load_limits
from biomech.model import build_model, default_geometry
from biomech.osim_xml import body_masses, euler_xyz, write_osim

STATURE = 1.75


@pytest.fixture(scope="module")
def geometry():
    return default_geometry(STATURE)


@pytest.fixture(scope="module")
def model(geometry):
    return build_model(geometry)


@pytest.fixture(scope="module")
def points(geometry):
    placed = points_in_world(geometry, geometry.neutral_frames()[None])[0]
    return dict(zip((landmark.name for landmark in geometry.landmarks), placed, strict=True))


def tilt(geometry, body):
    """Turn of a body about z in the neutral pose, degrees; positive leans back."""
    rotation = geometry.neutral_frames()[body_index(body), :3, :3]
    return np.rad2deg(np.arctan2(rotation[1, 0], rotation[0, 0]))


def norm(name):
    row = next(row for row in read_table("norms") if row["name"] == name)
    return float(row["lower"]), float(row["upper"])


def test_neutral_curvature_lies_in_the_norms(geometry):
    curves = {
        "lumbar_lordosis_L1_S1": tilt(geometry, "L1") - tilt(geometry, "sacrum"),
        "thoracic_kyphosis_T1_T12": tilt(geometry, "T12") - tilt(geometry, "T1"),
        "cervical_lordosis_C2_C7": tilt(geometry, "C2") - tilt(geometry, "C7"),
        "sacral_slope": -tilt(geometry, "sacrum"),
        "T1_slope": -tilt(geometry, "T1"),
    }
    for name, value in curves.items():
        lower, upper = norm(name)
        assert lower <= value <= upper, (name, value)


def test_pelvic_incidence_is_slope_plus_tilt(geometry, points):
    endplate = points["sacrum_S1"] - points["mid_hip"]
    pelvic_tilt = np.rad2deg(np.arctan2(-endplate[0], endplate[1]))
    lower, upper = norm("pelvic_incidence")
    assert lower <= pelvic_tilt - tilt(geometry, "sacrum") <= upper


def test_stature_is_the_stature(points):
    floor = points["sole_heel_r"][1]
    assert points["vertex"][1] - floor == pytest.approx(STATURE, abs=2e-3)
    assert points["sole_ball_r"][1] == pytest.approx(floor, abs=1e-3)
    assert points["heel_r"][0] < points["ankle_r"][0] < points["mtp_r"][0] < points["big_toe_r"][0]


def test_gaze_is_level_and_limbs_are_aligned(geometry):
    frames = geometry.neutral_frames()
    for body in ("skull", *(name for name in BODIES if name.endswith(("_r", "_l")))):
        np.testing.assert_allclose(frames[body_index(body), :3, :3], np.eye(3), atol=1e-12, err_msg=body)


def test_spinous_processes_lie_where_palpation_finds_them(points):
    """Share of the way from C7 to the PSIS (Ernst 2013), within four points."""
    c7, psis = points["C7_spinous"], 0.5 * (points["psis_r"] + points["psis_l"])
    along = (psis - c7) / np.sum((psis - c7) ** 2)
    for name, share in (("T4", 21.0), ("T7", 39.0), ("T10", 54.1), ("L1", 70.9), ("L4", 86.1)):
        assert 100.0 * (points[f"{name}_spinous"] - c7) @ along == pytest.approx(share, abs=4.0), name


def test_c7_stands_above_the_sacrum(geometry, points):
    """Sagittal vertical axis: C7 within 5 cm of the S1 endplate's posterior corner."""
    corner = points["sacrum_S1"][0] - 0.017 * np.cos(np.deg2rad(tilt(geometry, "sacrum")))
    assert abs(points["C7_centre"][0] - corner) < 0.05


def test_column_length_and_spacing(points):
    centres = np.array([points[f"{name}_centre"] for name in VERTEBRAE])
    steps = 1e3 * np.linalg.norm(np.diff(centres, axis=0), axis=1)
    assert (steps > 14.0).all() and (steps < 40.0).all()
    assert (np.diff(steps[:18]) < 2.5).all(), "spacing shrinks upwards through lumbar and thoracic levels"
    c7_to_s1 = steps[:17].sum() + 1e3 * np.linalg.norm(centres[0] - points["sacrum_S1"])
    assert 0.25 < 1e-3 * c7_to_s1 / STATURE < 0.30


def test_spinous_tips_lie_behind_their_centres(points):
    for name in VERTEBRAE:
        assert points[f"{name}_spinous"][0] < points[f"{name}_centre"][0] - 0.02, name


def test_left_mirrors_right(geometry):
    frames = geometry.neutral_frames()
    mirror = np.diag([1.0, 1.0, -1.0, 1.0])
    for body in BODIES:
        if body.endswith("_r"):
            left = frames[body_index(body[:-2] + "_l")]
            np.testing.assert_allclose(left, mirror @ frames[body_index(body)] @ mirror, atol=1e-12, err_msg=body)


def test_spine_joints_lie_in_the_discs(geometry):
    """Between the two vertebral centres, near the middle."""
    frames = geometry.neutral_frames()
    for lower, upper in zip(VERTEBRAE[:-1], VERTEBRAE[1:], strict=True):
        joint = frames[body_index(lower)] @ geometry.parent_from_joint[body_index(upper)]
        below, above = frames[body_index(lower), :3, 3], frames[body_index(upper), :3, 3]
        share = (joint[:3, 3] - below) @ (above - below) / np.sum((above - below) ** 2)
        assert 0.3 < share < 0.7, upper


def test_capsules_come_in_mirrored_pairs(geometry):
    capsules = {capsule.name: capsule for capsule in geometry.capsules}
    mirror = np.array([1.0, 1.0, -1.0])
    assert {"head", "thigh_r", "hand_l"} <= set(capsules)
    for name, capsule in capsules.items():
        assert capsule.radius > 0.0 and capsule.body in BODIES
        if name.endswith("_r"):
            left = capsules[name[:-2] + "_l"]
            np.testing.assert_array_equal(left.start, capsule.start * mirror)
            np.testing.assert_array_equal(left.end, capsule.end * mirror)


def test_hands_and_feet_keep_to_their_side(points):
    for name, point in points.items():
        if name.endswith(("_r", "_l")):
            assert (point[2] > 0) == name.endswith("_r"), name


def test_all_lengths_scale_with_stature(geometry):
    small = default_geometry(0.5 * STATURE)
    np.testing.assert_allclose(
        small.parent_from_joint[:, :3, 3], 0.5 * geometry.parent_from_joint[:, :3, 3], atol=1e-12
    )
    np.testing.assert_allclose(small.parent_from_joint[:, :3, :3], geometry.parent_from_joint[:, :3, :3], atol=1e-12)


def test_geometry_from_frames_gives_the_frames_back(geometry):
    frames = geometry.neutral_frames()
    centres = np.array([frame[:3, 3] for frame in frames @ geometry.body_from_joint])
    again = geometry_from_frames(frames, centres, stature=STATURE, mass=70.0)
    np.testing.assert_allclose(again.neutral_frames(), frames, atol=1e-12)
    np.testing.assert_allclose(again.parent_from_joint, geometry.parent_from_joint, atol=1e-12)


@pytest.mark.parametrize("stature", [175.0, 0.0, float("nan")])
def test_a_stature_in_the_wrong_unit_is_refused(stature):
    with pytest.raises(ModelError, match="not cm"):
        default_geometry(stature)


def test_broken_frames_are_refused(geometry):
    frames = geometry.neutral_frames()
    centres = frames[:, :3, 3].copy()
    make = lambda f, c: geometry_from_frames(f, c, stature=STATURE, mass=70.0)  # noqa: E731
    with pytest.raises(ModelError, match="order of anatomy.BODIES"):
        make(frames[:-1], centres)
    bad = frames.copy()
    bad[5, 0, 0] = np.nan
    with pytest.raises(ModelError, match="not finite"):
        make(bad, centres)
    bad = frames.copy()
    bad[5, :3, :3] *= 1.1
    with pytest.raises(ModelError, match="not rigid"):
        make(bad, centres)
    bad = frames.copy()
    bad[:, 0, 3] += 1.0
    with pytest.raises(ModelError, match="pelvis"):
        make(bad, centres)


def test_masses_are_positive_and_sum_up(geometry):
    masses = body_masses(geometry)
    assert (masses > 0).all()
    assert masses.sum() == pytest.approx(geometry.mass)
    assert 0.05 < masses[body_index("skull")] / geometry.mass < 0.08


def test_opensim_reads_what_was_written(model):
    osim = model.handle.model
    assert osim.getNumBodies() == len(BODIES)
    assert osim.getCoordinateSet().getSize() == len(COORDINATES)
    assert osim.getConstraintSet().getSize() == 0
    assert osim.getTotalMass(model.handle.state) == pytest.approx(model.geometry.mass)
    for i, name in enumerate(COORDINATES):
        coordinate = osim.getCoordinateSet().get(name)
        assert coordinate.getDefaultClamped(), name
        np.testing.assert_allclose(
            [coordinate.getRangeMin(), coordinate.getRangeMax()], model.hard[i], atol=1e-11, err_msg=name
        )
        assert coordinate.getMotionType() == (2 if name.startswith("pelvis_t") and name[-1] in "xyz" else 1), name


def test_opensim_places_markers_on_the_landmarks(model, points):
    markers, state = model.handle.model.getMarkerSet(), model.handle.state
    model.handle.state.setQ(model.handle.opensim.Vector(len(COORDINATES), 0.0))
    model.handle.model.realizePosition(state)
    assert markers.getSize() == len(points)
    for name, point in points.items():
        np.testing.assert_allclose(
            markers.get(name).getLocationInGround(state).to_numpy(), point, atol=1e-9, err_msg=name
        )


def test_text_and_digest_are_the_same_every_time(model, geometry, tmp_path):
    again = write_osim(default_geometry(STATURE), tmp_path / "a.osim", load_limits().hard)
    assert again == model.xml
    assert (tmp_path / "a.osim").read_bytes() == again.encode()
    assert build_model(default_geometry(STATURE)).digest == model.digest
    assert build_model(default_geometry(1.60)).digest != model.digest


def test_no_log_file_is_left_behind(tmp_path):
    """In a fresh process: the package opens its log once, at the first message."""
    code = (
        "from biomech.model import build_model, default_geometry, import_opensim\n"
        "build_model(default_geometry()).handle\n"
        "osim = import_opensim()\n"
        "osim.Logger.setLevelString('Info')\n"  # says so in the log
    )
    root = str(Path(str(files("biomech"))).parent)
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert list(tmp_path.iterdir()) == []


def test_ranges_of_the_wrong_shape_are_refused(geometry):
    with pytest.raises(ModelError, match="wanted"):
        write_osim(geometry, None, np.zeros((3, 2)))


@pytest.mark.parametrize("middle", [-0.5 * np.pi, -1.0, 0.0, 0.3, 0.5 * np.pi])
def test_euler_angles_give_the_rotation_back(middle):
    def about(axis, angle):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        r = np.eye(3)
        r[i, i] = r[j, j] = np.cos(angle)
        r[j, i], r[i, j] = np.sin(angle), -np.sin(angle)
        return r

    rotation = about(0, 0.7) @ about(1, middle) @ about(2, -2.0)
    a, b, c = euler_xyz(rotation)
    np.testing.assert_allclose(about(0, a) @ about(1, b) @ about(2, c), rotation, atol=1e-6)


def test_invert_is_the_inverse(geometry):
    frames = geometry.neutral_frames()
    np.testing.assert_allclose(invert(frames) @ frames, np.broadcast_to(np.eye(4), frames.shape), atol=1e-12)


def test_joints_carry_the_agreed_names():
    assert {joint.name for joint in JOINTS} >= {"ground_pelvis", "pelvis_sacrum", "L4_L5", "hip_r", "shoulder_l"}
