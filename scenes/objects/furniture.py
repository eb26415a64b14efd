"""What people sit and work at: chairs, stools, benches, tables, desks, an exam couch. Seats are made to any height."""

import numpy as np

from scenes.objects.finishes import any_color, cloth, lacquer, leather, metal, pick, plain, plastic, rubber, wood
from scenes.objects.shapes import Piece, bent, box, cylinder, moved, stretched, tube, turned
from scenes.objects.solid import Made

SEATS = ("chair", "office_chair", "stool", "bar_stool", "bench", "ottoman")


def _legs(x: float, z: float, high: float, r: float, splay: float = 0.03, taper: float = 0.7) -> list[Piece]:
    return [
        tube([(a * (x + splay), 0, b * (z + splay)), (a * x, high, b * z)], [taper * r, r], 10)
        for a in (-1, 1)
        for b in (-1, 1)
    ]


def _square_legs(x: float, z: float, high: float, side: float) -> list[Piece]:
    return [box((side, high, side), 0.004, 0.5, (a * x, high / 2, b * z)) for a in (-1, 1) for b in (-1, 1)]


def seat(kind: str, height: float, depth: float, width: float, rng: np.random.Generator) -> Made:
    """A seat whose flat top lies at `height` m over a floor at y = 0, `depth` along x by `width` along z about (0, 0).

    Nothing of it rises over the top within that rectangle; backs stand behind it (at -x).
    """
    x, z = depth / 2, width / 2
    pad = float(min(0.05, 0.25 * height))
    timber = wood(pick(rng, (0.70, 0.51, 0.33), (0.48, 0.32, 0.2), (0.83, 0.7, 0.52)), int(rng.integers(4)))
    frame = [timber, metal(), lacquer((0.1, 0.1, 0.11))][int(rng.integers(3))]
    cover = [cloth(any_color(rng)), leather(any_color(rng, 0.5)), timber][int(rng.integers(3))]
    top = box((depth, pad, width), 0.45 * pad, 0.4, (0, height - pad / 2, 0))
    under = height - pad
    if kind == "ottoman" or height < 0.22:
        body = box((depth - 0.01, under - 0.01, width - 0.01), 0.01, 0.4, (0, 0.01 + (under - 0.01) / 2, 0))
        feet = [
            moved(cylinder(0.02, 0.012, 0.002, 10), (a * (x - 0.04), 0, b * (z - 0.04)))
            for a in (-1, 1)
            for b in (-1, 1)
        ]
        return Made([(cover if cover is not timber else leather(any_color(rng, 0.5)), [top, body]), (rubber(), feet)])
    if kind in ("stool", "bar_stool"):
        rail = 0.35 * under
        rungs = [tube([(a * x * 0.82, rail, -z * 0.82), (a * x * 0.82, rail, z * 0.82)], 0.009, 8) for a in (-1, 1)]
        rungs += [
            tube([(-x * 0.82, rail * 1.3, b * z * 0.82), (x * 0.82, rail * 1.3, b * z * 0.82)], 0.009, 8)
            for b in (-1, 1)
        ]
        return Made([(cover, [top]), (frame, [*_legs(0.72 * x, 0.72 * z, under + 0.005, 0.016, 0.03), *rungs])])
    if kind == "bench":
        slats = [
            box((depth / 3 - 0.008, pad * 0.7, width), 0.006, 0.5, ((k - 1) * depth / 3, height - 0.35 * pad, 0))
            for k in range(3)
        ]
        legs = [box((depth * 0.8, 0.04, 0.05), 0.004, 0.5, (0, under + 0.012, s * (z - 0.18))) for s in (-1, 1)]
        legs += _square_legs(0.34 * depth, z - 0.18, under, 0.045)
        return Made([(timber, slats), (frame, legs)])
    back_high, lean = float(rng.uniform(0.38, 0.46)), 0.07
    if kind == "office_chair":
        post = [tube([(0, 0.07, 0), (0, under, 0)], 0.025, 12), moved(cylinder(0.05, 0.05, 0.006, 14), (0, 0.06, 0))]
        wheels = []
        for turn in np.arange(5) * 2 * np.pi / 5:
            c, s = np.cos(turn), np.sin(turn)
            post.append(tube([(0.03 * c, 0.09, 0.03 * s), (0.29 * c, 0.062, 0.29 * s)], [0.02, 0.014], 8))
            wheels.append(moved(cylinder(0.026, 0.02, 0.005, 12), (0.29 * c, 0.026, 0.29 * s - 0.01), (90, 0, 0)))
        back = _shell(x + 0.03, height + 0.14, back_high, width * 0.9, lean, 0.04)
        stem = tube(
            bent([(-x * 0.3, under - 0.02, 0), (-x - 0.05, under - 0.01, 0), (-x - 0.07, height + 0.3, 0)], 4, 0.06),
            0.018,
            8,
            flatten=0.6,
        )
        black = plastic((0.13, 0.13, 0.14))
        soft = cover if cover is not timber else cloth(any_color(rng))
        return Made([(soft, [top, back]), (black, [*post, stem, *wheels])])
    spread = 0.03
    legs = [
        tube([(x - 0.03 + 0.3 * spread, 0, b * (z - 0.03)), (x - 0.03, under, b * (z - 0.03))], [0.012, 0.016], 8)
        for b in (-1, 1)
    ]
    for b in (-1, 1):
        foot, joint = (-x + 0.01 - spread * 2, 0, b * (z - 0.03)), (-x - 0.012, height - 0.02, b * (z - 0.03))
        head = (-x - 0.012 - lean, height + back_high, b * (z - 0.04))
        legs.append(tube(bent([foot, joint, head], 3, 0.05), 0.015, 8))
    rails = [box((0.018, 0.035, width - 0.07), 0.004, 0.5, (s * (x - 0.03), under - 0.02, 0)) for s in (-1, 1)]
    if rng.random() < 0.5:
        backs = [_shell(x + 0.03, height + 0.2, back_high - 0.18, width - 0.05, lean * 0.6, 0.022)]
        panel = cover
    else:
        backs = [
            tube(
                [(-x - 0.02 - lean * t, height + t * back_high, s * (z - 0.04)) for s in (-1, 1)], 0.011, 8, flatten=2.2
            )
            for t in (0.4, 0.67, 0.94)
        ]
        panel = frame
    return Made([(cover, [top]), (panel, backs), (frame, [*legs, *rails])])


def _shell(behind: float, low: float, high: float, width: float, lean: float, thick: float) -> Piece:
    """A curved back whose front lies `behind` m behind the middle at its foot, leaning back."""
    v, n, f, uv = box((thick, high, width), 0.45 * thick, 0.4, (-behind - thick / 2, low + high / 2, 0))
    t = (v[:, 1] - low) / high
    return v + np.stack([-lean * t, 0 * t, 0 * t], 1), n, f, uv


def chair(rng: np.random.Generator) -> Made:
    """Seat 45 cm high, 42 deep, 43 wide (EN 1729 size 6 is 46 cm)."""
    return seat("chair", 0.45, 0.42, 0.43, rng)


def office_chair(rng: np.random.Generator) -> Made:
    """Seat 42 to 52 cm high, 48 wide, five castors."""
    return seat("office_chair", float(rng.uniform(0.42, 0.52)), 0.46, 0.48, rng)


def stool(rng: np.random.Generator) -> Made:
    """45 cm high, 34 across."""
    return seat("stool", 0.45, 0.34, 0.34, rng)


def bar_stool(rng: np.random.Generator) -> Made:
    """65 to 75 cm high."""
    return seat("bar_stool", float(rng.uniform(0.63, 0.75)), 0.34, 0.36, rng)


def bench(rng: np.random.Generator) -> Made:
    """Changing-room or park bench, 44 cm high, 1.2 to 1.8 m long, slatted."""
    return seat("bench", 0.44, 0.38, float(rng.uniform(1.1, 1.8)), rng)


def gym_bench(rng: np.random.Generator) -> Made:
    """Flat weight bench: 44 cm high, 1.2 m long (z), pad 28 cm wide (catalogue; rules of powerlifting 42 to 45 cm)."""
    pad = box((0.28, 0.06, 1.2), 0.025, 0.4, (0, 0.41, 0))
    steel = [box((0.06, 0.05, 1.05), 0.006, 0.4, (0, 0.355, 0))]
    for s in (-1, 1):
        steel += [
            box((0.05, 0.33, 0.05), 0.006, 0.4, (0, 0.18, s * 0.45)),
            box((0.5, 0.04, 0.06), 0.006, 0.4, (0, 0.02, s * 0.45)),
        ]
    color = pick(rng, (0.1, 0.1, 0.11), (0.5, 0.1, 0.1), (0.1, 0.15, 0.35))
    return Made([(leather(color), [pad]), (lacquer(pick(rng, (0.12, 0.12, 0.13), (0.75, 0.75, 0.76)), 0, 0.45), steel)])


def ottoman(rng: np.random.Generator) -> Made:
    """A padded cube, 42 cm."""
    return seat("ottoman", 0.42, 0.44, 0.44, rng)


def table(rng: np.random.Generator) -> Made:
    """72 to 76 cm high (EN 15372), 1.0 to 1.6 m wide (z), 70 to 90 cm deep."""
    high, wide, deep = float(rng.uniform(0.72, 0.76)), float(rng.uniform(1.0, 1.6)), float(rng.uniform(0.7, 0.9))
    top = box((deep, 0.03, wide), 0.008, 0.6, (0, high - 0.015, 0))
    timber = wood(pick(rng, (0.72, 0.53, 0.34), (0.5, 0.34, 0.22), (0.85, 0.74, 0.58)), int(rng.integers(4)))
    board = timber if rng.random() < 0.7 else lacquer((0.9, 0.9, 0.89), 0, 0.4)
    if rng.random() < 0.5:
        legs = _square_legs(deep / 2 - 0.05, wide / 2 - 0.05, high - 0.03, 0.055)
        legs += [box((0.022, 0.08, wide - 0.13), 0.003, 0.5, (s * (deep / 2 - 0.05), high - 0.07, 0)) for s in (-1, 1)]
        return Made([(board, [top]), (timber, legs)])
    return Made(
        [(board, [top]), (lacquer((0.1, 0.1, 0.11)), _legs(deep / 2 - 0.09, wide / 2 - 0.09, high - 0.03, 0.02))]
    )


def round_table(rng: np.random.Generator) -> Made:
    """Cafe table 70 cm across, 73 cm high, or a standing table of 1.1 m."""
    high = float(rng.choice([0.73, 1.1]))
    top = moved(cylinder(0.35, 0.025, 0.008, 36, 0.6), (0, high - 0.025, 0))
    column = turned(
        [
            (0, 0),
            (0.21, 0),
            (0.215, 0.008),
            (0.06, 0.03),
            (0.03, 0.06),
            (0.028, high - 0.05),
            (0.08, high - 0.026),
            (0, high - 0.025),
        ],
        24,
    )
    board = (
        wood(pick(rng, (0.6, 0.42, 0.27), (0.82, 0.68, 0.5)))
        if rng.random() < 0.6
        else plain("clay", (0.88, 0.87, 0.85), 0, 0.3)
    )
    return Made([(board, [top]), (lacquer((0.12, 0.12, 0.13), 0, 0.45), [column])])


def desk(rng: np.random.Generator) -> Made:
    """Office desk 74 cm high, 1.4 m wide (z), 70 cm deep, drawers on one side, a monitor on it now and then."""
    high, wide, deep = 0.74, float(rng.uniform(1.2, 1.5)), 0.7
    top = box((deep, 0.026, wide), 0.006, 0.6, (0, high - 0.013, 0))
    legs = [box((deep - 0.06, 0.04, 0.05), 0.004, 0.4, (0, 0.02, s * (wide / 2 - 0.06))) for s in (-1, 1)]
    legs += [box((0.06, high - 0.03, 0.04), 0.004, 0.4, (0, (high - 0.03) / 2, s * (wide / 2 - 0.06))) for s in (-1, 1)]
    drawers = [box((0.55, 0.5, 0.38), 0.005, 0.5, (0, 0.37, wide / 2 - 0.28))]
    fronts = [box((0.012, 0.15, 0.36), 0.004, 0.4, (-0.28, 0.2 + 0.16 * k, wide / 2 - 0.28)) for k in range(3)]
    knobs = [
        tube([(-0.30, 0.2 + 0.16 * k, wide / 2 - 0.34), (-0.30, 0.2 + 0.16 * k, wide / 2 - 0.22)], 0.006, 6)
        for k in range(3)
    ]
    board = wood(pick(rng, (0.78, 0.62, 0.44), (0.5, 0.35, 0.24), (0.88, 0.86, 0.82)), int(rng.integers(4)))
    dark = plastic((0.1, 0.1, 0.11))
    groups = [
        (board, [top]),
        (lacquer(pick(rng, (0.75, 0.75, 0.76), (0.15, 0.15, 0.16))), [*legs, *drawers, *fronts, *knobs]),
    ]
    if rng.random() < 0.6:
        screen = [
            box((0.03, 0.34, 0.56), 0.006, 0.4, (0.15, high + 0.3, -0.1)),
            box((0.04, 0.16, 0.06), 0.006, 0.4, (0.18, high + 0.1, -0.1)),
            box((0.2, 0.012, 0.24), 0.004, 0.4, (0.16, high + 0.006, -0.1)),
        ]
        groups.append((dark, screen))
    return Made(groups)


def exam_couch(rng: np.random.Generator) -> Made:
    """Clinic couch 1.9 m long (z), 65 cm wide, 55 to 80 cm high, head part raised, paper sheet (catalogue)."""
    high, wide = float(rng.uniform(0.55, 0.8)), 0.65
    flat = box((wide, 0.07, 1.25), 0.03, 0.4, (0, high - 0.035, -0.32))
    raised = moved(box((wide, 0.07, 0.62), 0.03, 0.4), (0, high + 0.055, 0.6), (-float(rng.uniform(8, 28)), 0, 0))
    paper = box((0.5, 0.004, 1.26), 0.0015, 0.5, (0, high + 0.001, -0.32))
    frame = [box((wide - 0.1, 0.05, 1.7), 0.006, 0.4, (0, high - 0.11, 0))]
    frame += _square_legs(wide / 2 - 0.08, 0.78, high - 0.12, 0.05)
    color = pick(rng, (0.12, 0.25, 0.45), (0.15, 0.4, 0.38), (0.15, 0.15, 0.16), (0.75, 0.72, 0.66))
    return Made(
        [
            (leather(color), [flat, raised]),
            (plain("card", (0.95, 0.95, 0.95)), [paper]),
            (lacquer((0.86, 0.86, 0.86)), frame),
        ]
    )


def plinth_box(rng: np.random.Generator) -> Made:
    """Plyometric box of plywood, 51, 61 or 76 cm high (the usual three sides)."""
    sizes = np.array([0.51, 0.61, 0.76])
    x, y, z = sizes[rng.permutation(3)]
    body = box((x, y, z), 0.006, 0.5, (0, y / 2, 0))
    hole = [
        moved(
            stretched(cylinder(0.05, 0.004, 0.001, 18), (1.1, 1, 0.5)),
            (s * (x / 2 + 0.001) - 0.002, 0.72 * y, 0),
            (0, 90, 90),
        )
        for s in (-1, 1)
    ]
    return Made(
        [
            (wood(pick(rng, (0.82, 0.68, 0.48), (0.76, 0.6, 0.42)), int(rng.integers(4))), [body]),
            (rubber((0.05, 0.05, 0.05)), hole),
        ]
    )


KINDS = {
    "chair": chair,
    "office_chair": office_chair,
    "stool": stool,
    "bar_stool": bar_stool,
    "bench": bench,
    "gym_bench": gym_bench,
    "ottoman": ottoman,
    "table": table,
    "round_table": round_table,
    "desk": desk,
    "exam_couch": exam_couch,
    "plinth_box": plinth_box,
}
