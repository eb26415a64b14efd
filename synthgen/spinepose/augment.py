"""Random views of a person, as RTMPose is trained on: where to look (geometry) and how it looks (photometry).

Every draw comes from a Generator, in a fixed order, so that one seed gives one picture. Pictures are (H, W, 3) uint8
RGB, K keypoints, input size in px.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from synthgen.keypoints import spinetrack
from synthgen.spinepose.crop import Crop, affine, compose, crop_from_box, fit_aspect, inverse, transform
from synthgen.spinepose.regions import Region

BORDER = 0  # what lies outside the picture: black, as in the crops that every program around such models makes
FEW_POINTS = 8  # half of a body is cropped only where this many labelled points remain


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """Random changes of the training pictures."""

    flip: float = 0.5
    half_body: float = 0.3
    scale: tuple[float, float] = (0.6, 1.4)
    rotation_deg: float = 80.0
    rotation_share: float = 0.6
    shift: float = 0.16
    shift_share: float = 0.3
    photometric: float = 0.5
    grey: float = 0.05
    noise: float = 0.1
    blur: float = 0.1
    dropout: float = 0.5
    occluder: float = 0.2
    companion: float = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """How one training picture looks at its person.

    Attributes:
        crop: in the picture. flip: mirrored after cropping.
    """

    crop: Crop
    flip: bool


def draw_view(
    box: np.ndarray, keypoints: np.ndarray, input_size: tuple[int, int], config: AugmentConfig, rng: np.random.Generator
) -> View:
    """A random crop around a person: half a body, moved, zoomed, turned, mirrored.

    Args:
        box: (4,) x, y, width, height px. keypoints: (K, 3) x, y, visibility.
    """
    crop = crop_from_box(box, input_size)
    wants_half = rng.random() < config.half_body
    half = _half_body(keypoints, rng.random()) if wants_half else None
    if half is not None:
        center, size = half
        crop = Crop(center, fit_aspect(size * 1.5, input_size))
    zoom = _between(*config.scale, rng)
    turn = _normal(rng) * np.radians(config.rotation_deg) * (rng.random() < config.rotation_share)
    moves = rng.random() < config.shift_share
    shift = np.array([_normal(rng), _normal(rng)]) * config.shift * moves
    crop = replace(crop, center=crop.center + shift * crop.scale, scale=crop.scale * zoom, rotation=float(turn))
    return View(crop, bool(rng.random() < config.flip))


def see(region: Region, view: View, input_size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) uint8 the picture inside the view."""
    matrix = compose(affine(view.crop, input_size), inverse(region.region_from_image))
    size = (int(input_size[0]), int(input_size[1]))
    image = cv2.warpAffine(region.image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(BORDER,) * 3)
    return np.ascontiguousarray(image[:, ::-1]) if view.flip else image


def look(
    keypoints: np.ndarray, weights: np.ndarray, view: View, input_size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Labels inside the view: (K, 2) input px and (K,) weights, 0 for what is unlabelled or outside.

    A mirrored view swaps left and right, so that the left knee stays the person's left knee.
    """
    points = transform(affine(view.crop, input_size), keypoints[:, :2])
    weights = np.asarray(weights, np.float32)
    if view.flip:
        points[:, 0] = input_size[0] - 1 - points[:, 0]
        order = spinetrack().flip
        points, weights = points[order], weights[order]
    inside = ((points >= 0) & (points <= np.array(input_size) - 1)).all(1)
    weights = np.where(inside, weights, 0.0).astype(np.float32)
    return np.where(weights[:, None] > 0, points, 0.0).astype(np.float32), weights


def change_look(
    image: np.ndarray,
    config: AugmentConfig,
    rng: np.random.Generator,
    donor: Callable[[np.random.Generator], np.ndarray] | None = None,
) -> np.ndarray:
    """Light, colour, blur, noise, holes and foreign things in front; labels stay.

    Args:
        donor: gives a foreign picture for the occluder's texture.
    """
    image = _photometric(image, config.photometric, rng)
    if rng.random() < config.grey:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < config.blur:
        image = (
            cv2.blur(image, (3, 3)) if rng.random() < 0.5 else cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.8))
        )
    if rng.random() < config.blur:
        image = cv2.medianBlur(image, int(rng.choice([3, 5])))
    if rng.random() < config.occluder and donor is not None:
        image = _paste(image, donor(rng), rng)
    if rng.random() < config.dropout:
        image = _hole(image, rng)
    if rng.random() < config.noise:
        level = rng.uniform(2, 10)
        noise = rng.standard_normal(image.shape, np.float32) * level
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def _half_body(keypoints: np.ndarray, pick: float) -> tuple[np.ndarray, np.ndarray] | None:
    """(centre, size) of the upper or lower labelled points, None where there are too few."""
    upper = np.array([k.type == "upper" for k in spinetrack().keypoints])
    labelled = keypoints[:, 2] > 0
    halves = [keypoints[labelled & side, :2] for side in (upper, ~upper)]
    halves = [h for h in halves if len(h) >= FEW_POINTS and np.ptp(h, 0).min() > 2]
    if not halves:
        return None
    points = halves[0] if pick < 0.6 or len(halves) == 1 else halves[1]
    low, high = points.min(0).astype(float), points.max(0).astype(float)
    return (low + high) / 2, high - low


def _normal(rng: np.random.Generator) -> float:
    """A standard normal draw, cut at one deviation by folding back inside, so that it takes one draw."""
    value = float(rng.standard_normal())
    return (value + 1) % 2 - 1


def _between(low: float, high: float, rng: np.random.Generator) -> float:
    return (low + high) / 2 + _normal(rng) * (high - low) / 2


def _photometric(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, saturation, hue; each with the given share, through tables of 256 values."""
    table = np.arange(256, dtype=np.float32)
    draws = rng.random(5)
    bright, contrast = rng.uniform(-32, 32), rng.uniform(0.5, 1.5)
    saturation, hue = rng.uniform(0.5, 1.5), int(rng.integers(-9, 10))
    gains = rng.uniform(0.85, 1.15, 3)
    if draws[0] < share:
        table = table + bright
    if draws[1] < share:
        table = table * contrast
    tables = table[:, None] * (gains if draws[4] < share / 2 else np.ones(3))
    image = cv2.LUT(image, np.clip(tables, 0, 255).astype(np.uint8)[None])
    if draws[2] < share or draws[3] < share:
        hsv = np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, 1)
        if draws[3] < share:
            hsv[:, 0] = (hsv[:, 0] + hue) % 180
        if draws[2] < share:
            hsv[:, 1] *= saturation
        lut = np.clip(hsv, 0, 255).astype(np.uint8)[None]
        image = cv2.cvtColor(cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), lut), cv2.COLOR_HSV2RGB)
    return image


def _hole(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One rectangle of 0.2 to 0.4 of the sides, filled with a colour or with noise."""
    height, width = image.shape[:2]
    w, h = int(width * rng.uniform(0.2, 0.4)), int(height * rng.uniform(0.2, 0.4))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    image = image.copy()
    if rng.random() < 0.5:
        image[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    else:
        image[y : y + h, x : x + w] = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
    return image


def _paste(image: np.ndarray, donor: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A ragged blob of a foreign picture in front of this one."""
    height, width = image.shape[:2]
    size = rng.uniform(0.12, 0.4) * np.array([width, height])
    center = rng.uniform(0, 1, 2) * (width, height)
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 11))))
    radius = rng.uniform(0.5, 1.0, len(angles))[:, None]
    outline = center + np.column_stack([np.cos(angles), np.sin(angles)]) * radius * size / 2
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 255)
    where = mask > 0
    out = image.copy()
    out[where] = cv2.resize(donor, (width, height), interpolation=cv2.INTER_LINEAR)[where]
    return out
