"""A backpack: a soft box on the back, held by straps made from the body's surface. It rides on the chest.

As a surface of the person's trunk it stands before the spine, so the depth rule counts spine points under it as hidden.
"""

import numpy as np
import scipy.sparse

from scenes.atlas import Piece
from scenes.cloth import cloth_material
from scenes.cuts import Marks
from scenes.fabric import TRUNK, Coordinates
from scenes.layers import Layer
from scenes.prints import paint_cloth

_RINGS, _SPOKES = 14, 28
_SIZE = 192


def backpack_layer(piece: Piece, back: np.ndarray, weights: scipy.sparse.csr_matrix, marks: Marks) -> Layer:
    """The bag.

    Args:
        piece: `ease` is its depth, m; `thickness` its height as a share of the trunk's.
        back: (N, 3) m, the outer surface of the trunk behind, arms excluded.
        weights: (N, B) of the same points.
        marks: landmarks of this body.
    """
    trunk = marks.shoulder[1] - marks.hip[1]
    tall, wide = piece.thickness * trunk, 0.42 * trunk * (0.55 + 0.5 * piece.thickness)
    top = marks.shoulder[1] + 0.02 * trunk
    middle = top - 0.5 * tall
    behind = back[(np.abs(back[:, 2]) < 0.4 * wide) & (back[:, 1] < top) & (back[:, 1] > top - tall)]
    # The bag lies on what stands out most, a little sunk into cloth.
    panel = np.quantile(behind[:, 0], 0.06) + 0.006
    points, faces, render_faces, render_to_welded, uv = _box(0.5 * piece.ease, 0.5 * tall, 0.5 * wide)
    points = points + [panel - 0.5 * piece.ease, middle, 0.0]
    chest = np.abs(back[:, 1] - (top - 0.35 * tall)) < 0.08
    row = scipy.sparse.csr_matrix(weights[chest & (np.abs(back[:, 2]) < 0.10)].mean(axis=0))
    return Layer(
        key="bag/backpack",
        kind="bag",
        vertices=points,
        weights=scipy.sparse.csr_matrix(scipy.sparse.vstack([row] * len(points))),
        faces=render_faces,
        render_to_welded=render_to_welded,
        uv=uv,
        smooth_faces=faces,
        material=cloth_material(piece.pattern, _picture(piece, tall, wide, marks), repeats=(4.0, 5.0)),
    )


def _box(depth: float, height: float, width: float):
    """A rounded box of these half sizes, bulging behind: welded points, faces, and their render twins."""
    tilt = np.pi * (np.arange(_RINGS + 1)) / _RINGS
    turn = 2.0 * np.pi * np.arange(_SPOKES + 1) / _SPOKES
    t, a = np.meshgrid(tilt, turn, indexing="ij")

    def soft(value: np.ndarray, power: float) -> np.ndarray:
        return np.sign(value) * np.abs(value) ** power

    x = soft(np.sin(t), 0.5) * soft(np.cos(a), 0.45)
    y = soft(np.cos(t), 0.45)
    z = soft(np.sin(t), 0.5) * soft(np.sin(a), 0.45)
    narrow = 1.0 - 0.16 * np.clip(y, 0, 1) ** 2
    bulge = np.where(x < 0, 1.0 + 0.35 * np.clip(0.25 - y, 0, 0.6), 0.45)  # flat where it touches the back
    points = np.stack([x * depth * bulge, y * height, z * width * narrow], 2)
    points[..., 0] += np.where(x > 0, 0.55 * depth, 0.0)
    uv = np.stack([0.5 + 0.46 * points[..., 2] / width, 0.5 + 0.48 * y], 2)
    columns = np.arange(_SPOKES)
    row = np.arange(_RINGS)[:, None]
    render = row * (_SPOKES + 1) + columns
    quads = np.stack([render, render + 1, render + _SPOKES + 2, render + _SPOKES + 1], 2).reshape(-1, 4)
    welded = (np.arange(_RINGS + 1)[:, None] * _SPOKES + np.arange(_SPOKES + 1) % _SPOKES).ravel().astype(np.int32)
    triangles = quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    flat = points.reshape(_RINGS + 1, _SPOKES + 1, 3)[:, :_SPOKES].reshape(-1, 3)
    return flat, welded[triangles], triangles.astype(np.uint32), welded, uv.reshape(-1, 2).astype(np.float32)


def _picture(piece: Piece, tall: float, wide: float, marks: Marks) -> np.ndarray:
    """Cloth with a lid's zip, a pocket and a handle seam, seen from behind."""
    v, u = np.meshgrid(0.5 - (np.arange(_SIZE) + 0.5) / _SIZE, (np.arange(_SIZE) + 0.5) / _SIZE - 0.5, indexing="ij")
    y, z = (v.ravel() * tall).astype(np.float32), (u.ravel() * wide).astype(np.float32)
    count = len(y)
    where = Coordinates(
        z, y + marks.shoulder[1] - 0.2, np.full(count, TRUNK, np.uint8), z, np.zeros(count, bool),
        np.full(count, 0.1, np.float32),
    )  # fmt: skip
    colors = paint_cloth(piece.color, piece.pattern, where, marks)
    trim = np.asarray(piece.trim, np.float32)
    pocket = np.maximum(np.abs(y + 0.20 * tall) - 0.19 * tall, np.abs(z) - 0.34 * wide)
    lid = np.abs(y - (0.28 + -0.54 * (z / wide) ** 2) * tall)
    for line, width in ((np.abs(pocket), 0.004), (np.maximum(lid, np.abs(z) - 0.42 * wide), 0.004)):
        colors = colors + np.clip((width - line) / 0.002 + 0.5, 0, 1)[:, None] * (0.35 * trim - colors)
    colors = colors + (0.8 * np.clip(-pocket / 0.002, 0, 1) * (piece.stripe))[:, None] * (trim - colors)
    return np.clip(colors * 255.0 + 0.5, 0, 255).astype(np.uint8).reshape(_SIZE, _SIZE, 3)
