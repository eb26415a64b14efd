"""Multi-view truth without labels: does the spine that a checkpoint sees in four calibrated views agree in space?

    python scripts/multiview_check.py [--weights FILE] [--out FOLDER] [--demo FOLDER] [--every N] [--flip] [--smooth]

Uses the single-person demo of the PyPI package pose2sim 0.10.49 (BSD-3-Clause: four synchronised videos of one person
with a bare back, and their calibration), fetched by pip into the cache folder and never stored here. In each view the
largest tracked person is taken; the points of all four views are triangulated, none left out. Prints

- the median reprojection error of the nine spine points (and of the limbs) over the person's height in the picture;
- the coefficient of variation over time of the eight distances between neighbours of the nine points.

Without --smooth each frame stands alone.

Both are printed twice: with the calibration as it comes, and with each camera's principal point moved until the points
that are *not* measured (the 28 beside the spine: face, limbs, feet) agree best. As it comes, all points of a view, from
nose to heel, miss in one direction by the same 6 to 15 px, whatever the checkpoint: that is the calibration's error and
it would hide the model's. The shift takes nothing from the spine points.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
from demo_videos import POSE2SIM, fetch

from biomech.errors import DatasetError, SynthgenError
from synthgen.keypoints import SPINE_IDS, spinetrack
from synthgen.spinepose.detect import Detector
from synthgen.spinepose.draw import draw
from synthgen.spinepose.estimator import Estimator, Pose, box_of
from synthgen.spinepose.predict import Options, VideoPredictor
from synthgen.spinepose.smooth import OneEuro

DEMO = "Pose2Sim/Demo_SinglePerson/"
LIMBS = (7, 8, 9, 10, 13, 14, 15, 16)
OTHERS = tuple(i for i in range(len(spinetrack().names)) if i not in SPINE_IDS)
_ROUNDS, _EVERY = 20, 4  # of the alignment: rounds, and every which frame it looks at
_SUBPIXEL = 64  # Qualisys writes intrinsics in 1/64 px
_TILE = 480  # px, height of a view in an overlay


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A calibrated camera, OpenCV convention, metres.

    Attributes:
        name: of the camera. matrix: (3, 3) intrinsics. distortion: (4,) k1 k2 p1 p2.
        rotation: (3, 3) and translation (3,): camera from world.
    """

    name: str
    matrix: np.ndarray
    distortion: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) m -> (N, 2) px, distorted as the lens does."""
        turn = cv2.Rodrigues(self.rotation)[0]
        pixels, _ = cv2.projectPoints(points, turn, self.translation, self.matrix, self.distortion)
        return pixels[:, 0]

    def depth(self, points: np.ndarray) -> np.ndarray:
        """(N,) m in front of the camera."""
        return points @ self.rotation[2] + self.translation[2]


def fetch_demo(folder: Path | None) -> Path:
    """The unpacked demo: `folder`, or the cache, filled by pip at the first run."""
    if folder is not None:
        if not (folder / "calibration").is_dir():
            raise DatasetError(f"{folder} is not pose2sim's Demo_SinglePerson: it has no folder 'calibration'")
        return folder
    return fetch(POSE2SIM, (DEMO + "videos/", DEMO + "calibration/Calib")) / DEMO


def read_views(path: Path) -> list[View]:
    """Cameras of a Qualisys calibration file, in its order."""
    views = []
    for camera in ElementTree.parse(path).getroot().iter("camera"):
        inner, outer, frame = (camera.find(tag) for tag in ("intrinsic", "transform", "fov_video"))
        k = {n: float(v) for n, v in inner.attrib.items() if n != "model"}
        left, top = float(frame.get("left")), float(frame.get("top"))
        matrix = np.array(
            [
                [k["focalLengthU"] / _SUBPIXEL, 0, k["centerPointU"] / _SUBPIXEL - left],
                [0, k["focalLengthV"] / _SUBPIXEL, k["centerPointV"] / _SUBPIXEL - top],
                [0, 0, 1],
            ]
        )
        names = ("radialDistortion1", "radialDistortion2", "tangentalDistortion1", "tangentalDistortion2")
        # Rows of the file's rotation are the camera's axes, y up and z backwards; the position is in mm.
        axes = np.array([[float(outer.get(f"r{i}{j}")) for j in (1, 2, 3)] for i in (1, 2, 3)])
        rotation = np.diag([1.0, -1.0, -1.0]) @ axes
        position = np.array([float(outer.get(a)) for a in "xyz"]) / 1000
        distortion = np.array([k[n] for n in names])
        views.append(View(camera.get("serial"), matrix, distortion, rotation, -rotation @ position))
    return views


def watch(video: Path, estimator: Estimator, detector: Detector, smooth: bool, every: int) -> list[Pose | None]:
    """The largest person of a video, frame by frame; None where lost."""
    capture = cv2.VideoCapture(str(video))
    rate = capture.get(cv2.CAP_PROP_FPS) or 60.0
    predictor = VideoPredictor(estimator, detector, Options(smooth=OneEuro() if smooth else None))
    frames, number = [], 0
    while True:
        good, image = capture.read()
        if not good:
            break
        if number % every == 0:
            frames.append(predictor(image, number / rate))
        number += 1
    capture.release()
    sizes: dict[int, float] = {}
    for pose in (p for poses in frames for p in poses):
        sizes[pose.track] = sizes.get(pose.track, 0.0) + float(np.prod(box_of(pose)[2:])) ** 0.5
    if not sizes:
        raise DatasetError(f"nobody was found in {video}")
    main = max(sizes, key=lambda track: sizes[track])
    return [next((p for p in poses if p.track == main), None) for poses in frames]


def triangulate(views: list[View], pixels: np.ndarray, rounds: int = 4) -> np.ndarray:
    """(C, N, 2) px -> (N, 3) m: linear in undistorted rays, then Gauss-Newton on the squared reprojection error."""
    rays = [cv2.undistortPoints(p[:, None], v.matrix, v.distortion)[:, 0] for v, p in zip(views, pixels, strict=True)]
    points = np.empty((pixels.shape[1], 3))
    for n in range(len(points)):
        rows = []
        for view, ray in zip(views, rays, strict=True):
            pose = np.c_[view.rotation, view.translation]
            rows += [ray[n, 0] * pose[2] - pose[0], ray[n, 1] * pose[2] - pose[1]]
        solution = np.linalg.svd(np.array(rows))[2][-1]
        points[n] = solution[:3] / solution[3]
    for _ in range(rounds):
        for n in range(len(points)):
            rows, misses = [], []
            for view, seen in zip(views, pixels[:, n], strict=True):
                turn = cv2.Rodrigues(view.rotation)[0]
                at, slopes = cv2.projectPoints(points[n][None], turn, view.translation, view.matrix, view.distortion)
                rows.append(slopes[:, 3:6] @ view.rotation)  # by the translation, hence by the point
                misses.append(seen - at[0, 0])
            points[n] += np.linalg.lstsq(np.concatenate(rows), np.concatenate(misses), rcond=None)[0]
    return points


def seen_by_all(tracks: list[list[Pose | None]]) -> list[tuple[Pose, ...]]:
    """The frames in which every view has the person."""
    whole = [poses for poses in zip(*tracks, strict=True) if all(p is not None for p in poses)]
    if len(whole) < 2:
        raise DatasetError("the person was not seen by all cameras at once in two frames; try another checkpoint")
    return whole


def aligned(views: list[View], tracks: list[list[Pose | None]]) -> list[View]:
    """The views with principal points at which the points beside the spine agree best.

    Each round triangulates them and moves every camera by its median miss; medians bear swapped legs.
    """
    ids = list(OTHERS)
    frames = [np.stack([p.points[ids] for p in poses]) for poses in seen_by_all(tracks)[::_EVERY]]
    for _ in range(_ROUNDS):
        points = [triangulate(views, pixels, rounds=2) for pixels in frames]
        misses = np.array([p - np.stack([v.project(x) for v in views]) for p, x in zip(frames, points, strict=True)])
        moved = []
        for view, shift in zip(views, np.median(misses, (0, 2)), strict=True):
            matrix = view.matrix.copy()
            matrix[:2, 2] += shift
            moved.append(replace(view, matrix=matrix))
        views = moved
    return views


def measure(views: list[View], tracks: list[list[Pose | None]]) -> dict:
    """Everything the check reports, over the frames in which all views see the person."""
    whole = seen_by_all(tracks)
    space, errors = [], []
    for poses in whole:
        pixels = np.stack([p.points for p in poses])
        points = triangulate(views, pixels)
        back = np.stack([v.project(points) for v in views])
        heights = np.array([box_of(p)[3] for p in poses])
        space.append(points)
        errors.append(np.linalg.norm(back - pixels, axis=-1) / heights[:, None])
    space, errors = np.array(space), np.array(errors)  # (T, K, 3), (T, C, K)
    chain = space[:, list(SPINE_IDS)]
    lengths = np.linalg.norm(np.diff(chain, axis=1), axis=-1)  # (T, 8)
    return {
        "frames": len(whole),
        "of": len(tracks[0]),
        "space": space,
        "spine": float(np.median(errors[:, :, list(SPINE_IDS)])),
        "limbs": float(np.median(errors[:, :, list(LIMBS)])),
        "per_point": np.median(errors[:, :, list(SPINE_IDS)], (0, 1)),
        "per_view": np.median(errors[:, :, list(SPINE_IDS)], (0, 2)),
        "lengths": lengths.mean(0),
        "variation": lengths.std(0) / lengths.mean(0),
        "whole": float(lengths.sum(1).std() / lengths.sum(1).mean()),
    }


def report(result: dict) -> str:
    """The figures as text."""
    names = [spinetrack().names[i] for i in SPINE_IDS]
    lines = [
        f"frames {result['frames']} of {result['of']} seen in all views",
        f"spine: median reprojection error {result['spine']:.4f} of the person's height (goal .009, prototype .013)",
        f"limbs: median reprojection error {result['limbs']:.4f}",
        "per view: " + " ".join(f"{e:.4f}" for e in result["per_view"]),
        "per point: " + " ".join(f"{n} {e:.4f}" for n, e in zip(names, result["per_point"], strict=True)),
    ]
    for n, (length, spread) in enumerate(zip(result["lengths"], result["variation"], strict=True)):
        lines.append(
            f"{names[n]:>8} - {names[n + 1]:<8} {1000 * length:5.0f} mm, coefficient of variation {spread:.3f}"
        )
    lines.append(f"whole chain: coefficient of variation {result['whole']:.3f} (goal .04 for each segment)")
    return "\n".join(lines)


def overlays(demo: Path, views: list[View], tracks: list[list[Pose | None]], every: int, out: Path) -> None:
    """One sheet per frame: the four views cut about the person, predicted skeletons and their column."""
    out.mkdir(parents=True, exist_ok=True)
    captures = [cv2.VideoCapture(str(demo / "videos" / f"{v.name}.mp4")) for v in views]
    for number in range(len(tracks[0])):
        tiles = []
        for capture, track in zip(captures, tracks, strict=True):
            for _ in range(every if number else 1):
                good, image = capture.read()
            if not good:
                return
            pose = track[number]
            if pose is None:
                tiles.append(cv2.resize(image, (_TILE * image.shape[1] // image.shape[0], _TILE)))
                continue
            x, y, w, h = box_of(pose)
            half = 0.55 * max(w, h)
            zoom = _TILE / (2 * half)
            matrix = np.array([[zoom, 0, (half - x - w / 2) * zoom], [0, zoom, (half - y - h / 2) * zoom]])
            drawn = draw(image, [pose], 0.3)
            tiles.append(cv2.warpAffine(drawn, matrix, (_TILE, _TILE), flags=cv2.INTER_AREA))
        cv2.imwrite(str(out / f"frame_{number:03d}.png"), np.hstack(tiles))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help=".pt or .onnx; default: the checkpoint that ships")
    parser.add_argument("--out", type=Path, help="folder for overlays, one sheet per frame")
    parser.add_argument("--demo", type=Path, help="unpacked Demo_SinglePerson; default: fetched by pip")
    parser.add_argument("--every", type=int, default=1, help="use every Nth frame")
    parser.add_argument("--flip", action="store_true", help="average with the mirrored picture")
    parser.add_argument("--smooth", action="store_true", help="one-euro filter in each view")
    options = parser.parse_args()
    try:
        demo = fetch_demo(options.demo)
        views = read_views(next((demo / "calibration").glob("Calib*.txt")))
        estimator, detector = Estimator(options.weights, flip=options.flip), Detector()
        tracks = [
            watch(demo / "videos" / f"{v.name}.mp4", estimator, detector, options.smooth, max(1, options.every))
            for v in views
        ]
        print("calibration as it comes", report(measure(views, tracks)), sep="\n")
        better = aligned(views, tracks)
        shifts = [b.matrix[:2, 2] - v.matrix[:2, 2] for b, v in zip(better, views, strict=True)]
        print("\ncameras moved by " + ", ".join(f"{x:+.1f} {y:+.1f}" for x, y in shifts) + " px")
        print(report(measure(better, tracks)))
        if options.out is not None:
            overlays(demo, views, tracks, max(1, options.every), options.out)
    except SynthgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
