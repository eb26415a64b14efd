"""Everyday and sport objects as meshes: one file per family, each kind in a few variants.

`make(kind, variant)` builds one, and remembers it: the same pair is the same mesh, material and texture. Frames: y up,
x the object's front, metres; what stands stands on y = 0; what is held has its grip (see Solid). Sizes come from the
rules of the sport or from catalogues, as each builder says; scenes/data/objects.csv holds their bounds.
"""

import zlib
from functools import lru_cache

import numpy as np

from biomech.errors import SynthgenError
from scenes.objects import balls, furniture, goods, plants, sticks, street, tools, weights
from scenes.objects.solid import Made, Solid, finish, parts_of, probes_of

__all__ = [
    "FAMILIES",
    "KINDS",
    "VARIANTS",
    "Solid",
    "UnknownObjectError",
    "make",
    "parts_of",
    "probes_of",
    "seat_solid",
]

_MODULES = (weights, balls, sticks, goods, tools, furniture, street, plants)
FAMILIES = {module.__name__.rpartition(".")[2]: tuple(module.KINDS) for module in _MODULES}
_BUILDERS = {kind: builder for module in _MODULES for kind, builder in module.KINDS.items()}
KINDS = tuple(_BUILDERS)

VARIANTS = 6
"""Variants of each kind: enough to differ, few enough to stay on the graphics card."""


class UnknownObjectError(SynthgenError):
    """An object is asked for that there is no builder for."""


@lru_cache(maxsize=512)
def make(kind: str, variant: int) -> Solid:
    """The object `kind` in one of its VARIANTS.

    Raises:
        UnknownObjectError: no such kind, or no such variant.
    """
    if kind not in _BUILDERS:
        raise UnknownObjectError(f"object {kind!r} is not known; choose one of {', '.join(KINDS)}")
    if not 0 <= variant < VARIANTS:
        raise UnknownObjectError(f"object {kind!r} has no variant {variant}; choose one of 0 to {VARIANTS - 1}")
    made: Made = _BUILDERS[kind](np.random.default_rng([zlib.crc32(kind.encode()), variant]))
    return finish(kind, variant, made)


@lru_cache(maxsize=64)
def seat_solid(kind: str, height: float, depth: float, width: float, variant: int) -> Solid:
    """A seat of `furniture.SEATS` made to measure, see `furniture.seat`."""
    if kind not in furniture.SEATS:
        raise UnknownObjectError(f"seat {kind!r} is not known; choose one of {', '.join(furniture.SEATS)}")
    rng = np.random.default_rng([zlib.crc32(kind.encode()), variant, 1])
    return finish(kind, variant, furniture.seat(kind, height, depth, width, rng))
