"""SimCC: a point as two distributions over bins of half a pixel, one per axis (Li et al. 2022, as in RTMPose).

Bin i of an axis stands for the coordinate i / SPLIT in input pixels. B batch, K keypoints, W and H input size.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

SPLIT = 2.0
"""Bins per pixel."""

# RTMPose's widths, in bins, for its two input sizes; others follow in proportion to the square root of the side, which
# is the rule those figures obey (4.9 / 5.66 = sqrt(192 / 256), 6.0 / 4.9 = sqrt(288 / 192)).
_SIGMA_AT, _SIGMA = 192.0, 4.9


class SimCC(NamedTuple):
    """Labels or teacher's targets.

    Attributes:
        x: (B, K, 2W). y: (B, K, 2H).
        weights: (B, K), 0 where there is nothing to learn from.
    """

    x: Tensor
    y: Tensor
    weights: Tensor


def simcc_sigma(input_size: tuple[int, int]) -> tuple[float, float]:
    """Width of the labels along x and y, bins: (4.9, 5.66) at 192 x 256, (6.0, 6.93) at 288 x 384."""
    width, height = (round(_SIGMA * (side / _SIGMA_AT) ** 0.5, 2) for side in input_size)
    return width, height


def encode(points: Tensor, weights: Tensor, input_size: tuple[int, int]) -> SimCC:
    """Unnormalised Gaussians (peak 1) at the points, rounded to bins.

    A point whose three-sigma window lies outside the input on either axis gets weight 0, and so does one that is not
    finite.

    Args:
        points: (B, K, 2) input px. weights: (B, K).
        input_size: W, H.
    """
    known = torch.isfinite(points).all(-1)
    points = torch.where(known[..., None], points, torch.zeros_like(points))
    axes, inside = [], known
    for axis, (side, sigma) in enumerate(zip(input_size, simcc_sigma(input_size), strict=True)):
        bins = torch.arange(int(side * SPLIT), device=points.device, dtype=torch.float32)
        # Half up, not half to even: two points half a pixel apart never share a bin.
        centre = torch.floor(points[..., axis].float() * SPLIT + 0.5)
        inside = inside & (centre + 3 * sigma >= 0) & (centre - 3 * sigma < len(bins))
        axes.append(torch.exp(-((bins - centre[..., None]) ** 2) / (2 * sigma**2)))
    return SimCC(axes[0], axes[1], weights * inside)


def decode(simcc_x, simcc_y) -> tuple[np.ndarray, np.ndarray]:
    """The highest bin of each axis.

    Args:
        simcc_x: (..., K, 2W) scores, array or tensor. simcc_y: (..., K, 2H).

    Returns:
        points (..., K, 2) input px, and scores (..., K): the mean of the two maxima, as the packages that run such
        models take it.
    """
    x, y = _array(simcc_x), _array(simcc_y)
    points = np.stack([x.argmax(-1), y.argmax(-1)], -1) / SPLIT
    return points, (x.max(-1) + y.max(-1)) / 2


def refine(simcc: np.ndarray, sigma: float) -> np.ndarray:
    """(..., bins) each axis smoothed by a Gaussian of `sigma` bins: `decode` then finds the middle of a ragged peak."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    values = _array(simcc)
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(reach, reach)], mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=-1)
    return windows @ (kernel / kernel.sum()).astype(values.dtype)


def expectation(probability: Tensor) -> Tensor:
    """(..., ) mean coordinate of a distribution (..., bins) in input px; differentiable."""
    bins = torch.arange(probability.shape[-1], device=probability.device, dtype=probability.dtype)
    return (probability * bins).sum(-1) / SPLIT


def unflip(simcc_x: Tensor, simcc_y: Tensor, flip) -> tuple[Tensor, Tensor]:
    """SimCC of a mirrored picture, put back.

    A mirrored pixel x lies at W - 1 - x, so bin i comes from bin 2W - 2 - i: one bin further than plain reversal, which
    would shift every point by half a pixel.

    Args:
        simcc_x, simcc_y: (B, K, 2W), (B, K, 2H) of the picture mirrored left to right.
        flip: (K,) index of each keypoint's mirror image.
    """
    index = torch.tensor(np.array(flip), device=simcc_x.device)
    mirrored = simcc_x.flip(-1)[:, index]
    return torch.cat([mirrored[..., 1:], mirrored[..., -1:]], -1), simcc_y[:, index]


def average_flipped(simcc: tuple[Tensor, Tensor], of_mirrored: tuple[Tensor, Tensor], flip) -> tuple[Tensor, Tensor]:
    """Flip test: the mean of the SimCC of a picture and of its mirrored twin."""
    x, y = unflip(*of_mirrored, flip)
    return (simcc[0] + x) / 2, (simcc[1] + y) / 2


def _array(values) -> np.ndarray:
    return values.detach().float().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
