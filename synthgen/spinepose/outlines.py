"""Silhouettes of people as polygons, from the segmentations of COCO files."""

import cv2
import numpy as np
from pycocotools import mask as rle

SMOOTH = 1.0  # px, largest distance between an outline and the mask it stands for

Outline = tuple[np.ndarray, ...]
"""Closed polygons, each (n, 2) px of the picture; even-odd, so that a hole is one more polygon."""


def outline_of(segmentation: object) -> Outline:
    """The polygons of a COCO segmentation; none where it is missing or not understood."""
    if isinstance(segmentation, list):
        parts = [np.asarray(p, np.float32).reshape(-1, 2) for p in segmentation if len(p) >= 6 and len(p) % 2 == 0]
        return tuple(parts)
    if not isinstance(segmentation, dict) or "counts" not in segmentation:
        return ()
    coded = segmentation
    if isinstance(coded["counts"], list):
        coded = rle.frPyObjects(coded, *coded["size"])
    found, _ = cv2.findContours(rle.decode(coded), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    thin = (cv2.approxPolyDP(contour, SMOOTH, True)[:, 0].astype(np.float32) for contour in found)
    return tuple(polygon for polygon in thin if len(polygon) >= 3)
