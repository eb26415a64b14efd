"""Skeletons drawn over pictures, in SpineTrack's colours, with the column as one curve."""

import numpy as np

from synthgen.inspect_sheet import COLUMN
from synthgen.keypoints import SPINE_IDS, spinetrack
from synthgen.spinepose.estimator import Pose

SHOWN = 0.5  # least score of a point that is drawn
_BITS = 4  # OpenCV draws with 1/16 px


def draw(image: np.ndarray, poses: list[Pose], threshold: float = SHOWN, spine_only: bool = False) -> np.ndarray:
    """A copy of a picture with people drawn on it.

    Args:
        image: (H, W, 3) uint8 BGR.
        poses: whom to draw; the number of a tracked person stands over the head.
        threshold: least score of a point that is drawn.
        spine_only: only the nine points of the column.
    """
    canvas = np.ascontiguousarray(image).copy()
    for pose in poses:
        _draw_pose(canvas, pose, threshold, spine_only)
    return canvas


def _draw_pose(canvas: np.ndarray, pose: Pose, threshold: float, spine_only: bool) -> None:
    import cv2

    schema = spinetrack()
    shown = (pose.scores >= threshold) & np.isfinite(pose.points).all(1)
    if spine_only:
        shown &= np.isin(np.arange(len(shown)), SPINE_IDS)
    if not shown.any():
        return
    low, high = pose.points[shown].min(0), pose.points[shown].max(0)
    size = float((high - low).max())
    width = max(1, round(size / 250))
    drawn = _fine(np.where(shown[:, None], pose.points, 0.0))
    for link in schema.links:
        if shown[link.start] and shown[link.end]:
            ends = drawn[link.start].tolist(), drawn[link.end].tolist()
            cv2.line(canvas, *ends, link.color[::-1], width, cv2.LINE_AA, _BITS)
    spine = [i for i in SPINE_IDS if shown[i]]
    if len(spine) > 2:
        cv2.polylines(canvas, [_fine(_curve(pose.points[spine]))], False, COLUMN, width + 1, cv2.LINE_AA, _BITS)
    radius, rim = (round(r * (1 << _BITS)) for r in (max(0.8, size / 150), max(0.5, size / 400)))
    for keypoint in schema.keypoints:
        if shown[keypoint.id]:
            centre = drawn[keypoint.id].tolist()
            cv2.circle(canvas, centre, radius + rim, (0, 0, 0), -1, cv2.LINE_AA, _BITS)
            cv2.circle(canvas, centre, radius, keypoint.color[::-1], -1, cv2.LINE_AA, _BITS)
    if pose.track is not None:
        corner = int(low[0]), int(max(low[1] - 4 * width, 12))
        for color, thickness in (((0, 0, 0), width + 2), ((255, 255, 255), width)):
            cv2.putText(
                canvas,
                str(pose.track),
                corner,
                cv2.FONT_HERSHEY_SIMPLEX,
                0.4 * width + 0.2,
                color,
                thickness,
                cv2.LINE_AA,
            )


def _fine(points: np.ndarray) -> np.ndarray:
    """Pixels to the integers that OpenCV draws with; far outside is clipped to what it can hold."""
    return np.rint(np.clip(points, -1e5, 1e5) * (1 << _BITS)).astype(np.int32)


def _curve(points: np.ndarray) -> np.ndarray:
    """(N, 2) -> (M, 2): a curve through the points that does not overshoot."""
    from scipy.interpolate import PchipInterpolator

    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1) + 1e-6)])
    return PchipInterpolator(along, points)(np.linspace(0, along[-1], 40))
