"""A gym: rubber, wood or matted floor, wall bars, racks, benches, dumbbells, mirror panels, mat stacks."""

import numpy as np

from scenes.places.hall import SIDES, hall_surfaces, on_wall, shell
from scenes.places.layout import PATCH_Y, Place, Prop, pick, prop, surface, tone
from scenes.places.shapes import Piece, ball, bars, box, ground, lying, merged, moved, prism, standing, tube, turned

EDGE = 1.1  # m along the walls that equipment takes


def build(size: np.ndarray, rng: np.random.Generator) -> Place:
    """A gym whose free floor is at least `size` (x, z) m with at least `size[2]` m of height."""
    full = np.array([size[0] + EDGE, max(size[2], float(rng.uniform(3.0, 5.5))), size[1] + EDGE])
    floor = str(rng.choice(["rubber", "rubber", "parquet", "vinyl", "mat"]))
    tint = tone(rng, 0.5, 1.0, 0.5) if floor in ("vinyl", "mat") else tone(rng, 0.85, 1.0, 0.05)
    gloss = 0.42 if floor == "parquet" else 0.85
    surfaces = hall_surfaces(rng, ("paint", "paint", "brick", "concrete", "panel", "plaster"))
    surfaces |= {
        "floor": surface(floor, pick(rng), tint, gloss, 0.035),
        "steel": surface("steel", pick(rng), tone(rng, 0.15, 0.9, 0.6), 0.45, 0.05),
        "chrome": surface("", 0, (0.72, 0.73, 0.74), 0.25, 0.35),
        "black": surface("vinyl", 1, tone(rng, 0.12, 0.3, 0.2), 0.6, 0.04),
        "pad": surface("vinyl", pick(rng), tone(rng, 0.25, 0.85, 0.7), 0.55, 0.04),
        "mat": surface("vinyl", pick(rng), tone(rng, 0.35, 0.9, 0.75), 0.6, 0.04),
        "wood": surface("ply", pick(rng), tone(rng, 0.75, 1.0, 0.1), 0.5, 0.04),
        "mirror": surface("", 0, (0.5, 0.53, 0.54), 0.12, 0.5),
        "bright": surface("", 0, tone(rng, 0.5, 0.95, 0.9), 0.5, 0.04),
    }
    pieces = shell(full, rng, dado=float(rng.choice([0.0, 1.2, 2.0])), windows=0.4)
    patches = []
    if rng.random() < 0.55:  # exercise mats or a lifting platform on the floor
        wide, deep = float(rng.uniform(1.0, 2.0)), float(rng.uniform(1.8, 2.4))
        for k in range(int(rng.integers(1, 5))):
            low = np.array([-2.2 + k * (wide + 0.03), -deep / 2])
            patches.append(("mat" if rng.random() < 0.8 else "wood", ground(low, low + [wide, deep], PATCH_Y)))
    props: list[Prop] = []
    for axis, sign in SIDES:
        props += _wall(axis, sign, full, rng)
    free = np.array([size[0], size[1]]) / 2
    for _ in range(int(rng.integers(2, 7))):
        props.append(_loose(rng, free))
    return Place(free, np.zeros(2), float(full[1]), surfaces, (*patches, *pieces), tuple(props))


def _wall(axis: int, sign: int, full: np.ndarray, rng: np.random.Generator) -> list[Prop]:
    """Equipment in a row along one wall."""
    found, at, end = [], -full[2 - axis] / 2 + 1.2, full[2 - axis] / 2 - 1.2
    while at < end:
        kind = str(rng.choice(["bars", "rack", "dumbbells", "mirror", "mats", "bench", "balls", "none", "locker"]))
        wide = {"bars": 0.9, "rack": 1.5, "dumbbells": 1.8, "mirror": 1.4, "locker": 1.6}.get(kind, 1.3)
        if kind == "bars":
            for k in range(int(rng.integers(1, 4))):
                found.append(_wall_bars(axis, sign, full, at + 0.9 * k))
                wide = 0.9 * (k + 1) + 0.2
        elif kind == "mirror":
            count = int(rng.integers(1, 4))
            for k in range(count):
                glass = on_wall(axis, sign, full, at + 1.3 * k, 1.15, (1.26, 1.9, 0.02))
                found.append(prop(("mirror", glass), solid=False))
            wide = 1.3 * count
        elif kind != "none":
            made = {
                "rack": _rack, "dumbbells": _dumbbells, "mats": _mats, "bench": _bench, "balls": _balls,
                "locker": _lockers,
            }[kind](rng)  # fmt: skip
            yaw = {(0, -1): np.pi / 2, (0, 1): -np.pi / 2, (2, -1): 0.0, (2, 1): np.pi}[axis, sign]
            place = np.zeros(2)
            place[0 if axis == 0 else 1] = sign * (full[axis] / 2 - 0.5)
            place[1 if axis == 0 else 0] = at
            found.append(prop(*((name, moved(mesh, place[0], place[1], yaw)) for name, mesh in made)))
        at += wide + float(rng.uniform(0.1, 1.2))
    return found


def _wall_bars(axis: int, sign: int, full: np.ndarray, at: float) -> Prop:
    high = min(2.6, full[1] - 0.2)
    frame = [on_wall(axis, sign, full, at + e * 0.43, high / 2, (0.04, high, 0.16)) for e in (-1, 1)]
    heights = np.arange(0.2, high - 0.05, 0.15)
    ends = np.empty((len(heights), 2, 3))
    ends[..., axis], ends[..., 1] = sign * (full[axis] / 2 - 0.11), heights[:, None]
    ends[..., 2 - axis] = at + np.array([-0.42, 0.42])
    return prop(("wood", merged([*frame, bars(ends, 0.02, 6, capped=False)])), solid=False)


def _plate(x: float, y: float, z: float, radius: float, thick: float = 0.045) -> Piece:
    disc = turned([(0.02, -thick / 2), (radius, -thick / 2), (radius, thick / 2), (0.02, thick / 2)], 18)
    return (
        disc[0][:, [1, 0, 2]] * [1, -1, 1] + [x, y, z], disc[1][:, [1, 0, 2]] * [1, -1, 1], disc[2], disc[3]
    )  # fmt: skip


def _rack(rng) -> list[tuple[str, Piece]]:
    """A power rack with a loaded bar; the bar lies along x."""
    high = float(rng.uniform(2.0, 2.3))
    posts = [standing(x, z, (0.06, high, 0.06)) for x in (-0.55, 0.55) for z in (-0.4, 0.35)]
    posts += [box((0, high - 0.03, z), (1.1, 0.06, 0.06)) for z in (-0.4, 0.35)]
    posts += [box((x, y, -0.02), (0.06, 0.06, 0.75)) for x in (-0.55, 0.55) for y in (0.03, high - 0.03)]
    y = float(rng.uniform(0.9, 1.5))
    bar = tube([(-1.1, y, 0.42), (1.1, y, 0.42)], 0.014, 8)
    plates = [_plate(s * (0.76 + 0.05 * k), y, 0.42, 0.225) for s in (-1, 1) for k in range(int(rng.integers(1, 4)))]
    return [("steel", merged(posts)), ("chrome", bar), ("black" if rng.random() < 0.6 else "bright", merged(plates))]


def _dumbbells(rng) -> list[tuple[str, Piece]]:
    frame = [standing(x, 0, (0.06, 0.95, 0.5)) for x in (-0.8, 0.8)]
    frame += [box((0, y, z), (1.6, 0.04, 0.26)) for y, z in ((0.35, 0.1), (0.85, -0.08))]
    bells, grips = [], []
    for y, z in ((0.35, 0.1), (0.85, -0.08)):
        for x in np.linspace(-0.66, 0.66, 7):
            r = float(rng.uniform(0.05, 0.085))
            end = lying(turned([(0.0, -0.035), (r, -0.035), (r, 0.035), (0.0, 0.035)], 8))
            bells += [(end[0] + [x, y + 0.02 + r, z + e], *end[1:]) for e in (-0.09, 0.09)]
            grips.append([(x, y + 0.02 + r, z - 0.09), (x, y + 0.02 + r, z + 0.09)])
    grip = bars(grips, 0.015, 6, capped=False)
    return [("black", merged(bells)), ("chrome", grip), ("steel", merged(frame))]


def _mats(rng) -> list[tuple[str, Piece]]:
    layers = int(rng.integers(2, 9))
    thick = float(rng.uniform(0.05, 0.12))
    return [
        ("mat" if k % 2 else "pad", standing(float(x), 0.05, (1.2, thick - 0.006, 0.85), k * thick))
        for k, x in enumerate(rng.uniform(-0.03, 0.03, layers))
    ]  # fmt: skip


def _bench(rng) -> list[tuple[str, Piece]]:
    tilt = float(rng.choice([0.0, 0.5, 0.9]))
    pad = box((-0.1, 0.43, 0.2), (0.45, 0.08, 0.28))
    back = prism([(0.15, 0.39), (0.15, 0.47), (0.15 + 0.75 * np.cos(tilt), 0.47 + 0.75 * np.sin(tilt)),
                  (0.15 + 0.75 * np.cos(tilt), 0.39 + 0.75 * np.sin(tilt))], 0.28)  # fmt: skip
    legs = [standing(x, 0.2, (0.06, 0.39, 0.06)) for x in (-0.25, 0.35)]
    legs += [standing(x, 0.2, (0.06, 0.05, 0.5)) for x in (-0.25, 0.35)] + [box((0.05, 0.3, 0.2), (0.6, 0.06, 0.06))]
    return [("pad", merged([pad, moved(back, 0, 0.2)])), ("steel", merged(legs))]


def _balls(rng) -> list[tuple[str, Piece]]:
    found = []
    for k in range(int(rng.integers(1, 3))):
        r = float(rng.uniform(0.22, 0.36))
        found.append(("bright" if k else "pad", moved(ball(r, r), -0.35 + 0.75 * k, 0.05)))
    return found


def _lockers(rng) -> list[tuple[str, Piece]]:
    doors = [standing(x, 0.13, (0.36, 1.7, 0.02), 0.1) for x in (-0.6, -0.2, 0.2, 0.6)]
    return [
        ("bright" if rng.random() < 0.4 else "steel", merged(doors)),
        ("trim", standing(0, -0.1, (1.62, 1.9, 0.44))),
    ]


def _loose(rng, free: np.ndarray) -> Prop:
    """Something standing on the floor, near the edge of the free space."""
    side = rng.uniform(0.55, 0.95, 2) * rng.choice([-1, 1], 2) * free
    kind = str(rng.choice(["box", "kettle", "ball", "bench", "horse", "cone"]))
    if kind == "box":
        s = rng.uniform(0.4, 0.75, 3)
        made = [("wood", standing(0, 0, s))]
    elif kind == "kettle":
        made = []
        for k in range(int(rng.integers(2, 5))):
            body = turned([(0.0, 0.0), (0.07, 0.0), (0.11, 0.06), (0.11, 0.13), (0.05, 0.19), (0.0, 0.2)], 12)
            a = np.linspace(0, np.pi, 9)
            hold = tube(np.stack([0.06 * np.cos(a), 0.18 + 0.09 * np.sin(a), 0 * a], 1), 0.016, 6)
            made += [("black", moved(merged([body, hold]), 0.3 * k, float(rng.uniform(-0.1, 0.1))))]
    elif kind == "ball":
        made = _balls(rng)
    elif kind == "bench":
        made = _bench(rng)
    elif kind == "horse":
        top = prism([(-0.75, 0.85), (-0.7, 1.1), (0.7, 1.1), (0.75, 0.85)], 0.38, 0.04)
        legs = [[(x, 0.9, z), (1.25 * x, 0.0, 1.6 * z)] for x in (-0.55, 0.55) for z in (-0.13, 0.13)]
        made = [("pad", top), ("steel", bars(legs, 0.03))]
    else:
        cone = [turned([(0.16, 0.0), (0.16, 0.02), (0.1, 0.025), (0.025, 0.32), (0.0, 0.33)], 14)]
        made = [("bright", moved(cone[0], 0.5 * k)) for k in range(int(rng.integers(1, 4)))]
    yaw = float(rng.uniform(0, 2 * np.pi))
    return prop(*((name, moved(mesh, side[0], side[1], yaw)) for name, mesh in made))
