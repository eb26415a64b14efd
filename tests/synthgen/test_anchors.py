"""Keypoints are fixed on a body where their definitions say."""

import numpy as np
import pytest

from biomech.anatomy import body_index
from scenes.body import BODY_VERTEX_COUNT
from scenes.subject import build_subject
from synthgen.annotate import REFERENCE_GIRTH, REFERENCE_STATURE, anchor_keypoints, keypoints_world
from synthgen.keypoints import spinetrack
from tests.scenes.people import PLAIN, random_spec


@pytest.fixture(scope="module")
def placed(body):
    """(subject, its anchors, its keypoints at rest by name), for five people."""
    rng = np.random.default_rng(3)
    found = []
    for spec in (PLAIN, *(random_spec(rng) for _ in range(4))):
        subject = build_subject(body, spec)
        anchors = anchor_keypoints(subject, spinetrack())
        points = keypoints_world(anchors, subject.skeleton.rest_world_from_body, subject.vertices)
        found.append((subject, anchors, dict(zip(spinetrack().names, points, strict=True))))
    return found


def test_the_shoulder_lies_above_its_joint_and_below_the_skin(placed):
    for subject, _, points in placed:
        for side in "lr":
            joint = subject.skeleton.rest_world_from_body[body_index(f"humerus_{side}"), :3, 3]
            point = points["left_shoulder" if side == "l" else "right_shoulder"]
            rise = 0.035 * subject.stature / REFERENCE_STATURE
            np.testing.assert_allclose(point - joint, (0, rise, 0), atol=1e-9)
            above = np.hypot(*(subject.vertices - point)[:, [0, 2]].T) < 0.02
            assert 0.01 < subject.vertices[above, 1].max() - point[1] < 0.06


def test_the_sternal_ends_lie_just_behind_the_skin_of_the_chest(placed):
    for subject, _, points in placed:
        for name in ("left_clavicle", "right_clavicle"):
            point = points[name]
            offsets = subject.vertices[:BODY_VERTEX_COUNT] - point
            before = (np.hypot(offsets[:, 1], offsets[:, 2]) < 0.015) & (offsets[:, 0] > 0)
            assert 0.008 < np.median(offsets[before, 0]) < 0.035, name
        assert points["right_clavicle"][2] == pytest.approx(-points["left_clavicle"][2], abs=0.02) and (
            points["right_clavicle"][2] > 0.015
        )


def test_the_nose_is_the_tip_of_the_nose(placed):
    """Whatever its shape: no skin about it lies much further forward."""
    for subject, _, points in placed:
        head = subject.vertices[np.linalg.norm(subject.vertices - points["nose"], axis=1) < 0.06]
        assert head[:, 0].max() - points["nose"][0] < 0.006


def test_flesh_thickens_with_girth_and_the_face_with_stature(placed):
    schema = spinetrack()
    hip, eye = schema.id_of("left_hip"), schema.id_of("left_eye")
    for subject, anchors, _ in placed:
        girth = np.sqrt(subject.mass / subject.stature / REFERENCE_GIRTH)
        assert anchors.tissue_depths[hip] == pytest.approx(schema.tissue_depths[hip] * girth)
        scale = subject.stature / REFERENCE_STATURE
        assert anchors.tissue_depths[eye] == pytest.approx(schema.tissue_depths[eye] * scale)
