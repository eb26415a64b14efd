"""Give a skeleton another rest curvature: tilts along the column in, level offsets out, in balance.

A rest change moves the zero of the spine: with it, zero coordinates stand as the former skeleton stood at
``q = offsets``. Tilts are those that a Cobb angle measures (biomech.cobb), so an angle asked for is met exactly;
what the tilts leave free is used to bring C7 back over the hips.

Shapes: S = 26 bodies of anatomy.SPINE_BODIES (sacrum, 24 vertebrae, skull), 25 levels. Radians, metres.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biomech.anatomy import LEVELS, SIDES, SPINE_BODIES, VERTEBRAE, body_index
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry

_FIRST = body_index("sacrum")
_COLUMN = slice(_FIRST, _FIRST + len(SPINE_BODIES))
_JOINTS = slice(_FIRST + 1, _FIRST + 1 + len(LEVELS))
_GIRDLE = [body_index(f"clavicle_{side}") for side in SIDES]
_C7 = SPINE_BODIES.index("C7")


@dataclass(frozen=True, slots=True, eq=False)
class RestChange:
    """How the resting column differs.

    Attributes:
        offsets: (25, 3) rad by level: FE, LB, AR added to the rest, in the joint's order z, x, y.
        slides: (25, 3) m by level, in the joint's frame: x is forward along the end plate.
        sacrum_turn: rad, the sacrum (with the flesh of the pelvis) turned backwards about the axis of the hips.
    """

    offsets: np.ndarray
    slides: np.ndarray
    sacrum_turn: float = 0.0

    @classmethod
    def none(cls) -> RestChange:
        """No change at all."""
        return cls(np.zeros((len(LEVELS), 3)), np.zeros((len(LEVELS), 3)))

    @property
    def changes(self) -> bool:
        """Whether anything differs."""
        return bool(self.offsets.any() or self.slides.any() or self.sacrum_turn)


@dataclass(frozen=True, slots=True)
class Tilting:
    """Tilts at a few bodies, to be found; between them they pass smoothly from one to the next.

    Attributes:
        knots: names of SPINE_BODIES, caudal to cranial; sacrum and skull are knots too, fixed at 0 unless `free`.
        fixed: tilt by knot, rad.
        differences: (knot, other knot, tilt of the first minus tilt of the other), rad.
        free: whether the sacrum may turn to keep the balance.
        balanced: whether one equation is spent on C7 staying where it was.
    """

    knots: tuple[str, ...] = ()
    fixed: Mapping[str, float] = dataclasses.field(default_factory=dict)
    differences: tuple[tuple[str, str, float], ...] = ()
    free: bool = False
    balanced: bool = True


def neutral_column(geometry: SkeletonGeometry) -> np.ndarray:
    """(S, 4, 4) m: the column's bodies in the pelvis frame at zero coordinates."""
    return geometry.neutral_frames()[_COLUMN]


def neutral_vertebrae(geometry: SkeletonGeometry) -> np.ndarray:
    """(24, 4, 4) m: the vertebrae in the pelvis frame at zero coordinates; for biomech.cobb."""
    return neutral_column(geometry)[1 : 1 + len(VERTEBRAE)]


def with_rest(geometry: SkeletonGeometry, change: RestChange) -> SkeletonGeometry:
    """The same skeleton with another rest curvature; joint axes stay those of the child body.

    The shoulder girdle goes along with T1 but is not turned with it: at zero the limbs still hang straight.
    """
    if change.offsets.shape != (len(LEVELS), 3) or change.slides.shape != (len(LEVELS), 3):
        raise ModelError(
            f"rest offsets {change.offsets.shape} and slides {change.slides.shape} given; "
            f"wanted ({len(LEVELS)}, 3) each"
        )
    if not (np.isfinite(change.offsets).all() and np.isfinite(change.slides).all()):
        raise ModelError("rest offsets or slides are not finite")
    parent_from_joint = geometry.parent_from_joint.copy()
    turn = np.eye(4)
    turn[:3, :3] = _rz(np.array(change.sacrum_turn))
    parent_from_joint[_FIRST] = turn @ parent_from_joint[_FIRST]
    moved = np.tile(np.eye(4), (len(LEVELS), 1, 1))
    moved[:, :3, :3] = rotation_zxy(change.offsets)
    moved[:, :3, 3] = change.slides
    parent_from_joint[_JOINTS] = parent_from_joint[_JOINTS] @ moved
    bent = dataclasses.replace(geometry, parent_from_joint=parent_from_joint)
    t1 = body_index("T1")
    turned = bent.neutral_frames()[t1, :3, :3].T @ geometry.neutral_frames()[t1, :3, :3]
    for row in _GIRDLE:
        parent_from_joint[row, :3, :3] = turned @ parent_from_joint[row, :3, :3]
    return bent


def solve_rest(
    geometry: SkeletonGeometry,
    sagittal: Tilting | None = None,
    frontal: Tilting | None = None,
    *,
    axial: np.ndarray | None = None,
    slides: np.ndarray | None = None,
    drift: tuple[float, float] = (0.0, 0.0),
) -> RestChange:
    """The rest change with the tilts wanted, C7 being `drift` (forward, right) m from where it was.

    Args:
        sagittal: backward tilts added to the skeleton's own; frontal: tilts to the right.
        axial: (S,) rad, turn to the left of each body about its own axis, added.
        slides: (25, 3) m, see RestChange.

    Raises:
        ModelError: the tilts asked for contradict each other or are not determined.
    """
    axial = np.zeros(len(SPINE_BODIES)) if axial is None else axial
    slides = np.zeros((len(LEVELS), 3)) if slides is None else slides
    start = neutral_column(geometry)[_C7, :3, 3]
    aim, change = np.zeros(2), RestChange.none()
    problems = (sagittal, frontal)
    for _ in range(8 if any(p is not None and p.balanced for p in problems) else 1):
        found = [
            np.zeros(len(SPINE_BODIES)) if p is None else _tilts(geometry, p, push)
            for p, push in zip(problems, aim, strict=True)
        ]
        change = _offsets(geometry, found[0], found[1], axial, slides)
        moved = neutral_column(with_rest(geometry, change))[_C7, :3, 3] - start
        aim = aim + (np.asarray(drift) - moved[[0, 2]]) * (-1.0, 1.0)
    return change


def lordosis_tilting(lordosis: float, kyphosis: float, sacral_share: float) -> Tilting:
    """L1-L5 more lordotic by `lordosis`, T4-T12 more kyphotic by `kyphosis` (rad); the sacrum turns for balance."""
    differences = (("L5", "sacrum", sacral_share * lordosis), ("L1", "L5", lordosis), ("T12", "T4", kyphosis))
    # T12 stays with L1 but for what lies between them
    return Tilting(("L5", "L1", "T12", "T4"), differences=(*differences, ("T12", "L1", 0.0)), free=True)


def span(lower: str, upper: str) -> slice:
    """The levels between two vertebrae, `lower` the caudal one."""
    bottom, top = SPINE_BODIES.index(lower), SPINE_BODIES.index(upper)
    if top <= bottom:
        raise ModelError(f"lower {lower} and upper {upper} given; the lower one must lie below the upper one")
    return slice(bottom, top)


def bump(geometry: SkeletonGeometry, lower: str, upper: str, height: float) -> np.ndarray:
    """(S,) rad: 0 at both end vertebrae and beyond, `height` half way between, smooth."""
    along = _along(geometry)
    low, high = along[SPINE_BODIES.index(lower)], along[SPINE_BODIES.index(upper)]
    share = np.clip((along - low) / (high - low), 0.0, 1.0)
    return height * np.sin(np.pi * share) ** 2


def rotation_zxy(angles: np.ndarray) -> np.ndarray:
    """(..., 3) rad FE, LB, AR -> (..., 3, 3): turns about z, then x, then y, body-fixed."""
    return _rz(angles[..., 0]) @ _rx(angles[..., 1]) @ _ry(angles[..., 2])


def angles_zxy(rotation: np.ndarray) -> np.ndarray:
    """(..., 3, 3) -> (..., 3) rad: the inverse of `rotation_zxy` for LB within a right angle."""
    return np.stack(
        [
            np.arctan2(-rotation[..., 0, 1], rotation[..., 1, 1]),
            np.arcsin(np.clip(rotation[..., 2, 1], -1.0, 1.0)),
            np.arctan2(-rotation[..., 2, 0], rotation[..., 2, 2]),
        ],
        axis=-1,
    )


def _along(geometry: SkeletonGeometry) -> np.ndarray:
    """(S,) m: height of each body along the column, from the sacrum's origin."""
    origins = neutral_column(geometry)[:, :3, 3]
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(origins, axis=0), axis=1))])


def _levers(geometry: SkeletonGeometry) -> np.ndarray:
    """(S,) m: how far C7 moves per radian of tilt of each body."""
    frames = geometry.neutral_frames()
    joints = frames[_JOINTS] @ geometry.body_from_joint[_JOINTS]
    heights = np.concatenate([[0.0], joints[:_C7, 1, 3], [frames[_FIRST + _C7, 1, 3]]])
    levers = np.zeros(len(SPINE_BODIES))
    levers[: _C7 + 1] = np.diff(heights)  # the sacrum turns about the hips, its lever starts there
    return levers


def _tilts(geometry: SkeletonGeometry, problem: Tilting, push: float) -> np.ndarray:
    """(S,) rad: tilts that meet a problem's equations, C7 moved by `push` m (small angles)."""
    knots = ("sacrum", *problem.knots, "skull")
    rows = [SPINE_BODIES.index(name) for name in knots]
    if sorted(set(rows)) != rows:
        raise ModelError(f"knots {', '.join(knots)} given; wanted each once, caudal to cranial")
    fixed = {"skull": 0.0} | ({} if problem.free else {"sacrum": 0.0}) | dict(problem.fixed)
    weights = _between(_along(geometry), rows)
    lines: list[np.ndarray] = []
    values: list[float] = []
    for name, value in fixed.items():
        lines.append(_unit(knots, {name: 1.0}))
        values.append(value)
    for first, other, value in problem.differences:
        lines.append(_unit(knots, {first: 1.0, other: -1.0}))
        values.append(value)
    if problem.balanced:
        lines.append(_levers(geometry) @ weights)
        values.append(push)
    system = np.array(lines)
    if system.shape[0] != system.shape[1] or np.linalg.cond(system) > 1e9:
        raise ModelError(f"{len(lines)} equations for the tilts of {', '.join(knots)}; they must determine each once")
    return weights @ np.linalg.solve(system, np.array(values))


def _unit(knots: Sequence[str], parts: Mapping[str, float]) -> np.ndarray:
    unknown = [name for name in parts if name not in knots]
    if unknown:
        raise ModelError(f"a tilt of {', '.join(unknown)} is wanted, which is no knot; knots are {', '.join(knots)}")
    return np.array([parts.get(name, 0.0) for name in knots])


def _between(along: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """(S, K) weights: half a cosine from knot to knot, level at each."""
    weights = np.zeros((len(along), len(rows)))
    for k, (low, high) in enumerate(zip(rows[:-1], rows[1:], strict=True)):
        share = (along[low : high + 1] - along[low]) / (along[high] - along[low])
        blend = 0.5 - 0.5 * np.cos(np.pi * share)
        weights[low : high + 1, k], weights[low : high + 1, k + 1] = 1.0 - blend, blend
    return weights


def _offsets(
    geometry: SkeletonGeometry, sagittal: np.ndarray, frontal: np.ndarray, axial: np.ndarray, slides: np.ndarray
) -> RestChange:
    """Level offsets that add these tilts (S,) to the column."""
    before = neutral_column(geometry)[:, :3, :3]
    own = angles_zxy(before)
    # the frontal tilt of a projected axis, turned into the LB of the sequence z, x, y
    lean = np.arctan2(before[:, 2, 1], before[:, 1, 1]) + frontal
    fore = own[:, 0] + sagittal
    after = rotation_zxy(np.stack([fore, np.arctan(np.tan(lean) * np.cos(fore)), own[:, 2] + axial], axis=-1))
    relative = np.swapaxes(before[:-1], 1, 2) @ before[1:]
    wanted = np.swapaxes(after[:-1], 1, 2) @ after[1:]
    offsets = angles_zxy(np.swapaxes(relative, 1, 2) @ wanted)
    offsets[np.abs(offsets) < 1e-12] = 0.0
    return RestChange(offsets, slides, float(sagittal[0]))


def _rz(a: np.ndarray) -> np.ndarray:
    c, s, o = np.cos(a), np.sin(a), np.zeros_like(a)
    return _matrix([[c, -s, o], [s, c, o], [o, o, o + 1.0]])


def _rx(a: np.ndarray) -> np.ndarray:
    c, s, o = np.cos(a), np.sin(a), np.zeros_like(a)
    return _matrix([[o + 1.0, o, o], [o, c, -s], [o, s, c]])


def _ry(a: np.ndarray) -> np.ndarray:
    c, s, o = np.cos(a), np.sin(a), np.zeros_like(a)
    return _matrix([[c, o, s], [o, o + 1.0, o], [-s, o, c]])


def _matrix(rows: list) -> np.ndarray:
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
