"""The schema is SpineTrack's, and every point is defined."""

import numpy as np
import pytest

from biomech.anatomy import BODIES
from synthgen.keypoints import ALL_IDS, BODY_IDS, FEET_IDS, SPINE_IDS, SUBSETS, coco_category, spinetrack

COCO_17 = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist "
    "right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle"
).split()
COCO_SIGMAS = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]


@pytest.fixture
def schema():
    return spinetrack()


def test_order(schema):
    assert [k.id for k in schema.keypoints] == list(range(37))
    assert list(schema.names[:17]) == COCO_17
    spine = "hip spine_01 spine_02 spine_03 spine_04 spine_05 neck neck_02 neck_03".split()
    assert [schema.names[i] for i in SPINE_IDS] == spine
    assert schema.names[31:35] == ("left_latissimus", "right_latissimus", "left_clavicle", "right_clavicle")


def test_first_sigmas_are_those_of_coco(schema):
    np.testing.assert_allclose(schema.sigmas[:17] * 1000, COCO_SIGMAS)


def test_flip_twice_is_the_identity(schema):
    np.testing.assert_array_equal(schema.flip[schema.flip], np.arange(37))
    for k in schema.keypoints:
        other = schema.names[schema.flip[k.id]]
        swapped = {"left": "right", "right": "left"}.get(k.name.split("_")[0])
        assert other == (f"{swapped}_{k.name.split('_', 1)[1]}" if swapped else k.name)


def test_mirror_images_have_mirrored_offsets(schema):
    np.testing.assert_allclose(schema.offsets[schema.flip] * [1, 1, -1], schema.offsets, atol=1e-12)
    np.testing.assert_array_equal(schema.sigmas[schema.flip], schema.sigmas)
    np.testing.assert_array_equal(schema.tissue_depths[schema.flip], schema.tissue_depths)
    for k in schema.keypoints:
        swapped = {"_l": "_r", "_r": "_l"}.get(k.body[-2:])
        other = schema.keypoints[schema.flip[k.id]].body
        assert other == (k.body[:-2] + swapped if swapped else k.body)
        mate = schema.keypoints[schema.flip[k.id]].origin
        assert mate == (k.origin if k.origin[-2:-1] != "_" else k.origin[:-1] + {"l": "r", "r": "l"}[k.origin[-1]])


def test_every_point_is_defined_on_a_body(schema):
    for k in schema.keypoints:
        assert k.body in BODIES and k.origin in BODIES, k.name
        assert len(k.definition) > 10 and len(k.seen) > 10 and k.source, k.name
        most = 0.19 if k.name in ("left_hip", "right_hip") else 0.15  # the joint lies deepest in the flesh
        assert 0.005 <= k.tissue_depth <= most, k.name
        assert np.linalg.norm(k.offset) < 0.25, k.name


def test_the_shoulder_is_found_from_the_humerus_and_rides_on_the_clavicle(schema):
    for side in ("left", "right"):
        point = schema.keypoints[schema.id_of(f"{side}_shoulder")]
        assert (point.body, point.origin) == (f"clavicle_{side[0]}", f"humerus_{side[0]}") and point.offset[1] > 0


def test_the_near_side_of_the_trunk_is_seen_and_the_far_side_is_not(schema):
    """Tissue depths between the flesh over a joint (60-120 mm) and a trunk's thickness (200 mm and more)."""
    for name in ("left_shoulder", "left_hip", "hip", "spine_01", "spine_02", "spine_03", "spine_04"):
        assert 0.11 <= schema.tissue_depths[schema.id_of(name)] < 0.19, name


def test_spine_points_lie_behind_the_vertebral_bodies(schema):
    for i in SPINE_IDS:
        assert schema.offsets[i][0] < 0 and schema.offsets[i][2] == 0, schema.names[i]


def test_links(schema):
    assert len(schema.links) == 39
    pairs = {frozenset((link.start, link.end)) for link in schema.links}
    assert len(pairs) == 39
    flipped = {frozenset(int(schema.flip[i]) for i in pair) for pair in pairs}
    assert flipped == pairs
    for low, high in zip(SPINE_IDS, SPINE_IDS[1:], strict=False):
        assert frozenset((low, high)) in pairs


def test_subsets():
    assert (len(BODY_IDS), len(FEET_IDS), len(SPINE_IDS), len(ALL_IDS)) == (17, 6, 9, 37)
    assert set(SUBSETS) == {"body", "feet", "spine", "all"}


def test_category_counts_from_one():
    category = coco_category()
    flat = [i for pair in category["skeleton"] for i in pair]
    assert min(flat) == 1 and max(flat) == 37 and len(category["keypoints"]) == 37


def test_tables_cannot_be_altered(schema):
    with pytest.raises(ValueError, match="read-only"):
        schema.sigmas[0] = 1.0


def test_unknown_name(schema):
    assert schema.id_of("hip") == 19
    with pytest.raises(ValueError):
        schema.id_of("tail")
