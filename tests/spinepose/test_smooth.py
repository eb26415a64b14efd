"""Laws of the one-euro filter."""

import numpy as np
import pytest

from biomech.errors import ConfigError
from synthgen.spinepose.smooth import OneEuro, Smoother

RATE = 60.0


def run(points, size=100.0, valid=None, settings=None):
    smoother = Smoother(settings or OneEuro())
    return np.array(
        [
            smoother(p, n / RATE, size, None if valid is None else valid[n])
            for n, p in enumerate(np.asarray(points, float))
        ]
    )


def test_what_rests_stays():
    still = np.tile([[3.0, 4.0], [50.0, 60.0]], (20, 1, 1))
    np.testing.assert_allclose(run(still), still)


def test_noise_shrinks_by_half_at_least():
    rng = np.random.default_rng(0)
    noisy = 100 + rng.normal(0, 1, (400, 5, 2))
    assert run(noisy, size=400)[50:].std() < 0.5 * noisy.std()


def test_fast_points_lag_less_than_without_beta():
    fast = np.stack([np.arange(60) * 15.0, np.zeros(60)], -1)[:, None]
    behind = fast[-1, 0, 0] - run(fast)[-1, 0, 0]
    calm = fast[-1, 0, 0] - run(fast, settings=OneEuro(beta=0.0))[-1, 0, 0]
    assert 0 < behind < 0.1 * calm
    assert behind < 5  # px, a third of a frame's way


def test_near_and_far_people_are_treated_alike():
    rng = np.random.default_rng(1)
    near = np.cumsum(rng.normal(0, 3, (50, 4, 2)), 0)
    np.testing.assert_allclose(run(near / 4, size=25), run(near, size=100) / 4)


def test_every_point_is_filtered_on_its_own():
    rng = np.random.default_rng(2)
    both = np.cumsum(rng.normal(0, 3, (50, 2, 2)), 0)
    np.testing.assert_allclose(run(both)[:, :1], run(both[:, :1]))


def test_a_point_that_was_lost_starts_afresh():
    points = np.zeros((10, 1, 2))
    points[6:] = 80
    valid = np.ones((10, 1), bool)
    valid[5] = False
    smoothed = run(points, valid=valid)
    np.testing.assert_allclose(smoothed[6:], 80)


def test_nothing_leaks_back_in_time():
    rng = np.random.default_rng(3)
    points = np.cumsum(rng.normal(0, 3, (30, 2, 2)), 0)
    np.testing.assert_array_equal(run(points[:20]), run(points)[:20])


def test_time_must_rise():
    smoother = Smoother()
    smoother(np.zeros((1, 2)), 1.0, 100)
    with pytest.raises(ConfigError, match="must rise"):
        smoother(np.zeros((1, 2)), 1.0, 100)


@pytest.mark.parametrize(
    "wrong", [{"min_cutoff": 0}, {"speed_cutoff": -1}, {"beta": -0.1}, {"min_cutoff": float("nan")}]
)
def test_settings_out_of_range(wrong):
    with pytest.raises(ConfigError, match="allowed"):
        OneEuro(**wrong)
