"""How a person's column rests: what age and pathology bend, on the skeleton seated in the body.

The mesh is not modelled anew. Its rig keeps the straight rest in which it was fitted and dressed, and the skeleton
given to OpenSim rests bent; so skin, clothes and labels follow the bones to the new rest as they do in any pose.
"""

from dataclasses import dataclass, replace

import numpy as np

from biomech.cobb import cobb_angle
from biomech.curvature import with_rest
from biomech.geometry import SkeletonGeometry
from biomech.pathology import Pathology, measured, rest_change
from biomech.profiles import ageing_starts, posture_age, posture_change
from scenes.body import BodyAsset, shape_coefficients, solve_stature
from scenes.column import seat_column
from scenes.rig import rig_weights
from scenes.subject import Subject, phenotype_age

RIBS, RIBS_WIDEST = 3.0, 4.0
"""How far ribs tie the flanks together in a spine that is bent sideways, see rig.rig_weights: a slice of skin for each
vertebra would fold on the concave side, where the slices meet."""

YOUNG = 30.0
"""Age of the body that an old one is compared with, years."""


@dataclass(frozen=True, slots=True, eq=False)
class Bent:
    """A subject at his own rest.

    Attributes:
        subject: with the skeleton that rests as he does.
        measured: the severity that this skeleton shows, in the unit of the pathology; None without one.
    """

    subject: Subject
    measured: float | None = None


def bend(asset: BodyAsset, subject: Subject, profile: str, pathology: Pathology | None) -> Bent:
    """The subject with the curvature of his age (as his profile has it) and of his pathology."""
    geometry = _aged(asset, subject, profile)
    rig, found = subject.rig, None
    if pathology is not None:
        before = geometry
        geometry = with_rest(before, rest_change(pathology, before))
        found = measured(pathology, geometry, before)
        if pathology.side:
            weights = rig_weights(asset, subject.vertices, subject.column, sideways=RIBS, widest=RIBS_WIDEST)
            rig = replace(rig, weights=weights)
    return Bent(replace(subject, geometry=geometry, rig=rig), found)


def _aged(asset: BodyAsset, subject: Subject, profile: str) -> SkeletonGeometry:
    age = posture_age(subject.spec.age, profile)
    if age <= ageing_starts():
        return subject.geometry
    own = _kyphosis(subject.column.world_from_vertebra) - _young_kyphosis(asset, subject)
    change = posture_change(subject.geometry, age, own)
    return with_rest(subject.geometry, change) if change.changes else subject.geometry


def _young_kyphosis(asset: BodyAsset, subject: Subject) -> float:
    """Kyphosis of the same person's column at YOUNG, rad."""
    young = replace(subject.phenotype, age=phenotype_age(min(YOUNG, subject.spec.age)))
    phenotype = solve_stature(asset, young, subject.spec.stature)
    coefficients = shape_coefficients(asset, phenotype)
    vertices, heads = asset.rest_vertices(coefficients), asset.rest_bone_heads(coefficients)
    return _kyphosis(seat_column(asset, vertices, heads, phenotype.weight).world_from_vertebra)


def _kyphosis(world_from_vertebra: np.ndarray) -> float:
    return float(cobb_angle(world_from_vertebra, "T4", "T12", "sagittal"))
