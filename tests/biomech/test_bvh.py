"""Reading .bvh files and putting them on our skeleton."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from bvh_text import bvh_text

from biomech.anatomy import COORDINATES, coordinate_index
from biomech.bvh import joint_frames, read_bvh
from biomech.bvh_axes import file_up_axis, world_from_up
from biomech.bvh_maps import NEEDED, find_roles, known_maps, load_map
from biomech.bvh_retarget import _steady, retarget_bvh
from biomech.errors import MotionError
from biomech.inverse_kinematics import IkResult
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import load_limits


@pytest.fixture()
def write(tmp_path):
    def put(text: str):
        path = tmp_path / "clip.bvh"
        path.write_text(text)
        return path

    return put


def angle(found, name: str) -> float:
    return float(np.rad2deg(found.q[:, coordinate_index(name)]).mean())


def test_joints_stand_where_the_channels_put_them(write):
    for order in ("ZXY", "XYZ", "YZX"):
        bvh = read_bvh(write(bvh_text({"LeftArm": (0, 0, 90)}, order=order)))
        _, positions = joint_frames(bvh)
        hand = positions[0, bvh.names.index("LeftHand")]
        # the arm that points along x is turned a quarter about z: it points up
        np.testing.assert_allclose(hand, [18, 91 + 10 + 12 + 14 + 12 + 28 + 26, 0], atol=1e-4)


def test_channel_order_is_the_order_of_the_turns(write):
    turns = {"LeftArm": (90, 0, 90)}
    hands = []
    for order in ("ZXY", "XZY"):
        bvh = read_bvh(write(bvh_text(turns, order=order)))
        hands.append(joint_frames(bvh)[1][0, bvh.names.index("LeftHand")] - [18, 139, 0])
    np.testing.assert_allclose(hands[0], [0, 54, 0], atol=1e-4)
    np.testing.assert_allclose(hands[1], [0, 0, 54], atol=1e-4)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: "not a skeleton", "HIERARCHY"),
        (lambda t: t[: t.index("MOTION")], "no MOTION"),
        (lambda t: "\n".join(t.splitlines()[:-1]), "announces 3 frames and holds 2"),
        (lambda t: t[:-30], "wanted 63 numbers"),
        (lambda t: t.replace("91.000000", "nan", 1), "not finite"),
        (lambda t: t.replace("Xposition", "Xposture", 1), "unknown channels xposture"),
        (lambda t: t[: t.index("JOINT Neck")] + "MOTION" + t.split("MOTION")[1], "not closed"),
        (lambda t: t.replace("Frames: 3", "Frames: many"), "Frames:"),
        (lambda t: t.replace("RightFoot", "LeftFoot"), "stands twice"),
    ],
)
def test_a_bad_file_is_one_sentence(write, spoil, message):
    with pytest.raises(MotionError, match=message):
        read_bvh(write(spoil(bvh_text())))


def test_unknown_joints_are_named(write):
    path = write(bvh_text(rename={"LeftLeg": "Unterschenkel_links", "Head": "Kopf"}))
    with pytest.raises(MotionError, match=r"head, knee_l.*Unterschenkel_links"):
        retarget_bvh(path, load_limits())


def test_a_map_of_ones_own(write, tmp_path):
    path = write(bvh_text(rename={"LeftLeg": "Unterschenkel_links"}))
    lines = [f"  {role}: [{joint}]" for role, joint in find_roles(read_bvh(write(bvh_text())).names)[1].items()]
    text = "name: mine\njoints:\n" + "\n".join(lines).replace("[LeftLeg]", "[Unterschenkel_links]")
    (tmp_path / "mine.yaml").write_text(text)
    write(bvh_text(rename={"LeftLeg": "Unterschenkel_links"}))
    found = retarget_bvh(path, load_limits(), mapping=load_map(tmp_path / "mine.yaml"))
    assert abs(angle(found, "knee_angle_l")) < 2.0
    (tmp_path / "mine.yaml").write_text(text.replace("knee_l", "nee_l"))
    with pytest.raises(MotionError, match="did you mean 'knee_l'"):
        load_map(tmp_path / "mine.yaml")


def test_shipped_maps_have_every_needed_role():
    for family in known_maps():
        assert set(NEEDED) <= set(family.joints), family.name


@pytest.mark.parametrize("z_up", [False, True])
def test_a_bent_knee_is_a_bent_knee(write, z_up):
    # facing z: a shank that goes back turns about +x
    turns = {"RightLeg": (60, 0, 0), "LeftArm": (0, 0, -70), "RightArm": (0, 0, 70)}
    found = retarget_bvh(write(bvh_text(turns, z_up=z_up)), load_limits(), lowpass=0.0)
    assert angle(found, "knee_angle_r") == pytest.approx(60.0, abs=1.5)
    assert abs(angle(found, "knee_angle_l")) < 1.5
    assert angle(found, "shoulder_elv_r") == pytest.approx(20.0, abs=5.0)  # the girdle takes a little
    assert abs(angle(found, "pelvis_tilt")) < 1.0 and abs(angle(found, "L4_L5_FE")) < 0.5
    assert any("z up" in note if z_up else "y up" in note for note in found.notes)


def test_bending_the_spine_bends_the_column_forward(write):
    found = retarget_bvh(write(bvh_text({"Spine": (30, 0, 0), "Spine1": (20, 0, 0)})), load_limits(), lowpass=0.0)
    lumbar = np.rad2deg(found.trunk.regions[:, 0]).mean()
    thoracic = np.rad2deg(found.trunk.regions[:, 3]).mean()
    assert lumbar < -25.0 and thoracic < -5.0
    assert np.rad2deg(found.trunk.thorax_error).max() < 1.0


@pytest.mark.parametrize(("scale", "unit"), [(1.0, "cm"), (0.01, "m"), (1 / 2.54, "inch"), (10.0, "mm")])
def test_the_unit_is_guessed_by_stature(write, scale, unit):
    found = retarget_bvh(write(bvh_text(scale=scale)), load_limits())
    assert any(note.startswith(f"unit {unit}") for note in found.notes)
    assert 1.6 < found.geometry.stature < 1.9


def test_swapped_sides_are_refused(write):
    swap = {f"{a}{part}": f"{b}{part}" for a, b in (("Left", "Right"), ("Right", "Left"))
            for part in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase")}  # fmt: skip
    with pytest.raises(MotionError, match="left and right are swapped"):
        retarget_bvh(write(bvh_text(rename=swap)), load_limits())


def test_a_wrong_up_axis_is_refused_or_corrected(write):
    with pytest.raises(MotionError, match="up axis 'w'"):
        retarget_bvh(write(bvh_text()), load_limits(), up="w")
    lying = write(bvh_text({"Hips": (-90, 0, 0)}))  # on the back: the rest pose still says y
    found = retarget_bvh(lying, load_limits(), lowpass=0.0)
    pelvis = forward_kinematics_numpy(found.geometry, found.q, ("pelvis",))[:, 0, :3, :3]
    np.testing.assert_allclose(pelvis[:, 1, 0], 1.0, atol=0.01)  # the belly faces up


def test_a_given_up_axis_on_which_nobody_stands_is_refused(write):
    for up in ("z", "-y"):
        with pytest.raises(MotionError, match=f"up axis {up} given, but the skeleton stands along y.*--up y"):
            retarget_bvh(write(bvh_text()), load_limits(), up=up)
    moved = write(bvh_text({"Hips": (90, 0, 0)}))  # rest pose along y, recorded standing along z
    assert "z up" in retarget_bvh(moved, load_limits(), up="z").notes[0]


def test_a_skeleton_that_stands_nowhere_needs_the_axis():
    positions = np.zeros((4, 4, 3))
    positions[:, 0] = [1.0, 1.0, 1.0]  # head over feet along no axis
    roles = {"head": 0, "ankle_r": 1, "ankle_l": 2}
    with pytest.raises(MotionError, match="--up"):
        file_up_axis(positions, roles, None)
    positions[:, 0] = [0.1, -1.0, 0.1]
    assert file_up_axis(positions, roles, None) == "-y"
    np.testing.assert_allclose(world_from_up("-y") @ [0.0, -1.0, 0.0], [0.0, 1.0, 0.0])
    assert all(np.linalg.det(world_from_up(up)) == pytest.approx(1.0) for up in ("x", "y", "z", "-x", "-y", "-z"))


@pytest.mark.parametrize("better", [True, False])
def test_a_frame_that_strays_is_searched_again(better):
    column = coordinate_index("hip_flexion_r")
    q = np.zeros((30, len(COORDINATES)))
    q[:, column] = np.linspace(0.0, 1.0, 30)
    smooth = q.copy()
    q[12, column] = -0.6  # another solution
    asked = []

    def result(values: np.ndarray, error: float) -> IkResult:
        n = len(values)
        given = {"q": values, "residuals": np.full((n, 2), error), "names": ("a", "b"), "unknowns": ()}
        others = [f.name for f in fields(IkResult) if f.name not in given]
        return IkResult(**given, **{name: np.ones((n, 0) if name == "at_limit" else n) for name in others})

    def run(frames: np.ndarray, begin: np.ndarray) -> IkResult:
        asked.extend(frames.tolist())
        return result(begin, 0.01 if better else 0.03)

    found = _steady(result(q, 0.02), run)
    assert asked == [12]
    np.testing.assert_allclose(found.q, smooth if better else q, atol=1e-9)
