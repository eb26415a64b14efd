"""Potted plants, bushes and hedges: leaves are see-through sheets."""

import cv2
import numpy as np

from scenes.objects.finishes import cut_out, lacquer, pick, plain, wood
from scenes.objects.shapes import Piece, merge, moved, sheet, tube, turned
from scenes.objects.solid import Made
from scenes.renderer import Material


def _leaf_texture(rng: np.random.Generator, narrow: float) -> np.ndarray:
    """(128, 64, 4): one leaf with a midrib and veins, its stalk at the bottom."""
    y, x = np.mgrid[0:1:128j, -1:1:64j]
    t = 1 - y  # 0 at the stalk
    half = narrow * np.sin(np.pi * np.clip(t, 0, 1) ** 0.75) ** 0.8 + 0.02
    alpha = np.clip((half - np.abs(x)) * 20 + 0.5, 0, 1)
    veins = 0.05 * np.sin((t * 14 - np.abs(x) * 5) * 2 * np.pi)
    green = (0.75 + veins + 0.14 * np.exp(-((x / 0.06) ** 2)) + 0.05 * rng.standard_normal()) * (0.85 + 0.15 * t)
    return np.dstack([green * 0.95, green, green * 0.7, alpha])


def _spray_texture(rng: np.random.Generator, count: int = 26) -> np.ndarray:
    """(128, 128, 4): a twig full of small leaves, for bushes seen from a few metres."""
    picture = np.zeros((256, 256, 4), np.float32)
    for k in range(count):
        at = np.array([128 + rng.uniform(-95, 95), 250 - 235 * (k + 0.5) / count])
        turn = np.degrees(np.arctan2(at[0] - 128, 60)) + rng.uniform(-35, 35)
        size = (int(rng.uniform(13, 20)), int(rng.uniform(28, 44)))
        shade = float(rng.uniform(0.62, 1.0))
        cv2.line(picture, (128, min(int(at[1]) + 40, 255)), (int(at[0]), int(at[1])), (0.4, 0.33, 0.24, 1.0), 3)
        cv2.ellipse(
            picture, (int(at[0]), int(at[1])), size, turn + 90, 0, 360, (shade * 0.9, shade, shade * 0.68, 1.0), -1
        )
    return cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)


def _green(rng: np.random.Generator):
    return pick(rng, (0.30, 0.46, 0.20), (0.22, 0.40, 0.20), (0.40, 0.50, 0.24), (0.28, 0.42, 0.30))


def _pot(rng: np.random.Generator, radius: float, high: float) -> tuple[list[tuple[Material, list[Piece]]], float]:
    """The groups of a pot with soil in it, and the height of the soil."""
    r = radius
    shell = turned(
        [
            (0, 0),
            (0.72 * r, 0),
            (0.75 * r, 0.006),
            (0.97 * r, 0.86 * high),
            (1.05 * r, 0.87 * high),
            (1.06 * r, high),
            (0.95 * r, high),
            (0.92 * r, 0.9 * high),
        ],
        26,
        0.4,
    )
    soil = turned([(0.93 * r, 0.9 * high), (0.0, 0.93 * high)], 16, 0.2)
    glaze = (
        plain("clay", pick(rng, (0.66, 0.36, 0.25), (0.62, 0.6, 0.57)))
        if rng.random() < 0.6
        else lacquer(pick(rng, (0.9, 0.9, 0.88), (0.12, 0.13, 0.14), (0.2, 0.32, 0.42)), 1, 0.35)
    )
    return [(glaze, [shell]), (plain("soil", (0.30, 0.22, 0.16)), [soil])], 0.92 * high


def potted_plant(rng: np.random.Generator) -> Made:
    """Broad leaves on arching stalks, 0.8 to 1.5 m high in a 15 to 20 cm wide pot."""
    high = float(rng.uniform(0.5, 1.1))
    groups, soil = _pot(rng, float(rng.uniform(0.14, 0.2)), float(rng.uniform(0.26, 0.36)))
    stalks, leaves = [], []
    for k in range(int(rng.integers(12, 20))):
        turn, reach, top = k * 2.39996, rng.uniform(0.12, 0.42), high * rng.uniform(0.45, 1.0)
        ahead = np.array([np.cos(turn), 0, np.sin(turn)])
        path = [
            np.array([0, soil, 0]) + ahead * reach * t**1.8 + [0, top * (t - 0.18 * t * t), 0]
            for t in np.linspace(0, 1, 6)
        ]
        stalks.append(tube(path, np.linspace(0.008, 0.004, 6), 5))
        size = float(rng.uniform(0.22, 0.36))
        leaf = sheet(0.62 * size, size, bend=0.22 * size, rows=5)
        tilt = float(rng.uniform(15, 75))
        leaf = moved(moved(leaf, turn_deg=(float(rng.uniform(-20, 20)), 0, -tilt)), path[-1], (0, -np.degrees(turn), 0))
        leaves.append(leaf)
    groups += [
        (lacquer((0.28, 0.36, 0.18), 0, 0.7), stalks),
        (cut_out(_leaf_texture(rng, 0.9), _green(rng), 0.5), leaves),
    ]
    return Made(groups)


def palm(rng: np.random.Generator) -> Made:
    """Indoor palm 1.3 to 2 m high: thin fronds from a few canes."""
    high = float(rng.uniform(0.9, 1.5))
    groups, soil = _pot(rng, 0.19, 0.34)
    canes, fronds = [], []
    for k in range(3):
        foot = np.array([0.05 * np.cos(k * 2.1), soil, 0.05 * np.sin(k * 2.1)])
        top = foot + [0.05 * np.cos(k * 2.1), high * (0.55 + 0.2 * k), 0.05 * np.sin(k * 2.1)]
        canes.append(tube([foot, top], [0.018, 0.013], 8))
        for j in range(9):
            turn = j * 2.39996 + k
            long = float(rng.uniform(0.35, 0.55))
            frond = moved(
                sheet(0.2 * long, long, bend=0.55 * long, rows=6), turn_deg=(0, 0, -float(rng.uniform(5, 55)))
            )
            fronds.append(moved(frond, top, (0, -np.degrees(turn), 0)))
    leaf = _leaf_texture(rng, 0.85)
    return Made([*groups, (wood((0.5, 0.42, 0.3), 1, 0.9), canes), (cut_out(leaf, _green(rng), 0.55), fronds)])


def _foliage(rng: np.random.Generator, count: int, centre: np.ndarray, spread: np.ndarray, size: float) -> Piece:
    """Leafy sheets over and inside an ellipsoid."""
    pieces = []
    for _ in range(count):
        way = rng.standard_normal(3)
        way /= np.linalg.norm(way)
        at = centre + spread * way * rng.uniform(0.45, 0.92)
        card = moved(sheet(size, size, bend=0.15 * size, rows=2), (0, -size / 2, 0))
        turn = np.degrees(np.arctan2(-way[2], way[0])) + rng.uniform(-40, 40)
        piece = moved(
            moved(card, turn_deg=(float(rng.uniform(-40, 40)), 0, float(rng.uniform(-30, 15)))), at, (0, float(turn), 0)
        )
        outward = piece[0] - centre
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        soft = 0.35 * piece[1] + 0.65 * outward  # shaded as a round mass, not as flat cards
        pieces.append((piece[0], soft / np.linalg.norm(soft, axis=1, keepdims=True), piece[2], piece[3]))
    return merge(pieces)


def bush(rng: np.random.Generator) -> Made:
    """Garden shrub 0.6 to 1.3 m high and about as wide."""
    high, wide = float(rng.uniform(0.55, 1.2)), float(rng.uniform(0.35, 0.55))
    centre, spread = np.array([0, 0.55 * high, 0]), np.array([wide, 0.5 * high, wide])
    leaves = _foliage(rng, 110, centre, spread, 0.3)
    leaves = (np.maximum(leaves[0], [-9, 0.004, -9]), *leaves[1:])
    stems = [
        tube(
            [(0.03 * np.cos(a), 0, 0.03 * np.sin(a)), (0.6 * wide * np.cos(a), 0.7 * high, 0.6 * wide * np.sin(a))],
            [0.014, 0.005],
            5,
        )
        for a in np.arange(5) * 1.26
    ]
    return Made([(wood((0.36, 0.28, 0.2), 1, 0.9), stems), (cut_out(_spray_texture(rng), _green(rng)), [leaves])])


def tub_tree(rng: np.random.Generator) -> Made:
    """A clipped ball on a stem in a tub, 1.3 to 1.8 m high."""
    groups, soil = _pot(rng, 0.2, 0.36)
    stem, r = float(rng.uniform(0.55, 0.9)), float(rng.uniform(0.24, 0.34))
    trunk = tube([(0, soil, 0), (0.01, soil + 0.5 * stem, 0.008), (0, soil + stem + 0.1, 0)], 0.018, 8)
    crown = _foliage(rng, 90, np.array([0, soil + stem + 0.6 * r, 0]), np.full(3, r), 0.22)
    return Made(
        [*groups, (wood((0.4, 0.32, 0.24), 1, 0.9), [trunk]), (cut_out(_spray_texture(rng), _green(rng)), [crown])]
    )


KINDS = {"potted_plant": potted_plant, "palm": palm, "bush": bush, "tub_tree": tub_tree}
