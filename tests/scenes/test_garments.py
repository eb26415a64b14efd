"""Garments made from the body's surface: cuts, hanging, skirts, bags, headwear, and the count of defects."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial import cKDTree

from scenes.atlas import Piece
from scenes.catalogue import Catalogue
from scenes.cuts import BOTTOMS, SPINE_BARE, TOPS, find_marks, inside
from scenes.drape import hung, tube_of
from scenes.dress import dress
from scenes.fabric import ARM, LEG, TRUNK, coordinates
from scenes.kit import draw_casual, draw_kit
from scenes.layers import SKIN_VERTICES, vertex_normals
from scenes.person import make_person, mesh_parts, posed_vertices
from scenes.prints import KINDS, Pattern, paint_cloth
from scenes.rig import DRIVERS, PARTS, skin
from scenes.skirts import skirt_reach
from scenes.subject import build_subject
from scenes.wardrobe import WardrobeConfig, draw_wardrobe
from tests.scenes.people import PLAIN

GREY = (0.4, 0.4, 0.4)


@pytest.fixture(scope="module")
def minimal(body):
    return Catalogue(None, body)


@pytest.fixture(scope="module")
def subject(body):
    return build_subject(body, PLAIN)


def _dressed(catalogue, subject, *pieces):
    spec = draw_wardrobe(WardrobeConfig(), catalogue, np.random.default_rng(1), "m", 30.0, (0, 0, 1))
    return dress(subject.vertices, subject.rig.weights, dataclasses.replace(spec, pieces=pieces, hair=""), catalogue)


def _layer(layers, key):
    return next(layer for layer in layers if layer.key == key)


# --- cuts ----------------------------------------------------------------------------------------------------------


def test_every_top_covers_the_chest_and_every_bottom_the_crotch(minimal):
    marks, points = minimal.atlas.marks, minimal.atlas.template
    chest = [marks.shoulder[0] + 0.12, marks.shoulder[1] - 0.17, 0.075]
    crotch = [marks.hip[0] + 0.05, marks.hip[1] - 0.075, 0.0]
    for place, cuts in ((chest, TOPS), (crotch, BOTTOMS)):
        nearest = points[np.linalg.norm(points - place, axis=1).argsort()[:8]]
        for cut in cuts:
            assert (inside(cut, marks, nearest) > 0).all(), cut


def test_longer_cuts_cover_more(minimal):
    area = {cut: int((minimal.atlas.vertex_field(cut) > 0).sum()) for cut in TOPS + BOTTOMS}
    for ladder in (
        ("briefs", "hotpants", "shorts", "bermuda", "capri", "tights", "trousers"),
        ("capsleeve", "tee", "elbow", "threequarter", "longsleeve", "turtleneck"),
    ):
        sizes = [area[cut] for cut in ladder]
        assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes), dict(zip(ladder, sizes, strict=True))


def test_bare_backs_show_the_spine(minimal):
    marks, points = minimal.atlas.marks, minimal.atlas.template
    behind = (np.abs(points[:, 2]) < 0.01) & (points[:, 0] < marks.neck[0] - 0.02)
    spine = behind & (points[:, 1] > marks.hip[1] + 0.12) & (points[:, 1] < marks.shoulder[1] - 0.04)
    bare = {cut: float((minimal.atlas.vertex_field(cut)[spine] < 0).mean()) for cut in TOPS}
    assert min(bare[cut] for cut in SPINE_BARE) > 0.15
    assert max(bare[cut] for cut in TOPS if cut not in SPINE_BARE + ("tank",)) < 0.12


def test_unknown_cuts_name_the_known(minimal):
    with pytest.raises(ValueError, match="cape.*hoodie.*trousers.*beanie"):
        inside("cape", minimal.atlas.marks, np.zeros((1, 3)))


# --- cloth ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS[1:])
def test_every_pattern_shows_and_is_repeatable(minimal, kind):
    marks = minimal.atlas.marks
    trunk = minimal.atlas.vertex_field("longsleeve") > 0
    where = coordinates(marks, minimal.atlas.template[trunk])
    pattern = Pattern(kind, (0.9, 0.2, 0.1), (0.1, 0.8, 0.2), 0.04, 12, folds=0.0)
    painted = paint_cloth(GREY, pattern, where, marks)
    plain = paint_cloth(GREY, Pattern(folds=0.0), where, marks)
    assert painted.shape == plain.shape and 0 <= painted.min() and painted.max() <= 1
    assert (np.abs(painted - plain).max(1) > 0.05).mean() > 0.005
    assert np.array_equal(painted, paint_cloth(GREY, pattern, where, marks))


def test_no_seam_of_the_coordinates_runs_down_the_back(minimal):
    marks = minimal.atlas.marks
    heights = np.linspace(marks.hip[1], marks.shoulder[1], 40)
    left, right = (
        coordinates(marks, np.stack([np.full(40, marks.neck[0] - 0.1), heights, np.full(40, z)], 1))
        for z in (-1e-4, 1e-4)
    )
    np.testing.assert_allclose(left.around, right.around, atol=1e-3)


def test_deeper_folds_are_darker_and_brighter(minimal):
    where = coordinates(minimal.atlas.marks, minimal.atlas.template)
    spread = [
        paint_cloth(GREY, Pattern(folds=depth, seed=3), where, minimal.atlas.marks).std() for depth in (0.0, 0.5, 1.0)
    ]
    assert spread[0] < spread[1] < spread[2]


# --- hanging -------------------------------------------------------------------------------------------------------


def test_cloth_hangs_from_what_stands_out():
    angle = np.tile(np.linspace(-3.1, 3.1, 60), 20)
    row = np.repeat(np.arange(20), 60)
    radius = np.where(row < 5, 0.15, 0.08)
    tube = hung(tube_of(radius, angle, row + 0.5), 0.1)
    assert tube.min(0).max() > 0.08 and (tube[10] > 0.12).all()  # the hollow is spanned
    assert (np.diff(tube, axis=0) > -0.1 * 0.02 - 1e-9).all()


@pytest.mark.parametrize(("cut", "ease"), [("tee", 0.0), ("tee", 0.03), ("hoodie", 0.04), ("trousers", 0.03)])
def test_shells_stand_off_the_skin(minimal, subject, cut, ease):
    pieces = (Piece(cut, GREY, GREY, True, 0.01, ease=ease, ribbed=cut == "hoodie", pattern=Pattern(folds=1.0)),)
    shell = _layer(_dressed(minimal, subject, *pieces), f"cloth/{cut}")
    body = subject.vertices[:SKIN_VERTICES]
    normals = vertex_normals(body, minimal.atlas.faces)
    own = shell.base_vertices[minimal.atlas.vertex_field(cut)[shell.base_vertices] > 0.01]
    place = np.searchsorted(shell.base_vertices, own)
    height = np.einsum("nc,nc->n", shell.vertices[place] - body[own], normals[own])
    assert (height > 0).mean() > 0.985
    trunk_or_leg = minimal.atlas.limb[own] != ARM
    away = cKDTree(body).query(shell.vertices[place[trunk_or_leg]])[0]
    assert away.mean() > 0.009 + 0.4 * ease


def test_a_skirt_goes_round_both_legs(minimal, subject):
    skirt = _layer(_dressed(minimal, subject, Piece("skirt", GREY, GREY, True, 0.01, ease=0.1)), "cloth/skirt")
    marks = find_marks(subject.vertices)
    hem, waist = skirt_reach("skirt", marks)
    body = subject.vertices[:SKIN_VERTICES]
    below = (minimal.atlas.limb != ARM) & (body[:, 1] > hem + 0.03) & (body[:, 1] < waist - 0.03)
    outward = vertex_normals(skirt.vertices, skirt.smooth_faces)
    nearest = cKDTree(skirt.vertices).query(body[below])[1]
    depth = np.einsum("nc,nc->n", skirt.vertices[nearest] - body[below], outward[nearest])
    assert depth.min() > 0.0


def test_a_skirt_follows_both_legs_and_the_trunk(minimal, subject):
    skirt = _layer(_dressed(minimal, subject, Piece("mini", GREY, GREY, True, 0.01, ease=0.1)), "cloth/mini")
    weights = skirt.weights.toarray()
    np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-9)
    legs = {side: weights[:, [i for i, n in enumerate(DRIVERS) if n.endswith("_" + side)]].sum(1) for side in "rl"}
    low = skirt.vertices[:, 1] < np.quantile(skirt.vertices[:, 1], 0.2)
    far = np.abs(skirt.vertices[:, 2]) > 0.12
    right = skirt.vertices[:, 2] > 0
    assert legs["r"][low & far & right].min() > 0.8 and legs["l"][low & far & ~right].min() > 0.8
    high = skirt.vertices[:, 1] >= np.quantile(skirt.vertices[:, 1], 0.95)
    assert (legs["r"] + legs["l"])[high].max() < 0.6


# --- bags and headwear ---------------------------------------------------------------------------------------------


def test_a_backpack_hangs_behind_the_spine_and_belongs_to_the_trunk(minimal, subject):
    bag = Piece("backpack", GREY, GREY, True, 0.8, ease=0.18)
    layers = _dressed(minimal, subject, Piece("tee", GREY, GREY, True, 0.012), bag)
    person = make_person("p", subject, layers)
    keys = [layer.key for layer in layers]
    for key, least in (("bag/backpack", 1.0), ("bag/straps", 0.6)):
        start, stop = person.starts[keys.index(key)], person.starts[keys.index(key) + 1]
        assert (person.part_ids[start:stop] == PARTS.index("trunk")).mean() >= least
    box = _layer(layers, "bag/backpack").vertices
    tips = subject.column.spinous_tips
    level = (tips[:, 1] > box[:, 1].min() + 0.05) & (tips[:, 1] < box[:, 1].max() - 0.05)
    assert level.sum() >= 8 and box[:, 0].min() < tips[level, 0].min() - 0.10


@pytest.mark.parametrize("cut", ["beanie", "cap", "headband"])
def test_headwear_covers_the_crown_and_leaves_the_face(minimal, subject, cut):
    layers = _dressed(minimal, subject, Piece(cut, GREY, GREY, True))
    hat = _layer(layers, f"hat/{cut}")
    assert (hat.vertices[:, 1].max() > subject.vertices[:SKIN_VERTICES, 1].max()) == (cut != "headband")
    assert hat.vertices[:, 1].min() > subject.eyes["left"][1] - 0.06
    assert ("hat/brim" in {layer.key for layer in layers}) == (cut == "cap")


# --- laws ----------------------------------------------------------------------------------------------------------


def test_skinned_rest_is_rest(minimal, subject):
    pieces = [Piece(cut, GREY, GREY, True, 0.01, ease=0.02) for cut in ("trousers", "hoodie", "midi", "cap")]
    layers = _dressed(minimal, subject, *pieces, Piece("backpack", GREY, GREY, True, 0.8, ease=0.18))
    still = np.broadcast_to(np.eye(4), (len(DRIVERS), 4, 4))
    for layer in layers:
        np.testing.assert_allclose(skin(layer.weights, layer.vertices, still), layer.vertices, atol=1e-9)


@pytest.mark.parametrize("draw", [draw_kit, draw_casual])
def test_children_are_covered(draw):
    shares = WardrobeConfig(bare_chest_share=1.0, swim_share=1.0)
    for seed in range(150):
        for sex in "mf":
            given = (shares, np.random.default_rng(seed), sex, 9.0)
            cuts = {piece.cut for piece in (draw(*given, False) if draw is draw_kit else draw(*given))}
            assert cuts & set(TOPS) and cuts & set(BOTTOMS)
            assert not cuts & {"briefs", "mini", "bikini", "halter", *SPINE_BARE}


def test_wardrobes_are_varied(minimal):
    config = WardrobeConfig(backpack_share=0.3, headwear_share=0.3)
    seen, kinds = set(), set()
    for seed in range(400):
        spec = draw_wardrobe(config, minimal, np.random.default_rng(seed), "mf"[seed % 2], 30.0, (1, 1, 1))
        seen |= {piece.cut for piece in spec.pieces}
        kinds |= {piece.pattern.kind for piece in spec.pieces}
    assert len(seen) >= 32 and kinds == set(KINDS)
    assert TRUNK != LEG


# --- defects -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def renderer():
    raster = pytest.importorskip("scenes.raster")
    opened = raster.PyrenderRenderer(192, 192)
    yield opened
    opened.close()


def test_skin_through_cloth_is_counted(minimal, subject, renderer):
    from scenes.garment_defects import camera_round, count_defects, under_cloth

    tee = Piece("tee", GREY, GREY, True, 0.012)
    person = make_person("good", subject, _dressed(minimal, subject, tee))
    index = next(i for i, layer in enumerate(person.layers) if layer.key == "cloth/tee")
    still = np.broadcast_to(np.eye(4), (len(DRIVERS), 4, 4))
    rest = posed_vertices(person, still)
    covered = under_cloth(person)
    camera = camera_round(rest, 0.2, 0.1, 192)
    (good,) = (d for d in count_defects(renderer, person, rest, camera, covered) if d.garment == "cloth/tee")
    assert good.cloth > 1000 and good.pierced == 0
    # Push the shirt 3 cm inside, with all of the skin there: now it must be seen.
    bare = make_person("bad", subject, (_dressed(minimal, subject)[0], *person.layers[1:]))
    covered = under_cloth(bare)
    start, stop = bare.starts[index], bare.starts[index + 1]
    pushed = posed_vertices(bare, still)
    normals = vertex_normals(pushed, bare.faces)
    pushed[start:stop] -= 0.03 * normals[start:stop]
    assert mesh_parts(bare, pushed, 1)
    (bad,) = (d for d in count_defects(renderer, bare, pushed, camera, covered) if d.garment == "cloth/tee")
    assert bad.pierced > 0.5 * bad.cloth
