"""Calib.toml: calibrated cameras as Pose2Sim and other users of OpenCV read them, and back.

One section per camera: name, size (px), matrix, distortions (k1 k2 p1 p2, and k3 where it is not 0), rotation
(Rodrigues, rad), translation (m), fisheye = false. Rotation and translation take world points into the camera, whose
axes are OpenCV's: x right, y down, z forward.

The world is that of all labels, y up (x forward, z right). Pose2Sim takes its world to be z up and turns it as it
writes .trc files, (x, y, z) to (y, z, x); with up="z" the file's world is (z, x, y) of ours, and the .trc files come
out in our axes. A comment at the head of the file says which of the two it is.

Pixels are those of our labels: the top-left pixel covers [0, 1) x [0, 1), its centre is (0.5, 0.5). Detectors that put
it at (0, 0) are half a pixel off.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from biomech.errors import DatasetError
from scenes.renderer import Camera

_FILE_FROM_WORLD = {"y": np.eye(3), "z": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])}
_HEADS = {"y": "World: y up, x forward, z right; metres.", "z": "World: z up, y forward, x right; metres."}
_NO_CAMERA = ("metadata", "capture_volume", "charuco", "checkerboard")


def calibration_toml(cameras: Sequence[Camera], names: Sequence[str] | None = None, up: Literal["y", "z"] = "y") -> str:
    """The text of a calibration file; cameras without names are cam_01, cam_02, ...

    Raises:
        DatasetError: names are too few, not alike TOML's bare keys, or given twice.
    """
    names = [f"cam_{i + 1:02d}" for i in range(len(cameras))] if names is None else list(names)
    _check_names(names, len(cameras))
    lines = [f"# {_HEADS[up]} Camera: x right, y down, z forward; pixel centres at half-integers.", ""]
    for name, camera in zip(names, cameras, strict=True):
        rotation = camera.cam_from_world[:3, :3] @ _FILE_FROM_WORLD[up].T
        kept = camera.distortion if camera.distortion[4] else camera.distortion[:4]
        lines += [
            f"[{name}]",
            f'name = "{name}"',
            f"size = {_numbers((camera.width, camera.height))}",
            f"matrix = [ {', '.join(_numbers(row) for row in camera.intrinsics)} ]",
            f"distortions = {_numbers(kept)}",
            f"rotation = {_numbers(cv2.Rodrigues(rotation)[0].ravel())}",
            f"translation = {_numbers(camera.cam_from_world[:3, 3])}",
            "fisheye = false",
            "",
        ]
    return "\n".join([*lines, "[metadata]", "adjusted = false", "error = 0.0", ""])


def write_calibration(
    path: str | Path, cameras: Sequence[Camera], names: Sequence[str] | None = None, up: Literal["y", "z"] = "y"
) -> None:
    """Write `calibration_toml` to a file."""
    Path(path).write_text(calibration_toml(cameras, names, up), encoding="utf-8")


def read_calibration(path: str | Path, up: Literal["y", "z"] = "y") -> dict[str, Camera]:
    """Cameras of a calibration file by name, in its order and in our world.

    Raises:
        DatasetError: the file cannot be read, holds no camera, lacks a number or is of a fisheye lens.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DatasetError(f"cannot read the calibration {path}: {error}") from None
    found = {key: section for key, section in data.items() if isinstance(section, dict) and key not in _NO_CAMERA}
    if not found:
        raise DatasetError(
            f"{path} holds no camera; it needs a section such as [cam_01] with size, matrix, rotation ..."
        )
    cameras = {}
    for key, section in found.items():
        if section.get("fisheye"):
            raise DatasetError(f"{path}: camera '{key}' has a fisheye lens; only OpenCV's k1 k2 p1 p2 k3 are read here")
        width, height = _array(section, "size", (2,), path, key)
        matrix = _array(section, "matrix", (3, 3), path, key)
        turn, shift = (_array(section, name, (3,), path, key) for name in ("rotation", "translation"))
        bent = [float(v) for v in section.get("distortions", [])]
        if len(bent) > 5:
            raise DatasetError(
                f"{path}: camera '{key}' has {len(bent)} distortion coefficients; up to 5 are known here"
            )
        cam_from_world = np.eye(4)
        cam_from_world[:3, :3] = cv2.Rodrigues(turn)[0] @ _FILE_FROM_WORLD[up]
        cam_from_world[:3, 3] = shift
        cameras[key] = Camera(matrix, cam_from_world, int(width), int(height), (*bent, *[0.0] * (5 - len(bent))))
    return cameras


def _check_names(names: list[str], count: int) -> None:
    if len(names) != count:
        raise DatasetError(f"{count} cameras but {len(names)} names; give one name for each")
    wrong = [
        n for n in names if not n.replace("_", "").replace("-", "").isalnum() or not n.isascii() or n in _NO_CAMERA
    ]
    if wrong or len(set(names)) != len(names):
        raise DatasetError(f"camera names {names}: each must be its own, of letters, digits, - and _")


def _array(section: dict[str, Any], name: str, shape: tuple[int, ...], path: str | Path, key: str) -> np.ndarray:
    try:
        value = np.array(section[name], np.float64)
    except (KeyError, TypeError, ValueError):
        value = np.empty(0)
    if value.shape != shape or not np.isfinite(value).all():
        raise DatasetError(f"{path}: camera '{key}' needs '{name}' with {' x '.join(map(str, shape))} numbers")
    return value


def _numbers(values: Any) -> str:
    """Shortest text that reads back as the same float64."""
    return "[ " + ", ".join(repr(float(v)) for v in values) + " ]"
