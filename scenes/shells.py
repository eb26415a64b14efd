"""Garments and hair made from the body's own faces.

The faces are smoothed and moved out along the normals; the picture's alpha cuts them to shape.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from scenes.atlas import BodyAtlas, Piece
from scenes.cuts import TOPS, Marks
from scenes.drape import drape
from scenes.fabric import folds
from scenes.layers import SKIN_VERTICES, Layer, any_corner, compact
from scenes.patch import PAST_HEM, flatten, smooth_over
from scenes.renderer import Material

_CREASE = 0.016  # m, the height of the deepest creases


@dataclass(frozen=True, slots=True)
class Shell:
    """How a shell stands off the skin.

    Attributes:
        key, kind: of the layer.
        cut: where it begins and ends, see scenes.cuts.
        thickness: m above the skin, at least.
        rounds: of smoothing; more hangs looser.
        ease: m that it stands off where it hangs widest, 0 for cloth that only follows the skin.
        ribbed: hem and cuffs are drawn in.
        folds: depth of creases, 0 .. 1; seed: of where they lie.
    """

    key: str
    kind: str
    cut: str
    thickness: float
    rounds: int
    ease: float = 0.0
    ribbed: bool = False
    folds: float = 0.0
    seed: int = 0


def press(
    points: np.ndarray, skin: np.ndarray, atlas: BodyAtlas, pieces: tuple[Piece, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Cloth bridges small bumps: flatten the skin under tops, for the skin as worn and for the shells above it."""
    tops = tuple(sorted({piece.cut for piece in pieces if piece.cut in TOPS}))
    if not tops:
        return points, skin
    patch = atlas.patch(*tops)
    field = np.max([atlas.vertex_field(cut)[patch.vertices] for cut in tops], axis=0)
    here = skin[patch.vertices]
    move = np.zeros_like(skin)
    move[patch.vertices] = np.clip(field / 0.03, 0.0, 1.0)[:, None] * (flatten(here, patch.neighbours, 24) - here)
    return points + move, skin + move


def shell_layer(
    shell: Shell,
    skin: np.ndarray,
    normals: np.ndarray,
    weights: scipy.sparse.csr_matrix,
    atlas: BodyAtlas,
    material: Material,
    marks: Marks | None = None,
) -> Layer:
    """The faces of a cut as a layer of their own.

    Args:
        skin, normals: (13380, 3) m and unit; weights: (19158, B).
        marks: landmarks of this body, for cloth that hangs.
    """
    field = atlas.vertex_field(shell.cut)
    inside = any_corner(field > -0.002, atlas.faces)
    faces, render = atlas.faces.compress(inside, 0), atlas.render_faces.compress(inside, 0)
    kept, renumber = compact(faces, SKIN_VERTICES)
    patch = atlas.patch(shell.cut)
    around, field, bare = patch.vertices, field[patch.vertices], skin[patch.vertices]
    outward = smooth_over(normals[around], patch.neighbours, 12)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    shape = smooth_over(bare, patch.neighbours, shell.rounds)
    # Smoothing may sink below the skin: keep at least the thickness above it.
    height = np.einsum("nc,nc->n", shape - bare, outward)
    shape = shape + np.maximum(shell.thickness - height, 0.0)[:, None] * outward
    if shell.ease > 0 and marks is not None:
        near = np.flatnonzero(field > -PAST_HEM)
        hung = drape(shape[near], atlas.limb[around[near]], marks, shell.ease, shell.cut in TOPS)
        move = np.zeros_like(shape)
        move[near] = hung - shape[near]
        if shell.ribbed:
            move *= np.clip((field - 0.035) / 0.05, 0.0, 1.0)[:, None]
        shape = shape + smooth_over(move, patch.neighbours, 6)
    if shell.folds > 0:
        crease = folds(atlas.vertex_cloth.at(around), shell.seed, shell.folds)
        # Outwards only, so that no crease dips into the skin; a hem stays as cut.
        shape += (_CREASE * np.clip(field / 0.03, 0.0, 1.0) * (crease + shell.folds * 0.5))[:, None] * outward
    render_kept, render_renumber = compact(render, len(atlas.render_to_welded))
    return Layer(
        key=shell.key,
        kind=shell.kind,
        vertices=shape[np.searchsorted(around, kept)],
        weights=scipy.sparse.csr_matrix(weights[kept]),
        faces=render_renumber.take(render).astype(np.uint32),
        render_to_welded=renumber[atlas.render_to_welded[render_kept]],
        uv=atlas.uv[render_kept],
        smooth_faces=renumber.take(faces),
        material=material,
        base_vertices=kept,
    )
