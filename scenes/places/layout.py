"""What a place is: surfaces, a shell that is always drawn, and props that may be left out. Plain data, no light.

Place coordinates: x and z level with the middle of the free floor at the origin, y up, floor at 0, metres.
"""

from dataclasses import dataclass

import numpy as np

from scenes.patterns import TILE_METRES, pattern, rgb
from scenes.places.shapes import Piece
from scenes.renderer import Material

LINE_Y = 0.0025
"""Height, m, of painted lines over the floor: seen from 60 m it still wins the depth test."""

PATCH_Y = 0.0012
"""Height, m, of mats and painted areas, under the lines."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A material and how many metres one tile of its texture covers."""

    material: Material
    metres: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Prop:
    """Something that stands in a place.

    Attributes:
        pieces: (name of a surface, mesh) pairs, place coordinates.
        low, high: (3,) m, bounds.
        solid: whether it darkens the floor beneath and throws a shadow in the sun.
    """

    pieces: tuple[tuple[str, Piece], ...]
    low: np.ndarray
    high: np.ndarray
    solid: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place of one kind, variant and size.

    Attributes:
        free: (2,) m, half extents in x and z that people and cameras may use.
        spot: (2,) m, where people like to be.
        top: ceiling, m; infinite outdoors.
        surfaces: by name; "floor" is what people stand on.
        shell: (surface, mesh) pairs always drawn, the near and small ones first.
        props: what may be left out.
        grounds: (surface, low x, low z, high x, high z) rectangles that lie on the floor where props may stand, the
            lower first.
    """

    free: np.ndarray
    spot: np.ndarray
    top: float
    surfaces: dict[str, Surface]
    shell: tuple[tuple[str, Piece], ...]
    props: tuple[Prop, ...]
    grounds: tuple[tuple[str, float, float, float, float], ...] = ()

    @property
    def outdoor(self) -> bool:
        """Whether the sky is seen."""
        return not np.isfinite(self.top)


def prop(*pieces: tuple[str, Piece], solid: bool = True) -> Prop:
    """A prop from its pieces."""
    vertices = np.concatenate([mesh[0] for _, mesh in pieces])
    return Prop(pieces, vertices.min(0), vertices.max(0), solid)


def surface(
    name: str, seed: int = 0, color=(1.0, 1.0, 1.0), roughness: float = 0.8, specular: float = 0.03,
    metres: float | None = None, **flags,
) -> Surface:  # fmt: skip
    """A surface of a scenes.patterns texture; "" for a plain colour. `flags` are those of Material."""
    if not name:
        return Surface(Material(rgb(color), None, roughness, specular, **flags))
    texture = pattern(name, seed)
    return Surface(Material(rgb(color), texture, roughness, specular, **flags), metres or TILE_METRES[name])


_HUES = (0.05, 0.45, 0.6, 0.8, 1.0, 2.2, 3.3, 3.6, 3.9, 4.1)  # what walls, mats and cars come in; 6 is once around


def tone(rng: np.random.Generator, low: float, high: float, saturation: float = 0.15) -> tuple[float, float, float]:
    """An sRGB colour: half of the time a near grey, else up to `saturation` of a common hue."""
    hue, value = _HUES[int(rng.integers(len(_HUES)))] + rng.normal(0, 0.12), rng.uniform(low, high)
    strength = saturation * (rng.uniform(0.3, 1.0) if rng.random() < 0.55 else 0.15)
    wheel = np.clip(np.abs((hue + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return rgb(np.clip(value * (1 - strength * (1 - wheel)), 0.03, 1.0))


def pick(rng: np.random.Generator) -> int:
    """A texture's variant: few, so that a worker's cache keeps them all."""
    return int(rng.integers(3))
