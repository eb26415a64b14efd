"""Places people are pictured in, put together procedurally: a file per kind, one `build(size, rng) -> Place` each.

gym, clinic and court_hall have walls; field, track, court and street lie under the sky. `fit.build_place` turns a
place to the people and cameras of a picture, leaves out what would hide people, and makes mesh parts of it.
"""

from scenes.places.fit import BUILDERS, INDOOR, OUTDOOR, build_place
from scenes.places.layout import Place, Prop, Surface

__all__ = ["BUILDERS", "INDOOR", "OUTDOOR", "Place", "Prop", "Surface", "build_place"]
