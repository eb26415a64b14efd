"""A picture through a lens that bends: drawn through a pinhole that sees at least as much, then resampled.

A rasteriser draws straight lines straight. So the scene is drawn through a pinhole whose picture just holds every ray
of the lens's picture, and each pixel of the latter is then looked up in the former: colours by bicubic interpolation,
ids from the nearest pixel, so that they stay ones that were drawn, depth on smooth surfaces interpolated to that of
the pixel's own ray, elsewhere from the nearest pixel. The background, given in the lens's pixels, goes the other
way first.

Shape legend: H image height, W image width.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from biomech.errors import RenderError
from scenes.distortion import NONE
from scenes.renderer import Camera, Frame, Scene

MOST_SHRUNK = 2.0
"""Most that the pinhole's picture may be smaller than the lens's anywhere; beyond it there is no detail left."""

_STEP = 4  # px between the rays that are followed; the rest lies within 0.02 px of the line between them
_BEND = np.array([[1, 1, 1], [1, -8, 1], [1, 1, 1]], np.float32)
_FLAT = 4e-3  # share of the inverse depth; a step of 4 mm at 1 m is none, one between limb and trunk is
_NO_FRACTIONS = np.empty(0, np.uint16)
_ROUND_OFF = 1e-3  # px kept free at the border of the pinhole's picture


def through_lens(scene: Scene, draw: Callable[[Scene], Frame]) -> Frame:
    """What the scene's camera sees; `draw` draws scenes through pinholes of the same size.

    Raises:
        RenderError: parts of the picture lie past the lens's range, or would have to be magnified beyond MOST_SHRUNK.
    """
    camera = scene.camera
    pinhole = wide_pinhole(camera)
    drawn = draw(replace(scene, camera=pinhole, background=_unbent(scene.background, camera, pinhole)))
    smooth, nearest = _maps(_key(camera), _key(pinhole))
    seen: dict[str, Any] = {}
    for field in fields(Frame):
        image = getattr(drawn, field.name)
        if image is None:
            seen[field.name] = None
        elif field.name == "rgb":
            seen[field.name] = cv2.remap(image, *smooth, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        elif field.name == "depth":
            seen[field.name] = _depth(image, smooth, nearest)
        else:
            seen[field.name] = _looked_up(image, nearest)
    return Frame(**seen)


def _depth(drawn: np.ndarray, smooth: tuple[np.ndarray, np.ndarray], nearest: np.ndarray) -> np.ndarray:
    """(H, W) m along each pixel's ray: a plane's inverse depth is linear in the picture; elsewhere the nearest."""
    with np.errstate(divide="ignore"):
        inverse = np.where(drawn > 0, np.float32(1) / drawn, np.float32(0))
    bend = np.abs(cv2.filter2D(inverse, -1, _BEND, borderType=cv2.BORDER_REPLICATE))
    flat = _looked_up(((bend < _FLAT * inverse) & (drawn > 0)).view(np.uint8), nearest)
    between = cv2.remap(inverse, *smooth, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(flat, np.float32(1) / np.maximum(between, np.float32(1e-9)), _looked_up(drawn, nearest))


def _looked_up(image: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """The values of the nearest drawn pixels, mixed with no others."""
    return cv2.remap(image, nearest, _NO_FRACTIONS, cv2.INTER_NEAREST)


def wide_pinhole(camera: Camera) -> Camera:
    """The pinhole of the same place, direction and size whose picture just holds all that the lens shows."""
    around = _border(camera.width, camera.height)
    plane = _plane(camera, around)
    if not np.isfinite(plane).all():
        raise RenderError(
            f"a lens with distortion {camera.distortion} folds back inside the picture of {camera.width}x"
            f"{camera.height} px at focal length {camera.intrinsics[0, 0]:.0f} px; take smaller coefficients or a "
            "longer focal length"
        )
    low, high = plane.min(0), plane.max(0)
    size = np.array([camera.width, camera.height], float)
    scale = (size - 2 * _ROUND_OFF) / (high - low)
    shrunk = np.array([camera.intrinsics[0, 0], camera.intrinsics[1, 1]]) / scale
    if shrunk.max() > MOST_SHRUNK:
        raise RenderError(
            f"a lens with distortion {camera.distortion} needs a picture {shrunk.max():.1f} times as wide; "
            f"up to {MOST_SHRUNK:g} keeps some detail: take smaller coefficients"
        )
    intrinsics = np.eye(3)
    intrinsics[[0, 1], [0, 1]] = scale
    intrinsics[:2, 2] = _ROUND_OFF - scale * low
    return replace(camera, intrinsics=intrinsics, distortion=NONE)


def _border(width: int, height: int) -> np.ndarray:
    """(N, 2) px all around the picture: the outermost rays are among them as long as the lens does not fold."""
    x, y = np.linspace(0, width, 129), np.linspace(0, height, 129)
    sides = [np.stack([x, np.full_like(x, v)], 1) for v in (0, height)]
    return np.concatenate(sides + [np.stack([np.full_like(y, v), y], 1) for v in (0, width)])


def _plane(camera: Camera, pixels: np.ndarray) -> np.ndarray:
    """(..., 2) px -> (..., 2) on the plane at depth 1, as a pinhole would see them."""
    here = replace(camera, cam_from_world=np.eye(4))
    return here.unproject(pixels, np.ones(pixels.shape[:-1]))[..., :2]


def _key(camera: Camera) -> tuple:
    k = camera.intrinsics
    return (*(float(v) for v in k.ravel()), camera.width, camera.height, tuple(float(v) for v in camera.distortion))


def _of(key: tuple) -> Camera:
    return Camera(np.array(key[:9]).reshape(3, 3), np.eye(4), key[9], key[10], key[11])


@lru_cache(maxsize=1)  # 3 MB, for the frames of a take; every take has lenses of its own
def _maps(camera: tuple, pinhole: tuple) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """For each pixel of the lens's picture: cv2.remap's maps, and (H, W, 2) the nearest drawn pixel."""
    lens, drawn = _of(camera), _of(pinhole)
    at = _dense(lens, lambda pixels: _plane(lens, pixels) @ drawn.intrinsics[:2, :2].T + drawn.intrinsics[:2, 2])
    sides = (lens.width, lens.height)
    nearest = cv2.merge([np.clip(v.astype(np.int16), 0, n - 1) for v, n in zip(at, sides, strict=True)])
    return cv2.convertMaps(at[0] - 0.5, at[1] - 0.5, cv2.CV_16SC2), nearest


def _unbent(background: np.ndarray, lens: Camera, pinhole: Camera) -> np.ndarray:
    """The background, given in the lens's pixels, in the pinhole's; what the lens never shows repeats the edge."""
    row = background.reshape(-1)
    if (row[3:] == row[:-3]).all():  # of one colour
        return background
    flat = replace(lens, cam_from_world=np.eye(4))

    def bent(pixels: np.ndarray) -> np.ndarray:
        plane = _plane(pinhole, pixels)
        return flat.project(np.concatenate([plane, np.ones_like(plane[..., :1])], -1))

    x, y = _dense(lens, bent)
    far = 4.0 * max(lens.width, lens.height)
    for v in (x, y):
        v -= 0.5
        v[np.isnan(v)] = -1.0
        np.clip(v, -far, far, out=v)
    return cv2.remap(background, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _dense(camera: Camera, follow: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """`follow` at every pixel centre, (H, W) float32 each for x and y, from every fourth row and column."""
    columns, rows = -(-camera.width // _STEP), -(-camera.height // _STEP)
    # one block more on each side, so that the straight lines between the middles of blocks reach the border
    x, y = ((np.arange(-1, n + 1) + 0.5) * _STEP for n in (columns, rows))
    grid = np.stack(np.meshgrid(x, y), -1)
    moved = follow(grid) - grid
    _mend(moved)
    size = ((columns + 2) * _STEP, (rows + 2) * _STEP)
    full = cv2.resize(moved.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    full = full[_STEP : _STEP + camera.height, _STEP : _STEP + camera.width]
    u, v = np.arange(camera.width, dtype=np.float32) + 0.5, np.arange(camera.height, dtype=np.float32) + 0.5
    return np.ascontiguousarray(full[..., 0] + u), np.ascontiguousarray(full[..., 1] + v[:, None])


def _mend(moved: np.ndarray) -> None:
    """Rays just outside of the picture may be past the lens's range: carry on from the two rows inside."""
    for image in (moved, moved.transpose(1, 0, 2)):
        for edge, inner, deeper in ((0, 1, 2), (-1, -2, -3)):
            lost = np.isnan(image[edge, :, 0])
            image[edge][lost] = 2 * image[inner][lost] - image[deeper][lost]
