"""What people do in a picture or a clip: poses drawn from activities and captured motion, standing on the floor.

Random streams: default_rng([seed, POSES, take]) for the person a picture is about, [seed, POSES, take, k] for the k-th
beside him; with one more number for what he holds and for his fingers and face.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from biomech.activities import ACTIVITIES, MAX_DRAWS, Pose, draw_activity, sample_phases, sample_pose
from biomech.errors import ModelError
from biomech.model import SpineModel
from scenes.expression import Expression, draw_expression
from scenes.hands import Hands, draw_hands, grip
from scenes.held import HeldSpec, draw_held
from synthgen.cast import Cast, Posed, lowered_to_floor, put_in_pose
from synthgen.config import Config, split_of
from synthgen.motion_clips import motion_clip
from synthgen.motion_poses import MotionPose, Pool, draw_motion
from synthgen.specs import PoseSpec

POSES = 2
"""Random stream of poses."""

HELD, FACES = 7, 8
"""Streams inside a take's: of things in hands, and of fingers and faces."""

MAX_ACTIVITIES = 10
"""Activities tried before a sample gives up."""

COURSE_SECONDS = (1.2, 3.0)
"""How long one course or cycle of an activity takes in a clip; a movement into a depth goes there and back."""


def draw_pose(config: Config, model: SpineModel, rng: np.random.Generator) -> Pose:
    """A pose of a drawn activity; one that this body cannot do (a heavy person's deep squat) gives way to another."""
    return _first_possible(config, rng, lambda name: (sample_pose(model, name, rng),))[0]


def draw_course(
    config: Config, model: SpineModel, rng: np.random.Generator, count: int, fps: float
) -> tuple[Pose, ...]:
    """`count` poses of one drawn activity at `fps` per second; postures that have no course are passed over."""
    weights = config.activities.weights or {name: a.weight for name, a in ACTIVITIES.items()}
    moving = {name: weight for name, weight in weights.items() if ACTIVITIES[name].course}
    if not sum(moving.values()) > 0:
        raise ModelError(
            "a clip needs activities with a course; 'activities.weights' leaves only postures: "
            f"{', '.join(name for name, weight in weights.items() if weight > 0)}"
        )
    start, seconds = float(rng.uniform()), float(rng.uniform(*COURSE_SECONDS))

    def course(name: str) -> tuple[Pose, ...]:
        at = np.arange(count) / fps / seconds
        if ACTIVITIES[name].course == "cycle":
            phases = (start + at) % 1.0
        elif ACTIVITIES[name].course == "depth":
            phases = 0.5 - 0.5 * np.cos(2 * np.pi * (start + at))
        else:
            phases = np.minimum(at, 1.0)
        return sample_phases(model, name, rng, tuple(float(min(p, 0.999)) for p in phases))

    return _first_possible(config, rng, course, moving)


def _first_possible(config: Config, rng: np.random.Generator, draw, weights=None) -> tuple[Pose, ...]:
    failed: list[str] = []
    for _ in range(MAX_ACTIVITIES):
        name = draw_activity(weights or config.activities.weights or None, rng)
        try:
            poses = draw(name)
        except ModelError as error:
            failed.append(f"{name}: {error}")
            continue
        reasons = tuple(f"gave up {text}" for text in failed)
        lost = len(failed) * MAX_DRAWS
        return tuple(replace(p, rejections=p.rejections + lost, reasons=reasons + p.reasons) for p in poses)
    raise ModelError(f"No pose in {MAX_ACTIVITIES} activities; the last failure was {failed[-1]}")


def take_poses(
    config: Config, cast: Cast, take: int, motions: Mapping[str, Pool] | None = None, companion: int = 0
) -> tuple[tuple[PoseSpec, ...], HeldSpec | None]:
    """Poses of a person in a take, one per frame, each standing on the floor; and what he holds.

    Args:
        motions: split -> frames of captured motion; a person takes poses from those of his own split.
        companion: 0 for the person the picture is about, k for the k-th beside him.
    """
    stream = [config.seed, POSES, take, companion]
    rng = np.random.default_rng(stream if companion else stream[:3])
    count, fps = config.capture.frames, config.capture.fps
    pool = None if companion else (motions or {}).get(split_of(config, cast.number))
    if count == 1:
        taken = draw_motion(config, pool, cast.model, take)
        drawn = [(draw_pose(config, cast.model, rng), None)] if taken is None else [(taken.pose, taken)]
    else:
        frames = motion_clip(config, pool, cast.model, take, count, fps)
        if frames:
            drawn = [(taken.pose, taken) for taken in frames]
        else:
            drawn = [(pose, None) for pose in draw_course(config, cast.model, rng, count, fps)]
    first = drawn[0][0]
    held = draw_held(config.objects, np.random.default_rng([*stream, HELD]), first.activity)
    own = np.random.default_rng([*stream, FACES])
    hands = closed_round(held, draw_hands(own, first.activity, first.support))
    face = draw_expression(own, config.people.expression)
    specs = [_standing(cast, pose, taken, hands, face) for pose, taken in drawn]
    if count > 1:
        rates = np.gradient(np.array([spec.q for spec in specs]), 1.0 / fps, axis=0)
        specs = [replace(s, rate=tuple(float(v) for v in rate)) for s, rate in zip(specs, rates, strict=True)]
    return tuple(specs), held


def closed_round(held: HeldSpec | None, hands: Hands) -> Hands:
    """Hands with their fingers around what they hold."""
    if held is None:
        return hands
    hand = replace(grip(0.6), flexion=(held.curl,) * 12)
    right, left = held.hand in ("r", "both"), held.hand in ("l", "both")
    return Hands(hand if right else hands.right, hand if left else hands.left)


def _standing(cast: Cast, drawn: Pose, taken: MotionPose | None, hands: Hands, face: Expression) -> PoseSpec:
    q = lowered_to_floor(cast, drawn.q, hands, drawn.props.get("clearance", 0.0))
    return PoseSpec(
        activity=drawn.activity,
        phase=drawn.phase,
        support=drawn.support,
        q=tuple(float(v) for v in q),
        hands=hands,
        face=face,
        rejections=drawn.rejections,
        rejection_reasons=drawn.reasons,
        motion="" if taken is None else taken.motion,
        frame=-1 if taken is None else taken.frame,
        mirrored=taken is not None and taken.mirrored,
        rate=() if taken is None else taken.rate,
        props={name: float(value) for name, value in drawn.props.items()},
    )


def pose_person(cast: Cast, pose: PoseSpec) -> Posed:
    """What a pose makes of a person, in his own frame."""
    return put_in_pose(cast, np.array(pose.q), pose.hands, pose.face)


def way_moved(cast: Cast, pose: PoseSpec, posed: Posed, seconds: float) -> np.ndarray | None:
    """(V, 3) m that each vertex moves in a moment from a pose, in the person's own frame; None where no movement is
    known. `posed` is what the pose makes of him."""
    if not pose.rate or seconds <= 0:
        return None
    moved = put_in_pose(cast, np.array(pose.q) + seconds * np.array(pose.rate), pose.hands, pose.face)
    return moved.vertices - posed.vertices
