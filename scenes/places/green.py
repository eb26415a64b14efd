"""What outdoor places share: trees, tree lines, hedges, fences, poles, benches, the far ground."""

import numpy as np

from scenes.places.layout import Prop, Surface, pick, prop, surface, tone
from scenes.places.shapes import Piece, ball, bars, box, ground, merged, moved, sheet, standing, tube

FAR = 85.0
"""How far, m, the ground reaches."""


def green_surfaces(rng: np.random.Generator) -> dict[str, Surface]:
    """Surfaces of this module's props."""
    fresh = tone(rng, 0.75, 1.0, 0.1)
    return {
        "leaves": surface("leaves", pick(rng), fresh, 0.9, 0.02, cutout=True, double_sided=True),
        "wood_edge": surface("treeline", pick(rng), fresh, 0.95, 0.0, cutout=True, double_sided=True),
        "hedge": surface("hedge", pick(rng), fresh, 0.95, 0.02),
        "bark": surface("bark", pick(rng), (0.9, 0.85, 0.8), 0.95, 0.02),
        "wire": surface("fence", 0, tone(rng, 0.3, 0.9, 0.5), 0.6, 0.04, cutout=True, double_sided=True),
        "net": surface("net", 0, (0.95, 0.95, 0.95), 0.8, cutout=True, double_sided=True),
        "pole": surface("steel", pick(rng), tone(rng, 0.25, 0.85, 0.3), 0.55, 0.05),
        "plank": surface("ply", pick(rng), tone(rng, 0.5, 0.95, 0.2), 0.75),
        "grey": surface("concrete", pick(rng), tone(rng, 0.7, 1.0, 0.05), 0.9),
    }


def tree(x: float, z: float, rng: np.random.Generator) -> Prop:
    """A trunk with a crown of leafy shells."""
    high = float(rng.uniform(4.5, 11.0))
    stem = 0.45 * high
    bow = rng.normal(0, 0.12, 2)
    trunk = tube([(0, 0, 0), (bow[0], 0.5 * stem, bow[1]), (0, stem + 0.8, 0)], 0.03 * high**0.8, 8, capped=False)
    crown: list[Piece] = []
    for _ in range(int(rng.integers(4, 7))):
        r = float(rng.uniform(0.16, 0.26) * high)
        at = rng.normal(0, 0.13 * high, 2)
        crown.append(moved(ball(r, float(rng.uniform(0.52, 0.85) * high), (1, 0.85, 1), 12), *at))
    middle = np.array([0, 0.68 * high, 0])
    crown = [(v, _outward(v - middle), f, uv) for v, _, f, uv in crown]
    return prop(("leaves", moved(merged(crown), x, z)), ("bark", moved(trunk, x, z)))


def _outward(v: np.ndarray) -> np.ndarray:
    up = v + [0, 0.6, 0]
    return up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)


def wood_edge(half: np.ndarray, rng: np.random.Generator, sides: int = 4) -> list[tuple[str, Piece]]:
    """Tree lines on the sides of a rectangle of half extents (x, z); they hide the horizon."""
    found = []
    for k in range(sides):
        turn = k * np.pi / 2
        away, length = (half[0], half[1]) if k % 2 else (half[1], half[0])
        high = float(rng.uniform(7.0, 12.0))
        panel = sheet(2 * length + 30.0, high, 1)
        scale = 14.0 / high  # the texture is as high as the trees
        uv = panel[3] * [1.0, scale]
        uv[:, 1] = np.clip(uv[:, 1], 0.0, 14.0) * 0.995
        normal = np.tile([0.0, 0.5, 0.85], (len(panel[0]), 1))
        found.append(("wood_edge", moved((panel[0], normal, panel[2], uv), 0, 0, turn)))
        shift = np.array([-np.sin(turn), 0, -np.cos(turn)]) * away
        v, n, f, u = found[-1][1]
        found[-1] = ("wood_edge", (v + shift, n, f, u))
    return found


def fence(half: np.ndarray, high: float, pitch: float = 3.0) -> list[Prop]:
    """Chain link on posts around a rectangle, a prop per few metres."""
    found = []
    for axis, sign in ((0, -1), (0, 1), (1, -1), (1, 1)):
        length = 2 * half[1 - axis]
        count = max(int(length / (3 * pitch)), 1)
        wide, yaw = length / count, np.pi / 2 if axis == 0 else 0.0
        posts = bars([[(s, 0, 0), (s, high + 0.05, 0)] for s in np.linspace(-wide / 2, wide / 2, 4)[:-1]], 0.03, 6)
        rails = bars([[(-wide / 2, y, 0), (wide / 2, y, 0)] for y in (high, 0.06)], 0.018, 5, capped=False)
        frame, wire = moved(merged([posts, rails]), 0, 0, yaw), moved(sheet(wide, high), 0, 0, yaw)
        for k in range(count):
            at = (k + 0.5) / count * length - length / 2
            shift = (sign * half[0], at) if axis == 0 else (at, sign * half[1])
            found.append(prop(("pole", moved(frame, *shift)), ("wire", moved(wire, *shift)), solid=False))
    return found


def bench(x: float, z: float, yaw: float) -> Prop:
    """A park bench of planks."""
    planks = [box((0, 0.45, k * 0.12), (1.6, 0.035, 0.1)) for k in (-1, 0, 1)]
    planks += [box((0, 0.62 + 0.15 * k, -0.2 - 0.03 * k), (1.6, 0.1, 0.03)) for k in (0, 1)]
    legs = [standing(s, 0, (0.05, 0.44, 0.36)) for s in (-0.65, 0.65)]
    legs += [standing(s, -0.2, (0.05, 0.85, 0.04)) for s in (-0.65, 0.65)]
    return prop(("plank", moved(merged(planks), x, z, yaw)), ("pole", moved(merged(legs), x, z, yaw)))


def mast(x: float, z: float, high: float) -> Prop:
    """A lamp post or floodlight mast."""
    stem = tube([(0, 0, 0), (0, high, 0)], 0.05 + 0.006 * high, 10)
    head = box((0, high, 0), (0.9 if high > 7 else 0.3, 0.18, 0.45))
    return prop(("pole", moved(merged([stem, head]), x, z)))


def far_ground(name: str, cell: float = 10.0) -> tuple[str, Piece]:
    """The ground out to where the tree line or the houses hide it."""
    return name, ground((-FAR, -FAR), (FAR, FAR), 0.0, cell)
