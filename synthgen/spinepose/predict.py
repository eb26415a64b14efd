"""From a photograph, a video, a folder or a camera to keypoints, files and overlays."""

import contextlib
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from biomech.errors import ConfigError, DatasetError
from synthgen.shards import write_atomic
from synthgen.spinepose.detect import LEVELS, Detector
from synthgen.spinepose.draw import SHOWN, draw
from synthgen.spinepose.estimator import SEEN, Estimator, Pose, box_of
from synthgen.spinepose.results import CocoFile, write_openpose
from synthgen.spinepose.smooth import OneEuro, Smoother
from synthgen.spinepose.track import Tracker, distinct, overlap

PHOTOS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
PERSON = 0.3  # least score of a person found by the detector
EVERY = 20  # frames between two looks for newcomers


@dataclass(frozen=True, slots=True)
class Options:
    """How to predict and what to write.

    Attributes:
        person: least score of a person; boxes that were given are always kept.
        shown: least score of a keypoint that is drawn.
        spine_only: draw only the column.
        smooth: the filter for videos, or None.
        every: frames between two runs of the detector in a video.
        limit: frames of a video or camera to use, or None for all.
        overlay: draw pictures and videos. json: write the OpenPose-style and the COCO files.
    """

    person: float = PERSON
    shown: float = SHOWN
    spine_only: bool = False
    smooth: OneEuro | None = field(default_factory=OneEuro)
    every: int = EVERY
    limit: int | None = None
    overlay: bool = True
    json: bool = True

    def __post_init__(self) -> None:
        for name in ("person", "shown"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"the least score is {getattr(self, name)}; allowed: 0 to 1")
        if self.every < 1 or (self.limit is not None and self.limit < 1):
            raise ConfigError("the detector's interval and the number of frames must be 1 or more")


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done: pictures or frames, people in them, seconds, and the files' folder."""

    frames: int
    people: int
    seconds: float
    out: Path


def predict_image(image: np.ndarray, estimator: Estimator, detector: Detector | None, boxes=None, person=PERSON):
    """People in one photograph.

    The detector's boxes are rough: each pose is estimated twice, the second time in the box of the first.

    Args:
        image: (H, W, 3) uint8 BGR.
        detector: finds people; not used where boxes are given.
        boxes: (N, 4) x, y, w, h px, or None.
        person: least score of a person the detector found.

    Returns:
        List of Pose; one per box where boxes are given, in their order.
    """
    if boxes is not None:
        return estimator(image, boxes)
    if detector is None:
        raise ConfigError("without a detector, boxes must be given")
    found = [d.box for d in detector(image, LEVELS["photo"])]
    return distinct(_settle(image, estimator, found, person))


def _settle(image: np.ndarray, estimator: Estimator, boxes: list[np.ndarray], person: float) -> list[Pose]:
    """Poses in boxes drawn tight by a first estimate; what is not a person falls out."""
    first = distinct([p for p in estimator(image, boxes) if p.score >= person / 2])
    return [p for p in estimator(image, [box_of(p) for p in first]) if p.score >= person]


class VideoPredictor:
    """People through a video: call it with one frame after another.

    Args:
        estimator: the model. detector: finds newcomers; None where every frame comes with boxes.
        options: see Options.
    """

    def __init__(self, estimator: Estimator, detector: Detector | None, options: Options | None = None) -> None:
        self.estimator, self.detector, self.options = estimator, detector, options or Options()
        self._tracker = Tracker()
        self._smoothers: dict[int, Smoother] = {}
        self._frame = 0

    def __call__(self, image: np.ndarray, at: float, boxes=None) -> list[Pose]:
        """People in the next frame, tracked and smoothed.

        Args:
            image: (H, W, 3) uint8 BGR. at: its time, s. boxes: (N, 4) where given.
        """
        if boxes is not None:
            poses = self.estimator(image, boxes)
        else:
            poses = self._follow(image)
        self._frame += 1
        return [self._smooth(pose, at) for pose in self._tracker.update(poses)]

    def _follow(self, image: np.ndarray) -> list[Pose]:
        if self.detector is None:
            raise ConfigError("without a detector, boxes must be given")
        known = self._tracker.boxes
        poses = [p for p in self.estimator(image, known) if p.score >= self.options.person]
        turn = self._frame % self.options.every == 0
        if not poses or turn:
            found = [d.box for d in self.detector(image, LEVELS["frame"])]
            if not found and not poses and turn:  # somebody may be far away
                found = [d.box for d in self.detector(image, LEVELS["photo"])]
            taken = np.array([box_of(p) for p in poses]).reshape(-1, 4)
            new = [b for b in found if not len(taken) or overlap(b[None], taken).max() < 0.5]
            poses += _settle(image, self.estimator, new, self.options.person)
        return distinct(poses)

    def _smooth(self, pose: Pose, at: float) -> Pose:
        if self.options.smooth is None or pose.track is None:
            return pose
        smoother = self._smoothers.setdefault(pose.track, Smoother(self.options.smooth))
        size = float(np.sqrt(np.prod(box_of(pose)[2:])))
        return replace(pose, points=smoother(pose.points, at, size, pose.scores >= SEEN))


def predict(
    source: str | Path,
    out: str | Path,
    estimator: Estimator,
    detector: Detector | None,
    options: Options | None = None,
    boxes: dict[str, np.ndarray] | np.ndarray | None = None,
    progress: Callable[[str, int], None] = lambda name, frames: None,
) -> Summary:
    """Predict a photograph, a video, a folder of both, or a camera ("webcam", or its number).

    Writes OUT/keypoints.json (COCO), OUT/openpose/NAME.json or OUT/openpose/NAME/frame_00001.json, and the overlays
    OUT/NAME.jpg or OUT/NAME.mp4.

    Args:
        boxes: (N, 4) for every picture, or by file name; the detector finds them when None.
        progress: called with the source's name and the frames done.

    Raises:
        DatasetError: no such source, nothing in it, or it does not decode.
    """
    options, out, started = options or Options(), Path(out), time.perf_counter()
    coco, frames, people = CocoFile(), 0, 0
    for path, name in _sources(source):
        if isinstance(path, int) or path.suffix.lower() in VIDEOS:
            steps = _video(path, name, out, VideoPredictor(estimator, detector, options), options, boxes, coco)
        else:
            steps = _photo(path, name, out, estimator, detector, options, boxes, coco)
        done = 0
        try:
            for found in steps:
                done, frames, people = done + 1, frames + 1, people + found
                progress(name, done)
        except KeyboardInterrupt:  # a camera ends when its user says so; what was seen is kept
            if not isinstance(path, int):
                raise
        finally:
            steps.close()
    if options.json:
        coco.write(out / "keypoints.json")
    return Summary(frames, people, time.perf_counter() - started, out)


def _sources(source: str | Path) -> list[tuple[Path | int, str]]:
    """Files (or a camera's number) with the name that their results get."""
    if str(source) == "webcam" or str(source).isdigit():
        return [(int(str(source)) if str(source).isdigit() else 0, "webcam")]
    path, kinds = Path(source), PHOTOS + VIDEOS
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in kinds)
        if not files:
            raise DatasetError(f"there is no picture and no video in {path}; wanted: {' '.join(kinds)}")
        stems = [p.stem for p in files]
        return [(p, p.stem if stems.count(p.stem) == 1 else p.name.replace(".", "_")) for p in files]
    if not path.is_file():
        raise DatasetError(f"there is no file or folder {path}; give a photograph, a video, a folder or 'webcam'")
    if path.suffix.lower() not in kinds:
        raise DatasetError(f"{path} is no picture or video this reads; allowed: {' '.join(kinds)}")
    return [(path, path.stem)]


def _boxes_for(boxes, name: str):
    if isinstance(boxes, dict):
        if name not in boxes:
            raise DatasetError(f"the boxes file has no entry for {name}")
        return boxes[name]
    return boxes


def _photo(path, name, out, estimator, detector, options, boxes, coco) -> Generator[int, None, None]:
    import cv2

    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise DatasetError(f"{path} cannot be decoded as a picture; it may be damaged")
    poses = predict_image(image, estimator, detector, _boxes_for(boxes, path.name), options.person)
    if options.json:
        write_openpose(out / "openpose" / f"{name}.json", poses)
        coco.add(path.name, image.shape, poses)
    if options.overlay:
        _, picture = cv2.imencode(".jpg", draw(image, poses, options.shown, options.spine_only))
        write_atomic(out / f"{name}.jpg", picture.tobytes(), durable=False)
    yield len(poses)


def _video(path, name, out, predictor, options, boxes, coco) -> Generator[int, None, None]:
    import cv2

    capture = cv2.VideoCapture(path if isinstance(path, int) else str(path))
    label = "webcam" if isinstance(path, int) else path.name
    with contextlib.ExitStack() as stack:
        stack.callback(capture.release)
        if not capture.isOpened():
            what = f"camera {path}" if isinstance(path, int) else str(path)
            raise DatasetError(f"{what} cannot be opened as a video")
        rate = capture.get(cv2.CAP_PROP_FPS)
        rate = rate if 1 <= rate <= 1000 else 30.0
        writer, number, began = None, 0, time.perf_counter()
        while options.limit is None or number < options.limit:
            good, image = capture.read()
            if not good:
                break
            # A camera delivers when it can; a file's frames are even.
            at = time.perf_counter() - began if isinstance(path, int) else number / rate
            poses = predictor(image, at, _boxes_for(boxes, label))
            number += 1
            frame = f"frame_{number:05d}"
            if options.json:
                write_openpose(out / "openpose" / name / f"{frame}.json", poses)
                coco.add(f"{name}/{frame}", image.shape, poses)
            if options.overlay:
                if writer is None:
                    writer = _writer(out / f"{name}.mp4", rate, image.shape)
                    stack.callback(writer.release)
                writer.write(draw(image, poses, options.shown, options.spine_only))
            yield len(poses)
        if not number:
            raise DatasetError(f"not one frame of {label} could be decoded; the file may be damaged")


def _writer(path: Path, rate: float, shape: tuple[int, ...]):
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (shape[1], shape[0]))
    if not writer.isOpened():
        raise DatasetError(f"cannot write the video {path}; this OpenCV may lack the mp4v codec, or the disk is full")
    return writer
