"""Skin through cloth, counted in pixels.

Two pictures of a dressed person are compared: all surfaces, and the garments alone. A pixel of a garment is pierced
where the first surface is one that the garment covers at rest (skin, or a garment worn under it), and the garment
itself lies behind it, within `NEAR` m along the ray. Bare skin before cloth (a hand on the chest) is not covered at
rest, and what is seen through an opening has no cloth close behind it, so neither counts. The share is that of
pierced pixels among the pixels that the garment shows or should show.

Shape legend: V welded vertices of a person, L layers, H, W picture.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from scenes.conceal import Surface
from scenes.layers import vertex_normals
from scenes.person import Person, mesh_parts
from scenes.renderer import Camera, Light, Renderer, Scene

NEAR = 0.06  # m; cloth further behind is another side of the garment
REACH = 0.07  # m along the normal within which cloth over a vertex covers it at rest
FROM_HEM = 0.006  # m; nearer to a garment's edge, or within a face of there, nothing counts as covered
GARMENTS = ("cloth", "shoe", "hat", "bag")
_LIGHT = Light("defects", np.zeros((9, 3)), np.ones((2, 4, 3), np.float32), np.array([0.0, 1.0, 0.0]), np.zeros(3))


@dataclass(frozen=True, slots=True)
class Defects:
    """Pixels of one garment in one picture: `cloth` that it shows or should show, `pierced` where it does not."""

    garment: str
    cloth: int
    pierced: int


def under_cloth(person: Person) -> np.ndarray:
    """(L, V) bool: vertices of other layers that a garment layer covers at rest; rows of other layers are empty."""
    covered = np.zeros((len(person.layers), len(person.vertices)), bool)
    normals = vertex_normals(person.vertices, person.faces)
    for index, layer in enumerate(person.layers):
        if layer.kind not in GARMENTS:
            continue
        faces = layer.render_to_welded[layer.faces].astype(np.int64)
        samples = _surface_points(layer.vertices, faces)
        solid = _solid(layer, faces)
        # Where alpha cuts the hem, the edge is that of the solid samples.
        rim = np.concatenate([layer.vertices[Surface(layer.vertices, faces).open_edges], samples[~solid]])
        samples = samples[solid]
        distance, nearest = cKDTree(samples).query(person.vertices, distance_upper_bound=REACH)
        found = np.isfinite(distance)
        away = np.zeros_like(person.vertices)
        away[found] = samples[nearest[found]] - person.vertices[found]
        height = np.einsum("vc,vc->v", away, normals)
        sideways = np.linalg.norm(away - height[:, None] * normals, axis=1)
        over = found & (height > 0.0) & (sideways < np.maximum(0.010, 0.6 * height))
        if len(rim):
            over &= cKDTree(rim).query(person.vertices)[0] > FROM_HEM + 0.5 * np.maximum(height, 0.0)
        over[person.starts[index] : person.starts[index + 1]] = False
        # A face shows what its last vertex says: only what lies within covered faces alone counts.
        half = person.faces[~over[person.faces].all(1)]
        over[half] = False
        covered[index] = over
    return covered


def _surface_points(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertices, then for each face its edges' midpoints, then the face centres."""
    corners = vertices[faces]
    middles = 0.5 * (corners + corners[:, [1, 2, 0]])
    return np.concatenate([vertices, middles.reshape(-1, 3), corners.mean(1)])


def _solid(layer, faces: np.ndarray) -> np.ndarray:
    """Which of `_surface_points` the texture's alpha leaves standing."""
    count = len(layer.vertices) + 4 * len(faces)
    picture = layer.material.texture
    if not layer.material.cutout or picture is None or picture.shape[2] < 4:
        return np.ones(count, bool)
    corners = layer.uv[layer.faces]
    middles = 0.5 * (corners + corners[:, [1, 2, 0]])
    own = np.zeros((len(layer.vertices), 2), np.float32)
    own[layer.render_to_welded] = layer.uv
    uv = np.concatenate([own, middles.reshape(-1, 2), corners.mean(1)])
    size = np.array(picture.shape[1::-1])
    at = np.clip((np.stack([uv[:, 0], 1.0 - uv[:, 1]], 1) * size).astype(np.int64), 0, size - 1)
    return picture[at[:, 1], at[:, 0], 3] >= 160


def camera_round(vertices: np.ndarray, yaw: float, pitch: float, size: int) -> Camera:
    """A camera that sees all of (V, 3) points from a direction, rad."""
    centre = 0.5 * (vertices.min(0) + vertices.max(0))
    radius = float(np.linalg.norm(vertices - centre, axis=1).max())
    away = np.array([np.cos(yaw) * np.cos(pitch), np.sin(pitch), np.sin(yaw) * np.cos(pitch)])
    focal, distance = 1.6 * size, 1.6 * 2.1 * radius
    right = np.cross(-away, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(-away, right), -away])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, -rotation @ (centre + distance * away)
    return Camera(np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1.0]]), pose, size, size)


def count_defects(
    renderer: Renderer, person: Person, vertices: np.ndarray, camera: Camera, covered: np.ndarray
) -> list[Defects]:
    """Defects of each garment of a person posed as `vertices` (V, 3); `covered` is what `under_cloth` gives."""
    parts = mesh_parts(person, vertices, 1)
    blank = np.zeros((camera.height, camera.width, 3), np.uint8)
    whole = renderer.render(
        Scene(tuple(replace(p, instance_id=k + 1) for k, p in enumerate(parts)), camera, _LIGHT, blank)
    )
    found = []
    for index, layer in enumerate(person.layers):
        if layer.kind not in GARMENTS:
            continue
        alone = renderer.render(Scene((replace(parts[index], instance_id=1),), camera, _LIGHT, blank))
        marked = []
        for k, (part, start) in enumerate(zip(parts, person.starts[:-1], strict=True)):
            flag = covered[index][start + person.layers[k].render_to_welded].astype(np.uint8)
            # A key of its own: renderers keep part ids under it.
            key = f"{part.key}/under-{index}"
            marked.append(replace(part, key=key, part_id=flag, instance_id=k + 1))
        flags = renderer.render(Scene(tuple(marked), camera, _LIGHT, blank))
        behind = (alone.depth > flags.depth + 1e-4) & (alone.depth < flags.depth + NEAR) & (alone.instance == 1)
        pierced = behind & (flags.part == 1) & (flags.instance != index + 1)
        shown = whole.instance == index + 1
        found.append(Defects(layer.key, int(shown.sum() + pierced.sum()), int(pierced.sum())))
    return found
