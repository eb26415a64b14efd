"""A street: pavement, kerb, road with markings, house fronts on both sides, parked cars, poles, bins, trees."""

import numpy as np

from scenes.places.green import FAR, green_surfaces, mast, tree
from scenes.places.layout import LINE_Y, PATCH_Y, Place, Prop, pick, prop, surface, tone
from scenes.places.shapes import Piece, bars, box, ground, lying, merged, moved, prism, sheet, turned


def build(size: np.ndarray, rng: np.random.Generator) -> Place:
    """A street along x; `size` (x, z) m of free ground at least; everything people tread lies at y = 0."""
    wide = max(float(size[1]), float(rng.uniform(11.0, 19.0)))
    half = np.array([max(size[0] / 2, 25.0), wide / 2])
    paved = float(rng.uniform(2.5, 4.0))
    surfaces = green_surfaces(rng) | {
        "floor": surface(str(rng.choice(["paving", "asphalt_worn", "concrete"])), pick(rng),
                         tone(rng, 0.75, 1.0, 0.08), 0.92, 0.02),
        "road": surface("asphalt_worn", pick(rng), tone(rng, 0.55, 0.85, 0.04), 0.9, 0.03),
        "kerb": surface("concrete", 1, tone(rng, 0.8, 1.0, 0.03), 0.9),
        "paint": surface("asphalt", 2, (0.98, 0.98, 0.95), 0.9, 0.02, metres=1.3),
        "shop": surface("shopfront", pick(rng), (1, 1, 1), 0.6, 0.04),
        "roof": surface("", 0, tone(rng, 0.25, 0.5, 0.3), 0.9),
        "glass": surface("", 0, (0.12, 0.14, 0.16), 0.2, 0.08),
        "tyre": surface("rubber", 1, (0.35, 0.35, 0.35), 0.8),
        "hub": surface("", 0, (0.6, 0.61, 0.62), 0.35, 0.2),
    }  # fmt: skip
    for k in range(4):
        surfaces[f"front{k}"] = surface("facade", pick(rng), tone(rng, 0.85, 1.0, 0.15), 0.85, 0.03)
        surfaces[f"car{k}"] = surface("", 0, tone(rng, 0.15, 0.95, float(rng.choice([0.05, 0.8]))), 0.3, 0.06)
    road = half[1] - paved
    shell: list[tuple[str, Piece]] = []
    dashes = [ground((x, -0.06), (x + 3.0, 0.06), LINE_Y, 50.0) for x in np.arange(-72, 72, 7.5)]
    dashes += [ground((-FAR, s * (road - 2.3) - 0.05), (FAR, s * (road - 2.3) + 0.05), LINE_Y, 50.0) for s in (-1, 1)]
    if rng.random() < 0.4:
        at = float(rng.uniform(-8, 8))  # a zebra crossing
        dashes += [
            ground((at, z), (at + 3.0, z + 0.5), LINE_Y + 5e-4, 50.0) for z in np.arange(-road + 0.3, road - 0.3, 1.0)
        ]
    shell += [("paint", merged(dashes)), ("road", ground((-FAR, -road), (FAR, road), PATCH_Y, 6.0))]
    shell += [("kerb", ground((-FAR, s * road - 0.08), (FAR, s * road + 0.08), LINE_Y + 1e-3, 30.0)) for s in (-1, 1)]
    for s in (-1, 1):
        shell += _row(s, half[1], rng)
    props: list[Prop] = []
    for s in (-1, 1):
        x = -30.0
        while x < 30.0:
            kind = rng.random()
            if kind < 0.45:
                props.append(_car(x, s * (road - 1.15), int(rng.integers(4)), s > 0, rng))
                x += 5.6
            x += float(rng.uniform(0.5, 6.0))
        for x in np.arange(-32.0, 33.0, float(rng.uniform(10, 18))):
            props.append(mast(float(x), s * (road + 0.5), float(rng.uniform(4.5, 7.0))))
            if rng.random() < 0.6:
                props.append(tree(float(x) + 4.0, s * (road + 0.8), rng))
            if rng.random() < 0.5:
                props.append(_bin(float(x) + 1.2, s * (road + 0.6), rng))
            if rng.random() < 0.4:
                props += [_bollard(float(x) - 1.4 * k, s * (road + 0.35)) for k in range(1, 4)]
    shell.append(("floor", ground((-FAR, -half[1] - 1.0), (FAR, half[1] + 1.0), 0.0, 6.0)))
    for s in (-1, 1):  # the street ends in houses too
        end = moved(sheet(2 * half[1] + 24, 12.8, 4), 0, 0, -s * np.pi / 2)
        shell.append(("front0", (end[0] + [s * (FAR - 4), 0, 0], *end[1:])))
    spot = np.array([0.0, float(rng.choice([-1, 1])) * (half[1] - paved / 2) if rng.random() < 0.6 else 0.0])
    grounds = (("road", -FAR, -road, FAR, road),)
    return Place(half - [0, 0.6], spot, np.inf, surfaces, tuple(shell), tuple(props), grounds)


def _row(s: int, z: float, rng: np.random.Generator) -> list[tuple[str, Piece]]:
    """House fronts on one side, of different heights, with ledges and roofs."""
    found, x = [], -80.0
    while x < 80.0:
        wide = 6.4 * float(rng.integers(1, 4))
        storeys, shop = int(rng.integers(1, 5)), rng.random() < 0.5
        low = 4.0 if shop else 0.0
        high = 3.2 * storeys
        out = float(rng.uniform(0.0, 0.5))
        name = f"front{int(rng.integers(4))}"
        wall = sheet(wide, high, int(wide / 3.2))
        pieces = [(name, (wall[0] + [0, low, 0], *wall[1:]))]
        if shop:
            pieces.append(("shop", sheet(wide, 4.0, int(wide / 3.2))))
            pieces.append(("kerb", box((0, 4.0, 0.1), (wide, 0.16, 0.3))))
        else:
            pieces.append(("kerb", box((0, 0.25, 0.04), (wide, 0.5, 0.1))))
        pieces.append(("roof", box((0, low + high + 0.12, 0.1), (wide + 0.2, 0.3, 0.7))))
        for e in (-1, 1):  # the flank where the neighbour is lower or further back
            flank = moved(sheet(8.0, high + low, 2), 0, 0, e * np.pi / 2)
            pieces.append(("kerb", (flank[0] + [e * wide / 2, 0, -4.0], *flank[1:])))
        for label, mesh in pieces:
            turned_mesh = moved(mesh, 0, 0, np.pi if s > 0 else 0.0)
            found.append((label, (turned_mesh[0] + [x + wide / 2, 0, s * (z + out)], *turned_mesh[1:])))
        x += wide
    return found


def _car(x: float, z: float, color: int, back: bool, rng: np.random.Generator) -> Prop:
    """A parked car by its silhouette: body, cabin, glass, wheels."""
    long, high = float(rng.uniform(3.8, 4.7)), float(rng.uniform(1.38, 1.7))
    a, bonnet, tail = long / 2, float(rng.uniform(0.72, 0.85)), float(rng.uniform(0.0, 1.0))
    body = prism(
        [(-a, 0.32), (-a + 0.1, 0.22), (a - 0.1, 0.22), (a, 0.34), (a - 0.04, 0.62), (a - 0.25, bonnet),
         (0.24 * long, 0.92), (-0.36 * long, 0.94), (-a + 0.05, 0.86)], 1.74, 0.07,
    )  # fmt: skip
    rear = -0.3 * long - 0.14 * long * tail
    cabin = [(0.26 * long, 0.9), (0.1 * long, high), (rear + 0.25, high), (rear - 0.12, 0.92)]
    glass = prism(cabin, 1.62, 0.17)
    roof = prism(
        [
            (0.105 * long, high - 0.05),
            (0.09 * long, high + 0.012),
            (rear + 0.27, high + 0.012),
            (rear + 0.2, high - 0.05),
        ],
        1.34,
    )
    pillars = bars(
        [
            [(p[0], p[1], s * 0.8), (q[0], q[1], s * 0.645)]
            for p, q in ((cabin[0], cabin[1]), (cabin[3], cabin[2]), ((-0.04 * long, 0.92), (-0.06 * long, high)))
            for s in (-1, 1)
        ],
        0.035, 5, capped=False,
    )  # fmt: skip
    tyre = lying(turned([(0.0, -0.11), (0.27, -0.11), (0.31, -0.07), (0.31, 0.07), (0.27, 0.11), (0.0, 0.11)], 18))
    hub = lying(turned([(0.0, -0.12), (0.19, -0.12), (0.19, 0.12), (0.0, 0.12)], 14))
    axles = [np.array([wx, 0.31, s * 0.79]) for wx in (-0.3 * long, 0.31 * long) for s in (-1, 1)]
    tyres, hubs = ([(wheel[0] + at, *wheel[1:]) for at in axles] for wheel in (tyre, hub))
    lights = [box((a - 0.06, 0.66, s * 0.62), (0.1, 0.12, 0.32)) for s in (-1, 1)]
    yaw = np.pi if back else 0.0
    made = [
        (f"car{color}", merged([body, roof, pillars])), ("glass", glass), ("tyre", merged(tyres)),
        ("hub", merged([*hubs, *lights])),
    ]  # fmt: skip
    return prop(*((name, moved(mesh, x, z, yaw)) for name, mesh in made))


def _bin(x: float, z: float, rng: np.random.Generator) -> Prop:
    r = float(rng.uniform(0.18, 0.3))
    body = turned([(0.85 * r, 0.0), (r, 0.75), (1.08 * r, 0.76), (1.05 * r, 0.84), (0.6 * r, 0.95), (0.0, 0.96)], 14)
    return prop(("pole", moved(body, x, z)))


def _bollard(x: float, z: float) -> Prop:
    return prop(("pole", moved(turned([(0.08, 0.0), (0.07, 0.05), (0.055, 0.85), (0.0, 0.92)], 10), x, z)))
