"""Heatmaps at a quarter of the input's size, and SimCC out of them.

Two users: the branch that helps an RTMPose off the mean-pose plateau, which is dropped after training, and the head of
the BlazePose trunk, whose heatmaps are the answer. Cell j of a heatmap is centred on pixel STRIDE * (j + 1/2) - 1/2.
B batch, K keypoints.
"""

import contextlib
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from synthgen.spinepose.codec import SPLIT, simcc_sigma

STRIDE = 4
TARGET_SIGMA = 1.3
"""Width of the Gaussian a heatmap is taught, cells."""
MARGINAL_POWER = 0.8  # least log loss of "within .05 of the person's size" on two held-out generated sets: .171, .202
_SMOOTHING = 5.0  # bins; makes the peak of a marginal that spans a few cells single and fine


class Outputs(NamedTuple):
    """What a model says.

    Attributes:
        simcc_x: (B, K, 2W) scores, about 1 at the peak of a point that is surely seen. simcc_y: (B, K, 2H).
        heatmaps: (B, K, H / 4, W / 4) logits, or None.
        decoded: the SimCC are marginals of the heatmaps, non-negative and of one scale, rather than scores of their own
            whose softmax (with the loss's temperature) is the distribution.
    """

    simcc_x: Tensor
    simcc_y: Tensor
    heatmaps: Tensor | None = None
    decoded: bool = False


class ContextBlock(nn.Module):
    """Depthwise and pointwise convolution around a shortcut."""

    def __init__(self, channels: int, kernel: int = 5):
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)
        self.norm_wide = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm_mix = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        relu = nn.functional.relu
        return x + relu(self.norm_mix(self.mix(relu(self.norm_wide(self.wide(x))))))


class HeatmapHead(nn.Module):
    """From features at strides 4, 16 and 32 to K heatmaps at stride 4.

    Context is gathered at strides 16 and 8, where it is cheap; stride 4 only places the peak.

    Args:
        channels: of the features at strides 4, 16, 32. keypoints: K. width: channels of the context path.
    """

    def __init__(self, channels: tuple[int, int, int], keypoints: int, width: int = 128):
        super().__init__()
        fine, middle, coarse = channels
        thin = width // 2
        self.coarse = nn.Conv2d(coarse, width, 1)
        self.middle = nn.Conv2d(middle, width, 1)
        self.norm_16 = nn.BatchNorm2d(width)
        self.context_16 = nn.Sequential(*(ContextBlock(width) for _ in range(3)))
        self.down = nn.Conv2d(fine, width, 4, 2, 1, bias=False)
        self.norm_8 = nn.BatchNorm2d(width)
        self.context_8 = ContextBlock(width)
        self.narrow = nn.Conv2d(width, thin, 1)
        self.fine = nn.Conv2d(fine, thin, 1)
        self.norm_4 = nn.BatchNorm2d(thin)
        self.place = nn.Conv2d(thin, thin, 3, padding=1)
        self.out = nn.Conv2d(thin, keypoints, 1)

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> Tensor:
        """(B, K, H / 4, W / 4) logits."""
        relu = nn.functional.relu
        x = self.context_16(relu(self.norm_16(_double(self.coarse(coarse)) + self.middle(middle))))
        x = self.context_8(relu(self.norm_8(_double(x) + self.down(fine))))
        x = relu(self.norm_4(_double(self.narrow(x)) + self.fine(fine)))
        return self.out(relu(self.place(x)))


class Marginals(nn.Module):
    """Heatmaps to SimCC: softmax over the picture, sums along each axis, smoothed and resampled to bins.

    Scaled so that the Gaussian a heatmap is taught gives a peak of 1: the height then tells how sure the model is, and
    programs that draw a point above 0.5 show what is seen.

    Args:
        input_size: W, H, px.
    """

    x: Tensor
    y: Tensor

    def __init__(self, input_size: tuple[int, int]):
        super().__init__()
        for name, side in zip("xy", input_size, strict=True):
            matrix = _cells_to_bins(side)
            taught = np.exp(-((np.arange(side // STRIDE) - side // STRIDE // 2) ** 2) / (2 * TARGET_SIGMA**2))
            matrix /= (taught / taught.sum() @ matrix).max()
            self.register_buffer(name, torch.tensor(matrix, dtype=torch.float32), persistent=False)

    def forward(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, K, H / 4, W / 4) logits to (B, K, 2W) and (B, K, 2H)."""
        with full_precision(heatmaps):
            share = probabilities(heatmaps)
            return share.sum(2) @ self.x, share.sum(3) @ self.y


def full_precision(like: Tensor) -> contextlib.AbstractContextManager:
    """Undo autocast around what half precision would spoil: in bfloat16 the bins of a peak become one."""
    kind = like.device.type
    # Entered only where needed: exporters do not know the context.
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else contextlib.nullcontext()


def probabilities(heatmaps: Tensor) -> Tensor:
    """(B, K, H / 4, W / 4) share of each cell, in single precision whatever the model runs in."""
    return heatmaps.float().flatten(2).softmax(-1).reshape(heatmaps.shape)


def cells(points: Tensor) -> Tensor:
    """Input px to cell coordinates, centre of the first cell at 0."""
    return (points + 0.5) / STRIDE - 0.5


def _double(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _cells_to_bins(side: int) -> np.ndarray:
    """(side / 4, 2 side) linear interpolation of a marginal at the bins, then a Gaussian; each row keeps its mass."""
    count, bins = side // STRIDE, int(side * SPLIT)
    place = np.clip((np.arange(bins) / SPLIT + 0.5) / STRIDE - 0.5, 0, count - 1)
    linear = np.maximum(0, 1 - np.abs(place - np.arange(count)[:, None]))
    step = np.arange(bins)[:, None] - np.arange(bins)
    blur = np.exp(-(step**2) / (2 * _SMOOTHING**2))
    matrix = linear @ (blur / blur.sum(0))
    return matrix / matrix.sum(1, keepdims=True)


def calibrate(outputs: Outputs, input_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """SimCC whose peaks are scores about 0..1; the place of the peak does not change.

    The loss fixes an RTMPose head's scores only up to a constant per row, since a softmax does not see it. The rows are
    shifted to the mean that the taught Gaussian (peak 1) has. Marginals of heatmaps are scaled already, and raised to a
    power, since sure points are right more often than their height says.
    """
    x, y = outputs.simcc_x.float(), outputs.simcc_y.float()
    if outputs.decoded:
        return x**MARGINAL_POWER, y**MARGINAL_POWER
    rows = []
    for row, sigma in zip((x, y), simcc_sigma(input_size), strict=True):
        taught = sigma * (2 * np.pi) ** 0.5 / row.shape[-1]
        rows.append(row - row.mean(-1, keepdim=True) + taught)
    return rows[0], rows[1]
