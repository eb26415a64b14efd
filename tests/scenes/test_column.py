"""Vertebrae sit where anatomy puts them, in every body."""

import numpy as np
import pytest
from measure_rig import ERNST, SIMSPINE, inside_outline, share_of_c7_hip, share_of_c7_psis

from scenes.column import PSIS_LEVEL, triangles
from scenes.subject import build_subject
from synthgen.annotate import anchor_keypoints
from synthgen.keypoints import spinetrack
from tests.scenes.people import PLAIN, random_spec


@pytest.fixture(scope="module")
def subjects(body):
    rng = np.random.default_rng(7)
    return [build_subject(body, PLAIN)] + [build_subject(body, random_spec(rng)) for _ in range(7)]


def test_spinous_processes_stand_at_ernsts_heights(subjects):
    for subject in subjects:
        assert share_of_c7_psis(subject.column) == pytest.approx(ERNST, abs=4.0)


def test_keypoints_stand_where_simspine_puts_them(subjects):
    for subject in subjects:
        assert share_of_c7_hip(subject, anchor_keypoints(subject, spinetrack())) == pytest.approx(SIMSPINE, abs=0.025)


def test_sacrum_is_at_the_level_of_the_psis(subjects):
    for subject in subjects:
        hip = subject.skeleton.rest_world_from_body[0, 1, 3]
        c7 = hip + subject.column.length
        assert (c7 - subject.column.sacrum[1]) / subject.column.length == pytest.approx(PSIS_LEVEL, abs=1e-6)


def test_centres_lie_inside_and_tips_behind(body, subjects):
    faces = triangles(body.quads)
    for subject in subjects:
        column = subject.column
        assert (column.spinous_tips[:, 0] < column.centres[:, 0]).all()
        assert (column.skin_midline[:, 0] < column.spinous_tips[:, 0]).all()
        assert inside_outline(subject, faces).all()


def test_column_is_smooth_and_upright(subjects):
    for subject in subjects:
        axes = subject.column.world_from_vertebra[:, :3, :3]
        np.testing.assert_allclose(np.linalg.det(axes), 1.0, atol=1e-9)
        tilt = np.rad2deg(np.arctan2(axes[:, 1, 0], axes[:, 0, 0]))
        assert np.abs(np.diff(tilt, 2)).max() < 8.0
        assert (np.diff(subject.column.centres[:, 1]) > 0.005).all()
