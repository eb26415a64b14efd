"""What there is to know about a published model before using it: levels, ranges, couplers, speed. Plain data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from biomech.anatomy import AXES, LEVELS
from biomech.published import PublishedModel
from biomech.published_check import Skeleton, check_axes
from biomech.published_joints import couple
from biomech.published_rhythm import reach

_STEP = 0.01  # rad; for slopes at the upright stance
_BATCH = 200  # poses evaluated together


@dataclass(frozen=True, slots=True)
class LevelFact:
    """One axis of one level."""

    level: str
    axis: str
    source: str  # "own", "shared" (one joint for several levels) or "lacking"; the last two are filled
    coordinate: str
    low_deg: float | None  # range in the model, at the ends of its driver's; None: it sets none
    high_deg: float | None


@dataclass(frozen=True, slots=True)
class Driver:
    """A coordinate that moves several levels, and the part each takes of it."""

    coordinate: str
    motion: str  # OpenSim's kind; "coupled" ones are in radians in any file
    axis: str
    low_deg: float | None  # of all its levels together
    high_deg: float | None
    fractions: dict[str, float]  # level -> part of the sum, at the upright stance


@dataclass(frozen=True, slots=True)
class Speed:
    """Poses per second on one core; 0 where not measured."""

    ours_batch: float  # a trajectory at once
    ours_single: float  # pose by pose
    opensim: float  # set every coordinate, couplers evaluated here, realizePosition
    assemble: float  # set every coordinate and let OpenSim satisfy the couplers


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything `synthgen model inspect` prints."""

    name: str
    file: str
    digest: str
    family: str
    bodies: int
    coordinates: int
    couplers: int
    levels: tuple[LevelFact, ...]
    drivers: tuple[Driver, ...]
    filled: tuple[str, ...]
    axes_checked: int
    worst_disagreement_deg: float
    speed: Speed
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def inspect_model(model: PublishedModel, seconds: float = 0.4) -> Inspection:
    """Look a model over.

    Args:
        seconds: spent on each of the speeds; 0 measures none.
    """
    checked = check_axes(model)
    found = reach(model)
    notes = list(model.notes)
    unlimited = [LEVELS[i] for i in range(len(LEVELS)) if model.own[i].any() and not np.isfinite(found.levels[i]).any()]
    if unlimited:
        notes.append(
            f"no usable range for {len(unlimited)} of its levels ({unlimited[0]} to {unlimited[-1]}): "
            "their rhythm and limits are those of our tables"
        )
    locked = [c.name for i, c in enumerate(model.source.coordinates) if c.locked and _moves_levels(model, i)]
    if locked:
        notes.append(f"locked in the model, used all the same: {', '.join(locked)}")
    return Inspection(
        name=model.name,
        file=str(model.source.path),
        digest=model.digest,
        family=model.mapping.name,
        bodies=len(model.source.bodies),
        coordinates=len(model.coordinates),
        couplers=len(model.source.couplers),
        levels=_levels(model, found.levels),
        drivers=_drivers(model),
        filled=model.filled_levels,
        axes_checked=len(checked),
        worst_disagreement_deg=float(np.degrees(max(gap for _, _, gap in checked))),
        speed=speed(model, seconds) if seconds > 0 else Speed(0.0, 0.0, 0.0, 0.0),
        notes=tuple(notes),
    )


def _moves_levels(model: PublishedModel, coordinate: int) -> bool:
    return any(coordinate in entry.coordinates for entry in model.entries)


def _levels(model: PublishedModel, ends: np.ndarray) -> tuple[LevelFact, ...]:
    facts = []
    for i, level in enumerate(LEVELS):
        entry = next((e for e in model.entries if e.levels.start <= i < e.levels.stop), None)
        for axis, name in enumerate(AXES):
            coordinate = None if entry is None else entry.coordinates[axis]
            kind = "lacking" if coordinate is None else ("own" if model.own[i, axis] else "shared")
            low, high = (float(v) if np.isfinite(v) else None for v in np.degrees(ends[i, axis]))
            facts.append(
                LevelFact(level, name, kind, "" if coordinate is None else model.coordinates[coordinate], low, high)
            )
    return tuple(facts)


def _drivers(model: PublishedModel) -> tuple[Driver, ...]:
    """Coordinates that drive more than their own level, with the fractions read off by moving each a little."""
    found = []
    for i in sorted({c.driver for c in model.source.couplers}):
        coordinate = model.source.coordinates[i]
        ends = (coordinate.low, coordinate.high) if coordinate.limited else (np.nan, np.nan)
        values = np.tile(model.upright, (3, 1))
        values[:, i] = _STEP, *np.nan_to_num(ends)
        values = couple(model.source, values)
        angles = np.zeros((3, len(LEVELS), len(AXES)))
        for entry in model.entries:
            angles[:, entry.levels.start] = entry.angles(values)
        total = angles.sum(axis=1)
        axis = int(np.abs(total[0]).argmax())
        if abs(total[0, axis]) < 1e-9:
            continue  # drives no level: a knee cap
        parts = angles[0, :, axis] / total[0, axis]
        fractions = {level: round(float(p), 4) for level, p in zip(LEVELS, parts, strict=True) if abs(p) > 1e-6}
        low, high = np.sort(np.degrees(total[1:, axis]))
        unlimited = not coordinate.limited
        found.append(
            Driver(
                coordinate.name, coordinate.motion, AXES[axis],
                None if unlimited else float(low), None if unlimited else float(high), fractions,
            )
        )  # fmt: skip
    return tuple(found)


def speed(model: PublishedModel, seconds: float) -> Speed:
    """Poses per second of evaluating the spine here and in OpenSim, on poses drawn inside the ranges."""
    rng = np.random.default_rng(0)
    low = np.array([max(c.low, -0.5) for c in model.source.coordinates])
    high = np.maximum(low, [min(c.high, 0.5) for c in model.source.coordinates])
    poses = couple(model.source, rng.uniform(low, high, (_BATCH, len(low))))
    names = model.coordinates
    skeleton = Skeleton(model.source)

    def single(k: int) -> int:
        model.to_levels(names, poses[k % _BATCH][None])
        return 1

    def batch(k: int) -> int:
        model.to_levels(names, poses)
        return _BATCH

    def realise(k: int) -> int:
        skeleton.set(couple(model.source, poses[k % _BATCH][None])[0])
        return 1

    def assemble(k: int) -> int:
        skeleton.assemble(poses[k % _BATCH])
        return 1

    return Speed(*(_rate(work, seconds) for work in (batch, single, realise, assemble)))


def _rate(work: Callable[[int], int], seconds: float) -> float:
    """Per second of this process's own time, so that a busy machine does not count."""
    work(0)
    done, k, begin = 0, 0, time.process_time()
    while (spent := time.process_time() - begin) < seconds or k < 3:
        done += work(k)
        k += 1
    return done / max(spent, 1e-9)
