"""Any motion file on our skeleton, and what is said of files that cannot be used."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from bvh_text import bvh_text

from biomech.anatomy import COORDINATES, coordinate_index
from biomech.errors import ModelError, MotionError
from biomech.limits import load_limits
from biomech.motion import read_mot, write_mot
from biomech.motion_import import ImportOptions, import_motion, motion_files

TIMES = np.arange(60) / 60.0


@pytest.fixture(scope="session")
def captured() -> Path:
    """Folder of real recordings; skipped where there are none."""
    home = Path(os.environ.get("SYNTHGEN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (home / "motion").is_dir():
        pytest.skip(f"no recordings in {home / 'motion'}; set SYNTHGEN_TEST_DATA")
    return home / "motion"


@pytest.fixture()
def squat() -> np.ndarray:
    q = np.zeros((60, len(COORDINATES)))
    down = 0.5 - 0.5 * np.cos(2 * np.pi * TIMES)
    for side in "rl":
        q[:, coordinate_index(f"knee_angle_{side}")] = 1.6 * down
        q[:, coordinate_index(f"hip_flexion_{side}")] = 1.0 * down
        q[:, coordinate_index(f"ankle_angle_{side}")] = 0.5 * down
    q[:, coordinate_index("L4_L5_FE")] = -0.1 * down
    q[:, 4] = 0.9
    return q


def test_our_own_coordinates_come_back(tmp_path, squat):
    write_mot(tmp_path / "squat.mot", TIMES, COORDINATES, squat)
    found = import_motion(tmp_path / "squat.mot", None, ImportOptions(lowpass=0.0, hold_feet=False))
    assert found.kind == "angles" and found.motion.coordinates == COORDINATES and found.clamped == {}
    np.testing.assert_allclose(found.motion.q, squat, atol=1e-8)
    held = import_motion(tmp_path / "squat.mot", None, ImportOptions(lowpass=0.0))
    spine = slice(6, 81)
    np.testing.assert_allclose(held.motion.q[:, spine], squat[:, spine], atol=1e-8)
    assert held.contacts[0].all() and np.isnan(held.rms)


def test_state_paths_and_part_of_the_coordinates(tmp_path, squat):
    names = ("/jointset/knee_r/knee_angle_r/value", "/jointset/knee_r/knee_angle_r/speed", "/forceset/x/activation")
    knee = squat[:, coordinate_index("knee_angle_r")]
    table = np.stack([knee, np.gradient(knee) * 60, 0 * knee], axis=1)
    rows = ["\t".join(f"{v:.9g}" for v in (t, *row)) for t, row in zip(TIMES, table, strict=True)]
    text = "states\ninDegrees=no\nendheader\n" + "\t".join(("time", *names)) + "\n" + "\n".join(rows)
    (tmp_path / "a.sto").write_text(text)
    found = import_motion(tmp_path / "a.sto", None, ImportOptions(lowpass=0.0, hold_feet=False))
    np.testing.assert_allclose(found.motion.q[:, coordinate_index("knee_angle_r")], knee, atol=1e-7)
    assert any("112 coordinates are not in the file" in note for note in found.notes)


@pytest.mark.parametrize(("degrees", "said"), [(True, "no"), (False, "yes")])
def test_degrees_and_radians_mixed_up_are_found_out(tmp_path, squat, degrees, said):
    path = tmp_path / "a.mot"
    write_mot(path, TIMES, COORDINATES, squat, in_degrees=degrees)
    path.write_text(path.read_text().replace(f"inDegrees={'yes' if degrees else 'no'}", f"inDegrees={said}"))
    with pytest.raises(MotionError, match=f"says inDegrees={said}.*(radians|degrees)"):
        import_motion(path)
    angles = "degrees" if degrees else "radians"
    found = import_motion(path, None, ImportOptions(angles=angles, lowpass=0.0, hold_feet=False))
    np.testing.assert_allclose(found.motion.q, squat, atol=1e-7)


def test_standing_still_in_degrees_is_believed(tmp_path):
    q = np.zeros((60, len(COORDINATES)))
    q[:, coordinate_index("knee_angle_r")] = np.deg2rad(4.0 + np.sin(9 * TIMES))
    write_mot(tmp_path / "a.mot", TIMES, COORDINATES, q)
    np.testing.assert_allclose(read_mot(tmp_path / "a.mot").q, q, atol=1e-9)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.replace("knee_angle_r", "genu_r").replace("_FE", "_X").replace("_LB", "_Y").replace("_AR", "_Z"),
         "coordinates of another model.*--model"),
        (lambda t: "\n".join(t.splitlines()[:-5]), "announces 60 rows and holds 55"),
        (lambda t: t[: t.index("endheader") + 9] + "\ntime\tL4_L5_FE\n", "no frame"),
        (lambda t: t.replace("\n0.5\t", "\nnan\t"), "is nan"),
        (lambda t: t.replace("\n0.5\t", "\n0.1\t"), "does not increase"),
        (lambda t: "nothing of the kind", "endheader"),
        (lambda t: t.replace("L4_L5_FE", "L4_L5_LB"), "column L4_L5_LB stands there twice"),
        (lambda t: t[: t.index("\n0.5\t") + 40], "the file was cut off there"),
    ],
)  # fmt: skip
def test_a_bad_file_of_angles_is_one_sentence(tmp_path, squat, spoil, message):
    path = tmp_path / "a.mot"
    write_mot(path, TIMES, COORDINATES, squat)
    path.write_text(spoil(path.read_text()))
    with pytest.raises(MotionError, match=message):
        import_motion(path)


def test_a_motion_that_is_no_text(tmp_path):
    (tmp_path / "a.mot").write_bytes(bytes(range(256)))
    with pytest.raises(MotionError, match="holds no text"):
        import_motion(tmp_path / "a.mot")


def test_unknown_kinds_and_empty_folders(tmp_path):
    (tmp_path / "a.fbx").write_text("x")
    with pytest.raises(MotionError, match=r"a.fbx is no motion.*\.bvh"):
        import_motion(tmp_path / "a.fbx")
    with pytest.raises(MotionError, match="holds no motion"):
        motion_files(tmp_path)
    with pytest.raises(MotionError, match="no file or folder"):
        motion_files(tmp_path / "gone")


def test_a_hierarchy_walks_in_with_residuals(tmp_path):
    arms = {"LeftArm": (0, 0, -75), "RightArm": (0, 0, 75), "RightLeg": (30, 0, 0)}
    (tmp_path / "clip.bvh").write_text(bvh_text(arms, frames=40))
    found = import_motion(tmp_path / "clip.bvh")
    hard = load_limits().hard
    assert found.kind == "hierarchy" and found.rms < 0.02 and set(found.rms_by_target) >= {"tibia_r", "hand_l"}
    assert ((found.motion.q >= hard[:, 0] - 1e-9) & (found.motion.q <= hard[:, 1] + 1e-9)).all()
    assert found.contacts[:, 2:].all() and len(found.source_digest) == 64


@lru_cache(maxsize=2)
def gait(path: Path):
    return import_motion(path, None, ImportOptions(fps=15.0))


@pytest.mark.parametrize("name", ["walking5.c3d", "walk_free_01.trc"])
def test_gait_is_tracked_within_25_mm(captured, name):
    found = gait(captured / name)
    assert found.rms < 0.025 and max(found.rms_by_target.values()) < 0.04
    assert found.contacts.any(axis=1).mean() > 0.8 and found.clearance.max() == 0.0
    knee = np.rad2deg(found.motion.q[:, coordinate_index("knee_angle_r")])
    assert 45.0 < np.ptp(knee) < 85.0
    assert found.slide[1] < 0.006


@pytest.mark.parametrize("name", ["dab", "jumping", "jumping_jacks", "jesse_dance"])
def test_dances_keep_their_bones(captured, name):
    found = import_motion(captured / f"{name}.bvh", None, ImportOptions(fps=6.0))
    assert found.rms < 0.015 and found.clamped_share < 0.02
    assert not any("spine at its limits" in note and "deg" in note and name != "dab" for note in found.notes)


def test_lost_markers_at_the_ends_are_cut(captured):
    found = gait(captured / "walking5.c3d")
    assert any("left out" in note for note in found.notes) and any("hang" in note for note in found.notes)
    lean = np.rad2deg(found.motion.q[:, coordinate_index("pelvis_tilt")])
    assert np.ptp(lean) < 20.0


def test_a_wrong_vertical_axis_of_markers_is_refused(captured):
    with pytest.raises(ModelError, match="up"):
        import_motion(captured / "walk_free_01.trc", None, ImportOptions(up="x"))


def test_mirrored_markers_are_refused_and_turned_ones_put_upright(captured, tmp_path):
    lines = (captured / "walk_free_01.trc").read_text().splitlines()[:16]

    def altered(signs):
        rows = []
        for line in lines[5:]:
            words = line.rstrip().split("\t")
            cells = [f"{s * float(w):.3f}" if w else w for w, s in zip(words[2:], signs * 99, strict=False)]
            rows.append("\t".join(words[:2] + cells) + "\t" * (2 + 3 * 41 - len(words)))
        path = tmp_path / "turned.trc"
        path.write_text("\n".join(lines[:5] + [row for row in rows if row.strip()]) + "\n")
        return path

    for mirrored in ((1, -1, 1), (1, 1, -1), (-1, 1, 1)):
        with pytest.raises(ModelError, match="toes point backwards.*mirrored"):
            import_motion(altered(mirrored))
    found = import_motion(altered((1, -1, -1)))
    assert found.rms < 0.025 and any("-y points up" in note for note in found.notes)
