"""Who is drawn."""

import numpy as np

from synthgen.config import PeopleConfig
from synthgen.people import draw_subject


def test_ranges_hold_and_the_draw_is_pure():
    config = PeopleConfig(age=(30.0, 40.0), weight=(0.2, 0.3), muscle=(0.4, 0.5), stature=(-1.0, 1.0))
    drawn = [draw_subject(config, np.random.default_rng([3, n])) for n in range(200)]
    assert drawn == [draw_subject(config, np.random.default_rng([3, n])) for n in range(200)]
    for who in drawn:
        assert 30 <= who.age <= 40 and 0.2 <= who.weight <= 0.3 and 0.4 <= who.muscle <= 0.5
        assert abs(who.african + who.asian + who.caucasian - 1) < 1e-9
    assert {who.sex for who in drawn} == {"m", "f"}


def test_statures_follow_the_table():
    men = [draw_subject(PeopleConfig(female=0.0, age=(20.0, 20.1)), np.random.default_rng(n)) for n in range(400)]
    heights = np.array([who.stature for who in men])
    assert abs(heights.mean() - 1.765) < 0.012 and 0.05 < heights.std() < 0.08


def test_share_of_women():
    for share, expected in ((0.0, {"m"}), (1.0, {"f"})):
        drawn = {draw_subject(PeopleConfig(female=share), np.random.default_rng(n)).sex for n in range(30)}
        assert drawn == expected
