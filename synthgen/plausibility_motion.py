"""What motion files tell the plausibility report: our own .mot and .sto directly, anything else through the import."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from biomech.errors import MotionError, SynthgenError
from synthgen.plausibility_dataset import Material, limits_of

if TYPE_CHECKING:
    from biomech.geometry import SkeletonGeometry
    from biomech.limits import Limits
    from biomech.motion import Motion


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One motion file on our skeleton."""

    name: str
    digest: str
    times: np.ndarray  # (T,) s
    q: np.ndarray  # (T, D) rad and m, anatomy.COORDINATES
    residuals: dict[str, list[float]]  # name -> m, one per frame
    clamped: dict[str, int]
    filled: tuple[str, ...]
    notes: tuple[str, ...]
    geometry: SkeletonGeometry | None = None  # whose bones moved, where the file says


def motion_material(paths: list[Path], profile: str = "", title: str = "") -> Material:
    """The frames of one or several motion files; those that cannot be read are listed.

    Raises:
        SynthgenError: none of them can be read, or the profile is unknown.
    """
    from biomech.activities.pose import PoseBatch
    from biomech.anatomy import COORDINATES
    from biomech.limits import load_limits
    from biomech.plausibility import Clip, Evidence, Person

    limits = limits_of((Person(0),), profile)[0][0] if profile else load_limits()
    read: list[Reading] = []
    unread: list[str] = []
    for path in paths:
        try:
            read.append(read_motion(path, limits))
        except (SynthgenError, OSError) as error:
            if len(paths) == 1:
                raise
            unread.append(str(error) if path.name in str(error) else f"{path.name}: {error}")
    if not read:
        raise MotionError(f"none of the {len(paths)} motion files can be read; the first: {unread[0]}")
    starts = np.cumsum([0, *(len(each.times) for each in read)])
    names = sorted({name for each in read for name in each.residuals})
    where = [f"{each.name} at {t:.3f} s" for each in read for t in each.times.tolist()]
    bones = tuple(each.geometry for each in read if each.geometry is not None)
    known = len(bones) == len(read)  # else an average adult stands in for all
    evidence = Evidence(
        skeletons=bones if known else (),
        skeleton_of=np.repeat(np.arange(len(read)), [len(each.times) for each in read]) if known else None,
        clips=tuple(Clip(each.name, int(s), each.times) for each, s in zip(read, starts[:-1], strict=True)),
        residuals={
            name: [v for each in read for v in each.residuals.get(name, [float("nan")] * len(each.times))]
            for name in names
        },
        where=tuple(where),
        clamped=_sum([each.clamped for each in read]),
        filled=tuple(dict.fromkeys(level for each in read for level in each.filled)),
        notes=tuple(f"{each.name}: {note}" for each in read for note in each.notes),
    )
    summary: dict[str, Any] = {"input": title or paths[0].name}
    if len(read) == 1:
        summary |= {"sha256": read[0].digest}
    else:
        summary |= {"files": ", ".join(f"{each.name} {each.digest[:12]}" for each in read)}
    summary |= {"frames": sum(len(each.times) for each in read)}
    if unread:
        summary |= {"not read": "; ".join(unread)}
    activity = tuple(each.name for each in read for _ in each.times)
    batch = PoseBatch(np.concatenate([each.q for each in read]), COORDINATES, activity)
    return Material(batch, limits, evidence, summary, tuple(unread))


def read_motion(path: Path, limits: Limits) -> Reading:
    """One file on our skeleton: angles of ours as they stand, unclamped; everything else through the import.

    Raises:
        ModelError: no such file, not a motion, units mixed up, or nothing that fits our skeleton.
    """
    from biomech.anatomy import COORDINATES, SPINE_COORDINATES
    from biomech.motion import read_mot
    from biomech.motion_import import SUFFIXES
    from biomech.motion_sources import ANGLES

    if not path.is_file():
        raise MotionError(f"there is no file {path}; give a dataset, a motion file or a folder of them")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise MotionError(f"{path.name} is no motion file; allowed: {known}, a folder of them or a dataset")
    if suffix in ANGLES:
        motion = read_mot(path)
        if set(motion.coordinates) <= set(COORDINATES) and set(motion.coordinates) & set(SPINE_COORDINATES):
            return _own(path, motion)
    return _imported(path, limits)


def _own(path: Path, motion: Motion) -> Reading:
    """A motion in our coordinates; what it leaves out stands at neutral."""
    from biomech.anatomy import COORDINATES

    if (np.diff(motion.times) <= 0.0).any():
        raise MotionError(f"{path.name}: times do not increase from row to row; sort or repair the file")
    given = {name: k for k, name in enumerate(motion.coordinates)}
    missing = [name for name in COORDINATES if name not in given]
    q = np.zeros((len(motion.times), len(COORDINATES)))
    for k, name in enumerate(COORDINATES):
        if name in given:
            q[:, k] = motion.q[:, given[name]]
    notes: tuple[str, ...] = ()
    if missing:
        shown = ", ".join(missing[:4]) + (" ..." if len(missing) > 4 else "")
        notes = (f"{len(missing)} coordinates are not in the file and stand at neutral: {shown}",)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Reading(path.name, digest, motion.times, q, {}, {}, (), notes)


def _imported(path: Path, limits: Limits) -> Reading:
    """Anything else: put on our skeleton and clamped, with what that took."""
    from biomech.motion_import import import_motion

    found = import_motion(path, limits)
    return Reading(
        path.name,
        found.source_digest,
        found.motion.times,
        found.motion.q,
        _per_frame(found.residuals),
        dict(found.clamped),
        tuple(found.filled),
        tuple(found.notes),
        found.geometry,
    )


def _per_frame(residuals: np.ndarray) -> dict[str, list[float]]:
    """Residuals (T, K) m, NaN where not seen, as root mean square and worst of each frame; none where K is 0."""
    if not residuals.size:
        return {}
    seen = np.isfinite(residuals)
    squares = np.where(seen, residuals, 0.0) ** 2
    rms = np.sqrt(squares.sum(axis=1) / np.maximum(seen.sum(axis=1), 1))
    rms[~seen.any(axis=1)] = np.nan
    return {
        "marker_rms": rms.tolist(),
        "marker_worst": np.where(np.isnan(rms), np.nan, squares.max(axis=1) ** 0.5).tolist(),
    }


def _sum(counts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return total
