"""Self-penetration of a posed body, measured on capsules.

Shape legend: B poses, P capsule pairs, C capsules, N bodies.

Each segment of the body is wrapped in capsules (biomech.model.Capsule). Two capsules overlap where the distance of
their axes is less than the sum of their radii. Neighbours along a limb always overlap and flesh is soft, so which
pairs count, and how deep they may press into each other, is a table with a reason per row: `data/contact_pairs.csv`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from biomech.errors import ModelError

if TYPE_CHECKING:
    from biomech.kinematics import BodyFrames
    from biomech.model import SpineModel

_LIMB_SEGMENTS = {
    "femur": "thigh", "tibia": "shank", "talus": "foot", "calcn": "foot", "toes": "foot", "clavicle": "thorax",
    "humphant": "upper_arm", "humerus": "upper_arm", "ulna": "forearm", "radius": "forearm", "hand": "hand",
}  # fmt: skip


def segment_of(body: str) -> tuple[str, str]:
    """The segment a body belongs to and its side ('r', 'l' or '' for the trunk)."""
    stem, _, side = body.rpartition("_")
    if side in ("r", "l") and stem in _LIMB_SEGMENTS:
        segment = _LIMB_SEGMENTS[stem]
        return segment, "" if segment == "thorax" else side
    if body in ("pelvis", "sacrum"):
        return "pelvis", ""
    if body == "skull":
        return "head", ""
    region = {"L": "abdomen", "T": "thorax", "C": "neck"}.get(body[:1])
    if region is None or not body[1:].isdigit():
        raise ModelError(f"Body {body!r} belongs to no known segment; use the names in biomech.anatomy.BODIES.")
    return region, ""


@dataclass(frozen=True, slots=True)
class ContactRule:
    """How two segments may touch: `side` same|other|any, `allowance` m of overlap as soft tissue (inf: untested)."""

    a: str
    b: str
    side: str
    allowance: float
    reason: str


@lru_cache(maxsize=1)
def contact_rules() -> tuple[ContactRule, ...]:
    """Rows of `data/contact_pairs.csv`; pairs without a row may not overlap at all."""
    rules = []
    with files("biomech").joinpath("data", "contact_pairs.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            free = row["allowance_mm"] == "untested"
            depth = np.inf if free else float(row["allowance_mm"]) / 1000
            rules.append(ContactRule(row["segment_a"], row["segment_b"], row["side"], depth, row["reason"]))
    return tuple(rules)


def allowance(body_a: str, body_b: str) -> float:
    """Overlap in m that two bodies may show; inf where the pair is not tested."""
    (seg_a, side_a), (seg_b, side_b) = segment_of(body_a), segment_of(body_b)
    if (seg_a, side_a) == (seg_b, side_b):
        return np.inf
    relation = "any" if "" in (side_a, side_b) else ("same" if side_a == side_b else "other")
    for rule in contact_rules():
        if {rule.a, rule.b} == {seg_a, seg_b} and rule.side in ("any", relation):
            return rule.allowance
    return 0.0


@dataclass(frozen=True, slots=True, eq=False)
class CapsulePairs:
    """Capsules of one model and the pairs worth testing."""

    names: tuple[str, ...]  # (C,)
    body: np.ndarray  # (C,) row in BODIES
    start: np.ndarray  # (C, 3) m, body frame
    end: np.ndarray  # (C, 3) m, body frame
    radius: np.ndarray  # (C,) m
    first: np.ndarray  # (P,) capsule index
    second: np.ndarray  # (P,) capsule index
    allowed: np.ndarray  # (P,) m


def capsule_pairs(capsules: tuple, bodies: tuple[str, ...]) -> CapsulePairs:
    """Set up the tested pairs of `capsules` (biomech.model.Capsule) on `bodies` (their row order in the frames)."""
    row = {name: i for i, name in enumerate(bodies)}
    unknown = sorted({c.body for c in capsules} - set(row))
    if unknown:
        raise ModelError(f"Capsules on unknown bodies {unknown}; allowed are the model's bodies.")
    first, second, allowed = [], [], []
    for i, a in enumerate(capsules):
        for j in range(i + 1, len(capsules)):
            depth = allowance(a.body, capsules[j].body)
            if np.isfinite(depth):
                first.append(i)
                second.append(j)
                allowed.append(depth)
    return CapsulePairs(
        names=tuple(c.name for c in capsules),
        body=np.array([row[c.body] for c in capsules], dtype=np.intp),
        start=np.array([c.start for c in capsules], dtype=float).reshape(-1, 3),
        end=np.array([c.end for c in capsules], dtype=float).reshape(-1, 3),
        radius=np.array([c.radius for c in capsules], dtype=float),
        first=np.array(first, dtype=np.intp),
        second=np.array(second, dtype=np.intp),
        allowed=np.array(allowed, dtype=float),
    )


def segment_distance(p0: np.ndarray, p1: np.ndarray, q0: np.ndarray, q1: np.ndarray) -> np.ndarray:
    """Least distance in m between segments p0-p1 and q0-q1, arrays (..., 3). After Ericson 2005, section 5.1.9."""
    d1, d2, r = p1 - p0, q1 - q0, p0 - q0
    a, e, b = _dot(d1, d1), _dot(d2, d2), _dot(d1, d2)
    c, f = _dot(d1, r), _dot(d2, r)
    a, e = np.maximum(a, 1e-18), np.maximum(e, 1e-18)  # a point is a segment of no length
    denominator = a * e - b * b
    with np.errstate(divide="ignore", invalid="ignore"):
        s = np.where(denominator > 1e-14, np.clip((b * f - c * e) / denominator, 0.0, 1.0), 0.0)
    t = np.clip((b * s + f) / e, 0.0, 1.0)
    s = np.clip((b * t - c) / a, 0.0, 1.0)
    gap = r + d1 * s[..., None] - d2 * t[..., None]
    return np.sqrt(_dot(gap, gap))


def penetration(pairs: CapsulePairs, world_from_body: np.ndarray) -> np.ndarray:
    """Depth in m (B, P) by which each tested pair overlaps beyond its allowance; 0 where it does not."""
    frames = world_from_body[:, pairs.body]  # (B, C, 4, 4)
    start = _transform(frames, pairs.start)
    end = _transform(frames, pairs.end)
    i, j = pairs.first, pairs.second
    distance = segment_distance(start[:, i], end[:, i], start[:, j], end[:, j])
    return np.maximum(pairs.radius[i] + pairs.radius[j] - distance - pairs.allowed, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class SelfPenetration:
    """Overlap of every tested capsule pair."""

    pairs: tuple[tuple[str, str], ...]  # (P,) capsule names
    depth: np.ndarray  # (B, P) m beyond the allowance

    def worst(self) -> np.ndarray:
        """Deepest overlap of each pose, (B,) m."""
        return self.depth.max(axis=1, initial=0.0)


def self_penetration(model: SpineModel, frames: BodyFrames) -> SelfPenetration:
    """Overlap beyond soft-tissue allowance of every tested pair of the model's capsules in the given frames."""
    pairs = capsule_pairs(model.geometry.capsules, tuple(frames.bodies))
    names = tuple((pairs.names[i], pairs.names[j]) for i, j in zip(pairs.first, pairs.second, strict=True))
    return SelfPenetration(names, penetration(pairs, np.asarray(frames.world_from_body)))


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def _transform(frames: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y, z = points[:, 0, None], points[:, 1, None], points[:, 2, None]
    return frames[..., :3, 0] * x + frames[..., :3, 1] * y + frames[..., :3, 2] * z + frames[..., :3, 3]
