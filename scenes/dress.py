"""Putting it on: a wardrobe choice and a body at rest give the layers of a dressed subject."""

import numpy as np
import scipy.sparse

from scenes.atlas import ATLAS_SIZE, BodyAtlas, Piece
from scenes.catalogue import Catalogue
from scenes.conceal import COVER_REACH, RIM, RIM_KEPT, SKIRT_REACH, cover, push_in, tuck
from scenes.cuts import BOTTOMS
from scenes.head import darker, head_layers
from scenes.items import Item, fit, item_layer, transfer_weights
from scenes.layers import BASE_VERTICES, SKIN_VERTICES, Layer, compact, vertex_normals
from scenes.renderer import Material
from scenes.shells import Shell, press, shell_layer
from scenes.textures import Dye, dye, resize
from scenes.wardrobe import WardrobeSpec

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
    outer: list[tuple[np.ndarray, np.ndarray, float]] = []
    for item in worn:
        shape = shapes[item.name]
        below = np.zeros(len(shape), bool)
        for garment, faces, _ in outer:
            shape, here = tuck(shape, garment, faces)
            below |= here
        layers.append(item_layer(item, shape, transfer_weights(item, weights), below, _cloth(catalogue, item, spec)))
        reach = SKIRT_REACH if "skirt" in catalogue.covers(item.name) else COVER_REACH
        outer.append((shape, item.render_to_welded[item.faces], reach))
        deleted |= item.delete
    hide, points = _conceal_skin(rest[:SKIN_VERTICES], normals, atlas, outer, deleted[:SKIN_VERTICES])
    points, soft = press(points, rest[:SKIN_VERTICES], atlas, spec.pieces)
    for height, piece in enumerate(p for p in spec.pieces if p.loose):
        shell = Shell(f"cloth/{piece.cut}", "cloth", piece.cut, piece.thickness + 0.003 * height, 10)
        layers.append(shell_layer(shell, soft, normals, weights, atlas, _shell_cloth(catalogue, piece)))
        field = atlas.vertex_field(piece.cut)
        hide |= field > 0.030
        points = points - np.clip(field / 0.01, 0.0, 1.0)[:, None] * 0.002 * normals
    skin = _skin_layer(points, weights, atlas, hide, _skin_picture(catalogue, spec))
    layers.insert(0, skin)
    layers += head_layers(rest, normals, weights, spec, catalogue)
    return tuple(layers)


def _conceal_skin(skin, normals, atlas: BodyAtlas, garments, deleted) -> tuple[np.ndarray, np.ndarray]:
    """Vertices to hide and where the others go, under the given garments.

    What the items themselves delete is hidden too, except next to an open edge: there one would look into the garment.
    """
    inner = np.zeros(len(skin), bool)
    edge = np.zeros(len(skin), bool)
    points = skin.copy()
    for shape, faces, reach in garments:
        near = _near(skin, shape, reach)
        gap = np.full(len(skin), np.inf)
        covered = np.zeros(len(skin), bool)
        from_rim = np.full(len(skin), 1.0)
        for _ in range(2):  # moving in changes which cloth is nearest
            gap[near], covered[near], from_rim[near] = cover(points[near], normals[near], shape, faces, reach)
            points = push_in(points, normals, atlas.neighbours, gap, from_rim)
        inner |= covered & (from_rim > RIM)
        edge |= covered & (from_rim < RIM_KEPT)
    return inner | (deleted & ~edge), points


def _near(skin: np.ndarray, shape: np.ndarray, reach: float) -> np.ndarray:
    low, high = shape.min(0) - reach, shape.max(0) + reach
    return ((skin > low) & (skin < high)).all(1)


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


def _shell_cloth(catalogue: Catalogue, piece: Piece) -> Material:
    picture = catalogue.textures.get(("shell", piece), lambda: catalogue.atlas.shell_picture(piece))
    return Material(texture=picture, roughness=0.85, cutout=True, double_sided=True)


def _cloth(catalogue: Catalogue, item: Item, spec: WardrobeSpec) -> Material:
    if item.category == "shoes":
        return Material(
            texture=_dyed(catalogue, item.name, ((None, spec.shoe_dye),)),
            roughness=0.6,
            specular=0.04,
            double_sided=True,
        )
    dyes = ((1, spec.top_dye), (2, spec.bottom_dye))
    return Material(
        texture=_dyed(catalogue, item.name, dyes), roughness=0.9, cutout=catalogue.cutout(item.name), double_sided=True
    )


def _dyed(catalogue: Catalogue, name: str, dyes: tuple[tuple[int | None, Dye], ...]) -> np.ndarray:
    """An item's picture in a subject's colours; nobody else wears them, so only the undyed one is worth keeping."""
    picture = catalogue.picture(name, channels=4 if catalogue.cutout(name) else 3)
    for region, how in dyes:
        if how == Dye():
            continue
        mask = np.ones(picture.shape[:2], bool) if region is None else catalogue.regions(name) == region
        picture = dye(picture, mask, how)
    return np.ascontiguousarray(picture)


def _skin_picture(catalogue: Catalogue, spec: WardrobeSpec) -> np.ndarray:
    """A subject's skin with the tight pieces painted on."""
    tight = tuple(p for p in spec.pieces if not p.loose)
    if not any(p.cut in BOTTOMS for p in tight):
        tight = (_UNDERWEAR, *tight)
    if spec.skin:
        picture = resize(catalogue.skin(spec.skin), ATLAS_SIZE)
        gain = np.asarray(spec.skin_gain, np.float32)
        picture = np.clip(picture.astype(np.float32) * gain + 0.5, 0, 255).astype(np.uint8)
    else:
        picture = catalogue.atlas.plain_skin(spec.skin_color, darker(spec.hair_color, 0.6))
    for piece in tight:
        picture = catalogue.atlas.paint(picture, piece)
    return np.ascontiguousarray(picture)
