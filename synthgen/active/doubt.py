"""How unsure a model is of one person, told in five ways, and what the person looks like in a few numbers.

Lengths are shares of the person's size, the longer side of the box. K = 37 keypoints, N people, W and H input size.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from synthgen.keypoints import spinetrack
from synthgen.spinepose.crop import Crop, crop_from_box, to_image, warp
from synthgen.spinepose.estimator import Estimator, decode

ZOOMS = (0.85, 1.18)  # of the crop, for the disagreement of scales
_SHARP = 2.0  # power on the answers: what is far below the peak counts little
_THUMB = (6, 8)  # cells of the small picture in the embedding
_POSE_WEIGHT = 2.0  # of the pose beside the picture in the embedding
SIGNALS = ("spread", "flip", "scale", "teacher")


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a model says of one person.

    Attributes:
        points: (K, 2) px, of the picture and its mirror image together. scores: (K,).
        spread: (K,) width of the answer's distribution. flip: (K,) distance between the answers for the picture and its
            mirror image. scale: (K,) mean distance of the answers for a tighter and a wider crop.
        embedding: (E,) float32.
    """

    points: np.ndarray
    scores: np.ndarray
    spread: np.ndarray
    flip: np.ndarray
    scale: np.ndarray
    embedding: np.ndarray


def looks(images: list[np.ndarray], boxes: np.ndarray, estimator: Estimator) -> list[Look]:
    """Look at people.

    Args:
        images: N pictures (H, W, 3) uint8 BGR, one per person. boxes: (N, 4) left, top, width, height, px.
    """
    size = estimator.input_size
    plain = [crop_from_box(box, size) for box in boxes]
    pictures = [warp(image, crop, size) for image, crop in zip(images, plain, strict=True)]
    rgb = np.stack(pictures)[..., ::-1]
    straight, mirrored = estimator.simcc(rgb), estimator.mirrored_simcc(rgb)
    both = ((straight[0] + mirrored[0]) / 2, (straight[1] + mirrored[1]) / 2)
    one, two, (points, scores) = decode(*straight)[0], decode(*mirrored)[0], decode(*both)
    zoomed = []
    for zoom in ZOOMS:
        crops = [Crop(crop.center, crop.scale * zoom, crop.rotation) for crop in plain]
        seen = np.stack([warp(image, crop, size) for image, crop in zip(images, crops, strict=True)])[..., ::-1]
        inside = decode(*estimator.simcc(seen))[0]
        zoomed.append([to_image(p, crop, size) for p, crop in zip(inside, crops, strict=True)])
    found = []
    widths = spread(*both)
    for i, (crop, box) in enumerate(zip(plain, boxes, strict=True)):
        px, person = float(crop.scale[1]) / size[1], float(max(box[2:]))
        place, straight_px = to_image(points[i], crop, size), to_image(one[i], crop, size)
        apart = np.mean([np.linalg.norm(z[i] - straight_px, axis=-1) for z in zoomed], axis=0)
        found.append(
            Look(
                points=place,
                scores=np.clip(scores[i], 0, 1),
                spread=widths[i] * px / person,
                flip=np.linalg.norm(one[i] - two[i], axis=-1) * px / person,
                scale=apart / person,
                embedding=embedding(pictures[i], points[i] / size),
            )
        )
    return found


def spread(simcc_x: np.ndarray, simcc_y: np.ndarray) -> np.ndarray:
    """(..., K) standard deviation of the answers' distributions, input px, both axes together.

    Answers are near an unnormalised bell where the model is sure, flat or with several peaks where it is not. A power
    keeps the floor far from the peak from counting. A narrow answer alone has the width of the bell it was taught.
    """
    total = np.zeros(simcc_x.shape[:-1])
    for axis in (simcc_x, simcc_y):
        mass = np.maximum(np.asarray(axis, float), 0) ** _SHARP + 1e-12
        mass = mass / mass.sum(-1, keepdims=True)
        bins = np.arange(axis.shape[-1]) / 2
        mean = (mass * bins).sum(-1)
        total += (mass * (bins - mean[..., None]) ** 2).sum(-1)
    return np.sqrt(total)


def embedding(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(E,) float32: the pose in the crop and a small picture of it; near copies lie near.

    Args:
        picture: (H, W, 3) uint8 BGR, the crop. points: (K, 2) as shares of its sides.
    """
    small = cv2.resize(picture, _THUMB, interpolation=cv2.INTER_AREA)
    colour = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.float32).reshape(-1) / 255
    pose = np.clip(points, -0.5, 1.5).astype(np.float32).reshape(-1)
    pose = (pose - 0.5) * _POSE_WEIGHT / np.sqrt(len(pose)) * 4
    return np.concatenate([pose, (colour - 0.5) / np.sqrt(len(colour)) * 4])


def teacher_apart(points: np.ndarray, teacher: np.ndarray, size: float) -> np.ndarray:
    """(K,) distance to the teacher's points (K, 4), weighted by its confidence; 0 where it knows nothing."""
    apart = np.linalg.norm(points - teacher[:, :2], axis=-1) / size
    return np.where(teacher[:, 2] > 0, apart * teacher[:, 3], 0.0)


def worst(values: np.ndarray, count: int = 2) -> list[tuple[str, float]]:
    """The keypoints with the largest values: (name in words, value)."""
    names = spinetrack().names
    order = np.argsort(-values, kind="stable")[:count]
    return [(names[i].replace("_", " "), float(values[i])) for i in order]
