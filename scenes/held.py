"""What people hold: drawn to fit what they do, put into their hands, left out where it would pass through them.

A HeldSpec says what and how; `build_held` finds its place from the hands alone. Where a thing would run into the head,
the trunk, the legs or the floor, its other variants are tried (smaller plates, another bag), then it is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from scenes import grips
from scenes.grips import Grip
from scenes.objects import VARIANTS, Solid, make, parts_of, probes_of
from scenes.occluder import ObjectsConfig
from scenes.renderer import MeshPart
from scenes.rig import PARTS

FIRST_ID = 200
"""Instance ids of held and standing objects begin here."""

_BALL_CURL, _DEEP, _SUNK = 0.35, 0.014, 0.012
_BREADTH, _FLESH_POINTS, _TRIES, _STEPS = 0.2, 9000, 3, 5


@dataclass(frozen=True, slots=True)
class HeldSpec:
    """A thing in the hands.

    Attributes:
        kind, variant: see scenes.objects.
        hold: handle, palm, hang, crutch (one hand); pair (one in each); bar, stick, between, ball, wheel (both).
        hand: r, l or both; the other hand is tried where the first cannot.
        curl: flexion of each finger joint that closes the hand round it, rad.
    """

    kind: str
    variant: int
    hold: str
    hand: str
    curl: float


# kind: (how, weight), by activity. Ways that a pose cannot do are found out when building.
_ONE = {"bottle": ("handle", 1.0), "phone": ("palm", 1.0), "cup": ("cup", 0.7), "book": ("palm", 0.5)}
_CARRIED = {"shopping_bag": ("hang", 1.0), "handbag": ("hang", 1.0)}
_LOADS = {"carton": ("between", 2.0), "crate": ("between", 1.2), "medicine_ball": ("ball", 0.3)}
_IRON = {"dumbbell": ("pair", 1.0), "kettlebell": ("hang", 0.6), "bottle": ("handle", 0.2)}
_RACKET = {"racket": ("handle", 1.0)}
_SMALL = {
    "tennis_ball": ("palm", 1.0),
    "bottle": ("handle", 1.0),
    "hammer": ("handle", 0.5),
    "dumbbell": ("handle", 0.5),
    "book": ("palm", 0.4),
}
_TOOLS = {"drill": ("handle", 1.0), "hammer": ("handle", 1.0), "paint_roller": ("handle", 1.0)}
HOLDS: dict[str, dict[str, tuple[str, float]]] = {
    "stand": {**_ONE, **_CARRIED, "crutch": ("crutch", 0.4), "dumbbell": ("pair", 0.3)},
    "walk": {**_ONE, **_CARRIED, "crutch": ("crutch", 0.5)},
    "run": {"bottle": ("handle", 1.0), "phone": ("palm", 0.6)},
    "reach": {**_ONE, **_TOOLS},
    "twist": {"dumbbell": ("pair", 1.0), "bottle": ("handle", 0.4)},
    "side_bend": _IRON,
    "squat": {
        "barbell": ("bar", 0.8),
        "dumbbell": ("pair", 1.0),
        "medicine_ball": ("ball", 0.8),
        "pole": ("bar", 0.4),
    },
    "deadlift": {"barbell": ("bar", 3.0), "dumbbell": ("pair", 0.7)},
    "lunge": {"dumbbell": ("pair", 1.5), "kettlebell": ("hang", 0.5)},
    "overhead_press": {"barbell": ("bar", 1.5), "dumbbell": ("pair", 1.0), "pole": ("bar", 0.4)},
    "windmill": {"dumbbell": ("handle", 1.0)},
    "sit": _ONE,
    "sit_to_stand": {"crutch": ("crutch", 0.5), "phone": ("palm", 0.5)},
    "desk": {"phone": ("palm", 1.0), "book": ("palm", 0.5)},
    "drive": {"steering_wheel": ("wheel", 1.0)},
    "lift_floor": _LOADS,
    "lift_stoop": _LOADS,
    "lift_twist": _LOADS,
    "lift_table": _LOADS,
    "table_twist": _LOADS,
    "pick_up": _SMALL,
    "kneel": {**_TOOLS, "phone": ("palm", 0.5)},
    "half_kneel": _TOOLS,
    "overhead_work": _TOOLS,
    "shovel": {"shovel": ("stick", 2.0), "broom": ("stick", 0.6)},
    "swing": {"bat": ("stick", 1.0), "golf_club": ("stick", 1.0), "hockey_stick": ("stick", 0.8)},
    "golf": {"golf_club": ("stick", 1.0)},
    "bat": {"bat": ("stick", 1.0)},
    "tennis_serve": _RACKET,
    "forehand": _RACKET,
    "backhand": _RACKET,
    "throw": {"tennis_ball": ("palm", 1.0), "baseball": ("palm", 1.0), "football": ("palm", 0.3)},
    "pitch": {"baseball": ("palm", 1.0)},
    "bowl": {"tennis_ball": ("palm", 1.0), "baseball": ("palm", 0.6)},
    "basketball_shot": {"basketball": ("ball", 1.0)},
    "volleyball_spike": {"volleyball": ("palm", 0.5)},
}

_BUTTS = {"golf_club": -0.045, "bat": -0.02, "hockey_stick": -0.06, "shovel": -0.24, "broom": -0.30}
_BOTH = ("pair", "bar", "stick", "between", "ball", "wheel")


def draw_held(config: ObjectsConfig, rng: np.random.Generator, activity: str) -> HeldSpec | None:
    """Something that fits the activity, or None: for most people, and where there is nothing to hold."""
    chance, pick, variant, side = rng.random(), rng.random(), int(rng.integers(VARIANTS)), rng.random()
    choices = HOLDS.get(activity, {})
    weights = np.array([weight * config.held_kinds.get(kind, 0.0) for kind, (_, weight) in choices.items()])
    if chance >= config.held or weights.sum() <= 0:
        return None
    kind = list(choices)[int(np.searchsorted(np.cumsum(weights) / weights.sum(), pick, side="right"))]
    hold = choices[kind][0]
    hand = "both" if hold in _BOTH else "r" if side < 0.7 else "l"
    return HeldSpec(kind, variant, hold, hand, finger_curl(kind, hold))


def finger_curl(kind: str, hold: str) -> float:
    """Flexion of each finger joint, rad, that closes a hand round the object: less, the thicker it is."""
    if hold == "between":
        return 0.25
    return round(
        float(np.interp(make(kind, 0).handle, [0.005, 0.014, 0.034, 0.06, 0.11], [1.08, 0.86, 0.62, 0.45, _BALL_CURL])),
        3,
    )


def build_held(
    spec: HeldSpec,
    world_from_hands: Mapping[str, np.ndarray],
    stature: float,
    instance_id: int,
    key: str,
    body: Sequence[MeshPart] = (),
) -> tuple[MeshPart, ...]:
    """Parts of what is held, or () where it cannot be held so.

    Args:
        world_from_hands: (4, 4) of the hand bodies, by side "r" and "l".
        body: surfaces of the holder; the thing must not lie more than 14 mm inside of his head, trunk or legs.
    """
    hands = {side: grips.grip_of(side, np.asarray(world_from_hands[side]), stature) for side in "rl"}
    flesh = flesh_of(body)
    for variant in [(spec.variant + k) % VARIANTS for k in range(_TRIES)]:
        solid = make(spec.kind, variant)
        for pieces in _ways(spec, solid, hands):
            if pieces and all(_free(solid, place, scale, flesh) for place, scale in pieces):
                return tuple(
                    part
                    for k, (place, scale) in enumerate(pieces)
                    for part in parts_of(solid, place, instance_id, scale, f"{key}/held{k}")
                )
    return ()


Held = list[tuple[np.ndarray, tuple[float, float, float]]]
_SAME = (1.0, 1.0, 1.0)


def _ways(spec: HeldSpec, solid: Solid, hands: Mapping[str, Grip]) -> Iterator[Held]:
    """Ways to try, best first: places and scales of the pieces."""
    if spec.hold in ("handle", "cup", "palm", "hang", "crutch"):
        for side in (spec.hand, "l" if spec.hand == "r" else "r"):
            one = _single(spec.hold, solid, hands[side])
            if one is not None:
                yield [one]
    elif spec.hold == "pair":
        both = [_single("handle", solid, hands[side]) for side in "rl"]
        yield [found for found in both if found is not None]
    elif spec.hold == "bar" and (found := grips.bar(hands, solid.handle)) is not None:
        yield [(found, _SAME)]
    elif spec.hold == "stick" and (found := grips.stick(hands, solid.handle, _BUTTS.get(solid.kind, 0.0))) is not None:
        yield [(found, _reaching(solid, found))]
    elif spec.hold == "ball":
        if (found := grips.ball(hands, solid.handle)) is not None:
            yield [(found, _SAME)]
        if solid.kind in ("basketball", "volleyball"):  # light enough for one hand
            yield from ([(grips.in_palm(hands[side], solid.grip), _SAME)] for side in "rl")
    elif spec.hold == "wheel" and (steered := grips.wheel(hands, 0.17)) is not None:
        yield [(steered[0], (1.0, steered[1], steered[1]))]
    elif spec.hold == "between" and (boxed := grips.between(hands)) is not None:
        place, width = boxed
        raised = max(0.0, -float(solid.low[1]) - place[1, 3] + 0.001)
        if raised > 0.14:
            return
        ahead = grips.away(hands, place[:3, 2])
        for step in range(_STEPS):  # out from the belly, as long as the palms stay on it
            moved = place.copy()
            moved[:3, 3] += raised * np.array([0.0, 1.0, 0.0]) + 0.04 * step * ahead
            yield [(moved, (1.0, 1.0, float(width / solid.size[2])))]


def _single(hold: str, solid: Solid, hand: Grip) -> tuple[np.ndarray, tuple[float, float, float]] | None:
    if hold in ("handle", "cup"):
        place = grips.handle(hand, solid.grip, solid.handle, 0.2 if hold == "cup" else -1.0)
        return None if place is None else (place, _SAME)
    if hold == "palm":
        return grips.in_palm(hand, solid.grip), _SAME
    if hold == "hang":
        place = grips.hanging(hand, solid.grip, solid.handle)
        return None if place is None else (place, _SAME)
    place = grips.crutch(hand, solid.handle)
    if place is None:
        return None
    tall = float(place[1, 3] / -solid.low[1])  # its foot on the floor
    return (place, (1.0, tall, 1.0)) if 0.8 < tall < 1.35 else None


def _reaching(solid: Solid, place: np.ndarray) -> tuple[float, float, float]:
    """A club may be up to a fifth shorter where its head would enter the floor."""
    tip = place[1, 3] + place[1, 1] * solid.high[1] - abs(place[1, 0]) * 0.03
    if tip >= 0 or place[1, 1] >= -0.1:
        return _SAME
    length = (place[1, 3] - abs(place[1, 0]) * 0.03) / -(place[1, 1] * solid.high[1])
    return (1.0, float(np.clip(length, 0.8, 1.0)), 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Flesh:
    """Points of a body for asking how deep something lies in it."""

    tree: cKDTree
    points: np.ndarray
    normals: np.ndarray

    def depth(self, probes: np.ndarray) -> float:
        """How deep, m, the deepest of (P, 3) probes lies under the surface; 0 where none does.

        The sign comes from the nearest point; what lies farther than a hand's breadth from all of them is outside.
        """
        distance, nearest = self.tree.query(probes, distance_upper_bound=_BREADTH)
        found = np.isfinite(distance)
        gap = probes[found] - self.points[nearest[found]]
        return float((-(gap * self.normals[nearest[found]]).sum(1)).max(initial=0.0))


def flesh_of(body: Sequence[MeshPart], parts: Sequence[str] = ("trunk", "head", "leg_r", "leg_l")) -> Flesh | None:
    """Every few vertices of the named body parts (see rig.PARTS); None of nobody."""
    wanted = np.zeros(256, bool)
    wanted[[PARTS.index(name) for name in parts]] = True
    stride = max(1, sum(len(part.vertices) for part in body) // _FLESH_POINTS)
    points, normals = [], []
    for part in body:
        mask = wanted[part.part_id[::stride]]
        points.append(part.vertices[::stride][mask])
        normals.append(part.normals[::stride][mask])
    if not sum(len(p) for p in points):
        return None
    joined = np.concatenate(points)
    return Flesh(cKDTree(joined, balanced_tree=False, compact_nodes=False), joined, np.concatenate(normals))


def _free(solid: Solid, place: np.ndarray, scale: Sequence[float], flesh: Flesh | None) -> bool:
    """Whether the object stays above the floor and out of the body."""
    probes = (probes_of(solid) * scale) @ place[:3, :3].T + place[:3, 3]
    if probes[:, 1].min() < -_SUNK:
        return False
    deep = 0.04 if solid.kind == "steering_wheel" else _DEEP  # its column may brush a knee
    return flesh is None or flesh.depth(probes) < deep
