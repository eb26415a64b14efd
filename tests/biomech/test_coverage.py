"""Coverage: an even cloud fills the volume, a neutral one only its middle; the library reaches the outside."""

import numpy as np
import pytest

from biomech.activities import draw_activity, sample_pose
from biomech.activities.pose import PoseBatch
from biomech.anatomy import COORDINATES, SPINE_SLICE
from biomech.coverage import coverage, regional_coverage, summary
from biomech.errors import ModelError
from biomech.limits import load_limits
from biomech.model import build_model, default_geometry
from biomech.plausibility import assess
from biomech.rhythm import distribute


def cloud(scale, count=4000):
    """Poses spread evenly over the ball of that radius, as fractions of the caps."""
    rng = np.random.default_rng(0)
    unit = rng.normal(size=(count, 3, 3))
    unit *= (scale * rng.random((count, 3, 1)) ** (1 / 3)) / np.linalg.norm(unit, axis=-1, keepdims=True)
    caps = load_limits().regional_hard.reshape(3, 3, 2)
    targets = np.where(unit < 0, unit * -caps[..., 0], unit * caps[..., 1]).reshape(count, 9)
    return distribute(targets, coupling=False)


def test_an_even_cloud_fills_the_volume_and_a_small_one_its_middle():
    full, small = coverage(cloud(1.0)), coverage(cloud(0.3))
    assert all(c.filled > 0.97 for c in (full["lumbar"], full["thoracic"], full["cervical"]))
    assert small["lumbar"].filled < 0.25 and small["lumbar"].shells[0] == 1.0 and small["lumbar"].shells[2] == 0.0
    assert full["lumbar"].beyond < 0.01 and full["trunk"].counts.sum() == 4000
    assert full["lumbar"].outer > 0.8 and small["lumbar"].outer == 0.0
    assert full["lumbar"].median_reach == pytest.approx(0.5 ** (1 / 3), abs=0.02)


def test_mirrored_poses_count_on_both_sides():
    caps = load_limits().regional_hard
    targets = np.zeros((1, 9))
    targets[0, 1], targets[0, 2] = 0.6 * caps[1, 1], 0.5 * caps[2, 1]
    q = distribute(targets, coupling=False)
    one, two = coverage(q)["lumbar"].counts, coverage(q, mirror=True)["lumbar"].counts
    assert one.sum() == 1 and two.sum() == 2 and (two[:, ::-1, ::-1] == two).all()


def test_the_report_gives_the_same_figures():
    poses = np.zeros((4000, len(COORDINATES)))
    poses[:, SPINE_SLICE] = cloud(0.7)
    limits = load_limits()
    ours = coverage(poses[:, SPINE_SLICE], limits)
    theirs = assess(PoseBatch(poses, COORDINATES, ("bend",) * 4000), limits).coverage.volumes
    assert [v.name for v in theirs] == list(ours)
    for volume in theirs:
        part = ours[volume.name]
        assert (volume.cubes, volume.held, volume.filled) == (part.cubes, part.held, part.filled)
        assert (volume.shells, volume.median_reach) == (part.shells, part.median_reach)


def test_each_person_is_measured_by_his_own_caps():
    caps = load_limits().regional_hard
    stiff = 0.5 * caps
    regional = np.stack([0.9 * caps[:, 1], 0.9 * stiff[:, 1]])
    alone = regional_coverage(regional, caps)["lumbar"]
    own = regional_coverage(regional, np.stack([caps, stiff]))["lumbar"]
    assert (alone.counts > 0).sum() == 2 and (own.counts > 0).sum() == 1


@pytest.mark.parametrize("bad", [np.zeros((3, 70)), np.full((2, 75), np.nan), np.zeros(75)])
def test_senseless_angles_are_refused(bad):
    with pytest.raises(ModelError):
        coverage(bad)
    with pytest.raises(ModelError, match="2 or more"):
        coverage(np.zeros((1, 75)), bins=1)


def test_the_librarys_mix_fills_more_than_the_middle():
    model = build_model(default_geometry(1.75, "m"))
    poses = []
    for k in range(700):
        rng = np.random.default_rng([9, k])
        poses.append(sample_pose(model, draw_activity(None, rng), rng).q[SPINE_SLICE])
    found = coverage(np.array(poses), bins=4, mirror=True)
    print("\n" + summary(found))
    assert found["trunk"].filled > 0.75 and found["lumbar"].filled > 0.75 and found["thoracic"].filled > 0.75
    assert found["trunk"].shells[2] > 0.6
