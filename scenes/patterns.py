"""Procedural surface textures: deterministic, seamless, licence-free.

Each pattern is grey or softly tinted with a linear mean near one half, so that Material.color recolours it for free.
"""

import zlib
from collections.abc import Iterable
from functools import lru_cache
from weakref import WeakValueDictionary

import cv2
import numpy as np

from scenes.noise import SIZE, cells, noise
from scenes.patterns_places import PLACE_MAKERS, PLACE_METRES

FLOORS = ("wood", "carpet", "concrete", "mat", "tile")
WALLS = ("paint", "plaster", "brick", "panel", "tile", "wallpaper", "concrete")
GROUNDS = ("grass", "asphalt", "gravel", "paving", "sand")
TILE_METRES = {
    "wood": 2.0, "carpet": 1.5, "concrete": 3.0, "mat": 2.0, "tile": 1.6, "paint": 3.0, "plaster": 2.0, "brick": 1.9,
    "panel": 1.6, "wallpaper": 1.2, "grass": 2.5, "asphalt": 2.0, "gravel": 1.6, "paving": 2.4, "sand": 3.0,
    "poster": 1.0, **PLACE_METRES,
}  # fmt: skip


_ALIVE: WeakValueDictionary[tuple[str, int], np.ndarray] = WeakValueDictionary()
"""Textures that somebody holds, a layout of a place for example: they are not made twice."""


@lru_cache(maxsize=128)
def pattern(name: str, seed: int) -> np.ndarray:
    """(SIZE, SIZE, 3) uint8 sRGB, read-only; one texture per name and seed; 4 channels where a pattern has holes.

    The channels of a grey one share their memory.

    Raises:
        KeyError: the name is not in TILE_METRES.
    """
    if name not in _MAKERS:
        raise KeyError(f"pattern {name!r} is not known; choose one of {', '.join(sorted(TILE_METRES))}")
    alive = _ALIVE.get((name, seed))
    if alive is not None:
        return alive
    picture = _MAKERS[name](np.random.default_rng([zlib.crc32(name.encode()), seed]))
    texture = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if texture.ndim == 2:
        texture = np.broadcast_to(texture[..., None], (*texture.shape, 3))
    texture.flags.writeable = False
    _ALIVE[name, seed] = texture
    return texture


def rgb(values: Iterable[float]) -> tuple[float, float, float]:
    """Three numbers as plain floats, fit for a spec."""
    red, green, blue = (float(v) for v in values)
    return red, green, blue


def mean_linear(texture: np.ndarray) -> float:
    """Mean linear reflectance of an sRGB texture."""
    small = cv2.resize(texture, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float64) / 255
    return float((small**2.2).mean())


def _paint(rng):
    scuffs = np.clip(noise(rng, 0.8, (0.25, 1.5)) - 2.0, 0, 1.5)
    return 0.72 + 0.022 * noise(rng, 1.5) + 0.012 * noise(rng, 0.2) - 0.03 * scuffs


def _plaster(rng):
    return 0.70 + 0.014 * noise(rng, 1.2) + 0.02 * noise(rng, 0.5) + 0.02 * np.maximum(noise(rng, 0.6), 0)


def _concrete(rng):
    stains = np.clip(noise(rng, 1.9) - 0.8, 0, 2)
    pores = noise(rng, 0.1) > 3.0
    return 0.68 + 0.028 * noise(rng, 1.4) - 0.025 * stains - 0.12 * cv2.blur(pores.astype(float), (2, 2))


def _brick(rng):
    level, inside = cells(rng, 24, 8, 0.5, 1.5)
    warm = np.array([0.74, 0.52, 0.43]) if rng.random() < 0.6 else np.array([0.68, 0.66, 0.63])
    stone = warm * (0.82 + 0.3 * level + 0.06 * noise(rng, 0.7))[..., None]
    mortar = (0.72 + 0.03 * noise(rng, 0.5))[..., None] * np.array([1.0, 0.98, 0.94])
    return mortar * (1 - inside[..., None]) + stone * inside[..., None]


def _planks(rng, rows, columns, contrast):
    level, inside = cells(rng, rows, columns, 0.5 if columns > 1 else 0.0, 0.4)
    y = np.arange(SIZE)[:, None] / SIZE
    grain = noise(rng, 0.9, (0.12, 3.0))
    rings = np.sin(2 * np.pi * (rows * 3 * y + 0.7 * noise(rng, 1.6, (0.5, 3.0)) + 9 * level))
    wood = 0.66 + contrast * (level - 0.5) + 0.035 * grain + 0.02 * rings
    return (wood * (0.45 + 0.55 * inside))[..., None] * np.array([1.08, 0.98, 0.86])


def _wood(rng):
    return _planks(rng, int(rng.integers(10, 17)), 2, 0.16)


def _panel(rng):
    return np.swapaxes(_planks(rng, int(rng.integers(8, 14)), 1, 0.08), 0, 1)


def _tile(rng):
    count = int(rng.choice([4, 6, 8]))
    level, inside = cells(rng, count, count, 0.0, 1.2)
    return (0.74 + 0.05 * (level - 0.5) + 0.012 * noise(rng, 1.3)) * (0.62 + 0.38 * inside)


def _carpet(rng):
    return 0.62 + 0.06 * noise(rng, 0.0) + 0.04 * noise(rng, 0.6) + 0.012 * noise(rng, 1.4)


def _mat(rng):
    level, inside = cells(rng, 2, 2, 0.0, 0.8)
    second = 0.55 + 0.2 * rng.random()
    checker = (np.indices((SIZE, SIZE)) * 2 // SIZE).sum(0) % 2
    return np.where(checker == 0, 0.7, second) * (0.7 + 0.3 * inside) + 0.02 * noise(rng, 0.2) + 0.01 * (level - 0.5)


def _wallpaper(rng):
    stripes = np.sin(2 * np.pi * np.arange(SIZE) / SIZE * int(rng.choice([4, 6, 8, 12])))
    soft = np.clip(stripes * 3, -1, 1) * rng.uniform(0.01, 0.07)
    return 0.7 + np.tile(soft, (SIZE, 1)) + 0.01 * noise(rng, 0.4) + 0.01 * noise(rng, 1.5)


def _grass(rng):
    blades = 0.13 * noise(rng, 0.25, (0.6, 1.6)) + 0.08 * noise(rng, 0.9)
    patches = noise(rng, 1.2)
    level = np.clip(0.56 + blades, 0.15, 1) + 0.02 * patches
    dry = np.clip(0.3 + 0.2 * patches + 0.12 * noise(rng, 0.4), 0, 1)[..., None]
    return level[..., None] * (np.array([0.80, 1.06, 0.52]) * (1 - dry) + np.array([1.08, 1.02, 0.66]) * dry)


def _asphalt(rng):
    return 0.6 + 0.09 * noise(rng, 0.25) + 0.015 * noise(rng, 1.2) + 0.18 * (noise(rng, 0.2) > 2.6)


def _gravel(rng):
    coarse = noise(rng, 0.5)
    rim = SIZE // 16
    height = cv2.GaussianBlur(np.pad(rng.standard_normal((SIZE, SIZE)), rim, mode="wrap"), (0, 0), 2.0)
    height = height[rim:-rim, rim:-rim]
    return 0.62 + 0.13 * np.tanh(height / height.std() * 1.4) + 0.03 * coarse


def _paving(rng):
    level, inside = cells(rng, 6, 3, 0.5, 1.0)
    stone = 0.68 + 0.12 * (level - 0.5) + 0.03 * noise(rng, 0.8) + 0.03 * noise(rng, 1.6)
    return stone * (0.5 + 0.5 * inside)


def _sand(rng):
    return (0.68 + 0.05 * noise(rng, 0.3) + 0.02 * noise(rng, 1.3))[..., None] * np.array([1.08, 1.0, 0.85])


def _poster(rng):
    """Blocks and discs of colour on paper: reads as a picture, shows no brand."""
    calm = rng.uniform(0.3, 0.9)  # how grey the print is
    canvas = np.ones((SIZE, SIZE, 3)) * rng.uniform(0.3, 0.95, 3)
    for _ in range(int(rng.integers(4, 14))):
        color = tuple(float(c) for c in rng.uniform(0.05, 0.95, 3))
        x, y, w, h = (int(v) for v in rng.integers(0, SIZE, 4))
        if rng.random() < 0.5:
            cv2.rectangle(canvas, (x, y), (x + w // 2, y + h // 3), color, -1)
        else:
            cv2.circle(canvas, (x, y), w // 4 + 8, color, -1, cv2.LINE_AA)
    canvas = (1 - calm) * canvas + calm * canvas.mean(-1, keepdims=True)
    return canvas * (1 + 0.03 * noise(rng, 1.4))[..., None]


_MAKERS = {
    "paint": _paint, "plaster": _plaster, "concrete": _concrete, "brick": _brick, "wood": _wood, "panel": _panel,
    "tile": _tile, "carpet": _carpet, "mat": _mat, "wallpaper": _wallpaper, "grass": _grass, "asphalt": _asphalt,
    "gravel": _gravel, "paving": _paving, "sand": _sand, "poster": _poster, **PLACE_MAKERS,
}  # fmt: skip
