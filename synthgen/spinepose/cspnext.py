"""CSPNeXt, RTMPose's backbone (Lyu et al. 2022), without its framework.

Modules are called as in OpenMMLab's checkpoints (`stem.0.conv`, `stage1.1.main_conv.bn` ...), so that their weights
load by name. Feature maps are (B, C, H / stride, W / stride).
"""

import torch
from torch import Tensor, nn

# in, out, blocks, residual, pooling pyramid; before widening and deepening.
_STAGES = (
    (64, 128, 3, True, False),
    (128, 256, 6, True, False),
    (256, 512, 6, True, False),
    (512, 1024, 3, False, True),
)


class ConvNorm(nn.Module):
    """Convolution, batch norm, SiLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.activate = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.activate(self.bn(self.conv(x)))


class SeparableConv(nn.Module):
    """A wide depthwise and a pointwise convolution."""

    def __init__(self, channels: int, kernel: int):
        super().__init__()
        self.depthwise_conv = ConvNorm(channels, channels, kernel, groups=channels)
        self.pointwise_conv = ConvNorm(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise_conv(self.depthwise_conv(x))


class Block(nn.Module):
    """3 x 3 convolution, then 5 x 5 separable convolution, around a shortcut."""

    def __init__(self, channels: int, residual: bool):
        super().__init__()
        self.conv1 = ConvNorm(channels, channels, 3)
        self.conv2 = SeparableConv(channels, 5)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        return x + y if self.residual else y


class ChannelAttention(nn.Module):
    """Each channel scaled by a gate on the picture's mean."""

    def __init__(self, channels: int):
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * nn.functional.hardsigmoid(self.fc(x.mean((2, 3), keepdim=True)))


class CSPLayer(nn.Module):
    """Half of the channels go through the blocks, half go past them."""

    def __init__(self, channels: int, blocks: int, residual: bool):
        super().__init__()
        middle = channels // 2
        self.main_conv = ConvNorm(channels, middle)
        self.short_conv = ConvNorm(channels, middle)
        self.final_conv = ConvNorm(2 * middle, channels)
        self.blocks = nn.Sequential(*(Block(middle, residual) for _ in range(blocks)))
        self.attention = ChannelAttention(2 * middle)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.blocks(self.main_conv(x)), self.short_conv(x)], 1)
        return self.final_conv(self.attention(both))


class PoolingPyramid(nn.Module):
    """Maxima over three neighbourhoods beside the features themselves (SPP)."""

    def __init__(self, channels: int):
        super().__init__()
        middle = channels // 2
        self.conv1 = ConvNorm(channels, middle)
        self.poolings = nn.ModuleList(nn.MaxPool2d(k, 1, k // 2) for k in (5, 9, 13))
        self.conv2 = ConvNorm(4 * middle, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        return self.conv2(torch.cat([x, *(pool(x) for pool in self.poolings)], 1))


class CSPNeXt(nn.Module):
    """The backbone.

    Args:
        deepen: factor on the blocks of each stage. widen: factor on the channels.

    Attributes:
        channels: of the feature maps at strides 4, 8, 16 and 32.
    """

    def __init__(self, deepen: float, widen: float):
        super().__init__()
        first = int(64 * widen)
        self.stem = nn.Sequential(
            ConvNorm(3, first // 2, 3, 2), ConvNorm(first // 2, first // 2, 3), ConvNorm(first // 2, first, 3)
        )
        self.channels = tuple(int(outputs * widen) for _, outputs, *_ in _STAGES)
        for number, (inputs, outputs, blocks, residual, pyramid) in enumerate(_STAGES, 1):
            wide = int(outputs * widen)
            layers: list[nn.Module] = [ConvNorm(int(inputs * widen), wide, 3, 2)]
            if pyramid:
                layers.append(PoolingPyramid(wide))
            layers.append(CSPLayer(wide, max(round(blocks * deepen), 1), residual))
            self.add_module(f"stage{number}", nn.Sequential(*layers))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Feature maps at strides 4, 8, 16 and 32."""
        features = []
        x = self.stem(x)
        for number in range(1, len(_STAGES) + 1):
            x = getattr(self, f"stage{number}")(x)
            features.append(x)
        return features[0], features[1], features[2], features[3]
