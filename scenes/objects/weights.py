"""Iron: barbell with plates, dumbbell, kettlebell, a bare pole."""

import numpy as np

from scenes.objects.finishes import lacquer, metal, pick, rubber, wood
from scenes.objects.shapes import bent, cylinder, moved, ring, stretched, tube, turned
from scenes.objects.solid import Made

_PLATE_COLORS = ((0.10, 0.10, 0.11), (0.72, 0.12, 0.12), (0.10, 0.22, 0.55), (0.85, 0.70, 0.10), (0.12, 0.42, 0.22))


def _disc(radius: float, thick: float, hub: float):
    """A plate about y from y = 0: rim, dished face, hub."""
    r, t = radius, thick
    profile = [
        (0.0, 0.1 * t),
        (hub, 0.1 * t),
        (hub + 0.01, 0.22 * t),
        (0.72 * r, 0.22 * t),
        (0.80 * r, 0.02 * t),
        (r - 0.006, 0.0),
        (r, 0.006),
        (r, t - 0.006),
        (r - 0.006, t),
        (0.80 * r, 0.98 * t),
        (0.72 * r, 0.78 * t),
        (hub + 0.01, 0.78 * t),
        (hub, 0.9 * t),
        (0.0, 0.9 * t),
    ]
    return turned(profile, 36, 0.2)


def _along_z(piece, z: float, side: int):
    """From about y to about z, outward on the side `side`."""
    return moved(moved(piece, turn_deg=(90 * side, 0, 0)), (0, 0, z))


def barbell(rng: np.random.Generator) -> Made:
    """2.2 m men's or 2.01 m women's bar, 28 or 25 mm thick, sleeves 50 mm; plates 450 mm across (competition rules)."""
    long, grip = ((2.2, 0.014), (2.01, 0.0125))[int(rng.integers(2))]
    shaft = 1.31
    bar = [tube([(0, 0, z) for z in np.linspace(-shaft / 2, shaft / 2, 25)], grip, 10)]
    sleeve = (long - shaft) / 2
    plates, discs = [], []
    count = int(rng.integers(0, 4))
    sizes = [(0.225, 0.05), (0.225, 0.035), (0.16, 0.026)][:count] if rng.random() < 0.7 else [(0.1, 0.025)] * count
    for side in (-1, 1):
        bar.append(_along_z(cylinder(0.035, 0.03, 0.004, 16), side * (shaft / 2), side))
        bar.append(_along_z(cylinder(0.025, sleeve, 0.003, 16), side * (shaft / 2), side))
        at = shaft / 2 + 0.032
        for radius, thick in sizes:
            discs.append(_along_z(_disc(radius, thick, 0.07 if radius > 0.15 else 0.04), side * at, side))
            at += thick + 0.002
        if count:
            plates.append(_along_z(cylinder(0.042, 0.04, 0.006, 14), side * (at + 0.002), side))
    chrome = metal((0.8, 0.8, 0.8), int(rng.integers(3)), 0.25)
    groups = [(chrome, bar + plates)]
    if discs:
        groups.append((rubber(pick(rng, *_PLATE_COLORS), int(rng.integers(3))), discs))
    return Made(groups, handle=grip)


def dumbbell(rng: np.random.Generator) -> Made:
    """5 to 20 kg: handle 30 mm thick and 120 mm free, heads 90 to 150 mm (catalogue sizes). Handle along y."""
    head, wide = float(rng.uniform(0.045, 0.075)), float(rng.uniform(0.05, 0.09))
    free, sides = 0.125, (6, 20)[int(rng.integers(2))]
    rim = min(0.012, 0.3 * head)
    profile = [(0.0, 0.0), (head - rim, 0.0), (head, rim), (head, wide - rim), (head - rim, wide), (0.0, wide)]
    heads = [
        moved(turned(profile, sides, 0.2), (0, free / 2, 0)),
        moved(turned(profile, sides, 0.2), (0, -free / 2 - wide, 0)),
    ]
    swell = turned([(0.0, -0.07), (0.0135, -0.07), (0.0155, 0.0), (0.0135, 0.07), (0.0, 0.07)], 12)
    body = rubber(pick(rng, (0.1, 0.1, 0.11), (0.16, 0.16, 0.17)), int(rng.integers(3)))
    if rng.random() < 0.3:
        body = lacquer(pick(rng, (0.75, 0.2, 0.45), (0.2, 0.5, 0.75), (0.45, 0.25, 0.6)), 1, 0.6)
    return Made([(body, heads), (metal((0.75, 0.75, 0.76)), [swell])], handle=0.015)


def kettlebell(rng: np.random.Generator) -> Made:
    """Competition style: body 210 mm, 280 mm high, handle 33 mm (all weights alike); smaller for cast ones."""
    r = float(rng.uniform(0.085, 0.105))
    turn = np.linspace(-0.38 * np.pi, 0.42 * np.pi, 12)
    lowest = r * np.sin(turn[0])
    profile = [(0.0, 0.0), (r * np.cos(turn[0]) - 0.006, 0.0)]
    profile += [(r * np.cos(t), r * np.sin(t) - lowest + 0.002) for t in turn] + [(0.0, r * np.sin(turn[-1]) - lowest)]
    body = turned(profile, 28, 0.3)
    neck, high, half = 1.75 * r, 2 * r + 0.065, 0.58 * r
    path = bent(
        [
            (0, neck - 0.03, -0.75 * half),
            (0, neck + 0.03, -half - 0.012),
            (0, high, -half),
            (0, high, half),
            (0, neck + 0.03, half + 0.012),
            (0, neck - 0.03, 0.75 * half),
        ],
        5,
        0.035,
    )
    handle = tube(path, 0.0155, 10)
    color = pick(rng, (0.11, 0.11, 0.12), (0.13, 0.13, 0.14), *_PLATE_COLORS[1:])
    band = stretched(ring(r * 0.995, 0.006, 28, 6, "xz"), (1, 2.0, 1))
    iron = lacquer((0.11, 0.11, 0.12), int(rng.integers(3)), 0.6)
    return Made(
        [(iron, [body, handle]), (lacquer(color, 1, 0.6), [moved(band, (0, -lowest, 0))])], (0, high, 0), 0.0155
    )


def pole(rng: np.random.Generator) -> Made:
    """A mobility stick of wood or plastic, 1.5 m long and 26 mm thick, about the origin along z."""
    long = float(rng.uniform(1.3, 1.6))
    stick = tube([(0, 0, z) for z in np.linspace(-long / 2, long / 2, 25)], 0.013, 10)
    ends = [tube([(0, 0, s * (long / 2 - 0.03)), (0, 0, s * (long / 2 + 0.004))], 0.0145, 10) for s in (-1, 1)]
    return Made([(wood(pick(rng, (0.78, 0.62, 0.42), (0.6, 0.42, 0.28))), [stick]), (rubber(), ends)], handle=0.013)


KINDS = {"barbell": barbell, "dumbbell": dumbbell, "kettlebell": kettlebell, "pole": pole}
