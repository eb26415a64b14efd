"""A skeleton of someone's own size: scale factors per segment from distances between markers, stature from them.

Segments that no marker pair measures follow the others, by the average person's proportions. Both sides get the same
factors. scale_bodies applies factors to a geometry; marker_calibration refines them together with the marker places.

Shapes: T frames, N bodies.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from biomech.anatomy import BODIES, PARENTS, SIDES, VERTEBRAE
from biomech.errors import ModelError
from biomech.geometry import Capsule, Landmark, SkeletonGeometry, default_geometry, default_mass
from biomech.marker_files import MarkerSeries
from biomech.marker_maps import MarkerMap, MarkerPlace, place_points

SEGMENTS: dict[str, tuple[str, ...]] = {
    "pelvis": ("pelvis", "sacrum"),
    "trunk": VERTEBRAE[:17],
    "neck": VERTEBRAE[17:],
    "head": ("skull",),
    **{
        segment: tuple(f"{body}_{side}" for side in SIDES for body in bodies)
        for segment, bodies in (
            ("thigh", ("femur",)),
            ("shank", ("tibia",)),
            ("foot", ("talus", "calcn", "toes")),
            ("shoulder", ("clavicle",)),
            ("upper_arm", ("humphant", "humerus")),
            ("forearm", ("ulna", "radius")),
            ("hand", ("hand",)),
        )
    },
}
"""Bodies that share a scale factor."""
FACTORS: tuple[str, ...] = (*SEGMENTS, "pelvis_width")
"""Scale factors of a person: one per segment, and the pelvis apart in width, in which people differ most."""
REFERENCE = 1.75  # m, stature of the average skeleton that factors multiply
_BONY = 0.0125  # m: markers placed at least that well measure a person
_SPANS = (
    ("thigh", "femur_{}", "tibia_{}"),
    ("shank", "tibia_{}", "talus_{}"),
    ("forearm", "ulna_{}", "hand_{}"),
)
"""Limb lengths between the markers about two joints, which a bending joint hardly changes."""
_SHORTEST = 0.06  # m: a pair closer together than this measures its own misplacement


def body_factors(factors: dict[str, float]) -> np.ndarray:
    """(N, 3): factor of each body along its own axes.

    Raises:
        ModelError: an unknown segment or a factor that makes no person.
    """
    unknown = sorted(set(factors) - set(FACTORS))
    if unknown or not all(0.2 < value < 2.5 for value in factors.values()):
        raise ModelError(f"scale factors {factors} given; wanted 0.2 to 2.5 for any of {', '.join(FACTORS)}")
    table = np.ones((len(BODIES), 3))
    for segment, bodies in SEGMENTS.items():
        table[[BODIES.index(body) for body in bodies]] = factors.get(segment, 1.0)
    table[BODIES.index("pelvis"), 2] = factors.get("pelvis_width", factors.get("pelvis", 1.0))
    return table


def scale_bodies(geometry: SkeletonGeometry, factors: dict[str, float]) -> SkeletonGeometry:
    """The geometry with every body stretched by the factor of its segment; stature and mass follow.

    Angles between bodies stay as they are: the neutral curvature is not scaled.
    """
    table = body_factors(factors)
    before, after = geometry.parent_from_joint.copy(), geometry.body_from_joint.copy()
    parents = np.array(PARENTS)
    before[1:, :3, 3] *= table[parents[1:]]
    after[:, :3, 3] *= table
    rows = {body: i for i, body in enumerate(BODIES)}
    landmarks = tuple(Landmark(m.name, m.body, m.location * table[rows[m.body]]) for m in geometry.landmarks)
    capsules = tuple(
        Capsule(
            c.name,
            c.body,
            c.start * table[rows[c.body]],
            c.end * table[rows[c.body]],
            c.radius * float(table[rows[c.body]].mean()),
        )
        for c in geometry.capsules
    )
    scaled = replace(geometry, parent_from_joint=before, body_from_joint=after, landmarks=landmarks, capsules=capsules)
    stature = standing_height(scaled)
    return replace(scaled, stature=stature, mass=default_mass(stature, geometry.sex))


def standing_height(geometry: SkeletonGeometry) -> float:
    """Vertex above the soles in the neutral pose, m."""
    frames = geometry.neutral_frames()
    at = {
        m.name: (frames[BODIES.index(m.body)] @ np.append(m.location, 1.0))[1]
        for m in geometry.landmarks
        if m.name in ("vertex", "sole_heel_r")
    }
    return float(at["vertex"] - at["sole_heel_r"])


def known_markers(
    series: MarkerSeries, marker_map: MarkerMap, *, check: bool = True
) -> tuple[list[int], tuple[MarkerPlace, ...]]:
    """Columns of the series that the map places and that are seen at all, and their places.

    Raises:
        ModelError: fewer than three, or the trunk not above the feet.
    """
    found = [(i, marker_map.place(name)) for i, name in enumerate(series.names)]
    seen = np.isfinite(series.positions).all(axis=-1).any(axis=0)
    columns = [i for i, place in found if place is not None and seen[i]]
    places = tuple(place for i, place in found if place is not None and seen[i])
    if len(columns) < 3:
        raise ModelError(
            f"{series.source}: the map {marker_map.name} knows {len(columns)} of its markers "
            f"({', '.join(series.names[:6])} ...); wanted at least three; give another map with --mapping"
        )
    if check:
        check_upright(series, columns, places)
    return columns, places


def check_upright(series: MarkerSeries, columns: list[int], places: tuple[MarkerPlace, ...]) -> None:
    """ModelError where the pelvis lies far from above the feet in most frames: the vertical axis was taken wrongly."""
    feet = [c for c, p in zip(columns, places, strict=True) if p.body[:-2] in ("talus", "calcn", "toes")]
    pelvis = [c for c, p in zip(columns, places, strict=True) if p.body in ("pelvis", "sacrum")]
    if not feet or not pelvis:
        return
    rise = _mean(series.positions[:, pelvis]) - _mean(series.positions[:, feet])
    rise = rise[np.isfinite(rise).all(axis=1)]
    if not len(rise):
        return
    middle = np.median(rise, axis=0)
    axis = int(np.abs(middle).argmax())
    if axis != 1 or middle[1] < 0.0:
        named = "xyz"[axis] if middle[axis] > 0.0 else f"-{'xyz'[axis]}"
        raise ModelError(
            f"{series.source}: the pelvis lies {abs(middle[axis]):.2f} m from the feet along {named} and not above "
            f"them (the file's {series.up} axis was taken as up); give the axis that points up in the file with --up "
            "(someone who lies or hangs throughout cannot be imported from markers)"
        )
    forward = _forward(series, columns, places)
    if forward < -0.5:
        raise ModelError(
            f"{series.source}: the toes point backwards: left and right are swapped in the marker names, or an axis is "
            "mirrored (a left-handed export); export it right-handed, or swap the sides in a map of your own"
        )


def _forward(series: MarkerSeries, columns: list[int], places: tuple[MarkerPlace, ...]) -> float:
    """Cosine between where the feet point and where hips with their right on the right face; 1 where nobody can tell.
    Median over the frames."""
    points = place_points(places, default_geometry())
    ahead = points.locations[:, 0]  # limb frames are those of the room in the neutral pose
    feet, hips = [], []
    for side in SIDES:
        foot = [k for k, p in enumerate(places) if p.body in (f"calcn_{side}", f"toes_{side}")]
        toes = [k for k in foot if places[k].body == f"toes_{side}" or ahead[k] > 0.05]
        heel = [k for k in foot if places[k].body == f"calcn_{side}" and ahead[k] < 0.0]
        sign = 1.0 if side == "r" else -1.0
        hip = [k for k, p in enumerate(places) if p.body == "pelvis" and sign * points.locations[k, 2] > 0.04]
        if not (toes and heel and hip):
            return 1.0
        groups = [_mean(series.positions[:, [columns[k] for k in group]]) for group in (toes, heel, hip)]
        feet.append(groups[0] - groups[1])
        hips.append(groups[2])
    toward, right = np.mean(feet, axis=0), hips[0] - hips[1]
    facing = np.stack([right[:, 2], -right[:, 0]], axis=1)  # up x right, on the floor
    toward = toward[:, [0, 2]]
    size = np.linalg.norm(toward, axis=1) * np.linalg.norm(facing, axis=1)
    cosine = np.einsum("ti,ti->t", toward, facing)[size > 0.0] / size[size > 0.0]
    cosine = cosine[np.isfinite(cosine)]
    return float(np.median(cosine)) if len(cosine) else 1.0


def _mean(points: np.ndarray) -> np.ndarray:
    """(T, 3): mean over the markers seen, NaN where there are none."""
    seen = np.isfinite(points).all(axis=-1, keepdims=True)
    total = np.where(seen, points, 0.0).sum(axis=1)
    count = seen.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def pair_ratios(
    series: MarkerSeries, columns: list[int], places: tuple[MarkerPlace, ...], geometry: SkeletonGeometry
) -> list[tuple[str, float]]:
    """Measured over model distance: (factor, ratio) of pairs of bony markers on one body and of whole limbs."""
    points = place_points(places, geometry)
    frames = geometry.neutral_frames()[[BODIES.index(body) for body in points.bodies]]
    standing = np.einsum("kij,kj->ki", frames[:, :3, :3], points.locations) + frames[:, :3, 3]
    measured = series.positions[:, columns]
    bony = [k for k, place in enumerate(places) if place.sd <= _BONY]
    segment_of = {body: segment for segment, bodies in SEGMENTS.items() for body in bodies}
    ratios = []
    for n, i in enumerate(bony):
        for j in bony[n + 1 :]:
            apart = standing[i] - standing[j]
            model = float(np.linalg.norm(apart))
            if points.bodies[i] == points.bodies[j] and model >= _SHORTEST:
                sideways = points.bodies[i] == "pelvis" and abs(apart[2]) > 0.9 * model
                factor = "pelvis_width" if sideways else segment_of[points.bodies[i]]
                ratios += _ratio(factor, measured[:, [i]], measured[:, [j]], model)
    for factor, start, end in _SPANS:
        for side in SIDES:
            pair = [[k for k in bony if places[k].near == at.format(side)] for at in (start, end)]
            if all(pair):
                model = float(np.linalg.norm(standing[pair[0]].mean(axis=0) - standing[pair[1]].mean(axis=0)))
                ratios += _ratio(factor, measured[:, pair[0]], measured[:, pair[1]], model)
    return ratios


def _ratio(factor: str, one: np.ndarray, other: np.ndarray, model: float) -> list[tuple[str, float]]:
    """[(factor, ratio)] of the median distance between the middles of two groups (T, n, 3); [] if never seen."""
    gap = np.linalg.norm(one.mean(axis=1) - other.mean(axis=1), axis=-1)  # NaN unless the whole group is seen
    return [(factor, float(np.nanmedian(gap)) / model)] if np.isfinite(gap).any() else []


def pair_factors(ratios: list[tuple[str, float]]) -> dict[str, float]:
    """Every factor of FACTORS: the median of its own pairs, or of all pairs where it has none."""
    overall = float(np.median([ratio for _, ratio in ratios])) if ratios else 1.0
    found = {}
    for factor in FACTORS:
        own = [ratio for name, ratio in ratios if name == factor]
        found[factor] = float(np.clip(np.median(own) if own else overall, 0.25, 2.0))
    return found


def scale_geometry(
    series: MarkerSeries, marker_map: MarkerMap, *, sex: str = "m", age: float = 30.0, check: bool = True
) -> SkeletonGeometry:
    """The average skeleton scaled to a person by the distances between his markers.

    Args:
        series: a static pose, or any motion: medians over its frames count.
        check: refuse a pelvis that is not above the feet, the sign of a wrong vertical axis.
    """
    columns, places = known_markers(series, marker_map, check=check)
    average = default_geometry(REFERENCE, sex, age)
    return scale_bodies(average, pair_factors(pair_ratios(series, columns, places, average)))
