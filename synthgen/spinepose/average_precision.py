"""OKS average precision as SpineTrack's metric computes it: per subset of the keypoints, by pycocotools.

For each subset the keypoints are sliced, `num_keypoints` is counted again within the slice, and the area is that of
the annotation. Sigmas are SpineTrack's.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.keypoints import SUBSETS, spinetrack
from synthgen.spinepose.sources import Source

FIGURES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
SCORE_FLOOR = 0.2  # keypoints below do not count in a person's score; MMPose's rule
SAME_PERSON = 0.9  # OKS above which two detections are one person; MMPose's rule


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Predicted people.

    Attributes:
        image_ids: (M,). points: (M, K, 2) px. scores: (M, K). boxes: (M,) score of the box each was found in.
    """

    image_ids: np.ndarray
    points: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray

    def person_scores(self) -> np.ndarray:
        """(M,) box score times the mean of the keypoint scores above the floor."""
        counted = self.scores > SCORE_FLOOR
        total = np.where(counted, self.scores, 0.0).sum(1)
        return self.boxes * total / np.maximum(counted.sum(1), 1)


def average_precision(
    truth: Source, found: Detections, subset: str, rows: Sequence[int] | np.ndarray | None = None
) -> dict[str, float | None]:
    """AP and AR at OKS .50:.95 and their usual companions; None where nobody has a label in the subset.

    Args:
        subset: body, feet, spine or all.
        rows: of the source to count; all when None.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    picked = np.arange(len(truth)) if rows is None else np.asarray(rows)
    ids = list(SUBSETS[subset])
    images = sorted({int(i) for i in truth.image_ids[picked]})
    people = []
    for number, row in enumerate(picked, 1):
        points = truth.keypoints[row, ids]
        labelled = int((points[:, 2] > 0).sum())
        people.append(
            {
                "id": number,
                "image_id": int(truth.image_ids[row]),
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [float(v) for v in truth.boxes[row]],
                "area": float(truth.areas[row]),
                "keypoints": points.astype(float).reshape(-1).tolist(),
                "num_keypoints": labelled,
            }
        )
    if not any(p["num_keypoints"] for p in people):
        return dict.fromkeys(FIGURES)
    wanted = set(images)
    triplets = np.concatenate([found.points, np.ones_like(found.scores)[..., None]], -1)[:, ids]
    results = [
        {"image_id": int(image), "category_id": 1, "keypoints": t.reshape(-1).tolist(), "score": float(score)}
        for image, t, score in zip(found.image_ids, triplets, found.person_scores(), strict=True)
        if int(image) in wanted
    ]
    if not results:
        return dict.fromkeys(FIGURES, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i} for i in images],
            "annotations": people,
            "categories": [{"id": 1, "name": "person"}],
            "info": {},
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "keypoints")
        evaluation.params.kpt_oks_sigmas = spinetrack().sigmas[ids]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {name: (float(v) if v >= 0 else None) for name, v in zip(FIGURES, evaluation.stats, strict=True)}


def without_doubles(found: Detections) -> Detections:
    """The detections less those that repeat a better one of the same picture (OKS above .9)."""
    scores = found.person_scores()
    keep = []
    sigmas = 2 * spinetrack().sigmas
    for image in np.unique(found.image_ids):
        here = np.flatnonzero(found.image_ids == image)
        rest = [int(i) for i in here[np.argsort(-scores[here], kind="stable")]]
        while rest:
            best = rest.pop(0)
            keep.append(best)
            spread = np.ptp(found.points[best], axis=0)
            area = max(float(spread.prod()), 1.0)
            squared = ((found.points[rest] - found.points[best]) ** 2).sum(-1)
            alike = np.exp(-squared / (2 * sigmas**2 * area)).mean(1) if rest else np.zeros(0)
            rest = [r for r, a in zip(rest, alike, strict=True) if a <= SAME_PERSON]
    order = np.sort(np.array(keep, int))
    return Detections(found.image_ids[order], found.points[order], found.scores[order], found.boxes[order])
