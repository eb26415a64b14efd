"""What a camera's sensor and file format do to a picture: blur, tone, vignette, noise, JPEG quality."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class SensorConfig:
    """Ranges of what happens between lens and file.

    Attributes:
        noise: standard deviation of sensor noise at mid grey, share of full scale.
        blur_px: standard deviation of lens blur at 640 px width; grows with the picture.
        motion_px: largest length of camera-shake blur, px at 640 px width; applied to a fifth of the pictures.
        vignette: darkening in the corners, share.
        exposure_ev: exposure error, stops.
        white_balance: standard deviation of the red and blue gain error.
        contrast: contrast around mid grey.
        saturation: colour saturation.
        jpeg_quality: quality of the file, 1 to 100.
    """

    noise: tuple[float, float] = (0.002, 0.015)
    blur_px: tuple[float, float] = (0.0, 0.8)
    motion_px: float = 4.0
    vignette: tuple[float, float] = (0.0, 0.25)
    exposure_ev: tuple[float, float] = (-0.25, 0.25)
    white_balance: float = 0.03
    contrast: tuple[float, float] = (0.9, 1.1)
    saturation: tuple[float, float] = (0.8, 1.1)
    jpeg_quality: tuple[float, float] = (75.0, 96.0)


@dataclass(frozen=True, slots=True)
class SensorSpec:
    """One drawn sensor; see SensorConfig for units. `gains` are red, green, blue; `motion_px` 0 for a steady hand."""

    noise: float
    blur_px: float
    motion_px: float
    motion_rad: float
    vignette: float
    exposure_ev: float
    gains: tuple[float, float, float]
    contrast: float
    saturation: float
    jpeg_quality: int
    seed: int


def draw_sensor(config: SensorConfig, rng: np.random.Generator) -> SensorSpec:
    """Draw a sensor."""
    red, blue = rng.normal(0.0, config.white_balance, 2).clip(-2 * config.white_balance, 2 * config.white_balance)
    shaken, length = rng.random() < 0.2, float(rng.uniform(0.5, 1.0) * config.motion_px)
    return SensorSpec(
        noise=float(rng.uniform(*config.noise)),
        blur_px=float(rng.uniform(*config.blur_px)),
        motion_px=length if shaken else 0.0,
        motion_rad=float(rng.uniform(0, np.pi)),
        vignette=float(rng.uniform(*config.vignette)),
        exposure_ev=float(rng.uniform(*config.exposure_ev)),
        gains=(float(1 + red), 1.0, float(1 + blue)),
        contrast=float(rng.uniform(*config.contrast)),
        saturation=float(rng.uniform(*config.saturation)),
        jpeg_quality=round(float(rng.uniform(*config.jpeg_quality))),
        seed=int(rng.integers(2**31)),
    )


def develop(rgb: np.ndarray, spec: SensorSpec) -> np.ndarray:
    """(H, W, 3) uint8 sRGB -> what the camera would have stored, before JPEG; a pure function of its arguments."""
    height, width = rgb.shape[:2]
    scale = width / 640.0
    picture = rgb
    if spec.motion_px * scale >= 1.0:
        picture = cv2.filter2D(picture, -1, _streak(spec.motion_px * scale, spec.motion_rad))
    if spec.blur_px * scale >= 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), spec.blur_px * scale)
    picture = cv2.LUT(picture, _tone(spec))
    if abs(spec.saturation - 1.0) > 0.01:
        luma = np.array([0.299, 0.587, 0.114])
        mix = spec.saturation * np.eye(3) + (1 - spec.saturation) * luma
        picture = cv2.transform(picture, mix)
    if spec.vignette > 0.005:
        shade = cv2.cvtColor(_vignette(height, width, spec.vignette), cv2.COLOR_GRAY2RGB)
        picture = cv2.multiply(picture, shade, scale=1.0 / 255.0)
    if spec.noise > 0:
        picture = _with_noise(picture, spec)
    return picture


def _streak(length: float, angle: float) -> np.ndarray:
    side = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    for t in np.linspace(-length / 2, length / 2, 33):
        kernel[round(side // 2 + t * np.sin(angle)), round(side // 2 + t * np.cos(angle))] += 1
    return kernel / kernel.sum()


def _tone(spec: SensorSpec) -> np.ndarray:
    """(1, 256, 3) table: gains in linear light, then contrast."""
    linear = (np.arange(256) / 255.0) ** 2.2
    gains = np.array(spec.gains) * 2.0**spec.exposure_ev
    lit = linear[:, None] * gains
    shoulder = np.where(lit > 0.8, 0.8 + 0.2 * np.tanh((lit - 0.8) / 0.2), lit)  # highlights roll off, never clip hard
    tone = (shoulder ** (1 / 2.2) - 0.5) * spec.contrast + 0.5
    return np.round(tone.clip(0, 1) * 255).astype(np.uint8)[None]


def _vignette(height: int, width: int, strength: float) -> np.ndarray:
    y = ((np.arange(height) + 0.5) / height * 2 - 1)[:, None]
    x = ((np.arange(width) + 0.5) / width * 2 - 1)[None]
    return np.round(255 * (1 - strength * ((x * x + y * y) / 2) ** 1.5)).astype(np.uint8)


def _with_noise(picture: np.ndarray, spec: SensorSpec) -> np.ndarray:
    """Shot and read noise, a little soft as after demosaicing: a patch of one large drawn field, chosen by the seed."""
    height, width = picture.shape[:2]
    rng = np.random.default_rng(spec.seed)
    row, column = (int(v) for v in rng.integers(0, _SPARE, 2))
    grain = _noise_field(height + _SPARE, width + _SPARE)[row : row + height, column : column + width]
    # in sRGB codes shot noise is nearly even over the tones and falls in highlights
    slope = (255.0 * spec.noise * np.interp(np.arange(256), [0, 20, 128, 255], [0.6, 1.1, 1.0, 0.6])).astype(np.float32)
    return cv2.add(picture, cv2.multiply(grain, cv2.LUT(picture, slope)), dtype=cv2.CV_8U)


_SPARE = 191


@lru_cache(maxsize=4)
def _noise_field(height: int, width: int) -> np.ndarray:
    """(height, width, 3) float32 unit noise, mostly luminance; the same in every process."""
    raw = np.random.default_rng(20240501).standard_normal((height, width, 3), np.float32)
    raw = 0.8 * raw[..., :1] + 0.5 * raw
    soft = cv2.GaussianBlur(raw, (0, 0), 0.55)
    return soft / soft.std()
