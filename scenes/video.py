"""What a video codec leaves of a picture when bits are scarce: blocks, lost detail, blurred colour.

The parts of H.264 that show in a still: colour at half resolution, 8x8 cosine blocks quantised in even steps with a
wide zero, and a filter that hides the seams between blocks where they are small. No prediction, no entropy coding.

Shape legend: H image height, W image width.
"""

import cv2
import numpy as np

_ROUNDING = 0.36  # added before truncation; under one half, so that weak detail becomes none
_SEAM, _ROUGH = 0.9, 0.6  # in steps: jumps hidden at a seam, and roughness beside it that counts as detail


def _cosines() -> np.ndarray:
    k, n = np.arange(8)[:, None], np.arange(8)[None]
    table = np.cos(np.pi * k * (2 * n + 1) / 16) / 2
    table[0] /= np.sqrt(2)
    return table.astype(np.float32)


_COSINES = _cosines()


def compressed(rgb: np.ndarray, step: float) -> np.ndarray:
    """(H, W, 3) uint8 after coding with quantiser step `step`, grey levels; 10 is fair, 40 very poor."""
    height, width = rgb.shape[:2]
    luma, red, blue = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb))
    luma = _coded(luma, step)
    small = (-(-width // 2), -(-height // 2))
    colors = [
        cv2.resize(_coded(cv2.resize(plane, small, interpolation=cv2.INTER_AREA), step), (width, height))
        for plane in (red, blue)
    ]
    return cv2.cvtColor(cv2.merge([luma, *colors]), cv2.COLOR_YCrCb2RGB)


def _coded(plane: np.ndarray, step: float) -> np.ndarray:
    """(H, W) uint8 plane through transform, quantiser and seam filter."""
    height, width = plane.shape
    padded = cv2.copyMakeBorder(plane, 0, -height % 8, 0, -width % 8, cv2.BORDER_REPLICATE).astype(np.float32)
    padded -= 128
    rows, columns = padded.shape
    waves = (padded.reshape(-1, 8) @ _COSINES.T).reshape(rows // 8, 8, columns)
    waves = _COSINES @ waves
    levels = np.trunc(waves / np.float32(step) + np.copysign(np.float32(_ROUNDING), waves))
    back = _COSINES.T @ (levels * np.float32(step))
    image = (back.reshape(-1, 8) @ _COSINES).reshape(rows, columns)
    _hide_seams(image, step)
    _hide_seams(image.T, step)
    return np.round(image + 128).clip(0, 255).astype(np.uint8)[:height, :width]


def _hide_seams(image: np.ndarray, step: float) -> None:
    """Level the small jumps between neighbouring columns of blocks, in place."""
    p1, p0, q0, q1 = image[:, 6:-8:8], image[:, 7:-8:8], image[:, 8::8], image[:, 9::8]
    jump = q0 - p0
    smooth = (np.abs(p1 - p0) < _ROUGH * step) & (np.abs(q1 - q0) < _ROUGH * step)
    level = np.where(smooth & (np.abs(jump) < _SEAM * step), jump, np.float32(0))
    p0 += 0.375 * level
    q0 -= 0.375 * level
    p1 += 0.125 * level
    q1 -= 0.125 * level
