"""Any motion file as motion of our skeleton: inside the limits, on the floor, its feet where they stand.

    found = import_motion("walking5.c3d")
    found.motion.q          # (T, D) rad and m, in the order of anatomy.COORDINATES

.mot and .sto hold joint angles, .trc and .c3d markers, .bvh a skeleton of its own; the suffix decides.
Shapes: T frames, K targets, D = len(COORDINATES).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.anatomy import COORDINATES
from biomech.errors import MotionError
from biomech.floor import POINTS, lowest_point
from biomech.foot_contact import hold_feet
from biomech.geometry import SkeletonGeometry
from biomech.limits import Limits, load_limits
from biomech.model import SpineModel
from biomech.motion import Motion
from biomech.motion_clamp import clamp_motion
from biomech.motion_sources import ANGLES, HIERARCHY, MARKERS, ImportOptions, read_source

SUFFIXES: tuple[str, ...] = (*ANGLES, *MARKERS, *HIERARCHY)
"""What can be imported."""

_UNSURE, _DRIFTING = 0.03, 0.08
"""m over the floor that still count as standing: heels give way; more where the floor itself was a guess."""

__all__ = ["SUFFIXES", "ImportOptions", "ImportedMotion", "import_motion", "motion_files"]


@dataclass(frozen=True, slots=True, eq=False)
class ImportedMotion:
    """A motion on our skeleton and what became of it on the way."""

    name: str  # of the file, without its suffix
    kind: str  # "angles", "markers" or "hierarchy"
    motion: Motion  # coordinates are anatomy.COORDINATES
    geometry: SkeletonGeometry  # whose bones moved
    source_digest: str  # sha256 of the file
    residuals: np.ndarray  # (T, K) m from measured markers or joints, NaN where there were none; K = 0 for angles
    targets: tuple[str, ...]  # (K,)
    clamped: dict[str, int]  # frames in which a coordinate or regional angle stood at its limit or was cut
    contacts: np.ndarray  # (T, 4) bool, order floor.POINTS
    clearance: np.ndarray  # (T,) m between the body's lowest point and the floor; 0 while anything stands
    slide: tuple[float, float]  # m: how far standing points stray from their spots, before and after they were held
    filled: tuple[str, ...]  # levels not measured one by one
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.motion.times)

    @property
    def duration(self) -> float:
        """s from the first frame to the last."""
        return float(self.motion.times[-1] - self.motion.times[0])

    @property
    def rms(self) -> float:
        """m: root mean square of all residuals; NaN where nothing was measured in space."""
        seen = self.residuals[np.isfinite(self.residuals)]
        return float(np.sqrt(np.mean(seen**2))) if seen.size else float("nan")

    @property
    def rms_by_target(self) -> dict[str, float]:
        """m per marker or joint, for those ever seen."""
        known = {}
        for name, column in zip(self.targets, self.residuals.T, strict=True):
            seen = column[np.isfinite(column)]
            if seen.size:
                known[name] = float(np.sqrt(np.mean(seen**2)))
        return known

    @property
    def clamped_share(self) -> float:
        """Share of frames x coordinates held back by a limit."""
        return sum(self.clamped.values()) / max(len(self) * len(COORDINATES), 1)


def import_motion(
    path: Path | str,
    model: SpineModel | Limits | None = None,
    options: ImportOptions | None = None,
) -> ImportedMotion:
    """Read a motion file and put it on our skeleton.

    Args:
        model: whose limits hold; None: those of an adult.
        options: rate, filter, axes, maps; see ImportOptions.

    Raises:
        MotionError, ModelError: the file cannot be used; one sentence says what was found and what would fix it.
    """
    file = Path(path)
    settings = options or ImportOptions()
    limits = model.limits if isinstance(model, SpineModel) else model if model is not None else load_limits()
    if not file.is_file():
        raise MotionError(f"there is no file {file}")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        source = read_source(file, settings, limits)
    except np.linalg.LinAlgError:  # coordinates of damaged markers, far beyond any room
        raise MotionError(
            f"{file.name}: no posture can be solved for; its markers lie where no person's can. Export it again"
        ) from None
    if not np.isfinite(source.q).all():
        frame = int(np.argwhere(~np.isfinite(source.q))[0, 0])
        raise MotionError(f"{file.name}: frame {frame + 1} of the result is not finite; too little was measured there")
    first = clamp_motion(source.q, limits)
    notes = list(source.notes)
    if settings.hold_feet:
        held = hold_feet(source.geometry, source.times, first.q, limits)
        q, contacts, slide = held.q, held.contacts, (held.slide_before, held.slide_after)
        unsure = _UNSURE if held.drift == 0.0 else _DRIFTING
        if held.drift > 0.0:
            notes.append(f"the floor seems to move by {held.drift:.2f} m, as in inertial capture: levelled")
        if held.belt.any():
            notes.append(f"treadmill of {np.hypot(*held.belt):.2f} m/s: carried over ground")
    else:
        q, contacts, slide = first.q, np.zeros((len(first.q), len(POINTS)), dtype=bool), (0.0, 0.0)
        unsure = _UNSURE
    q = clamp_motion(q, limits).q  # rounding of the filter's last bit, and the legs that were moved
    clearance = np.maximum(lowest_point(source.geometry, q), 0.0)
    clearance[contacts.any(axis=1) | (clearance < unsure)] = 0.0
    clamped = {**source.cut, **first.counts}
    if len(source.times) > 1 and not contacts.any() and settings.hold_feet:
        notes.append("no foot ever stands: the floor is where the lowest point comes to")
    return ImportedMotion(
        name=file.stem,
        kind=source.kind,
        motion=Motion(source.times - source.times[0], COORDINATES, q),
        geometry=source.geometry,
        source_digest=digest,
        residuals=source.residuals,
        targets=source.targets,
        clamped=clamped,
        contacts=contacts,
        clearance=clearance,
        slide=slide,
        filled=source.filled,
        notes=tuple(notes),
    )


def motion_files(path: Path | str) -> list[Path]:
    """The file itself, or every motion file in a folder, by name.

    Raises:
        MotionError: nothing there that can be read.
    """
    place = Path(path)
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise MotionError(f"there is no file or folder {place}")
    found = sorted(p for p in place.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)
    if not found:
        raise MotionError(f"{place} holds no motion; files that can be read end in {', '.join(SUFFIXES)}")
    return found
