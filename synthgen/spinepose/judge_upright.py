"""Asking an expert about people who lie or hang: in a crop that is turned until their trunk is upright.

BlazePose was made to be shown people so; the program it comes with turns the crop by what its detector says. How an
answer changes by turning tells an unusual attitude from an unusual picture. K keypoints.
"""

import numpy as np

from synthgen.keypoints import spinetrack
from synthgen.spinepose.crop import Crop, affine, to_image, transform, warp
from synthgen.spinepose.pseudo_labels import box_about

LEAST_LEAN = np.radians(45)


def corners() -> list[int]:
    """Ids of the shoulders and of the hips, the left first."""
    return [spinetrack().id_of(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")]


def trunk(points: np.ndarray) -> np.ndarray:
    """(N, 2) unit vectors from the hips to the shoulders of points (N, K, 2)."""
    four = points[:, corners()]
    up = four[:, :2].mean(1) - four[:, 2:].mean(1)
    return up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-9)


def lean(labels: np.ndarray) -> float:
    """Angle of the labelled trunk from upright in the picture, rad, positive clockwise; 0 where it is not labelled."""
    if not (labels[corners(), 2] > 0).all():
        return 0.0
    x, y = trunk(labels[None, :, :2])[0]
    return float(np.arctan2(x, -y))


def ask_upright(expert, image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Where the expert sees the points of a person in the turned picture.

    Args:
        expert: see judge.Expert. image: (H, W, 3) uint8 BGR. labels: (K, 3), which say how the person lies.

    Returns:
        (K, 2) px of the picture as it was given.
    """
    known = labels[labels[:, 2] > 0, :2].astype(float)
    low, high = known.min(0), known.max(0)
    side = int(np.ceil(2 * np.linalg.norm(high - low))) + 2
    view = Crop((low + high) / 2, np.array([side, side], float), lean(labels))
    size = (side, side)
    box = box_about(transform(affine(view, size), known))
    return to_image(expert(np.ascontiguousarray(warp(image, view, size)), box).points, view, size)
