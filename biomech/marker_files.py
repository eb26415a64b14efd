"""Marker trajectories from .trc and .c3d files, in metres and in our axes (x forward, y up, z right).

Laboratories differ in unit and in the axis that points up; files lie about both. Units are taken from the file and
checked against the size of a person; the vertical axis is found in the data, with the file's own word as a second
opinion. Whichever way a person faces is left alone: only the vertical is turned.

Shapes: T frames, M markers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.c3d import parse_c3d
from biomech.errors import ModelError

UNITS: dict[str, float] = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "in": 0.0254}
_UNIT_WORDS = {
    "millimeters": "mm", "millimetres": "mm", "centimeters": "cm", "centimetres": "cm", "meters": "m", "metres": "m",
    "meter": "m", "metre": "m", "inch": "in", "inches": "in",
}  # fmt: skip
UP_AXES: dict[str, np.ndarray] = {
    "y": np.eye(3),
    "z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "x": np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]),
    "-y": np.diag([1.0, -1.0, -1.0]),
    "-z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    "-x": np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
}
"""Rotation from the file's axes to ours, by the file's axis that points up."""
_PERSON = (0.25, 3.5)  # m: span of the markers on one person, from a foot study to a high jump


@dataclass(frozen=True, slots=True, eq=False)
class MarkerSeries:
    """Marker trajectories of one person."""

    times: np.ndarray  # (T,) s, increasing
    names: tuple[str, ...]  # (M,) without a subject's prefix
    positions: np.ndarray  # (T, M, 3) m, x forward y up z right; NaN = missing
    source: str  # file name
    digest: str = ""  # sha256 of the file
    up: str = "y"  # the file's axis that pointed up
    notes: tuple[str, ...] = ()  # what a reader should know, one sentence each

    @property
    def rate(self) -> float:
        """Frames per second."""
        return (len(self.times) - 1) / float(self.times[-1] - self.times[0]) if len(self.times) > 1 else 1.0

    def __repr__(self) -> str:
        return f"MarkerSeries({self.source!r}, T={len(self.times)}, M={len(self.names)}, {self.rate:.4g}/s)"


@dataclass(frozen=True, slots=True, eq=False)
class _Raw:
    times: np.ndarray
    names: list[str]
    positions: np.ndarray  # in the file's unit and axes
    unit: str
    up: str  # what the file or its kind declares
    notes: list[str]


def read_markers(path: Path | str, *, unit: str | None = None, up: str | None = None) -> MarkerSeries:
    """Read a .trc or .c3d file.

    Args:
        unit: mm, cm, m or in, instead of what the file declares.
        up: the file's vertical axis (x, y, z, -x, -y, -z), instead of looking for it in the data.

    Raises:
        ModelError: not such a file, cut off, no markers, a unit that cannot be, an unknown option.
    """
    file = Path(path)
    if unit is not None and unit not in UNITS:
        raise ModelError(f"unit {unit!r} given; known ones are {', '.join(UNITS)}")
    if up is not None and up not in UP_AXES:
        raise ModelError(f"vertical axis {up!r} given; known ones are {', '.join(UP_AXES)}")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read markers from {file}: {error.strerror or error}") from error
    kind = file.suffix.lower()
    if kind not in (".trc", ".c3d"):
        raise ModelError(f"{file.name}: marker files end in .trc or .c3d; for joint angles give .mot or .sto")
    raw = _read_trc(file.name, content) if kind == ".trc" else _read_c3d(file.name, content)
    names = _plain_names(file.name, raw.names)
    positions = np.where(np.isfinite(raw.positions).all(axis=-1, keepdims=True), raw.positions, np.nan)
    # an exact zero is how some systems write a marker they did not see
    positions[(positions == 0.0).all(axis=-1)] = np.nan
    if not np.isfinite(positions).any():
        raise ModelError(f"{file.name}: no marker is seen in any frame; export the trajectories again")
    positions = positions * _metres(file.name, positions, unit or raw.unit, given=unit is not None)
    notes = raw.notes
    if up is None:
        up, found = _find_up(positions, raw.up)
        notes = [*notes, *found]
    positions = positions @ UP_AXES[up].T
    times = _check_times(file.name, raw.times)
    digest = hashlib.sha256(content).hexdigest()
    return MarkerSeries(times, names, positions, file.name, digest, up, tuple(notes))


def _plain_names(source: str, names: list[str]) -> tuple[str, ...]:
    """Names without the subject's prefix, each once."""
    plain = [name.rsplit(":", 1)[-1].strip() for name in names]
    doubled = sorted({name for name in plain if plain.count(name) > 1})
    if doubled:
        subjects = sorted({name.rsplit(":", 1)[0] for name in names if ":" in name})
        who = f" (subjects {', '.join(subjects)})" if len(subjects) > 1 else ""
        raise ModelError(
            f"{source}: marker {doubled[0]} stands there more than once{who}; export one person with one trajectory "
            "per marker"
        )
    return tuple(plain)


def _check_times(source: str, times: np.ndarray) -> np.ndarray:
    if not np.isfinite(times).all() or (np.diff(times) <= 0.0).any():
        raise ModelError(f"{source}: times do not increase from frame to frame; export the trial again")
    return times


def _metres(source: str, positions: np.ndarray, unit: str, *, given: bool) -> float:
    """Factor to metres, after a look at whether a person of that size can be."""
    word = unit.strip().lower()
    name = _UNIT_WORDS.get(word, word)
    if name not in UNITS:
        raise ModelError(f"{source}: unit {unit!r} is unknown; give --unit, one of {', '.join(UNITS)}")
    span = float(np.median(_spans(positions)[0].max(axis=1)))
    size = span * UNITS[name]
    if _PERSON[0] <= size <= _PERSON[1]:
        return UNITS[name]
    fitting = [other for other, factor in UNITS.items() if 0.5 <= span * factor <= 2.5]
    how = f"a person's size in {fitting[0]}: give --unit {fitting[0]}" if fitting else "no person's size in any unit"
    raise ModelError(
        f"{source}: the markers span {size:.3g} m in {'the given' if given else 'the declared'} unit {name} "
        f"(a person spans {_PERSON[0]} to {_PERSON[1]} m), {how}"
    )


def _spans(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Range (n, 3) and lowest value (n, 3) over the markers, of the frames that show most of them."""
    seen = np.isfinite(positions).all(axis=-1)
    full = np.flatnonzero(seen.sum(axis=1) >= 0.8 * seen.sum(axis=1).max())
    there = positions[full]
    low, high = np.nanmin(there, axis=1), np.nanmax(there, axis=1)
    return high - low, low


def _find_up(positions: np.ndarray, declared: str) -> tuple[str, list[str]]:
    """The file's vertical axis: the long one that stands on the floor; the declared one where that is not clear."""
    ranges, lows = _spans(positions)
    span, low = np.median(ranges, axis=0), np.median(lows, axis=0)
    high = low + span
    scores = {}
    for k, name in enumerate("xyz"):
        for sign, foot in (("", low[k]), ("-", -high[k])):
            # feet near zero, the rest above: true of the vertical, by accident only of another axis
            scores[sign + name] = span[k] * (1.0 if -0.1 * span[k] <= foot <= 0.2 * span[k] else 0.4)
    best, second = sorted(scores, key=lambda name: -scores[name])[:2]
    if scores[best] > 1.2 * scores[second]:
        if best != declared:
            return best, [f"the data stand on the {best} axis, not on {declared}: turned so that {best} points up"]
        return best, []
    return declared, [f"which axis points up is not clear from the data; took {declared}; give --up if that is wrong"]


def _read_trc(source: str, content: bytes) -> _Raw:
    """OpenSim's and Motion Analysis' text format: five lines of header, then frame, time and x y z per marker."""
    lines = content.decode("utf-8", errors="replace").splitlines()
    if len(lines) < 6 or not lines[0].lower().startswith("pathfiletype"):
        raise ModelError(f"{source}: no .trc header (first word PathFileType, five lines); is it another kind of file?")
    header = dict(zip(lines[1].split(), lines[2].split(), strict=False))
    names = [name.strip() for name in lines[3].split("\t")[2:] if name.strip()]
    if not names:  # separated by blanks instead of tabs
        names = lines[3].split()[2:]
    notes = []
    if header.get("NumMarkers", "").isdigit() and int(header["NumMarkers"]) != len(names):
        raise ModelError(
            f"{source}: header announces {header['NumMarkers']} markers, line 4 names {len(names)}; mend the header"
        )
    width = 3 * len(names) + 2
    rows = []
    for number, line in enumerate(lines[5:], start=6):
        if not line.strip():
            continue
        words = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        while len(words) > width and not words[-1].strip():
            words.pop()
        try:
            if len(words) != width:
                raise ValueError
            rows.append([float(word) if word.strip() else np.nan for word in words])
        except ValueError:
            raise ModelError(
                f"{source} line {number}: {len(words)} columns; wanted {width} numbers (frame, time, 3 per marker): "
                "the file is cut off or damaged there, export it again"
            ) from None
    if not rows:
        raise ModelError(f"{source}: the header is there but no frame follows; the file is cut off, export it again")
    table = np.array(rows)
    announced = header.get("NumFrames", "")
    if announced.isdigit() and int(announced) != len(rows):
        notes.append(f"the header announces {announced} frames, the file holds {len(rows)}")
    return _Raw(table[:, 1], names, table[:, 2:].reshape(len(rows), -1, 3), header.get("Units", "mm"), "y", notes)


def _read_c3d(source: str, content: bytes) -> _Raw:
    found = parse_c3d(content, source)
    axis = found.up.lower().removeprefix("+")
    times = (found.first_frame + np.arange(len(found.positions))) / found.rate
    up = axis if axis in UP_AXES else "z"  # laboratories' own habit
    return _Raw(times, list(found.labels), found.positions, found.unit, up, [])
