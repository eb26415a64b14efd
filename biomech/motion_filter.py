"""Low-pass filtering and resampling of measured motion: positions, angles, rotations.

A zero-lag Butterworth filter (forward and backward, so that peaks stay where they are in time) is what gait
laboratories use on marker trajectories; 6 Hz keeps walking and everyday movement (Winter 2009, Biomechanics and Motor
Control of Human Movement, chapter 3). Rotations are filtered as matrices and put back on the rotation group, which no
choice of angles can do without jumps.

Shapes: T frames, ``...`` anything.
"""

from __future__ import annotations

import numpy as np

from biomech.errors import MotionError

ORDER = 4
"""Order of the zero-lag filter: two passes of a second-order Butterworth filter."""


def frame_rate(times: np.ndarray) -> float:
    """Frames per second of (T,) times; 0 for a single frame.

    Raises:
        MotionError: times that do not increase, or a rate that changes.
    """
    if len(times) < 2:
        return 0.0
    steps = np.diff(times)
    if not (np.isfinite(times).all() and (steps > 0.0).all()):
        at = int(np.argmin(np.where(np.isfinite(steps), steps, -np.inf)))
        raise MotionError(f"time does not increase after frame {at + 1} ({times[at]:g} s); repair the time column")
    return float((len(times) - 1) / (times[-1] - times[0]))


def even_times(times: np.ndarray, fps: float) -> np.ndarray:
    """(T',) s from the first time to the last, `fps` a second; the given times where they are evenly spaced and
    slower, or where fps is 0."""
    own = frame_rate(times)
    steady = len(times) < 3 or float(np.ptp(np.diff(times))) < 0.02 / max(own, 1e-9)
    wanted = own if fps <= 0.0 or own <= fps * 1.001 else fps
    if len(times) < 2 or (steady and wanted == own):
        return times
    count = int(np.floor((times[-1] - times[0]) * wanted + 1e-6)) + 1
    return times[0] + np.arange(count) / wanted


def resample(times: np.ndarray, values: np.ndarray, new_times: np.ndarray) -> np.ndarray:
    """(T', ...) values at other times, linear in between; next to a missing value (NaN) it stays missing."""
    if new_times is times or len(times) == 1:
        return values
    upper = np.clip(np.searchsorted(times, new_times, side="right"), 1, len(times) - 1)
    before, after = times[upper - 1], times[upper]
    share = np.clip((new_times - before) / (after - before), 0.0, 1.0).reshape(-1, *([1] * (values.ndim - 1)))
    with np.errstate(invalid="ignore"):
        mixed = (1.0 - share) * values[upper - 1] + share * values[upper]
    mixed = np.where(share < 1e-9, values[upper - 1], mixed)  # a missing neighbour does not count at weight zero
    return np.where(share > 1.0 - 1e-9, values[upper], mixed)


def lowpass(values: np.ndarray, fps: float, cutoff: float) -> np.ndarray:
    """(T, ...) filtered along time; runs between missing values are filtered each for itself.

    Args:
        cutoff: Hz, -3 dB after both passes; 0 leaves the values as they are.

    Raises:
        MotionError: a cutoff at or above half the frame rate.
    """
    if cutoff <= 0.0 or len(values) < 2:
        return values
    if cutoff >= 0.5 * fps:
        raise MotionError(
            f"low-pass of {cutoff:g} Hz given for {fps:.4g} frames/s; wanted less than {0.5 * fps:.4g} Hz, "
            "or 0 for none"
        )
    from scipy.signal import butter, sosfiltfilt

    # two passes square the gain, so each pass is set to be 3 dB down further out (Winter 2009: C = 0.802)
    once = cutoff / (np.sqrt(2.0) - 1.0) ** (1.0 / ORDER)
    sections = butter(ORDER // 2, min(once, 0.499 * fps), fs=fps, output="sos")
    flat = np.array(values, dtype=np.float64).reshape(len(values), -1)
    pad = int(np.ceil(fps / cutoff))
    for column in range(flat.shape[1]):
        for begin, end in _runs(np.isfinite(flat[:, column])):
            if end - begin > 3:
                run = flat[begin:end, column]
                flat[begin:end, column] = sosfiltfilt(sections, run, padlen=min(pad, end - begin - 1))
    return flat.reshape(values.shape)


def nearest_rotation(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations closest to given matrices; NaN stays NaN."""
    known = np.isfinite(matrices).all(axis=(-1, -2))
    u, _, vt = np.linalg.svd(np.where(known[..., None, None], matrices, np.eye(3)))
    u = u.copy()
    u[..., :, 2] *= (np.linalg.det(u) * np.linalg.det(vt))[..., None]
    return np.where(known[..., None, None], u @ vt, np.nan)


def smooth(values: np.ndarray, times: np.ndarray, new_times: np.ndarray, cutoff: float) -> np.ndarray:
    """Filter at the source's rate, then resample."""
    return resample(times, lowpass(values, frame_rate(times), cutoff), new_times)


def smooth_rotations(matrices: np.ndarray, times: np.ndarray, new_times: np.ndarray, cutoff: float) -> np.ndarray:
    """The same for (T, ..., 3, 3) rotations."""
    return nearest_rotation(smooth(matrices, times, new_times, cutoff))


def _runs(known: np.ndarray) -> list[tuple[int, int]]:
    """[begin, end) of every unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
