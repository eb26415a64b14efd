"""What a head wears: eyes, mouth, hair, brows, lashes and a hat."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse

from scenes.atlas import Piece
from scenes.catalogue import Catalogue
from scenes.face import eye_layer, plain_eye
from scenes.face_units import face_units
from scenes.headwear import headwear_layers, hidden_hair
from scenes.items import fit, item_layer, transfer_weights
from scenes.layers import SKIN_VERTICES, Layer, compact, split_quads
from scenes.renderer import Material
from scenes.shells import Shell, shell_layer
from scenes.textures import RELIEF_MAX, grey_hair
from scenes.wardrobe import Rgb, WardrobeSpec

_CAP = Shell("hair/cap", "hair", "scalp", 0.005, 2)
_MOUTH = np.repeat(np.repeat(np.array([[[166, 156, 138], [52, 20, 18]]], np.uint8), 8, 1), 8, 0)
"""Teeth on the left half of the picture, the cavity on the right."""

_LINING = 0.0002
"""How far the dark lining stands off the skin of the mouth, m."""

_LASHES: Rgb = (0.10, 0.08, 0.07)


def darker(color: Rgb, share: float) -> Rgb:
    """A share of a colour's brightness."""
    return (share * color[0], share * color[1], share * color[2])


def head_layers(
    rest: np.ndarray,
    normals: np.ndarray,
    weights: scipy.sparse.csr_matrix,
    spec: WardrobeSpec,
    catalogue: Catalogue,
    headwear: tuple[tuple[Piece, Material], ...] = (),
) -> list[Layer]:
    """Eyes and mouth first, then hair, brows, lashes and hat.

    Args:
        rest: (19158, 3) m; normals: (13380, 3) unit; weights: (19158, B).
        headwear: pieces made from the scalp, and their cloth.
    """
    skin, atlas = rest[:SKIN_VERTICES], catalogue.atlas
    layers = [eye_layer(rest, weights, _eye_picture(spec, catalogue)), mouth_layer(rest, normals, weights)]
    hat = fit(catalogue.item(spec.hat), rest) if spec.hat else None
    if spec.hair == "cap":
        cap = shell_layer(_CAP, rest[:SKIN_VERTICES], normals, weights, catalogue.atlas, _cap_material(spec, catalogue))
        cap = cap if hat is None else _keep(cap, ~_under_hat(cap.vertices, hat))
        for piece, _ in headwear:
            cap = _keep(cap, ~hidden_hair(piece, cap.vertices, skin, atlas))
        layers.append(cap)
    elif spec.hair:
        under = [piece for piece, _ in headwear]
        layers.append(_hair_layer(spec.hair, spec.hair_color, rest, weights, catalogue, hat, under))
    for name, color in ((spec.brows, darker(spec.hair_color, 0.65)), (spec.lashes, _LASHES)):
        if name:
            layers.append(_hair_layer(name, color, rest, weights, catalogue, None))
    for piece, material in headwear:
        layers += headwear_layers(piece, skin, normals, weights, atlas, material)
    if hat is not None:
        item = catalogue.item(spec.hat)
        material = Material(texture=catalogue.picture(spec.hat, spec.variant or None), roughness=0.9, double_sided=True)
        layers.append(item_layer(item, hat, transfer_weights(item, weights), np.zeros(len(hat), bool), material))
    return layers


def mouth_layer(rest: np.ndarray, normals: np.ndarray, weights: scipy.sparse.csr_matrix) -> Layer:
    """What an open mouth shows: both rows of the base mesh's own teeth, and a dark lining of the cavity behind them,
    where light hardly comes."""
    parts = (face_units().teeth, face_units().mouth)
    faces = split_quads(np.concatenate(parts))
    kept, renumber = compact(faces, len(rest))
    lining = np.isin(kept, parts[1])
    points = rest[kept]
    points[lining] += _LINING * normals[kept[lining]]
    welded = renumber[faces]
    uv = np.full((len(kept), 2), 0.25, np.float32)
    uv[lining, 0] = 0.75
    return Layer(
        key="mouth",
        kind="mouth",
        vertices=points,
        weights=scipy.sparse.csr_matrix(weights[kept]),
        faces=welded.astype(np.uint32),
        render_to_welded=np.arange(len(kept), dtype=np.int32),
        uv=uv,
        smooth_faces=welded,
        material=Material(texture=_MOUTH, roughness=0.5, specular=0.02, double_sided=True),
        base_vertices=kept,
    )


def _eye_picture(spec: WardrobeSpec, catalogue: Catalogue) -> np.ndarray:
    if spec.eyes:
        return catalogue.eye(spec.eyes)
    return catalogue.textures.get(("eye", spec.eye_color), lambda: plain_eye(spec.eye_color))


def _cap_material(spec: WardrobeSpec, catalogue: Catalogue) -> Material:
    picture = catalogue.textures.get("cap", catalogue.atlas.hair_cap_picture)
    return Material(_hair_tint(spec.hair_color), picture, roughness=0.7, cutout=True, double_sided=True)


def _hair_tint(color: Rgb) -> Rgb:
    """The factor that gives a grey hair picture the mean colour `color`."""
    return tuple(channel * RELIEF_MAX for channel in color)  # type: ignore[return-value]


def _hair_layer(
    name: str, color: Rgb, rest, weights, catalogue: Catalogue, hat: np.ndarray | None, under: Sequence[Piece] = ()
) -> Layer:
    item = catalogue.item(name)
    shape = fit(item, rest)
    hidden = np.zeros(len(shape), bool) if hat is None else _under_hat(shape, hat)
    for piece in under:
        hidden |= hidden_hair(piece, shape, rest[:SKIN_VERTICES], catalogue.atlas)
    picture = catalogue.textures.get((name, "grey"), lambda: grey_hair(catalogue.picture(name, channels=4)))
    material = Material(_hair_tint(color), picture, roughness=0.6, cutout=True, double_sided=True)
    return item_layer(item, shape, transfer_weights(item, weights), hidden, material, ragged=hat is None and not under)


def _under_hat(points: np.ndarray, hat: np.ndarray) -> np.ndarray:
    """Points above the plane of a hat's brim: hair that would come through its crown."""
    centre = hat.mean(0)
    radius = np.hypot(hat[:, 0] - centre[0], hat[:, 2] - centre[2])
    brim = hat[radius > np.quantile(radius, 0.7)]
    middle = brim.mean(0)
    up = np.linalg.svd(brim - middle, full_matrices=False)[2][2]
    up = up * np.sign(up[1])
    return (points - middle) @ up > 0.001


def _keep(layer: Layer, kept: np.ndarray) -> Layer:
    """The layer without the faces that lose a vertex."""
    welded = layer.render_to_welded[layer.faces]
    return replace(layer, faces=layer.faces[kept[welded].all(1)])
