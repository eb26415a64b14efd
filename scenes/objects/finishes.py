"""What objects are made of: small seamless textures and materials, one of each per name and seed."""

from functools import lru_cache

import cv2
import numpy as np

from scenes.renderer import Material

SIZE = 256

Color = tuple[float, float, float]


def noise(rng: np.random.Generator, slope: float, stretch: tuple[float, float] = (1.0, 1.0), size: int = SIZE):
    """(size, size) seamless noise of unit variance; amplitude falls as frequency ** -slope."""
    fy = np.fft.fftfreq(size)[:, None] * size * stretch[0]
    fx = np.fft.rfftfreq(size)[None] * size * stretch[1]
    radius = np.hypot(fy, fx)
    radius[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * radius**-slope, s=(size, size))
    return field / field.std()


def as_texture(picture: np.ndarray) -> np.ndarray:
    """Values in [0, 1] -> uint8, read-only, so that the renderer remembers it."""
    image = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2)
    texture = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    texture.flags.writeable = False
    return texture


@lru_cache(maxsize=64)
def texture(name: str, seed: int = 0) -> np.ndarray:
    """(SIZE, SIZE, 3) uint8 sRGB, light grey on average, for Material.color to tint."""
    rng = np.random.default_rng([17, sorted(_TEXTURES).index(name), seed])
    return as_texture(_TEXTURES[name](rng))


def _wood(rng):
    y = np.linspace(0, 1, SIZE, endpoint=False)[None]
    wave = np.sin(2 * np.pi * (7 * y + 0.5 * noise(rng, 1.7, (0.35, 2.0))))
    grain = 0.80 + 0.05 * wave + 0.05 * noise(rng, 0.7, (0.08, 2.5)) + 0.02 * noise(rng, 1.5)
    return grain[..., None] * np.array([1.04, 0.99, 0.92])


def _scuffed(rng):
    return 0.86 + 0.03 * noise(rng, 1.4) + 0.02 * noise(rng, 0.3) - 0.05 * np.clip(noise(rng, 1.0) - 1.2, 0, 1.5)


def _brushed(rng):
    return 0.86 + 0.045 * noise(rng, 0.4, (0.05, 2.0)) + 0.02 * noise(rng, 1.5)


def _rubber(rng):
    return 0.84 + 0.05 * noise(rng, 0.2) + 0.04 * noise(rng, 1.3)


def _weave(rng):
    y, x = np.indices((SIZE, SIZE))
    threads = 0.5 + 0.5 * np.sin(2 * np.pi * x / 8) * np.sin(2 * np.pi * y / 8)
    return 0.72 + 0.16 * threads + 0.03 * noise(rng, 0.5) + 0.02 * noise(rng, 1.4)


def _leather(rng):
    fine = np.abs(noise(rng, 0.55))
    return 0.86 - 0.05 * np.clip(0.25 - fine, 0, 1) * 4 + 0.03 * noise(rng, 1.4)


def _card(rng):
    waves = np.sin(2 * np.pi * np.arange(SIZE) / 6)[None]
    return 0.84 + 0.012 * waves + 0.03 * noise(rng, 1.2) + 0.02 * noise(rng, 0.3)


def _soil(rng):
    return 0.62 + 0.14 * noise(rng, 0.4) + 0.06 * noise(rng, 1.2)


def _clay(rng):
    return 0.84 + 0.02 * noise(rng, 0.2) + 0.04 * noise(rng, 1.3)


_TEXTURES = {
    "wood": _wood, "scuffed": _scuffed, "brushed": _brushed, "rubber": _rubber, "weave": _weave,
    "leather": _leather, "card": _card, "soil": _soil, "clay": _clay,
}  # fmt: skip


def metal(color: Color = (0.72, 0.73, 0.75), seed: int = 0, rough: float = 0.32) -> Material:
    """Bare metal: a dark body colour under a strong reflection."""
    body = tuple(float(0.62 * c) for c in color)
    return Material(body, texture("brushed", seed % 3), roughness=rough, specular=0.34)  # type: ignore[arg-type]


def lacquer(color: Color, seed: int = 0, rough: float = 0.38) -> Material:
    """Painted metal or hard plastic."""
    return Material(color, texture("scuffed", seed % 3), roughness=rough, specular=0.05)


def plastic(color: Color, seed: int = 0) -> Material:
    """Moulded plastic, a little matt."""
    return Material(color, texture("scuffed", seed % 3), roughness=0.55, specular=0.045)


def rubber(color: Color = (0.12, 0.12, 0.13), seed: int = 0) -> Material:
    """Rubber and foam grips."""
    return Material(color, texture("rubber", seed % 3), roughness=0.8, specular=0.03)


def wood(color: Color = (0.72, 0.53, 0.36), seed: int = 0, rough: float = 0.55) -> Material:
    """Oiled or varnished wood."""
    return Material(color, texture("wood", seed % 4), roughness=rough, specular=0.04)


def cloth(color: Color, seed: int = 0) -> Material:
    """Woven cover."""
    return Material(color, texture("weave", seed % 2), roughness=0.95, specular=0.02)


def leather(color: Color, seed: int = 0) -> Material:
    """Leather and vinyl covers."""
    return Material(color, texture("leather", seed % 3), roughness=0.5, specular=0.04)


def plain(name: str, color: Color, seed: int = 0, rough: float = 0.9) -> Material:
    """Matt surfaces by texture name: card, soil, clay."""
    return Material(color, texture(name, seed % 3), roughness=rough, specular=0.02)


def cut_out(picture: np.ndarray, color: Color = (1.0, 1.0, 1.0), rough: float = 0.7) -> Material:
    """A see-through sheet from (h, w, 4) values in [0, 1]."""
    return Material(color, as_texture(picture), roughness=rough, specular=0.03, cutout=True, double_sided=True)


def pick(rng: np.random.Generator, *colors: Color) -> Color:
    """One of the colours, a little lighter or darker."""
    chosen = np.array(colors[int(rng.integers(len(colors)))])
    red, green, blue = (float(c) for c in np.clip(chosen * rng.uniform(0.88, 1.08), 0.02, 0.98))
    return red, green, blue


def any_color(rng: np.random.Generator, saturation: float = 0.7) -> Color:
    """A hue of goods in shops: mostly dark, white, or one clear colour."""
    if rng.random() < 0.35:
        return pick(rng, (0.10, 0.10, 0.11), (0.85, 0.85, 0.84), (0.42, 0.43, 0.45), (0.16, 0.18, 0.24))
    wheel = np.clip(np.abs((rng.random() * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    value, strength = rng.uniform(0.35, 0.9), saturation * rng.uniform(0.5, 1.0)
    red, green, blue = (float(c) for c in value * (1 - strength * (1 - wheel)))
    return red, green, blue


def ellipse_mask(width: int, height: int) -> np.ndarray:
    """(height, width) soft 1 inside the largest ellipse."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.clip((1 - np.hypot(x, y)) * width / 4 + 0.5, 0, 1)


def mesh_alpha(cells: int, line: float, diagonal: bool, size: int = 128) -> np.ndarray:
    """(size, size) coverage of a wire mesh with `cells` per tile; a wire is `line` of a cell wide."""
    y, x = (np.indices((size * 2, size * 2)) + 0.5) / (size * 2) * cells
    a, b = ((x + y) % 1, (x - y) % 1) if diagonal else (x % 1, y % 1)
    near = np.minimum(np.minimum(a, 1 - a), np.minimum(b, 1 - b))
    return cv2.resize(np.clip((line / 2 - near) * size / cells + 0.5, 0, 1), (size, size), interpolation=cv2.INTER_AREA)
