"""How far each region of the spine goes in an activity: data/activity_spine.csv, read and turned into a trunk.

A row gives the range (deg) of one regional angle (+FE extension, +LB to the right, +AR to the left) between two phases
of an activity of somebody who leads with the right side; the left-sided are the mirror image. Where a value comes from
is in its source; confidence "estimate" means that no published value was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from biomech.activities.draft import Draft, trunk
from biomech.activities.keys import course
from biomech.anatomy import AXES, REGIONS, read_table
from biomech.errors import ModelError
from biomech.limits import REGION_AXES


@dataclass(frozen=True, slots=True)
class SpineRange:
    """One row of the table; degrees."""

    start: float  # phase
    end: float  # phase
    low: float
    high: float
    source: str
    confidence: str


@lru_cache(maxsize=1)
def spine_table() -> dict[str, dict[str, tuple[SpineRange, ...]]]:
    """Rows as table[activity][regional axis, as in limits.REGION_AXES], in order of phase.

    ModelError where a row names no region or axis, its range is turned round, or two rows of a channel overlap.
    """
    found: dict[str, dict[str, list[SpineRange]]] = {}
    for row in read_table("activity_spine"):
        channel = f"{row['region']}_{row['axis']}"
        start, end, low, high = (float(row[k]) for k in ("phase_from", "phase_to", "low_deg", "high_deg"))
        if channel not in REGION_AXES or not 0 <= start <= end <= 1 or not low <= high:
            raise ModelError(
                f"spine table: {row['activity']} {channel}, phase {start:g} to {end:g}, {low:g} to {high:g} deg;"
                f" wanted a region of {', '.join(REGIONS)}, an axis of {', '.join(AXES)}, and ranges from low to high"
            )
        rows = found.setdefault(row["activity"], {}).setdefault(channel, [])
        if rows and rows[-1].end > start:
            raise ModelError(f"activity_spine table: rows of {row['activity']} {channel} overlap at phase {start:g}")
        rows.append(SpineRange(start, end, low, high, row["source"], row["confidence"]))
    return {name: {c: tuple(rows) for c, rows in channels.items()} for name, channels in found.items()}


def spine_use(d: Draft, name: str) -> tuple[np.ndarray, bool]:
    """Regional angles (9,) deg of this person at the draft's phase, and whether the table gives the neck too.

    Each channel keeps one place within its ranges through the whole course; axes of one region go far together more
    often than not. Side bending and rotation are mirrored for the left-sided (d.sign).
    """
    channels = spine_table().get(name)
    if channels is None:
        raise ModelError(f"activity_spine table has no rows of {name!r}; it has {', '.join(spine_table())}")
    angles = np.zeros(len(REGION_AXES))
    # places are drawn for all nine channels, so that a row more in the table changes nobody's other draws
    places = d.rng.random(len(REGION_AXES))
    for k, channel in enumerate(REGION_AXES):
        rows = channels.get(channel)
        if rows is None:
            continue
        keys: list[tuple[float, tuple[float, ...]]] = []
        for row in rows:
            value = (row.low + places[k] * (row.high - row.low),)
            keys += [(row.start, value)] + ([(row.end, value)] if row.end > row.start else [])
        angles[k] = course(d.phase, *keys)[0]
    angles *= np.tile([1.0, d.sign, d.sign], 3)
    return angles, any(c.startswith("cervical") for c in channels)


def table_trunk(d: Draft, name: str) -> None:
    """Set the trunk (and the neck where the table has it) from the table."""
    angles, neck = spine_use(d, name)
    trunk(d, angles[0:3], angles[3:6], angles[6:9] if neck else None)
