"""Does a published model turn the way its map says? Tried out in OpenSim: set each coordinate, look at the bodies."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from biomech.anatomy import AXES
from biomech.errors import ModelError
from biomech.model import import_opensim
from biomech.published_fill import composed
from biomech.published_source import ModelSource

if TYPE_CHECKING:
    from biomech.published import PublishedModel

_STEP = 0.05  # rad
_TILT = np.cos(np.deg2rad(50.0))
"""How far the axis of a level may lie from the body's own: vertebrae lean by up to 45 degrees."""
_WORLD = {"FE": (2, "to the right (z)"), "LB": (0, "forward (x)"), "AR": (1, "up (y)")}


class Skeleton:
    """The model open in OpenSim, without its muscles."""

    __slots__ = ("coordinates", "model", "opensim", "state")

    def __init__(self, source: ModelSource) -> None:
        self.opensim: Any = import_opensim()
        with tempfile.TemporaryDirectory(prefix="synthgen_") as folder:
            path = Path(folder) / "model.osim"
            path.write_text(source.skeleton, encoding="utf-8", newline="\n")
            self.model: Any = self.opensim.Model(str(path))
        self.state: Any = self.model.initSystem()
        group = self.model.getCoordinateSet()
        self.coordinates: list[Any] = [group.get(name) for name in source.names]
        for coordinate in self.coordinates:
            coordinate.setLocked(self.state, False)

    def set(self, values: np.ndarray) -> None:
        """Set all coordinates (D,) as they are, without assembling."""
        for coordinate, value in zip(self.coordinates, values, strict=True):
            coordinate.setValue(self.state, float(value), False)
        self.model.realizePosition(self.state)

    def assemble(self, values: np.ndarray) -> None:
        """Set all coordinates (D,) and let OpenSim solve for those that couplers hold."""
        for coordinate, value in zip(self.coordinates, values, strict=True):
            coordinate.setValue(self.state, float(value), False)
        self.model.assemble(self.state)
        self.model.realizePosition(self.state)

    def rotation(self, body: str) -> np.ndarray:
        """(3, 3) world_from_body; "ground" is the identity."""
        if body == "ground":
            return np.eye(3)
        element = self.model.getBodySet().get(body).getTransformInGround(self.state).R().asMat33().get
        return np.array([[element(i, j) for j in range(3)] for i in range(3)])


def check_axes(model: PublishedModel) -> list[tuple[str, str, float]]:
    """Turn every level by each of its coordinates and compare the bodies, as OpenSim has them, with our angles.

    Returns:
        (level, coordinate, largest disagreement in rad) of each one tried.

    Raises:
        ModelError: a coordinate turns its level about another axis, the other way, or not as evaluated here.
    """
    skeleton = Skeleton(model.source)
    tried = []
    signs = {(e.levels.start, e.levels.stop - 1): e for e in model.entries}
    for run, entry in signs.items():
        stated = model.mapping.signs.get(run, (1, 1, 1))
        for axis, coordinate in enumerate(entry.coordinates):
            if coordinate is None:
                continue
            name = model.coordinates[coordinate]
            values = model.upright.copy()
            skeleton.set(values)
            low, high = (skeleton.rotation(b) for b in (entry.lower, entry.upper))
            values[coordinate] += _STEP
            skeleton.set(values)  # this coordinate alone: what it drives elsewhere is another level's matter
            turned = low @ skeleton.rotation(entry.lower).T @ skeleton.rotation(entry.upper) @ high.T
            vector = 0.5 * np.array(
                [turned[2, 1] - turned[1, 2], turned[0, 2] - turned[2, 0], turned[1, 0] - turned[0, 1]]
            )
            size = float(np.linalg.norm(vector))
            where = f"{name!r} of {model.source.path.name}"
            if size < 1e-6:
                raise ModelError(f"{where} does not turn {entry.name}; another coordinate must be meant in the map")
            pointing = vector / size
            k, words = _WORLD[AXES[axis]]
            if abs(pointing[k]) < _TILT:
                said = ", ".join(f"{v:.2f}" for v in pointing)
                raise ModelError(
                    f"{where} turns {entry.name} about ({said}), not about the axis of {AXES[axis]}, which points "
                    f"{words}; list coordinates as [FE, LB, AR] and see that the model has x forward, y up"
                )
            if np.sign(pointing[k]) != np.sign(stated[axis]):
                fix = f"-{name}" if stated[axis] > 0 else name
                raise ModelError(
                    f"{where} turns {entry.name} the other way than the map says (+FE extension, +LB right, +AR left); "
                    f"write {fix} there"
                )
            ours = composed(entry.angles(values[None])[:, None], entry.axes[None])[0]
            gap = float(np.linalg.norm(2.0 * ours[1:] - 2.0 * np.sin(0.5 * np.arcsin(min(size, 1.0))) * pointing))
            if gap > 1e-3:
                raise ModelError(
                    f"{where} turns {entry.name} by {np.degrees(np.arcsin(size)):.3f} deg in OpenSim and "
                    f"{np.degrees(2.0 * np.arcsin(np.linalg.norm(ours[1:]))):.3f} deg, or about another axis, here; "
                    "this kind of joint is not understood"
                )
            tried.append((entry.name, name, gap))
    return tried
