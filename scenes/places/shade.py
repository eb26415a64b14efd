"""The dark that props leave on the floor: soft rings where they stand, and what they throw in the sun.

Both are the floor once more, a millimetre higher, in a darker colour: scenery is too large for the shadow map that
serves people. A floor under a thing has the floor's own texture, so only its brightness changes.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from scenes.environment import evaluate_sh
from scenes.places.layout import Place, Prop
from scenes.places.shapes import Piece
from scenes.renderer import Light, Material

_REACH = 14.0  # m from people within which props darken the floor
RINGS = ((0.10, 0.0014, 0.93), (0.05, 0.0017, 0.86), (0.015, 0.0020, 0.78))
"""How far a ring reaches out, m, its height, m, and how dark it is."""

THROWN_Y = 0.0022
"""Height, m, of thrown shadows: over rings, under lines."""


def near(props: Sequence[Prop], middle: np.ndarray) -> list[Prop]:
    """Those that darken the floor and stand close enough to people, whose middle is (x, z) m, to matter."""
    found = [prop for prop in props if prop.solid]
    if not found:
        return []
    low, high = np.array([(prop.low, prop.high) for prop in found])[..., ::2].swapaxes(0, 1)
    x, z = (np.clip(middle, low, high) - middle).T
    return [found[k] for k in np.flatnonzero(np.hypot(x, z) < _REACH)]


def _hull(points: np.ndarray) -> np.ndarray | None:
    hull = cv2.convexHull(points.astype(np.float32)).reshape(-1, 2).astype(float)
    return hull if len(hull) >= 3 else None


def contact_outlines(props: Sequence[Prop]) -> list[list[np.ndarray]]:
    """Per step of darkness (RINGS) the (N, 2) outlines around props; empty where none stands on the floor."""
    feet = [foot for prop in props for foot in _feet(prop)]
    return [[hull + out * reach for hull, out in feet] for reach, _, _ in RINGS] if feet else []


@lru_cache(maxsize=512)
def _feet(prop: Prop) -> list[tuple[np.ndarray, np.ndarray]]:
    """Outlines of where a prop touches the floor, and the unit vectors away from their middles, (N, 2) each."""
    found = []
    for _, (vertices, *_) in prop.pieces:
        high = vertices[:, 1]
        low = high < 0.12
        if low.sum() >= 3 and high.min() < 0.06:
            hull = _hull(vertices[low][:, ::2])
            if hull is not None:
                way = hull - hull.mean(0)
                found.append((hull, way / np.maximum(np.sqrt((way * way).sum(1, keepdims=True)), 1e-6)))
    return found


def thrown_outlines(props: Sequence[Prop], sun: np.ndarray) -> list[np.ndarray]:
    """(N, 2) outlines of what props throw on the floor, away from the (3,) direction towards the sun."""
    found = []
    for prop in props:
        for _, mesh in prop.pieces:
            flat = mesh[0][:, [0, 2]] - mesh[0][:, 1:2] * (sun[[0, 2]] / max(float(sun[1]), 0.15))
            hull = _hull(flat)
            if hull is not None:
                found.append(hull)
    return found


def clipped(outline: np.ndarray, low: Sequence[float], high: Sequence[float]) -> np.ndarray:
    """The part of a convex (N, 2) outline inside a rectangle; empty where they do not meet."""
    first, last = outline.min(0), outline.max(0)
    if (first >= low).all() and (last <= high).all():
        return outline
    if (first > high).any() or (last < low).any():
        return np.empty((0, 2))
    for axis in (0, 1):
        for sign, edge in ((1.0, low[axis]), (-1.0, -high[axis])):
            kept: list[np.ndarray] = []
            for k in range(len(outline)):
                a, b = outline[k - 1], outline[k]
                inside_a, inside_b = sign * a[axis] >= edge, sign * b[axis] >= edge
                if inside_a != inside_b:
                    kept.append(a + (b - a) * (edge - sign * a[axis]) / (sign * (b[axis] - a[axis])))
                if inside_b:
                    kept.append(b)
            outline = np.array(kept).reshape(-1, 2)
    return outline


def on_grounds(place: Place, outlines: Sequence[np.ndarray], y: float) -> list[tuple[str, Piece]]:
    """Level meshes of outlines at height y, one for each ground they lie on."""
    found = []
    grounds = [("floor", -np.inf, -np.inf, np.inf, np.inf), *place.grounds]
    for k, (name, *edges) in enumerate(grounds):
        cut = [clipped(outline, edges[:2], edges[2:]) if k else outline for outline in outlines]
        sound = [outline for outline in cut if len(outline) >= 3]
        if sound:
            found.append((name, _fans(sound, y + 1e-4 * k)))
    return found


def _fans(outlines: Sequence[np.ndarray], y: float) -> Piece:
    """All outlines as one level mesh that looks up."""
    flat = np.concatenate(outlines)
    count = np.array([len(outline) for outline in outlines])
    first = np.cumsum(count) - count
    own = np.repeat(first, count)  # the first point of each point's outline
    k = np.arange(len(flat))
    following = k + 1
    following[first + count - 1] = first
    x, z = flat.T
    turns = np.add.reduceat(x * z[following] - z * x[following], first) > 0
    inner = np.flatnonzero((k > own) & (following > own))
    faces = np.stack([own[inner], inner, inner + 1], 1)
    faces = np.where(np.repeat(turns, count)[inner, None], faces[:, [0, 2, 1]], faces)
    points, up = np.full((len(flat), 3), y), np.zeros((len(flat), 3))
    points[:, ::2], up[:, 1] = flat, 1.0
    return points, up, faces, flat


def shade_material(floor: Material, light: Light) -> Material:
    """The floor without the sun."""
    sky = np.clip(evaluate_sh(light.irradiance_sh, np.array([0.0, 1.0, 0.0])), 1e-6, None)
    sun = light.sun_color / np.pi * max(float(light.sun_direction[1]), 0.0)
    ratio = (sky / (sky + sun)) ** (1 / 2.2)
    r, g, b = (float(c * k) for c, k in zip(floor.color, ratio, strict=True))
    return replace(floor, color=(r, g, b))
