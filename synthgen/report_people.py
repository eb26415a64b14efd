"""Who is in a dataset: ages, builds and skin tones of its people, counted once each."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from scenes.tones import lab_of

TONES = {"very light": 55.0, "light": 41.0, "intermediate": 28.0, "tan": 10.0, "brown": -30.0, "dark": -np.inf}
"""Classes of skin by the least of their individual typology angle, degrees (Chardon 1991, Del Bino 2006)."""

AGES = {"5-11": 0.0, "12-17": 12.0, "18-39": 18.0, "40-64": 40.0, "65-90": 65.0}
BUILDS = {"under 18.5": 0.0, "18.5-25": 18.5, "25-30": 25.0, "30-35": 30.0, "35 and more": 35.0}
"""Classes of age, years, and of the body mass index of adults, kg/m2, by their lower edge."""

ADULT = 18.0


def typology_angle(color: tuple[float, float, float]) -> float:
    """Individual typology angle of an sRGB skin colour, degrees: light skin is high, dark skin below zero."""
    lightness, _, yellow = lab_of(color)
    return float(np.degrees(np.arctan2(lightness - 50.0, yellow)))


def tone_of(color: tuple[float, float, float]) -> str:
    """The class in TONES of an sRGB skin colour."""
    angle = typology_angle(color)
    return next(name for name, least in TONES.items() if angle > least)


def people_summary(persons: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Shares of sex, age, build and skin tone, per cent.

    Args:
        persons: one plain PersonSpec (`subject` and `wardrobe`) per person of the dataset.
    """
    met = list(persons)
    if not met:
        return {}
    who = [person["subject"] for person in met]
    ages = [float(one["age"]) for one in who]
    grown = [float(one.get("bmi", 0.0)) for one, age in zip(who, ages, strict=True) if age >= ADULT]
    tones = [tone_of(tuple(person["wardrobe"]["skin_color"])) for person in met]
    found = {
        "sex, %": _shares([str(one["sex"]) for one in who], ("f", "m")),
        "age in years, %": _shares([_class(age, AGES) for age in ages], tuple(AGES)),
        "skin tone, %": _shares(tones, tuple(TONES)),
    }
    weighed = [bmi for bmi in grown if bmi > 0]
    if weighed:
        found["body mass index of adults in kg/m2, %"] = _shares([_class(b, BUILDS) for b in weighed], tuple(BUILDS))
    return found


def _class(value: float, edges: dict[str, float]) -> str:
    return [name for name, low in edges.items() if value >= low][-1]


def _shares(labels: list[str], classes: tuple[str, ...]) -> dict[str, float]:
    return {name: round(100.0 * labels.count(name) / len(labels), 1) for name in classes}
