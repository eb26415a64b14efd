"""What a person's joints and column are like: profile and pathology, drawn from a config and turned into limits."""

import numpy as np

from biomech.limits import Limits
from biomech.pathology import Pathology, changed_limits, draw_pathology
from biomech.profiles import limits_for
from synthgen.config import PeopleConfig
from synthgen.sample_types import Condition
from synthgen.specs import PersonSpec


def draw_profile(config: PeopleConfig, rng: np.random.Generator) -> str:
    """Name of a profile by weight."""
    return _pick(config.profile, rng)


def draw_condition(config: PeopleConfig, rng: np.random.Generator) -> Pathology | None:
    """A pathology for a share of the people, None for the others."""
    if not rng.random() < config.pathology.share:
        return None
    kind = _pick(config.pathology.weights, rng)
    return draw_pathology(kind, float(rng.uniform(*config.pathology.severity)), rng)


def limits_of(person: PersonSpec) -> Limits:
    """The limits that this person's poses are drawn from and judged by."""
    limits = limits_for(person.subject.sex, person.subject.age, person.profile)
    return limits if person.pathology is None else changed_limits(person.pathology, limits)


def condition_of(profile: str, pathology: Pathology | None, shown: float | None) -> Condition:
    """What labels say of a person; `shown` is the severity measured on his skeleton."""
    if pathology is None:
        return Condition(profile)
    return Condition(profile, pathology.kind, pathology.severity, shown)


def _pick(weights: dict[str, float], rng: np.random.Generator) -> str:
    names = sorted(name for name, weight in weights.items() if weight > 0)
    cumulative = np.cumsum([weights[name] for name in names])
    return names[int(np.searchsorted(cumulative / cumulative[-1], rng.random(), side="right"))]
