"""Faces: a face at rest is the mesh, eyes turn about their centres, and every surface goes with the skin."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from biomech.errors import SynthgenError
from scenes.catalogue import Catalogue
from scenes.dress import dress
from scenes.expression import REST, Expression, draw_expression, express, posed_pupils, pupils
from scenes.face import EYES, eyeball
from scenes.face_units import displacement, face_units, movable_vertices
from scenes.person import make_person, posed_vertices
from scenes.rig import DRIVERS, skin_transforms
from scenes.subject import build_subject
from scenes.wardrobe import WardrobeConfig, draw_wardrobe
from tests.scenes.people import PLAIN

LAUGH = Expression("laugh", {"mouth_smile_left": 0.5, "mouth_smile_right": 0.5, "jaw_open": 0.3}, (0.3, -0.2))


@pytest.fixture(scope="module")
def person(body):
    subject = build_subject(body, PLAIN)
    catalogue = Catalogue(None, body)
    spec = draw_wardrobe(WardrobeConfig(), catalogue, np.random.default_rng(0), "m", 30, (0.2, 0.3, 0.5))
    return make_person("one", subject, dress(subject.vertices, subject.rig.weights, spec, catalogue))


def test_units_are_mirror_twins():
    units = face_units()
    assert len(units.names) == 51
    sides = {
        name.removesuffix("_left").removesuffix("_right") for name in units.names if name.endswith(("left", "right"))
    }
    for stem in sides:
        sums = []
        for side in ("left", "right"):
            k = units.names.index(f"{stem}_{side}")
            sums.append(
                units.moved[units.starts[k] : units.starts[k + 1]].sum(0) * ([1, 1, -1] if side == "left" else 1)
            )
        np.testing.assert_allclose(*sums, rtol=0.05, atol=0.05)


def test_a_face_at_rest_is_the_mesh(person):
    rest = person.subject.vertices
    assert express(rest, REST) is rest
    transforms = skin_transforms(person.subject.rig, person.subject.rig.rest_world_from_body)
    np.testing.assert_array_equal(posed_vertices(person, transforms), posed_vertices(person, transforms, REST))


def test_units_do_what_they_say(person):
    rest = person.subject.vertices
    lower_lip = movable_vertices()[np.argmax(np.abs(displacement({"jaw_open": 1.0}, rest)[movable_vertices(), 1]))]
    assert express(rest, Expression("x", {"jaw_open": 0.5}))[lower_lip, 1] < rest[lower_lip, 1] - 0.005
    left = displacement({"mouth_smile_left": 1.0}, rest)
    assert (left[:, 1] > 0.004).any() and rest[np.argmax(left[:, 1]), 2] < 0  # the person's left is -z
    with pytest.raises(SynthgenError, match="no face unit 'grin'"):
        displacement({"grin": 1.0}, rest)


def test_pupils_lie_on_the_eyeball_and_follow_the_gaze(person):
    rest = person.subject.vertices
    for gaze in ((0.0, 0.0), (0.4, 0.0), (0.0, 0.25), (-0.3, -0.2)):
        look = Expression("x", {}, gaze)
        for side, pupil in pupils(rest, look).items():
            centre, radius = eyeball(rest, side)
            direction = (pupil - centre) / radius
            assert np.linalg.norm(direction) == pytest.approx(1.0)
            assert np.arctan2(-direction[2], direction[0]) == pytest.approx(gaze[0], abs=1e-9)  # + to the left
            assert np.arcsin(direction[1]) == pytest.approx(gaze[1], abs=1e-9)  # + up


def test_the_drawn_eye_ends_at_the_pupil(person):
    """The foremost vertex of the drawn eyeball, the middle of its picture, is the labelled pupil in any pose."""
    subject = person.subject
    turned = np.eye(4)
    turned[:3, :3] = Rotation.from_euler("xyz", [0.4, -1.2, 2.0]).as_matrix()
    transforms = skin_transforms(subject.rig, turned @ subject.rig.rest_world_from_body)
    posed = posed_vertices(person, transforms, LAUGH)
    layer = next(k for k, layer in enumerate(person.layers) if layer.kind == "eye")
    middle = np.flatnonzero((person.layers[layer].uv == 0.5).all(1))
    drawn = posed[person.starts[layer] + person.layers[layer].render_to_welded[middle]]
    labelled = posed_pupils(subject.vertices, LAUGH, transforms[DRIVERS.index("skull")])
    np.testing.assert_allclose(drawn, [labelled[side] for side in EYES], atol=1e-6)


def test_skin_and_mouth_move_as_the_mesh_does_and_clothes_stay(person):
    subject = person.subject
    transforms = skin_transforms(subject.rig, subject.rig.rest_world_from_body)
    moved = posed_vertices(person, transforms, LAUGH) - posed_vertices(person, transforms)
    expected = express(subject.vertices, LAUGH) - subject.vertices
    kinds = set()
    for layer, start in zip(person.layers, person.starts[:-1], strict=True):
        mine = moved[start : start + len(layer.vertices)]
        if layer.kind in ("skin", "mouth"):
            np.testing.assert_allclose(mine, expected[layer.base_vertices], atol=1e-6)
            assert np.abs(mine).max() > 0.002
        elif layer.kind in ("cloth", "shoe", "hat", "bag"):
            assert np.abs(mine).max() < 1e-9
        kinds.add(layer.kind)
    assert {"skin", "mouth", "eye"} <= kinds


def test_the_draw_is_pure_varied_and_within_reach():
    draws = [draw_expression(np.random.default_rng(n), 0.6) for n in range(400)]
    assert draws[:50] == [draw_expression(np.random.default_rng(n), 0.6) for n in range(50)]
    rest = np.mean([d.name == "rest" for d in draws])
    assert 0.32 < rest < 0.48 and len({d.name for d in draws}) >= 9
    assert {d.name for d in (draw_expression(np.random.default_rng(n), 0.0) for n in range(30))} == {"rest"}
    assert max(abs(d.gaze[0]) for d in draws) <= 0.5 and max(abs(d.gaze[1]) for d in draws) <= 0.3
    assert set().union(*(d.units for d in draws)) <= set(face_units().names)
