"""Feet on the floor: when they stand, where the floor is, and keeping them there.

A heel or ball stands where it is near the floor and hardly moves (height and speed, as in every gait laboratory without
force plates). Filtering, other leg lengths and clamped joints let standing feet slide; they are put back on the spot
where they stood, by the closed-form leg, with a soft way in and out of each contact.

Shapes: T frames, 4 points (heel and ball, right then left), D = len(COORDINATES).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import BODIES, SIDES, coordinate_index
from biomech.floor import HEIGHT, SPEED, belt_speed, floor_drift, floor_height, lowest_point, sole_points
from biomech.geometry import SkeletonGeometry
from biomech.inverse_legs import leg_geometry, solve_leg
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import Limits
from biomech.motion_filter import lowpass

SHORTEST = 0.08
"""s: shorter contacts are noise, shorter gaps too."""
_RARELY = 0.02  # share of sole points: fewer contacts than this although feet are low means a moving floor
_BLEND = 0.15  # s on either side of a contact over which a correction comes and goes
_FARTHEST = 0.12  # m: a larger correction is no slide but a wrong contact
_TOES = 4.0  # Hz: toes that nothing measured bend no faster
_JUMP = np.deg2rad(35.0)  # a joint that would turn by more than this for a slide keeps its value


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A motion whose standing feet stay where they are."""

    q: np.ndarray  # (T, D) on the floor y = 0
    contacts: np.ndarray  # (T, 4) bool, order floor.POINTS
    slide_before: float  # m: how far standing points stray from their spots, root mean square
    slide_after: float  # m: the same once held
    drift: float  # m: how far the floor seemed to rise or sink before it was levelled
    belt: np.ndarray  # (2,) m/s forward and right: a treadmill under the feet, now carried over ground; zero for none


def hold_feet(geometry: SkeletonGeometry, times: np.ndarray, q: np.ndarray, limits: Limits) -> Held:
    """Put a motion on the floor y = 0 and stop standing feet from sliding.

    Raises:
        ModelError: a geometry without sole landmarks.
    """
    out = np.array(q, dtype=np.float64)
    fps = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
    drift = floor_drift(lowest_point(geometry, out), fps)
    out[:, coordinate_index("pelvis_ty")] -= drift
    soles = sole_points(geometry, out)
    speed = _speed(soles, fps)
    floor = floor_height(soles[..., 1], speed)
    out[:, coordinate_index("pelvis_ty")] -= floor
    soles[..., 1] -= floor
    _bend_toes(out, soles, fps, limits)
    low = soles[..., 1] < HEIGHT
    contacts = _lasting(low & (speed < SPEED), fps)
    belt = np.zeros(2)
    if contacts.mean() < _RARELY and low.mean() > _RARELY:
        belt = belt_speed(soles, low, fps)
    if belt.any():
        carried = -belt * (times - times[0])[:, None]
        out[:, [coordinate_index("pelvis_tx"), coordinate_index("pelvis_tz")]] += carried
        soles[..., [0, 2]] += carried[:, None]
        contacts = _lasting(low & (_speed(soles, fps) < SPEED), fps)
    before = _slide(soles, contacts)
    if not contacts.any() or fps <= 0.0:
        return Held(out, contacts, before, before, float(np.ptp(drift)), belt)
    pairs = [slice(0, 2), slice(2, 4)]
    shifts, weights = zip(*(_correction(soles[:, pair], contacts[:, pair], fps) for pair in pairs), strict=True)
    # what both feet lack in height the pelvis makes up for; legs are often too straight to do it
    common = sum(w * s[:, 1] for w, s in zip(weights, shifts, strict=True)) / np.maximum(sum(weights), 1.0)
    out[:, coordinate_index("pelvis_ty")] += common
    for side, shift in zip(SIDES, shifts, strict=True):
        _move_foot(geometry, out, side, shift - np.outer(common, [0.0, 1.0, 0.0]), limits)
    after = _slide(sole_points(geometry, out), contacts)
    return Held(out, contacts, before, after, float(np.ptp(drift)), belt)


def _bend_toes(q: np.ndarray, soles: np.ndarray, fps: float, limits: Limits) -> None:
    """Lay toes that nothing measured flat on the floor while the foot stands on its ball; fills q (T, D)."""
    for k, side in enumerate(SIDES):
        column = coordinate_index(f"mtp_angle_{side}")
        if np.ptp(q[:, column]) > 1e-6:
            continue
        heel, ball = soles[:, 2 * k], soles[:, 2 * k + 1]
        rise, reach = heel[:, 1] - ball[:, 1], np.linalg.norm((heel - ball)[:, [0, 2]], axis=1)
        near = _ease(1.0 - (ball[:, 1] - HEIGHT) / HEIGHT)  # fades with the ball's height
        bent = near * np.arctan2(rise, reach)
        if fps > 2.5 * _TOES:  # at toe-off the floor is gone within a frame or two; toes straighten more slowly
            bent = lowpass(bent, fps, _TOES)
        q[:, column] = np.clip(bent, 0.0, limits.hard[column, 1])


def _speed(points: np.ndarray, fps: float) -> np.ndarray:
    """(T, 4) m/s."""
    if len(points) < 2:
        return np.zeros(points.shape[:2])
    return np.linalg.norm(np.gradient(points, axis=0), axis=-1) * fps


def _lasting(contacts: np.ndarray, fps: float) -> np.ndarray:
    """Close short gaps, then drop short contacts; a clip of a few frames keeps what it has."""
    least = round(SHORTEST * fps)
    out = contacts.copy()
    if least < 2 or len(out) <= 2 * least:
        return out
    for column in out.T:
        for wanted in (True, False):
            for begin, end in _runs(column != wanted):
                if end - begin < least and begin > 0 and end < len(column):
                    column[begin:end] = wanted
    return out


def _slide(soles: np.ndarray, contacts: np.ndarray) -> float:
    """m: how far a standing point strays on the floor from where it stands, root mean square."""
    strays = [
        np.linalg.norm(run - np.median(run, axis=0), axis=1)
        for k in range(soles.shape[1])
        for run in (soles[begin:end, k][:, [0, 2]] for begin, end in _runs(contacts[:, k]))
    ]
    return float(np.sqrt(np.mean(np.concatenate(strays) ** 2))) if strays else 0.0


def _correction(points: np.ndarray, contacts: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3) m by which a foot has to move so that its standing points (T, 2, 3) stay where they are, and how much it
    stands (T,), 0 to 1."""
    wish = np.full(points.shape, np.nan)
    for k in range(points.shape[1]):
        for begin, end in _runs(contacts[:, k]):
            run = points[begin:end, k]
            spot = np.median(run, axis=0)
            spot[1] = 0.0
            wish[begin:end, k] = spot - run
    known = np.isfinite(wish).all(axis=-1)
    weight = known / np.maximum(known.sum(axis=1, keepdims=True), 1)
    shift = np.where(known[..., None], wish, 0.0)
    shift = np.einsum("tk,tkx->tx", weight, shift)
    standing = known.any(axis=1)
    far = np.linalg.norm(shift, axis=1) > _FARTHEST
    shift[far] = 0.0
    steps = max(round(_BLEND * fps), 1)
    # weight and shift are eased alike, so that their quotient is the shift itself
    return _eased(shift, standing, steps), _eased(standing[:, None] * np.ones(3), standing, steps)[:, 0]


def _eased(shift: np.ndarray, standing: np.ndarray, steps: int) -> np.ndarray:
    """Corrections that come and go within `steps` frames outside of the contacts, and never jump inside."""
    out = shift.copy()
    for begin, end in _runs(~standing):
        left = shift[begin - 1] if begin > 0 else np.zeros(3)
        right = shift[end] if end < len(shift) else np.zeros(3)
        place = np.arange(1, end - begin + 1)
        if begin > 0 and end < len(shift) and end - begin <= 2 * steps:
            share = _ease(place / (end - begin + 1))
            out[begin:end] = (1.0 - share)[:, None] * left + share[:, None] * right
        else:
            fade, rise = 1.0 - _ease(place / steps), _ease(1.0 - place[::-1] / steps)
            out[begin:end] = fade[:, None] * left + rise[:, None] * right
    # a heel that comes down while the ball stands moves the mean of the two: spread that over a few frames
    width = max(steps // 2, 1) * 2 + 1
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(out, ((width // 2, width // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, k], kernel / kernel.sum(), mode="valid") for k in range(3)], axis=1)


def _ease(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _move_foot(geometry: SkeletonGeometry, q: np.ndarray, side: str, shift: np.ndarray, limits: Limits) -> None:
    """Bend one leg in q (T, D) so that its foot moves by shift (T, 3), turned as it was."""
    moving = np.flatnonzero(np.linalg.norm(shift, axis=1) > 1e-4)
    if not len(moving):
        return
    leg = leg_geometry(geometry, BODIES, side)
    frames = forward_kinematics_numpy(geometry, q[moving], ("pelvis", f"calcn_{side}"))
    frames[:, 1, :3, 3] += shift[moving]
    trial = q[moving].copy()
    for (pelvis, foot), row in zip(frames, trial, strict=True):
        found = solve_leg(leg, pelvis, foot)
        columns = [coordinate_index(name) for name in found]
        values = np.clip(list(found.values()), limits.hard[columns, 0], limits.hard[columns, 1])
        if np.abs(values - row[columns]).max() < _JUMP:
            row[columns] = values
    # out of reach or beyond a limit: a leg that ends no nearer stays as it was
    reached = forward_kinematics_numpy(geometry, trial, (f"calcn_{side}",))[:, 0, :3, 3]
    nearer = np.linalg.norm(reached - frames[:, 1, :3, 3], axis=1) < 0.5 * np.linalg.norm(shift[moving], axis=1)
    q[moving[nearer]] = trial[nearer]


def _runs(known: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
