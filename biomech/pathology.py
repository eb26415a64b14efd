"""Spines that differ: scoliosis, kyphosis, lordosis, forward head, slipped and fused vertebrae, as data.

`Pathology` says what a person has, `rest_change` bends his skeleton so that the angle asked for is there,
`measured` reads it back from vertebra frames, `changed_limits` takes away motion where the spine is stiff.
Every number is in data/pathology.csv with its source.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from biomech.anatomy import LEVELS, SPINE_BODIES, SPINE_SLICE, body_index, load_anatomy, read_table
from biomech.cobb import cobb_angle
from biomech.curvature import (
    RestChange,
    Tilting,
    bump,
    lordosis_tilting,
    neutral_vertebrae,
    solve_rest,
    span,
    with_rest,
)
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry
from biomech.limits import Limits
from biomech.rhythm import regional_angles

REFERENCE_STATURE = 1.75
"""Stature, m, to which lengths of the tables belong."""

_STRAIGHT = 5.0
"""Least thoracic kyphosis that a flattening leaves, deg."""


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in read_table("pathology"):
        found.setdefault(row["kind"], {})[row["parameter"]] = row["value"]
    return found


def kinds() -> tuple[str, ...]:
    """Names of all pathologies."""
    return tuple(_table())


def unit_of(kind: str) -> str:
    """Unit of a kind's severity: deg, % or levels."""
    _known(kind)
    return next(row["unit"] for row in read_table("pathology") if row["kind"] == kind and row["parameter"] == "mild")


def severity_range(kind: str) -> tuple[float, float]:
    """Severity of a mild and of a severe case; the second is the smaller one where less is worse."""
    row = _known(kind)
    return float(row["mild"]), float(row["severe"])


def _known(kind: str) -> dict[str, str]:
    if kind not in _table():
        raise ModelError(f"unknown pathology {kind!r}; known ones are {', '.join(kinds())}")
    return _table()[kind]


@dataclass(frozen=True, slots=True)
class Pathology:
    """What a person has.

    Attributes:
        kind: see `kinds`.
        severity: in the kind's own unit: Cobb angle or craniovertebral angle in deg, slip in % of the end plate, or
            number of fused levels.
        side: of a scoliosis: "right" or "left", where the curve asked for is convex; "" for every other kind.
    """

    kind: str
    severity: float
    side: str = ""

    def __post_init__(self) -> None:
        mild, severe = severity_range(self.kind)
        low, high = sorted((mild, severe))
        if not low <= self.severity <= high:  # also refuses NaN
            raise ModelError(
                f"severity {self.severity:g} of {self.kind} given; "
                f"wanted {low:g} to {high:g} {unit_of(self.kind)} ({mild:g} is mild)"
            )
        sides = ("right", "left") if self.kind.startswith("scoliosis") else ("",)
        if self.side not in sides:
            raise ModelError(f"side {self.side!r} of {self.kind} given; wanted {' or '.join(map(repr, sides))}")
        if self.kind.startswith("fused") and self.severity != int(self.severity):
            raise ModelError(f"severity {self.severity:g} of {self.kind} given; wanted a whole number of levels")


def draw_pathology(kind: str, severity: float, rng: np.random.Generator) -> Pathology:
    """A case of a kind at `severity` in [0, 1], from mild to severe; the side of a scoliosis is drawn."""
    if not 0.0 <= severity <= 1.0:
        raise ModelError(f"severity {severity:g} given; wanted 0 (mild) to 1 (severe)")
    mild, severe = severity_range(kind)
    value = mild + severity * (severe - mild)
    value = float(round(value)) if kind.startswith("fused") else min(max(value, min(mild, severe)), max(mild, severe))
    right = _known(kind).get("right")
    side = "" if right is None else ("right" if rng.random() < float(right) else "left")
    return Pathology(kind, value, side)


def rest_change(pathology: Pathology, geometry: SkeletonGeometry) -> RestChange:
    """How the column of a person with this skeleton rests."""
    row = _known(pathology.kind)
    if pathology.kind.startswith("scoliosis"):
        return _scoliosis(pathology, row, geometry)
    if pathology.kind == "hyperkyphosis":
        return _kyphosis(np.deg2rad(pathology.severity), row, geometry)
    if pathology.kind in ("flat_back", "hyperlordosis"):
        return _lordosis(np.deg2rad(pathology.severity), row, geometry)
    if pathology.kind == "forward_head":
        return _forward_head(np.deg2rad(pathology.severity), geometry)
    if pathology.kind == "spondylolisthesis":
        return _slip(pathology.severity, row, geometry)
    return RestChange.none()


def _ends(row: dict[str, str]) -> tuple[str, str, str]:
    """Plane, upper and lower vertebra of the angle asked for."""
    plane, upper, lower = row["measure"].split()
    return plane, upper, lower


def _curves(row: dict[str, str]) -> list[tuple[str, str, float, float]]:
    """(lower, upper, share of the angle asked for, turn per angle) of each curve of a scoliosis, caudal first."""
    names = [key.removeprefix("curve_") for key in row if key.startswith("curve_")]
    parts = [(row[f"curve_{n}"].split(), float(row[f"share_{n}"]), float(row[f"turn_{n}"])) for n in names]
    return [(ends[0], ends[1], share, turn) for ends, share, turn in parts]


def _scoliosis(pathology: Pathology, row: dict[str, str], geometry: SkeletonGeometry) -> RestChange:
    """Tilts at the end vertebrae from the Cobb angles and the balance; turns towards the convexity between them."""
    asked = np.deg2rad(pathology.severity) * (1.0 if pathology.side == "right" else -1.0)
    knots: list[str] = []
    differences = []
    axial = np.zeros(len(SPINE_BODIES))
    for lower, upper, share, turn in _curves(row):
        knots += [name for name in (lower, upper) if name not in knots]
        differences.append((lower, upper, share * asked))
        # a body that looks to the right has turned by a negative angle
        axial += bump(geometry, lower, upper, -turn * share * asked)
    top = row["level_above"]
    frontal = Tilting((*knots, top), fixed={top: 0.0}, differences=tuple(differences))
    sagittal = None
    if "kyphosis" in row:
        own = float(cobb_angle(neutral_vertebrae(geometry), "T4", "T12", "sagittal"))
        loss = max(own - np.deg2rad(float(row["kyphosis"])), 0.0)
        sagittal = _flattening(loss * min(pathology.severity / float(row["severe"]), 1.0))
    return solve_rest(geometry, sagittal, frontal, axial=axial)


def _flattening(loss: float) -> Tilting:
    """Thoracic kyphosis less by `loss` rad, the rest of the column following."""
    return Tilting(("T12", "T4"), differences=(("T12", "T4", -loss),))


def _kyphosis(asked: float, row: dict[str, str], geometry: SkeletonGeometry) -> RestChange:
    plane, upper, lower = _ends(row)
    more = asked - float(cobb_angle(neutral_vertebrae(geometry), upper, lower, plane))
    return solve_rest(geometry, Tilting((lower, upper), differences=((lower, upper, more),)))


def _lordosis(asked: float, row: dict[str, str], geometry: SkeletonGeometry) -> RestChange:
    """Lordosis is given, the thoracic spine follows a little, the pelvis turns to keep the balance."""
    vertebrae = neutral_vertebrae(geometry)
    plane, upper, lower = _ends(row)
    more = asked + float(cobb_angle(vertebrae, upper, lower, plane))
    kyphosis = float(cobb_angle(vertebrae, "T4", "T12", "sagittal"))
    room = max(kyphosis - np.deg2rad(_STRAIGHT), 0.0)
    loss = min(float(row["kyphosis_loss"]) * max(-more, 0.0), room)
    return solve_rest(geometry, lordosis_tilting(more, -loss, float(row["sacral_share"])))


def _forward_head(asked: float, geometry: SkeletonGeometry) -> RestChange:
    """The neck leans forward from the upper thorax, the head looks level: secant steps to the angle."""

    def bent(lean: float) -> tuple[RestChange, float]:
        fixed = {"T5": 0.0, "C7": -0.6 * lean, "C5": -lean, "C3": -lean}
        change = solve_rest(geometry, Tilting(tuple(fixed), fixed=fixed, balanced=False))
        return change, craniovertebral_angle(with_rest(geometry, change)) - asked

    before, after = 0.0, np.deg2rad(20.0)
    error = bent(before)[1]
    for _ in range(8):
        change, now = bent(after)
        if abs(now) < 1e-6:
            break
        slope = (now - error) / (after - before)
        before, error, after = after, now, after - now / slope
    return change


def _slip(percent: float, row: dict[str, str], geometry: SkeletonGeometry) -> RestChange:
    """One vertebra forward on the one below and tipped over it; the spine above leans back by as much as it takes."""
    level = row["measure"].split()[1]
    slides = np.zeros((len(LEVELS), 3))
    slides[LEVELS.index(level), 0] = percent / 100.0 * _depth(row, geometry)
    tip = np.deg2rad(float(row["slip_angle"])) * percent
    problem = Tilting(("L5", "L2", "T10"), fixed={"L5": -tip}, differences=(("L2", "T10", 0.0),))
    return solve_rest(geometry, problem, slides=slides)


def _depth(row: dict[str, str], geometry: SkeletonGeometry) -> float:
    """Depth of the end plate, m."""
    return 1e-3 * float(row["depth"]) * geometry.stature / REFERENCE_STATURE


def craniovertebral_angle(geometry: SkeletonGeometry) -> float:
    """Rad between the horizontal and the line from the spinous process of C7 to the ears, at zero coordinates."""
    facts = load_anatomy()
    frames = geometry.neutral_frames()
    tip = np.array([-facts["spinous_back"]["C7"].value, facts["spinous_up"]["C7"].value, 0.0])
    c7 = frames[body_index("C7")]
    start = c7[:3, :3] @ (1e-3 * geometry.stature / REFERENCE_STATURE * tip) + c7[:3, 3]
    line = frames[body_index("skull"), :3, 3] - start
    return float(np.arctan2(line[1], line[0]))


def measured(pathology: Pathology, geometry: SkeletonGeometry, before: SkeletonGeometry | None = None) -> float:
    """The severity that a skeleton shows, in the unit of the kind; signs as asked (lordosis and both sides positive).

    Args:
        geometry: the bent skeleton; before: the healthy one, needed for a slip alone.
    """
    row = _known(pathology.kind)
    how, *ends = row["measure"].split()
    if how in ("frontal", "sagittal"):
        angle = float(np.rad2deg(cobb_angle(neutral_vertebrae(geometry), ends[0], ends[1], how)))
        lordotic = pathology.kind in ("flat_back", "hyperlordosis")
        return -angle if lordotic or pathology.side == "left" else angle
    if how == "craniovertebral":
        return float(np.rad2deg(craniovertebral_angle(geometry)))
    if how == "slip":
        if before is None:
            raise ModelError("a slip is measured against the healthy skeleton; give it as `before`")
        i = body_index(SPINE_BODIES[LEVELS.index(ends[0]) + 1])
        moved = np.linalg.inv(before.parent_from_joint[i]) @ geometry.parent_from_joint[i]
        return float(100.0 * moved[0, 3] / _depth(row, geometry))
    return pathology.severity  # fused levels: nothing to see in a resting spine


def stiff_levels(pathology: Pathology) -> tuple[str, ...]:
    """Levels whose motion the pathology takes part of."""
    row = _known(pathology.kind)
    how, *ends = row["measure"].split()
    if how == "levels":
        first = LEVELS.index(ends[0])
        return LEVELS[first : first + int(pathology.severity)]
    if how == "slip":
        return (ends[0],)
    if how == "craniovertebral":
        return LEVELS[span("T1", "C2")]
    curves = [(low, up) for low, up, _, _ in _curves(row)] or [(ends[1], ends[0])]
    return tuple(level for low, up in curves for level in LEVELS[span(low, up)])


def changed_limits(pathology: Pathology, limits: Limits) -> Limits:
    """Ranges of a person with this pathology; regional caps shrink to what the levels still allow."""
    factor = float(_known(pathology.kind)["mobility"])
    scale = np.ones((len(LEVELS), 1, 1))
    scale[[LEVELS.index(level) for level in stiff_levels(pathology)]] = factor
    return scaled_spine(limits, scale)


def scaled_spine(limits: Limits, scale: np.ndarray) -> Limits:
    """Spine ranges times `scale` (broadcast to (25, 3, 2)); regional caps cut to the sums of their levels."""
    arrays = {}
    for name in ("hard", "typical"):
        values = getattr(limits, name).copy()
        spine = values[SPINE_SLICE].reshape(len(LEVELS), 3, 2) * scale
        values[SPINE_SLICE] = spine.reshape(-1, 2)
        # each region's cap by as much as its levels lost at most
        sums = np.stack([regional_angles(spine[..., side].reshape(-1)) for side in (0, 1)], axis=-1)
        caps = getattr(limits, f"regional_{name}")
        arrays[name], arrays[f"regional_{name}"] = values, np.clip(caps, sums[:, :1], sums[:, 1:])
    for values in arrays.values():
        values.flags.writeable = False
    return dataclasses.replace(limits, **arrays)
