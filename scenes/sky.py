"""What a camera sees of the surrounding environment: photographed panoramas, skies with clouds.

The installed panoramas have 1.4 columns per degree, a tenth of what a picture holds: looked at sharply they need fine
detail, which is made up here where they have texture, as fixed noise over directions.
"""

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from scenes.environment import develop, sample
from scenes.light import LightSpec, exposed_view
from scenes.noise import SIZE, noise
from scenes.renderer import Camera, Light

_DETAIL_TURNS = 6  # how often the detail texture repeats around the horizon


def pixel_rays(camera: Camera, width: int, height: int) -> np.ndarray:
    """(height, width, 3) float32 directions of a coarser grid of pixels, world, of any length."""
    if any(camera.distortion):
        return _bent_rays(camera, width, height)
    u, v = (np.arange(width) + 0.5) / width * camera.width, (np.arange(height) + 0.5) / height * camera.height
    right, down, origin = (np.linalg.inv(camera.intrinsics).T @ camera.cam_from_world[:3, :3]).astype(np.float32)
    return (u.astype(np.float32)[:, None] * right)[None] + (v.astype(np.float32)[:, None] * down + origin)[:, None]


def _bent_rays(camera: Camera, width: int, height: int) -> np.ndarray:
    """The same through a lens: the middles of blocks of pixels are unprojected, between them the bend is even."""
    block = 4
    while True:
        u, v = (np.arange(-(-count // block) + 2) * block - 0.5 * block for count in (width, height))
        pixels = np.stack(np.meshgrid(u / width * camera.width, v / height * camera.height), -1)
        at = camera.unproject(pixels, np.ones(pixels.shape[:2])) - np.linalg.inv(camera.cam_from_world)[:3, 3]
        if block == 1 or np.isfinite(at).all():
            break
        block = 1  # the lens sees no farther than the picture
    rays = cv2.resize(at.astype(np.float32), (len(u) * block, len(v) * block), interpolation=cv2.INTER_LINEAR)
    return rays[block : block + height, block : block + width]


def unit(rays: np.ndarray) -> np.ndarray:
    """(..., 3) the same directions, of length 1."""
    return rays / np.sqrt(np.einsum("...k,...k->...", rays, rays))[..., None]


def softened(picture: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of `sigma` px; a wide one is made on a smaller copy, in a tenth of the time."""
    high, wide = picture.shape[:2]
    shrink = min(int(sigma / 3), high, wide)
    if shrink < 2:
        return cv2.GaussianBlur(picture, (0, 0), sigma)
    small = cv2.resize(picture, (wide // shrink, high // shrink), interpolation=cv2.INTER_AREA)
    left = np.sqrt(sigma**2 - shrink**2 / 4)  # shrinking and enlarging blur as well
    soft = cv2.GaussianBlur(small, (0, 0), left * small.shape[1] / wide, sigmaY=left * small.shape[0] / high)
    return cv2.resize(soft, (wide, high), interpolation=cv2.INTER_LINEAR)


def environment_picture(
    view: np.ndarray, camera: Camera, blur_deg: float, detail: float = 0.0, seed: int = 0
) -> np.ndarray:
    """(H, W, 3) uint8: an exposed environment through the camera.

    Args:
        view: (h, 2h, 3) exposed radiance.
        blur_deg: standard deviation of the defocus, degrees; 0 for none beyond the panorama's own.
        detail: strength of the made-up fine detail, 0 to 1.
        seed: of that detail.
    """
    width, height = max(camera.width // 2, 1), max(camera.height // 2, 1)
    rays = unit(pixel_rays(camera, width, height))
    radiance = sample(np.minimum(view, 8.0), rays)
    degrees_per_px = np.degrees(1.0 / camera.intrinsics[1, 1]) * camera.height / height
    if detail > 0:
        radiance = _detailed(radiance, rays, degrees_per_px, detail, seed)
    elif blur_deg > 0:
        radiance = softened(radiance, max(blur_deg, 0.35) / degrees_per_px)
    return cv2.resize(develop(radiance), (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)


def sky_picture(
    spec: LightSpec, light: Light, camera: Camera, environments: Mapping[str, np.ndarray], blur_deg: float,
    detail: float, seed: int,
) -> np.ndarray:  # fmt: skip
    """(H, W, 3) uint8: the sky over an open place, clouds where the light is procedural."""
    view = exposed_view(spec, light, environments, 256 if spec.kind == "hdri" else 64)
    if spec.kind == "hdri":
        return environment_picture(view, camera, blur_deg, detail, seed)
    width, height = max(camera.width // 3, 1), max(camera.height // 3, 1)  # skies are soft
    rays = unit(pixel_rays(camera, width, height))
    radiance = sample(np.minimum(view, 8.0), rays)
    up = np.maximum(rays[..., 1], 0.02)
    rng = np.random.default_rng(seed)
    cover = float(rng.uniform(-0.8, 1.6))  # clear to closed
    scale, shift = float(rng.uniform(60, 140)), rng.uniform(0, SIZE, 2).astype(np.float32)
    x, y = (np.mod(rays[..., axis] / (up + 0.12) * scale + shift[k], SIZE) for k, axis in enumerate((0, 2)))
    cloud = cv2.remap(_clouds(), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    thick = np.clip((cloud + cover - 0.6) * 0.7, 0, 1) * np.clip(rays[..., 1] * 9, 0, 1)
    mean = cv2.transform(radiance, np.full((1, 3), 1 / 3))
    shaded = mean * (1.25 - 0.5 * np.clip(cloud - 0.4, 0, 1.5) * 0.6)
    radiance = radiance * (1 - thick)[..., None] + (shaded * thick)[..., None]
    return cv2.resize(develop(radiance), (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)


@lru_cache(maxsize=1)
def _clouds() -> np.ndarray:
    rng = np.random.default_rng(20250301)
    return (0.8 * noise(rng, 1.7) + 0.35 * noise(rng, 1.1)).astype(np.float32)


@lru_cache(maxsize=4)
def _grain(seed: int) -> np.ndarray:
    rng = np.random.default_rng([20250302, seed])
    return (0.85 * noise(rng, 0.8) + 0.35 * noise(rng, 0.3, (1.5, 0.7))).astype(np.float32)


def _detailed(radiance: np.ndarray, rays: np.ndarray, degrees_per_px: float, strength: float, seed: int) -> np.ndarray:
    """Edges steepened, and noise where the panorama itself is busy: leaves, stone, crowds; rays of length 1."""
    own = 0.9 / degrees_per_px  # px of a panorama's sample
    soft = softened(radiance, 1.6 * own)
    ratio = np.clip((radiance + 0.01) / (soft + 0.01), 0.7, 1.4)  # of a bounded range: lamps and windows are no edges
    sharp = radiance * ratio ** np.float32(0.5 * strength)
    level = cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY) + 1e-3
    busy = softened(np.abs(cv2.cvtColor(radiance, cv2.COLOR_RGB2GRAY) - level), 2 * own) / level
    turn, rise = np.arctan2(rays[..., 2], rays[..., 0]), np.arcsin(np.clip(rays[..., 1], -1, 1))
    x, y = (np.mod(angle * (_DETAIL_TURNS / (2 * np.pi)), 1.0) * SIZE for angle in (turn, rise))
    grain = cv2.remap(_grain(seed % 4), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    factor = np.exp(np.clip(busy * 0.7, 0.0, 0.13) * strength * grain)
    return np.maximum(sharp, 0.0) * factor[..., None]
