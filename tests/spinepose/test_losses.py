"""Losses: zero where right, masked where unknown, formulas checked by hand, gradients that lead the right way."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from synthgen.keypoints import SPINE_IDS  # noqa: E402
from synthgen.spinepose import codec  # noqa: E402
from synthgen.spinepose.errors import SpinePoseError  # noqa: E402
from synthgen.spinepose.heatmap import Outputs  # noqa: E402
from synthgen.spinepose.losses import (  # noqa: E402
    BETA,
    LossWeights,
    Targets,
    axis_log_probabilities,
    heatmap_loss,
    person_size,
    position_loss,
    prior_from_dict,
    smoothness_loss,
    spine_prior,
    structure_loss,
    total_loss,
)
from synthgen.spinepose.soft_targets import TeacherTargets  # noqa: E402

SIZE = (192, 256)
SHARES = np.array([0.134, 0.073, 0.092, 0.226, 0.195, 0.119, 0.1, 0.061])


def person(rng, lean=0.2, bend=0.3):
    """(37, 3) a person whose spine leans and bends at random; other points anywhere in the crop."""
    keypoints = np.ones((37, 3))
    keypoints[:, :2] = rng.uniform([40, 20], [150, 230], (37, 2))
    shares = SHARES * rng.uniform(0.9, 1.1, 8)
    angle = rng.uniform(-lean, lean) + np.linspace(0, rng.uniform(-bend, bend), 8)
    steps = 95 * (shares / shares.sum())[:, None] * np.stack([np.sin(angle), -np.cos(angle)], -1)
    keypoints[list(SPINE_IDS), :2] = np.array([96, 150]) + np.r_[np.zeros((1, 2)), np.cumsum(steps, 0)]
    return keypoints


@pytest.fixture
def people():
    rng = np.random.default_rng(5)
    return np.stack([person(rng) for _ in range(200)])


@pytest.fixture
def prior(people):
    return spine_prior(people)


def targets(people, weights=None):
    people = torch.tensor(people, dtype=torch.float32)
    size = torch.tensor(person_size(people.numpy()), dtype=torch.float32)
    return Targets(people[..., :2], people[..., 2] if weights is None else weights, size)


def outputs(points, sharp=1.0):
    labels = codec.encode(torch.as_tensor(points, dtype=torch.float32), torch.ones(len(points), 37), SIZE)
    return Outputs(labels.x * sharp, labels.y * sharp)


def spine(people, change):
    """The people with their spine points moved by `change` (9, 2) or (N, 9, 2) px."""
    moved = people[..., :2].copy()
    moved[:, list(SPINE_IDS)] += change
    return moved


# Position and distillation ------------------------------------------------------------------------


def test_right_answers_cost_nothing_and_wrong_ones_more_the_wronger(people):
    true = targets(people[:4])
    costs = [position_loss(outputs(people[:4, :, :2] + np.array([shift, 0])), true).item() for shift in (0, 1, 3, 10)]
    assert costs[0] == pytest.approx(0, abs=1e-5)
    assert costs == sorted(costs) and costs[1] > 0.05


def test_position_is_kl_in_nats(people):
    true, out = targets(people[:1]), outputs(people[:1, :, :2] + 2)
    labels = codec.encode(true.points, true.weights, SIZE)
    by_hand = []
    for label, said in ((labels.x, out.simcc_x), (labels.y, out.simcc_y)):
        q, p = (np.exp(BETA * v.double().numpy()) for v in (label, said))
        q, p = q / q.sum(-1, keepdims=True), p / p.sum(-1, keepdims=True)
        by_hand.append((q * np.log(q / p)).sum(-1))
    assert position_loss(out, true).item() == pytest.approx(np.mean(by_hand), rel=1e-4)


def test_unlabelled_points_do_not_count_whatever_they_are(people):
    weights = torch.ones(4, 37)
    weights[:, 10:20] = 0
    clean = targets(people[:4], weights)
    soiled = clean._replace(points=clean.points.clone())
    soiled.points[:, 10:20] = float("nan")
    out = Outputs(*(v.requires_grad_() for v in outputs(people[:4, :, :2] + 3)[:2]))
    one, two = (total_loss(out, t)[0] for t in (clean, soiled))
    assert torch.isfinite(two) and torch.allclose(one, two)
    two.backward()
    assert torch.isfinite(out.simcc_x.grad).all() and out.simcc_x.grad[:, 10:18].abs().max() == 0


def test_weights_weigh(people):
    shifted = people[:2, :, :2].copy()
    shifted[:, 0] += 5
    weights = torch.ones(2, 37)
    light = position_loss(outputs(shifted), targets(people[:2], weights)).item()
    weights[:, 0] = 2
    heavy = position_loss(outputs(shifted), targets(people[:2], weights)).item()
    assert heavy / light == pytest.approx(2 * 37 / 38, rel=1e-3)


def test_distillation_is_zero_for_a_student_that_agrees_and_heeds_the_mask(people):
    out = outputs(people[:2, :, :2])
    soft = [p.exp() for p in axis_log_probabilities(out)]
    mask = torch.zeros(2, 37)
    mask[:, :21] = 1
    only = LossWeights(position=0, structure=0, smoothness=0)
    assert total_loss(out, None, TeacherTargets(*soft, mask), only)[0].item() == pytest.approx(0, abs=1e-5)
    away = people[:2, :, :2].copy()
    away[:, 21:] += 20
    assert total_loss(outputs(away), None, TeacherTargets(*soft, mask), only)[0].item() == pytest.approx(0, abs=1e-5)
    away[:, 3] += 20
    assert total_loss(outputs(away), None, TeacherTargets(*soft, mask), only)[0].item() > 0.1
    assert total_loss(outputs(away), None, TeacherTargets(*soft, mask * 0), only)[0].item() == 0


# Heatmaps -----------------------------------------------------------------------------------------


def test_heatmaps_are_led_to_the_point(people):
    true = targets(people[:2])
    heat = torch.zeros(2, 37, 64, 48, requires_grad=True)
    optimiser = torch.optim.Adam([heat], lr=1.0)
    costs = []
    for _ in range(60):
        cost = heatmap_loss(Outputs(torch.zeros(2, 37, 384), torch.zeros(2, 37, 512), heat), true)
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
        costs.append(cost.item())
    assert costs[-1] < 0.5 * costs[0]
    peak = heat.detach().flatten(2).argmax(-1)
    found = torch.stack([peak % 48, peak // 48], -1) * 4 + 1.5
    assert (found - true.points).abs().max() <= 4


def test_a_model_without_heatmaps_cannot_be_taught_by_them(people):
    with pytest.raises(ValueError, match="heatmaps"):
        heatmap_loss(outputs(people[:1, :, :2]), targets(people[:1]))


# The prior ----------------------------------------------------------------------------------------


def test_the_prior_finds_what_the_data_were_made_of(prior):
    np.testing.assert_allclose(prior.share_mean, SHARES / SHARES.sum(), atol=0.004)
    assert max(prior.share_spread) < 0.03 and min(prior.turn_low) > 0.9 and prior.people == 200
    assert prior_from_dict(prior.to_dict()) == prior


def test_people_without_a_whole_spine_are_left_out(people):
    people[50:, 27, 2] = 0
    people[50:, 27, :2] = 1e6
    assert spine_prior(people).people == 50
    with pytest.raises(SpinePoseError, match="12 of the 12 given|at least 20"):
        spine_prior(people[:12])


def test_person_size_is_the_longer_side():
    keypoints = np.zeros((2, 37, 3))
    keypoints[0, :3] = [[10, 10, 1], [30, 90, 2], [500, 500, 0]]
    np.testing.assert_array_equal(person_size(keypoints), [80, 0])


# Structure and smoothness -------------------------------------------------------------------------


def test_true_spines_cost_next_to_nothing_and_broken_ones_do(people, prior):
    true = targets(people[:50])
    zigzag = np.zeros((9, 2))
    zigzag[1::2, 0] = 8
    for loss in (structure_loss, smoothness_loss):
        assert loss(outputs(people[:50, :, :2], 2), true, None, prior).item() < 0.1
        assert loss(outputs(spine(people[:50], zigzag), 2), true, None, prior).item() > 0.15


def test_a_swapped_pair_breaks_the_order_of_the_chain(people, prior):
    swapped = people[:20, :, :2].copy()
    swapped[:, [28, 29]] = swapped[:, [29, 28]]
    cost = structure_loss(outputs(swapped, 2), targets(people[:20]), None, prior).item()
    assert cost > 1


def test_a_labelled_bend_is_not_pulled_straight(prior):
    """What the published post-filter got wrong: it straightened true curvature."""
    rng = np.random.default_rng(1)
    bent = np.stack([person(rng, 0.1, 0.1) for _ in range(10)])
    angle = np.linspace(-0.9, 0.9, 8)
    steps = 95 * (SHARES / SHARES.sum())[:, None] * np.stack([np.sin(angle), -np.cos(angle)], -1)
    bent[:, list(SPINE_IDS), :2] = np.array([96, 150]) + np.r_[np.zeros((1, 2)), np.cumsum(steps, 0)]
    straight = bent[..., :2].copy()
    ends = bent[:, [19, 36], :2]
    along = np.r_[0, np.cumsum(SHARES / SHARES.sum())]
    straight[:, list(SPINE_IDS)] = ends[:, :1] + along[:, None] * (ends[:, 1:] - ends[:, :1])
    for loss in (structure_loss, smoothness_loss):
        assert loss(outputs(bent[..., :2], 2), targets(bent), None, prior) < loss(
            outputs(straight, 2), targets(bent), None, prior
        )


def test_terms_scale_with_the_person(prior):
    """A person twice as large, wrong by twice as much, costs the same."""
    rng = np.random.default_rng(2)
    small = np.stack([person(rng) for _ in range(20)])
    small[..., :2] = (small[..., :2] - [96, 150]) * 0.45 + [96, 150]
    wrong = spine(small, rng.normal(0, 2, (20, 9, 2)))
    large = small.copy()
    large[..., :2] = (small[..., :2] - [96, 150]) * 2 + [96, 150]
    twice = (wrong - [96, 150]) * 2 + [96, 150]
    for loss in (structure_loss, smoothness_loss):
        one = loss(outputs(wrong, 2), targets(small), None, prior).item()
        two = loss(outputs(twice, 2), targets(large), None, prior).item()
        assert one == pytest.approx(two, rel=0.15) and one > 0.01


def test_without_labels_only_the_prior_and_an_anchored_trunk_speak(people, prior):
    zigzag = np.zeros((9, 2))
    zigzag[1::2, 0] = 12
    said = outputs(spine(people[:5], zigzag), 2)
    unlabelled = targets(people[:5], torch.zeros(5, 37))
    mask = torch.zeros(5, 37)
    mask[:, [5, 12]] = 1  # a shoulder and a hip
    soft = TeacherTargets(torch.zeros(0), torch.zeros(0), mask)
    for loss in (structure_loss, smoothness_loss):
        assert loss(said, unlabelled, None, prior).item() == 0
        assert loss(said, unlabelled, soft, None).item() == 0
        assert loss(said, unlabelled, soft, prior).item() > 0.1
    end_on = people[:5, :, :2].copy()
    end_on[:, list(SPINE_IDS)] = 100 + 0.1 * (end_on[:, list(SPINE_IDS)] - 100)
    assert structure_loss(outputs(end_on, 2), unlabelled, soft, prior).item() < 1e-6  # seen end-on: says nothing


def test_gradient_descent_on_the_regularisers_mends_the_chain(people, prior):
    rng = np.random.default_rng(4)
    unlabelled = targets(people[:8], torch.zeros(8, 37))
    mask = torch.zeros(8, 37)
    mask[:, [5, 11]] = 1
    soft = TeacherTargets(torch.full((8, 37, 384), 1 / 384), torch.full((8, 37, 512), 1 / 512), mask)
    said = outputs(spine(people[:8], rng.normal(0, 4, (8, 9, 2))), 2)
    logits = [v.clone().requires_grad_() for v in said[:2]]
    optimiser = torch.optim.Adam(logits, lr=0.02)
    weights = LossWeights(position=0, distillation=0, structure=1, smoothness=1)
    first = last = None
    for _ in range(100):
        loss, terms = total_loss(Outputs(*logits), unlabelled, soft, weights, prior)
        optimiser.zero_grad()
        loss.backward()
        assert all(torch.isfinite(v.grad).all() for v in logits)
        optimiser.step()
        first, last = first or terms, terms
    assert last["structure"] < 0.5 * first["structure"] and last["total"] < 0.6 * first["total"]


# The sum ------------------------------------------------------------------------------------------


def test_the_sum_is_what_the_weights_say_and_every_term_can_be_switched_off(people, prior):
    true = targets(people[:4])
    out = outputs(people[:4, :, :2] + np.random.default_rng(0).normal(0, 3, (4, 37, 2)))
    soft = TeacherTargets(*(p.exp() for p in axis_log_probabilities(outputs(people[:4, :, :2]))), torch.ones(4, 37))
    total, terms = total_loss(out, true, soft, None, prior)
    names = ("position", "distillation", "structure", "smoothness")
    assert set(terms) == {*names, "total"}
    by_hand = sum(w * terms[n] for n, w in zip(names, (1, 2.5, 0.1, 0.5), strict=True))
    assert total.item() == pytest.approx(by_hand.item(), rel=1e-5)
    for name in names:
        assert name not in total_loss(out, true, soft, LossWeights(**{name: 0.0}), prior)[1]


def test_decoded_models_are_taught_by_their_heatmaps(people):
    heat = torch.randn(2, 37, 64, 48, requires_grad=True)
    from synthgen.spinepose.heatmap import Marginals

    out = Outputs(*Marginals(SIZE)(heat), heat, decoded=True)
    total, terms = total_loss(out, targets(people[:2]), weights=LossWeights(structure=0, smoothness=0))
    assert terms["position"].item() == pytest.approx(heatmap_loss(out, targets(people[:2])).item())
    for p in axis_log_probabilities(out):
        torch.testing.assert_close(p.exp().sum(-1), torch.ones(2, 37), atol=1e-4, rtol=0)
    total.backward()
    assert heat.grad.abs().sum() > 0


def test_autocast_does_not_change_the_loss(people, prior):
    out, true = outputs(people[:2, :, :2] + 2), targets(people[:2])
    heat = torch.randn(2, 37, 64, 48)
    plain = [total_loss(o, true, None, None, prior)[0] for o in (out, out._replace(heatmaps=heat))]
    with torch.autocast("cpu", torch.bfloat16):
        cast = [total_loss(o, true, None, None, prior)[0] for o in (out, out._replace(heatmaps=heat))]
    assert plain == cast


def test_nothing_labelled_is_zero_and_differentiable(people):
    out = Outputs(*(v.requires_grad_() for v in outputs(people[:2, :, :2])[:2]))
    total, _ = total_loss(out, targets(people[:2], torch.zeros(2, 37)))
    total.backward()
    assert total.item() == 0 and torch.isfinite(out.simcc_x.grad).all()
