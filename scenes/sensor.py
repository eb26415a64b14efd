"""What lens, sensor and file format do to a picture: blur, tone, vignette, noise, sharpening, codec, JPEG quality.

No effect moves anything: labels stay those of the sharp picture, which is the middle of the exposure. Rare and costly
ones have a share of the pictures each; an effect that was not drawn costs nothing.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from scenes.depth_of_field import defocused
from scenes.motion_blur import smeared
from scenes.video import compressed

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
        noisy_share, noisy: pictures of dim places and small sensors, and their noise.
        defocus_share, defocus_px: pictures through a wide aperture focused on the main person; diameter of the blur at
            infinity, px at 640 px width.
        shutter_s: exposure time, drawn evenly in its logarithm; moving people smear where their motion is known.
        sharpen_share, sharpen: pictures sharpened by the camera, and how much of the detail is added again.
        banding_share, banding: pictures under flickering light, whose rows were exposed one after the other, and how
            much darker the darkest rows are, share.
        low_share, low: pictures of fewer pixels that were blown up, and how many times as wide.
        video_share, video_step: pictures from video of low bitrate, and the step of its quantiser, grey levels.
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
    noisy_share: float = 0.06
    noisy: tuple[float, float] = (0.018, 0.04)
    defocus_share: float = 0.15
    defocus_px: tuple[float, float] = (3.0, 14.0)
    shutter_s: tuple[float, float] = (0.001, 0.033)
    sharpen_share: float = 0.3
    sharpen: tuple[float, float] = (0.2, 0.9)
    banding_share: float = 0.03
    banding: tuple[float, float] = (0.03, 0.12)
    low_share: float = 0.06
    low: tuple[float, float] = (1.4, 3.0)
    video_share: float = 0.1
    video_step: tuple[float, float] = (8.0, 32.0)


@dataclass(frozen=True, slots=True)
class SensorSpec:
    """One drawn sensor; see SensorConfig for units.

    `gains` are red, green, blue; `motion_px` 0 for a steady hand; `banding_rows` is the period in parts of the
    picture's height, `banding_phase` in parts of that. What specs stored before an effect existed lack, they are
    without.
    """

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
    defocus_px: float = 0.0
    shutter_s: float = 0.0
    sharpen: float = 0.0
    banding: float = 0.0
    banding_rows: float = 1.0
    banding_phase: float = 0.0
    low: float = 1.0
    video_step: float = 0.0


def draw_sensor(config: SensorConfig, rng: np.random.Generator) -> SensorSpec:
    """Draw a sensor."""
    red, blue = rng.normal(0.0, config.white_balance, 2).clip(-2 * config.white_balance, 2 * config.white_balance)
    shaken, length = rng.random() < 0.2, float(rng.uniform(0.5, 1.0) * config.motion_px)
    plain = SensorSpec(
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

    def sometimes(share: float, strength: tuple[float, float], without: float) -> float:
        drawn, amount = rng.random() < share, float(rng.uniform(*strength))
        return amount if drawn else without

    return replace(
        plain,
        noise=sometimes(config.noisy_share, config.noisy, plain.noise),
        defocus_px=sometimes(config.defocus_share, config.defocus_px, 0.0),
        shutter_s=float(np.exp(rng.uniform(*np.log(config.shutter_s)))),
        sharpen=sometimes(config.sharpen_share, config.sharpen, 0.0),
        banding=sometimes(config.banding_share, config.banding, 0.0),
        banding_rows=float(rng.uniform(0.25, 1.5)),
        banding_phase=float(rng.uniform(0.0, 1.0)),
        low=sometimes(config.low_share, config.low, 1.0),
        video_step=sometimes(config.video_share, config.video_step, 0.0),
    )


def develop(
    rgb: np.ndarray,
    spec: SensorSpec,
    *,
    depth: np.ndarray | None = None,
    motion: np.ndarray | None = None,
    focus_m: float | None = None,
) -> np.ndarray:
    """(H, W, 3) uint8 sRGB -> what the camera would have stored, before JPEG; a pure function of its arguments.

    Args:
        depth: (H, W) m along the camera's z, 0 for infinity.
        motion: (H, W, 2) px moved during the exposure, see scenes.motion_blur.motion_field.
        focus_m: depth that the lens is focused on; without it and the depth, everything is in focus.
    """
    height, width = rgb.shape[:2]
    picture = rgb
    if spec.defocus_px > 0 and depth is not None and focus_m is not None:
        picture = defocused(picture, depth, focus_m, spec.defocus_px * width / 640.0)
    if motion is not None:
        picture = smeared(picture, motion)
    if spec.low > 1:
        small = (max(round(width / spec.low), 8), max(round(height / spec.low), 8))
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    picture = _exposed(picture, spec)
    if spec.sharpen > 0:
        soft = cv2.GaussianBlur(picture, (5, 5), 1.1)
        picture = cv2.addWeighted(picture, 1 + spec.sharpen, soft, -spec.sharpen, 0.0)
    if spec.video_step > 0:
        picture = compressed(picture, spec.video_step)
    if spec.low > 1:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    return picture


def _exposed(picture: np.ndarray, spec: SensorSpec) -> np.ndarray:
    """Shake, lens blur, tone, vignette and noise."""
    height, width = picture.shape[:2]
    scale = width / 640.0
    if spec.motion_px * scale >= 1.0:
        picture = cv2.filter2D(picture, -1, _streak(spec.motion_px * scale, spec.motion_rad))
    if spec.blur_px * scale >= 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), spec.blur_px * scale)
    picture = cv2.LUT(picture, _tone(spec))
    if abs(spec.saturation - 1.0) > 0.01:
        luma = np.array([0.299, 0.587, 0.114])
        mix = spec.saturation * np.eye(3) + (1 - spec.saturation) * luma
        picture = cv2.transform(picture, mix)
    if spec.vignette > 0.005 or spec.banding > 0:
        shade = cv2.cvtColor(_shade(height, width, spec), cv2.COLOR_GRAY2RGB)
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


def _shade(height: int, width: int, spec: SensorSpec) -> np.ndarray:
    """(height, width) uint8: what corners, and rows exposed while the light was low, lose."""
    left = 1 - spec.vignette * _falloff(height, width)
    if spec.banding > 0:
        y = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1)[:, None]
        turn = 2 * np.pi * ((y + 1) / 2 / spec.banding_rows + spec.banding_phase)
        left = left * (1 - spec.banding * (0.5 - 0.5 * np.cos(turn)))
    left *= 255
    return np.round(left, out=left).astype(np.uint8)


@lru_cache(maxsize=2)
def _falloff(height: int, width: int) -> np.ndarray:
    """(height, width) float32 of a vignette: 0 in the middle, 1 in the corners."""
    y = ((np.arange(height) + 0.5) / height * 2 - 1)[:, None]
    x = ((np.arange(width) + 0.5) / width * 2 - 1)[None]
    return (((x * x + y * y) / 2) ** 1.5).astype(np.float32)


def _with_noise(picture: np.ndarray, spec: SensorSpec) -> np.ndarray:
    """Shot and read noise, a little soft as after demosaicing: a patch of one drawn tile, chosen by the seed."""
    height, width = picture.shape[:2]
    rng = np.random.default_rng(spec.seed)
    row, column = (int(v) for v in rng.integers(0, _SPARE, 2))
    grain = _grain()
    if max(height, width) + _SPARE > _TILE:
        grain = np.tile(grain, (-(-(height + _SPARE) // _TILE), -(-(width + _SPARE) // _TILE), 1))
    grain = grain[row : row + height, column : column + width]
    # in sRGB codes shot noise is nearly even over the tones and falls in highlights
    slope = (255.0 * spec.noise * np.interp(np.arange(256), [0, 20, 128, 255], [0.6, 1.1, 1.0, 0.6])).astype(np.float32)
    out = np.empty_like(picture)
    for first in range(0, height, _ROWS):
        rows = slice(first, first + _ROWS)
        change = cv2.multiply(grain[rows], cv2.LUT(picture[rows], slope), scale=1 / _STEPS, dtype=cv2.CV_32F)
        cv2.add(picture[rows], change, out[rows], dtype=cv2.CV_8U)
    return out


_TILE, _SPARE, _STEPS = 832, 191, 32
"""Side of the noise tile, px; how far a patch may be moved on it; steps per standard deviation."""

_ROWS = 64
"""Worked on at a time, so that what lies between stays in the processor's cache."""


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """(_TILE, _TILE, 3) int8 noise, mostly luminance; the same in every process."""
    raw = np.random.default_rng(20240501).standard_normal((_TILE, _TILE, 3), np.float32)
    raw = 0.8 * raw[..., :1] + 0.5 * raw
    soft = cv2.GaussianBlur(raw, (0, 0), 0.55)
    return np.clip(np.round(soft * (_STEPS / soft.std())), -127, 127).astype(np.int8)
