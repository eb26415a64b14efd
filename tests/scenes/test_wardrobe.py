"""Wardrobe: the whitelist, drawing, dressing, what clothes hide."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse
from scipy.spatial import cKDTree

from biomech.errors import AssetError
from scenes.atlas import BOTTOMS, TOPS, Piece
from scenes.catalogue import Catalogue, whitelist
from scenes.conceal import MARGIN, Surface, cover, push_in, tuck
from scenes.dress import NECK_KEPT, dress, in_collar
from scenes.fabric import TRUNK
from scenes.items import fit, transfer_weights
from scenes.layers import KINDS, SKIN_VERTICES, vertex_normals
from scenes.subject import build_subject
from scenes.textures import Dye, TextureCache, dye, rasterise, repaint
from scenes.wardrobe import WardrobeConfig, draw_wardrobe
from tests.scenes.people import PLAIN

PERSON = ("f", 40.0, (0.2, 0.3, 0.5))


@pytest.fixture(scope="module")
def minimal(body):
    return Catalogue(None, body)


@pytest.fixture(scope="module")
def full(assets, body):
    if not (assets / "makehuman" / "catalogue.json").is_file():
        pytest.skip(f"no wardrobe in {assets}; run 'synthgen assets install wardrobe'")
    return Catalogue(assets / "makehuman", body)


@pytest.fixture(scope="module")
def subject(body):
    return build_subject(body, PLAIN)


@pytest.fixture(scope="module")
def woman(body):
    return build_subject(body, dataclasses.replace(PLAIN, sex="f", stature=1.63, weight=0.8))


def _spec(catalogue, seed=0, sex="m", **changes):
    drawn = draw_wardrobe(WardrobeConfig(), catalogue, np.random.default_rng(seed), sex, 30.0, (0, 0, 1))
    return dataclasses.replace(drawn, hat="", **changes)


# --- the whitelist -------------------------------------------------------------------------------------------------


def test_the_neck_goes_on_into_a_collar_and_nothing_else_comes_out_of_hiding(minimal, subject):
    atlas, skin = minimal.atlas, subject.vertices[:SKIN_VERTICES]
    shoulder, height = atlas.marks.shoulder[1], atlas.template[:, 1]
    hidden = height < shoulder + 0.06  # a collar up to here, and all that is below it
    hidden &= ~((height < shoulder - 0.2) & (height > shoulder - 0.3))  # a gap at the belly
    kept = in_collar(skin, hidden, atlas)
    assert kept.sum() > 50 and not (kept & ~hidden).any()
    assert (height[kept] > shoulder).all() and (atlas.limb[kept] == TRUNK).all()
    away = cKDTree(skin[~hidden]).query(skin[hidden])[0]
    neck = (height > shoulder) & (atlas.limb == TRUNK)
    assert np.array_equal(kept[hidden], neck[hidden] & (away < NECK_KEPT))
    assert not in_collar(skin, np.zeros(SKIN_VERTICES, bool), atlas).any()
    assert not in_collar(skin, np.ones(SKIN_VERTICES, bool), atlas).any()


@pytest.mark.parametrize(("outfit", "collar"), [("male_casualsuit05", 0.02), ("male_casualsuit03", 0.05)])
def test_a_suit_leaves_no_hole_where_the_neck_enters_it(full, subject, outfit, collar):
    layers = dress(subject.vertices, subject.rig.weights, _spec(full, outfit=outfit, pieces=()), full)
    drawn = layers[0].base_vertices[layers[0].render_to_welded[layers[0].faces]]
    above = full.atlas.template[:, 1] > full.atlas.marks.shoulder[1] + collar
    assert np.isin(np.flatnonzero(above & (full.atlas.limb == TRUNK)), drawn).all()


def test_every_listed_item_has_a_cc0_record():
    for record in whitelist():
        assert record.licence == "CC0-1.0" and "makehuman-assets" in record.evidence, record.name


@pytest.mark.parametrize(
    "name", ["male_worksuit01", "shoes05", "HighPolyEyes", "Low-Poly", "Coat", "Full_beard", "Tank_Top_01"]
)
def test_items_without_a_cc0_record_are_not_listed(name):
    assert name not in {record.name for record in whitelist()}


def test_installed_items_are_exactly_the_whitelist(full):
    index = json.loads((full.folder / "catalogue.json").read_text())
    assert set(index["items"]) == {record.name for record in whitelist()}
    assert all(entry["licence"] == "CC0-1.0" for entry in index["items"].values())
    assert "brown" not in index["eyes"] and not any("suit" in skin for skin in index["skins"])


# --- drawing -------------------------------------------------------------------------------------------------------


def test_drawing_is_deterministic_and_varied(minimal):
    draw = lambda seed: draw_wardrobe(WardrobeConfig(), minimal, np.random.default_rng(seed), *PERSON)  # noqa: E731
    assert draw(3) == draw(3)
    assert len({draw(seed).pieces for seed in range(20)}) > 10


def test_a_spec_is_plain_data(minimal):
    spec = draw_wardrobe(WardrobeConfig(), minimal, np.random.default_rng(0), *PERSON)
    assert json.loads(json.dumps(dataclasses.asdict(spec)))["hair"] == spec.hair


def test_everyone_is_covered(minimal):
    for seed in range(200):
        for sex, age in (("f", 30.0), ("f", 9.0), ("m", 9.0), ("f", 17.0), ("m", 17.0), ("m", 50.0)):
            spec = draw_wardrobe(WardrobeConfig(), minimal, np.random.default_rng(seed), sex, age, (1, 1, 1))
            cuts = {piece.cut for piece in spec.pieces}
            assert cuts & set(BOTTOMS) and cuts & set(TOPS)
            if age < 18:
                assert not cuts & {"briefs", "racer", "openback", "crop", "longcrop", "bikini", "halter", "lowback"}


def test_the_old_are_greyer(full):
    def brightness(age):
        rngs = [np.random.default_rng(seed) for seed in range(60)]
        drawn = [draw_wardrobe(WardrobeConfig(), full, rng, "m", age, (0, 1, 0)) for rng in rngs]
        return np.mean([sum(spec.hair_color) for spec in drawn])

    assert brightness(80.0) > brightness(25.0) + 0.8


def test_clothes_and_skin_match_sex_age_and_ancestry(full):
    for seed in range(60):
        spec = draw_wardrobe(WardrobeConfig(), full, np.random.default_rng(seed), "f", 80.0, (1, 0, 0))
        assert not spec.outfit.startswith("male") and spec.skin == "old_african_female"


# --- dressing ------------------------------------------------------------------------------------------------------


def _check(layers, bones):
    assert len({layer.key for layer in layers}) == len(layers)
    for layer in layers:
        assert layer.kind in KINDS
        assert layer.vertices.shape[1] == 3 and np.isfinite(layer.vertices).all()
        assert layer.weights.shape == (len(layer.vertices), bones)
        np.testing.assert_allclose(np.asarray(layer.weights.sum(1)).ravel(), 1.0, atol=1e-5)
        assert layer.faces.max() < len(layer.render_to_welded) == len(layer.uv)
        assert layer.render_to_welded.min() >= 0 and layer.render_to_welded.max() < len(layer.vertices)
        assert layer.smooth_faces.min() >= 0 and layer.smooth_faces.max() < len(layer.vertices)


def test_minimal_person_is_dressed(minimal, subject):
    layers = dress(subject.vertices, subject.rig.weights, _spec(minimal), minimal)
    _check(layers, subject.rig.weights.shape[1])
    assert {"skin", "eye", "hair"} <= {layer.kind for layer in layers}


@pytest.mark.parametrize("seed", range(6))
def test_full_person_is_dressed(full, subject, woman, seed):
    person, sex = ((subject, "m"), (woman, "f"))[seed % 2]
    _check(dress(person.vertices, person.rig.weights, _spec(full, seed, sex), full), person.rig.weights.shape[1])


def test_dressing_twice_gives_the_same_bytes(full, subject):
    spec = _spec(full, 4)
    for a, b in zip(
        dress(subject.vertices, subject.rig.weights, spec, full),
        dress(subject.vertices, subject.rig.weights, spec, Catalogue(full.folder, full.topology)),
        strict=True,
    ):
        assert a.vertices.tobytes() == b.vertices.tobytes() and a.weights.data.tobytes() == b.weights.data.tobytes()
        assert a.material.texture.tobytes() == b.material.texture.tobytes()


@pytest.mark.parametrize("category", ["clothes", "shoes"])
def test_garments_lie_on_the_body(full, subject, woman, category):
    for name in full.names(category):
        person = woman if name.startswith("female") else subject
        points = fit(full.item(name), person.vertices)
        distance = cKDTree(person.vertices[:SKIN_VERTICES]).query(points)[0]
        # Cloth rests on skin: most within 3 cm, and nothing further off than a skirt's or a jacket's fold.
        assert np.median(distance) < 0.027, name
        assert distance.max() < (0.30 if name == "female_elegantsuit01" else 0.10), name


def test_garments_follow_the_bones_of_the_skin_below(full, subject):
    item = full.item("male_casualsuit04")
    weights = transfer_weights(item, subject.rig.weights)
    nearest = cKDTree(subject.vertices[:SKIN_VERTICES]).query(fit(item, subject.vertices))[1]
    difference = np.abs((weights - subject.rig.weights[nearest]).toarray()).sum(1)
    assert np.median(difference) < 0.15


@pytest.mark.parametrize(
    "name",
    ["male_casualsuit04", "male_casualsuit06", "female_casualsuit01", "female_casualsuit02", "female_sportsuit01"],
)
def test_no_skin_through_cloth_at_rest(full, subject, woman, name):
    person, sex = (woman, "f") if name.startswith("female") else (subject, "m")
    bare = _spec(full, 1, sex, outfit="", shoes="", pieces=())
    skin_before = dress(person.vertices, person.rig.weights, bare, full)[0]
    layers = dress(person.vertices, person.rig.weights, dataclasses.replace(bare, outfit=name), full)
    skin, cloth = layers[0], next(layer for layer in layers if layer.kind == "cloth")

    def pierced(layer):
        shown = np.unique(layer.render_to_welded[layer.faces])
        normals = vertex_normals(layer.vertices, layer.smooth_faces)
        gap, covered, rim = cover(layer.vertices[shown], normals[shown], Surface(cloth.vertices, cloth.smooth_faces))
        return int((covered & (gap < -0.002) & (rim > 0.005)).sum())

    if name in ("female_casualsuit01", "female_casualsuit02", "female_sportsuit01"):
        assert pierced(skin_before) > 50  # without care, skin does come through
    assert pierced(skin) <= 0.02 * pierced(skin_before) + 3


@pytest.mark.parametrize("shoes", ["shoes01", "shoes03", "shoes06"])
def test_shoes_and_socks_do_not_come_through_trousers(full, subject, shoes):
    worn = _spec(full, 1, outfit="male_casualsuit02", shoes=shoes, pieces=())
    layers = dress(subject.vertices, subject.rig.weights, worn, full)
    shoe = next(layer for layer in layers if layer.kind == "shoe")
    cloth = next(layer for layer in layers if layer.kind == "cloth")

    def outside(points):
        moved, _ = tuck(points, Surface(cloth.vertices, cloth.smooth_faces))
        return (np.linalg.norm(moved - points, axis=1) > MARGIN + 0.002).mean()

    assert outside(fit(full.item(shoes), subject.vertices)) > 0.01  # without care they do
    assert outside(shoe.vertices) < 0.01


# --- parts ---------------------------------------------------------------------------------------------------------


def _grid(n, height):
    x, z = np.meshgrid(np.linspace(0, 0.2, n), np.linspace(0, 0.2, n), indexing="ij")
    vertices = np.stack([x.ravel(), np.full(n * n, height), z.ravel()], 1)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    lower = np.stack([corner, corner + 1, corner + n], 1)
    upper = np.stack([corner + 1, corner + n + 1, corner + n], 1)
    return vertices, np.concatenate([lower, upper])


def test_skin_above_cloth_is_pushed_below_it():
    skin, faces = _grid(21, 0.0)
    cloth, cloth_faces = _grid(21, -0.004)
    normals = np.tile([0.0, 1.0, 0.0], (len(skin), 1))
    gap, covered, rim = cover(skin, normals, Surface(cloth, cloth_faces))
    assert covered.all() and np.allclose(gap, -0.004)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    neighbours = scipy.sparse.csr_matrix((np.ones(len(edges)), edges.T), shape=(len(skin),) * 2)
    neighbours = scipy.sparse.diags_array(1 / np.maximum(np.asarray(neighbours.sum(1)).ravel(), 1)) @ neighbours
    moved = push_in(skin, normals, neighbours, gap, rim)
    assert (moved[:, 1] < -0.004).all()
    assert np.allclose(moved[rim > 0.03, 1], -0.004 - MARGIN)


def test_open_edges_are_the_rim():
    flat = Surface(*_grid(5, 0.0))
    assert set(flat.open_edges.tolist()) == {i for i in range(25) if i % 5 in (0, 4) or i // 5 in (0, 4)}


def test_rasterise_interpolates_and_marks_what_is_covered():
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    values, covered = rasterise(uv, np.array([[0, 1, 2], [0, 2, 3]]), uv, 16)
    assert covered.all()
    centres = (np.arange(16) + 0.5) / 16
    np.testing.assert_allclose(values[..., 0], np.tile(centres, (16, 1)), atol=1e-5)
    np.testing.assert_allclose(values[:, 0, 1], centres[::-1], atol=1e-5)  # first row at v = 1


def test_dye_gives_the_colour_keeps_the_relief_and_leaves_the_rest():
    rng = np.random.default_rng(0)
    picture = np.tile(rng.integers(80, 140, (32, 32, 1)), (1, 1, 3)).astype(np.uint8)
    mask = np.zeros((32, 32), bool)
    mask[:16] = True
    red = dye(picture, mask, Dye(color=(0.5, 0.1, 0.1), strength=1.0))
    assert np.array_equal(red[16:], picture[16:])
    assert abs(red[:16, :, 0].mean() / 255 - 0.5) < 0.03 and abs(red[:16, :, 1].mean() / 255 - 0.1) < 0.03
    assert np.corrcoef(red[:16, :, 0].ravel(), picture[:16, :, 0].ravel())[0, 1] > 0.99


def test_repaint_removes_a_print_and_nothing_outside_the_box():
    rng = np.random.default_rng(0)
    cloth = np.clip(rng.normal([40, 80, 160], 4, (128, 128, 3)), 0, 255).astype(np.uint8)
    printed = cloth.copy()
    printed[50:70, 40:60] = (250, 120, 20)
    clean = repaint(printed, (0.25, 0.3, 0.55, 0.65))
    assert np.abs(clean[50:70, 40:60].astype(float).mean((0, 1)) - [40, 80, 160]).max() < 4
    outside = np.ones((128, 128), bool)
    outside[38:83, 32:70] = False
    assert np.array_equal(clean[outside], printed[outside])


def test_texture_cache_keeps_its_budget():
    cache = TextureCache(budget=1000)
    made = []
    for key in "abcab":
        cache.get(key, lambda key=key: made.append(key) or np.zeros(450, np.uint8))
    assert cache.nbytes <= 1000
    assert made == ["a", "b", "c", "a", "b"]
    cache.get("b", lambda: pytest.fail("dropped too early"))


def test_missing_wardrobe_says_how_to_get_it(body, tmp_path):
    with pytest.raises(AssetError, match="synthgen assets install wardrobe.*minimal"):
        Catalogue(tmp_path, body)


def test_loose_and_tight_pieces(minimal, subject):
    for loose in (False, True):
        pieces = (Piece("shorts", (0.1,) * 3, (0.2,) * 3, loose), Piece("tee", (0.8,) * 3, (0.2,) * 3, loose))
        layers = dress(subject.vertices, subject.rig.weights, _spec(minimal, pieces=pieces), minimal)
        shells = [layer.key for layer in layers if layer.kind == "cloth"]
        assert shells == (["cloth/shorts", "cloth/tee"] if loose else [])


def test_tuck_moves_what_is_outside_to_the_inside():
    cloth, faces = _grid(21, 0.0)
    outside = np.array([[0.1, 0.01, 0.1], [0.1, -0.02, 0.1], [0.1, 0.2, 0.1]])
    up = np.sign(vertex_normals(cloth, faces)[0, 1])
    moved, below = tuck(outside * [1, up, 1], Surface(cloth, faces))
    np.testing.assert_allclose(moved[:, 1] * up, [-MARGIN, -0.02, 0.2], atol=1e-9)
    assert below.tolist() == [True, True, False]


def test_hair_under_a_hat_is_cut_at_the_brim(full, subject):
    bare = _spec(full, 1, hair="short02")
    hatted = dataclasses.replace(bare, hat="fedora", variant=full.pictures("fedora")[0])
    before = next(x for x in dress(subject.vertices, subject.rig.weights, bare, full) if x.kind == "hair")
    layers = dress(subject.vertices, subject.rig.weights, hatted, full)
    after = next(x for x in layers if x.kind == "hair")
    hat = next(x for x in layers if x.kind == "hat")
    assert len(after.faces) < len(before.faces)
    assert after.vertices[:, 1].max() < hat.vertices[:, 1].max() < before.vertices[:, 1].max() + 0.2
