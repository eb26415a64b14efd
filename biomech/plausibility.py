"""Are these poses what a human spine can do? Every number beside the published one it is held against.

`assess` returns a PlausibilityReport, pure data: violations per coordinate, regional angles against caps and norms,
per-level motion, rhythm shares, coupling, continuity along the column, retarget residuals, rejected draws, provenance.
Angles in degrees and lengths in metres or millimetres as each field says; the poses themselves stay in rad and m.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from biomech.activities.pose import PoseBatch
from biomech.anatomy import COORDINATES, SPINE_SLICE, TRANSLATIONS, read_table
from biomech.errors import ModelError
from biomech.limits import REGION_AXES, Limits, load_limits
from biomech.plausibility_spine import (
    Continuity,
    Coupling,
    Motion,
    Share,
    continuity,
    couplings,
    level_motions,
    region_motions,
    shares,
)
from biomech.rhythm import regional_angles

TOLERANCE = 1e-6
"""rad or m: rounding in files, not motion."""

_TABLES = ("limits", "norms", "rhythm", "coupling", "continuity", "anatomy")


@dataclass(frozen=True, slots=True)
class Violation:
    """One coordinate (or regional angle) outside one of its limits, on one side."""

    coordinate: str
    kind: str  # "hard" or "typical"
    side: str  # "lower" or "upper"
    unit: str  # "deg" or "m"
    limit: float
    worst: float  # the value farthest outside
    margin: float  # how far outside, positive
    count: int  # poses outside
    share: float  # of all poses
    pose: int  # row of the worst pose
    activity: str  # of the worst pose
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Range:
    """One coordinate's limits beside what the poses use."""

    coordinate: str
    unit: str  # "deg" or "m"
    hard: tuple[float, float]
    typical: tuple[float, float]
    minimum: float
    maximum: float
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Residual:
    """Distance between skeleton and drawn body, mm."""

    name: str
    count: int
    mean: float
    p95: float
    worst: float


@dataclass(frozen=True, slots=True)
class Rejection:
    """Draws thrown away for one activity."""

    activity: str
    poses: int
    rejected: int
    rate: float  # rejected / all draws
    reasons: tuple[tuple[str, int], ...]  # most frequent first


@dataclass(frozen=True, slots=True, eq=False)
class PlausibilityReport:
    """What a set of poses looks like against published limits and norms."""

    poses: int
    hard: tuple[Violation, ...]
    typical: tuple[Violation, ...]
    regional_hard: tuple[Violation, ...]
    regional_typical: tuple[Violation, ...]
    typical_share: float  # of all checked angles
    ranges: tuple[Range, ...]  # every coordinate, model order
    levels: tuple[Motion, ...]
    regions: tuple[Motion, ...]
    rhythm: tuple[Share, ...]
    coupling: tuple[Coupling, ...]
    continuity: tuple[Continuity, ...]
    residuals: tuple[Residual, ...]
    rejections: tuple[Rejection, ...]
    provenance: dict[str, Any]

    @property
    def ok(self) -> bool:
        """No hard limit, of a coordinate or of a region, is violated."""
        return not self.hard and not self.regional_hard

    @property
    def hard_violations(self) -> int:
        """Angles beyond a hard limit, over all poses."""
        return sum(v.count for v in self.hard) + sum(v.count for v in self.regional_hard)

    def to_dict(self) -> dict[str, object]:
        """Everything as JSON-ready data."""
        plain = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {"ok": self.ok, "hard_violations": self.hard_violations, **plain}


def assess(
    poses: PoseBatch,
    limits: Limits | None = None,
    *,
    residuals: Mapping[str, Sequence[float]] | None = None,
    model_digest: str | Sequence[str] | None = None,
    tolerance: float = TOLERANCE,
) -> PlausibilityReport:
    """Hold a batch of poses against limits, norms, rhythm and coupling tables.

    Args:
        poses: (B, D) in the order of anatomy.COORDINATES; its provenance may hold `rejections` and `reasons`.
        limits: default load_limits().
        residuals: name -> distances in m between skeleton and drawn body.
        model_digest: sha256 of the model (or of each subject's model) the poses belong to.
        tolerance: rad or m that a value may exceed a limit by, for rounding in files.

    Raises:
        ModelError: no poses, other coordinates, or values that are not finite.
    """
    q = np.asarray(poses.q, dtype=np.float64)
    if tuple(poses.coordinates) != COORDINATES or q.ndim != 2 or q.shape != (len(poses.activity), len(COORDINATES)):
        raise ModelError(
            f"Got poses of shape {q.shape}, {len(poses.coordinates)} coordinates and {len(poses.activity)} activities; "
            f"wanted (B, {len(COORDINATES)}) in the order of biomech.anatomy.COORDINATES and one activity per pose."
        )
    if not len(q):
        raise ModelError("Got no poses; there is nothing to assess. Give at least one.")
    if not np.isfinite(q).all():
        row, column = (int(k) for k in np.argwhere(~np.isfinite(q))[0])
        raise ModelError(f"{COORDINATES[column]} of pose {row} is {q[row, column]}; every value must be finite.")
    limits = load_limits() if limits is None else limits
    regional = regional_angles(q[:, SPINE_SLICE])
    spine = q[:, SPINE_SLICE].reshape(len(q), 25, 3)
    args = (limits.source, limits.confidence, poses.activity, tolerance)
    hard = _violations(q, COORDINATES, limits.hard, "hard", *args)
    typical = _violations(q, COORDINATES, limits.typical, "typical", *args)
    confidence = tuple(row["confidence"] for row in _regional_rows(limits.profile))
    args = (limits.regional_source, confidence, poses.activity, tolerance)
    checked = np.array([name not in TRANSLATIONS for name in COORDINATES])
    outside = (q < limits.typical[:, 0] - tolerance) | (q > limits.typical[:, 1] + tolerance)
    return PlausibilityReport(
        poses=len(q),
        hard=hard,
        typical=typical,
        regional_hard=_violations(regional, REGION_AXES, limits.regional_hard, "hard", *args),
        regional_typical=_violations(regional, REGION_AXES, limits.regional_typical, "typical", *args),
        typical_share=float(outside[:, checked].mean()),
        ranges=_ranges(q, limits),
        levels=level_motions(spine, limits),
        regions=region_motions(regional, limits),
        rhythm=shares(spine, regional),
        coupling=couplings(spine, regional),
        continuity=continuity(spine, poses.activity),
        residuals=residual_statistics(residuals or {}),
        rejections=_rejections(poses),
        provenance=_provenance(limits, model_digest),
    )


def residual_statistics(residuals: Mapping[str, Sequence[float]]) -> tuple[Residual, ...]:
    """Mean, 95th percentile and worst in mm of distances given in m."""
    found = []
    for name in sorted(residuals):
        values = 1000.0 * np.abs(np.asarray(list(residuals[name]), dtype=float))
        if len(values):
            found.append(
                Residual(name, len(values), float(values.mean()), float(np.percentile(values, 95)), float(values.max()))
            )
    return tuple(found)


def _violations(q, names, ranges, kind, source, confidence, activity, tolerance) -> tuple[Violation, ...]:
    found = []
    excess = {"lower": ranges[:, 0] - q, "upper": q - ranges[:, 1]}  # (B, D), positive outside
    for column, name in enumerate(names):
        for k, side in enumerate(("lower", "upper")):
            over = excess[side][:, column]
            count = int((over > tolerance).sum())
            if not count:
                continue
            row = int(np.argmax(over))
            metres = name in TRANSLATIONS
            scale = 1.0 if metres else 180.0 / np.pi
            found.append(
                Violation(
                    coordinate=name,
                    kind=kind,
                    side=side,
                    unit="m" if metres else "deg",
                    limit=float(ranges[column, k] * scale),
                    worst=float(q[row, column] * scale),
                    margin=float(over[row] * scale),
                    count=count,
                    share=count / len(q),
                    pose=row,
                    activity=str(activity[row]),
                    source=source[column],
                    confidence=confidence[column],
                )
            )
    return tuple(sorted(found, key=lambda v: -v.margin))


def _ranges(q: np.ndarray, limits: Limits) -> tuple[Range, ...]:
    found = []
    for k, name in enumerate(COORDINATES):
        metres = name in TRANSLATIONS
        scale = 1.0 if metres else 180.0 / np.pi
        hard, typical = (
            (float(table[k, 0] * scale), float(table[k, 1] * scale)) for table in (limits.hard, limits.typical)
        )
        low, high = float(q[:, k].min() * scale), float(q[:, k].max() * scale)
        unit = "m" if metres else "deg"
        found.append(Range(name, unit, hard, typical, low, high, limits.source[k], limits.confidence[k]))
    return tuple(found)


def _regional_rows(profile: str) -> list[dict[str, str]]:
    rows = {row["coordinate"]: row for row in read_table("limits") if row["profile"] == profile}
    return [rows[name] for name in REGION_AXES]


def _rejections(poses: PoseBatch) -> tuple[Rejection, ...]:
    counts: dict[str, list] = {}
    records: Sequence[Mapping[str, Any]] = poses.provenance or ({},) * len(poses)
    for name, record in zip(poses.activity, records, strict=True):
        entry = counts.setdefault(str(name), [0, 0, {}])
        entry[0] += 1
        entry[1] += int(record.get("rejections", 0) or 0)
        for reason in record.get("reasons") or record.get("rejection_reasons") or ():
            entry[2][reason] = entry[2].get(reason, 0) + 1
    return tuple(
        Rejection(name, n, lost, lost / (lost + n), tuple(sorted(why.items(), key=lambda item: (-item[1], item[0]))))
        for name, (n, lost, why) in sorted(counts.items())
    )


def _provenance(limits: Limits, digest: str | Sequence[str] | None) -> dict[str, object]:
    tables = (row["source"] for name in ("norms", "rhythm", "coupling", "continuity") for row in read_table(name))
    citations = sorted({*limits.source, *limits.regional_source, *tables})
    return {
        "model_digest": [digest] if isinstance(digest, str) else sorted(set(digest or ())),
        "limits_profile": limits.profile,
        "tables_sha256": {name: _table_digest(name) for name in _TABLES},
        "convention": "Z-X-Y body-fixed; FE + extension, LB + right, AR + left; ISB axes: x forward, y up, z right",
        "tolerance_rad": TOLERANCE,
        "citations": citations,
    }


def _table_digest(name: str) -> str:
    return hashlib.sha256((files("biomech") / "data" / f"{name}.csv").read_bytes()).hexdigest()


def _plain(value):
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value
