"""Texels come back from their runs as they went in, in little room."""

import numpy as np
import pytest

from scenes.texels import Texels


@pytest.mark.parametrize(
    "numbers", [[], [0], [5], [0, 1, 2], [3, 4, 9], [0, 2, 4], [7, 8, 9, 20, 21, 1_048_575]], ids=str
)
def test_numbers_come_back(numbers):
    again = Texels.of(np.array(numbers, np.int64)).numbers()
    assert again.dtype == np.int32 and again.tolist() == numbers


def test_random_sets_come_back_and_filled_areas_take_little():
    rng = np.random.default_rng(0)
    for share in (0.01, 0.5, 0.99):
        numbers = np.flatnonzero(rng.random(4096) < share)
        assert np.array_equal(Texels.of(numbers).numbers(), numbers)
    rows, columns = np.indices((1024, 1024))
    disc = np.flatnonzero(np.hypot(rows - 500, columns - 500) < 300)
    kept = Texels.of(disc)
    assert np.array_equal(kept.numbers(), disc)
    assert kept.first.nbytes + kept.count.nbytes < 0.01 * disc.nbytes
