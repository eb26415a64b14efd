"""Group 3: Cobb-like angles in the sagittal plane, the neutral posture of each person, motion by age and sex.

An angle between two vertebrae is the turn of the upper one in the sagittal plane of the lower one: + lordosis.
S1 is L5 of the neutral pose turned back by the wedge of L5-S1 (anatomy table), fixed to the pelvis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import COORDINATES, SPINE_BODIES, VERTEBRAE, load_anatomy
from biomech.cobb import find_curves
from biomech.geometry import SkeletonGeometry, default_geometry
from biomech.kinematics_numpy import axis_rotation, forward_kinematics_numpy
from biomech.plausibility.evidence import Evidence
from biomech.plausibility.published import Comparison, checks, compare, neutral_norms

CURVES = (
    ("L1_S1", "S1", "L1", 1, "lumbar lordosis"),
    ("T4_T12", "T12", "T4", -1, "thoracic kyphosis"),
    ("T1_T12", "T12", "T1", -1, "whole thoracic kyphosis"),
    ("C2_C7", "C7", "C2", 1, "cervical lordosis"),
)
"""Name, lower and upper vertebra, sign that makes the usual curve positive, what a clinician calls it."""

_REFERENCE_STATURE = 1.75
_CURVED = np.radians(2.0)  # smaller frontal curves are not looked for


@dataclass(frozen=True, slots=True)
class Curve:
    """A Cobb-like angle over the poses, deg; the usual curve of the region is positive."""

    name: str
    meaning: str
    minimum: float
    p1: float
    median: float
    p99: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Neutral:
    """An angle of the neutral standing posture over the people, deg."""

    name: str
    sex: str  # m, f or both
    people: int
    mean: float
    sd: float
    minimum: float
    maximum: float
    value: Comparison  # of the mean
    beyond: int  # people outside the published range


@dataclass(frozen=True, slots=True)
class Profile:
    """The column from the side: centres of L5 to C1 from the hip axis, m, x forward and y up."""

    name: str  # neutral, most flexed, most extended
    where: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Where the vertebrae of each pose are, from its skeleton. B poses."""

    vertebrae: np.ndarray  # (B, 24, 4, 4) m, world_from_vertebra by forward kinematics
    s1: np.ndarray  # (B, 3, 3) world_from_S1, orientation of the endplate
    pelvis: np.ndarray  # (B, 4, 4) m
    assumed: bool  # the average adult stood in for an unknown skeleton


def column_of(q: np.ndarray, evidence: Evidence) -> Column:
    """Forward kinematics of the column for coordinates (B, D)."""
    skeletons = evidence.skeletons or (default_geometry(),)
    of = np.zeros(len(q), dtype=int) if evidence.skeleton_of is None else np.asarray(evidence.skeleton_of)
    frames = np.empty((len(q), 1 + len(VERTEBRAE), 4, 4))
    s1 = np.empty((len(q), 3, 3))
    for k, geometry in enumerate(skeletons):
        rows = np.flatnonzero(of == k)
        if len(rows):
            frames[rows] = forward_kinematics_numpy(geometry, q[rows], ("pelvis", *VERTEBRAE))
            s1[rows] = frames[rows, 0, :3, :3] @ s1_in_pelvis(geometry)
    return Column(frames[:, 1:], s1, frames[:, 0], not evidence.skeletons)


def s1_in_pelvis(geometry: SkeletonGeometry) -> np.ndarray:
    """(3, 3) orientation of the S1 endplate in the pelvis."""
    wedge = np.radians(load_anatomy()["wedge"]["L5_S1"].value)
    l5 = geometry.neutral_frames()[1 + SPINE_BODIES.index("L5"), :3, :3]
    return l5 @ axis_rotation((0.0, 0.0, 1.0), np.array(-wedge))


def sagittal_turn(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """(...) rad: turn of `upper` about the lateral axis of `lower`, both rotations (..., 3, 3)."""
    forward = (np.swapaxes(lower, -1, -2) @ upper)[..., :, 0]
    return np.arctan2(forward[..., 1], forward[..., 0])


def curve_angles(vertebrae: np.ndarray, s1: np.ndarray) -> dict[str, np.ndarray]:
    """Name of CURVES -> (B,) deg, from vertebrae (B, 24, 4, 4) and S1 (B, 3, 3)."""
    at = {name: vertebrae[:, i, :3, :3] for i, name in enumerate(VERTEBRAE)} | {"S1": s1}
    return {name: sign * np.degrees(sagittal_turn(at[low], at[high])) for name, low, high, sign, _ in CURVES}


def curves(column: Column, vertebrae: np.ndarray | None) -> tuple[Curve, ...]:
    """The Cobb-like angles over the poses, from the stored vertebrae where there are any."""
    found = curve_angles(column.vertebrae if vertebrae is None else vertebrae, column.s1)
    meaning = {name: text for name, *_, text in CURVES}
    return tuple(
        Curve(name, meaning[name], *(float(v) for v in np.percentile(deg, (0, 1, 50, 99, 100))))
        for name, deg in found.items()
    )


def neutral_posture(evidence: Evidence) -> tuple[Neutral, ...]:
    """Curvature and pelvis of each person standing straight, beside the norms; empty without skeletons."""
    if not evidence.skeletons:
        return ()
    angles = [_standing(geometry) for geometry in evidence.skeletons]
    sexes = np.array([geometry.sex for geometry in evidence.skeletons])
    norms = {**neutral_norms(), **checks("posture")}
    found = []
    for name in angles[0]:
        values = np.array([each[name] for each in angles])
        for sex in ("both", "f", "m"):
            some = values if sex == "both" else values[sexes == sex]
            if not len(some) or (sex != "both" and len(some) == len(values)):
                continue
            norm = norms[name]
            low, high = (-np.inf if norm.lower is None else norm.lower, np.inf if norm.upper is None else norm.upper)
            found.append(
                Neutral(
                    name, sex, len(some), float(some.mean()), float(some.std()), float(some.min()), float(some.max()),
                    compare(norm, float(some.mean())), int(((some < low) | (some > high)).sum()),
                )
            )  # fmt: skip
    return tuple(found)


def _standing(geometry: SkeletonGeometry) -> dict[str, float]:
    """Angles of one person's neutral posture, deg."""
    frames = geometry.neutral_frames()
    vertebrae = frames[[1 + SPINE_BODIES.index(name) for name in VERTEBRAE]]
    s1 = s1_in_pelvis(geometry)
    found = {name: float(deg[0]) for name, deg in curve_angles(vertebrae[None], s1[None]).items()}
    slope = float(-np.degrees(np.arctan2(s1[1, 0], s1[0, 0])))
    joint = geometry.parent_from_joint[1 + SPINE_BODIES.index("L5")]
    disc = 0.5e-3 * load_anatomy()["disc_height"]["L5_S1"].value * geometry.stature / _REFERENCE_STATURE
    endplate = (frames[1] @ joint)[:3, 3] - disc * s1[:, 1]  # the pelvis frame stands between the hips
    tilt = float(np.degrees(np.arctan2(-endplate[0], endplate[1])))
    t1 = vertebrae[VERTEBRAE.index("T1"), :3, 0]
    return {
        "lumbar_lordosis_L1_S1": found["L1_S1"],
        "thoracic_kyphosis_T1_T12": found["T1_T12"],
        "cervical_lordosis_C2_C7": found["C2_C7"],
        "sacral_slope": slope,
        "pelvic_tilt": tilt,
        "pelvic_incidence": slope + tilt,
        "PI_minus_LL": slope + tilt - found["L1_S1"],
        "frontal_cobb": max(
            (abs(float(np.degrees(c.angle))) for c in find_curves(vertebrae, least=_CURVED)), default=0.0
        ),
        "T1_slope": float(-np.degrees(np.arctan2(t1[1], t1[0]))),
    }


def profiles(column: Column, q: np.ndarray, evidence: Evidence, where: tuple[str, ...]) -> tuple[Profile, ...]:
    """The column from the side: the first person standing, and the poses with most flexion and most extension."""
    geometry = evidence.skeletons[0] if evidence.skeletons else default_geometry()
    neutral = geometry.neutral_frames()[[1 + SPINE_BODIES.index(name) for name in VERTEBRAE], :3, 3]
    found = [Profile("neutral", "the first person" if evidence.skeletons else "an average adult", _side(neutral))]
    sagittal = [COORDINATES.index(name) for name in COORDINATES if name.endswith("_FE")]
    bend = q[:, sagittal[:17]].sum(axis=1)  # lumbar and thoracic levels
    for name, row in (("most flexed", int(np.argmin(bend))), ("most extended", int(np.argmax(bend)))):
        inside = np.linalg.inv(column.pelvis[row]) @ column.vertebrae[row]
        found.append(Profile(name, where[row], _side(inside[:, :3, 3])))
    return tuple(found)


def _side(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(p[0]), 4), round(float(p[1]), 4)) for p in points)
