"""Skin tones: spread evenly from light to dark, never orange.

A tone is a point on the line that human skin follows in CIELAB: lightness is drawn, hue and chroma go with it. A skin
picture of the packs keeps its detail and takes the drawn tone as its mean.
"""

from functools import cache

import cv2
import numpy as np

Rgb = tuple[float, float, float]

# Lightness, chroma and hue (CIELAB, D65) of skin from dark to light: darkest skin is dull, the middle most chromatic.
_LIGHTNESS = (22.0, 32.0, 42.0, 52.0, 62.0, 72.0, 80.0)
_CHROMA = (11.0, 16.0, 20.5, 22.5, 22.5, 20.0, 16.5)
_HUE_DEG = (50.0, 52.0, 55.0, 58.0, 59.0, 58.0, 57.0)

RANGES = {"african": (27.0, 47.0), "asian": (45.0, 67.0), "caucasian": (60.0, 77.0)}
"""Lightness by origin; together they cover light to dark evenly."""

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] -> linear light."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light -> sRGB in [0, 1]."""
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def lab_of(srgb: Rgb) -> np.ndarray:
    """(3,) CIELAB of an sRGB colour."""
    ratio = _TO_XYZ @ to_linear(np.asarray(srgb, float)) / _WHITE
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def srgb_of(lab: np.ndarray) -> Rgb:
    """The inverse of `lab_of`, clipped to what sRGB can show."""
    fy = (lab[0] + 16) / 116
    f = np.array([fy + lab[1] / 500, fy, fy - lab[2] / 200])
    ratio = np.where(f > 0.2069, f**3, (f - 16 / 116) / 7.787)
    return tuple(to_srgb(np.linalg.inv(_TO_XYZ) @ (ratio * _WHITE)).tolist())


def skin_at(lightness: float, ruddy: float = 0.0) -> Rgb:
    """sRGB of skin of a lightness; `ruddy` turns its hue by so many degrees towards red."""
    chroma = np.interp(lightness, _LIGHTNESS, _CHROMA)
    hue = np.radians(np.interp(lightness, _LIGHTNESS, _HUE_DEG) - ruddy)
    return srgb_of(np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)]))


def draw_tone(rng: np.random.Generator, shares: dict[str, float], spread: float) -> Rgb:
    """A tone for a mixture of origins; `spread` is the standard deviation of what chance adds, as a share of its range.

    The place within the range of each origin is one draw, so that a mixed person lies between them.
    """
    place = rng.random()
    total = sum(shares.values()) or 1.0
    lightness = sum(share * np.interp(place, [0, 1], RANGES[name]) for name, share in shares.items()) / total
    lightness = float(np.clip(lightness + 60.0 * spread * rng.normal(), 25.0, 79.0))
    return skin_at(lightness, float(rng.normal(0.0, 3.0)))


def mean_tone(picture: np.ndarray, mask: np.ndarray) -> Rgb:
    """Mean sRGB of a skin picture (h, w, 3) over a mask of the same shape, taken in linear light."""
    table = to_linear(np.arange(256) / 255.0)
    return tuple(to_srgb(table[picture[mask]].mean(0)).tolist())


_OWN_HUE = 0.45
"""How much of a picture's own hues gives way to the tone's: those of old skins run to orange."""


def toned(picture: np.ndarray, mean: Rgb, wanted: Rgb) -> np.ndarray:
    """A skin picture whose mean tone is changed from `mean` to `wanted`; it keeps its light and dark, and some hue."""
    target = to_linear(np.asarray(wanted))
    gain = target / np.maximum(to_linear(np.asarray(mean)), 1e-4)
    level = to_linear(np.arange(256) / 255.0)
    colors = cv2.LUT(picture, (level[:, None] * gain)[None].astype(np.float32))
    own = target / max(float(target @ _LUMA), 1e-4)
    mix = (1.0 - _OWN_HUE) * np.eye(3) + _OWN_HUE * np.outer(own, _LUMA)
    steps = cv2.transform(colors, mix * (_STEPS - 1)) + np.float32(0.5)
    np.minimum(steps, len(_back()) - 1, out=steps)
    return _back()[steps.astype(np.uint16)]


_LUMA = np.array([0.2126, 0.7152, 0.0722])
_STEPS = 4096
"""Levels of linear light from black to white that a tone is rounded to."""


@cache
def _back() -> np.ndarray:
    """(2 _STEPS,) uint8 sRGB of linear light, by level; highlights do not burn out."""
    light = np.arange(2 * _STEPS) / (_STEPS - 1)
    soft = np.where(light > 0.7, 0.7 + 0.3 * np.tanh((light - 0.7) / 0.3), light)
    return np.round(255.0 * to_srgb(soft)).astype(np.uint8)
