"""Outdoors and clinics: fences, lamp post, bollard, cone, hurdle, bicycle, walking frame, crutch, bin. y up."""

import numpy as np

from scenes.objects.finishes import (
    any_color,
    as_texture,
    cut_out,
    lacquer,
    mesh_alpha,
    metal,
    pick,
    plastic,
    rubber,
    wood,
)
from scenes.objects.shapes import Piece, bent, box, cylinder, moved, plate, ring, sheet, tube, turned
from scenes.objects.solid import Made
from scenes.renderer import Material


def bar_fence(rng: np.random.Generator) -> Made:
    """Railing 0.9 to 1.2 m high, bars 11 cm apart (building rules: under 12 cm), 2 m long (z)."""
    high, long = float(rng.uniform(0.9, 1.2)), 2.0
    rails = [box((0.04, 0.03, long), 0.004, 0.5, (0, y, 0)) for y in (0.12, high - 0.05)]
    bars = [tube([(0, 0.03, z), (0, high, z)], 0.008, 6) for z in np.arange(-long / 2 + 0.1, long / 2 - 0.05, 0.11)]
    posts = [box((0.05, high + 0.06, 0.05), 0.004, 0.5, (0, (high + 0.06) / 2, s * long / 2)) for s in (-1, 1)]
    return Made([(lacquer(pick(rng, (0.1, 0.1, 0.11), (0.15, 0.3, 0.2), (0.6, 0.6, 0.6))), [*rails, *bars, *posts])])


def mesh_fence(rng: np.random.Generator) -> Made:
    """Chain-link 1.2 to 2 m high with 50 mm cells (catalogue), 2.4 m long (z); the mesh is see-through."""
    high, long = float(rng.uniform(1.1, 2.0)), 2.4
    wires = np.full((128, 128, 4), 0.75)
    wires[..., 3] = mesh_alpha(2, 0.16, True)
    net = moved(sheet(long, high - 0.05, (long / 0.12, high / 0.12)), (0, 0.03, 0))
    posts = [moved(cylinder(0.024, high + 0.02, 0.004, 12), (0, 0, z)) for z in (-long / 2, 0, long / 2)]
    rail = tube([(0, high, -long / 2), (0, high, long / 2)], 0.019, 10)
    tint = pick(rng, (0.7, 0.72, 0.73), (0.15, 0.35, 0.22), (0.15, 0.15, 0.16))
    return Made([(cut_out(wires, tint, 0.5), [net]), (lacquer(tint), [*posts, rail])])


def plank_fence(rng: np.random.Generator) -> Made:
    """Wooden fence of three rails, 1.1 m high, 2.2 m long (z)."""
    rails = [box((0.025, 0.11, 2.2), 0.006, 0.6, (0.03, y, 0)) for y in (0.3, 0.62, 0.94)]
    posts = [box((0.09, 1.1, 0.09), 0.01, 0.6, (-0.03, 0.55, z)) for z in (-0.95, 0.95)]
    return Made([(wood(pick(rng, (0.55, 0.45, 0.34), (0.7, 0.55, 0.38), (0.85, 0.84, 0.8)), 1, 0.8), [*rails, *posts])])


def net_post(rng: np.random.Generator) -> Made:
    """A piece of tennis net: 1.07 m at the post, 3 m long (z), 45 mm cells (rules of tennis)."""
    wires = np.full((128, 128, 4), 0.12)
    wires[..., 3] = mesh_alpha(3, 0.12, False)
    net = moved(sheet(3.0, 0.9, (3.0 / 0.135, 0.9 / 0.135)), (0, 0.08, 0))
    band = box((0.012, 0.06, 3.0), 0.003, 0.5, (0, 0.99, 0))
    post = moved(cylinder(0.038, 1.07, 0.006, 14), (0, 0, 1.5))
    return Made([(cut_out(wires), [net]), (plastic((0.93, 0.93, 0.92)), [band]), (lacquer((0.1, 0.3, 0.2)), [post])])


def lamp_post(rng: np.random.Generator) -> Made:
    """Park lamp, 3.4 to 4 m high, column 11 cm at the foot."""
    high = float(rng.uniform(3.4, 4.0))
    column = turned(
        [
            (0, 0),
            (0.1, 0),
            (0.1, 0.25),
            (0.058, 0.32),
            (0.045, high - 0.5),
            (0.06, high - 0.48),
            (0.02, high - 0.42),
            (0, high - 0.42),
        ],
        18,
        0.5,
    )
    lamp = moved(turned([(0, 0), (0.07, 0), (0.13, 0.28), (0.0, 0.28)], 14), (0, high - 0.42, 0))
    hat = moved(turned([(0.15, 0), (0.15, 0.015), (0.04, 0.1), (0, 0.12)], 14), (0, high - 0.145, 0))
    paint = lacquer(pick(rng, (0.09, 0.1, 0.1), (0.1, 0.2, 0.15), (0.4, 0.41, 0.42)), 0, 0.5)
    return Made([(paint, [column, hat]), (Material((0.93, 0.92, 0.86), None, roughness=0.4), [lamp])])


def bollard(rng: np.random.Generator) -> Made:
    """Steel bollard 0.9 m high, 11 to 16 cm across, with a bright band."""
    r = float(rng.uniform(0.055, 0.08))
    body = turned([(0, 0), (r, 0), (r, 0.86), (0.85 * r, 0.895), (0.4 * r, 0.91), (0, 0.912)], 20, 0.4)
    band = turned([(r + 0.001, 0.62), (r + 0.0015, 0.625), (r + 0.0015, 0.735), (r + 0.001, 0.74)], 20)
    tint = pick(rng, (0.1, 0.1, 0.11), (0.55, 0.56, 0.57), (0.5, 0.12, 0.1))
    return Made([(lacquer(tint, 1, 0.5), [body]), (plastic((0.93, 0.93, 0.9)), [band])])


def cone(rng: np.random.Generator) -> Made:
    """Traffic cone 45 to 75 cm high on a square foot, white bands (EN 13422)."""
    high = float(rng.choice([0.45, 0.5, 0.75]))
    foot = 0.6 * high
    base = box((foot, 0.03, foot), 0.012, 0.3, (0, 0.015, 0))
    wide, tip = 0.30 * high, 0.055 * high
    body = turned([(wide, 0.028), (wide * 0.97, 0.045), (tip, high - 0.01), (0.7 * tip, high), (0, high)], 22)
    bands = []
    for low, top in ((0.38, 0.55), (0.68, 0.82)):
        r = [wide * 0.97 + (tip - wide * 0.97) * (t * high - 0.045) / (high - 0.055) + 0.002 for t in (low, top)]
        bands.append(
            turned([(r[0] - 0.001, low * high), (r[0], low * high), (r[1], top * high), (r[1] - 0.001, top * high)], 22)
        )
    orange = plastic(pick(rng, (0.92, 0.36, 0.10), (0.88, 0.30, 0.08)))
    return Made(
        [(orange, [body]), (rubber() if rng.random() < 0.5 else orange, [base]), (plastic((0.94, 0.94, 0.93)), bands)]
    )


def hurdle(rng: np.random.Generator) -> Made:
    """Athletics hurdle: 0.76 to 1.07 m high, 1.2 m wide (z), bar 7 cm high, feet to one side (rules)."""
    high, wide = float(rng.choice([0.762, 0.838, 0.914, 1.067])), 1.19
    picture = np.ones((16, 128, 3)) * 0.94
    stripe = np.array(pick(rng, (0.1, 0.1, 0.12), (0.75, 0.12, 0.12), (0.1, 0.2, 0.55)))
    for k in (0, 2, 4):
        picture[:, int(k * 25.6) : int((k + 1) * 25.6)] = stripe
    v, n, f, _ = box((0.018, 0.07, wide), 0.005, 1.0, (0, high - 0.035, 0))
    bar: Piece = (v, n, f, np.stack([v[:, 2] / wide + 0.5, (v[:, 1] - high) / 0.07], 1))
    posts = [
        box((0.03, high - 0.06, 0.03), 0.005, 0.4, (0, (high - 0.06) / 2 + 0.02, s * (wide / 2 - 0.06)))
        for s in (-1, 1)
    ]
    feet = [box((0.68, 0.035, 0.035), 0.006, 0.4, (0.32, 0.0175, s * (wide / 2 - 0.06))) for s in (-1, 1)]
    tie = box((0.03, 0.03, wide - 0.12), 0.005, 0.4, (0.0, 0.0175, 0))
    board = Material((1.0, 1.0, 1.0), as_texture(picture), roughness=0.5)
    return Made([(board, [bar]), (metal((0.8, 0.8, 0.82)), [*posts, *feet, tie])])


def bicycle(rng: np.random.Generator) -> Made:
    """Wheels 67 cm across (622 mm rims), wheelbase 1.03 m, saddle 0.93 m high; stands upright, riding along +x."""
    r, base = 0.335, 1.03
    front, rear = np.array([base / 2, r, 0]), np.array([-base / 2, r, 0])
    crank, seat_top = np.array([-0.09, 0.28, 0]), np.array([-0.26, 0.80, 0])
    head_low, head_top = np.array([0.385, 0.68, 0]), np.array([0.335, 0.83, 0])
    frame = [
        tube([a, b], 0.016, 8)
        for a, b in ((crank, seat_top), (crank, head_low), (seat_top, head_top), (head_low, head_top))
    ]
    for s in (-0.035, 0.035):
        shift = np.array([0, 0, s])
        frame += [
            tube([rear + shift, crank + 0.4 * shift], 0.009, 6),
            tube([rear + shift, seat_top + 0.4 * shift], 0.008, 6),
        ]
        frame.append(tube(bent([front + shift, head_low + [0.012, -0.12, s], head_low], 3, 0.05), 0.011, 6))
    wheels, spokes = [], []
    for hub in (front, rear):
        wheels.append(moved(ring(r - 0.016, 0.016, 40, 8, "xy"), hub))
        spokes.append(moved(ring(r - 0.038, 0.009, 40, 6, "xy"), hub))
        spokes.append(moved(cylinder(0.02, 0.09, 0.004, 10), hub - [0, 0, 0.045], (90, 0, 0)))
        for turn in np.arange(14) * 2 * np.pi / 14:
            reach = (r - 0.04) * np.array([np.cos(turn), np.sin(turn), 0])
            spokes.append(tube([hub + [0, 0, 0.02 * (-1) ** round(turn * 7 / np.pi)], hub + reach], 0.0013, 3))
    bars = tube(
        bent([(0.36, 1.0, -0.28), (0.40, 1.0, -0.12), (0.36, 0.99, 0), (0.40, 1.0, 0.12), (0.36, 1.0, 0.28)], 4, 0.06),
        0.012,
        8,
    )
    stem = tube([head_top, (0.36, 0.99, 0)], 0.014, 8)
    saddle = moved(
        plate(
            [
                (-0.13, -0.075),
                (-0.02, -0.055),
                (0.05, -0.022),
                (0.14, -0.016),
                (0.14, 0.016),
                (0.05, 0.022),
                (-0.02, 0.055),
                (-0.13, 0.075),
            ],
            0.045,
        ),
        (-0.29, 0.93, 0),
        (-90, 0, 0),
    )
    post = tube([seat_top, (-0.285, 0.91, 0)], 0.013, 8)
    chain = [moved(cylinder(0.095, 0.004, 0.001, 24), crank + [0, 0, 0.04], (90, 0, 0))]
    for s in (-1, 1):
        end = crank + np.array([0.15, -0.07, 0.0]) * s + [0, 0, 0.07 * s]
        chain += [
            tube([crank + [0, 0, 0.06 * s], end], 0.009, 6),
            box((0.09, 0.02, 0.07), 0.006, 0.2, end + [0, 0, 0.04 * s]),
        ]
    paint = lacquer(any_color(rng, 0.85), 1, 0.3)
    dark = rubber((0.09, 0.09, 0.1))
    return Made([(paint, frame), (dark, [*wheels, saddle]), (metal(), [*spokes, bars, stem, post, *chain])])


def walking_frame(rng: np.random.Generator) -> Made:
    """Pick-up frame 80 to 92 cm high, 55 cm wide (z), open at the back (catalogue); tubes 25 mm."""
    high = float(rng.uniform(0.80, 0.92))
    tubes, grips, tips = [], [], []
    for s in (-1, 1):
        z = 0.26 * s
        tubes.append(
            tube(
                bent([(0.22, 0.02, z * 1.06), (0.16, high, z), (-0.16, high, z), (-0.22, 0.02, z * 1.08)], 5, 0.07),
                0.0125,
                10,
            )
        )
        tubes.append(tube([(0.19, 0.3, z * 1.03), (-0.195, 0.3, z * 1.05)], 0.011, 8))
        grips.append(tube([(0.10, high, z), (-0.10, high, z)], 0.017, 10))
        tips += [
            moved(turned([(0, 0), (0.02, 0), (0.017, 0.045), (0, 0.046)], 12), (x, 0, z * k))
            for x, k in ((0.222, 1.06), (-0.223, 1.08))
        ]
    for y in (0.36, 0.66):
        x = 0.22 - 0.06 * y / high
        tubes.append(tube([(x, y, -0.27), (x + 0.02, y, 0), (x, y, 0.27)], 0.0115, 8))
    return Made([(metal((0.78, 0.79, 0.8)), tubes), (rubber((0.35, 0.35, 0.36)), [*grips, *tips])])


def crutch(rng: np.random.Generator) -> Made:
    """Forearm crutch 95 cm high (catalogue: 75 to 100), grip at 72 cm; hand at the origin of its grip, upright."""
    shaft = tube(bent([(0, -0.70, 0), (0, 0.0, 0), (-0.06, 0.23, 0)], 4, 0.06), 0.011, 10)
    turn = np.linspace(-2.2, 2.2, 13)
    cuff = tube([(-0.065 + 0.045 - 0.045 * np.cos(t), 0.22, 0.045 * np.sin(t)) for t in turn], 0.016, 8, flatten=0.3)
    handle = tube([(-0.02, 0.0, 0), (0.10, 0.01, 0)], 0.016, 10)
    tip = moved(turned([(0, 0), (0.019, 0), (0.015, 0.05), (0, 0.052)], 12), (0, -0.72, 0))
    return Made(
        [
            (metal((0.75, 0.76, 0.78)), [shaft]),
            (plastic(pick(rng, (0.4, 0.41, 0.42), (0.15, 0.3, 0.55))), [cuff, handle]),
            (rubber(), [tip]),
        ],
        handle=0.016,
    )


def waste_bin(rng: np.random.Generator) -> Made:
    """Street or gym bin, 70 cm high, 38 cm across."""
    body = turned(
        [
            (0, 0),
            (0.165, 0),
            (0.17, 0.01),
            (0.185, 0.62),
            (0.195, 0.63),
            (0.195, 0.66),
            (0.18, 0.665),
            (0.17, 0.5),
            (0, 0.5),
        ],
        26,
        0.5,
    )
    color = pick(rng, (0.2, 0.21, 0.22), (0.12, 0.3, 0.2), (0.55, 0.56, 0.57))
    return Made([(lacquer(color, 1, 0.5), [body])])


KINDS = {
    "bar_fence": bar_fence,
    "mesh_fence": mesh_fence,
    "plank_fence": plank_fence,
    "net_post": net_post,
    "lamp_post": lamp_post,
    "bollard": bollard,
    "cone": cone,
    "hurdle": hurdle,
    "bicycle": bicycle,
    "walking_frame": walking_frame,
    "crutch": crutch,
    "waste_bin": waste_bin,
}
