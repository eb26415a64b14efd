"""Tools: steering wheel, paint roller, drill, hammer. y up, handles along y."""

import numpy as np

from scenes.objects.finishes import any_color, cloth, leather, metal, pick, plastic, rubber
from scenes.objects.shapes import bent, box, cylinder, merge, moved, ring, stretched, tube, turned
from scenes.objects.solid import Made


def steering_wheel(rng: np.random.Generator) -> Made:
    """37 cm across, rim 30 mm (car catalogue); about its middle in the y-z plane, facing the driver at -x."""
    rim = ring(0.17, 0.015, 36, 8, "yz")
    spokes = [
        tube(
            [(0.02, 0.04 * np.sin(a), 0.04 * np.cos(a)), (0.008, 0.165 * np.sin(a), 0.165 * np.cos(a))],
            [0.016, 0.011],
            8,
            flatten=0.6,
        )
        for a in np.radians((0, 180, 270))
    ]
    hub = moved(
        stretched(turned([(0, 0), (0.07, 0.0), (0.078, 0.012), (0.06, 0.03), (0, 0.036)], 20), (1, 1, 1)),
        (0.03, 0, 0),
        (0, 0, 90),
    )
    column = tube([(0.03, 0, 0), (0.12, -0.01, 0), (0.2, -0.025, 0)], 0.03, 10)
    skin = leather(pick(rng, (0.12, 0.12, 0.13), (0.25, 0.2, 0.16)))
    return Made([(skin, [rim]), (plastic((0.14, 0.14, 0.15)), [*spokes, hub, column])], (0, 0, 0), 0.015)


def paint_roller(rng: np.random.Generator) -> Made:
    """Roller 25 cm wide on a wire, 40 cm with its handle (catalogue)."""
    grip = tube([(0, y, 0) for y in np.linspace(-0.06, 0.08, 7)], [0.014, 0.017, 0.016, 0.015, 0.0155, 0.014, 0.01], 10)
    wire = tube(
        bent([(0, 0.07, 0), (0, 0.16, 0), (0, 0.18, -0.145), (0, 0.29, -0.145), (0, 0.29, 0.10)], 4, 0.03), 0.0035, 6
    )
    nap = moved(cylinder(0.026, 0.25, 0.006, 16, 0.1), (0, 0.29, -0.13), (90, 0, 0))
    return Made(
        [
            (plastic(any_color(rng, 0.9)), [grip]),
            (metal(), [wire]),
            (cloth(pick(rng, (0.92, 0.91, 0.88), (0.85, 0.7, 0.3))), [nap]),
        ],
        handle=0.016,
    )


def drill(rng: np.random.Generator) -> Made:
    """Cordless drill, 20 cm long and 21 cm high (catalogue); its handle along y, the bit towards +x."""
    handle = tube([(0, y, 0) for y in np.linspace(-0.07, 0.05, 6)], 0.018, 10, flatten=1.25)
    body = moved(
        turned([(0, 0), (0.026, 0), (0.031, 0.01), (0.031, 0.11), (0.026, 0.125), (0, 0.125)], 16),
        (-0.055, 0.075, 0),
        (0, 0, -90),
    )
    battery = box((0.11, 0.05, 0.07), 0.008, 0.2, (0.015, -0.09, 0))
    chuck = moved(
        turned([(0, 0), (0.021, 0), (0.021, 0.025), (0.012, 0.045), (0.003, 0.047), (0.003, 0.1), (0, 0.102)], 14),
        (0.07, 0.075, 0),
        (0, 0, -90),
    )
    color = pick(rng, (0.85, 0.65, 0.1), (0.1, 0.4, 0.45), (0.7, 0.15, 0.12), (0.12, 0.3, 0.2))
    return Made(
        [(plastic(color), [body]), (rubber(), [merge([handle, battery])]), (metal((0.4, 0.4, 0.42)), [chuck])],
        handle=0.02,
    )


def hammer(rng: np.random.Generator) -> Made:
    """Claw hammer 33 cm long, head 13 cm (catalogue)."""
    shaft = tube(
        [(0, y, 0) for y in np.linspace(-0.06, 0.24, 9)],
        [0.017, 0.0165, 0.0155, 0.014, 0.012, 0.011, 0.011, 0.011, 0.011],
        10,
        flatten=0.75,
    )
    face = moved(cylinder(0.014, 0.05, 0.003, 14), (0.012, 0.235, 0), (0, 0, -90))
    claw = tube(
        [(0.012, 0.235, 0), (-0.03, 0.238, 0), (-0.06, 0.225, 0), (-0.075, 0.205, 0)], [0.013, 0.012, 0.009, 0.004], 8
    )
    grip = rubber(pick(rng, (0.1, 0.1, 0.1), (0.7, 0.5, 0.1), (0.15, 0.25, 0.5)))
    return Made([(grip, [shaft]), (metal((0.6, 0.6, 0.62), 1), [face, claw])], handle=0.0165)


KINDS = {"steering_wheel": steering_wheel, "paint_roller": paint_roller, "drill": drill, "hammer": hammer}
