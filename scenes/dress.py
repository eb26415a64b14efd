"""Putting it on: a wardrobe choice and a body at rest give the layers of a dressed subject."""

from dataclasses import replace

import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree

from scenes.atlas import ATLAS_SIZE, BodyAtlas, Piece
from scenes.backpack import backpack_layer
from scenes.catalogue import Catalogue
from scenes.cloth import cloth_material, skin_material
from scenes.conceal import COVER_REACH, RIM, RIM_KEPT, SHOE_RIM, SKIRT_REACH, Surface, cover, push_in, tuck
from scenes.cuts import BOTTOMS, HEADWEAR, SKIRTS, SOCKS, TOPS, find_marks
from scenes.fabric import ARM, TRUNK
from scenes.head import darker, head_layers
from scenes.items import Item, fit, item_layer, transfer_weights, weights_below
from scenes.layers import BASE_VERTICES, SKIN_VERTICES, Layer, any_corner, compact, every_corner, vertex_normals
from scenes.prints import Pattern, paint_cloth
from scenes.renderer import Material
from scenes.shells import Shell, press, shell_layer
from scenes.skirts import skirt_layer, under_skirt
from scenes.textures import Dye, dye, finished, resize
from scenes.tones import toned
from scenes.wardrobe import WardrobeSpec

NECK_KEPT = 0.03
"""How far into a collar the neck is drawn, m."""

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
    outer: list[tuple[Surface, float, float]] = []
    for item in worn:
        shape = shapes[item.name]
        below = np.zeros(len(shape), bool)
        for garment, _, _ in outer:
            shape, here = tuck(shape, garment)
            below |= here
        if item.category == "shoes":
            follows = weights_below(shapes[item.name], rest[:SKIN_VERTICES], weights)
        else:
            follows = transfer_weights(item, weights)
        layers.append(item_layer(item, shape, follows, below, _cloth(catalogue, item, spec)))
        reach = SKIRT_REACH if "skirt" in catalogue.covers(item.name) else COVER_REACH
        rim = SHOE_RIM if item.category == "shoes" else RIM
        outer.append((Surface(shape, item.render_to_welded[item.faces]), reach, rim))
        deleted |= item.delete
    hide, points, outer_skin = _conceal_skin(rest[:SKIN_VERTICES], normals, atlas, outer, deleted[:SKIN_VERTICES])
    points, soft = press(points, outer_skin, atlas, spec.pieces)
    marks = find_marks(rest)
    on_top = soft  # the outermost surface so far
    for piece in (p for p in spec.pieces if p.loose and p.cut in TOPS + BOTTOMS):
        shell = Shell(
            f"cloth/{piece.cut}", "cloth", piece.cut, piece.thickness, 10, piece.ease, piece.ribbed,
            piece.pattern.folds, piece.pattern.seed,
        )  # fmt: skip
        layer = shell_layer(shell, on_top, normals, weights, atlas, _shell_cloth(catalogue, piece), marks)
        field = atlas.vertex_field(piece.cut)
        # Under wide hems one sees further up.
        hide |= field > 0.030 + 1.5 * piece.ease
        points = points - np.clip(field / 0.01, 0.0, 1.0)[:, None] * 0.002 * normals
        layers = [_without(inner, field > 0.030 + 1.5 * piece.ease) for inner in layers]
        if piece.cut in BOTTOMS:
            layers = [_inside(inner, layer) if inner.kind == "shoe" else inner for inner in layers]
        layers.append(layer)
        on_top = on_top.copy()
        assert layer.base_vertices is not None
        worn_here = field[layer.base_vertices] > 0.0
        on_top[layer.base_vertices[worn_here]] = layer.vertices[worn_here]
    for piece in (p for p in spec.pieces if p.cut in SKIRTS):
        layers.append(skirt_layer(piece, on_top, weights, atlas, marks))
        covered = under_skirt(piece.cut, rest[:SKIN_VERTICES], atlas.limb, marks)
        hide |= covered
        layers = [_without(inner, covered) for inner in layers]
    for piece in (p for p in spec.pieces if p.cut == "backpack"):
        straps = Shell("bag/straps", "bag", "straps", 0.006, 2)
        strap = replace(piece, cut="straps", color=darker(piece.color, 0.6))
        layers.append(shell_layer(straps, on_top, normals, weights, atlas, _shell_cloth(catalogue, strap)))
        back = (atlas.limb != ARM) & (atlas.template[:, 0] < atlas.marks.neck[0])
        layers.append(
            backpack_layer(piece, on_top[back], scipy.sparse.csr_matrix(weights[:SKIN_VERTICES][back]), marks)
        )
    skin = _skin_layer(points, weights, atlas, hide, _skin_material(catalogue, spec))
    layers.insert(0, skin)
    headwear = tuple((p, _shell_cloth(catalogue, p)) for p in spec.pieces if p.cut in HEADWEAR)
    head = head_layers(rest, normals, weights, spec, catalogue, headwear)
    layers += [_over_cloth(layer, on_top, normals, atlas) if layer.kind == "hair" else layer for layer in head]
    return tuple(layers)


def _over_cloth(hair: Layer, outer: np.ndarray, normals: np.ndarray, atlas: BodyAtlas) -> Layer:
    """Long hair lies on what is worn, not in it."""
    low = np.flatnonzero(hair.vertices[:, 1] < np.median(outer[atlas.shoulders, 1]) + 0.06)
    if not len(low):
        return hair
    trunk = np.flatnonzero(atlas.limb == TRUNK)
    distance, nearest = cKDTree(outer[trunk]).query(hair.vertices[low])
    place = trunk[nearest]
    height = np.einsum("nc,nc->n", hair.vertices[low] - outer[place], normals[place])
    lift = np.where(distance < 0.09, np.clip(0.007 - height, 0.0, 0.09), 0.0)
    vertices = hair.vertices.copy()
    vertices[low] += lift[:, None] * normals[place]
    return replace(hair, vertices=vertices)


def _inside(shoe: Layer, trousers: Layer) -> Layer:
    """A shoe whose shaft is moved inside trouser legs."""
    if trousers.vertices[:, 1].min() > shoe.vertices[:, 1].max():
        return shoe
    moved, below = tuck(shoe.vertices, Surface(trousers.vertices, trousers.smooth_faces))
    hidden = every_corner(below[shoe.render_to_welded], shoe.faces)
    return replace(shoe, vertices=moved, faces=shoe.faces.compress(~hidden, 0))


def _without(layer: Layer, covered: np.ndarray) -> Layer:
    """A layer cut from the body's surface without the faces that a garment over it covers; others as they are."""
    if layer.base_vertices is None:
        return layer
    hidden = every_corner(covered[layer.base_vertices][layer.render_to_welded], layer.faces)
    return replace(layer, faces=layer.faces.compress(~hidden, 0))


def _conceal_skin(skin, normals, atlas: BodyAtlas, garments, deleted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices to hide, where the others go, and the surface on top of the given garments.

    What the items themselves delete is hidden too, except next to an open edge: there one would look into the garment.
    """
    inner = np.zeros(len(skin), bool)
    edge = np.zeros(len(skin), bool)
    points, raised = skin.copy(), np.zeros(len(skin))
    for garment, reach, rim in garments:
        asked = near = _near(skin, garment.vertices, reach)
        gap, from_rim = np.full((2, len(skin)), np.inf)
        covered = np.zeros(len(skin), bool)
        for _ in range(2):  # moving in changes which cloth is nearest
            gap[asked], covered[asked], from_rim[asked] = cover(points[asked], normals[asked], garment, reach)
            pushed = push_in(points, normals, atlas.neighbours, gap, from_rim)
            asked, points = near & (pushed != points).any(1), pushed
        inner |= covered & (from_rim > rim)
        above = np.where(covered, gap - np.einsum("nc,nc->n", skin - points, normals), 0.0)
        raised = np.maximum(raised, np.clip(above, 0.0, COVER_REACH))
        edge |= covered & (from_rim < RIM_KEPT)
    hidden = inner | (deleted & ~edge)
    return hidden & ~in_collar(skin, hidden, atlas), points, skin + raised[:, None] * normals


def in_collar(skin: np.ndarray, hidden: np.ndarray, atlas: BodyAtlas) -> np.ndarray:
    """Hidden skin of the neck that comes out of a collar when the head turns; a folded collar's edge is no open one."""
    neck = np.flatnonzero(hidden & (atlas.limb == TRUNK) & (atlas.template[:, 1] > atlas.marks.shoulder[1]))
    shown = cKDTree(skin[~hidden], balanced_tree=False, compact_nodes=False)  # few questions are asked of it
    away = shown.query(skin[neck], distance_upper_bound=NECK_KEPT)[0]
    found = np.zeros(len(skin), bool)
    found[neck[np.isfinite(away)]] = True
    return found


def _near(skin: np.ndarray, shape: np.ndarray, reach: float) -> np.ndarray:
    low, high = shape.min(0) - reach, shape.max(0) + reach
    return ((skin > low) & (skin < high)).all(1)


def _skin_layer(points, weights, atlas: BodyAtlas, hide, material) -> Layer:
    """The visible skin and one ring of hidden faces beside it, which only smooth the normals."""
    visible = ~every_corner(hide, atlas.faces)
    touched = np.zeros(SKIN_VERTICES, bool)
    for column in atlas.faces.compress(visible, 0).T:
        touched[column] = True
    smooth_faces = atlas.faces.compress(any_corner(touched, atlas.faces), 0)
    kept, renumber = compact(smooth_faces, SKIN_VERTICES)
    render = atlas.render_faces.compress(visible, 0)
    render_kept, render_renumber = compact(render, len(atlas.render_to_welded))
    return Layer(
        key="skin",
        kind="skin",
        vertices=points[kept],
        weights=scipy.sparse.csr_matrix(weights[kept]),
        faces=render_renumber.take(render).astype(np.uint32),
        render_to_welded=renumber[atlas.render_to_welded[render_kept]],
        uv=atlas.uv[render_kept],
        smooth_faces=renumber.take(smooth_faces),
        material=material,
        base_vertices=kept,
    )


def _shell_cloth(catalogue: Catalogue, piece: Piece) -> Material:
    return cloth_material(
        piece.pattern, finished(catalogue.atlas.shell_picture(piece)), repeats=(20.0, 20.0), cutout=True
    )


def _cloth(catalogue: Catalogue, item: Item, spec: WardrobeSpec) -> Material:
    if item.category == "shoes":
        return Material(
            texture=_dyed(catalogue, item.name, ((None, spec.shoe_dye, Pattern()),)),
            roughness=0.6,
            specular=0.04,
            double_sided=True,
        )
    dyes = ((1, spec.top_dye, spec.top_pattern), (2, spec.bottom_dye, spec.bottom_pattern))
    return Material(
        texture=_dyed(catalogue, item.name, dyes), roughness=0.9, cutout=catalogue.cutout(item.name), double_sided=True
    )


def _dyed(catalogue: Catalogue, name: str, dyes: tuple[tuple[int | None, Dye, Pattern], ...]) -> np.ndarray:
    """An item's picture in a subject's colours; nobody else wears them, so only the undyed one is worth keeping."""
    picture = catalogue.picture(name, channels=4 if catalogue.cutout(name) else 3)
    for region, how, pattern in dyes:
        if how == Dye():
            continue
        mask = np.ones(picture.shape[:2], bool) if region is None else catalogue.regions(name) == region
        if pattern.kind == "plain":
            picture = dye(picture, mask, how)
        else:
            # The item's own picture has folds and seams: the pattern brings colours only.
            flat = replace(pattern, folds=0.0)
            where, has_place = catalogue.cloth_at(name)
            mask = mask & has_place
            colors = paint_cloth(how.color, flat, where.at(mask[has_place]), catalogue.atlas.marks)
            picture = dye(picture, mask, how, colors)
    return finished(picture)


def _skin_material(catalogue: Catalogue, spec: WardrobeSpec) -> Material:
    covers = any(not p.loose and p.cut in TOPS for p in spec.pieces)
    return skin_material(_skin_picture(catalogue, spec), spec.skin_roughness, spec.skin_specular, half_cloth=covers)


def _skin_picture(catalogue: Catalogue, spec: WardrobeSpec) -> np.ndarray:
    """A subject's skin with the tight pieces painted on."""
    tight = tuple(p for p in spec.pieces if not p.loose and p.cut in TOPS + BOTTOMS + tuple(SOCKS))
    if not any(p.cut in BOTTOMS for p in tight):
        tight = (_UNDERWEAR, *tight)
    if spec.skin:
        picture = toned(catalogue.skin(spec.skin), catalogue.skin_tone(spec.skin), spec.skin_color)
        picture = resize(picture, ATLAS_SIZE)
    else:
        picture = catalogue.atlas.plain_skin(spec.skin_color, darker(spec.hair_color, 0.6))
    for piece in tight:
        picture = catalogue.atlas.paint(picture, piece)
    return finished(picture)
