"""Who is who from frame to frame: boxes matched by overlap, and one person kept once."""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from synthgen.keypoints import spinetrack
from synthgen.spinepose.estimator import SEEN, Pose, box_of

LEAST_OVERLAP = 0.3  # of intersection over union, between a person's boxes in two frames
PATIENCE = 15  # frames a person may be lost before the number is given up
_TWINS = 0.6  # likeness (OKS) above which two poses are one person
# A pose is a limb of somebody when so much of its box lies in his, it covers less than this part of his, and it is less
# sure than this part of his score: a child in front of an adult is larger or surer.
_PART_INSIDE, _PART_AREA, _PART_SCORE = 0.9, 0.15, 0.8


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4), x y w h."""
    a, b = np.asarray(a, float).reshape(-1, 1, 4), np.asarray(b, float).reshape(1, -1, 4)
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.prod(np.maximum(high - low, 0), -1)
    union = np.prod(a[..., 2:], -1) + np.prod(b[..., 2:], -1) - common
    return common / np.maximum(union, 1e-9)


def likeness(a: Pose, b: Pose) -> float:
    """0..1: OKS of the two poses over the points either sees, in the size of the smaller box."""
    seen = (a.scores >= SEEN) | (b.scores >= SEEN)
    if not seen.any():
        return float(overlap(a.box[None], b.box[None])[0, 0])
    area = min(np.prod(box_of(a)[2:]), np.prod(box_of(b)[2:]))
    apart = ((a.points - b.points) ** 2).sum(1)[seen]
    return float(np.exp(-apart / (8 * spinetrack().sigmas[seen] ** 2 * max(area, 1e-9))).mean())


def is_part(pose: Pose, other: Pose) -> bool:
    """Whether a small and unsure pose is somebody's arm or leg that was taken for a person: it lies in his box."""
    low, high = (np.array([b[:2], b[:2] + b[2:]]) for b in (box_of(pose), box_of(other)))
    shared = np.clip(np.minimum(low[1], high[1]) - np.maximum(low[0], high[0]), 0, None).prod()
    area = max(float(np.prod(low[1] - low[0])), 1e-9)
    small = area < _PART_AREA * float(np.prod(high[1] - high[0]))
    return small and shared >= _PART_INSIDE * area and pose.score < _PART_SCORE * other.score


def distinct(poses: list[Pose]) -> list[Pose]:
    """Each person once: of poses alike, the one that is surest, and no limb for a person; order otherwise kept."""
    order = sorted(range(len(poses)), key=lambda i: (-poses[i].score, i))
    kept: list[int] = []
    for i in order:
        if all(likeness(poses[i], poses[j]) <= _TWINS and not is_part(poses[i], poses[j]) for j in kept):
            kept.append(i)
    return [poses[i] for i in sorted(kept)]


@dataclass(slots=True, eq=False)
class _Track:
    number: int
    box: np.ndarray
    lost: int = 0


@dataclass(slots=True, eq=False)
class Tracker:
    """The people of a video so far.

    Attributes:
        patience: frames a person may be lost.
    """

    patience: int = PATIENCE
    _tracks: list[_Track] = field(default_factory=list)
    _next: int = 1

    @property
    def boxes(self) -> np.ndarray:
        """(N, 4) where to look for those seen in the last frame."""
        return np.array([t.box for t in self._tracks if t.lost == 0]).reshape(-1, 4)

    def update(self, poses: list[Pose]) -> list[Pose]:
        """The poses of the next frame with `track` set; new people get new numbers, from 1."""
        boxes = [box_of(p) for p in poses]
        pairs = self._match(boxes)
        tracked = []
        for n, (pose, box) in enumerate(zip(poses, boxes, strict=True)):
            track = pairs.get(n)
            if track is None:
                track = _Track(self._next, box)
                self._tracks.append(track)
                self._next += 1
            track.box, track.lost = box, -1
            tracked.append(replace(pose, track=track.number))
        for track in self._tracks:
            track.lost += 1
        self._tracks = [t for t in self._tracks if t.lost <= self.patience]
        return tracked

    def _match(self, boxes: list[np.ndarray]) -> dict[int, _Track]:
        if not boxes or not self._tracks:
            return {}
        table = overlap(np.array(boxes), np.array([t.box for t in self._tracks]))
        rows, columns = linear_sum_assignment(table, maximize=True)
        return {int(r): self._tracks[c] for r, c in zip(rows, columns, strict=True) if table[r, c] >= LEAST_OVERLAP}
