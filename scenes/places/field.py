"""A football pitch or a park meadow: turf in stripes, exact lines, a goal, fences, benches, trees all around."""

import numpy as np

from scenes.places.green import bench, far_ground, fence, green_surfaces, mast, tree, wood_edge
from scenes.places.layout import PATCH_Y, Place, Prop, pick, prop, surface, tone
from scenes.places.markings import lines, measures
from scenes.places.shapes import Piece, bars, ground, merged, moved, sheet


def build(size: np.ndarray, rng: np.random.Generator) -> Place:
    """A pitch seen from within; `size` (x, z) m of free ground at least."""
    half = np.maximum(np.asarray(size[:2]) / 2, 16.0)
    pitch = rng.random() < 0.75
    turf = str(rng.choice(["turf", "turf", "grass"]))
    green = tone(rng, 0.8, 1.0, 0.08)
    surfaces = green_surfaces(rng) | {
        "floor": surface(turf, pick(rng), green, 0.95, 0.01, metres=float(rng.uniform(3.5, 6.0))),
        "stripe": surface(turf, pick(rng), np.array(green) * 0.86, 0.95, 0.01, metres=5.0),
        "paint": surface("turf", 3, (1.0, 1.0, 1.0), 0.95, 0.02, metres=1.5),
        "white": surface("", 0, (0.93, 0.93, 0.92), 0.4, 0.05),
        "stand": surface("stand", pick(rng), tone(rng, 0.7, 1.0, 0.3), 0.9, 0.02),
    }
    surfaces["paint"] = surface("asphalt", 2, (1.0, 1.0, 1.0), 0.95, 0.02, metres=1.3)
    shell: list[tuple[str, Piece]] = []
    props: list[Prop] = []
    if pitch:
        m = measures("football")
        # people stand somewhere between the goal and the middle of the pitch
        shift = np.array([m["length"] / 2 - float(rng.uniform(3.0, 22.0)), float(rng.uniform(-14, 14))])
        shift[0] *= -1.0
        shell.append(("paint", moved(merged(lines("football")), shift[0] * -1 * -1, shift[1])))
        width = m["length"] / 18
        if rng.random() < 0.7:
            for k in range(0, 18, 2):
                x = -m["length"] / 2 + k * width + shift[0]
                low, high = max(x, -80.0), min(x + width, 80.0)
                if high > low:
                    shell.append(
                        (
                            "stripe",
                            ground((low, -m["width"] / 2 + shift[1]), (high, m["width"] / 2 + shift[1]), PATCH_Y),
                        )
                    )
        goal = _goal(m["goal_width"], m["goal_height"])
        place = (shift[0] + m["length"] / 2, shift[1])
        props.append(prop(*((name, moved(mesh, *place)) for name, mesh in goal), solid=False))
        edge = np.array([30.0, 30.0])
    else:
        edge = half + rng.uniform(2.0, 14.0, 2)
    if rng.random() < 0.5:
        props += fence(edge + 2.0, float(rng.uniform(1.1, 4.0)), 4.0)
    for _ in range(int(rng.integers(3, 9))):
        a, away = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(1.1, 2.0))
        props.append(tree(edge[0] * away * np.cos(a) * 1.2, edge[1] * away * np.sin(a) * 1.2, rng))
    for k in range(int(rng.integers(0, 4))):
        props.append(bench(float(rng.uniform(-0.8, 0.8) * edge[0]), -edge[1] - 1.0 + 0.2 * k, 0.0))
    for s in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        if rng.random() < 0.4:
            props.append(mast(s[0] * (edge[0] + 6), s[1] * (edge[1] + 6), float(rng.uniform(9, 16))))
    if rng.random() < 0.35:
        props.append(_stand(edge, rng))
    border = edge + float(rng.uniform(12, 30))
    shell += [*wood_edge(border, rng), far_ground("floor")]
    return Place(half, np.zeros(2), np.inf, surfaces, tuple(shell), tuple(props))


def _goal(wide: float, high: float) -> list[tuple[str, Piece]]:
    """Posts, bar and net of a goal that opens towards -x."""
    frame = [[(0, 0, s * wide / 2), (0, high, s * wide / 2)] for s in (-1, 1)]
    frame.append([(0, high, -wide / 2 - 0.06), (0, high, wide / 2 + 0.06)])
    stays = [[(0.9, high, s * wide / 2), (2.0, 0, s * wide / 2)] for s in (-1, 1)]
    stays += [[(0, high, s * wide / 2), (0.9, high, s * wide / 2)] for s in (-1, 1)]
    corners = np.array([[0.9, high, -wide / 2], [0.9, high, wide / 2], [2.0, 0, -wide / 2], [2.0, 0, wide / 2]])
    net = sheet(wide, 2.68)
    flat = corners[[2, 3, 0, 1]], np.tile([0.9, 0.43, 0], (4, 1)), net[2], net[3]
    top = corners[[0, 1]] * 1.0
    roof = np.vstack([top, top * [0, 1, 1]]), np.tile([0, 1.0, 0], (4, 1)), net[2], net[3] * [1, 0.34]
    sides = []
    for s in (-1, 1):
        ring = np.array(
            [[0, 0, s * wide / 2], [2.0, 0, s * wide / 2], [0, high, s * wide / 2], [0.9, high, s * wide / 2]]
        )
        sides.append((ring, np.tile([0, 0, float(s)], (4, 1)), net[2], ring[:, :2] * 1.0))
    return [("white", merged([bars(frame, 0.06, 10), bars(stays, 0.025, 6)])), ("net", merged([flat, roof, *sides]))]


def _stand(edge: np.ndarray, rng: np.random.Generator) -> Prop:
    """A bank of seats behind the side line."""
    long, deep, high = float(rng.uniform(20, 40)), 6.0, float(rng.uniform(3, 6))
    slope = sheet(long, float(np.hypot(deep, high)))
    lean = high / np.hypot(deep, high)
    v = slope[0].copy()
    v[:, 2] = -v[:, 1] / np.hypot(deep, high) * deep
    v[:, 1] = v[:, 1] * lean + 0.6
    normal = np.tile([0.0, 0.75, 0.66], (len(v), 1))
    seats = (v, normal, slope[2], slope[3])
    front = sheet(long, 0.62)
    return prop(("stand", moved(seats, 0, -edge[1] - 3)), ("grey", moved(front, 0, -edge[1] - 3)), solid=False)
