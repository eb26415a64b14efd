"""Who is drawn."""

import json

import numpy as np

from scenes.asymmetry import Asymmetry
from scenes.catalogue import Catalogue
from scenes.expression import Expression, draw_expression
from scenes.hands import Hands, draw_hands
from scenes.subject import SubjectSpec
from scenes.wardrobe import WardrobeConfig, draw_wardrobe
from synthgen.config import PeopleConfig
from synthgen.people import draw_subject
from synthgen.settings import Reader, Rule, to_plain


def test_ranges_hold_and_the_draw_is_pure():
    config = PeopleConfig(age=(30.0, 40.0), bmi=(20.0, 24.0), muscle=(0.4, 0.5), stature=(-1.0, 1.0))
    drawn = [draw_subject(config, np.random.default_rng([3, n])) for n in range(200)]
    assert drawn == [draw_subject(config, np.random.default_rng([3, n])) for n in range(200)]
    for who in drawn:
        assert 30 <= who.age <= 40 and 20 <= who.bmi <= 24 and 0.4 <= who.muscle <= 0.5
        assert abs(who.african + who.asian + who.caucasian - 1) < 1e-9
    assert {who.sex for who in drawn} == {"m", "f"}


def test_statures_follow_the_table():
    men = [draw_subject(PeopleConfig(female=0.0, age=(20.0, 20.1)), np.random.default_rng(n)) for n in range(400)]
    heights = np.array([who.stature for who in men])
    assert abs(heights.mean() - 1.765) < 0.012 and 0.05 < heights.std() < 0.08


def test_masses_follow_the_table_and_cover_the_range():
    config = PeopleConfig(age=(5.0, 90.0))
    drawn = [draw_subject(config, np.random.default_rng([5, n])) for n in range(1500)]
    grown = np.array([who.bmi for who in drawn if who.age >= 20])
    assert 16 <= grown.min() < 17.5 and 38 < grown.max() <= 40
    assert 24 < np.median(grown) < 27
    small = np.array([who.bmi for who in drawn if who.age < 9])
    assert 14.5 < np.median(small) < 17 and small.max() < 40 * 0.72


def test_shares_of_ages_hold_over_the_whole_range_and_a_narrow_one_is_even():
    ages = np.array([draw_subject(PeopleConfig(), np.random.default_rng([7, n])).age for n in range(2000)])
    assert 5 <= ages.min() < 6 and 89 < ages.max() <= 90
    assert abs((ages < 18).mean() - 0.15) < 0.03 and abs((ages >= 65).mean() - 0.2) < 0.03
    config = PeopleConfig(age=(8.0, 12.0), children=0.0)
    few = np.array([draw_subject(config, np.random.default_rng(n)).age for n in range(200)])
    assert 8 <= few.min() and few.max() <= 12  # a range of children alone is children
    half = PeopleConfig(age=(65.0, 85.0))
    assert draw_subject(half, np.random.default_rng(1)).age >= 65


def test_asymmetry_switches_off():
    even = draw_subject(PeopleConfig(asymmetry=0.0), np.random.default_rng(2))
    assert even.asymmetry == Asymmetry()
    assert draw_subject(PeopleConfig(), np.random.default_rng(2)).asymmetry != Asymmetry()


def test_children_are_clothed(body):
    """Whatever the wardrobe draws in kit: nobody under 15 is bare-chested or in swimwear."""
    config, catalogue = WardrobeConfig(tight_share=1.0, bare_chest_share=1.0), Catalogue(None, body)
    bare = {"briefs", "hotpants", "racer", "openback", "lowback", "halter", "crop", "longcrop", "bikini", "highwaist"}
    for n in range(150):
        rng = np.random.default_rng([9, n])
        worn = draw_wardrobe(config, catalogue, rng, "mf"[n % 2], float(rng.uniform(5, 15)), (1.0, 1.0, 1.0))
        cuts = {piece.cut for piece in worn.pieces}
        assert worn.outfit or cuts & {"tank", "tee", "longsleeve", "capsleeve", "elbow", "muscle"}, cuts
        assert not cuts & bare


def test_share_of_women():
    for share, expected in ((0.0, {"m"}), (1.0, {"f"})):
        drawn = {draw_subject(PeopleConfig(female=share), np.random.default_rng(n)).sex for n in range(30)}
        assert drawn == expected


def test_what_people_are_and_do_survives_storage():
    reader = Reader(default=Rule(interval=False))
    who = draw_subject(PeopleConfig(), np.random.default_rng(4))
    assert reader.build(SubjectSpec, json.loads(json.dumps(to_plain(who)))) == who
    old = {name: value for name, value in to_plain(who).items() if name not in ("bmi", "asymmetry")}
    assert reader.build(SubjectSpec, old).bmi == 0.0  # stored before there was a mass: `weight` counts
    hands = draw_hands(np.random.default_rng(5), "stand")
    assert reader.build(Hands, json.loads(json.dumps(to_plain(hands)))) == hands
    face = draw_expression(np.random.default_rng(3), 1.0)
    assert reader.build(Expression, json.loads(json.dumps(to_plain(face)))) == face
