"""Extents are those numpy finds row by row, and move with their points."""

import numpy as np
import pytest

from scenes.extent import bounds, extent_of, lattice


@pytest.mark.parametrize("count", [1, 2, 5, 1000])
def test_extents_and_bounds_are_those_of_the_rows(count):
    by = np.array([1.0, -2.0, 0.5])
    for seed in range(10):  # so that the extremes lie in every row, also the first and the last
        points = np.random.default_rng(seed).normal(size=(count, 3))
        found = extent_of(points)
        for mine, low, high in ((bounds(points), points.min(0), points.max(0)),
                                (bounds(points[:, :2]), points[:, :2].min(0), points[:, :2].max(0)),
                                ((found.low, found.high), points.min(0), points.max(0)),
                                ((found.shifted(by).low, found.shifted(by).high), (points + by).min(0),
                                 (points + by).max(0))):  # fmt: skip
            np.testing.assert_array_equal(mine[0], low)
            np.testing.assert_array_equal(mine[1], high)
        np.testing.assert_allclose(found.mean, points.mean(0), atol=1e-15)
        np.testing.assert_allclose(found.shifted(by).mean, (points + by).mean(0), atol=1e-15)


def test_a_lattice_is_every_corner_and_every_middle_of_its_box():
    found = lattice(np.array([-1.0, 0.0, 4.0]), np.array([3.0, 0.5, 10.0]))
    assert found.shape == (27, 3)
    expected = {(x, y, z) for x in (-1.0, 1.0, 3.0) for y in (0.0, 0.25, 0.5) for z in (4.0, 7.0, 10.0)}
    assert set(map(tuple, found.tolist())) == expected
