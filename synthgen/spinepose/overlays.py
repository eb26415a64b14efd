"""Skeletons drawn over crops: labels of a batch, predictions after an epoch."""

from collections.abc import Sequence

import cv2
import numpy as np

from synthgen.keypoints import SPINE_IDS, spinetrack


def draw_person(image: np.ndarray, points: np.ndarray, strength: np.ndarray, zoom: int = 2) -> np.ndarray:
    """(zoom H, zoom W, 3) the picture enlarged, with links, points and a white line along the spine.

    Args:
        image: (H, W, 3) uint8 RGB. points: (K, 2) px. strength: (K,) above 0 for what is drawn.
    """
    schema = spinetrack()
    canvas = cv2.resize(np.ascontiguousarray(image), None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    placed = np.round((points + 0.5) * zoom - 0.5).astype(int)
    shown = (np.asarray(strength) > 0) & (np.abs(placed) < 32000).all(1)
    for link in schema.links:
        if shown[link.start] and shown[link.end]:
            cv2.line(canvas, placed[link.start].tolist(), placed[link.end].tolist(), link.color, 1, cv2.LINE_AA)
    chain = [i for i in SPINE_IDS if shown[i]]
    for a, b in zip(chain, chain[1:], strict=False):
        cv2.line(canvas, placed[a].tolist(), placed[b].tolist(), (255, 255, 255), 2, cv2.LINE_AA)
    for point, on, keypoint in zip(placed, shown, schema.keypoints, strict=True):
        if on:
            cv2.circle(canvas, point.tolist(), 3, keypoint.color, -1, cv2.LINE_AA)
    return canvas


def sheet(pictures: Sequence[np.ndarray], columns: int = 4) -> np.ndarray:
    """Pictures of one size side by side, in rows."""
    blank = np.zeros_like(pictures[0])
    filled = [*pictures, *[blank] * (-len(pictures) % columns)] if len(pictures) > columns else list(pictures)
    columns = min(columns, len(filled))
    return np.concatenate([np.concatenate(filled[i : i + columns], 1) for i in range(0, len(filled), columns)], 0)


def jpeg(image: np.ndarray, quality: int = 88) -> bytes:
    """(H, W, 3) uint8 RGB as a JPEG file."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
