"""Group 3: curvature that was asked for, as a pathology, beside what the vertebra frames of the person show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.plausibility.evidence import Asked


@dataclass(frozen=True, slots=True)
class Deformity:
    """Asked and found over the people with one kind of pathology."""

    kind: str
    unit: str
    people: int
    least: float  # asked
    most: float  # asked
    mean_error: float  # of the sizes
    worst_error: float  # found less asked, signed
    subject: int  # of the worst error
    asked: float  # of that subject
    found: float  # of that subject


def deformities(asked: tuple[Asked, ...]) -> tuple[Deformity, ...]:
    """One row per kind, by name."""
    rows = []
    for kind in sorted({each.kind for each in asked}):
        some = [each for each in asked if each.kind == kind]
        wanted = np.array([each.asked for each in some])
        errors = np.array([each.found for each in some]) - wanted
        worst = int(np.argmax(np.abs(errors)))
        rows.append(
            Deformity(
                kind, some[0].unit, len(some), float(wanted.min()), float(wanted.max()), float(np.abs(errors).mean()),
                float(errors[worst]), some[worst].subject, some[worst].asked, some[worst].found,
            )
        )  # fmt: skip
    return tuple(rows)
