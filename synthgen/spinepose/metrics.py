"""Figures for predicted points: PCK, errors relative to the person, AUC, the mean pose to beat, calibration of scores.

N people, K = 37 keypoints. Lengths are picture px. Unlabelled points are NaN in every error and count nowhere.
"""

from collections.abc import Sequence

import numpy as np

from synthgen.keypoints import SPINE_IDS, SUBSETS, spinetrack
from synthgen.spinepose.crop import affine, crop_from_box, to_image, transform
from synthgen.spinepose.sources import Source

AUC_PX, AUC_STEPS = 30.0, 20  # MMPose's defaults; SIMSPINE does not state its own
NEAR = 0.05  # of the person's size: the finer of the usual PCK thresholds


def person_sizes(boxes: np.ndarray) -> np.ndarray:
    """(N,) longer side of each box: the height of who stands, the length of who lies."""
    return np.asarray(boxes)[:, 2:].max(1).astype(float)


def point_errors(points: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """(N, K) distances, NaN where there is no label. points: (N, K, 2); keypoints: (N, K, 3)."""
    distance = np.linalg.norm(np.asarray(points, float) - keypoints[..., :2], axis=-1)
    return np.where(keypoints[..., 2] > 0, distance, np.nan)


def mean(values: np.ndarray) -> float:
    """Mean of what is not NaN; NaN where nothing is."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")


def share(condition: np.ndarray, of: np.ndarray) -> float:
    """Share of `of` (bool) in which `condition` holds; NaN where `of` is empty."""
    return float((condition & of).sum() / of.sum()) if of.any() else float("nan")


def accuracy(points: np.ndarray, source: Source, rows: Sequence[int] | np.ndarray | None = None) -> dict[str, float]:
    """Every figure that needs no 3D.

    Args:
        points: (N, K, 2) predictions for the `rows` of the source, all of them when None.

    Returns:
        pck05, pck10: share of points nearer than that part of the person's size. error, spine: mean distance over
        the person's size, of all points and of the nine of the spine. spine05: PCK of the spine. auc, auc_spine: area
        under PCK up to 30 px. oks: mean OKS of all labelled points.
    """
    picked = np.arange(len(source)) if rows is None else np.asarray(rows)
    keypoints, boxes = source.keypoints[picked], source.boxes[picked]
    errors = point_errors(points, keypoints)
    relative = errors / person_sizes(boxes)[:, None]
    known = np.isfinite(errors)
    column = np.zeros(known.shape[1], bool)
    column[list(SPINE_IDS)] = True
    with np.errstate(invalid="ignore"):
        return {
            "pck05": share(relative < NEAR, known),
            "pck10": share(relative < 2 * NEAR, known),
            "error": mean(relative),
            "spine": mean(relative[:, column]),
            "spine05": share(relative < NEAR, known & column),
            "auc": auc(errors),
            "auc_spine": auc(errors[:, column]),
            "oks": mean(oks(points, keypoints, source.areas[picked])),
        }


def auc(errors: np.ndarray) -> float:
    """Mean share of points nearer than 0, 1/20, .. 19/20 of 30 px."""
    known = np.isfinite(errors)
    with np.errstate(invalid="ignore"):
        return float(np.mean([share(errors < AUC_PX * i / AUC_STEPS, known) for i in range(AUC_STEPS)]))


def oks(points: np.ndarray, keypoints: np.ndarray, areas: np.ndarray, subset: str = "all") -> np.ndarray:
    """(N,) object keypoint similarity as COCO defines it, with SpineTrack's sigmas; NaN for who has no label in it."""
    ids = list(SUBSETS[subset])
    sigmas = 2 * spinetrack().sigmas[ids]
    squared = ((np.asarray(points, float)[:, ids] - keypoints[:, ids, :2]) ** 2).sum(-1)
    value = np.exp(-squared / (2 * sigmas**2 * (np.asarray(areas)[:, None] + np.spacing(1))))
    known = keypoints[:, ids, 2] > 0
    with np.errstate(invalid="ignore"):
        return np.where(known, value, 0).sum(1) / np.where(known.any(1), known.sum(1), np.nan)


def mean_pose(sources: Sequence[Source], input_size: tuple[int, int]) -> np.ndarray:
    """(K, 2) where each keypoint lies on average in the plain crop, input px: the pose to beat.

    A point that no source labels sits in the middle.
    """
    total, count = np.zeros((spinetrack().sigmas.size, 2)), np.zeros(spinetrack().sigmas.size)
    for source in sources:
        for box, keypoints, weights in zip(source.boxes, source.keypoints, source.weights, strict=True):
            points = transform(affine(crop_from_box(box, input_size), input_size), keypoints[:, :2])
            total += np.where(weights[:, None] > 0, points, 0.0)
            count += weights > 0
    middle = np.array(input_size) / 2
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], middle)


def mean_pose_points(pose: np.ndarray, source: Source, rows: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
    """(N, K, 2) the mean pose put into each person's box."""
    return np.stack([to_image(pose, crop_from_box(source.boxes[i], input_size), input_size) for i in rows])


def calibration(scores: np.ndarray, relative: np.ndarray, bins: int = 10) -> tuple[list[dict], float]:
    """How far scores tell the truth: per bin of score the share of points that are near; and the mean gap.

    Args:
        scores: (N, K), cut to 0..1. relative: (N, K) errors over person size, NaN where unlabelled.

    Returns:
        rows {low, high, count, score, near}, and the expected calibration error.
    """
    known = np.isfinite(relative)
    s, near = np.clip(scores[known], 0, 1), relative[known] < NEAR
    place = np.minimum((s * bins).astype(int), bins - 1)
    rows, gap = [], 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            row = {"count": int(inside.sum()), "score": float(s[inside].mean()), "near": float(near[inside].mean())}
            rows.append({"low": b / bins, "high": (b + 1) / bins, **row})
            gap += inside.mean() * abs(row["score"] - row["near"])
    return rows, float(gap)
