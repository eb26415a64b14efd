"""Objects: right sizes, sound surfaces, the same every time."""

import csv
from importlib.resources import files

import numpy as np
import pytest

from scenes.objects import KINDS, VARIANTS, UnknownObjectError, make, parts_of, probes_of, seat_solid, shapes
from scenes.objects.furniture import SEATS
from scenes.seat_object import SEAT_ID, build_seat_object, draw_seat_object

SIZES = {row["kind"]: row for row in csv.DictReader((files("scenes") / "data" / "objects.csv").open(encoding="utf-8"))}


def test_every_kind_has_its_size_in_the_table():
    assert set(SIZES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_keep_to_the_table(kind):
    for variant in range(VARIANTS):
        longest = float(make(kind, variant).size.max())
        assert float(SIZES[kind]["least_m"]) <= longest <= float(SIZES[kind]["most_m"])


@pytest.mark.parametrize("kind", KINDS)
def test_surfaces_are_sound(kind):
    """Indices in range, unit normals, and faces wound so that they look where their normals point."""
    solid = make(kind, 1)
    for group in solid.groups:
        assert group.faces.max() < len(group.vertices) == len(group.normals) == len(group.uv)
        assert np.isfinite(group.vertices).all() and np.isfinite(group.uv).all()
        assert np.allclose(np.linalg.norm(group.normals, axis=1), 1, atol=1e-3)
        corners = group.vertices[group.faces].astype(float)
        facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        wide = np.linalg.norm(facing, axis=1) > 1e-9
        toward = (facing * group.normals[group.faces].mean(1)).sum(1)
        if not group.material.double_sided:
            assert (toward[wide] > 0).all()


def test_the_same_pair_is_the_same_object_to_the_byte():
    first = make("bicycle", 2)
    make.cache_clear()
    again = make("bicycle", 2)
    assert first is not again
    for a, b in zip(first.groups, again.groups, strict=True):
        assert a.vertices.tobytes() == b.vertices.tobytes() and a.material.color == b.material.color
    assert make("bicycle", 2) is again


def test_variants_differ():
    bytes_of = {make("table", v).groups[0].vertices.tobytes() for v in range(VARIANTS)}
    assert len(bytes_of) > 2


def test_unknown_kinds_and_variants_say_what_is_known():
    with pytest.raises(UnknownObjectError, match="piano.*barbell"):
        make("piano", 0)
    with pytest.raises(UnknownObjectError, match=f"0 to {VARIANTS - 1}"):
        make("table", VARIANTS)
    with pytest.raises(UnknownObjectError, match="sofa.*stool"):
        seat_solid("sofa", 0.4, 0.4, 0.4, 0)


def test_parts_keep_their_key_and_carry_the_id():
    place = np.eye(4)
    place[:3, 3] = 1.0, 0.5, -2.0
    here, there = parts_of(make("chair", 0), np.eye(4), 203), parts_of(make("chair", 0), place, 203)
    assert [p.key for p in here] == [p.key for p in there] and len({p.key for p in here}) == len(here)
    for a, b in zip(here, there, strict=True):
        assert a.instance_id == 203 and (a.part_id == 0).all() and a.faces is b.faces
        assert np.allclose(b.vertices - a.vertices, [1.0, 0.5, -2.0], atol=1e-6)
    assert {p.key for p in parts_of(make("chair", 0), place, 204)}.isdisjoint(p.key for p in here)


def test_probes_cover_thin_bars_as_well_as_discs():
    for variant in range(VARIANTS):
        probes = probes_of(make("barbell", variant))
        along = np.sort(probes[np.abs(probes[:, 2]) < 0.6, 2])
        assert np.diff(along).max() < 0.12 and len(probes) <= 200


@pytest.mark.parametrize(
    "piece, volume",
    [
        (shapes.box((0.4, 0.2, 0.3), 0.001), 0.024),
        (shapes.cylinder(0.1, 0.5, 0.001, 64), 0.01571),
        (shapes.ball(0.2, 64, 48), 0.03351),
        (shapes.tube([(0, 0, 0), (0, 0.5, 0), (0.01, 1.0, 0)], 0.05, 32), 0.007854),
        (shapes.ring(0.5, 0.05, 64, 24), 0.02467),
        (shapes.plate([(-0.2, -0.1), (0.2, -0.1), (0.2, 0.1), (-0.2, 0.1)], 0.01), 0.0008),
    ],
)
def test_shapes_enclose_their_volume(piece, volume):
    """The divergence theorem: holes or faces wound wrongly would change the sum."""
    a, b, c = (piece[0][piece[2][:, k]] for k in range(3))
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 == pytest.approx(volume, rel=0.04)


@pytest.mark.parametrize("kind", SEATS)
@pytest.mark.parametrize("height", [0.18, 0.437, 0.66])
def test_a_seat_meets_the_box_it_stands_for(kind, height):
    """Its top lies at the height all over the box's top, nothing of it sticks out over that, and it stands on y = 0."""
    depth, width, x, z, yaw = 0.41, 0.47, 0.3, -0.2, 0.7
    parts = build_seat_object(kind, height, depth, width, x, z, yaw)
    c, s = np.cos(yaw), np.sin(yaw)
    local = np.concatenate([p.vertices for p in parts]) - [x, 0, z]
    local = local @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]).T
    over = (np.abs(local[:, 0]) < depth / 2) & (np.abs(local[:, 2]) < width / 2)
    assert local[over, 1].max() == pytest.approx(height, abs=2e-4)
    top = over & (local[:, 1] > height - 1e-3)
    assert np.ptp(local[top, 0]) > 0.75 * depth and np.ptp(local[top, 2]) > 0.75 * width
    assert -0.004 <= local[:, 1].min() < 0.02
    assert {p.instance_id for p in parts} == {SEAT_ID}


def test_seats_drawn_suit_the_height():
    rng = np.random.default_rng(0)
    assert {draw_seat_object(rng, 0.7)[0] for _ in range(40)} == {"bar_stool", "stool", "bench"}
    assert "chair" not in {draw_seat_object(rng, 0.2)[0] for _ in range(40)}
