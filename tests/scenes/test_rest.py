"""A person drawn with a pathology shows it: in the skeleton, in the skin, and the same in both."""

import numpy as np
import pytest

from biomech.anatomy import VERTEBRAE, body_index
from biomech.cobb import cobb_angle
from biomech.curvature import neutral_vertebrae
from biomech.geometry import invert
from biomech.pathology import Pathology
from scenes.rest import bend
from scenes.rig import skin, skin_transforms
from scenes.subject import SubjectSpec, build_subject


@pytest.fixture(scope="module")
def girl(body):
    return build_subject(body, SubjectSpec("f", 16.0, 1.62, 0.5, 0.4, 0.5, 0.5, 0.5, 0.3, 0.3, 0.4))


@pytest.mark.parametrize(
    "pathology",
    [
        Pathology("scoliosis_main_thoracic", 50.0, "right"),
        Pathology("hyperkyphosis", 65.0),
        Pathology("spondylolisthesis", 40.0),
        Pathology("fused_thoracic", 9),
    ],
    ids=lambda p: p.kind,
)
def test_the_drawn_skeleton_shows_what_was_asked(body, girl, pathology):
    assert bend(body, girl, "auto", pathology).measured == pytest.approx(pathology.severity, abs=0.5)


def test_the_skin_follows_and_a_rib_hump_stands_out(body, girl):
    bent = bend(body, girl, "auto", Pathology("scoliosis_main_thoracic", 50.0, "right")).subject
    frames = bent.geometry.neutral_frames()
    posed = skin(bent.rig.weights, girl.vertices, skin_transforms(bent.rig, frames))
    rows = [body_index(v) for v in VERTEBRAE]
    carried = frames[rows] @ invert(bent.skeleton.rest_world_from_body[rows])
    midline = np.flatnonzero(np.abs(girl.vertices[:13380, 2]) < 2e-3)
    behind = girl.column.skin_midline
    near = midline[np.linalg.norm(girl.vertices[midline][None] - behind[:, None], axis=2).argmin(axis=1)]
    expected = np.einsum("kij,kj->ki", carried[:, :3, :3], girl.vertices[near]) + carried[:, :3, 3]
    assert np.linalg.norm(posed[near] - expected, axis=1)[:-1].max() < 0.006
    # beside T8 the back of the convex side lies behind that of the other, as a scoliometer sees it
    height = girl.column.centres[VERTEBRAE.index("T8"), 1]
    band = np.abs(girl.vertices[:13380, 1] - height) < 0.03
    back = girl.vertices[:13380, 0] < girl.column.centres[VERTEBRAE.index("T8"), 0] - 0.02
    sides = [band & back & (np.abs(girl.vertices[:13380, 2] - z) < 0.025) for z in (0.07, -0.07)]
    right, left = (posed[:13380][side, 0].mean() for side in sides)
    turn = np.degrees(np.arctan2(left - right, 0.14))
    assert 6.0 < turn < 22.0


def test_age_adds_what_the_mesh_lacks_and_youth_nothing(body, girl):
    assert bend(body, girl, "auto", None).subject.geometry is girl.geometry
    old = build_subject(body, SubjectSpec("f", 72.0, 1.58, 0.4, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.4))

    def kyphosis(subject):
        return np.degrees(cobb_angle(neutral_vertebrae(subject.geometry), "T4", "T12", "sagittal"))

    added = kyphosis(bend(body, old, "auto", None).subject) - kyphosis(old)
    assert 4.0 < added < 11.5
    assert bend(body, old, "adult", None).subject.geometry is old.geometry
