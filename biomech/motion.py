"""OpenSim motion files (.mot): coordinate trajectories as text that OpenSim's tools read.

Rotations are degrees in the file (inDegrees=yes) and radians in memory; pelvis translations are metres in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.anatomy import TRANSLATIONS
from biomech.errors import ModelError


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
    """Write a motion; the same input gives the same bytes.

    Args:
        times: (T,) s, strictly increasing.
        q: (T, D) rad and m.
        in_degrees: write rotations in degrees, as OpenSim's tools expect of coordinates by default.

    Raises:
        ModelError: shapes that do not fit, values that are not finite, times that do not increase.
    """
    times = np.asarray(times, dtype=np.float64)
    values = np.asarray(q, dtype=np.float64)
    if times.ndim != 1 or values.shape != (len(times), len(coordinate_names)):
        raise ModelError(
            f"times {times.shape}, {len(coordinate_names)} coordinate names and q {values.shape} given; "
            "wanted (T,), D and (T, D)"
        )
    if len(set(coordinate_names)) != len(coordinate_names):
        raise ModelError("a coordinate name stands twice; each column of a motion needs its own name")
    if not (np.isfinite(values).all() and np.isfinite(times).all()):
        raise ModelError("a motion holds a value that is not finite; check the poses before writing them")
    if (np.diff(times) <= 0.0).any():
        raise ModelError("times do not increase from row to row; OpenSim refuses such a file")
    scaled = np.where(_rotational(coordinate_names), np.rad2deg(values), values) if in_degrees else values
    header = [
        name,
        "version=1",
        f"nRows={len(times)}",
        f"nColumns={len(coordinate_names) + 1}",
        f"inDegrees={'yes' if in_degrees else 'no'}",
        "endheader",
        "\t".join(("time", *coordinate_names)),
    ]
    rows = ["\t".join(f"{v:.10g}" for v in (t, *row)) for t, row in zip(times.tolist(), scaled.tolist(), strict=True)]
    Path(path).write_text("\n".join(header + rows) + "\n", encoding="utf-8", newline="\n")


def read_mot(path: Path | str) -> Motion:
    """Read a .mot or .sto of coordinates.

    Raises:
        ModelError: the file is not there or not such a file; the message names the line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read motion {path}: {error}") from error
    stripped = [line.strip().lower() for line in lines]
    if "endheader" not in stripped:
        raise ModelError(f"{path} has no line 'endheader'; it is no OpenSim .mot or .sto file")
    end = stripped.index("endheader")
    degrees = "indegrees=yes" in [line.replace(" ", "") for line in stripped[:end]]
    body = [(i + 1, line.split()) for i, line in enumerate(lines) if i > end and line.strip()]
    if not body or body[0][1][0].lower() != "time":
        raise ModelError(f"{path}: the line after 'endheader' must list the columns, the first being time")
    names = tuple(body[0][1][1:])
    table = np.empty((len(body) - 1, len(names) + 1))
    for k, (number, words) in enumerate(body[1:]):
        try:
            table[k] = [float(word) for word in words]
        except ValueError:
            raise ModelError(
                f"{path} line {number}: {len(words)} values; wanted {len(names) + 1} numbers as in the column line"
            ) from None
    values = table[:, 1:]
    q = np.where(_rotational(names), np.deg2rad(values), values) if degrees else values
    return Motion(table[:, 0], names, q)


def _rotational(names: tuple[str, ...]) -> np.ndarray:
    return np.array([name not in TRANSLATIONS for name in names], dtype=bool)
