"""What people do: whole-body poses drawn at random, on the floor, in balance, inside the joints' ranges.

`ACTIVITIES` is the library; `sample_pose(model, name, rng)` draws one pose. A generator works on a Draft by meaning
(pelvis, regional trunk angles, gaze, hands, feet); level angles come from biomech.rhythm, legs and arms from
closed-form inverse kinematics on the model's own geometry. Poses depend on nothing but (model, activity, rng).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from biomech.activities import floor, gait, hands, holds, lowered, lying, sampler, seated, sport, upright
from biomech.activities.pose import SUPPORTS, Pose, PoseBatch, batch_poses
from biomech.activities.sampler import MAX_DRAWS, Activity
from biomech.errors import ModelError

_TABLE = (
    ("stand", upright.stand, 8, "upright"),
    ("bend_forward", upright.bend_forward, 8, "upright"),
    ("extend", upright.extend, 4, "upright"),
    ("side_bend", upright.side_bend, 5, "upright"),
    ("twist", upright.twist, 5, "upright"),
    ("reach", upright.reach, 7, "upright"),
    ("squat", lowered.squat, 6, "lowered"),
    ("deadlift", lowered.deadlift, 6, "lowered"),
    ("lunge", lowered.lunge, 4, "lowered"),
    ("walk", gait.walk, 8, "gait"),
    ("run", gait.run, 5, "gait"),
    ("jump", gait.jump, 3, "gait"),
    ("kick", sport.kick, 3, "sport"),
    ("throw", sport.throw, 4, "sport"),
    ("swing", sport.swing, 4, "sport"),
    ("sit", seated.sit, 9, "seated"),
    ("kneel", floor.kneel, 3, "floor"),
    ("half_kneel", floor.half_kneel, 3, "floor"),
    ("cat", hands.cat, 2, "floor"),
    ("cow", hands.cow, 2, "floor"),
    ("childs_pose", floor.childs_pose, 2, "floor"),
    ("plank", hands.plank, 2, "floor"),
    ("down_dog", hands.down_dog, 2, "floor"),
    ("cobra", lying.cobra, 2, "lying"),
    ("lie_supine", lying.lie_supine, 3, "lying"),
    ("lie_prone", lying.lie_prone, 2, "lying"),
    ("lie_side", lying.lie_side, 2, "lying"),
    ("tree", holds.tree, 2, "holds"),
    ("airplane", holds.airplane, 2, "holds"),
    ("warrior", holds.warrior, 3, "holds"),
)

ACTIVITIES: dict[str, Activity] = {name: Activity(name, f, float(w), group) for name, f, w, group in _TABLE}
"""Name -> activity, with its generator, default weight and group."""

__all__ = [
    "ACTIVITIES", "MAX_DRAWS", "SUPPORTS", "Activity", "Pose", "PoseBatch", "batch_poses", "draw_activity",
    "sample_pose", "sample_poses",
]  # fmt: skip


def activity(name: str) -> Activity:
    """An activity by name; ModelError names the known ones."""
    if name not in ACTIVITIES:
        raise ModelError(f"Unknown activity {name!r}; allowed are {', '.join(ACTIVITIES)}.")
    return ACTIVITIES[name]


def draw_activity(weights: Mapping[str, float] | None, rng: np.random.Generator) -> str:
    """Name of an activity drawn by weight; None: the library's own weights. ModelError on unknown names."""
    return sampler.draw_activity(weights, rng, ACTIVITIES)


def sample_pose(model, name: str, rng: np.random.Generator, max_draws: int = MAX_DRAWS) -> Pose:
    """One accepted pose of activity `name` for a SpineModel; ModelError when `max_draws` draws fail."""
    return sampler.sample_pose(model, activity(name), rng, max_draws)


def sample_poses(model, names: Sequence[str], rngs: Sequence[np.random.Generator]) -> PoseBatch:
    """One pose per name and generator, as a batch."""
    return sampler.sample_poses(model, [activity(n) for n in names], rngs)
