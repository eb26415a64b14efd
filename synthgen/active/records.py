"""What a project hands out: plain values. Points are (37, 4): x, y (px of the full picture, sub-pixel, the centre of
the first pixel at 0), visibility 0, 1 or 2, confidence 0..1; rows in the order of synthgen.keypoints.spinetrack().
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthgen.active.errors import ProjectError
from synthgen.keypoints import spinetrack

STATUSES = ("new", "proposed", "queued", "corrected", "reviewed", "skipped", "flagged", "removed")
DONE = ("corrected", "reviewed")
MACHINE = ("model", "teacher")
HUMAN = ("corrected", "propagated", "imported", "added")
ADDED = "added"  # origin of people whom somebody added on the page; only they can be removed again
COUNT = 37
_FARTHEST = 1e6  # px; beyond, a coordinate is a mistake of somebody's arithmetic


@dataclass(frozen=True, slots=True)
class ImageRow:
    """A picture: where it lies, its size in px, and for a frame its video and number."""

    id: int
    path: Path
    width: int
    height: int
    video: str | None
    frame: int | None
    split: str = "train"


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A person in the queue, why, who is at it, and whether who asked corrected them last."""

    person_id: int
    image_id: int
    rank: int
    reasons: tuple[str, ...]
    status: str
    leased_by: str | None
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a person alone until then (seconds since 1970)."""

    person_id: int
    annotator: str
    until: float


@dataclass(frozen=True, slots=True, eq=False)
class Revision:
    """One entry of a person's history; none is ever altered or removed.

    Attributes:
        kind: model, teacher, corrected, propagated, imported or added. author: name of the model or of the annotator.
        created: seconds since 1970. points: (37, 4).
    """

    id: int
    kind: str
    author: str
    created: float
    comment: str
    status: str
    points: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class PersonView:
    """A person as of now.

    Attributes:
        bbox: (4,) left, top, width, height, px.
        model, teacher, corrected: latest points of each kind, or None; propagated, imported and added count as
            corrected.
        revision: id of the latest human revision, 0 where there is none; what `save` wants as base.
        neighbours: the same person in the frames before and after.
        start: what to begin correcting from: `corrected`, whose missing points come from the model where it was
            imported or added; else the model's; or None.
        origin: detector, coco, imported or added.
    """

    person_id: int
    image_id: int
    bbox: np.ndarray
    model: np.ndarray | None
    teacher: np.ndarray | None
    corrected: np.ndarray | None
    revision: int
    status: str
    comment: str
    reasons: tuple[str, ...]
    neighbours: tuple[int, ...]
    start: np.ndarray | None = None
    origin: str = "detector"


def checked_points(points) -> np.ndarray:
    """(37, 4) float64, checked.

    Raises:
        ProjectError: another shape, a number that is none or out of range; the message names the point.
    """
    try:
        array = np.array(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise ProjectError("points must be 37 rows of x, y, visibility, confidence, all numbers") from None
    if array.shape != (COUNT, 4):
        raise ProjectError(f"points have the shape {array.shape}; wanted: (37, 4), x, y, visibility, confidence")
    names = spinetrack().names
    wrong = ~np.isfinite(array).all(1) | (np.abs(np.nan_to_num(array[:, :2])) > _FARTHEST).any(1)
    wrong |= ~np.isin(array[:, 2], (0, 1, 2)) | (array[:, 3] < 0) | (array[:, 3] > 1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ProjectError(
            f"{names[row]} is {array[row].tolist()}; allowed: x and y finite px, visibility 0, 1 or 2, "
            "confidence between 0 and 1"
        )
    return array


def pack(points: np.ndarray) -> bytes:
    """Points as stored: 148 little-endian doubles."""
    return np.ascontiguousarray(points, "<f8").tobytes()


def unpack(data: bytes) -> np.ndarray:
    """Undoes `pack`."""
    return np.frombuffer(data, "<f8").reshape(COUNT, 4).copy()
