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
    """(height, width, 3) directions of a coarser grid of pixels, world, of any length."""
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    at = camera.unproject(np.stack([u * camera.width, v * camera.height], -1), np.ones_like(u))
    return at - np.linalg.inv(camera.cam_from_world)[:3, 3]


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
    rays = pixel_rays(camera, width, height)
    radiance = sample(np.minimum(view, 8.0), rays)
    degrees_per_px = np.degrees(1.0 / camera.intrinsics[1, 1]) * camera.height / height
    if detail > 0:
        radiance = _detailed(radiance, rays, degrees_per_px, detail, seed)
    elif blur_deg > 0:
        radiance = cv2.GaussianBlur(radiance, (0, 0), max(blur_deg, 0.35) / degrees_per_px)
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
    rays = pixel_rays(camera, width, height)
    radiance = sample(np.minimum(view, 8.0), rays)
    unit = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    up = np.maximum(unit[..., 1], 0.02)
    rng = np.random.default_rng(seed)
    cover = float(rng.uniform(-0.8, 1.6))  # clear to closed
    at = unit[..., [0, 2]] / (up[..., None] + 0.12) * float(rng.uniform(60, 140)) + rng.uniform(0, SIZE, 2)
    cloud = cv2.remap(
        _clouds(), np.mod(at[..., 0], SIZE).astype(np.float32), np.mod(at[..., 1], SIZE).astype(np.float32),
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP,
    )  # fmt: skip
    thick = np.clip((cloud + cover - 0.6) * 0.7, 0, 1) * np.clip(unit[..., 1] * 9, 0, 1)
    mean = radiance.mean(-1, keepdims=True)
    shaded = mean * (1.25 - 0.5 * np.clip(cloud - 0.4, 0, 1.5)[..., None] * 0.6)
    radiance = radiance * (1 - thick[..., None]) + shaded * thick[..., None]
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
    """Edges steepened, and noise where the panorama itself is busy: leaves, stone, crowds of small things."""
    own = 0.9 / degrees_per_px  # px of a panorama's sample
    soft = cv2.GaussianBlur(radiance, (0, 0), 1.6 * own)
    ratio = np.clip((radiance + 0.01) / (soft + 0.01), 0.7, 1.4)  # of a bounded range: lamps and windows are no edges
    sharp = radiance * ratio ** np.float32(0.5 * strength)
    level = cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY) + 1e-3
    busy = cv2.GaussianBlur(np.abs(cv2.cvtColor(radiance, cv2.COLOR_RGB2GRAY) - level), (0, 0), 2 * own) / level
    turn = np.arctan2(rays[..., 2], rays[..., 0]) / (2 * np.pi)
    rise = np.arctan2(rays[..., 1], np.hypot(rays[..., 0], rays[..., 2])) / (2 * np.pi)
    x, y = (np.mod(a * _DETAIL_TURNS, 1.0) * SIZE for a in (turn, rise))
    grain = cv2.remap(
        _grain(seed % 4), x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    factor = np.exp(np.clip(busy * 0.7, 0.0, 0.13) * strength * grain)
    return np.maximum(sharp, 0.0) * factor[..., None].astype(np.float32)
