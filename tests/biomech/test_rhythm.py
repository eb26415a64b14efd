"""Regional angles spread over levels: sums, ranges, smoothness, coupling."""

from __future__ import annotations

import numpy as np
import pytest

from biomech.anatomy import LEVELS, REGION_SLICES
from biomech.errors import ModelError
from biomech.limits import REGION_AXES, load_limits
from biomech.rhythm import (
    AR,
    LB,
    coupling_ratios,
    distribute,
    distribute_detailed,
    level_shares,
    regional_angles,
)

LIMITS = load_limits()


def one(**degrees):
    target = np.zeros((1, 9))
    for name, value in degrees.items():
        target[0, REGION_AXES.index(name)] = np.deg2rad(value)
    return target


def levels_deg(found):
    return np.rad2deg(found.q[0]).reshape(len(LEVELS), 3)


def random_targets(count, scale=1.5, seed=3):
    """From inside the caps to far beyond them."""
    rng = np.random.default_rng(seed)
    spread = rng.choice([0.2, 0.8, 1.0, 5.0], size=(count, 1))
    return scale * spread * rng.uniform(LIMITS.regional_hard[:, 0], LIMITS.regional_hard[:, 1], (count, 9))


def test_zero_stays_zero():
    np.testing.assert_array_equal(distribute(np.zeros(9)), np.zeros(75))
    np.testing.assert_array_equal(distribute(np.zeros((2, 9)), rng=np.random.default_rng(0)), np.zeros((2, 75)))


def test_sums_are_the_targets_where_feasible():
    inside = np.random.default_rng(1).uniform(LIMITS.regional_hard[:, 0], LIMITS.regional_hard[:, 1], (2000, 9))
    found = distribute_detailed(inside, coupling=False, rng=np.random.default_rng(2))
    np.testing.assert_allclose(regional_angles(found.q), inside, atol=1e-12)
    np.testing.assert_allclose(found.unmet, 0.0, atol=1e-12)


def test_no_hard_limit_is_ever_crossed():
    targets = random_targets(10_000)
    hard = LIMITS.spine_hard.reshape(-1, 2)
    for coupling in (True, False):
        found = distribute_detailed(targets, rng=np.random.default_rng(4), variation=0.4, coupling=coupling)
        assert (found.q >= hard[:, 0]).all() and (found.q <= hard[:, 1]).all()
        total = regional_angles(found.q)
        assert (total >= LIMITS.regional_hard[:, 0] - 1e-12).all()
        assert (total <= LIMITS.regional_hard[:, 1] + 1e-12).all()


def test_the_books_balance():
    targets = random_targets(2000)
    found = distribute_detailed(targets, rng=np.random.default_rng(5))
    np.testing.assert_allclose(regional_angles(found.q), targets + found.coupled - found.unmet, atol=1e-12)


def test_what_exceeds_the_cap_is_reported():
    found = distribute_detailed(one(thoracic_FE=-40), coupling=False)
    assert np.rad2deg(found.unmet[0, REGION_AXES.index("thoracic_FE")]) == pytest.approx(-15.0)
    assert np.rad2deg(regional_angles(found.q)[0, 3]) == pytest.approx(-25.0)


def test_small_targets_follow_the_published_shares():
    for region, part in REGION_SLICES.items():
        for motion, column, value in (("flexion", 0, -5), ("extension", 0, 5), ("LB", 1, 5), ("AR", 2, 4)):
            axis = "FE" if column == 0 else motion
            found = distribute_detailed(one(**{f"{region}_{axis}": value}), coupling=False)
            np.testing.assert_allclose(
                levels_deg(found)[part, column] / value, level_shares(region, motion), atol=1e-12
            )


def test_flexion_and_extension_have_their_own_shares():
    """C0-C1 nods back three times further than forward; L3-L4 hardly extends (Pearcy)."""
    assert level_shares("cervical", "extension")[-1] > 2 * level_shares("cervical", "flexion")[-1]
    assert level_shares("lumbar", "flexion")[2] > 3 * level_shares("lumbar", "extension")[2]


def test_upper_cervical_takes_two_thirds_of_head_rotation():
    found = levels_deg(distribute_detailed(one(cervical_AR=55)))
    share = found[-2:, AR].sum() / found[REGION_SLICES["cervical"], AR].sum()
    assert 0.65 <= share <= 0.70


def test_overflow_goes_to_levels_with_room():
    """At 80 degrees of head rotation C1-C2 is full, and the rest of the neck turns more than its share."""
    found = distribute_detailed(one(cervical_AR=80), coupling=False)
    angles = levels_deg(found)[:, AR]
    assert angles[-2] == pytest.approx(40.0) and found.clamped[0, -2, AR]
    assert angles[REGION_SLICES["cervical"]].sum() == pytest.approx(80.0)
    assert angles[20] > 80.0 * level_shares("cervical", "AR")[3]


def test_levels_never_turn_against_their_region():
    """No S-kink: without coupling every level angle has the sign of its target."""
    targets = random_targets(3000)
    found = distribute_detailed(targets, coupling=False, rng=np.random.default_rng(6), variation=0.3)
    levels = found.q.reshape(-1, len(LEVELS), 3)
    for r, part in enumerate(REGION_SLICES.values()):
        for axis in range(3):
            assert (levels[:, part, axis] * np.sign(targets[:, None, 3 * r + axis]) >= 0.0).all()


def test_levels_grow_steadily_with_the_target():
    steps = np.linspace(0.0, 1.2, 400)[:, None] * LIMITS.regional_hard[:, 1]
    for sign in (1.0, -1.0):
        q = sign * distribute(sign * steps, coupling=False)
        change = np.diff(q, axis=0)
        assert (change > -1e-12).all()
        assert np.rad2deg(change.max()) < 1.0, "a small step of the target is a small step of every level"


def test_coupling_is_continuous_through_zero_and_caps():
    steps = np.linspace(-1.3, 1.3, 1001)[:, None] * LIMITS.regional_hard[:, 1] * np.array([1, 1, 0] * 3)
    change = np.abs(np.diff(distribute(steps), axis=0))
    assert np.rad2deg(change.max()) < 1.0


def test_left_mirrors_right():
    targets = random_targets(500)
    flip = np.array([1.0, -1.0, -1.0])
    np.testing.assert_allclose(
        distribute(targets * np.tile(flip, 3)), distribute(targets) * np.tile(flip, 25), atol=1e-13
    )


def test_side_bending_couples_with_the_published_signs():
    """+LB is to the right and +AR to the left, so ipsilateral rotation has the opposite sign."""
    bent = levels_deg(distribute_detailed(one(lumbar_LB=15, thoracic_LB=15, cervical_LB=25)))
    angle = dict(zip(LEVELS, bent[:, AR], strict=True))
    for level in ("L4_L5", "L3_L4", "L2_L3", "L1_L2", "C1_C2"):
        assert angle[level] > 0.0, f"{level} contralateral"
    for level in ("L5_S1", "T12_L1", "T9_T10", "T6_T7", "C2_C3", "C4_C5", "C7_T1"):
        assert angle[level] < 0.0, f"{level} ipsilateral"
    assert angle["T1_T2"] == angle["T2_T3"] == 0.0


def test_rotation_couples_with_the_published_signs():
    turned = levels_deg(distribute_detailed(one(lumbar_AR=6, thoracic_AR=20, cervical_AR=50)))
    bend = dict(zip(LEVELS, turned[:, LB], strict=True))
    for level in ("L4_L5", "L3_L4", "L2_L3", "L1_L2", "C1_C2", "C0_C1"):
        assert bend[level] > 0.0, f"{level} contralateral"
    for level in ("L5_S1", "T12_L1", "T9_T10", "C2_C3", "C4_C5", "C7_T1"):
        assert bend[level] < 0.0, f"{level} ipsilateral"


def test_coupled_rotation_has_published_size():
    ar_per_lb, _ = coupling_ratios()
    assert ar_per_lb[LEVELS.index("C2_C3")] == pytest.approx(-2 / 3, abs=0.01)
    assert ar_per_lb[LEVELS.index("C7_T1")] == pytest.approx(-1 / 7.5, abs=0.01)
    bent = levels_deg(distribute_detailed(one(lumbar_LB=20)))
    assert np.abs(bent[REGION_SLICES["lumbar"], AR]).max() < 3.0


def test_flexion_does_not_couple():
    found = distribute_detailed(one(lumbar_FE=-50, thoracic_FE=-20, cervical_FE=-40))
    np.testing.assert_array_equal(found.q.reshape(25, 3)[:, 1:], 0.0)


def test_variation_differs_between_rows_and_repeats_with_the_seed():
    targets = np.repeat(one(lumbar_FE=-40), 3, axis=0)
    first, second = (distribute(targets, rng=np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[:2], distribute(targets[:2], rng=np.random.default_rng(9)))
    np.testing.assert_allclose(regional_angles(first), targets, atol=1e-12)


def test_variation_has_the_size_asked_for():
    q = distribute(np.repeat(one(thoracic_AR=10), 4000, axis=0), rng=np.random.default_rng(1), variation=0.1)
    turn = q.reshape(-1, 25, 3)[:, 10, AR]
    assert 0.07 < turn.std() / turn.mean() < 0.12


def test_one_target_equals_a_batch_of_one():
    target = random_targets(1)[0]
    np.testing.assert_array_equal(distribute(target), distribute(target[None])[0])


@pytest.mark.parametrize("bad", [np.zeros(8), np.zeros((2, 75)), np.full(9, np.nan)])
def test_bad_targets_are_refused(bad):
    with pytest.raises(ModelError, match="wanted|finite"):
        distribute(bad)


def test_bad_options_are_refused():
    with pytest.raises(ModelError, match="variation"):
        distribute(np.zeros(9), variation=-1.0)
    with pytest.raises(ModelError, match="regions are"):
        level_shares("sacral", "flexion")
    with pytest.raises(ModelError, match="75"):
        regional_angles(np.zeros(74))
