"""Markers to motion: a skeleton of the person's size with his markers on it, then inverse kinematics on every frame.

Where a limb is out of sight for a while, its angles are carried over from the frames before and after.

Shapes: T frames, K markers in use, P unknowns, D = len(COORDINATES).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from biomech.anatomy import AXES, LEVELS, REGION_SLICES, SPINE_SLICE, coordinate_index
from biomech.inverse_kinematics import IkResult, solve
from biomech.limits import REGION_AXES, Limits, load_limits
from biomech.marker_calibration import Calibration, calibrate, on_series
from biomech.marker_files import MarkerSeries
from biomech.marker_maps import MarkerMap, choose_map, load_map
from biomech.scaling import known_markers
from biomech.spine_drive import ROOT


@dataclass(frozen=True, slots=True, eq=False)
class MarkerMotion:
    """Motion of a marker file."""

    series: MarkerSeries
    calibration: Calibration
    result: IkResult
    unused: tuple[str, ...]  # markers the map does not know

    def residual_table(self) -> list[dict[str, object]]:
        """Per marker, worst first: body, RMS and largest distance in mm, frames seen, mm moved by calibration."""
        distances = 1e3 * self.result.residuals
        free = np.setdiff1d(np.arange(len(distances)), self.calibration.frames)
        rows = [
            {
                "marker": name,
                "body": self.calibration.points.bodies[k],
                "rms_mm": _rms(distances[:, k]),
                "rms_free_mm": _rms(distances[free, k]),
                "max_mm": float(np.nanmax(distances[:, k], initial=0.0)),
                "frames": int(np.isfinite(distances[:, k]).sum()),
                "moved_mm": 1e3 * float(self.calibration.moved[k]),
            }
            for k, name in enumerate(self.calibration.points.names)
        ]
        return sorted(rows, key=lambda row: -float(str(row["rms_mm"])))


def _rms(values: np.ndarray) -> float:
    seen = values[np.isfinite(values)]
    return float(np.sqrt((seen**2).mean())) if len(seen) else 0.0


def markers_to_motion(
    series: MarkerSeries,
    marker_map: MarkerMap | str | Path | None = None,
    *,
    static: MarkerSeries | None = None,
    limits: Limits | None = None,
    sex: str = "m",
    age: float = 30.0,
    spine: str = "regions",
    coupling: bool = True,
    check: bool = True,
) -> MarkerMotion:
    """Scale, calibrate and solve.

    Args:
        marker_map: a map, its name or file; None takes the shipped one that knows most of the names.
        static: a standing trial of the same person and markers, to calibrate on; None uses frames of the motion.
        check: refuse a pelvis that is not above the feet.

    Raises:
        ModelError: no map fits, too few markers, a wrong vertical axis.
    """
    if marker_map is None:
        marker_map = choose_map(series.names, series.source)
    elif not isinstance(marker_map, MarkerMap):
        marker_map = load_map(marker_map)
    limits = load_limits() if limits is None else limits
    if check:
        known_markers(series, marker_map)
    calibration = calibrate(static or series, marker_map, limits=limits, sex=sex, age=age, check=check and not static)
    if static is not None:
        calibration = on_series(calibration, series)
    goals = series.positions[:, calibration.columns]
    points, geometry = calibration.points, calibration.geometry
    result = solve(geometry, goals, points, limits, spine=spine, coupling=coupling)
    carried = carry_over(result)
    if carried is not None:
        start, rest = carried
        goals = np.where(_placed(result)[:, None, None], goals, np.nan)
        again = solve(geometry, goals, points, limits, start=start, rest=rest, spine=spine, coupling=coupling)
        # what was carried over counts as rest now, so only the first pass knows what the markers determined
        result = replace(again, determined=result.determined)
    unused = tuple(name for name in series.names if name not in points.names)
    return MarkerMotion(series, calibration, result, unused)


def _placed(result: IkResult) -> np.ndarray:
    """(T,) bool: frames whose markers say where the pelvis is."""
    root = np.array([name in ROOT for name in result.unknowns], dtype=bool)
    return np.asarray(result.determined[:, root].all(axis=1))


def carry_over(result: IkResult) -> tuple[np.ndarray, np.ndarray] | None:
    """(T, D) start and (T, D) rest pose for a second pass, None where none is needed.

    An unknown that the targets determine in some frames only takes, in the others, values between those of the frames
    around; one that they never determine rests in neutral. Where it is determined, neutral stays the rest.
    """
    known = result.determined & _placed(result)[:, None]
    partly = np.flatnonzero(known.any(axis=0) & ~known.all(axis=0))
    if not len(partly):
        return None
    start, rest = result.q.copy(), np.zeros_like(result.q)
    frames = np.arange(len(rest))
    for p in partly:
        for column in _columns(result.unknowns[p]):
            seen = np.flatnonzero(known[:, p])
            between = np.interp(frames, seen, result.q[seen, column])
            for pose in (start, rest):
                pose[~known[:, p], column] = between[~known[:, p]]
    return start, rest


def _columns(unknown: str) -> list[int]:
    """Coordinates that an unknown moves; a regional angle moves one axis of every level of its region."""
    if unknown not in REGION_AXES:
        return [coordinate_index(unknown)]
    region, axis = unknown.rsplit("_", 1)
    levels = range(len(LEVELS))[REGION_SLICES[region]]
    return [SPINE_SLICE.start + 3 * level + AXES.index(axis) for level in levels]
