"""A finished object in its own frame, and how it becomes parts of a scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scenes.objects.shapes import Piece, merge
from scenes.renderer import Material, MeshPart

PROBES = 200
"""At most so many points stand for an object when asking what it would pass through."""

_SAMPLES = 3000


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Everything of one material: vertices (V, 3) m, normals (V, 3), faces (F, 3), uv (V, 2)."""

    material: Material
    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    uv: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """An object in its own frame: y up, standing on y = 0 where it stands, x its front.

    Attributes:
        kind, variant: name it; the same pair is the same mesh.
        grip: (3,) m where the middle of a closed hand holds it, or a palm touches it.
        handle: radius there, m; half the width of a flat thing.
        low, high: (3,) m bounds.
    """

    kind: str
    variant: int
    groups: tuple[Group, ...]
    grip: np.ndarray
    handle: float
    low: np.ndarray
    high: np.ndarray

    @property
    def size(self) -> np.ndarray:
        """(3,) m."""
        return self.high - self.low


Makings = Sequence[tuple[Material, Sequence[Piece]]]


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What a builder returns: pieces by material, and where to hold it."""

    groups: Makings
    grip: tuple[float, float, float] = (0.0, 0.0, 0.0)
    handle: float = 0.0


def finish(kind: str, variant: int, made: Made) -> Solid:
    """Join the pieces of each material; drop faces of no area."""
    groups = []
    for material, pieces in made.groups:
        vertices, normals, faces, uv = merge(list(pieces))
        groups.append(
            Group(
                material, vertices.astype(np.float32), normals.astype(np.float32), faces.astype(np.uint32),
                uv.astype(np.float32),
            )
        )  # fmt: skip
    low = np.min([g.vertices.min(0) for g in groups], axis=0).astype(float)
    high = np.max([g.vertices.max(0) for g in groups], axis=0).astype(float)
    return Solid(kind, variant, tuple(groups), np.array(made.grip, float), made.handle, low, high)


@lru_cache(maxsize=256)
def probes_of(solid: Solid) -> np.ndarray:
    """(P, 3) m points all over the surface, one per cell of a grid just coarse enough for at most PROBES of them.

    Thin bars get as many per length as large discs, which a spread by area would starve.
    """
    points, _ = spread(solid, _SAMPLES)
    points = np.concatenate([*(g.vertices for g in solid.groups), points])
    cell = max(0.02, 0.025 * float(np.sqrt((solid.size**2).sum())))
    while True:
        cells = np.floor((points - solid.low) / cell).astype(np.int64) + 1
        _, first = np.unique((cells[:, 0] * 65536 + cells[:, 1]) * 65536 + cells[:, 2], return_index=True)
        if len(first) <= PROBES:
            return points[np.sort(first)]
        cell *= 1.15


def spread(solid: Solid, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 3) m points spread over the surface by area, the same for the same mesh, and the group each lies on."""
    corners = np.concatenate([g.vertices[g.faces] for g in solid.groups]).astype(float)
    groups = np.repeat(np.arange(len(solid.groups)), [len(g.faces) for g in solid.groups])
    a, b, c = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    edges = np.cumsum(np.linalg.norm(np.cross(b, c), axis=1))
    chosen = np.searchsorted(edges, (np.arange(count) + 0.5) / count * edges[-1])
    step = np.arange(count)
    u, v = (step * 0.7548776662) % 1, (step * 0.5698402910) % 1  # a low-discrepancy walk over the triangle
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return a[chosen] + u[:, None] * b[chosen] + v[:, None] * c[chosen], groups[chosen]


def parts_of(
    solid: Solid, place: np.ndarray, instance_id: int, scale: Sequence[float] = (1.0, 1.0, 1.0), key: str = "object"
) -> tuple[MeshPart, ...]:
    """The object moved by the (4, 4) `place` (rigid), stretched before that by `scale` along its own axes.

    Parts are named by `key`, id, kind and variant: only where they lie may differ between two of one name.
    """
    stretch = np.asarray(scale, np.float32)
    turn, at = place[:3, :3].astype(np.float32), place[:3, 3].astype(np.float32)
    plain = bool((stretch == 1.0).all())
    parts = []
    for index, group in enumerate(solid.groups):
        vertices = (group.vertices if plain else group.vertices * stretch) @ turn.T + at
        normals = group.normals if plain else group.normals / stretch
        if not plain:
            normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        parts.append(
            MeshPart(
                f"{key}/{instance_id}/{solid.kind}-{solid.variant}/{index}", vertices, normals @ turn.T, group.faces,
                group.uv, group.material, np.zeros(len(vertices), np.uint8), instance_id, True,
            )
        )  # fmt: skip
    return tuple(parts)
