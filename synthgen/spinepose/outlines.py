"""Silhouettes of people as polygons, from the segmentations of COCO files."""

import cv2
import numpy as np
from pycocotools import mask as rle

from scenes.guarded import MOST_PIXELS
from synthgen.spinepose.entries import is_number

SMOOTH = 1.0  # px, largest distance between an outline and the mask it stands for

Outline = tuple[np.ndarray, ...]
"""Closed polygons, each (n, 2) px of the picture; even-odd, so that a hole is one more polygon."""


def outline_of(segmentation: object) -> Outline:
    """The polygons of a COCO segmentation; none where it is missing or not understood."""
    if isinstance(segmentation, list):
        return tuple(np.asarray(p, np.float32).reshape(-1, 2) for p in segmentation if _is_polygon(p))
    if not isinstance(segmentation, dict) or not _fits(segmentation.get("size")):
        return ()
    coded = segmentation
    try:
        if isinstance(coded.get("counts"), list):
            coded = rle.frPyObjects(coded, *coded["size"])
        mask = rle.decode(coded)
    except (TypeError, ValueError, OverflowError, KeyError):
        return ()
    found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    thin = (cv2.approxPolyDP(contour, SMOOTH, True)[:, 0].astype(np.float32) for contour in found)
    return tuple(polygon for polygon in thin if len(polygon) >= 3)


def _is_polygon(part: object) -> bool:
    return isinstance(part, list) and len(part) >= 6 and len(part) % 2 == 0 and all(map(is_number, part))


def _fits(size: object) -> bool:
    """Whether a mask is of a size that a picture may have, (height, width)."""
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(v, int) and v > 0 for v in size):
        return False
    return size[0] * size[1] <= MOST_PIXELS
