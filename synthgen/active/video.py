"""Frames of a video that are worth labelling: taken when enough of the picture has moved since the last one taken."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from synthgen.active.errors import ProjectError
from synthgen.active.images import MOST_PIXELS

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
_WIDE = 160  # px of the grey picture that motion is measured on
_STIRRED = 14.0  # grey levels; above sensor noise after the blur
_MOST_FRAMES = 2_000_000


@dataclass(frozen=True, slots=True)
class Sampling:
    """How frames are taken.

    Attributes:
        moved: share of the picture that must have changed since the last frame taken; a person who fills a tenth of
            the frame and takes a step changes about .03.
        apart: least frames between two taken ones. most: frames per video; evenly thinned above.
    """

    moved: float = 0.03
    apart: int = 3
    most: int = 300

    def __post_init__(self) -> None:
        if not 0 <= self.moved <= 1 or self.apart < 1 or self.most < 1:
            raise ProjectError(
                f"moved={self.moved:g}, apart={self.apart}, most={self.most}; allowed: 0 to 1, 1 or more, 1 or more"
            )


def small_grey(image: np.ndarray) -> np.ndarray:
    """(h, w) float32 what motion is measured on."""
    height, width = image.shape[:2]
    size = (_WIDE, max(1, round(_WIDE * height / width)))
    return cv2.GaussianBlur(cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), 6), (5, 5), 0).astype(
        np.float32
    )


def stirred(before: np.ndarray, now: np.ndarray) -> float:
    """Share of the picture that differs between two small grey pictures, a change of the whole light taken out."""
    change = now - before
    return float((np.abs(change - np.median(change)) > _STIRRED).mean())


def moving_frames(path: Path, sampling: Sampling) -> list[int]:
    """Numbers of the frames to take, ascending; the first frame is always one of them.

    Raises:
        ProjectError: the video cannot be opened or decoded.
    """
    taken: list[int] = []
    last: np.ndarray | None = None
    for number, image in frames(path):
        if taken and number - taken[-1] < sampling.apart:
            continue
        now = small_grey(image)
        if last is None or stirred(last, now) >= sampling.moved:
            taken.append(number)
            last = now
    if len(taken) > sampling.most:
        keep = np.unique(np.linspace(0, len(taken) - 1, sampling.most).round().astype(int))
        taken = [taken[i] for i in keep]
    return taken


def frames(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Number and (H, W, 3) BGR of each frame.

    Raises:
        ProjectError: the video cannot be opened or decoded, or its pictures are too large.
    """
    if path.suffix.lower() not in VIDEOS:
        raise ProjectError(f"{path} is no video this reads; allowed: {' '.join(VIDEOS)}")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise ProjectError(f"{path} cannot be opened as a video")
        size = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if size > MOST_PIXELS:
            raise ProjectError(f"the frames of {path} have more than {MOST_PIXELS // 10**6} million pixels; refused")
        for number in range(_MOST_FRAMES):
            good, image = capture.read()
            if not good:
                if number == 0:
                    raise ProjectError(f"not one frame of {path} could be decoded; the file may be damaged")
                return
            yield number, image
    finally:
        capture.release()


def rate(path: Path) -> float:
    """Frames per second as the file says; 30 where it says nothing sensible."""
    capture = cv2.VideoCapture(str(path))
    value = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return value if 1 <= value <= 1000 else 30.0
