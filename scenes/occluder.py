"""Standing objects before, beside and behind people: what they hide is measured before they are set down.

A place is drawn, the share of each person's points behind the object is counted in a small map seen from the camera,
and the place is kept only where that share lies in the wanted range. Everything stands on y = 0 and in nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scenes.objects import VARIANTS, Solid, make, parts_of
from scenes.occlusion import evenly, hidden_shares, shape_of, view_axes
from scenes.props import placed
from scenes.renderer import Camera, MeshPart

STANDING = {
    "chair": 1.0, "office_chair": 0.6, "stool": 0.5, "bar_stool": 0.5, "bench": 0.7, "gym_bench": 0.7, "ottoman": 0.3,
    "table": 0.9, "round_table": 0.6, "desk": 0.5, "exam_couch": 0.5, "plinth_box": 0.6, "gym_ball": 0.6,
    "bar_fence": 0.8, "mesh_fence": 0.6, "plank_fence": 0.5, "net_post": 0.4, "lamp_post": 0.4, "bollard": 0.4,
    "cone": 0.6, "hurdle": 0.6, "bicycle": 0.8, "walking_frame": 0.5, "waste_bin": 0.5, "suitcase": 0.6,
    "potted_plant": 0.9, "palm": 0.7, "bush": 0.9, "tub_tree": 0.5, "kettlebell": 0.3, "carton": 0.4,
}  # fmt: skip
_HAND_KINDS = (
    "barbell", "dumbbell", "kettlebell", "pole", "football", "basketball", "volleyball", "tennis_ball", "baseball",
    "medicine_ball", "racket", "bat", "golf_club", "hockey_stick", "broom", "shovel", "hammer", "bottle", "cup",
    "phone", "book", "carton", "crate", "shopping_bag", "handbag", "steering_wheel", "paint_roller", "drill", "crutch",
)  # fmt: skip
_LENS_KINDS = ("palm", "tub_tree", "lamp_post", "bush", "mesh_fence", "bar_fence", "potted_plant")
_INDOORS = frozenset(
    ("office_chair", "ottoman", "desk", "exam_couch", "gym_bench", "plinth_box", "gym_ball", "walking_frame", "palm")
)
_OUTDOORS = frozenset(
    ("bar_fence", "mesh_fence", "plank_fence", "net_post", "lamp_post", "bollard", "bush", "bicycle", "hurdle")
)
_TRIES, _CHOICES = 15, 3
_MARGIN = 0.07  # m between an object and anyone
_LENS = 0.3  # m between an object and the camera
_POINTS = 400  # of each person, for counting


@dataclass(frozen=True, slots=True)
class ObjectsConfig:
    """Things in hands and things around people.

    Attributes:
        held: share of people with something in their hands, where what they do allows.
        held_kinds: relative frequency among what fits the activity.
        standing: share of pictures with standing objects.
        most: objects in such a picture at most.
        before: share of these that stand between camera and person; the rest beside and behind.
        hidden: share of a person's points that an object before him hides.
        lens: share of pictures with something near the lens, at the border.
        kinds: relative frequency of standing objects.
    """

    held: float = 0.35
    held_kinds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_HAND_KINDS, 1.0))
    standing: float = 0.25
    most: int = 2
    before: float = 0.65
    hidden: tuple[float, float] = (0.08, 0.4)
    lens: float = 0.04
    kinds: dict[str, float] = field(default_factory=lambda: dict(STANDING))


OccluderConfig = ObjectsConfig


@dataclass(frozen=True, slots=True)
class OccluderSpec:
    """One standing object: x, z m and heading rad on the floor; `y` m lifts a branch into the picture."""

    kind: str
    variant: int
    x: float
    z: float
    yaw: float
    y: float = 0.0

    @property
    def place(self) -> np.ndarray:
        """(4, 4) world from object."""
        return placed(self.x, self.z, self.yaw, self.y)


def draw_occluders(
    config: ObjectsConfig,
    rng: np.random.Generator,
    people: Sequence[np.ndarray],
    eye: np.ndarray,
    target: np.ndarray,
    avoid: Sequence[np.ndarray] = (),
    camera: Camera | None = None,
    outdoor: bool | None = None,
) -> tuple[OccluderSpec, ...]:
    """Draw standing objects around people.

    Args:
        people: (N, 3) m points of each person's surface (with what he holds and sits on, if it may not be pierced).
        eye, target: (3,) m, where the camera is and a point it looks at.
        avoid: (N, 3) m points of anything else that nothing may stand in.
        camera: where given, only what is inside its picture counts as hidden or seen.
        outdoor: whether the place is; what belongs only on the other side of the door is left out. None: all.
    """
    wanted, at_lens = rng.random() < config.standing, rng.random() < config.lens
    if not people or not (wanted or at_lens):
        return ()
    eye, target = np.asarray(eye, float), np.asarray(target, float)
    crowd = [evenly(points, _POINTS) for points in people]
    if camera is not None:
        crowd = [points[_inside(camera, points)] for points in crowd]
        crowd = [points for points in crowd if len(points) > 20]
        if not crowd:
            return ()
    solid_points = np.concatenate([points[:: max(1, len(points) // 3000)] for points in (*people, *avoid)])
    axes = view_axes(eye, target)
    misplaced = frozenset() if outdoor is None else _INDOORS if outdoor else _OUTDOORS
    weights = {kind: config.kinds.get(kind, 0.0) for kind in STANDING if kind not in misplaced}
    if not sum(weights.values()) > 0:
        return ()
    found: list[OccluderSpec] = []
    hidden = np.zeros(len(crowd))
    number = (1 + int(rng.integers(max(config.most, 1)))) if wanted else 0
    for _ in range(number):
        before = rng.random() < config.before
        one = _find(config, weights, rng, crowd, solid_points, eye, axes, before, found, hidden)
        if one is not None:
            found.append(one[0])
            hidden += one[1]
    if at_lens:
        near = [kind for kind in _LENS_KINDS if kind not in misplaced]
        spec = _at_lens(near, rng, crowd, solid_points, eye, axes)
        if spec is not None:
            found.append(spec)
    return tuple(found)


def _find(
    config: ObjectsConfig, kinds: dict[str, float], rng: np.random.Generator, crowd: list[np.ndarray],
    solid_points: np.ndarray, eye: np.ndarray, axes: np.ndarray, before: bool, others: Sequence[OccluderSpec],
    hidden: np.ndarray,
) -> tuple[OccluderSpec, np.ndarray] | None:  # fmt: skip
    """A place whose hidden share is nearest to a drawn one, among a few that are allowed, and what it hides of each.

    `hidden`: shares that other objects hide already; together they stay under the most that is wanted.
    """
    person = crowd[int(rng.integers(len(crowd)))]
    low, high = config.hidden
    aim = float(rng.uniform(low, high))
    names, weights = list(kinds), np.cumsum(list(kinds.values()))
    best: tuple[float, OccluderSpec, np.ndarray] | None = None
    at_hand = [
        (names[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))], int(rng.integers(VARIANTS)))
        for _ in range(_CHOICES)
    ]
    for attempt in range(_TRIES):
        kind, variant = at_hand[attempt % _CHOICES]
        yaw = float(rng.uniform(-np.pi, np.pi))
        x, z = _somewhere(rng, person, eye, before)
        solid = make(kind, variant)
        spec = OccluderSpec(kind, variant, x, z, yaw, -float(solid.low[1]) if solid.low[1] < -0.02 else 0.0)
        if not _stands_free(spec, solid, solid_points, eye, others):
            continue
        shares = np.array(hidden_shares(shape_of(solid), spec.place, crowd, eye, axes))
        most = float((shares + hidden).max())
        if most > high:
            continue
        if not before:
            if shares.max() <= 0.1:
                return spec, shares
            continue
        if shares.max() < low:
            continue
        off = abs(float(shares.max()) - aim)
        if off < 0.06:
            return spec, shares
        if best is None or off < best[0]:
            best = (off, spec, shares)
    return None if best is None else best[1:]


def _inside(camera: Camera, points: np.ndarray) -> np.ndarray:
    """(N,) whether points (N, 3) m lie in the picture."""
    pixels = camera.project(points.astype(float))
    with np.errstate(invalid="ignore"):
        return np.all((pixels >= 0) & (pixels < (camera.width, camera.height)), axis=1)


def _somewhere(rng: np.random.Generator, person: np.ndarray, eye: np.ndarray, before: bool) -> tuple[float, float]:
    """A point of the floor: between eye and person and a little aside, or beside and behind the person."""
    middle = person.mean(0)[[0, 2]]
    way = middle - eye[[0, 2]]
    far = max(float(np.linalg.norm(way)), 1e-6)
    way = way / far
    side = np.array([-way[1], way[0]])
    if before:
        back = min(0.35 + rng.exponential(0.55), 0.75 * far)
        at = middle - way * back + side * rng.normal(0, 0.32)
    else:
        at = middle + way * rng.uniform(-0.5, 1.8) + side * rng.choice([-1.0, 1.0]) * rng.uniform(0.45, 1.6)
    return float(at[0]), float(at[1])


def _stands_free(
    spec: OccluderSpec, solid: Solid, points: np.ndarray, eye: np.ndarray, others: Sequence[OccluderSpec]
) -> bool:
    """Nobody inside its box, the lens clear of it, other objects apart."""
    into = np.linalg.inv(spec.place)
    low, high = solid.low - _MARGIN, solid.high + _MARGIN
    at_eye = into[:3, :3] @ eye + into[:3, 3]
    gap = np.maximum(np.maximum(low - at_eye, at_eye - high), 0)
    if np.linalg.norm(gap) < _LENS:
        return False
    reach = float(np.hypot(*np.maximum(np.abs(low), np.abs(high))[[0, 2]]))
    near = (np.abs(points[:, 0] - spec.x) < reach) & (np.abs(points[:, 2] - spec.z) < reach)
    inside = points[near] @ into[:3, :3].T + into[:3, 3]
    if ((inside > low) & (inside < high)).all(1).any():
        return False
    for other in others:
        size = make(other.kind, other.variant).size
        apart = float(np.hypot(other.x - spec.x, other.z - spec.z))
        if apart < 0.5 * (np.hypot(size[0], size[2]) + np.hypot(solid.size[0], solid.size[2])):
            return False
    return True


def _at_lens(
    kinds: Sequence[str],
    rng: np.random.Generator,
    crowd: list[np.ndarray],
    solid_points: np.ndarray,
    eye: np.ndarray,
    axes: np.ndarray,
) -> OccluderSpec | None:
    """Something half a metre to a metre and a half before the lens, at the edge of what people fill."""
    seen = np.concatenate([(points - eye) @ axes.T for points in crowd])
    flat = seen[:, 0] / np.maximum(seen[:, 2], 0.1)
    half = max(float(np.abs(flat).max()), 0.15)
    for _ in range(_TRIES):
        kind = kinds[int(rng.integers(len(kinds)))]
        variant, yaw = int(rng.integers(VARIANTS)), float(rng.uniform(-np.pi, np.pi))
        solid = make(kind, variant)
        distance = float(rng.uniform(0.5, 1.5))
        wide = 0.5 * float(np.hypot(solid.size[0], solid.size[2]))
        across = float(rng.choice([-1.0, 1.0])) * (half * rng.uniform(0.7, 1.2) * distance + 0.6 * wide)
        at = eye + axes[2] * distance + axes[0] * across
        lifted = max(0.0, float(at[1] - rng.uniform(0.1, 0.6) * solid.size[1])) if kind == "bush" else 0.0
        if kind != "bush" and solid.high[1] < at[1] - 0.3:
            continue  # below the picture
        spec = OccluderSpec(kind, variant, float(at[0]), float(at[2]), yaw, lifted)
        if not _stands_free(spec, solid, solid_points, eye, ()):
            continue
        shares = hidden_shares(shape_of(solid), spec.place, crowd, eye, axes)
        if max(shares) <= 0.15:
            return spec
    return None


def build_occluders(specs: Sequence[OccluderSpec], first_id: int = 200) -> tuple[MeshPart, ...]:
    """Parts of standing objects; object k has instance id `first_id` + k."""
    return tuple(
        part
        for k, spec in enumerate(specs)
        for part in parts_of(make(spec.kind, spec.variant), spec.place, first_id + k, key="standing")
    )


__all__ = [
    "STANDING", "ObjectsConfig", "OccluderConfig", "OccluderSpec", "build_occluders", "draw_occluders",
]  # fmt: skip
