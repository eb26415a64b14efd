"""Find people with BlazePose's detector: one picture or a pyramid of overlapping windows, boxes out.

The network looks at 224 x 224 px and answers at 2254 anchors with four points of a person: mid-hip, a point on the
circle about it that holds the whole body (it lies upwards), mid-shoulder, and one more. The anchors' layout is the
published configuration of MediaPipe's pose detector (SSD, strides 8, 16, 32, 32, 32, two anchors each, fixed size).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from biomech.errors import ConfigError

SIDE = 224  # px of the network's input
_GRIDS = ((28, 2), (14, 2), (7, 6))  # cells per side, anchors per cell (three layers share stride 32)
_SAME = 0.4  # two detections closer than this, in radii, at hips and at shoulders are one person
_BODY = (0.6, 0.97)  # half width and half height of an upright body, in radii of its circle
_SIZES = (0.1, 0.6)  # a window answers reliably for people whose radius lies between these shares of its side
LEVELS = {"frame": (), "photo": (0.6, 0.36)}  # window sides, as shares of the picture's longer side
_BATCH = 8  # windows per run of the network

# (B, 224, 224, 3) RGB in -1..1 -> (B, 2254, 12) px of the input, relative to the anchors, and (B, 2254) logits
Network = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One person found.

    Attributes:
        box: (4,) left, top, width, height, px: a guess from the circle; the pose refines it.
        score: 0..1.
        hip, shoulder: (2,) px, middles of the two.
        radius: of the circle about the hips that holds the body, px.
    """

    box: np.ndarray
    score: float
    hip: np.ndarray
    shoulder: np.ndarray
    radius: float


@cache
def anchors() -> np.ndarray:
    """(2254, 2) centres of the anchors, shares of the input's side, in the network's order."""
    grids = []
    for cells, repeat in _GRIDS:
        centre = (np.arange(cells) + 0.5) / cells
        x, y = np.meshgrid(centre, centre)
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], -1), repeat, 0))
    table = np.concatenate(grids)
    table.setflags(write=False)
    return table


def decode(raw: np.ndarray, logits: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """The network's answer for one input as points.

    Args:
        raw: (2254, 12) px relative to the anchors: box centre and size, then four points.
        logits: (2254,).
        threshold: least score.

    Returns:
        points (N, 4, 2) as shares of the input's side, and scores (N,), best first.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(float), -80, 80)))
    found = np.flatnonzero(scores >= threshold)
    found = found[np.argsort(-scores[found], kind="stable")]
    return raw[found, 4:].reshape(-1, 4, 2) / SIDE + anchors()[found, None], scores[found]


def windows(width: int, height: int, levels: tuple[float, ...]) -> list[tuple[float, float, float]]:
    """Left, top, side (px) of the square windows to look at: the whole picture, then half-overlapping tiles."""
    longer = max(width, height)
    squares = [(width / 2 - longer / 2, height / 2 - longer / 2, float(longer))]
    for level in levels:
        side = longer * level
        squares += [(x, y, side) for y in _starts(height, side) for x in _starts(width, side)]
    return squares


def _starts(length: int, side: float) -> list[float]:
    if side >= length:
        return [length / 2 - side / 2]
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return np.linspace(0, length - side, count).tolist()


def suppress(points: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Merge what is one person: neighbours of the best detection are averaged with it, weighted by score.

    Args:
        points: (N, 4, 2). scores: (N,).

    Returns:
        points (4, 2) and score of each person, best first.
    """
    left, people = np.argsort(-scores, kind="stable"), []
    radius = np.linalg.norm(points[:, 1] - points[:, 0], axis=-1)
    while len(left):
        best = left[0]
        apart = np.linalg.norm(points[left] - points[best], axis=-1)[:, [0, 2]].max(1)
        near = apart <= _SAME * np.maximum(radius[left], radius[best])
        # Only those of like size shape the average: a fragment of the body must not shrink the circle.
        alike = left[near & (np.abs(radius[left] / max(radius[best], 1e-9) - 1) < 0.25)]
        alike = alike if len(alike) else left[:1]
        weight = scores[alike] / scores[alike].sum()
        people.append((np.tensordot(weight, points[alike], 1), float(scores[best])))
        near[0] = True
        left = left[~near]
    return people


def person_box(points: np.ndarray) -> np.ndarray:
    """(4,) x, y, w, h: the upright box about a body whose four points (4, 2) were found, leaning as they lean."""
    up = points[1] - points[0]
    across = np.array([-up[1], up[0]])
    reach = np.abs(up) * _BODY[1] + np.abs(across) * _BODY[0]
    return np.concatenate([points[0] - reach, 2 * reach])


class Detector:
    """BlazePose's person detector.

    Args:
        network: what runs the graph; the installed blazepose pack when None.
        threshold: least score of a person.

    Raises:
        AssetError: the blazepose pack is not installed. ConfigError: the threshold is not between 0 and 1.
    """

    def __init__(self, network: Network | None = None, threshold: float = 0.5) -> None:
        if not 0 < threshold < 1:
            raise ConfigError(f"the detector's threshold is {threshold}; allowed: between 0 and 1")
        self.threshold = threshold
        self._network = network if network is not None else blazepose_network()

    def __call__(self, image: np.ndarray, levels: tuple[float, ...] = ()) -> list[Detection]:
        """People in a picture.

        Args:
            image: (H, W, 3) uint8 BGR, as OpenCV reads.
            levels: sides of further windows, shares of the longer side: smaller finds smaller people, and takes longer.
                See LEVELS.

        Returns:
            Best first.
        """
        height, width = image.shape[:2]
        squares = windows(width, height, levels)
        points, scores = [], []
        for start in range(0, len(squares), _BATCH):
            batch = squares[start : start + _BATCH]
            raw, logits = self._network(np.stack([_window(image, square) for square in batch]))
            for (x, y, side), answer, logit in zip(batch, raw, logits, strict=True):
                found, score = decode(answer, logit, self.threshold)
                radius = np.linalg.norm(found[:, 1] - found[:, 0], axis=-1)
                if side < max(width, height):  # a tile sees parts of large people and takes them for small ones
                    fits = (radius > _SIZES[0]) & (radius < _SIZES[1])
                    found, score = found[fits], score[fits]
                points.append(found * side + (x, y))
                scores.append(score)
        people = suppress(np.concatenate(points), np.concatenate(scores))
        return [Detection(person_box(p), score, p[0], p[2], float(np.linalg.norm(p[1] - p[0]))) for p, score in people]


def _window(image: np.ndarray, square: tuple[float, float, float]) -> np.ndarray:
    """(224, 224, 3) RGB in -1..1: a square of the picture, black outside it."""
    import cv2

    x, y, side = square
    zoom = SIDE / side
    shrink = int(side // (2 * SIDE))
    if shrink > 1:  # average down first, or warping would skip pixels
        height, width = image.shape[:2]
        small = (max(1, width // shrink), max(1, height // shrink))
        zooms = zoom * width / small[0], zoom * height / small[1]
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    else:
        zooms = zoom, zoom
    matrix = np.array([[zooms[0], 0, -x * zoom], [0, zooms[1], -y * zoom]])
    small_image = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    return small_image[..., ::-1].astype(np.float32) / 127.5 - 1


def blazepose_network(folder: Path | None = None) -> Network:
    """The detector's graph out of the installed blazepose pack, run by torch.

    Args:
        folder: of the pack; the asset folder's when None.

    Raises:
        AssetError: the pack is not installed.
    """
    import torch

    from synthgen.spinepose.blazepose import GraphModule, load_graph

    graph = load_graph("pose_detection", folder)
    outputs = graph.plan["outputs"]
    module = GraphModule(graph, (outputs["boxes"], outputs["scores"])).eval()

    def run(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            boxes, scores = module(torch.from_numpy(pictures).permute(0, 3, 1, 2))
        return boxes.numpy(), scores.numpy().reshape(len(pictures), -1)

    return run
