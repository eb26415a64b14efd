"""Another person in the picture: cut out along his outline and laid beside, behind or in front of the one to find.

A crop shows the person in its middle, and the model must learn that the neighbour is not the one who is asked for.
Rendered pictures of single people teach that only so. Coordinates are px; H and W the input size.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from synthgen.spinepose.augment import View
from synthgen.spinepose.crop import Crop, affine, compose, crop_from_box, inverse, transform
from synthgen.spinepose.outlines import Outline
from synthgen.spinepose.regions import Region

SIZE = (0.7, 1.4)  # of the neighbour relative to a person who fills the crop
ASIDE = (0.12, 0.5)  # distance of the neighbour's middle from the crop's, relative to its width
ALONG = 0.15  # the same up or down, relative to its height
TURN_DEG = 15.0
BEHIND = 0.5  # share of neighbours behind the person, where his own outline is known


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person to draw from: the pixels around him, his box (4,) x, y, width, height, and his outline."""

    region: Region
    box: np.ndarray
    outline: Outline


def silhouette(outline: Outline, view: View, input_size: tuple[int, int]) -> np.ndarray:
    """(H, W) float32 0..1: where the person is in the view, with a soft edge."""
    width, height = int(input_size[0]), int(input_size[1])
    matrix = affine(view.crop, input_size)
    mask = np.zeros((height, width), np.uint8)
    eighths = [np.round(transform(matrix, polygon) * 8).astype(np.int32) for polygon in outline]
    cv2.fillPoly(mask, eighths, 255, cv2.LINE_AA, 3)
    mask = mask[:, ::-1] if view.flip else mask
    return cv2.blur(np.ascontiguousarray(mask), (3, 3)).astype(np.float32) / 255


def draw_companion(box: np.ndarray, input_size: tuple[int, int], rng: np.random.Generator) -> View:
    """A view of a neighbour that puts him aside from the middle of the crop."""
    crop = crop_from_box(box, input_size)
    aside = rng.uniform(*ASIDE) * (1 if rng.random() < 0.5 else -1)
    along = rng.uniform(-ALONG, ALONG)
    scale = crop.scale / rng.uniform(*SIZE)
    turn = float(np.radians(rng.uniform(-TURN_DEG, TURN_DEG)))
    # The person moves one way when the crop moves the other; the crop's own axes are turned.
    cos, sin = np.cos(turn), np.sin(turn)
    shift = np.array([[cos, -sin], [sin, cos]]) @ (np.array([aside, along]) * scale)
    return View(Crop(crop.center - shift, scale, turn), bool(rng.random() < 0.5))


def add_companion(
    image: np.ndarray, own: np.ndarray | None, other: Person, input_size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """The crop `image` (H, W, 3) with a neighbour in it, behind the person of mask `own` (H, W) or in front."""
    view = draw_companion(other.box, input_size, rng)
    behind = rng.random() < BEHIND
    mask = silhouette(other.outline, view, input_size)
    if behind and own is not None:
        mask = mask * (1 - own)
    matrix = compose(affine(view.crop, input_size), inverse(other.region.region_from_image))
    size = (int(input_size[0]), int(input_size[1]))
    pixels = cv2.warpAffine(other.region.image, matrix, size, flags=cv2.INTER_LINEAR)
    pixels = pixels[:, ::-1] if view.flip else pixels
    blend = mask[..., None]
    return np.rint(image * (1 - blend) + pixels * blend).astype(np.uint8)
