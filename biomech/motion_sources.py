"""Each kind of motion file on our skeleton: joint angles, markers, hierarchies.

What comes out is filtered and evenly sampled, stands anywhere and may break limits: motion_import does the rest.
Shapes: T frames, K targets, D = len(COORDINATES).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from biomech.anatomy import COORDINATES, LEVELS, SIDES, SPINE_COORDINATES, coordinate_index
from biomech.bvh_maps import load_map as load_bvh_map
from biomech.errors import MotionError
from biomech.geometry import SkeletonGeometry, default_geometry
from biomech.limits import Limits
from biomech.motion import Motion, read_mot
from biomech.motion_filter import even_times, frame_rate, resample, smooth, smooth_rotations
from biomech.trunk import spine_angles

ANGLES, MARKERS, HIERARCHY = (".mot", ".sto"), (".trc", ".c3d"), (".bvh",)
"""Suffixes by kind."""


_ENOUGH = 0.6
"""Share of the usual number of markers below which a frame says too little."""

_HANGING = {
    "clav_prot": 0.0, "clav_elev": 0.0, "elv_angle": 20.0, "shoulder_elv": 9.0, "shoulder_rot": 0.0,
    "elbow_flexion": 14.0, "pro_sup": 80.0, "wrist_flex": 0.0, "wrist_dev": 0.0,
}  # fmt: skip
"""deg: an arm at rest beside the body, as the standing activities draw it."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a motion.

    Attributes:
        fps: frames per second of the result at most; slower sources keep their own rate; 0 keeps every source's rate.
        lowpass: Hz, zero-lag Butterworth of 4th order; 0 for none. 6 Hz is usual for gait and everyday movement.
        hold_feet: keep standing feet from sliding and put the motion on the floor.
        stature: m, of hierarchies and joint angles; 0 takes it from a .bvh's unit, 1.75 m elsewhere.
        up: axis that points up in a .bvh, .trc or .c3d: auto, x, y, z, -x, -y, -z.
        unit: of markers, instead of what the file says: mm, cm, m, in; "" believes it.
        angles: of .mot and .sto: auto, degrees, radians.
        mapping: a joint map (.bvh) or marker map (.trc, .c3d), by file or shipped name; "" recognises the family.
        source_model: the .osim that the coordinates of a .mot or .sto belong to; "" for our own.
        source_mapping: level map of that model; "" recognises the family.
        static: .trc or .c3d of the same person standing, to scale by; "" scales by the motion itself.
    """

    fps: float = 60.0
    lowpass: float = 6.0
    hold_feet: bool = True
    stature: float = 0.0
    up: str = "auto"
    unit: str = ""
    angles: str = "auto"
    mapping: str = ""
    source_model: str = ""
    source_mapping: str = ""
    static: str = ""

    def __post_init__(self) -> None:
        """MotionError for values that mean nothing."""
        for name, value, low, high, unit in (
            ("fps", self.fps, 1.0, 1000.0, "frames/s"), ("lowpass", self.lowpass, 0.01, 1000.0, "Hz"),
        ):  # fmt: skip
            if value != 0.0 and not low <= value <= high:
                raise MotionError(f"{name} {value:g} given; wanted {low:g} to {high:g} {unit}, or 0 for none")
        if self.angles not in ("auto", "degrees", "radians"):
            raise MotionError(f"angles {self.angles!r} given; wanted auto, degrees or radians")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A motion file on our skeleton, before limits and floor."""

    kind: str  # "angles", "markers" or "hierarchy"
    times: np.ndarray  # (T,) s
    q: np.ndarray  # (T, D) rad and m
    geometry: SkeletonGeometry
    residuals: np.ndarray  # (T, K) m: how far our markers or joints stay from the measured ones
    targets: tuple[str, ...]  # (K,)
    cut: dict[str, int]  # frames in which the search was held back by a limit, by coordinate or regional angle
    filled: tuple[str, ...]  # levels that were not measured, filled by rhythm
    notes: tuple[str, ...]


def read_source(path: Path, options: ImportOptions, limits: Limits) -> Source:
    """Read a file by its suffix.

    Raises:
        MotionError, ModelError: an unknown suffix, or a file that cannot be used; the message says why.
    """
    suffix = path.suffix.lower()
    if suffix in ANGLES:
        return from_angles(path, options)
    if suffix in MARKERS:
        return from_markers(path, options, limits)
    if suffix in HIERARCHY:
        return from_bvh(path, options, limits)
    raise MotionError(
        f"{path.name} is no motion this program reads; allowed are {', '.join((*ANGLES, *MARKERS, *HIERARCHY))}"
    )


def from_angles(path: Path, options: ImportOptions) -> Source:
    """A .mot or .sto: our own coordinates, or those of a published model."""
    filled: tuple[str, ...] = ()
    notes: list[str] = []
    if options.source_model:
        from biomech.published import load_published

        published = load_published(options.source_model, options.source_mapping or None)
        motion = read_mot(path, angles=options.angles, rotational=published.rotational)
        q = published.to_model(motion)
        filled = published.filled_levels
        notes += [f"coordinates of {published.name}", *published.notes]
    else:
        motion = read_mot(path, angles=options.angles)
        q = _own_coordinates(path, motion, notes)
    frame_rate(motion.times)
    times = even_times(motion.times, options.fps)
    geometry = default_geometry(options.stature or 1.75)
    q = smooth_coordinates(q, motion.times, times, options.lowpass)
    nothing = np.zeros((len(times), 0))
    return Source("angles", times, q, geometry, nothing, (), {}, filled, tuple(notes))


def _own_coordinates(path: Path, motion: Motion, notes: list[str]) -> np.ndarray:
    known = [name for name in motion.coordinates if name in COORDINATES]
    strange = [name for name in motion.coordinates if name not in COORDINATES]
    if not known or (strange and not set(known) & set(SPINE_COORDINATES)):
        shown = ", ".join(strange[:5]) + (f" and {len(strange) - 5} more" if len(strange) > 5 else "")
        raise MotionError(
            f"{path.name} holds coordinates of another model ({shown}); give that model's .osim with --model"
        )
    if strange:
        notes.append(f"left out, not coordinates of ours: {', '.join(strange)}")
    missing = len(COORDINATES) - len(known)
    if missing:
        notes.append(f"{missing} coordinates are not in the file and stay at 0")
    q = np.zeros((len(motion.times), len(COORDINATES)))
    for column, name in enumerate(motion.coordinates):
        if name in COORDINATES:
            q[:, coordinate_index(name)] = motion.q[:, column]
    return q


def from_bvh(path: Path, options: ImportOptions, limits: Limits) -> Source:
    """A .bvh, retargeted."""
    from biomech.bvh_retarget import retarget_bvh

    mapping = load_bvh_map(options.mapping) if options.mapping else None
    found = retarget_bvh(
        path, limits, stature=options.stature, fps=options.fps, lowpass=options.lowpass, mapping=mapping, up=options.up
    )
    lost = np.rad2deg([found.trunk.thorax_error.max(), found.trunk.head_error.max()])
    notes = found.notes
    if lost.max() > 2.0:
        notes += (f"spine at its limits: thorax up to {lost[0]:.0f}, head up to {lost[1]:.0f} deg from the file's",)
    held = _held(found.ik.at_limit, found.ik.unknowns)
    return Source(
        "hierarchy", found.times, found.q, found.geometry, found.ik.residuals, found.ik.names, held, LEVELS, notes
    )


def from_markers(path: Path, options: ImportOptions, limits: Limits) -> Source:
    """A .trc or .c3d: filtered, scaled and calibrated, solved."""
    from biomech.marker_files import read_markers
    from biomech.marker_motion import markers_to_motion

    unit, up = options.unit or None, None if options.up == "auto" else options.up
    series = read_markers(path, unit=unit, up=up)
    static = read_markers(options.static, unit=unit, up=up) if options.static else None
    times = even_times(series.times, options.fps)
    positions = smooth(series.positions, series.times, times, options.lowpass)
    series = replace(series, times=times, positions=positions)
    found = markers_to_motion(series, options.mapping or None, static=static, limits=limits)
    result, calibration = found.result, found.calibration
    notes = [f"markers as in {calibration.map_name}, stature {calibration.geometry.stature:.2f} m", *series.notes]
    if found.unused:
        more = f" and {len(found.unused) - 6} more" if len(found.unused) > 6 else ""
        notes.append(f"markers without a place: {', '.join(found.unused[:6])}{more}")
    count = np.isfinite(result.residuals).sum(axis=1)
    enough = count >= _ENOUGH * np.quantile(count, 0.9)
    seen = np.flatnonzero(enough)
    kept = slice(int(seen[0]), int(seen[-1]) + 1)  # before and after, the person was half out of sight
    cropped, lost = len(times) - (kept.stop - kept.start), kept.stop - kept.start - len(seen)
    if cropped:
        notes.append(f"{cropped} of {len(times)} frames at the ends, with few markers, left out")
    if lost:
        notes.append(f"{lost} frames in between with few markers are bridged from their neighbours")
    q = np.stack([np.interp(np.arange(len(times)), seen, column[seen]) for column in result.q.T], axis=1)
    notes += hang_unmeasured_arms(q, result.unknowns)
    return Source(
        kind="markers",
        times=times[kept],
        q=q[kept],
        geometry=calibration.geometry,
        residuals=result.residuals[kept],
        targets=result.names,
        cut=_held(result.at_limit[kept], result.unknowns),
        filled=LEVELS,
        notes=tuple(notes),
    )


def hang_unmeasured_arms(q: np.ndarray, measured: tuple[str, ...]) -> list[str]:
    """Let arms that nothing measured hang in q (T, D), as arms do; returns notes.

    Args:
        measured: coordinates that were solved for.
    """
    hung = []
    for side in SIDES:
        shoulder, hand = f"shoulder_elv_{side}" in measured, f"pro_sup_{side}" in measured
        for name, degrees in _HANGING.items():
            if not (hand if name in ("pro_sup", "wrist_flex", "wrist_dev") else shoulder):
                q[:, coordinate_index(f"{name}_{side}")] = np.deg2rad(degrees)
        if not shoulder:
            hung.append({"r": "right", "l": "left"}[side])
    return [f"{' and '.join(hung)} arm not measured: hangs"] if hung else []


def _held(at_limit: np.ndarray, unknowns: tuple[str, ...]) -> dict[str, int]:
    frames = at_limit.sum(axis=0)
    return {name: int(n) for name, n in zip(unknowns, frames, strict=True) if n}


def smooth_coordinates(q: np.ndarray, times: np.ndarray, new_times: np.ndarray, cutoff: float) -> np.ndarray:
    """Filter and resample (T, D) coordinates; the pelvis and the upper arms as rotations, which have no seams."""
    out = smooth(np.unwrap(q, axis=0), times, new_times, cutoff)
    places = [coordinate_index(f"pelvis_t{axis}") for axis in "xyz"]
    out[:, places] = smooth(q[:, places], times, new_times, cutoff)
    pelvis = smooth_rotations(_zxy(q[:, :3]), times, new_times, cutoff)
    out[:, :3] = np.unwrap(spine_angles(pelvis), axis=0)
    for side in "rl":
        columns = [coordinate_index(f"{name}_{side}") for name in ("elv_angle", "shoulder_elv", "shoulder_rot")]
        seams = np.abs(np.diff(q[:, columns[0]])).max(initial=0.0) > 1.0
        if seams:  # the plane of a hanging arm is free to jump; elevation and twist then belong together
            out[:, columns] = resample(times, q[:, columns], new_times)
    return out


def _zxy(angles: np.ndarray) -> np.ndarray:
    """(T, 3, 3) body-fixed z, x, y turns of (T, 3) rad."""
    (a, b, c), zero, one = angles.T, np.zeros(len(angles)), np.ones(len(angles))

    def matrix(*rows: tuple[np.ndarray, ...]) -> np.ndarray:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    z = matrix((np.cos(a), -np.sin(a), zero), (np.sin(a), np.cos(a), zero), (zero, zero, one))
    x = matrix((one, zero, zero), (zero, np.cos(b), -np.sin(b)), (zero, np.sin(b), np.cos(b)))
    y = matrix((np.cos(c), zero, np.sin(c)), (zero, one, zero), (-np.sin(c), zero, np.cos(c)))
    return z @ x @ y
