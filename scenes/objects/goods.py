"""Small goods: bottle, cup, phone, book, box, crate, bag, suitcase. y up."""

import cv2
import numpy as np

from scenes.objects.finishes import (
    any_color,
    as_texture,
    cloth,
    lacquer,
    leather,
    metal,
    noise,
    pick,
    plain,
    plastic,
    rubber,
    wood,
)
from scenes.objects.shapes import bent, box, cylinder, moved, stretched, tube, turned
from scenes.objects.solid import Made
from scenes.renderer import Material


def bottle(rng: np.random.Generator) -> Made:
    """Sports or steel bottle, 20 to 26 cm high and 6.4 to 7.2 cm across (catalogue of 0.5 to 0.75 l)."""
    r, high = float(rng.uniform(0.032, 0.036)), float(rng.uniform(0.17, 0.21))
    steel = rng.random() < 0.4
    waist = 1.0 if steel else 0.86
    body = turned(
        [
            (0, 0),
            (r - 0.004, 0),
            (r, 0.005),
            (r, 0.4 * high),
            (waist * r, 0.58 * high),
            (r, 0.76 * high),
            (r, 0.88 * high),
            (0.72 * r, high),
            (0, high),
        ],
        20,
    )
    cap = moved(
        turned([(0.78 * r, 0), (0.8 * r, 0.018), (0.7 * r, 0.022), (0.011, 0.025), (0.010, 0.042), (0, 0.044)], 16),
        (0, high - 0.001, 0),
    )
    color = any_color(rng, 0.8)
    shell = metal(color, 0, 0.3) if steel else plastic(color)
    return Made([(shell, [body]), (plastic(pick(rng, (0.1, 0.1, 0.1), (0.9, 0.9, 0.9))), [cap])], (0, 0.5 * high, 0), r)


def cup(rng: np.random.Generator) -> Made:
    """Coffee to go: 12 cm high, 8.5 cm at the rim, with a sleeve and lid."""
    body = turned([(0, 0), (0.028, 0), (0.03, 0.002), (0.040, 0.108), (0.0415, 0.11), (0.0, 0.11)], 20)
    sleeve = turned([(0.0335, 0.035), (0.0345, 0.036), (0.0385, 0.084), (0.0375, 0.085)], 20, 0.1)
    lid = moved(turned([(0.0425, 0), (0.043, 0.006), (0.039, 0.009), (0.037, 0.016), (0.0, 0.015)], 20), (0, 0.107, 0))
    return Made(
        [
            (plain("clay", pick(rng, (0.92, 0.91, 0.88), (0.3, 0.2, 0.15))), [body]),
            (plain("card", (0.66, 0.48, 0.32)), [sleeve]),
            (plastic(pick(rng, (0.93, 0.93, 0.92), (0.1, 0.1, 0.1))), [lid]),
        ],
        (0, 0.06, 0),
        0.036,
    )


def phone(rng: np.random.Generator) -> Made:
    """147 by 71 by 8 mm. Its back lies in the hand (-x), its screen looks along +x."""
    size = (0.009, 0.147, 0.071)
    body = box(size, 0.004, 0.1)
    picture = np.full((128, 64, 3), 0.04)
    picture[:] = np.linspace(0.15, 0.55, 128)[:, None, None] * np.array(any_color(rng))
    for k in range(int(rng.integers(4, 9))):
        y = 14 + 13 * k
        picture[y : y + 8, 6 : int(rng.integers(30, 58))] = rng.uniform(0.7, 0.95)
    glass = (
        np.array([[0.0048, y, z] for y in (-0.07, 0.07) for z in (0.0325, -0.0325)]),
        np.tile([1.0, 0, 0], (4, 1)),
        np.array([[0, 1, 3], [0, 3, 2]]),
        np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]),
    )
    screen = Material((1.0, 1.0, 1.0), as_texture(picture), roughness=0.2, specular=0.04)
    return Made([(lacquer(any_color(rng), 0, 0.35), [body]), (screen, [glass])], (-0.0045, 0, 0), 0.0045)


def book(rng: np.random.Generator) -> Made:
    """A5 to B5, 20 to 24 cm high, held closed, its back cover in the palm (-x)."""
    high, wide, thick = float(rng.uniform(0.2, 0.24)), float(rng.uniform(0.14, 0.17)), float(rng.uniform(0.015, 0.03))
    pages = box((thick - 0.005, high - 0.008, wide - 0.006), 0.002, 0.05, (0, 0, 0.003))
    covers = [box((0.0028, high, wide), 0.0012, 0.2, (s * (thick / 2 - 0.0014), 0, 0)) for s in (-1, 1)]
    spine = box((thick, high, 0.003), 0.0012, 0.2, (0, 0, -wide / 2 + 0.0015))
    return Made(
        [(cloth(any_color(rng, 0.8)), [*covers, spine]), (plain("card", (0.92, 0.89, 0.82)), [pages])],
        (-thick / 2, 0, 0),
        thick / 2,
    )


def _label(rng: np.random.Generator) -> Material:
    """A cardboard face with tape along the middle and a printed label."""
    picture = (0.84 + 0.02 * noise(rng, 1.2) + 0.01 * noise(rng, 0.2))[..., None] * np.array([0.73, 0.57, 0.40])
    picture[:, 118:138] = picture[:, 118:138] * 0.6 + np.array([0.62, 0.52, 0.38]) * 0.4
    x, y = int(rng.integers(20, 60)), int(rng.integers(20, 150))
    picture[y : y + 50, x : x + 70] = 0.92
    for k in range(5):
        cv2.line(picture, (x + 6, y + 8 + 8 * k), (x + int(rng.integers(30, 64)), y + 8 + 8 * k), (0.2, 0.2, 0.2), 2)
    return Material((1.0, 1.0, 1.0), as_texture(picture), roughness=0.95, specular=0.02)


def carton(rng: np.random.Generator) -> Made:
    """Cardboard box 30 to 40 cm deep, 22 to 34 cm high, 40 cm wide (z, stretched to the hands); about its middle."""
    x, y = float(rng.uniform(0.26, 0.36)), float(rng.uniform(0.2, 0.32))
    body = box((x, y, 0.4), 0.004, 0.4)
    v, n, f, uv = body
    return Made([(_label(rng), [(v, n, f, uv + 0.5)])], (0, 0, 0), 0.2)


def crate(rng: np.random.Generator) -> Made:
    """Slatted wooden or plastic crate, 40 cm wide (z), about its middle."""
    x, y, wide = float(rng.uniform(0.28, 0.34)), float(rng.uniform(0.2, 0.26)), 0.4
    slats = [
        box((0.012, y / 3 - 0.014, wide), 0.002, 0.5, (s * (x / 2 - 0.006), (k - 1) * y / 3, 0))
        for s in (-1, 1)
        for k in range(3)
    ]
    slats += [
        box((x - 0.024, y / 3 - 0.014, 0.012), 0.002, 0.5, (0, (k - 1) * y / 3, s * (wide / 2 - 0.006)))
        for s in (-1, 1)
        for k in range(3)
    ]
    slats += [
        box((0.02, y, 0.02), 0.002, 0.5, (a * (x / 2 - 0.022), 0, b * (wide / 2 - 0.022)))
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    floor = box((x - 0.01, 0.012, wide - 0.01), 0.002, 0.5, (0, -y / 2 + 0.008, 0))
    finish = wood(pick(rng, (0.74, 0.57, 0.38), (0.6, 0.45, 0.3))) if rng.random() < 0.6 else plastic(any_color(rng))
    return Made([(finish, [*slats, floor])], (0, 0, 0), 0.2)


def shopping_bag(rng: np.random.Generator) -> Made:
    """Paper or cloth carrier, 32 cm wide and 38 cm high, with loops; hangs from its handle (along z)."""
    high, wide, deep, loop = 0.38, 0.30, 0.12, 0.16
    v, n, f, uv = box((deep, high, wide), 0.01, 0.3, (0, -loop - high / 2, 0))
    pinch = np.clip((v[:, 1] + loop + 0.3) / 0.3, 0, 1)
    v = v * np.stack([1 - 0.55 * pinch, 1 + 0 * pinch, 1 - 0.06 * pinch], 1)
    loops = [
        tube(
            bent(
                [
                    (s * 0.02, -loop - 0.03, -0.07),
                    (s * 0.004, 0.0, -0.045),
                    (s * 0.004, 0.0, 0.045),
                    (s * 0.02, -loop - 0.03, 0.07),
                ],
                5,
                0.05,
            ),
            0.005,
            6,
        )
        for s in (-1, 1)
    ]
    paper = plain("card", pick(rng, (0.72, 0.56, 0.38), (0.92, 0.91, 0.88)))
    skin = cloth(any_color(rng)) if rng.random() < 0.6 else paper
    return Made([(skin, [(v, n, f, uv), *loops])], (0, 0, 0), 0.008)


def handbag(rng: np.random.Generator) -> Made:
    """Gym or shoulder bag carried by its handles: 45 cm long, 24 cm high; hangs from its handle (along z)."""
    long, high, drop = float(rng.uniform(0.36, 0.5)), float(rng.uniform(0.2, 0.26)), 0.12
    turn = np.linspace(0, 1, 9)
    round_ = [
        (0.0, -long / 2),
        *[(high / 2 * min(1.0, 0.9 + 0.1 * np.sin(np.pi * t)), long * (t - 0.5) * 0.96) for t in turn],
        (0.0, long / 2),
    ]
    body = moved(stretched(turned(round_, 20, 0.3), (0.78, 1, 1)), (0, -drop - high / 2, 0), (90, 0, 0))
    loops = [
        tube(
            bent(
                [
                    (s * 0.06, -drop - 0.06, -0.1),
                    (s * 0.008, 0, -0.06),
                    (s * 0.008, 0, 0.06),
                    (s * 0.06, -drop - 0.06, 0.1),
                ],
                5,
                0.05,
            ),
            0.007,
            6,
            flatten=0.6,
        )
        for s in (-1, 1)
    ]
    color = any_color(rng)
    skin = leather(color) if rng.random() < 0.4 else cloth(color)
    return Made([(skin, [body]), (rubber(pick(rng, (0.12, 0.12, 0.12), (0.3, 0.22, 0.15))), loops)], (0, 0, 0), 0.009)


def suitcase(rng: np.random.Generator) -> Made:
    """Trolley 55 by 38 by 23 cm (cabin) to 70 cm (checked), on wheels; stands on the floor."""
    high = float(rng.uniform(0.5, 0.68))
    deep, wide, r = 0.2 + 0.08 * (high - 0.5), 0.3 + 0.55 * (high - 0.4), 0.025
    shell = box((deep, high, wide), 0.03, 0.4, (0, high / 2 + 0.05, 0))
    ribs = [
        box((deep + 0.006, high * 0.86, 0.012), 0.004, 0.4, (0, high / 2 + 0.05, z))
        for z in np.linspace(-0.36, 0.36, 5) * wide
    ]
    wheels = [
        moved(cylinder(r, 0.018, 0.004, 14), (a * (deep / 2 - 0.03), r, b * (wide / 2 - 0.04) - 0.009), (90, 0, 0))
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    forks = [
        box((0.026, 0.045, 0.03), 0.004, 0.4, (a * (deep / 2 - 0.03), 0.045, b * (wide / 2 - 0.04)))
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    up, rise = high + 0.05, float(rng.choice([0.02, 0.38]))
    rods = tube(
        bent(
            [
                (-deep / 2 + 0.03, up - 0.05, -0.075),
                (-deep / 2 + 0.03, up + rise, -0.075),
                (-deep / 2 + 0.03, up + rise, 0.075),
                (-deep / 2 + 0.03, up - 0.05, 0.075),
            ],
            4,
            0.025,
        ),
        0.008,
        8,
    )
    return Made(
        [(lacquer(any_color(rng, 0.8), 1, 0.45), [shell, *ribs]), (rubber(), [*wheels, *forks, rods])],
        (-deep / 2 + 0.03, up + rise, 0),
        0.01,
    )


KINDS = {
    "bottle": bottle,
    "cup": cup,
    "phone": phone,
    "book": book,
    "carton": carton,
    "crate": crate,
    "shopping_bag": shopping_bag,
    "handbag": handbag,
    "suitcase": suitcase,
}
