"""A photograph as background: its horizon and light estimated, its ground a catcher of shadows.

A config names a photograph as name@<sha256>, so a dataset depends on what it holds and on no path; its bytes lie in
the cache ($SYNTHGEN_PHOTOS, else the user's cache folder) under that digest.
"""

import hashlib
import os
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import platformdirs

from biomech.errors import AssetError
from scenes.environment import LUMINANCE, directions, irradiance_sh
from scenes.extent import extent_of
from scenes.guarded import is_bomb
from scenes.props import grid_faces, part_of
from scenes.renderer import Camera, Light, Material, MeshPart

if TYPE_CHECKING:
    from scenes.backdrop import BackdropSpec

_KEY = re.compile(r"^(?P<name>[\w.-]+)@(?P<digest>[0-9a-f]{64})$", re.ASCII)
_LARGEST = 1600  # px of the longer side kept
_HORIZON_PRIOR, _HORIZON_SPREAD = 0.42, 0.16  # where horizons lie in photographs, share of the height from above


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photograph and what was estimated of it.

    Attributes:
        picture: (h, w, 3) uint8 sRGB.
        horizon: row of the horizon, share of the height from above; may lie outside.
        tilt: rad, slope of the horizon, falling to the right positive.
        sure: 0 to 1, how far the picture spoke for that horizon against the prior.
    """

    picture: np.ndarray
    horizon: float
    tilt: float
    sure: float


def photo_cache() -> Path:
    """$SYNTHGEN_PHOTOS, else a folder in the user's cache."""
    named = os.environ.get("SYNTHGEN_PHOTOS")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("synthgen")) / "photos"


@lru_cache(maxsize=24)
def open_photo(key: str) -> Photo:
    """The photograph that a config names.

    Raises:
        AssetError: the name is malformed, the photograph is not in the cache, or holds something else.
    """
    found = _KEY.match(key)
    if found is None:
        raise AssetError(f"{key!r} names no photograph; give folders with --backgrounds or under 'backdrop.photos'")
    path = photo_cache() / found["digest"]
    if not path.is_file():
        raise AssetError(
            f"the photograph {found['name']} is not in {path.parent}; give its folder again with --backgrounds"
        )
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != found["digest"]:
        raise AssetError(f"the photograph {found['name']} in {path.parent} was altered; give its folder again")
    picture = decode(data)
    if picture is None:
        raise AssetError(f"{found['name']} is no picture; allowed: JPEG, PNG, WebP, TIFF, BMP")
    return estimate(picture)


def decode(data: bytes) -> np.ndarray | None:
    """(h, w, 3) uint8 sRGB of a picture file, upright, at most 1600 px long; None where it is no picture."""
    if not data or is_bomb(data):
        return None
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None or min(picture.shape[:2]) < 64:
        return None
    scale = _LARGEST / max(picture.shape[:2])
    if scale < 1:
        size = tuple(round(side * scale) for side in picture.shape[1::-1])
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[..., ::-1])


def estimate(picture: np.ndarray) -> Photo:
    """Horizon of a photograph: where lines that run into the depth meet, and where the tone changes from row to row.

    Both speak as scores over rows, weighed against where horizons lie in photographs of people.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (320, max(round(320 * grey.shape[0] / grey.shape[1]), 32)), interpolation=cv2.INTER_AREA)
    height = len(small)
    rows = np.linspace(-0.2, 1.2, 113)  # shares of the height
    prior = -0.5 * ((rows - _HORIZON_PRIOR) / _HORIZON_SPREAD) ** 2
    lines, weight = _vanishing(small, rows * height)
    tone = _tone_edge(cv2.resize(picture, small.shape[1::-1], interpolation=cv2.INTER_AREA), rows * height)
    score = prior + 2.5 * weight * lines + 1.0 * tone
    best = int(score.argmax())
    sure = float(np.clip(score[best] - np.median(score), 0, 6) / 6 * max(weight, float(tone.max())))
    return Photo(picture, float(rows[best]), 0.0, sure)


def _vanishing(grey: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Per row how many pairs of slanted lines meet there, 0 to 1, and how many lines there were, 0 to 1.

    Pairs vote where they cross, more the longer they are and the wider their angle; lines of one facade or floor share
    a vanishing point, chance crossings spread over the picture.
    """
    edges = cv2.Canny(cv2.GaussianBlur(grey, (0, 0), 1.2), 30, 90)
    found = cv2.HoughLinesP(edges, 1, np.pi / 360, 28, minLineLength=24, maxLineGap=3)
    if found is None:
        return np.zeros(len(rows)), 0.0
    x0, y0, x1, y1 = found.reshape(-1, 4).T.astype(float)
    slant = np.abs(np.degrees(np.arctan2(y1 - y0, x1 - x0)))
    slant = np.minimum(slant, 180 - slant)
    keep = (slant > 4) & (slant < 78)  # level and upright lines meet nowhere near
    order = np.argsort(-np.hypot(x1 - x0, y1 - y0)[keep], kind="stable")[:120]
    if len(order) < 6:
        return np.zeros(len(rows)), 0.0
    x0, y0, x1, y1 = (v[keep][order] for v in (x0, y0, x1, y1))
    length = np.hypot(x1 - x0, y1 - y0)
    line = np.cross(np.stack([x0, y0, np.ones_like(x0)], 1), np.stack([x1, y1, np.ones_like(x1)], 1))
    line /= np.hypot(line[:, 0], line[:, 1])[:, None]
    i, k = np.triu_indices(len(line), 1)
    meet = np.cross(line[i], line[k])
    sine = np.abs(meet[:, 2])
    use = sine > np.sin(np.radians(5))
    at = meet[use, :2] / meet[use, 2:]
    vote = np.sqrt(length[i] * length[k])[use] * np.minimum(sine[use], 0.4)
    wide = grey.shape[1]
    ends = np.stack([np.minimum(y0, y1), np.maximum(y0, y1)], 1)
    beyond = ((at[:, 1, None] < np.stack([ends[i][use, 0], ends[k][use, 0]], 1) + 3)
              | (at[:, 1, None] > np.stack([ends[i][use, 1], ends[k][use, 1]], 1) - 3)).all(1)  # fmt: skip
    vote = vote * beyond * (np.abs(at[:, 0] - wide / 2) < 1.2 * wide)  # lines that run to a point end before it
    width = 0.035 * len(grey)
    focus = (np.exp(-0.5 * ((rows[:, None] - at[None, :, 1]) / width) ** 2) * vote).sum(1)
    return focus / max(focus.max(), 1e-9), float(np.clip(len(order) / 40, 0, 1))


def _tone_edge(picture: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Per row how much brightness and colour above differ from those below, 0 to 1."""
    mean = picture.astype(np.float64).mean(1)
    total = np.cumsum(mean, 0)
    count = np.arange(1, len(mean) + 1)[:, None]
    above, below = total / count, (total[-1] - total) / np.maximum(len(mean) - count, 1)
    share = count[:, 0] / len(mean)
    step = np.linalg.norm(above - below, axis=1) * np.sqrt(share * (1 - share)) * 2 / 255
    return np.interp(rows, np.arange(len(mean)), step, left=0.0, right=0.0)


def photo_picture(photo: Photo, camera: Camera, shift: tuple[float, float]) -> np.ndarray:
    """(H, W, 3) uint8: the photograph behind the camera's picture, horizon on horizon, turned by the camera's roll.

    It is enlarged as little as filling the picture asks for, so that its ground stays in view; where the horizons
    lie too far apart for that, at most two and a half times.
    """
    picture = photo.picture
    high, wide = picture.shape[:2]
    row, slope = _horizon(camera)
    fills = max(camera.width / wide, camera.height / high) * (1 + 1.3 * abs(np.sin(slope)))
    above, below = max(photo.horizon, 0.02) * high, max(1 - photo.horizon, 0.02) * high
    scale = float(np.clip(max(row / above, (camera.height - row) / below), fills, 2.5 * fills))
    free = max(wide * scale - camera.width * (1 + abs(np.sin(slope))), 0.0) / 2
    c, s = np.cos(slope), np.sin(slope)
    middle = np.array([camera.width / 2, row])
    source = np.array([wide / 2 + shift[0] * free / scale, photo.horizon * high])
    turn = np.array([[c, -s], [s, c]]) * scale
    matrix = np.column_stack([turn, middle - turn @ source])
    method = cv2.INTER_AREA if scale < 0.7 else cv2.INTER_CUBIC
    if scale < 0.7:  # shrink first: the warp itself does not average
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=method)
        matrix = np.column_stack([turn / scale, middle - turn @ source])
    return cv2.warpAffine(
        picture, matrix, (camera.width, camera.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def _horizon(camera: Camera) -> tuple[float, float]:
    """Row at the middle column, px, and slope, rad, of the horizon in a camera's picture."""
    up = camera.cam_from_world[:3, 1]  # the world's up in camera axes
    normal = np.linalg.inv(camera.intrinsics).T @ up  # the line of the horizon
    x = np.array([0.0, camera.width / 2, camera.width])
    if abs(normal[1]) < 1e-9:
        return camera.height / 2, 0.0
    y = -(normal[0] * x + normal[2]) / normal[1]
    return float(y[1]), float(np.arctan2(y[2] - y[0], camera.width))


def photo_mounts(photo: Photo) -> dict[str, float]:
    """How likely each camera mount took the photograph: one from above has its horizon high, one from below low."""
    high = photo.horizon
    if high < 0.12:
        return {"phone": 0.3, "tripod": 0.0, "low": 0.0, "cctv": 0.5, "drone": 0.2}
    if high < 0.3:
        return {"phone": 0.6, "tripod": 0.2, "low": 0.0, "cctv": 0.2, "drone": 0.0}
    return {"phone": 0.55, "tripod": 0.3, "low": 0.15 if high > 0.5 else 0.05, "cctv": 0.0, "drone": 0.0}


def photo_light(photo: Photo, light: Light, camera: Camera) -> Light:
    """The light that the photograph shows, with the exposure of the light drawn.

    Colours of its left, right, upper and lower parts become an environment; where one part of the upper half is
    clearly the brightest, the sun comes from above it. What lies behind the camera is taken to be like the whole.
    """
    small = cv2.resize(photo.picture, (32, 24), interpolation=cv2.INTER_AREA).astype(np.float64)
    linear = (small / 255.0) ** 2.2
    d = directions(16)
    split = int(np.clip(photo.horizon, 0.15, 0.85) * 24)
    sky, floor, whole = linear[:split].mean((0, 1)), linear[split:].mean((0, 1)), linear.mean((0, 1))
    sides = [linear[:, :11].mean((0, 1)), linear[:, 21:].mean((0, 1))]
    up = d[..., 1:2]
    base = np.where(
        up > 0, whole + (sky - whole) * np.clip(up * 1.5, 0, 1), whole + (floor - whole) * np.clip(-up * 1.5, 0, 1)
    )
    right = camera.cam_from_world[0, :3] * [1, 0, 1]
    right = right / max(float(np.linalg.norm(right)), 1e-9)
    east = np.clip(d @ right, -1, 1)[..., None]
    environment = base + 0.5 * np.where(east > 0, sides[1] - whole, sides[0] - whole) * np.abs(east)
    environment = np.maximum(environment, 0.02)
    sh = irradiance_sh(environment.astype(np.float32))
    mean = sh[0] / (sh[0] @ LUMINANCE)
    sh *= np.clip(mean, [0.95, 0.94, 0.78], [1.16, 1.04, 1.04]) / mean  # skin takes a tint, never paint
    sky_level = float((sh[0] * 0.282095) @ LUMINANCE)
    sh[1:] = 0.4 * sh[1:] + 0.6 * (sh[1:] @ LUMINANCE)[:, None] * (sh[0] / (sh[0] @ LUMINANCE))
    bright = (linear @ LUMINANCE)[: max(split, 6)]
    column = int(cv2.GaussianBlur(bright, (0, 0), 3).mean(0).argmax())
    strength = float(np.clip((bright.max() / max(bright.mean(), 1e-3) - 1.4) * 0.6, 0.15, 1.6))
    side = (column - 15.5) / 15.5
    forward = np.array([right[2], 0.0, -right[0]])
    toward = 0.8 * side * right + [0, 0.9, 0] - 0.35 * forward
    toward /= np.linalg.norm(toward)
    sun = np.array([1.06, 1.0, 0.92]) * strength * sky_level * np.pi
    level = float(whole @ LUMINANCE)
    exposure = (0.45 + 0.5 * np.sqrt(np.clip(level, 0.05, 0.6))) / (sky_level + 0.25 * strength * sky_level) * 0.75
    drawn = float(np.clip(light.exposure * float((light.irradiance_sh[0] * 0.282095) @ LUMINANCE) / 0.5, 0.8, 1.25))
    small_env = cv2.resize(environment.astype(np.float32), (128, 64), interpolation=cv2.INTER_LINEAR)
    key = "photo" + hashlib.blake2b(small_env.tobytes(), digest_size=8).hexdigest()
    return replace(
        light, key=key, irradiance_sh=sh, environment=small_env, sun_direction=toward, sun_color=sun,
        exposure=exposure * drawn,
    )  # fmt: skip


def shadow_ground(photo: Photo, spec: "BackdropSpec", camera: Camera, people: np.ndarray, light: Light) -> MeshPart:
    """The ground under people: shows the photograph, darkened where they stand and throw shadows."""
    centre = extent_of(people).mean
    span = float(np.sqrt(np.einsum("nk,nk->n", people - centre, people - centre).max()))
    last = max(4.0, 3.0 * span)
    rings, turn = np.concatenate([[0.0], np.geomspace(0.4, last, 14)]), np.linspace(0, 2 * np.pi, 49)
    r, a = np.meshgrid(rings, turn, indexing="ij")
    points = np.stack([centre[0] + r * np.cos(a), 0 * r, centre[2] + r * np.sin(a)], -1).reshape(-1, 3)
    faces = grid_faces(len(turn) - 1, len(rings) - 1)
    piece = (points, np.tile([0.0, 1.0, 0.0], (len(points), 1)), faces, points[:, [0, 2]])
    fade = (float(centre[0]), float(centre[2]), 0.6 * last, last)
    material = Material((0.5, 0.5, 0.5), roughness=0.95, specular=0.0, fade=fade, shadow_catcher=True)
    tag = hashlib.blake2b(points.tobytes(), digest_size=8).hexdigest()
    return part_of(f"backdrop/catcher/{tag}", [piece], material)
