"""Extents are those numpy finds row by row, and move with their points."""

import numpy as np

from scenes.extent import bounds, extent_of


def test_extents_and_bounds_are_those_of_the_rows():
    points = np.random.default_rng(0).normal(size=(1000, 3))
    found, by = extent_of(points), np.array([1.0, -2.0, 0.5])
    for mine, low, high in ((bounds(points), points.min(0), points.max(0)),
                            ((found.low, found.high), points.min(0), points.max(0)),
                            ((found.shifted(by).low, found.shifted(by).high), (points + by).min(0),
                             (points + by).max(0))):  # fmt: skip
        np.testing.assert_array_equal(mine[0], low)
        np.testing.assert_array_equal(mine[1], high)
    np.testing.assert_allclose(found.shifted(by).mean, (points + by).mean(0), atol=1e-15)
