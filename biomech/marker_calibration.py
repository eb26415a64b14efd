"""Markers on a skeleton of the person's size: scale factors and marker places fitted to some frames.

Calibration alternates between the pose of a few frames and what is the same in all of them: the scale factors and where
each marker sits. Both are held near what is known (a marker by the spread its map gives, a factor by the proportions of
people), so that a marker on a bony landmark still says where the bone is, and residuals stay residuals: a rigid
skeleton against moving skin. The frames used are listed; residuals of the other frames are free of any fitting.

Shapes: T frames, K markers in use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from biomech.anatomy import BODIES
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry, default_geometry
from biomech.inverse_kinematics import Points, solve
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import Limits, load_limits
from biomech.marker_files import MarkerSeries
from biomech.marker_maps import MarkerMap, MarkerPlace, place_points
from biomech.scaling import FACTORS, REFERENCE, body_factors, known_markers, pair_factors, pair_ratios, scale_bodies

FRAMES = 30  # calibration frames: more changes nothing, fewer may miss a side
ROUNDS = 8
_SKIN = 0.010  # m: how far skin moves over bone, and soft markers wobble
_SAME = 2.0  # measurements that a marker's frames are worth together: its error hardly changes between them
_PROPORTION = 0.06  # how far a segment departs from the average person's proportions


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A skeleton of the person's size with his markers on it."""

    geometry: SkeletonGeometry
    points: Points  # K markers in use
    columns: np.ndarray  # (K,) their columns in the series
    moved: np.ndarray  # (K,) m: how far calibration moved each from the place in the map
    factors: dict[str, float]  # segment -> scale, of an average person of 1.75 m
    measured: tuple[str, ...]  # factors that marker pairs measured directly
    frames: np.ndarray  # frames of the series that were used
    map_name: str


def calibrate(
    series: MarkerSeries,
    marker_map: MarkerMap,
    *,
    limits: Limits | None = None,
    sex: str = "m",
    age: float = 30.0,
    check: bool = True,
) -> Calibration:
    """Fit scale factors and marker places to some frames of a series, starting from marker pair distances."""
    columns, places = known_markers(series, marker_map, check=check)
    limits = load_limits() if limits is None else limits
    average = default_geometry(REFERENCE, sex, age)
    ratios = pair_ratios(series, columns, places, average)
    factors = pair_factors(ratios)
    frames = _calibration_frames(series.positions[:, columns])
    goals = series.positions[frames][:, columns]
    offsets = np.zeros((len(columns), 3))
    start = None
    for _ in range(ROUNDS):
        geometry = scale_bodies(average, factors)
        points = _points(places, average, factors, offsets)
        found = solve(geometry, goals, points, limits, start=start, sequence=False)
        start = found.q
        factors, offsets = _refit(average, places, factors, offsets, found.q, goals)
    return Calibration(
        geometry=scale_bodies(average, factors),
        points=_points(places, average, factors, offsets),
        columns=np.array(columns),
        moved=np.linalg.norm(offsets, axis=1),
        factors=factors,
        measured=tuple(sorted({name for name, _ in ratios})),
        frames=frames,
        map_name=marker_map.name,
    )


def _calibration_frames(positions: np.ndarray) -> np.ndarray:
    """Frames evenly in time among those that show most markers."""
    seen = np.isfinite(positions).all(axis=-1).sum(axis=1)
    full = np.flatnonzero(seen >= 0.9 * seen.max())
    return full[np.unique(np.linspace(0, len(full) - 1, min(FRAMES, len(full))).round().astype(int))]


def _points(
    places: tuple[MarkerPlace, ...], average: SkeletonGeometry, factors: dict[str, float], offsets: np.ndarray
) -> Points:
    """Markers on the scaled skeleton: the map's place stretched with its body, and the calibrated offset."""
    points = place_points(places, average)
    table = body_factors(factors)[[BODIES.index(body) for body in points.bodies]]
    return replace(points, locations=points.locations * table + offsets)


def _refit(
    average: SkeletonGeometry,
    places: tuple[MarkerPlace, ...],
    factors: dict[str, float],
    offsets: np.ndarray,
    q: np.ndarray,
    goals: np.ndarray,
) -> tuple[dict[str, float], np.ndarray]:
    """One least squares step in the logarithms of the factors and in the offsets, the poses held.

    Unknowns: overall size, departure of each factor from it (spread _PROPORTION), offset of each marker (spread of the
    map). Each marker's frames together weigh as much as _SAME measurements with the error of skin.
    """
    bodies = tuple(dict.fromkeys(place.body for place in places))
    rows = [bodies.index(place.body) for place in places]

    def predict(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        named = dict(zip(FACTORS, np.exp(logs), strict=True))
        frames = forward_kinematics_numpy(scale_bodies(average, named), q, bodies)[:, rows]
        points = _points(places, average, named, offsets)
        return np.einsum("tkij,kj->tki", frames[..., :3, :3], points.locations) + frames[..., :3, 3], frames

    logs = np.log([factors[name] for name in FACTORS])
    now, frames = predict(logs)
    step = 1e-4
    slopes = np.stack([(predict(logs + step * unit)[0] - now) / step for unit in np.eye(len(FACTORS))])  # (F, T, K, 3)
    seen = np.isfinite(goals).all(axis=-1)
    count = np.maximum(seen.sum(axis=0), 1)
    weights = np.array([place.weight for place in places])
    scale = np.where(seen, np.sqrt(weights * _SAME / count), 0.0) / _SKIN  # (T, K)
    error = np.where(seen[..., None], goals - now, 0.0) * scale[..., None]
    # unknowns: overall size, departures from it, offsets; where the body stands is the next inverse kinematics' affair
    size, marks = len(FACTORS), len(places)
    jacobian = np.zeros((*error.shape, 1 + size + 3 * marks))
    departures = np.moveaxis(slopes, 0, -1) * scale[..., None, None]
    jacobian[..., 1 : 1 + size] = departures
    jacobian[..., 0] = departures.sum(axis=-1)
    for k in range(marks):
        jacobian[:, k, :, 1 + size + 3 * k : 4 + size + 3 * k] = frames[:, k, :3, :3] * scale[:, k, None, None]
    overall = logs.mean()
    prior = np.concatenate(
        [[1e-6], np.full(size, 1.0 / _PROPORTION), np.repeat([1.0 / place.sd for place in places], 3)]
    )
    away = np.concatenate([[0.0], overall - logs, -offsets.reshape(-1)])
    flat = jacobian.reshape(-1, jacobian.shape[-1])
    square = flat.T @ flat + np.diag(prior**2)
    found = np.linalg.solve(square, flat.T @ error.reshape(-1) + prior**2 * away)
    new = logs + np.clip(found[0] + found[1 : 1 + size], -0.2, 0.2)
    values = np.exp(np.clip(new, np.log(0.25), np.log(2.0)))
    moved = offsets + found[1 + size :].reshape(-1, 3)
    return dict(zip(FACTORS, (float(v) for v in values), strict=True)), moved


def on_series(calibration: Calibration, series: MarkerSeries) -> Calibration:
    """A calibration made on a static trial, for the markers of another series."""
    points = calibration.points
    keep = [k for k, name in enumerate(points.names) if name in series.names]
    if len(keep) < 3:
        raise ModelError(
            f"{series.source} shares {len(keep)} markers with the static trial; wanted at least three of the same names"
        )
    kept = Points(
        tuple(points.names[k] for k in keep),
        tuple(points.bodies[k] for k in keep),
        points.locations[keep],
        points.weights[keep],
    )
    columns = np.array([series.names.index(name) for name in kept.names])
    return replace(
        calibration, points=kept, columns=columns, moved=calibration.moved[keep], frames=np.zeros(0, dtype=np.int64)
    )
