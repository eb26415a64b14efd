"""A dressed subject that can be posed: all of its surfaces skinned in one go.

Shape legend: V welded vertices of all layers, R render vertices of one layer, D drivers, N skeleton bodies.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from scenes.expression import REST, Expression, FaceBinding, bind_face, express_layers
from scenes.layers import Layer
from scenes.renderer import MeshPart
from scenes.rig import DRIVERS, PARTS, dominant_driver, skin
from scenes.subject import Subject

YIELDING = ("hair", "hat", "bag", "brow", "lash")
"""Kinds of layers that a lying body does not rest on."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A subject in clothes.

    Attributes:
        key: names the person in the renderer's cache.
        layers: the surfaces; starts: (L + 1,) where each one's welded vertices begin in the arrays below.
        vertices: (V, 3) rest, m; weights: (V, D) CSR.
        faces: (G, 3) welded, for smooth normals; corner_sum: (V, G) sums face normals at vertices.
        drivers: (V,) the driver each vertex follows most; part_ids: (V,) uint8, see rig.PARTS.
        bears: (V,) whether it can rest on a floor: hair and bags give way.
        face: what moves with the face.
    """

    key: str
    subject: Subject
    layers: tuple[Layer, ...]
    starts: np.ndarray
    vertices: np.ndarray
    weights: sp.csr_matrix
    faces: np.ndarray
    corner_sum: sp.csr_matrix
    drivers: np.ndarray
    part_ids: np.ndarray
    bears: np.ndarray
    face: FaceBinding


def part_of_driver(name: str) -> int:
    """Part id of the skin that follows a driver."""
    stem, _, side = name.rpartition("_")
    if side in ("r", "l") and stem:
        if stem in ("thigh", "femur", "tibia", "calcn", "toes"):
            return PARTS.index(f"leg_{side}")
        return PARTS.index("trunk" if stem in ("clavicle", "shoulder") else f"arm_{side}")
    return PARTS.index("head" if name == "skull" or name[0] == "C" else "trunk")


def make_person(key: str, subject: Subject, layers: tuple[Layer, ...]) -> Person:
    """Join the layers of a dressed subject."""
    counts = [len(layer.vertices) for layer in layers]
    starts = np.concatenate([[0], np.cumsum(counts)])
    faces = np.concatenate([layer.smooth_faces + start for layer, start in zip(layers, starts[:-1], strict=True)])
    faces = np.asfortranarray(faces)  # read by columns
    weights = sp.vstack([layer.weights for layer in layers], format="csr")
    ones = np.ones(faces.size, np.float32)
    rows, columns = faces.ravel(), np.repeat(np.arange(len(faces)), 3)
    corner_sum = sp.csr_matrix((ones, (rows, columns)), shape=(int(starts[-1]), len(faces)))
    to_part = np.array([part_of_driver(name) for name in DRIVERS], np.uint8)
    drivers = dominant_driver(weights)
    vertices = np.concatenate([layer.vertices for layer in layers])
    bears = np.concatenate([np.full(len(layer.vertices), layer.kind not in YIELDING) for layer in layers])
    face = bind_face(layers, starts, subject.vertices)
    parts = to_part[drivers]
    return Person(key, subject, layers, starts, vertices, weights, faces, corner_sum, drivers, parts, bears, face)


def posed_vertices(person: Person, transforms: np.ndarray, expression: Expression = REST) -> np.ndarray:
    """(V, 3) m from skin transforms (D, 4, 4) and what the face does."""
    rest = express_layers(person.face, person.vertices, expression)
    return skin(person.weights, rest, transforms)


def skin_heights(person: Person, transforms: np.ndarray) -> np.ndarray:
    """(V,) the y of `posed_vertices`, m, at a third of the cost."""
    rows = person.weights @ transforms[:, 1]  # (V, 4)
    return np.einsum("vj,vj->v", rows[:, :3], person.vertices) + rows[:, 3]


def smooth_normals(person: Person, posed: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit normals, weighted by area."""
    corners = [[axis.take(corner) for corner in person.faces.T] for axis in posed.T.astype(np.float32)]
    (ax, ay, az), (bx, by, bz) = ([axis[k] - axis[0] for axis in corners] for k in (1, 2))
    face_normals = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)
    normals = person.corner_sum @ face_normals
    return normals / np.maximum(np.sqrt(np.einsum("vc,vc->v", normals, normals)), 1e-12)[:, None]


def mesh_parts(
    person: Person, posed: np.ndarray, instance_id: int, normals: np.ndarray | None = None
) -> tuple[MeshPart, ...]:
    """What the renderer draws of a person posed as `posed` (V, 3), with his smooth normals where they are known."""
    normals = smooth_normals(person, posed) if normals is None else normals
    points = posed.astype(np.float32)
    parts = []
    for layer, start in zip(person.layers, person.starts[:-1], strict=True):
        index = start + layer.render_to_welded
        parts.append(
            MeshPart(
                key=f"{person.key}/{layer.key}",
                vertices=points.take(index, 0),
                normals=normals.take(index, 0),
                faces=layer.faces,
                uv=layer.uv,
                material=layer.material,
                part_id=person.part_ids[index],
                instance_id=instance_id,
            )
        )
    return tuple(parts)
