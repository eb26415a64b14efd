"""SpineModel: a skeleton with its coordinates and ranges, as an OpenSim model where it is asked for."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from biomech.anatomy import BODIES, COORDINATES
from biomech.errors import ModelError
from biomech.geometry import Capsule, Landmark, SkeletonGeometry, default_geometry, geometry_from_frames
from biomech.limits import Limits, load_limits
from biomech.osim_xml import write_osim

__all__ = [
    "Capsule",
    "Landmark",
    "SkeletonGeometry",
    "SpineModel",
    "build_model",
    "default_geometry",
    "geometry_from_frames",
    "import_opensim",
    "write_osim",
]


class OpenSimHandle:
    """Owns one OpenSim model and its state; not shareable between processes or threads.

    Attributes:
        q_of_coordinate: (D,) index into OpenSim's generalised coordinates q, whose order is not the coordinate order.
        bodies: OpenSim bodies in BODIES order.
    """

    __slots__ = ("bodies", "model", "opensim", "q_of_coordinate", "state")
    _order: ClassVar[np.ndarray | None] = None

    def __init__(self, xml: str) -> None:
        self.opensim: Any = import_opensim()
        with tempfile.TemporaryDirectory(prefix="synthgen_") as folder:
            path = Path(folder) / "model.osim"
            path.write_text(xml, encoding="utf-8", newline="\n")
            self.model: Any = self.opensim.Model(str(path))
        self.state: Any = self.model.initSystem()
        bodyset = self.model.getBodySet()
        self.bodies: list[Any] = [bodyset.get(name) for name in BODIES]
        self.q_of_coordinate = self._find_q()

    def _find_q(self) -> np.ndarray:
        """Set each coordinate in turn and see which q moved; all models written here have one order."""
        coordinates = self.model.getCoordinateSet()
        names = tuple(coordinates.get(i).getName() for i in range(coordinates.getSize()))
        if names != COORDINATES:
            raise ModelError(
                f"OpenSim lists {len(names)} coordinates in another order than the {len(COORDINATES)} written"
            )
        if OpenSimHandle._order is not None:
            return OpenSimHandle._order
        found = np.empty(len(names), dtype=np.int64)
        for i, name in enumerate(names):
            coordinate = coordinates.get(name)
            before = self.state.getQ().to_numpy()
            coordinate.setValue(self.state, 1e-3 + before.max(), False)
            moved = np.flatnonzero(self.state.getQ().to_numpy() != before)
            if len(moved) != 1:
                raise ModelError(f"coordinate {name} moves {len(moved)} generalised coordinates; wanted exactly one")
            found[i] = moved[0]
            coordinate.setValue(self.state, 0.0, False)
        OpenSimHandle._order = found
        return found


@dataclass(frozen=True, eq=False)
class SpineModel:
    """A skeleton ready to be posed. N = len(bodies), D = len(coordinates).

    Its OpenSim text and what OpenSim makes of it are worked out when first asked for: posing needs neither.
    """

    name: str
    bodies: tuple[str, ...]
    coordinates: tuple[str, ...]
    hard: np.ndarray  # (D, 2) rad or m
    typical: np.ndarray  # (D, 2) rad or m
    default: np.ndarray  # (D,) rad or m: the neutral pose
    limits: Limits
    geometry: SkeletonGeometry

    @cached_property
    def xml(self) -> str:
        """The model as an .osim file."""
        return write_osim(self.geometry, None, self.limits.hard, self.name)

    @cached_property
    def digest(self) -> str:
        """sha256 of `xml`."""
        return hashlib.sha256(self.xml.encode("utf-8")).hexdigest()

    @cached_property
    def handle(self) -> OpenSimHandle:
        """The model loaded in OpenSim.

        Raises:
            ModelError: OpenSim is missing, or it reads the text differently from how it was written.
        """
        return OpenSimHandle(self.xml)

    def __repr__(self) -> str:
        return f"SpineModel({self.name!r}, N={len(self.bodies)}, D={len(self.coordinates)}, digest={self.digest[:12]})"


def build_model(geometry: SkeletonGeometry, limits: Limits | None = None, name: str = "synthgen") -> SpineModel:
    """A skeleton with its ranges, load_limits() where none are given."""
    limits = load_limits() if limits is None else limits
    return SpineModel(
        name=name,
        bodies=BODIES,
        coordinates=COORDINATES,
        hard=limits.hard,
        typical=limits.typical,
        default=np.zeros(len(COORDINATES)),
        limits=limits,
        geometry=geometry,
    )


def import_opensim() -> ModuleType:
    """The opensim package, silent and without a log file in the working folder."""
    try:
        import opensim
    except ImportError as error:
        raise ModelError(f"OpenSim cannot be imported ({error}); install it with: pip install opensim==4.6") from error
    opensim.Logger.removeFileSink()
    opensim.Logger.setLevelString("Off")
    return opensim
