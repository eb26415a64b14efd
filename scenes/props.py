"""Boxes and what is made of them: seats, furniture, panels. Plain arrays, no graphics."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scenes.patterns import pattern, rgb
from scenes.renderer import Material, MeshPart

_SIDES = [(axis, sign) for axis in range(3) for sign in (-1.0, 1.0)]
_UV_AXES = ((2, 1), (0, 2), (0, 1))
"""The two axes that a picture on a side normal to x, y, z runs along."""


def box_mesh(center, half, cell: float = 0.5, metres: float = 1.0):
    """An axis-aligned box whose faces are grids of about `cell` metres.

    Returns:
        vertices (V, 3) m, normals (V, 3), faces (F, 3), uv (V, 2) in units of `metres`; normals and faces are shared
        by all boxes of as many cells.
    """
    half = np.asarray(half, float)
    unit, normals, faces, flat = _unit_box(tuple(max(1, round(2 * side / cell)) for side in half.tolist()))
    points = unit * half
    return points + np.asarray(center, float), normals, faces, points.ravel()[flat] / metres


@lru_cache(maxsize=256)
def _unit_box(counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A box from -1 to 1 with `counts` cells along x, y, z: vertices, normals, faces, and which (V, 2) of all its
    coordinates are its uv; read-only."""
    vertices, normals, faces, flat = [], [], [], []
    start = 0
    for axis, sign in _SIDES:
        a, b = (axis + 1) % 3, (axis + 2) % 3
        grid_a, grid_b = np.meshgrid(*(np.linspace(-1, 1, counts[k] + 1) for k in (a, b)))
        points = np.full((grid_a.size, 3), sign)
        points[:, a], points[:, b] = grid_a.ravel(), grid_b.ravel()
        vertices.append(points)
        normals.append(np.tile(np.eye(3)[axis] * sign, (len(points), 1)))
        flat.append(np.tile(_UV_AXES[axis], (len(points), 1)))
        faces.append(grid_faces(counts[a], counts[b], sign < 0) + start)
        start += len(points)
    axes = np.concatenate(flat) + 3 * np.arange(start)[:, None]
    found = np.concatenate(vertices), np.concatenate(normals), np.concatenate(faces), axes
    for array in found:
        array.flags.writeable = False
    return found


@lru_cache(maxsize=256)
def grid_faces(columns: int, rows: int, flip: bool = False) -> np.ndarray:
    """(2 columns rows, 3) triangles of a grid of (rows + 1) lines with (columns + 1) vertices each; read-only."""
    index = np.arange((rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    faces = np.ascontiguousarray(faces[:, ::-1]) if flip else faces
    faces.flags.writeable = False
    return faces


def part_of(
    key: str, pieces: list, material: Material, place: np.ndarray | None = None, instance_id: int = 0,
    casts_shadow: bool = False,
) -> MeshPart:  # fmt: skip
    """Merge (vertices, normals, faces, uv) pieces into one part, moved by the (4, 4) `place`."""
    vertices, normals, uv = (np.concatenate([piece[k] for piece in pieces]) for k in (0, 1, 3))
    starts = np.cumsum([0] + [len(piece[0]) for piece in pieces[:-1]])
    faces = np.concatenate([piece[2] + start for piece, start in zip(pieces, starts, strict=True)])
    if place is not None:
        vertices = vertices @ place[:3, :3].T + place[:3, 3]
        normals = normals @ place[:3, :3].T
    return MeshPart(
        key, vertices.astype(np.float32), normals.astype(np.float32), faces.astype(np.uint32), uv.astype(np.float32),
        material, np.zeros(len(vertices), np.uint8), instance_id, casts_shadow,
    )  # fmt: skip


def placed(x: float, z: float, yaw: float, y: float = 0.0) -> np.ndarray:
    """(4, 4) turn about +y by yaw (rad, +x towards -z), then move."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, 0, s, x], [0, 1, 0, y], [-s, 0, c, z], [0, 0, 0, 1.0]])


_GRAIN = 3.5  # m per texture tile on seats: boards as wide as the seat, not parquet


@dataclass(frozen=True, slots=True)
class SeatSpec:
    """How a seat looks.

    Attributes:
        style: of a plain one: crate, stool or bench; width, depth: m.
        color: sRGB; texture, texture_seed: a scenes.patterns name and its variant.
        kind, variant: a piece of furniture (scenes.seat_object) in its stead; "" for none.
    """

    style: str
    width: float
    depth: float
    color: tuple[float, float, float]
    texture: str
    texture_seed: int
    kind: str = ""
    variant: int = 0


def draw_seat(rng: np.random.Generator) -> SeatSpec:
    """Draw the look of a seat; its height comes from the pose."""
    style = ("crate", "stool", "bench")[int(rng.integers(3))]
    width = float(rng.uniform(0.8, 1.4) if style == "bench" else rng.uniform(0.36, 0.5))
    color = rgb(rng.uniform(0.3, 0.95, 3) ** 0.7)
    texture = ("wood", "paint", "carpet")[int(rng.integers(3))]
    return SeatSpec(style, width, float(rng.uniform(0.34, 0.44)), color, texture, int(rng.integers(8)))


def build_box_seat(
    spec: SeatSpec, height: float, x: float, z: float, yaw: float, instance_id: int = 100, key: str = "seat"
) -> MeshPart:
    """A seat whose top lies at `height` m, its middle at (x, z), its front towards body-forward at `yaw`.

    `key` is completed by the seat's shape, so that one key never names two meshes.
    """
    half_w, half_d, slab = spec.width / 2, spec.depth / 2, min(0.05, 0.3 * height)
    cell = 0.06  # fine enough for the contact shadow, which is splatted from vertices
    if spec.style == "crate" or height < 0.2:
        pieces = [box_mesh((0, height / 2, 0), (half_d, height / 2, half_w), cell, _GRAIN)]
    else:
        pieces = [box_mesh((0, height - slab / 2, 0), (half_d, slab / 2, half_w), cell, _GRAIN)]
        leg, drop = 0.022, (height - slab) / 2
        for a in (-1, 1):
            for b in (-1, 1):
                at = (a * (half_d - leg), drop, b * (half_w - leg))
                pieces.append(box_mesh(at, (leg, drop, leg), cell, _GRAIN))
    material = Material(spec.color, pattern(spec.texture, spec.texture_seed), roughness=0.75, specular=0.04)
    name = f"{key}/{spec.style}-{spec.width:.3f}-{spec.depth:.3f}-{height:.4f}-{spec.texture}-{spec.texture_seed}"
    return part_of(name, pieces, material, placed(x, z, yaw), instance_id, casts_shadow=True)
