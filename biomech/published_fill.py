"""Levels that a published model lacks: filled by the rhythm of our tables, so that what the model says of the bodies
above and below stays true.

A rigid thorax: the model puts the whole motion of the trunk into its lumbar levels. Here the thoracic levels take over
their share (data/trunk_shares.csv and the rhythm), the lumbar ones keep the proportions the model gives them, and
the thorax ends up where the model has it. One joint for a whole neck is spread over the levels of the neck alike.

Shapes: T frames, 25 levels, 3 axes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from biomech.anatomy import AXES, BODIES, LEVELS, REGION_SLICES, SPINE_BODIES, read_table
from biomech.neutral import standing_frames
from biomech.rhythm import level_shares

TRUNK = slice(0, REGION_SLICES["thoracic"].stop)
"""Levels below the neck."""
_ROUNDS = 10
_CLOSE = 2e-4  # rad, a hundredth of a degree


@lru_cache(maxsize=1)
def weights() -> np.ndarray:
    """(25, 3, 2): what part of a motion of trunk or neck each level takes, at negative and positive angles."""
    lumbar = {row["motion"]: float(row["lumbar"]) for row in read_table("trunk_shares")}
    out = np.empty((len(LEVELS), len(AXES), 2))
    for axis, name in enumerate(AXES):
        for sign in range(2):
            motion = name if name != "FE" else ("flexion", "extension")[sign]
            part = {"lumbar": lumbar[motion], "thoracic": 1.0 - lumbar[motion], "cervical": 1.0}
            for region, levels in REGION_SLICES.items():
                out[levels, axis, sign] = part[region] * level_shares(region, motion)
    out.flags.writeable = False
    return out


def spread(total: np.ndarray, levels: slice) -> np.ndarray:
    """(T, n, 3): a motion (T, 3) spread over a run of levels."""
    w = weights()[levels]  # (n, 3, 2)
    share = w / w.sum(axis=0)
    chosen = np.where(total[:, None, :] < 0.0, share[None, ..., 0], share[None, ..., 1])
    return total[:, None, :] * chosen


def fill_trunk(levels: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """A copy of levels (T, 25, 3) whose trunk levels without motion of their own have taken their part.

    Args:
        moved: (25, 3) bool, levels that the model moves, alone or together with others.
    """
    out = levels.copy()
    w = weights()[TRUNK]
    for axis in range(3):
        has = moved[TRUNK, axis]
        if not has.any() or has.all():
            continue
        total = levels[:, TRUNK, axis].sum(axis=1)
        shares = np.where(total[:, None] < 0.0, w[None, :, axis, 0], w[None, :, axis, 1])  # (T, 17)
        shares = shares / shares.sum(axis=1, keepdims=True)
        lacking = shares * ~has
        kept = 1.0 - lacking.sum(axis=1, keepdims=True)
        out[:, TRUNK, axis] = np.where(has, kept * levels[:, TRUNK, axis], lacking * total[:, None])
    return out


@lru_cache(maxsize=1)
def neutral_axes() -> np.ndarray:
    """(25, 3, 3): how the axes of each level stand in the upright pelvis, in the average adult."""
    frames, _ = standing_frames(1.75)
    axes = frames[[BODIES.index(body) for body in SPINE_BODIES[1:]], :3, :3].copy()
    axes.flags.writeable = False
    return axes


def composed(levels: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(T, 4) unit quaternions, w first: what levels together turn the bone above, along the axes of the upright world.

    Args:
        levels: (T, n, 3) rad, caudal to cranial.
        axes: (n, 3, 3), how the axes of each level stand in that world.
    """
    half = 0.5 * levels
    cosines, sines = np.cos(half), np.sin(half)
    ca, cb, cc = cosines[..., 0], cosines[..., 1], cosines[..., 2]
    sa, sb, sc = sines[..., 0], sines[..., 1], sines[..., 2]
    turns = np.empty((*levels.shape[:2], 4))
    turns[..., 0] = ca * cb * cc - sa * sb * sc
    turns[..., 1] = ca * sb * cc - sa * cb * sc
    turns[..., 2] = ca * cb * sc + sa * sb * cc
    turns[..., 3] = sa * cb * cc + ca * sb * sc
    turns[..., 1:] = (axes @ turns[..., 1:, None])[..., 0]
    while turns.shape[1] > 1:  # neighbours in pairs, so that one pose costs no more calls than a thousand
        paired = product(turns[:, 0:-1:2], turns[:, 1::2])
        turns = paired if turns.shape[1] % 2 == 0 else np.concatenate([paired, turns[:, -1:]], axis=1)
    return turns[:, 0]


_PLACE = np.array([[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]])
_SIGN = np.array([[1.0, -1.0, -1.0, -1.0], [1.0, 1.0, -1.0, 1.0], [1.0, 1.0, 1.0, -1.0], [1.0, -1.0, 1.0, 1.0]])


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4): first b, then a."""
    return ((a[..., _PLACE] * _SIGN) @ b[..., None])[..., 0]


def meet(levels: np.ndarray, run: slice, movable: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A copy of levels whose `movable` ones are turned a little more, until the run turns the bone above by `wanted`.

    Angles do not add up in three dimensions; this takes back what spreading by sums got wrong.

    Args:
        levels: (T, 25, 3) rad.
        movable: (25, 3) bool.
        wanted: (T, 4), as `composed` gives it.
    """
    w = weights()[run].mean(axis=-1) * movable[run]
    if not (w.sum(axis=0) > 0.0).all():
        return levels
    share = w / w.sum(axis=0)  # (n, 3)
    rest = neutral_axes()[run]
    # columns: where FE, LB and AR of this run point together
    together = np.stack(
        [(share[:, k, None] * rest[:, :, unit]).sum(axis=0) for k, unit in enumerate((2, 0, 1))], axis=1
    )
    inverse = np.linalg.inv(together).T
    target = wanted * (1.0, -1.0, -1.0, -1.0)
    out = levels.copy()
    for _ in range(_ROUNDS):
        left = product(target, composed(out[:, run], rest))
        vector = -2.0 * left[:, 1:] * np.sign(left[:, :1])
        if np.abs(vector).max(initial=0.0) < _CLOSE:
            break
        out[:, run] += (vector @ inverse)[:, None, :] * share
    return out
