"""A published .osim as plain data: bodies, joints, coordinates and couplers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biomech.errors import ModelError
from biomech.published_functions import Curve

_UNLIMITED = 1e3
"""Ranges beyond this (OpenSim writes +-99999.9) are none."""


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One coordinate: rad or m, but for a coupled one, whose unit is whatever its functions make of it."""

    name: str
    motion: str  # rotational, translational or coupled
    default: float
    low: float
    high: float
    locked: bool

    @property
    def limited(self) -> bool:
        """Whether the model gives it a range at all."""
        return abs(self.low) < _UNLIMITED and abs(self.high) < _UNLIMITED


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """One axis of a joint: amount = curve(coordinate), about or along `axis`."""

    coordinate: int | None  # index into ModelSource.coordinates
    axis: np.ndarray  # (3,) unit
    curve: Curve


@dataclass(frozen=True, slots=True, eq=False)
class SourceJoint:
    """world_from_body[child] = world_from_body[parent] @ parent_from_joint @ J(q) @ inv(body_from_joint)."""

    name: str
    kind: str
    parent: str
    child: str
    parent_from_joint: np.ndarray  # (4, 4) m
    body_from_joint: np.ndarray  # (4, 4) m
    turns: tuple[Movement, ...]  # body-fixed, in order
    slides: tuple[Movement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Coupler:
    """dependent = curve(driver), indices into ModelSource.coordinates."""

    name: str
    driver: int
    dependent: int
    curve: Curve


@dataclass(frozen=True, slots=True, eq=False)
class ModelSource:
    """What a .osim says about motion."""

    path: Path
    name: str
    digest: str  # sha256 of the file
    bodies: tuple[str, ...]
    coordinates: tuple[Coordinate, ...]
    joints: tuple[SourceJoint, ...]
    couplers: tuple[Coupler, ...]  # drivers before what they drive
    warnings: tuple[str, ...]
    skeleton: str  # XML text without muscles, as it was loaded

    @property
    def names(self) -> tuple[str, ...]:
        """Coordinate names, in the model's order."""
        return tuple(c.name for c in self.coordinates)

    def joint_above(self, body: str) -> SourceJoint | None:
        """The joint that hangs `body` on its parent; None for the ground."""
        return next((j for j in self.joints if j.child == body), None)

    def path_between(self, ancestor: str, body: str) -> tuple[SourceJoint, ...]:
        """Joints from `ancestor` out to `body`.

        Raises:
            ModelError: `body` does not hang on `ancestor`.
        """
        found: list[SourceJoint] = []
        at = body
        while at != ancestor:
            joint = self.joint_above(at)
            if joint is None or len(found) > len(self.joints):
                raise ModelError(f"in {self.path.name} the body {body!r} does not hang on {ancestor!r}")
            found.append(joint)
            at = joint.parent
        return tuple(reversed(found))
