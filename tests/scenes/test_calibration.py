"""A calibration file gives the cameras back; OpenCV, reading nothing else, finds the points where they are."""

import dataclasses
import tomllib

import cv2
import numpy as np
import pytest

from biomech.errors import DatasetError
from scenes.calibration import calibration_toml, read_calibration, write_calibration
from scenes.camera import CameraConfig, DistortionConfig, build_camera, draw_rig

BENT = CameraConfig(distortion=DistortionConfig(share=1.0))


def people(seed=0) -> np.ndarray:
    return np.random.default_rng(seed).uniform([-0.4, 0, -0.4], [0.4, 1.7, 0.4], (200, 3))


def rig(views=4):
    points = people()
    cameras = [build_camera(s) for s in draw_rig(BENT, np.random.default_rng(5), points, points, (640, 480), views)]
    cameras[0] = dataclasses.replace(cameras[0], distortion=(*cameras[0].distortion[:4], 1e-3))
    return cameras, points


def triangulated(path, pixels) -> np.ndarray:
    """What OpenCV makes of a file and (C, N, 2) px, in the file's world."""
    sections = [s for key, s in tomllib.loads(path.read_text()).items() if key != "metadata"]
    rows = []
    for section, seen in zip(sections, pixels, strict=True):
        pose = np.c_[cv2.Rodrigues(np.array(section["rotation"]))[0], section["translation"]]
        stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-14)
        matrix, bent = np.array(section["matrix"]), np.array(section["distortions"])
        straight = cv2.undistortImagePoints(seen[:, None], matrix, bent, None, stop)[:, 0]
        rays = (straight - matrix[:2, 2]) / matrix[[0, 1], [0, 1]]
        rows += [rays[:, :1] * pose[2] - pose[0], rays[:, 1:] * pose[2] - pose[1]]
    solution = np.linalg.svd(np.stack(rows, 1))[2][:, -1]
    return solution[:, :3] / solution[:, 3:]


@pytest.mark.parametrize("up", ["y", "z"])
def test_opencv_triangulates_the_projected_points(tmp_path, up):
    cameras, points = rig()
    write_calibration(tmp_path / "Calib.toml", cameras, up=up)
    found = triangulated(tmp_path / "Calib.toml", [camera.project(points) for camera in cameras])
    if up == "z":
        assert np.allclose(found[:, 2], points[:, 1], atol=1e-6)  # height
        found = found[:, [1, 2, 0]]  # what Pose2Sim does as it writes .trc
    assert np.abs(found - points).max() < 1e-6


@pytest.mark.parametrize("up", ["y", "z"])
def test_what_is_written_is_read(tmp_path, up):
    cameras, points = rig(3)
    write_calibration(tmp_path / "c.toml", cameras, ["left", "right", "top"], up)
    back = read_calibration(tmp_path / "c.toml", up)
    assert list(back) == ["left", "right", "top"]
    for ours, read in zip(cameras, back.values(), strict=True):
        assert (read.width, read.height, read.distortion) == (ours.width, ours.height, ours.distortion)
        assert np.array_equal(read.intrinsics, ours.intrinsics)
        assert np.abs(read.project(points) - ours.project(points)).max() < 1e-8
    assert calibration_toml(cameras, up=up) == calibration_toml(cameras, up=up)


def test_the_file_has_pose2sims_fields():
    data = tomllib.loads(calibration_toml(rig()[0]))
    assert list(data) == ["cam_01", "cam_02", "cam_03", "cam_04", "metadata"]
    for name in ("cam_01", "cam_04"):
        section = data[name]
        assert list(section) == [
            "name", "size", "matrix", "distortions", "rotation", "translation", "fisheye"
        ]  # fmt: skip
        assert section["name"] == name and section["size"] == [640.0, 480.0] and section["fisheye"] is False
    assert len(data["cam_01"]["distortions"]) == 5 and len(data["cam_02"]["distortions"]) == 4


@pytest.mark.parametrize(
    "names, words",
    [(["a", "b"], "4 cameras but 2 names"), (["a", "a", "b", "c"], "its own"), (["a b", "c", "d", "e"], "letters")],
)
def test_impossible_names_are_refused(names, words):
    with pytest.raises(DatasetError, match=words):
        calibration_toml(rig()[0], names)


@pytest.mark.parametrize(
    "change, words",
    [
        (("fisheye = false", "fisheye = true"), "fisheye lens"),
        (("rotation = [", "rotated = ["), "needs 'rotation' with 3"),
        (("matrix = [ [", "matrix = [ [ 1.0, "), "needs 'matrix' with 3 x 3"),
        (("distortions = [ ", "distortions = [ 0, 0, 0, 0, 0, "), "distortion coefficients"),
        (("[cam_01]", "[cam_01"), "cannot read"),
    ],
)
def test_broken_files_are_named(tmp_path, change, words):
    path = tmp_path / "bad.toml"
    path.write_text(calibration_toml(rig()[0]).replace(*change, 1))
    with pytest.raises(DatasetError, match=words):
        read_calibration(path)


def test_files_without_cameras_are_refused(tmp_path):
    (tmp_path / "empty.toml").write_text("[metadata]\nerror = 0.0\n")
    with pytest.raises(DatasetError, match="no camera"):
        read_calibration(tmp_path / "empty.toml")
    with pytest.raises(DatasetError, match="cannot read"):
        read_calibration(tmp_path / "none.toml")
