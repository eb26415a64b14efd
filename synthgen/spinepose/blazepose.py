"""BlazePose (Bazarevsky et al. 2020; Grishchenko et al. 2022) in torch, from the arrays of the blazepose pack.

A network is a plan, plain data: {"input": id, "side": px, "steps": [...], "outputs": {name: id}}. Each step names an
operation, the ids of its inputs and its output, and `stride`, how much coarser than the picture it works. Pictures are
(B, 3, H, W) RGB 0..1. The convolutional part takes any size in multiples of 32; landmarks need the square of 256.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from biomech.errors import AssetError
from scenes.guarded import open_arrays

SIZES = ("lite", "full", "heavy")
SIDE = 256
"""Of the square picture the landmark networks were made for, px."""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A network: its plan, and its weights by name ("w12" and "b12" belong to the step whose output is 12)."""

    plan: dict
    weights: dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """What a landmark network says of B pictures.

    Attributes:
        points: (B, 39, 3) x, y, z, px of the square; visibility, presence: (B, 39) logits.
        heatmaps: (B, 39, 64, 64) logits.
        person: (B,) probability that there is one.
    """

    points: Tensor
    visibility: Tensor
    presence: Tensor
    heatmaps: Tensor
    person: Tensor


def blazepose_pack(assets: Path | None = None) -> Path:
    """Folder of the blazepose pack below the asset folder; AssetError where it is not installed."""
    from synthgen.assets import cache_folder

    folder = (assets or cache_folder()) / "blazepose"
    if not (folder / "pose_landmark_full.npz").is_file():
        raise AssetError(f"BlazePose is not in {folder}; run 'synthgen assets install blazepose'")
    return folder


def load_graph(network: str, folder: Path | None = None) -> Graph:
    """Read a converted network.

    Args:
        network: lite, full, heavy, or pose_detection.
        folder: that holds the converted files; the installed pack when None.

    Raises:
        AssetError: not installed, or not a converted network.
    """
    name = f"pose_landmark_{network}" if network in SIZES else network
    path = (folder or blazepose_pack()) / f"{name}.npz"
    try:
        with open_arrays(path) as arrays:
            plan = json.loads(str(arrays["plan"]))
            return Graph(plan, {key: arrays[key] for key in arrays.files if key != "plan"})
    except FileNotFoundError as error:
        raise AssetError(f"there is no {path}; run 'synthgen assets install blazepose'") from error
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise AssetError(
            f"{path} is not a converted BlazePose network; run 'synthgen assets install blazepose'"
        ) from error


class GraphModule(nn.Module):
    """A plan as a module: the steps that the wanted values need, and their weights as parameters.

    Args:
        graph: the network. Without weights they start at zero, to be loaded.
        wanted: ids of the values to return.
    """

    def __init__(self, graph: Graph, wanted: tuple[int, ...]):
        super().__init__()
        self.wanted, self.source = wanted, graph.plan["input"]
        self.steps = _join_padding(_needed(graph.plan["steps"], wanted), wanted)
        self.weights = nn.ParameterDict()
        for step in self.steps:
            if step["op"] == "conv":
                for letter, shape in (("w", step["shape"]), ("b", step["shape"][:1])):
                    value = graph.weights.get(f"{letter}{step['out']}", np.zeros(shape))
                    self.weights[f"{letter}{step['out']}"] = nn.Parameter(torch.tensor(value, dtype=torch.float32))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        values = {self.source: images}
        for step in self.steps:
            values[step["out"]] = self._run(step, [values[i] for i in step["in"]])
        return tuple(values[i] for i in self.wanted)

    def _run(self, step: dict, inputs: list[Tensor]) -> Tensor:
        x = inputs[0]
        match step["op"]:
            case "conv":
                return self._convolve(step, x)
            case "add":
                return _activate(x + inputs[1], step["act"])
            case "pad":
                _, rows, columns, channels = step["by"]
                return nn.functional.pad(x, [*columns, *rows, *channels])
            case "double":
                return nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            case "pool":
                return nn.functional.max_pool2d(x, step["size"])
            case "reshape":  # of the channels-last order the network was written in
                return x.permute(0, 2, 3, 1).reshape(x.shape[0], *step["shape"])
            case "sigmoid":
                return x.sigmoid()
            case "concat":
                return torch.cat(inputs, 1)
            case "depth_to_space":
                return _depth_to_space(x, step["block"])
        raise AssetError(f"the network asks for the unknown operation {step['op']!r}; install the blazepose pack anew")

    def _convolve(self, step: dict, x: Tensor) -> Tensor:
        weight, bias = self.weights[f"w{step['out']}"], self.weights[f"b{step['out']}"]
        padding = step.get("padding", [0, 0])
        if step["same"]:
            # TensorFlow's rule: as much as the last window needs, the odd pixel at the end.
            need = [
                max((-(-n // s) - 1) * s + k - n, 0)
                for n, s, k in zip(x.shape[2:], step["step"], weight.shape[2:], strict=True)
            ]
            if any(n % 2 for n in need):
                x = nn.functional.pad(x, [need[1] // 2, need[1] - need[1] // 2, need[0] // 2, need[0] - need[0] // 2])
            else:
                padding = [n // 2 for n in need]
        groups = x.shape[1] if step["depthwise"] else 1
        return _activate(nn.functional.conv2d(x, weight, bias, step["step"], padding, groups=groups), step["act"])


class BlazePose(nn.Module):
    """The landmark network: (B, 3, 256, 256) RGB 0..1 to Landmarks."""

    def __init__(self, graph: Graph):
        super().__init__()
        outputs = graph.plan["outputs"]
        self.net = GraphModule(graph, (outputs["landmarks"], outputs["heatmaps"], outputs["presence"]))

    def forward(self, images: Tensor) -> Landmarks:
        flat, heatmaps, person = self.net(images)
        rows = flat.reshape(-1, 39, 5)
        return Landmarks(rows[..., :3], rows[..., 3], rows[..., 4], heatmaps, person.flatten())


class BlazeTrunk(nn.Module):
    """BlazePose up to its heatmaps, as the backbone of another head.

    Attributes:
        plan: to build it again without the pack.
        channels: of the features at strides 4, 16 and 32.
    """

    def __init__(self, graph: Graph):
        super().__init__()
        self.plan = graph.plan
        fine, middle, coarse, heat = _taps(graph.plan)
        self.net = GraphModule(graph, (fine, middle, coarse, heat))
        width = {step["out"]: step["shape"][0] for step in graph.plan["steps"] if step["op"] == "conv"}
        by_output = {step["out"]: step for step in graph.plan["steps"]}

        def channels(value: int) -> int:
            return width[value] if value in width else channels(by_output[value]["in"][0])

        # The network's own 39 heatmaps, as probabilities, ride along with the finest features.
        self.channels = (channels(fine) + channels(heat), channels(middle), channels(coarse))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, H, W) RGB 0..1 to features at strides 4, 16 and 32."""
        fine, middle, coarse, heat = self.net(images)
        return torch.cat([fine, heat.sigmoid()], 1), middle, coarse

    def freeze(self, below: int = 0) -> None:
        """Freeze all layers, or with `below` = 8 all before the first layer that works at stride 8 or coarser."""
        learning = False
        for step in self.net.steps:
            learning = learning or bool(below and step["stride"] >= below)
            if step["op"] == "conv":
                for letter in "wb":
                    self.net.weights[f"{letter}{step['out']}"].requires_grad_(learning)


def _taps(plan: dict) -> tuple[int, int, int, int]:
    """Ids of the finest features, the encoder's last maps at strides 16 and 32, and the heatmaps."""
    heat = plan["outputs"]["heatmaps"]
    steps = plan["steps"]
    fine = next(step["in"][0] for step in steps if step["out"] == heat)
    encoder = steps[: next(i for i, step in enumerate(steps) if step["op"] == "double")]
    last = {step["stride"]: step["out"] for step in encoder if step["op"] == "add"}
    return fine, last[16], last[32], heat


def _needed(steps: list[dict], wanted: tuple[int, ...]) -> list[dict]:
    needed, kept = set(wanted), []
    for step in reversed(steps):
        if step["out"] in needed:
            kept.append(step)
            needed |= set(step["in"])
    return kept[::-1]


def _join_padding(steps: list[dict], wanted: tuple[int, ...]) -> list[dict]:
    """Let a convolution do the padding before it where it can: a copy of the picture saved."""
    pads = {s["out"]: s for s in steps if s["op"] == "pad" and s["out"] not in wanted}
    joined = []
    for step in steps:
        pad = pads.get(step["in"][0]) if step["op"] == "conv" and not step["same"] else None
        if pad and all(before == after for before, after in pad["by"]) and not any(pad["by"][3]):
            step = step | {"in": pad["in"], "padding": [pad["by"][1][0], pad["by"][2][0]]}
        joined.append(step)
    return _needed(joined, wanted)


def _activate(x: Tensor, name: str) -> Tensor:
    return nn.functional.relu(x) if name == "relu" else nn.functional.relu6(x) if name == "relu6" else x


def _depth_to_space(x: Tensor, block: int) -> Tensor:
    count, channels, rows, columns = x.shape
    x = x.reshape(count, block, block, channels // block**2, rows, columns)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(count, channels // block**2, rows * block, columns * block)
