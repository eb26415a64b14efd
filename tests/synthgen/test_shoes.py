"""Toes and heels of people in shoes lie in their shoes or on them."""

import numpy as np
import pytest
import trimesh

from biomech.anatomy import COORDINATES
from synthgen.annotate import anchor_keypoints, keypoints_world
from synthgen.cast import Assets, put_in_pose
from synthgen.config import load_config
from synthgen.keypoints import spinetrack
from synthgen.shoes import INSIDE, enclosed, nearest_on, shod

FEET = [k for k, name in enumerate(spinetrack().names) if "toe" in name or "heel" in name]
SHOD = 15


@pytest.fixture(scope="module")
def walkers(assets):
    """People in shoes and (F, 3, 3) m, the corners of their shoes' faces at rest."""
    if not (assets / "makehuman" / "catalogue.json").is_file():
        pytest.skip(f"no wardrobe in {assets}; run 'synthgen assets install wardrobe'")
    config = load_config(None, ["poses=64", "seed=0"])
    opened, found = Assets(assets, config), []
    for number in range(4 * SHOD):
        cast = opened.cast(config, number)
        shoes = [layer for layer in cast.person.layers if layer.kind == "shoe"]
        if shoes:
            found.append((cast, shoes[0].vertices[shoes[0].smooth_faces]))
        if len(found) == SHOD:
            break
    opened.close()
    return found


def test_no_toe_or_heel_lies_outside_its_shoe(walkers):
    for cast, corners in walkers:
        subject = cast.person.subject
        points = keypoints_world(cast.anchors, subject.skeleton.rest_world_from_body, subject.vertices)
        for k in FEET:
            away = np.linalg.norm(nearest_on(points[k], corners) - points[k])
            assert enclosed(points[k], corners) > INSIDE or away < 1e-6, (cast.number, spinetrack().names[k], away)


def test_what_a_shoe_holds_stays_on_the_skin_and_the_rest_moves_by_millimetres(walkers):
    kept = moved = 0
    for cast, corners in walkers:
        subject = cast.person.subject
        bare = anchor_keypoints(subject, spinetrack())
        for k in FEET:
            skin = subject.vertices[bare.vertices[k]]
            if enclosed(skin, corners) > INSIDE:
                kept += 1
                assert cast.anchors.vertices[k] == bare.vertices[k]
            else:
                moved += 1
                assert np.linalg.norm(cast.anchors.locations[k] - bare.locations[k]) < 0.015
    assert kept > 20 and moved > 10  # else nothing was tried


def test_shoes_stay_on_feet_that_bend(walkers):
    """Tiptoe and heel down: what lay in a shoe or on it at rest still does, to 2 mm."""
    bent = np.zeros(len(COORDINATES))
    bent[[COORDINATES.index(f"ankle_angle_{side}") for side in "rl"]] = np.radians([-40.0, 20.0])
    for cast, _ in walkers:
        posed, person = put_in_pose(cast, bent, 0.0), cast.person
        start, shoe = next(pair for pair in zip(person.starts, person.layers, strict=True) if pair[1].kind == "shoe")
        corners = posed.vertices[start : start + len(shoe.vertices)][shoe.smooth_faces]
        for k in FEET:
            point = posed.keypoints[k]
            away = np.linalg.norm(nearest_on(point, corners) - point)
            assert enclosed(point, corners) > INSIDE or away < 0.002, (cast.number, spinetrack().names[k], away)


def test_bare_feet_stay_as_they_are(walkers):
    subject = walkers[0][0].person.subject
    bare = anchor_keypoints(subject, spinetrack())
    found = shod(bare, subject, [layer for layer in walkers[0][0].person.layers if layer.kind != "shoe"], spinetrack())
    np.testing.assert_array_equal(found.vertices, bare.vertices)
    np.testing.assert_array_equal(found.locations, bare.locations)


def test_a_box_with_an_open_lid_holds_what_lies_deep_in_it():
    box = trimesh.creation.box((2.0, 2.0, 2.0))
    corners = np.asarray(box.triangles)
    assert enclosed(np.array([0.3, -0.2, 0.9]), corners) == pytest.approx(1)
    assert enclosed(np.array([0.3, -0.2, 1.1]), corners) == pytest.approx(0, abs=1e-9)
    lidless = corners[corners[:, :, 2].min(1) < 0.5]
    assert enclosed(np.zeros(3), lidless) == pytest.approx(5 / 6)
    assert enclosed(np.array([0.0, 0.0, 1.5]), lidless) < INSIDE


def test_nearest_points_are_trimesh_s():
    rng = np.random.default_rng(0)
    ball = trimesh.creation.icosphere(subdivisions=1)
    for point in rng.normal(0, 1.5, (50, 3)):
        others = trimesh.triangles.closest_point(ball.triangles, np.tile(point, (len(ball.triangles), 1)))
        least = np.linalg.norm(others - point, axis=1).min()
        found = nearest_on(point, np.asarray(ball.triangles))
        assert np.linalg.norm(found - point) == pytest.approx(least, abs=1e-9)
        assert np.linalg.norm(nearest_on(found, np.asarray(ball.triangles)) - found) < 1e-9
