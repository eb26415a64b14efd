"""The report as pure data, and `assess`, which fills it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from biomech.activities.pose import PoseBatch
from biomech.anatomy import COORDINATES, LEVELS, SPINE_SLICE, TRANSLATIONS
from biomech.errors import ModelError
from biomech.limits import Limits, load_limits
from biomech.plausibility.ages import AgeBand, age_bands
from biomech.plausibility.column import Continuity, Smoothness, Spacing, continuity, smoothness, spacings
from biomech.plausibility.coupling import Coupling, OutOfPlane, couplings, out_of_plane
from biomech.plausibility.coverage import Coverage, coverage
from biomech.plausibility.deformity import Deformity, deformities
from biomech.plausibility.evidence import Evidence, check_evidence
from biomech.plausibility.fit import Residual, residual_statistics, vertebra_errors
from biomech.plausibility.levels import Motion, level_motions, region_motions
from biomech.plausibility.posture import Column, Curve, Neutral, Profile, column_of, curves, neutral_posture, profiles
from biomech.plausibility.provenance import Clamped, Provenance, Rejection, clamped, provenance_of, rejections
from biomech.plausibility.rates import ClipRates, clip_rates
from biomech.plausibility.rhythm import Ratio, Share, ratios, shares
from biomech.plausibility.violations import (
    JudgedBy,
    Range,
    Violation,
    bounds_of,
    coordinate_violations,
    judged_by,
    outside,
    regional_violations,
    used_ranges,
)
from biomech.rhythm import regional_angles

TOLERANCE = 1e-6
"""rad or m: rounding in files, not motion."""


@dataclass(frozen=True, slots=True, eq=False)
class PlausibilityReport:
    """What a set of poses looks like against published limits and norms, in ten groups."""

    poses: int
    motion: bool  # poses follow each other in time
    # 1 limits
    hard: tuple[Violation, ...]  # worst first
    typical: tuple[Violation, ...]
    regional_hard: tuple[Violation, ...]
    regional_typical: tuple[Violation, ...]
    poses_beyond_hard: int
    typical_share: float  # of all checked angles
    poses_beyond_typical: int
    ranges: tuple[Range, ...]  # every coordinate, model order
    judged_by: tuple[JudgedBy, ...]
    # 2 levels
    levels: tuple[Motion, ...]  # caudal to cranial, each FE LB AR
    # 3 regions and posture
    regions: tuple[Motion, ...]
    curves: tuple[Curve, ...]
    neutral: tuple[Neutral, ...]
    profiles: tuple[Profile, ...]
    deformities: tuple[Deformity, ...]
    age_bands: tuple[AgeBand, ...]
    average_adult: bool  # an average adult stood in for an unknown skeleton
    # 4 rhythm
    rhythm: tuple[Share, ...]
    ratios: tuple[Ratio, ...]
    # 5 coupling
    coupling: tuple[Coupling, ...]
    out_of_plane: tuple[OutOfPlane, ...]
    # 6 continuity along the column
    continuity: tuple[Continuity, ...]
    spacing: tuple[Spacing, ...]
    smoothness: Smoothness | None
    # 7 in time
    clips: tuple[ClipRates, ...]  # empty for single poses
    # 8 fit
    residuals: tuple[Residual, ...]
    # 9 coverage
    coverage: Coverage
    # 10 provenance
    rejections: tuple[Rejection, ...]
    clamped: tuple[Clamped, ...]
    provenance: Provenance

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
    evidence: Evidence | None = None,
    *,
    tolerance: float = TOLERANCE,
) -> PlausibilityReport:
    """Hold a batch of poses against limits, norms, rhythm and coupling tables.

    Args:
        poses: (B, D) in the order of anatomy.COORDINATES; its provenance may hold `rejections` and `reasons`.
        limits: of people who have none of their own in `evidence`; default load_limits().
        evidence: who the people are, their skeletons, times, residuals.
        tolerance: rad or m that a value may exceed a limit by, for rounding in files.

    Raises:
        ModelError: no poses, other coordinates, values that are not finite, or evidence that does not fit.
    """
    q = _checked(poses)
    known = evidence or Evidence()
    check_evidence(known, len(q))
    limits = load_limits() if limits is None else limits
    bounds = bounds_of(limits, known, len(q))
    where = known.where or tuple(f"pose {i}" for i in range(len(q)))
    regional = regional_angles(q[:, SPINE_SLICE])
    spine = q[:, SPINE_SLICE].reshape(len(q), len(LEVELS), 3)
    skeleton = column_of(q, known)
    stored = skeleton.vertebrae if known.vertebrae is None else known.vertebrae
    given = (poses.activity, where, tolerance)
    checked = np.array([name not in TRANSLATIONS for name in COORDINATES])
    beyond = outside(q, bounds.typical(), tolerance)[:, checked]
    broken = outside(q, bounds.hard(), tolerance).any(axis=1)
    broken |= outside(regional, bounds.regional("hard"), tolerance).any(axis=1)
    return PlausibilityReport(
        poses=len(q),
        motion=any(len(clip.times) > 1 for clip in known.clips),
        hard=coordinate_violations(q, bounds, "hard", *given),
        typical=coordinate_violations(q, bounds, "typical", *given),
        regional_hard=regional_violations(regional, bounds, "hard", *given),
        regional_typical=regional_violations(regional, bounds, "typical", *given),
        poses_beyond_hard=int(broken.sum()),
        typical_share=float(beyond.mean()),
        poses_beyond_typical=int(beyond.any(axis=1).sum()),
        ranges=used_ranges(q, bounds, tolerance),
        judged_by=judged_by(bounds),
        levels=level_motions(spine, bounds, where),
        regions=region_motions(regional, bounds, where),
        curves=curves(skeleton, known.vertebrae),
        neutral=neutral_posture(known),
        profiles=profiles(skeleton, q, known, where),
        deformities=deformities(known.asked),
        age_bands=age_bands(regional, known.people),
        average_adult=skeleton.assumed,
        rhythm=shares(spine, regional),
        ratios=ratios(q, regional),
        coupling=couplings(spine, regional),
        out_of_plane=out_of_plane(spine, regional, where),
        continuity=continuity(spine, poses.activity, where),
        spacing=spacings(stored, _persons(known, len(q)), where),
        smoothness=smoothness(stored, where),
        clips=clip_rates(q, known.clips),
        residuals=residual_statistics(_residuals(known, skeleton), where),
        coverage=coverage(regional, poses.activity, known.people, bounds),
        rejections=rejections(poses),
        clamped=clamped(known),
        provenance=provenance_of(bounds.sets, limits.profile, known, tolerance),
    )


def _checked(poses: PoseBatch) -> np.ndarray:
    q = np.asarray(poses.q, dtype=np.float64)
    if tuple(poses.coordinates) != COORDINATES or q.ndim != 2 or q.shape != (len(poses.activity), len(COORDINATES)):
        raise ModelError(
            f"Got poses of shape {q.shape}, {len(poses.coordinates)} coordinates and {len(poses.activity)} activities; "
            f"wanted (B, {len(COORDINATES)}) in the order of biomech.anatomy.COORDINATES and one activity per pose."
        )
    if not len(q):
        raise ModelError("Got no poses; there is nothing to assess. Give at least one.")
    if not np.isfinite(q).all():
        row, column_ = (int(k) for k in np.argwhere(~np.isfinite(q))[0])
        raise ModelError(f"{COORDINATES[column_]} of pose {row} is {q[row, column_]}; every value must be finite.")
    return q


def _persons(evidence: Evidence, count: int) -> np.ndarray:
    """(B,) whose column each pose shows."""
    if evidence.people:
        return np.array([person.subject for person in evidence.people])
    return np.zeros(count, dtype=int) if evidence.skeleton_of is None else np.asarray(evidence.skeleton_of)


def _residuals(evidence: Evidence, skeleton: Column) -> dict:
    found = dict(evidence.residuals)
    errors = None if skeleton.assumed else vertebra_errors(evidence.vertebrae, skeleton.vertebrae)
    if errors is not None:
        found["vertebra_centre"] = errors.tolist()
    return found


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
