"""Marker trajectories as the text of a .trc file, which OpenSim and Pose2Sim read; `marker_files` reads it back."""

from collections.abc import Sequence

import numpy as np

from biomech.errors import ModelError


def trc_text(times: np.ndarray, names: Sequence[str], positions: np.ndarray, name: str = "markers.trc") -> str:
    """A .trc file in metres, y up; the same input gives the same bytes.

    Args:
        times: (T,) s, evenly spaced.
        names: (M,) markers, each its own name.
        positions: (T, M, 3) m, axes x forward, y up, z right; nan where a marker is missing.

    Raises:
        ModelError: shapes that do not fit, names that repeat, or times that do not increase.
    """
    times, positions = np.asarray(times, float), np.asarray(positions, float)
    if times.ndim != 1 or not len(times) or positions.shape != (len(times), len(names), 3):
        raise ModelError(
            f"times {times.shape}, {len(names)} markers and positions {positions.shape} given; "
            "wanted (T,), M and (T, M, 3), at least one frame"
        )
    if len(set(names)) != len(names):
        raise ModelError("a marker's name stands twice; each marker needs its own name")
    if (np.diff(times) <= 0).any():
        raise ModelError("times do not increase from row to row")
    rate = 1.0 if len(times) < 2 else (len(times) - 1) / float(times[-1] - times[0])
    count = len(times)
    head = [
        f"PathFileType\t4\t(X/Y/Z)\t{name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate:.10g}\t{rate:.10g}\t{count}\t{len(names)}\tm\t{rate:.10g}\t1\t{count}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{k}" for k in range(1, len(names) + 1) for axis in "XYZ"),
        "",
    ]
    rows = []
    for frame, (time, points) in enumerate(zip(times.tolist(), positions.reshape(count, -1), strict=True), start=1):
        numbers = ("" if np.isnan(v) else f"{v:.6f}" for v in points.tolist())
        rows.append("\t".join((str(frame), f"{time:.10g}", *numbers)))
    return "\n".join(head + rows) + "\n"
