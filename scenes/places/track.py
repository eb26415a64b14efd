"""A running track: lanes exact to the rule, turf on one side, stands, fences or trees on the other."""

import numpy as np

from scenes.places.green import FAR, far_ground, fence, green_surfaces, mast, tree, wood_edge
from scenes.places.layout import LINE_Y, PATCH_Y, Place, Prop, pick, prop, surface, tone
from scenes.places.markings import measures
from scenes.places.shapes import Piece, bars, ground, merged, moved, prism, standing

_COLORS = ((0.78, 0.36, 0.27), (0.70, 0.30, 0.24), (0.30, 0.42, 0.66), (0.34, 0.52, 0.38), (0.55, 0.36, 0.34))


def build(size: np.ndarray, rng: np.random.Generator) -> Place:
    """The straight of a track along x; `size` (x, z) m of free ground at least."""
    half = np.maximum(np.asarray(size[:2]) / 2, [20.0, 14.0])
    m = measures("track")
    count = int(rng.integers(4, 9))
    wide = count * m["lane"]
    color = np.clip(np.array(_COLORS[int(rng.integers(len(_COLORS)))]) * rng.uniform(0.9, 1.2), 0, 1)
    surfaces = green_surfaces(rng) | {
        "floor": surface("turf", pick(rng), tone(rng, 0.8, 1.0, 0.08), 0.95, 0.01),
        "tartan": surface("tartan", pick(rng), color, 0.85, 0.02),
        "apron": surface("asphalt_worn", pick(rng), tone(rng, 0.7, 1.0, 0.05), 0.95, 0.02),
        "paint": surface("asphalt", 2, (1.0, 1.0, 1.0), 0.9, 0.02, metres=1.3),
        "white": surface("", 0, (0.93, 0.93, 0.92), 0.5, 0.05),
        "stand": surface("stand", pick(rng), tone(rng, 0.7, 1.0, 0.3), 0.9, 0.02),
        "bright": surface("", 0, tone(rng, 0.5, 0.95, 0.9), 0.5, 0.04),
    }
    left = -float(rng.uniform(0.3, 0.7)) * wide
    marks = [
        ground((-FAR, left + k * m["lane"] - m["line"] / 2), (FAR, left + k * m["lane"] + m["line"] / 2), LINE_Y, 20.0)
        for k in range(count + 1)
    ]
    for _ in range(int(rng.integers(1, 4))):  # start, finish and relay lines across the lanes
        x = float(rng.uniform(-12, 12))
        marks.append(ground((x, left), (x + m["line"], left + wide), LINE_Y, 50.0))
    shell: list[tuple[str, Piece]] = [
        ("paint", merged(marks)),
        ("tartan", ground((-FAR, left - 0.3), (FAR, left + wide + 0.3), PATCH_Y, 10.0)),
        ("apron", ground((-FAR, left + wide + 0.3), (FAR, left + wide + 3.0), PATCH_Y, 10.0)),
    ]
    props: list[Prop] = [_hurdle(float(rng.uniform(-15, 15)), left + (k + 0.5) * m["lane"]) for k in _lanes(rng, count)]
    props += [_blocks(float(rng.uniform(-10, 10)), left + (k + 0.5) * m["lane"]) for k in _lanes(rng, count)]
    beyond = left + wide + 3.5
    if rng.random() < 0.6:
        props += [p for p in fence(np.array([FAR, beyond]), float(rng.uniform(1.0, 2.0)), 5.0) if p.low[2] > 0]
    if rng.random() < 0.45:
        props.append(_bank(beyond + 1.5, rng))
    else:
        props += [tree(float(x), beyond + float(rng.uniform(2, 9)), rng) for x in rng.uniform(-45, 45, 6)]
    props += [mast(x, beyond + 1.0, 12.0) for x in (-40.0, 0.0, 40.0) if rng.random() < 0.5]
    edge = np.array([70.0, float(rng.uniform(beyond + 12, 50))])
    shell += [*wood_edge(edge, rng), far_ground("floor")]
    grounds = (
        ("apron", -FAR, left + wide + 0.3, FAR, left + wide + 3.0), ("tartan", -FAR, left - 0.3, FAR, left + wide + 0.3)
    )  # fmt: skip
    return Place(half, np.array([0.0, left + wide / 2]), np.inf, surfaces, tuple(shell), tuple(props), grounds)


def _lanes(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.choice(count, int(rng.integers(0, min(count, 4))), replace=False)


def _hurdle(x: float, z: float) -> Prop:
    bar = standing(x, z, (0.025, 0.07, 1.18), 0.84)
    feet = [[(x, 0.9, z + s * 0.5), (x, 0.03, z + s * 0.5), (x - 0.65, 0.02, z + s * 0.5)] for s in (-1, 1)]
    return prop(("white", bar), ("pole", bars(feet, 0.018, 6)))


def _blocks(x: float, z: float) -> Prop:
    """Starting blocks."""
    rail = standing(x, z, (0.9, 0.03, 0.06))
    pads = [moved(prism([(-0.12, 0.0), (0.1, 0.0), (-0.06, 0.16)], 0.11), x + k * 0.3, z + k * 0.1) for k in (-1, 1)]
    return prop(("pole", rail), ("bright", merged(pads)))


def _bank(z: float, rng: np.random.Generator) -> Prop:
    """Steps with seats along the straight, looking towards -z."""
    rows, long = int(rng.integers(4, 9)), float(rng.uniform(25, 60))
    steps = [standing(0, z + 0.4 + 0.8 * k, (long, 0.4 * (k + 1), 0.8)) for k in range(rows)]
    seats = [standing(0, z + 0.5 + 0.8 * k, (long, 0.25, 0.35), 0.4 * (k + 1)) for k in range(rows)]
    return prop(("stand", merged(seats)), ("grey", merged(steps)))
