"""Which joints of a published model make up which levels, and what they turn them by.

A LevelEntry is one level, or a run of levels that the model moves by one joint. Shapes: T frames, D coordinates.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np

from biomech.anatomy import AXES, LEVELS
from biomech.errors import ModelError
from biomech.published_joints import amount, frames_along, plain_moves, zxy_angles
from biomech.published_mapping import ModelMapping
from biomech.published_source import ModelSource, Movement, SourceJoint


@dataclass(frozen=True, slots=True, eq=False)
class LevelEntry:
    """One joint (or a chain of them) of the column.

    Attributes:
        levels: the levels it stands for; more than one means that the model moves them together.
        coordinates: index of the FE, LB and AR coordinate, None where the model has none.
        moves: FE, LB and AR of a joint that turns about z, x, y in that order, with the direction of its axis; None
            for any other joint, whose rotation is taken apart instead.
        joints: from the lower body to the upper one.
        zero: (3, 3) rotation of the upper body in the lower one where the model stands upright.
        axes: (3, 3) how the joint's axes stand in the upright world.
    """

    levels: slice
    coordinates: tuple[int | None, int | None, int | None]
    moves: tuple[tuple[Movement, float] | None, ...] | None
    joints: tuple[SourceJoint, ...]
    zero: np.ndarray
    axes: np.ndarray

    @property
    def lower(self) -> str:
        """The body below."""
        return self.joints[0].parent

    @property
    def upper(self) -> str:
        """The body above."""
        return self.joints[-1].child

    @property
    def count(self) -> int:
        """How many levels it stands for."""
        return self.levels.stop - self.levels.start

    @property
    def name(self) -> str:
        """ "L4_L5", or "C7_T1..C0_C1" for a run."""
        first, last = LEVELS[self.levels.start], LEVELS[self.levels.stop - 1]
        return first if first == last else f"{first}..{last}"

    def angles(self, values: np.ndarray) -> np.ndarray:
        """(T, 3) rad: FE, LB, AR since upright."""
        if self.moves is not None:
            zero = np.zeros(len(values))
            return np.stack([zero if m is None else m[1] * amount(m[0], values) for m in self.moves], axis=1)
        turned = np.swapaxes(self.zero, 0, 1) @ frames_along(self.joints, values)[:, :3, :3]
        joint = self.joints[-1].body_from_joint[:3, :3]
        return zxy_angles(joint.T @ turned @ joint)


def level_entries(
    source: ModelSource, mapping: ModelMapping, upright: np.ndarray
) -> tuple[list[LevelEntry], list[str]]:
    """Entries of a map, caudal to cranial, and notes on what the model lacks of it.

    Args:
        upright: (D,) coordinates at which the model stands upright.

    Raises:
        ModelError: a coordinate is unknown, levels overlap, or no level of the map is in the model.
    """
    place = {c.name: i for i, c in enumerate(source.coordinates)}
    entries: list[LevelEntry] = []
    notes: list[str] = []
    taken: dict[int, str] = {}
    for (first, last), names in sorted(mapping.levels.items()):
        run = LEVELS[first] if first == last else f"{LEVELS[first]}..{LEVELS[last]}"
        missing = [n for n in names if n is not None and n not in place]
        if missing and not mapping.lenient:
            raise ModelError(
                f"the map {mapping.name!r} moves {run} by {missing[0]!r}, which {source.path.name} does not have"
                f"{nearest(missing[0], source.names)}"
            )
        found = tuple(None if n is None or n in missing else place[n] for n in names)
        if missing:
            notes.append(f"{run}: no coordinate {', '.join(missing)} in this model")
        if all(c is None for c in found):
            continue
        overlap = [LEVELS[k] for k in range(first, last + 1) if k in taken]
        if overlap:
            raise ModelError(
                f"the map {mapping.name!r} gives {overlap[0]} twice: by {taken[LEVELS.index(overlap[0])]} and {run}"
            )
        taken |= dict.fromkeys(range(first, last + 1), run)
        entries.append(_entry(source, slice(first, last + 1), found, upright, run))
    if not entries:
        raise ModelError(
            f"{source.path.name} has none of the levels that the map {mapping.name!r} names; "
            "give a model with a spine, or a map that fits this one"
        )
    return entries, notes


def nearest(name: str, known: tuple[str, ...]) -> str:
    """A hint at the closest known name."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(known[:8])} .."


def _entry(source: ModelSource, levels: slice, found: tuple, upright: np.ndarray, run: str) -> LevelEntry:
    owners = [_owner(source, c, run) for c in found if c is not None]
    depth = {j.name: len(source.path_between("ground", j.child)) for j in owners}
    first = min(owners, key=lambda j: depth[j.name])
    last = max(owners, key=lambda j: depth[j.name])
    try:
        joints = source.path_between(first.parent, last.child)
    except ModelError:
        raise ModelError(
            f"{run} of {source.path.name} is moved by joints that do not follow one another: {first.name}, {last.name}"
        ) from None
    moves = plain_moves(joints, found)
    zero = frames_along(joints, upright[None])[0, :3, :3]
    above = frames_along(source.path_between("ground", last.child), upright[None])[0, :3, :3]
    axes = above @ last.body_from_joint[:3, :3]
    return LevelEntry(levels, found, moves, joints, zero, axes)


def _owner(source: ModelSource, coordinate: int, run: str) -> SourceJoint:
    """The joint that a coordinate turns."""
    for joint in source.joints:
        if any(turn.coordinate == coordinate for turn in joint.turns):
            return joint
    name = source.coordinates[coordinate].name
    raise ModelError(f"{run}: the coordinate {name!r} of {source.path.name} turns no joint; give one of a rotation")


def own_axes(entries: list[LevelEntry]) -> np.ndarray:
    """(25, 3) bool: level and axis that the model moves by itself, alone."""
    own = np.zeros((len(LEVELS), len(AXES)), dtype=bool)
    for entry in entries:
        if entry.count == 1:
            own[entry.levels] = [c is not None for c in entry.coordinates]
    return own


def left_out(source: ModelSource, entries: list[LevelEntry]) -> list[str]:
    """Notes on joints that move the column and stand in no entry: their motion is lost."""
    mapped = {joint.name for entry in entries for joint in entry.joints}
    lowest = entries[0].lower
    notes = []
    for body in source.bodies:
        if body != entries[-1].upper and not any(word in body.lower() for word in _COLUMN_WORDS):
            continue
        try:
            path = source.path_between(lowest, body)
        except ModelError:
            continue
        for joint in path:
            names = {source.coordinates[t.coordinate].name for t in joint.turns if t.coordinate is not None}
            if names and joint.name not in mapped:
                mapped.add(joint.name)
                notes.append(
                    f"joint {joint.name} ({', '.join(sorted(names))}) is not in the map: its motion is left out"
                )
    return notes


_COLUMN_WORDS = ("lumbar", "thora", "cerv", "torso", "head", "skull", "neck")
