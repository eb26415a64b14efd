"""Putting it on: a wardrobe choice and a body at rest give the layers of a dressed subject."""

from dataclasses import replace

import numpy as np
import scipy.sparse

from scenes.atlas import ATLAS_SIZE, TOPS, BodyAtlas, Piece, flatten, smooth_over
from scenes.catalogue import Catalogue
from scenes.conceal import COVER_REACH, RIM, RIM_KEPT, cover, hidden_vertices, push_in
from scenes.face import eye_layer, plain_eye
from scenes.items import Item, fit, transfer_weights
from scenes.layers import BASE_VERTICES, SKIN_VERTICES, Layer, compact, vertex_normals
from scenes.renderer import Material
from scenes.textures import Dye, dye, dye_hair, hair_relief, resize
from scenes.wardrobe import WardrobeSpec

_KINDS = {
    "clothes": "cloth",
    "shoes": "shoe",
    "hats": "hat",
    "hair": "hair",
    "eyebrows": "brow",
    "eyelashes": "lash",
}
_UNDERWEAR = Piece("briefs", (0.16, 0.16, 0.18), (0.16, 0.16, 0.18))


def dress(
    rest_vertices: np.ndarray, weights: scipy.sparse.csr_matrix, spec: WardrobeSpec, catalogue: Catalogue
) -> tuple[Layer, ...]:
    """All surfaces of a dressed subject at rest: skin first, then shells, clothes, shoes, hair and face.

    Args:
        rest_vertices: (19158, 3) m.
        weights: (19158, B) csr skinning weights of this subject.
        spec: what to wear.
        catalogue: made for the same body topology.
    """
    rest = np.asarray(rest_vertices, np.float64)
    weights = scipy.sparse.csr_matrix(weights)
    atlas = catalogue.atlas
    normals = vertex_normals(rest[:SKIN_VERTICES], atlas.faces)
    worn = [catalogue.item(name) for name in (spec.outfit, spec.shoes) if name]
    worn.sort(key=lambda item: -item.z_depth)
    shapes = {item.name: fit(item, rest) for item in worn}
    deleted = np.zeros(BASE_VERTICES, bool)
    layers: list[Layer] = []
    outer: list[tuple[np.ndarray, np.ndarray]] = []
    for item in worn:
        shape, below = _tuck_under(item, shapes[item.name], outer)
        hidden = hidden_vertices(item, deleted) & below
        layers.append(_item_layer(item, shape, transfer_weights(item, weights), hidden, _cloth(catalogue, item, spec)))
        outer.append((shape, item.render_to_welded[item.faces]))
        deleted |= item.delete
    hide, points = _conceal_skin(rest[:SKIN_VERTICES], normals, atlas, outer, deleted[:SKIN_VERTICES])
    points, soft = _press(points, rest[:SKIN_VERTICES], atlas, spec.pieces)
    for height, piece in enumerate(p for p in spec.pieces if p.loose):
        layers.append(_shell(f"cloth/{piece.cut}", "cloth", piece, soft, normals, weights, atlas, height * 0.003,
                             Material(texture=catalogue.textures.get(("shell", piece), lambda p=piece: atlas.shell_picture(p)),
                                      roughness=0.85, cutout=True, double_sided=True)))
        field = atlas.vertex_field(piece.cut)
        hide |= field > 0.030
        points = points - np.clip(field / 0.01, 0.0, 1.0)[:, None] * 0.002 * normals
    skin = _skin_layer(points, weights, atlas, hide, _skin_picture(catalogue, spec))
    layers.insert(0, skin)
    layers += _head(rest, normals, weights, spec, catalogue)
    return tuple(layers)


def _conceal_skin(skin, normals, atlas: BodyAtlas, garments, deleted) -> tuple[np.ndarray, np.ndarray]:
    """Vertices to hide and where the others go, under the given garments.

    What the items themselves delete is hidden too, except next to an open edge: there one would look into the garment.
    """
    inner = np.zeros(len(skin), bool)
    edge = np.zeros(len(skin), bool)
    points = skin.copy()
    for shape, faces in garments:
        near = _near(skin, shape)
        gap = np.full(len(skin), np.inf)
        covered = np.zeros(len(skin), bool)
        from_rim = np.full(len(skin), 1.0)
        gap[near], covered[near], from_rim[near] = cover(skin[near], normals[near], shape, faces)
        points = push_in(points, normals, atlas.neighbours, gap, from_rim)
        inner |= covered & (from_rim > RIM)
        edge |= covered & (from_rim < RIM_KEPT)
    return inner | (deleted & ~edge), points


def _near(skin: np.ndarray, shape: np.ndarray) -> np.ndarray:
    low, high = shape.min(0) - COVER_REACH, shape.max(0) + COVER_REACH
    return ((skin > low) & (skin < high)).all(1)


def _tuck_under(item: Item, shape: np.ndarray, outer) -> tuple[np.ndarray, np.ndarray]:
    """Push an inner item's vertices under the garments over it; also which lie there, well away from the hem."""
    faces = item.render_to_welded[item.faces]
    below = np.zeros(len(shape), bool)
    for garment, garment_faces in outer * 3:  # moving in changes which cloth is nearest
        normals = vertex_normals(shape, faces)
        gap, covered, from_rim = cover(shape, normals, garment, garment_faces)
        need = np.clip(0.004 - gap, 0.0, 0.02) * (covered & (from_rim > 0.004))
        shape = shape - np.nan_to_num(need, posinf=0.0)[:, None] * normals
        below |= covered & (from_rim > RIM_KEPT)
    return shape, below


def _item_layer(item: Item, shape, weights, hidden, material: Material, ragged: bool = True) -> Layer:
    """An item without its hidden faces; `ragged` keeps those that are hidden only in part."""
    welded = item.render_to_welded[item.faces]
    visible = ~(hidden[welded].all(1) if ragged else hidden[welded].any(1))
    kept, renumber = compact(welded[visible], len(shape))
    render_kept, render_renumber = compact(item.faces[visible], len(item.render_to_welded))
    return Layer(
        key=f"{_KINDS[item.category]}/{item.name}",
        kind=_KINDS[item.category],
        vertices=shape[kept],
        weights=scipy.sparse.csr_matrix(weights[kept]),
        faces=render_renumber[item.faces[visible]].astype(np.uint32),
        render_to_welded=renumber[item.render_to_welded[render_kept]],
        uv=item.uv[render_kept],
        smooth_faces=renumber[welded[visible]],
        material=material,
    )


def _skin_layer(points, weights, atlas: BodyAtlas, hide, picture) -> Layer:
    """The visible skin and one ring of hidden faces beside it, which only smooth the normals."""
    visible = ~hide[atlas.faces].all(1)
    touched = np.zeros(SKIN_VERTICES, bool)
    touched[atlas.faces[visible]] = True
    smooth = touched[atlas.faces].any(1)
    kept, renumber = compact(atlas.faces[smooth], SKIN_VERTICES)
    render_kept, render_renumber = compact(atlas.render_faces[visible], len(atlas.render_to_welded))
    return Layer(
        key="skin",
        kind="skin",
        vertices=points[kept],
        weights=scipy.sparse.csr_matrix(weights[kept]),
        faces=render_renumber[atlas.render_faces[visible]].astype(np.uint32),
        render_to_welded=renumber[atlas.render_to_welded[render_kept]],
        uv=atlas.uv[render_kept],
        smooth_faces=renumber[atlas.faces[smooth]],
        # Much of it may be painted cloth, which shines less than skin: a compromise.
        material=Material(texture=picture, roughness=0.62, specular=0.03),
        base_vertices=kept,
    )


def _press(points, skin, atlas: BodyAtlas, pieces: tuple[Piece, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Cloth bridges small bumps: flatten the skin under tops, for the skin as worn and for the shells above it."""
    tops = [atlas.vertex_field(piece.cut) for piece in pieces if piece.cut in TOPS]
    if not tops:
        return points, skin
    share = np.clip(np.max(tops, axis=0) / 0.03, 0.0, 1.0)[:, None]
    move = share * (flatten(skin, atlas.neighbours, 24) - skin)
    return points + move, skin + move


def _shell(key, kind, piece_or_cut, skin, normals, weights, atlas: BodyAtlas, lift, material) -> Layer:
    """A garment that stands off the skin: the body's faces inside a cut, smoothed and moved out along the normals."""
    cut, thickness = (piece_or_cut.cut, piece_or_cut.thickness) if isinstance(piece_or_cut, Piece) else piece_or_cut
    field = atlas.vertex_field(cut)
    inside = (field > -0.002)[atlas.faces].any(1)
    kept, renumber = compact(atlas.faces[inside], SKIN_VERTICES)
    smooth_normals = smooth_over(normals, atlas.neighbours, 12)
    smooth_normals /= np.maximum(np.linalg.norm(smooth_normals, axis=1, keepdims=True), 1e-9)
    shape = smooth_over(skin, atlas.neighbours, 10 if kind == "cloth" else 2)
    # Smoothing may sink below the skin: keep at least the thickness above it.
    height = np.einsum("nc,nc->n", shape - skin, smooth_normals)
    shape = shape + (np.maximum(thickness + lift - height, 0.0))[:, None] * smooth_normals
    render = atlas.render_faces[inside]
    render_kept, render_renumber = compact(render, len(atlas.render_to_welded))
    return Layer(
        key=key,
        kind=kind,
        vertices=shape[kept],
        weights=scipy.sparse.csr_matrix(weights[kept]),
        faces=render_renumber[render].astype(np.uint32),
        render_to_welded=renumber[atlas.render_to_welded[render_kept]],
        uv=atlas.uv[render_kept],
        smooth_faces=renumber[atlas.faces[inside]],
        material=material,
        base_vertices=kept,
    )


def _cloth(catalogue: Catalogue, item: Item, spec: WardrobeSpec) -> Material:
    if item.category == "shoes":
        return Material(texture=_dyed(catalogue, item.name, ((None, spec.shoe_dye),)), roughness=0.6, specular=0.04,
                        double_sided=True)
    dyes = ((1, spec.top_dye), (2, spec.bottom_dye))
    return Material(
        texture=_dyed(catalogue, item.name, dyes), roughness=0.9, cutout=catalogue.cutout(item.name), double_sided=True
    )


def _dyed(catalogue: Catalogue, name: str, dyes: tuple[tuple[int | None, Dye], ...]) -> np.ndarray:
    def make() -> np.ndarray:
        picture = catalogue.picture(name, channels=4 if catalogue.cutout(name) else 3)
        for region, how in dyes:
            if how == Dye():
                continue
            mask = np.ones(picture.shape[:2], bool) if region is None else catalogue.regions(name) == region
            picture = dye(picture, mask, how)
        return picture

    return catalogue.textures.get((name, dyes), make)


def _hair_picture(catalogue: Catalogue, name: str, color: tuple[float, float, float]) -> np.ndarray:
    """The item's picture in another hair colour: its own light and dark strands, the given mean."""

    def make() -> np.ndarray:
        picture = catalogue.picture(name, channels=4)
        relief = catalogue.textures.get((name, "relief"), lambda: hair_relief(picture))
        return dye_hair(picture, relief, color)

    return catalogue.textures.get((name, color), make)


def _skin_picture(catalogue: Catalogue, spec: WardrobeSpec) -> np.ndarray:
    tight = tuple(p for p in spec.pieces if not p.loose)
    if not any(p.cut in ("briefs", "shorts", "capri", "tights") for p in tight):
        tight = (_UNDERWEAR, *tight)

    def make() -> np.ndarray:
        if spec.skin:
            picture = resize(catalogue.skin(spec.skin), ATLAS_SIZE)
            gain = np.asarray(spec.skin_gain, np.float32)
            picture = np.clip(picture.astype(np.float32) * gain + 0.5, 0, 255).astype(np.uint8)
        else:
            brows = tuple(0.6 * c for c in spec.hair_color)
            picture = catalogue.atlas.plain_skin(spec.skin_color, brows)
        for piece in tight:
            picture = catalogue.atlas.paint(picture, piece)
        return picture

    key = ("worn skin", spec.skin, spec.skin_color, spec.skin_gain, tight, spec.hair_color if not spec.skin else None)
    return catalogue.textures.get(key, make)


def _head(rest, normals, weights, spec: WardrobeSpec, catalogue: Catalogue) -> list[Layer]:
    layers = []
    eye = catalogue.eye(spec.eyes) if spec.eyes else catalogue.textures.get(
        ("eye", spec.eye_color), lambda: plain_eye(spec.eye_color)
    )
    layers.append(eye_layer(rest, weights, eye))
    dark = tuple(0.65 * c for c in spec.hair_color)
    hat = fit(catalogue.item(spec.hat), rest) if spec.hat else None
    for name, color in ((spec.hair, spec.hair_color), (spec.brows, dark), (spec.lashes, (0.10, 0.08, 0.07))):
        if not name:
            continue
        over = hat if name == spec.hair else None
        if name == "cap":
            picture = catalogue.textures.get(
                ("cap", spec.hair_color), lambda: catalogue.atlas.hair_cap_picture(spec.hair_color)
            )
            material = Material(texture=picture, roughness=0.7, cutout=True, double_sided=True)
            layer = _shell(
                "hair/cap", "hair", ("scalp", 0.005), rest[:SKIN_VERTICES], normals, weights, catalogue.atlas, 0.0, material
            )
            layers.append(layer if over is None else _keep(layer, ~_under_hat(layer.vertices, over)))
            continue
        item = catalogue.item(name)
        shape = fit(item, rest)
        hidden = np.zeros(len(shape), bool) if over is None else _under_hat(shape, over)
        material = Material(
            texture=_hair_picture(catalogue, name, color), roughness=0.6, cutout=True, double_sided=True
        )
        layers.append(_item_layer(item, shape, transfer_weights(item, weights), hidden, material, over is None))
    if hat is not None:
        item = catalogue.item(spec.hat)
        material = Material(texture=catalogue.picture(spec.hat, spec.variant or None), roughness=0.9, double_sided=True)
        none = np.zeros(len(hat), bool)
        layers.append(_item_layer(item, hat, transfer_weights(item, weights), none, material))
    return layers


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
