"""Draw poses: an activity's generator, then the checks every pose must pass, then again until one does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biomech.activities.draft import Draft
from biomech.activities.ground import capsule_bottoms, foot_frame
from biomech.activities.pose import Pose, PoseBatch, batch_poses
from biomech.activities.rig import Rig, frames_of, rig_of
from biomech.collision import penetration
from biomech.errors import ModelError

MAX_DRAWS = 40
"""Draws of one pose before sample_pose gives up."""

_PENETRATION = 0.010  # m beyond the soft-tissue allowance; less is skin folding
_BELOW_FLOOR = 0.015  # m a capsule may dip under the floor; flesh flattens
_FOOT_POSITION = 0.0015  # m
_FOOT_TURN = math.radians(0.8)


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing people do: `generate` fills a Draft; `weight` is its default share in a dataset.

    `course` says what the phase means: "course" from beginning to end, "cycle" round and round, "depth" from slight to
    far, "" nothing (a posture).
    """

    name: str
    generate: Callable[[Draft], None]
    weight: float
    group: str
    course: str = ""

    @property
    def summary(self) -> str:
        """First line of the generator's description."""
        return (self.generate.__doc__ or "").strip().splitlines()[0]


def draw_activity(
    weights: Mapping[str, float] | None, rng: np.random.Generator, library: Mapping[str, Activity]
) -> str:
    """Name of an activity, drawn by weight (None: the library's own). ModelError on unknown names or no weight."""
    if weights is None:
        weights = {name: a.weight for name, a in library.items()}
    unknown = sorted(set(weights) - set(library))
    if unknown:
        raise ModelError(f"Unknown activities {unknown}; allowed are {', '.join(library)}.")
    names = [n for n in library if weights.get(n, 0.0) > 0.0]  # library order, so that the caller's order is no matter
    values = np.array([float(weights[n]) for n in names])
    if not names or not np.isfinite(values).all() or min(weights.values()) < 0:
        raise ModelError(f"Activity weights {dict(weights)} must be finite, not negative, and one above zero.")
    return names[int(np.searchsorted(np.cumsum(values) / values.sum(), rng.random(), side="right"))]


def draw_draft(model, activity: Activity, style: int, phase: float) -> tuple[Draft, str | None]:
    """What `style` (a seed) does at `phase`, and why it cannot be a pose, or None."""
    rig = rig_of(model)
    draft = Draft(rig, model.limits, np.random.default_rng(style), phase)
    activity.generate(draft)
    draft.moved = draft.q[3:6] * (1.0, 0.0, 1.0)
    draft.q[3] = draft.q[5] = 0.0  # the pelvis stands over the origin; height is kept
    return draft, fault(rig, draft, frames_of(rig, draft.q))


def sample_pose(
    model, activity: Activity, rng: np.random.Generator, max_draws: int = MAX_DRAWS, phase: float | None = None
) -> Pose:
    """One accepted pose of `activity` for a SpineModel, at `phase` in [0, 1) or at a drawn one.

    Every draw is checked: coordinates inside the hard range, planted feet flat on the floor, nothing under the floor,
    no limb through the body. ModelError when `max_draws` draws fail.
    """
    if phase is not None:
        check_phases([phase])
    reasons: list[str] = []
    for _ in range(max_draws):
        drawn, style = float(rng.random()), int(rng.integers(2**63))
        draft, reason = draw_draft(model, activity, style, drawn if phase is None else float(phase))
        if reason is None:
            return _pose(activity, draft, reasons)
        reasons.append(reason)
    raise ModelError(
        f"No acceptable pose of {activity.name!r} in {max_draws} draws (last: {reasons[-1]}); "
        "check the model's limb proportions and capsules, or leave this activity out."
    )


def sample_phases(
    model, activity: Activity, rng: np.random.Generator, phases: Sequence[float], max_draws: int = MAX_DRAWS
) -> tuple[Pose, ...]:
    """One person doing `activity` in one way, seen at each of `phases` in [0, 1); only the place in its course differs.

    The pelvis is kept over the origin. ModelError when no draw is acceptable at all of the phases.
    """
    check_phases(phases)
    reasons: list[str] = []
    for _ in range(max_draws):
        style = int(rng.integers(2**63))
        drafts = []
        for phase in phases:
            draft, reason = draw_draft(model, activity, style, float(phase))
            if reason is not None:
                reasons.append(f"at {phase:.2f} {reason}")
                break
            drafts.append(draft)
        else:
            return tuple(_pose(activity, draft, reasons) for draft in drafts)
    raise ModelError(
        f"No draw of {activity.name!r} out of {max_draws} is acceptable at all {len(phases)} phases "
        f"(last: {reasons[-1]}); ask for fewer phases or another seed."
    )


def check_phases(phases: Sequence[float]) -> None:
    """ModelError unless there is a phase and all are in [0, 1)."""
    if not len(phases) or not all(0.0 <= p < 1.0 for p in phases):
        raise ModelError(f"Phases {list(phases)} given; wanted one or more numbers from 0 up to, not including, 1.")


def _pose(activity: Activity, draft: Draft, reasons: list[str]) -> Pose:
    return Pose(
        q=draft.q,
        activity=activity.name,
        phase=draft.phase,
        contacts=draft.contacts,
        support=draft.support,
        props=dict(draft.props),
        rejections=len(reasons),
        reasons=tuple(reasons),
    )


def sample_poses(model, activities: Sequence[Activity], rngs: Sequence[np.random.Generator]) -> PoseBatch:
    """One pose per activity and generator, as a batch."""
    if len(activities) != len(rngs):
        raise ModelError(f"Got {len(activities)} activities and {len(rngs)} generators; give one each.")
    poses = [sample_pose(model, a, r) for a, r in zip(activities, rngs, strict=True)]
    return batch_poses(poses, model.coordinates)


def fault(rig: Rig, draft: Draft, frames: np.ndarray) -> str | None:
    """Why a draft cannot be a pose, or None."""
    if draft.failure:
        return draft.failure
    if not np.isfinite(draft.q).all():
        return "not finite"
    outside = (draft.q < rig.hard[:, 0]) | (draft.q > rig.hard[:, 1])
    if outside.any():
        return f"hard limit of {list(rig.index)[int(np.argmax(outside))]}"
    for plant in draft.plants:
        wanted = foot_frame(rig, plant)[0]
        got = frames[rig.rows[f"calcn_{plant.side}"]]
        slip = got[:3, 3] - wanted[:3, 3]
        slip[[0, 2]] += draft.moved[[0, 2]]
        turn = np.arccos(np.clip((np.trace(got[:3, :3].T @ wanted[:3, :3]) - 1) / 2, -1, 1))
        if float(np.abs(slip).max()) > _FOOT_POSITION or turn > _FOOT_TURN:
            return f"foot_{plant.side} out of reach"
    bottoms = capsule_bottoms(rig, frames)
    if bottoms.min() < -_BELOW_FLOOR:
        return f"{rig.pairs.names[int(np.argmin(bottoms))]} below the floor"
    depth = penetration(rig.pairs, frames[None])[0]
    if depth.max(initial=0.0) > _PENETRATION:
        k = int(np.argmax(depth))
        i, j = rig.pairs.first[k], rig.pairs.second[k]
        return f"{rig.pairs.names[i]} through {rig.pairs.names[j]}"
    return None
