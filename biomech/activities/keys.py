"""Smooth paths through key poses and periodic curves: the time inside an activity."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import pi
from operator import itemgetter

import numpy as np

from biomech.anatomy import read_table


def ease(t: float) -> float:
    """0 to 1 with no speed at either end."""
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


def path(phase: float, *keys: tuple[float, tuple[float, ...]]) -> tuple[float, ...]:
    """Values at `phase` between keys (phase, values), eased between neighbours."""
    if phase <= keys[0][0]:
        return keys[0][1]
    for (t0, a), (t1, b) in zip(keys[:-1], keys[1:], strict=True):
        if phase <= t1:
            w = ease((phase - t0) / (t1 - t0))
            return tuple(x + (y - x) * w for x, y in zip(a, b, strict=True))
    return keys[-1][1]


def course(phase: float, *keys: tuple[float, tuple[float, ...]]) -> tuple[float, ...]:
    """Values at `phase` on a smooth course through keys (phase, values): no overshoot, and no stop at keys passed on
    the way (monotone cubic, Fritsch and Carlson 1980). Outside the keys the end values hold."""
    if len(keys) == 1 or phase <= keys[0][0]:
        return tuple(float(v) for v in keys[0][1])
    if phase >= keys[-1][0]:
        return tuple(float(v) for v in keys[-1][1])
    k = bisect_right(keys, phase, key=itemgetter(0)) - 1
    (start, first), (end, last) = keys[k : k + 2]
    h = end - start
    w = (phase - start) / h
    shares = (1 + 2 * w) * (1 - w) ** 2, w * (1 - w) ** 2 * h, w * w * (3 - 2 * w), w * w * (w - 1) * h
    ends = zip(first, _speeds(keys, k), last, _speeds(keys, k + 1), strict=True)
    return tuple(sum(share * v for share, v in zip(shares, four, strict=True)) for four in ends)


def _speeds(keys: Sequence[tuple[float, tuple[float, ...]]], k: int) -> tuple[float, ...]:
    """Speed of each value at key k; at rest at both ends, and where a value turns back."""
    if k in (0, len(keys) - 1):
        return (0.0,) * len(keys[k][1])
    (t0, before), (t1, here), (t2, after) = keys[k - 1 : k + 2]
    step, following = t1 - t0, t2 - t1
    wa, wb = 2 * following + step, following + 2 * step
    slopes = (((y - x) / step, (z - y) / following) for x, y, z in zip(before, here, after, strict=True))
    return tuple((wa + wb) / (wa / a + wb / b) if a * b > 0 else 0.0 for a, b in slopes)


def gait_angles(gait: str, phase: float) -> tuple[float, float, float]:
    """Hip flexion, knee flexion and ankle dorsiflexion in deg at `phase` of a leg's cycle (0 = its initial contact)."""
    coefficients = _gait_series(gait)
    k = np.arange(coefficients.shape[1])
    wave = np.exp(2j * pi * k * (phase % 1.0))
    hip, knee, ankle = (coefficients @ wave).real
    return float(hip), float(knee), float(ankle)


@lru_cache(maxsize=4)
def _gait_series(gait: str) -> np.ndarray:
    rows = [r for r in read_table("gait_curves") if r["gait"] == gait]
    columns = ("hip_flexion_deg", "knee_flexion_deg", "ankle_dorsiflexion_deg")
    curves = np.array([[float(r[c]) for r in rows] for c in columns])
    spectrum = np.fft.rfft(curves, axis=1) / curves.shape[1]
    spectrum[:, 1:-1] *= 2.0
    return spectrum[:, :8]  # seven harmonics: the printed curves hold no more
