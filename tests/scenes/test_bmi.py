"""Bodies of a given mass, and bodies that are not their own mirror image."""

from dataclasses import replace

import numpy as np
import pytest

from biomech.anatomy import BODIES, body_index
from biomech.kinematics import forward_kinematics
from biomech.model import build_model
from scenes.asymmetry import LIMBS, Asymmetry, draw_asymmetry, make_uneven
from scenes.rig import skin, skin_transforms
from scenes.subject import build_subject, solve_phenotype
from tests.scenes.people import PLAIN

PEOPLE = [
    (sex, age, stature, bmi)
    for sex, age, stature in (("m", 45, 1.76), ("f", 30, 1.63), ("f", 85, 1.56), ("m", 20, 1.60))
    for bmi in (16.0, 22.0, 31.0, 40.0)
] + [("m", 5, 1.10, 13.5), ("f", 5, 1.09, 20.0), ("f", 12, 1.51, 28.0), ("m", 16, 1.73, 35.0)]


@pytest.mark.parametrize("sex,age,stature,bmi", PEOPLE)
def test_mass_and_stature_are_met(body, sex, age, stature, bmi):
    subject = build_subject(body, replace(PLAIN, sex=sex, age=age, stature=stature, bmi=bmi))
    assert subject.stature == pytest.approx(stature, abs=0.002)
    assert subject.mass / subject.stature**2 == pytest.approx(bmi, abs=0.1)


def test_what_cannot_be_reached_is_as_near_as_the_body_allows(body):
    heavy = solve_phenotype(body, replace(PLAIN, sex="f", age=5, stature=1.09, bmi=45.0))
    light = solve_phenotype(body, replace(PLAIN, bmi=10.0))
    assert heavy.weight == 1.6 and light.weight == -0.1


def test_without_a_mass_the_weight_is_as_given(body):
    assert solve_phenotype(body, replace(PLAIN, weight=0.3)).weight == 0.3


@pytest.fixture(scope="module")
def uneven(body):
    spec = Asymmetry(0.06, 0.04, -0.05, 0.03, 0.012, {"mouth_left": 0.2, "brow_outer_up_right": 0.3})
    return build_subject(body, replace(PLAIN, bmi=24.0, asymmetry=spec))


def test_rest_is_the_identity_on_an_uneven_body(uneven):
    posed = skin(uneven.rig.weights, uneven.vertices, skin_transforms(uneven.rig, uneven.rig.rest_world_from_body))
    assert np.abs(posed - uneven.vertices).max() < 1e-6


def test_an_uneven_skeleton_is_the_one_given_to_opensim(uneven):
    """Zero coordinates: the trunk and both shoulders stand where they sit in the mesh."""
    model = build_model(uneven.geometry)
    frames = forward_kinematics(model, np.zeros((1, len(model.coordinates)))).world_from_body[0]
    rest = uneven.skeleton.rest_world_from_body
    rows = [*range(27), *(body_index(f"{name}_{side}") for name in ("clavicle", "humerus") for side in "rl")]
    expected = np.linalg.inv(rest[0]) @ rest[rows]
    np.testing.assert_allclose(frames[rows, :3, 3], expected[:, :3, 3], atol=1e-6)
    right, left = (frames[body_index(f"humerus_{side}"), 1, 3] for side in "rl")
    assert right - left == pytest.approx(0.012, abs=1e-3)


def test_girths_differ_as_asked(body, uneven):
    even = build_subject(body, replace(PLAIN, bmi=24.0))
    for limb, bones in LIMBS.items():
        girth = {}
        for side, suffix in (("r", "R"), ("l", "L")):
            share = np.asarray(body.weights[:, [body.bone(f"{b}.{suffix}") for b in bones]].sum(1)).ravel()
            inner = share > 0.999
            here = even.bone_heads[body.bone(f"{bones[0]}.{suffix}")]
            there = even.bone_heads[body.bone(f"{bones[1]}.{suffix}")]
            along = (there - here) / np.linalg.norm(there - here)

            def across(points, origin, along=along):
                offset = points - origin
                return np.linalg.norm(offset - (offset @ along)[:, None] * along, axis=1)

            grown = across(uneven.vertices[inner], uneven.bone_heads[body.bone(f"{bones[0]}.{suffix}")])
            girth[side] = np.median(grown / across(even.vertices[inner], here))
        assert np.log(girth["r"] / girth["l"]) == pytest.approx(getattr(uneven.spec.asymmetry, limb), abs=0.01)


def test_the_midline_stays_and_legs_keep_their_length(body, uneven):
    even = build_subject(body, replace(PLAIN, bmi=24.0))
    spine = [BODIES.index(name) for name in BODIES[:27]]
    moved = uneven.skeleton.rest_world_from_body[spine, :3, 3] - even.skeleton.rest_world_from_body[spine, :3, 3]
    assert np.abs(moved).max() < 1e-3
    for name in ("tibia_r", "tibia_l", "talus_r", "talus_l"):
        row = body_index(name)
        np.testing.assert_allclose(
            uneven.skeleton.rest_world_from_body[row], even.skeleton.rest_world_from_body[row], atol=1e-9
        )


def test_no_asymmetry_changes_nothing(body):
    vertices, heads = body.template.astype(float), body.bone_heads
    assert make_uneven(body, vertices, heads, Asymmetry())[0] is vertices


def test_draws_are_pure_small_and_switch_off():
    draws = [draw_asymmetry(np.random.default_rng(n)) for n in range(300)]
    assert draws == [draw_asymmetry(np.random.default_rng(n)) for n in range(300)]
    arms = np.array([d.upperarm for d in draws])
    assert 0.0 < arms.mean() < 0.02 and np.abs(arms).max() < 0.06
    assert draw_asymmetry(np.random.default_rng(1), 0.0) == Asymmetry()
