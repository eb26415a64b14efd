"""Doubt grows where a model wavers; the prior of spines knows a person from a knot."""

import json

import numpy as np
import pytest

from synthgen.active.doubt import looks, spread, teacher_apart, worst
from synthgen.active.errors import ProjectError
from synthgen.active.prior import VIEWS, chain_of, load_prior, measure_prior, shares_and_turns, write_prior
from synthgen.keypoints import SPINE_IDS, spinetrack

W, H = 48, 64


def bells(points: np.ndarray, width: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Answers that peak at points (N, 37, 2), px."""
    axes = [
        np.exp(-((np.arange(2 * side) / 2 - points[..., i, None]) ** 2) / (2 * width**2))
        for i, side in enumerate((W, H))
    ]
    return axes[0], axes[1]


class FakeModel:
    """Puts every point where the crop is brightest; its mirror image as far off as told."""

    input_size = (W, H)

    def __init__(self, off: float = 0.0, width: float = 2.0) -> None:
        self.off, self.width = off, width

    def _places(self, pictures: np.ndarray) -> np.ndarray:
        flat = pictures.sum(-1).reshape(len(pictures), -1).argmax(1)
        return np.repeat(np.stack([flat % W, flat // W], -1)[:, None], 37, 1).astype(float)

    def simcc(self, pictures):
        return bells(self._places(pictures), self.width)

    def mirrored_simcc(self, pictures):
        return bells(self._places(pictures) + (self.off, 0), self.width)


def picture() -> np.ndarray:
    image = np.zeros((200, 200, 3), np.uint8)
    image[98:103, 78:83] = 255
    return image


def test_a_steady_model_is_not_doubted_and_its_points_come_back_to_the_picture():
    box = np.array([[40.0, 40.0, 90.0, 120.0]])
    look = looks([picture()], box, FakeModel())[0]
    assert np.abs(look.points - (80, 100)).max() < 4 and look.flip.max() == 0
    assert look.scale.max() < 0.04  # the crop's own pixels
    wavering = looks([picture()], box, FakeModel(off=6.0, width=8.0))[0]
    assert wavering.flip.min() > 0.1 and wavering.spread.min() > 2 * look.spread.max()


def test_spread_is_the_width_of_the_answer_over_both_axes():
    narrow, wide = (spread(*bells(np.full((1, 37, 2), 24.0), width)) for width in (2.0, 4.0))
    assert narrow[0] == pytest.approx(np.full(37, 2.0), rel=0.05)  # squared: sqrt(2) narrower on each of two axes
    assert wide[0] == pytest.approx(2 * narrow[0], rel=0.05)
    two = bells(np.full((1, 37, 2), 10.0))[0] + bells(np.full((1, 37, 2), 38.0))[0]
    assert spread(two, bells(np.full((1, 37, 2), 24.0))[1]).min() > 5 * narrow.max()


def test_a_teacher_counts_where_it_knows():
    points = np.zeros((37, 2))
    teacher = np.tile([30.0, 40.0, 2.0, 0.5], (37, 1))
    teacher[5:, 2] = 0
    apart = teacher_apart(points, teacher, 100.0)
    assert apart[:5] == pytest.approx(0.25) and not apart[5:].any()
    assert [name for name, _ in worst(apart, 1)] == ["nose"]


def standing(bend: float = 0.0, wide: float = 0.6) -> np.ndarray:
    """Somebody upright, seen from the front or (wide = 0) from the side, facing right."""
    points = np.zeros((37, 3))
    points[:, :2] = (100, 100)
    points[:, 2] = 2
    up = np.array([0, 0.14, 0.28, 0.42, 0.58, 0.78, 1.0, 1.08, 1.16])
    for i, k in enumerate(SPINE_IDS):
        points[k, :2] = (100 + 60 * bend * np.sin(np.pi * up[i]), 160 - 60 * up[i])
    points[5, :2], points[6, :2] = (100 + 30 * wide, 105), (100 - 30 * wide, 105)
    points[11, :2], points[12, :2] = (100 + 18 * wide, 158), (100 - 18 * wide, 158)
    points[15, :2] = points[16, :2] = (100, 240)
    points[0, :2], points[3, :2], points[4, :2] = (112, 88), (102, 88), (98, 88)
    points[20:26, :2] = (115, 243)
    return points


def test_the_shipped_prior_knows_an_upright_spine_from_a_knot():
    prior = load_prior()
    assert set(prior.views) == set(VIEWS) and min(v.people for v in prior.views.values()) > 1000
    score, said = prior.unlikely(standing())
    assert score < 0.5
    knot = standing()
    knot[28, :2] = (160, 150)
    score, said = prior.unlikely(knot)
    assert score > 0.8 and any("spine" in text and "generated people" in text for text in said)


def test_views_are_told_apart_and_mirroring_changes_nothing():
    prior, flip = load_prior(), spinetrack().flip
    assert chain_of(standing()).view == "frontal" and chain_of(standing(wide=0.0)).view == "side"
    bent = standing(bend=0.3, wide=0.0)
    mirrored = bent[flip].copy()
    mirrored[:, 0] = 400 - mirrored[:, 0]
    assert np.allclose(chain_of(bent).local, chain_of(mirrored).local)
    assert prior.unlikely(bent)[0] == pytest.approx(prior.unlikely(mirrored)[0])


def test_a_chain_with_a_gap_or_seen_end_on_is_not_judged():
    prior = load_prior()
    gap, on_end = standing(), standing()
    gap[28, 2] = 0
    on_end[list(SPINE_IDS), :2] = (100, 100) + np.arange(9)[:, None] * 0.2
    for points in (gap, on_end):
        assert prior.unlikely(points) == (0.0, ()) and prior.range_curve(points) is None
        assert np.array_equal(prior.snap(points), points)


def test_snapping_straightens_a_knot_and_keeps_the_ends():
    prior = load_prior()
    knot = standing(wide=0.0)
    knot[28, :2] += (40, 0)
    snapped = prior.snap(knot)
    assert prior.unlikely(snapped)[0] < 0.5 * prior.unlikely(knot)[0]
    ends = [SPINE_IDS[0], SPINE_IDS[6]]
    assert np.allclose(snapped[ends], knot[ends])
    others = [k for k in range(37) if k not in SPINE_IDS]
    assert np.array_equal(snapped[others], knot[others])
    assert np.abs(prior.snap(snapped)[:, :2] - snapped[:, :2]).max() < 2.0  # and once is nearly enough


def test_the_range_lies_about_an_ordinary_spine():
    low, high = load_prior().range_curve(standing(wide=0.0))
    chain = standing(wide=0.0)[list(SPINE_IDS), :2]
    assert low.shape == high.shape == (9, 2)
    between = (np.minimum(low, high)[1:6, 0] <= chain[1:6, 0]) & (chain[1:6, 0] <= np.maximum(low, high)[1:6, 0])
    assert between.all()


def test_turns_and_shares():
    straight = np.column_stack([np.arange(9.0), np.zeros(9)])
    shares, turns = shares_and_turns(straight)
    assert np.allclose(shares, 1 / 8) and np.allclose(turns, 0)
    corner = np.array([[0, 0], [1, 0], [1, 1], [1, 2], [1, 3], [1, 4], [1, 5], [1, 6], [1, 7]], float)
    assert shares_and_turns(corner)[1].round(6).tolist() == [90, 0, 0, 0, 0, 0, 0]


def test_a_prior_of_ones_own_and_too_few_people(tmp_path):
    rng = np.random.default_rng(0)
    many = []
    for wide in (0.9, 0.4, 0.0):
        for _ in range(80):
            points = standing(rng.uniform(-0.2, 0.2), wide)
            points[:, :2] += rng.normal(size=(37, 2)) * 0.5
            many.append(points)
    prior = measure_prior(np.array(many), "made up")
    write_prior(prior, tmp_path / "prior.json")
    again = load_prior(tmp_path / "prior.json")
    assert again == prior and again.source == "made up"
    assert again.unlikely(standing(0.6, 0.0))[0] > 0.5 > again.unlikely(standing(0.1, 0.0))[0]
    with pytest.raises(ProjectError, match="needs 60 in each view"):
        measure_prior(np.array(many[:100]))
    (tmp_path / "prior.json").write_text(json.dumps({"views": {"side": {}}}))
    with pytest.raises(ProjectError, match="no prior of spines"):
        load_prior(tmp_path / "prior.json")
