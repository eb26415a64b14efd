"""The models: RTMPose in five sizes, and a keypoint head on BlazePose's trunk.

A model takes RGB pictures (B, 3, H, W), 0..255 in floats, normalises them itself and returns Outputs. B batch, K
keypoints, W and H input size in px (multiples of 32).
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from synthgen.spinepose.blazepose import BlazeTrunk, Graph, load_graph
from synthgen.spinepose.cspnext import CSPNeXt
from synthgen.spinepose.errors import SpinePoseError
from synthgen.spinepose.head import RTMCCHead
from synthgen.spinepose.heatmap import HeatmapHead, Marginals, Outputs

# deepen, widen, input size it was published at
RTMPOSE = {
    "t": (0.167, 0.375, (192, 256)),
    "s": (0.33, 0.5, (192, 256)),
    "m": (0.67, 0.75, (192, 256)),
    "l": (1.0, 1.0, (192, 256)),
    "x": (1.33, 1.25, (288, 384)),
}
ARCHITECTURES = (*RTMPOSE, "blaze-lite", "blaze-full", "blaze-heavy")
# ImageNet's, as every RTMPose checkpoint expects, RGB.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class PoseModel(nn.Module):
    """What every model has.

    Attributes:
        arch: one of ARCHITECTURES. keypoints: K. input_size: W, H, px.
    """

    def __init__(self, arch: str, keypoints: int, input_size: tuple[int, int]):
        super().__init__()
        self.arch, self.keypoints, self.input_size = arch, keypoints, input_size

    def freeze_trunk(self, below: int = 0) -> None:
        """Stop the backbone's weights from learning; the head always learns.

        Args:
            below: keep learning the layers at this stride (4, 8, 16, 32) and all coarser or later ones; 0 freezes all.
        """
        raise NotImplementedError

    def trunk_parameters(self) -> list[nn.Parameter]:
        """The backbone's weights, for a learning rate of their own."""
        raise NotImplementedError


class RTMPose(PoseModel):
    """CSPNeXt and RTMCC, with a heatmap branch for training where asked.

    Args:
        heatmaps: add the branch at stride 4. Its loss leads a backbone without pre-training off the plateau of the mean
            pose; inference does not run it (`model.eval()` skips it).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, arch: str, keypoints: int, input_size: tuple[int, int], heatmaps: bool = False):
        super().__init__(arch, keypoints, input_size)
        deepen, widen, _ = RTMPOSE[arch]
        self.backbone = CSPNeXt(deepen, widen)
        fine, _, middle, coarse = self.backbone.channels
        self.head = RTMCCHead(coarse, keypoints, input_size)
        self.branch = HeatmapHead((fine, middle, coarse), keypoints) if heatmaps else None
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Outputs:
        """(B, 3, H, W) RGB 0..255 to Outputs; heatmaps only while training, and with the branch."""
        fine, _, middle, coarse = self.backbone((images - self.mean) / self.std)
        simcc_x, simcc_y = self.head(coarse)
        heatmaps = self.branch(fine, middle, coarse) if self.branch is not None and self.training else None
        return Outputs(simcc_x, simcc_y, heatmaps)

    def freeze_trunk(self, below: int = 0) -> None:
        """See PoseModel; a frozen layer's batch statistics still move in training mode."""
        self.backbone.requires_grad_(False)
        for number, stride in enumerate((4, 8, 16, 32), 1):
            if below and stride >= below:
                getattr(self.backbone, f"stage{number}").requires_grad_(True)

    def trunk_parameters(self) -> list[nn.Parameter]:
        return list(self.backbone.parameters())


class BlazeSpine(PoseModel):
    """A heatmap head on BlazePose's trunk.

    Args:
        trunk: a BlazeTrunk; see synthgen.spinepose.blazepose.
    """

    def __init__(self, arch: str, keypoints: int, input_size: tuple[int, int], trunk: BlazeTrunk):
        super().__init__(arch, keypoints, input_size)
        self.trunk = trunk
        self.head = HeatmapHead(trunk.channels, keypoints)
        self.marginals = Marginals(input_size)

    def forward(self, images: Tensor) -> Outputs:
        """(B, 3, H, W) RGB 0..255 to Outputs; the SimCC are decoded from the heatmaps."""
        heatmaps = self.head(*self.trunk(images / 255)).float()
        simcc_x, simcc_y = self.marginals(heatmaps)
        return Outputs(simcc_x, simcc_y, heatmaps, decoded=True)

    def freeze_trunk(self, below: int = 0) -> None:
        """See PoseModel. The trunk has no batch norm, so what is frozen stays exactly as it was."""
        self.trunk.freeze(below)

    def trunk_parameters(self) -> list[nn.Parameter]:
        return list(self.trunk.parameters())


def build_model(
    arch: str,
    keypoints: int = 37,
    input_size: tuple[int, int] | None = None,
    *,
    heatmaps: bool = False,
    trunk: Path | Graph | None = None,
) -> PoseModel:
    """A model with fresh weights (and BlazePose's own in a blaze trunk).

    Args:
        arch: t, s, m, l, x (RTMPose) or blaze-lite, blaze-full, blaze-heavy.
        keypoints: K.
        input_size: W, H; the published one when None (288 x 384 for x, 192 x 256 otherwise).
        heatmaps: RTMPose only: with the auxiliary branch.
        trunk: blaze only: the folder of the blazepose pack (the asset folder's when None), or a graph out of a
            checkpoint, which needs no pack.

    Raises:
        SpinePoseError: unknown arch, unfit size or K. AssetError: the blazepose pack is not installed.
    """
    if arch not in ARCHITECTURES:
        raise SpinePoseError(f"no architecture is called {arch!r}; there are: {', '.join(ARCHITECTURES)}")
    size = tuple(int(side) for side in (input_size or default_input_size(arch)))
    if len(size) != 2 or min(size) < 32 or any(side % 32 for side in size):
        raise SpinePoseError(f"the input size must be two multiples of 32, width and height; got {input_size}")
    if keypoints < 1:
        raise SpinePoseError(f"a model needs at least one keypoint; got {keypoints}")
    if arch in RTMPOSE:
        return RTMPose(arch, keypoints, (size[0], size[1]), heatmaps)
    graph = trunk if isinstance(trunk, Graph) else load_graph(arch.removeprefix("blaze-"), trunk)
    return BlazeSpine(arch, keypoints, (size[0], size[1]), BlazeTrunk(graph))


def default_input_size(arch: str) -> tuple[int, int]:
    """W, H the architecture was published at."""
    return RTMPOSE[arch][2] if arch in RTMPOSE else (192, 256)


def parameter_count(model: nn.Module) -> int:
    """Weights that inference uses: all but an auxiliary branch."""
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith("branch."))
