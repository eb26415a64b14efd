"""Group 8: how well the drawn body, or the markers of a capture, follow the skeleton. Millimetres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biomech.plausibility.published import Published, checks


@dataclass(frozen=True, slots=True)
class Residual:
    """Distance between skeleton and drawn body or markers, mm."""

    name: str
    meaning: str
    count: int
    least: float
    mean: float
    p95: float
    worst: float
    where: str  # of the worst
    limit: Published | None
    beyond: int  # values outside the limit


_MEANING = {
    "skin_mean": "posterior midline skin against the same point carried rigidly by its vertebra, mean of a pose",
    "skin_worst": "the same, worst level of a pose",
    "marker_worst": "skin keypoints against the markers of the person's OpenSim model, worst of a pose",
    "vertebra_centre": "stored vertebrae against the OpenSim model in the stored pose, worst of a pose",
}


def residual_statistics(residuals: Mapping[str, Sequence[float]], where: tuple[str, ...] = ()) -> tuple[Residual, ...]:
    """Statistics in mm of distances given in m. Names with `depth` are held against tissue depth, others against the
    usual bounds of marker tracking; a value that is not finite (a marker not seen) is left out."""
    found = []
    for name in sorted(residuals):
        raw = 1000.0 * np.abs(np.asarray(list(residuals[name]), dtype=float))
        rows = np.flatnonzero(np.isfinite(raw))
        values = raw[rows]
        if not len(values):
            continue
        limit = checks("fit")["depth" if "depth" in name else "marker"]
        low, high = -np.inf if limit.lower is None else limit.lower, np.inf if limit.upper is None else limit.upper
        worst = int(np.argmax(np.maximum(values - high, low - values)))
        place = where[rows[worst]] if len(where) == len(raw) else ""
        found.append(
            Residual(
                name, _MEANING.get(name, ""), len(values), float(values.min()), float(values.mean()),
                float(np.percentile(values, 95)), float(values[worst]), place, limit,
                int(((values < low) | (values > high)).sum()),
            )
        )  # fmt: skip
    return tuple(found)


def vertebra_errors(stored: np.ndarray | None, computed: np.ndarray) -> np.ndarray | None:
    """(B,) m: worst distance of the stored vertebral centres (B, 24, 4, 4) from those of the model."""
    if stored is None:
        return None
    return np.linalg.norm(stored[:, :, :3, 3] - computed[:, :, :3, 3], axis=2).max(axis=1)
