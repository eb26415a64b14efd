"""One person: phenotype -> rest mesh, seated skeleton, rig and the geometry of his OpenSim model."""

from dataclasses import dataclass, field

import numpy as np

from biomech.geometry import SkeletonGeometry
from scenes.asymmetry import Asymmetry, make_uneven
from scenes.bmi import solve_body
from scenes.body import BodyAsset, Phenotype, shape_coefficients, solve_stature, stature
from scenes.column import Column, body_triangles, seat_column
from scenes.rig import Rig, build_rig
from scenes.skeleton import SeatedSkeleton, body_mass, seat_skeleton, skeleton_geometry


@dataclass(frozen=True, slots=True)
class SubjectSpec:
    """Who a person is, as plain data.

    Attributes:
        sex: "m" or "f".
        age: years.
        stature: m, of the bare body.
        muscle, weight, proportions, cupsize, firmness: MakeHuman's parameters in [0, 1].
        african, asian, caucasian: mixture of face and body features, summing to one.
        bmi: kg/m2, which weight is solved for, see scenes.bmi; 0 where `weight` itself is meant.
        asymmetry: between right and left.
    """

    sex: str
    age: float
    stature: float
    muscle: float
    weight: float
    proportions: float
    cupsize: float
    firmness: float
    african: float
    asian: float
    caucasian: float
    bmi: float = 0.0
    asymmetry: Asymmetry = field(default_factory=Asymmetry)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A person ready to be dressed and posed.

    Attributes:
        phenotype: MakeHuman's parameters, solved for stature and mass.
        vertices: (V, 3) rest vertices of the base mesh, m.
        bone_heads: (B, 3) rest heads of the mesh's own bones, m.
        stature: m, mass: kg (from the volume of the mesh).
        eyes: centres of the eyeballs, "left" and "right", (3,) m.
    """

    spec: SubjectSpec
    phenotype: Phenotype
    vertices: np.ndarray
    bone_heads: np.ndarray
    column: Column
    skeleton: SeatedSkeleton
    rig: Rig
    geometry: SkeletonGeometry
    stature: float
    mass: float
    eyes: dict[str, np.ndarray]


def phenotype_age(years: float) -> float:
    """Years -> MakeHuman's age parameter.

    Childhood follows Anny's WHO calibration; adult years are spread so that the old shape (1.0) is reached at 90.
    """
    known = [1, 4, 11, 16, 20, 30, 60, 80, 90]
    return float(np.interp(years, known, [0.05, 0.215, 0.415, 0.62, 0.67, 0.70, 0.83, 0.95, 1.0]))


def phenotype_of(spec: SubjectSpec) -> Phenotype:
    """MakeHuman's parameters of a person, before stature and mass are solved for."""
    return Phenotype(
        sex=1.0 if spec.sex == "f" else 0.0,
        age=phenotype_age(spec.age),
        muscle=spec.muscle,
        weight=spec.weight,
        proportions=spec.proportions,
        cupsize=spec.cupsize,
        firmness=spec.firmness,
        african=spec.african,
        asian=spec.asian,
        caucasian=spec.caucasian,
    )


def solve_phenotype(asset: BodyAsset, spec: SubjectSpec) -> Phenotype:
    """MakeHuman's parameters of a person of his stature and, where it is given, of his body mass index."""
    if spec.bmi:
        return solve_body(asset, phenotype_of(spec), spec.stature, spec.bmi)
    return solve_stature(asset, phenotype_of(spec), spec.stature)


def build_subject(asset: BodyAsset, spec: SubjectSpec) -> Subject:
    """Mesh, column, skeleton and rig of a person."""
    phenotype = solve_phenotype(asset, spec)
    coefficients = shape_coefficients(asset, phenotype)
    vertices, heads = asset.rest_vertices(coefficients), asset.rest_bone_heads(coefficients)
    vertices, heads = make_uneven(asset, vertices, heads, spec.asymmetry)
    column = seat_column(asset, vertices, heads, phenotype.weight)
    skeleton = seat_skeleton(asset, vertices, heads, column)
    rig = build_rig(asset, vertices, heads, column, skeleton.rest_world_from_body)
    height, mass = stature(vertices), body_mass(vertices, body_triangles(asset))
    geometry = skeleton_geometry(skeleton, rig.weights, vertices, stature=height, mass=mass, sex=spec.sex, age=spec.age)
    eyes = {"left": heads[asset.bone("eye.L")], "right": heads[asset.bone("eye.R")]}
    return Subject(spec, phenotype, vertices, heads, column, skeleton, rig, geometry, height, mass, eyes)
