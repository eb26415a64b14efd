"""Published numbers as the report cites them, read from the tables in biomech/data; each has a source and a mark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from biomech.anatomy import read_table


@dataclass(frozen=True, slots=True)
class Published:
    """A published mean, standard deviation and range; None where the source gives none."""

    name: str  # of the motion or of the check
    mean: float | None
    sd: float | None
    lower: float | None
    upper: float | None
    unit: str
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measured value beside a published one."""

    published: Published
    measured: float | None  # in the unit of the published value; None where there was too little to measure
    z: float | None  # (measured - mean) / sd, where an sd is published


def compare(published: Published, measured: float | None) -> Comparison:
    """The z-score needs a mean and a standard deviation."""
    if measured is None or published.mean is None or not published.sd:
        return Comparison(published, measured, None)
    return Comparison(published, measured, (measured - published.mean) / published.sd)


@lru_cache(maxsize=1)
def level_norms() -> dict[tuple[str, str], tuple[Published, ...]]:
    """(level, axis) -> what healthy people do there, in vivo where such a study exists."""
    return _by_axis(row for row in read_table("norms") if row["kind"] == "level_rom")


@lru_cache(maxsize=1)
def region_norms() -> dict[tuple[str, str], tuple[Published, ...]]:
    """(region, axis) -> published motion of the whole region."""
    return _by_axis(row for row in read_table("norms") if row["kind"] == "region_rom")


@lru_cache(maxsize=1)
def neutral_norms() -> dict[str, Published]:
    """Angle of the standing posture -> its norm."""
    rows = (row for row in read_table("norms") if row["kind"] == "neutral")
    return {row["name"]: _published(row, row["name"]) for row in rows}


@lru_cache(maxsize=1)
def white_panjabi() -> dict[tuple[str, str], Published]:
    """(level, axis) -> representative value and limits of White & Panjabi: FE total, LB and AR to one side."""
    rows = ({**row, "name": row["level"], "mean": row["representative"]} for row in read_table("white_panjabi"))
    return {key: found[0] for key, found in _by_axis(rows).items()}


@lru_cache(maxsize=16)
def checks(kind: str) -> dict[str, Published]:
    """Rows of one kind of data/checks.csv, by name."""
    return {row["name"]: _published(row, row["name"]) for row in read_table("checks") if row["kind"] == kind}


def axis_of(motion: str) -> str:
    """FE, LB or AR of a motion such as `lateral_bending_one_side`."""
    return {"lateral_bending_one_side": "LB", "axial_rotation_one_side": "AR"}.get(motion, "FE")


def amount(motion: str, low: float, high: float) -> float:
    """How much of a motion a range of angles uses: flexion is negative, one side is the larger of the two."""
    if motion == "flexion":
        return max(-low, 0.0)
    if motion == "extension":
        return max(high, 0.0)
    return high - low if motion.endswith("total") else max(-low, high, 0.0)


def _by_axis(rows: Iterable[dict[str, str]]) -> dict[tuple[str, str], tuple[Published, ...]]:
    found: dict[tuple[str, str], tuple[Published, ...]] = {}
    for row in rows:
        key = (row["name"], axis_of(row["motion"]))
        found[key] = (*found.get(key, ()), _published(row, row["motion"]))
    return found


def _published(row: dict[str, str], name: str) -> Published:
    mean, sd, lower, upper = (float(row[k]) if row.get(k) else None for k in ("mean", "sd", "lower", "upper"))
    return Published(name, mean, sd, lower, upper, row["unit"], row["source"], row["confidence"])
