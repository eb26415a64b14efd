"""From a person's box to the model's input and back.

The rule is RTMPose's top-down one: the box is padded about its centre, widened on one side to the input's aspect ratio,
and mapped by a similarity transform, so that the padded box fills the input. Coordinates are pixels with the centre of
the first pixel at (0, 0); the centre of the crop maps to (W / 2, H / 2).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from synthgen.spinepose.errors import SpinePoseError

PADDING = 1.25
"""How much larger than the box the crop is; RTMPose's, and that of the packages which run such models."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A rotated rectangle in an image.

    Attributes:
        center: (2,) x, y of its centre, px.
        scale: (2,) width and height, px, in the aspect ratio of the input it is meant for.
        rotation: of the rectangle in the image, rad; positive turns x towards y (clockwise as seen).
    """

    center: np.ndarray
    scale: np.ndarray
    rotation: float = 0.0


def crop_from_box(box_xywh, input_size: tuple[int, int], padding: float = PADDING) -> Crop:
    """The upright crop around a box.

    Args:
        box_xywh: (4,) left, top, width, height, px.
        input_size: width, height of the model's input, px; only their ratio matters.
        padding: factor on the box before it is widened to that ratio.

    Raises:
        SpinePoseError: the box is empty or not finite.
    """
    box = np.asarray(box_xywh, float)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise SpinePoseError(f"a box must be four finite numbers x, y, width > 0, height > 0; got {box.tolist()}")
    far = box[:2] + box[2:]
    return Crop((box[:2] + far) * 0.5, fit_aspect((far - box[:2]) * padding, input_size))


def fit_aspect(size, input_size: tuple[int, int]) -> np.ndarray:
    """(2,) the smallest width and height in the input's ratio that hold `size`."""
    width, height = (float(s) for s in size)
    ratio = input_size[0] / input_size[1]
    return np.array([max(width, height * ratio), max(height, width / ratio)])


def affine(crop: Crop, input_size: tuple[int, int]) -> np.ndarray:
    """(2, 3) the map from image to input pixels.

    Solved from three points in single precision, as the packages that run such models do: a tie between two bins of a
    picture then falls the same way here and there.
    """
    up = 0.5 * crop.scale[0] * np.array([np.sin(crop.rotation), -np.cos(crop.rotation)])
    middle = np.array(input_size, float) / 2
    source = _square_from(crop.center, crop.center + up)
    wanted = _square_from(middle, middle - [0, 0.5 * input_size[0]])
    return cv2.getAffineTransform(source, wanted)


def _square_from(center: np.ndarray, top: np.ndarray) -> np.ndarray:
    """(3, 2) float32: two corners of a square and the third beside the second."""
    a, b = center.astype(np.float32), top.astype(np.float32)
    return np.array([a, b, b + np.array([b[1] - a[1], a[0] - b[0]], np.float32)], np.float32)


def inverse(matrix: np.ndarray) -> np.ndarray:
    """(2, 3) the map that undoes `matrix` (2, 3)."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.c_[linear, -linear @ matrix[:, 2]]


def compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """(2, 3) the map that applies `inner` (2, 3) first and then `outer` (2, 3)."""
    return np.c_[outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]]


def transform(matrix: np.ndarray, points) -> np.ndarray:
    """(..., 2) points through a (2, 3) map."""
    return np.asarray(points, float) @ matrix[:, :2].T + matrix[:, 2]


def warp(image: np.ndarray, crop: Crop, input_size: tuple[int, int], border: int = 0) -> np.ndarray:
    """(H, W, C) uint8 the crop's content at the input's size, bilinear; `border` fills what lies outside the image."""
    fill = (border,) * 4
    size = (int(input_size[0]), int(input_size[1]))
    return cv2.warpAffine(image, affine(crop, input_size), size, flags=cv2.INTER_LINEAR, borderValue=fill)


def to_input(points, crop: Crop, input_size: tuple[int, int]) -> np.ndarray:
    """(..., 2) image px as input px."""
    return transform(affine(crop, input_size), points)


def to_image(points, crop: Crop, input_size: tuple[int, int]) -> np.ndarray:
    """(..., 2) input px as image px; undoes `to_input`."""
    return transform(inverse(affine(crop, input_size)), points)
