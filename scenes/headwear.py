"""Beanies, caps and headbands made from the scalp, and what hair they hide."""

import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree

from scenes.atlas import BodyAtlas, Piece
from scenes.fabric import ROUGHNESS
from scenes.layers import Layer
from scenes.renderer import Material
from scenes.shells import Shell, shell_layer

_REACH = 0.09  # m, hair further from the head than this hangs free
_STANDS_OFF = {"beanie": 0.012, "cap": 0.014, "headband": 0.008}
_BRIM = (17, 5)  # points along and across


def headwear_layers(
    piece: Piece,
    skin: np.ndarray,
    normals: np.ndarray,
    weights: scipy.sparse.csr_matrix,
    atlas: BodyAtlas,
    material: Material,
) -> list[Layer]:
    """The cloth on the scalp and, for a cap, its brim.

    Args:
        skin, normals: (13380, 3) m and unit; weights: (19158, B).
    """
    off = _STANDS_OFF[piece.cut]
    shell = Shell(f"hat/{piece.cut}", "hat", piece.cut, off, 12 if piece.cut != "headband" else 4)
    layers = [shell_layer(shell, skin, normals, weights, atlas, material)]
    if piece.cut == "cap":
        layers.append(_brim(piece, skin, normals, weights, atlas, off))
    return layers


def hidden_hair(piece: Piece, points: np.ndarray, skin: np.ndarray, atlas: BodyAtlas) -> np.ndarray:
    """(N,) hair vertices that lie under a piece; nothing under a headband, which only presses."""
    if piece.cut == "headband":
        return np.zeros(len(points), bool)
    head = np.flatnonzero(atlas.template[:, 1] > atlas.marks.eye[1] - 0.12)
    distance, nearest = cKDTree(skin[head]).query(points)
    return (atlas.vertex_field(piece.cut)[head[nearest]] > -0.004) & (distance < _REACH)


def _brim(piece: Piece, skin, normals, weights, atlas: BodyAtlas, off: float) -> Layer:
    marks = atlas.marks
    field = atlas.vertex_field("cap")
    forehead = (np.abs(field) < 0.010) & (atlas.template[:, 0] > marks.eye[0] - 0.055)
    forehead &= atlas.template[:, 1] > marks.eye[1]
    chosen = np.flatnonzero(forehead)
    across, along = _BRIM[1], _BRIM[0]
    width = np.abs(skin[chosen, 2]).max() * 0.80
    z = np.linspace(-width, width, along)
    # Inner edge: the forehead's outline from side to side; outer edge: a flat arc before it, bent down at the sides.
    order = np.argsort(skin[chosen, 2], kind="stable")
    outline = skin[chosen][order] + off * 0.9 * normals[chosen][order]
    inner_x = np.interp(z, outline[:, 2], outline[:, 0])
    inner_x = 0.5 * (inner_x + inner_x[::-1])
    inner_y = np.full(along, outline[:, 1].mean() + 0.004)
    t = np.linspace(0.0, 1.0, across)[:, None]
    reach = 0.074 * np.clip(1.0 - (z / width) ** 2, 0.0, 1.0) ** 0.45
    droop = 0.018 * (z / width) ** 2
    points = np.stack(
        [inner_x + t * reach, inner_y + 0.004 - t * 0.030 - droop * t, np.broadcast_to(z, (across, along))], 2
    )
    flat = points.reshape(-1, 3)
    row, column = np.meshgrid(np.arange(across - 1), np.arange(along - 1), indexing="ij")
    a = (row * along + column).ravel()
    faces = np.concatenate([np.stack([a, a + along + 1, a + along], 1), np.stack([a, a + 1, a + along + 1], 1)])
    nearest = cKDTree(skin[chosen]).query(flat)[1]
    color = np.asarray(piece.trim if piece.stripe else piece.color)
    return Layer(
        key="hat/brim",
        kind="hat",
        vertices=flat,
        weights=scipy.sparse.csr_matrix(weights[chosen[nearest]]),
        faces=faces.astype(np.uint32),
        render_to_welded=np.arange(len(flat), dtype=np.int32),
        uv=np.zeros((len(flat), 2), np.float32),
        smooth_faces=faces.astype(np.int32),
        material=Material(tuple(color.tolist()), roughness=ROUGHNESS[piece.pattern.fabric], double_sided=True),
    )
