"""Group 7: how fast and how smoothly a motion runs. Only for poses that follow each other in time. Degrees, seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biomech.anatomy import COORDINATES, LEVELS, SIDES, SPINE_SLICE
from biomech.limits import REGION_AXES
from biomech.plausibility.evidence import Clip
from biomech.plausibility.published import Comparison, Published, checks, compare
from biomech.plausibility.violations import unit_of
from biomech.rhythm import regional_angles

_CURVE_POINTS = 240
_MOVES = 1.0  # deg: a trace that moves less has no smoothness to speak of
_SPIKE_RATE = 30.0  # Hz: what may lie between two frames grows below it
_FEWEST = 9  # frames that a third derivative and an autocorrelation need


@dataclass(frozen=True, slots=True)
class Rate:
    """Speed of one angle in one clip."""

    name: str  # regional angle, thorax_AR in space, or a level (all its axes together)
    p50: float  # deg/s
    p95: float
    p99: float
    maximum: float
    at: float  # s, of the maximum
    acceleration_p95: float  # deg/s2
    acceleration_p99: float
    jerk: float  # root mean square, deg/s3
    autocorrelation: float | None  # of the angle from one frame to the next; near 1 is smooth
    upper_half: float | None  # part of the speed's power in the upper half of the sampled band
    norms: tuple[Comparison, ...]
    beyond: bool  # the 99th percentile lies above every published maximum


@dataclass(frozen=True, slots=True)
class Spike:
    """One frame in which a coordinate stands off its neighbours."""

    coordinate: str
    time: float  # s
    frame: int  # of the clip
    value: float  # deg
    off: float  # deg off the mean of the frames before and after
    bound: float  # deg, at the frame rate of the clip
    limit: Published


@dataclass(frozen=True, slots=True)
class ClipRates:
    """The temporal findings on one motion, or why there are none."""

    name: str
    frames: int
    seconds: float
    rate: float  # Hz, median
    uneven: float  # largest departure of a time step from the median, as a part of it
    usable: bool
    reason: str  # why not usable, or ""
    rates: tuple[Rate, ...]
    aliased: tuple[str, ...]  # names of rates whose power sits too high in the band
    spikes: tuple[Spike, ...]  # worst first, at most 20
    spike_count: int
    curve_times: tuple[float, ...]  # s, thinned
    curves: tuple[tuple[float, ...], ...]  # one per regional angle in the order of `curve_names`, deg
    curve_names: tuple[str, ...]


def clip_rates(q: np.ndarray, clips: tuple[Clip, ...]) -> tuple[ClipRates, ...]:
    """Temporal findings of each clip; q (B, D) rad and m."""
    return tuple(_one(q[clip.start : clip.start + len(clip.times)], clip) for clip in clips)


def _one(q: np.ndarray, clip: Clip) -> ClipRates:
    times = np.asarray(clip.times, dtype=float)
    steps = np.diff(times)
    step = float(np.median(steps)) if len(steps) else 0.0
    rate = 1.0 / step if step > 0.0 else 0.0
    uneven = float(np.abs(steps / step - 1.0).max()) if step > 0.0 else 0.0
    lowest = checks("sampling")["lowest_rate"].mean or 0.0
    reason = ""
    if len(times) < _FEWEST:
        reason = f"{len(times)} frames are too few; {_FEWEST} are needed"
    elif rate < lowest:
        reason = f"sampled at {rate:.3g} Hz; below {lowest:g} Hz a speed means nothing"
    span = float(times[-1] - times[0]) if len(times) else 0.0
    head = (clip.name, len(times), span, rate, uneven)
    if reason:
        return ClipRates(*head, False, reason, (), (), (), 0, (), (), REGION_AXES)
    regional = np.degrees(regional_angles(q[:, SPINE_SLICE]))
    rates = _rates(q, regional, times)
    bound = checks("sampling")["power_in_upper_half"].upper or 1.0
    aliased = tuple(r.name for r in rates if r.upper_half is not None and r.upper_half > bound)
    spikes = _spikes(q, times)
    keep = np.unique(np.linspace(0, len(times) - 1, min(len(times), _CURVE_POINTS)).round().astype(int))
    curves = tuple(tuple(round(float(v), 2) for v in regional[keep, k]) for k in range(len(REGION_AXES)))
    shown = tuple(round(float(t), 4) for t in times[keep])
    return ClipRates(*head, True, "", rates, aliased, spikes[:20], len(spikes), shown, curves, REGION_AXES)


def _rates(q: np.ndarray, regional: np.ndarray, times: np.ndarray) -> tuple[Rate, ...]:
    norms = {
        name: tuple(
            checks(kind)[name] for kind in ("speed", "slow_speed", "gait_speed") if name in checks(kind)
        )
        for name in (*REGION_AXES, "thorax_AR")
    }  # fmt: skip
    found = [_rate(name, regional[:, k], times, norms[name]) for k, name in enumerate(REGION_AXES)]
    turn = np.unwrap(q[:, COORDINATES.index("pelvis_rotation")])
    thorax = np.degrees(turn) + regional[:, 2] + regional[:, 5]
    found.append(_rate("thorax_AR", thorax, times, norms["thorax_AR"]))
    levels = np.degrees(q[:, SPINE_SLICE]).reshape(len(q), len(LEVELS), 3)
    found += [_rate(level, levels[:, i], times, _level_norms(level)) for i, level in enumerate(LEVELS)]
    return tuple(found)


def _level_norms(level: str) -> tuple[Published, ...]:
    """C1-C2 carries most of the turning of the head, and is held against the head's speed."""
    return (checks("speed")["cervical_AR" if level == "C1_C2" else "level"],)


def _rate(name: str, angle: np.ndarray, times: np.ndarray, norms: tuple[Published, ...]) -> Rate:
    """angle (T,) or (T, 3) deg; the axes of a level are taken together."""
    angle = angle.reshape(len(times), -1)
    velocity = np.gradient(angle, times, axis=0)
    acceleration = np.gradient(velocity, times, axis=0)
    jerk = np.gradient(acceleration, times, axis=0)
    # one-sided differences at the ends, taken twice and thrice, would outweigh the motion
    acceleration, jerk = acceleration[2:-2], jerk[3:-3]
    speed, push = np.linalg.norm(velocity, axis=1), np.linalg.norm(acceleration, axis=1)
    p50, p95, p99 = (float(v) for v in np.percentile(speed, (50, 95, 99)))
    most = [norm.upper for norm in norms if norm.upper is not None]
    largest = int(np.argmax(speed))
    return Rate(
        name, p50, p95, p99, float(speed[largest]), float(times[largest]), float(np.percentile(push, 95)),
        float(np.percentile(push, 99)), float(np.sqrt((jerk**2).sum(axis=1).mean())), _autocorrelation(angle),
        _upper_half(np.diff(angle, axis=0)) if np.ptp(angle, axis=0).max() > _MOVES else None,
        tuple(compare(norm, p99) for norm in norms), bool(most) and p99 > max(most),
    )  # fmt: skip


def _autocorrelation(angle: np.ndarray) -> float | None:
    """Lag-one autocorrelation over all columns; None where nothing moves."""
    centred = angle - angle.mean(axis=0)
    power = float((centred**2).sum())
    if np.ptp(angle, axis=0).max() <= _MOVES:
        return None
    return float((centred[:-1] * centred[1:]).sum()) / power


def _upper_half(steps: np.ndarray) -> float | None:
    """Part of the power of (T - 1, n) steps above half of the highest frequency that the frame rate can hold."""
    centred = steps - steps.mean(axis=0)
    power = (np.abs(np.fft.rfft(centred * np.hanning(len(centred))[:, None], axis=0)) ** 2).sum(axis=1)
    total = float(power.sum())
    return float(power[(len(power) + 1) // 2 :].sum()) / total if total > 1e-12 else None


def _spikes(q: np.ndarray, times: np.ndarray) -> tuple[Spike, ...]:
    limit = checks("sampling")["spike"]
    bound = (limit.upper or np.inf) * max(1.0, _SPIKE_RATE * float(np.median(np.diff(times)))) ** 2
    turning = [k for k, name in enumerate(COORDINATES) if unit_of(name)[0] == "deg"]
    angles = np.degrees(np.unwrap(q[:, turning], axis=0))
    off = angles[1:-1] - 0.5 * (angles[:-2] + angles[2:])
    # the neighbours of a spike lean towards it by half; only the top of each counts
    for side in SIDES:  # an arm that hangs, or points straight up, has no plane: what counts is how far the arm moves
        plane, lift = (turning.index(COORDINATES.index(f"{name}_{side}")) for name in ("elv_angle", "shoulder_elv"))
        reach = np.abs(np.sin(np.radians(angles[:, lift])))
        off[:, plane] *= np.minimum(np.minimum(reach[1:-1], reach[:-2]), reach[2:])
    size = np.abs(off)
    padded = np.pad(size, ((1, 1), (0, 0)))
    top = (size >= padded[:-2]) & (size >= padded[2:]) & (size > bound)
    rows, columns = np.nonzero(top)
    found = [
        Spike(
            COORDINATES[turning[c]],
            float(times[r + 1]),
            int(r + 1),
            float(angles[r + 1, c]),
            float(off[r, c]),
            bound,
            limit,
        )
        for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return tuple(sorted(found, key=lambda s: (-abs(s.off), s.coordinate, s.frame)))
