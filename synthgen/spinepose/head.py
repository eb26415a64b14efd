"""RTMCC, RTMPose's head (Jiang et al. 2023): one token per keypoint, gated attention among them, SimCC out.

Modules are called as in OpenMMLab's checkpoints. B batch, K keypoints.
"""

import math

import torch
from torch import Tensor, nn

from synthgen.spinepose.codec import SPLIT
from synthgen.spinepose.heatmap import full_precision

_HIDDEN, _KEY, _EXPAND = 256, 128, 2


class ScaleNorm(nn.Module):
    """Vectors brought to one length, learnt (Nguyen and Salazar 2019)."""

    def __init__(self, size: int, eps: float = 1e-5):
        super().__init__()
        self.scale, self.eps = size**-0.5, eps
        self.g = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True) * self.scale
        return x / length.clamp(min=self.eps) * self.g


class Scale(nn.Module):
    """One learnt factor per channel."""

    def __init__(self, size: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class GatedAttention(nn.Module):
    """GAU (Hua et al. 2022) with squared-ReLU attention: (B, K, size) to the same."""

    def __init__(self, size: int = _HIDDEN, key: int = _KEY, expand: int = _EXPAND):
        super().__init__()
        self.split = [size * expand, size * expand, key]
        self.root = math.sqrt(key)
        self.uv = nn.Linear(size, sum(self.split), bias=False)
        self.o = nn.Linear(size * expand, size, bias=False)
        self.gamma = nn.Parameter(torch.rand(2, key))
        self.beta = nn.Parameter(torch.rand(2, key))
        self.ln = ScaleNorm(size)
        self.res_scale = Scale(size)
        nn.init.xavier_uniform_(self.uv.weight)
        nn.init.normal_(self.o.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        gate, value, base = torch.split(nn.functional.silu(self.uv(self.ln(x))), self.split, -1)
        query, key = (base.unsqueeze(2) * self.gamma + self.beta).unbind(2)
        attention = torch.square(nn.functional.relu(query @ key.transpose(1, 2) / self.root))
        return self.res_scale(x) + self.o(gate * (attention @ value))


class RTMCCHead(nn.Module):
    """Features at stride 32 to SimCC.

    Args:
        inputs: channels. keypoints: K.
        input_size: W, H of the picture, px; a multiple of 32.
    """

    def __init__(self, inputs: int, keypoints: int, input_size: tuple[int, int]):
        super().__init__()
        width, height = input_size
        cells = (width // 32) * (height // 32)
        self.final_layer = nn.Conv2d(inputs, keypoints, 7, padding=3)
        self.mlp = nn.Sequential(ScaleNorm(cells), nn.Linear(cells, _HIDDEN, bias=False))
        self.gau = GatedAttention()
        self.cls_x = nn.Linear(_HIDDEN, int(width * SPLIT), bias=False)
        self.cls_y = nn.Linear(_HIDDEN, int(height * SPLIT), bias=False)
        nn.init.normal_(self.final_layer.weight, std=0.001)
        nn.init.constant_(self.final_layer.bias, 0.0)  # type: ignore[arg-type]
        for weight in (self.mlp[1].weight, self.cls_x.weight, self.cls_y.weight):
            nn.init.normal_(weight, std=0.01)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, inputs, H / 32, W / 32) to (B, K, 2W) and (B, K, 2H)."""
        tokens = self.gau(self.mlp(self._maps(features).flatten(2)))
        return self.cls_x(tokens), self.cls_y(tokens)

    def _maps(self, features: Tensor) -> Tensor:
        if min(features.shape[2:]) > 2 or features.device.type != "cpu":
            return self.final_layer(features)
        # torch's bfloat16 gradient of a 7 x 7 kernel over a map of 2 cells reads memory nobody wrote (seen with 2.13).
        with full_precision(features):
            return self.final_layer(features.float())
