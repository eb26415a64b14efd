"""OpenSim motion files (.mot): coordinate trajectories as text that OpenSim's tools read.

Rotations are degrees in the file (inDegrees=yes) and radians in memory; pelvis translations are metres in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from biomech.anatomy import COORDINATES, TRANSLATIONS
from biomech.errors import ModelError, MotionError


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A coordinate trajectory. T frames, D coordinates."""

    times: np.ndarray  # (T,) s
    coordinates: tuple[str, ...]
    q: np.ndarray  # (T, D) rad and m


def write_mot(
    path: Path | str,
    times: np.ndarray,
    coordinate_names: tuple[str, ...],
    q: np.ndarray,
    in_degrees: bool = True,
    name: str = "poses",
) -> None:
    """Write a motion; see `mot_text`."""
    Path(path).write_text(mot_text(times, coordinate_names, q, in_degrees, name), encoding="utf-8", newline="\n")


def mot_text(
    times: np.ndarray,
    coordinate_names: tuple[str, ...],
    q: np.ndarray,
    in_degrees: bool = True,
    name: str = "poses",
) -> str:
    """A motion as the text of a .mot file; the same input gives the same bytes.

    Args:
        times: (T,) s, strictly increasing.
        q: (T, D) rad and m.
        in_degrees: write rotations in degrees, as OpenSim's tools expect of coordinates by default.

    Raises:
        ModelError: shapes that do not fit, values that are not finite, times that do not increase.
    """
    times = np.asarray(times, dtype=np.float64)
    head = mot_head(len(times) if times.ndim else 0, coordinate_names, in_degrees, name)
    return head + mot_rows(times, coordinate_names, q, in_degrees)


def mot_head(rows: int, coordinate_names: tuple[str, ...], in_degrees: bool = True, name: str = "poses") -> str:
    """What stands before the rows of a .mot file. ModelError where a name stands twice."""
    if len(set(coordinate_names)) != len(coordinate_names):
        raise ModelError("a coordinate name stands twice; each column of a motion needs its own name")
    header = [
        name,
        "version=1",
        f"nRows={rows}",
        f"nColumns={len(coordinate_names) + 1}",
        f"inDegrees={'yes' if in_degrees else 'no'}",
        "endheader",
        "\t".join(("time", *coordinate_names)),
    ]
    return "\n".join(header) + "\n"


def mot_rows(times: np.ndarray, coordinate_names: tuple[str, ...], q: np.ndarray, in_degrees: bool = True) -> str:
    """The rows of a .mot file; arguments and errors as of `mot_text`."""
    times = np.asarray(times, dtype=np.float64)
    values = np.asarray(q, dtype=np.float64)
    if times.ndim != 1 or values.shape != (len(times), len(coordinate_names)):
        raise ModelError(
            f"times {times.shape}, {len(coordinate_names)} coordinate names and q {values.shape} given; "
            "wanted (T,), D and (T, D)"
        )
    if not (np.isfinite(values).all() and np.isfinite(times).all()):
        raise ModelError("a motion holds a value that is not finite; check the poses before writing them")
    if (np.diff(times) <= 0.0).any():
        raise ModelError("times do not increase from row to row; OpenSim refuses such a file")
    scaled = np.where(_rotational(coordinate_names), np.rad2deg(values), values) if in_degrees else values
    rows = ["\t".join(f"{v:.10g}" for v in (t, *row)) for t, row in zip(times.tolist(), scaled.tolist(), strict=True)]
    return "".join(row + "\n" for row in rows)


def read_mot(
    path: Path | str, *, angles: str = "auto", rotational: Callable[[tuple[str, ...]], np.ndarray] | None = None
) -> Motion:
    """Read a .mot or .sto of coordinates.

    Columns may be state paths (/jointset/hip_r/hip_flexion_r/value); speeds and activations beside them are left out.

    Args:
        angles: "degrees" or "radians" where the header is known to be wrong; "auto" believes it, unless the values
            cannot be meant so.
        rotational: says which of the columns are converted with inDegrees=yes; None: all but translations. A published
            model has its own (PublishedModel.rotational).

    Raises:
        MotionError: the file is not there, not such a file, cut off, holds a value that is not finite, or its header
            contradicts its values; the message names the line.
    """
    if angles not in ("auto", "degrees", "radians"):
        raise MotionError(f"angles {angles!r} given; wanted auto, degrees or radians")
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise MotionError(f"{path} holds no text; it is no OpenSim .mot or .sto file") from None
    except OSError as error:
        raise MotionError(f"cannot read motion {path}: {error}") from error
    stripped = [line.strip().lower() for line in lines]
    if "endheader" not in stripped:
        raise MotionError(f"{path} has no line 'endheader'; it is no OpenSim .mot or .sto file")
    end = stripped.index("endheader")
    header = dict(line.replace(" ", "").partition("=")[::2] for line in stripped[:end])
    body = [(i + 1, line.split()) for i, line in enumerate(lines) if i > end and line.strip()]
    if not body or body[0][1][0].lower() != "time":
        raise MotionError(f"{path}: the line after 'endheader' must list the columns, the first being time")
    table = _numbers(path, body, header.get("nrows", ""))
    columns = body[0][1][1:]
    kept = [k for k, name in enumerate(columns) if name[:1] != "/" or name.endswith("/value")]
    names = tuple(columns[k].split("/")[-2] if "/" in columns[k] else columns[k] for k in kept)
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise MotionError(f"{path}: the column {twice} stands there twice; keep the one that is meant")
    values = table[:, 1:][:, kept]
    turning = _rotational(names) if rotational is None else rotational(names)
    degrees = header.get("indegrees") == "yes" if angles == "auto" else angles == "degrees"
    if angles == "auto":
        _check_unit(path, names, values, turning, degrees)
    return Motion(table[:, 0], names, np.where(turning, np.deg2rad(values), values) if degrees else values)


def _numbers(path: Path | str, body: list[tuple[int, list[str]]], announced: str) -> np.ndarray:
    """(T, 1 + D) of the rows below the column line."""
    wanted = len(body[0][1])
    table = np.empty((len(body) - 1, wanted))
    for k, (number, words) in enumerate(body[1:]):
        try:
            table[k] = [float(word) for word in words]
        except ValueError:
            raise MotionError(
                f"{path} line {number}: {len(words)} values; wanted {wanted} numbers as in the column line"
                + ("; the file was cut off there: export it again" if k == len(body) - 2 else "; repair that line")
            ) from None
    if not len(table):
        raise MotionError(f"{path} holds no frame; it was cut off after its header")
    if announced.isdigit() and int(announced) > len(table):
        raise MotionError(f"{path} announces {announced} rows and holds {len(table)}; it was cut off: export it again")
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        row, column = bad[0]
        raise MotionError(
            f"{path} line {body[row + 1][0]}: {body[0][1][column]} is {table[row, column]}; "
            "fill or cut the missing frames before importing"
        )
    return table


_MOVING = 0.5
"""rad: the least movement that tells a file in radians from somebody who stands still, in degrees."""


@lru_cache(maxsize=1)
def _reach() -> dict[str, float]:
    """Largest angle of each of our joints, rad, with a fifth to spare."""
    from biomech.limits import load_limits

    hard = np.abs(load_limits().hard).max(axis=1) * 1.2
    return dict(zip(COORDINATES, hard.tolist(), strict=True))


def _check_unit(
    path: Path | str, names: tuple[str, ...], values: np.ndarray, turning: np.ndarray, degrees: bool
) -> None:
    """MotionError where the header says degrees and the values are radians, or the other way round.

    Where every value, read as radians, stays within what the joint can do and some joint moves by half a radian, the
    file is in radians: in degrees nothing at all would move. No joint but the pelvis turns by more than 2 pi radians.
    """
    if degrees:
        moved = np.where(turning, np.ptp(values, axis=0), 0.0)
        reach = np.array([_reach().get(name, np.pi) for name in names])
        if moved.max(initial=0.0) > _MOVING and (np.abs(values) <= reach)[:, turning].all():
            k = int(np.argmax(moved))
            raise MotionError(
                f"{path} says inDegrees=yes, but no joint passes what it can do in radians and {names[k]} runs from "
                f"{values[:, k].min():.2f} to {values[:, k].max():.2f}: these are radians. Write inDegrees=no, or give "
                "--angles to overrule"
            )
        return
    joints = turning & np.array([not name.startswith(("pelvis", "ground")) for name in names], dtype=bool)
    if joints.any() and np.abs(values[:, joints]).max() > 2.0 * np.pi:
        row, column = np.unravel_index(np.argmax(np.abs(values * joints)), values.shape)
        raise MotionError(
            f"{path} says inDegrees=no, but {names[column]} is {values[row, column]:.4g} at frame {row + 1}, more than "
            "a full turn in radians: these are degrees. Write inDegrees=yes, or give --angles to overrule"
        )


def _rotational(names: tuple[str, ...]) -> np.ndarray:
    return np.array(
        [name not in TRANSLATIONS and not name.endswith(("_tx", "_ty", "_tz")) for name in names], dtype=bool
    )
