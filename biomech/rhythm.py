"""From a regional angle to level angles: shares, coupling, clamping, and moving the overflow to levels with room.

Shapes: B poses, 25 levels, 75 spine coordinates (anatomy.SPINE_COORDINATES: level by level, FE LB AR),
9 regional angles (limits.REGION_AXES: lumbar, thoracic, cervical, each FE LB AR). Radians.

A regional angle is the sum of its level angles. Targets are met exactly where the caps and ranges allow; coupled
motion (a spine that bends sideways also twists) comes on top of the targets and is reported apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from biomech.anatomy import AXES, LEVELS, REGION_SLICES, REGIONS, read_table
from biomech.errors import ModelError
from biomech.limits import REGION_AXES, Limits, load_limits

FE, LB, AR = 0, 1, 2

_STARTS = [part.start for part in REGION_SLICES.values()]
_COUNTS = [part.stop - part.start for part in REGION_SLICES.values()]


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """What became of a batch of regional targets: regional_angles(q) == targets + coupled - unmet."""

    q: np.ndarray  # (B, 75) rad
    coupled: np.ndarray  # (B, 9) rad: what coupling added
    unmet: np.ndarray  # (B, 9) rad: target beyond the regional cap or the summed level ranges
    clamped: np.ndarray  # (B, 25, 3) bool: level angle at its hard limit


def regional_angles(q: np.ndarray) -> np.ndarray:
    """Sum of the level angles of each region: (..., 75) rad -> (..., 9) rad."""
    spine = np.asarray(q, dtype=np.float64)
    if spine.shape[-1:] != (3 * len(LEVELS),):
        raise ModelError(f"spine coordinates of shape {spine.shape} given; wanted (..., {3 * len(LEVELS)})")
    levels = spine.reshape(*spine.shape[:-1], len(LEVELS), 3)
    return np.add.reduceat(levels, _STARTS, axis=-2).reshape(*spine.shape[:-1], len(REGION_AXES))


def distribute(
    targets: np.ndarray,
    limits: Limits | None = None,
    rng: np.random.Generator | None = None,
    *,
    variation: float = 0.1,
    coupling: bool = True,
) -> np.ndarray:
    """Level angles for regional targets, (9,) -> (75,) or (B, 9) -> (B, 75) rad; see distribute_detailed."""
    given = np.asarray(targets, dtype=np.float64)
    single = given.ndim == 1
    found = distribute_detailed(given[None] if single else given, limits, rng, variation=variation, coupling=coupling)
    return found.q[0] if single else found.q


def distribute_detailed(
    targets: np.ndarray,
    limits: Limits | None = None,
    rng: np.random.Generator | None = None,
    *,
    variation: float = 0.1,
    coupling: bool = True,
) -> Distribution:
    """Spread regional angles over the levels.

    Each region is first cut to its cap. Within it every level gets ``min(room, lam * share)`` with one lam per pose and
    region, chosen so that the sum is the target: levels that reach their hard limit pass the rest to the others, no
    level turns against its neighbours, and the motion grows steadily with the target.

    Args:
        targets: (B, 9) rad, order limits.REGION_AXES; 0 is the neutral spine.
        limits: default load_limits().
        rng: draws each person's shares; None gives the published means.
        variation: standard deviation of the log shares, used only with rng; neighbours vary together.
        coupling: add the coupled LB and AR of data/coupling.csv.

    Raises:
        ModelError: wrong shape, a value that is not finite, or a negative variation.
    """
    wanted = _check(targets, variation)
    limits = load_limits() if limits is None else limits
    hard = limits.spine_hard  # (25, 3, 2)
    aims = np.clip(wanted, limits.regional_hard[:, 0], limits.regional_hard[:, 1])
    log_noise = _log_noise(rng, len(aims), variation)
    if limits.rhythm is not None:
        log_noise = np.where(limits.rhythm.fixed, 0.0, log_noise)
    up = aims >= 0.0
    negative, positive = _tables(limits)  # (9, 12) each, per region and axis
    shares = np.where(up[..., None], positive.shares, negative.shares) * np.exp(log_noise).reshape(-1, 75)[:, _CHANNELS]
    found = _fill(np.abs(aims), shares, np.where(up[..., None], positive.room, negative.room))
    # a difference, so that a level at rest is +0.0 on either side
    levels = np.zeros((len(aims), len(LEVELS), 3))
    levels.reshape(-1, 75)[:, _CHANNELS[_REAL]] = np.where(up[..., None], found, 0.0 - found)[:, _REAL]
    unmet = wanted - regional_angles(levels.reshape(len(aims), -1))
    coupled = np.zeros_like(wanted)
    if coupling:
        extra = _coupled(levels, limits)
        levels = levels + extra
        coupled = regional_angles(extra.reshape(len(aims), -1))
    # sums and differences round: the last bit must not count as a violation
    levels = np.clip(levels, hard[..., 0], hard[..., 1])
    clamped = (levels <= hard[..., 0]) | (levels >= hard[..., 1])
    return Distribution(levels.reshape(len(aims), -1), coupled, unmet, clamped)


def _check(targets: np.ndarray, variation: float) -> np.ndarray:
    wanted = np.asarray(targets, dtype=np.float64)
    if wanted.ndim != 2 or wanted.shape[1] != len(REGION_AXES):
        raise ModelError(f"regional targets of shape {wanted.shape} given; wanted (B, 9): {', '.join(REGION_AXES)}")
    if not np.isfinite(wanted).all():
        row, column = (int(k) for k in np.argwhere(~np.isfinite(wanted))[0])
        raise ModelError(f"target {REGION_AXES[column]} of pose {row} is {wanted[row, column]}; it must be finite")
    if not variation >= 0.0:
        raise ModelError(f"variation {variation} given; wanted 0 or more (0.1 is usual)")
    return wanted


@lru_cache(maxsize=8)
def _shares(axis: int, positive: bool) -> np.ndarray:
    """(25,) shares summing to one per region; FE differs between flexion (negative) and extension."""
    motion = AXES[axis] if axis != FE else ("extension" if positive else "flexion")
    rows = {row["level"]: float(row["weight"]) for row in read_table("rhythm") if row["motion"] == motion}
    shares = np.array([rows[level] for level in LEVELS])
    for part in REGION_SLICES.values():
        shares[part] /= shares[part].sum()
    shares.flags.writeable = False
    return shares


def shares_of(limits: Limits, axis: int, positive: bool) -> np.ndarray:
    """(25,) shares, summing to one per region: those of this spine where its limits bring their own."""
    return _shares(axis, positive) if limits.rhythm is None else limits.rhythm.shares[:, axis, int(positive)]


_WIDTH = max(_COUNTS)
_REAL = np.array([[k < count for k in range(_WIDTH)] for count in _COUNTS for _ in AXES])
_CHANNELS = np.array(
    [[3 * min(part.start + k, len(LEVELS) - 1) + axis for k in range(_WIDTH)]
     for part in REGION_SLICES.values() for axis in range(3)]
)  # fmt: skip
"""(9, 12) column of the spine of each level of each regional angle, and whether there is such a level."""


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One direction of the nine regional angles, (9, 12) each; where there is no level there is no room."""

    shares: np.ndarray
    room: np.ndarray


@lru_cache(maxsize=32)
def _tables(limits: Limits) -> tuple[_Table, _Table]:
    """The negative and the positive direction; kept for the people of late."""
    found = []
    for positive in (False, True):
        shares = np.stack([shares_of(limits, axis, positive) for axis in range(3)], axis=1).reshape(-1)
        room = limits.spine_hard[..., 1] if positive else -limits.spine_hard[..., 0]
        found.append(_Table(np.where(_REAL, shares[_CHANNELS], 1.0), np.where(_REAL, room.reshape(-1)[_CHANNELS], 0.0)))
    return found[0], found[1]


def level_shares(region: str, motion: str) -> np.ndarray:
    """Published share of each level of a region, summing to 1. motion: flexion, extension, LB or AR."""
    if region not in REGIONS or motion not in ("flexion", "extension", "LB", "AR"):
        raise ModelError(
            f"shares of {region!r} in {motion!r} asked for; regions are {', '.join(REGIONS)}, "
            "motions flexion, extension, LB, AR"
        )
    axis = FE if motion in ("flexion", "extension") else AXES.index(motion)
    return _shares(axis, motion != "flexion")[REGION_SLICES[region]]


def _log_noise(rng: np.random.Generator | None, count: int, variation: float) -> np.ndarray:
    """(B, 25, 3) zero-mean noise along the column, smoothed so that it puts no kinks in."""
    if rng is None or variation == 0.0:
        return np.zeros((count, len(LEVELS), 3))
    white = rng.standard_normal((count, len(LEVELS) + 2, 3))
    # a 1-2-1 mean of neighbours has standard deviation sqrt(6)/4
    return variation * (white[:, :-2] + 2.0 * white[:, 1:-1] + white[:, 2:]) / np.sqrt(6.0)


def _fill(amount: np.ndarray, shares: np.ndarray, room: np.ndarray) -> np.ndarray:
    """min(room, lam * shares) with lam (...) such that rows sum to `amount`, or to sum(room) if that is less.

    Args:
        amount: (...) not negative, shares: (..., n) positive, room: (..., n) not negative.
    """
    amount = np.minimum(amount, room.sum(axis=-1))
    full_at = room / shares  # lam at which each level is full
    order = np.argsort(full_at, axis=-1, kind="stable")
    sorted_full_at, sorted_shares, sorted_room = (
        np.take_along_axis(v, order, axis=-1) for v in (full_at, shares, room)
    )
    # with the first k levels full: lam = (amount - their room) / (shares of the others)
    full_room = np.cumsum(sorted_room, axis=-1) - sorted_room  # room of those before k
    open_shares = np.cumsum(sorted_shares[..., ::-1], axis=-1)[..., ::-1]  # shares from k on
    lam = (amount[..., None] - full_room) / open_shares
    fits = lam <= sorted_full_at
    fits[..., -1] = True
    chosen = np.take_along_axis(lam, fits.argmax(axis=-1)[..., None], axis=-1)
    return np.minimum(room, chosen * shares)


@lru_cache(maxsize=1)
def coupling_ratios() -> tuple[np.ndarray, np.ndarray]:
    """AR per LB and LB per AR at each level, two (25,) arrays. Negative is ipsilateral: +LB is right, +AR is left."""
    ratios = {"LB": np.zeros(len(LEVELS)), "AR": np.zeros(len(LEVELS))}
    for row in read_table("coupling"):
        ratios[row["driver"]][LEVELS.index(row["level"])] = float(row["ratio"])
    for ratio in ratios.values():
        ratio.flags.writeable = False
    return ratios["LB"], ratios["AR"]


def _coupled(levels: np.ndarray, limits: Limits) -> np.ndarray:
    """Coupled LB and AR (B, 25, 3) that keep every level in its range and every region under its cap."""
    ar_per_lb, lb_per_ar = coupling_ratios()
    hard = limits.spine_hard
    extra = np.zeros_like(levels)
    extra[..., AR] = ar_per_lb * levels[..., LB]
    extra[..., LB] = lb_per_ar * levels[..., AR]
    if limits.rhythm is not None:
        extra[:, limits.rhythm.fixed] = 0.0
    extra = np.clip(levels + extra, hard[..., 0], hard[..., 1]) - levels
    before, added = (regional_angles(v.reshape(len(levels), -1)) for v in (levels, extra))
    cap = limits.regional_hard
    room = np.where(added > 0.0, cap[:, 1] - before, before - cap[:, 0])
    # every level range is an interval, so a scaled-down coupling stays inside it too
    keep = np.minimum(1.0, np.maximum(room, 0.0) / np.maximum(np.abs(added), 1e-300))
    extra *= np.repeat(keep.reshape(-1, len(REGIONS), 3), _COUNTS, axis=1)
    return extra
