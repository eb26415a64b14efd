"""What is known about a batch of poses beyond their angles; every part may be absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from biomech.anatomy import VERTEBRAE
from biomech.errors import ModelError
from biomech.geometry import SkeletonGeometry
from biomech.limits import Limits


@dataclass(frozen=True, slots=True)
class Person:
    """Who makes a pose; None and "" where not recorded."""

    subject: int
    sex: str = ""  # m or f
    age: float | None = None  # years
    stature: float | None = None  # m
    bmi: float | None = None  # body mass index, kg/m2
    profile: str = ""  # whose limits apply


@dataclass(frozen=True, slots=True)
class Asked:
    """A pathology as it was asked for and as it was found on the standing person."""

    subject: int
    kind: str
    unit: str
    asked: float
    found: float


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A stretch of poses that follow each other in time: rows start to start + len(times)."""

    name: str
    start: int
    times: np.ndarray  # (T,) s


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """B poses; G limits, S skeletons.

    Attributes:
        people: one per pose, or none.
        own_limits: limits of the people, where they differ; own_limits_of (B,) says which judges each pose.
        skeletons: geometries of the people; skeleton_of (B,) says which belongs to each pose.
        vertebrae: (B, 24, 4, 4) m, world_from_vertebra as stored with the poses, L5 to C1.
        clips: motions; none for a set of single poses.
        residuals: name -> distances in m between skeleton and drawn body or markers.
        model_digest: sha256 of each model.
        where: how a person finds a pose again, one per pose.
        clamped: coordinate -> frames an import cut to the limit.
        filled: levels whose motion was shared out by rhythm because the source did not measure them.
        asked: pathologies of the people.
        notes: sentences for the reader.
        seed: of a dataset.
    """

    people: tuple[Person, ...] = ()
    own_limits: tuple[Limits, ...] = ()
    own_limits_of: np.ndarray | None = None
    skeletons: tuple[SkeletonGeometry, ...] = ()
    skeleton_of: np.ndarray | None = None
    vertebrae: np.ndarray | None = None
    clips: tuple[Clip, ...] = ()
    residuals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    model_digest: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    clamped: Mapping[str, int] = field(default_factory=dict)
    filled: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    notes: tuple[str, ...] = ()
    seed: int | None = None


def check_evidence(evidence: Evidence, poses: int) -> None:
    """Raise ModelError where a part does not fit the number of poses."""
    for name, given in (("people", evidence.people), ("where", evidence.where)):
        if given and len(given) != poses:
            raise ModelError(f"{len(given)} {name} given for {poses} poses; wanted one per pose, or none")
    for name, items, of in (
        ("own_limits", evidence.own_limits, evidence.own_limits_of),
        ("skeleton", evidence.skeletons, evidence.skeleton_of),
    ):
        if items and (of is None or np.shape(of) != (poses,) or not ((of >= 0) & (of < len(items))).all()):
            raise ModelError(f"{name}_of must say for each of {poses} poses which of the {len(items)} given it means")
    if evidence.vertebrae is not None and evidence.vertebrae.shape != (poses, len(VERTEBRAE), 4, 4):
        raise ModelError(
            f"vertebrae of shape {evidence.vertebrae.shape} given; wanted ({poses}, {len(VERTEBRAE)}, 4, 4)"
        )
    for clip in evidence.clips:
        if not 0 <= clip.start <= clip.start + len(clip.times) <= poses:
            raise ModelError(f"clip {clip.name} covers rows {clip.start} to {clip.start + len(clip.times)} of {poses}")
        if (np.diff(clip.times) <= 0.0).any():
            raise ModelError(f"clip {clip.name}: times do not increase from frame to frame; sort or repair the file")
