"""Chairs, stools and benches under people who sit: made to the height, depth and width the pose asks for."""

from collections.abc import Sequence

import numpy as np

from scenes.held import flesh_of
from scenes.objects import VARIANTS, parts_of, probes_of, seat_solid
from scenes.objects.furniture import SEATS
from scenes.props import placed
from scenes.renderer import MeshPart
from scenes.rig import PARTS

SEAT_ID = 100
"""Instance ids of seats begin here."""

_STEP = 0.02  # m: meshes are made in steps and stretched to measure, so that few are made


def draw_seat_object(rng: np.random.Generator, height: float) -> tuple[str, int]:
    """A kind and variant that suit the height, m."""
    if height < 0.3:
        fitting: tuple[str, ...] = ("ottoman", "stool", "bench")
    elif height > 0.56:
        fitting = ("bar_stool", "stool", "bench")
    else:
        fitting = ("chair", "chair", "office_chair", "stool", "bench", "ottoman")
    return fitting[int(rng.integers(len(fitting)))], int(rng.integers(VARIANTS))


def build_seat_object(
    kind: str,
    height: float,
    depth: float,
    width: float,
    x: float,
    z: float,
    yaw: float,
    variant: int = 0,
    instance_id: int = SEAT_ID,
    key: str = "seat",
    body: Sequence[MeshPart] = (),
) -> tuple[MeshPart, ...]:
    """A seat whose flat top lies where that of a box would: at `height` m, depth by width m about (x, z), front to
    body-forward at `yaw`.

    Args:
        kind: one of furniture.SEATS. Where its back would pass through the sitter's `body` it is a stool.
    """
    made = [max(_STEP, round(v / _STEP) * _STEP) for v in (height, depth, width)]
    scale = (depth / made[1], height / made[0], width / made[2])
    place = placed(x, z, yaw)
    solid = seat_solid(kind, *(round(v, 4) for v in made), variant)
    if body and kind in ("chair", "office_chair"):
        probes = probes_of(solid)
        probes = probes[probes[:, 1] > made[0] + 0.02]
        if len(probes):
            world = (probes * scale) @ place[:3, :3].T + place[:3, 3]
            flesh = flesh_of(body, PARTS[1:])
            if flesh is not None and flesh.depth(world) > 0.008:
                return build_seat_object("stool", height, depth, width, x, z, yaw, variant, instance_id, key)
    name = f"{key}/{made[0]:.2f}-{made[1]:.2f}-{made[2]:.2f}"
    return parts_of(solid, place, instance_id, scale, name)


__all__ = ["SEATS", "build_seat_object", "draw_seat_object"]
