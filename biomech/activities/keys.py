"""Smooth paths through key poses and periodic curves: the time inside an activity."""

from __future__ import annotations

from functools import lru_cache
from math import pi

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
    times = np.array([t for t, _ in keys])
    values = np.array([v for _, v in keys], dtype=float)
    if len(keys) == 1 or phase <= times[0]:
        return tuple(values[0].tolist())
    if phase >= times[-1]:
        return tuple(values[-1].tolist())
    step = np.diff(times)[:, None]
    slope = np.diff(values, axis=0) / step
    speed = np.zeros_like(values)  # at rest at both ends
    a, b = slope[:-1], slope[1:]
    wa, wb = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    same = a * b > 0
    speed[1:-1] = np.where(same, (wa + wb) / (wa / np.where(same, a, 1.0) + wb / np.where(same, b, 1.0)), 0.0)
    k = int(np.searchsorted(times, phase, side="right")) - 1
    h, w = float(step[k, 0]), (phase - times[k]) / float(step[k, 0])
    found = (
        (1 + 2 * w) * (1 - w) ** 2 * values[k]
        + w * (1 - w) ** 2 * h * speed[k]
        + w * w * (3 - 2 * w) * values[k + 1]
        + w * w * (w - 1) * h * speed[k + 1]
    )
    return tuple(found.tolist())


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
