"""Actions of the face as displacements of the base mesh (data/face_units.npz, made by scenes.bake_face).

There are 51 units, named as in the common set of face actions: brow_down_left, eye_blink_right, jaw_open,
mouth_smile_left and so on; left and right are the person's own. They were modelled on the adult template and are scaled
with the face they are applied to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from biomech.errors import SynthgenError
from scenes.bake_face import DECIMALS
from scenes.face import EYES, eye_centre
from scenes.layers import BASE_VERTICES

TEMPLATE_EYE_SPACING = 0.06155
"""Distance between the eyes of the mesh that the units were modelled on, m."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceUnits:
    """All units, sparse.

    Attributes:
        names: of the units.
        starts: (U + 1,) where each unit's rows begin below.
        vertices: (N,) base-mesh vertices; moved: (N, 3) m at full strength. Eyeballs are left out: they turn.
        teeth, mouth: (Q, 4) quads of the base mesh: both rows of teeth, and the cavity behind the lips.
    """

    names: tuple[str, ...]
    starts: np.ndarray
    vertices: np.ndarray
    moved: np.ndarray
    teeth: np.ndarray
    mouth: np.ndarray


@cache
def face_units() -> FaceUnits:
    """The table, read once."""
    place = files("scenes") / "data" / "face_units.npz"
    with place.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        vertices, starts = stored["vertices"].astype(np.int32), stored["starts"]
        moved = stored["moved"] * DECIMALS
        teeth, mouth = (stored[name].astype(np.int32) for name in ("teeth", "mouth"))
        names = tuple(str(name) for name in stored["names"])
    kept = np.ones(len(vertices), bool)
    for eye in EYES.values():
        kept &= (vertices < eye.start) | (vertices >= eye.stop)
    starts = np.concatenate([[0], np.cumsum(kept)])[starts]
    return FaceUnits(names, starts, vertices[kept], moved[kept], teeth, mouth)


@cache
def movable_vertices() -> np.ndarray:
    """(M,) base-mesh vertices that any unit moves, and the inside of the mouth, ascending."""
    units = face_units()
    return np.unique(np.concatenate([units.vertices, units.teeth.ravel(), units.mouth.ravel()]))


def face_scale(rest_vertices: np.ndarray) -> float:
    """Size of a face against the template's, from the spacing of its eyes."""
    centres = [eye_centre(rest_vertices, side) for side in ("left", "right")]
    return float(np.linalg.norm(centres[0] - centres[1])) / TEMPLATE_EYE_SPACING


def displacement(strengths: Mapping[str, float], rest_vertices: np.ndarray) -> np.ndarray:
    """(19158, 3) m: how units of the given strengths move a face at rest.

    Raises:
        SynthgenError: a unit is unknown.
    """
    return template_displacement(strengths) * face_scale(rest_vertices)


def template_displacement(strengths: Mapping[str, float]) -> np.ndarray:
    """(19158, 3) m: `displacement` of the face that the units were modelled on."""
    units, moved = face_units(), np.zeros((BASE_VERTICES, 3))
    for name, strength in strengths.items():
        if name not in units.names:
            raise SynthgenError(f"no face unit {name!r}; there are: {', '.join(units.names)}")
        index = units.names.index(name)
        rows = slice(units.starts[index], units.starts[index + 1])
        moved[units.vertices[rows]] += strength * units.moved[rows]  # a vertex occurs once in a unit
    return moved
