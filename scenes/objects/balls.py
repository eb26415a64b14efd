"""Balls, each about its centre, with their seams."""

from itertools import product

import numpy as np

from scenes.objects.finishes import as_texture, noise, pick
from scenes.objects.shapes import Piece, ball, turned
from scenes.objects.solid import Made
from scenes.renderer import Material

_WIDE, _HIGH = 256, 128


def _directions() -> np.ndarray:
    """(_HIGH, _WIDE, 3) unit, matching the uv of shapes.ball (row 0 of a texture is the top)."""
    turn = (np.arange(_WIDE) + 0.5) / _WIDE * 2 * np.pi
    rise = np.pi / 2 - (np.arange(_HIGH) + 0.5) / _HIGH * np.pi
    rise, turn = np.meshgrid(rise, turn, indexing="ij")
    return np.stack([np.cos(rise) * np.cos(turn), np.sin(rise), np.cos(rise) * np.sin(turn)], -1)


def _paint(picture: np.ndarray, rough: float, specular: float = 0.04) -> Material:
    return Material((1.0, 1.0, 1.0), as_texture(picture), roughness=rough, specular=specular)


def _grained(rng: np.random.Generator, picture: np.ndarray, strength: float) -> np.ndarray:
    fine = noise(rng, 0.4)[:_HIGH] * strength
    return picture * (1 + fine[..., None])


def _line(distance: np.ndarray, half: float) -> np.ndarray:
    """1 on a seam, soft over a texel, from the distance to it, rad."""
    return np.clip((half - distance) / 0.02 + 0.5, 0, 1)[..., None]


def _held(picture: np.ndarray, radius: float, rough: float, specular: float = 0.04, fine: bool = True) -> Made:
    """A ball touched by a palm at its -x side."""
    piece: Piece = ball(radius, 30, 18) if fine else ball(radius, 18, 10)
    return Made([(_paint(picture, rough, specular), [piece])], (-radius, 0.0, 0.0), radius)


def football(rng: np.random.Generator) -> Made:
    """Size 5: 68 to 70 cm around (laws of the game), so 22 cm across. Twelve pentagons and twenty hexagons."""
    g = (1 + 5**0.5) / 2
    five = np.array([p for a, b in product((-1, 1), (-g, g)) for p in ((0, a, b), (a, b, 0), (b, 0, a))], float)
    five /= np.linalg.norm(five, axis=1, keepdims=True)
    six = np.array(list(product((-1, 1), repeat=3)), float).tolist()
    six += [p for a, b in product((-1 / g, 1 / g), (-g, g)) for p in ((0, a, b), (a, b, 0), (b, 0, a))]
    hexes = np.array(six) / np.sqrt(3)
    hexes = hexes[:, [2, 1, 0]] if (five @ hexes.T).max() > 0.9 else hexes
    seen = _directions()
    angle = np.arccos(np.clip(seen @ np.vstack([five, hexes]).T, -1, 1))
    angle[..., :12] += 0.053  # pentagons are smaller than hexagons
    order = np.sort(angle, -1)
    seam = _line(order[..., 1] - order[..., 0], 0.02)
    black = (angle.argmin(-1) < 12)[..., None]
    spots = pick(rng, (0.07, 0.07, 0.08), (0.07, 0.07, 0.08), (0.75, 0.15, 0.12), (0.1, 0.25, 0.6))
    picture = np.where(black, np.array(spots), np.array([0.93, 0.93, 0.91]))
    return _held(_grained(rng, picture * (1 - 0.55 * seam), 0.02), 0.11, 0.45)


def basketball(rng: np.random.Generator) -> Made:
    """Size 7: 75 to 77 cm around (rules), so 24 cm across; black ribs on orange."""
    x, y, z = np.moveaxis(_directions(), -1, 0)
    ribs = np.minimum(np.abs(np.arcsin(x)), np.abs(np.arcsin(y)))
    for side in (-1, 1):
        ribs = np.minimum(ribs, np.abs(np.arccos(np.clip(side * z * 0.94 + 0.342 * np.abs(y) * 0, -1, 1)) - 0.86))
    skin = np.array(pick(rng, (0.80, 0.40, 0.16), (0.72, 0.33, 0.13)))
    picture = skin * (1 - _line(ribs, 0.03)) + 0.06 * _line(ribs, 0.03)
    return _held(_grained(rng, picture, 0.07), 0.12, 0.65)


def volleyball(rng: np.random.Generator) -> Made:
    """65 to 67 cm around (rules), so 21 cm across; three strips on each of six sides."""
    seen = _directions()
    side = np.abs(seen).argmax(-1)
    across = np.take_along_axis(seen, ((side + 1) % 3)[..., None], -1)[..., 0] / np.abs(seen).max(-1)
    strip = np.floor((across + 1) * 1.4999).astype(int)
    colors = np.array(
        [(0.92, 0.91, 0.88), pick(rng, (0.9, 0.75, 0.15), (0.92, 0.91, 0.88)), pick(rng, (0.1, 0.2, 0.5))]
    )
    top = np.sort(np.abs(seen), -1)
    gap = np.minimum(np.abs(((across + 1) * 1.5) % 1 - 0.5) * -1 + 0.5, (top[..., 2] - top[..., 1]) * 1.4)
    picture = colors[(strip + side) % 3] * (1 - 0.6 * _line(gap, 0.02))
    return _held(_grained(rng, picture, 0.02), 0.105, 0.5)


def tennis_ball(rng: np.random.Generator) -> Made:
    """6.54 to 6.86 cm across (rules of tennis); felt with one wavy seam."""
    x, y, z = np.moveaxis(_directions(), -1, 0)
    turn, rise = np.arctan2(z, x), np.arcsin(y)
    seam = np.abs(rise - 0.62 * np.sin(2 * turn)) * 0.8
    felt = np.array(pick(rng, (0.78, 0.86, 0.22)))
    picture = felt * (1 - _line(seam, 0.06)) + 0.9 * _line(seam, 0.06)
    return _held(_grained(rng, picture, 0.1), 0.0335, 0.95, 0.02, False)


def baseball(rng: np.random.Generator) -> Made:
    """23 cm around (rules), so 7.3 cm across; white with red stitches."""
    x, y, z = np.moveaxis(_directions(), -1, 0)
    turn, rise = np.arctan2(z, x), np.arcsin(y)
    seam = np.abs(rise - 0.62 * np.sin(2 * turn)) * 0.8
    red = _line(seam, 0.09) * (np.sin(turn * 40)[..., None] > -0.2)
    picture = np.array([0.92, 0.9, 0.85]) * (1 - red) + np.array([0.7, 0.1, 0.1]) * red
    return _held(_grained(rng, picture, 0.02), 0.0366, 0.6, fine=False)


def bowling_ball(rng: np.random.Generator) -> Made:
    """21.6 cm across (rules), polished and marbled."""
    swirl = noise(rng, 1.6)[:_HIGH]
    base = np.array(pick(rng, (0.1, 0.12, 0.3), (0.3, 0.08, 0.1), (0.08, 0.25, 0.2), (0.1, 0.1, 0.11)))
    picture = base * (1 + 0.35 * np.clip(swirl, -2, 2))[..., None]
    return _held(picture, 0.108, 0.2, 0.05)


def medicine_ball(rng: np.random.Generator) -> Made:
    """2 to 6 kg, 20 to 26 cm across, rubber with a coloured band or stitched cover."""
    radius = float(rng.uniform(0.1, 0.13))
    x, y, z = np.moveaxis(_directions(), -1, 0)
    band = np.clip((0.32 - np.abs(y)) * 20, 0, 1)[..., None]
    color = np.array(pick(rng, (0.75, 0.18, 0.15), (0.15, 0.35, 0.65), (0.2, 0.5, 0.25), (0.9, 0.6, 0.1)))
    picture = 0.12 * (1 - band) + color * band
    knobs = np.sin(40 * np.arctan2(z, x)) * np.sin(20 * np.arcsin(y))
    return _held(_grained(rng, picture * (1 + 0.1 * knobs)[..., None], 0.05), radius, 0.75)


def gym_ball(rng: np.random.Generator) -> Made:
    """55 to 75 cm across (catalogue), shiny, with moulded rings; stands on the floor."""
    radius = float(rng.uniform(0.275, 0.375))
    turn = np.linspace(-np.pi / 2, np.pi / 2, 33)
    ripple = radius * (1 + 0.004 * np.cos(30 * turn) * (np.abs(turn) < 1.2))
    profile = [(r * np.cos(t), r * np.sin(t) + radius) for r, t in zip(ripple, turn, strict=True)]
    profile[0], profile[-1] = (0.0, 0.0), (0.0, 2 * radius)
    color = pick(rng, (0.35, 0.5, 0.7), (0.6, 0.62, 0.65), (0.65, 0.25, 0.4), (0.3, 0.6, 0.5), (0.15, 0.15, 0.17))
    skin = Material(color, None, roughness=0.35, specular=0.045)
    return Made([(skin, [turned(profile, 40)])], (-radius, radius, 0.0), radius)


KINDS = {
    "football": football, "basketball": basketball, "volleyball": volleyball, "tennis_ball": tennis_ball,
    "baseball": baseball, "bowling_ball": bowling_ball, "medicine_ball": medicine_ball, "gym_ball": gym_ball,
}  # fmt: skip
