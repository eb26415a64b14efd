"""A dressed person: layers skinned together, heights, parts."""

import numpy as np
import pytest

from scenes.catalogue import Catalogue
from scenes.dress import dress
from scenes.layers import any_corner, compact, every_corner
from scenes.person import make_person, mesh_parts, part_of_driver, posed_vertices, skin_heights, smooth_normals
from scenes.rig import DRIVERS, PARTS, dominant_driver, skin_transforms
from scenes.subject import build_subject
from scenes.wardrobe import WardrobeConfig, draw_wardrobe
from tests.scenes.people import PLAIN


@pytest.fixture(scope="module")
def person(body):
    catalogue = Catalogue(None, body)
    subject = build_subject(body, PLAIN)
    spec = draw_wardrobe(WardrobeConfig(), catalogue, np.random.default_rng(1), "m", 30.0, (0.2, 0.2, 0.6))
    return make_person("one", subject, dress(subject.vertices, subject.rig.weights, spec, catalogue))


def test_rest_pose_draws_the_layers_as_they_are(person):
    still = skin_transforms(person.subject.rig, person.subject.rig.rest_world_from_body)
    posed = posed_vertices(person, still)
    np.testing.assert_allclose(posed, person.vertices, atol=1e-9)
    np.testing.assert_allclose(skin_heights(person, still), posed[:, 1], atol=1e-12)
    for part, layer in zip(mesh_parts(person, posed, 3), person.layers, strict=True):
        np.testing.assert_allclose(part.vertices, layer.vertices[layer.render_to_welded], atol=1e-6)
        assert part.instance_id == 3
        assert part.faces.max() < len(part.vertices)
        lengths = np.linalg.norm(part.normals[np.unique(part.faces)], axis=1)
        np.testing.assert_allclose(lengths, 1.0, atol=1e-3)


def test_normals_are_those_of_the_faces_around_by_area(person):
    corners = person.vertices[person.faces]
    of_faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.zeros_like(person.vertices)
    np.add.at(summed, person.faces, of_faces[:, None])
    summed /= np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    found = smooth_normals(person, person.vertices)
    assert found.dtype == np.float32
    clear = np.linalg.norm(found, axis=1) > 0.5
    assert np.quantile(np.linalg.norm(found - summed, axis=1)[clear], 0.999) < 1e-3
    np.testing.assert_array_equal(
        mesh_parts(person, person.vertices, 1, -found)[0].normals, -mesh_parts(person, person.vertices, 1)[0].normals
    )


def test_corners_of_faces_are_told_from_flags():
    rng = np.random.default_rng(0)
    flags, faces = rng.random(50) < 0.5, rng.integers(0, 50, (200, 3))
    np.testing.assert_array_equal(every_corner(flags, faces), flags[faces].all(1))
    np.testing.assert_array_equal(any_corner(flags, faces), flags[faces].any(1))
    kept, renumber = compact(faces[:9], 50)
    np.testing.assert_array_equal(kept, np.unique(faces[:9]))
    np.testing.assert_array_equal(kept[renumber[faces[:9]]], faces[:9])
    assert len(kept) < len(renumber) == 50 and (np.delete(renumber, kept) == -1).all()


def test_every_driver_has_a_part():
    parts = {name: PARTS[part_of_driver(name)] for name in DRIVERS}
    assert parts["T7"] == parts["sacrum"] == parts["clavicle_l"] == "trunk"
    assert parts["skull"] == parts["C3"] == "head"
    assert parts["hand_r"] == parts["finger3-2_r"] == "arm_r"
    assert parts["toes_l"] == parts["thigh_l"] == "leg_l"


def test_dominant_driver_is_the_largest_weight(person):
    dense = person.weights.toarray()
    chosen = dominant_driver(person.weights)
    np.testing.assert_allclose(dense[np.arange(len(dense)), chosen], dense.max(1))


def test_parts_are_where_they_belong(person):
    heights = person.vertices[:, 1]
    shares = heights[person.part_ids == PARTS.index("head")]
    assert shares.min() > np.quantile(heights, 0.4)
    right = person.vertices[person.part_ids == PARTS.index("arm_r"), 2]
    assert right.min() > 0
