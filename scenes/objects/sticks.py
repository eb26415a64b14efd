"""Things with a long handle: racket, bat, golf club, hockey stick, broom, shovel. Handle along y, head up, front +x."""

import numpy as np

from scenes.objects.finishes import any_color, cut_out, lacquer, mesh_alpha, metal, pick, rubber, wood
from scenes.objects.shapes import Piece, bent, cylinder, moved, plate, stretched, tube, turned
from scenes.objects.solid import Made


def _grip(low: float, high: float, radius: float, flatten: float = 0.85) -> Piece:
    path = [(0, y, 0) for y in np.linspace(low, high, 9)]
    swell = [radius * (1.12 if k == 0 else 1.0) for k in range(9)]
    return tube(path, swell, 8, flatten=flatten, metres=0.08)


def _oval(half_wide: float, half_high: float, middle: float, count: int = 36) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False) - np.pi / 2
    squeeze = 1 - 0.08 * np.sin(turn)
    return np.stack([0 * turn, middle + half_high * np.sin(turn), half_wide * np.cos(turn) * squeeze], 1)


def racket(rng: np.random.Generator) -> Made:
    """68.5 cm long, head 33 by 26 cm (common adult size; rules allow 73.7 cm). Strings are a see-through sheet."""
    butt, middle, half_high, half_wide = -0.06, 0.445, 0.17, 0.13
    frame = tube(_oval(half_wide, half_high, middle), 0.0115, 8, closed=True, flatten=0.62)
    neck = middle - half_high
    throat = [
        tube(bent([(0, 0.13, 0.002 * s), (0, neck - 0.03, 0.035 * s), (0, neck + 0.055, 0.086 * s)], 4, 0.08), 0.009, 7)
        for s in (-1, 1)
    ]
    bridge = tube([(0, neck + 0.012 + 0.032 * (z / 0.06) ** 2, z) for z in np.linspace(-0.066, 0.066, 9)], 0.007, 6)
    turn = _oval(half_wide, half_high, middle)
    centre = np.array([[0.0, middle, 0.0]])
    vertices = np.vstack([centre, turn])
    index = np.arange(len(turn))
    faces = np.stack([0 * index, index + 1, (index + 1) % len(turn) + 1], 1)
    normals = np.tile([1.0, 0, 0], (len(vertices), 1))
    corner = vertices[faces[0]]
    if np.cross(corner[1] - corner[0], corner[2] - corner[0])[0] < 0:
        faces = faces[:, ::-1]
    strings: Piece = (vertices, normals, faces, vertices[:, [2, 1]] / 0.06)
    wires = np.full((128, 128, 4), 0.9)
    wires[..., 3] = mesh_alpha(5, 0.2, False)
    net = cut_out(wires, pick(rng, (0.95, 0.95, 0.9), (0.8, 0.85, 0.4), (0.2, 0.2, 0.2)))
    body = lacquer(any_color(rng), int(rng.integers(3)), 0.3)
    return Made(
        [(body, [frame, *throat, bridge]), (rubber(), [_grip(butt, 0.14, 0.0155)]), (net, [strings])], (0, 0, 0), 0.0155
    )


def bat(rng: np.random.Generator) -> Made:
    """Baseball: 84 cm long, at most 6.6 cm thick (rules allow 106.7 cm); ash or aluminium."""
    y0 = -0.055
    profile = [
        (0.0, 0.0),
        (0.022, 0.0),
        (0.0255, 0.006),
        (0.022, 0.014),
        (0.0128, 0.022),
        (0.0122, 0.12),
        (0.0125, 0.28),
        (0.0175, 0.42),
        (0.026, 0.55),
        (0.0315, 0.66),
        (0.033, 0.75),
        (0.032, 0.81),
        (0.025, 0.834),
        (0.0, 0.84),
    ]
    body = moved(turned(profile, 20, 0.25), (0, y0, 0))
    tape = tube([(0, y, 0) for y in np.linspace(y0 + 0.03, y0 + 0.27, 9)], 0.0136, 10)
    if rng.random() < 0.6:
        shell = wood(pick(rng, (0.80, 0.62, 0.40), (0.45, 0.28, 0.17), (0.12, 0.1, 0.1)), int(rng.integers(4)), 0.35)
    else:
        shell = metal(pick(rng, (0.75, 0.76, 0.78), (0.7, 0.2, 0.2), (0.2, 0.3, 0.6)), 1)
    return Made([(shell, [body]), (rubber(pick(rng, (0.1, 0.1, 0.1), (0.4, 0.2, 0.12))), [tape])], handle=0.0135)


def golf_club(rng: np.random.Generator) -> Made:
    """Driver 1.14 m or iron 0.95 m (rules: at most 1.219 m); shaft 15 mm at the grip, 9 mm at the head."""
    driver = rng.random() < 0.5
    long = float(rng.uniform(1.10, 1.15) if driver else rng.uniform(0.90, 0.98))
    ys = np.linspace(-0.1, long - 0.1, 15)
    shaft = tube([(0, y, 0) for y in ys], np.linspace(0.0075, 0.0045, 15), 8)
    end = long - 0.1
    if driver:
        head = stretched(
            turned([(0, -0.03), (0.03, -0.028), (0.055, -0.012), (0.058, 0.004), (0.04, 0.024), (0, 0.032)], 18),
            (1.0, 1.0, 0.92),
        )
        head = moved(head, (0.045, end + 0.005, 0.018), (0, 0, -58))
        shell = lacquer(pick(rng, (0.08, 0.08, 0.09), (0.5, 0.1, 0.12), (0.12, 0.2, 0.4)), 0, 0.25)
    else:
        outline = [(-0.02, -0.026), (0.06, -0.030), (0.072, -0.012), (0.064, 0.026), (0.0, 0.006), (-0.022, 0.0)]
        head = moved(plate(outline, 0.016), (0.012, end + 0.004, 0), (0, 0, -60))
        shell = metal((0.75, 0.76, 0.78), 2, 0.28)
    grip = _grip(-0.11, 0.16, 0.0135, 1.0)
    return Made([(metal((0.7, 0.71, 0.73)), [shaft]), (shell, [head]), (rubber(), [grip])], handle=0.0135)


def hockey_stick(rng: np.random.Generator) -> Made:
    """Field hockey 0.93 m with a hook of 10 cm (rules: shaft 51 mm at most), or ice hockey 1.45 m with a blade."""
    ice = rng.random() < 0.4
    long = 1.30 if ice else 0.82
    hook = (
        [(0, -0.12, 0), (0, long, 0), (0.30, long + 0.1, 0)]
        if ice
        else [
            (0, -0.12, 0),
            (0, long - 0.02, 0),
            (0.035, long + 0.045, 0),
            (0.085, long + 0.02, 0),
            (0.10, long - 0.03, 0),
        ]
    )
    path = bent(hook, 5, 0.045)
    path = np.vstack([np.linspace(path[0], path[1], 14)[:-1], path[1:]])
    wide = np.where(path[:, 1] > long - 0.06, 0.03 if ice else 0.022, 0.016)
    body = tube(path, wide, 10, flatten=0.5 if not ice else 0.42)
    grip = _grip(-0.125, 0.2, 0.0175, 0.8)
    return Made([(lacquer(any_color(rng), int(rng.integers(3)), 0.4), [body]), (rubber(), [grip])], handle=0.0175)


def broom(rng: np.random.Generator) -> Made:
    """Shaft 1.4 m of 24 mm, head 40 cm wide with bristles (household catalogue)."""
    end = 0.95
    shaft = tube([(0, y, 0) for y in np.linspace(-0.4, end, 20)], 0.012, 10)
    socket = moved(cylinder(0.018, 0.07, 0.003, 12), (0, end - 0.05, 0))
    head = moved(
        plate([(-0.03, -0.025), (0.03, -0.025), (0.03, 0.012), (0.012, 0.025), (-0.012, 0.025), (-0.03, 0.012)], 0.38),
        (0, end + 0.03, 0),
        (180, 0, 0),
    )
    tufts = [
        moved(
            stretched(cylinder(0.014, 0.075, 0.002, 7), (1.0, 1.0, 1.0)),
            (x, end + 0.05, z),
            (6 * np.sign(z), 0, -x * 400),
        )
        for z in np.linspace(-0.17, 0.17, 11)
        for x in (-0.016, 0.016)
    ]
    hair = rubber(pick(rng, (0.65, 0.5, 0.3), (0.15, 0.3, 0.5), (0.6, 0.15, 0.15)), 1)
    stick = wood(pick(rng, (0.75, 0.58, 0.38), (0.62, 0.44, 0.28))) if rng.random() < 0.6 else lacquer(any_color(rng))
    return Made([(stick, [shaft]), (lacquer(any_color(rng)), [socket, head]), (hair, tufts)], handle=0.012)


def shovel(rng: np.random.Generator) -> Made:
    """Digging spade: 1.1 m with a D handle, blade 29 by 19 cm (catalogue). The blade points up +y."""
    end = 0.52
    shaft = tube([(0, y, 0) for y in np.linspace(-0.3, end, 14)], 0.016, 10)
    dee = tube(
        bent(
            [
                (0, -0.29, 0.0),
                (0, -0.33, 0.055),
                (0, -0.42, 0.055),
                (0, -0.42, -0.055),
                (0, -0.33, -0.055),
                (0, -0.29, 0.0),
            ],
            3,
            0.025,
        ),
        0.012,
        8,
    )
    turn = np.linspace(0, np.pi, 11)
    outline = [(-0.095, 0.0), (0.095, 0.0)] + [
        (0.095 * np.cos(t) ** 0.8 if np.cos(t) >= 0 else -0.095 * abs(np.cos(t)) ** 0.8, 0.2 + 0.09 * np.sin(t))
        for t in turn
    ]
    blade = plate(outline, 0.004)
    v, n, f, uv = moved(blade, turn_deg=(0, 90, 0))
    v = v + np.stack([-2.2 * v[:, 2] ** 2 + 0.10 * v[:, 1] ** 2, 0 * v[:, 1], 0 * v[:, 1]], 1)  # dished
    socket = tube([(0.004, end - 0.16, 0), (0.0, end - 0.02, 0), (0.0, end + 0.06, 0)], [0.0175, 0.021, 0.008], 10)
    steel = metal(pick(rng, (0.55, 0.56, 0.58), (0.35, 0.34, 0.33)), 1, 0.45)
    handle = wood(pick(rng, (0.70, 0.52, 0.33), (0.6, 0.42, 0.26)), int(rng.integers(4)))
    return Made([(handle, [shaft, dee]), (steel, [(v + [0, end, 0], n, f, uv), socket])], handle=0.016)


KINDS = {
    "racket": racket,
    "bat": bat,
    "golf_club": golf_club,
    "hockey_stick": hockey_stick,
    "broom": broom,
    "shovel": shovel,
}
