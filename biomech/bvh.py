"""BioVision hierarchy files (.bvh): reading, and where every joint is in every frame.

A file says neither its unit nor its axes: both are found from the skeleton (biomech.bvh_retarget). Here everything
stays in the file's own axes and unit. Shapes: T frames, J joints (end sites included).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.errors import MotionError

_AXIS = {"x": 0, "y": 1, "z": 2}
_CHANNELS = tuple(f"{axis}{kind}" for axis in "xyz" for kind in ("position", "rotation"))
_MAX_JOINTS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Bvh:
    """A skeleton and its motion, in the file's axes and unit."""

    names: tuple[str, ...]  # (J,) parents before children; an end site is called "<parent>_end"
    parents: tuple[int, ...]  # (J,) index of the parent, -1 for the root
    offsets: np.ndarray  # (J, 3) from the parent, file unit
    channels: tuple[tuple[str, ...], ...]  # (J,) lower case, in file order
    values: np.ndarray  # (T, sum of channels) file unit and degrees
    frame_time: float  # s

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Bvh(T={len(self)}, J={len(self.names)}, {1.0 / self.frame_time:.4g} frames/s)"

    @property
    def times(self) -> np.ndarray:
        """(T,) s."""
        return np.arange(len(self)) * self.frame_time


def read_bvh(path: Path | str) -> Bvh:
    """Read a .bvh; channels in any order.

    Raises:
        MotionError: the file is not there, not such a file, cut off, or holds a value that is no number.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MotionError(f"cannot read motion {path}: {error.strerror or error}") from error
    head, found, tail = text.partition("MOTION")
    if not head.lstrip().upper().startswith("HIERARCHY"):
        raise MotionError(f"{path} does not begin with HIERARCHY; it is no .bvh file")
    if not found:
        raise MotionError(f"{path} has no MOTION part; it was cut off or holds a skeleton only. Export it again")
    names, parents, offsets, channels = _hierarchy(head.split(), path)
    count = sum(len(c) for c in channels)
    frames, frame_time, rows = _motion_header(tail, path)
    values = _rows(rows, frames, count, path)
    return Bvh(names, parents, np.array(offsets), channels, values, frame_time)


def _hierarchy(words: list[str], path: Path | str):
    """Names, parents, offsets and channels from the words of the HIERARCHY part."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[tuple[str, ...]] = []
    above: list[int] = []  # joints whose brace is open
    i = 1
    try:
        while i < len(words):
            word = words[i].upper()
            if word in ("ROOT", "JOINT", "END"):
                if word == "ROOT" and names:
                    raise MotionError(f"{path} holds more than one ROOT; export one skeleton per file")
                parent = above[-1] if above else -1
                site = word == "END"
                label_at = i + 1
                while words[i] != "{":
                    i += 1
                label = " ".join(words[label_at:i])
                names.append(f"{names[parent]}_end" if site else label)
                parents.append(parent)
                offsets.append([0.0, 0.0, 0.0])
                channels.append(())
                above.append(len(names) - 1)
                if len(names) > _MAX_JOINTS:
                    raise MotionError(f"{path} has more than {_MAX_JOINTS} joints; it is no person")
                i += 1
            elif word == "OFFSET":
                offsets[above[-1]] = [float(words[i + k]) for k in (1, 2, 3)]
                i += 4
            elif word == "CHANNELS":
                size = int(words[i + 1])
                channels[above[-1]] = tuple(name.lower() for name in words[i + 2 : i + 2 + size])
                i += 2 + size
            elif word == "}":
                above.pop()
                i += 1
            else:
                raise MotionError(f"{path}: unexpected {words[i]!r} in the skeleton")
    except (ValueError, IndexError):
        raise MotionError(f"{path}: the skeleton breaks off or holds a word where a number belongs") from None
    if above or not names:
        raise MotionError(f"{path}: the skeleton is not closed; the file was cut off")
    strange = sorted({c for group in channels for c in group if c not in _CHANNELS})
    if strange:
        raise MotionError(f"{path}: unknown channels {', '.join(strange)}; known are {', '.join(_CHANNELS)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise MotionError(f"{path}: the joint name {twice[0]!r} stands twice; every joint needs its own")
    return tuple(names), tuple(parents), offsets, tuple(channels)


def _motion_header(tail: str, path: Path | str) -> tuple[int, float, list[str]]:
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    try:
        frames = int(lines[0].lower().removeprefix("frames:"))
        frame_time = float(lines[1].lower().removeprefix("frame time:"))
    except (IndexError, ValueError):
        raise MotionError(f"{path}: 'Frames:' and 'Frame Time:' must follow MOTION; the file was cut off") from None
    if frames < 1 or not 1e-5 < frame_time < 10.0:
        raise MotionError(f"{path} gives {frames} frames of {frame_time} s; wanted at least one, of 0.00001 to 10 s")
    return frames, frame_time, lines[2:]


def _rows(rows: list[str], frames: int, count: int, path: Path | str) -> np.ndarray:
    """(frames, count) values; one line per frame, as every writer makes them."""
    if len(rows) != frames:
        raise MotionError(
            f"{path} announces {frames} frames and holds {len(rows)}; "
            + ("it was cut off: export it again" if len(rows) < frames else "correct the line 'Frames:'")
        )
    values = np.empty((frames, count))
    for k, row in enumerate(rows):
        try:
            values[k] = [float(word) for word in row.split()]
        except ValueError:
            raise MotionError(
                f"{path} frame {k + 1}: {len(row.split())} values; wanted {count} numbers, one per channel"
            ) from None
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise MotionError(f"{path} frame {bad[0][0] + 1}: value {bad[0][1] + 1} is not finite; repair that frame")
    return values


def joint_frames(bvh: Bvh, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Orientation (T, J, 3, 3) and position (T, J, 3) of every joint, in the file's axes and unit.

    Args:
        values: (T, channels) in place of the file's own; `rest_frames` passes zeros.

    A joint's own position channels replace its offset, as the writers of such files mean them.
    """
    table = bvh.values if values is None else values
    rotations = np.empty((len(table), len(bvh.names), 3, 3))
    positions = np.empty((len(table), len(bvh.names), 3))
    column = 0
    for j, parent in enumerate(bvh.parents):
        local = np.tile(np.eye(3), (len(table), 1, 1))
        shift = np.tile(bvh.offsets[j], (len(table), 1))
        for channel in bvh.channels[j]:
            axis = _AXIS[channel[0]]
            if channel.endswith("position"):
                shift[:, axis] = table[:, column]
            else:
                local = local @ _turn(axis, np.deg2rad(table[:, column]))
            column += 1
        if parent < 0:
            rotations[:, j], positions[:, j] = local, shift
        else:
            rotations[:, j] = rotations[:, parent] @ local
            positions[:, j] = positions[:, parent] + np.einsum("tij,tj->ti", rotations[:, parent], shift)
    return rotations, positions


def rest_positions(bvh: Bvh) -> np.ndarray:
    """(J, 3) joint positions with every rotation at zero; all orientations are then the identity."""
    positions = np.zeros((len(bvh.names), 3))
    for j, parent in enumerate(bvh.parents):
        if parent >= 0:
            positions[j] = positions[parent] + bvh.offsets[j]
    return positions


def _turn(axis: int, angle: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations about one axis."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn = np.zeros((len(angle), 3, 3))
    turn[:, axis, axis] = 1.0
    turn[:, i, i] = turn[:, j, j] = np.cos(angle)
    turn[:, j, i] = np.sin(angle)
    turn[:, i, j] = -turn[:, j, i]
    return turn
