"""Why an expert's answer is far from the labels, as far as the figures tell.

"nobody seen": it doubts that there is a person. "somebody else": its answer fits another labelled person better. "sides
swapped": it fits with left and right exchanged. "upside down": its trunk points elsewhere than ours. "unsure in the
mirror": it answers otherwise for the mirror image. "elsewhere" is the rest, where single points lie apart.
"""

import numpy as np

from synthgen.keypoints import spinetrack
from synthgen.spinepose import metrics
from synthgen.spinepose.judge_upright import corners, trunk
from synthgen.spinepose.sources import Source

POOR = 0.5  # OKS below which a miss is looked into
KINDS = ("nobody seen", "somebody else", "sides swapped", "upside down", "unsure in the mirror", "elsewhere")
_BETTER = 0.2  # how much OKS another reading must gain to explain a miss
_TURNED = np.cos(np.radians(60))  # of the trunk
_UNSURE = 0.05  # median distance between the answers for a crop and its mirror image, over the person's size


def misses(
    source: Source, rows: np.ndarray, points: np.ndarray, oks: np.ndarray, person: np.ndarray, apart: np.ndarray
) -> np.ndarray:
    """The first of KINDS that explains a poor answer.

    Args:
        rows: (N,) records of the source. points: (N, K, 2) px, what the expert said of them. oks: (N,) of that.
        person: (N,) probability of a person. apart: (N,) median distance between its two answers over person size.

    Returns:
        (N,) kinds, "" where OKS reaches POOR.
    """
    labels, areas = source.keypoints[rows], source.areas[rows]
    swapped = metrics.oks(points[:, spinetrack().flip], labels, areas, "body")
    cosine = (trunk(points) * trunk(labels[..., :2])).sum(-1)
    known = (labels[:, corners(), 2] > 0).all(1)
    out = []
    for n, row in enumerate(rows):
        reasons = (
            person[n] < 0.5,
            _best_of_others(source, int(row), points[n]) > oks[n] + _BETTER,
            swapped[n] > oks[n] + _BETTER,
            bool(known[n]) and cosine[n] < _TURNED,
            apart[n] > _UNSURE,
            True,
        )
        out.append(KINDS[reasons.index(True)] if oks[n] < POOR else "")
    return np.array(out)


def _best_of_others(source: Source, row: int, points: np.ndarray) -> float:
    """OKS of an answer against whoever else in the picture fits it best; 0 where nobody does."""
    others = np.flatnonzero((source.image_ids == source.image_ids[row]) & (np.arange(len(source)) != row))
    if not len(others):
        return 0.0
    spread = np.broadcast_to(points, (len(others), *points.shape))
    values = metrics.oks(spread, source.keypoints[others], source.areas[others], "body")
    return float(np.max(np.where(np.isfinite(values), values, 0.0)))
