"""What people do: whole-body poses drawn at random, on the floor, in balance, inside the joints' ranges.

`ACTIVITIES` is the library; `sample_pose(model, name, rng)` draws one pose. A generator works on a Draft by meaning
(pelvis, regional trunk angles, gaze, hands, feet); level angles come from biomech.rhythm, legs and arms from
closed-form inverse kinematics on the model's own geometry. Poses depend on nothing but (model, activity, rng).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from biomech.activities import (
    balls,
    fight_dance,
    floor,
    gait,
    gym,
    gymnastics,
    hands,
    holds,
    lowered,
    lying,
    mat,
    sampler,
    seated,
    seats,
    sport,
    swings,
    upright,
    water,
    work,
)
from biomech.activities.pose import SUPPORTS, Pose, PoseBatch, batch_poses
from biomech.activities.sampler import MAX_DRAWS, Activity
from biomech.errors import ModelError

_TABLE = (
    ("stand", upright.stand, 8, "upright", ""),
    ("bend_forward", upright.bend_forward, 8, "upright", "depth"),
    ("extend", upright.extend, 4, "upright", "depth"),
    ("side_bend", upright.side_bend, 5, "upright", "depth"),
    ("twist", upright.twist, 5, "upright", "depth"),
    ("reach", upright.reach, 7, "upright", "depth"),
    ("squat", lowered.squat, 6, "lowered", "depth"),
    ("deadlift", lowered.deadlift, 6, "lowered", "depth"),
    ("lunge", lowered.lunge, 4, "lowered", "depth"),
    ("walk", gait.walk, 8, "gait", "cycle"),
    ("run", gait.run, 5, "gait", "cycle"),
    ("jump", gait.jump, 3, "gait", "course"),
    ("kick", sport.kick, 3, "sport", "course"),
    ("throw", sport.throw, 4, "sport", "course"),
    ("swing", sport.swing, 4, "sport", "course"),
    ("sit", seated.sit, 9, "seated", ""),
    ("kneel", floor.kneel, 3, "floor", ""),
    ("half_kneel", floor.half_kneel, 3, "floor", ""),
    ("cat", hands.cat, 2, "floor", "depth"),
    ("cow", hands.cow, 2, "floor", "depth"),
    ("childs_pose", floor.childs_pose, 2, "floor", ""),
    ("plank", hands.plank, 2, "floor", "depth"),
    ("down_dog", hands.down_dog, 2, "floor", ""),
    ("cobra", lying.cobra, 2, "lying", "depth"),
    ("lie_supine", lying.lie_supine, 3, "lying", ""),
    ("lie_prone", lying.lie_prone, 2, "lying", ""),
    ("lie_side", lying.lie_side, 2, "lying", ""),
    ("tree", holds.tree, 2, "holds", ""),
    ("airplane", holds.airplane, 2, "holds", "depth"),
    ("warrior", holds.warrior, 3, "holds", "depth"),
    ("lift_floor", work.lift_floor, 3, "work", "course"),
    ("lift_stoop", work.lift_stoop, 2, "work", "course"),
    ("lift_twist", work.lift_twist, 4, "work", "course"),
    ("lift_table", work.lift_table, 2, "work", "course"),
    ("table_twist", work.table_twist, 3, "work", "course"),
    ("pick_up", work.pick_up, 3, "work", "course"),
    ("shovel", work.shovel, 3, "work", "course"),
    ("overhead_work", work.overhead_work, 3, "work", "cycle"),
    ("desk", seats.desk, 4, "seated", ""),
    ("drive", seats.drive, 3, "seated", "cycle"),
    ("sit_to_stand", seats.sit_to_stand, 3, "seated", "course"),
    ("sit_up", mat.sit_up, 2, "mat", "course"),
    ("seated_rotation", mat.seated_rotation, 4, "mat", "cycle"),
    ("seated_fold", mat.seated_fold, 2, "mat", "depth"),
    ("seated_twist", mat.seated_twist, 2, "mat", "depth"),
    ("bridge", gymnastics.bridge, 3, "gymnastics", "depth"),
    ("handstand", gymnastics.handstand, 1, "gymnastics", "course"),
    ("overhead_press", gym.overhead_press, 2, "gym", "course"),
    ("spine_circles", gym.spine_circles, 14, "gym", "cycle"),
    ("windmill", gym.windmill, 4, "gym", "depth"),
    ("triangle", gym.triangle, 3, "yoga", "depth"),
    ("side_gate", gym.side_gate, 3, "yoga", "depth"),
    ("golf", swings.golf, 3, "swings", "course"),
    ("bat", swings.bat, 2, "swings", "course"),
    ("tennis_serve", swings.tennis_serve, 3, "swings", "course"),
    ("forehand", swings.forehand, 2, "swings", "course"),
    ("backhand", swings.backhand, 2, "swings", "course"),
    ("basketball_shot", balls.basketball_shot, 2, "balls", "course"),
    ("volleyball_spike", balls.volleyball_spike, 2, "balls", "course"),
    ("pitch", balls.pitch, 2, "balls", "course"),
    ("bowl", balls.bowl, 2, "balls", "course"),
    ("front_crawl", water.front_crawl, 2, "water", "cycle"),
    ("backstroke", water.backstroke, 1, "water", "cycle"),
    ("breaststroke", water.breaststroke, 1, "water", "cycle"),
    ("butterfly", water.butterfly, 1, "water", "cycle"),
    ("punch", fight_dance.punch, 2, "martial", "cycle"),
    ("front_kick", fight_dance.front_kick, 2, "martial", "course"),
    ("side_kick", fight_dance.side_kick, 2, "martial", "course"),
    ("arabesque", fight_dance.arabesque, 2, "dance", "depth"),
    ("port_de_bras", fight_dance.port_de_bras, 4, "dance", "cycle"),
)

ACTIVITIES: dict[str, Activity] = {row[0]: Activity(row[0], row[1], float(row[2]), *row[3:]) for row in _TABLE}
"""Name -> activity, with its generator, default weight, group and what its phase means."""

__all__ = [
    "ACTIVITIES", "MAX_DRAWS", "SUPPORTS", "Activity", "Pose", "PoseBatch", "batch_poses", "draw_activity",
    "sample_phases", "sample_pose", "sample_poses",
]  # fmt: skip


def activity(name: str) -> Activity:
    """An activity by name; ModelError names the known ones."""
    if name not in ACTIVITIES:
        raise ModelError(f"Unknown activity {name!r}; allowed are {', '.join(ACTIVITIES)}.")
    return ACTIVITIES[name]


def draw_activity(weights: Mapping[str, float] | None, rng: np.random.Generator) -> str:
    """Name of an activity drawn by weight; None: the library's own weights. ModelError on unknown names."""
    return sampler.draw_activity(weights, rng, ACTIVITIES)


def sample_pose(
    model, name: str, rng: np.random.Generator, max_draws: int = MAX_DRAWS, phase: float | None = None
) -> Pose:
    """One accepted pose of activity `name` for a SpineModel, at `phase` in [0, 1) or at a drawn one.

    ModelError when `max_draws` draws fail.
    """
    return sampler.sample_pose(model, activity(name), rng, max_draws, phase)


def sample_phases(
    model, name: str, rng: np.random.Generator, phases: Sequence[float], max_draws: int = MAX_DRAWS
) -> tuple[Pose, ...]:
    """One person doing activity `name` in one way, seen at each of `phases`; nothing but the phase differs."""
    return sampler.sample_phases(model, activity(name), rng, phases, max_draws)


def sample_poses(model, names: Sequence[str], rngs: Sequence[np.random.Generator]) -> PoseBatch:
    """One pose per name and generator, as a batch."""
    return sampler.sample_poses(model, [activity(n) for n in names], rngs)
