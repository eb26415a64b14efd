"""Procedural light: skies by time of day, flood-lit night, and rooms by their lamps and windows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from scenes.environment import directions

if TYPE_CHECKING:
    from scenes.light import LightSpec

HEIGHT = 64
COLUMNS = 512


@dataclass(frozen=True, slots=True)
class Rig:
    """A kind of procedural light.

    Attributes:
        outdoor: whether it belongs under the open sky.
        lamp: whether one direction is lit by a sun or key lamp.
        elevation_deg: of that lamp; None for the range of the config.
        warmth: of that lamp, -1 bluish to 1 orange; None for the range of the config.
        ratio: lamp against ambient light; None for the range of the config.
    """

    outdoor: bool
    lamp: bool
    elevation_deg: tuple[float, float] | None = None
    warmth: tuple[float, float] | None = None
    ratio: tuple[float, float] | None = None


RIGS = {
    "sky": Rig(True, True),
    "overcast": Rig(True, False),
    "dawn": Rig(True, True, (4.0, 16.0), (0.4, 1.0), (0.6, 2.2)),
    "noon": Rig(True, True, (52.0, 82.0), (-0.1, 0.15), (1.8, 4.5)),
    "dusk": Rig(True, True, (3.0, 12.0), (0.6, 1.0), (0.2, 1.2)),
    "night": Rig(True, True, (28.0, 60.0), (-0.1, 0.3), (1.2, 3.5)),
    "studio": Rig(False, True),
    "window": Rig(False, True, (12.0, 35.0), (-0.15, 0.3), (0.4, 1.6)),
    "hall": Rig(False, True, (70.0, 88.0), (-0.1, 0.25), (0.15, 0.5)),
    "mixed": Rig(False, True, (20.0, 60.0), (0.2, 0.9), (0.3, 1.0)),
}
"""Kinds of procedural light; photographed environments are the kind hdri."""


def tint(warmth: float) -> np.ndarray:
    """Colour of a lamp or sun, (3,)."""
    return np.array([1.0 + 0.18 * warmth, 1.0, 1.0 - 0.3 * warmth])


def lamp(spec: "LightSpec") -> tuple[np.ndarray, np.ndarray]:
    """Direction and colour of the procedural sun or key light."""
    azimuth = spec.yaw_columns / COLUMNS * 2 * np.pi
    elevation = np.radians(spec.sun_elevation_deg)
    direction = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(elevation), np.sin(azimuth) * np.cos(elevation)])
    return direction, tint(spec.warmth)


def procedural(spec: "LightSpec") -> np.ndarray:
    """(HEIGHT, 2 HEIGHT, 3) float32 radiance of a rig, without its sun's disc."""
    rng = np.random.default_rng(spec.seed)
    up = directions(HEIGHT)[..., 1]
    ground = rng.uniform(0.12, 0.4) * rng.uniform([0.9, 0.9, 0.75], [1.1, 1.0, 1.0])
    if spec.kind == "studio":
        return _studio(spec, rng, ground)
    if not RIGS[spec.kind].outdoor:
        return _room(spec, rng)
    sky = {"overcast": _overcast, "night": _night}.get(spec.kind, _clear)(spec, rng, up)
    edge = np.clip(up * 12.0 + 0.5, 0, 1)[..., None]
    return (ground * (1 - edge) + sky * edge).astype(np.float32)


def _clear(spec: "LightSpec", rng: np.random.Generator, up: np.ndarray) -> np.ndarray:
    """Blue above, haze below; a low sun reddens the horizon on its side."""
    direction, color = lamp(spec)
    toward = directions(HEIGHT) @ direction
    low = float(np.clip(1.0 - spec.sun_elevation_deg / 18.0, 0.0, 1.0)) if spec.kind in ("dawn", "dusk") else 0.0
    blue, haze = np.array([0.55, 0.72, 1.0]), np.array([0.95, 0.97, 1.0])
    glow = np.array([1.15, 0.86, 0.62]) if spec.kind == "dusk" else np.array([1.1, 0.92, 0.78])
    depth = np.clip(up, 0, 1)[..., None] ** rng.uniform(0.35, 0.7)
    band = (
        low * np.exp(-np.abs(up) * 6.0)[..., None] * (0.15 + 0.85 * np.clip(0.5 + 0.5 * toward, 0, 1)[..., None] ** 2)
    )
    base = haze * (1 - depth) + blue * depth * rng.uniform(0.6, 0.9)
    sky = base * (1 - band) * (1 - 0.35 * low) + (1.3 + 2.2 * low) * glow * band
    sky = sky + 1.2 * np.maximum(toward, 0)[..., None] ** 24 * color
    clouds = cv2.resize(rng.random((8, 16, 1)).astype(np.float32), (2 * HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return sky + rng.uniform(0, 0.6) * np.clip(clouds - 0.55, 0, 1)[..., None]


def _overcast(spec: "LightSpec", rng: np.random.Generator, up: np.ndarray) -> np.ndarray:
    """The CIE standard overcast sky, a little brighter where the sun is."""
    toward = directions(HEIGHT) @ lamp(spec)[0]
    sky = ((1 + 2 * np.clip(up, 0, 1)) / 3)[..., None] * rng.uniform([0.95, 0.97, 0.97], [1.0, 1.0, 1.03])
    return sky + 0.25 * np.maximum(toward, 0)[..., None] ** 3


def _night(spec: "LightSpec", rng: np.random.Generator, up: np.ndarray) -> np.ndarray:
    """A dark sky, a glow over the horizon, and two to four masts of floodlights."""
    d = directions(HEIGHT)
    sky = np.array([0.035, 0.04, 0.05]) + 0.09 * np.exp(-np.clip(up, 0, 1) * 7)[..., None] * np.array([1.1, 0.95, 0.8])
    key, color = lamp(spec)
    spill = np.zeros_like(d)
    for k in range(int(rng.integers(1, 4))):
        turn = 2 * np.pi * (k + 1) / 4 + rng.uniform(-0.3, 0.3)
        c, s = np.cos(turn), np.sin(turn)
        axis = np.array([c * key[0] - s * key[2], key[1], s * key[0] + c * key[2]])
        spill += rng.uniform(3.0, 7.0) * np.clip((d @ axis - np.cos(np.radians(4))) * 400, 0, 1)[..., None] * color
    return sky + spill


def _room(spec: "LightSpec", rng: np.random.Generator) -> np.ndarray:
    """A box of grey walls with a bright window on one side, rows of tubes above, or both."""
    d = directions(HEIGHT)
    wall = rng.uniform(0.25, 0.5) * rng.uniform([0.97, 0.95, 0.86], [1.06, 1.0, 0.98])
    floor = rng.uniform(0.12, 0.3) * rng.uniform([1.0, 0.9, 0.75], [1.15, 1.0, 0.95])
    up = d[..., 1:2]
    room = np.where(up < -0.15, floor, np.where(up > 0.55, 1.15 * wall, wall * (0.9 + 0.2 * up)))
    key, color = lamp(spec)
    if spec.kind in ("window", "mixed"):
        side = np.array([key[0], 0.25, key[2]]) / np.linalg.norm([key[0], 0.25, key[2]])
        half = np.radians(rng.uniform(20, 38))
        pane = np.clip((d @ side - np.cos(half)) * 10.0 + 0.5, 0, 1)[..., None]
        cool = tint(-0.12) if spec.kind == "mixed" else color
        room = room + rng.uniform(1.2, 2.8) * pane * cool
    if spec.kind in ("hall", "mixed"):
        height = np.maximum(up[..., 0], 0.05)
        across = d[..., 0] / height * np.cos(spec.seed % 7) + d[..., 2] / height * np.sin(spec.seed % 7)
        rows = (np.abs(np.mod(across * rng.uniform(0.8, 1.6), 1.0) - 0.5) < 0.12) & (up[..., 0] > 0.35)
        room = room + rng.uniform(1.5, 3.5) * rows[..., None] * (color if spec.kind == "mixed" else tint(0.05))
    return room.astype(np.float32)


def _studio(spec: "LightSpec", rng: np.random.Generator, ground: np.ndarray) -> np.ndarray:
    """Grey walls, brighter above, with a few soft boxes around the set."""
    d = directions(HEIGHT)
    room = np.full(d.shape, rng.uniform(0.25, 0.6)) * (0.75 + 0.25 * d[..., 1:2])
    room = np.where(d[..., 1:2] < -0.1, ground, room)
    key = lamp(spec)[0]
    turns = np.radians(rng.uniform([110, 150], [170, 230])) * rng.choice([-1, 1])
    lamps = [(key, 2.5)]
    for turn in turns:
        c, s = np.cos(turn), np.sin(turn)
        axis = np.array([c * key[0] - s * key[2], rng.uniform(0.1, 0.6), s * key[0] + c * key[2]])
        lamps.append((axis, rng.uniform(0.6, 2)))
    for axis, strength in lamps:
        axis = axis / np.linalg.norm(axis)
        half = np.radians(rng.uniform(12, 26))
        soft = np.clip((d @ axis - np.cos(half)) * 12.0 + 0.5, 0, 1)[..., None]
        room = room + soft * strength * tint(spec.warmth * 0.5)
    return room.astype(np.float32)
