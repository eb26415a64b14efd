"""The nouns of posing: one pose, and a batch of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

SUPPORTS = ("feet", "one_foot", "air", "seated", "kneeling", "hands_feet", "hands", "lying")
"""What carries the body. `air`: nothing; props["clearance"] is the declared height of the lowest point."""

PROPS = ("seat_height", "seat_front", "clearance")
"""What a pose may say of things around it, m. `seat_height`: there is a seat this high, sat on or left behind.
`seat_front`: how far ahead of the pelvis origin its front edge lies; without it the seat's middle lies below."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One whole-body pose of one model."""

    q: np.ndarray  # (D,) rad and m, in the model's coordinate order
    activity: str
    phase: float  # [0, 1): where in the activity's cycle or depth the pose lies
    contacts: tuple[str, ...]  # bodies meant to touch the floor (or the seat: pelvis when seated)
    support: str  # one of SUPPORTS
    props: Mapping[str, float] = field(default_factory=dict)  # see PROPS
    rejections: int = 0  # draws thrown away before this one
    reasons: tuple[str, ...] = ()  # why, one per rejected draw


@dataclass(frozen=True, slots=True, eq=False)
class PoseBatch:
    """B poses with what they are."""

    q: np.ndarray  # (B, D) rad and m
    coordinates: tuple[str, ...]  # (D,)
    activity: tuple[str, ...]  # (B,)
    provenance: tuple[Mapping[str, object], ...] = ()  # per pose: phase, support, contacts, props, rejections

    def __len__(self) -> int:
        return len(self.q)


def batch_poses(poses: list[Pose] | tuple[Pose, ...], coordinates: tuple[str, ...]) -> PoseBatch:
    """Stack poses into a batch; their other fields become its provenance."""
    records = tuple(
        {
            "phase": p.phase,
            "support": p.support,
            "contacts": p.contacts,
            "props": dict(p.props),
            "rejections": p.rejections,
            "reasons": p.reasons,
        }
        for p in poses
    )
    q = np.stack([p.q for p in poses]) if poses else np.zeros((0, len(coordinates)))
    return PoseBatch(q, tuple(coordinates), tuple(p.activity for p in poses), records)
