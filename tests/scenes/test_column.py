"""Vertebrae sit where anatomy puts them, in every body."""

import numpy as np
import pytest

from biomech.anatomy import VERTEBRAE
from scenes.body import BODY_VERTEX_COUNT
from scenes.column import PSIS_LEVEL, sagittal_section, section_extent, triangles
from scenes.subject import build_subject
from synthgen.annotate import anchor_keypoints, keypoints_world
from synthgen.keypoints import spinetrack
from tests.scenes.people import PLAIN, random_spec

# Spinous processes on the way from C7 to the PSIS, per cent (Ernst 2013, 22 subjects).
ERNST = {"T4": 21.0, "T7": 39.0, "T10": 54.1, "L1": 70.9, "L4": 86.1}

# Keypoints of an upright adult on the way from C7 to the mid hip joint (SIMSPINE's markers on its own model).
SIMSPINE = {"spine_05": 0.13, "spine_04": 0.33, "spine_03": 0.56, "spine_02": 0.65, "spine_01": 0.72, "hip": 0.86}


@pytest.fixture(scope="module")
def subjects(body):
    rng = np.random.default_rng(7)
    return [build_subject(body, PLAIN)] + [build_subject(body, random_spec(rng)) for _ in range(7)]


def test_spinous_processes_stand_at_ernsts_heights(subjects):
    for subject in subjects:
        tips = dict(zip(VERTEBRAE, subject.column.spinous_tips[:, 1], strict=True))
        length = tips["C7"] - subject.column.sacrum[1]
        for vertebra, expected in ERNST.items():
            assert 100 * (tips["C7"] - tips[vertebra]) / length == pytest.approx(expected, abs=4.0), vertebra


def test_keypoints_stand_where_simspine_puts_them(subjects):
    schema = spinetrack()
    for subject in subjects:
        rest = subject.skeleton.rest_world_from_body
        heights = keypoints_world(anchor_keypoints(subject, schema), rest, subject.vertices)[:, 1]
        points = dict(zip(schema.names, heights, strict=True))
        hip = (points["left_hip"] + points["right_hip"]) / 2
        for name, expected in SIMSPINE.items():
            share = (points["neck"] - points[name]) / (points["neck"] - hip)
            assert share == pytest.approx(expected, abs=0.02), name


def test_sacrum_is_at_the_level_of_the_psis(subjects):
    for subject in subjects:
        hip = subject.skeleton.rest_world_from_body[0, 1, 3]
        c7 = hip + subject.column.length
        assert (c7 - subject.column.sacrum[1]) / subject.column.length == pytest.approx(PSIS_LEVEL, abs=1e-6)


def test_centres_lie_inside_and_tips_behind(body, subjects):
    faces = triangles(body.quads)
    for subject in subjects:
        section_back = subject.column.skin_midline[:, 0]
        centres, tips = subject.column.centres, subject.column.spinous_tips
        assert (tips[:, 0] < centres[:, 0]).all()
        assert (section_back < tips[:, 0]).all()
        # In the midline plane the outer skin is the outline; the mouth is a pocket within it.
        section = sagittal_section(subject.vertices[:BODY_VERTEX_COUNT], faces)
        rear, front = section_extent(section, centres[:, 1])
        assert ((centres[:, 0] > rear + 0.02) & (centres[:, 0] < front - 0.02)).all()


def test_column_is_smooth_and_upright(subjects):
    for subject in subjects:
        axes = subject.column.world_from_vertebra[:, :3, :3]
        np.testing.assert_allclose(np.linalg.det(axes), 1.0, atol=1e-9)
        tilt = np.rad2deg(np.arctan2(axes[:, 1, 0], axes[:, 0, 0]))
        assert np.abs(np.diff(tilt, 2)).max() < 8.0
        assert (np.diff(subject.column.centres[:, 1]) > 0.005).all()
