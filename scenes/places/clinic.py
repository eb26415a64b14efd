"""A clinic or physiotherapy room: couch, cabinets, desk, charts, curtain on a rail, stool, sink, scales."""

import numpy as np

from scenes.places.hall import SIDES, hall_surfaces, on_wall, shell
from scenes.places.layout import Place, Prop, pick, prop, surface, tone
from scenes.places.shapes import Piece, ball, bars, box, merged, moved, prism, sheet, standing, tube, turned

EDGE = 1.3  # m along the walls that furniture takes


def build(size: np.ndarray, rng: np.random.Generator) -> Place:
    """A room whose free floor is at least `size` (x, z) m."""
    full = np.array([size[0] + EDGE, max(size[2], float(rng.uniform(2.4, 3.0))), size[1] + EDGE])
    surfaces = hall_surfaces(rng, ("paint", "paint", "plaster", "tile"))
    floor = str(rng.choice(["lino", "lino", "wood", "tile", "vinyl"]))
    surfaces |= {
        "floor": surface(floor, pick(rng), tone(rng, 0.7, 1.0, 0.25), 0.45, 0.04),
        "cover": surface("vinyl", pick(rng), tone(rng, 0.3, 0.85, 0.5), 0.5, 0.04),
        "paper": surface("curtain", 2, (0.98, 0.98, 0.97), 0.9),
        "chrome": surface("", 0, (0.72, 0.73, 0.74), 0.25, 0.35),
        "cabinet": surface(str(rng.choice(["paint", "ply", "wood"])), pick(rng), tone(rng, 0.7, 1.0, 0.15), 0.5, 0.04),
        "front": surface("paint", pick(rng), tone(rng, 0.6, 1.0, 0.3), 0.45, 0.04),
        "curtain": surface("curtain", pick(rng), tone(rng, 0.55, 0.98, 0.4), 0.9, 0.02, double_sided=True),
        "chart": surface("chart", pick(rng), metres=1.0),
        "screen": surface("", 0, (0.06, 0.07, 0.08), 0.2, 0.06),
        "bright": surface("vinyl", 3, tone(rng, 0.4, 0.9, 0.8), 0.5, 0.04),
    }
    pieces = shell(full, rng, dado=float(rng.choice([0.0, 0.0, 1.1])), lamps="panels", windows=0.35)
    props: list[Prop] = []
    for axis, sign in SIDES:
        at, end = -full[2 - axis] / 2 + 0.9, full[2 - axis] / 2 - 0.9
        yaw = {(0, -1): np.pi / 2, (0, 1): -np.pi / 2, (2, -1): 0.0, (2, 1): np.pi}[axis, sign]
        while at < end:
            kind = str(rng.choice(["couch", "cabinet", "desk", "sink", "curtain", "scales", "balls", "none"]))
            wide = {"couch": 2.1, "cabinet": 1.0, "desk": 1.5, "curtain": 1.8}.get(kind, 0.8)
            if at + wide > end + 0.6:
                break
            made, depth = _furniture(kind, rng)
            if made:
                place = np.zeros(2)
                place[0 if axis == 0 else 1] = sign * (full[axis] / 2 - depth)
                place[1 if axis == 0 else 0] = at + wide / 2 - 0.3
                props.append(prop(*((name, moved(mesh, place[0], place[1], yaw)) for name, mesh in made)))
            at += wide + float(rng.uniform(0.1, 0.7))
        if rng.random() < 0.6:
            width, high = float(rng.uniform(0.5, 0.8)), float(rng.uniform(0.7, 1.0))
            sheet_piece = on_wall(
                axis, sign, full, float(rng.uniform(-0.3, 0.3)) * full[2 - axis], 1.6, (width, high, 0.01)
            )
            props.append(prop(("chart", _whole(sheet_piece, 2 - axis, axis, sign)), solid=False))
    free = np.array([size[0], size[1]]) / 2
    if rng.random() < 0.7:
        side = rng.uniform(0.6, 0.95, 2) * rng.choice([-1, 1], 2) * free
        stool, _ = _furniture("stool", rng)
        props.append(prop(*((name, moved(mesh, *side)) for name, mesh in stool)))
    return Place(free, np.zeros(2), float(full[1]), surfaces, tuple(pieces), tuple(props))


def _whole(piece: Piece, along: int, axis: int, sign: int) -> Piece:
    """The picture once over the width and height of a flat box; mirrored where the wall is seen from the other side."""
    v = piece[0]
    low, high = v.min(0), v.max(0)
    local = (v - low) / np.maximum(high - low, 1e-9)
    u = local[:, along]
    flipped = (sign > 0) == (axis == 2)
    return (*piece[:3], np.column_stack([1 - u if flipped else u, local[:, 1]]))


def _furniture(kind: str, rng: np.random.Generator) -> tuple[list[tuple[str, Piece]], float]:
    """Meshes that stand with their back towards -z, and how far from the wall their middle lies, m."""
    if kind == "couch":
        high = float(rng.uniform(0.5, 0.75))
        pad = [standing(0.16, 0, (1.55, 0.09, 0.66), high - 0.09)]
        lift = float(rng.choice([0.0, 0.25, 0.45]))
        pad.append(prism([(-0.62, high - 0.09), (-0.62, high), (-1.0, high + lift), (-1.0, high + lift - 0.09)], 0.66))
        legs = [bars([[(x, 0, z), (x, high - 0.09, z)] for x in (-0.8, 0.8) for z in (-0.26, 0.26)], 0.025)]
        legs.append(bars([[(-0.8, 0.2, z), (0.8, 0.2, z)] for z in (-0.26, 0.26)], 0.02, 6))
        paper = box((0.16, high + 0.003, 0), (1.5, 0.004, 0.45))
        return [("cover", merged(pad)), ("chrome", merged(legs)), ("paper", paper)], 0.45
    if kind == "cabinet":
        high, deep = float(rng.choice([0.9, 1.9])), 0.42
        doors = [standing(x, 0.215, (0.44, high - 0.16, 0.02), 0.1) for x in (-0.23, 0.23)]
        knobs = bars([[(x, 0.5 * high, 0.25), (x, 0.5 * high + 0.14, 0.25)] for x in (-0.05, 0.05)], 0.008, 6)
        top = [box((0, high, 0), (0.98, 0.03, 0.46))]
        return [
            ("front", merged(doors)),
            ("chrome", knobs),
            ("cabinet", merged([standing(0, 0, (0.94, high, deep)), *top])),
        ], 0.26
    if kind == "desk":
        top = [box((0, 0.74, 0), (1.4, 0.03, 0.65)), standing(0.5, 0, (0.36, 0.72, 0.58))]
        legs = [standing(-0.66, z, (0.04, 0.73, 0.04)) for z in (-0.28, 0.28)]
        screen = [box((-0.1, 1.02, -0.12), (0.55, 0.33, 0.03)), standing(-0.1, -0.14, (0.06, 0.12, 0.04), 0.755)]
        return [("screen", merged(screen)), ("cabinet", merged(top)), ("chrome", merged(legs))], 0.38
    if kind == "sink":
        bowl = [box((0, 0.85, 0.02), (0.55, 0.05, 0.42)), standing(0, 0.0, (0.5, 0.82, 0.38))]
        tap = tube([(0, 0.88, -0.14), (0, 1.08, -0.14), (0, 1.1, -0.02), (0, 1.05, 0.03)], 0.014, 8)
        return [("front", merged(bowl)), ("chrome", tap), ("paper", box((0, 1.5, -0.2), (0.3, 0.35, 0.1)))], 0.25
    if kind == "curtain":
        wide = float(rng.uniform(1.2, 1.8))
        cloth = sheet(wide, 1.75, 48, 0.05, wide * 5)
        rail = tube([(-1.0, 2.1, 0), (1.0, 2.1, 0)], 0.015, 6)
        return [("curtain", (cloth[0] + [0, 0.32, 0], *cloth[1:])), ("chrome", rail)], 0.35
    if kind == "scales":
        parts = [standing(0, 0, (0.36, 0.06, 0.45)), standing(0, -0.2, (0.05, 1.2, 0.05))]
        return [("cabinet", merged(parts)), ("screen", box((0, 1.25, -0.18), (0.3, 0.12, 0.06)))], 0.35
    if kind == "balls":
        r = float(rng.uniform(0.25, 0.36))
        return [("bright", ball(r, r))], 0.45
    if kind == "stool":
        seat = turned([(0.0, 0.46), (0.17, 0.46), (0.18, 0.49), (0.17, 0.53), (0.0, 0.54)], 18)
        post = [tube([(0, 0.08, 0), (0, 0.46, 0)], 0.025, 8)]
        feet = [(0.26 * np.cos(a), 0.26 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 6)[:-1]]
        post.append(bars([[(0, 0.1, 0), (x, 0.05, z)] for x, z in feet], 0.018, 6))
        post += [moved(ball(0.03, 0.03, sides=8), x, z) for x, z in feet]
        return [("cover", seat), ("chrome", merged(post))], 0.3
    return [], 0.3
