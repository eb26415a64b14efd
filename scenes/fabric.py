"""How cloth lies and is woven: coordinates along a garment, its folds, its weave.

Folds and weave are read from a few small tiles, made once, so that any garment costs a look-up per texel.

Shape legend: N places on the template, T side of a tile.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import scipy.ndimage

from scenes.cuts import Marks

TRUNK, ARM, LEG = 0, 1, 2
TILE = 256
FABRICS = ("jersey", "knit", "denim", "nylon", "fleece")
ROUGHNESS = {"jersey": 0.88, "knit": 0.95, "denim": 0.90, "nylon": 0.58, "fleece": 1.0}
SHEEN = {"jersey": 0.12, "knit": 0.25, "denim": 0.08, "nylon": 0.0, "fleece": 0.45}
SPECULAR = {"jersey": 0.025, "knit": 0.02, "denim": 0.025, "nylon": 0.05, "fleece": 0.015}


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """Where places of the template lie on a garment.

    Attributes:
        around: (N,) m along the girth, 0 in the middle of front and back (trunk) or of the limb's front and back.
        along: (N,) m, grows upwards on trunk and legs and towards the shoulder on arms.
        limb: (N,) uint8 TRUNK, ARM or LEG.
        side: (N,) m, |z| with its sign; front: (N,) bool.
        strain: (N,) in [0, 1], how near a joint where cloth creases.
    """

    around: np.ndarray
    along: np.ndarray
    limb: np.ndarray
    side: np.ndarray
    front: np.ndarray
    strain: np.ndarray

    def at(self, chosen: np.ndarray) -> "Coordinates":
        """Those of some places, by number or as a mask."""
        fields = (self.around, self.along, self.limb, self.side, self.front, self.strain)
        rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Coordinates(*(field.take(rows) for field in fields))


def coordinates(marks: Marks, places: np.ndarray) -> Coordinates:
    """Of (N, 3) template places, m."""
    places = np.asarray(places, np.float32)
    x, y, z = places.T
    mirrored = np.stack([x, y, np.abs(z)], 1)
    shoulder = marks.shoulder.astype(np.float32)
    direction = marks.hand - marks.shoulder
    reach = float(np.linalg.norm(direction))
    direction = (direction / reach).astype(np.float32)
    away = mirrored - shoulder
    down = away @ direction
    offset = away - down[:, None] * direction
    arm = (np.linalg.norm(offset, axis=1) < np.where(down > 0.12, 0.16, 0.10)) & (down > 0.0)
    crotch = marks.hip[1] - 0.085
    leg = (y < crotch) & ~arm
    across = np.cross(direction, np.array([1.0, 0.0, 0.0])).astype(np.float32)
    # Angles are folded from front to back: no seam runs down the middle of a back, where it would tell of the spine.
    on_arm = np.arctan2(offset @ across, np.abs(offset[:, 0])) * 0.055
    line_y = np.array([marks.ankle[1], marks.knee[1], marks.hip[1]])
    axis_x, axis_z = (np.interp(y, line_y, [p[k] for p in (marks.ankle, marks.knee, marks.hip)]) for k in (0, 2))
    on_leg = np.arctan2(np.abs(z) - axis_z, np.abs(x - axis_x)) * 0.085
    on_trunk = np.arctan2(z, np.abs(x - (marks.neck[0] + 0.05))) * 0.14
    around = np.where(arm, on_arm, np.where(leg, on_leg, on_trunk)).astype(np.float32)
    along = np.where(arm, shoulder[1] - down, y).astype(np.float32)
    elbow, armpit = marks.shoulder + 0.5 * reach * direction, marks.shoulder + np.array([0.0, -0.07, -0.02])
    joints = np.stack([armpit, elbow, marks.knee, marks.hip - np.array([0.0, 0.06, 0.03]), marks.ankle])
    near = np.min(((mirrored[:, None] - joints[None].astype(np.float32)) ** 2).sum(2), axis=1)
    waist = np.exp(-(((y - marks.hip[1] - 0.10) / 0.07) ** 2)) * ~arm
    strain = np.maximum(np.exp(-near / 0.09**2), 0.7 * waist).astype(np.float32)
    limb = np.where(arm, ARM, np.where(leg, LEG, TRUNK)).astype(np.uint8)
    return Coordinates(around, along, limb, z.astype(np.float32), x > marks.neck[0] - 0.005, strain)


@cache
def relief_tile(fabric: str) -> np.ndarray:
    """(T, T) uint8 relief of the threads, for renderers that shade it.

    It holds no folds: those would break at the seams of the body's texture, one of which runs down the back.
    """
    rows, columns = np.indices((TILE, TILE))
    height = noise_tile(1.0) + 0.6 * noise_tile(2.5)
    if fabric == "knit":
        height = 0.6 * height + 1.6 * np.sin(columns * (2 * np.pi / 16)) + 0.7 * np.sin(rows * (2 * np.pi / 16))
    elif fabric == "denim":
        height = 0.7 * height + 1.2 * np.sin((rows + columns) * (2 * np.pi / 8))
    elif fabric == "fleece":
        height = height + 1.5 * noise_tile(5.0)
    return np.clip(128.0 + 40.0 * height / height.std(), 0, 255).astype(np.uint8)


@cache
def pore_tile() -> np.ndarray:
    """(T, T) uint8 relief of skin: pores in patches."""
    height = noise_tile(1.2) + 0.7 * noise_tile(3.0)
    return np.clip(128.0 + 45.0 * height, 0, 255).astype(np.uint8)


@cache
def noise_tile(smooth: float) -> np.ndarray:
    """(T, T) float32 noise of unit deviation, meeting itself at the edges; `smooth` in texels."""
    white = np.random.default_rng(7).normal(size=(TILE, TILE))
    soft = scipy.ndimage.gaussian_filter(white, smooth, mode="wrap")
    return (soft / soft.std()).astype(np.float32)


@cache
def fold_tile() -> np.ndarray:
    """(T, T) float32 height of creased cloth, about [-1, 1], 0.4 m wide: ridges that wander and fork."""
    rows, columns = np.indices((TILE, TILE))
    height = np.zeros((TILE, TILE))
    for spread, weight in ((17.0, 1.0), (9.0, 0.55)):
        wander = 5.0 * noise_tile(22.0)
        soft = noise_tile(spread)[(rows + wander.astype(int)) % TILE, (columns - wander.astype(int)) % TILE]
        ridge = 1.0 - 2.0 * np.minimum(np.abs(soft) * 1.1, 1.0)
        height += weight * scipy.ndimage.gaussian_filter(ridge, 2.2, mode="wrap")
    height -= height.mean()
    return (height / np.abs(height).max()).astype(np.float32)


def sample(tile: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(N,) float32 bilinear look-up in a (T, T) float32 tile that repeats; u, v (N,) in texels."""
    rows = -(-len(u) // TILE)  # cv2 takes no row longer than 32767
    maps = np.zeros((2, rows * TILE), np.float32)
    for row, place in zip(maps, (u, v), strict=True):
        row[: len(u)] = place - TILE * np.floor(place * (1.0 / TILE))
    bordered = cv2.copyMakeBorder(tile, 0, 1, 0, 1, cv2.BORDER_WRAP)
    across, down = maps.reshape(2, rows, TILE)
    return np.asarray(cv2.remap(bordered, across, down, cv2.INTER_LINEAR), np.float32).ravel()[: len(u)]


def folds(where: Coordinates, seed: int, depth: float) -> np.ndarray:
    """(N,) height of the folds, about [-1, 1] times depth: everywhere a little, most beside joints."""
    u, v, _ = _on_folds(where, seed)
    return depth * (0.22 + 0.78 * where.strain) * sample(fold_tile(), u, v)


def _on_folds(where: Coordinates, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where places lie on the fold tile, u and v (N,) in texels, and v per metre along the garment (N,)."""
    shift = np.random.default_rng(seed).uniform(0, TILE, 4).tolist()
    # Loose cloth hangs in long folds on the trunk and piles up in short ones along limbs.
    trunk = where.limb == TRUNK
    per_metre = TILE / 0.4
    rate = np.where(trunk, np.float32(per_metre * 0.38), np.float32(per_metre * 0.85))
    v = where.along * rate
    u = where.around * np.where(trunk, np.float32(per_metre * 0.75), np.float32(per_metre * 0.45))
    u += _SLANT * v + shift[0]
    return u, v + shift[1], rate


_SLANT = 0.30
"""The folds' lean, the same on both sides: a mirror line down the back would tell of the spine."""


def shading(where: Coordinates, seed: int, depth: float) -> np.ndarray:
    """(N,) brightness factor of the folds as seen under light from above, for renderers without relief."""
    if depth <= 0:
        return np.ones(len(where.along), np.float32)
    u, v, rate = _on_folds(where, seed)
    here = sample(fold_tile(), u, v)
    down = 0.006 * rate
    lower = sample(fold_tile(), u - _SLANT * down, v - down)
    # A surface that turns up catches light: the slope (lower - here), and a little of the height itself.
    relief = depth * (0.22 + 0.78 * where.strain) * (lower - 0.9 * here)
    return np.clip(1.0 + relief, 0.6, 1.3).astype(np.float32)


def weave(where: Coordinates, fabric: str) -> np.ndarray:
    """(N,) brightness factor of the threads."""
    u, v = where.around, where.along
    grain = sample(noise_tile(0.6), u * 640.0, v * 640.0)
    slow = sample(noise_tile(10.0), u * 300.0, v * 300.0)
    if fabric == "denim":
        twill = np.sin((u + v) * 2.0 * np.pi / 0.0045)
        worn = sample(noise_tile(20.0), u * 400.0, v * 160.0)
        thigh = np.exp(-((u / 0.06) ** 2)) * (where.limb == LEG)
        return (1.0 + 0.05 * twill + 0.09 * grain + 0.10 * worn + 0.28 * thigh).astype(np.float32)
    if fabric == "knit":
        rib = np.sin(u * 2.0 * np.pi / 0.009) * (0.6 + 0.4 * np.sin(v * 2.0 * np.pi / 0.007))
        return (1.0 + 0.10 * rib + 0.05 * grain + 0.02 * slow).astype(np.float32)
    if fabric == "nylon":
        return (1.0 + 0.01 * grain + 0.02 * slow).astype(np.float32)
    if fabric == "fleece":
        return (1.0 + 0.07 * sample(noise_tile(1.6), u * 640.0, v * 640.0) + 0.04 * slow).astype(np.float32)
    return (1.0 + 0.03 * grain + 0.035 * slow).astype(np.float32)
