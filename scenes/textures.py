"""Pictures on surfaces: reading, dyeing, mapping geometry into texture space, and a cache with a byte budget.

All pictures are (h, w, 3 or 4) uint8 sRGB with the first row at v = 1.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import scipy.ndimage
from PIL import Image

from biomech.errors import AssetError

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Dye:
    """How a cloth's own colours are changed.

    Attributes:
        color: sRGB in [0, 1] that the cloth's mean brightness takes.
        strength: 0 keeps the cloth's colours, 1 replaces them; light and dark detail stays either way.
        hue: rotation of the cloth's own hues, turns.
        saturation: factor on the cloth's own saturation.
    """

    color: tuple[float, float, float] = (0.5, 0.5, 0.5)
    strength: float = 0.0
    hue: float = 0.0
    saturation: float = 1.0


class TextureCache:
    """Keeps the most recently used pictures within a byte budget."""

    def __init__(self, budget: int = 64 << 20) -> None:
        self._budget = budget
        self._held = 0
        self._pictures: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The picture under `key`, made at the first call and after it was dropped."""
        if key in self._pictures:
            self._pictures.move_to_end(key)
            return self._pictures[key]
        picture = finished(make())
        self._pictures[key] = picture
        self._held += picture.nbytes
        while self._held > self._budget and len(self._pictures) > 1:
            self._held -= self._pictures.popitem(last=False)[1].nbytes
        return picture

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return self._held


def finished(picture: np.ndarray) -> np.ndarray:
    """The picture, contiguous and never to change again, so that a renderer knows it by its object alone."""
    picture = np.ascontiguousarray(picture)
    picture.flags.writeable = False
    return picture


def read_image(path: Path, channels: int = 3) -> np.ndarray:
    """(h, w, channels) uint8.

    Raises:
        AssetError: the file is missing or no picture.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGBA" if channels == 4 else "RGB" if channels == 3 else "L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise AssetError(f"{path} cannot be read as a picture ({error}); run `synthgen assets verify`") from error


def write_image(path: Path, picture: np.ndarray) -> None:
    """Write a PNG; its bytes depend on the pixels only."""
    Image.fromarray(picture).save(path, format="PNG", compress_level=6)


def resize(picture: np.ndarray, size: int) -> np.ndarray:
    """Square picture at `size` px."""
    if picture.shape[0] == size and picture.shape[1] == size:
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC)


def dye(picture: np.ndarray, mask: np.ndarray, how: Dye, paint: np.ndarray | None = None) -> np.ndarray:
    """Recolour the texels of `mask` (h, w) bool; alpha is kept. `paint` (K, 3) gives each its own colour, in [0, 1]."""
    texels = np.flatnonzero(mask)
    if not len(texels):
        return picture
    channels = picture.shape[2]
    colors = picture.reshape(-1, channels).take(texels, 0)[:, None, :3].astype(np.float32)
    colors *= np.float32(1.0 / 255.0)
    luma = cv2.transform(colors, _LUMA[None])
    # Hue and saturation turn about the grey axis, which stays.
    turn = how.saturation * _hue_rotation(how.hue) + np.outer(np.full(3, 1.0 - how.saturation), _LUMA)
    mean = max(float(luma.mean()), 0.02)
    # Strong relative detail (black stripes on white) must not burn out on a light dye.
    relief = cv2.pow(np.minimum(luma / mean, 2.5), 0.9)
    tinted: np.ndarray
    if paint is None:
        tinted = cv2.transform(relief, np.array([how.color]).T)[:, 0]
    else:
        tinted = relief.reshape(-1, 1) * paint
    np.minimum(tinted, 0.48 + 0.4 * tinted, out=tinted)  # beyond 0.8 it rises less
    tinted *= how.strength
    mixed: np.ndarray = cv2.transform(colors, (1.0 - how.strength) * turn)[:, 0]
    mixed += tinted
    mixed *= 255.0
    mixed += 0.5
    np.clip(mixed, 0, 255, out=mixed)
    out = picture.copy()
    put_texels(out, texels, mixed)
    return out


def put_texels(picture: np.ndarray, texels: np.ndarray, colors: np.ndarray) -> None:
    """Set the colour of texels, by number, from (K, 3) in [0, 256); by channel, which takes a third of the time."""
    channels = picture.reshape(-1, picture.shape[2]).T
    for channel, values in zip(channels, colors.astype(np.uint8).T, strict=False):
        channel[texels] = values


RELIEF_MAX = 2.5
"""Brightness, relative to the mean of a hairstyle, that a grey hair picture holds as white."""


def grey_hair(picture: np.ndarray) -> np.ndarray:
    """(h, w, 4) hair picture -> its relief in grey, to be given a colour by the material (times RELIEF_MAX).

    One picture serves every colour. Strands keep their relief; patches of unlike brightness, which dark originals hide
    and light colours would show, are evened out.
    """
    solid = (picture[..., 3] > 32).astype(np.float32)
    luma = (picture[..., :3].astype(np.float32) @ _LUMA) / 255.0
    sigma = picture.shape[0] / 40.0
    weight = scipy.ndimage.gaussian_filter(solid, sigma, truncate=2.5) + 1e-4
    around = scipy.ndimage.gaussian_filter(luma * solid, sigma, truncate=2.5) / weight
    mean = float((luma * solid).sum() / max(solid.sum(), 1.0))
    strands = np.clip((luma + 0.03) / (around + 0.03), 0.4, 1.9) ** 0.7
    patches = np.clip((around + 0.03) / (mean + 0.03), 0.5, 1.6) ** 0.25
    out = picture.copy()
    out[..., :3] = np.clip(strands * patches * (255.0 / RELIEF_MAX) + 0.5, 0, 255)[..., None].astype(np.uint8)
    return out


def halve(picture: np.ndarray) -> np.ndarray:
    """(2h, 2w, c) float -> (h, w, c), the mean of each block of four."""
    return 0.25 * (picture[::2, ::2] + picture[1::2, ::2] + picture[::2, 1::2] + picture[1::2, 1::2])


def _hue_rotation(turns: float) -> np.ndarray:
    """(3, 3) rotation of sRGB about the grey axis."""
    angle = 2.0 * np.pi * turns
    third, root = (1.0 - np.cos(angle)) / 3.0, np.sin(angle) / np.sqrt(3.0)
    base = np.full((3, 3), third) + np.eye(3) * np.cos(angle)
    return (base + root * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])).astype(np.float32)


def rasterise(uv: np.ndarray, faces: np.ndarray, values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate per-vertex values over texture space.

    Args:
        uv: (R, 2), origin at the lower left.
        faces: (F, 3).
        values: (R, C).

    Returns:
        (size, size, C) float32, and (size, size) bool of the texels that lie in a face.
    """
    corners = np.stack([uv[:, 0] * size - 0.5, (1.0 - uv[:, 1]) * size - 0.5], 1)[faces]  # (F, 3, 2) texel units
    low = np.clip(np.ceil(corners.min(1)), 0, size - 1).astype(np.int64)
    high = np.clip(np.floor(corners.max(1)), -1, size - 1).astype(np.int64)
    span = np.maximum(high - low + 1, 0)
    count = span[:, 0] * span[:, 1]
    owner = np.repeat(np.arange(len(faces)), count)
    local = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    x = low[owner, 0] + local % np.maximum(span[owner, 0], 1)
    y = low[owner, 1] + local // np.maximum(span[owner, 0], 1)
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)[owner]
    wb = ((x - a[owner, 0]) * (c - a)[owner, 1] - (y - a[owner, 1]) * (c - a)[owner, 0]) / area
    wc = ((b - a)[owner, 0] * (y - a[owner, 1]) - (b - a)[owner, 1] * (x - a[owner, 0])) / area
    bary = np.stack([1.0 - wb - wc, wb, wc], 1)
    inside = (bary >= -1e-6).all(1)
    x, y, owner, bary = x[inside], y[inside], owner[inside], bary[inside].astype(np.float32)
    out = np.zeros((size, size, values.shape[1]), np.float32)
    covered = np.zeros((size, size), bool)
    out[y, x] = np.einsum("pk,pkc->pc", bary, values[faces[owner]].astype(np.float32))
    covered[y, x] = True
    return out, covered


def bleed(picture: np.ndarray, covered: np.ndarray, reach: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """Extend the covered texels outwards by up to `reach` texels, so that seams do not show. Returns both, extended."""
    distance, (rows, columns) = scipy.ndimage.distance_transform_edt(~covered, return_indices=True)
    near = distance <= reach
    out = np.where(near[..., None], picture[rows, columns], picture)
    return out, near


def repaint(picture: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Paint over a print on plain cloth.

    Texels inside the box that differ from the cloth around it take a smooth fill from their surroundings, with the
    weave of the cloth next to the box laid on top.

    Args:
        box: left, top, right, bottom as fractions of the picture, rows from the top.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = (int(round(f * n)) for f, n in zip(box, (width, height, width, height), strict=True))
    out = picture.copy()
    rim = max(4, (bottom - top) // 6)
    view = (slice(max(top - rim, 0), bottom + rim), slice(max(left - rim, 0), right + rim))
    patch = picture[view][..., :3].astype(np.float32)
    border = np.ones(patch.shape[:2], bool)
    border[top - view[0].start : bottom - view[0].start, left - view[1].start : right - view[1].start] = False
    cloth = np.median(patch[border], axis=0)
    spread = np.percentile(np.abs(patch[border] - cloth).max(1), 95)
    print_ = (np.abs(patch - cloth).max(2) > max(spread * 1.15, 10.0)) & ~border
    print_ = scipy.ndimage.binary_dilation(print_, iterations=3) & ~border
    keep = (~print_).astype(np.float32)
    sigma = max(3.0, (bottom - top) / 8.0)
    weight = scipy.ndimage.gaussian_filter(keep, sigma) + 1e-4
    smooth = np.stack([scipy.ndimage.gaussian_filter(patch[..., c] * keep, sigma) / weight for c in range(3)], 2)
    # Weave: fine detail of the clean texels, mirrored into the hole from the nearest border.
    detail = patch - smooth
    _, (rows, columns) = scipy.ndimage.distance_transform_edt(print_, return_indices=True)
    here_r, here_c = np.indices(print_.shape)
    source_r = np.clip(2 * rows - here_r, 0, print_.shape[0] - 1)
    source_c = np.clip(2 * columns - here_c, 0, print_.shape[1] - 1)
    weave = np.where(print_[source_r, source_c][..., None], detail[rows, columns], detail[source_r, source_c])
    filled = np.where(print_[..., None], smooth + weave, patch)
    out[view][..., :3] = np.clip(filled + 0.5, 0, 255).astype(np.uint8)
    return out
