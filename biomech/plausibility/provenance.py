"""Group 10: which tables, models and conventions the judgement rests on, and what was thrown away or cut."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from biomech.activities.pose import PoseBatch
from biomech.anatomy import read_table
from biomech.limits import Limits
from biomech.plausibility.evidence import Evidence

TABLES = (
    "limits", "white_panjabi", "norms", "age_norms", "checks", "rhythm", "coupling", "continuity", "anatomy",
)  # fmt: skip
CITING = ("white_panjabi", "norms", "age_norms", "checks", "rhythm", "coupling", "continuity")
CONVENTION = "+FE extension, +LB to the right, +AR to the left; axes x forward, y up, z right, right-handed"
SEQUENCE = "Z-X-Y body-fixed: flexion-extension, lateral bending, axial rotation (ISB 2002)"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Draws thrown away for one activity."""

    activity: str
    poses: int
    rejected: int
    rate: float  # rejected / all draws
    reasons: tuple[tuple[str, int], ...]  # most frequent first


@dataclass(frozen=True, slots=True)
class Clamped:
    """Frames of an imported motion in which a coordinate was cut to its limit."""

    coordinate: str
    frames: int


@dataclass(frozen=True, slots=True)
class Citation:
    """A source, and how well the numbers taken from it are known."""

    source: str
    confidence: str  # the weakest of its numbers


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the report rests on."""

    model_digest: tuple[str, ...]  # sha256 of each model
    limits_profile: str
    seed: int | None  # of the dataset
    tables_sha256: tuple[tuple[str, str], ...]  # name and digest of every table
    sequence: str
    convention: str
    tolerance: float  # rad or m that a value may exceed a limit by
    filled: tuple[str, ...]  # levels shared out by rhythm, not measured
    notes: tuple[str, ...]
    citations: tuple[Citation, ...]


def provenance_of(limits: Sequence[Limits], profile: str, evidence: Evidence, tolerance: float) -> Provenance:
    """Digests, conventions and every source the report cites."""
    cited: dict[str, str] = {}
    pairs = [(row["source"], row["confidence"]) for name in CITING for row in read_table(name)]
    for each in limits:
        pairs += list(zip(each.source, each.confidence, strict=True))
        pairs += [(source, "derived") for source in each.regional_source]
    for source, confidence in pairs:
        cited[source] = max(cited.get(source, ""), confidence, key=_weakness)
    return Provenance(
        model_digest=tuple(sorted(set(evidence.model_digest))),
        limits_profile=profile,
        seed=evidence.seed,
        tables_sha256=tuple((name, table_digest(name)) for name in TABLES),
        sequence=SEQUENCE,
        convention=CONVENTION,
        tolerance=tolerance,
        filled=tuple(evidence.filled),
        notes=tuple(evidence.notes),
        citations=tuple(Citation(source, cited[source]) for source in sorted(cited)),
    )


def rejections(poses: PoseBatch) -> tuple[Rejection, ...]:
    """Rejected draws by activity, from the provenance of the poses."""
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


def clamped(evidence: Evidence) -> tuple[Clamped, ...]:
    """Coordinates that an import cut, most often first."""
    items = sorted(evidence.clamped.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Clamped(name, int(count)) for name, count in items if count)


def table_digest(name: str) -> str:
    """sha256 of a table of biomech/data."""
    return hashlib.sha256((files("biomech") / "data" / f"{name}.csv").read_bytes()).hexdigest()


_ORDER = ("", "verified", "secondary", "convention", "derived", "estimate", "recalled")


def _weakness(confidence: str) -> int:
    parts = confidence.replace(",", "/").split("/") if confidence else [""]
    return max(
        next((i for i, name in enumerate(_ORDER) if name and part.strip().startswith(name)), 0) for part in parts
    )
