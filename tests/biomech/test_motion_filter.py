"""The low-pass filter and resampling of measured motion."""

from __future__ import annotations

import numpy as np
import pytest

from biomech.errors import MotionError
from biomech.motion_filter import even_times, frame_rate, lowpass, nearest_rotation, resample

TIMES = np.arange(600) / 100.0


def test_gain_at_the_cutoff_is_3_db_and_there_is_no_lag():
    for hertz, gain in ((0.5, 1.0), (6.0, np.sqrt(0.5)), (25.0, 0.0)):
        wave = np.sin(2 * np.pi * hertz * TIMES)
        kept = lowpass(wave, 100.0, 6.0)[100:-100]
        amplitude = 2 * np.mean(kept * wave[100:-100])
        assert amplitude == pytest.approx(gain, abs=0.02)
        lag = 2 * np.mean(kept * np.cos(2 * np.pi * hertz * TIMES)[100:-100])
        assert abs(lag) < 0.01


def test_gaps_stay_gaps_and_spoil_nobody():
    values = np.tile(np.sin(2 * np.pi * TIMES)[:, None], (1, 2))
    whole = lowpass(values, 100.0, 6.0)
    values[200:220, 0] = np.nan
    found = lowpass(values, 100.0, 6.0)
    assert np.isnan(found[200:220, 0]).all() and np.isfinite(found[:200, 0]).all()
    np.testing.assert_allclose(found[:, 1], whole[:, 1])
    np.testing.assert_allclose(found[:100, 0], whole[:100, 0], atol=1e-3)


def test_a_cutoff_beyond_the_frame_rate_is_refused():
    with pytest.raises(MotionError, match="less than 50 Hz"):
        lowpass(TIMES, 100.0, 50.0)
    assert lowpass(TIMES, 100.0, 0.0) is TIMES


def test_resampling_keeps_straight_lines_and_ends():
    new = even_times(TIMES, 30.0)
    assert new[0] == TIMES[0] and new[-1] <= TIMES[-1] + 1e-9 and frame_rate(new) == pytest.approx(30.0)
    np.testing.assert_allclose(resample(TIMES, 2.0 * TIMES + 1.0, new), 2.0 * new + 1.0)
    assert even_times(TIMES, 120.0) is TIMES and even_times(TIMES, 0.0) is TIMES
    uneven = np.concatenate([TIMES[:100], TIMES[101:]])
    assert np.ptp(np.diff(even_times(uneven, 0.0))) < 1e-9


def test_times_must_increase():
    with pytest.raises(MotionError, match="after frame 3"):
        frame_rate(np.array([0.0, 0.1, 0.2, 0.2, 0.3]))


def test_nearest_rotation_is_a_rotation():
    rng = np.random.default_rng(0)
    given = np.eye(3) + 0.2 * rng.standard_normal((20, 3, 3))
    given[3] = np.nan
    found = nearest_rotation(given)
    assert np.isnan(found[3]).all()
    others = np.delete(found, 3, axis=0)
    np.testing.assert_allclose(others @ np.swapaxes(others, 1, 2), np.tile(np.eye(3), (19, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(others), 1.0)
