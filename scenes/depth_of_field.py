"""What a wide aperture does: sharp where the lens is focused, soft before and behind.

The blur of a point at depth z, seen by a lens focused at depth f, is a disc whose diameter grows with |f / z - 1|; at
infinity it is `infinity_px`. Discs are drawn as Gaussians of the same spread. Sharp pixels take no part in the blur
behind them, so a focused person leaves no halo; what is before him spreads over him, over what it hides too.

Shape legend: H image height, W image width.
"""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

_SPREAD = 0.25  # standard deviation of a disc in parts of its diameter
_SHARP = 0.45  # px, standard deviation below which a pixel counts as sharp
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_LEVELS = (0.35, 1.0)  # of the strongest blur behind; between them pixels are mixed


def defocused(rgb: np.ndarray, depth: np.ndarray, focus_m: float, infinity_px: float) -> np.ndarray:
    """(H, W, 3) uint8 as the lens shows it.

    Args:
        depth: (H, W) m, 0 for infinity.
        focus_m: depth in focus.
        infinity_px: diameter of the blur at infinity.
    """
    with np.errstate(divide="ignore"):
        nearer = np.where(depth > 0, np.float32(focus_m) / depth, np.float32(0.0)) - np.float32(1.0)
    sigma = np.abs(nearer) * np.float32(_SPREAD * infinity_px)
    behind, before = (sigma > _SHARP) & (nearer < 0), (sigma > _SHARP) & (nearer > 0)
    picture = rgb
    if behind.any():
        picture = _blurred_behind(rgb, sigma, behind)
    if before.any():
        picture = _blurred_before(picture, sigma, before)
    return picture


def _blurred_behind(rgb: np.ndarray, sigma: np.ndarray, behind: np.ndarray) -> np.ndarray:
    rim = cv2.dilate((~behind).view(np.uint8), _NEIGHBOURS)  # of what is sharp, whose antialiased edge it holds
    free = (rim == 0).view(np.uint8)
    strongest = float(sigma[behind].max())
    steps = [_SHARP, *(max(level * strongest, _SHARP + 1e-3 * (i + 1)) for i, level in enumerate(_LEVELS))]
    levels = [rgb] + [_spread(rgb, free, step)[0] for step in steps[1:]]
    out = rgb.copy()
    for i, (low, high) in enumerate(pairwise(steps)):
        share = np.clip((sigma - np.float32(low)) * np.float32(1 / (high - low)), np.float32(0), np.float32(1))
        mixed = cv2.blendLinear(levels[i], levels[i + 1], np.float32(1) - share, share)
        cv2.copyTo(mixed, free & (sigma >= low), out)
    return out


def _blurred_before(picture: np.ndarray, sigma: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Two bands, the softer and nearer one drawn last; under them what lies around them."""
    strengths = sigma[before]
    under, weight = _spread(picture, (~before).view(np.uint8), max(2.0 * float(strengths.max()), 2.0))
    hidden = before & (weight > 1)
    out = picture.copy()
    cv2.copyTo(under, hidden.view(np.uint8), out)
    middle = float(np.median(strengths))
    for band in (before & (sigma <= middle), before & (sigma > middle)):
        if not band.any():
            continue
        color, cover = _spread(picture, band.view(np.uint8), float(sigma[band].mean()))
        # where nothing but the band lies around, there is nothing to shine through it
        cover[band & ~hidden] = 255
        share = cover.astype(np.float32) * np.float32(1 / 255)
        out = cv2.blendLinear(out, color, np.float32(1) - share, share)
    return out


def _spread(rgb: np.ndarray, mask: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour (H, W, 3) of the masked pixels around each pixel, by a Gaussian, and their share (H, W) of 255."""
    height, width = mask.shape
    factor = 4 if sigma >= 3 else 2 if sigma >= 1.2 else 1
    share: Any = mask * np.uint8(255)
    weighted: Any = cv2.copyTo(rgb, mask)
    if factor > 1:
        small = (-(-width // factor), -(-height // factor))
        share, weighted = (cv2.resize(image, small, interpolation=cv2.INTER_AREA) for image in (share, weighted))
    # shrinking has blurred already, by a box as wide as the factor
    left = np.sqrt(max(sigma**2 - (factor**2 - 1) / 12, 0.01)) / factor
    share, weighted = (cv2.GaussianBlur(image, (0, 0), left) for image in (share, weighted))
    color: Any = cv2.divide(weighted, cv2.cvtColor(share, cv2.COLOR_GRAY2RGB), scale=255)
    if factor > 1:
        share, color = (cv2.resize(image, (width, height)) for image in (share, color))
    return color, share
