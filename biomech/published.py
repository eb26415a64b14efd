"""Published OpenSim models: any .osim with a spine, read as motion of our 25 levels and, where it has them, our limbs.

    model = load_published("Pose2Sim_muscles_flex.osim")
    levels = model.to_levels(names, values)       # 75 level angles, couplers evaluated, missing levels filled
    q = model.to_model(motion)                    # all coordinates of anatomy.COORDINATES

Couplers and joint functions are evaluated here, in numpy; OpenSim reads the file once and checks the signs.
Shapes: T frames, D' columns given, D coordinates of the published model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.anatomy import AXES, COORDINATES, LEVELS, SPINE_SLICE
from biomech.errors import ModelError
from biomech.motion import Motion
from biomech.published_fill import TRUNK, composed, fill_trunk, meet, spread
from biomech.published_joints import couple
from biomech.published_levels import LevelEntry, left_out, level_entries, nearest, own_axes
from biomech.published_limbs import Limbs, limb_angles, make_limbs
from biomech.published_mapping import COLUMN, ModelMapping, choose, read_mapping
from biomech.published_reader import read_source
from biomech.published_source import ModelSource


@dataclass(frozen=True, slots=True, eq=False)
class LevelAngles:
    """What a published model says of the spine."""

    q: np.ndarray  # (T, 75) rad, order anatomy.SPINE_COORDINATES
    filled: np.ndarray  # (25, 3) bool: levels the model lacks, filled by rhythm

    def __repr__(self) -> str:
        return f"LevelAngles(T={len(self.q)}, filled={int(self.filled.sum())} of {self.filled.size})"


@dataclass(frozen=True, slots=True, eq=False)
class PublishedModel:
    """A published model and how it maps to ours; plain data, free of OpenSim.

    Attributes:
        name, digest: the model's own name, sha256 of its file.
        coordinates: its coordinate names, in its order.
        entries: which joints make up which levels, caudal to cranial.
        own: (25, 3) bool, level axes that the model moves each by itself; the others are filled.
        upright: (D,) coordinates of the upright stance.
        notes: what a user should know: missing parts, odd constraints.
    """

    name: str
    digest: str
    source: ModelSource
    mapping: ModelMapping
    entries: tuple[LevelEntry, ...]
    own: np.ndarray
    upright: np.ndarray
    limbs: Limbs
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"PublishedModel({self.name!r}, map={self.mapping.name!r}, D={len(self.coordinates)}, own={self.own.sum()})"
        )

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of its coordinates."""
        return self.source.names

    @property
    def filled(self) -> np.ndarray:
        """(25, 3) bool: level axes that the model does not move one by one."""
        return ~self.own

    @property
    def filled_levels(self) -> tuple[str, ...]:
        """Levels with no axis of their own in the model."""
        return tuple(level for level, axes in zip(LEVELS, self.own, strict=True) if not axes.any())

    def rotational(self, names: Sequence[str]) -> np.ndarray:
        """(D',) bool: columns that OpenSim converts between degrees and radians in a file with inDegrees=yes.

        Coupled coordinates (pitch2, flex_extension) are not among them: OpenSim leaves them in radians.
        """
        kinds = {c.name: c.motion for c in self.source.coordinates}
        return np.array([kinds.get(plain_name(n), "rotational") == "rotational" for n in names], dtype=bool)

    def values(self, names: Sequence[str], values: np.ndarray) -> np.ndarray:
        """(T, D) rad and m: all coordinates of the model; what is not given rests at its default, couplers act.

        Raises:
            ModelError: a shape that does not fit, a value that is not finite, or no column that the model has.
        """
        given = np.atleast_2d(np.asarray(values, dtype=np.float64))
        if given.shape[1] != len(names):
            raise ModelError(
                f"{len(names)} coordinate names and values of shape {given.shape} given; wanted (T, names)"
            )
        if not np.isfinite(given).all():
            row, column = (int(k) for k in np.argwhere(~np.isfinite(given))[0])
            raise ModelError(f"{names[column]} of frame {row} is {given[row, column]}; every value must be finite")
        place = {c.name: i for i, c in enumerate(self.source.coordinates)}
        columns = [(k, place[plain_name(n)]) for k, n in enumerate(names) if plain_name(n) in place]
        if not columns:
            raise ModelError(
                f"none of the columns {', '.join(names[:4])} .. is a coordinate of {self.name}"
                f"{nearest(plain_name(names[0]) if names else '', self.coordinates)}"
            )
        self._refuse_degrees(names, given, columns)
        out = np.tile([c.default for c in self.source.coordinates], (len(given), 1))
        known = np.zeros(out.shape[1], dtype=bool)
        for k, i in columns:
            out[:, i], known[i] = given[:, k], True
        known[[i for i in range(len(known)) if not known[i] and i not in self._dependents]] = True
        return couple(self.source, out, known)

    def _refuse_degrees(self, names: Sequence[str], given: np.ndarray, columns: list[tuple[int, int]]) -> None:
        """No joint of a spine turns once around: such a value is degrees."""
        spine = {c for entry in self.entries for c in entry.coordinates}
        spine |= {c.driver for c in self.source.couplers if c.dependent in spine}
        for k, i in columns:
            worst = float(np.abs(given[:, k]).max(initial=0.0))
            if i in spine and worst > 2.0 * np.pi:
                kept = self.source.coordinates[i].motion == "coupled"
                why = (
                    "OpenSim keeps coupled coordinates in radians, even in a file with inDegrees=yes"
                    if kept
                    else ("it looks like degrees read as radians")
                )
                raise ModelError(f"{names[k]} reaches {worst:.1f} rad, more than a whole turn of the spine; {why}")

    @property
    def _dependents(self) -> frozenset[int]:
        return frozenset(c.dependent for c in self.source.couplers)

    def to_levels(self, names: Sequence[str], values: np.ndarray) -> LevelAngles:
        """The spine at each frame.

        Levels the model moves one by one carry its own angles. Levels it lacks are filled by rhythm: a run moved by one
        joint is spread over its levels; a rigid thorax takes its part of the motion of the trunk from the lumbar
        levels, which keep their proportions. Either way the bodies above end up turned as in the model.

        Args:
            names: coordinate names, also as state paths (/jointset/hip_r/hip_flexion_r/value); unknown ones are left.
            values: (T, D') rad and m.
        """
        return self._levels(self.values(names, values))

    def _levels(self, values: np.ndarray) -> LevelAngles:
        levels = np.zeros((len(values), len(LEVELS), len(AXES)))
        moved = np.zeros((len(LEVELS), len(AXES)), dtype=bool)
        found = [entry.angles(values) for entry in self.entries]
        for entry, angles in zip(self.entries, found, strict=True):
            levels[:, entry.levels] = angles[:, None, :] if entry.count == 1 else spread(angles, entry.levels)
            moved[entry.levels] = [c is not None for c in entry.coordinates]
            if entry.count > 1 and entry.levels.start >= TRUNK.stop:
                turned = composed(angles[:, None], entry.axes[None])
                levels = meet(levels, entry.levels, self.filled, turned)
        trunk = [k for k, entry in enumerate(self.entries) if entry.levels.stop <= TRUNK.stop]
        if trunk and self.filled[TRUNK].any():
            levels = fill_trunk(levels, moved)
            turned = composed(
                np.stack([found[k] for k in trunk], axis=1), np.stack([self.entries[k].axes for k in trunk])
            )
            levels = meet(levels, TRUNK, self.filled, turned)
        return LevelAngles(levels.reshape(len(values), -1), self.filled)

    def to_model(self, motion: Motion) -> np.ndarray:
        """(T, len(anatomy.COORDINATES)) rad and m: a motion of the published model as one of ours.

        Pelvis and limbs are mapped where the map knows them, the rest is at 0. Limits are not applied.
        """
        values = self.values(motion.coordinates, motion.q)
        q = np.zeros((len(values), len(COORDINATES)))
        q[:, SPINE_SLICE] = self._levels(values).q
        for name, angle in limb_angles(self.limbs, self.source, values, self.upright).items():
            q[:, COORDINATES.index(name)] = angle
        return q


def plain_name(column: str) -> str:
    """Coordinate name of a column: /jointset/hip_r/hip_flexion_r/value -> hip_flexion_r."""
    parts = column.strip("/").split("/")
    return parts[-2] if len(parts) > 1 and parts[-1] == "value" else parts[-1]


def load_published(path: Path | str, mapping: Path | str | ModelMapping | None = None) -> PublishedModel:
    """Read a published model and map it.

    Args:
        mapping: a YAML file of your own, the name of a shipped map, or None (or "") to recognise the family.

    Raises:
        ModelError: the file is no .osim, has no spine, is of no known family, or contradicts its map.
    """
    from biomech.published_check import check_axes

    source = read_source(path)
    if isinstance(mapping, ModelMapping):
        chosen = mapping
    else:
        chosen = choose(source) if mapping in (None, "") else read_mapping(str(mapping))
    upright = _upright(source, chosen)
    entries, notes = level_entries(source, chosen, upright)
    limbs, limb_notes = make_limbs(source, chosen, entries)
    own = own_axes(entries)
    notes += [*limb_notes, *_unmapped(source, chosen), *left_out(source, entries), *source.warnings]
    model = PublishedModel(
        source.name or Path(path).stem, source.digest, source, chosen, tuple(entries), own, upright, limbs, tuple(notes)
    )
    check_axes(model)
    return model


def _upright(source: ModelSource, mapping: ModelMapping) -> np.ndarray:
    values = np.zeros(len(source.coordinates))
    for name, value in mapping.zero.items():
        if name not in source.names:
            raise ModelError(f"the map {mapping.name!r} sets {name!r} upright{nearest(name, source.names)}")
        values[source.names.index(name)] = value
    return couple(source, values[None])[0]


def _unmapped(source: ModelSource, mapping: ModelMapping) -> list[str]:
    """Bones a map names that the model does not have under any of the names."""
    lost = {
        COLUMN[first] if first == last else f"{COLUMN[first]}..{COLUMN[last]}": names
        for (first, last), names in mapping.bodies.items()
        if not set(names) & set(source.bodies)
    }
    if lost and not mapping.lenient:
        bone, names = next(iter(lost.items()))
        raise ModelError(
            f"the map {mapping.name!r} has {bone} carried by {' or '.join(names)}, a body that {source.path.name} does "
            f"not have; it has {', '.join(source.bodies[:8])} .."
        )
    return [f"no body for {', '.join(lost)}"] if lost else []
