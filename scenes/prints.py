"""Colours on cloth: stripes, checks, blocks, prints and other patterns, as functions of the place on the garment.

Shape legend: N places.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scenes.cuts import Marks
from scenes.fabric import ARM, TRUNK, Coordinates, noise_tile, sample, shading, weave

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is on a cloth, beside its own colour.

    Attributes:
        kind: one of KINDS.
        second, third: sRGB of its other colours.
        scale: m, of one repeat or of a print.
        seed: of what chance is left to the pattern's making.
        fabric: one of fabric.FABRICS.
        folds: depth of the creases, 0 none .. 1 deep.
    """

    kind: str = "plain"
    second: Rgb = (0.9, 0.9, 0.9)
    third: Rgb = (0.1, 0.1, 0.1)
    scale: float = 0.03
    seed: int = 0
    fabric: str = "jersey"
    folds: float = 0.5


def paint_cloth(color: Rgb, pattern: Pattern, where: Coordinates, marks: Marks) -> np.ndarray:
    """(N, 3) float32 sRGB in [0, 1] of a cloth of one colour with a pattern, its threads and its folds.

    Each channel lies in one piece of memory, which numpy works through several times as fast as through rows of three.
    """
    relief = weave(where, pattern.fabric) * shading(where, pattern.seed, pattern.folds)
    base = np.asarray(color, np.float32)
    if pattern.kind == "plain":
        colors = np.multiply.outer(base, relief).T
    else:
        plain = np.repeat(base[:, None], len(relief), axis=1).T
        colors = _MAKERS[pattern.kind](plain, pattern, where, marks)
        colors *= relief[:, None]
    return np.clip(colors, 0.0, 1.0, out=colors)


def _mix(colors: np.ndarray, other: Rgb, share: np.ndarray) -> np.ndarray:
    mixed = np.asarray(other, np.float32) - colors
    mixed *= share.astype(np.float32, copy=False)[:, None]
    mixed += colors
    return mixed


def _wave(place: np.ndarray, period: float, duty: float = 0.5, edge: float = 0.002) -> np.ndarray:
    """1 on bands of a share `duty` of each period, 0 between, with an edge `edge` m wide."""
    distance = np.abs((place / period) % 1.0 - 0.5) * period
    return np.clip((0.5 * duty * period - distance) / edge + 0.5, 0.0, 1.0)


def _stripes(colors, p, w, marks):
    duty = (0.5, 0.25, 0.12)[p.seed % 3]
    colors = _mix(colors, p.second, _wave(w.along, p.scale, duty))
    return _mix(colors, p.third, _wave(w.along + 0.5 * p.scale, p.scale, 0.15)) if p.seed % 2 else colors


def _upright(colors, p, w, marks):
    return _mix(colors, p.second, _wave(w.around, p.scale, 0.5 if p.seed % 2 else 0.14))


def _check(colors, p, w, marks):
    rows, columns = _wave(w.along, p.scale, 0.4, 0.003), _wave(w.around, p.scale, 0.4, 0.003)
    colors = _mix(colors, p.second, 0.42 * (rows + columns))
    thin = np.maximum(_wave(w.along + 0.4 * p.scale, p.scale, 0.06), _wave(w.around + 0.4 * p.scale, p.scale, 0.06))
    return _mix(colors, p.third, 0.8 * thin)


def _dots(colors, p, w, marks):
    row = np.floor(w.along / p.scale)
    u = (w.around / p.scale + 0.5 * (row % 2)) % 1.0 - 0.5
    v = (w.along / p.scale) % 1.0 - 0.5
    return _mix(colors, p.second, np.clip((0.26 - np.hypot(u, v)) * p.scale / 0.002 + 0.5, 0, 1))


def _gradient(colors, p, w, marks):
    low, high = marks.hip[1], marks.shoulder[1]
    height = (w.along - low) / (high - low) if p.seed % 2 else (w.along % 0.9) / 0.9
    return _mix(colors, p.second, np.clip(1.2 * height - 0.1, 0, 1))


def _heather(colors, p, w, marks):
    threads = sample(noise_tile(0.7), w.around * 900.0 + p.seed, w.along * 260.0)
    return _mix(colors, p.second, np.clip(0.22 + 0.07 * threads, 0, 0.5))


def _sleeves(colors, p, w, marks):
    """Sleeves of another colour, set in or raglan."""
    share = (w.limb == ARM).astype(np.float32)
    if p.seed % 2:
        line = np.abs(w.side) - (marks.shoulder[2] * 0.55 + 0.55 * (marks.shoulder[1] - w.along))
        share = np.maximum(share, np.clip(line / 0.002 + 0.5, 0, 1) * (w.along > marks.shoulder[1] - 0.2))
    return _mix(colors, p.second, share)


def _blocks(colors, p, w, marks):
    """Yoke, side panels or a broad band."""
    kind = p.seed % 4
    at = marks.shoulder[1] - 0.10 - 0.3 * ((p.seed // 4) % 7) / 7
    if kind == 0:
        return _mix(colors, p.second, np.clip((w.along - at) / 0.002 + 0.5, 0, 1))
    if kind == 1:
        inner = 0.115 + 0.05 * np.abs(w.along - marks.hip[1] - 0.2)
        return _mix(colors, p.second, np.clip((np.abs(w.side) - inner) / 0.002 + 0.5, 0, 1) * (w.limb == TRUNK))
    if kind == 2:
        band = np.clip((0.055 - np.abs(w.along - at)) / 0.002 + 0.5, 0, 1)
        line = np.clip((0.006 - np.abs(np.abs(w.along - at) - 0.068)) / 0.002 + 0.5, 0, 1)
        return _mix(_mix(colors, p.second, band), p.third, line)
    return _mix(colors, p.second, np.clip((w.along - at + 1.1 * w.side) / 0.002 + 0.5, 0, 1))


def _camouflage(colors, p, w, marks):
    first = sample(noise_tile(9.0), w.around * 420.0 + p.seed, w.along * 420.0)
    other = sample(noise_tile(9.0), w.around * 420.0, w.along * 420.0 + 3 * p.seed + 80)
    colors = _mix(colors, p.second, np.clip((first - 0.3) / 0.06, 0, 1))
    return _mix(colors, p.third, np.clip((other - 0.7) / 0.06, 0, 1))


def _batik(colors, p, w, marks):
    """Rings about a point, bent by noise."""
    bend = 0.03 * sample(noise_tile(14.0), w.around * 500.0 + p.seed, w.along * 500.0)
    radius = np.hypot(w.around + 0.02, w.along - marks.shoulder[1] + 0.22) + bend
    colors = _mix(colors, p.second, 0.5 + 0.5 * np.sin(radius * 2 * np.pi / (3.0 * p.scale)))
    return _mix(colors, p.third, np.clip(np.sin(radius * 2 * np.pi / (4.7 * p.scale) + 1.0), 0, 1) ** 2 * 0.8)


def _floral(colors, p, w, marks):
    """Blossoms of five petals strewn over the cloth."""
    size = max(p.scale, 0.03)
    for layer, ink in enumerate((p.third, p.second)):
        u, v = w.around / size + 0.37 * layer, w.along / size + 0.61 * layer
        i, j = np.floor(u), np.floor(v)
        key = (i * 127.1 + j * 311.7 + layer * 74.7 + p.seed % 97).astype(np.float64)
        dx, dy = (np.sin(key * k) * 43758.5 % 1.0 for k in (1.0, 1.7))
        x, y = u - i - 0.3 - 0.4 * dx, v - j - 0.3 - 0.4 * dy
        petals = 0.20 + 0.09 * np.cos(5 * np.arctan2(y, x) + 6 * dx)
        radius = np.hypot(x, y)
        share = np.clip((petals * (0.7 + 0.5 * dy) - radius) / 0.05, 0, 1)
        colors = _mix(colors, ink, share * (radius > 0.05))
    return colors


def _chevron(colors, p, w, marks):
    return _mix(colors, p.second, _wave(w.along + np.abs((w.around / 0.06) % 1.0 - 0.5) * 0.06, p.scale, 0.45))


def _figure(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed size of a drawn shape around the origin, about one unit wide; positive inside."""
    kind = int(rng.integers(6))
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    if kind == 0:  # ring
        return 0.12 - np.abs(radius - 0.36)
    if kind == 1:  # star or flower
        count = int(rng.integers(3, 9))
        return 0.36 + 0.14 * np.cos(count * angle) - radius
    if kind == 2:  # letters: a row of strokes
        phase = rng.uniform(0, 6.28, 3)
        strokes = np.sin(14 * x + phase[0]) + 0.8 * np.sin(23 * x + 3 * np.round(2.5 * y) + phase[1])
        return np.where(np.abs(x) < 0.5, np.minimum(0.16 - np.abs(y), 0.08 * strokes + 0.03), -1.0)
    if kind == 3:  # bars
        return np.minimum(0.45 - np.abs(x + rng.uniform(-0.4, 0.4) * y), 0.055 - np.abs((y + 0.5) % 0.2 - 0.1))
    if kind == 4:  # mountain
        return np.minimum(y + 0.3, 0.35 - y - (1.1 + 0.2 * rng.random()) * np.abs(x - 0.15 * np.sin(9 * y)))
    knots = rng.uniform(-0.35, 0.35, (3, 2))  # blob
    return sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.05) for a, b in knots) - 0.6


def _print(colors, p, w, marks):
    """Drawn shapes on the chest, the back, or a small one over the heart."""
    rng = np.random.default_rng(p.seed)
    place = int(rng.integers(4))
    where = (w.limb == TRUNK) & ((~w.front) if place == 0 else w.front)
    size = p.scale * 8 if place else p.scale * 10
    centre = (0.0, marks.shoulder[1] - 0.15)
    if place == 1:
        size, centre = p.scale * 2.2, (0.075, marks.shoulder[1] - 0.11)
    x, y = (w.side - centre[0]) / size, (w.along - centre[1]) / size
    near = where & (np.abs(x) < 0.7) & (np.abs(y) < 0.7)
    for ink in (p.second, p.third):
        share = np.zeros(len(x))
        share[near] = np.clip(_figure(rng, x[near], y[near]) * size / 0.003 + 0.5, 0, 1)
        colors = _mix(colors, ink, share)
    return colors


_SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
_LINES = {
    "a": (-1, 2, 1, 2), "b": (1, 0, 1, 2), "c": (1, -2, 1, 0), "d": (-1, -2, 1, -2), "e": (-1, -2, -1, 0),
    "f": (-1, 0, -1, 2), "g": (-1, 0, 1, 0),
}  # fmt: skip


def _number(colors, p, w, marks):
    """A player's number, on the back and sometimes on the chest."""
    digits = [int(d) for d in str(p.seed % 100)]
    ink = np.zeros(len(w.along))
    for front, size in ((False, 0.052), (True, 0.034)):
        if front and p.seed % 3:
            continue
        where = (w.limb == TRUNK) & (w.front == front) & (np.abs(w.side) < 0.18)
        x = w.side[where] if not front else -w.side[where]  # reads left to right from outside
        y = (w.along[where] - marks.shoulder[1] + 0.15) / size
        best = np.full(len(x), 9.0)
        for k, digit in enumerate(digits):
            u = x / size - (k - 0.5 * (len(digits) - 1)) * 2.9
            for name in _SEGMENTS[digit]:
                x0, y0, x1, y1 = _LINES[name]
                t = np.clip(((u - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
                best = np.minimum(best, np.hypot(u - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)))
        ink[where] = np.clip((0.36 - best) * size / 0.003 + 0.5, 0, 1)
    return _mix(colors, p.second, ink)


_MAKERS: dict[str, Callable[..., np.ndarray]] = {
    "stripes": _stripes, "upright": _upright, "check": _check, "dots": _dots, "gradient": _gradient,
    "heather": _heather, "sleeves": _sleeves, "blocks": _blocks, "camouflage": _camouflage, "batik": _batik,
    "floral": _floral, "chevron": _chevron, "print": _print, "number": _number,
}  # fmt: skip
KINDS = ("plain", *_MAKERS)
