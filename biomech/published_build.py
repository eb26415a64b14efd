"""Our own model for one person, to be published: scaled, with his ranges and the posture of his age."""

from __future__ import annotations

from biomech.curvature import with_rest
from biomech.errors import ModelError
from biomech.geometry import default_geometry
from biomech.model import SpineModel, build_model
from biomech.profiles import limits_for, posture_age, posture_change, profiles


def build_person(stature: float, sex: str, age: float, profile: str = "auto") -> SpineModel:
    """The average skeleton of this stature, sex and age with the limits of a profile, opened once in OpenSim.

    Raises:
        ModelError: stature, sex, age or profile that nobody has.
    """
    if profile not in profiles():
        raise ModelError(f"profile {profile!r} given; known ones are {', '.join(profiles())}")
    limits = limits_for(sex, age, profile)
    geometry = default_geometry(stature, sex, age)
    geometry = with_rest(geometry, posture_change(geometry, posture_age(age, profile)))
    return build_model(geometry, limits, name=f"synthgen_{sex}{age:.0f}_{round(100 * stature)}cm")
